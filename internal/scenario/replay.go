// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"slices"
	"time"

	"github.com/sashlock/sashlock"
)

// Bucket is what was counted in one minute.
type Bucket struct {
	At time.Time // its beginning
	N  float64
}

// Run is one time that a scenario ran, or would have.
type Run struct {
	Began time.Time
	Ended time.Time // zero: it was still running at the end
	Why   string
	Over  string
}

// Past is what a replay goes by.
type Past struct {
	From, Until time.Time
	// Events are those that the plan hears, and changes of how the store stands,
	// in order.
	Events  []sashlock.Event
	Buckets []Bucket // what its trigger counts, in order
}

// MaxSteps is how many steps a replay takes at most.
const MaxSteps = 200_000

// Replay tells when a scenario would have run in the past, had it been there,
// and how often it would have been cut. What is not known of the past, who was
// on shift and how openings stood, counts as met. Progress, which may be nil, is
// told how far it is, from 0 to 1; when it returns false the replay ends.
func Replay(p *Plan, past Past, progress func(done float64) bool) (runs []Run, cuts int) {
	plan := *p
	plan.Form.Off = false
	r := replayer{p: &plan, past: past, now: past.From}
	whole := past.Until.Sub(past.From)
	for n := 0; n < MaxSteps && !r.now.After(past.Until); n++ {
		if n%500 == 0 && progress != nil && !progress(float64(r.now.Sub(past.From))/float64(max(whole, 1))) {
			break
		}
		next := r.step()
		if next.IsZero() {
			break
		}
		r.now = next
	}
	if progress != nil {
		progress(1)
	}
	return r.runs, r.cuts
}

// replayer walks through the past.
type replayer struct {
	p      *Plan
	past   Past
	now    time.Time
	state  State
	threat string
	event  int // the next one
	sum    window
	runs   []Run
	cuts   int
}

// step takes the events of this moment, or none, and returns the next moment.
func (r *replayer) step() time.Time {
	f := Facts{Now: r.now, Threat: r.threat}
	if r.p.rate != nil {
		f.Count, f.Counted = r.sum.at(r.past.Buckets, r.now, r.p.rate.over), len(r.past.Buckets) > 0
	}
	for r.event < len(r.past.Events) && !r.past.Events[r.event].Heard.After(r.now) {
		e := &r.past.Events[r.event]
		r.event++
		if e.Kind == sashlock.ThreatChanged && e.Site == r.p.Site.ID {
			r.threat, f.Threat = e.Why, e.Why
		}
		if r.p.Hears(e) {
			f.Event = e
			r.take(f)
			f.Event = nil
		}
	}
	out := r.take(f)
	return r.next(out)
}

// take makes one step of the plan.
func (r *replayer) take(f Facts) Outcome {
	var out Outcome
	r.state, out = r.p.Step(r.state, f)
	switch {
	case out.Began:
		r.runs = append(r.runs, Run{Began: r.now, Why: out.Why})
	case out.Ended:
		last := &r.runs[len(r.runs)-1]
		last.Ended, last.Over = r.now, out.Why
	case out.Cut:
		r.cuts++
	}
	return out
}

// next is when something may happen again.
func (r *replayer) next(out Outcome) time.Time {
	if r.event < len(r.past.Events) {
		out.again(r.past.Events[r.event].Heard)
	}
	if r.p.rate != nil {
		if at := r.sum.next(r.past.Buckets, r.now, r.p.rate.over); !at.IsZero() {
			out.again(at)
		}
	}
	if out.LookAgain.After(r.now) || out.LookAgain.IsZero() {
		return out.LookAgain
	}
	return r.now.Add(time.Second) // nothing stands still
}

// window adds up the buckets of a stretch of time that moves on.
type window struct {
	sum         float64
	first, last int // buckets in it: [first, last)
}

// at moves on to a moment and returns the sum of the stretch before it.
func (w *window) at(all []Bucket, now time.Time, over time.Duration) float64 {
	for w.last < len(all) && !all[w.last].At.After(now) {
		w.sum += all[w.last].N
		w.last++
	}
	for w.first < w.last && !all[w.first].At.After(now.Add(-over)) {
		w.sum -= all[w.first].N
		w.first++
	}
	return w.sum
}

// next is when the sum changes.
func (w *window) next(all []Bucket, now time.Time, over time.Duration) (at time.Time) {
	if w.last < len(all) {
		at = all[w.last].At
	}
	if w.first < w.last {
		if leaves := all[w.first].At.Add(over); at.IsZero() || leaves.Before(at) {
			at = leaves
		}
	}
	if !at.IsZero() && !at.After(now) {
		return now.Add(time.Second)
	}
	return at
}

// Together reports whether two plans could run at the same moment within so
// long from now on, and when: those that begin by schedule or dates. Others
// might at any time.
func Together(a, b *Plan, now time.Time, ahead time.Duration) (from, until time.Time, may bool) {
	of := func(p *Plan) []span {
		var all []span
		for _, w := range p.Next(now, 60) {
			if w.Start.Before(now.Add(ahead)) {
				all = append(all, span{w.Start, w.End})
			}
		}
		return all
	}
	for _, x := range of(a) {
		for _, y := range of(b) {
			start, end := x.from, x.until
			if y.from.After(start) {
				start = y.from
			}
			if y.until.Before(end) {
				end = y.until
			}
			if start.Before(end) {
				return start, end, true
			}
		}
	}
	return from, until, false
}

type span struct{ from, until time.Time }

// Shares lists the openings that two plans both act on.
func Shares(a, b *Plan) []sashlock.OpeningID {
	mine := append(a.Holds(), a.locks...)
	var both []sashlock.OpeningID
	for _, id := range append(b.Holds(), b.locks...) {
		if slices.Contains(mine, id) {
			both = append(both, id)
		}
	}
	return unique(both)
}
