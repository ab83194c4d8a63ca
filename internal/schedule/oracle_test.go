// SPDX-License-Identifier: Apache-2.0

package schedule_test

import (
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/schedule"
)

// A walk is the third way to answer: it steps through some days of a zone, one
// tick after another, writes down what the local clock shows, and applies the
// rules to that list. It shares nothing with the package, knows no clock
// changes and asks the zone for nothing but what the clock shows at a tick.
type walk struct {
	begin  int64   // unix seconds of the first tick
	step   int64   // seconds a tick: 60, or 1 where offsets have seconds
	shown  []int64 // local ticks since 1970-01-01T00:00, at each tick
	low    int64   // smallest local tick shown
	first  []int   // first[l-low]: the first tick that shows l, or the first after the gap l is in
	last   []int   // last[l-low]: the last tick that shows l, or the first after the gap l is in
	within [2]int  // ticks for which all intervals around them are within the walk
}

// walkDays is how long a walk is: the moment of interest is in its middle.
const walkDays = 8

func newWalk(zone *time.Location, middle, step int64) *walk {
	w := &walk{step: step, begin: middle - walkDays/2*86400}
	w.begin -= ((w.begin % step) + step) % step
	ticks := int(walkDays * 86400 / step)
	for i := range ticks {
		unix := w.begin + int64(i)*step
		_, east := time.Unix(unix, 0).In(zone).Zone()
		local := unix + int64(east)
		w.shown = append(w.shown, (local-((local%step)+step)%step)/step)
	}
	w.low = w.shown[0]
	high := w.low
	for _, l := range w.shown {
		w.low, high = min(w.low, l), max(high, l)
	}
	w.first, w.last = make([]int, high-w.low+1), make([]int, high-w.low+1)
	for i := range w.first {
		w.first[i], w.last[i] = -1, -1
	}
	for i, l := range w.shown {
		if w.first[l-w.low] < 0 {
			w.first[l-w.low] = i
		}
		w.last[l-w.low] = i
	}
	for i := len(w.first) - 1; i >= 0; i-- {
		if w.first[i] < 0 { // in a gap: the first tick after it
			w.first[i] = w.first[i+1]
			w.last[i] = w.first[i]
		}
	}
	margin := int(2 * 86400 / step)
	w.within = [2]int{margin + ticks/walkDays/2, ticks - margin - ticks/walkDays/2}
	return w
}

// begins is the tick at which an interval from the local time starts; ends is
// the one at which an interval until it ends (rules 6 and 7).
func (w *walk) begins(local int64) int { return w.find(w.first, local) }
func (w *walk) ends(local int64) int   { return w.find(w.last, local) }

func (w *walk) find(index []int, local int64) int {
	switch l := local - w.low; {
	case l < 0:
		return 0
	case l < int64(len(index)):
		return index[l]
	}
	return len(w.shown)
}

// covered applies the rules: date by date, interval by interval.
func (w *walk) covered(s sashlock.Schedule) []bool {
	covered := make([]bool, len(w.shown))
	perDay := 86400 / w.step
	date := sashlock.DateOf(time.Unix(w.low*w.step, 0).UTC())
	final := sashlock.DateOf(time.Unix(w.shown[len(w.shown)-1]*w.step, 0).UTC())
	for ; date.Compare(final) <= 0; date = date.AddDays(1) {
		if !s.First.IsZero() && date.Compare(s.First) < 0 || !s.Last.IsZero() && date.Compare(s.Last) > 0 {
			continue
		}
		midnight := time.Date(date.Year, date.Month, date.Day, 0, 0, 0, 0, time.UTC).Unix() / w.step
		cut := len(w.shown)
		if next := specialOn(s, date.AddDays(1)); next >= 0 && next != specialOn(s, date) {
			cut = w.begins(midnight + perDay)
		}
		for _, p := range spansOn(s, date) {
			from, until := int64(p.From)*60/w.step, int64(p.Until)*60/w.step
			if until <= from {
				until += perDay
			}
			for i := w.begins(midnight + from); i < min(w.ends(midnight+until), cut); i++ {
				covered[i] = true
			}
		}
	}
	return covered
}

func specialOn(s sashlock.Schedule, d sashlock.Date) int {
	for i, special := range s.Special {
		if d.Compare(special.First) >= 0 && d.Compare(special.Last) <= 0 {
			return i
		}
	}
	return -1
}

func spansOn(s sashlock.Schedule, d sashlock.Date) []sashlock.Span {
	if i := specialOn(s, d); i >= 0 {
		return s.Special[i].Spans
	}
	var spans []sashlock.Span
	for _, p := range s.Weekly {
		for _, day := range p.Days {
			if day == d.Weekday() {
				spans = append(spans, sashlock.Span{From: p.From, Until: p.Until})
			}
		}
	}
	return spans
}

