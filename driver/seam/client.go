// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
)

// client asks Seam, within the budget. It is safe for concurrent use.
type client struct {
	config Config
	pace   pace
	budget *budget
	http   *http.Client
}

func newClient(c Config, p pace) *client {
	dialer := &net.Dialer{Timeout: p.call}
	return &client{
		config: c, pace: p, budget: newBudget(c.CallsPerMinute),
		http: &http.Client{
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
				MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: p.call,
			},
			// The key goes nowhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// failure is a call that came to nothing.
type failure struct {
	why    string        // in a sentence for an operator
	status int           // of HTTP; 0: there was no answer
	code   string        // the kind of error, in Seam's word
	wait   time.Duration // Seam said how long to wait
	unsure bool          // what was asked for may have been done
	err    error         // what exactly went wrong; may be nil
}

// Error returns the sentence.
func (f *failure) Error() string { return f.why }

// Unwrap returns what exactly went wrong.
func (f *failure) Unwrap() error { return f.err }

// answer is what Seam said.
type answer struct {
	body []byte
	at   time.Time // when, by Seam's clock; zero: not said
}

// ask calls a route. The error is a *failure, or the context's.
func (c *client) ask(ctx context.Context, p purpose, route string, question any) (answer, error) {
	body, err := json.Marshal(question)
	if err != nil {
		return answer{}, err
	}
	key, err := c.config.key()
	if err != nil {
		return answer{}, &failure{why: sentence(err), status: http.StatusUnauthorized, err: err}
	}
	if err := c.budget.take(ctx, p); err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.pace.call)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.config.URL, "/")+route, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	q.Header.Set("Authorization", "Bearer "+key)
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("User-Agent", "sashlock")
	r, err := c.http.Do(q)
	if err != nil {
		return answer{}, noAnswer(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	if r.StatusCode != http.StatusOK {
		return answer{}, c.refused(p, r, text)
	}
	if err != nil || len(text) > maxAnswer {
		return answer{}, &failure{why: "the answer of Seam's cloud was cut off", unsure: true, err: err}
	}
	at, _ := http.ParseTime(r.Header.Get("Date"))
	return answer{body: text, at: at}, nil
}

func sentence(err error) string {
	var e *sashlock.Error
	if errors.As(err, &e) {
		return e.Error()
	}
	return "the key of Seam cannot be read"
}

// noAnswer is the failure of a call that brought no answer at all.
func noAnswer(err error) *failure {
	f := &failure{why: "Seam's cloud cannot be reached: see this store's line to the Internet", unsure: true, err: err}
	var dial *net.OpError
	var slow net.Error
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		f.unsure = false
	case errors.As(err, &slow) && slow.Timeout():
		f.why = "Seam's cloud does not answer in time"
	}
	return f
}

// refused is the failure of a call that was answered with an error.
func (c *client) refused(p purpose, r *http.Response, body []byte) *failure {
	f := &failure{status: r.StatusCode, code: decodeFault(body)}
	switch {
	case r.StatusCode == http.StatusUnauthorized || r.StatusCode == http.StatusForbidden:
		f.why = "Seam refuses the key: see that it is that of the right workspace, and was not withdrawn"
	case r.StatusCode == http.StatusTooManyRequests:
		f.wait = retryAfter(r.Header.Get("Retry-After"), time.Now())
		c.budget.hold(p, f.wait)
		f.why = fmt.Sprintf("Seam asks for fewer calls: the next one in %d s", int(f.wait.Seconds()+0.999))
	case r.StatusCode == http.StatusServiceUnavailable:
		f.why = "Seam's cloud is out of service (503)"
	case r.StatusCode >= 500:
		f.why, f.unsure = fmt.Sprintf("Seam's cloud answers with an error (%d)", r.StatusCode), true
	default:
		f.why = fmt.Sprintf("Seam's cloud does not take the question (%d)", r.StatusCode)
	}
	return f
}

// The bounds of what is waited when Seam asks for it.
const (
	usualRetry = 5 * time.Second
	maxRetry   = 15 * time.Minute
)

// retryAfter reads the header of that name (RFC 9110, section 10.2.3): seconds,
// or a date.
func retryAfter(text string, now time.Time) time.Duration {
	wait := usualRetry
	if seconds, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		wait = time.Duration(min(max(seconds, 1), int(maxRetry/time.Second))) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, time.Second), maxRetry)
}

