// SPDX-License-Identifier: Apache-2.0

package reach

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// Ledger is where past decisions are read: see [Entries].
type Ledger interface {
	Events(ctx context.Context, q store.EventQuery) ([]sashlock.Event, error)
}

// Flip is somebody whose past requests at one opening would be answered
// otherwise.
type Flip struct {
	Pair
	Opened  int             // requests that would be granted and are not by what is in force
	Refused int             // requests that would be refused and are granted by what is in force
	Last    time.Time       // the last of them
	Entry   int64           // its number in the ledger
	Reason  sashlock.Reason // how it would be answered
	Rail    string          // the guard rail that would forbid it; empty: none
}

// Replayed is what a draft would have done to a stretch of the ledger.
type Replayed struct {
	Decisions int    // decided both ways
	Unknown   int    // left out: erased, so that nobody knows any more who asked
	Flips     []Flip // ordered by how many requests flip, most first
	Next      int64  // the first entry that was not looked at
	Done      bool   // everything was looked at
}

// replayPage is how many entries are read at a time.
const replayPage = 5_000

// Span is the part of the ledger that is replayed: from the first entry, and
// there from an instant on, for as long as there is time. Progress hears the
// number of the last entry looked at; it may be nil.
type Span struct {
	From     int64
	Since    time.Time
	Most     int // decisions at most; 0: all
	Progress func(entry int64)
}

// Replay asks what is in force and a draft about every request that was decided,
// in the situation unknown but equal: what depends on the moment counts as met
// for both, such as who else was there and what was presented. The mode is taken
// to have been normal. So a flip is due to the difference between the two and to
// nothing else.
func Replay(ctx context.Context, from Ledger, before, after *flow.Book, span Span) (Replayed, error) {
	r := replay{before: &side{before}, after: &side{after}, flips: map[Pair]*Flip{}}
	q := store.EventQuery{From: span.From, Since: span.Since, Kind: "access.", Limit: replayPage}
	for {
		page, err := from.Events(ctx, q)
		if err != nil {
			return r.result(), err
		}
		for i := range page {
			r.look(&page[i])
			q.From = page[i].Seq + 1
			if span.Most > 0 && r.out.Decisions+r.out.Unknown >= span.Most {
				r.out.Next = q.From
				return r.result(), nil
			}
		}
		r.out.Next = q.From
		if len(page) < replayPage {
			r.out.Done = true
			return r.result(), ctx.Err()
		}
		if span.Progress != nil {
			span.Progress(q.From - 1)
		}
	}
}

// replay gathers the flips.
type replay struct {
	before, after *side
	out           Replayed
	flips         map[Pair]*Flip
}

func (r *replay) look(e *sashlock.Event) {
	switch e.Kind {
	case sashlock.AccessGranted, sashlock.AccessDenied, sashlock.AccessDeferred:
	default:
		return
	}
	if e.Opening == "" || e.Person == "" {
		r.out.Unknown++
		return
	}
	r.out.Decisions++
	req := sashlock.Request{Person: e.Person, Opening: e.Opening, At: e.Heard, Method: e.Method, Credential: e.Credential, Side: e.Side, Level: highest}
	was, is := r.before.answer(req, e.Second), r.after.answer(req, e.Second)
	if was.granted == is.granted {
		return
	}
	pair := Pair{e.Person, e.Opening}
	f := r.flips[pair]
	if f == nil {
		f = &Flip{Pair: pair}
		r.flips[pair] = f
	}
	if is.granted {
		f.Opened++
	} else {
		f.Refused++
	}
	f.Last, f.Entry, f.Reason, f.Rail = e.Heard, e.Seq, is.reason, is.rail
}

func (r *replay) result() Replayed {
	for _, f := range r.flips {
		r.out.Flips = append(r.out.Flips, *f)
	}
	slices.SortFunc(r.out.Flips, func(a, b Flip) int {
		return cmp.Or(cmp.Compare(b.Opened+b.Refused, a.Opened+a.Refused), cmp.Compare(a.Person, b.Person), cmp.Compare(a.Opening, b.Opening))
	})
	return r.out
}

// highest is the level that meets every need.
const highest = sashlock.Assurance(4)

// side is one of the two that are asked.
type side struct{ *flow.Book }

// answered is the answer of one side.
type answered struct {
	granted bool
	reason  sashlock.Reason
	rail    string
}

func (s *side) answer(q sashlock.Request, second sashlock.PersonID) answered {
	v := s.Index.Could(q, sashlock.Normal)
	if !v.Granted || q.Side == sashlock.Leaving || v.Free {
		return answered{v.Granted, v.Reason, ""}
	}
	facts := s.GuardFacts(s.Openings[q.Opening], q)
	facts.Second = second
	for _, hit := range s.Rails().Look(&facts) {
		if !hit.Shadow {
			return answered{false, sashlock.GuardRail, hit.Rail}
		}
	}
	return answered{true, v.Reason, ""}
}
