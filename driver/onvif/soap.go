// SPDX-License-Identifier: Apache-2.0

package onvif

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
)

// Namespaces of the services.
const (
	nsDevice = "http://www.onvif.org/ver10/device/wsdl"
	nsDoor   = "http://www.onvif.org/ver10/doorcontrol/wsdl"
	nsAccess = "http://www.onvif.org/ver10/accesscontrol/wsdl"
	nsEvents = "http://www.onvif.org/ver10/events/wsdl"
	nsNotify = "http://docs.oasis-open.org/wsn/bw-2"
)

// caller makes calls to one controller.
type caller struct {
	http     *http.Client
	user     string
	password string

	mu     sync.Mutex
	ahead  time.Duration // guarded by mu: how far the controller's clock is ahead of ours
	digest *challenge    // guarded by mu: the controller wants HTTP digest; nil: WS-UsernameToken
	uses   int           // guarded by mu: how often the challenge was answered
}

func newCaller(user, password string, trust *tls.Config) *caller {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	transport := &http.Transport{
		TLSClientConfig: trust, TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second,
		MaxResponseHeaderBytes: 32 << 10,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if tcp, ok := conn.(*net.TCPConn); ok {
				// What was not sent when a connection is given up must not be sent
				// later: it may be an order.
				_ = tcp.SetLinger(0)
			}
			return conn, err
		},
	}
	return &caller{user: user, password: password, http: &http.Client{
		Transport:     transport, // no proxy: the controller is in the store
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// call is one request to a service.
type call struct {
	to     *url.URL
	space  string // namespace of the service
	name   string // "GetDoorState"
	action string // WS-Addressing; empty: made of the two
	fields string // XML inside the request, prefix p for its namespace
	open   bool   // nobody needs to sign in for it
}

// do makes a call and returns the answer. A fault of the controller is a
// [*fault], wrapped in a sashlock.Error.
func (c *caller) do(ctx context.Context, q call) ([]byte, error) {
	text, status, header, err := c.post(ctx, q)
	if err != nil {
		return nil, err
	}
	if asked := digestChallenge(header); status == http.StatusUnauthorized && asked != nil && !q.open && c.user != "" {
		c.mu.Lock()
		c.digest, c.uses = asked, 0
		c.mu.Unlock()
		if text, status, _, err = c.post(ctx, q); err != nil {
			return nil, err
		}
	}
	if f := faultIn(text); f != nil {
		return nil, refused(q.name, f)
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return nil, refused(q.name, &fault{Code: "NotAuthorized"})
	case status != http.StatusOK:
		return nil, unreachable(q.name, fmt.Errorf("HTTP status %d", status))
	}
	return text, nil
}

func (c *caller) post(ctx context.Context, q call) (text []byte, status int, header http.Header, err error) {
	body := c.envelope(q)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, q.to.String(), strings.NewReader(body))
	if err != nil {
		return nil, 0, nil, unreachable(q.name, err)
	}
	r.Header.Set("Content-Type", "application/soap+xml; charset=utf-8")
	r.GetBody = nil // a call that moves something is not made twice by itself
	if header := c.authorization(q); header != "" {
		r.Header.Set("Authorization", header)
	}
	a, err := c.http.Do(r)
	if err != nil {
		return nil, 0, nil, unreachable(q.name, plain(err))
	}
	defer func() { _ = a.Body.Close() }()
	text, err = io.ReadAll(io.LimitReader(a.Body, maxAnswer+1))
	if err != nil {
		return nil, 0, nil, unreachable(q.name, plain(err))
	}
	return text, a.StatusCode, a.Header, nil
}

// plain leaves the address out of a failure.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (c *caller) authorization(q call) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.digest == nil || q.open {
		return ""
	}
	c.uses++
	return c.digest.answer(c.user, c.password, http.MethodPost, q.to.RequestURI(), rand.Text(), c.uses)
}

func (c *caller) envelope(q call) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	action := q.action
	if action == "" {
		action = q.space + "/" + q.name
	}
	header := `<a:Action s:mustUnderstand="1">` + escape(action) + `</a:Action><a:To s:mustUnderstand="1">` + escape(q.to.String()) + `</a:To>`
	if c.user != "" && !q.open && c.digest == nil {
		header += token(c.user, c.password, time.Now().Add(c.ahead))
	}
	if q.open {
		header = "" // the first call: nothing a simple controller could stumble over
	}
	return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header>` +
		header + `</s:Header><s:Body><p:` + q.name + ` xmlns:p="` + q.space + `">` + q.fields + `</p:` + q.name + `></s:Body></s:Envelope>`
}

// setClock takes over the controller's clock.
func (c *caller) setClock(theirs time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = time.Until(theirs)
}

// close gives up what connections are left.
func (c *caller) close() { c.http.CloseIdleConnections() }

func unreachable(subject string, err error) error {
	return &sashlock.Error{
		Kind: sashlock.Unavailable, Op: "calling the access controller", Subject: subject,
		Hint: "see whether the controller has power and its address is right", Err: err,
	}
}

// refused is the error of a controller that would not.
func refused(subject string, f *fault) error {
	hint := "the controller would not do it"
	if f.Code == "NotAuthorized" {
		hint = "see whether user and password are right, and what the user may do at the controller"
	}
	return &sashlock.Error{Kind: sashlock.Denied, Op: "calling the access controller", Subject: subject, Hint: hint, Err: f}
}
