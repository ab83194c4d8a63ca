// SPDX-License-Identifier: Apache-2.0

// Package moving is the pages on which cards are brought over and openings are moved over from an older
// access control system: on trial, in force, and how the two agree.
//
// # How it fits
//
// [Mount] adds them to the frame of package console. The switch is a field of the
// opening; what goes with it happens in package flow. Logs are compared by
// package cutover.
//
// # Promises
//
// Coming into force asks for a fresh proof of presence, and where the house wants
// it for a second operator. Going back on trial is one press. Nothing of a log is
// stored.
package moving

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/cutover"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/table"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// Whose tells whose a card is.
type Whose func(ctx context.Context, card wiegand.Bits) (sashlock.PersonID, bool, error)

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	whose Whose
}

// Mount adds the page to a frame.
func Mount(f *console.Frame, whose Whose, records cutover.Records) {
	p := pages{f, whose}
	f.Handle("GET /devices/cutover", signin.Read, p.show)
	f.Handle("POST /devices/cutover/compare", signin.Read, p.compare)
	f.Dangerous("POST /devices/cutover/{slug}/force", signin.Setup, p.force)
	f.Handle("POST /devices/cutover/{slug}/trial", signin.Setup, p.trial)
	mountCards(p, records)
}

// sheet is what the page shows.
type sheet struct {
	Site     sashlock.Site
	Zone     *time.Location
	Openings []row
	OnTrial  int
	Set      bool // may set openings up
	Doors    string
	Wrong    string
	Findings table.Findings
	LeftOut  int
	Result   *cutover.Result
	Book     *flow.Book
}

// row is an opening of the site.
type row struct {
	sashlock.Opening
	Area   string
	Fitted bool // a lock that Sashlock can move is fitted
	Open   bool // its lock last said that it is not locked
}

func (p pages) show(w http.ResponseWriter, r *http.Request) error {
	s, err := p.sheet(r)
	if err != nil {
		return err
	}
	return p.answer(w, r, s)
}

func (p pages) answer(w http.ResponseWriter, r *http.Request, s *sheet) error {
	ctx := r.Context()
	h := console.Head{
		Title: lang.T(ctx, "Moving over"), Section: console.InDevices, Site: s.Site, Styles: []string{"fleet.css"},
		About: lang.T(ctx, "Runs Sashlock beside an older system. An opening on trial is decided and recorded, and nothing is ever sent to its lock. The log of the older system shows where the two differ, before an opening comes into force."),
	}
	if s.Wrong != "" || s.Findings.Wrong > 0 {
		h.Status = console.Refused
	}
	return p.Show(w, r, h, page(s))
}

func (p pages) sheet(r *http.Request) (*sheet, error) {
	site, err := p.Site(r)
	if err != nil {
		return nil, err
	}
	book, who := p.Hall.Book(), console.Who(r.Context()).Operator
	s := &sheet{Site: site, Zone: console.LocalTime(site, p.Now()).Location(), Set: console.May(r.Context(), signin.Setup), Book: book}
	for id, o := range book.Openings {
		if o.Site != site.ID || !who.Sees(o.Site, o.Area) {
			continue
		}
		one := row{Opening: o, Area: book.Areas[o.Area].Name, Fitted: slices.ContainsFunc(book.Fitted(id), movable)}
		lock := p.Store.StateNow(id).Lock
		one.Open = lock.Loose()
		s.Openings = append(s.Openings, one)
		if o.Trial {
			s.OnTrial++
		}
	}
	slices.SortFunc(s.Openings, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.Area, b.Area), console.CompareNames(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug))
	})
	return s, nil
}

func movable(d sashlock.Device) bool { return d.Has(sashlock.CanRelease) || d.Has(sashlock.CanUnlock) }

// force has the lock of an opening told what is decided, from now on.
func (p pages) force(w http.ResponseWriter, r *http.Request) error { return p.set(w, r, false) }

// trial takes the lock of an opening out of Sashlock's hands.
func (p pages) trial(w http.ResponseWriter, r *http.Request) error { return p.set(w, r, true) }

