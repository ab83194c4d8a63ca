// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Why a credential is no longer good.
const (
	WasLost     = "lost"
	WasStolen   = "stolen"
	WasReturned = "returned"
	WasCopied   = "copied"
)

// Causes lists why a credential may be ended.
func Causes() []string { return []string{WasLost, WasStolen, WasReturned, WasCopied} }

// Loss says what is lost.
type Loss struct {
	Person      sashlock.PersonID
	Credentials []sashlock.CredentialID // empty: all of the person's
	Since       time.Time               // when it was had for sure; zero: now
	Cause       string                  // one of [Causes]
	Phone       bool                    // their phone too: they are signed out everywhere
}

// Pending is something that a device still has to forget by itself.
type Pending struct {
	Credential sashlock.CredentialID
	Device     sashlock.DeviceID
	Slot       int
}

// Aftermath is what came of a loss.
type Aftermath struct {
	Ended    []Credential     // credentials that nobody is believed with any more
	Uses     []sashlock.Event // decisions about them since the loss, newest first; at most 1,000
	More     bool             // there were more
	Sessions int              // phones and browsers that were signed out
	// Pending is what is not over yet. PINs, cards and QR codes are decided by the
	// store node, so that nothing is pending for them; a lock that holds a
	// fingerprint or a code has to be told.
	Pending []Pending
}

// Lose ends one credential of a person, or some, or all, everywhere and at once.
// What was ended before stays as it is.
func (r *Room) Lose(ctx context.Context, by sashlock.OperatorID, l Loss) (Aftermath, error) {
	now := r.now()
	switch {
	case !slices.Contains(Causes(), l.Cause):
		return Aftermath{}, invalid("cause", lang.Mark("choose lost, stolen, returned or copied"))
	case l.Since.After(now):
		return Aftermath{}, invalid("since", lang.Mark("this is in the future"))
	case l.Since.IsZero():
		l.Since = now
	}
	var after Aftermath
	err := r.change(ctx, by, func(tx *store.Tx) (flow.Edit, error) {
		after = Aftermath{}
		return r.end(tx, l, &after)
	})
	if err != nil {
		return Aftermath{}, err
	}
	if l.Phone {
		if after.Sessions, err = r.signOut(ctx, by, l.Person); err != nil {
			return after, err
		}
	}
	after.Uses, after.More, err = Uses(ctx, r.store, l)
	return after, err
}

func (r *Room) end(tx *store.Tx, l Loss, after *Aftermath) (edit flow.Edit, err error) {
	all, err := List(tx, l.Person)
	if err != nil {
		return edit, err
	}
	for _, id := range l.Credentials {
		if !slices.ContainsFunc(all, func(c Credential) bool { return c.ID == id }) {
			return edit, &sashlock.Error{Kind: sashlock.NotFound, Op: "ending credential", Subject: string(id), Hint: lang.Mark("this person has no such credential")}
		}
	}
	for _, c := range all {
		if len(l.Credentials) > 0 && !slices.Contains(l.Credentials, c.ID) {
			continue
		}
		if c.Device != "" {
			after.Pending = append(after.Pending, Pending{c.ID, c.Device, c.Slot})
		}
		standing, err := r.stands(tx, c.ID)
		if err != nil {
			return edit, err
		}
		after.Pending = append(after.Pending, standing...)
		if !c.Lost.IsZero() {
			continue
		}
		c.Lost = l.Since.Truncate(time.Microsecond).UTC()
		c.Rev++
		if err := c.write(tx); err != nil {
			return edit, err
		}
		if err := drop(tx, c.ID); err != nil {
			return edit, err
		}
		after.Ended = append(after.Ended, c)
		edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.CredentialLostAt, Site: c.Site, Person: c.Person, Subject: string(c.ID), Why: l.Cause, At: c.Lost})
	}
	return edit, nil
}

// How it became known that a lock no longer holds a credential.
const (
	SaidByLock = "the lock says so"
	SeenTo     = "an operator saw to it at the lock"
)

// Forgotten records that the lock which held a credential no longer does: how is
// [SaidByLock] or [SeenTo]. If the credential was still good it ends with this.
func (r *Room) Forgotten(ctx context.Context, by sashlock.OperatorID, id sashlock.CredentialID, how string) error {
	return r.change(ctx, by, func(tx *store.Tx) (flow.Edit, error) {
		c, err := Find(tx, id)
		if err != nil || c.Device == "" {
			return flow.Edit{}, err
		}
		var edit flow.Edit
		if c.Lost.IsZero() {
			c.Lost = tx.Now()
			edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.CredentialLostAt, Site: c.Site, Person: c.Person, Subject: string(c.ID), Why: WasReturned, At: c.Lost})
		}
		c.Device, c.Slot = "", 0
		c.Rev++
		e := c.saved()
		e.Why = how
		edit.Events = append(edit.Events, e)
		return edit, c.write(tx)
	})
}

// mostUses is how many decisions about a lost credential are shown.
const mostUses = 1000

// Uses lists the decisions about credentials since they were lost, newest first.
// A requested opening with them before that is none of them.
func Uses(ctx context.Context, s *store.Store, l Loss) (uses []sashlock.Event, more bool, err error) {
	events, err := s.Events(ctx, store.EventQuery{Person: l.Person, Kind: "access.", Since: l.Since, Newest: true, Limit: mostUses})
	for _, e := range events {
		if e.Credential != "" && (len(l.Credentials) == 0 || slices.Contains(l.Credentials, e.Credential)) {
			uses = append(uses, e)
		}
	}
	return uses, len(events) == mostUses, err
}