func (w *walk) unix(i int) int64 { return w.begin + int64(i)*w.step }

// fataler is a test or a property.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// compare checks Covers at every tick of the walk, and the windows between. In
// the years without a fast path it checks every 59th tick, and those on both
// sides of every edge.
func compare(t fataler, c *schedule.Calendar, s sashlock.Schedule, w *walk) {
	t.Helper()
	covered := w.covered(s)
	slow := w.begin < -4*86400 || w.begin > day(2100, 1, 1).Unix()
	for i := w.within[0]; i < w.within[1]; i++ {
		if slow && i%59 != 0 && covered[i-1] == covered[i] && covered[i] == covered[i+1] {
			continue
		}
		if at := w.unix(i); c.Covers(at) != covered[i] {
			t.Fatalf("Covers(%s) = %v, the walk says %v\nzone %s, schedule %+v", time.Unix(at, 0).In(c.Zone()), !covered[i], covered[i], c.Zone(), s)
		}
	}
	from, until := w.unix(w.within[0]), w.unix(w.within[1])
	windows := c.Windows(time.Unix(from, 0), time.Unix(until, 0))
	at := w.within[0]
	for _, win := range windows {
		start, end := int((win.Start.Unix()-w.begin)/w.step), int((win.End.Unix()-w.begin)/w.step)
		for ; at < w.within[1] && !covered[at]; at++ {
		}
		if start != at || end <= start {
			t.Fatalf("window %v to %v should start at %s\nzone %s, schedule %+v", win.Start, win.End, time.Unix(w.unix(at), 0).In(c.Zone()), c.Zone(), s)
		}
		for ; at < w.within[1] && covered[at]; at++ {
		}
		if end != at {
			t.Fatalf("window %v to %v should end at %s\nzone %s, schedule %+v", win.Start, win.End, time.Unix(w.unix(at), 0).In(c.Zone()), c.Zone(), s)
		}
	}
	for ; at < w.within[1]; at++ {
		if covered[at] {
			t.Fatalf("no window at %s\nzone %s, schedule %+v", time.Unix(w.unix(at), 0).In(c.Zone()), c.Zone(), s)
		}
	}
	compareNeighbours(t, c, windows, from, until)
}

// compareNeighbours checks that Window and Next tell the same windows as
// Windows, which has just been found right.
func compareNeighbours(t fataler, c *schedule.Calendar, windows []schedule.Window, from, until int64) {
	t.Helper()
	for i, win := range windows {
		clippedStart, clippedEnd := win.Start.Unix() == from, win.End.Unix() == until
		for _, at := range []time.Time{win.Start, win.End.Add(-time.Nanosecond)} {
			start, end, ok := c.Window(at)
			if !ok || !clippedStart && !start.Equal(win.Start) || !clippedEnd && !end.Equal(win.End) {
				t.Fatalf("Window(%v) = %v, %v, %v, not %v", at, start, end, ok, win)
			}
		}
		if clippedStart || clippedEnd {
			continue
		}
		if start, end, ok := c.Window(win.End); ok {
			t.Fatalf("Window(%v) = %v, %v although a window ends there", win.End, start, end)
		}
		before := time.Unix(from, 0)
		if i > 0 {
			before = windows[i-1].Start
		}
		for _, at := range []time.Time{before, win.Start.Add(-time.Nanosecond)} {
			start, end, ok := c.Next(at)
			if !ok || !start.Equal(win.Start) || !end.Equal(win.End) {
				t.Fatalf("Next(%v) = %v, %v, %v, not %v\nzone %s", at, start, end, ok, win, c.Zone())
			}
		}
	}
}

func compile(t testing.TB, s sashlock.Schedule, zone *time.Location) *schedule.Calendar {
	t.Helper()
	c, err := schedule.Compile(s, zone)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func load(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := schedule.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// changesOf finds the instants between two dates at which a zone's offset
// changes, by asking for the offset day after day and halving.
func changesOf(zone *time.Location, from, until time.Time) []int64 {
	offset := func(unix int64) int {
		_, seconds := time.Unix(unix, 0).In(zone).Zone()
		return seconds
	}
	var changes []int64
	for at := from.Unix(); at < until.Unix(); at += 86400 {
		low, high := at, at+86400
		if offset(low) == offset(high) {
			continue
		}
		for high-low > 1 {
			if middle := (low + high) / 2; offset(middle) == offset(low) {
				low = middle
			} else {
				high = middle
			}
		}
		changes = append(changes, high)
	}
	return changes
}
