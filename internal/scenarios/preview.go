// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/schedule"
	"github.com/sashlock/sashlock/internal/store"
)

// Preview is what a scenario would do, before it is saved.
type Preview struct {
	Plan      *scenario.Plan // nil: there are problems
	Problems  []estate.Problem
	Next      []schedule.Window    // when it begins by itself next, where that can be foreseen
	Hold      []sashlock.OpeningID // what it may hold unlocked
	Lock      []sashlock.OpeningID // what it locks down
	Guarded   []scenario.Back      // guarded openings it could open: with any it is not saved
	Kept      []scenario.Back      // what a run that began now would be kept from
	Conflicts []lang.Phrase        // with other scenarios and with grants
}

// ahead is how far conflicts are looked for.
const ahead = 60 * 24 * time.Hour

// Preview tells what a scenario would do.
func (r *Room) Preview(ctx context.Context, form scenario.Scenario) (Preview, error) {
	var all []Kept
	var grants []sashlock.Grant
	err := r.Store.View(ctx, func(q store.Query) (err error) {
		if all, err = List(q); err == nil {
			grants, err = overlay(q, r.Granting)
		}
		return err
	})
	if err != nil {
		return Preview{}, err
	}
	b := r.book()
	plan, problems := scenario.Compile(form, world(b, all, form.Slug))
	p := Preview{Plan: plan, Problems: problems}
	if plan == nil {
		return p, nil
	}
	now := r.Now()
	p.Next, p.Hold, p.Lock = plan.Next(now, 5), plan.Holds(), plan.Locks()
	p.Guarded = plan.Reaches(now, b.Rails())
	p.Problems = plan.Refused(p.Guarded)
	p.Kept = plan.Wants(scenario.State{Running: true, Since: now}, scenario.Facts{Now: now, Threat: form.Actions.Threat, Staff: func(string) int { return 1000 }}, b.Rails()).Back
	p.Conflicts = append(conflicts(b, plan, all, now), wider(b, form, grants)...)
	return p, nil
}

// conflicts are other scenarios that want something of the same openings at the
// same time.
func conflicts(b *flow.Book, plan *scenario.Plan, all []Kept, now time.Time) []lang.Phrase {
	var found []lang.Phrase
	for _, k := range all {
		if k.Slug == plan.Form.Slug || k.At != plan.Site.ID {
			continue
		}
		other, _ := scenario.Compile(k.Scenario, world(b, all, k.Slug))
		if other == nil {
			continue
		}
		shared := scenario.Shares(plan, other)
		from, until, together := scenario.Together(plan, other, now, ahead)
		threats := plan.Form.Actions.Threat != "" && k.Actions.Threat != "" && plan.Form.Actions.Threat != k.Actions.Threat
		stamp := func(at time.Time) string { return at.In(plan.Zone()).Format("2006-01-02 15:04") }
		switch {
		case together && len(shared) > 0:
			found = append(found, lang.Say("%s acts on %d of the same openings and runs at the same time, from %s to %s; %s has its way there", k.Name, len(shared), stamp(from), stamp(until), stronger(plan.Form, k.Scenario).Name))
		case together && threats:
			found = append(found, lang.Say("%s sets another standing of the store at the same time, from %s to %s", k.Name, stamp(from), stamp(until)))
		case len(shared) > 0 && k.Kind != scenario.Lockdown && plan.Form.Kind != scenario.Lockdown:
			found = append(found, lang.Say("%s acts on %d of the same openings and may run at the same time; %s has its way there", k.Name, len(shared), stronger(plan.Form, k.Scenario).Name))
		}
	}
	return found
}

// stronger is which of two scenarios has its way.
func stronger(a, b scenario.Scenario) scenario.Scenario {
	if b.Kind == scenario.Lockdown && a.Kind != scenario.Lockdown || (a.Kind == scenario.Lockdown) == (b.Kind == scenario.Lockdown) && b.Rank > a.Rank {
		return b
	}
	return a
}

