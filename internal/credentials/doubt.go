// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"math"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of doubt are:
//
//   - The number of a card can be copied by whoever stood near it. A card that
//     was let in somewhere else sooner than anybody walks from there is in two
//     hands; so is one whose owner is clocked in at another store.
//   - Such a card alone opens nothing. With its owner's PIN it does: whoever
//     copied the card does not know that.

const (
	betweenSites = 10 * time.Minute // from one store to another, at the least
	betweenDoors = 2 * time.Second  // from one opening to the next, at the least
	acrossFloor  = 25 * time.Second // from one edge of a floor plan to the other, running
)

// use is where a credential was let in last.
type use struct {
	opening sashlock.OpeningID
	at      time.Time
}

// doubt says why a card is suspected of being a copy; empty: it is not.
func (r *Room) doubt(ctx context.Context, o sashlock.Opening, all []found) string {
	for _, f := range all {
		if f.Kind != sashlock.Card {
			continue
		}
		if p := r.store.PersonState(f.Person); p.ClockIn && p.Site != o.Site {
			return "The owner of this card is clocked in at another store."
		}
		was := r.lastUse(ctx, f)
		there, known := r.hall.Book().Openings[was.opening]
		if took := r.now().Sub(was.at); known && there.ID != o.ID && took > -betweenSites && took < walk(there, o) {
			return "The same card was let in elsewhere " + max(0, took.Round(time.Second)).String() + " before, sooner than anybody gets here from there."
		}
	}
	return ""
}

// walk is how long it takes at the least from one opening to another.
func walk(from, to sashlock.Opening) time.Duration {
	switch {
	case from.ID == to.ID:
		return 0
	case from.Site != to.Site:
		return betweenSites
	case from.Plan == sashlock.Place{} || to.Plan == sashlock.Place{}:
		return betweenDoors
	}
	way := math.Hypot(float64(from.Plan.X-to.Plan.X), float64(from.Plan.Y-to.Plan.Y)) / 1000
	return max(betweenDoors, time.Duration(way*float64(acrossFloor)))
}

// lastUse returns where a credential was let in last: as remembered, or after a
// restart as the ledger tells.
func (r *Room) lastUse(ctx context.Context, f found) use {
	r.mu.Lock()
	u, known := r.last[f.ID]
	r.mu.Unlock()
	if known {
		return u
	}
	events, err := r.store.Events(ctx, store.EventQuery{
		Person: f.Person, Kind: string(sashlock.AccessGranted), Newest: true, Limit: 20, Since: r.now().Add(-betweenSites),
	})
	if err != nil {
		return use{} // a doubt less, not a door that stays shut
	}
	for _, e := range events {
		if e.Credential == f.ID {
			return use{e.Opening, e.Heard}
		}
	}
	return use{}
}

// used remembers where credentials were let in.
func (r *Room) used(all []found, at sashlock.OpeningID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range all {
		r.last[f.ID] = use{at, r.now()}
	}
	for id, u := range r.last { // what is older raises no doubt
		if len(r.last) > 10_000 && r.now().Sub(u.at) > betweenSites {
			delete(r.last, id)
		}
	}
}
