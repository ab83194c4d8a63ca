// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
)

// situated is a random world with people in it, and requests around the instant
// at which they are where they are. Who asks stands at what they ask for, often
// enough for much to be granted.
func situated(t *rapid.T) (*world, *access.Index, supposed, []sashlock.Request) {
	w, ix, requests := drawn(t)
	now := w.situation(requests[0].At)
	for i := range requests {
		if w.chance(60) {
			requests[i].At = requests[0].At.Add(time.Duration(w.Int64N(int64(time.Hour))))
		}
	}
	return w, ix, now, requests
}

func TestRevokingNeverOpens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, ix, now, requests := situated(t)
		gone := rapid.SampledFrom(w.facts.Grants).Draw(t, "grant").ID
		after := changed(t, ix, access.Change{Remove: access.Removal{Grants: []sashlock.GrantID{gone}}})
		neverOpensBy(t, requests, func(req sashlock.Request) (bool, bool) {
			return ix.Decide(req, "", now).Granted, after.Decide(req, "", now).Granted
		})
		for _, req := range requests {
			if v := after.Decide(req, "", now); v.Grant == gone {
				t.Fatalf("%v is decided by a grant that was revoked: %+v", req, v)
			}
		}
	})
}

func TestMoreTermsNeverOpen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, ix, now, requests := situated(t)
		g := rapid.SampledFrom(w.facts.Grants).Draw(t, "grant")
		g.Terms = stricter(g.Terms, w.terms())
		after := changed(t, ix, access.Change{Put: access.Facts{Grants: []sashlock.Grant{g}}})
		neverOpensBy(t, requests, func(req sashlock.Request) (bool, bool) {
			return ix.Decide(req, "", now).Granted, after.Decide(req, "", now).Granted
		})
	})
}

// stricter asks for everything that t asks for, and for what more adds to it.
func stricter(t, more sashlock.Terms) sashlock.Terms {
	if t.Uses == 0 || more.Uses > 0 && more.Uses < t.Uses {
		t.Uses = more.Uses
	}
	if t.Lasts == 0 || more.Lasts > 0 && more.Lasts < t.Lasts {
		t.Lasts = more.Lasts
	}
	t.OnShift, t.Two, t.Level = t.OnShift || more.OnShift, t.Two || more.Two, max(t.Level, more.Level)
	if t.With == "" {
		t.With = more.With
	}
	if t.Escort == "" {
		t.Escort = more.Escort
	}
	return t
}

func TestMoreNeedsNeverOpen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, ix, now, requests := situated(t)
		o, more := rapid.SampledFrom(w.facts.Openings).Draw(t, "opening"), w.needs()
		o.Needs.Level, o.Needs.Two = max(o.Needs.Level, more.Level), o.Needs.Two || more.Two
		if o.Needs.FirstIn == "" {
			o.Needs.FirstIn = more.FirstIn
		}
		after := changed(t, ix, access.Change{Put: access.Facts{Openings: []sashlock.Opening{o}}})
		neverOpensBy(t, requests, func(req sashlock.Request) (bool, bool) {
			return ix.Decide(req, "", now).Granted, after.Decide(req, "", now).Granted
		})
	})
}

func TestHigherLevelNeverCloses(t *testing.T) {
	granted := 0
	rapid.Check(t, func(t *rapid.T) {
		_, ix, now, requests := situated(t)
		neverOpensBy(t, requests, func(req sashlock.Request) (bool, bool) {
			lower := req
			lower.Level = sashlock.Assurance(rapid.IntRange(0, int(req.Level)).Draw(t, "level"))
			is := ix.Decide(lower, "", now).Granted
			if is {
				granted++
			}
			return ix.Decide(req, "", now).Granted, is
		})
	})
	if granted == 0 {
		t.Error("nothing was granted in any world, so nothing was compared")
	}
}

// TestTimeNeverRevivesWhatIsUsedUp takes a grant that is over, by its end, by
// its uses or by the time from its first use, and waits.
func TestTimeNeverRevivesWhatIsUsedUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, _, now, requests := situated(t)
		g := rapid.SampledFrom(w.facts.Grants).Draw(t, "grant")
		over := requests[0].At
		state := sashlock.GrantState{Grant: g.ID, Uses: 1, First: over.Add(-time.Hour)}
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			g.Until = over
		case 1:
			g.Terms.Uses, state.Uses = 2, 2+w.IntN(3)
		default:
			g.Terms.Lasts = time.Duration(1+w.IntN(60)) * time.Minute
		}
		now.now.Grants[g.ID] = state
		f := w.facts
		f.Grants = []sashlock.Grant{g} // alone, so that it must be this one that opens
		ix, err := access.New(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, req := range requests {
			req.At = over.Add(time.Duration(w.Int64N(int64(3 * 365 * 24 * time.Hour))))
			if v := ix.Decide(req, "", now); v.Granted {
				t.Fatalf("%v is granted by a grant that was over on %v: %+v, %+v", req, over, g, state)
			}
		}
	})
}
