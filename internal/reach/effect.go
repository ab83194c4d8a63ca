// SPDX-License-Identifier: Apache-2.0

package reach

import (
	"cmp"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
)

// Pair is somebody and something that they can open.
type Pair struct {
	Person  sashlock.PersonID
	Opening sashlock.OpeningID
}

// Effect is what a change does: who can open what that they could not open
// before, and who no longer can, at some instant that was looked at.
type Effect struct {
	Gain, Loss []Pair
	Fresh      int                // people among those who gain that had no grant at all
	Covered    []sashlock.GrantID // grants that give the same already
	Part       bool               // there was too much to look at all of it
}

// Nothing reports whether everything stays as it is.
func (e Effect) Nothing() bool { return len(e.Gain)+len(e.Loss) == 0 && !e.Part }

// maxAsked is how many requests are decided to learn the effect of a change.
const maxAsked = 100_000

// Effect compares the compiled index before and after a change of grants.
func (f Facts) Effect(put, remove []sashlock.Grant, now time.Time) (Effect, error) {
	before := f.Index
	change := access.Change{Put: access.Facts{Grants: put}}
	for _, g := range remove {
		change.Remove.Grants = append(change.Remove.Grants, g.ID)
	}
	after, err := before.With(change)
	if err != nil {
		return Effect{}, err
	}
	s := survey{before: before, after: after, pairs: map[Pair]int{}}
	for _, g := range slices.Concat(put, remove, f.standing(put)) {
		s.look(f, g, now)
	}
	e := s.effect()
	had := map[sashlock.PersonID]bool{}
	for _, p := range e.Gain {
		if _, seen := had[p.Person]; !seen {
			byName, byRole := f.Of(f.People[p.Person])
			had[p.Person] = len(byName)+len(byRole) > 0
			if !had[p.Person] {
				e.Fresh++
			}
		}
	}
	return e, nil
}

// standing are the grants as they are that are about to be replaced.
func (f Facts) standing(put []sashlock.Grant) []sashlock.Grant {
	var all []sashlock.Grant
	for _, g := range f.Grants {
		if slices.ContainsFunc(put, func(p sashlock.Grant) bool { return p.ID == g.ID }) {
			all = append(all, g)
		}
	}
	return all
}

// survey asks both indexes the same.
type survey struct {
	before, after *access.Index
	asked         int
	part          bool
	pairs         map[Pair]int // gained: +1, lost: -1
	covered       []sashlock.GrantID
}

func (s *survey) look(f Facts, g sashlock.Grant, now time.Time) {
	people, openings := f.Holders(g), f.Targets(g)
	for _, at := range f.instants(g, now) {
		if s.asked += len(people) * len(openings); s.asked > maxAsked {
			s.part = true
			return
		}
		for _, p := range people {
			for _, o := range openings {
				s.ask(p.ID, o.ID, at)
			}
		}
	}
}

func (s *survey) ask(p sashlock.PersonID, o sashlock.OpeningID, at time.Time) {
	q := sashlock.Request{Person: p, Opening: o, At: at}
	was, is := s.before.Could(q, sashlock.Normal), s.after.Could(q, sashlock.Normal)
	switch pair := (Pair{p, o}); {
	case is.Granted && !was.Granted:
		s.pairs[pair] = 1
	case was.Granted && !is.Granted:
		s.pairs[pair] = -1
	case is.Granted && was.Granted && !slices.Contains(s.covered, was.Grant):
		s.covered = append(s.covered, was.Grant)
	}
}

func (s *survey) effect() Effect {
	e := Effect{Part: s.part, Covered: s.covered}
	for pair, n := range s.pairs {
		if n > 0 {
			e.Gain = append(e.Gain, pair)
		} else {
			e.Loss = append(e.Loss, pair)
		}
	}
	order := func(a, b Pair) int { return cmp.Or(cmp.Compare(a.Person, b.Person), cmp.Compare(a.Opening, b.Opening)) }
	slices.SortFunc(e.Gain, order)
	slices.SortFunc(e.Loss, order)
	return e
}

// The instants at which a grant is tried: some of each of the next windows, or
// spread over a week so that most times of most days are among them.
const (
	triedWindows = 7
	triedHours   = 13
	triedStep    = 13 * time.Hour
)

func (f Facts) instants(g sashlock.Grant, now time.Time) []time.Time {
	var all []time.Time
	for _, w := range f.windows(g, now, triedWindows) {
		if w.End.IsZero() || w.End.Sub(w.Start) > 3*24*time.Hour {
			for i := range triedHours {
				if at := w.Start.Add(time.Duration(i) * triedStep); w.End.IsZero() || at.Before(w.End) {
					all = append(all, at)
				}
			}
			continue
		}
		all = append(all, w.Start, w.Start.Add(w.End.Sub(w.Start)/2), w.End.Add(-time.Second))
	}
	return all
}

// People counts the people of some pairs, and Openings their openings.
func People(pairs []Pair) int {
	seen := map[sashlock.PersonID]bool{}
	for _, p := range pairs {
		seen[p.Person] = true
	}
	return len(seen)
}

// Openings counts the openings of some pairs.
func Openings(pairs []Pair) int {
	seen := map[sashlock.OpeningID]bool{}
	for _, p := range pairs {
		seen[p.Opening] = true
	}
	return len(seen)
}
