// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
	_ "time/tzdata"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/access/reference"
)

// zoneNames has clocks of every temper: an hour, half an hour and two hours to
// and fro, at midnight, in the middle of Ramadan, a whole day skipped, and two
// that do not exist.
var zoneNames = []string{
	"Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana",
	"Africa/Casablanca", "Pacific/Apia", "America/St_Johns", "Asia/Tehran", "Africa/Cairo",
	"America/Sao_Paulo", "Antarctica/Troll", "Europe/Dublin", "Asia/Gaza", "UTC", "Pacific/Chatham",
	"America/Scoresbysund", "Asia/Beirut", "America/Asuncion", "Atlantis/Poseidonis", "",
}

func loadZones() map[string]*time.Location {
	zones := map[string]*time.Location{}
	for _, name := range zoneNames {
		if place, err := time.LoadLocation(name); err == nil && name != "" {
			zones[name] = place
		}
	}
	return zones
}

// world makes random facts in which most references hit something and some do
// not.
type world struct {
	*rand.Rand
	facts access.Facts
	zones map[string]*time.Location
	next  int // number of the next grant
}

const (
	somePeople, someRoles, someOpenings = 7, 5, 8
	someAreas, someSites, someSchedules = 5, 3, 7
)

func newWorld(seed uint64, zones map[string]*time.Location) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 7)), zones: zones}
	for i := range someSites - w.IntN(2) {
		w.facts.Sites = append(w.facts.Sites, w.site(i))
	}
	for i := range someAreas - w.IntN(2) {
		w.facts.Areas = append(w.facts.Areas, w.area(i))
	}
	for i := range someOpenings - w.IntN(2) {
		w.facts.Openings = append(w.facts.Openings, w.opening(i))
	}
	for i := range someRoles - w.IntN(2) {
		w.facts.Roles = append(w.facts.Roles, w.role(i))
	}
	for i := range somePeople - w.IntN(2) {
		w.facts.People = append(w.facts.People, w.person(i))
	}
	for i := range someSchedules - w.IntN(2) {
		w.facts.Schedules = append(w.facts.Schedules, w.schedule(i))
	}
	for range 10 + w.IntN(60) {
		w.facts.Grants = append(w.facts.Grants, w.grant(w.freshGrant()))
	}
	return w
}

func id[T ~string](kind string, n int) T { return T(fmt.Sprintf("%s_%d", kind, n)) }

// chance is true n times out of 100.
func (w *world) chance(n int) bool { return w.IntN(100) < n }

func (w *world) freshGrant() sashlock.GrantID {
	w.next++
	return sashlock.GrantID(fmt.Sprintf("grt_%04x", w.next*40503%65536)) // not in order of time
}

func (w *world) site(i int) sashlock.Site {
	return sashlock.Site{ID: id[sashlock.SiteID]("site", i), Name: "Site", Zone: zoneNames[w.IntN(len(zoneNames))]}
}

func (w *world) area(i int) sashlock.Area {
	a := sashlock.Area{ID: id[sashlock.AreaID]("area", i), Name: "Area", Site: id[sashlock.SiteID]("site", w.IntN(someSites))}
	if w.chance(40) {
		a.Needs, a.Occupancy = w.needs(), w.IntN(4)
		a.Passback = []sashlock.Passback{"", sashlock.PassbackSoft, sashlock.PassbackHard, sashlock.PassbackTimed}[w.IntN(4)]
		a.PassbackFor = time.Duration(w.IntN(60)) * time.Minute
	}
	return a
}

func (w *world) opening(i int) sashlock.Opening {
	o := sashlock.Opening{ID: id[sashlock.OpeningID]("opn", i), Name: "Opening", Site: id[sashlock.SiteID]("site", w.IntN(someSites))}
	if w.chance(85) {
		o.Area = id[sashlock.AreaID]("area", w.IntN(someAreas))
	}
	if w.chance(3) {
		o.Site = ""
	}
	kinds := []sashlock.OpeningKind{sashlock.Door, sashlock.Case, sashlock.Cage, sashlock.Locker}
	o.Kind = kinds[w.IntN(len(kinds))]
	if w.chance(30) {
		o.Needs = w.needs()
	}
	if w.chance(20) {
		o.Interlock = []string{"airlock", "vault"}[w.IntN(2)]
	}
	return o
}

func (w *world) role(i int) sashlock.Role {
	return sashlock.Role{ID: id[sashlock.RoleID]("role", i), Name: "Role"}
}

