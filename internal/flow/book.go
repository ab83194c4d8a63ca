// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"maps"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/detect"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/schedule"
)

// Book is what the owner has declared, compiled for deciding and at hand for
// showing: the index of grants, the objects by identifier and the devices
// fitted to openings. A book never changes; a change makes the next one.
type Book struct {
	Index     *access.Index
	Sites     map[sashlock.SiteID]sashlock.Site
	Areas     map[sashlock.AreaID]sashlock.Area
	Openings  map[sashlock.OpeningID]sashlock.Opening
	People    map[sashlock.PersonID]sashlock.Person
	Roles     map[sashlock.RoleID]sashlock.Role
	Schedules map[sashlock.ScheduleID]sashlock.Schedule
	Devices   map[sashlock.DeviceID]sashlock.Device   // adopted ones
	Shifts    map[sashlock.PersonID][]sashlock.Shift  // those that may still matter
	newer     []map[sashlock.PersonID]sashlock.Person // people of a list that is being carried out, see staff.go
	gathered  int                                     // how often the map of people was made anew
	rails     *guard.Set
	openers   map[sashlock.RoleID]bool // roles that have to be the first in somewhere
	fitted    map[sashlock.OpeningID][]sashlock.Device
	hours     map[sashlock.SiteID]*schedule.Calendar
	zones     map[sashlock.SiteID]*time.Location
	waits     map[sashlock.SiteID]waits // sites where somebody is waited for
}

// Edit is what a change did, as the book and the ledger need to know it.
type Edit struct {
	Events []sashlock.Event  // what the ledger records, in order
	Access access.Change     // what was put and removed of the declared objects
	Fitted []sashlock.Device // devices as they are now; one without an opening is no longer fitted

	Shifts     []sashlock.Shift // shifts as they are now
	ShiftsGone []sashlock.Shift // shifts that are no more
	Rails      *guard.Set       // all guard rails as they are now; nil: they are as before

	// More says that the people belong to a long list. Decisions go by them at
	// once; Book.People shows them after [Hall.Gather].
	More bool

	Danger   []string            // the kinds of dangerous change in it, for [Options.Hold]
	Wider    []Wider             // what it gives by another way than a grant; the hall finds it
	Seconded sashlock.OperatorID // who looked at it besides whoever makes it; empty: nobody
}

// The kinds of change for which a house may want a second operator.
const (
	GrantWidened = "grant" // somebody is let in who was not, or for longer
	RailWeakened = "rail"  // a guard rail that was enforced says something else, or is gone
	OwnerMade    = "owner" // an operator becomes an owner

	AccessWidened = "access" // a role or a schedule gives more of what is worth most; waits where grants do
	PlaceWeakened = "place"  // what is worth most is guarded less; waits where grants do
)

// NewBook compiles what has been declared.
func NewBook(facts access.Facts, devices []sashlock.Device) (*Book, error) {
	index, err := access.New(facts)
	if err != nil {
		return nil, err
	}
	b := &Book{Index: index, Devices: make(map[sashlock.DeviceID]sashlock.Device, len(devices))}
	b.declare(access.Change{Put: facts}, false)
	b.fit(devices)
	b.compileHours()
	b.compileWaits()
	b.findOpeners()
	b.noteRails(access.Change{}, true)
	return b, nil
}

// With returns the book after an edit. Its errors are those of access.Index.
func (b *Book) With(e Edit) (*Book, error) {
	next := *b
	index, err := b.Index.With(e.Access)
	if err != nil {
		return nil, err
	}
	next.Index = index
	next.declare(e.Access, e.More)
	if touchesHours(e.Access) {
		next.compileHours()
	}
	if touchesPlaces(e.Access) {
		next.findOpeners()
	}
	if touchesPlaces(e.Access) || touchesHours(e.Access) {
		next.compileWaits()
	}
	if len(e.Shifts)+len(e.ShiftsGone) > 0 {
		next.plan(e.Shifts, e.ShiftsGone)
	}
	if e.Rails != nil {
		next.rails = e.Rails
	}
	next.noteRails(e.Access, e.Rails != nil)
	if len(e.Fitted) > 0 {
		next.Devices = maps.Clone(b.Devices)
		next.fit(e.Fitted)
	}
	return &next, nil
}

// declare applies puts and removals to copies of the maps they touch. A changed
// grant, by far the commonest edit, touches none of them.
func (b *Book) declare(c access.Change, more bool) {
	b.declarePeople(c, more)
	b.Sites = edited(b.Sites, c.Put.Sites, c.Remove.Sites, func(s sashlock.Site) sashlock.SiteID { return s.ID })
	b.Areas = edited(b.Areas, c.Put.Areas, c.Remove.Areas, func(a sashlock.Area) sashlock.AreaID { return a.ID })
	b.Openings = edited(b.Openings, c.Put.Openings, c.Remove.Openings, func(o sashlock.Opening) sashlock.OpeningID { return o.ID })
	b.Roles = edited(b.Roles, c.Put.Roles, c.Remove.Roles, func(r sashlock.Role) sashlock.RoleID { return r.ID })
	b.Schedules = edited(b.Schedules, c.Put.Schedules, c.Remove.Schedules, func(s sashlock.Schedule) sashlock.ScheduleID { return s.ID })
}

// edited returns have with some values put and some removed, and have itself
// when there is nothing to do.
func edited[K comparable, V any](have map[K]V, put []V, remove []K, key func(V) K) map[K]V {
	if have != nil && len(put)+len(remove) == 0 {
		return have
	}
	next := maps.Clone(have)
	if next == nil {
		next = make(map[K]V, len(put))
	}
	for _, v := range put {
		next[key(v)] = v
	}
	for _, k := range remove {
		delete(next, k)
	}
	return next
}

