// SPDX-License-Identifier: Apache-2.0

package tlskeys

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// peer is a real ACME authority: Pebble, from peers/pebble.
type peer struct {
	directory, root string
	issuer          *x509.CertPool // whoever trusts it trusts the certificates
}

// program builds the peer, once for all tests. Where that cannot be the test is
// skipped.
var program = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "sashlock-pebble-")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", folder, ".")
	build.Dir = "../../peers/pebble"
	if out, err := build.CombinedOutput(); err != nil {
		return folder, fmt.Errorf("building the peer: %w\n%s", err, out)
	}
	return filepath.Join(folder, "pebble"), nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if os.Getenv("SASHLOCK_PEERS") == "1" {
		if path, err := program(); err == nil {
			_ = os.RemoveAll(filepath.Dir(path))
		}
	}
	os.Exit(code)
}

// startPeer starts the peer, which visits names on the given ports, and stops it
// when the test ends.
func startPeer(t *testing.T, tlsPort, httpPort string, life time.Duration) *peer {
	t.Helper()
	if os.Getenv("SASHLOCK_PEERS") != "1" {
		if os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal("the real ACME authority needs SASHLOCK_PEERS=1")
		}
		t.Skip("the real ACME authority needs SASHLOCK_PEERS=1: make test sees to it")
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	process := exec.Command(path)
	process.Env = append(os.Environ(), "ACME_TLS_PORT="+tlsPort, "ACME_HTTP_PORT="+httpPort, "ACME_LIFE="+life.String(), "TMPDIR="+t.TempDir())
	var said strings.Builder
	process.Stderr = &said
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		if err := process.Wait(); err != nil {
			t.Errorf("the peer: %v", err)
		}
		if t.Failed() {
			t.Log(said.String())
		}
	})
	lines := bufio.NewScanner(out)
	lines.Scan()
	p := &peer{issuer: x509.NewCertPool()}
	var issuer string
	if n, err := fmt.Sscanf(lines.Text(), "ready directory=%s root=%s issuer=%s", &p.directory, &p.root, &issuer); n != 3 {
		t.Fatalf("the peer's line %q: %v", lines.Text(), err)
	}
	if text, err := os.ReadFile(issuer); err != nil || !p.issuer.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	return p
}

// node is a store node with a certificate by ACME, as far as this test needs it.
type node struct {
	t      *testing.T
	keeper *ACMEKeeper
	addr   string
}

// listener is a free port of this machine, taken.
func listener(t *testing.T) (net.Listener, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// newNode answers on a port with a keeper's certificates.
func newNode(t *testing.T, on net.Listener, o ACMEOptions) *node {
	t.Helper()
	keeper, err := ACME(o)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{TLSConfig: keeper.Config(), Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go server.ServeTLS(on, "", "") //nolint:errcheck // it ends with its listener
	t.Cleanup(func() { server.Close() })
	return &node{t: t, keeper: keeper, addr: on.Addr().String()}
}

// shown is the certificate that somebody is shown who asks for a host, once it
// was checked as a browser does, at a moment when it is valid.
func (n *node) shown(host string, trusted *x509.CertPool) (*x509.Certificate, error) {
	n.t.Helper()
	ctx, stop := context.WithTimeout(n.t.Context(), time.Minute)
	defer stop()
	dialer := tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, InsecureSkipVerify: true}}
	c, err := dialer.DialContext(ctx, "tcp", n.addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	chain := c.(*tls.Conn).ConnectionState().PeerCertificates
	between := x509.NewCertPool()
	for _, one := range chain[1:] {
		between.AddCert(one)
	}
	_, err = chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: trusted, Intermediates: between, CurrentTime: chain[0].NotBefore.Add(time.Second)})
	return chain[0], err
}

const name = "store.example"

// TestPebble gets certificates from a real ACME authority, which visits the name
// to see that it is ours.
func TestPebble(t *testing.T) {
	t.Run("proves by TLS and is kept", provesByTLS)
	t.Run("proves on port 80", provesByHTTP)
	t.Run("is renewed by itself", renews)
	t.Run("is for nobody else's name", foreignNames)
}

