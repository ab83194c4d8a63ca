// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/store"
)

// TwoPersonTime is how long the first of two persons waits for the second.
const TwoPersonTime = 30 * time.Second

// decide answers a request and gives the answer its number.
func (h *Hall) decide(tx *store.Tx, q sashlock.Request, s sashlock.OpeningState) sashlock.Decision {
	now := moment{tx, h.working}
	d := h.working.decide(q, s, now, threatOf(tx.SiteState(h.working.Openings[q.Opening].Site)))
	d.ID = sashlock.NewID[sashlock.DecisionID](tx.Now())
	return d
}

// Decide answers a request by the grants, the guard rails and what is fitted,
// in the situation as it stands. It records nothing: it serves to explain, and
// to answer what-if questions.
func (h *Hall) Decide(q sashlock.Request, s sashlock.OpeningState) sashlock.Decision {
	now := h.Present()
	return now.book.Decide(q, s, now)
}

// Decide is [Hall.Decide] for a book at hand and a situation that is supposed;
// nil: nothing is known of it.
func (b *Book) Decide(q sashlock.Request, s sashlock.OpeningState, now access.Situation) sashlock.Decision {
	threat := ""
	if p, ok := now.(*Present); ok {
		threat = threatOf(p.store.SiteState(b.Openings[q.Opening].Site))
	}
	return b.decide(q, s, now, threat)
}

// decide goes through the stages of a decision: the grants, the second person,
// the guard rails, the lock. A release that no lock can carry out is refused.
func (b *Book) decide(q sashlock.Request, s sashlock.OpeningState, now access.Situation, threat string) sashlock.Decision {
	d := b.Index.Explain(q, s.Mode, now)
	o, known := b.Openings[q.Opening]
	if !known {
		return d
	}
	d.Trial = o.Trial
	b.askFirst(&d, q, s, now)
	b.askRails(&d, q, o, s, threat)
	check := b.checkLock(q.Opening, s)
	d.Checks = append(d.Checks, check)
	if (d.Granted || d.Reason == sashlock.SecondPersonNeeded) && !check.OK {
		d.Granted = false
		d.Reason = sashlock.NoLock
		if s.Offline {
			d.Reason = sashlock.LockOffline
		}
	}
	return d
}

// askFirst makes sure that the first of two persons may still open it: much can
// happen between the two.
func (b *Book) askFirst(d *sashlock.Decision, q sashlock.Request, s sashlock.OpeningState, now access.Situation) {
	if !d.Granted || d.Second == "" {
		return
	}
	first := q
	first.Person, first.Level = d.Second, s.Waiting.Level
	if v := b.Index.Decide(first, s.Mode, now); v.Granted || v.Reason == sashlock.SecondPersonNeeded {
		return
	}
	d.Granted, d.Reason = false, sashlock.SecondPersonNeeded
	d.Checks = append(d.Checks, sashlock.Check{
		What: "second_person", Needed: "a first person who may still open it", Actual: "the one who asked first no longer may",
		Fix: "Let somebody else who may open it ask.",
	})
	d.Second = ""
}

// askRails asks the guard rails about what the grants allow.
func (b *Book) askRails(d *sashlock.Decision, q sashlock.Request, o sashlock.Opening, s sashlock.OpeningState, threat string) {
	if !d.Granted && d.Reason != sashlock.SecondPersonNeeded || q.Side == sashlock.Leaving || b.Index.Free(q) {
		return
	}
	facts := b.GuardFacts(o, q)
	facts.Mode, facts.Threat, facts.Second = string(s.Mode), threat, d.Second
	for _, hit := range b.rails.Look(&facts) {
		check := sashlock.Check{What: "guard_rail", OK: hit.Shadow, Needed: "no guard rail that forbids it", Actual: hit.Rail + ": " + hit.Why, Fix: hit.Fix}
		if hit.Shadow {
			check.Actual = "would be forbidden, if it were enforced, by " + check.Actual
			check.Fix = ""
			d.Watching = append(d.Watching, hit.Rail)
		} else if d.Rail == "" {
			d.Granted, d.Reason, d.Rail, d.Second = false, sashlock.GuardRail, hit.Rail, ""
		}
		d.Checks = append(d.Checks, check)
	}
}

