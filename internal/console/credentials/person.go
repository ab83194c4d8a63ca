// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"rsc.io/qr"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// sheet is what the page about a person's credentials shows.
type sheet struct {
	Person sashlock.Person
	Rows   []row
	Zone   *time.Location
	Change bool // whoever is signed in may

	Form      form
	Places    []place
	Strangers []met
	Wrong     map[string]string

	Secret  *secret // made a moment ago
	After   *credentials.Aftermath
	Uses    []used
	Removed bool
	Losing  bool // they came to end what is lost
	Loss    loss
	Lock    string // what a lock answered that was asked
}

type row struct {
	credentials.Credential
	Words, Tone string
	At          string // where a PIN is taken, in words
	Held        *held  // by a lock; nil: by none
	Gone        bool   // from the lock that held it
	Stands      []stand
}

// stand is one lock that holds a PIN, or is to.
type stand struct {
	Device sashlock.DeviceID
	Name   string // of its opening
	Slot   int
	Since  time.Time
	Tone   string
	Words  string
	Why    string
}

// form is what was typed.
type form struct {
	Kind, Label, Until, Digits, Format, Code, Number string
	Duress, Once, InLocks                            bool
}

// loss is what was typed about something lost.
type loss struct {
	All, Phone   bool
	Cause, Since string
	Chosen       []string // credentials
}

// met is an unknown card at a reader.
type met struct {
	Opening sashlock.Opening
	At      time.Time
}

type used struct {
	At      time.Time
	Opening sashlock.Opening
	Granted bool
	Path    string
}

// secret is what is shown once.
type secret struct {
	credentials.Made
	Size int    // of the QR code, in modules
	Path string // and as the path of a drawing
}

func (p pages) show(w http.ResponseWriter, r *http.Request) error {
	one, err := p.person(r, false)
	if err != nil {
		return err
	}
	s := &sheet{Person: one, Form: form{Kind: string(sashlock.PIN), Digits: "4"}, Removed: r.URL.Query().Get("removed") != "", Losing: r.URL.Query().Has("lost"), Loss: loss{All: true}, Lock: r.URL.Query().Get("lock")}
	s.Places = p.openings(r.Context())
	reached := p.Hall.Book().Index.WhatCanOpen(one.ID, p.Now())
	for i := range s.Places { // what grants give, in the first store that they give something in
		for _, o := range reached {
			if o.Opening == s.Places[i].Opening.ID && (i == 0 || !anyElsewhere(s.Places[:i], s.Places[i].Site.ID)) {
				s.Places[i].On = true
			}
		}
	}
	return p.answer(w, r, s)
}

// anyElsewhere reports whether places of another site are chosen already.
func anyElsewhere(all []place, site sashlock.SiteID) bool {
	return slices.ContainsFunc(all, func(one place) bool { return one.On && one.Site.ID != site })
}

// answer fills in the rest and shows the page.
func (p pages) answer(w http.ResponseWriter, r *http.Request, s *sheet) (err error) {
	ctx := r.Context()
	if s.Zone, err = p.zone(r); err != nil {
		return err
	}
	c, err := p.concern(ctx)
	if err != nil {
		return err
	}
	_, s.Change = c.about(s.Person)
	if s.Places == nil {
		s.Places = p.openings(ctx)
	}
	book := p.Hall.Book()
	for _, m := range p.room.Strangers() {
		if o, known := book.Openings[m.Opening]; known && m.Side == sashlock.Entering && console.Who(ctx).Operator.Sees(o.Site, o.Area) {
			s.Strangers = append(s.Strangers, met{o, m.At})
		}
	}
	err = p.Store.View(ctx, func(q store.Query) error {
		all, err := credentials.List(q, s.Person.ID)
		for _, one := range slices.Backward(all) {
			words, tone := standingWords(one.Standing(p.Now()))
			shown := row{Credential: one, Words: words, Tone: tone, Held: p.heldAt(one, s.Person)}
			shown.Gone = one.Kind == sashlock.Finger && one.Device == "" && !one.Lost.IsZero()
			var at []string
			for _, id := range one.Places {
				if o := book.Openings[id]; console.Who(ctx).Operator.Sees(o.Site, o.Area) {
					at = append(at, o.Name)
				}
			}
			shown.At = strings.Join(at, ", ")
			if shown.Stands, err = p.stands(q, console.Who(ctx).Operator, one.ID, s.Zone); err != nil {
				return err
			}
			s.Rows = append(s.Rows, shown)
		}
		return err
	})
	if err != nil {
		return err
	}
	head := head(ctx, lang.T(ctx, "Credentials of %s", s.Person.Name))
	if len(s.Wrong) > 0 {
		head.Status = console.Refused
	}
	return p.Show(w, r, head, personPage(s))
}

func (p pages) give(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	one, err := p.person(r, true)
	if err != nil {
		return err
	}
	ctx := r.Context()
	s := &sheet{Person: one, Places: marked(p.openings(ctx), r.PostForm["opening"]), Form: form{
		Kind: r.PostFormValue("kind"), Label: console.Clip(r.PostFormValue("label"), 300), Until: r.PostFormValue("until"), Digits: r.PostFormValue("digits"),
		Format: r.PostFormValue("format"), Code: console.Clip(r.PostFormValue("code"), 30), Number: console.Clip(r.PostFormValue("number"), 30),
		Duress: r.PostFormValue("duress") != "", Once: r.PostFormValue("once") != "", InLocks: r.PostFormValue("in_locks") != "",
	}}
	m, err := p.wish(r, s)
	if err != nil {
		return err
	}
	if len(s.Wrong) > 0 {
		return p.answer(w, r, s)
	}
	made, err := p.room.Make(ctx, console.Who(ctx).Operator.ID, m)
	if err != nil {
		fields, known := wrong(ctx, err)
		if !known {
			return err
		}
		s.Wrong = fields
		return p.answer(w, r, s)
	}
	s.Form = form{Kind: string(sashlock.PIN), Digits: "4"}
	s.Secret = &secret{Made: made}
	if made.Kind == sashlock.QR {
		if s.Secret.Size, s.Secret.Path, err = draw(made.Secret); err != nil {
			return err
		}
	}
	return p.answer(w, r, s)
}

