// SPDX-License-Identifier: Apache-2.0

package devices

import (
	"context"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/store"
)

// Adopt fits a device to an opening: from now on its reports count there and,
// if it is a lock, it is what a release moves. It is then read, so that the
// opening's state is known and not assumed. Doing it again only reads it again.
func (r *Room) Adopt(ctx context.Context, by sashlock.OperatorID, ref string, opening sashlock.OpeningID) (sashlock.Device, error) {
	var d sashlock.Device
	_, err := r.hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		var err error
		if d, err = Find(tx, ref); err != nil {
			return flow.Edit{}, err
		}
		if d.Opening != "" && d.Opening != opening {
			return flow.Edit{}, &sashlock.Error{
				Kind: sashlock.Conflict, Op: "adopting device", Subject: ref, Hint: "it is fitted to another opening: remove it there first",
			}
		}
		if d.Opening == opening {
			return flow.Edit{}, nil
		}
		d.Opening = opening
		d.Rev++
		return flow.Edit{
			Events: []sashlock.Event{{Kind: sashlock.DeviceAdopted, Device: d.ID, Opening: opening, Subject: string(d.ID), Data: data(d)}},
			Fitted: []sashlock.Device{d},
		}, r.keep(tx, d)
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
	_, err := r.hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		var err error
		if d, err = Find(tx, ref); err != nil {
			return flow.Edit{}, err
		}
		if d.Opening == "" {
			return flow.Edit{}, nil
		}
		was := d.Opening
		d.Opening = ""
		d.Rev++
		return flow.Edit{
			Events: []sashlock.Event{{Kind: sashlock.DeviceReleased, Device: d.ID, Opening: was, Subject: string(d.ID)}},
			Fitted: []sashlock.Device{d},
		}, r.keep(tx, d)
	}})
	return d, err
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
