// SPDX-License-Identifier: Apache-2.0

package phone

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/assistance"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/plans"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// phase is how far an unlocking has come, as the page of a case tells it.
type phase string

// The phases. A phase is never ahead of what a device has reported.
const (
	idle     phase = "idle"     // nobody asked on this page
	refused  phase = "refused"  // the request was refused
	asking   phase = "asking"   // granted; the lock has not answered
	failed   phase = "failed"   // the lock did not do it
	unlocked phase = "unlocked" // the lock says that it is unlocked
	open     phase = "open"     // the contact says that it is open
	nagging  phase = "nagging"  // it has been open for too long
	closing  phase = "closing"  // closed; the lock has not said that it is locked
	secured  phase = "secured"  // lock and contact say that it is secured
	locked   phase = "locked"   // the lock says locked, and no contact says closed
	untaken  phase = "untaken"  // locked again without having been opened
	unclear  phase = "unclear"  // what the devices say does not fit any of these
)

// answer is the decision that a page follows.
type answer struct {
	Trial   bool // nothing was sent to the lock
	ID      sashlock.DecisionID
	Seq     int64 // of its entry
	Granted bool
	Words   string // the reason
	At      time.Time
	Trouble string // why the lock did not do it
	Done    bool   // the lock did it
	Taken   bool
	Untaken bool
	Unmet   []sashlock.Check
	Ask     []string // who can change it
	Here    []string // managers who are at the site now
	StepUp  bool     // it is not refused: a better credential is needed
	Second  bool     // it is not refused: a second person has to ask
	Until   time.Time
}

// caseView is a case as its page shows it.
type caseView struct {
	Ref       string // what its address has: the tag
	Opening   sashlock.Opening
	Site      sashlock.Site
	Area      string
	Photo     bool
	Now       time.Time
	Shown     opening.Shown // its Now is zero
	Holder    string        // to whom it is released
	Open      bool
	OpenedAt  time.Time
	Person    bool // the operator is somebody here
	MayNot    string
	Phase     phase
	Answer    *answer
	Confirm   bool
	Called    time.Time // a customer waits here since; zero: none
	CallID    string
	CallTaken string // who goes; empty: nobody yet
	CallMine  bool
}

