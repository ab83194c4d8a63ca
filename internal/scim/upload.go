// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/store"
)

// importList takes a list of people as the body of a request. Without the
// parameter "plan" it tells what the list would do; with the plan of that
// answer it does it. "everyone=true" says that whoever is not in the list has
// left.
func (s *server) importList(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, people.MaxList+1))
	var large *http.MaxBytesError
	if err != nil && !errors.As(err, &large) {
		s.problem(w, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading list", Hint: "the file did not arrive whole: send it again"})
		return
	}
	q := r.URL.Query()
	opts := people.Options{Zone: people.ZoneOf(s.Hall.Book())}
	if text := q.Get("everyone"); text != "" {
		if opts.Everyone, err = strconv.ParseBool(text); err != nil {
			s.problem(w, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading list", Subject: "everyone", Hint: "write true or false"})
			return
		}
	}
	if text := q.Get("zone"); text != "" {
		if opts.Zone, err = time.LoadLocation(text); err != nil {
			s.problem(w, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading list", Subject: "zone", Hint: `name an IANA time zone like "Europe/Lisbon"`})
			return
		}
	}
	var out Imported
	plan := q.Get("plan")
	if plan == "" {
		opts.Waits, err = people.RolesThatWait(r.Context(), s.Hall, caller(r.Context()))
	}
	if err == nil && plan == "" {
		out.Plan, err = people.Preview(r.Context(), s.Store, content, opts)
	} else if err == nil {
		out.Plan, err = people.Import(r.Context(), s.Store, s.Hall, caller(r.Context()), content, opts, plan)
		if out.Done = err == nil; out.Done {
			err = s.propose(r.Context(), out.Waiting)
		}
	}
	if err != nil && out.Wrong == 0 {
		s.problem(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		s.Log.Debug("answer not delivered", logkey.Err(err))
	}
}

// problem answers as package api does (RFC 9457).
func (s *server) problem(w http.ResponseWriter, err error) {
	f := s.faultOf(err)
	title := "The input is wrong"
	if f.status >= http.StatusInternalServerError {
		title = "Not possible at the moment"
	}
	code := string(sashlock.KindOf(err))
	if errors.Is(err, store.ErrChanged) {
		var e *sashlock.Error
		if f.status, title = http.StatusConflict, "Something else got there first"; errors.As(err, &e) {
			f.detail = e.Hint
		}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(f.status)
	body := map[string]any{"type": "/docs/errors/" + code, "title": title, "status": f.status, "detail": f.detail, "code": code}
	if err := json.NewEncoder(w).Encode(body); err != nil {
		s.Log.Debug("problem not delivered", logkey.Err(err))
	}
}
