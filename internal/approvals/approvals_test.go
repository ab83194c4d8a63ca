// SPDX-License-Identifier: Apache-2.0

package approvals_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// shop is a house with a plain opening and somebody else besides what there is.
type shop struct {
	roomtest.Room
	site        sashlock.SiteID
	case1, door sashlock.OpeningID // the case is of class high
	ana, bob    sashlock.PersonID
	role        sashlock.RoleID
}

func open(r roomtest.Room) shop {
	r.T.Helper()
	s := shop{Room: r}
	s.Approvals.Others = nil // somebody always could confirm
	s.must(r.Change(func(tx *store.Tx) (flow.Edit, error) {
		return sites.SaveOpening(tx, estate.Opening{Slug: "door", Name: "Door", Kind: "door", Egress: "hardware", Site: "lisbon"}, roomtest.Lookup(tx), 0)
	}))
	s.must(r.Change(func(tx *store.Tx) (flow.Edit, error) {
		return people.Save(tx, estate.Person{Slug: "bob", Name: "Bob Dias"}, roomtest.Lookup(tx), 0)
	}))
	b := r.Hall.Book()
	for id := range b.Sites {
		s.site = id
	}
	for id := range b.Roles {
		s.role = id
	}
	for id, o := range b.Openings {
		if o.Slug == "door" {
			s.door = id
		} else {
			s.case1 = id
		}
	}
	for id, p := range b.People {
		if p.Slug == "bob" {
			s.bob = id
		} else {
			s.ana = id
		}
	}
	return s
}

func (s shop) must(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}

func (s shop) is(err error, kind sashlock.Kind) {
	s.T.Helper()
	if !sashlock.IsKind(err, kind) {
		s.T.Errorf("want %s, got %v", kind, err)
	}
}

// as is an operator who may do everything everywhere.
func as(id string) approvals.By {
	return approvals.By{
		ID: sashlock.OperatorID(id), May: func(string) bool { return true },
		Sees: func(sashlock.SiteID, sashlock.AreaID) bool { return true },
	}
}

// self is an associate, who may ask for themselves.
func self(id string, person sashlock.PersonID) approvals.By {
	by := as(id)
	by.Person, by.May = person, func(string) bool { return false }
	return by
}

func (s shop) file(by approvals.By, person sashlock.PersonID, opening sashlock.OpeningID) (approvals.Ask, error) {
	return s.Approvals.File(s.T.Context(), by, approvals.Filing{Person: person, Opening: opening, Words: "stocktaking tonight"})
}

func (s shop) grant(slug string) sashlock.Grant {
	s.T.Helper()
	var g sashlock.Grant
	s.View(func(q store.Query) (err error) { g, err = grants.Find(q, slug); return err })
	return g
}

// kinds are the events from a place in the ledger on.
func (s shop) kinds(from int64) (all []string) {
	s.T.Helper()
	events, err := s.Store.Events(s.T.Context(), store.EventQuery{From: from})
	s.must(err)
	for _, e := range events {
		all = append(all, strings.TrimSpace(string(e.Kind)+" "+e.Why))
	}
	return all
}

