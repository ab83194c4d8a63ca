// SPDX-License-Identifier: Apache-2.0

// Package scim lets a directory of people keep the people and roles of a store:
// SCIM 2.0 (RFC 7643, RFC 7644) for those that push every change, and a file
// for those that send a list.
//
// # What
//
// Users are people, groups are roles. What is kept of a user is what access
// needs: id, externalId, userName, displayName and active; everything else is
// accepted and forgotten. Patches and filters are read in the dialects that
// Okta and Entra ID write.
//
// # How it fits
//
// Like package api it stands in front of the rooms and decides nothing: what
// is asked becomes a change of package people. Package app mounts it under
// [Path] and [ImportPath]. A token with the scope directory opens both.
//
// # Promises
//
// A user that is not active, or deleted, is refused at every opening from the
// next request on: that is so before the answer is sent. What an operator
// suspended, no directory lifts without having said before that they left. Bad
// input never gives a 5xx answer, and changes nothing.
package scim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// Where it is mounted.
const (
	Path       = "/scim/v2/"
	ImportPath = "/v1/people/import"
)

// maxBody is the largest request body, in bytes: a group with some ten thousand
// members.
const maxBody = 4 << 20

// Deps are what it stands on.
type Deps struct {
	Store  *store.Store
	Hall   *flow.Hall
	Signin *signin.Room
	Now    func() time.Time
	Log    *slog.Logger
	Origin string // how others reach this store node, "https://store.example"; empty: as they ask
	// Propose lets roles wait for a second operator that a directory gives. Nil:
	// what waits is only refused.
	Propose func(ctx context.Context, by sashlock.OperatorID, joins []people.Joining) error
}

// server answers a directory.
type server struct {
	Deps
	pace *pace
}

// New returns the handler of [Path] and [ImportPath].
func New(d Deps) http.Handler {
	s := &server{Deps: d, pace: newPace(d.Now)}
	mux := http.NewServeMux()
	on := func(method, path string, answer func(*http.Request) (reply, error)) {
		mux.HandleFunc(method+" "+Path+path, func(w http.ResponseWriter, r *http.Request) {
			out, err := answer(r)
			if err != nil {
				s.refuse(w, err)
				return
			}
			s.write(w, out)
		})
	}
	on("GET", "ServiceProviderConfig", s.config)
	on("GET", "ResourceTypes", s.types)
	on("GET", "ResourceTypes/{id}", s.types)
	on("GET", "Schemas", s.schemas)
	on("GET", "Schemas/{id}", s.schemas)
	on("GET", "Users", s.listUsers)
	on("POST", "Users", s.createUser)
	on("GET", "Users/{id}", s.getUser)
	on("PUT", "Users/{id}", s.replaceUser)
	on("PATCH", "Users/{id}", s.patchUser)
	on("DELETE", "Users/{id}", s.deleteUser)
	on("GET", "Groups", s.listGroups)
	on("POST", "Groups", s.createGroup)
	on("GET", "Groups/{id}", s.getGroup)
	on("PUT", "Groups/{id}", s.replaceGroup)
	on("PATCH", "Groups/{id}", s.patchGroup)
	on("DELETE", "Groups/{id}", s.deleteGroup)
	mux.HandleFunc(Path, func(w http.ResponseWriter, r *http.Request) { s.refuse(w, noRoute(mux, r)) })
	mux.HandleFunc("POST "+ImportPath, s.importList)
	return s.guard(mux)
}

// noRoute tells a wrong method from a wrong address.
func noRoute(mux *http.ServeMux, r *http.Request) error {
	path := strings.TrimPrefix(r.URL.Path, Path)
	switch {
	case path == "Me", path == "Bulk", strings.HasSuffix(path, "/.search"):
		return &fault{http.StatusNotImplemented, "", path + " is not offered: see " + Path + "ServiceProviderConfig"}
	}
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if _, pattern := mux.Handler(&http.Request{Method: method, Host: r.Host, URL: r.URL}); pattern != "" && pattern != Path {
			return &fault{http.StatusMethodNotAllowed, "", "this address does not know the method " + strconv.Quote(r.Method)}
		}
	}
	return &fault{http.StatusNotFound, "", "there is no such address: see " + Path + "ResourceTypes"}
}

type callerKey struct{}

// caller is the token of a request.
func caller(ctx context.Context) sashlock.OperatorID {
	id, _ := ctx.Value(callerKey{}).(sashlock.OperatorID)
	return id
}

