// SPDX-License-Identifier: Apache-2.0

// Package developers is the part of the console about the interface for
// programs: every call of it, the tokens, and events as programs see them.
//
// # How it fits
//
// The calls are read from the OpenAPI document that package api writes and the
// program carries with it. Tokens are kept by package signin.
package developers

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/docs"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// pages answers for the paths of this package.
type pages struct{ *console.Frame }

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f}
	f.Handle("GET /developers", signin.Read, p.calls)
	f.Handle("GET /developers/tokens", signin.Tokens, p.tokens)
	f.Dangerous("POST /developers/tokens", signin.Tokens, p.issue)
	f.Dangerous("POST /developers/tokens/{id}/revoke", signin.Tokens, p.revoke)
	f.Handle("GET /developers/events", signin.Read, p.events)
}

// call is one call of the interface.
type call struct {
	Method, Path, Summary, Text, Tag string
	Fields                           []field
	Body                             bool
}

type field struct {
	Name, In, Text string
	Required       bool
}

// group is the calls about one thing.
type group struct {
	Tag   string
	Calls []call
}

// groups reads the calls from the document, once.
var groups = sync.OnceValues(func() ([]group, error) {
	text, err := docs.Files.ReadFile("reference/openapi.json")
	if err != nil {
		return nil, err
	}
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	byTag := map[string][]call{}
	for path, methods := range document.Paths {
		for method, raw := range methods {
			c, err := read(method, path, raw)
			if err != nil {
				return nil, err
			}
			byTag[c.Tag] = append(byTag[c.Tag], c)
		}
	}
	var all []group
	for tag, calls := range byTag {
		slices.SortFunc(calls, func(a, b call) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
		all = append(all, group{tag, calls})
	}
	slices.SortFunc(all, func(a, b group) int { return strings.Compare(a.Tag, b.Tag) })
	return all, nil
})

func read(method, path string, raw json.RawMessage) (call, error) {
	var op struct {
		Summary, Description string
		Tags                 []string
		RequestBody          json.RawMessage
		Parameters           []struct {
			Name, In, Description string
			Required              bool
		}
	}
	err := json.Unmarshal(raw, &op)
	c := call{Method: strings.ToUpper(method), Path: path, Summary: op.Summary, Text: op.Description, Body: op.RequestBody != nil, Tag: "other"}
	if len(op.Tags) > 0 {
		c.Tag = op.Tags[0]
	}
	for _, p := range op.Parameters {
		c.Fields = append(c.Fields, field{p.Name, p.In, p.Description, p.Required})
	}
	return c, err
}

// Curl is the call as it is typed in a terminal.
func (c call) Curl(origin string) string {
	out := "curl -s"
	if c.Method != http.MethodGet {
		out += " -X " + c.Method
	}
	out += ` -H "Authorization: Bearer $SASHLOCK_TOKEN"`
	if c.Body {
		out += ` -H "Content-Type: application/json" -d '{}'`
	}
	return out + " " + origin + c.Path
}

func (p pages) head(r *http.Request, title string) console.Head {
	return console.Head{Title: title, Section: console.InDevelopers, Styles: []string{"developers.css"}}
}

func (p pages) calls(w http.ResponseWriter, r *http.Request) error {
	all, err := groups()
	if err != nil {
		return err
	}
	head := p.head(r, lang.T(r.Context(), "Developers"))
	head.About = lang.T(r.Context(), "Everything the console does can be done by a program: read the calls here, make a token, watch events.")
	head.Scripts = []string{"developers.js"}
	return p.Show(w, r, head, callsPage(all, p.Address(r)))
}

// issued is a token that was just made, shown for the only time.
type issued struct {
	Token  signin.Token
	Secret string
}

func (p pages) tokens(w http.ResponseWriter, r *http.Request) error {
	return p.showTokens(w, r, nil, "")
}

func (p pages) showTokens(w http.ResponseWriter, r *http.Request, fresh *issued, wrong string) error {
	var all []signin.Token
	if err := p.Store.View(r.Context(), func(q store.Query) (err error) {
		all, err = p.Signin.List(q)
		return err
	}); err != nil {
		return err
	}
	return p.Show(w, r, p.head(r, lang.T(r.Context(), "Tokens")), tokensPage(all, fresh, wrong, p.Now(), p.Address(r)))
}

// issue makes a token. The answer is the page itself, because the token is
// shown once and stands nowhere it could be read again.
func (p pages) issue(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	days, err := strconv.Atoi(r.FormValue("days"))
	if err != nil {
		days = 0 // refused below, with the field
	}
	var scopes []signin.Scope
	who := console.Who(r.Context()).Operator
	for _, s := range r.Form["scope"] {
		if !who.May(signin.Scope(s)) {
			return p.Refuse(r.Context(), "token with scope "+s)
		}
		scopes = append(scopes, signin.Scope(s))
	}
	if len(who.Sites)+len(who.Areas) > 0 {
		return p.Refuse(r.Context(), "token for all sites")
	}
	t, secret, err := p.Signin.Issue(r.Context(), who.ID, strings.TrimSpace(r.FormValue("name")), scopes, time.Duration(days)*24*time.Hour)
	if sashlock.IsKind(err, sashlock.Invalid) {
		return p.showTokens(w, r, nil, console.Sentence(err))
	}
	if err != nil {
		return err
	}
	return p.showTokens(w, r, &issued{t, secret}, "")
}

func (p pages) revoke(w http.ResponseWriter, r *http.Request) error {
	if err := p.Signin.Revoke(r.Context(), console.Who(r.Context()).Operator.ID, sashlock.OperatorID(r.PathValue("id"))); err != nil {
		return err
	}
	return console.Back(w, r, "/developers/tokens")
}

// shownEvents is how many events the viewer shows.
const shownEvents = 30

// events shows the newest events as programs see them, if they concern whoever
// looks.
func (p pages) events(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	all, err := p.Store.Events(ctx, store.EventQuery{Newest: true, Limit: 4 * shownEvents})
	if err != nil {
		return err
	}
	book := p.Hall.Book()
	o := console.Who(ctx).Operator
	var shown []raw
	for _, e := range all {
		everywhere := e.Site == "" && len(o.Sites)+len(o.Areas) == 0
		if !o.HearsOf(e) || !everywhere && (e.Site == "" || !o.Sees(e.Site, book.Openings[e.Opening].Area)) {
			continue
		}
		text, err := json.MarshalIndent(e, "", "  ")
		if err != nil {
			return err
		}
		if shown = append(shown, raw{e, string(text)}); len(shown) == shownEvents {
			break
		}
	}
	return p.Show(w, r, p.head(r, lang.T(ctx, "Events as programs see them")), eventsPage(shown, p.Address(r)))
}

// raw is an event with its JSON.
type raw struct {
	Event sashlock.Event
	JSON  string
}