func (w *world) person(i int) sashlock.Person {
	p := sashlock.Person{ID: id[sashlock.PersonID]("prs", i), Suspended: w.chance(6)}
	for range w.IntN(7) { // some twice
		p.Roles = append(p.Roles, id[sashlock.RoleID]("role", w.IntN(someRoles)))
	}
	if w.chance(15) {
		p.From = w.instant()
	}
	if w.chance(15) {
		p.Until = w.instant()
	}
	return p
}

func (w *world) grant(gid sashlock.GrantID) sashlock.Grant {
	g := sashlock.Grant{ID: gid}
	if w.chance(50) {
		g.Person = id[sashlock.PersonID]("prs", w.IntN(somePeople))
	} else {
		g.Role = id[sashlock.RoleID]("role", w.IntN(someRoles))
	}
	switch w.IntN(5) {
	case 0:
		g.Site = id[sashlock.SiteID]("site", w.IntN(someSites))
	case 1:
		g.Area = id[sashlock.AreaID]("area", w.IntN(someAreas))
	default:
		g.Opening = id[sashlock.OpeningID]("opn", w.IntN(someOpenings))
	}
	if w.chance(85) {
		g.Schedule = id[sashlock.ScheduleID]("sch", w.IntN(someSchedules))
	}
	if w.chance(30) {
		g.From = w.instant()
	}
	if w.chance(30) {
		g.Until = w.instant()
	}
	if w.chance(40) {
		g.Terms = w.terms()
	}
	return g
}

func (w *world) timeOfDay() sashlock.TimeOfDay {
	if w.chance(70) {
		return sashlock.TimeOfDay(w.IntN(48) * 30)
	}
	return sashlock.TimeOfDay(w.IntN(1440))
}

func (w *world) date() sashlock.Date { return sashlock.DateOf(w.instant()) }

func (w *world) schedule(i int) sashlock.Schedule {
	s := sashlock.Schedule{ID: id[sashlock.ScheduleID]("sch", i), Name: "Schedule"}
	for range 1 + w.IntN(4) {
		p := sashlock.Period{From: w.timeOfDay(), Until: w.timeOfDay()}
		for d := time.Sunday; d <= time.Saturday; d++ {
			if w.chance(60) {
				p.Days = append(p.Days, d)
			}
		}
		s.Weekly = append(s.Weekly, p) // without days it cannot be read
	}
	for range w.IntN(4) {
		d := sashlock.SpecialDay{First: w.date()}
		d.Last = d.First.AddDays(w.IntN(4) - w.IntN(20)/19) // sometimes it ends before it begins
		for range w.IntN(3) {
			d.Spans = append(d.Spans, sashlock.Span{From: w.timeOfDay(), Until: w.timeOfDay()})
		}
		s.Special = append(s.Special, d)
	}
	if w.chance(15) {
		s.First = w.date()
	}
	if w.chance(15) {
		s.Last = w.date()
	}
	return s
}

// instant is a moment between 2006 and 2031, most often near a change of some
// clock, now and then with nanoseconds.
func (w *world) instant() time.Time {
	t := time.Unix(1_136_073_600+w.Int64N(25*365*86400), 0)
	if place := w.zones[zoneNames[w.IntN(len(zoneNames))]]; place != nil && w.chance(70) {
		if start, _ := t.In(place).ZoneBounds(); !start.IsZero() {
			t = start.Add(time.Duration(w.IntN(2*40*60)-40*60) * time.Minute)
		}
	}
	if w.chance(30) {
		t = t.Add(time.Duration(w.Int64N(int64(time.Minute))))
	}
	return t
}

// request asks for something, mostly for what exists, at a random moment or
// right on the edge of a limit.
func (w *world) request() (sashlock.Request, sashlock.Mode) {
	r := sashlock.Request{
		Person:  id[sashlock.PersonID]("prs", w.IntN(somePeople)),
		Opening: id[sashlock.OpeningID]("opn", w.IntN(someOpenings)),
		At:      w.instant(),
	}
	if len(w.facts.Grants) > 0 && w.chance(40) {
		g := w.facts.Grants[w.IntN(len(w.facts.Grants))]
		if g.Person != "" {
			r.Person = g.Person
		}
		if g.Opening != "" {
			r.Opening = g.Opening
		}
		if edge := []time.Time{g.From, g.Until}[w.IntN(2)]; !edge.IsZero() {
			r.At = edge.Add(time.Duration(w.IntN(3) - 1))
		}
	}
	r.Level = sashlock.Assurance(w.IntN(5))
	if w.chance(15) {
		r.Side = sashlock.Leaving
	}
	modes := []sashlock.Mode{sashlock.HeldUnlocked, sashlock.Normal, sashlock.LockedDown, sashlock.Blocked, "nonsense"}
	if w.chance(90) {
		return r, ""
	}
	return r, modes[w.IntN(len(modes))]
}

