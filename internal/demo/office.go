// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/rails"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of the office are:
//
//   - What was asked for and answered in the last two weeks is there, and of each
//     sort something waits: access asked for by an associate that one of two has
//     approved, access that one word settles, a change of a guard rail and a grant
//     that a second operator has to confirm, a review with lines still open.
//   - What waits is by one of the identities and can be answered by another, the
//     visitor's among them.
//   - Nobody waits for long: what is asked lapses as it does in a store.

// setUpDays is how long before the demo the stores were declared: long enough
// for grants that nobody used since to be found.
const setUpDays = 190

// leftovers are grants that nobody needs any more, as every store has them.
func leftovers(start time.Time) []estate.Grant {
	day := func(ago int) string { return start.AddDate(0, 0, -ago).UTC().Format(time.RFC3339) }
	return []estate.Grant{
		{Slug: "rui-stock-take", Person: "rui", Area: "lisbon/stock", From: day(40), Until: day(38)},
		{Slug: "marta-fragrance", Person: "marta", Area: "lisbon/fragrance", Schedule: "late"},
		{Slug: "ana-fragrance-2", Person: "ana", Opening: "fragrance-2", Schedule: "early"},
		{Slug: "joana-vending", Person: "joana", Opening: "vending-1", Schedule: "late"},
		{Slug: "fatima-loading-dock", Person: "fatima", Opening: "loading-dock", Schedule: "deliveries", Until: day(-700)},
	}
}

// office thinks of what operators did for and against each other. Moments are
// those before the start, so that what waits has waited for hours and not days.
func (c *chronicle) office() {
	before := func(d time.Duration, do act) { c.act(c.until.Add(-d), do) }
	const day = 24 * time.Hour
	before(13*day, secondLook)
	before(12*day+5*time.Hour, handOut("v-02", "rui", 8*time.Hour))
	before(12*day+time.Hour, takeBack("rui"))
	before(9*day, quarterly)
	before(6*day, elevated)
	before(5*day, ask("", "loading-dock", 4*time.Hour, "A pallet of fragrance stands in the rain.", turnedDown("Deliveries are for the stock team: Hugo is in until ten.")))
	before(4*day, loseCard)
	before(3*day, ask("rui", "locker-5", 7*day, "The door of the locker drags; parts come on Thursday.", approved(signin.Owner)))
	before(2*day, unused)
	before(26*time.Hour, handOut("c-01", "nelson", 6*time.Hour))
	before(5*time.Hour, weaken)
	before(3*time.Hour+20*time.Minute, ask("", "cage-1", 4*time.Hour, "Counting the testers that are kept in the cage.", approved(signin.Manager)))
	before(3*time.Hour, handOut("s-01", "hugo", 9*time.Hour))
	before(80*time.Minute, ask("tomas", "spirits", 24*time.Hour, "Covers for Joana, who is ill.", nil))
	before(50*time.Minute, held)
	before(6*time.Minute, askElevation)
}

// by is on whose behalf a persona, or the visitor, acts.
func (s *shop) by(r signin.Role) approvals.By {
	o := signin.Operator{ID: s.operator, Role: signin.Owner}
	for _, p := range s.staff.personas {
		if p.operator.Role == r {
			o = p.operator
		}
	}
	return approvals.By{ID: o.ID, Person: o.Person, May: func(scope string) bool { return o.May(signin.Scope(scope)) }, Sees: o.Sees}
}

// dockRail is a guard rail of the flagship itself.
const dockRail = `// No lorry comes at night; whoever rings then is asked to wait.
@id("dock-at-night")
@reason("The loading dock stays shut between midnight and five.")
@fix("Wait until five, or let security look at who is there.")
forbid (principal, action == Action::"open", resource == Opening::"loading-dock")
when { context.hour < 5 };
`

