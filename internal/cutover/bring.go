// SPDX-License-Identifier: Apache-2.0

package cutover

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/table"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// The rules of bringing cards over are:
//
//   - First the list is compared with what is here; nothing changes, and the
//     answer is a plan with a hash. Applied is that plan, or nothing: it is made
//     again within the transaction, from what stands then.
//   - A list with one problem does nothing at all.
//   - Somebody is found by short name, by the number of the personnel system, by a
//     name that only one person has, or, where a row names nobody, by the card.
//     Otherwise they are new.
//   - A card that is somebody else's here, or was lost, is a problem. PINs are
//     never read.
//   - A door of the list gives a grant of its own to that opening, with the dates
//     of the card. Applying the same list again finds it and changes nothing.

// Held is a card as it is known here.
type Held struct {
	Person sashlock.PersonID
	Lost   bool
}

// Records are what cards are brought into; package app fills them in.
type Records struct {
	Store    *store.Store
	Hall     *flow.Hall
	Find     func(book *flow.Book) estate.Lookup // what declared forms refer to
	Staff    func(q store.Query) (byNumber map[string]sashlock.PersonID, err error)
	Card     func(q store.Query, card wiegand.Bits) (Held, bool, error)
	Grant    func(q store.Query, slug string) (sashlock.Grant, error)
	Join     func(tx *store.Tx, p estate.Person, find estate.Lookup, rev int64) (flow.Edit, error)
	Allow    func(tx *store.Tx, g estate.Grant, find estate.Lookup, rev int64) (flow.Edit, error)
	Give     func(tx *store.Tx, person sashlock.PersonID, label string, card wiegand.Bits, from, until time.Time) ([]sashlock.Event, error)
	Together func(ctx context.Context, by sashlock.OperatorID, edit func(tx *store.Tx) (flow.Edit, error)) error
}

// What a list of cards does.
const (
	NewPerson = "person" // somebody who was not here
	NewCard   = "card"
	NewGrant  = "grant" // a door of the list
	NewDates  = "dates" // of such a grant
)

// Step is one thing that a list of cards does.
type Step struct {
	What    string
	Row     int
	Slug    string // of the person
	Name    string
	Person  sashlock.PersonID // empty: new
	Opening string            // short name, of a grant
	From    time.Time
	Until   time.Time

	card  wiegand.Bits
	grant string
	rev   int64
}

// Plan is what a list of cards would do, or what is wrong with it.
type Plan struct {
	table.Findings
	Steps []Step
	Count map[string]int // of each sort of step
	Same  int            // cards that are here already
	Hash  string         // stands for all of the steps
}

// Preview tells what a list of cards would do.
func (r Records) Preview(ctx context.Context, content []byte, opts CardOptions) (plan Plan, err error) {
	list := readCards(content, opts)
	book := r.Hall.Book()
	err = r.Store.View(ctx, func(q store.Query) error {
		plan, err = r.plan(q, book, list)
		return err
	})
	return plan, err
}

// Bring does what a list says, if that is still the plan with the given hash.
// Otherwise the error is of kind conflict, or invalid where the list is wrong,
// and the plan says how things are now.
func (r Records) Bring(ctx context.Context, by sashlock.OperatorID, content []byte, opts CardOptions, hash string) (plan Plan, err error) {
	list := readCards(content, opts)
	err = r.Together(ctx, by, func(tx *store.Tx) (edit flow.Edit, err error) {
		again := *list
		again.Findings.Problems = append([]table.Problem(nil), list.Problems...)
		if plan, err = r.plan(tx, r.Hall.Book(), &again); err != nil {
			return edit, err
		}
		switch {
		case plan.Wrong > 0:
			return edit, &sashlock.Error{Kind: sashlock.Invalid, Op: "bringing cards over", Subject: "file", Hint: lang.Mark("something is wrong with the list; nothing was changed")}
		case plan.Hash != hash:
			return edit, &sashlock.Error{Kind: sashlock.Conflict, Op: "bringing cards over", Hint: lang.Mark("what the list would do is no longer what you saw; look at it again, nothing was changed"), Err: store.ErrChanged}
		}
		return r.carryOut(tx, plan.Steps)
	})
	return plan, err
}