// wider are grants of a scenario that let somebody in where a standing grant
// does so with limits, and those that reach what is of high value.
func wider(b *flow.Book, form scenario.Scenario, standing []sashlock.Grant) []lang.Phrase {
	var found []lang.Phrase
	for _, d := range form.Actions.Grants {
		d.From, d.Until = "", ""
		g, problems := d.Resolve(lookup(b))
		if len(problems) > 0 {
			found = append(found, lang.Say("The grant %s cannot be given: %s", d.Slug, problems[0].String()))
			continue
		}
		if n := valuable(b, g); n > 0 {
			found = append(found, lang.Say("The grant %s reaches %d openings of high value; people open them, the scenario does not", d.Slug, n))
		}
		i := slices.IndexFunc(standing, func(s sashlock.Grant) bool {
			return s.Person == g.Person && s.Role == g.Role && s.Opening == g.Opening && s.Area == g.Area && s.Site == g.Site
		})
		if i < 0 {
			continue
		}
		if s := standing[i]; s.Schedule != g.Schedule && g.Schedule == "" || s.Terms != g.Terms {
			found = append(found, lang.Say("The grant %s is wider than the grant %s, which says the same with other limits", d.Slug, s.Slug))
		} else {
			found = append(found, lang.Say("The grant %s adds nothing to the grant %s", d.Slug, s.Slug))
		}
	}
	return found
}

// valuable counts the openings of class high that a grant is for.
func valuable(b *flow.Book, g sashlock.Grant) (n int) {
	for id, o := range b.Openings {
		if o.Class == sashlock.High && (g.Opening == id || g.Area != "" && g.Area == o.Area || g.Site != "" && g.Site == o.Site) {
			n++
		}
	}
	return n
}

// BackTest is what a scenario would have done in the past.
type BackTest struct {
	From, Until time.Time
	Runs        []scenario.Run
	Cuts        int // how often it would have been kept from beginning once too often
	Events      int // how many events it would have heard
	Counted     bool
	Whole       bool // false: there was more than could be looked at
}

// MaxBackTest is how far back a test goes at most.
const MaxBackTest = 90 * 24 * time.Hour

// maxHeard is how many events a test looks at.
const maxHeard = 100_000

// Test tells when a scenario would have run in the last days, by the ledger and
// the counts of this store. Progress may be nil; when it returns false the test
// ends.
func (r *Room) Test(ctx context.Context, p *scenario.Plan, back time.Duration, progress func(done float64) bool) (BackTest, error) {
	until := r.Now()
	t := BackTest{From: until.Add(-min(back, MaxBackTest)), Until: until, Whole: true}
	if first, err := r.Store.Events(ctx, store.EventQuery{Limit: 1}); err == nil && len(first) > 0 && first[0].Heard.After(t.From) {
		t.From = first[0].Heard
	}
	past := scenario.Past{From: t.From, Until: until}
	if progress == nil {
		progress = func(float64) bool { return true }
	}
	for _, kind := range []sashlock.EventKind{p.Listens(), sashlock.ThreatChanged} {
		if kind == "" || kind == sashlock.ThreatChanged && len(past.Events) > 0 && p.Listens() == kind {
			continue
		}
		events, whole, err := r.heard(ctx, kind, t.From, until, progress)
		if err != nil {
			return t, err
		}
		t.Whole = t.Whole && whole
		past.Events = append(past.Events, events...)
	}
	slices.SortStableFunc(past.Events, func(a, b sashlock.Event) int { return a.Heard.Compare(b.Heard) })
	t.Events = len(past.Events)
	if err := r.pastCounts(ctx, p, &past); err != nil {
		return t, err
	}
	t.Counted = len(past.Buckets) > 0
	t.Runs, t.Cuts = scenario.Replay(p, past, func(done float64) bool { return ctx.Err() == nil && progress(.5+done/2) })
	return t, ctx.Err()
}

// heard reads the events of a kind.
func (r *Room) heard(ctx context.Context, kind sashlock.EventKind, from, until time.Time, progress func(float64) bool) (all []sashlock.Event, whole bool, err error) {
	var next int64
	for len(all) < maxHeard {
		q := store.EventQuery{From: next, Kind: string(kind), Since: from, Until: until, Limit: 5000}
		events, err := r.Store.Events(ctx, q)
		if err != nil {
			return nil, false, err
		}
		all = append(all, events...)
		if len(events) < q.Limit || !progress(.5*min(1, float64(len(all))/maxHeard)) {
			return all, len(events) < q.Limit, nil
		}
		next = events[len(events)-1].Seq + 1
	}
	return all, false, nil
}

func (r *Room) pastCounts(ctx context.Context, p *scenario.Plan, past *scenario.Past) error {
	of, _, counts := p.Counts()
	if !counts {
		return nil
	}
	if of == scenario.Calls {
		calls, _, err := r.heard(ctx, sashlock.CallRaised, past.From, past.Until, func(float64) bool { return true })
		for _, e := range calls {
			if e.Site == p.Site.ID {
				past.Buckets = append(past.Buckets, scenario.Bucket{At: e.Heard, N: 1})
			}
		}
		return err
	}
	return r.Store.View(ctx, func(q store.Query) (err error) {
		past.Buckets, err = buckets(q, p.Site.ID, of, past.From)
		return err
	})
}
