// SPDX-License-Identifier: Apache-2.0

package approvals_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// Where grants for what is worth most wait, so does every other way to it.
func TestNoWayAroundTheSecondOperator(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		s := open(r)
		role := s.Hall.Book().Roles[s.role].Slug
		save := func(edit func(tx *store.Tx, find estate.Lookup) (flow.Edit, error)) error {
			_, err := s.Hall.Change(t.Context(), flow.Change{Operator: "opr_1", Make: func(tx *store.Tx) (flow.Edit, error) { return edit(tx, roomtest.Lookup(tx)) }})
			return err
		}
		hours := estate.Schedule{Slug: "vault-hours", Name: "Vault hours", Weekly: []estate.Period{{Days: []string{"mon"}, From: "09:00", Until: "17:00"}}}
		s.must(save(func(tx *store.Tx, find estate.Lookup) (flow.Edit, error) {
			return grants.SaveSchedule(tx, hours, find, 0)
		}))
		s.must(save(func(tx *store.Tx, find estate.Lookup) (flow.Edit, error) {
			return grants.Save(tx, estate.Grant{Slug: "vault", Role: role, Opening: "case-1", Schedule: "vault-hours"}, find, 0)
		}))
		_, err := s.Approvals.SaveSettings(t.Context(), as("opr_1"), approvals.Settings{Kinds: []string{approvals.GrantKind}}, "")
		s.must(err)

		longer := hours
		longer.Weekly = []estate.Period{{Days: []string{"mon"}, From: "09:00", Until: "18:00"}}
		lower := estate.FromOpening(s.Hall.Book().Openings[s.case1], reach.New(s.Hall.Book(), nil).Ref)
		lower.Class = "standard"
		bob := estate.Person{Slug: "bob", Name: "Bob Dias", Roles: []string{role}}
		for name, edit := range map[string]func(tx *store.Tx, find estate.Lookup) (flow.Edit, error){
			"joining a role": func(tx *store.Tx, find estate.Lookup) (flow.Edit, error) { return people.Save(tx, bob, find, 0) },
			"a longer schedule": func(tx *store.Tx, find estate.Lookup) (flow.Edit, error) {
				return grants.SaveSchedule(tx, longer, find, 0)
			},
			"a lower class": func(tx *store.Tx, find estate.Lookup) (flow.Edit, error) {
				return sites.SaveOpening(tx, lower, find, 0)
			},
		} {
			if err := save(edit); !errors.Is(err, approvals.ErrHeld) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// All of them are one proposal, which somebody else confirms.
		form, err := json.Marshal(approvals.Change{
			File:  estate.File{Schedules: []estate.Schedule{longer}},
			Joins: []approvals.Join{{Person: "bob", Roles: []string{role}}, {Person: "gone", Roles: []string{role}}},
		})
		s.must(err)
		p, err := s.Approvals.Propose(t.Context(), as("opr_1"), approvals.AccessKind, form, 0, "a new colleague")
		s.must(err)
		again, err := s.Approvals.Propose(t.Context(), as("opr_1"), approvals.AccessKind, form, 0, "a new colleague")
		s.must(err)
		if again.ID != p.ID {
			t.Error("the same was proposed twice")
		}
		if p.Site != s.site {
			t.Errorf("it is about %q, want the site of the case", p.Site)
		}
		_, err = s.Approvals.Confirm(t.Context(), as("opr_1"), p.ID, p.Rev)
		s.is(err, sashlock.Denied)
		_, err = s.Approvals.Confirm(t.Context(), as("opr_2"), p.ID, p.Rev)
		s.must(err)
		b := s.Hall.Book()
		if !slices.Contains(b.People[s.bob].Roles, s.role) {
			t.Error("he did not join")
		}
		// What gives nothing more is made at once.
		s.must(save(func(tx *store.Tx, find estate.Lookup) (flow.Edit, error) {
			return grants.SaveSchedule(tx, hours, find, 0)
		}))
		bob.Roles = nil
		s.must(save(func(tx *store.Tx, find estate.Lookup) (flow.Edit, error) { return people.Save(tx, bob, find, 0) }))
	})
}

// A list of people is done, but for roles that open what is worth most: these
// wait together, also when the list comes again.
func TestAListSetsRolesAside(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		s := open(r)
		ctx := t.Context()
		role := s.Hall.Book().Roles[s.role].Slug
		s.must(s.Change(func(tx *store.Tx) (flow.Edit, error) {
			return grants.Save(tx, estate.Grant{Slug: "vault", Role: role, Opening: "case-1"}, roomtest.Lookup(tx), 0)
		}))
		s.must(s.Change(func(tx *store.Tx) (flow.Edit, error) {
			return people.SaveRole(tx, estate.Role{Slug: "runner", Name: "Runner"}, nil, 0)
		}))
		_, err := s.Approvals.SaveSettings(ctx, as("opr_1"), approvals.Settings{Kinds: []string{approvals.GrantKind}}, "")
		s.must(err)
		list := []byte("slug,name,roles\nbob,Bob Dias,\"" + role + ",runner\"\neva,Eva Sol," + role + "\n")
		waits, err := people.RolesThatWait(ctx, s.Hall, "opr_1")
		s.must(err)
		for range 2 {
			seen, err := people.Preview(ctx, s.Store, list, people.Options{Waits: waits})
			s.must(err)
			if seen.Wrong > 0 || len(seen.Waiting) != 2 || seen.Noted == 0 {
				t.Fatalf("the list would let %v wait, notes %v, wrong %v", seen.Waiting, seen.Notes, seen.Problems)
			}
			done, err := people.Import(ctx, s.Store, s.Hall, "opr_1", list, people.Options{}, seen.Hash)
			s.must(err)
			if len(done.Waiting) != 2 {
				t.Errorf("waiting after the list: %v", done.Waiting)
			}
		}
		for _, p := range s.Hall.Book().People {
			if p.Slug == "eva" && len(p.Roles) > 0 || p.Slug == "bob" && len(p.Roles) != 1 {
				t.Errorf("%s has the roles %v", p.Slug, p.Roles)
			}
		}
	})
}
