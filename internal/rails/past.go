// SPDX-License-Identifier: Apache-2.0

package rails

import (
	"context"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/store"
)

// The limits of looking back. They keep a page quick in a store whose ledger is
// long; what they leave out is said.
const (
	maxCounted  = 1_000           // entries of a kind that are counted
	maxReplayed = 20_000          // requests that are held against a rail
	maxTime     = 2 * time.Second // for doing so
	maxExamples = 12
	pageOf      = 2_000
)

// Tally is how often a rail forbade something, or would have.
type Tally struct {
	Forbade int
	Would   int       // it only watches
	Last    time.Time // when it did so last
}

// Tallies counts since a moment, by the name of the rail, what sees lets
// through. The second result is false when there were more entries than are
// counted: the newest are.
func Tallies(ctx context.Context, s *store.Store, since time.Time, sees func(*sashlock.Event) bool) (map[string]Tally, bool, error) {
	all, whole := map[string]Tally{}, true
	for _, kind := range []sashlock.EventKind{sashlock.AccessDenied, sashlock.RailCrossed, sashlock.ScenarioHeldBack, sashlock.ModeHeldBack} {
		events, err := s.Events(ctx, store.EventQuery{Kind: string(kind), Since: since, Newest: true, Limit: maxCounted})
		if err != nil {
			return nil, false, err
		}
		whole = whole && len(events) < maxCounted
		for i := range events {
			e := &events[i]
			if e.Rule == "" || kind == sashlock.AccessDenied && e.Reason != sashlock.GuardRail || !sees(e) {
				continue
			}
			t := all[e.Rule]
			if kind == sashlock.RailCrossed {
				t.Would++
			} else {
				t.Forbade++
			}
			if e.Heard.After(t.Last) {
				t.Last = e.Heard
			}
			all[e.Rule] = t
		}
	}
	return all, whole, nil
}

// Crossing is a request that was granted and that a rail would have forbidden.
type Crossing struct {
	Decision sashlock.DecisionID
	Person   sashlock.PersonID
	Opening  sashlock.OpeningID
	At       time.Time
	Why      string
}

// Past is what rails would have forbidden of what was granted.
type Past struct {
	From      time.Time // how far back it was looked
	Looked    int       // requests that were granted and are looked at
	Forbidden int
	Newest    []Crossing // some of them, the newest first
	Whole     bool       // false: there was more than could be looked at, and From says how far it went
}

// Replay holds what was granted since a moment against a set of rails, the
// newest first, as far as sees lets it through. Roles, shifts and places count
// as they are now, because the ledger keeps what happened and not what might
// have mattered; of the credential only the kind is known, and the store counts
// as having stood as usual.
func Replay(ctx context.Context, s *store.Store, b *flow.Book, set *guard.Set, since time.Time, sees func(*sashlock.Event) bool) (Past, error) {
	p := Past{From: since, Whole: true}
	ctx, stop := context.WithTimeout(ctx, maxTime)
	defer stop()
	q := store.EventQuery{Kind: string(sashlock.AccessGranted), Since: since, Newest: true, Limit: pageOf}
	for read := 0; ; {
		events, err := s.Events(ctx, q)
		if err != nil && read > 0 && ctx.Err() != nil {
			p.Whole = false // From says how far it went
			return p, nil
		}
		if err != nil {
			return p, err
		}
		for i := range events {
			if sees(&events[i]) {
				p.look(b, set, &events[i])
			}
		}
		if read += len(events); len(events) < pageOf {
			p.From = since
			return p, nil
		}
		last := events[len(events)-1]
		q.Before, p.From = last.Seq, last.Heard
		if read >= maxReplayed || ctx.Err() != nil {
			p.Whole = false
			return p, nil
		}
	}
}

// look holds one request against the rails.
func (p *Past) look(b *flow.Book, set *guard.Set, e *sashlock.Event) {
	o, known := b.Openings[e.Opening]
	if !known || e.Side == sashlock.Leaving {
		return // nobody is kept from leaving
	}
	p.Looked++
	facts := factsOf(b, o, e)
	hits := set.Look(&facts)
	if len(hits) == 0 {
		return
	}
	p.Forbidden++
	if len(p.Newest) < maxExamples {
		p.Newest = append(p.Newest, Crossing{Decision: e.Decision, Person: e.Person, Opening: e.Opening, At: e.Heard, Why: hits[0].Why})
	}
}

// factsOf is what rails may know of a request that the ledger tells of.
func factsOf(b *flow.Book, o sashlock.Opening, e *sashlock.Event) guard.Facts {
	f := b.GuardFacts(o, sashlock.Request{Person: e.Person, Opening: e.Opening, At: e.Heard, Method: e.Method, Level: levelOf(e.Method)})
	f.Automatic, f.Second = e.Person == "", e.Second
	return f
}

// levelOf is what the way somebody asked says at least about the credential.
func levelOf(m sashlock.Method) sashlock.Assurance {
	switch m {
	case sashlock.ByKeypad:
		return sashlock.AssuranceCode
	case sashlock.ByFinger, sashlock.ByRemote:
		return sashlock.AssurancePasskey
	}
	return sashlock.AssuranceCard
}
