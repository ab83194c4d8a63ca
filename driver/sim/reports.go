// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"

	"github.com/sashlock/sashlock/driver"
)

// emit numbers and stamps a report and sends it on its way, on which whatever
// is wrong with the device may happen to it.
func (d *device) emit(r driver.Report) {
	d.number++
	r.Address, r.Boot, r.Number, r.At = d.Address, d.boot, d.number, d.stamp(d.world.now())
	if d.dead || d.world.cut {
		d.remember(r)
		return
	}
	lost, twice, late, swapped := d.accidents()
	if lost {
		return
	}
	if late > 0 {
		d.world.later(late, func() { d.deliver(r) })
		return
	}
	reports := []driver.Report{r}
	if twice {
		reports = append(reports, r)
	}
	if swapped {
		d.hold(reports)
		return
	}
	reports = append(reports, d.waiting...)
	d.waiting = nil
	for _, r := range reports {
		d.deliver(r)
	}
}

// accidents says what happens to the next report: what was asked for, and what
// chance adds. It draws the same number of times whatever happens, so that one
// fault more does not change all that follows.
func (d *device) accidents() (lost, twice bool, late time.Duration, swapped bool) {
	f := d.Faults
	lost = d.chance(f.Lose)
	twice = d.chance(f.Duplicate)
	byChance := d.chance(f.Late)
	howLate := time.Duration(d.random.Int64N(int64(maxLate)))
	swapped = d.chance(f.Reorder)
	if byChance {
		late = howLate
	}
	if d.lose > 0 {
		d.lose--
		lost = true
	}
	if d.duplicate > 0 {
		d.duplicate--
		twice = true
	}
	if d.delay > 0 {
		late, d.delay = d.delay, 0
	}
	if d.swap {
		swapped, d.swap = true, false
	}
	return lost, twice, late, swapped && len(d.waiting) == 0
}

func (d *device) chance(percent int) bool { return d.random.IntN(100) < percent }

// hold keeps reports until the next one has been delivered.
func (d *device) hold(reports []driver.Report) {
	d.waiting = reports
	first := reports[0].Number
	boot := reports[0].Boot
	d.world.later(swapPatience, func() {
		if len(d.waiting) > 0 && d.waiting[0].Number == first && d.waiting[0].Boot == boot {
			held := d.waiting
			d.waiting = nil
			for _, r := range held {
				d.deliver(r)
			}
		}
	})
}

// deliver hands a report to the sessions, if the way there is open.
func (d *device) deliver(r driver.Report) {
	if d.dead || d.world.cut {
		d.remember(r)
		return
	}
	d.world.send(r)
}

// remember keeps a report that could not be heard, if the device can, and
// forgets the oldest when its memory is full.
func (d *device) remember(r driver.Report) {
	if !d.Remembers {
		return
	}
	if len(d.memory) == maxMemory {
		d.memory = d.memory[1:]
	}
	d.memory = append(d.memory, r)
}

// recall tells what was remembered, with its own numbers and times.
func (d *device) recall() {
	if d.dead || d.world.cut {
		return
	}
	memory := d.memory
	d.memory = nil
	for _, r := range memory {
		d.world.send(r)
	}
}
