// SPDX-License-Identifier: Apache-2.0

package people

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of carrying out a long list are:
//
//   - It is begun only when all of it has been found right, and then carried
//     out to its end: the list itself is kept beside the people until then, and
//     an interrupted program finishes it at its next start.
//   - Each part is one transaction with its people, their ledger entries and
//     the book. Between two parts whoever waits at a door has their turn. A part
//     is as long as can be done in partTime.
//   - Nothing is written over what somebody changed after the comparison: then
//     the rest is compared anew, and the list has the last word.
//   - If what somebody changed contradicts the list, the rest is given up, and
//     the answer says how much of it was done.
//   - A later list takes the place of one that is not finished.

const (
	wholeList = 256 // changes up to which a list is carried out in one transaction
	firstPart = 64  // changes in the first part
	leastPart = 8
	mostPart  = 512

	partTime = 15 * time.Millisecond
)

// errTaken says that another list took the place of this one.
var errTaken = errors.New("another list is being carried out")

// errMoved says that somebody changed people or roles after the comparison, and
// that nothing of this transaction was done.
var errMoved = errors.New("people were changed meanwhile")

// carrying is a list on its way into the tables.
type carrying struct {
	store   *store.Store
	hall    *flow.Hall
	by      sashlock.OperatorID
	content []byte
	opts    Options

	id    string // of this carrying out; empty: it is done in one transaction
	plan  Plan
	staff Staff
	done  int // changes carried out
	part  int // how many are to be in the next part
}

// do carries out the plan. The error is errMoved if nothing was done.
func (c *carrying) do(ctx context.Context) error {
	if len(c.plan.saving.Entries) <= wholeList {
		return c.change(ctx, c.untouched, c.plan.saving.Entries, true)
	}
	c.id = rand.Text()
	if err := c.change(ctx, c.begin, nil, false); err != nil {
		return err
	}
	return c.rest(context.WithoutCancel(ctx))
}

// rest carries out what is left and has it shown.
func (c *carrying) rest(ctx context.Context) error {
	err := c.parts(ctx)
	return errors.Join(err, c.hall.Gather(ctx))
}

// change carries out some of the plan in one transaction, after a step that is
// part of it. The last ends the list.
func (c *carrying) change(ctx context.Context, before func(*store.Tx) error, some []Entry, last bool) error {
	_, err := c.hall.Change(ctx, flow.Change{Operator: c.by, Make: func(tx *store.Tx) (edit flow.Edit, err error) {
		if err := before(tx); err != nil {
			return edit, err
		}
		entries := slices.Clone(some) // it may be called again
		for i := range entries {
			if entries[i].Left.Equal(leftNow) {
				entries[i].Left = tx.Now()
			}
		}
		if edit, err = SaveEntries(tx, Saving{Entries: entries, Was: c.plan.saving.Was, Roles: c.plan.saving.Roles}); err != nil {
			return edit, err
		}
		edit.More = c.id != ""
		if last {
			err = c.end(tx)
		}
		return edit, err
	}})
	return err
}

// untouched makes sure that nothing has changed since the comparison.
func (c *carrying) untouched(tx *store.Tx) error {
	now, err := takePrint(tx)
	if err == nil && now != c.staff.print {
		err = errMoved
	}
	return err
}

// begin keeps the list.
func (c *carrying) begin(tx *store.Tx) error {
	if err := c.untouched(tx); err != nil {
		return err
	}
	return tx.Put("people_lists", "slot", store.Fields{
		"slot": 1, "id": c.id, "operator": c.by, "everyone": number(c.opts.Everyone), "zone": zoneName(c.opts.Zone),
		"content": base64.StdEncoding.EncodeToString(c.content),
	})
}

func zoneName(zone *time.Location) string {
	if zone == nil {
		return time.UTC.String()
	}
	return zone.String()
}

// end forgets the list, if it was kept.
func (c *carrying) end(tx *store.Tx) error {
	if c.id == "" {
		return nil
	}
	_, err := tx.Exec(`DELETE FROM people_lists WHERE id = ?`, c.id)
	return err
}

// parts carries out what is left, part by part.
func (c *carrying) parts(ctx context.Context) error {
	left := c.plan.saving.Entries
	for tries := 0; ; {
		some := left[:min(c.part, len(left))]
		last := len(some) == len(left)
		began := time.Now()
		err := c.change(ctx, func(tx *store.Tx) error { return c.still(tx, some) }, some, last)
		switch {
		case tries < maxTries && !errors.Is(err, errTaken) && (errors.Is(err, errMoved) || sashlock.IsKind(err, sashlock.Conflict)):
			tries++
			if err := c.compareAgain(ctx); err != nil {
				return err
			}
			left = c.plan.saving.Entries
			continue
		case err != nil:
			return c.interrupted(err)
		case last:
			return nil
		}
		left = left[len(some):]
		c.done += len(some)
		c.pace(time.Since(began))
	}
}