// guard lets through who has a token for this, at a bearable pace.
func (s *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, clear, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			w.Header().Set("WWW-Authenticate", `Bearer realm="sashlock"`)
			s.refuse(w, &fault{http.StatusUnauthorized, "", "present a token with the scope directory: Authorization: Bearer sash_…"})
			return
		}
		t, err := s.Signin.Check(r.Context(), strings.TrimSpace(clear))
		switch {
		case sashlock.IsKind(err, sashlock.Denied):
			w.Header().Set("WWW-Authenticate", `Bearer realm="sashlock", error="invalid_token"`)
			s.refuse(w, &fault{http.StatusUnauthorized, "", "this token is not valid, or no longer: make one with sashlock token create --scope directory"})
			return
		case err != nil:
			s.refuse(w, err)
			return
		case !t.May(signin.Directory):
			w.Header().Set("WWW-Authenticate", `Bearer realm="sashlock", error="insufficient_scope", scope="directory"`)
			s.refuse(w, &fault{http.StatusForbidden, "", "this token lacks the scope directory"})
			return
		}
		if wait := s.pace.take(t.ID); wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
			s.refuse(w, &fault{http.StatusTooManyRequests, "", "too many requests at once: wait a little"})
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, t.ID)))
	})
}

// reply is a good answer.
type reply struct {
	status   int // 0: OK
	etag     string
	location string
	body     any // nil: nothing
}

const contentType = "application/scim+json; charset=utf-8"

func (s *server) write(w http.ResponseWriter, out reply) {
	h := w.Header()
	for name, value := range map[string]string{"ETag": out.etag, "Location": out.location} {
		if value != "" {
			h.Set(name, value)
		}
	}
	if out.status == 0 {
		out.status = http.StatusOK
	}
	if out.body == nil || out.status == http.StatusNotModified {
		w.WriteHeader(out.status)
		return
	}
	h.Set("Content-Type", contentType)
	w.WriteHeader(out.status)
	if err := json.NewEncoder(w).Encode(out.body); err != nil {
		s.Log.Debug("answer not delivered", logkey.Err(err))
	}
}

// fault is a refusal as RFC 7644 §3.12 has it.
type fault struct {
	status int
	kind   string // scimType; may be empty
	detail string
}

// Error returns what is wrong.
func (f *fault) Error() string { return f.detail }

func invalid(kind, detail string) error { return &fault{http.StatusBadRequest, kind, detail} }

const errorSchema = "urn:ietf:params:scim:api:messages:2.0:Error"

func (s *server) refuse(w http.ResponseWriter, err error) {
	f := s.faultOf(err)
	body := map[string]any{"schemas": []string{errorSchema}, "status": strconv.Itoa(f.status), "detail": f.detail}
	if f.kind != "" {
		body["scimType"] = f.kind
	}
	s.write(w, reply{status: f.status, body: body})
}

// faultOf tells our errors as SCIM does.
func (s *server) faultOf(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	var e *sashlock.Error
	if !errors.As(err, &e) {
		e = &sashlock.Error{Kind: sashlock.Internal}
	}
	switch {
	case errors.Is(err, store.ErrChanged):
		return &fault{http.StatusPreconditionFailed, "", "it was changed meanwhile: read it again"}
	case e.Kind == sashlock.Conflict:
		return &fault{http.StatusConflict, "uniqueness", e.Hint}
	case e.Kind == sashlock.NotFound:
		return &fault{http.StatusNotFound, "", "there is no such resource"}
	case e.Kind == sashlock.Denied:
		return &fault{http.StatusForbidden, "", e.Hint}
	case e.Kind == sashlock.Invalid:
		return &fault{http.StatusBadRequest, "invalidValue", strings.TrimPrefix(e.Subject+": "+e.Hint, ": ")}
	case e.Kind == sashlock.Unavailable || e.Kind == sashlock.Limit:
		return &fault{http.StatusServiceUnavailable, "", e.Hint}
	}
	s.Log.Error("call of a directory failed", logkey.Err(err))
	return &fault{http.StatusInternalServerError, "", "the details are in the log"}
}

// read reads the body of a request into v.
func read(r *http.Request, v any) error {
	if kind := r.Header.Get("Content-Type"); kind != "" {
		media, _, err := mime.ParseMediaType(kind)
		if err != nil || media != "application/scim+json" && media != "application/json" {
			return &fault{http.StatusUnsupportedMediaType, "", "send application/scim+json"}
		}
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return invalid("invalidSyntax", "the body did not arrive whole")
	}
	if len(text) > maxBody {
		return &fault{http.StatusRequestEntityTooLarge, "tooMany", "the body is too large: send less at once"}
	}
	if err := json.Unmarshal(text, v); err != nil {
		return invalid("invalidSyntax", "the body is not the JSON that is wanted here: "+syntax(err))
	}
	return nil
}

// syntax says where JSON is wrong without the words of Go.
func syntax(err error) string {
	var at *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &at):
		return "it cannot be read at byte " + strconv.FormatInt(at.Offset, 10)
	case errors.As(err, &kind):
		return "a " + kind.Value + " stands where it does not belong, at " + strconv.Quote(kind.Field)
	}
	return "it ends too early"
}
