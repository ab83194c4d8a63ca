// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/console/enter"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/tlskeys"
)

// Connection is how programs on this machine reach a running store node. It is
// written into the data folder, readable by its owner only: whoever can read
// that folder owns the store anyway.
type Connection struct {
	URL     string    `json:"url"`
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// ConnectionFile is its name in the data folder.
const ConnectionFile = "connect.json"

// connectionLife is how long the token of a connection file is valid; every
// start makes a new one.
const connectionLife = 30 * 24 * time.Hour

// Serve answers on a listener until the context ends.
func Serve(ctx context.Context, handler http.Handler, l net.Listener) error {
	s := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx }, // ends streams when we stop
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		stopped <- s.Shutdown(grace)
	}()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// Answer is a handler and what it listens on.
type Answer struct {
	Listener net.Listener
	Handler  http.Handler
}

// ServeAll is [Serve] for several at once. When one fails all end.
func ServeAll(ctx context.Context, all ...Answer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, len(all))
	for _, a := range all {
		go func() {
			err := Serve(ctx, a.Handler, a.Listener)
			stop()
			ended <- err
		}()
	}
	var errs []error
	for range all {
		errs = append(errs, <-ended)
	}
	return errors.Join(errs...)
}

// Connect issues a token with every scope and writes the connection file.
//
// The token of an earlier start is revoked: a copy of it opens nothing more.
func (h *House) Connect(ctx context.Context, url, file string) (Connection, error) {
	path := filepath.Join(h.Config.Data, file)
	if err := h.disconnect(ctx, path); err != nil {
		return Connection{}, err
	}
	t, secret, err := h.Signin.Issue(ctx, "", "this machine", signin.Scopes(), connectionLife)
	if err != nil {
		return Connection{}, err
	}
	c := Connection{URL: url, Token: secret, Expires: t.Expires}
	return c, writeConnection(path, c)
}

// disconnect revokes the token of a connection file, if there is one and it is
// still valid.
func (h *House) disconnect(ctx context.Context, path string) error {
	old, err := ReadConnection(path)
	if err != nil {
		return nil //nolint:nilerr // a file that cannot be read gives nobody a token
	}
	t, err := h.Signin.Check(ctx, old.Token)
	if err != nil {
		return nil //nolint:nilerr // it is not valid any more
	}
	return h.Signin.Revoke(ctx, "", t.ID)
}

func writeConnection(path string, c Connection) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return writeNew(path, append(text, '\n'))
}

// ReadConnection reads a connection file.
func ReadConnection(path string) (Connection, error) {
	var c Connection
	text, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading connection", Subject: path, Hint: "start the store node again: this file is damaged", Err: err}
	}
	return c, nil
}

// loopbackOnly refuses what a browser was tricked into sending: requests that
// name another host than this machine (DNS rebinding), and cross-origin writes.
func loopbackOnly(next http.Handler) http.Handler { return answersTo(nil, next) }

// answersTo is the guard for a store node with names: requests have to name
// one of them or this machine.
func answersTo(names []string, next http.Handler) http.Handler {
	sameOrigin := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostOf(r.Host)
		if !isLoopback(host) && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, host) }) {
			http.Error(w, "This store node does not answer to this name. Its names are in its configuration.", http.StatusMisdirectedRequest)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		sameOrigin.ServeHTTP(w, r)
	})
}

// hostOf is the host of a Host header, without its port.
func hostOf(header string) string {
	host, _, err := net.SplitHostPort(header)
	if err != nil {
		return strings.Trim(header, "[]")
	}
	return host
}

// behind believes what trusted proxies say about where a request came from:
// from there on it looks as if it had come without them. From anybody else
// such headers are dropped.
func behind(proxies []netip.Prefix, next http.Handler) http.Handler {
	trusted := func(addr netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if err == nil && trusted(from.Addr()) {
			r = asForwarded(r, trusted)
		}
		for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"} {
			r.Header.Del(name)
		}
		next.ServeHTTP(w, r)
	})
}

// asForwarded is a request as the first proxy got it. Of the addresses in
// X-Forwarded-For only those that our proxies wrote count: from the end, up to
// and with the first that is not one of them.
func asForwarded(r *http.Request, trusted func(netip.Addr) bool) *http.Request {
	r = r.Clone(r.Context())
	list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(list) {
		addr, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil {
			break
		}
		r.RemoteAddr = netip.AddrPortFrom(addr, 0).String()
		if !trusted(addr) {
			break
		}
	}
	if host := r.Header.Get("X-Forwarded-Host"); host != "" {
		r.Host = host
	}
	if r.TLS == nil && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		r.TLS = &tls.ConnectionState{ServerName: hostOf(r.Host)} // cookies and passkeys have to know
	}
	return r
}

