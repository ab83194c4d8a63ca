// SPDX-License-Identifier: Apache-2.0

package schedule

import "time"

// Reading is an instant as one [Clock] shows it: what all calendars of a zone
// have in common when they are asked about it.
type Reading struct {
	unix   int64
	minute uint32 // of the local week, from Sunday on; only in the years of the fast path
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
		return Reading{unix: unix}
	}
	i := int(k.buckets[unix>>bucketBits])
	for i+1 < len(k.changes) && k.changes[i+1].from <= unix {
		i++
	}
	return Reading{unix: unix, minute: minuteOfWeek(unix + k.changes[i].offset + sundayShift)}
}

// fillBuckets notes for every bucket the change in force where it begins.
func (k *Clock) fillBuckets() {
	at := 0
	for b := range k.buckets {
		for at+1 < len(k.changes) && k.changes[at+1].from <= int64(b)<<bucketBits {
			at++
		}
		k.buckets[b] = uint16(at)
	}
}

// minuteOfWeek turns a local time counted in seconds from a Sunday, and not
// before it, into minutes from the latest Sunday on.
func minuteOfWeek(local int64) uint32 { return uint32(uint64(local) % weekSeconds / 60) }
