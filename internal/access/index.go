// SPDX-License-Identifier: Apache-2.0

package access

import (
	"hash/maphash"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/schedule"
)

// Index is a compiled set of [Facts]. It never changes. Its zero value holds no
// facts and refuses everything.
type Index struct {
	seed      maphash.Seed
	sites     book[site]
	areas     book[area]
	openings  book[opening]
	people    book[person]
	roles     book[role]
	schedules book[timetable]
	zones     []zone
	grants    node // subject and key of each grant, by its identifier
	count     int  // of grants
}

// What an index keeps of each object; numbers refer to the other books.
type (
	site struct {
		name string
		zone uint32 // place in Index.zones
	}
	area struct {
		name string
	}
	opening struct {
		name string
		site uint32
		area uint32 // none: it has none
	}
	person struct {
		suspended bool
		limits    limits
		roles     []uint32
		grants    run
	}
	role struct {
		name   string
		grants run
	}
	timetable struct {
		name   string
		source sashlock.Schedule
	}
)

// zone is one civil time with every known schedule compiled for it.
type zone struct {
	name      string
	place     *time.Location       // nil: there is no such zone, and nothing scheduled opens
	calendars []*schedule.Calendar // by number of schedule; nil: unknown or unreadable
}

// A subject is whom a grant is to, in 32 bits: the number of a person, or that
// of a role with roleBit.
const roleBit = 1 << 31

// GrantCount returns how many grants the index holds, whether they open
// anything or not.
func (ix *Index) GrantCount() int { return ix.count }

// grantsOf returns the run of a subject.
func (ix *Index) grantsOf(subject uint32) run {
	if subject&roleBit != 0 {
		return ix.roles.at(subject &^ roleBit).is.grants
	}
	return ix.people.at(subject).is.grants
}

// findGrant returns where the grant of an identifier is.
func (ix *Index) findGrant(id string) (slot, bool) {
	if ix.count == 0 {
		return slot{}, false
	}
	h := hash(ix.seed, id)
	for _, s := range ix.grants.leaf(h) {
		if s.hash == h && ix.grantsOf(s.a).has(s.b, id) {
			return s, true
		}
	}
	return slot{}, false
}

// New compiles facts. It returns an error of kind invalid for an object
// without an identifier or with one that is used twice, and for a grant that
// does not name exactly one subject and one target. References to what is not
// there, unknown zones and unreadable schedules are no errors: they open
// nothing.
func New(f Facts) (*Index, error) {
	if err := check(f); err != nil {
		return nil, err
	}
	if err := checkUnique(f); err != nil {
		return nil, err
	}
	d := draft{Index: &Index{seed: maphash.MakeSeed()}, fresh: true}
	d.putObjects(f)
	if err := d.fill(f.Grants); err != nil {
		return nil, err
	}
	d.settle()
	return d.Index, nil
}

// settle makes a fresh index ready for use.
func (d *draft) settle() {
	d.sites.settle(d.seed)
	d.areas.settle(d.seed)
	d.openings.settle(d.seed)
	d.people.settle(d.seed)
	d.roles.settle(d.seed)
	d.schedules.settle(d.seed)
	d.grants.trim()
}

// fill puts all grants into a fresh index at once: sorted into one run for
// each subject, instead of one after the other.
func (d *draft) fill(grants []sashlock.Grant) error {
	subjects := make([]uint32, len(grants))
	keys := make([]uint32, len(grants))
	schedules := make([]uint32, len(grants))
	for i, g := range grants {
		subjects[i], keys[i], schedules[i] = d.numbers(g)
	}
	items, ends := d.bySubject(grants, subjects, keys, schedules)
	shared := newGround(items, ends)
	begin := 0
	for bucket, end := range ends {
		if mine := items[begin:end]; len(mine) > 0 {
			slices.SortFunc(mine, compareItems)
			d.setGrants(d.subjectOf(bucket), shared.pack(mine))
		}
		begin = end
	}
	for i, g := range grants {
		if _, twice := d.findGrant(string(g.ID)); twice {
			return invalid(string(g.ID), "give every grant an identifier of its own")
		}
		d.grants = d.grants.with(slot{hash(d.seed, string(g.ID)), subjects[i], keys[i]}, 0, true)
		d.count++
	}
	return nil
}

// bySubject groups the grants: those of the people by number, then those of
// the roles. ends holds where each group ends.
func (d *draft) bySubject(grants []sashlock.Grant, subjects, keys, schedules []uint32) (items []item, ends []int) {
	ends = make([]int, int(d.people.count)+int(d.roles.count))
	for _, s := range subjects {
		ends[d.bucketOf(s)]++
	}
	total := 0
	for i, n := range ends {
		ends[i] = total // where the group begins, until it is filled
		total += n
	}
	items = make([]item, len(grants))
	for i, g := range grants {
		b := d.bucketOf(subjects[i])
		items[ends[b]] = item{keys[i], schedules[i], limitsOf(g.From, g.Until), string(g.ID)}
		ends[b]++
	}
	return items, ends
}

func (d *draft) bucketOf(subject uint32) int {
	if subject&roleBit != 0 {
		return int(d.people.count) + int(subject&^roleBit)
	}
	return int(subject)
}

func (d *draft) subjectOf(bucket int) uint32 {
	if people := int(d.people.count); bucket >= people {
		return uint32(bucket-people) | roleBit
	}
	return uint32(bucket)
}
