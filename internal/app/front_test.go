// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
)

func TestProxiesAreBelievedAndNobodyElse(t *testing.T) {
	var got *http.Request
	h := behind([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("127.0.0.1/32")}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	for name, c := range map[string]struct {
		from       string
		headers    map[string]string
		addr, host string
		tls        bool
	}{
		"a proxy":           {"10.0.0.5:1", map[string]string{"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "store.example"}, "192.0.2.9:0", "store.example", true},
		"a proxy over IPv6": {"[::ffff:10.0.0.5]:1", map[string]string{"X-Forwarded-For": "2001:db8::1"}, "[2001:db8::1]:0", "inner", false},
		"two of our own":    {"127.0.0.1:1", map[string]string{"X-Forwarded-For": "192.0.2.9, 10.0.0.7"}, "192.0.2.9:0", "inner", false},
		"made up before":    {"127.0.0.1:1", map[string]string{"X-Forwarded-For": "127.0.0.1, 192.0.2.9"}, "192.0.2.9:0", "inner", false},
		"nonsense":          {"127.0.0.1:1", map[string]string{"X-Forwarded-For": "unknown, <b>", "X-Forwarded-Proto": "ftp"}, "127.0.0.1:1", "inner", false},
		"anybody":           {"192.0.2.1:1", map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "localhost", "Forwarded": "for=127.0.0.1"}, "192.0.2.1:1", "inner", false},
	} {
		r := httptest.NewRequest("GET", "http://inner/", nil)
		r.RemoteAddr = c.from
		for k, v := range c.headers {
			r.Header.Set(k, v)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got.RemoteAddr != c.addr || got.Host != c.host || (got.TLS != nil) != c.tls {
			t.Errorf("%s: from %s at %s, TLS %v", name, got.RemoteAddr, got.Host, got.TLS != nil)
		}
		if got.Header.Get("X-Forwarded-For")+got.Header.Get("Forwarded")+got.Header.Get("X-Forwarded-Host") != "" {
			t.Errorf("%s: the headers are passed on", name)
		}
	}
}

func TestNetworkConfigurations(t *testing.T) {
	for text, want := range map[string]string{
		"listen: 0.0.0.0:7117\nnames: [store.lan]\ntls: {from: own}":                                               "",
		"listen: :443\nnames: [store.example]\ntls: {from: acme, email: a@b.example, plain: ':80'}":                "",
		"listen: 127.0.0.1:7117\norigin: https://store.example\nproxies: [127.0.0.1, 10.0.0.0/8, '2001:db8::/32']": "",
		"listen: 0.0.0.0:7117\nnames: [store.lan]":                                                                 "listen",
		"listen: 0.0.0.0:7117\ntls: {from: own}":                                                                   "names",
		"listen: 0.0.0.0:7117\nnames: [192.168.1.2]\ntls: {from: own}":                                             "names",
		"names: ['store.lan:7117']":                                                                                "names[0]",
		"names: [Store.lan]":                                                                                       "names[0]",
		"names: ['*.lan']":                                                                                         "names[0]",
		"names: [a.lan, 'b lan']":                                                                                  "names[1]",
		"tls: {from: magic}":                                                                                       "tls.from",
		"tls: {plain: '0.0.0.0:80'}":                                                                               "tls.from",
		"names: [store.lan]\ntls: {from: own, plain: '80'}":                                                        "tls.plain",
		"proxies: [everybody]":                                                                                     "proxies[0]",
		"proxies: [10.0.0.0/33]":                                                                                   "proxies[0]",
		"origin: store.example":                                                                                    "origin",
		"origin: https://store.example/console":                                                                    "origin",
		"origin: javascript://store.example":                                                                       "origin",
		"tls: {from: own, cipher: none}":                                                                           "tls.cipher",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ConfigFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadConfig(dir)
		if want == "" && err != nil || want != "" && (!sashlock.IsKind(err, sashlock.Invalid) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// A store node on a network: encrypted, by its names, with a page in the clear
// that helps to trust it and leads everything else to the encrypted address.
func TestAStoreOnANetwork(t *testing.T) {
	data := t.TempDir()
	if _, err := Init(data); err != nil {
		t.Fatal(err)
	}
	config := Config{Data: data, JournalSize: 1 << 20, Names: []string{"store.lan"}, TLS: TLS{From: "own", Plain: "127.0.0.1:0"}}
	h, err := New(t.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Stop()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	front, err := h.Front(l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- ServeAll(ctx, Answer{tls.NewListener(l, front.TLS), front.Net}, Answer{plain, front.Plain})
	}()
	roots := x509.NewCertPool()
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
				_, port, _ := net.SplitHostPort(addr)
				return (&net.Dialer{}).DialContext(ctx, "tcp", "127.0.0.1:"+port)
			}},
	}
	ask := func(method, url string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(text)
	}
	_, port, _ := net.SplitHostPort(plain.Addr().String())
	clear := "http://store.lan:" + port
	if resp, page := ask("GET", clear+"/trust"); resp.StatusCode != 200 || !strings.Contains(page, front.Trust) {
		t.Errorf("the page: %d\n%s", resp.StatusCode, page)
	}
	_, certificate := ask("GET", clear+"/trust/sashlock.pem")
	if !roots.AppendCertsFromPEM([]byte(certificate)) {
		t.Fatalf("no certificate: %s", certificate)
	}
	if resp, _ := ask("GET", clear+"/alarms?x=1"); resp.Header.Get("Location") != front.URL+"/alarms?x=1" {
		t.Errorf("in the clear one is led to %q", resp.Header.Get("Location"))
	}
	if resp, _ := ask("POST", clear+"/signin/code"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a form in the clear: %d", resp.StatusCode)
	}
	if resp, _ := ask("GET", "http://evil.lan:"+port+"/trust"); resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("by another name: %d", resp.StatusCode)
	}
	resp, _ := ask("GET", front.URL+"/healthz")
	if resp.StatusCode != 200 || resp.ProtoMajor != 2 || resp.TLS.Version != tls.VersionTLS13 || resp.TLS.CurveID != tls.X25519MLKEM768 {
		t.Errorf("encrypted: %d %s %x %v", resp.StatusCode, resp.Proto, resp.TLS.Version, resp.TLS.CurveID)
	}
	client.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("serving ended with %v", err)
	}
}
