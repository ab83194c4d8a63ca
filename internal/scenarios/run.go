// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of following are:
//
//   - An event that begins a scenario does so at once. Which events matter is
//     known beforehand, so that all others cost nothing.
//   - While something runs, or counts decide, it is looked at every few seconds;
//     else when a schedule begins or ends.
//   - After a restart the events of the last minutes are read again. Each
//     scenario remembers the newest one that began it.

const (
	usualPace = 3 * time.Second // between two looks while something runs
	readBack  = 2 * time.Minute // after a restart
	batch     = 500             // events at once
)

// hearing is which events matter.
type hearing struct {
	kinds map[sashlock.EventKind]bool // that begin one
	any   bool                        // a checklist runs: whatever moves matters
	calls bool                        // calls are counted
}

// changes are the events after which scenarios are looked at again.
func changes(kind sashlock.EventKind) bool {
	switch kind {
	case sashlock.ScheduleSaved, sashlock.RailSaved, sashlock.RailRemoved, sashlock.OpeningSaved, sashlock.OpeningRemoved, sashlock.AreaSaved,
		sashlock.SiteSaved, sashlock.ThreatChanged, sashlock.PersonClockedIn, sashlock.PersonClockedOut, sashlock.ShiftSaved,
		sashlock.ShiftRemoved, sashlock.RotaImported, sashlock.ScenarioSaved, sashlock.ScenarioRemoved:
		return true
	}
	return false
}

// Run carries scenarios out until the context ends. What goes wrong is reported
// and tried again.
func (r *Room) Run(ctx context.Context) {
	news, stop := r.Store.Subscribe()
	defer stop()
	next, err := r.begin(ctx)
	for ctx.Err() == nil {
		if err == nil {
			next, err = r.follow(ctx, next)
		}
		if err != nil && ctx.Err() == nil {
			r.Log.Warn("scenarios not carried out", logkey.Err(err))
			if next == 0 {
				next, err = r.begin(ctx)
			} else {
				err = nil
			}
		}
		timer := time.NewTimer(time.Second)
		select {
		case <-ctx.Done():
		case <-news:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// begin is where following begins: a few minutes ago, and with a look at
// everything, since much may have ended meanwhile.
func (r *Room) begin(ctx context.Context) (int64, error) {
	events, err := r.Store.Events(ctx, store.EventQuery{Since: r.Now().Add(-readBack), Limit: 1})
	if err != nil {
		return 0, err
	}
	if err := r.Advance(ctx, nil); err != nil {
		return 0, err
	}
	if len(events) == 0 {
		return max(1, r.Store.Size()), nil
	}
	return events[0].Seq, nil
}

// follow takes the events from a number on, and looks again when it is time.
func (r *Room) follow(ctx context.Context, next int64) (int64, error) {
	for {
		events, err := r.Store.Events(ctx, store.EventQuery{From: next, Limit: batch})
		if err != nil {
			return next, err
		}
		matter, look := r.sort(events)
		if look || r.due() {
			if err := r.Advance(ctx, matter); err != nil {
				return next, err
			}
		}
		if len(events) > 0 {
			next = events[len(events)-1].Seq + 1
		}
		if len(events) < batch {
			return next, nil
		}
	}
}

// sort picks the events that matter.
func (r *Room) sort(events []sashlock.Event) (matter []sashlock.Event, look bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		switch {
		case r.hear.kinds[e.Kind] || r.hear.calls && e.Kind == sashlock.CallRaised:
			matter, look = append(matter, e), true
		case changes(e.Kind) || r.hear.any && moves(e.Kind):
			look = true
		}
	}
	return matter, look
}

// moves reports whether an event may change a checklist.
func moves(kind sashlock.EventKind) bool {
	for _, about := range []string{"lock.", "opening.", "device.", "alarm.", "mode.", "access.taken", "access.not_taken", "command.ended"} {
		if strings.HasPrefix(string(kind), about) {
			return true
		}
	}
	return false
}

// due reports whether it is time to look again.
func (r *Room) due() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.next.IsZero() && !r.next.After(r.Now())
}

// soon has scenarios looked at shortly, if any of them counts.
func (r *Room) soon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at := r.Now().Add(time.Second); r.busy && (r.next.IsZero() || at.Before(r.next)) {
		r.next = at
	}
}

