// SPDX-License-Identifier: Apache-2.0

// Package lockcodes is the page about the PINs in one lock: whose they are, since
// when they are in force, what is pending and why, and what somebody else put
// there.
//
// # How it fits
//
// [Mount] adds it to the frame of package console. What it shows and what its
// buttons do is room codes'.
//
// # Promises
//
// Whoever does not see the opening of the lock does not see the page. No PIN is
// on it: nobody can look one up.
package lockcodes

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/codes"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	room *codes.Room
}

// Mount adds the page to a frame.
func Mount(f *console.Frame, room *codes.Room) {
	p := pages{f, room}
	f.Handle("GET /devices/{id}/codes", signin.Read, p.show)
	f.Handle("POST /devices/{id}/codes/look", signin.Setup, p.look)
	f.Dangerous("POST /devices/{id}/codes/{slot}/remove", signin.Setup, p.remove)
	f.Dangerous("POST /devices/{id}/codes/adopt", signin.Access, p.adopt)
	f.Dangerous("POST /devices/{id}/codes/gone", signin.Setup, p.gone)
}

// sheet is what the page shows.
type sheet struct {
	Device  sashlock.Device
	Opening sashlock.Opening
	Now     time.Time // as the clocks of the store show it
	Lock    codes.Lock
	Fresh   codes.Freshness
	Slots   []line
	Waits   []line
	People  []sashlock.Person // who a code that was found can be said to be of
	Online  bool
	Looking bool // it was just told to look
	Set     bool // may set devices up
	Give    bool // may say whose a code is
	Wrong   []string
	Chosen  map[int]string // whose the codes that were found are said to be: slugs
}

// claimable reports whether there are codes whose owner can be said.
func (s *sheet) claimable() bool { return s.Give && len(s.People) > 0 && s.Lock.Drifted() }

// line is one slot, or one code that is waited for.
type line struct {
	Slot   codes.Slot
	Person string // empty: nobody who is known
	Slug   string
	Since  time.Time
	Why    string
	Failed bool // the lock would not take it
}

// find finds a lock, if it concerns whoever is signed in.
func (p pages) find(r *http.Request) (sashlock.Device, error) {
	var d sashlock.Device
	err := p.Store.View(r.Context(), func(q store.Query) (err error) { d, err = devices.Find(q, r.PathValue("id")); return err })
	if err != nil {
		return d, err
	}
	at := p.Hall.Book().Openings[d.Opening]
	if o := console.Who(r.Context()).Operator; !o.Sees(at.Site, at.Area) {
		return sashlock.Device{}, p.Refuse(r.Context(), "codes of device "+string(d.ID))
	}
	return d, nil
}

func (p pages) show(w http.ResponseWriter, r *http.Request) error {
	d, err := p.find(r)
	if err != nil {
		return err
	}
	return p.answer(w, r, d, nil)
}

func (p pages) answer(w http.ResponseWriter, r *http.Request, d sashlock.Device, chosen map[int]string, wrong ...string) error {
	s, err := p.sheetOf(r.Context(), d)
	if err != nil {
		return err
	}
	s.Looking, s.Wrong, s.Chosen = r.URL.Query().Has("looking"), wrong, chosen
	book := p.Hall.Book()
	head := console.Head{
		Title: lang.T(r.Context(), "Codes in %s", name(s)), Section: console.InDevices, Site: book.Sites[s.Opening.Site], Styles: []string{"fleet.css"},
		About: lang.T(r.Context(), "The PINs that this lock opens with by itself. What is written there is true once the lock has said so; what somebody else put there is left alone until you decide."),
	}
	if len(wrong) > 0 {
		head.Status = console.Refused
	}
	return p.Show(w, r, head, page(s))
}

func (p pages) sheetOf(ctx context.Context, d sashlock.Device) (*sheet, error) {
	book := p.Hall.Book()
	s := &sheet{Device: d, Opening: book.Openings[d.Opening], Set: console.May(ctx, signin.Setup), Give: console.May(ctx, signin.Access)}
	s.Now = console.LocalTime(book.Sites[s.Opening.Site], p.Now())
	err := p.Store.View(ctx, func(q store.Query) (err error) { s.Lock, err = codes.Find(q, d.ID); return err })
	if err != nil {
		return s, err
	}
	if s.Fresh, err = codes.FreshAt(ctx, p.Store, d.Opening, p.Now()); err != nil {
		return s, err
	}
	states, err := p.Store.DeviceStates(ctx)
	for _, one := range states {
		s.Online = s.Online || one.Device == d.ID && one.Online
	}
	zone := s.Now.Location()
	for _, one := range s.Lock.Slots {
		l := line{Slot: one, Since: one.Since.In(zone)}
		if known, is := book.People[one.Person]; is {
			l.Person, l.Slug = known.Name, known.Slug
		}
		s.Slots = append(s.Slots, l)
	}
	for _, one := range s.Lock.Waits {
		l := line{Since: one.Since.In(zone), Why: one.Why, Failed: one.Refused()}
		if known, is := book.People[one.Person]; is {
			l.Person, l.Slug = known.Name, known.Slug
		}
		s.Waits = append(s.Waits, l)
	}
	if s.Lock.Drifted() && s.Give {
		for _, h := range book.Index.WhoCanOpen(d.Opening, p.Now()) {
			s.People = append(s.People, book.People[h.Person])
		}
		slices.SortFunc(s.People, func(a, b sashlock.Person) int { return console.CompareNames(a.Name, b.Name) })
		s.People = slices.CompactFunc(s.People, func(a, b sashlock.Person) bool { return a.ID == b.ID })
	}
	return s, err
}