func (p pages) set(w http.ResponseWriter, r *http.Request, trial bool) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	o, err := p.Opening(ctx, r.PathValue("slug"))
	if err != nil {
		return err
	}
	const back = "/devices/cutover"
	if o.Trial == trial {
		return console.Back(w, r, back+"#o-"+o.Slug) // somebody was quicker
	}
	facts := reach.New(p.Hall.Book(), nil)
	d := estate.FromOpening(o, facts.Ref)
	d.Trial = trial
	_, err = p.Hall.Change(ctx, flow.Change{Operator: console.Who(ctx).Operator.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		return sites.SaveOpening(tx, d, facts.Find, o.Rev)
	}})
	switch {
	case errors.Is(err, approvals.ErrHeld):
		return p.ProposeChange(w, r, approvals.PlaceKind, approvals.Change{File: estate.File{Openings: []estate.Opening{d}}}, o.Rev)
	case sashlock.IsKind(err, sashlock.Conflict):
		s, failed := p.sheet(r)
		if failed != nil {
			return failed
		}
		s.Wrong = console.Sentence(err)
		return p.answer(w, r, s)
	case err != nil:
		return err
	}
	return console.Back(w, r, back+"#o-"+o.Slug)
}

// compare sets the log of the older system against what was decided here.
func (p pages) compare(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	s, err := p.sheet(r)
	if err != nil {
		return err
	}
	content, err := s.received(w, r)
	if err != nil {
		s.Wrong = console.Sentence(err)
		return p.answer(w, r, s)
	}
	doors, wrong := cutover.ReadDoors(s.Doors)
	if len(wrong) > 0 {
		s.Wrong = lang.T(ctx, "“%s” names no door: write a line for each, like “Front door = entrance”.", wrong[0])
		return p.answer(w, r, s)
	}
	log := cutover.Read(content, s.Zone)
	if s.Findings, s.LeftOut = log.Findings, log.LeftOut; log.Wrong > 0 {
		return p.answer(w, r, s)
	}
	who := console.Who(ctx).Operator
	result, err := cutover.Compare(ctx, p.Store, s.Book, log.Lines, cutover.Options{Doors: doors, Whose: p.whose, Sees: who.Sees})
	if err != nil {
		return err
	}
	s.Result = &result
	return p.answer(w, r, s)
}

// received reads the form: the log, and what doors are called.
func (s *sheet) received(w http.ResponseWriter, r *http.Request) (content []byte, err error) {
	ctx := r.Context()
	missing := &sashlock.Error{Kind: sashlock.Invalid, Op: "reading log", Hint: lang.T(ctx, "choose the log first")}
	r.Body = http.MaxBytesReader(w, r.Body, cutover.MaxLog+console.MaxForm)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, missing
	}
	for range 8 { // the form has two fields
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		var value []byte
		if err == nil {
			value, err = io.ReadAll(io.LimitReader(part, cutover.MaxLog+1))
		}
		if err != nil {
			return nil, unread(ctx, err, cutover.MaxLog)
		}
		switch part.FormName() {
		case "log":
			content = value
		case "doors":
			s.Doors = console.Clip(string(value), console.MaxForm/4)
		}
	}
	if len(content) == 0 {
		return nil, missing
	}
	return content, nil
}

func unread(ctx context.Context, err error, most int) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return &sashlock.Error{Kind: sashlock.Limit, Op: "reading log", Hint: lang.T(ctx, "the file is too large: %d MB at most", most>>20), Err: err}
	}
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading log", Hint: lang.T(ctx, "the file did not arrive whole: send it again"), Err: err}
}

// name is what an opening is called; empty: it is no longer there.
func (s *sheet) name(id sashlock.OpeningID) string { return s.Book.Openings[id].Name }
func (s *sheet) slug(id sashlock.OpeningID) string { return s.Book.Openings[id].Slug }

// who names the person of a line.
func (s *sheet) who(ctx context.Context, d cutover.Differing) string {
	if p, known := s.Book.People[d.Person]; known {
		return p.Name
	}
	return lang.T(ctx, "nobody who is known here")
}

// percent is how many lines agree, in whole hundredths, rounded down: all of
// them only if all do.
func percent(t cutover.Tally) int {
	if t.Lines == 0 {
		return 0
	}
	return 100 * t.Agree / t.Lines
}