// change makes a random change and applies it to the facts in the plainest way.
func (w *world) change() access.Change {
	var c access.Change
	for range 1 + w.IntN(2) {
		w.changeOne(&c)
	}
	w.facts = apply(w.facts, c)
	return c
}

func (w *world) changeOne(c *access.Change) {
	put := w.chance(75)
	switch w.IntN(10) {
	case 0:
		putOrRemove(put, w.site(w.IntN(someSites)), &c.Put.Sites, &c.Remove.Sites, siteID)
	case 1:
		putOrRemove(put, w.area(w.IntN(someAreas)), &c.Put.Areas, &c.Remove.Areas, areaID)
	case 2:
		putOrRemove(put, w.opening(w.IntN(someOpenings)), &c.Put.Openings, &c.Remove.Openings, openingID)
	case 3:
		putOrRemove(put, w.person(w.IntN(somePeople)), &c.Put.People, &c.Remove.People, personID)
	case 4:
		putOrRemove(put, w.role(w.IntN(someRoles)), &c.Put.Roles, &c.Remove.Roles, roleID)
	case 5:
		putOrRemove(put, w.schedule(w.IntN(someSchedules)), &c.Put.Schedules, &c.Remove.Schedules, scheduleID)
	default:
		gid := w.freshGrant()
		if len(w.facts.Grants) > 0 && w.chance(60) {
			gid = w.facts.Grants[w.IntN(len(w.facts.Grants))].ID
		}
		putOrRemove(put, w.grant(gid), &c.Put.Grants, &c.Remove.Grants, grantID)
	}
}

func putOrRemove[T any, ID ~string](put bool, it T, puts *[]T, removals *[]ID, key func(T) ID) {
	if put {
		*puts = append(*puts, it)
	} else {
		*removals = append(*removals, key(it))
	}
}

func siteID(s sashlock.Site) sashlock.SiteID             { return s.ID }
func areaID(a sashlock.Area) sashlock.AreaID             { return a.ID }
func openingID(o sashlock.Opening) sashlock.OpeningID    { return o.ID }
func personID(p sashlock.Person) sashlock.PersonID       { return p.ID }
func roleID(r sashlock.Role) sashlock.RoleID             { return r.ID }
func scheduleID(s sashlock.Schedule) sashlock.ScheduleID { return s.ID }
func grantID(g sashlock.Grant) sashlock.GrantID          { return g.ID }

// apply does to facts what a change means.
func apply(f access.Facts, c access.Change) access.Facts {
	return access.Facts{
		Sites:     applyTo(f.Sites, c.Put.Sites, c.Remove.Sites, siteID),
		Areas:     applyTo(f.Areas, c.Put.Areas, c.Remove.Areas, areaID),
		Openings:  applyTo(f.Openings, c.Put.Openings, c.Remove.Openings, openingID),
		People:    applyTo(f.People, c.Put.People, c.Remove.People, personID),
		Roles:     applyTo(f.Roles, c.Put.Roles, c.Remove.Roles, roleID),
		Schedules: applyTo(f.Schedules, c.Put.Schedules, c.Remove.Schedules, scheduleID),
		Grants:    applyTo(f.Grants, c.Put.Grants, c.Remove.Grants, grantID),
	}
}

func applyTo[T any, ID comparable](all, put []T, remove []ID, key func(T) ID) []T {
	kept := slices.DeleteFunc(slices.Clone(all), func(it T) bool { return slices.Contains(remove, key(it)) })
	for _, it := range put {
		kept = slices.DeleteFunc(kept, func(old T) bool { return key(old) == key(it) })
		kept = append(kept, it)
	}
	return kept
}

// slow is the facts as the reference decider reads them.
func (w *world) slow() *reference.Facts {
	f := w.facts
	return &reference.Facts{
		Sites: f.Sites, Areas: f.Areas, Openings: f.Openings, People: f.People,
		Roles: f.Roles, Schedules: f.Schedules, Grants: f.Grants, Zones: w.zones,
	}
}
