// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/guard"
)

// HighValue is the name of the guard that is always there: what is of class
// high opens for a person only.
const HighValue = "high-value"

// Wants is what a running scenario wants of openings at a moment.
type Wants struct {
	Hold []sashlock.OpeningID
	Lock []sashlock.OpeningID
	Back []Back // what it would hold unlocked and does not
}

// Back is an opening that a scenario is kept from.
type Back struct {
	Opening sashlock.OpeningID
	Rail    string
	Line    int // of the rail's text; 0: of none
	Why     string
}

// Wants returns what the scenario wants of openings at a moment, given the
// guard rails in force. One that does not run, and a drill, want nothing.
func (p *Plan) Wants(s State, f Facts, rails *guard.Set) Wants {
	var w Wants
	if !s.Running || s.Drill {
		return w
	}
	w.Lock = p.locks
	taken := map[sashlock.OpeningID]bool{}
	for _, h := range p.holds {
		left := h.cap(f)
		for _, id := range h.openings {
			if left == 0 {
				break
			}
			if taken[id] {
				continue
			}
			if back, kept := p.keptFrom(id, f.Now, f.Threat, rails); kept {
				w.Back = append(w.Back, back)
				continue
			}
			w.Hold, taken[id] = append(w.Hold, id), true
			left--
		}
	}
	return w
}

// cap is how many openings may be held unlocked.
func (h hold) cap(f Facts) int {
	most := len(h.openings)
	if h.most > 0 {
		most = min(most, h.most)
	}
	if h.per > 0 {
		staff := 0
		if f.Staff != nil {
			staff = f.Staff(h.role)
		}
		most = min(most, h.per*staff)
	}
	return most
}

// keptFrom reports whether an opening may not be held unlocked at a moment, and
// by what.
func (p *Plan) keptFrom(id sashlock.OpeningID, at time.Time, threat string, rails *guard.Set) (Back, bool) {
	o, known := p.openings[id]
	switch {
	case !known:
		return Back{Opening: id, Why: "it no longer exists"}, true
	case o.Class == sashlock.High:
		return Back{Opening: id, Rail: HighValue, Why: "what is of high value opens for a person only"}, true
	case p.never[id] != "":
		return Back{Opening: id, Rail: "guard.never", Why: p.never[id]}, true
	}
	facts := p.facts(o, at, threat)
	for _, hit := range rails.Look(&facts) {
		if !hit.Shadow {
			return Back{Opening: id, Rail: hit.Rail, Line: hit.Line, Why: hit.Why}, true
		}
	}
	return Back{}, false
}

// facts are what guard rails are told when the scenario holds an opening
// unlocked.
func (p *Plan) facts(o place, at time.Time, threat string) guard.Facts {
	if threat == "" {
		threat = "normal"
	}
	return guard.Facts{
		Opening: o.ID, OpeningSlug: o.Slug, Kind: string(o.Kind), Class: string(o.Class),
		Area: string(o.Area), AreaSlug: o.area, Site: string(p.Site.ID), SiteSlug: p.Site.Slug, Jurisdiction: p.Site.Jurisdiction,
		Action: guard.HoldUnlocked, Automatic: true, Threat: threat, At: at.In(p.zone),
	}
}
