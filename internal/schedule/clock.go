// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"cmp"
	"slices"
	"time"
)

// Reading is an instant as one [Clock] shows it: what all schedules of a zone
// have in common when they are asked about it. The zero value is that of no
// clock, and no schedule covers it.
type Reading struct {
	clock *Clock
	unix  int64

	// Where the clock is plain, what it shows is enough to know whether a schedule
	// covers the instant.
	plain  bool
	day    int32  // number of the local date
	minute uint32 // of the local week, from Sunday on
}

// NewClock returns the clock of a zone. The error is a [sashlock.Error] of kind
// invalid when zone is nil or the machine's own, which is not a property of the
// site.
func NewClock(zone *time.Location) (*Clock, error) {
	if zone == nil || zone == time.Local {
		return nil, refuse("zone", `name the site's IANA time zone like "Europe/Lisbon"`)
	}
	return newClock(zone), nil
}

// Zone returns the zone of the clock.
func (k *Clock) Zone() *time.Location { return k.place }

// Read reads the clock at an instant, in Unix seconds. It allocates nothing.
func (k *Clock) Read(unix int64) Reading {
	if uint64(unix) >= fastUntil {
		return Reading{clock: k, unix: unix}
	}
	i := int(k.buckets[unix>>bucketBits])
	for i+1 < len(k.pieces) && k.pieces[i+1].from <= unix {
		i++
	}
	local := unix + k.pieces[i].offset + sundayShift
	return Reading{
		clock: k, unix: unix, plain: !k.pieces[i].rough,
		day: int32(local/daySeconds - sundayShift/daySeconds), minute: minuteOfWeek(local),
	}
}

// A piece is a stretch of time with one offset, up to the next piece.
type piece struct {
	from   int64 // unix seconds
	offset int64 // seconds east of UTC
	rough  bool  // the clock shows some of it twice
}

// cutPieces cuts time at every change of the clock and around the hours that it
// shows twice. A gap needs no care, because the minutes it skips are never
// shown.
func (k *Clock) cutPieces() {
	var borders []int64
	for _, c := range k.changes {
		borders = append(borders, c.from)
	}
	rough := k.repeats()
	for _, r := range rough {
		borders = append(borders, r.from, r.until)
	}
	slices.Sort(borders)
	for _, at := range slices.Compact(borders) {
		_, _, offset := k.at(at)
		p := piece{from: at, offset: offset}
		for _, r := range rough {
			p.rough = p.rough || r.from <= at && at < r.until
		}
		k.pieces = append(k.pieces, p)
	}
	for b := range k.buckets {
		i, found := slices.BinarySearchFunc(k.pieces, int64(b)<<bucketBits, func(p piece, t int64) int { return cmp.Compare(p.from, t) })
		if !found {
			i--
		}
		k.buckets[b] = uint16(max(i, 0))
	}
}

// repeats returns the instants around the hours that happen twice: as long
// before and after each change as the clock was moved.
func (k *Clock) repeats() []instants {
	var ranges []instants
	for i := 1; i < len(k.changes); i++ {
		if c := k.changes[i]; c.offset < k.changes[i-1].offset {
			size := k.turmoil(i)
			ranges = append(ranges, instants{c.from - size, c.from + size})
		}
	}
	return ranges
}

// nearby is how close changes of the clock are to each other that are treated
// together.
const nearby = 3 * daySeconds

// turmoil is by how many seconds the clock was moved around a change, to and
// fro.
func (k *Clock) turmoil(i int) int64 {
	var sum int64
	add := func(j int) {
		moved := k.changes[j].offset - k.changes[j-1].offset
		sum += max(moved, -moved)
	}
	for j := i; j > 0 && k.changes[j].from >= k.changes[i].from-nearby; j-- {
		add(j)
	}
	for j := i + 1; j < len(k.changes) && k.changes[j].from <= k.changes[i].from+nearby; j++ {
		add(j)
	}
	return sum
}

// minuteOfWeek turns a local time counted in seconds from a Sunday, and not
// before it, into minutes from the latest Sunday on.
func minuteOfWeek(local int64) uint32 { return uint32(uint64(local) % weekSeconds / 60) }
