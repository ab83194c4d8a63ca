// SPDX-License-Identifier: Apache-2.0

package access

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/schedule"
)

// With returns an index with some facts changed. It shares nearly everything
// with this one, which stays as it is. Errors are those of [New], and leave
// nothing changed; an object put twice in one change is taken as it comes
// last.
//
// The time a change takes does not grow with the number of grants, but one
// schedule or one new zone compiles a calendar for every zone or schedule.
func (ix *Index) With(c Change) (*Index, error) {
	if err := check(c.Put); err != nil {
		return nil, err
	}
	next := *ix
	if next.seed == (maphash.Seed{}) {
		next.seed = maphash.MakeSeed()
	}
	d := draft{Index: &next}
	d.remove(c.Remove)
	d.putObjects(c.Put)
	for i := range c.Put.Grants {
		d.putGrant(&c.Put.Grants[i])
	}
	d.watchPut(c.Put)
	if len(c.Put.Openings)+len(c.Remove.Openings) > 0 {
		d.settleInterlocks()
	}
	return d.Index, nil
}

// draft is an index under construction. A fresh one shares nothing with any
// other, so that it can be changed in place.
type draft struct {
	*Index
	fresh bool
}

func (d *draft) putObjects(f Facts) {
	for _, s := range f.Schedules {
		d.putSchedule(s)
	}
	for _, s := range f.Sites {
		e := edit(d, &d.sites, string(s.ID))
		e.known = true
		e.is.name, e.is.zone = strings.Clone(s.Name), d.zoneOf(s.Zone)
	}
	for _, a := range f.Areas {
		e := edit(d, &d.areas, string(a.ID))
		e.known = true
		e.is.name, e.is.demands = strings.Clone(a.Name), areaDemands(&a)
	}
	for _, o := range f.Openings {
		e := edit(d, &d.openings, string(o.ID))
		e.known = true
		e.is.more = &openingMore{name: strings.Clone(o.Name), kind: o.Kind, demands: demandsOf(&o)}
		e.is.site = d.sites.intern(d.seed, string(o.Site), d.fresh)
		e.is.area = d.areas.intern(d.seed, string(o.Area), d.fresh)
	}
	for _, r := range f.Roles {
		e := edit(d, &d.roles, string(r.ID))
		e.known = true
		e.is.name = strings.Clone(r.Name)
	}
	for _, p := range f.People {
		e := edit(d, &d.people, string(p.ID))
		e.known = true
		e.is = d.personOf(&p)
	}
}

func (d *draft) personOf(p *sashlock.Person) person {
	made := person{suspended: p.Suspended}
	numbers := d.roleNumbers(p.Roles)
	made.few = uint8(copy(made.first[:], numbers))
	r := rare{limits: limitsOf(p.From, p.Until), more: slices.Clone(numbers[made.few:])}
	if r.limits != forever || len(r.more) > 0 {
		made.rare = &r
	}
	return made
}

// edit returns the entry of an identifier for writing.
func edit[T any](d *draft, b *book[T], id string) *entry[T] {
	return b.edit(b.intern(d.seed, id, d.fresh), d.fresh)
}

