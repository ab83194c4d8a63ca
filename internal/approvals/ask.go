// SPDX-License-Identifier: Apache-2.0

package approvals

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of asking are:
//
//   - An ask is for one opening or one area, for a length of time that begins
//     with the approval.
//   - One ask stands for each person and place. Nobody files more than a few a
//     day.
//   - Whoever filed it, and whom it is for, do not answer it.
//   - What is worth most takes two approvals, by two people who are signed in:
//     a program does not count there.
//   - An ask that nobody answers lapses after a week.

// The limits of asking.
const (
	AskLife    = 7 * 24 * time.Hour
	mostADay   = 5   // asks for one person within 24 hours
	mostAtOnce = 500 // standing asks at a site
)

// State is how an ask or a proposal stands.
type State string

// The states.
const (
	Asked    State = "asked"
	Approved State = "approved"
	Denied   State = "denied"
	Lapsed   State = "lapsed"
)

// Ask is access that somebody asks for.
type Ask struct {
	ID        string                `json:"-"`
	State     State                 `json:"-"`
	Person    sashlock.PersonID     `json:"-"`
	Site      sashlock.SiteID       `json:"-"`
	Opening   sashlock.OpeningID    `json:"opening,omitempty"` // exactly one of these two is set
	Area      sashlock.AreaID       `json:"area,omitempty"`
	By        sashlock.OperatorID   `json:"by"` // who filed it
	Length    time.Duration         `json:"length"`
	Words     string                `json:"words"` // why; personal data may be in it
	Filed     time.Time             `json:"-"`
	Approvals []sashlock.OperatorID `json:"approvals,omitempty"`
	Answer    string                `json:"answer,omitempty"` // the words of whoever turned it down
	Answerer  sashlock.OperatorID   `json:"answerer,omitempty"`
	Answered  time.Time             `json:"answered,omitzero"`
	Grant     string                `json:"grant,omitempty"` // slug of the grant that it became
	Until     time.Time             `json:"until,omitzero"`  // of that grant
	Auto      bool                  `json:"auto,omitempty"`  // granted at once, as before
	Rev       int64                 `json:"-"`
}

// place is what an ask is for.
func (a Ask) place() string {
	if a.Opening != "" {
		return string(a.Opening)
	}
	return string(a.Area)
}

// grant is what an ask becomes.
func (a Ask) grant() sashlock.Grant {
	return sashlock.Grant{Slug: strings.ReplaceAll(a.ID, "_", "-"), Person: a.Person, Opening: a.Opening, Area: a.Area}
}

// AreaIn is the area in which the ask is.
func (a Ask) AreaIn(b *flow.Book) sashlock.AreaID {
	if a.Opening != "" {
		return b.Openings[a.Opening].Area
	}
	return a.Area
}

// High reports whether an ask is for what is worth most.
func (a Ask) High(b *flow.Book) bool { return high(b, a.Opening, a.Area, "") }

// Needs is how many have to approve an ask.
func (a Ask) Needs(b *flow.Book) int {
	if a.High(b) {
		return 2
	}
	return 1
}

// MayAnswer reports, as an error of kind denied, that somebody cannot answer an
// ask.
func (a Ask) MayAnswer(by By, rule Rule, b *flow.Book) error {
	switch {
	case by.ID == a.By || by.Person != "" && by.Person == a.Person:
		return denied("answering", lang.Mark("somebody else has to answer what you asked for"))
	case slices.Contains(a.Approvals, by.ID):
		return denied("answering", lang.Mark("you have approved it: a second person has to as well"))
	case by.Program && a.High(b):
		return denied("answering", lang.Mark("two people have to approve this in the console"))
	}
	return rule.Approves(by, a.AreaIn(b))
}

const askColumns = `id, person, site, state, filed, body, rev`

func scanAsk(scan store.Scan) (a Ask, err error) {
	var filed int64
	var body string
	if err := scan(&a.ID, &a.Person, &a.Site, &a.State, &filed, &body, &a.Rev); err != nil {
		return a, err
	}
	a.Filed = time.UnixMicro(filed).UTC()
	return a, json.Unmarshal([]byte(body), &a)
}

// FindAsk returns one ask.
func FindAsk(q store.Query, id string) (Ask, error) {
	return store.One(q, scanAsk, "ask", id, `SELECT `+askColumns+` FROM asks WHERE id = ?`, id)
}

// Standing returns the asks that wait for an answer, the oldest first.
func Standing(q store.Query) ([]Ask, error) {
	return store.Rows(q, scanAsk, `SELECT `+askColumns+` FROM asks WHERE state = ? ORDER BY filed, id`, Asked)
}

// Asks returns the newest asks.
func Asks(q store.Query, limit int) ([]Ask, error) {
	return store.Rows(q, scanAsk, `SELECT `+askColumns+` FROM asks ORDER BY filed DESC, id DESC LIMIT ?`, limit)
}

