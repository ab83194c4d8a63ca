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
	grants    node // target and key of each grant, by its identifier
	count     int  // of grants

	terms      []sashlock.Terms       // every combination of terms in use; see limits.terms
	interlocks map[interlock][]uint32 // the openings of each

	freeOpenings, freePeople marks // by number: not watched, see Watch
}

// What an index keeps of each object; numbers refer to the other books. With
// its label, a person fills one cache line and an opening three.
type (
	site struct {
		zone   uint32 // place in Index.zones
		grants run
		name   string
	}
	area struct {
		name    string
		demands *demands // nil: none
		grants  run
	}
	opening struct {
		site   uint32
		area   uint32       // none: it has none
		more   *openingMore // nil: nothing is known of it
		grants run          // last, so that its filter begins a cache line
	}
	// openingMore is what few decisions look at.
	openingMore struct {
		name    string
		kind    sashlock.OpeningKind
		demands *demands // nil: none
	}
	person struct {
		suspended bool
		few       uint8     // how many of first are roles
		first     [3]uint32 // the first roles
		rare      *rare     // nil: nothing of it
	}
	// rare is what few people have.
	rare struct {
		limits limits
		more   []uint32 // roles beyond the first
	}
	role struct {
		name string
	}
	timetable struct {
		pattern schedule.Pattern // covers nothing if the schedule cannot be read
		name    string
		source  sashlock.Schedule
	}
)

// roles returns the roles of a person in order: the first and the others.
func (p *person) roles() (first, more []uint32) {
	if p.rare != nil {
		more = p.rare.more
	}
	return p.first[:p.few], more
}

// limits returns from when until when a person is admitted.
func (p *person) limits() limits {
	if p.rare != nil {
		return p.rare.limits
	}
	return forever
}

// called returns the name of an opening, or "".
func (o *opening) called() string {
	if o.more == nil {
		return ""
	}
	return o.more.name
}

// zone is one civil time.
type zone struct {
	name  string
	clock *schedule.Clock // nil: there is no such zone, and nothing scheduled opens
}

// location returns the zone for writing times in it, or nil if there is none.
func (z *zone) location() *time.Location {
	if z.clock == nil {
		return nil
	}
	return z.clock.Zone()
}

// GrantCount returns how many grants the index holds, whether they open
// anything or not.
func (ix *Index) GrantCount() int { return ix.count }

// grantsFor returns the run of a target.
func (ix *Index) grantsFor(target uint32) *run {
	switch n := target & numberMask; target &^ numberMask {
	case openingTarget:
		return &ix.openings.at(n).is.grants
	case areaTarget:
		return &ix.areas.at(n).is.grants
	default:
		return &ix.sites.at(n).is.grants
	}
}

// findGrant returns where the grant of an identifier is.
func (ix *Index) findGrant(id string) (slot, bool) {
	if ix.count == 0 {
		return slot{}, false
	}
	h := hash(ix.seed, id)
	for _, s := range ix.grants.leaf(h) {
		if s.hash == h && ix.grantsFor(s.a).has(s.b, id) {
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
	d.settleInterlocks()
}

// fill puts all grants into a fresh index at once: sorted into one run for
// each target, instead of one after the other.
func (d *draft) fill(grants []sashlock.Grant) error {
	targets := make([]uint32, len(grants))
	keys := make([]uint32, len(grants))
	schedules := make([]uint32, len(grants))
	for i := range grants {
		targets[i], keys[i], schedules[i] = d.numbers(&grants[i])
	}
	items, ends := d.byTarget(grants, targets, keys, schedules)
	shared := newGround(items, ends)
	begin := 0
	for bucket, end := range ends {
		if mine := items[begin:end]; len(mine) > 0 {
			slices.SortFunc(mine, compareItems)
			d.setGrants(d.targetOf(bucket), shared.pack(mine))
		}
		begin = end
	}
	for i := range grants {
		id := string(grants[i].ID)
		if _, twice := d.findGrant(id); twice {
			return invalid(id, "give every grant an identifier of its own")
		}
		d.grants = d.grants.with(slot{hash(d.seed, id), targets[i], keys[i]}, 0, true)
		d.count++
	}
	return nil
}

// byTarget groups the grants: those for the sites by number, then those for
// the areas, then those for the openings. ends holds where each group ends.
func (d *draft) byTarget(grants []sashlock.Grant, targets, keys, schedules []uint32) (items []item, ends []int) {
	ends = make([]int, int(d.sites.count)+int(d.areas.count)+int(d.openings.count))
	for _, t := range targets {
		ends[d.bucketOf(t)]++
	}
	total := 0
	for i, n := range ends {
		ends[i] = total // where the group begins, until it is filled
		total += n
	}
	items = make([]item, len(grants))
	for i := range grants {
		g := &grants[i]
		b := d.bucketOf(targets[i])
		items[ends[b]] = item{keys[i], schedules[i], d.limitsFor(g), string(g.ID)}
		ends[b]++
	}
	return items, ends
}

func (d *draft) bucketOf(target uint32) int {
	switch n := int(target & numberMask); target &^ numberMask {
	case openingTarget:
		return int(d.sites.count) + int(d.areas.count) + n
	case areaTarget:
		return int(d.sites.count) + n
	default:
		return n
	}
}

func (d *draft) targetOf(bucket int) uint32 {
	sites, areas := int(d.sites.count), int(d.areas.count)
	switch {
	case bucket < sites:
		return uint32(bucket) | siteTarget
	case bucket < sites+areas:
		return uint32(bucket-sites) | areaTarget
	default:
		return uint32(bucket-sites-areas) | openingTarget
	}
}
