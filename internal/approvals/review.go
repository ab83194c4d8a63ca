// SPDX-License-Identifier: Apache-2.0

package approvals

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of a review are:
//
//   - It lists what there is when it begins; what is given later is no part of
//     it.
//   - Its reviewer answers each line, or whoever began it. Nobody keeps what
//     they hold themselves.
//   - What is taken is taken at once. What is gone by itself counts as gone.
//   - It ends when it is ended, with counts; what nobody answered stays as it
//     is, and is counted too.

// The states of a review.
const (
	Running = "running"
	Ended   = "ended"
)

// The answers to a line of a review.
const (
	KeepIt   = "keep"
	RemoveIt = "remove"
	Gone     = "gone" // it was not there any more
)

// mostLines is how many lines a review may have.
const mostLines = 5000

// Scope says what a review goes through. All of it has to be met.
type Scope struct {
	Site    sashlock.SiteID `json:"site,omitempty"`    // empty: all that whoever begins it sees
	Role    sashlock.RoleID `json:"role,omitempty"`    // grants to this role
	Unused  int             `json:"unused,omitempty"`  // days; 0: used or not
	High    bool            `json:"high,omitempty"`    // for what is worth most
	Members bool            `json:"members,omitempty"` // who has the role, instead of grants
}

// Review goes through grants one by one.
type Review struct {
	ID       string              `json:"-"`
	State    string              `json:"-"`
	Name     string              `json:"name"`
	Scope    Scope               `json:"scope"`
	By       sashlock.OperatorID `json:"by"`
	Reviewer sashlock.OperatorID `json:"reviewer"`
	Began    time.Time           `json:"-"`
	Due      time.Time           `json:"due"`
	Ended    time.Time           `json:"ended,omitzero"`
	Counts   Counts              `json:"counts"`
	Rev      int64               `json:"-"`
}

// Overdue reports whether a review should have ended.
func (r Review) Overdue(now time.Time) bool { return r.State == Running && now.After(r.Due) }

// Counts are the answers of a review.
type Counts struct {
	Lines   int `json:"lines"`
	Kept    int `json:"kept"`
	Removed int `json:"removed"`
	Gone    int `json:"gone"`
}

// Open is how many lines have no answer.
func (c Counts) Open() int { return c.Lines - c.Kept - c.Removed - c.Gone }

// Line is one grant, or one person with a role, as it was when the review
// began.
type Line struct {
	Number int                 `json:"-"` // from 1
	Grant  sashlock.GrantID    `json:"grant,omitempty"`
	Slug   string              `json:"slug,omitempty"` // of the grant
	Person sashlock.PersonID   `json:"person,omitempty"`
	Role   sashlock.RoleID     `json:"role,omitempty"`
	Site   sashlock.SiteID     `json:"site,omitempty"`
	Area   sashlock.AreaID     `json:"area,omitempty"`
	From   time.Time           `json:"from,omitzero"`
	Until  time.Time           `json:"until,omitzero"`
	Uses   int                 `json:"uses,omitempty"`
	Last   time.Time           `json:"last,omitzero"`
	Giver  sashlock.OperatorID `json:"giver,omitempty"`
	Given  time.Time           `json:"given,omitzero"`
	Answer string              `json:"answer,omitempty"` // empty: none yet
	Words  string              `json:"words,omitempty"`
	By     sashlock.OperatorID `json:"by,omitempty"`
	At     time.Time           `json:"at,omitzero"`
}

// Seen reports whether a line concerns somebody.
func (l Line) Seen(by By) bool { return by.sees(l.Site, l.Area) }

func scanReview(scan store.Scan) (r Review, err error) {
	var began int64
	var body string
	if err := scan(&r.ID, &r.State, &began, &body, &r.Rev); err != nil {
		return r, err
	}
	r.Began = time.UnixMicro(began).UTC()
	return r, json.Unmarshal([]byte(body), &r)
}

const reviewColumns = `id, state, began, body, rev`

// Reviews returns the newest reviews, those that run first.
func Reviews(q store.Query, limit int) ([]Review, error) {
	return store.Rows(q, scanReview, `SELECT `+reviewColumns+` FROM reviews ORDER BY CASE state WHEN 'running' THEN 0 ELSE 1 END, began DESC, id DESC LIMIT ?`, limit)
}

// FindReview returns one review.
func FindReview(q store.Query, id string) (Review, error) {
	return store.One(q, scanReview, "review", id, `SELECT `+reviewColumns+` FROM reviews WHERE id = ?`, id)
}

// Lines returns the lines of a review, in order.
func Lines(q store.Query, review string) ([]Line, error) {
	return store.Rows(q, scanLine, `SELECT line, body FROM review_lines WHERE review = ? ORDER BY line`, review)
}

func scanLine(scan store.Scan) (l Line, err error) {
	var body string
	if err := scan(&l.Number, &body); err != nil {
		return l, err
	}
	return l, json.Unmarshal([]byte(body), &l)
}