// AsksOf returns the newest asks for one person.
func AsksOf(q store.Query, person sashlock.PersonID, limit int) ([]Ask, error) {
	return store.Rows(q, scanAsk, `SELECT `+askColumns+` FROM asks WHERE person = ? ORDER BY filed DESC, id DESC LIMIT ?`, person, limit)
}

func (a *Ask) put(tx *store.Tx) error {
	body, err := encode(a)
	if err != nil {
		return err
	}
	a.Rev++
	return tx.Put("asks", "id", store.Fields{
		"id": a.ID, "person": a.Person, "site": a.Site, "place": a.place(), "state": string(a.State), "filed": store.Micros(a.Filed), "body": body, "rev": a.Rev,
	})
}

// Filing is what somebody asks for.
type Filing struct {
	Person  sashlock.PersonID
	Opening sashlock.OpeningID // exactly one of these two
	Area    sashlock.AreaID
	Length  time.Duration // 0: the longest that the site offers
	Words   string
}

// File files an ask. Who asks for somebody else has to have the scope access
// and to see the place. An ask that stands already is a conflict, too many of
// them a limit.
func (r *Room) File(ctx context.Context, by By, f Filing) (Ask, error) {
	book := r.Hall.Book()
	a, err := begin(book, by, f)
	if err != nil {
		return a, err
	}
	filed := a
	err = r.change(ctx, by.ID, func(tx *store.Tx) (flow.Edit, error) {
		a = filed
		rule, err := FindRule(tx, a.Site)
		if err != nil {
			return flow.Edit{}, err
		}
		lengths := rule.Lengths(book.Sites[a.Site])
		if a.Length == 0 {
			a.Length = lengths[len(lengths)-1]
		}
		if !slices.Contains(lengths, a.Length) {
			return flow.Edit{}, invalid("asking for access", "length", lang.Mark("choose one of the times offered"))
		}
		if err := a.room(tx); err != nil {
			return flow.Edit{}, err
		}
		a.ID, a.State, a.Filed = newID("ask", tx.Now()), Asked, tx.Now()
		edit := flow.Edit{Events: []sashlock.Event{{
			Kind: sashlock.AskFiled, Person: a.Person, Site: a.Site, Opening: a.Opening, Subject: a.ID,
			Data: data(map[string]any{"area": a.Area, "hours": int(a.Length.Hours())}),
		}}}
		auto, err := a.asBefore(tx, book, rule)
		if err != nil || !auto {
			return edit, errors.Join(err, a.put(tx))
		}
		a.Auto = true
		more, err := r.make(tx, &a, "as granted before")
		join(&edit, more)
		return edit, err
	})
	return a, err
}

// begin checks what can be checked without the tables.
func begin(book *flow.Book, by By, f Filing) (Ask, error) {
	const op = "asking for access"
	text, err := words(op, "reason", f.Words)
	if err != nil {
		return Ask{}, err
	}
	a := Ask{Person: f.Person, Opening: f.Opening, Area: f.Area, By: by.ID, Length: f.Length, Words: text}
	o, isOpening := book.Openings[f.Opening]
	area, isArea := book.Areas[f.Area]
	switch {
	case isOpening == isArea, f.Opening != "" && f.Area != "":
		return a, invalid(op, "place", lang.Mark("choose what to open"))
	case isOpening:
		a.Site = o.Site
	default:
		a.Site = area.Site
	}
	if p, known := book.People[f.Person]; !known || p.Suspended {
		return a, invalid(op, "person", lang.Mark("choose somebody who is not suspended"))
	}
	mine := by.Person == f.Person
	if !by.sees(a.Site, a.AreaIn(book)) || !mine && !by.may(scopeAccess) && !by.Program {
		return a, denied(op, lang.Mark("you may ask only for yourself, and only where you work"))
	}
	return a, nil
}

// room checks that one more ask may stand.
func (a Ask) room(tx *store.Tx) error {
	var same, today, here int
	err := tx.QueryRow(`SELECT (SELECT COUNT(*) FROM asks WHERE person = ? AND place = ? AND state = 'asked'),
		(SELECT COUNT(*) FROM asks WHERE person = ? AND filed > ?), (SELECT COUNT(*) FROM asks WHERE site = ? AND state = 'asked')`,
		a.Person, a.place(), a.Person, store.Micros(tx.Now().Add(-24*time.Hour)), a.Site).Scan(&same, &today, &here)
	limit := func(hint string) error {
		return &sashlock.Error{Kind: sashlock.Limit, Op: "asking for access", Hint: hint}
	}
	switch {
	case err != nil:
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: "reading asks", Err: err}
	case same > 0:
		return conflict("asking for access", lang.Mark("this was asked for already and waits for an answer"))
	case today >= mostADay:
		return limit(lang.Mark("that is enough for one day: talk to whoever runs the store"))
	case here >= mostAtOnce:
		return limit(lang.Mark("too many requests wait for an answer: talk to whoever runs the store"))
	}
	return nil
}