func provesByTLS(t *testing.T) {
	on, port := listener(t)
	p := startPeer(t, port, "1", time.Hour)
	o := ACMEOptions{Directory: p.directory, Root: p.root, Email: "it@store.example", Names: []string{name}, Folder: filepath.Join(t.TempDir(), "acme")}
	n := newNode(t, on, o)
	leaf, err := n.shown(name, p.issuer)
	if err != nil || !slices.Equal(leaf.DNSNames, []string{name}) {
		t.Fatalf("%+v, %v", leaf, err)
	}
	if again, err := n.shown(name, p.issuer); err != nil || !again.Equal(leaf) {
		t.Errorf("the next visitor is shown another: %v", err)
	}
	files, err := os.ReadDir(o.Folder)
	if err != nil || len(files) < 2 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
	// After a restart, with the authority out of reach, it is still there.
	o.Directory = "https://127.0.0.1:1/dir"
	on, _ = listener(t)
	if kept, err := newNode(t, on, o).shown(name, p.issuer); err != nil || !kept.Equal(leaf) {
		t.Errorf("after a restart: %v", err)
	}
	// An authority that cannot show who it is is not asked.
	on, _ = listener(t)
	doubtful := ACMEOptions{Directory: p.directory, Names: []string{name}, Folder: t.TempDir()}
	if _, err := newNode(t, on, doubtful).shown(name, p.issuer); err == nil {
		t.Error("an authority was believed that could be anybody")
	}
}

func provesByHTTP(t *testing.T) {
	closed, closedPort := listener(t) // where TLS-ALPN-01 finds nobody
	closed.Close()
	on, _ := listener(t)
	var n *node
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host, _, _ = strings.Cut(r.Host, ":") // on port 80 nobody names the port
		n.keeper.Prove(nil).ServeHTTP(w, r)
	}))
	t.Cleanup(plain.Close)
	p := startPeer(t, closedPort, plain.Listener.Addr().String()[len("127.0.0.1:"):], time.Hour)
	n = newNode(t, on, ACMEOptions{Directory: p.directory, Root: p.root, Names: []string{name}, Folder: t.TempDir()})
	n.keeper.Prove(nil) // as a store node does at its start
	if leaf, err := n.shown(name, p.issuer); err != nil || !slices.Equal(leaf.DNSNames, []string{name}) {
		t.Errorf("%+v, %v", leaf, err)
	}
}

// renews lets certificates live for nine seconds: the next one is fetched when
// a third of its life is left, while visitors come.
func renews(t *testing.T) {
	on, port := listener(t)
	p := startPeer(t, port, "1", 9*time.Second)
	n := newNode(t, on, ACMEOptions{Directory: p.directory, Root: p.root, Names: []string{name}, Folder: t.TempDir()})
	first, err := n.shown(name, p.issuer)
	if err != nil {
		t.Fatal(err)
	}
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for began := time.Now(); ; <-look.C {
		now, err := n.shown(name, p.issuer)
		if err != nil {
			t.Fatalf("after %s: %v", time.Since(began), err)
		}
		if !now.Equal(first) {
			if !now.NotAfter.After(first.NotAfter) || now.SerialNumber.Cmp(first.SerialNumber) == 0 {
				t.Errorf("the new one is valid until %s, the old one until %s", now.NotAfter, first.NotAfter)
			}
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatal("it was not renewed")
		}
	}
}

func foreignNames(t *testing.T) {
	store, port := listener(t)
	p := startPeer(t, port, "1", time.Hour)
	folder := t.TempDir()
	n := newNode(t, store, ACMEOptions{Directory: p.directory, Root: p.root, Names: []string{name}, Folder: folder})
	for _, other := range []string{"other.example", "sub." + name, "store", "127.0.0.1", "store.example.evil.example"} {
		if leaf, err := n.shown(other, p.issuer); err == nil {
			t.Errorf("asked for %s it shows %v", other, leaf.DNSNames)
		}
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) > 0 {
		t.Errorf("the authority was asked for names that are not ours: %v, %v", files, err)
	}
	// Somebody who claims the name without answering under it gets nothing: the
	// authority visits the store.
	elsewhere, _ := listener(t)
	thief := t.TempDir()
	if _, err := newNode(t, elsewhere, ACMEOptions{Directory: p.directory, Root: p.root, Names: []string{"thief.example"}, Folder: thief}).shown("thief.example", p.issuer); err == nil {
		t.Error("a certificate for a name that leads to the store was given to somebody else")
	}
	if _, err := os.Stat(filepath.Join(thief, "thief.example")); err == nil {
		t.Error("a certificate lies there")
	}
	if leaf, err := n.shown(name, p.issuer); err != nil || !slices.Equal(leaf.DNSNames, []string{name}) {
		t.Errorf("for its own name: %v", err)
	}
}
