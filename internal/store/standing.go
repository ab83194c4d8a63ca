// SPDX-License-Identifier: Apache-2.0

package store

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/sashlock/sashlock"
)

// standing is what stands of one person, grant or site beside the openings;
// exactly one of the fields is set. What a pointer leads to is never changed.
type standing struct {
	Person *sashlock.PersonState `json:"person,omitempty"`
	Grant  *sashlock.GrantState  `json:"grant,omitempty"`
	Site   *sashlock.SiteState   `json:"site,omitempty"`
}

func personSubject(id sashlock.PersonID) string { return "person:" + string(id) }
func grantSubject(id sashlock.GrantID) string   { return "grant:" + string(id) }
func siteSubject(id sashlock.SiteID) string     { return "site:" + string(id) }

// PersonState returns where a person was last let in; for one who never was, a
// state with nothing but the identifier.
func (tx *Tx) PersonState(id sashlock.PersonID) sashlock.PersonState {
	if st, ok := tx.w.s.standings.get(personSubject(id)); ok && st.Person != nil {
		return *st.Person
	}
	return sashlock.PersonState{Person: id}
}

// SavePersonState records where a person is.
func (tx *Tx) SavePersonState(p sashlock.PersonState) {
	tx.w.s.standings.set(personSubject(p.Person), change[standing]{value: standing{Person: &p}})
}

// PeopleHere calls f for everybody whose state may say that they are at a
// site, in no order, until it returns false. It walks through the states of all
// people, so it is for requests whose answer depends on who else is there.
func (tx *Tx) PeopleHere(site sashlock.SiteID, f func(sashlock.PersonState) bool) {
	c := tx.w.s.standings
	for _, ch := range c.batch {
		if p := ch.value.Person; p != nil && !ch.gone && p.Site == site && !f(*p) {
			return
		}
	}
	for subject, st := range c.committed { // only the writer changes it
		if _, newer := c.batch[subject]; newer || st.Person == nil || st.Person.Site != site {
			continue
		}
		if !f(*st.Person) {
			return
		}
	}
}

// GrantState returns what has been made of a grant.
func (tx *Tx) GrantState(id sashlock.GrantID) sashlock.GrantState {
	if st, ok := tx.w.s.standings.get(grantSubject(id)); ok && st.Grant != nil {
		return *st.Grant
	}
	return sashlock.GrantState{Grant: id}
}

// SaveGrantState records what has been made of a grant.
func (tx *Tx) SaveGrantState(g sashlock.GrantState) {
	tx.w.s.standings.set(grantSubject(g.Grant), change[standing]{value: standing{Grant: &g}})
}

// SiteState returns what stands at a site.
func (tx *Tx) SiteState(id sashlock.SiteID) sashlock.SiteState {
	if st, ok := tx.w.s.standings.get(siteSubject(id)); ok && st.Site != nil {
		s := *st.Site
		s.FirstIn = maps.Clone(s.FirstIn)
		return s
	}
	return sashlock.SiteState{Site: id}
}

// SaveSiteState records what stands at a site.
func (tx *Tx) SaveSiteState(s sashlock.SiteState) {
	tx.w.s.standings.set(siteSubject(s.Site), change[standing]{value: standing{Site: &s}})
}

// Forget removes what stands of a person, a grant or a site that is gone: the
// subject is the identifier's kind and itself, as in "person:prs_…".
func (tx *Tx) forget(subject string) {
	tx.w.s.standings.set(subject, change[standing]{gone: true})
}

// ForgetPerson removes what stands of a person.
func (tx *Tx) ForgetPerson(id sashlock.PersonID) { tx.forget(personSubject(id)) }

// ForgetGrant removes what stands of a grant.
func (tx *Tx) ForgetGrant(id sashlock.GrantID) { tx.forget(grantSubject(id)) }

// Standings is what stands beside the openings, as last committed.
type Standings struct {
	People map[sashlock.PersonID]sashlock.PersonState
	Grants map[sashlock.GrantID]sashlock.GrantState
	Sites  map[sashlock.SiteID]sashlock.SiteState
}

// Standings returns what stands of everybody and everything, as last committed.
func (s *Store) Standings() Standings {
	all := Standings{
		People: make(map[sashlock.PersonID]sashlock.PersonState),
		Grants: make(map[sashlock.GrantID]sashlock.GrantState),
		Sites:  make(map[sashlock.SiteID]sashlock.SiteState),
	}
	s.standings.all(func(_ string, st standing) {
		switch {
		case st.Person != nil:
			all.People[st.Person.Person] = *st.Person
		case st.Grant != nil:
			all.Grants[st.Grant.Grant] = *st.Grant
		case st.Site != nil:
			all.Sites[st.Site.Site] = *st.Site
		}
	})
	return all
}

// PersonState returns where a person was last let in, as last committed.
func (s *Store) PersonState(id sashlock.PersonID) sashlock.PersonState {
	if st, ok := s.standings.read(personSubject(id)); ok && st.Person != nil {
		return *st.Person
	}
	return sashlock.PersonState{Person: id}
}

// GrantState returns what has been made of a grant, as last committed.
func (s *Store) GrantState(id sashlock.GrantID) sashlock.GrantState {
	if st, ok := s.standings.read(grantSubject(id)); ok && st.Grant != nil {
		return *st.Grant
	}
	return sashlock.GrantState{Grant: id}
}

// SiteState returns what stands at a site, as last committed.
func (s *Store) SiteState(id sashlock.SiteID) sashlock.SiteState {
	if st, ok := s.standings.read(siteSubject(id)); ok && st.Site != nil {
		return *st.Site
	}
	return sashlock.SiteState{Site: id}
}

// carryStandings writes what is newer than its row into the table.
func (w *writer) carryStandings() error {
	var rows arguments
	for _, subject := range slices.Sorted(maps.Keys(w.changes.pending.standings)) {
		st, ok := w.s.standings.get(subject)
		if !ok {
			if err := w.prepared("DELETE FROM standings WHERE subject = ?", args(subject)); err != nil {
				return err
			}
			continue
		}
		text, err := encodeStanding(st)
		if err != nil {
			return err
		}
		rows.add(subject, text)
	}
	return w.insert(upsertStandings, rows)
}

func encodeStanding(st standing) (string, error) {
	text, err := json.Marshal(st)
	return string(text), err
}