func TestApprovingMakesTheGrant(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		s := open(r)
		from := s.Store.Size()
		a, err := s.file(self("opr_bob", s.bob), s.bob, s.door)
		s.must(err)
		if a.State != approvals.Asked || a.Length != approvals.Longest || a.Needs(s.Hall.Book()) != 1 {
			t.Errorf("filed %+v", a)
		}
		if _, err := s.file(self("opr_bob", s.bob), s.bob, s.door); !sashlock.IsKind(err, sashlock.Conflict) {
			t.Errorf("asking twice: %v", err)
		}
		answer := func(by approvals.By, rev int64) error {
			_, err := s.Approvals.Approve(t.Context(), by, a.ID, rev)
			return err
		}
		s.is(answer(as("opr_bob"), a.Rev), sashlock.Denied) // filed it
		other := as("opr_other")
		other.Person = s.bob
		s.is(answer(other, a.Rev), sashlock.Denied)                // it is for them
		s.is(answer(self("opr_c", s.ana), a.Rev), sashlock.Denied) // lacks the scope
		blind := as("opr_d")
		blind.Sees = func(sashlock.SiteID, sashlock.AreaID) bool { return false }
		s.is(answer(blind, a.Rev), sashlock.Denied) // is elsewhere
		s.is(answer(as("opr_eve"), a.Rev+1), sashlock.Conflict)
		s.must(answer(as("opr_eve"), a.Rev))
		s.is(answer(as("opr_eve"), a.Rev+1), sashlock.Conflict) // answered
		s.View(func(q store.Query) (err error) { a, err = approvals.FindAsk(q, a.ID); return err })
		g := s.grant(a.Grant)
		if a.State != approvals.Approved || g.Person != s.bob || g.Opening != s.door || !g.Until.Equal(a.Until) {
			t.Errorf("%+v became %+v", a, g)
		}
		want := []string{"ask.filed", "grant.saved", "ask.answered approved"}
		if d := cmp.Diff(want, s.kinds(from)); d != "" {
			t.Error(d)
		}
	})
}

func TestWhatIsWorthMostTakesTwo(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		s := open(r)
		a, err := s.file(self("opr_bob", s.bob), s.bob, s.case1)
		s.must(err)
		program := as("opr_token")
		program.Program = true
		_, err = s.Approvals.Approve(t.Context(), program, a.ID, a.Rev)
		s.is(err, sashlock.Denied)
		a, err = s.Approvals.Approve(t.Context(), as("opr_1"), a.ID, a.Rev)
		s.must(err)
		if a.State != approvals.Asked || a.Grant != "" || len(a.Approvals) != 1 {
			t.Fatalf("after one approval: %+v", a)
		}
		_, err = s.Approvals.Approve(t.Context(), as("opr_1"), a.ID, a.Rev)
		s.is(err, sashlock.Denied) // the same again
		a, err = s.Approvals.Approve(t.Context(), as("opr_2"), a.ID, a.Rev)
		s.must(err)
		if s.grant(a.Grant).Opening != s.case1 {
			t.Error("no grant after two approvals")
		}
	})
}

func TestAskingHasLimits(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		s := open(r)
		bob := self("opr_bob", s.bob)
		refuse := func(f approvals.Filing, field string) {
			t.Helper()
			_, err := s.Approvals.File(t.Context(), bob, f)
			var e *sashlock.Error
			if !errors.As(err, &e) || e.Subject != field {
				t.Errorf("%+v: %v", f, err)
			}
		}
		good := approvals.Filing{Person: s.bob, Opening: s.door, Words: "because"}
		for _, text := range []string{"", "x", "a\x00b c", strings.Repeat("y", 301), "right\u202eleft"} {
			f := good
			f.Words = text
			refuse(f, "reason")
		}
		f := good
		f.Opening = "opn_forged"
		refuse(f, "place")
		f = good
		f.Length = time.Minute
		refuse(f, "length")
		f = good
		f.Person = "prs_forged"
		refuse(f, "person")
		_, err := s.file(bob, s.ana, s.door)
		s.is(err, sashlock.Denied) // for somebody else
		for range 5 {
			a, err := s.file(bob, s.bob, s.door)
			s.must(err)
			_, err = s.Approvals.TurnDown(t.Context(), as("opr_eve"), a.ID, "not today", a.Rev)
			s.must(err)
		}
		_, err = s.file(bob, s.bob, s.door)
		s.is(err, sashlock.Limit)
	})
}