func (r *Review) put(tx *store.Tx) error {
	body, err := encode(r)
	if err != nil {
		return err
	}
	r.Rev++
	return tx.Put("reviews", "id", store.Fields{"id": r.ID, "state": r.State, "began": store.Micros(r.Began), "body": body, "rev": r.Rev})
}

func (l Line) put(tx *store.Tx, review string) error {
	body, err := encode(l)
	if err != nil {
		return err
	}
	return tx.Put("review_lines", "review, line", store.Fields{"review": review, "line": l.Number, "body": body})
}

// Begin begins a review. One that would have no line is refused.
func (r *Room) Begin(ctx context.Context, by By, v Review) (Review, error) {
	const op = "beginning review"
	name, err := words(op, "name", v.Name)
	switch {
	case err != nil:
		return v, invalid(op, "name", lang.Mark("give it a name of 3 to 300 characters"))
	case !by.may(scopeAccess) || v.Scope.Site != "" && !by.sees(v.Scope.Site, ""):
		return v, denied(op, lang.Mark("you may not change access there"))
	case v.Reviewer == "":
		return v, invalid(op, "reviewer", lang.Mark("choose who reviews"))
	case !v.Due.After(r.Now()) || v.Due.After(r.Now().AddDate(1, 0, 0)):
		return v, invalid(op, "due", lang.Mark("choose a day within a year"))
	case v.Scope.Members && (v.Scope.Role == "" || r.Leave == nil):
		return v, invalid(op, "role", lang.Mark("choose the role whose people are reviewed"))
	case v.Scope.Unused < 0 || v.Scope.Unused > 3650:
		return v, invalid(op, "unused", lang.Mark("choose one of the times offered"))
	}
	v.Name = name
	begun := v
	err = r.change(ctx, by.ID, func(tx *store.Tx) (flow.Edit, error) {
		v = begun
		v.ID, v.State, v.By, v.Began = newID("rvw", tx.Now()), Running, by.ID, tx.Now()
		lines, err := r.lines(tx, by, v)
		if err != nil {
			return flow.Edit{}, err
		}
		if len(lines) == 0 || len(lines) > mostLines {
			return flow.Edit{}, invalid(op, "scope", lang.Mark("there is nothing like that to review, or too much at once"))
		}
		v.Counts = Counts{Lines: len(lines)}
		if err := v.put(tx); err != nil {
			return flow.Edit{}, err
		}
		for i, l := range lines {
			l.Number = i + 1
			if err := l.put(tx, v.ID); err != nil {
				return flow.Edit{}, err
			}
		}
		return flow.Edit{Events: []sashlock.Event{{
			Kind: sashlock.ReviewBegan, Site: v.Scope.Site, Subject: v.ID,
			Data: data(map[string]any{"scope": v.Scope, "reviewer": v.Reviewer, "due": v.Due, "lines": len(lines)}),
		}}}, nil
	})
	return v, err
}

// lines are what a review goes through.
func (r *Room) lines(tx *store.Tx, by By, v Review) ([]Line, error) {
	book := r.Hall.Book()
	if v.Scope.Members {
		return members(book, by, v.Scope), nil
	}
	all, err := r.Granting.List(tx)
	if err != nil {
		return nil, err
	}
	uses, err := Uses(tx)
	if err != nil {
		return nil, err
	}
	byPlace(book, all)
	var lines []Line
	for _, g := range all {
		site, area, _ := Place(book, g)
		u, s := useOf(uses, g.ID), v.Scope
		if !by.seesGrant(book, g) || s.Site != "" && s.Site != site || s.Role != "" && s.Role != g.Role || s.High && !High(book, g) ||
			s.Unused > 0 && !u.Idle(tx.Now(), time.Duration(s.Unused)*24*time.Hour) {
			continue
		}
		lines = append(lines, Line{
			Grant: g.ID, Slug: g.Slug, Person: g.Person, Role: g.Role, Site: site, Area: area, From: g.From, Until: g.Until,
			Uses: u.Uses, Last: u.Last, Giver: u.Giver, Given: u.Given,
		})
	}
	return lines, nil
}

// byPlace sorts grants as one goes through a store: what is for all of it, then
// area by area and opening by opening.
func byPlace(book *flow.Book, all []sashlock.Grant) {
	slices.SortStableFunc(all, func(a, b sashlock.Grant) int {
		siteA, areaA, _ := Place(book, a)
		siteB, areaB, _ := Place(book, b)
		return cmp.Or(
			strings.Compare(book.Sites[siteA].Name, book.Sites[siteB].Name),
			strings.Compare(book.Areas[areaA].Name, book.Areas[areaB].Name),
			strings.Compare(book.Openings[a.Opening].Name, book.Openings[b.Opening].Name),
			strings.Compare(a.Slug, b.Slug),
		)
	})
}

