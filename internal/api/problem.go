// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
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
		return newProblem(sashlock.Unavailable, "the caller went away")
	}
	var e *sashlock.Error
	if !errors.As(err, &e) || e.Kind == sashlock.Internal {
		a.Log.Error("call failed", logkey.Err(err))
		return newProblem(sashlock.Internal, "the details are in the log")
	}
	p := newProblem(e.Kind, (&sashlock.Error{Op: e.Op, Subject: e.Subject, Hint: e.Hint, Kind: e.Kind}).Error())
	for _, f := range estate.ListOf(err) {
		p.Errors = append(p.Errors, FieldProblem{Pointer: f.Field, Detail: f.Detail, Suggestion: f.Fix})
	}
	if e.Kind == sashlock.Invalid && len(p.Errors) == 0 && e.Subject != "" {
		p.Errors = []FieldProblem{{Pointer: e.Subject, Detail: "it cannot be accepted", Suggestion: e.Hint}}
	}
	return p
}

var problemsOnce sync.Once

// useProblems makes huma's own complaints about requests look like ours. The
// library keeps this in a package variable; it is set once.
func useProblems() {
	problemsOnce.Do(func() {
		huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
			p := &Problem{
				Type: "/docs/errors/" + string(sashlock.Invalid), Title: http.StatusText(status),
				Status: status, Detail: message, Code: codeOf(status),
			}
			for _, err := range errs {
				p.Errors = append(p.Errors, fieldProblem(err))
			}
			return p
		}
	})
}

func codeOf(status int) string {
	for kind, t := range titles {
		if t.status == status {
			return string(kind)
		}
	}
	switch {
	case status >= http.StatusInternalServerError:
		return string(sashlock.Internal)
	case status == http.StatusRequestEntityTooLarge:
		return string(sashlock.Limit)
	default:
		return string(sashlock.Invalid)
	}
}

func fieldProblem(err error) FieldProblem {
	var d huma.ErrorDetailer
	if errors.As(err, &d) {
		detail := d.ErrorDetail()
		return FieldProblem{Pointer: detail.Location, Detail: detail.Message}
	}
	return FieldProblem{Detail: err.Error()}
}

// writeProblem answers outside of huma's handlers.
func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	if err := json.NewEncoder(w).Encode(p); err != nil {
		slog.Debug("problem not delivered", logkey.Err(err))
	}
}

func noSuchRoute(w http.ResponseWriter, _ *http.Request) {
	writeProblem(w, newProblem(sashlock.NotFound, "no such route: see /v1/openapi.json"))
}
