// SPDX-License-Identifier: Apache-2.0

package approvals

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// ErrHeld says that a change was not made because it waits for a second
// operator: whoever wanted it is to propose it.
var ErrHeld = errors.New("a second operator has to confirm it")

// The rules of holding back are:
//
//   - The hall asks about every change, whichever way it came: no page and no
//     route can forget to.
//   - It is about who could confirm it, so a store with one operator is never
//     locked out of itself: what nobody else could confirm is made at once, and
//     the ledger says so.
//   - Taking access away, and giving less of it, never waits.

// where is a place that a dangerous change is about; empty: everywhere.
type where struct {
	site sashlock.SiteID
	area sashlock.AreaID
}

// Hold refuses changes that wait for a second operator, with [ErrHeld]. It
// returns what is to be recorded where nobody else could confirm it. The hall
// asks it.
func (r *Room) Hold(tx *store.Tx, next *flow.Book, by sashlock.OperatorID, e flow.Edit) ([]sashlock.Event, error) {
	s, err := ReadSettings(tx)
	if err != nil {
		return nil, err
	}
	var alone []sashlock.Event
	kinds := slices.Clone(e.Danger)
	for _, w := range e.Wider {
		kinds = append(kinds, w.Kind)
	}
	slices.Sort(kinds)
	for _, kind := range slices.Compact(kinds) {
		if !s.Holds(kind) {
			continue
		}
		for _, at := range places(next, kind, e) {
			others, err := r.others(tx, By{ID: by}, kind, at)
			if err != nil {
				return nil, err
			}
			if others {
				return nil, &sashlock.Error{Kind: sashlock.Denied, Op: "changing", Hint: lang.Mark("a second operator has to confirm this change"), Err: ErrHeld}
			}
			alone = append(alone, madeAlone(kind, at))
		}
	}
	return alone, nil
}

// madeAlone is what the ledger says of a change that nobody else could confirm.
func madeAlone(kind string, at where) sashlock.Event {
	return sashlock.Event{Kind: sashlock.ChangeMadeAlone, Site: at.site, Why: kind}
}

// places are those that a kind of dangerous change in an edit is about.
func places(b *flow.Book, kind string, e flow.Edit) (all []where) {
	switch kind {
	case GrantKind:
		for _, g := range e.Access.Put.Grants {
			if High(b, g) {
				site, area, _ := Place(b, g)
				all = append(all, where{site, area})
			}
		}
	case RailKind:
		for _, one := range e.Events {
			if one.Kind == sashlock.RailSaved || one.Kind == sashlock.RailRemoved {
				all = append(all, where{site: one.Site})
			}
		}
	case AccessKind, PlaceKind:
		for _, w := range e.Wider {
			if w.Kind == kind {
				all = append(all, where{w.Site, w.Area})
			}
		}
	default:
		all = []where{{}}
	}
	slices.SortFunc(all, func(a, b where) int { return cmp.Or(cmp.Compare(a.site, b.site), cmp.Compare(a.area, b.area)) })
	return slices.Compact(all)
}

// others reports whether anybody besides somebody could confirm a kind of
// change at a place.
func (r *Room) others(q store.Query, by By, kind string, at where) (bool, error) {
	if r.Others == nil {
		return true, nil
	}
	return r.Others(q, []sashlock.OperatorID{by.ID, by.Behind}, r.Executors[kind].Scopes, at.site, at.area)
}

// Waits reports whether a change of a kind at a place that somebody would make
// waits for a second operator. It is what an editor asks to say so before
// anything is saved; the hall refuses it in any case.
func (r *Room) Waits(ctx context.Context, by By, kind string, site sashlock.SiteID, area sashlock.AreaID) (waits bool, err error) {
	err = r.Store.View(ctx, func(q store.Query) (err error) {
		waits, err = r.waits(q, by, kind, where{site, area})
		return err
	})
	return waits, err
}

func (r *Room) waits(q store.Query, by By, kind string, at where) (bool, error) {
	s, err := ReadSettings(q)
	if err != nil || !s.Holds(kind) {
		return false, err
	}
	return r.others(q, by, kind, at)
}

// GrantWaits is [Room.Waits] for a grant that takes the place of another one,
// or of none: only one for what is worth most waits, and none that gives less.
func (r *Room) GrantWaits(ctx context.Context, by By, g, old sashlock.Grant) (waits bool, err error) {
	err = r.Store.View(ctx, func(q store.Query) (err error) {
		waits, err = r.GrantWaitsIn(q, by, g, old)
		return err
	})
	return waits, err
}

// GrantWaitsIn is [Room.GrantWaits] for whoever reads or changes more.
func (r *Room) GrantWaitsIn(q store.Query, by By, g, old sashlock.Grant) (bool, error) {
	b := r.Hall.Book()
	if !High(b, g) || g.Narrower(old) {
		return false, nil
	}
	site, area, _ := Place(b, g)
	return r.waits(q, by, GrantKind, where{site, area})
}

// EditWaitsIn reports whether an edit waits for a second operator because of
// what it gives by another way than a grant, and as which kind of proposal. It
// is what asks who carries out several edits at once, to set that one aside.
func (r *Room) EditWaitsIn(q store.Query, by By, e flow.Edit, now time.Time) (kind string, err error) {
	wider, err := r.Hall.Book().Widens(e, now)
	if err != nil {
		return "", err
	}
	for _, w := range wider {
		if waits, err := r.waits(q, by, w.Kind, where{w.Site, w.Area}); err != nil || waits {
			return w.Kind, err
		}
	}
	return "", nil
}

// Tally counts what waits and somebody sees: requests for access, and changes
// that a second operator has to confirm.
func Tally(q store.Query, by By, b *flow.Book) (requests, changes int, err error) {
	asks, err := Standing(q)
	for _, a := range asks {
		if by.sees(a.Site, a.AreaIn(b)) {
			requests++
		}
	}
	if err != nil {
		return 0, 0, err
	}
	held, err := WaitingProposals(q)
	for _, p := range held {
		if by.sees(p.Site, p.Area) || p.By == by.ID {
			changes++
		}
	}
	return requests, changes, err
}
