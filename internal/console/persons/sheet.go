// SPDX-License-Identifier: Apache-2.0

package persons

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	shownEvents = 25
	lookedAt    = 1200 // events of a person that the heat strip counts
	heatDays    = 14
)

// given is a grant as a sentence.
type given struct {
	Pieces []reach.Piece
	Path   string
	Text   string
}

// reached is an opening that somebody can open.
type reached struct {
	Name, Slug string
	Hours      string // when today; empty: now
}

// event is something that they did.
type event struct {
	console.Line
	Site     sashlock.Site
	Decision sashlock.DecisionID
}

// heat is what somebody did on one day.
type heat struct {
	Day              time.Time
	Granted, Refused int
	Part             bool // older than what was counted
}

// sheet is the page of one person.
type sheet struct {
	Row            row
	Site           sashlock.Site
	Zone           *time.Location
	Now            time.Time
	ByName, ByRole []given
	Open, Today    []reached
	Events         []event
	Refusals       []event
	Heat           []heat
	Most           int
	Operator       string // the account of the same human being, as a role in words
	Openings       []sashlock.Opening
	YAML           string
	Key            string
	Change, Alone  bool
	Else           bool
	Done           string
	Carries        carries
}

func (p pages) show(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, one, err := p.person(r)
	if err != nil {
		return err
	}
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	s := &sheet{Row: p.rowOf(r, f, one, p.Now()), Site: site, Zone: console.Zone(site), Change: console.May(ctx, signin.Access), Key: key()}
	s.Now = p.Now().In(s.Zone)
	_, s.Alone = ours(ctx, f, one)
	s.grants(ctx, f, one)
	s.openings(ctx, f, one, p.Now())
	if err := p.history(ctx, s, one); err != nil {
		return err
	}
	if s.Operator, err = p.account(ctx, one.ID); err != nil {
		return err
	}
	if s.Carries, err = p.carry(ctx, one); err != nil {
		return err
	}
	text, err := estate.Marshal(estate.File{People: []estate.Person{estate.FromPerson(one, f.Ref)}})
	if err != nil {
		return err
	}
	s.YAML = string(text)
	h := head(ctx, one.Name)
	return p.Show(w, r, h, personPage(s))
}

// key is part of the short name of a quick grant: a form sent twice gives one.
func key() string { return strings.ToLower(rand.Text()[:16]) }

// grants says what was given to them.
func (s *sheet) grants(ctx context.Context, f reach.Facts, one sashlock.Person) {
	byName, byRole := f.Of(one)
	say := func(list []sashlock.Grant) (said []given) {
		for _, g := range seen(ctx, f, list) {
			sentence := f.Sentence(g)
			said = append(said, given{sentence.Pieces(lang.Of(ctx)), "/access/grants/" + g.Slug, sentence.In(lang.Of(ctx))})
		}
		return said
	}
	s.ByName, s.ByRole = say(byName), say(byRole)
	s.Else = len(s.ByName)+len(s.ByRole) < len(byName)+len(byRole)
}