// planner compares a list of cards with what is here.
type planner struct {
	Records
	q        store.Query
	book     *flow.Book
	list     *cardReader
	plan     Plan
	bySlug   map[string]sashlock.PersonID
	byName   map[string][]sashlock.PersonID
	byNumber map[string]sashlock.PersonID
	openings map[string]sashlock.Opening
	fresh    map[string]string // people of this list who are new, and their short names
	taken    map[string]bool
}

func (r Records) plan(q store.Query, book *flow.Book, list *cardReader) (Plan, error) {
	p := &planner{
		Records: r, q: q, book: book, list: list, plan: Plan{Steps: []Step{}, Count: map[string]int{}},
		bySlug: map[string]sashlock.PersonID{}, byName: map[string][]sashlock.PersonID{}, openings: map[string]sashlock.Opening{},
		fresh: map[string]string{}, taken: map[string]bool{},
	}
	var err error
	if p.byNumber, err = r.Staff(q); err != nil {
		return Plan{}, err
	}
	for id, one := range book.People {
		p.taken[one.Slug] = true
		if !one.IsGuest() {
			p.bySlug[one.Slug] = id
			name := table.PlainWords(one.Name, ' ')
			p.byName[name] = append(p.byName[name], id)
		}
	}
	for _, o := range book.Openings {
		p.openings[o.Slug] = o
	}
	for column, slug := range list.doors {
		if _, known := p.openings[slug]; !known {
			list.Problem(0, list.heads[column], lang.Say("there is no opening %q", sashlock.Clip(slug)), lang.Say("write the short name of an opening"))
		}
	}
	for i := range list.rows {
		if err := p.row(&list.rows[i]); err != nil {
			return Plan{}, err
		}
	}
	p.plan.Findings = list.Findings
	if list.Wrong > 0 {
		p.plan = Plan{Findings: list.Findings, Steps: []Step{}, Count: map[string]int{}}
	}
	p.plan.Hash = p.plan.hash()
	return p.plan, nil
}

// row plans what one row does.
func (p *planner) row(row *carried) error {
	held, known, err := p.Card(p.q, row.card)
	if err != nil {
		return err
	}
	who, found := p.find(row, held, known && !held.Lost)
	if !found {
		return nil
	}
	switch {
	case known && held.Lost:
		p.list.Problem(row.row, p.list.head(numberCard), lang.Say("this card was reported lost"), lang.Say("take the row out, or remove the lost card first"))
	case known && held.Person != who.Person:
		p.list.Problem(row.row, p.list.head(numberCard), lang.Say("this card is somebody else's here"), lang.Say("take the row out, or remove the card from them first"))
	case known:
		p.plan.Same++
	default:
		p.step(row, who, Step{What: NewCard, card: row.card, From: row.from, Until: row.until})
	}
	for _, column := range row.doors {
		if err := p.door(row, who, p.list.doors[column]); err != nil {
			return err
		}
	}
	return nil
}

func (p *planner) step(row *carried, who, s Step) {
	s.Row, s.Slug, s.Name, s.Person = row.row, who.Slug, who.Name, who.Person
	p.plan.Steps = append(p.plan.Steps, s)
	p.plan.Count[s.What]++
}

// find finds whose a row is, or plans for somebody new; false: nobody, which is
// a problem.
func (p *planner) find(row *carried, held Held, theirs bool) (who Step, found bool) {
	id, known := p.bySlug[row.slug]
	if !known && row.external != "" {
		id, known = p.byNumber[row.external]
	}
	if nobody := row.slug + row.external + row.name; nobody == "" && theirs {
		id, known = held.Person, true
	}
	same := p.byName[table.PlainWords(row.name, ' ')]
	if !known && row.slug == "" && row.name != "" && len(same) > 0 {
		if len(same) > 1 {
			p.list.Problem(row.row, p.list.head(nameCard), lang.Say("several people here have this name"), lang.Say("add a column slug or external_id that tells them apart"))
			return who, false
		}
		id, known = same[0], true
	}
	if known {
		one := p.book.People[id]
		return Step{Person: id, Slug: one.Slug, Name: one.Name}, true
	}
	if row.name == "" {
		p.list.Problem(row.row, p.list.head(numberCard), lang.Say("nobody here has this card, and the row names nobody"), lang.Say("add a column with names, or short names that are known"))
		return who, false
	}
	key := row.slug + "\x00" + row.external + "\x00" + row.name
	slug, met := p.fresh[key]
	who = Step{Slug: slug, Name: row.name}
	if met {
		return who, true
	}
	who.Slug = p.free(row)
	p.fresh[key], p.taken[who.Slug] = who.Slug, true
	p.step(row, who, Step{What: NewPerson})
	return who, true
}

