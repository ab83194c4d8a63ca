// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// State is how a scenario stands. The zero value has never run.
type State struct {
	Running bool                `json:"running,omitempty"`
	Since   time.Time           `json:"since,omitzero"` // when it began, or began last
	Why     string              `json:"why,omitempty"`  // what began it, with the values
	By      sashlock.OperatorID `json:"by,omitempty"`   // who began it by hand
	Drill   bool                `json:"drill,omitempty"`
	Ended   time.Time           `json:"ended,omitzero"` // when it ended last
	Over    string              `json:"over,omitempty"` // and why

	Up     bool        `json:"up,omitempty"`    // its trigger was up in this run
	In     bool        `json:"in,omitempty"`    // its schedule covered this run
	Spent  bool        `json:"spent,omitempty"` // it ended while its trigger was up, and waits for it to fall
	Busy   bool        `json:"busy,omitempty"`  // of a rate: it rose and has not fallen
	Above  time.Time   `json:"above,omitzero"`  // since when the rate is at the upper threshold or above
	Below  time.Time   `json:"below,omitzero"`  // since when it is at the lower one or below
	Seen   int64       `json:"seen,omitempty"`  // one more than the number of the newest event that began it
	Starts []time.Time `json:"starts,omitempty"`
	CutAt  time.Time   `json:"cut,omitzero"` // when it was last kept from beginning again

	// What it gave, so that it can be taken back. Whoever carries a scenario out
	// keeps it here.
	Held   []sashlock.OpeningID          `json:"held,omitempty"`
	Locked []sashlock.OpeningID          `json:"locked,omitempty"`
	Back   map[sashlock.OpeningID]string `json:"back,omitempty"` // what it was kept from, and by which rail
	Grants []string                      `json:"grants,omitempty"`
	Alarm  sashlock.AlarmID              `json:"alarm,omitempty"`
}

// Press is what somebody wants of a scenario.
type Press string

// What can be pressed.
const (
	NoPress    Press = ""
	StartPress Press = "start"
	DrillPress Press = "drill" // as start, but nothing moves
	StopPress  Press = "stop"
)

// Facts are what a step goes by.
type Facts struct {
	Now     time.Time
	Count   float64         // what the trigger counts
	Counted bool            // somebody counts at all
	Event   *sashlock.Event // one that [Plan.Hears]
	Press   Press
	By      sashlock.OperatorID
	Threat  string                                 // how the store stands; empty: normal
	Staff   func(role string) int                  // how many are on shift; nil: nobody knows, and none is needed
	Running func(slug string) bool                 // whether another scenario runs; nil: none
	Mode    func(sashlock.OpeningID) sashlock.Mode // of an opening; nil: normal
	Unmet   int                                    // of a checklist: how many things are not so
	Checked int                                    // how many were looked at
}

// Outcome is what a step did.
type Outcome struct {
	Began, Ended bool
	Cut          bool      // it would have begun once too often
	Why          string    // in words
	LookAgain    time.Time // when a step may do something although nothing happens; zero: never
}

// Step carries a state on to a moment. Facts of the same moment may be shown
// again: then nothing happens.
func (p *Plan) Step(s State, f Facts) (State, Outcome) {
	s.Starts = slices.DeleteFunc(slices.Clone(s.Starts), func(at time.Time) bool { return f.Now.Sub(at) >= time.Hour })
	var out Outcome
	up, covered := p.look(&s, f, &out)
	if !up {
		s.Spent = false
	}
	if s.Running && f.Press == StartPress && s.Drill {
		s = p.end(s, f, up, &out, lang.Mark("it began in earnest"))
		s = begin(s, f, &out, lang.Mark("somebody pressed the button"))
		return s, out
	}
	if s.Running {
		s.Up, s.In = s.Up || up, s.In || covered
		if why, over := p.over(s, f, up, covered, &out); over {
			s = p.end(s, f, up, &out, why)
		}
		return s, out
	}
	p.start(&s, f, up, &out)
	if s.Running {
		s.Up, s.In = up, covered
		p.over(s, f, up, covered, &out)
	}
	return s, out
}

// start begins it if anything does.
func (p *Plan) start(s *State, f Facts, up bool, out *Outcome) {
	switch f.Press {
	case StartPress, DrillPress:
		*s = begin(*s, f, out, lang.Mark("somebody pressed the button"))
		return
	}
	fired := p.event != nil && f.Event != nil && p.Hears(f.Event) && f.Event.Seq >= s.Seen
	if p.Form.Off || !fired && (!up || s.Spent) || !p.met(f) {
		return
	}
	if len(s.Starts) >= MaxStarts {
		if out.Cut = s.CutAt.IsZero() || f.Now.Sub(s.CutAt) >= time.Hour; out.Cut {
			s.CutAt = f.Now
			out.Why = fmt.Sprintf("it began %d times within an hour: that looks like a circle, so it does not begin again before the hour is over", MaxStarts)
		}
		if fired {
			s.Seen = f.Event.Seq + 1
		}
		return
	}
	s.Starts = append(s.Starts, f.Now)
	*s = begin(*s, f, out, p.because(f))
	if fired {
		s.Seen = f.Event.Seq + 1
	}
}

func begin(s State, f Facts, out *Outcome, why string) State {
	out.Began, out.Why = true, why
	next := State{
		Running: true, Since: f.Now, Why: why, Drill: f.Press == DrillPress, Ended: s.Ended, Over: s.Over,
		Busy: s.Busy, Above: s.Above, Below: s.Below, Seen: s.Seen, Starts: s.Starts, CutAt: s.CutAt,
		Held: s.Held, Locked: s.Locked, Grants: s.Grants, Alarm: s.Alarm,
	}
	if f.Press != NoPress {
		next.By = f.By
	}
	return next
}

