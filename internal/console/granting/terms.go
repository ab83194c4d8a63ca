// SPDX-License-Identifier: Apache-2.0

package granting

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
)

// terms are what a grant asks for beyond person, opening and time, as typed.
type terms struct {
	Uses   string // how often; empty: without limit
	Lasts  string // from the first use: "20m"; empty: until its end
	With   string // slug of a role
	Escort string // slug of a person
	Level  string // "0" to "4"
	Hold   string // for how long asking twice holds it unlocked: "10m"; empty: it does not

	OnShift, Two bool
}

// Any reports whether a condition is set, so that the form shows them.
func (t terms) Any() bool {
	return t.Uses != "" || t.Lasts != "" || t.With != "" || t.Escort != "" || t.Level != "" && t.Level != "0" || t.Hold != "" || t.OnShift || t.Two
}

// termsOf are the conditions of a declared grant.
func termsOf(e estate.Grant) terms {
	t := terms{Lasts: e.Lasts, With: e.With, Escort: e.Escort, Level: strconv.Itoa(e.Level), Hold: e.Hold, OnShift: e.OnShift, Two: e.Two}
	if e.Uses > 0 {
		t.Uses = strconv.Itoa(e.Uses)
	}
	return t
}

// readTerms understands the conditions of the form.
func (d *draft) readTerms(ctx context.Context, r *http.Request, e *estate.Grant) {
	d.terms = terms{
		Uses: strings.TrimSpace(clip(r.PostFormValue("uses"))), Lasts: clip(r.PostFormValue("lasts")), With: clip(r.PostFormValue("with")),
		Escort: clip(r.PostFormValue("escort")), Level: clip(r.PostFormValue("level")), Hold: clip(r.PostFormValue("hold")),
		OnShift: r.PostFormValue("on_shift") != "", Two: r.PostFormValue("two") != "",
	}
	var err error
	if d.Uses != "" {
		if e.Uses, err = strconv.Atoi(d.Uses); err != nil || e.Uses < 1 {
			d.bad("uses", lang.T(ctx, "Write a number from 1 on, or leave it empty."))
			e.Uses = 0
		}
	}
	if d.Level != "" {
		if e.Level, err = strconv.Atoi(d.Level); err != nil {
			d.bad("level", lang.T(ctx, "Choose a level from the list."))
		}
	}
	e.Lasts, e.Hold, e.With, e.Escort, e.OnShift, e.Two = d.Lasts, d.Hold, d.With, d.Escort, d.OnShift, d.Two
}

// lengths are the lengths of time to choose from, with the one that is set.
func lengths(ctx context.Context, set string) []choice {
	return choose(ctx, set,
		10*time.Minute, 20*time.Minute, 30*time.Minute, time.Hour, 2*time.Hour, 4*time.Hour, 8*time.Hour, 24*time.Hour, 7*24*time.Hour)
}

// holds are the lengths for which an opening may be held unlocked from the
// door, with the one that is set.
func holds(ctx context.Context, set string) []choice {
	return choose(ctx, set, 5*time.Minute, 10*time.Minute, 30*time.Minute, time.Hour, 2*time.Hour, 4*time.Hour)
}

// choose offers lengths of time, and the one that is set if it is none of them.
func choose(ctx context.Context, set string, all ...time.Duration) []choice {
	var some []choice
	chosen, err := time.ParseDuration(set)
	known := err != nil
	for _, d := range all {
		value := d.String()
		if err == nil && d == chosen {
			value, known = set, true
		}
		some = append(some, choice{value, reach.Length(d).In(lang.Of(ctx))})
	}
	if !known {
		some = append(some, choice{set, reach.Length(chosen).In(lang.Of(ctx))})
	}
	return some
}

// levels are the levels of credentials to choose from.
func levels(ctx context.Context) []choice {
	all := []choice{{"0", lang.T(ctx, "Whatever the opening asks for")}}
	for a := sashlock.AssuranceCode; a <= sashlock.AssuranceBoth; a++ {
		all = append(all, choice{strconv.Itoa(int(a)), reach.Level(a).In(lang.Of(ctx))})
	}
	return all
}

// longest is how long a grant to one person may count at most where it is for;
// 0: for ever.
func longest(f reach.Facts, g sashlock.Grant) time.Duration {
	site, _, _ := f.Place(g)
	return site.LongestGrant
}

// checkLength says in words when a grant to one person would count longer than
// its site allows. The room of grants refuses it as well.
func (d *draft) checkLength(ctx context.Context, f reach.Facts, now time.Time) {
	most := longest(f, d.Grant)
	if most == 0 || d.Grant.Person == "" {
		return
	}
	from := d.Grant.From
	if from.IsZero() {
		from = now
	}
	if last := from.Add(most); d.Grant.Until.IsZero() || d.Grant.Until.After(last) {
		d.bad("until", lang.T(ctx, "A grant to one person may count for %s at most at this store: let it end by %s, or give it to a role.",
			reach.Length(most), console.DateTime(ctx, last.In(zoneOf(f, d.Grant)))))
	}
}

// fillLongest lets a new grant end when the site's longest one would.
func (d *draft) fillLongest(site sashlock.Site, now time.Time) {
	if site.LongestGrant > 0 && d.Until == "" {
		d.Until = local(now.Add(site.LongestGrant).Truncate(time.Minute), d.Zone)
	}
}

// progress says what has been made of a grant whose terms count uses; empty for
// others.
func (p pages) progress(ctx context.Context, f reach.Facts, g sashlock.Grant) string {
	if g.Terms.Uses == 0 && g.Terms.Lasts == 0 {
		return ""
	}
	s := p.Hall.Present().Grant(g.ID)
	if s.Uses == 0 {
		return lang.T(ctx, "not used yet")
	}
	said := lang.N(ctx, s.Uses, "used %d time", "used %d times")
	if g.Terms.Uses > 0 {
		said = lang.T(ctx, "used %d of %d times", s.Uses, g.Terms.Uses)
	}
	zone := zoneOf(f, g)
	said += " · " + lang.T(ctx, "first %s", console.DateTime(ctx, s.First.In(zone)))
	if g.Terms.Lasts > 0 {
		end := s.First.Add(g.Terms.Lasts)
		if end.After(p.Now()) {
			said += " · " + lang.T(ctx, "counts until %s", console.DateTime(ctx, end.In(zone)))
		} else {
			said += " · " + lang.T(ctx, "its time is over")
		}
	}
	return said
}

// bare are the names of one part of a list, without the kind in front.
func bare(parts []choices, i int) []choice {
	if i >= len(parts) {
		return nil
	}
	var all []choice
	for _, c := range parts[i].List {
		_, ref, _ := strings.Cut(c.Value, ":")
		all = append(all, choice{ref, c.Name})
	}
	return all
}
