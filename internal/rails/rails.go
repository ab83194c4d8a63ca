// SPDX-License-Identifier: Apache-2.0

// Package rails keeps the guard rails: rules in Cedar that forbid, and that no
// grant and no scenario can beat.
//
// # What
//
// [Save] and [Remove] change them, [List] and [Find] read them. Those that come
// with Sashlock (folder policies) hold in every store until somebody edits or
// removes them there. [Compile] makes of all of them what decisions are held
// against.
//
// # How it fits
//
// Package internal/guard reads and evaluates the rules; this room only keeps
// their texts. A change compiles the whole set anew inside its transaction and
// hands it to the hall with the flow.Edit, so that the next decision is held
// against it.
//
// # Promises
//
// A rail that does not compile, or that would make the set too large, changes
// nothing and is answered with line and column. What was in force stays in force
// until the new set is committed.
package rails

import (
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/policies"
)

// Rail is one guard rail as it is kept.
type Rail struct {
	Slug    string
	Text    string          // Cedar
	Site    sashlock.SiteID // where it holds; empty: everywhere
	Shadow  bool            // recorded, not enforced
	Shipped bool            // it came with Sashlock and nobody edited it here
	Rev     int64
}

// Proposed is a change of a rail that waits for a second operator.
type Proposed struct {
	Rail
	Remove bool // it is to be taken away
}

// kept is a row of the table: a rail that was written or edited here, or the
// mark that a shipped one was removed.
type kept struct {
	Rail
	removed bool
}

func scan(row store.Scan) (k kept, err error) {
	var site sql.NullString
	err = row(&k.Slug, &k.Text, &site, &k.Shadow, &k.removed, &k.Rev)
	k.Site = sashlock.SiteID(site.String)
	return k, err
}

// List returns every rail in order of slug: those kept here, and the shipped
// ones that nobody edited or removed.
func List(q store.Query) ([]Rail, error) {
	rows, err := store.Rows(q, scan, `SELECT slug, text, site, shadow, removed, rev FROM rails ORDER BY slug`)
	if err != nil {
		return nil, err
	}
	var all []Rail
	touched := make(map[string]bool, len(rows))
	for _, k := range rows {
		touched[k.Slug] = true
		if !k.removed {
			all = append(all, k.Rail)
		}
	}
	for _, p := range policies.Default() {
		if !touched[p.Name] {
			all = append(all, Rail{Slug: p.Name, Text: p.Text, Shadow: p.Shadow, Shipped: true, Rev: 1})
		}
	}
	slices.SortFunc(all, func(a, b Rail) int { return strings.Compare(a.Slug, b.Slug) })
	return all, nil
}

// Find returns the rail of a slug.
func Find(q store.Query, slug string) (Rail, error) {
	all, err := List(q)
	if err != nil {
		return Rail{}, err
	}
	i := slices.IndexFunc(all, func(r Rail) bool { return r.Slug == slug })
	if i < 0 {
		return Rail{}, &sashlock.Error{Kind: sashlock.NotFound, Op: "finding guard rail", Subject: slug, Hint: "there is no guard rail with this name"}
	}
	return all[i], nil
}

// Compile makes the set of rails that decisions are held against.
func Compile(all []Rail) (*guard.Set, error) {
	texts := make([]guard.Rail, len(all))
	for i, r := range all {
		texts[i] = guard.Rail{Name: r.Slug, Text: r.Text, Site: r.Site, Shadow: r.Shadow}
	}
	return guard.Compile(texts)
}

// Load reads all rails and compiles them, for a house that starts. Rails that
// no longer compile would leave decisions without a guard, so they are an error.
func Load(q store.Query) (*guard.Set, error) {
	all, err := List(q)
	if err != nil {
		return nil, err
	}
	return Compile(all)
}

// Save creates a rail or changes the one with the same slug. A rev other than 0
// is the revision the caller saw.
func Save(tx *store.Tx, r Rail, rev int64) (flow.Edit, error) {
	if !sashlock.ValidSlug(r.Slug) {
		return flow.Edit{}, estate.Problems("saving guard rail", []estate.Problem{{
			Field: "slug", Detail: lang.Say("this cannot be a short name"), Fix: lang.Say("use 1 to 40 of a-z, 0-9 and hyphens, starting with a letter or digit"),
		}})
	}
	old, err := Find(tx, r.Slug)
	if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
		return flow.Edit{}, err
	}
	if err := store.CheckRev("guard rail", r.Slug, old.Rev, rev); err != nil {
		return flow.Edit{}, err
	}
	r.Rev, r.Shipped = old.Rev+1, false
	all, err := List(tx)
	if err != nil {
		return flow.Edit{}, err
	}
	all = append(slices.DeleteFunc(all, func(other Rail) bool { return other.Slug == r.Slug }), r)
	set, err := Compile(all)
	if err != nil {
		return flow.Edit{}, err
	}
	return flow.Edit{Events: []sashlock.Event{saved(r)}, Rails: set, Danger: weakened(old, r)}, put(tx, r, false)
}

// Weakens reports whether a rail may forbid less than another one that it
// takes the place of. Nobody can tell what two texts forbid, so another text
// counts as less.
func Weakens(r, old Rail) bool {
	return old.Rev > 0 && !old.Shadow && (r.Shadow || r.Text != old.Text || r.Site != "" && r.Site != old.Site)
}

func weakened(old, r Rail) []string {
	if Weakens(r, old) {
		return []string{flow.RailWeakened}
	}
	return nil
}

// Remove takes a rail away.
func Remove(tx *store.Tx, slug string, rev int64) (flow.Edit, error) {
	r, err := Find(tx, slug)
	if err != nil {
		return flow.Edit{}, err
	}
	if err := store.CheckRev("guard rail", slug, r.Rev, rev); err != nil {
		return flow.Edit{}, err
	}
	var danger []string
	if !r.Shadow {
		danger = []string{flow.RailWeakened}
	}
	r.Rev++
	if err := put(tx, r, true); err != nil {
		return flow.Edit{}, err
	}
	set, err := Load(tx)
	return flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.RailRemoved, Site: r.Site, Subject: slug}}, Rails: set, Danger: danger,
	}, err
}

func put(tx *store.Tx, r Rail, removed bool) error {
	return tx.Put("rails", "slug", store.Fields{
		"slug": r.Slug, "text": r.Text, "site": store.Null(r.Site), "shadow": r.Shadow, "removed": removed, "rev": r.Rev,
	})
}

// saved is what the ledger says of a rail: the whole text, so that what was in
// force at any time can be read there.
func saved(r Rail) sashlock.Event {
	data, _ := json.Marshal(map[string]any{"slug": r.Slug, "text": r.Text, "shadow": r.Shadow, "rev": r.Rev}) // plain values always encode
	return sashlock.Event{Kind: sashlock.RailSaved, Site: r.Site, Subject: r.Slug, Data: data}
}