func TestGrantedAgainAtOnceOnlyWhereTheRuleSaysSo(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		s := open(r)
		approve := func(opening sashlock.OpeningID) {
			a, err := s.file(self("opr_bob", s.bob), s.bob, opening)
			s.must(err)
			for _, id := range []string{"opr_1", "opr_2"}[:a.Needs(s.Hall.Book())] {
				a, err = s.Approvals.Approve(t.Context(), as(id), a.ID, a.Rev)
				s.must(err)
			}
		}
		approve(s.door)
		approve(s.case1)
		a, err := s.file(self("opr_bob", s.bob), s.bob, s.door)
		s.must(err)
		if a.State != approvals.Asked {
			t.Error("granted at once without a rule")
		}
		_, err = s.Approvals.TurnDown(t.Context(), as("opr_1"), a.ID, "no need", a.Rev)
		s.must(err)
		s.must(s.Approvals.SaveRule(t.Context(), as("opr_1"), approvals.Rule{Site: s.site, Auto: true}))
		if a, err = s.file(self("opr_bob", s.bob), s.bob, s.door); err != nil || a.State != approvals.Approved || !a.Auto {
			t.Errorf("with the rule: %+v, %v", a, err)
		}
		if a, err = s.file(self("opr_bob", s.bob), s.bob, s.case1); err != nil || a.State != approvals.Asked {
			t.Errorf("what is worth most: %+v, %v", a, err)
		}
		s.must(s.Approvals.SaveRule(t.Context(), as("opr_1"), approvals.Rule{Site: s.site, Approvers: []sashlock.OperatorID{"opr_9"}, Rev: 1}))
		_, err = s.Approvals.Approve(t.Context(), as("opr_1"), a.ID, a.Rev)
		s.is(err, sashlock.Denied) // the rule names somebody else
		s.is(s.Approvals.SaveRule(t.Context(), as("opr_1"), approvals.Rule{Site: s.site, Rev: 1}), sashlock.Conflict)
	})
}

func TestAProposalTakesASecondPerson(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		s := open(r)
		ctx := t.Context()
		high := sashlock.Grant{Person: s.bob, Opening: s.case1}
		if holds, err := s.Approvals.GrantWaits(ctx, as("opr_1"), high, sashlock.Grant{}); holds || err != nil {
			t.Errorf("held back before anybody said so: %v", err)
		}
		_, err := s.Approvals.SaveSettings(ctx, as("opr_1"), approvals.Settings{Kinds: []string{approvals.GrantKind}}, "")
		s.must(err)
		if holds, err := s.Approvals.GrantWaits(ctx, as("opr_1"), high, sashlock.Grant{}); !holds || err != nil {
			t.Errorf("not held back: %v", err)
		}
		if holds, _ := s.Approvals.GrantWaits(ctx, as("opr_1"), sashlock.Grant{Person: s.bob, Opening: s.door}, sashlock.Grant{}); holds {
			t.Error("a grant for a plain door is held back")
		}
		form, err := json.Marshal(estate.Grant{Slug: "bob-case", Person: "bob", Opening: "case-1", Until: "2027-02-01T00:00:00Z"})
		s.must(err)
		p, err := s.Approvals.Propose(ctx, as("opr_1"), approvals.GrantKind, form, 0, "needs it for the fair")
		s.must(err)
		_, err = s.Approvals.Confirm(ctx, as("opr_1"), p.ID, p.Rev)
		s.is(err, sashlock.Denied)
		program := as("opr_3")
		program.Program = true
		_, err = s.Approvals.Confirm(ctx, program, p.ID, p.Rev)
		s.is(err, sashlock.Denied)
		_, err = s.Approvals.Confirm(ctx, as("opr_2"), p.ID, p.Rev+1)
		s.is(err, sashlock.Conflict)
		_, err = s.Approvals.Confirm(ctx, as("opr_2"), p.ID, p.Rev)
		s.must(err)
		g := s.grant("bob-case")
		// A change to a revision that is gone by then is not made.
		p, err = s.Approvals.Propose(ctx, as("opr_1"), approvals.GrantKind, form, g.Rev, "once more")
		s.must(err)
		s.must(s.Approvals.Shorten(ctx, as("opr_4"), "bob-case", g.Rev))
		_, err = s.Approvals.Confirm(ctx, as("opr_2"), p.ID, p.Rev)
		s.is(err, sashlock.Conflict)
		_, err = s.Approvals.Decline(ctx, as("opr_1"), p.ID, "it changed", p.Rev) // taken back
		s.must(err)
		// Holding back less waits as well.
		p, err = s.Approvals.SaveSettings(ctx, as("opr_1"), approvals.Settings{Rev: 1}, "too much work")
		if err != nil || p.ID == "" {
			t.Fatalf("switched off alone: %v", err)
		}
		_, err = s.Approvals.Confirm(ctx, as("opr_2"), p.ID, p.Rev)
		s.must(err)
		if holds, _ := s.Approvals.GrantWaits(ctx, as("opr_1"), high, sashlock.Grant{}); holds {
			t.Error("still held back")
		}
	})
}

