// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/store"
)

// decide answers a request and gives the answer its number.
func (h *Hall) decide(tx *store.Tx, q sashlock.Request, s sashlock.OpeningState) sashlock.Decision {
	d := h.working.Decide(q, s)
	d.ID = sashlock.NewID[sashlock.DecisionID](tx.Now())
	return d
}

// Decide answers a request by the grants and then by what is fitted: a release
// that no lock can carry out is refused and says so. It records nothing, so it
// also serves to explain and to answer what-if questions.
func (b *Book) Decide(q sashlock.Request, s sashlock.OpeningState) sashlock.Decision {
	d := b.Index.Explain(q, s.Mode)
	if _, known := b.Openings[q.Opening]; !known {
		return d
	}
	check := b.checkLock(q.Opening, s)
	d.Checks = append(d.Checks, check)
	if d.Granted && !check.OK {
		d.Granted = false
		d.Reason = sashlock.NoLock
		if s.Offline {
			d.Reason = sashlock.LockOffline
		}
	}
	return d
}

func (b *Book) checkLock(id sashlock.OpeningID, s sashlock.OpeningState) sashlock.Check {
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
	if d.Granted {
		kind = sashlock.AccessGranted
	}
	return sashlock.Event{
		Kind: kind, Site: site, Opening: d.Opening, Person: d.Person, Operator: q.Operator, Method: q.Method,
		Grant: d.Grant, Decision: d.ID, Reason: d.Reason, Checks: d.Checks,
	}
}

// release puts a granted decision into effect: the opening remembers it, the
// lock is told, and the end of the release time is looked at.
func (h *Hall) release(tx *store.Tx, o sashlock.Opening, s sashlock.OpeningState, d sashlock.Decision) (sashlock.CommandID, error) {
	lock, _ := h.working.lock(o.ID)
	verb := sashlock.DoUnlock
	if lock.Has(sashlock.CanRelease) {
		verb = sashlock.DoRelease
	}
	command := h.queue(tx, o, sashlock.CommandRecord{
		Command: sashlock.Command{Device: lock.ID, Verb: verb, For: o.ReleaseTime, Decision: d.ID},
		Person:  d.Person,
	})
	out := opening.Release(o, s, sashlock.Release{
		Decision: d.ID, Command: command, Person: d.Person, Until: tx.Now().Add(o.ReleaseTime),
	}, tx.Now())
	appendAll(tx, out.Events)
	s = out.State
	if verb == sashlock.DoUnlock && o.Egress == sashlock.EgressNone {
		s.Relock = s.Release.Until
	}
	return command, h.settle(tx, o, s)
}
