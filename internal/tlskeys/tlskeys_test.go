// SPDX-License-Identifier: Apache-2.0

package tlskeys

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
)

func open(t *testing.T, folder string, now func() time.Time, names ...string) *Authority {
	t.Helper()
	a, err := Open(folder, names, now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// shake shakes hands over a connection in memory.
func shake(t *testing.T, a *Authority, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	here, there := net.Pipe()
	defer here.Close()
	served := make(chan error, 1)
	go func() {
		s := tls.Server(there, Config(a.Certificate))
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("."))
		}
		served <- errors.Join(err, there.Close())
	}()
	c := tls.Client(here, client)
	err := c.Handshake()
	if err == nil {
		_, err = io.ReadFull(c, make([]byte, 1))
	}
	here.Close()
	<-served
	return c.ConnectionState(), err
}

func trusting(a *Authority, name string, now func() time.Time) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(a.PEM())
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, ServerName: name, Time: now}
}

func TestWhoTrustsTheAuthorityReachesTheStore(t *testing.T) {
	a := open(t, t.TempDir(), time.Now, "store.lan", "192.168.1.20", "fd00::7")
	for _, name := range []string{"store.lan", "192.168.1.20", "fd00::7", "localhost", "127.0.0.1"} {
		state, err := shake(t, a, trusting(a, name, time.Now))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if state.Version != tls.VersionTLS13 || state.CurveID != tls.X25519MLKEM768 {
			t.Errorf("%s: version %x, key exchange %v", name, state.Version, state.CurveID)
		}
	}
	if _, err := shake(t, a, trusting(a, "other.lan", time.Now)); err == nil {
		t.Error("another name was believed")
	}
	if _, err := shake(t, a, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: "store.lan", RootCAs: x509.NewCertPool()}); err == nil {
		t.Error("who does not trust the authority was satisfied")
	}
	old := trusting(a, "store.lan", time.Now)
	old.MaxVersion = tls.VersionTLS12
	if _, err := shake(t, a, old); err == nil {
		t.Error("TLS 1.2 was spoken")
	}
}

// An authority that phones trust must not be able to vouch for anything else.
func TestTheAuthorityIsForItsNamesOnly(t *testing.T) {
	folder := t.TempDir()
	a := open(t, folder, time.Now, "store.lan")
	for _, name := range []string{"bank.example", "10.1.1.1"} {
		a.names, a.leaf = always([]string{name}), nil // as a thief of its key would
		if _, err := shake(t, a, trusting(a, name, time.Now)); err == nil {
			t.Errorf("%s was believed", name)
		}
	}
	if _, err := Open(folder, []string{"store.lan", "till.lan"}, time.Now); !sashlock.IsKind(err, sashlock.Conflict) || !strings.Contains(err.Error(), "till.lan") {
		t.Errorf("with a new name: %v", err)
	}
	if _, err := Open(folder, []string{"store.lan", "192.168.7.7"}, time.Now); !sashlock.IsKind(err, sashlock.Conflict) {
		t.Errorf("with a new address: %v", err)
	}
}

func TestTheCertificateIsRenewedByItself(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	a := open(t, t.TempDir(), clock, "store.lan")
	first, err := a.Certificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(renewAfter - time.Second)
	if same, err := a.Certificate(nil); err != nil || same != first {
		t.Errorf("renewed too early, or %v", err)
	}
	for range 40 { // over three years
		now = now.Add(LeafLife)
		if _, err := shake(t, a, trusting(a, "store.lan", clock)); err != nil {
			t.Fatalf("at %v: %v", now, err)
		}
	}
	if last, err := a.Certificate(nil); err != nil || last == first {
		t.Errorf("never renewed, or %v", err)
	}
}

func TestTheAuthorityIsKept(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "keys")
	a := open(t, folder, time.Now, "store.lan")
	b := open(t, folder, time.Now, "store.lan")
	if a.Fingerprint() != b.Fingerprint() || len(a.Fingerprint()) != 95 {
		t.Errorf("fingerprints %s and %s", a.Fingerprint(), b.Fingerprint())
	}
	for _, name := range []string{CertificateFile, keyFile} {
		path := filepath.Join(folder, name)
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		kept, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, damaged := range []string{"", "nonsense", string(kept[:len(kept)/2]), strings.Replace(string(kept), "M", "N", 1)} {
			if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(folder, []string{"store.lan"}, time.Now); !sashlock.IsKind(err, sashlock.Invalid) {
				t.Errorf("%s damaged: %v", name, err)
			}
		}
		if err := os.WriteFile(path, kept, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	other := open(t, t.TempDir(), time.Now, "store.lan")
	if other.Fingerprint() == a.Fingerprint() {
		t.Error("two stores share an authority")
	}
	if err := os.WriteFile(filepath.Join(folder, CertificateFile), other.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(folder, []string{"store.lan"}, time.Now); !sashlock.IsKind(err, sashlock.Invalid) {
		t.Errorf("with the certificate of another store: %v", err)
	}
}

func TestACMEReadsItsRoot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.pem")
	if _, err := ACME(ACMEOptions{Root: path}); !sashlock.IsKind(err, sashlock.Invalid) {
		t.Errorf("without the file: %v", err)
	}
	if err := os.WriteFile(path, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ACME(ACMEOptions{Root: path}); !sashlock.IsKind(err, sashlock.Invalid) {
		t.Errorf("without a certificate: %v", err)
	}
}
