// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"slices"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// Heard lists the kinds of event that may begin a scenario.
func Heard() []sashlock.EventKind {
	return []sashlock.EventKind{
		sashlock.AlarmRaised, sashlock.AlarmCleared, sashlock.OpeningForced, sashlock.OpeningOpened, sashlock.OpeningClosed,
		sashlock.LockWasJammed, sashlock.LockHalfway, sashlock.LockUnlocked, sashlock.CodeRefused, sashlock.AccessDenied, sashlock.AccessTaken,
		sashlock.DuressSignalled, sashlock.DeviceTampered, sashlock.DeviceOffline, sashlock.CallRaised, sashlock.PersonClockedIn,
		sashlock.ThreatChanged, sashlock.ModeOrdered, sashlock.ModeWithdrawn, sashlock.ScenarioBegan, sashlock.ScenarioEnded,
	}
}

// circles refuses a scenario that begins itself, alone or by way of others,
// as far as that can be seen from what they do. What cannot be seen is cut when
// it happens, by [MaxStarts].
func (c *compiler) circles() {
	all := append(slices.Clone(c.w.Others), c.p.Form)
	all = slices.DeleteFunc(all, func(s Scenario) bool { return s.Site != c.p.Form.Site })
	me := len(all) - 1
	var path []int
	var walk func(at int, seen map[int]bool) bool
	walk = func(at int, seen map[int]bool) bool {
		for next := range all {
			if !c.begets(all[at], all[next]) {
				continue
			}
			if next == me {
				path = append(path, at)
				return true
			}
			if !seen[next] {
				seen[next] = true
				if walk(next, seen) {
					path = append(path, at)
					return true
				}
			}
		}
		return false
	}
	if !walk(me, map[int]bool{}) {
		return
	}
	names := []string{}
	for _, at := range slices.Backward(path) {
		names = append(names, all[at].Slug)
	}
	c.wrong("trigger.event", lang.Say("it begins itself: %s", strings.Join(append(names, all[me].Slug), " → ")), lang.Say("choose an event that none of these scenarios brings about"))
}

// begets reports whether what one scenario does is what another begins with.
func (c *compiler) begets(by, next Scenario) bool {
	e := next.Trigger.Event
	if e == nil || next.Off {
		return false
	}
	touched := func(where ...Where) bool {
		for _, w := range where {
			if c.touches(w, *e) {
				return true
			}
		}
		return false
	}
	holds := make([]Where, len(by.Actions.Hold))
	for i, h := range by.Actions.Hold {
		holds[i] = h.Where
	}
	switch kind := sashlock.EventKind(e.Kind); kind {
	case sashlock.ScenarioBegan, sashlock.ScenarioEnded:
		return e.Subject == "" || e.Subject == by.Slug
	case sashlock.ThreatChanged:
		return by.Actions.Threat != ""
	case sashlock.AlarmRaised, sashlock.AlarmCleared:
		return by.Actions.Alarm != nil && (e.Rule == "" || e.Rule == AlarmRule)
	case sashlock.ModeOrdered, sashlock.ModeWithdrawn:
		return touched(append(holds, by.Actions.Lock...)...)
	case sashlock.LockUnlocked:
		return touched(holds...)
	default:
		return false
	}
}

// AlarmRule is the rule under which scenarios raise alarms.
const AlarmRule = "scenario"

// touches reports whether an event may be about what is named. It errs on the
// side of yes.
func (c *compiler) touches(w Where, e Occasion) bool {
	for _, o := range c.p.openings {
		ref := c.p.Site.Slug + "/" + o.area
		named := w.All || slices.Contains(w.Openings, o.Slug) || slices.Contains(w.Areas, ref)
		about := (e.Opening == "" || e.Opening == o.Slug) && (e.Area == "" || e.Area == ref) && (e.Class == "" || e.Class == string(o.Class))
		if named && about && (len(w.Kinds) == 0 || slices.Contains(w.Kinds, string(o.Kind))) {
			return true
		}
	}
	return false
}
