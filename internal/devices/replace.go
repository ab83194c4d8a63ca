// SPDX-License-Identifier: Apache-2.0

package devices

import (
	"context"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
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
			return flow.Edit{}, movedMeanwhile("replacing device", worn)
		}
		at := out.Opening
		_, edit, err := r.fit(tx, out, "")
		if err != nil {
			return flow.Edit{}, err
		}
		var more flow.Edit
		in, more, err = r.fit(tx, in, at)
		edit.Events, edit.Fitted = append(edit.Events, more.Events...), append(edit.Fitted, more.Fitted...)
		return edit, err
	}})
	if err != nil {
		return in, err
	}
	r.read(ctx, in)
	return in, nil
}