func TestAReviewKeepsAndRemoves(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		s := open(r)
		ctx := t.Context()
		save := func(d estate.Grant) {
			s.must(s.Change(func(tx *store.Tx) (flow.Edit, error) { return grants.Save(tx, d, roomtest.Lookup(tx), 0) }))
		}
		save(estate.Grant{Slug: "bob-door", Person: "bob", Opening: "door"})
		save(estate.Grant{Slug: "all-doors", Role: "associate", Site: "lisbon"})
		s.must(s.Approvals.Count(ctx))
		due := s.Now().Add(14 * 24 * time.Hour)
		v, err := s.Approvals.Begin(ctx, as("opr_1"), approvals.Review{Name: "Autumn", Reviewer: "opr_2", Due: due})
		s.must(err)
		var lines []approvals.Line
		read := func() {
			s.View(func(q store.Query) (err error) { lines, err = approvals.Lines(q, v.ID); return err })
		}
		if read(); len(lines) != 3 || lines[0].Given.IsZero() {
			t.Fatalf("lines: %+v", lines)
		}
		var order []string
		for _, l := range lines {
			order = append(order, l.Slug)
		}
		if d := cmp.Diff([]string{"all-doors", "bob-door", "ana-case"}, order); d != "" {
			t.Errorf("not as one goes through the store (-want +got):\n%s", d)
		}
		number := func(slug string) int {
			return lines[slices.IndexFunc(lines, func(l approvals.Line) bool { return l.Slug == slug })].Number
		}
		answer := func(by approvals.By, slug, what string) error {
			v, err = s.Approvals.Answers(ctx, by, v.ID, []int{number(slug)}, what, "")
			return err
		}
		id := v.ID
		s.is(answer(as("opr_3"), "bob-door", approvals.RemoveIt), sashlock.Denied)
		v.ID = id
		holder := as("opr_2")
		holder.Person = s.bob
		s.is(answer(holder, "bob-door", approvals.KeepIt), sashlock.Denied)
		v.ID = id
		s.must(answer(as("opr_2"), "bob-door", approvals.RemoveIt))
		s.must(answer(as("opr_2"), "bob-door", approvals.KeepIt)) // a second time: nothing
		s.must(answer(as("opr_1"), "all-doors", approvals.KeepIt))
		s.must(s.Change(func(tx *store.Tx) (flow.Edit, error) { return grants.Revoke(tx, "ana-case", 0) }))
		s.must(answer(as("opr_2"), "ana-case", approvals.KeepIt))
		if d := cmp.Diff(approvals.Counts{Lines: 3, Kept: 1, Removed: 1, Gone: 1}, v.Counts); d != "" {
			t.Error(d)
		}
		s.View(func(q store.Query) error {
			if _, err := grants.Find(q, "bob-door"); !sashlock.IsKind(err, sashlock.NotFound) {
				t.Errorf("not removed: %v", err)
			}
			return nil
		})
		v, err = s.Approvals.Finish(ctx, as("opr_2"), id)
		s.must(err)
		if v.State != approvals.Ended {
			t.Error("not ended")
		}
		_, err = s.Approvals.Finish(ctx, as("opr_2"), id)
		s.is(err, sashlock.Conflict)
		// People in a role.
		v, err = s.Approvals.Begin(ctx, as("opr_1"), approvals.Review{Name: "Associates", Reviewer: "opr_2", Due: due, Scope: approvals.Scope{Role: s.role, Members: true}})
		s.must(err)
		_, err = s.Approvals.Answers(ctx, as("opr_2"), v.ID, []int{1}, approvals.RemoveIt, "left the team")
		s.must(err)
		if got := s.Hall.Book().People[s.ana].Roles; len(got) != 0 {
			t.Errorf("still has %v", got)
		}
	})
}

