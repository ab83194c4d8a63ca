// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
)

// fault is the contract's word for what went wrong.
type fault string

// The words of the contract for what went wrong.
const (
	unknownLock fault = "unknown_lock"
	unreached   fault = "unreachable"
	refused     fault = "refused"
	cannot      fault = "cannot"
	expired     fault = "expired"
	repeated    fault = "repeated"
	noSlot      fault = "slot_unknown"
	slotInUse   fault = "slot_in_use"
	notKept     fault = "not_kept"
	placeGone   fault = "place_gone"
)

var faults = []fault{unknownLock, unreached, refused, cannot, expired, repeated, noSlot, slotInUse, notKept, placeGone}

// failure is a call that came to nothing.
type failure struct {
	kind   sashlock.Kind
	why    string // in a sentence for an operator; nothing of the adapter's own words
	fault  fault  // what the adapter said; "": nothing we know
	unsure bool   // what was asked for may have been done
	err    error  // what exactly went wrong; may be nil
}

// Error returns the sentence.
func (f *failure) Error() string { return f.why }

// Unwrap returns what exactly went wrong.
func (f *failure) Unwrap() error { return f.err }

// said is what each word of the contract means.
var said = map[fault]failure{
	unknownLock: {kind: sashlock.NotFound, why: "the adapter does not know this lock any more"},
	unreached:   {kind: sashlock.Unavailable, why: "the adapter cannot reach the lock: see whether it has power and network"},
	refused:     {kind: sashlock.Denied, why: "the lock answered that it did not do it: look at the bolt"},
	cannot:      {kind: sashlock.Denied, why: "this lock cannot do that"},
	expired:     {kind: sashlock.Unavailable, why: "its time was over before the adapter had it"},
	repeated:    {kind: sashlock.Conflict, why: "the adapter had this order before"},
	noSlot:      {kind: sashlock.Limit, why: "the lock has no such slot"},
	slotInUse:   {kind: sashlock.Conflict, why: "the slot is in use"},
	notKept:     {kind: sashlock.Denied, why: "the lock did not keep it: another slot may have this PIN, or its length is not one the lock takes"},
	placeGone:   {kind: sashlock.Unavailable, why: "the adapter began to count anew"},
}

// client asks an adapter. It is safe for concurrent use.
type client struct {
	config Config
	http   *http.Client
}

func newClient(c Config, p pace) *client {
	dialer := &net.Dialer{Timeout: p.call}
	return &client{config: c, http: &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: p.call,
		},
		// The key goes nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// ask makes one call and returns the body of its answer. The error is a *failure.
func (c *client) ask(ctx context.Context, method, path string, question any) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, &failure{kind: sashlock.Unavailable, why: "its time is over", err: err}
	}
	var body []byte
	if question != nil {
		var err error
		if body, err = json.Marshal(question); err != nil {
			return nil, &failure{kind: sashlock.Internal, why: "the question could not be written"}
		}
	}
	key, err := c.config.key()
	if err != nil {
		return nil, &failure{kind: sashlock.Unavailable, why: "the key of the adapter cannot be read", err: err}
	}
	q, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.config.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, &failure{kind: sashlock.Internal, why: "the question could not be written"}
	}
	q.GetBody = nil // an order is never sent twice, not by the library either
	q.Header.Set("Authorization", "Bearer "+key)
	q.Header.Set("User-Agent", "sashlock")
	if question != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	r, err := c.http.Do(q)
	if err != nil {
		return nil, noAnswer(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	switch {
	case r.StatusCode < 200 || r.StatusCode > 299:
		return nil, answered(r.StatusCode, text)
	case err != nil || len(text) > maxAnswer:
		return nil, &failure{kind: sashlock.Unavailable, why: "the answer of the adapter was cut off", unsure: true, err: err}
	}
	return text, nil
}

// noAnswer is the failure of a call that brought no answer at all.
func noAnswer(err error) *failure {
	f := &failure{kind: sashlock.Unavailable, why: "the adapter cannot be reached: see this store's line to it", unsure: true, err: err}
	var dial *net.OpError
	var slow net.Error
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		f.unsure = false
	case errors.As(err, &slow) && slow.Timeout():
		f.why = "the adapter does not answer in time"
	}
	return f
}

// answered is the failure of a call that was answered with an error.
func answered(status int, body []byte) *failure {
	if word := decodeFault(body); word != "" {
		f := said[word]
		f.fault = word
		return &f
	}
	f := &failure{kind: sashlock.Unavailable, why: "the adapter answers with an error (" + strconv.Itoa(status) + ")", unsure: status >= 500}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		f.why = "the adapter refuses the key"
	case http.StatusTooManyRequests:
		f.why = "the adapter asks for fewer calls"
	}
	return f
}

// wrong makes of a failure the error of what was tried.
func wrong(op, subject string, err error) error {
	var f *failure
	if !errors.As(err, &f) {
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: subject, Err: err}
	}
	return &sashlock.Error{Kind: f.kind, Op: op, Subject: subject, Hint: f.why, Err: f.err}
}