// roleNumbers numbers the roles of a person, each once, in their order.
func (d *draft) roleNumbers(ids []sashlock.RoleID) []uint32 {
	var numbers []uint32
	for _, id := range ids {
		n := d.roles.intern(d.seed, string(id), d.fresh)
		if n != none && !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

func (d *draft) putSchedule(s sashlock.Schedule) {
	n := d.schedules.intern(d.seed, string(s.ID), d.fresh)
	e := d.schedules.edit(n, d.fresh)
	e.known = true
	e.is = timetable{name: strings.Clone(s.Name), source: cloneSchedule(s)}
	if p, err := schedule.NewPattern(e.is.source); err == nil {
		e.is.pattern = *p // otherwise it opens nothing; Explain says so
	}
}

// cloneSchedule copies what the caller might change later.
func cloneSchedule(s sashlock.Schedule) sashlock.Schedule {
	s.Weekly = slices.Clone(s.Weekly)
	for i := range s.Weekly {
		s.Weekly[i].Days = slices.Clone(s.Weekly[i].Days)
	}
	s.Special = slices.Clone(s.Special)
	for i := range s.Special {
		s.Special[i].Spans = slices.Clone(s.Special[i].Spans)
	}
	return s
}

// zoneOf returns the place of a zone, which may be new.
func (d *draft) zoneOf(name string) uint32 {
	for i := range d.zones {
		if d.zones[i].name == name {
			return uint32(i)
		}
	}
	z := zone{name: strings.Clone(name)}
	if place, err := schedule.LoadZone(name); err == nil {
		z.clock, _ = schedule.NewClock(place) // a zone that has a name has a clock
	}
	d.zones = append(slices.Clip(d.zones), z)
	return uint32(len(d.zones) - 1)
}

// numbers turns the identifiers of a grant into numbers.
func (d *draft) numbers(g *sashlock.Grant) (target, key, timetable uint32) {
	switch {
	case g.Opening != "":
		target = d.openings.intern(d.seed, string(g.Opening), d.fresh) | openingTarget
	case g.Area != "":
		target = d.areas.intern(d.seed, string(g.Area), d.fresh) | areaTarget
	default:
		target = d.sites.intern(d.seed, string(g.Site), d.fresh) | siteTarget
	}
	if g.Person != "" {
		key = keyOf(d.people.intern(d.seed, string(g.Person), d.fresh))
	} else {
		key = keyOf(d.roles.intern(d.seed, string(g.Role), d.fresh) | roleBit)
	}
	return target, key, d.schedules.intern(d.seed, string(g.Schedule), d.fresh)
}

func (d *draft) setGrants(target uint32, r run) {
	switch n := target & numberMask; target &^ numberMask {
	case openingTarget:
		d.openings.edit(n, d.fresh).is.grants = r
	case areaTarget:
		d.areas.edit(n, d.fresh).is.grants = r
	default:
		d.sites.edit(n, d.fresh).is.grants = r
	}
}

func (d *draft) putGrant(g *sashlock.Grant) {
	d.removeGrant(string(g.ID))
	target, key, timetable := d.numbers(g)
	it := item{key, timetable, d.limitsFor(g), string(g.ID)}
	d.setGrants(target, d.grantsFor(target).with(it))
	d.grants = d.grants.with(slot{hash(d.seed, it.id), target, key}, 0, false)
	d.count++
}

func (d *draft) removeGrant(id string) {
	s, found := d.findGrant(id)
	if !found {
		return
	}
	d.setGrants(s.a, d.grantsFor(s.a).without(s.b, id))
	d.grants = d.grants.without(s, 0)
	d.count--
}

// remove takes objects out. Their entries stay under their numbers, because
// grants may still refer to them.
func (d *draft) remove(r Removal) {
	for _, id := range r.Grants {
		d.removeGrant(string(id))
	}
	for _, id := range r.Sites {
		forget(d, &d.sites, string(id), func(s *site) { *s = site{grants: s.grants} })
	}
	for _, id := range r.Areas {
		forget(d, &d.areas, string(id), func(a *area) { *a = area{grants: a.grants} })
	}
	for _, id := range r.Openings {
		forget(d, &d.openings, string(id), func(o *opening) { *o = opening{site: none, area: none, grants: o.grants} })
	}
	for _, id := range r.People {
		forget(d, &d.people, string(id), func(p *person) { *p = person{} })
	}
	for _, id := range r.Roles {
		forget(d, &d.roles, string(id), func(r *role) { *r = role{} })
	}
	for _, id := range r.Schedules {
		forget(d, &d.schedules, string(id), func(t *timetable) { *t = timetable{} })
	}
}

// forget makes an object unknown and clears what is no longer wanted of it.
func forget[T any](d *draft, b *book[T], id string, clear func(*T)) {
	n := b.find(d.seed, id)
	if n == none {
		return
	}
	e := b.edit(n, d.fresh)
	e.known = false
	clear(&e.is)
}
