// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/store"
)

// moment is the situation within a running transaction.
type moment struct {
	tx   *store.Tx
	book *Book
}

var _ access.Situation = moment{}

func (m moment) Grant(id sashlock.GrantID) sashlock.GrantState    { return m.tx.GrantState(id) }
func (m moment) Person(id sashlock.PersonID) sashlock.PersonState { return m.tx.PersonState(id) }

func (m moment) Here(site sashlock.SiteID, f func(sashlock.PersonState) bool) {
	m.tx.PeopleHere(site, f)
}

func (m moment) OnShift(p sashlock.PersonID, s sashlock.SiteID, at time.Time) bool {
	return m.book.OnShift(p, s, at)
}

func (m moment) Opening(id sashlock.OpeningID) sashlock.OpeningState {
	s, err := m.tx.State(id)
	if err != nil {
		return sashlock.OpeningState{Opening: id, Position: sashlock.PositionFault} // doubt refuses
	}
	return s
}

func (m moment) FirstIn(site sashlock.SiteID, role sashlock.RoleID) string {
	return m.tx.SiteState(site).FirstIn[role]
}

// Present is the situation as last committed, for questions that change
// nothing: what would be decided now.
type Present struct {
	store *store.Store
	book  *Book
	here  map[sashlock.SiteID][]sashlock.PersonState // filled when first asked
}

var _ access.Situation = (*Present)(nil)

// Present returns the situation as it stands now. It is for one question, or
// several that may be answered alike; it is not safe for concurrent use.
func (h *Hall) Present() *Present { return &Present{store: h.store, book: h.Book()} }

// Grant returns what has been made of a grant.
func (p *Present) Grant(id sashlock.GrantID) sashlock.GrantState { return p.store.GrantState(id) }

// Person returns where a person is.
func (p *Present) Person(id sashlock.PersonID) sashlock.PersonState { return p.store.PersonState(id) }

// Here calls f for everybody who may be at a site, until it returns false.
func (p *Present) Here(site sashlock.SiteID, f func(sashlock.PersonState) bool) {
	if p.here == nil {
		p.here = make(map[sashlock.SiteID][]sashlock.PersonState)
		for _, s := range p.store.Standings().People {
			p.here[s.Site] = append(p.here[s.Site], s)
		}
	}
	for _, s := range p.here[site] {
		if !f(s) {
			return
		}
	}
}

// OnShift reports whether a person is on shift at a site.
func (p *Present) OnShift(person sashlock.PersonID, site sashlock.SiteID, at time.Time) bool {
	return p.book.OnShift(person, site, at)
}

// Opening returns how an opening stands.
func (p *Present) Opening(id sashlock.OpeningID) sashlock.OpeningState {
	return p.store.StateNow(id)
}

// FirstIn returns the last local day on which somebody with a role was let in.
func (p *Present) FirstIn(site sashlock.SiteID, role sashlock.RoleID) string {
	return p.store.SiteState(site).FirstIn[role]
}