// openings says what they can open now, and what else today.
func (s *sheet) openings(ctx context.Context, f reach.Facts, one sashlock.Person, now time.Time) {
	o := console.Who(ctx).Operator
	open := map[sashlock.OpeningID]bool{}
	for _, r := range f.Index.WhatCanOpen(one.ID, now) {
		open[r.Opening] = true
	}
	later := map[sashlock.OpeningID]string{}
	byName, byRole := f.Of(one)
	for _, g := range slices.Concat(byName, byRole) {
		site, _, _ := f.Place(g)
		y, m, d := now.In(console.Zone(site)).Date()
		night := time.Date(y, m, d+1, 0, 0, 0, 0, console.Zone(site))
		allowed, _ := f.Ahead(g, now, 1)
		if len(allowed) == 0 || !allowed[0].Start.Before(night) || one.Suspended || over(one, now) || one.From.After(allowed[0].Start) {
			continue
		}
		for _, t := range f.Targets(g) {
			if at := allowed[0].Start.Format("15:04"); later[t.ID] == "" || at < later[t.ID] {
				later[t.ID] = at
			}
		}
	}
	for id, at := range f.Openings {
		if !o.Sees(at.Site, at.Area) {
			continue
		}
		s.Openings = append(s.Openings, at)
		switch hours, is := later[id]; {
		case open[id]:
			s.Open = append(s.Open, reached{at.Name, at.Slug, ""})
		case is:
			s.Today = append(s.Today, reached{at.Name, at.Slug, hours})
		}
	}
	byWord := func(a, b reached) int {
		return cmp.Or(console.CompareNames(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug))
	}
	slices.SortFunc(s.Open, byWord)
	slices.SortFunc(s.Today, byWord)
	slices.SortFunc(s.Openings, func(a, b sashlock.Opening) int {
		return cmp.Or(console.CompareNames(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug))
	})
}

// history reads what they did, newest first and no further back than it needs.
func (p pages) history(ctx context.Context, s *sheet, one sashlock.Person) error {
	y, m, d := s.Now.Date()
	since := time.Date(y, m, d-heatDays+1, 0, 0, 0, 0, s.Zone)
	events, err := p.Store.Events(ctx, store.EventQuery{Person: one.ID, Newest: true, Limit: 4 * shownEvents})
	if err != nil {
		return err
	}
	book, o := p.Hall.Book(), console.Who(ctx).Operator
	for _, e := range events {
		at := book.Openings[e.Opening]
		line, said := console.Tell(book, e)
		if !said || !o.HearsOf(e) || e.Opening != "" && !o.Sees(at.Site, at.Area) || len(s.Events) == shownEvents {
			continue
		}
		s.Events = append(s.Events, event{line, book.Sites[at.Site], e.Decision})
	}
	asked, err := p.Store.Events(ctx, store.EventQuery{Person: one.ID, Kind: "access.", Newest: true, Since: since, Limit: lookedAt})
	if err != nil {
		return err
	}
	for i := range heatDays {
		s.Heat = append(s.Heat, heat{Day: since.AddDate(0, 0, i)})
	}
	for _, e := range asked {
		at := book.Openings[e.Opening]
		if !o.Sees(at.Site, at.Area) {
			continue
		}
		s.count(e)
		if e.Kind == sashlock.AccessDenied && len(s.Refusals) < 8 {
			if line, said := console.Tell(book, e); said {
				s.Refusals = append(s.Refusals, event{line, book.Sites[at.Site], e.Decision})
			}
		}
	}
	if len(asked) == lookedAt {
		for i := range s.Heat {
			s.Heat[i].Part = s.Heat[i].Day.Before(asked[len(asked)-1].Heard)
		}
	}
	for _, h := range s.Heat {
		s.Most = max(s.Most, h.Granted)
	}
	return nil
}

// count adds an event to the day that it belongs to.
func (s *sheet) count(e sashlock.Event) {
	day := sashlock.DateOf(e.Heard.In(s.Zone))
	for i := range s.Heat {
		if sashlock.DateOf(s.Heat[i].Day) != day {
			continue
		}
		switch e.Kind {
		case sashlock.AccessGranted:
			s.Heat[i].Granted++
		case sashlock.AccessDenied:
			s.Heat[i].Refused++
		}
	}
}

// account is the operator that a person is, if they are one.
func (p pages) account(ctx context.Context, id sashlock.PersonID) (role string, err error) {
	err = p.Store.View(ctx, func(q store.Query) error {
		all, err := signin.Operators(q)
		for _, o := range all {
			if o.Person == id {
				role = o.Role.Words()
			}
		}
		return err
	})
	return role, err
}

// level is how strong a day is drawn, 0 to 4.
func (s *sheet) level(h heat) int {
	if h.Granted == 0 || s.Most == 0 {
		return 0
	}
	return 1 + 3*h.Granted/s.Most
}