// asBefore reports whether an ask may be granted at once, because an operator
// granted the same to the same person not long ago.
func (a Ask) asBefore(tx *store.Tx, book *flow.Book, rule Rule) (bool, error) {
	if !rule.Auto || !plain(book, a) {
		return false, nil
	}
	before, err := store.Rows(tx, scanAsk, `SELECT `+askColumns+` FROM asks WHERE person = ? AND place = ? AND state = ? ORDER BY filed DESC LIMIT 50`, a.Person, a.place(), Approved)
	return slices.ContainsFunc(before, func(b Ask) bool { return !b.Auto && b.Answered.After(tx.Now().Add(-AutoWithin)) }), err
}

// plain reports whether everything that an ask is for is of the lowest class.
func plain(book *flow.Book, a Ask) bool {
	for _, o := range book.Openings {
		if (o.ID == a.Opening || a.Area != "" && o.Area == a.Area) && o.Class != sashlock.Standard {
			return false
		}
	}
	return true
}

// make turns an ask into a grant.
func (r *Room) make(tx *store.Tx, a *Ask, why string) (flow.Edit, error) {
	book := r.Hall.Book()
	g := a.grant()
	g.Until = tx.Now().Add(a.Length).Truncate(time.Minute)
	edit, err := r.Granting.Save(tx, estate.FromGrant(g, ref(book)), find(book), 0)
	if err != nil {
		return edit, err
	}
	a.State, a.Answered, a.Grant, a.Until = Approved, tx.Now(), g.Slug, g.Until
	answered := sashlock.Event{Kind: sashlock.AskAnswered, Person: a.Person, Site: a.Site, Opening: a.Opening, Subject: a.ID, Why: why}
	if len(edit.Access.Put.Grants) > 0 {
		answered.Grant = edit.Access.Put.Grants[0].ID
	}
	edit.Events = append(edit.Events, answered)
	if len(a.Approvals) > 0 && a.Approvals[0] != a.By {
		edit.Seconded = a.Approvals[0]
	}
	return edit, a.put(tx)
}

// Approve approves an ask of which somebody saw a revision, and makes the grant
// unless another approval is missing.
func (r *Room) Approve(ctx context.Context, by By, id string, rev int64) (Ask, error) {
	return r.answer(ctx, by, id, rev, func(tx *store.Tx, a *Ask) (flow.Edit, error) {
		book := r.Hall.Book()
		_, _, there := Place(book, a.grant())
		if p := book.People[a.Person]; p.Suspended || !there {
			return flow.Edit{}, conflict("approving", lang.Mark("the person is suspended, or what they asked for is gone: turn it down"))
		}
		a.Approvals = append(slices.Clone(a.Approvals), by.ID)
		a.Answerer = by.ID
		if len(a.Approvals) < a.Needs(book) {
			return flow.Edit{Events: []sashlock.Event{{
				Kind: sashlock.AskAnswered, Person: a.Person, Site: a.Site, Opening: a.Opening, Subject: a.ID, Why: "first of two approvals",
			}}}, a.put(tx)
		}
		return r.make(tx, a, "approved")
	})
}

// TurnDown turns an ask down, with a word to whoever asked.
func (r *Room) TurnDown(ctx context.Context, by By, id, why string, rev int64) (Ask, error) {
	text, err := words("turning down", "word", why)
	if err != nil {
		return Ask{}, err
	}
	return r.answer(ctx, by, id, rev, func(tx *store.Tx, a *Ask) (flow.Edit, error) {
		a.State, a.Answer, a.Answerer, a.Answered = Denied, text, by.ID, tx.Now()
		return flow.Edit{Events: []sashlock.Event{{
			Kind: sashlock.AskAnswered, Person: a.Person, Site: a.Site, Opening: a.Opening, Subject: a.ID, Why: "turned down",
		}}}, a.put(tx)
	})
}

func (r *Room) answer(ctx context.Context, by By, id string, rev int64, act func(*store.Tx, *Ask) (flow.Edit, error)) (Ask, error) {
	var a Ask
	err := r.change(ctx, by.ID, func(tx *store.Tx) (_ flow.Edit, err error) {
		if a, err = FindAsk(tx, id); err != nil {
			return flow.Edit{}, err
		}
		rule, err := FindRule(tx, a.Site)
		if err != nil {
			return flow.Edit{}, err
		}
		done := a.State != Asked && slices.Contains(a.Approvals, by.ID) // they know what became of it
		if err := a.MayAnswer(by, rule, r.Hall.Book()); err != nil && !done {
			return flow.Edit{}, err
		}
		if a.State != Asked || !tx.Now().Before(a.Filed.Add(AskLife)) {
			return flow.Edit{}, conflict("answering", lang.Mark("it is answered already, or has lapsed"))
		}
		if err := store.CheckRev("ask", a.ID, a.Rev, rev); err != nil {
			return flow.Edit{}, err
		}
		return act(tx, &a)
	})
	return a, err
}