// secondLook makes changes of guard rails wait for a second operator, lets the
// flagship grant again at once what it granted before, and gives it a guard rail
// of its own.
func secondLook(ctx context.Context, s *shop) error {
	err := s.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
		return rails.Save(tx, rails.Rail{Slug: "dock-at-night", Text: dockRail, Site: s.site("lisbon")[0]}, 0)
	})
	if err != nil {
		return err
	}
	if _, err := s.house.Approvals.SaveSettings(ctx, s.by(signin.Owner), approvals.Settings{Kinds: []string{approvals.RailKind}}, ""); err != nil {
		return err
	}
	return s.house.Approvals.SaveRule(ctx, s.by(signin.Owner), approvals.Rule{Site: s.site("lisbon")[0], Auto: true})
}

// ask is somebody who asks for access to an opening or an area, and what became
// of it so far. The associate asks for themselves, for others their manager does.
func ask(person, place string, length time.Duration, words string, then func(context.Context, *shop, approvals.Ask) error) act {
	return func(ctx context.Context, s *shop) error {
		by := s.by(signin.Associate)
		f := approvals.Filing{Person: by.Person, Length: length, Words: words, Opening: s.openingCalled(place).ID}
		if person != "" {
			by, f.Person = s.by(signin.Manager), s.person(person)
		}
		if f.Opening == "" {
			for id, a := range s.house.Hall.Book().Areas {
				if a.Slug == place {
					f.Area = id
				}
			}
		}
		if f.Person == "" {
			return nil // nobody is on shift
		}
		a, err := s.house.Approvals.File(ctx, by, f)
		if err != nil || then == nil {
			return err
		}
		return then(ctx, s, a)
	}
}

// approved is one of the identities approving.
func approved(r signin.Role) func(context.Context, *shop, approvals.Ask) error {
	return func(ctx context.Context, s *shop, a approvals.Ask) error {
		_, err := s.house.Approvals.Approve(ctx, s.by(r), a.ID, a.Rev)
		return err
	}
}

// turnedDown is the manager saying no.
func turnedDown(words string) func(context.Context, *shop, approvals.Ask) error {
	return func(ctx context.Context, s *shop, a approvals.Ask) error {
		_, err := s.house.Approvals.TurnDown(ctx, s.by(signin.Manager), a.ID, words, a.Rev)
		return err
	}
}

// weaken is the manager proposing to do without a guard rail.
func weaken(ctx context.Context, s *shop) error {
	form, err := json.Marshal(rails.Proposed{Rail: rails.Rail{Slug: "dock-at-night", Site: s.site("lisbon")[0]}, Remove: true})
	if err != nil {
		return err
	}
	_, err = s.house.Approvals.Propose(ctx, s.by(signin.Manager), approvals.RailKind, form, 0, "From December the lorries come at four in the morning.")
	return err
}

// held is a grant for what is worth most that its maker wants looked at.
func held(ctx context.Context, s *shop) error {
	form, err := json.Marshal(estate.Grant{
		Slug: "elisa-cage-2", Person: "elisa", Opening: "cage-2", Schedule: "early", OnShift: true,
		Until: s.house.Now().AddDate(0, 0, 14).UTC().Truncate(time.Minute).Format(time.RFC3339),
	})
	if err != nil {
		return err
	}
	_, err = s.house.Approvals.Propose(ctx, s.by(signin.Manager), approvals.GrantKind, form, 0, "Elisa looks after the cage while Filipe is away.")
	return err
}

// quarterly is a review that was gone through to its end.
func quarterly(ctx context.Context, s *shop) error {
	by := s.by(signin.Manager)
	v, err := s.house.Approvals.Begin(ctx, by, approvals.Review{
		Name: "What is worth most, third quarter", Scope: approvals.Scope{Site: s.site("lisbon")[0], High: true}, Reviewer: s.operator, Due: s.house.Now().AddDate(0, 0, 7),
	})
	if err != nil {
		return err
	}
	if _, err := s.house.Approvals.Answers(ctx, s.by(signin.Owner), v.ID, s.lines(ctx, v.ID, 0), approvals.KeepIt, "Gone through with the manager of the store."); err != nil {
		return err
	}
	_, err = s.house.Approvals.Finish(ctx, by, v.ID)
	return err
}