// view puts the page of a case together.
func (p pages) view(ctx context.Context, ref string, o sashlock.Opening, decision sashlock.DecisionID) (*caseView, error) {
	book := p.Hall.Book()
	v := &caseView{Ref: ref, Opening: o, Site: book.Sites[o.Site], Area: book.Areas[o.Area].Name}
	v.Now = console.LocalTime(v.Site, p.Now())
	s, err := p.Store.State(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	v.Shown = opening.Show(o, s, v.Now)
	v.Shown.Now = time.Time{}
	v.Holder = book.People[v.Shown.Person].Name
	v.Open, v.OpenedAt = s.Position == sashlock.Open, s.PositionAt.In(v.Now.Location())
	me, known := book.People[console.Who(ctx).Operator.Person]
	v.Person = known
	if known {
		if d := p.Hall.Decide(sashlock.Request{Person: me.ID, Opening: o.ID, At: p.Now(), Level: console.Who(ctx).Assurance(p.Now())}, s); !d.Granted {
			v.MayNot = d.Reason.Words()
		}
	}
	if err := p.around(ctx, v, me.ID); err != nil {
		return nil, err
	}
	if v.Answer, err = p.answered(ctx, v, me.ID, decision); err != nil {
		return nil, err
	}
	v.Phase = phaseOf(v.Answer, s, v.Shown.Word, p.Now())
	return v, nil
}

// around adds what belongs to the case besides its state: its photo, and a
// customer who waits there.
func (p pages) around(ctx context.Context, v *caseView, me sashlock.PersonID) error {
	return p.Store.View(ctx, func(q store.Query) (err error) {
		if v.Photo, err = plans.HasPhoto(q, v.Opening.ID); err != nil {
			return err
		}
		c, known, err := assistance.LatestAt(q, v.Opening.ID)
		if err == nil && known && c.Standing(p.Now()) {
			v.Called, v.CallID, v.CallMine = c.Asked, c.ID, c.TakenBy == me && me != ""
			v.CallTaken = p.Hall.Book().People[c.TakenBy].Name
		}
		return err
	})
}

// answered reads the decision that a page follows. One that is not the
// operator's own, or about something else, counts as none.
func (p pages) answered(ctx context.Context, v *caseView, me sashlock.PersonID, id sashlock.DecisionID) (*answer, error) {
	if id == "" || me == "" {
		return nil, nil
	}
	e, err := p.Store.Decision(ctx, id)
	if sashlock.IsKind(err, sashlock.NotFound) || err == nil && (e.Opening != v.Opening.ID || e.Person != me) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a := &answer{ID: id, Seq: e.Seq, Granted: e.Kind == sashlock.AccessGranted, Words: e.Reason.Words(), At: e.Heard.In(v.Now.Location())}
	if !a.Granted {
		for _, c := range e.Checks {
			if !c.OK {
				a.Unmet = append(a.Unmet, c)
			}
		}
		d := sashlock.Decision{Reason: e.Reason}
		a.StepUp, a.Second = d.Deferred() && e.Reason == sashlock.NeedsStepUp, d.Deferred() && e.Reason == sashlock.SecondPersonNeeded
		a.Until, a.Here = e.Heard.Add(flow.TwoPersonTime), p.managersHere(v.Opening.Site, me)
		a.Ask, err = p.whoCanChange(ctx, v.Opening)
		return a, err
	}
	if e.Why == string(sashlock.OnTrial) {
		a.Trial, a.Trouble = true, sashlock.OnTrial.Words()
		return a, nil
	}
	return a, p.followed(ctx, a)
}

// followed adds what became of a granted decision.
func (p pages) followed(ctx context.Context, a *answer) error {
	then, err := p.Store.Events(ctx, store.EventQuery{Decision: a.ID, Limit: 50})
	for _, e := range then {
		switch {
		case e.Kind == sashlock.CommandEnded && e.Reason == "":
			a.Done = true
		case e.Kind == sashlock.CommandEnded && !a.Done:
			a.Trouble = e.Reason.Words()
		case e.Kind == sashlock.AccessTaken:
			a.Taken = true
		case e.Kind == sashlock.AccessNotTaken:
			a.Untaken = true
		}
	}
	return err
}

// whoCanChange names those who may change who may open what, nearest first.
func (p pages) whoCanChange(ctx context.Context, o sashlock.Opening) ([]string, error) {
	var names []string
	err := p.Store.View(ctx, func(q store.Query) error {
		all, err := signin.Operators(q)
		all = slices.DeleteFunc(all, func(one signin.Operator) bool { return !one.May(signin.Access) || !one.Sees(o.Site, o.Area) })
		slices.SortStableFunc(all, func(a, b signin.Operator) int { return cmp.Compare(len(b.Sites), len(a.Sites)) })
		for _, one := range all[:min(len(all), 2)] {
			names = append(names, one.Name)
		}
		return err
	})
	return names, err
}

// managersHere names the people with the role of a manager who are at a site,
// as far as is known.
func (p pages) managersHere(site sashlock.SiteID, but sashlock.PersonID) []string {
	book, present := p.Hall.Book(), p.Hall.Present()
	var names []string
	present.Here(site, func(s sashlock.PersonState) bool {
		one := book.People[s.Person]
		manages := slices.ContainsFunc(one.Roles, func(id sashlock.RoleID) bool {
			slug := book.Roles[id].Slug
			return slug == "manager" || strings.HasSuffix(slug, "-manager")
		})
		if manages && s.At(site, p.Now()) && one.ID != but && !one.Suspended {
			names = append(names, one.Name)
		}
		return len(names) < 3
	})
	slices.Sort(names)
	return names
}

// waits is how much of the time for the second person is left, in hundredths.
func (a *answer) waits(now time.Time) int {
	left := min(max(a.Until.Sub(now), 0), flow.TwoPersonTime)
	return int(100 * left / flow.TwoPersonTime)
}

// phaseOf says how far an unlocking has come. Only what devices reported counts.
func phaseOf(a *answer, s sashlock.OpeningState, w opening.Word, now time.Time) phase {
	opened := s.Position == sashlock.Open
	unlockedNow := s.Lock == sashlock.Unlocked || s.Lock == sashlock.Unlatched
	switch {
	case a == nil && w == opening.HeldOpen:
		return nagging
	case a == nil:
		return idle
	case !a.Granted:
		return refused
	case opened && w == opening.HeldOpen:
		return nagging
	case opened && (a.Taken || a.Done):
		return open
	case a.Trouble != "":
		return failed
	case !a.Done:
		return asking
	case w == opening.Secured || w == opening.Lockdown || w == opening.BlockedOff:
		if a.Taken {
			return secured
		}
		return untaken
	case w == opening.LockedOnly:
		return locked
	case unlockedNow && !a.Taken && !a.Untaken && s.Release != nil && now.Before(s.Release.Until):
		return unlocked
	case a.Taken && s.Position == sashlock.Closed:
		return closing
	}
	return unclear
}

// asks reports whether the page offers to unlock.
func (v *caseView) asks() bool {
	switch v.Phase {
	case asking, unlocked, open, closing:
		return false
	}
	return !v.Open
}

// Code is what an associate quotes of a decision.
func (a *answer) Code() string { return console.DecisionCode(a.Seq) }

// parts is the piece of the page that is kept up to date.
func (v *caseView) parts() []console.Part {
	if v == nil {
		return nil
	}
	key := *v
	key.Now, key.Answer = time.Time{}, nil
	text := fmt.Sprintf("%+v", key)
	if v.Answer != nil {
		text += fmt.Sprintf("%+v", *v.Answer)
	}
	return []console.Part{{ID: "case", Key: text, Body: caseCard(v)}}
}

// askFor is where access to the case is asked for, filled in.
func (v *caseView) askFor(ctx context.Context) string {
	why := lang.T(ctx, "Refused, code %s:", v.Answer.Code()) + " " + lang.T(ctx, v.Answer.Words)
	return "/access/ask?" + url.Values{"opening": {v.Opening.Slug}, "words": {why}}.Encode()
}

// path is the address of the page.
func (v *caseView) path(rest string) string { return "/c/" + url.PathEscape(v.Ref) + rest }

// release is how long the case stays unlocked, in milliseconds.
func (v *caseView) release() string {
	return strconv.FormatInt(v.Opening.ReleaseTime.Milliseconds(), 10)
}

// drained is how much of the ring is gone, in hundredths, for browsers without
// scripts.
func (v *caseView) drained() string {
	if v.Opening.ReleaseTime <= 0 {
		return "0"
	}
	left := v.Shown.Until.Sub(v.Now)
	return strconv.Itoa(100 - int(100*min(max(left, 0), v.Opening.ReleaseTime)/v.Opening.ReleaseTime))
}

func (p pages) showCase(w http.ResponseWriter, r *http.Request) error {
	o, known, err := p.own(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	head := console.Head{Section: console.InServe, Bare: true, Styles: []string{"phone.css"}, Scripts: []string{"phone.js"}}
	if !known {
		head.Title = lang.T(ctx, "No such tag")
		return p.Show(withStatus{w, http.StatusNotFound}, r, head, noTag(shortly(r.PathValue("tag"))))
	}
	decision := sashlock.DecisionID(r.URL.Query().Get("decision"))
	v, err := p.view(ctx, r.PathValue("tag"), o, decision)
	if err != nil {
		return err
	}
	v.Confirm = r.URL.Query().Get("confirm") != "" && isGuarded(o)
	head.Title, head.Site = o.Name, v.Site
	if !v.Confirm { // a question is not taken away while somebody reads it
		head.Live, head.At = v.path("/live?decision="+url.QueryEscape(string(decision))), console.At(v.parts())
	}
	return p.Show(w, r, head, casePage(v))
}

// shortly keeps what somebody typed as an address from filling the page.
func shortly(s string) string {
	const most = 24
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return -1
	}, s)
	if all := []rune(s); len(all) > most {
		return string(all[:most]) + "…"
	}
	return s
}