// wish is what was typed as the room takes it; what cannot be read is marked as
// wrong in the sheet.
func (p pages) wish(r *http.Request, s *sheet) (m credentials.Making, err error) {
	ctx := r.Context()
	zone, err := p.zone(r)
	if err != nil {
		return m, err
	}
	m = credentials.Making{
		Person: s.Person.ID, Kind: sashlock.CredentialKind(s.Form.Kind), Label: s.Form.Label,
		Openings: chosen(s.Places), Duress: s.Form.Duress, InLocks: s.Form.InLocks, Once: s.Form.Once, Format: s.Form.Format,
	}
	s.Wrong = map[string]string{}
	var ok bool
	if m.Until, ok = typed(s.Form.Until, zone); !ok {
		s.Wrong["until"] = lang.T(ctx, "write a date and a time")
	}
	if m.Digits, err = strconv.Atoi(s.Form.Digits); err != nil && m.Kind == sashlock.PIN {
		s.Wrong["digits"] = lang.T(ctx, "a PIN has 4 to 8 digits")
	}
	if m.Kind != sashlock.Card {
		return m, nil
	}
	if slug, found := strings.CutPrefix(s.Form.Format, "reader:"); found {
		o, err := p.Opening(ctx, slug)
		m.Format, m.Reader, m.At = "", o.ID, sashlock.Entering
		return m, err
	}
	var wrongCode, wrongNumber error
	if s.Form.Code != "" {
		m.Code, wrongCode = strconv.ParseUint(s.Form.Code, 10, 64)
	}
	m.Number, wrongNumber = strconv.ParseUint(s.Form.Number, 10, 64)
	if wrongCode != nil {
		s.Wrong["facility"] = lang.T(ctx, "write a whole number")
	}
	if wrongNumber != nil {
		s.Wrong["number"] = lang.T(ctx, "write a whole number")
	}
	return m, nil
}

// draw makes a QR code as the path of a drawing.
func draw(text string) (size int, path string, err error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return 0, "", err
	}
	var d strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&d, "M%d %dh1v1h-1z", x+4, y+4)
			}
		}
	}
	return code.Size + 8, d.String(), nil
}

func (p pages) lose(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	one, err := p.person(r, true)
	if err != nil {
		return err
	}
	ctx := r.Context()
	zone, err := p.zone(r)
	if err != nil {
		return err
	}
	s := &sheet{Person: one, Form: form{Kind: string(sashlock.PIN), Digits: "4"}, Losing: true, Loss: loss{
		All: r.PostFormValue("all") != "", Phone: r.PostFormValue("phone") != "", Cause: r.PostFormValue("cause"), Since: r.PostFormValue("since"), Chosen: r.PostForm["credential"],
	}}
	l := credentials.Loss{Person: one.ID, Cause: s.Loss.Cause, Phone: s.Loss.Phone}
	for _, id := range s.Loss.Chosen {
		if !s.Loss.All {
			l.Credentials = append(l.Credentials, sashlock.CredentialID(console.Clip(id, 60)))
		}
	}
	var ok bool
	l.Since, ok = typed(r.PostFormValue("since"), zone)
	switch {
	case !ok:
		s.Wrong = map[string]string{"since": lang.T(ctx, "write a date and a time")}
	case len(l.Credentials) == 0 && !s.Loss.All:
		s.Wrong = map[string]string{"credential": lang.T(ctx, "choose what is lost")}
	}
	if s.Wrong != nil {
		return p.answer(w, r, s)
	}
	after, err := p.room.Lose(ctx, console.Who(ctx).Operator.ID, l)
	if err != nil {
		fields, known := wrong(ctx, err)
		if !known {
			return err
		}
		s.Wrong = fields
		return p.answer(w, r, s)
	}
	s.After, s.Losing = &after, false
	book := p.Hall.Book()
	for _, e := range after.Uses {
		answer := e.Kind == sashlock.AccessGranted || e.Kind == sashlock.AccessDenied || e.Kind == sashlock.AccessDeferred
		if o := book.Openings[e.Opening]; answer && e.Decision != "" && console.Who(ctx).Operator.Sees(o.Site, o.Area) {
			s.Uses = append(s.Uses, used{e.Heard, o, e.Kind == sashlock.AccessGranted, "/decisions/" + string(e.Decision)})
		}
	}
	return p.answer(w, r, s)
}

func (p pages) remove(w http.ResponseWriter, r *http.Request) error {
	one, c, err := p.own(r)
	if err != nil {
		return err
	}
	if err := p.room.Remove(r.Context(), console.Who(r.Context()).Operator.ID, c.ID, 0); err != nil {
		return err
	}
	return console.Back(w, r, "/people/"+one.Slug+"/credentials?removed=1")
}

// formats are the names of the card formats.
func formats() (names []string) {
	for _, f := range wiegand.Formats() {
		names = append(names, f.Name)
	}
	return names
}