// page is a question for one page of a list.
type page struct {
	Device string `json:"device_id,omitempty"`
	Limit  int    `json:"limit,omitempty"`
	Cursor string `json:"page_cursor,omitempty"`
}

// maxPages is how many pages of one list are read.
const maxPages = 20

// devices lists all devices.
func (c *client) devices(ctx context.Context) (list []deviceEntry, err error) {
	const route, limit = "/devices/list", 500
	q := page{Limit: limit}
	for range maxPages {
		a, err := c.ask(ctx, forNews, route, q)
		if err != nil {
			return nil, err
		}
		some, next, err := decodeDevices(a.body)
		if err != nil {
			return nil, misread(err)
		}
		list = append(list, some...)
		if next == "" || next == q.Cursor || len(list) > maxDevices {
			break
		}
		q.Cursor = next
	}
	return list, nil
}

func misread(err error) *failure {
	return &failure{why: "an answer of Seam's cloud was cut off, or has an unknown shape", unsure: true, err: err}
}

// device asks for one device.
func (c *client) device(ctx context.Context, p purpose, id string) (deviceEntry, error) {
	a, err := c.ask(ctx, p, "/devices/get", map[string]string{"device_id": id})
	if err != nil {
		return deviceEntry{}, err
	}
	e, err := decodeDevice(a.body)
	if err == nil && e.ID != id {
		err = errShape // about another device: worth nothing
	}
	if err != nil {
		return deviceEntry{}, misread(err)
	}
	return e, nil
}

// fullPage is how many events one answer holds at most.
const fullPage = 500

// span is a question for events: those created after since, or between both.
type span struct {
	Since   *time.Time   `json:"since,omitempty"`
	Between *[2]any      `json:"between,omitempty"`
	Limit   int          `json:"limit"`
	bounds  [2]time.Time // what it covers
}

func spanOf(from, to time.Time) span {
	q := span{Limit: fullPage, bounds: [2]time.Time{from, to}}
	if to.IsZero() {
		q.Since = &from
	} else {
		q.Between = &[2]any{from, to}
	}
	return q
}

// events lists what was created after a moment, in no certain order, and tells
// when that was by Seam's clock. Where an answer is full, what lies before and
// after it is asked for as well, for Seam does not say in which order it cuts.
func (c *client) events(ctx context.Context, since time.Time) (all []event, at time.Time, err error) {
	have := make(map[string]bool)
	todo := []span{spanOf(since, time.Time{})}
	for n := 0; len(todo) > 0 && n < maxPages; n++ {
		q := todo[0]
		todo = todo[1:]
		a, err := c.ask(ctx, forNews, "/events/list", q)
		if err != nil {
			return nil, at, err
		}
		some, count, err := decodeEvents(a.body)
		if err != nil {
			return nil, at, misread(err)
		}
		if at.IsZero() {
			at = a.at
		}
		var oldest, newest time.Time
		for _, e := range some {
			if have[e.ID] {
				continue
			}
			have[e.ID] = true
			all = append(all, e)
			if oldest.IsZero() || e.Created.Before(oldest) {
				oldest = e.Created
			}
			if e.Created.After(newest) {
				newest = e.Created
			}
		}
		if count >= fullPage && !oldest.IsZero() {
			todo = append(todo, spanOf(q.bounds[0], oldest.Add(time.Millisecond)), spanOf(newest.Add(-time.Millisecond), q.bounds[1]))
		}
	}
	return all, at, nil
}

// codes lists the access codes of a device, those that Seam keeps and those it
// only found there.
func (c *client) codes(ctx context.Context, id string) ([]accessCode, error) {
	var all []accessCode
	have := make(map[string]bool)
	for _, route := range []string{"/access_codes/list", "/access_codes/unmanaged/list"} {
		q := page{Device: id}
		for range maxPages {
			a, err := c.ask(ctx, forOrder, route, q)
			if err != nil {
				return nil, err
			}
			some, next, err := decodeCodes(a.body)
			if err != nil {
				return nil, misread(err)
			}
			for _, one := range some {
				if one.Device == id && !have[one.ID] {
					have[one.ID] = true
					all = append(all, one)
				}
			}
			if next == "" || next == q.Cursor {
				break
			}
			q.Cursor = next
		}
	}
	return all, nil
}
