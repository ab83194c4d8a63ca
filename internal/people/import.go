// SPDX-License-Identifier: Apache-2.0

package people

import (
	"context"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of importing a list are:
//
//   - First it is compared with who is there; nothing changes, and the answer
//     is a plan with a hash.
//   - Then it is applied with that hash. It is compared again, within the
//     transaction that writes: if anything came out differently nothing is
//     done, and the new plan has to be looked at.
//   - A list with one problem does nothing at all.

// Preview tells what a list would do now.
func Preview(ctx context.Context, s *store.Store, content []byte, opts Options) (plan Plan, err error) {
	var staff Staff
	err = s.View(ctx, func(q store.Query) (err error) {
		staff, err = ReadStaff(q)
		return err
	})
	if err != nil {
		return plan, err
	}
	return Compare(content, staff, opts), nil
}

// Import does what a list says, if that is still the plan with the given hash.
// Otherwise the error is of kind conflict, or invalid where the list itself is
// wrong, and the plan says how things are now.
func Import(ctx context.Context, hall *flow.Hall, by sashlock.OperatorID, content []byte, opts Options, hash string) (Plan, error) {
	var plan Plan
	_, err := hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		staff, err := ReadStaff(tx)
		if err != nil {
			return flow.Edit{}, err
		}
		plan = Compare(content, staff, opts)
		switch {
		case plan.Wrong > 0:
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Invalid, Op: "importing people", Subject: "file", Hint: lang.Mark("something is wrong with the list; nothing was changed")}
		case plan.Hash != hash:
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "importing people", Hint: lang.Mark("what the list would do is no longer what you saw; look at it again, nothing was changed"), Err: store.ErrChanged}
		}
		for i := range plan.saving.Entries {
			if plan.saving.Entries[i].Left.Equal(leftNow) {
				plan.saving.Entries[i].Left = tx.Now()
			}
		}
		return SaveEntries(tx, plan.saving)
	}})
	return plan, err
}

// ZoneOf is where the days of a list begin when it does not say: by the clocks
// of the store, if all sites have the same; else in UTC.
func ZoneOf(b *flow.Book) *time.Location {
	name := ""
	for _, site := range b.Sites {
		if name != "" && name != site.Zone {
			return time.UTC
		}
		name = site.Zone
	}
	if zone, err := time.LoadLocation(name); err == nil && name != "" {
		return zone
	}
	return time.UTC
}
