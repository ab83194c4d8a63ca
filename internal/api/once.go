// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of Idempotency-Key are:
//
//   - A POST with a key is done once per token and key for 24 hours. Repeated,
//     it gets the first answer again, marked Idempotent-Replayed.
//   - The key is taken, durably, before the work begins. When the process dies
//     in between, a repeat is told that the outcome is not known: nothing is
//     ever opened twice by a retry.
//   - The same key with another body is a mistake and says so.
//   - Answers that hold a secret, and failures on our side, are not kept.

const (
	keyHeader   = "Idempotency-Key"
	maxKey      = 255
	keepAnswers = 24 * time.Hour
)

// kept is an answer as it is stored.
type kept struct {
	Header map[string]string `json:"header,omitempty"`
	Body   []byte            `json:"body,omitempty"`
}

// keptHeaders are the headers that are given again.
var keptHeaders = []string{"Content-Type", "Location", "ETag"}

// onceOnly makes a repeated POST harmless.
func (a *API) onceOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get(keyHeader)
		who := caller(r.Context()).ID
		if r.Method != http.MethodPost || key == "" || who == "" || holdsSecret(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		if len(key) > maxKey || !isPrintable(key) {
			p := newProblem(sashlock.Invalid, "The key cannot be used.")
			p.Errors = []FieldProblem{{Pointer: keyHeader, Detail: "it is too long, or not plain text", Suggestion: "use up to 255 letters, digits and signs"}}
			writeProblem(w, p)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			writeProblem(w, unread(err))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		o := once{api: a, who: who, key: key, hash: requestHash(r, body)}
		o.serve(w, r, next)
	})
}

// isPrintable reports whether s is visible ASCII.
func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// unread is the answer when a body did not arrive as it should.
func unread(err error) *Problem {
	var tooLarge *http.MaxBytesError
	if !errors.As(err, &tooLarge) {
		p := newProblem(sashlock.Invalid, "The body did not arrive in full.")
		p.Status = http.StatusBadRequest
		return p
	}
	p := newProblem(sashlock.Limit, "The body is larger than 1 MiB: send less at once.")
	p.Status = http.StatusRequestEntityTooLarge
	return p
}

func requestHash(r *http.Request, body []byte) []byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(r.Method), []byte(r.URL.String()), body} {
		h.Write(part)
		h.Write([]byte{0})
	}
	return h.Sum(nil)
}

// once is one request under a key.
type once struct {
	api  *API
	who  sashlock.OperatorID
	key  string
	hash []byte
}

// underWay is the status of a key that is taken and has no answer yet.
const underWay = 0

func (o once) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	taken, status, answer, err := o.take(r.Context())
	var p *Problem
	switch {
	case errors.As(o.api.problem(err), &p):
		writeProblem(w, p)
	case taken:
		o.do(w, r, next)
	case status == underWay:
		writeProblem(w, newProblem(sashlock.Conflict, "A request with this key is under way, or was cut off: look at the events before you send a new one."))
	default:
		for name, value := range answer.Header {
			w.Header().Set(name, value)
		}
		w.Header().Set("Idempotent-Replayed", "true")
		w.WriteHeader(status)
		if _, err := w.Write(answer.Body); err != nil {
			o.api.Log.Debug("answer not delivered", logkey.Err(err))
		}
	}
}

// take takes the key, or finds the answer that is kept under it.
func (o once) take(ctx context.Context) (taken bool, status int, answer kept, err error) {
	_, err = o.api.Store.Do(ctx, func(tx *store.Tx) error {
		taken, status, answer = false, underWay, kept{}
		old := tx.Now().Add(-keepAnswers).UnixMicro()
		if _, err := tx.Exec(`DELETE FROM idempotency WHERE created < ?`, old); err != nil {
			return err
		}
		var hash, body []byte
		err := tx.QueryRow(`SELECT request_hash, status, body FROM idempotency WHERE operator = ? AND key = ?`, o.who, o.key).Scan(&hash, &status, &body)
		if errors.Is(err, sql.ErrNoRows) {
			taken = true
			return o.put(tx, underWay, kept{})
		}
		if err != nil {
			return err
		}
		if subtle.ConstantTimeCompare(hash, o.hash) != 1 {
			return &sashlock.Error{Kind: sashlock.Invalid, Op: "checking key", Subject: keyHeader, Hint: "this key was used for another request: use a new one"}
		}
		return json.Unmarshal(body, &answer)
	})
	return taken, status, answer, err
}

func (o once) put(tx *store.Tx, status int, answer kept) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO idempotency (operator, key, request_hash, status, body, created) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (operator, key) DO UPDATE SET status = excluded.status, body = excluded.body`,
		o.who, o.key, o.hash, status, body, tx.Now().UnixMicro())
	return err
}

// do does the work and keeps the answer.
func (o once) do(w http.ResponseWriter, r *http.Request, next http.Handler) {
	record := &recorder{ResponseWriter: w, status: http.StatusOK}
	next.ServeHTTP(record, r)
	ctx := context.WithoutCancel(r.Context())
	_, err := o.api.Store.Do(ctx, func(tx *store.Tx) error {
		if record.status >= http.StatusInternalServerError {
			_, err := tx.Exec(`DELETE FROM idempotency WHERE operator = ? AND key = ?`, o.who, o.key)
			return err
		}
		answer := kept{Header: map[string]string{}, Body: record.body.Bytes()}
		for _, name := range keptHeaders {
			if v := w.Header().Get(name); v != "" {
				answer.Header[name] = v
			}
		}
		return o.put(tx, record.status, answer)
	})
	if err != nil {
		o.api.Log.Warn("answer not kept", logkey.Err(err))
	}
}

// recorder keeps a copy of what is answered.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader keeps the status.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Write keeps the body.
func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