// pace makes the next part longer or shorter.
func (c *carrying) pace(took time.Duration) {
	switch {
	case took < partTime/2:
		c.part = min(2*c.part, mostPart)
	case took > partTime:
		c.part = max(c.part/2, leastPart)
	}
}

// still makes sure that the list is still the one to carry out, and that nobody
// has changed these people since the comparison.
func (c *carrying) still(tx *store.Tx, some []Entry) error {
	var id string
	err := tx.QueryRow(`SELECT id FROM people_lists WHERE slot = 1`).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) || err == nil && id != c.id {
		return &sashlock.Error{Kind: sashlock.Conflict, Op: "importing people", Hint: lang.Mark("another list was imported meanwhile"), Err: errTaken}
	}
	if err != nil {
		return fmt.Errorf("reading the list that is carried out: %w", err)
	}
	var ids []any
	for _, e := range some {
		if e.ID != "" {
			ids = append(ids, e.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	type revision struct {
		id  sashlock.PersonID
		rev int64
	}
	revisions, err := store.Rows(tx, func(scan store.Scan) (r revision, err error) {
		err = scan(&r.id, &r.rev)
		return r, err
	}, `SELECT id, rev FROM people WHERE id IN (`+marks(len(ids))+`)`, ids...)
	if err != nil {
		return err
	}
	for _, r := range revisions {
		if r.rev != c.plan.saving.Was[r.id].Rev {
			return errMoved
		}
	}
	if len(revisions) != len(ids) {
		return errMoved
	}
	return nil
}

// compareAgain finds out what of the list is still to be done.
func (c *carrying) compareAgain(ctx context.Context) (err error) {
	if c.staff, err = readStaff(ctx, c.store); err != nil {
		return c.interrupted(err)
	}
	c.plan = Compare(c.content, c.staff, c.opts)
	if c.plan.Wrong > 0 {
		return c.givenUp(ctx)
	}
	return nil
}

// givenUp ends a list that can no longer be carried out.
func (c *carrying) givenUp(ctx context.Context) error {
	err := c.change(ctx, func(*store.Tx) error { return nil }, nil, true)
	return &sashlock.Error{
		Kind: sashlock.Conflict, Op: "importing people", Subject: fmt.Sprintf("%d of the changes were made", c.done),
		Hint: lang.Mark("somebody changed people while the list was carried out, so that the rest of it is no longer right; look at it again"), Err: errors.Join(store.ErrChanged, err),
	}
}

// interrupted is the error for a list whose rest is done later.
func (c *carrying) interrupted(err error) error {
	if errors.Is(err, errTaken) {
		return err
	}
	return &sashlock.Error{
		Kind: sashlock.KindOf(err), Op: "importing people", Subject: fmt.Sprintf("%d of the changes were made", c.done),
		Hint: lang.Mark("the rest of the list is done when the store node starts again; or import it once more"), Err: err,
	}
}

// Finish carries out what an interrupted program left of a list, if there is
// any.
func Finish(ctx context.Context, s *store.Store, hall *flow.Hall) error {
	c, found, err := unfinished(ctx, s)
	if err != nil || !found {
		return err
	}
	c.hall = hall
	if c.opts.Waits, err = RolesThatWait(ctx, hall, c.by); err != nil {
		return err
	}
	if err := c.compareAgain(ctx); err != nil {
		return err
	}
	return c.rest(ctx)
}

// unfinished reads the list that is being carried out.
func unfinished(ctx context.Context, s *store.Store) (c *carrying, found bool, err error) {
	c = &carrying{store: s, part: firstPart}
	var everyone int
	var zone, content string
	err = s.View(ctx, func(q store.Query) error {
		return q.QueryRow(`SELECT id, operator, everyone, zone, content FROM people_lists WHERE slot = 1`).Scan(&c.id, &c.by, &everyone, &zone, &content)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err == nil {
		c.content, err = base64.StdEncoding.DecodeString(content)
	}
	if err == nil {
		c.opts.Everyone = everyone != 0
		c.opts.Zone, err = time.LoadLocation(zone)
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading the list that was being carried out: %w", err)
	}
	return c, true, nil
}