// Front is how a store node faces its network.
type Front struct {
	URL   string       // how browsers reach it
	Local http.Handler // for programs on this machine, without encryption
	Net   http.Handler // for everybody
	TLS   *tls.Config  // nil: what listens is not reached by other machines
	Plain http.Handler // what is answered without encryption to other machines; nil: nothing
	Trust string       // fingerprint of the store's own authority, to compare; empty: it has none
}

// Front builds what answers the network. The address is what is listened on.
func (h *House) Front(address net.Addr) (Front, error) {
	var own *tlskeys.Authority
	var f Front
	c := h.Config
	switch c.TLS.From {
	case "own":
		var err error
		if own, err = tlskeys.Open(keyFolder(c.Data), c.Names, h.Now); err != nil {
			return f, err
		}
		f.TLS, f.Trust = tlskeys.Config(own.Certificate), own.Fingerprint()
		trust := enter.Authority{PEM: own.PEM(), DER: own.DER(), Fingerprint: own.Fingerprint()}
		h.MountPages(func(frame *console.Frame) { enter.MountTrust(frame, trust) })
	case "acme":
		keeper, err := tlskeys.ACME(tlskeys.ACMEOptions{
			Directory: c.TLS.Directory, Root: c.TLS.Root, Email: c.TLS.Email, Names: c.hosts(), Folder: filepath.Join(keyFolder(c.Data), "acme"),
		})
		if err != nil {
			return f, err
		}
		f.TLS = keeper.Config()
		f.Plain = keeper.Prove(nil)
	}
	var proxies []netip.Prefix
	for _, text := range c.Proxies {
		p, err := network(text)
		if err != nil {
			return f, err
		}
		proxies = append(proxies, p)
	}
	f.URL = c.url(address)
	paths := h.paths()
	names := c.Names
	if u, err := url.Parse(c.Origin); err == nil && u.Host != "" {
		names = append(slices.Clone(names), u.Hostname())
	}
	f.Local, f.Net = loopbackOnly(paths), behind(proxies, answersTo(names, paths))
	if own != nil {
		f.Plain = answersTo(names, plainly(paths, f.URL))
	}
	if c.TLS.Plain == "" {
		f.Plain = nil
	}
	return f, nil
}

// hosts are the names that are no addresses.
func (c Config) hosts() []string {
	return slices.DeleteFunc(slices.Clone(c.Names), func(n string) bool { return net.ParseIP(n) != nil })
}

// url is how browsers reach a store node that listens on an address.
func (c Config) url(address net.Addr) string {
	if c.Origin != "" {
		return c.Origin
	}
	host, port, err := net.SplitHostPort(address.String())
	if hosts := c.hosts(); len(hosts) > 0 {
		host = hosts[0]
	}
	if err != nil || c.TLS.From == "" {
		return "http://" + address.String()
	}
	if port == "443" {
		return "https://" + host
	}
	return "https://" + net.JoinHostPort(host, port)
}

// Address is how browsers reach a store node that programs on its machine
// reach at an address.
func (c Config) Address(local string) string {
	_, port, err := net.SplitHostPort(c.Listen)
	switch {
	case c.Origin != "":
		return c.Origin
	case c.TLS.From == "" || err != nil:
		return local
	}
	return c.url(&net.TCPAddr{Port: portNumber(port)})
}

func portNumber(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0 // then the address says so
	}
	return n
}

// plainly answers without encryption to those who cannot check ours yet: with
// the page that explains how to trust it, and a way to everything else.
func plainly(paths http.Handler, there string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case reads && (r.URL.Path == "/trust" || strings.HasPrefix(r.URL.Path, "/trust/") || strings.HasPrefix(r.URL.Path, "/static/")):
			r = r.Clone(r.Context())
			r.Header.Del("Cookie") // nobody is signed in where others can listen
			paths.ServeHTTP(w, r)
		case r.Method == http.MethodPost && r.URL.Path == "/language":
			paths.ServeHTTP(w, r)
		case reads && r.URL.Path == "/":
			http.Redirect(w, r, "/trust", http.StatusSeeOther)
		case reads:
			http.Redirect(w, r, there+r.URL.RequestURI(), http.StatusSeeOther)
		default:
			http.Error(w, "Send this to "+there+".", http.StatusForbidden)
		}
	})
}

// LogStart says where the store node answers.
func (h *House) LogStart(addr string) { h.Log.Info("store node started", logkey.Addr(addr)) }
