// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/logkey"
)

// Problem is an error answer (RFC 9457).
type Problem struct {
	Type     string         `json:"type" doc:"What kind of problem it is" example:"/docs/errors/invalid"`
	Title    string         `json:"title" doc:"The kind in words"`
	Status   int            `json:"status" doc:"HTTP status"`
	Detail   string         `json:"detail,omitempty" doc:"What went wrong and what to do about it"`
	Code     string         `json:"code" doc:"The kind, or the reason of a refusal, for programs"`
	Decision string         `json:"decision_id,omitempty" doc:"The decision that refused, to be explained"`
	Errors   []FieldProblem `json:"errors,omitempty" doc:"Each thing that is wrong"`
}

// FieldProblem is one thing that is wrong with the input.
type FieldProblem struct {
	Pointer    string `json:"pointer" doc:"Where" example:"grants[3].until"`
	Detail     string `json:"detail" doc:"What is wrong"`
	Suggestion string `json:"suggestion,omitempty" doc:"What to do"`
}

// Error returns the problem in one line.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType says that this is a problem document.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

var (
	_ huma.StatusError       = (*Problem)(nil)
	_ huma.ContentTypeFilter = (*Problem)(nil)
)

// titles are the kinds in words, and their status.
var titles = map[sashlock.Kind]struct {
	status int
	words  string
}{
	sashlock.Invalid:     {http.StatusUnprocessableEntity, "The input is wrong"},
	sashlock.Denied:      {http.StatusForbidden, "This is not allowed"},
	sashlock.NotFound:    {http.StatusNotFound, "There is no such thing"},
	sashlock.Conflict:    {http.StatusConflict, "Something else got there first"},
	sashlock.Unavailable: {http.StatusServiceUnavailable, "Not possible at the moment"},
	sashlock.Limit:       {http.StatusTooManyRequests, "Too much at once"},
	sashlock.Internal:    {http.StatusInternalServerError, "Something went wrong on our side"},
}

func newProblem(k sashlock.Kind, detail string) *Problem {
	t := titles[k]
	return &Problem{Type: "/docs/errors/" + string(k), Title: t.words, Status: t.status, Detail: detail, Code: string(k)}
}

// problem turns any error into what the caller sees. Causes of internal errors
// stay in the log.
func (a *API) problem(err error) error {
	var already *Problem
	if err == nil || errors.As(err, &already) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return newProblem(sashlock.Unavailable, "The caller went away.")
	}
	var e *sashlock.Error
	if !errors.As(err, &e) || e.Kind == sashlock.Internal {
		a.Log.Error("call failed", logkey.Err(err))
		return newProblem(sashlock.Internal, "The details are in the log.")
	}
	p := newProblem(e.Kind, sentence(e))
	for _, f := range estate.ListOf(err) {
		p.Errors = append(p.Errors, FieldProblem{Pointer: f.Field, Detail: f.Detail.In(lang.English), Suggestion: f.Fix.In(lang.English)})
	}
	if e.Kind == sashlock.Invalid && len(p.Errors) == 0 && e.Subject != "" {
		p.Errors = []FieldProblem{{Pointer: e.Subject, Detail: "it cannot be accepted", Suggestion: e.Hint}}
	}
	return p
}

// sentence is an error as people read it, without its cause.
func sentence(e *sashlock.Error) string {
	text := (&sashlock.Error{Op: e.Op, Subject: e.Subject, Hint: e.Hint, Kind: e.Kind}).Error()
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:] + "."
}

var problemsOnce sync.Once

// useProblems makes huma's own complaints about requests look like ours. The
// library keeps this in a package variable; it is set once.
func useProblems() {
	problemsOnce.Do(func() {
		huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
			return complaint(status, message, errs)
		}
	})
}

// complaint is what huma found wrong with a request.
func complaint(status int, message string, errs []error) *Problem {
	kind := kindOf(status)
	p := newProblem(kind, "")
	p.Status = status
	if kind == sashlock.Internal {
		p.Detail = "The details are in the log."
		return p
	}
	for _, err := range errs {
		p.Errors = append(p.Errors, fieldProblem(err))
	}
	switch {
	case status == http.StatusRequestEntityTooLarge:
		p.Detail = "The body is too large: send less at once."
	case len(p.Errors) == 1 && p.Errors[0].Suggestion != "":
		only := p.Errors[0]
		p.Detail = "What is wrong with " + only.Pointer + ": " + only.Detail + ". To mend it, " + only.Suggestion + "."
	case len(p.Errors) > 0:
		p.Detail = fmt.Sprintf("%d things are wrong with the request: errors lists them.", len(p.Errors))
	default:
		p.Detail = "The request cannot be read: " + message + "."
		p.Errors = []FieldProblem{{Pointer: "body", Detail: message, Suggestion: "send one JSON object, as /v1/openapi.json describes it"}}
	}
	return p
}

// kindOf is the kind that a status belongs to.
func kindOf(status int) sashlock.Kind {
	for kind, t := range titles {
		if t.status == status {
			return kind
		}
	}
	switch {
	case status >= http.StatusInternalServerError:
		return sashlock.Internal
	case status == http.StatusRequestEntityTooLarge:
		return sashlock.Limit
	default:
		return sashlock.Invalid
	}
}

// writeProblem answers outside of huma's handlers.
func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	if err := json.NewEncoder(w).Encode(p); err != nil {
		slog.Debug("problem not delivered", logkey.Err(err))
	}
}

// noRoute answers what no route does: another method of a path that exists, or
// a path that does not.
func (a *API) noRoute(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := &http.Request{Method: method, Host: r.Host, URL: r.URL}
		if _, pattern := a.mux.Handler(other); pattern != "" && pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		writeProblem(w, newProblem(sashlock.NotFound, "There is no such route: see /v1/openapi.json."))
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	p := newProblem(sashlock.Invalid, "This route does not know the method "+strconv.Quote(r.Method)+".")
	p.Status = http.StatusMethodNotAllowed
	writeProblem(w, p)
}

// readable refuses addresses that no route could make sense of. PostgreSQL takes
// nothing but UTF-8 without the character zero, and nobody types either; of a
// parameter given twice one would be ignored without a word.
func readable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := url.ParseQuery(r.URL.RawQuery)
		why := ""
		if err != nil || !isText(r.URL.Path) {
			why = "The address is not readable text."
		}
		for name, values := range query {
			switch {
			case !isText(name) || !isText(strings.Join(values, "")):
				why = "The address is not readable text."
			case len(values) > 1:
				why = "The parameter " + strconv.Quote(name) + " is given twice."
			}
		}
		if why == "" {
			next.ServeHTTP(w, r)
			return
		}
		p := newProblem(sashlock.Invalid, why)
		p.Status = http.StatusBadRequest
		writeProblem(w, p)
	})
}
