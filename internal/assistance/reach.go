// SPDX-License-Identifier: Apache-2.0

package assistance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// The rules of reaching out are:
//
//   - Only to https, and without name and password in the address.
//   - Only to addresses of the Internet. What a name stands for is looked at
//     when it is dialled, so that a name that changes its mind gets nowhere.
//   - A redirection is not followed, and no proxy is used.
//   - Exceptions are named one by one, by address and port.

const (
	dialWithin = 5 * time.Second
	sendWithin = 10 * time.Second
)

// services are push services of our own network.
type services struct {
	at    map[netip.AddrPort]bool
	roots *x509.CertPool
}

// Allow lets messages go to a push service of the store's own network, whose
// certificate the roots vouch for.
func (r *Room) Allow(at netip.AddrPort, roots *x509.CertPool) {
	r.inside.Store(&services{at: map[netip.AddrPort]bool{at: true}, roots: roots})
}

func (s *services) has(at netip.AddrPort) bool { return s != nil && s.at[at] }

// ours are addresses that look public and lead to somebody's own network, or
// nowhere (IANA special-purpose registries).
var ours = []string{
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
}

// public reports whether an address is one of the Internet.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, text := range ours {
		if netip.MustParsePrefix(text).Contains(a) {
			return false
		}
	}
	return true
}

// mayReach reports whether an endpoint may be sent to, as far as its spelling
// tells.
func (r *Room) mayReach(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Hostname() == "" || u.Fragment != "" {
		return false
	}
	if at, err := netip.ParseAddrPort(u.Host); err == nil {
		return r.inside.Load().has(at) || at.Port() == 443 && public(at.Addr())
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		return public(a)
	}
	return u.Port() == "" || u.Port() == "443"
}

var errInside = errors.New("the address is one of our own network")

// client is what messages are sent with.
func (r *Room) client() *http.Client {
	inside := r.inside.Load()
	dialer := net.Dialer{Timeout: dialWithin, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		if !public(at.Addr()) && !inside.has(netip.AddrPortFrom(at.Addr().Unmap(), at.Port())) {
			return errInside
		}
		return nil
	}}
	t := &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: dialWithin, ResponseHeaderTimeout: sendWithin, DisableKeepAlives: true, ForceAttemptHTTP2: true}
	if inside != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: inside.roots, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: t, Timeout: sendWithin, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
