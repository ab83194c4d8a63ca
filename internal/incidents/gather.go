// SPDX-License-Identifier: Apache-2.0

package incidents

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of gathering are:
//
//   - An alarm joins the incident of its area, or of its site when its opening
//     has no area, whose latest alarm was raised within Window of it.
//   - Silent alarms and others do not mix: one incident is either for those who
//     handle alarms alone, or for everybody.
//   - A resolved incident takes no more alarms: what comes then is new.
//   - An incident that is full takes no more either.
//   - Otherwise the alarm opens an incident, whose identifier follows from the
//     alarm's.
//   - An alarm that is in an incident already stays there. So the ledger may
//     be read twice.

// Window is how close alarms of one area are that belong together.
const Window = 90 * time.Second

// MaxAlarms is how many alarms one incident gathers at most. A sensor that
// chatters all night fills several.
const MaxAlarms = 200

// cursor is the name under which the follower's place is kept.
const cursor = "incidents"

// Run gathers alarms into incidents as they are raised, until the context ends.
// What goes wrong on the way is reported and tried again.
func Run(ctx context.Context, s *store.Store, h *flow.Hall, report func(error)) {
	follower := flow.Follower{Name: cursor, Handle: func(ctx context.Context, events []sashlock.Event) error {
		err := Gather(ctx, h, events)
		if err != nil && ctx.Err() == nil {
			report(err)
		}
		return err
	}}
	for ctx.Err() == nil {
		if err := flow.Follow(ctx, s, follower); ctx.Err() == nil { // its place could not be read
			report(err)
			rest(ctx)
		}
	}
}

// rest waits a second, or until the context ends.
func rest(ctx context.Context) {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Gather takes the alarms that some events raised into incidents. Events that
// it has seen before change nothing.
func Gather(ctx context.Context, h *flow.Hall, events []sashlock.Event) error {
	raised := slices.DeleteFunc(slices.Clone(events), func(e sashlock.Event) bool {
		return e.Kind != sashlock.AlarmRaised || e.Alarm == ""
	})
	if len(raised) == 0 {
		return nil
	}
	_, err := h.Change(ctx, flow.Change{Make: func(tx *store.Tx) (flow.Edit, error) {
		var edit flow.Edit
		for _, e := range raised {
			told, err := gather(tx, h.Book(), e)
			if err != nil {
				return flow.Edit{}, err
			}
			edit.Events = append(edit.Events, told...)
		}
		return edit, nil
	}})
	return err
}

// gather takes one alarm into an incident and returns what the ledger is told.
func gather(tx *store.Tx, book *flow.Book, e sashlock.Event) ([]sashlock.Event, error) {
	in, err := Of(tx, []sashlock.AlarmID{e.Alarm})
	if err != nil || in[e.Alarm].Incident != "" {
		return nil, err
	}
	a, err := alarmOf(tx, e)
	if err != nil {
		return nil, err
	}
	area := book.Openings[a.Opening].Area
	i, found, err := joinable(tx, a, area)
	if err != nil {
		return nil, err
	}
	kind := sashlock.IncidentJoined
	if !found {
		kind = sashlock.IncidentOpened
		i = Incident{ID: identifier(a.ID), Site: a.Site, Area: area, Level: a.Level, Opened: a.Raised, Latest: a.Raised}
		if sashlock.Silent(a.Rule) {
			i.Silent = a.Rule
		}
	}
	i.Level = Worse(i.Level, a.Level)
	i.Alarms++
	if a.Raised.After(i.Latest) {
		i.Latest = a.Raised
	}
	if err := i.put(tx); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(`INSERT INTO incident_alarms (alarm, incident) VALUES (?, ?)`, a.ID, i.ID); err != nil {
		return nil, err
	}
	return []sashlock.Event{{Kind: kind, Site: a.Site, Opening: a.Opening, Alarm: a.ID, Rule: a.Rule, Subject: i.ID}}, nil
}

// alarmOf reads an alarm. One that is not kept any more counts with what its
// event says, and as the worst: it must not be overlooked, nor hold up others.
func alarmOf(tx *store.Tx, e sashlock.Event) (sashlock.Alarm, error) {
	a, err := tx.Alarm(e.Alarm)
	if sashlock.IsKind(err, sashlock.NotFound) {
		return sashlock.Alarm{ID: e.Alarm, Rule: e.Rule, Level: sashlock.Act, Site: e.Site, Opening: e.Opening, Why: e.Why, Raised: e.Heard}, nil
	}
	return a, err
}

// joinable finds the incident that an alarm belongs to.
func joinable(tx *store.Tx, a sashlock.Alarm, area sashlock.AreaID) (Incident, bool, error) {
	kind, rules := silently()
	if !sashlock.Silent(a.Rule) {
		kind = "NOT " + kind
	}
	found, err := store.Rows(tx, scan, `SELECT `+columns+` FROM incidents i
		WHERE i.resolved IS NULL AND i.latest >= ? AND i.latest <= ? AND i.site = ? AND i.area = ? AND i.alarms < ? AND `+kind+`
		ORDER BY i.latest DESC, i.id DESC LIMIT 1`,
		append([]any{store.Micros(a.Raised.Add(-Window)), store.Micros(a.Raised.Add(Window)), a.Site, area, MaxAlarms}, rules...)...)
	if err != nil || len(found) == 0 {
		return Incident{}, false, err
	}
	return found[0], true, nil
}

// identifier is that of the incident which an alarm opens: "inc_" and the
// alarm's own, which is unique and sorts by time.
func identifier(a sashlock.AlarmID) string {
	return "inc_" + strings.TrimPrefix(string(a), "alm_")
}

// Worse returns the level that wants somebody sooner.
func Worse(a, b sashlock.Level) sashlock.Level {
	order := []sashlock.Level{sashlock.Act, sashlock.Look, sashlock.Note}
	for _, l := range order {
		if a == l || b == l {
			return l
		}
	}
	return sashlock.Act // nobody knows what it means: look at once
}
