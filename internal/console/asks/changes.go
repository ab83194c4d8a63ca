// SPDX-License-Identifier: Apache-2.0

package asks

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/rails"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// held is a change in the list of those that wait.
type held struct {
	approvals.Proposal
	Title      string
	Sentence   []reach.Piece // of a grant
	Path       string        // the page of what it is about; empty: it has none
	About      string        // what that is called
	Differs    []console.DiffLine
	Text       string // the declared form
	Who        string
	Since      time.Time
	Ends       time.Time
	May        bool
	Alone      bool // nobody else could: they may confirm their own
	Mine       bool
	Why        string
	StateWords string
	Tone       string
	Decider    string
	At         time.Time
}

// holding is the page with the changes that wait.
type holding struct {
	Waiting []held
	Past    []held
	Kinds   []kindRow
	Rev     int64
	Set     bool // whoever looks may say what waits
	At      string
	Typed   string
	Said    string
	Status  int
	New     bool // one was just proposed
}

// kindRow is a kind of change that can be held back.
type kindRow struct {
	Kind, Text string
	On         bool
}

func kindWords(kind string) string {
	switch kind {
	case approvals.GrantKind:
		return lang.Mark("A grant for what is of high value")
	case approvals.RailKind:
		return lang.Mark("Weakening or removing a guard rail")
	case approvals.OwnerKind:
		return lang.Mark("Making an operator an owner")
	case approvals.AccessKind:
		return lang.Mark("More access to what is of high value")
	case approvals.PlaceKind:
		return lang.Mark("What is of high value is guarded less")
	case approvals.SettingsKind:
		return lang.Mark("Which changes wait for a second operator")
	}
	return lang.Mark("A change")
}

// settingWords is what is chosen with a kind.
func settingWords(kind string) string {
	if kind == approvals.GrantKind {
		return lang.Mark("A grant for what is of high value, and every other way to more of it: a role, a schedule, a lower class, another lock")
	}
	return kindWords(kind)
}

func (p pages) changes(w http.ResponseWriter, r *http.Request) error {
	return p.held(w, r, &holding{New: r.URL.Query().Has("proposed")})
}

