// SPDX-License-Identifier: Apache-2.0

package opening

import (
	"maps"

	"github.com/sashlock/sashlock"
)

// windowWidth is how many numbers below the highest are told apart.
const windowWidth = 256

// place is where a report stands in its device's own series.
type place int

const (
	next      place = iota // newest so far, or not numbered
	overtaken              // not seen before, but a later one was
	repeated               // seen before
	tooOld                 // cannot be told from a repeat
)

// placeOf finds a report's place among those seen.
func placeOf(seen map[sashlock.DeviceID]sashlock.Numbers, r sashlock.Report) place {
	if r.Number == 0 {
		return next
	}
	n, known := seen[r.Device]
	switch {
	case !known || r.Boot > n.Boot:
		return next
	case r.Boot < n.Boot:
		return tooOld
	case r.Number > n.High:
		return next
	case r.Number == n.High:
		return repeated
	}
	back := n.High - r.Number - 1 // bit of the window: 0 is the one just below the highest
	switch {
	case back >= windowWidth:
		return tooOld
	case n.Window[back/64]&(1<<(back%64)) != 0:
		return repeated
	}
	return overtaken
}

// noted returns the numbers with a report's added; the map passed in stays as
// it is. The report's place must be next or overtaken.
func noted(seen map[sashlock.DeviceID]sashlock.Numbers, r sashlock.Report) map[sashlock.DeviceID]sashlock.Numbers {
	n, known := seen[r.Device]
	switch {
	case !known || r.Boot > n.Boot:
		n = sashlock.Numbers{Boot: r.Boot, High: r.Number}
	case r.Number > n.High:
		n.Window = shifted(n.Window, r.Number-n.High)
		n.High = r.Number
	default:
		back := n.High - r.Number - 1
		n.Window[back/64] |= 1 << (back % 64)
	}
	if seen == nil {
		return map[sashlock.DeviceID]sashlock.Numbers{r.Device: n}
	}
	after := maps.Clone(seen)
	after[r.Device] = n
	return after
}

// shifted moves the window up by some numbers and marks the old highest, which
// has become one of those below.
func shifted(w [4]uint64, by uint64) [4]uint64 {
	var out [4]uint64
	if by > windowWidth {
		return out
	}
	words, bits := by/64, by%64
	for i := words; i < 4; i++ {
		out[i] = w[i-words] << bits
		if bits > 0 && i > words {
			out[i] |= w[i-words-1] >> (64 - bits)
		}
	}
	old := by - 1
	out[old/64] |= 1 << (old % 64)
	return out
}
