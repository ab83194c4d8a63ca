// SPDX-License-Identifier: Apache-2.0

package opening

import (
	"maps"
	"time"

	"github.com/sashlock/sashlock"
)

// Between these levels, in percent, a battery counts as what it was before: a
// level goes up and down with the warmth of the day.
const (
	BatteryLow  = 10 // nearly empty, from here downwards
	BatteryGood = 15 // not any more, from here upwards
)

// battery notes a battery that is nearly empty, or is not any more.
func (m *move) battery() {
	if m.late = m.overtaken && m.r.Level > BatteryLow; m.late || m.r.Device == "" {
		return
	}
	_, low := m.s.LowBattery[m.r.Device]
	switch {
	case low && m.r.Level >= BatteryGood:
		m.s.LowBattery, m.changed = without(m.s.LowBattery, m.r.Device), true
	case low, m.r.Level <= BatteryLow:
		m.s.LowBattery, m.changed = with(m.s.LowBattery, m.r.Device, m.r.Level), !low
	}
}

// believe notes that a device is protected again as it has to be: else it would
// not have come back.
func (m *move) believe() {
	if _, doubted := m.s.Downgraded[m.r.Device]; doubted && !m.late {
		m.s.Downgraded, m.changed = without(m.s.Downgraded, m.r.Device), true
	}
}

// doubted is a state in which a device is not believed any more; since when
// stays as it was first said.
func doubted(s sashlock.OpeningState, d sashlock.DeviceID, at time.Time) sashlock.OpeningState {
	if _, before := s.Downgraded[d]; !before {
		s.Downgraded = with(s.Downgraded, d, at)
	}
	return s
}

// Gone is a state in which nothing is kept of devices that are not at the
// opening any more.
func Gone(s sashlock.OpeningState, here func(sashlock.DeviceID) bool) sashlock.OpeningState {
	s.Downgraded = only(s.Downgraded, here)
	s.LowBattery = only(s.LowBattery, here)
	return s
}

// The three below leave the map that they are given as it is: the caller keeps
// the state before.

func with[V any](all map[sashlock.DeviceID]V, d sashlock.DeviceID, v V) map[sashlock.DeviceID]V {
	more := maps.Clone(all)
	if more == nil {
		more = map[sashlock.DeviceID]V{}
	}
	more[d] = v
	return more
}

func without[V any](all map[sashlock.DeviceID]V, d sashlock.DeviceID) map[sashlock.DeviceID]V {
	return only(all, func(id sashlock.DeviceID) bool { return id != d })
}

func only[V any](all map[sashlock.DeviceID]V, keep func(sashlock.DeviceID) bool) map[sashlock.DeviceID]V {
	var kept map[sashlock.DeviceID]V
	for id, v := range all {
		if keep(id) {
			if kept == nil {
				kept = make(map[sashlock.DeviceID]V, len(all))
			}
			kept[id] = v
		}
	}
	return kept
}
