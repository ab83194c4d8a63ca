// SPDX-License-Identifier: Apache-2.0

package devices

import (
	"context"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/store"
)

// Adopt fits a device to an opening: from now on its reports count there and,
// if it is a lock, it is what a release moves. It is then read, so that the
// opening's state is known and not assumed. Doing it again only reads it again.
func (r *Room) Adopt(ctx context.Context, by sashlock.OperatorID, ref string, opening sashlock.OpeningID) (sashlock.Device, error) {
	var d sashlock.Device
	_, err := r.hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (edit flow.Edit, err error) {
		if d, err = Find(tx, ref); err != nil {
			return flow.Edit{}, err
		}
		if d.Opening != "" && d.Opening != opening {
			return flow.Edit{}, &sashlock.Error{
				Kind: sashlock.Conflict, Op: "adopting device", Subject: ref, Hint: "it is fitted to another opening: remove it there first",
			}
		}
		d, edit, err = r.fit(tx, d, opening)
		return edit, err
	}})
	if err != nil {
		return d, err
	}
	r.read(ctx, d)
	return d, nil
}

// Remove takes a device away from its opening. It stays in the inbox. Doing it
// again changes nothing.
func (r *Room) Remove(ctx context.Context, by sashlock.OperatorID, ref string) (sashlock.Device, error) {
	var d sashlock.Device
	_, err := r.hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (edit flow.Edit, err error) {
		if d, err = Find(tx, ref); err != nil {
			return flow.Edit{}, err
		}
		d, edit, err = r.fit(tx, d, "")
		return edit, err
	}})
	return d, err
}

// FitIn fits a device to an opening, or takes it away where that is empty,
// within a transaction that does more. Where it is not at the opening from which
// it was to come, somebody else was there meanwhile: the error is a conflict. A
// device that was fitted is read after the transaction.
func (r *Room) FitIn(tx *store.Tx, ref string, from, to sashlock.OpeningID) (flow.Edit, error) {
	d, err := Find(tx, ref)
	if err != nil {
		return flow.Edit{}, err
	}
	if d.Opening != from {
		return flow.Edit{}, movedMeanwhile("fitting device", ref)
	}
	d, edit, err := r.fit(tx, d, to)
	if err == nil && to != "" {
		tx.OnCommit(func() { r.readSoon(d) })
	}
	return edit, err
}

// fit records that a device is at an opening; empty: at none.
func (r *Room) fit(tx *store.Tx, d sashlock.Device, to sashlock.OpeningID) (sashlock.Device, flow.Edit, error) {
	was := d.Opening
	if was == to {
		return d, flow.Edit{}, nil
	}
	d.Opening = to
	d.Rev++
	event := sashlock.Event{Kind: sashlock.DeviceReleased, Device: d.ID, Opening: was, Subject: string(d.ID)}
	if to != "" {
		event.Kind, event.Opening, event.Data = sashlock.DeviceAdopted, to, data(d)
	}
	return d, flow.Edit{Events: []sashlock.Event{event}, Fitted: []sashlock.Device{d}}, r.keep(tx, d)
}

func movedMeanwhile(op, ref string) error {
	return &sashlock.Error{
		Kind: sashlock.Conflict, Op: op, Subject: ref, Hint: lang.Mark("somebody fitted or took away one of the two meanwhile: look at them again"),
	}
}

// readSoon reads a device beside whatever goes on, unless the room is closed.
func (r *Room) readSoon(d sashlock.Device) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if g := r.gateways[d.Gateway]; g != nil && !r.closed {
		g.done.Go(func() { r.read(g.ctx, d) })
	}
}

// read asks a device how it stands, where its driver can.
func (r *Room) read(ctx context.Context, d sashlock.Device) {
	session := r.session(d.Gateway)
	reader, can := session.(driver.Reader)
	if !can {
		return
	}
	if err := reader.Read(ctx, d.Address); err != nil {
		r.log.Info("device not read", logkey.Device(d.ID), logkey.Err(err))
	}
}

func (r *Room) session(name string) driver.Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	if g := r.gateways[name]; g != nil {
		return g.session
	}
	return nil
}