func touchesHours(c access.Change) bool {
	return len(c.Put.Sites)+len(c.Put.Schedules)+len(c.Remove.Sites)+len(c.Remove.Schedules) > 0
}

func touchesPlaces(c access.Change) bool {
	return len(c.Put.Openings)+len(c.Put.Areas)+len(c.Remove.Openings)+len(c.Remove.Areas) > 0
}

func (b *Book) fit(devices []sashlock.Device) {
	for _, d := range devices {
		if d.Opening == "" {
			delete(b.Devices, d.ID)
			continue
		}
		b.Devices[d.ID] = d
	}
	b.fitted = make(map[sashlock.OpeningID][]sashlock.Device, len(b.Devices))
	for _, id := range slices.Sorted(maps.Keys(b.Devices)) {
		d := b.Devices[id]
		b.fitted[d.Opening] = append(b.fitted[d.Opening], d)
	}
}

// findOpeners lists the roles that have to be the first in somewhere.
func (b *Book) findOpeners() {
	b.openers = make(map[sashlock.RoleID]bool)
	for _, o := range b.Openings {
		if o.Needs.FirstIn != "" {
			b.openers[o.Needs.FirstIn] = true
		}
	}
	for _, a := range b.Areas {
		if a.Needs.FirstIn != "" {
			b.openers[a.Needs.FirstIn] = true
		}
	}
}

// plan puts shifts in and takes shifts out.
func (b *Book) plan(put, gone []sashlock.Shift) {
	b.Shifts = maps.Clone(b.Shifts)
	if b.Shifts == nil {
		b.Shifts = make(map[sashlock.PersonID][]sashlock.Shift)
	}
	touched := make(map[sashlock.ShiftID]bool, len(put)+len(gone))
	for _, s := range put {
		touched[s.ID] = true
	}
	for _, s := range gone {
		touched[s.ID] = true
	}
	for person, mine := range b.Shifts {
		if slices.ContainsFunc(mine, func(s sashlock.Shift) bool { return touched[s.ID] }) {
			b.Shifts[person] = slices.DeleteFunc(slices.Clone(mine), func(s sashlock.Shift) bool { return touched[s.ID] })
		}
	}
	for _, s := range put {
		b.Shifts[s.Person] = append(b.Shifts[s.Person][:len(b.Shifts[s.Person]):len(b.Shifts[s.Person])], s)
	}
}

// OnShift reports whether a person is on shift at a site.
func (b *Book) OnShift(person sashlock.PersonID, site sashlock.SiteID, at time.Time) bool {
	return slices.ContainsFunc(b.Shifts[person], func(s sashlock.Shift) bool { return s.Site == site && s.Covers(at, b.Sites[site]) })
}

// Guarded returns the book with guard rails, for a house that starts.
func (b *Book) Guarded(by *guard.Set) *Book {
	next := *b
	next.rails = by
	next.noteRails(access.Change{}, true)
	return &next
}

// Rails returns the guard rails in force.
func (b *Book) Rails() *guard.Set { return b.rails }

// tellsPosition reports whether a contact says when an opening is opened.
func (b *Book) tellsPosition(id sashlock.OpeningID) bool {
	return slices.ContainsFunc(b.fitted[id], func(d sashlock.Device) bool { return d.Has(sashlock.TellsPosition) })
}

// compileHours prepares the store hours of every site. Hours that do not
// compile count as unknown: the rules that need them stay silent rather than
// wrong.
func (b *Book) compileHours() {
	b.hours = make(map[sashlock.SiteID]*schedule.Calendar, len(b.Sites))
	b.zones = make(map[sashlock.SiteID]*time.Location, len(b.Sites))
	for id, site := range b.Sites {
		zone, err := schedule.LoadZone(site.Zone)
		if err != nil {
			continue
		}
		b.zones[id] = zone
		hours, declared := b.Schedules[site.Hours]
		if !declared {
			continue
		}
		if calendar, err := schedule.Compile(hours, zone); err == nil {
			b.hours[id] = calendar
		}
	}
}

// Clock returns a moment as the clocks of a site show it; in UTC where the
// site's zone is not known.
func (b *Book) Clock(site sashlock.SiteID, at time.Time) time.Time {
	if zone := b.zones[site]; zone != nil {
		return at.In(zone)
	}
	return at.UTC()
}

func (b *Book) staffed(site sashlock.SiteID, at time.Time) detect.Staffed {
	calendar, known := b.hours[site]
	switch {
	case !known:
		return detect.HoursUnknown
	case calendar.Covers(at.Unix()):
		return detect.InHours
	default:
		return detect.OutOfHours
	}
}

// lock returns the device that can unlock an opening: one that releases by
// itself before one that has to be told to lock again.
func (b *Book) lock(id sashlock.OpeningID) (sashlock.Device, bool) {
	for _, want := range []sashlock.Capability{sashlock.CanRelease, sashlock.CanUnlock} {
		for _, d := range b.fitted[id] {
			if d.Has(want) {
				return d, true
			}
		}
	}
	return sashlock.Device{}, false
}

// isLock reports whether a device moves the bolt.
func (b *Book) isLock(id sashlock.DeviceID) bool {
	d := b.Devices[id]
	return d.Has(sashlock.CanRelease) || d.Has(sashlock.CanUnlock)
}

// Fitted returns the devices at an opening. The slice must not be changed.
func (b *Book) Fitted(id sashlock.OpeningID) []sashlock.Device { return b.fitted[id] }
