// SPDX-License-Identifier: Apache-2.0

// Package approvals is where a second person looks: at access that somebody
// asks for, at changes that are too dangerous for one, and at what was given
// long ago.
//
// # What
//
// An [Ask] is access that somebody asks for; approving it makes the grant. A
// [Proposal] is a change that waits for a second operator. A [Review] goes
// through grants one by one, each to be kept or taken. [Stale] finds grants
// that are likely not needed any more. [Run] counts how grants are used and
// lets lapse what nobody answered.
//
// # How it fits
//
// The room keeps who asked and who answered; grants are made and taken by the
// room of grants, which package app hands in as [Granting], and proposals are
// carried out by the [Executor] of their kind. Pages and API say on whose
// behalf they ask: [By].
//
// # Promises
//
// Nobody approves what they asked for, and nobody confirms what they proposed.
// What is approved is done in the transaction that records the approval. Reasons
// that people type stay in the tables: the ledger has none of them.
package approvals

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Granting is the room that keeps grants.
type Granting struct {
	List   func(q store.Query) ([]sashlock.Grant, error)
	Find   func(q store.Query, ref string) (sashlock.Grant, error)
	Save   func(tx *store.Tx, g estate.Grant, find estate.Lookup, rev int64) (flow.Edit, error)
	Revoke func(tx *store.Tx, ref string, rev int64) (flow.Edit, error)
}

// Executor carries out one kind of proposal.
type Executor struct {
	// Scopes are what an operator needs, all of them, to propose and to confirm
	// one.
	Scopes []string
	// Place is where it changes something; no site: everywhere. Who confirms
	// has to see it.
	Place func(form json.RawMessage) (sashlock.SiteID, sashlock.AreaID, error)
	// Run makes the change. A rev other than 0 is the revision of the object
	// that the proposer saw: another one is a conflict.
	Run func(tx *store.Tx, form json.RawMessage, rev int64) (flow.Edit, error)
}

// Options are what a room is built from.
type Options struct {
	Store    *store.Store
	Hall     *flow.Hall
	Now      func() time.Time
	Granting Granting
	// Leave takes a person out of a role. Nil: no review is about who has a
	// role.
	Leave func(tx *store.Tx, person sashlock.PersonID, role sashlock.RoleID) (flow.Edit, error)
	// Executors are the changes that can be held back, by kind.
	Executors map[string]Executor
	// Others reports whether any operator but some could confirm what needs
	// scopes at a place. Nil: somebody always could.
	Others func(q store.Query, but []sashlock.OperatorID, scopes []string, site sashlock.SiteID, area sashlock.AreaID) (bool, error)
	// Behind is who issued the token of a program; empty: nobody who signs in.
	// Nil: nobody ever did.
	Behind func(ctx context.Context, token sashlock.OperatorID) (sashlock.OperatorID, error)
}

// Room keeps asks, proposals and reviews. Its methods may be called from any
// goroutine.
type Room struct{ Options }

// New builds a room.
func New(opts Options) *Room {
	r := &Room{Options: opts}
	all := map[string]Executor{SettingsKind: r.settingsExecutor()}
	for kind, e := range opts.Executors {
		all[kind] = e
	}
	r.Executors = all
	return r
}

// By is on whose behalf something is asked or answered.
type By struct {
	ID      sashlock.OperatorID
	Person  sashlock.PersonID                           // who it is among the people of the store; empty: nobody
	Program bool                                        // a token, not somebody signed in
	Behind  sashlock.OperatorID                         // who issued the token, where that is known
	May     func(scope string) bool                     // nil: nothing
	Sees    func(sashlock.SiteID, sashlock.AreaID) bool // nil: nothing
}

func (b By) may(scopes ...string) bool {
	return b.May != nil && !slices.ContainsFunc(scopes, func(s string) bool { return !b.May(s) })
}

func (b By) sees(site sashlock.SiteID, area sashlock.AreaID) bool {
	return b.Sees != nil && b.Sees(site, area)
}

// scopeAccess is the scope that approving and reviewing need.
const scopeAccess = "access"

// change runs one edit on behalf of somebody.
func (r *Room) change(ctx context.Context, by sashlock.OperatorID, edit func(tx *store.Tx) (flow.Edit, error)) error {
	_, err := r.Hall.Change(ctx, flow.Change{Operator: by, Make: edit})
	return err
}

// newID makes an identifier with a prefix of three letters.
func newID(prefix string, at time.Time) string {
	return prefix + string(sashlock.NewID[sashlock.OperatorID](at))[3:]
}

func denied(op, hint string) error {
	return &sashlock.Error{Kind: sashlock.Denied, Op: op, Hint: hint}
}

func invalid(op, field, hint string) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Op: op, Subject: field, Hint: hint}
}