func (b *Book) checkLock(id sashlock.OpeningID, s sashlock.OpeningState) sashlock.Check {
	if b.Openings[id].Trial {
		return sashlock.Check{What: "trial", OK: true, Needed: "nothing: it is decided and recorded only", Actual: "the opening is on trial, nothing is sent to its lock"}
	}
	check := sashlock.Check{What: "lock", Needed: "a lock that can be released and reached"}
	lock, fitted := b.lock(id)
	switch {
	case !fitted:
		check.Actual = "none is fitted"
		check.Fix = "adopt a lock for this opening"
	case s.Offline:
		check.Actual = "it cannot be reached"
		check.Fix = "bring the lock or its gateway back"
	default:
		check.OK = true
		check.Actual = "fitted: " + lock.Model
	}
	return check
}

func accessEvent(q sashlock.Request, d sashlock.Decision, site sashlock.SiteID) sashlock.Event {
	kind := sashlock.AccessDenied
	switch {
	case d.Granted:
		kind = sashlock.AccessGranted
	case d.Deferred():
		kind = sashlock.AccessDeferred
	}
	why := ""
	if d.Trial {
		why = string(sashlock.OnTrial)
	}
	return sashlock.Event{
		Kind: kind, Why: why, Site: site, Opening: d.Opening, Person: d.Person, Operator: q.Operator, Method: q.Method,
		Grant: d.Grant, Decision: d.ID, Reason: d.Reason, Checks: d.Checks,
		Credential: q.Credential, Device: q.Reader, Second: d.Second, Side: q.Side, Rule: d.Rail,
	}
}

// record appends what was decided, and what else there is to say of it.
func (h *Hall) record(tx *store.Tx, q sashlock.Request, d sashlock.Decision) {
	site := h.working.Openings[q.Opening].Site
	tx.Append(accessEvent(q, d, site))
	about := sashlock.Event{Site: site, Opening: d.Opening, Person: d.Person, Decision: d.ID}
	for _, rail := range d.Watching {
		about.Kind, about.Rule = sashlock.RailCrossed, rail
		tx.Append(about)
	}
	about.Rule = ""
	if d.Granted && d.PassedBack {
		about.Kind = sashlock.PassbackSeen
		tx.Append(about)
	}
	if q.Duress {
		about.Kind = sashlock.DuressSignalled
		tx.Append(about)
	}
}

// await keeps the first of two persons waiting for the second.
func (h *Hall) await(tx *store.Tx, q sashlock.Request, s sashlock.OpeningState, d sashlock.Decision) {
	if d.Reason != sashlock.SecondPersonNeeded {
		return
	}
	s.Waiting = &sashlock.Waiting{Person: q.Person, Level: q.Level, Decision: d.ID, Grant: d.Grant, Until: tx.Now().Add(TwoPersonTime)}
	tx.SaveState(s)
}

// release puts a granted decision into effect: the opening remembers it, the
// lock is told, and the end of the release time is looked at. On trial the lock
// is not told: whether the person then passes shows what the other system did.
func (h *Hall) release(tx *store.Tx, q sashlock.Request, o sashlock.Opening, s sashlock.OpeningState, d sashlock.Decision) (sashlock.CommandID, error) {
	lock, _ := h.working.lock(o.ID)
	verb := sashlock.DoUnlock
	if lock.Has(sashlock.CanRelease) && s.Mode != sashlock.HeldUnlocked { // it would lock again by itself
		verb = sashlock.DoRelease
	}
	command := h.queue(tx, o, sashlock.CommandRecord{
		Command: sashlock.Command{Device: lock.ID, Verb: verb, For: o.ReleaseTime, Decision: d.ID},
		Person:  d.Person,
	})
	out := opening.Release(o, s, sashlock.Release{
		Decision: d.ID, Command: command, Person: d.Person, Until: tx.Now().Add(o.ReleaseTime), Grant: d.Grant, Side: q.Side,
	}, tx.Now())
	appendAll(tx, out.Events)
	h.noteTaken(tx, o, s, out.Events)
	s = out.State
	s.Waiting = nil
	if q.Duress {
		s.Duress = tx.Now()
	}
	h.noteGrant(tx, q, d, o)
	if verb == sashlock.DoUnlock && !o.Trial && o.Egress == sashlock.EgressNone && s.Mode != sashlock.HeldUnlocked {
		s = owed(s, s.Release.Until)
	}
	return command, h.settle(tx, o, s)
}
