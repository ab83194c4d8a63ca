// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// slotCount is how many PIN slots a simulated lock has.
const slotCount = 20

// Codes lists the PIN slots of a lock: see [driver.CodeLister].
func (s *session) Codes(ctx context.Context, address string) (codes []driver.Code, err error) {
	err = s.atSlots(ctx, "listing PIN slots of", address, func(d *device) error {
		for slot := 1; slot <= slotCount; slot++ {
			codes = append(codes, driver.Code{Slot: slot})
		}
		for _, c := range d.Codes {
			codes = slices.DeleteFunc(codes, func(free driver.Code) bool { return free.Slot == c.Slot })
			codes = append(codes, driver.Code{Slot: c.Slot, InUse: true, Enabled: !c.off})
		}
		slices.SortFunc(codes, func(a, b driver.Code) int { return a.Slot - b.Slot })
		return nil
	})
	return codes, err
}

// SetCode puts a PIN into a slot: see [driver.CodeWriter]. A simulated lock keeps
// no times.
func (s *session) SetCode(ctx context.Context, address string, c driver.CodeSetting) (driver.CodeSet, error) {
	const op = "writing PIN slot of"
	var set driver.CodeSet
	return set, s.atSlots(ctx, op, address, func(d *device) error {
		i := slices.IndexFunc(d.Codes, func(have Code) bool { return have.Slot == c.Slot })
		switch {
		case c.Slot < 1 || c.Slot > slotCount:
			return refuse(sashlock.Limit, op, address, "there is no such slot", nil)
		case i >= 0 && c.Fresh:
			return refuse(sashlock.Conflict, op, address, "the slot is in use", nil)
		}
		set.Sent = true
		if d.refusing || slices.ContainsFunc(d.Codes, func(have Code) bool { return have.Slot != c.Slot && c.PIN.Is(have.PIN) }) {
			return refuse(sashlock.Denied, op, address, "the lock did not keep it", nil)
		}
		d.Codes = slices.DeleteFunc(slices.Clone(d.Codes), func(have Code) bool { return have.Slot == c.Slot })
		d.Codes = append(d.Codes, Code{Slot: c.Slot, PIN: c.PIN.Reveal(), off: c.Disabled})
		return nil
	})
}

// ClearCode empties a slot: see [driver.CodeWriter].
func (s *session) ClearCode(ctx context.Context, address string, slot int) error {
	return s.atSlots(ctx, "clearing PIN slot of", address, func(d *device) error {
		d.Codes = slices.DeleteFunc(slices.Clone(d.Codes), func(have Code) bool { return have.Slot == slot })
		return nil
	})
}

// atSlots does something at the slots of a lock that answers.
func (s *session) atSlots(ctx context.Context, op, address string, do func(d *device) error) error {
	if err := s.ended(ctx, op, address); err != nil {
		return err
	}
	return s.world.with(address, op, func(d *device) error {
		switch {
		case !d.Kind.locks():
			return refuse(sashlock.Denied, op, address, "it is not a lock", nil)
		case s.world.cut || d.dead:
			return refuse(sashlock.Unavailable, op, address, "the device does not answer", nil)
		}
		return do(d)
	})
}

// RefuseCodes makes a lock keep no new PIN, and keep them again.
func (w *World) RefuseCodes(address string, on bool) error {
	return w.with(address, "refusing PINs at", func(d *device) error { d.refusing = on; return nil })
}

// SetCode puts a PIN into a slot at the lock itself, behind everybody's back; an
// empty one clears the slot.
func (w *World) SetCode(address string, slot int, pin string) error {
	return w.with(address, "setting PIN at", func(d *device) error {
		d.Codes = slices.DeleteFunc(slices.Clone(d.Codes), func(have Code) bool { return have.Slot == slot })
		if pin != "" {
			d.Codes = append(d.Codes, Code{Slot: slot, PIN: pin})
		}
		return nil
	})
}