func (p pages) look(w http.ResponseWriter, r *http.Request) error {
	d, err := p.find(r)
	if err != nil {
		return err
	}
	if err := p.room.Look(r.Context(), d); err != nil {
		return err
	}
	return console.Back(w, r, pathOf(d)+"?looking")
}

func (p pages) remove(w http.ResponseWriter, r *http.Request) error {
	return p.act(w, r, func(ctx context.Context, d sashlock.Device, slot int) error {
		return p.room.Condemn(ctx, console.Who(ctx).Operator.ID, d, slot)
	})
}

// adopt says whose codes are that were found: all that were chosen, or none.
func (p pages) adopt(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	d, err := p.find(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	chosen, claims := p.chosen(r.PostForm)
	if len(claims) == 0 {
		return p.answer(w, r, d, chosen, lang.T(ctx, "choose whose code it is"))
	}
	faults, err := p.room.Faults(ctx, d, claims)
	if err != nil {
		return err
	}
	var wrong []string
	for _, f := range faults {
		wrong = append(wrong, lang.T(ctx, "Slot %d", f.Slot)+": "+lang.T(ctx, f.Why))
	}
	if len(wrong) > 0 {
		return p.answer(w, r, d, chosen, wrong...)
	}
	if err := p.room.Adopt(ctx, console.Who(ctx).Operator.ID, d, claims); err != nil {
		return err
	}
	return console.Back(w, r, pathOf(d))
}

// chosen reads whose the codes are said to be: a field for each slot, "person-7".
func (p pages) chosen(form url.Values) (map[int]string, codes.Claims) {
	chosen, claims := map[int]string{}, codes.Claims{}
	people := map[string]sashlock.PersonID{}
	for _, one := range p.Hall.Book().People {
		people[one.Slug] = one.ID
	}
	for field := range form {
		digits, is := strings.CutPrefix(field, "person-")
		slot, err := strconv.Atoi(digits)
		if slug := form.Get(field); is && err == nil && people[slug] != "" {
			chosen[slot], claims[slot] = slug, people[slug]
		}
	}
	return chosen, claims
}

// gone takes an operator's word that a lock is no more.
func (p pages) gone(w http.ResponseWriter, r *http.Request) error {
	d, err := p.find(r)
	if err != nil {
		return err
	}
	if err := p.room.Gone(r.Context(), console.Who(r.Context()).Operator.ID, d); err != nil {
		return err
	}
	return console.Back(w, r, pathOf(d))
}

// act does something about a slot. What cannot be done is said on the page.
func (p pages) act(w http.ResponseWriter, r *http.Request, do func(ctx context.Context, d sashlock.Device, slot int) error) error {
	d, err := p.find(r)
	if err != nil {
		return err
	}
	slot, err := strconv.Atoi(r.PathValue("slot"))
	if err != nil {
		return &sashlock.Error{Kind: sashlock.NotFound, Op: "finding slot", Subject: "slot", Hint: lang.T(r.Context(), "there is no such slot")}
	}
	err = do(r.Context(), d, slot)
	var e *sashlock.Error
	if sashlock.IsKind(err, sashlock.Conflict) && errors.As(err, &e) && e.Hint != "" {
		return p.answer(w, r, d, nil, lang.T(r.Context(), e.Hint))
	}
	if err != nil {
		return err
	}
	return console.Back(w, r, pathOf(d))
}

func pathOf(d sashlock.Device) string { return "/devices/" + url.PathEscape(string(d.ID)) + "/codes" }

// name is what people call the lock.
func name(s *sheet) string {
	if s.Opening.Name != "" {
		return s.Opening.Name
	}
	return s.Device.Gateway + "/" + s.Device.Address
}

// clock is a time as the clock on the wall shows it, with the day when it is not
// today.
func clock(ctx context.Context, at, now time.Time) string {
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format(time.TimeOnly)
	}
	return console.DateTime(ctx, at)
}