// Advance looks at all scenarios once. [Room.Run] does so by itself; the events
// are those since the last time that may begin one.
func (r *Room) Advance(ctx context.Context, events []sashlock.Event) error {
	var seen outlook
	_, err := r.Hall.Act(ctx, func(tx *store.Tx, b *flow.Book) error {
		seen = outlook{kinds: map[sashlock.EventKind]bool{}}
		if err := r.countCalls(tx, events); err != nil {
			return err
		}
		all, err := List(tx)
		if err != nil {
			return err
		}
		var done []sashlock.SiteID
		for _, k := range all {
			if slices.Contains(done, k.At) {
				continue
			}
			done = append(done, k.At)
			if err := r.advance(tx, b, k.At, wish{}, events); err != nil {
				return err
			}
		}
		if all, err = List(tx); err != nil {
			return err
		}
		for _, k := range all {
			seen.take(k, b, all, tx.Now())
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hear = hearing{seen.kinds, seen.any, seen.calls}
	r.busy, r.next = seen.busy, seen.next
	if at := r.Now().Add(r.pace); seen.busy && (r.next.IsZero() || at.Before(r.next)) {
		r.next = at
	}
	return nil
}

// countCalls counts customers who called, where a scenario goes by that. They
// are in the ledger, so a call that is read twice must not count twice.
func (r *Room) countCalls(tx *store.Tx, events []sashlock.Event) error {
	for _, e := range events {
		if e.Kind != sashlock.CallRaised {
			continue
		}
		var upTo int64
		if err := tx.QueryRow(`SELECT COALESCE((SELECT next FROM cursors WHERE name = ?), 0)`, callCursor).Scan(&upTo); err != nil {
			return err
		}
		if e.Seq < upTo {
			continue
		}
		if err := r.count(tx, e.Site, scenario.Calls, 1, e.Heard); err != nil {
			return err
		}
		if err := tx.Put("cursors", "name", store.Fields{"name": callCursor, "next": e.Seq + 1}); err != nil {
			return err
		}
	}
	return nil
}

// callCursor is the name under which it is kept up to which entry calls are
// counted.
const callCursor = "scenarios.calls"

// outlook is what lies ahead of all scenarios.
type outlook struct {
	kinds            map[sashlock.EventKind]bool
	any, calls, busy bool
	next             time.Time
}

func (o *outlook) take(k Kept, b *flow.Book, all []Kept, now time.Time) {
	plan, _ := scenario.Compile(k.Scenario, world(b, all, k.Slug))
	o.busy = o.busy || k.State.Running
	if plan == nil {
		return
	}
	if kind := plan.Listens(); kind != "" && !k.Off {
		o.kinds[kind] = true
	}
	of, _, counts := plan.Counts()
	o.busy, o.calls = o.busy || counts && !k.Off, o.calls || counts && of == scenario.Calls
	o.any = o.any || k.State.Running && len(k.Check.Items) > 0
	_, out := plan.Step(k.State, scenario.Facts{Now: now, Running: func(string) bool { return true }})
	waits := !k.State.Running && !k.Off && (k.Condition.Staff > 0 || k.Condition.Mode != "" || len(k.Condition.Unless)+len(k.Condition.Threat) > 0)
	o.busy = o.busy || waits && len(plan.Next(now, 1)) > 0 && !plan.Next(now, 1)[0].Start.After(now)
	if at := out.LookAgain; !at.IsZero() && (o.next.IsZero() || at.Before(o.next)) {
		o.next = at
	}
}
