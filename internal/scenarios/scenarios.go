// SPDX-License-Identifier: Apache-2.0

// Package scenarios keeps what stores do by themselves, and does it: peak
// hours, opening and closing, special events and lockdowns.
//
// # What
//
// [Room.Save] keeps a scenario and every earlier version of it. [Room.Run]
// follows the ledger and the clock and carries scenarios out, [Room.Press] is
// somebody's hand on the button. [Room.Preview] says what one would do before it
// is saved, [Room.BackTest] what it would have done.
//
// # How it fits
//
// What a scenario is and when it begins and ends is the business of package
// scenario, which is pure. Orders go through the hall: it keeps them by rank and
// asks the guard rails once more. Grants are those of another room, which package
// app hands in.
//
// # Promises
//
//   - How a scenario stands and the orders that follow from it are written in
//     one transaction. After a restart what ran goes on, and is taken back.
//   - What ends leaves every opening, and how the store stands, as it would be
//     without it.
//   - A scenario that could open a guarded opening is not saved; one that came to
//     be able to, because a rail or an opening changed, holds it back.
package scenarios

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/store"
)

// Granting is the room that keeps grants, for those that there are only while a
// scenario runs.
type Granting struct {
	List   func(q store.Query) ([]sashlock.Grant, error)
	Find   func(q store.Query, ref string) (sashlock.Grant, error)
	Save   func(tx *store.Tx, g estate.Grant, find estate.Lookup, rev int64) (flow.Edit, error)
	Revoke func(tx *store.Tx, ref string, rev int64) (flow.Edit, error)
}

// Options are what a room is built from.
type Options struct {
	Store    *store.Store
	Hall     *flow.Hall
	Now      func() time.Time
	Log      *slog.Logger
	Granting Granting
}

// Room is where scenarios are kept.
type Room struct {
	Options
	pace time.Duration // between two looks while something runs

	mu   sync.Mutex
	next time.Time // guarded by mu: when to look again; zero: when something happens
	busy bool      // guarded by mu: something runs or counts, so look again soon
	hear hearing   // guarded by mu: what begins or moves one
}

// New returns the room. It does nothing by itself until [Room.Run].
func New(opts Options) *Room { return &Room{Options: opts, pace: usualPace, busy: true} }

// Kept is a scenario with how it stands.
type Kept struct {
	scenario.Scenario
	At    sashlock.SiteID
	Rev   int64
	Saved time.Time
	State scenario.State
}

// Version is a scenario as it was once.
type Version struct {
	Rev      int64
	At       time.Time
	Operator sashlock.OperatorID
	Why      string
	Removed  bool
	Form     scenario.Scenario
}

const columns = `slug, site, body, rev, saved, state`

func scan(read store.Scan) (k Kept, err error) {
	var slug, body, state string
	var saved int64
	if err = read(&slug, &k.At, &body, &k.Rev, &saved, &state); err != nil {
		return k, err
	}
	k.Saved = time.UnixMicro(saved).UTC()
	if err = json.Unmarshal([]byte(body), &k.Scenario); err == nil {
		err = json.Unmarshal([]byte(state), &k.State)
	}
	k.Slug = slug
	return k, err
}

// put writes a scenario as it stands.
func (k Kept) put(tx *store.Tx) error {
	body, err := json.Marshal(k.Scenario)
	if err != nil {
		return err
	}
	state, err := json.Marshal(k.State)
	if err != nil {
		return err
	}
	return tx.Put("scenarios", "slug", store.Fields{
		"slug": k.Slug, "site": k.At, "body": string(body), "rev": k.Rev, "saved": k.Saved.UnixMicro(), "state": string(state),
	})
}

// List returns every scenario: those that run first, then by name.
func List(q store.Query) ([]Kept, error) {
	all, err := store.Rows(q, scan, `SELECT `+columns+` FROM scenarios ORDER BY slug`)
	slices.SortStableFunc(all, func(a, b Kept) int {
		switch {
		case a.State.Running == b.State.Running:
			return 0
		case a.State.Running:
			return -1
		}
		return 1
	})
	return all, err
}

// Find returns one scenario, or NotFound.
func Find(q store.Query, slug string) (Kept, error) {
	return store.One(q, scan, "scenario", slug, `SELECT `+columns+` FROM scenarios WHERE slug = ?`, slug)
}

// Versions returns every version of a scenario, the newest first. They stay
// when it is removed.
func Versions(q store.Query, slug string) ([]Version, error) {
	read := func(scan store.Scan) (v Version, err error) {
		var body string
		var at int64
		if err = scan(&v.Rev, &body, &at, &v.Operator, &v.Why); err != nil {
			return v, err
		}
		v.At = time.UnixMicro(at).UTC()
		if v.Removed = body == ""; v.Removed {
			return v, nil
		}
		return v, json.Unmarshal([]byte(body), &v.Form)
	}
	return store.Rows(q, read, `SELECT rev, body, at, operator, why FROM scenario_versions WHERE slug = ? ORDER BY rev DESC LIMIT 500`, slug)
}

// world is what is declared, for compiling.
func world(b *flow.Book, others []Kept, but string) scenario.World {
	w := scenario.World{Sites: b.Sites, Areas: b.Areas, Openings: b.Openings, Schedules: b.Schedules, Roles: b.Roles}
	for _, k := range others {
		if k.Slug != but {
			w.Others = append(w.Others, k.Scenario)
		}
	}
	return w
}

// Compile makes a plan of a scenario by what is declared now, or says what is
// wrong with it.
func (r *Room) Compile(ctx context.Context, form scenario.Scenario) (*scenario.Plan, []estate.Problem, error) {
	var all []Kept
	if err := r.Store.View(ctx, func(q store.Query) (err error) { all, err = List(q); return err }); err != nil {
		return nil, nil, err
	}
	plan, problems := scenario.Compile(form, world(r.Hall.Book(), all, form.Slug))
	return plan, problems, nil
}

// lookup finds declared objects by what people write.
func lookup(b *flow.Book) estate.Lookup {
	return func(k estate.Kind, ref string) string {
		switch k {
		case estate.People:
			for id, p := range b.People {
				if p.Slug == ref || string(id) == ref {
					return string(id)
				}
			}
		case estate.Roles:
			for id, o := range b.Roles {
				if o.Slug == ref || string(id) == ref {
					return string(id)
				}
			}
		case estate.Openings:
			for id, o := range b.Openings {
				if o.Slug == ref || string(id) == ref {
					return string(id)
				}
			}
		case estate.Areas:
			for id, o := range b.Areas {
				if b.Sites[o.Site].Slug+"/"+o.Slug == ref || string(id) == ref {
					return string(id)
				}
			}
		case estate.Sites:
			for id, o := range b.Sites {
				if o.Slug == ref || string(id) == ref {
					return string(id)
				}
			}
		case estate.Schedules:
			for id, o := range b.Schedules {
				if o.Slug == ref || string(id) == ref {
					return string(id)
				}
			}
		}
		return ""
	}
}