func TestUsesAreCounted(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		s := open(r)
		id := s.grant("ana-case").ID
		at := s.Now().Add(-time.Hour).Truncate(time.Microsecond)
		for range 3 {
			_, err := s.Store.Do(t.Context(), func(tx *store.Tx) error {
				tx.Append(sashlock.Event{Kind: sashlock.AccessGranted, Grant: id})
				return nil
			})
			s.must(err)
			s.must(s.Approvals.Count(t.Context()))
			s.must(s.Approvals.Count(t.Context()))
		}
		var use approvals.Use
		s.View(func(q store.Query) error {
			all, err := approvals.Uses(q)
			use = all[id]
			return err
		})
		if use.Uses != 3 || use.Last.Before(at) || use.Given.IsZero() || use.Idle(s.Now(), time.Hour) || !use.Idle(s.Now().Add(2*time.Hour), time.Hour) {
			t.Errorf("counted %+v", use)
		}
	})
}

func TestStaleGrantsAreFound(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		s := open(r)
		ctx := t.Context()
		for _, d := range []estate.Grant{
			{Slug: "bob-door", Person: "bob", Opening: "door"},
			{Slug: "bob-door-late", Person: "bob", Opening: "door", Until: "2027-05-01T00:00:00Z"},
			{Slug: "staff-case", Role: "associate", Opening: "case-1"},
		} {
			s.must(s.Change(func(tx *store.Tx) (flow.Edit, error) { return grants.Save(tx, d, roomtest.Lookup(tx), 0) }))
		}
		look := func(after time.Duration) map[string][]approvals.Finding {
			l := approvals.Look{
				Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).Add(after), Idle: approvals.IdleAfter, Long: approvals.LongAhead,
				Deciders: map[sashlock.PersonID]bool{s.ana: true},
			}
			var all []sashlock.Grant
			s.View(func(q store.Query) (err error) {
				if all, err = grants.List(q); err == nil {
					l.Keeps, err = approvals.Keeps(q)
				}
				return err
			})
			l.Uses = map[sashlock.GrantID]approvals.Use{}
			for _, g := range all {
				l.Uses[g.ID] = approvals.Use{Given: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
			}
			found := map[string][]approvals.Finding{}
			for _, one := range approvals.Stale(s.Hall.Book(), all, l) {
				found[one.Slug] = one.Findings
			}
			return found
		}
		want := map[string][]approvals.Finding{
			"ana-case":      {approvals.Duplicate, approvals.Conflict}, // her role has it too; she decides
			"bob-door":      {approvals.Endless},
			"bob-door-late": {approvals.Duplicate},
			"staff-case":    {approvals.Endless},
		}
		if d := cmp.Diff(want, look(0)); d != "" {
			t.Error(d)
		}
		if got := look(100 * 24 * time.Hour)["bob-door"]; !slices.Contains(got, approvals.Unused) {
			t.Errorf("after 100 days: %v", got)
		}
		g := s.grant("bob-door")
		s.is(s.Approvals.Keep(ctx, as("opr_1"), g.Slug, g.Rev+1, nil, "it is the caretaker's"), sashlock.Conflict)
		s.must(s.Approvals.Keep(ctx, as("opr_1"), g.Slug, g.Rev, []approvals.Finding{approvals.Endless}, "it is the caretaker's"))
		if got, still := look(0)["bob-door"]; still {
			t.Errorf("shown although it is kept: %v", got)
		}
		late := s.grant("bob-door-late")
		s.must(s.Approvals.Shorten(ctx, as("opr_1"), late.Slug, late.Rev))
		if got := s.grant("bob-door-late").Until; got.After(s.Now().Add(approvals.ShortenTo)) {
			t.Errorf("still until %s", got)
		}
		s.is(s.Approvals.End(ctx, self("opr_bob", s.bob), late.Slug, late.Rev+1), sashlock.Denied)
		s.must(s.Approvals.End(ctx, as("opr_1"), late.Slug, late.Rev+1))
	})
}