// members are the people with a role. They belong to no place, so only those of
// all sites review them.
func members(book *flow.Book, by By, s Scope) (lines []Line) {
	for _, p := range book.People {
		if slices.Contains(p.Roles, s.Role) && by.sees("", "") {
			lines = append(lines, Line{Person: p.ID, Role: s.Role, From: p.From, Until: p.Until})
		}
	}
	slices.SortFunc(lines, func(a, b Line) int {
		return cmp.Or(strings.Compare(book.People[a.Person].Name, book.People[b.Person].Name), cmp.Compare(a.Person, b.Person))
	})
	return lines
}

// MayReview reports, as an error of kind denied, that somebody cannot answer a
// review.
func (v Review) MayReview(by By) error {
	if !by.may(scopeAccess) || by.ID != v.Reviewer && by.ID != v.By {
		return denied("reviewing", lang.Mark("this review is for somebody else"))
	}
	return nil
}

// Answers answers lines of a review, all with the same words. What is removed
// is removed at once. Lines that have an answer are passed over.
func (r *Room) Answers(ctx context.Context, by By, id string, numbers []int, answer, why string) (Review, error) {
	const op = "reviewing"
	if answer != KeepIt && answer != RemoveIt || len(numbers) == 0 || len(numbers) > mostLines {
		return Review{}, invalid(op, "lines", lang.Mark("choose lines, and what to do with them"))
	}
	if why != "" {
		var err error
		if why, err = words(op, "reason", why); err != nil {
			return Review{}, err
		}
	}
	var v Review
	err := r.running(ctx, by, id, &v, func(tx *store.Tx) (edit flow.Edit, err error) {
		lines, err := Lines(tx, id)
		if err != nil {
			return edit, err
		}
		for _, l := range lines {
			if l.Answer != "" || !slices.Contains(numbers, l.Number) {
				continue
			}
			if !l.Seen(by) {
				return edit, denied(op, lang.Mark("you may not change access there"))
			}
			if answer == KeepIt && by.Person != "" && l.Person == by.Person {
				return edit, denied(op, lang.Mark("somebody else has to say that you need this"))
			}
			l.Answer, l.Words, l.By, l.At = answer, why, by.ID, tx.Now()
			more, err := r.settle(tx, &l)
			if err != nil {
				return edit, err
			}
			join(&edit, more)
			v.count(l.Answer)
			edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.ReviewAnswered, Grant: l.Grant, Person: l.Person, Site: l.Site, Subject: v.ID, Why: l.Answer})
			if err := l.put(tx, v.ID); err != nil {
				return edit, err
			}
		}
		return edit, nil
	})
	return v, err
}

func (v *Review) count(answer string) {
	switch answer {
	case KeepIt:
		v.Counts.Kept++
	case RemoveIt:
		v.Counts.Removed++
	case Gone:
		v.Counts.Gone++
	}
}

// settle does what the answer to a line says.
func (r *Room) settle(tx *store.Tx, l *Line) (flow.Edit, error) {
	if l.Grant == "" {
		p, known := r.Hall.Book().People[l.Person]
		if !known || !slices.Contains(p.Roles, l.Role) {
			l.Answer = Gone
			return flow.Edit{}, nil
		}
		if l.Answer == KeepIt {
			return flow.Edit{}, nil
		}
		return r.Leave(tx, l.Person, l.Role)
	}
	g, err := r.Granting.Find(tx, string(l.Grant))
	if sashlock.IsKind(err, sashlock.NotFound) {
		l.Answer = Gone
		return flow.Edit{}, nil
	}
	if err != nil || l.Answer == KeepIt {
		return flow.Edit{}, err
	}
	return r.Granting.Revoke(tx, string(g.ID), g.Rev)
}

// Finish ends a review.
func (r *Room) Finish(ctx context.Context, by By, id string) (Review, error) {
	var v Review
	err := r.running(ctx, by, id, &v, func(tx *store.Tx) (flow.Edit, error) {
		v.State, v.Ended = Ended, tx.Now()
		c := v.Counts
		return flow.Edit{Events: []sashlock.Event{{
			Kind: sashlock.ReviewEnded, Site: v.Scope.Site, Subject: v.ID,
			Data: data(map[string]any{"lines": c.Lines, "kept": c.Kept, "removed": c.Removed, "gone": c.Gone, "open": c.Open()}),
		}}}, nil
	})
	return v, err
}

// running changes a review that runs.
func (r *Room) running(ctx context.Context, by By, id string, v *Review, act func(tx *store.Tx) (flow.Edit, error)) error {
	return r.change(ctx, by.ID, func(tx *store.Tx) (_ flow.Edit, err error) {
		if *v, err = FindReview(tx, id); err != nil {
			return flow.Edit{}, err
		}
		if err := v.MayReview(by); err != nil {
			return flow.Edit{}, err
		}
		if v.State != Running {
			return flow.Edit{}, conflict("reviewing", lang.Mark("this review has ended"))
		}
		edit, err := act(tx)
		if err != nil {
			return edit, err
		}
		return edit, v.put(tx)
	})
}
