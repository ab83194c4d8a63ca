// SPDX-License-Identifier: Apache-2.0

package people

import (
	"context"
	"errors"
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
//   - Then it is applied with that hash. It is compared again: if anything came
//     out differently nothing is done, and the new plan has to be looked at.
//   - A list with one problem does nothing at all.
//   - Everything is read, checked and compared before the transaction. A list
//     with few changes is then carried out in that one; a long one in parts, so
//     that nobody at a door waits for it, see carry.go.

// Preview tells what a list would do now.
func Preview(ctx context.Context, s *store.Store, content []byte, opts Options) (plan Plan, err error) {
	staff, err := readStaff(ctx, s)
	if err != nil {
		return plan, err
	}
	return Compare(content, staff, opts), nil
}

func readStaff(ctx context.Context, s *store.Store) (staff Staff, err error) {
	err = s.View(ctx, func(q store.Query) (err error) {
		staff, err = ReadStaff(q)
		return err
	})
	return staff, err
}

// Import does what a list says, if that is still the plan with the given hash.
// Otherwise the error is of kind conflict, or invalid where the list itself is
// wrong, and the plan says how things are now. What was begun is carried out
// whether or not ctx ends.
func Import(ctx context.Context, s *store.Store, hall *flow.Hall, by sashlock.OperatorID, content []byte, opts Options, hash string) (Plan, error) {
	var err error
	if opts.Waits, err = RolesThatWait(ctx, hall, by); err != nil {
		return Plan{}, err
	}
	for try := 0; ; try++ {
		staff, err := readStaff(ctx, s)
		if err != nil {
			return Plan{}, err
		}
		plan := Compare(content, staff, opts)
		switch {
		case plan.Wrong > 0:
			return plan, wrongList(nil)
		case plan.Hash != hash:
			return plan, notAsSeen(nil)
		}
		c := carrying{store: s, hall: hall, by: by, content: content, opts: opts, plan: plan, staff: staff, part: firstPart}
		if err := c.do(ctx); !errors.Is(err, errMoved) {
			return plan, err
		} else if try == maxTries {
			return plan, notAsSeen(err)
		}
	}
}

// maxTries is how often a list is compared anew when somebody changed something
// meanwhile.
const maxTries = 5

func wrongList(err error) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "importing people", Subject: "file", Hint: lang.Mark("something is wrong with the list; nothing was changed"), Err: err}
}

func notAsSeen(err error) error {
	return &sashlock.Error{Kind: sashlock.Conflict, Op: "importing people", Hint: lang.Mark("what the list would do is no longer what you saw; look at it again, nothing was changed"), Err: errors.Join(store.ErrChanged, err)}
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
