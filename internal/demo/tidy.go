// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/alarms"
	"github.com/sashlock/sashlock/internal/assistance"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/store"
)

// How long things wait, in the story's time, for whoever looks at the demo.
const (
	acknowledgeAfter = 4 * time.Minute  // an alarm that is over
	resolveAfter     = 6 * time.Minute  // an incident that nobody has taken
	serveAfter       = 90 * time.Second // a customer who is in no scene
)

// ago is the moment that lies some of the story's time back. What waits was
// raised at the speed with which the demo was started.
func (t *story) ago(d time.Duration) time.Time {
	return t.house.Now().Add(-time.Duration(float64(d) / max(t.speed, 1)))
}

// clearUp does what has waited long enough. What cannot be done now is done the
// next time.
func (t *story) clearUp(ctx context.Context) {
	standing, err := t.house.Store.Alarms(ctx, true, 100)
	if err != nil {
		return
	}
	waits := map[sashlock.AlarmID]bool{}
	for _, a := range standing {
		if !a.Cleared.IsZero() && a.Cleared.Before(t.ago(acknowledgeAfter)) && !a.Raised.Before(t.start) {
			if _, err := alarms.Acknowledge(ctx, t.house.Hall, t.staff.desk, a.ID); err != nil {
				return
			}
			continue
		}
		waits[a.ID] = true
	}
	t.resolve(ctx, waits)
	t.answer(ctx)
}

// resolve ends incidents of today that nobody took, once none of their alarms
// waits for anything.
func (t *story) resolve(ctx context.Context, waits map[sashlock.AlarmID]bool) {
	var due []incidents.Incident
	gathers := map[string][]sashlock.AlarmID{}
	if err := t.house.Store.View(ctx, func(q store.Query) error {
		all, err := incidents.List(q, incidents.Filter{State: incidents.New}, 100)
		if err != nil {
			return err
		}
		var ids []string
		for _, i := range all {
			if !i.Opened.Before(t.start) && i.Latest.Before(t.ago(resolveAfter)) {
				due, ids = append(due, i), append(ids, i.ID)
			}
		}
		gathers, err = incidents.AlarmsOf(q, ids)
		return err
	}); err != nil {
		return
	}
	for _, i := range due {
		cause, waited := incidents.FalseAlarm, false
		for _, id := range gathers[i.ID] {
			waited = waited || waits[id]
			if a, err := t.alarm(ctx, id); err == nil {
				cause = likely(a.Rule)
			}
		}
		if waited {
			continue
		}
		if _, err := incidents.Resolve(ctx, t.house.Hall, t.staff.desk, i.ID, i.Rev, cause, "Looked at from the control room: nothing is missing."); err != nil {
			return
		}
	}
}

func (t *story) alarm(ctx context.Context, id sashlock.AlarmID) (a sashlock.Alarm, err error) {
	err = t.house.Store.View(ctx, func(q store.Query) (err error) { a, err = alarms.Find(q, string(id)); return err })
	return a, err
}

// likely is what an alarm of a rule mostly turns out to be.
func likely(rule string) incidents.Cause {
	switch rule {
	case "unattended":
		return incidents.Forgot
	case "heldopen":
		return incidents.Restock
	case "forced", "jammed", "lowbattery":
		return incidents.DeviceFault
	}
	return incidents.FalseAlarm
}

// answer lets an associate go to a customer who called from a page.
func (t *story) answer(ctx context.Context) {
	var calls []assistance.Call
	err := t.house.Store.View(ctx, func(q store.Query) (err error) { calls, err = assistance.Waiting(q, t.house.Now()); return err })
	if err != nil {
		return
	}
	book := t.house.Hall.Book()
	for _, c := range calls {
		if c.TakenBy == "" && c.Asked.Before(t.ago(serveAfter)) {
			t.begin(ctx, book.Openings[c.Opening].Slug, (*scene).called)
		}
	}
}