func (p pages) held(w http.ResponseWriter, r *http.Request, page *holding) error {
	ctx := r.Context()
	o := console.Who(ctx).Operator
	page.Set = o.May(signin.Admit) && len(o.Sites)+len(o.Areas) == 0
	f := reach.New(p.Hall.Book(), nil)
	err := p.Store.View(ctx, func(q store.Query) error {
		settings, err := approvals.ReadSettings(q)
		if err != nil {
			return err
		}
		page.Rev = settings.Rev
		for _, kind := range []string{approvals.GrantKind, approvals.RailKind, approvals.OwnerKind} {
			if _, known := p.room.Executors[kind]; known {
				page.Kinds = append(page.Kinds, kindRow{kind, lang.T(ctx, settingWords(kind)), settings.Holds(kind)})
			}
		}
		names, err := operators(q)
		if err != nil {
			return err
		}
		all, err := approvals.Proposals(q, 100)
		for _, one := range all {
			if !sees(o, one.Site, one.Area) && one.By != o.ID {
				continue
			}
			row, err := p.proposal(ctx, q, f, names, one)
			if err != nil {
				return err
			}
			if one.State == approvals.Waiting {
				page.Waiting = append(page.Waiting, row)
			} else if len(page.Past) < pastShown {
				page.Past = append(page.Past, row)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	h := head(ctx, lang.T(ctx, "Waiting changes"), lang.T(ctx, "Some changes are too dangerous for one person. Where the store says so, they wait here until a second operator confirms them."))
	h.Status = page.Status
	return p.Show(w, r, h, changesPage(page))
}

func (p pages) proposal(ctx context.Context, q store.Query, f reach.Facts, names map[sashlock.OperatorID]signin.Operator, one approvals.Proposal) (held, error) {
	site := f.Sites[one.Site]
	row := held{
		Proposal: one, Title: lang.T(ctx, kindWords(one.Kind)), Who: called(ctx, names, one.By), Mine: one.By == console.Who(ctx).Operator.ID,
		Since: console.LocalTime(site, one.Filed), Ends: console.LocalTime(site, one.Ends()),
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, one.Form, "", "  ") == nil {
		row.Text = pretty.String()
	}
	if err := p.describe(ctx, q, f, names, &row); err != nil {
		return row, err
	}
	alone, err := p.room.MayConfirm(q, by(ctx), one)
	if err != nil && !sashlock.IsKind(err, sashlock.Denied) {
		return row, err
	}
	row.May, row.Alone, row.Why = err == nil, alone, said(ctx, err)
	if !one.Answered.IsZero() {
		row.At, row.Decider = console.LocalTime(site, one.Answered), called(ctx, names, one.Answerer)
	}
	row.StateWords, row.Tone = lang.Mark("Confirmed"), "tone-calm"
	switch one.State {
	case approvals.Denied:
		row.StateWords, row.Tone = lang.Mark("Turned down"), "tone-watch"
	case approvals.Lapsed:
		row.StateWords, row.Tone = lang.Mark("Nobody answered in time"), "tone-doubt"
	}
	row.StateWords = lang.T(ctx, row.StateWords)
	return row, nil
}

// describe says what a change is about.
func (p pages) describe(ctx context.Context, q store.Query, f reach.Facts, names map[sashlock.OperatorID]signin.Operator, row *held) error {
	switch row.Kind {
	case approvals.GrantKind:
		var d estate.Grant
		if json.Unmarshal(row.Form, &d) == nil {
			if g, problems := d.Resolve(f.Find); len(problems) == 0 {
				row.Sentence = f.Sentence(g).Pieces(lang.Of(ctx))
			}
		}
	case approvals.RailKind:
		var d rails.Proposed
		if json.Unmarshal(row.Form, &d) != nil {
			return nil
		}
		row.About, row.Path = d.Slug, "/access/rails/"+d.Slug
		old, err := rails.Find(q, d.Slug)
		switch {
		case sashlock.IsKind(err, sashlock.NotFound):
			row.Path = ""
		case err != nil:
			return err
		case d.Remove:
			row.Title = lang.T(ctx, "Removing a guard rail")
		case d.Shadow && !old.Shadow:
			row.Title = lang.T(ctx, "A guard rail is only to watch")
		}
		if !d.Remove && row.State == approvals.Waiting {
			row.Differs = console.Difference(old.Text, d.Text)
		}
	case approvals.OwnerKind:
		var d struct {
			Operator sashlock.OperatorID `json:"operator"`
		}
		if json.Unmarshal(row.Form, &d) == nil {
			row.About, row.Path = called(ctx, names, d.Operator), "/operators/"+string(d.Operator)
		}
	case approvals.AccessKind, approvals.PlaceKind:
		var c approvals.Change
		if json.Unmarshal(row.Form, &c) == nil {
			row.widening(ctx, f, c)
		}
	case approvals.SettingsKind:
		var s approvals.Settings
		if json.Unmarshal(row.Form, &s) == nil {
			row.About = lang.T(ctx, "nothing")
			for i, kind := range s.Kinds {
				if i == 0 {
					row.About = ""
				} else {
					row.About += ", "
				}
				row.About += lang.T(ctx, kindWords(kind))
			}
			row.About = lang.T(ctx, "then waits: %s", row.About)
		}
	}
	return nil
}

// seenChange refuses a proposal that does not concern whoever is signed in.
func (p pages) seenChange(ctx context.Context, id string) error {
	var one approvals.Proposal
	if err := p.Store.View(ctx, func(q store.Query) (err error) { one, err = approvals.FindProposal(q, id); return err }); err != nil {
		return err
	}
	if o := console.Who(ctx).Operator; !sees(o, one.Site, one.Area) && one.By != o.ID {
		return p.Refuse(ctx, "change "+one.ID)
	}
	return nil
}

func (p pages) confirm(w http.ResponseWriter, r *http.Request) error {
	return p.decide(w, r, func(ctx context.Context, id string, rev int64, _ string) error {
		_, err := p.room.Confirm(ctx, by(ctx), id, rev)
		return err
	})
}

func (p pages) decline(w http.ResponseWriter, r *http.Request) error {
	return p.decide(w, r, func(ctx context.Context, id string, rev int64, why string) error {
		_, err := p.room.Decline(ctx, by(ctx), id, why, rev)
		return err
	})
}

func (p pages) decide(w http.ResponseWriter, r *http.Request, act func(ctx context.Context, id string, rev int64, why string) error) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx, id := r.Context(), r.PathValue("id")
	if err := p.seenChange(ctx, id); err != nil {
		return err
	}
	why := console.Clip(r.PostForm.Get("why"), 2000)
	err := act(ctx, id, revOf(r), why)
	if mine(err) {
		return p.held(w, r, &holding{At: id, Typed: why, Said: said(ctx, err), Status: status(err)})
	}
	if err != nil {
		return p.refused(ctx, err)
	}
	return console.Back(w, r, "/access/changes#"+id)
}

func (p pages) saveSettings(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	s := approvals.Settings{Kinds: slices.Clone(r.PostForm["kind"])}
	s.Rev, _ = strconv.ParseInt(r.PostForm.Get("rev"), 10, 64)
	waits, err := p.room.SaveSettings(ctx, by(ctx), s, console.Clip(r.PostForm.Get("why"), 2000))
	if mine(err) {
		return p.held(w, r, &holding{Typed: r.PostForm.Get("why"), Said: said(ctx, err), Status: status(err)})
	}
	if err != nil {
		return p.refused(ctx, err)
	}
	return console.Back(w, r, "/access/changes#"+waits.ID)
}
