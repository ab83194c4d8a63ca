// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"rsc.io/qr"

	"github.com/sashlock/sashlock/internal/app"
)

// The rules of the demo on the local network are:
//
//   - Only the demo does this: what it opens is simulated. It is plain HTTP,
//     because a phone has no reason to trust a certificate made a second ago.
//   - It answers on the private addresses of this machine and on no other.
//   - Who has the link gets in; the link sets a cookie, and without either
//     nothing is shown.
//   - A request has to name the very address that it came to, and a change has
//     to come from a page of that address.

// linkCookie holds the secret of the link, in the browser that followed it.
const linkCookie = "sashlock_demo_link"

// neighbours is the demo as the local network sees it.
type neighbours struct {
	next   http.Handler
	local  string // the address on this machine under which the house answers
	secret string
}

func newNeighbours(next http.Handler, local string) *neighbours {
	var secret [15]byte
	_, _ = rand.Read(secret[:]) // never fails: it stops the program instead
	return &neighbours{next: next, local: local, secret: base64.RawURLEncoding.EncodeToString(secret[:])}
}

// link is what a phone follows.
func (n *neighbours) link(addr string) string {
	return "http://" + addr + "/demo/phone?link=" + n.secret
}

// at answers what comes to one address.
func (n *neighbours) at(addr string) http.Handler {
	inside := http.HandlerFunc(n.inside)
	guarded := http.NewCrossOriginProtection().Handler(inside)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != addr {
			http.Error(w, "This demo answers under its own address only.", http.StatusMisdirectedRequest)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// inside lets in who has the link.
func (n *neighbours) inside(w http.ResponseWriter, r *http.Request) {
	if given := r.URL.Query().Get("link"); n.right(given) && r.Method == http.MethodGet {
		http.SetCookie(w, &http.Cookie{Name: linkCookie, Value: given, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		http.Redirect(w, r, r.URL.EscapedPath(), http.StatusSeeOther)
		return
	}
	if c, err := r.Cookie(linkCookie); err != nil || !n.right(c.Value) {
		http.Error(w, "Follow the link that the demo printed: scan its code again.", http.StatusForbidden)
		return
	}
	// From here on it is as if it came from this machine: whether it came from
	// a page of ours has been looked at.
	r = r.Clone(r.Context())
	r.Host = n.local
	r.Header.Del("Origin")
	r.Header.Del("Sec-Fetch-Site")
	n.next.ServeHTTP(w, r)
}

func (n *neighbours) right(given string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(n.secret)) == 1
}

// privateAddresses are those of this machine in its local networks, the older
// kind first.
func privateAddresses() []net.IP {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []net.IP
	for _, a := range all {
		if n, is := a.(*net.IPNet); is && n.IP.IsPrivate() {
			out = append(out, n.IP)
		}
	}
	slices.SortFunc(out, func(a, b net.IP) int { return cmp.Compare(len(b.To4()), len(a.To4())) })
	return out
}

// invite answers to the local network until the context ends, and returns the
// links to it. Without a private address there are none.
func invite(ctx context.Context, next http.Handler, local string, end func(error)) ([]string, error) {
	_, port, err := net.SplitHostPort(local)
	if err != nil {
		return nil, err
	}
	n := newNeighbours(next, local)
	var links []string
	var listeners []net.Listener
	for _, ip := range privateAddresses() {
		l, err := net.Listen("tcp", net.JoinHostPort(ip.String(), port))
		if err != nil {
			for _, open := range listeners {
				err = errors.Join(err, open.Close())
			}
			return nil, err
		}
		listeners = append(listeners, l)
		links = append(links, n.link(l.Addr().String()))
	}
	for _, l := range slices.Clone(listeners) {
		go func() { end(app.Serve(ctx, n.at(l.Addr().String()), l)) }()
	}
	return links, nil
}

// invitation prints the links, and the first of them as a code to scan.
func invitation(out io.Writer, links []string) {
	if len(links) == 0 {
		fmt.Fprint(out, "  --lan: this machine has no address in a local network, so no phone can reach it.\n\n")
		return
	}
	fmt.Fprint(out, "  On a phone in this network, by plain HTTP, for whoever has the link:\n\n")
	for _, link := range links {
		fmt.Fprintf(out, "    %s\n", link)
	}
	fmt.Fprint(out, "\n")
	if code, err := qr.Encode(links[0], qr.L); err == nil {
		fmt.Fprint(out, drawn(code), "\n")
	}
}

// drawn is a code as text, two rows of it in one line, dark on light whatever
// the terminal's colours are.
func drawn(code *qr.Code) string {
	const quiet = 4 // modules of light around it
	dark := func(x, y int) bool { return code.Black(x, y) }
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString("    \x1b[30;107m")
		for x := -quiet; x < code.Size+quiet; x++ {
			switch {
			case dark(x, y) && dark(x, y+1):
				b.WriteString("█")
			case dark(x, y):
				b.WriteString("▀")
			case dark(x, y+1):
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String()
}
