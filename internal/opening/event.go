// SPDX-License-Identifier: Apache-2.0

package opening

import (
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
)

// reportable reports whether a device may say such a thing at all. What
// follows from requests, rules and operators is never a device's to say.
func reportable(k sashlock.EventKind) bool {
	switch k {
	case sashlock.LockLocked, sashlock.LockUnlocked, sashlock.LockUnlatched, sashlock.LockWasJammed, sashlock.LockHalfway,
		sashlock.CodeRefused, sashlock.OpeningOpened, sashlock.OpeningClosed,
		sashlock.DeviceOnline, sashlock.DeviceOffline, sashlock.DeviceTampered, sashlock.TamperCleared,
		sashlock.BatteryReported, sashlock.PresenceSeen, sashlock.PresenceLost:
		return true
	}
	return false
}

// refuse records that a device said what no device can know.
func refuse(o sashlock.Opening, s sashlock.OpeningState, r sashlock.Report, heard time.Time) Outcome {
	e := base(&o, sashlock.ReportRefused, heard)
	e.Device, e.Boot, e.Number, e.At = r.Device, r.Boot, r.Number, writable(r.At)
	e.Subject = string(r.Kind)
	e.Why = "no device reports this"
	if r.Kind == sashlock.ReportRefused { // its driver refused what it said
		e.Subject, e.Reason, e.Level = "", r.Reason, r.Level
		e.Why = strconv.Itoa(r.Level) + " messages were refused"
	}
	if e.Reason == sashlock.LinkDowngraded && r.Device != "" {
		e.Why = ""
		s = doubted(s, r.Device, heard)
		if s.Opening == "" {
			s.Opening = o.ID
		}
	}
	return Outcome{State: s, Events: []sashlock.Event{e}, News: true, LookAgain: lapseAt(s)}
}

// outcome gathers the state and the events.
func (m *move) outcome() Outcome {
	out := Outcome{State: m.s, Late: m.late, LookAgain: lapseAt(m.s)}
	if m.r.State && !m.changed && m.r.Kind != sashlock.CodeRefused {
		return out
	}
	out.News = true
	if m.then == "" {
		out.Events = make([]sashlock.Event, 1)
	} else {
		out.Events = make([]sashlock.Event, 2)
		m.following(&out.Events[1])
	}
	m.report(&out.Events[0])
	return out
}

// report writes the report itself as an event.
func (m *move) report(e *sashlock.Event) {
	r := &m.r
	e.Kind, e.Heard, e.At = r.Kind, m.heard, writable(r.At)
	e.Site, e.Opening, e.Device, e.Command = m.site, m.s.Opening, r.Device, r.Command
	e.Method, e.Slot, e.Level = r.Method, r.Slot, r.Level
	e.Boot, e.Number = r.Boot, r.Number
	e.Reason, e.Why = m.reason, m.why
	if m.late {
		e.Reason = sashlock.ReportLate
	}
}

// following writes what follows from the report.
func (m *move) following(e *sashlock.Event) {
	e.Kind, e.Heard, e.Site, e.Opening = m.then, m.heard, m.site, m.s.Opening
	e.At, e.Device, e.Reason = writable(m.r.At), m.r.Device, m.reason
	if m.then == sashlock.AccessTaken {
		credit(e, m.s.Release)
	}
}

func base(o *sashlock.Opening, k sashlock.EventKind, heard time.Time) sashlock.Event {
	return sashlock.Event{Kind: k, Heard: heard, Site: o.Site, Opening: o.ID}
}

// credit names the decision, command and person of a release.
func credit(e *sashlock.Event, r *sashlock.Release) {
	e.Decision, e.Command, e.Person = r.Decision, r.Command, r.Person
}