// unused is a review of what nobody used for long, begun by the visitor for the
// manager, who has answered some of it.
func unused(ctx context.Context, s *shop) error {
	if err := s.house.Approvals.Count(ctx); err != nil {
		return err
	}
	manager := s.by(signin.Manager)
	v, err := s.house.Approvals.Begin(ctx, s.by(signin.Owner), approvals.Review{
		Name: "Unused for 90 days", Scope: approvals.Scope{Site: s.site("lisbon")[0], Unused: 90}, Reviewer: manager.ID, Due: s.house.Now().AddDate(0, 0, 12),
	})
	if err != nil {
		return err
	}
	_, err = s.house.Approvals.Answers(ctx, manager, v.ID, s.lines(ctx, v.ID, 2), approvals.KeepIt, "Needed when the other door is out of order.")
	return err
}

// lines are the numbers of the first lines of a review; 0: of all of them.
func (s *shop) lines(ctx context.Context, review string, most int) (numbers []int) {
	_ = s.house.Store.View(ctx, func(q store.Query) error { // without them the answer names none, which is an error
		all, err := approvals.Lines(q, review)
		for _, l := range all {
			if most == 0 || len(numbers) < most {
				numbers = append(numbers, l.Number)
			}
		}
		return err
	})
	return numbers
}

// elevated is the engineer with the role of a manager for a while, to whom the
// visitor agreed, and who gave it back.
func elevated(ctx context.Context, s *shop) error {
	gil, owner := s.by(signin.Engineer).ID, s.operator
	mine, _, err := s.house.Signin.Begin(ctx, gil, signin.ByPasskey, "Firefox on Linux")
	if err != nil {
		return err
	}
	theirs, _, err := s.house.Signin.Begin(ctx, owner, signin.ByPasskey, "Safari on iPhone")
	if err != nil {
		return err
	}
	e, err := s.house.Signin.AskElevation(ctx, mine, signin.Manager, 2*time.Hour, "The manager is on a plane and a shift has to be swapped.", false)
	if err != nil {
		return err
	}
	if _, err := s.house.Signin.Agree(ctx, theirs, e.ID); err != nil {
		return err
	}
	if err := s.house.Signin.EndElevation(ctx, mine.Operator, e.ID); err != nil {
		return err
	}
	for _, one := range []signin.Session{mine, theirs} {
		if err := s.house.Signin.End(ctx, one.Operator.ID, one.ID); err != nil {
			return err
		}
	}
	return nil
}

// askElevation is loss prevention asking for more.
func askElevation(ctx context.Context, s *shop) error {
	session, _, err := s.house.Signin.Begin(ctx, s.by(signin.Protection).ID, signin.ByPasskey, "Chrome on Windows")
	if err != nil {
		return err
	}
	_, err = s.house.Signin.AskElevation(ctx, session, signin.Manager, time.Hour, "Nobody answers in the office, and a courier stands at a locked dock.", false)
	return err
}

// place puts those who are at work into the areas they were last let into.
func (s *shop) place(p sashlock.Person, n int, state *sashlock.PersonState) {
	through := []string{"staff-entrance", "stock-door", "", "staff-entrance"}[n%4]
	if !slices.Contains([]string{"early-team", "late-team", "night-team", "manager"}, s.roleOf(p)) || through == "" {
		return
	}
	o := s.openingCalled(through)
	state.Opening, state.Area, state.Last = o.ID, o.Area, state.Since
}

// roleOf is the first role of somebody.
func (s *shop) roleOf(p sashlock.Person) string {
	for _, id := range p.Roles {
		return s.house.Hall.Book().Roles[id].Slug
	}
	return ""
}