// free is a short name for somebody new.
func (p *planner) free(row *carried) string {
	const room = 34 // for a number behind it
	slug := row.slug
	if slug == "" {
		slug = table.PlainWords(row.name, '-')
		slug = strings.Trim(slug[:min(len(slug), room)], "-")
	}
	if slug == "" {
		slug = "person"
	}
	free := slug
	for n := 2; p.taken[free]; n++ {
		free = fmt.Sprint(slug, "-", n)
	}
	return free
}

// door plans the grant of a door.
func (p *planner) door(row *carried, who Step, slug string) error {
	o, known := p.openings[slug]
	if !known {
		return nil // said already
	}
	s := Step{What: NewGrant, Opening: slug, From: row.from, Until: row.until, grant: grantSlug(who.Slug, slug)}
	if who.Person != "" {
		was, err := p.Grant(p.q, s.grant)
		switch {
		case err == nil && was.From.Equal(row.from) && was.Until.Equal(row.until) && was.Person == who.Person && was.Opening == o.ID:
			return nil
		case err == nil:
			s.What, s.rev = NewDates, was.Rev
		case !sashlock.IsKind(err, sashlock.NotFound):
			return err
		}
	}
	p.step(row, who, s)
	return nil
}

// grantSlug is the short name of the grant that a door of a list gives: the same
// for the same person and opening.
func grantSlug(person, opening string) string {
	sum := sha256.Sum256([]byte(person + "\x00" + opening))
	text := strings.Trim((opening + strings.Repeat(" ", 20))[:20], " -") + "-" + hex.EncodeToString(sum[:6])
	return "door-" + text
}

// hash stands for the steps. It is made of what the list itself says.
func (p Plan) hash() string {
	h := sha256.New()
	for _, s := range p.Steps {
		fmt.Fprintln(h, s.What, s.Row, s.Slug, s.Person, s.Opening, s.From.Unix(), s.Until.Unix(), s.card, s.grant, s.rev)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// carryOut does the steps of a plan.
func (r Records) carryOut(tx *store.Tx, steps []Step) (whole flow.Edit, err error) {
	known := r.Find(r.Hall.Book())
	joined := map[string]sashlock.PersonID{}
	find := func(k estate.Kind, ref string) string {
		if id, is := joined[ref]; is && k == estate.People {
			return string(id)
		}
		return known(k, ref)
	}
	for _, s := range steps {
		var edit flow.Edit
		switch s.What {
		case NewPerson:
			if edit, err = r.Join(tx, estate.Person{Slug: s.Slug, Name: s.Name}, find, 0); err == nil {
				joined[s.Slug] = edit.Access.Put.People[0].ID
			}
		case NewCard:
			person := s.Person
			if person == "" {
				person = joined[s.Slug]
			}
			edit.Events, err = r.Give(tx, person, label(s.card), s.card, s.From, s.Until)
		default:
			g := estate.Grant{Slug: s.grant, Person: s.Slug, Opening: s.Opening, From: instant(s.From), Until: instant(s.Until)}
			edit, err = r.Allow(tx, g, find, s.rev)
		}
		if err != nil {
			return flow.Edit{}, fmt.Errorf("row %d: %w", s.Row, err)
		}
		whole.Events = append(whole.Events, edit.Events...)
		whole.Access.Put.People = append(whole.Access.Put.People, edit.Access.Put.People...)
		whole.Access.Put.Grants = append(whole.Access.Put.Grants, edit.Access.Put.Grants...)
		if len(whole.Danger) == 0 {
			whole.Danger = edit.Danger
		}
	}
	return whole, nil
}

func instant(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}
