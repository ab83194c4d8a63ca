// SPDX-License-Identifier: Apache-2.0

package devices

import (
	"context"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Replace takes a device away from its opening and fits another one there, which
// must not be fitted anywhere yet: both or neither. The opening keeps its
// grants and its history. The new device is then read.
func (r *Room) Replace(ctx context.Context, by sashlock.OperatorID, worn, fresh string) (sashlock.Device, error) {
	var in sashlock.Device
	_, err := r.hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		out, err := Find(tx, worn)
		if err != nil {
			return flow.Edit{}, err
		}
		if in, err = Find(tx, fresh); err != nil {
			return flow.Edit{}, err
		}
		if out.Opening == "" || in.Opening != "" {
			return flow.Edit{}, &sashlock.Error{
				Kind: sashlock.Conflict, Op: "replacing device", Subject: worn, Hint: lang.Mark("somebody fitted or took away one of the two meanwhile: look at them again"),
			}
		}
		at := out.Opening
		out.Opening, in.Opening = "", at
		out.Rev++
		in.Rev++
		if err := r.keep(tx, out); err != nil {
			return flow.Edit{}, err
		}
		return flow.Edit{
			Events: []sashlock.Event{
				{Kind: sashlock.DeviceReleased, Device: out.ID, Opening: at, Subject: string(out.ID)},
				{Kind: sashlock.DeviceAdopted, Device: in.ID, Opening: at, Subject: string(in.ID), Data: data(in)},
			},
			Fitted: []sashlock.Device{out, in},
		}, r.keep(tx, in)
	}})
	if err != nil {
		return in, err
	}
	r.read(ctx, in)
	return in, nil
}
