// SPDX-License-Identifier: Apache-2.0

package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	simulatedPairs = 500    // that an answer names of each kind
	simulatedPart  = 50_000 // past decisions in one answer
	simulatedSince = 30 * 24 * time.Hour
)

type simulateInput struct {
	Prune bool      `query:"prune" doc:"Also without what the file does not name"`
	Since time.Time `query:"since" doc:"Replay decisions from this instant on (RFC 3339); of the last 30 days when not given"`
	From  int64     `query:"from" minimum:"0" doc:"Go on replaying at this entry: the next of the answer before"`
	Body  estate.File
}

// Simulation is what a file would change, if it were carried out.
type Simulation struct {
	Steps    []AppliedStep   `json:"steps" doc:"What carrying it out would do"`
	Gained   int             `json:"gained" doc:"Pairs of a person and an opening that would newly open, at some instant within a week"`
	Lost     int             `json:"lost" doc:"Pairs that would no longer open, at some instant within a week"`
	Gain     []SimulatedPair `json:"gain" doc:"The first of those gained"`
	Loss     []SimulatedPair `json:"loss" doc:"The first of those lost"`
	Instants int             `json:"instants" doc:"How many instants were compared"`
	Replay   SimulatedReplay `json:"replay"`
}

// SimulatedPair is somebody and something that they can open.
type SimulatedPair struct {
	Person  string `json:"person"`
	Opening string `json:"opening"`
}

// SimulatedReplay is what would have become of past decisions.
type SimulatedReplay struct {
	Decisions int             `json:"decisions" doc:"Decided both ways in this part"`
	Unknown   int             `json:"unknown" doc:"Left out: erased since"`
	Flips     []SimulatedFlip `json:"flips" doc:"Of this part, most first"`
	Next      int64           `json:"next" doc:"The entry to go on with"`
	Size      int64           `json:"size" doc:"Entries of the ledger"`
	Done      bool            `json:"done" doc:"There is no further part"`
}

// SimulatedFlip is somebody whose past requests would be answered otherwise.
type SimulatedFlip struct {
	SimulatedPair
	Opened  int             `json:"opened" doc:"Requests that only the file would grant"`
	Refused int             `json:"refused" doc:"Requests that only what is in force would grant"`
	Last    time.Time       `json:"last"`
	Entry   int64           `json:"entry" doc:"The ledger entry of the last"`
	Reason  sashlock.Reason `json:"reason" doc:"How the file would answer it"`
	Rail    string          `json:"rail,omitempty"`
}

type simulateAnswer struct{ Body Simulation }

func (a *API) whatIfRoutes() {
	register(a, signin.Read, huma.Operation{
		Method: http.MethodPost, Path: "/v1/simulate", OperationID: "simulate", Tags: []string{"decisions"},
		Summary:      "What a file would change: who gains, who loses, and past decisions by it",
		Description:  "Nothing is recorded and nothing changes. Past decisions come in parts; the effect comes with the first.",
		MaxBodyBytes: estate.MaxFile,
	}, a.simulate)
}

func (a *API) simulate(ctx context.Context, in *simulateInput) (*simulateAnswer, error) {
	var every []sashlock.Grant
	err := a.view(ctx, func(q store.Query) (err error) { every, err = grants.List(q); return err })
	if err != nil {
		return nil, err
	}
	book := a.Hall.Book()
	d, err := reach.New(book, every).Draft(in.Body, in.Prune)
	if err != nil {
		return nil, err
	}
	pair := pairNaming(d.Book, book)
	out := Simulation{Steps: []AppliedStep{}, Gain: []SimulatedPair{}, Loss: []SimulatedPair{}}
	for _, s := range d.Steps {
		out.Steps = append(out.Steps, AppliedStep{Step: s, Line: s.String()})
	}
	if in.From == 0 {
		c := reach.Compare(book, d.Book, reach.Instants(book, d.Book, d.Moments, a.Now()), nil, simulatedPairs)
		out.Gained, out.Lost, out.Instants = c.Gained, c.Lost, c.Instants
		for _, p := range c.Gain {
			out.Gain = append(out.Gain, pair(p))
		}
		for _, p := range c.Loss {
			out.Loss = append(out.Loss, pair(p))
		}
	}
	since := in.Since
	if since.IsZero() {
		since = a.Now().Add(-simulatedSince)
	}
	r, err := reach.Replay(ctx, reach.Entries(a.Store), book, d.Book, reach.Span{From: in.From, Since: since, Most: simulatedPart})
	if err != nil {
		return nil, err
	}
	out.Replay = SimulatedReplay{Decisions: r.Decisions, Unknown: r.Unknown, Flips: []SimulatedFlip{}, Next: r.Next, Size: a.Store.Size(), Done: r.Done}
	for _, f := range r.Flips {
		out.Replay.Flips = append(out.Replay.Flips, SimulatedFlip{pair(f.Pair), f.Opened, f.Refused, f.Last, f.Entry, f.Reason, f.Rail})
	}
	return &simulateAnswer{out}, nil
}

// pairNaming says whom and what a pair is about, by the short names that they
// have in one of two books.
func pairNaming(draft, book *flow.Book) func(reach.Pair) SimulatedPair {
	return func(p reach.Pair) SimulatedPair {
		return SimulatedPair{
			Person:  cmp.Or(draft.People[p.Person].Slug, book.People[p.Person].Slug, string(p.Person)),
			Opening: cmp.Or(draft.Openings[p.Opening].Slug, book.Openings[p.Opening].Slug, string(p.Opening)),
		}
	}
}
