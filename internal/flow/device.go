// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/store"
)

// heardEvery is how often the time a device was last heard is written when
// nothing else about it changed: often enough to show its age, seldom enough
// not to write a row for every report.
const heardEvery = time.Minute

// noteDevice keeps what a device's report says of the device itself. What was
// refused says nothing: it may be somebody else who speaks.
func (h *Hall) noteDevice(tx *store.Tx, r sashlock.Report) error {
	if r.Kind == sashlock.ReportRefused {
		return nil
	}
	d, err := tx.DeviceState(r.Device)
	if err != nil {
		return err
	}
	was := d
	d.Online = r.Kind != sashlock.DeviceOffline
	if r.Kind == sashlock.BatteryReported {
		d.Battery = r.Level
	}
	if d.Online == was.Online && d.Battery == was.Battery && tx.Now().Sub(d.Heard) < heardEvery {
		return nil
	}
	if d.Online {
		d.Heard = tx.Now()
	}
	tx.SaveDeviceState(d)
	return nil
}

// refuse records a report that nothing may come of: from a device that was not
// adopted, or about a command nobody knows.
func (h *Hall) refuse(tx *store.Tx, r sashlock.Report) {
	if r.Reason == "" {
		r.Reason = sashlock.UnknownDevice
	}
	tx.Append(sashlock.Event{
		Kind: sashlock.ReportRefused, Opening: r.Opening, Device: r.Device, Command: r.Command,
		At: r.At, Reason: r.Reason, Why: string(r.Kind), Boot: r.Boot, Number: r.Number,
	})
}

// lookAgainAt makes the next tick look at every opening an edit touched: its
// open time, its hours or its lock may have changed.
func (h *Hall) lookAgainAt(tx *store.Tx, before *Book, e Edit) error {
	h.awaitFrom(tx, before, e.Access)
	for _, o := range e.Access.Put.Openings {
		tx.Wake(subjectOf(o.ID), tx.Now())
	}
	for _, d := range e.Fitted {
		for _, at := range []sashlock.OpeningID{d.Opening, before.Devices[d.ID].Opening} {
			if at != "" {
				tx.Wake(subjectOf(at), tx.Now())
			}
		}
	}
	return nil
}

// forgetGone leaves out of a state what was known of devices that have left the
// opening.
func (b *Book) forgetGone(s sashlock.OpeningState) sashlock.OpeningState {
	if len(s.Downgraded) == 0 && len(s.LowBattery) == 0 {
		return s
	}
	return opening.Gone(s, func(id sashlock.DeviceID) bool { return b.Devices[id].Opening == s.Opening })
}