func (p pages) caseStream(w http.ResponseWriter, r *http.Request) error {
	o, known, err := p.own(r)
	if err != nil {
		return err
	}
	if !known {
		return &sashlock.Error{Kind: sashlock.NotFound, Op: "showing case", Subject: "tag", Hint: "there is no such tag"}
	}
	ref, decision := r.PathValue("tag"), sashlock.DecisionID(r.URL.Query().Get("decision"))
	return p.Stream(w, r, func(ctx context.Context) ([]console.Part, error) {
		v, err := p.view(ctx, ref, o, decision)
		return v.parts(), err
	})
}

// photo is the photo of a case, for those who may see the case and nothing
// else of the console.
func (p pages) photo(w http.ResponseWriter, r *http.Request) error {
	o, known, err := p.own(r)
	if err != nil {
		return err
	}
	if !known {
		return &sashlock.Error{Kind: sashlock.NotFound, Op: "showing photo", Subject: "tag", Hint: "there is no such tag"}
	}
	var picture plans.Picture
	err = p.Store.View(r.Context(), func(q store.Query) (err error) { picture, err = plans.PictureOf(q, string(o.ID)); return err })
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", picture.Kind)
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	_, err = w.Write(picture.Content)
	return err
}

// release asks for the case as the operator's own person, and shows what comes
// of it.
func (p pages) release(w http.ResponseWriter, r *http.Request) error {
	o, known, err := p.own(r)
	if err != nil {
		return err
	}
	if !known {
		return &sashlock.Error{Kind: sashlock.NotFound, Op: "unlocking", Subject: "tag", Hint: "there is no such tag"}
	}
	if err := p.Form(w, r); err != nil {
		return err
	}
	who, page := console.Who(r.Context()), "/c/"+url.PathEscape(r.PathValue("tag"))
	me, known := p.asPerson(r)
	switch {
	case !known:
		return console.Back(w, r, page) // which says what to do about it
	case isGuarded(o) && r.FormValue("confirm") != "yes":
		return console.Back(w, r, page+"?confirm=yes")
	case o.Class == sashlock.High && !who.Fresh(p.Now()):
		return console.Back(w, r, "/signin/again?then="+url.QueryEscape(page))
	}
	a, err := p.Hall.Request(r.Context(), sashlock.Request{Person: me.ID, Opening: o.ID, Operator: who.Operator.ID, Method: sashlock.ByRemote, Level: who.Assurance(p.Now())})
	if err != nil {
		return err
	}
	return console.Back(w, r, page+"?decision="+url.QueryEscape(string(a.Decision.ID)))
}
