// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The things to try, in the order in which they are listed.
const (
	sawAlarm = iota
	didUnlock
	askedWhy
	didAcknowledge
	didVerify
	didSwitch
	tourLength
)

// stop is one thing to try.
type stop struct {
	text string // marked for translation
	path string // where one does it
}

func stops() [tourLength]stop {
	return [tourLength]stop{
		sawAlarm:       {lang.Mark("Watch an alarm being raised"), "/"},
		didUnlock:      {lang.Mark("Unlock a case"), "/openings/" + servedCase},
		askedWhy:       {lang.Mark("Ask why somebody was refused"), "/activity?q=refused"},
		didAcknowledge: {lang.Mark("Acknowledge an alarm"), "/alarms"},
		didVerify:      {lang.Mark("Verify the ledger"), "/proof"},
		didSwitch:      {lang.Mark("Be somebody else"), ""},
	}
}

// tour knows which of the things to try were really done. It reads it from the
// ledger, and from the pages that were looked at.
type tour struct {
	store *store.Store
	desk  sashlock.OperatorID // whose doings do not count

	mu      sync.Mutex
	next    int64            // guarded by mu: the first event not yet looked at
	visited bool             // guarded by mu: somebody is looking
	done    [tourLength]bool // guarded by mu
}

func newTour(s *shop) *tour {
	return &tour{store: s.house.Store, desk: s.staff.desk, next: s.house.Store.Size()}
}

// ticks returns what was done, after a look at the ledger.
func (t *tour) ticks(ctx context.Context) [tourLength]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.next < t.store.Size() {
		events, err := t.store.Events(ctx, store.EventQuery{From: t.next, Limit: 1000})
		if err != nil || len(events) == 0 {
			break // what cannot be read now is read the next time
		}
		for _, e := range events {
			t.next = e.Seq + 1
			t.look(e)
		}
	}
	t.visited = true
	return t.done
}

// look ticks what an event shows to have been done.
func (t *tour) look(e sashlock.Event) {
	switch e.Kind {
	case sashlock.AlarmRaised:
		t.done[sawAlarm] = t.done[sawAlarm] || t.visited
	case sashlock.AccessGranted:
		t.done[didUnlock] = t.done[didUnlock] || e.Operator != ""
	case sashlock.AlarmAcknowledged:
		t.done[didAcknowledge] = t.done[didAcknowledge] || e.Operator != t.desk
	case sashlock.OperatorSignedIn:
		t.done[didSwitch] = t.done[didSwitch] || e.Why == personaMeans
	}
}

// watch ticks what looking at a page does.
func (t *tour) watch(r *http.Request) {
	id, is := strings.CutPrefix(r.URL.Path, "/decisions/")
	if !is {
		return
	}
	e, err := t.store.Decision(r.Context(), sashlock.DecisionID(id))
	if err == nil && e.Kind == sashlock.AccessDenied {
		t.tick(askedWhy)
	}
}

func (t *tour) tick(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done[n] = true
}
