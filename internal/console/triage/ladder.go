// SPDX-License-Identifier: Apache-2.0

package triage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/lang"
)

// rung is one step of the way that an incident takes from one to the next who
// should care.
type rung struct {
	Name string // short, for the drawing
	Text string // what it means now
	At   time.Time
	Is   string // done, now, ahead, or absent for what does not exist yet
}

// ladder draws who is responsible now and who would come next, as far as that
// exists: nobody is told outside the console yet, and it says so.
func (d *dossier) ladder(ctx context.Context) []rung {
	seen := len(d.Sights) > 0
	rungs := []rung{
		{Name: lang.T(ctx, "Raised"), Text: lang.T(ctx, "The first alarm was raised."), At: in(d.Opened, d.Zone), Is: "done"},
		d.shown(ctx, seen),
		d.next(ctx, seen),
		{Name: lang.T(ctx, "Taken"), Text: lang.T(ctx, "Nobody has taken it yet."), Is: "ahead"},
		{Name: lang.T(ctx, "Resolved"), Text: lang.T(ctx, "With a cause, by its owner."), Is: "ahead"},
	}
	if d.Owner != "" {
		rungs[1].Is = "done"
		rungs[3] = rung{Name: lang.T(ctx, "Taken"), Text: lang.T(ctx, "%s has it and decides.", d.names.of(ctx, d.Owner)), At: in(d.Taken, d.Zone), Is: "now"}
	}
	if d.State() == incidents.Resolved {
		rungs[3].Is = "done"
		rungs[4] = rung{Name: lang.T(ctx, "Resolved"), Text: lang.T(ctx, d.Outcome.Cause.Words()), At: in(d.Resolved, d.Zone), Is: "now"}
	}
	return rungs
}

// shown is the rung of everybody who looks at the console.
func (d *dossier) shown(ctx context.Context, seen bool) rung {
	who := lang.T(ctx, "nobody")
	if len(d.Able) > 0 {
		who = strings.Join(d.Able[:min(len(d.Able), 4)], ", ")
	}
	if more := len(d.Able) - 4; more > 0 {
		who = lang.T(ctx, "%s and %d more", who, more)
	}
	r := rung{Name: lang.T(ctx, "On this page"), Text: lang.T(ctx, "Shown to everybody who may act here: %s.", who), Is: "now"}
	if seen {
		first := d.Sights[0]
		r.At = in(first.First, d.Zone)
		r.Text += " " + lang.T(ctx, "First seen by %s.", d.names.of(ctx, first.Operator))
	} else {
		r.Text += " " + lang.T(ctx, "Nobody has looked at it yet.")
	}
	return r
}

// next is the rung of whoever would be told next, if anybody could be.
func (d *dossier) next(ctx context.Context, seen bool) rung {
	r := rung{Name: lang.T(ctx, "Next person"), Is: "absent", At: in(d.Opened.Add(late), d.Zone)}
	switch {
	case d.Owner != "" || seen && !d.Sights[0].First.After(d.Opened.Add(late)):
		r.Text, r.At = lang.T(ctx, "Not needed: it was seen in time."), time.Time{}
		if d.Owner != "" && !seen {
			r.Text = lang.T(ctx, "Not needed: it was taken.")
		}
	default:
		r.Text = lang.T(ctx, "After 2 minutes unseen, the next person on shift would be told. No messages outside the console are set up yet, so nobody is.")
	}
	return r
}

// The drawing of the ladder.
const (
	stepWide = 76
	stepHigh = 17
)

// stair is the line of the stairs up to a rung.
func stair(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M0 %d", stairBottom(n))
	for i := range n {
		fmt.Fprintf(&b, " h%d v-%d", stepWide, stepHigh)
		if i == n-1 {
			break
		}
	}
	fmt.Fprintf(&b, " h%d", stepWide)
	return b.String()
}

func stairBottom(n int) int { return 30 + n*stepHigh }

// shelfLength is one choice of how long an alarm is put aside.
type shelfLength struct {
	Length time.Duration
	Words  string
}

// shelfLengths lists the choices up to the longest that is possible.
func shelfLengths(longest time.Duration) []shelfLength {
	all := []shelfLength{
		{10 * time.Minute, lang.Mark("10 minutes")}, {30 * time.Minute, lang.Mark("30 minutes")}, {time.Hour, lang.Mark("1 hour")},
		{4 * time.Hour, lang.Mark("4 hours")}, {12 * time.Hour, lang.Mark("12 hours")}, {72 * time.Hour, lang.Mark("3 days")}, {7 * 24 * time.Hour, lang.Mark("7 days")},
	}
	return slices.DeleteFunc(all, func(l shelfLength) bool { return l.Length > longest })
}