func (p *Plan) end(s State, f Facts, up bool, out *Outcome, why string) State {
	out.Ended, out.Why = true, why
	s.Running, s.Ended, s.Over, s.Spent = false, f.Now, why, up
	s.Up, s.In, s.Back = false, false, nil
	return s
}

// Unsaid stands for the kind of the entry that began a scenario where that tells
// of a silent alarm: who reads why a scenario began need not be who learns of it.
const Unsaid = "unsaid"

// because is what began it, with the values.
func (p *Plan) because(f Facts) string {
	switch {
	case p.rate != nil:
		return fmt.Sprintf("%s: %s in %s, from %s on", p.rate.of, number(f.Count), words(p.rate.over), number(p.rate.rise))
	case p.event != nil:
		kind := string(f.Event.Kind)
		if f.Event.Kind == sashlock.DuressSignalled || sashlock.Silent(f.Event.Rule) {
			kind = Unsaid // the ledger says it of the other entry, to those who may read that
		}
		return fmt.Sprintf("entry %d: %s", f.Event.Seq, kind)
	case p.begins != nil:
		return "schedule " + p.Form.Trigger.Schedule
	}
	return fmt.Sprintf("its time, %s to %s", p.Form.Trigger.Dates.From, p.Form.Trigger.Dates.Until)
}

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// words writes a length of time without its zeroes: "15m".
func words(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}

// look finds out whether the trigger is up and whether the schedule covers the
// moment, and when either may change.
func (p *Plan) look(s *State, f Facts, out *Outcome) (up, covered bool) {
	covered = true
	switch {
	case p.begins != nil:
		up = p.edge(p.begins, f.Now, out)
		covered = up
	case !p.until.IsZero():
		up = !f.Now.Before(p.from) && f.Now.Before(p.until)
		covered = up
		for _, at := range []time.Time{p.from, p.until} {
			if at.After(f.Now) {
				out.again(at)
			}
		}
	case p.rate != nil:
		up = p.swing(s, f, out)
	}
	if p.during != nil {
		covered = p.edge(p.during, f.Now, out) && covered
	}
	return up, covered
}

// edge reports whether a schedule covers a moment, and notes when that changes.
func (p *Plan) edge(c calendar, now time.Time, out *Outcome) bool {
	if _, end, in := c.Window(now); in {
		out.again(end)
		return true
	}
	if start, _, ok := c.Next(now); ok {
		out.again(start)
	}
	return false
}

type calendar interface {
	Window(time.Time) (time.Time, time.Time, bool)
	Next(time.Time) (time.Time, time.Time, bool)
}

// swing follows a rate. Between its thresholds nothing changes; when nobody
// counts any more, it falls.
func (p *Plan) swing(s *State, f Facts, out *Outcome) bool {
	r := p.rate
	if !f.Counted {
		f.Count = 0
	}
	since := func(mark *time.Time, is bool) {
		switch {
		case !is:
			*mark = time.Time{}
		case mark.IsZero():
			*mark = f.Now
		}
	}
	since(&s.Above, f.Counted && f.Count >= r.rise)
	since(&s.Below, f.Count <= r.fall)
	switch {
	case !s.Busy && !s.Above.IsZero():
		if due := s.Above.Add(r.riseFor); due.After(f.Now) {
			out.again(due)
		} else {
			s.Busy = true
		}
	case s.Busy && !s.Below.IsZero():
		if due := s.Below.Add(r.falls); due.After(f.Now) {
			out.again(due)
		} else {
			s.Busy = false
		}
	}
	return s.Busy
}

// met reports whether the conditions are.
func (p *Plan) met(f Facts) bool {
	c := p.Form.Condition
	if p.during != nil && !p.during.Covers(f.Now.Unix()) {
		return false
	}
	threat := f.Threat
	if threat == "" {
		threat = "normal"
	}
	if len(c.Threat) > 0 && !slices.Contains(c.Threat, threat) {
		return false
	}
	if c.Staff > 0 && f.Staff != nil && f.Staff(c.Role) < c.Staff {
		return false
	}
	if f.Running != nil && slices.ContainsFunc(c.Unless, f.Running) {
		return false
	}
	if c.Mode == "" || f.Mode == nil {
		return true
	}
	for _, id := range append(p.Holds(), p.locks...) {
		mode := f.Mode(id)
		if mode == "" {
			mode = sashlock.Normal
		}
		if string(mode) != c.Mode {
			return false
		}
	}
	return true
}

// over reports whether a run has come to its end, and why. When it has not, it
// notes when it may.
func (p *Plan) over(s State, f Facts, up, covered bool, out *Outcome) (string, bool) {
	r := p.Form.Revert
	if f.Press == StopPress {
		return lang.Mark("somebody ended it"), true
	}
	for _, limit := range []struct {
		length time.Duration
		why    string
	}{{p.after, lang.Mark("its time was up")}, {p.longest, lang.Mark("it had run as long as it may")}} {
		if limit.length == 0 {
			continue
		}
		due := s.Since.Add(limit.length)
		if !due.After(f.Now) {
			return limit.why, true
		}
		out.again(due)
	}
	switch {
	case r.WithTrigger && s.Up && !up:
		return lang.Mark("its trigger fell"), true
	case r.WithSchedule && s.In && !covered:
		return lang.Mark("its schedule was over"), true
	case len(p.Form.Check.Items) > 0 && f.Checked > 0 && f.Unmet == 0:
		return lang.Mark("everything was as it should be"), true
	}
	return "", false
}

// again notes a moment to look at it.
func (o *Outcome) again(at time.Time) {
	if o.LookAgain.IsZero() || at.Before(o.LookAgain) {
		o.LookAgain = at
	}
}
