// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/guard"
)

// GuardFacts is what guard rails may know of a request to open an opening, but
// for what stands at the moment: mode, threat, the first of two persons.
func (b *Book) GuardFacts(o sashlock.Opening, q sashlock.Request) guard.Facts {
	f := b.GuardOpening(o, q.At)
	f.Action, f.Person, f.Level, f.Method = guard.Open, q.Person, int(q.Level), string(q.Method)
	f.OnShift = b.OnShift(q.Person, o.Site, q.At)
	b.guardPerson(&f, q.Person)
	return f
}

// GuardOpening is what guard rails may know of an opening at an instant.
func (b *Book) GuardOpening(o sashlock.Opening, at time.Time) guard.Facts {
	site, area := b.Sites[o.Site], b.Areas[o.Area]
	return guard.Facts{
		Opening: o.ID, OpeningSlug: o.Slug, Kind: string(o.Kind), Class: string(o.Class),
		Area: string(o.Area), AreaSlug: area.Slug, Site: string(o.Site), SiteSlug: site.Slug,
		Jurisdiction: site.Jurisdiction, At: b.Clock(o.Site, at),
	}
}

// guardPerson adds what guard rails may know of a person.
func (b *Book) guardPerson(f *guard.Facts, id sashlock.PersonID) {
	p := b.person(id)
	f.PersonSlug, f.Suspended = p.Slug, p.Suspended
	for _, role := range p.Roles {
		if r, known := b.Roles[role]; known {
			f.Roles = append(f.Roles, r.Slug)
		}
	}
}

// noteRails tells the index for which openings and people there are guard rails,
// so that a request that concerns neither costs them nothing. After a change of
// what rails go by, everything is asked again, otherwise what was put.
func (b *Book) noteRails(c access.Change, anew bool) {
	w := access.Watch{
		Opening: func(id sashlock.OpeningID) bool {
			o, known := b.Openings[id]
			f := b.GuardOpening(o, time.Time{})
			return known && b.rails.OfOpening(&f)
		},
		Person: func(id sashlock.PersonID) bool {
			f := guard.Facts{Person: id}
			b.guardPerson(&f, id)
			return b.rails.OfPerson(&f)
		},
		All: anew || len(c.Put.Sites)+len(c.Put.Areas)+len(c.Put.Roles)+len(c.Remove.Sites)+len(c.Remove.Areas)+len(c.Remove.Roles) > 0,
	}
	for i := range c.Put.Openings {
		w.Openings = append(w.Openings, c.Put.Openings[i].ID)
	}
	for i := range c.Put.People {
		w.People = append(w.People, c.Put.People[i].ID)
	}
	if w.All || len(w.Openings)+len(w.People) > 0 {
		b.Index = b.Index.Watching(w)
	}
}