func conflict(op, hint string) error {
	return &sashlock.Error{Kind: sashlock.Conflict, Op: op, Hint: hint}
}

// The lengths of a text that somebody types as a reason, in characters.
const (
	leastWords = 3
	mostWords  = 300
)

// words checks and trims a reason that somebody typed.
func words(op, field, text string) (string, error) {
	text = strings.TrimSpace(text)
	n := utf8.RuneCountInString(text)
	bad := !utf8.ValidString(text) || strings.ContainsFunc(text, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) })
	if bad || n < leastWords || n > mostWords {
		return "", invalid(op, field, lang.Mark("say why in 3 to 300 characters"))
	}
	return text, nil
}

// high reports whether a place protects what is worth most, or has something in
// it that does.
func high(b *flow.Book, opening sashlock.OpeningID, area sashlock.AreaID, site sashlock.SiteID) bool {
	if opening != "" {
		return b.Openings[opening].Class == sashlock.High
	}
	for _, o := range b.Openings {
		if o.Class == sashlock.High && (area != "" && o.Area == area || area == "" && o.Site == site) {
			return true
		}
	}
	return false
}

// High reports whether a grant is for what is worth most.
func High(b *flow.Book, g sashlock.Grant) bool { return high(b, g.Opening, g.Area, g.Site) }

// Place is the site and area of what a grant is for; no area: the whole site,
// or an opening of no area. False: it is not there any more.
func Place(b *flow.Book, g sashlock.Grant) (sashlock.SiteID, sashlock.AreaID, bool) {
	switch {
	case g.Opening != "":
		o, known := b.Openings[g.Opening]
		return o.Site, o.Area, known
	case g.Area != "":
		a, known := b.Areas[g.Area]
		return a.Site, a.ID, known
	}
	_, known := b.Sites[g.Site]
	return g.Site, "", known
}

// seesGrant reports whether a grant concerns somebody. One for nothing that is
// known concerns those of all sites.
func (b By) seesGrant(book *flow.Book, g sashlock.Grant) bool {
	site, area, known := Place(book, g)
	if !known {
		return b.sees("", "")
	}
	return b.sees(site, area)
}

// ref is how a declared object is referred to, given its identifier.
func ref(b *flow.Book) estate.Naming {
	return func(k estate.Kind, id string) string {
		switch k {
		case estate.Sites:
			return b.Sites[sashlock.SiteID(id)].Slug
		case estate.Areas:
			a := b.Areas[sashlock.AreaID(id)]
			return b.Sites[a.Site].Slug + "/" + a.Slug
		case estate.Openings:
			return b.Openings[sashlock.OpeningID(id)].Slug
		case estate.People:
			return b.People[sashlock.PersonID(id)].Slug
		case estate.Roles:
			return b.Roles[sashlock.RoleID(id)].Slug
		case estate.Schedules:
			return b.Schedules[sashlock.ScheduleID(id)].Slug
		}
		return ""
	}
}

// find finds the identifier of what a slug names.
func find(b *flow.Book) estate.Lookup {
	name := ref(b)
	return func(k estate.Kind, slug string) string {
		switch k {
		case estate.Sites:
			return keyed(b.Sites, k, slug, name)
		case estate.Areas:
			return keyed(b.Areas, k, slug, name)
		case estate.Openings:
			return keyed(b.Openings, k, slug, name)
		case estate.People:
			return keyed(b.People, k, slug, name)
		case estate.Roles:
			return keyed(b.Roles, k, slug, name)
		case estate.Schedules:
			return keyed(b.Schedules, k, slug, name)
		}
		return ""
	}
}

func keyed[K ~string, V any](all map[K]V, k estate.Kind, slug string, name estate.Naming) string {
	for id := range all {
		if string(id) == slug || name(k, string(id)) == slug {
			return string(id)
		}
	}
	return ""
}

// encode writes a body. What is encoded here always can be.
func encode(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", &sashlock.Error{Kind: sashlock.Internal, Op: "writing approvals", Err: err}
	}
	return string(text), nil
}

// data is what a ledger entry carries.
func data(v map[string]any) json.RawMessage {
	text, _ := json.Marshal(v) // numbers, texts and times
	return text
}

// join adds one edit to another.
func join(all *flow.Edit, more flow.Edit) {
	all.Events = append(all.Events, more.Events...)
	put, rm := &all.Access.Put, &all.Access.Remove
	put.Grants = append(put.Grants, more.Access.Put.Grants...)
	put.People = append(put.People, more.Access.Put.People...)
	rm.Grants = append(rm.Grants, more.Access.Remove.Grants...)
	if more.Rails != nil {
		all.Rails = more.Rails
	}
	all.Danger = append(all.Danger, more.Danger...)
}
