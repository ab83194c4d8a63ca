// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
)

// client speaks to the API of one store node.
type client struct {
	base  string // "http://127.0.0.1:7117"
	token string
	http  *http.Client
}

// patience is how long one call may take. Streams have none.
const patience = 60 * time.Second

// maxAnswer is the largest answer that is read.
const maxAnswer = 64 << 20

func newClient(base, token string) (*client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, badFlag("--url", `write an address like "http://127.0.0.1:7117"`)
	}
	return &client{base: strings.TrimSuffix(base, "/"), token: token, http: &http.Client{}}, nil
}

// call is one request to the API.
type call struct {
	method string
	path   string
	query  url.Values
	header map[string]string
	body   any // sent as JSON unless nil
}

// do carries out a call and decodes its answer into T. A problem document is
// returned as the *api.Problem it is.
func do[T any](ctx context.Context, c *client, q call) (answer T, err error) {
	data, err := c.raw(ctx, q)
	if err != nil || len(data) == 0 {
		return answer, err
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return answer, c.strange(err)
	}
	return answer, nil
}

// get reads one thing.
func get[T any](ctx context.Context, c *client, path string, query url.Values) (T, error) {
	return do[T](ctx, c, call{method: http.MethodGet, path: path, query: query})
}

// list reads a whole list, page by page; up to limit things unless that is 0.
func list[T any](ctx context.Context, c *client, path string, query url.Values, limit int) ([]T, error) {
	all := []T{}
	page := url.Values{}
	for k, v := range query {
		page[k] = v
	}
	page.Set("limit", "200")
	for {
		p, err := get[api.Page[T]](ctx, c, path, page)
		if err != nil {
			return nil, err
		}
		all = append(all, p.Data...)
		if limit > 0 && len(all) >= limit {
			return all[:limit], nil
		}
		if !p.HasMore || p.Next == "" {
			return all, nil
		}
		page.Set("after", p.Next)
	}
}

// raw carries out a call and returns the body of its answer.
func (c *client) raw(ctx context.Context, q call) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := c.open(ctx, q)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(r, maxAnswer))
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return data, nil
}

// open carries out a call and returns the body of a good answer, unread.
func (c *client) open(ctx context.Context, q call) (io.ReadCloser, error) {
	var body io.Reader
	if q.body != nil {
		data, err := json.Marshal(q.body)
		if err != nil {
			return nil, fmt.Errorf("writing the request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	address := c.base + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, q.method, address, body)
	if err != nil {
		return nil, badFlag("--url", err.Error())
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for k, v := range q.header {
		r.Header.Set(k, v)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	proposal := answer.Header.Get("Sashlock-Proposal")
	if answer.StatusCode < 300 && proposal == "" {
		return answer.Body, nil
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	if proposal != "" {
		return nil, &sashlock.Error{
			Kind: sashlock.Denied, Op: "changing", Subject: proposal,
			Hint: "nothing is changed yet: it waits under " + proposal + " for a second operator to confirm it in the console",
		}
	}
	return nil, c.problem(answer)
}

// problem reads an answer that is not a good one.
func (c *client) problem(answer *http.Response) error {
	data, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return c.unreachable(context.Background(), err)
	}
	var p api.Problem
	if json.Unmarshal(data, &p) != nil || p.Title == "" {
		return c.strange(&oddAnswer{answer.Status, data})
	}
	p.Status = answer.StatusCode
	return &p
}

// oddAnswer is an answer that is neither good nor a problem document.
type oddAnswer struct {
	status string
	body   []byte
}

// Error returns the status and the beginning of the answer.
func (a *oddAnswer) Error() string { return fmt.Sprintf("%s: %.200s", a.status, a.body) }

// strange is the error for an answer that Sashlock would not give.
func (c *client) strange(err error) error {
	return &sashlock.Error{
		Kind: sashlock.Unavailable, Op: "reading the answer", Subject: c.base,
		Hint: "this does not look like a Sashlock store node of this version", Err: err,
	}
}

func (c *client) unreachable(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) && errors.Is(ctx.Err(), context.Canceled) {
		return err // we stopped it ourselves
	}
	hint := "no store node answers there: start it with sashlock serve --data DIR, or name another with --url"
	if errors.Is(err, context.DeadlineExceeded) {
		hint = "it did not answer in time: look at its log, or run sashlock doctor"
	}
	return &sashlock.Error{Kind: sashlock.Unavailable, Op: "reaching the store node", Subject: c.base, Hint: hint, Err: cause(err)}
}

// cause strips the method and address that the library puts before an error.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// pathOf joins a route and references that people typed.
func pathOf(route string, refs ...string) string {
	for _, r := range refs {
		route = strings.Replace(route, "{}", url.PathEscape(r), 1)
	}
	return route
}

// params makes a query of pairs, leaving out those without a value.
func params(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

// rfc3339 writes an instant for a query; empty for the zero time.
func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
