// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
)

// What lets more people at what is worth most is found by comparing, whatever
// the edit says.
func TestWidens(t *testing.T) {
	now := day.Add(12 * time.Hour)
	at := func(s sashlock.Schedule, until string) sashlock.Schedule {
		s.Weekly = daily(s.ID, "09:00", until).Weekly
		return s
	}
	vault := sashlock.Opening{ID: "opn_vault", Slug: "vault", Name: "Vault", Site: "site_1", Area: "area_back", Kind: sashlock.Door, Class: sashlock.High, Needs: sashlock.Needs{Level: 2}}
	till := sashlock.Opening{ID: "opn_till", Slug: "till", Name: "Till", Site: "site_1", Kind: sashlock.Case, Class: sashlock.Standard}
	tried := func(on bool) sashlock.Opening {
		o := vault
		o.ID, o.Slug, o.Trial = "opn_tried", "tried", on
		return o
	}
	back := sashlock.Area{ID: "area_back", Slug: "back", Name: "Back", Site: "site_1", Needs: sashlock.Needs{Two: true}}
	open := sashlock.Area{ID: "area_open", Slug: "open", Name: "Open", Site: "site_1", Needs: sashlock.Needs{Two: true}}
	empty := sashlock.Area{ID: "area_empty", Slug: "empty", Name: "Empty", Site: "site_1", Needs: sashlock.Needs{Two: true}}
	site := sashlock.Site{ID: "site_1", Slug: "store", Name: "Store", Zone: "Europe/Lisbon", ShiftGrace: time.Minute}
	ana := sashlock.Person{ID: "prs_ana", Slug: "ana", Name: "Ana", Roles: []sashlock.RoleID{"role_staff"}}
	office, spare := daily("sch_office", "09:00", "17:00"), daily("sch_spare", "09:00", "17:00")
	book, err := flow.NewBook(access.Facts{
		Sites: []sashlock.Site{site}, Areas: []sashlock.Area{back, open, empty}, Openings: []sashlock.Opening{vault, till, tried(true)},
		Roles:     []sashlock.Role{{ID: "role_staff", Slug: "staff", Name: "S"}, {ID: "role_vault", Slug: "vault", Name: "V"}, {ID: "role_over", Slug: "over", Name: "O"}},
		People:    []sashlock.Person{ana},
		Schedules: []sashlock.Schedule{office, spare},
		Grants: []sashlock.Grant{
			{ID: "grt_1", Slug: "a", Role: "role_vault", Area: "area_back", Schedule: "sch_office"},
			{ID: "grt_2", Slug: "b", Role: "role_staff", Opening: "opn_till", Schedule: "sch_spare"},
			{ID: "grt_3", Slug: "c", Role: "role_over", Opening: "opn_vault", Until: now},
			{ID: "grt_4", Slug: "d", Role: "role_staff", Area: "area_open"},
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	person := func(roles ...sashlock.RoleID) access.Facts {
		p := ana
		p.Roles = roles
		return access.Facts{People: []sashlock.Person{p}}
	}
	opening := func(change func(*sashlock.Opening)) access.Facts {
		o := vault
		change(&o)
		return access.Facts{Openings: []sashlock.Opening{o}}
	}
	area := func(needs sashlock.Needs) access.Facts {
		a := back
		a.Needs = needs
		return access.Facts{Areas: []sashlock.Area{a}}
	}
	given := []flow.Wider{{Kind: flow.AccessWidened, Site: "site_1", Area: "area_back"}}
	weaker := []flow.Wider{{Kind: flow.PlaceWeakened, Site: "site_1", Area: "area_back"}}
	for name, c := range map[string]struct {
		put  access.Facts
		want []flow.Wider
	}{
		"joins what opens it":            {person("role_staff", "role_vault"), given},
		"joins what opened it":           {person("role_staff", "role_over"), nil},
		"leaves a role":                  {person(), nil},
		"is somebody new":                {access.Facts{People: []sashlock.Person{{ID: "prs_new", Slug: "new", Name: "N", Roles: []sashlock.RoleID{"role_vault"}}}}, given},
		"longer":                         {access.Facts{Schedules: []sashlock.Schedule{at(office, "18:00")}}, given},
		"shorter":                        {access.Facts{Schedules: []sashlock.Schedule{at(office, "16:00")}}, nil},
		"longer, for something else":     {access.Facts{Schedules: []sashlock.Schedule{at(spare, "18:00")}}, nil},
		"of a lower class":               {opening(func(o *sashlock.Opening) { o.Class = sashlock.Valuable }), weaker},
		"to where everybody may":         {opening(func(o *sashlock.Opening) { o.Area = "area_open" }), weaker},
		"to where nobody may":            {opening(func(o *sashlock.Opening) { o.Area = "area_empty" }), nil},
		"out of what asks for two":       {opening(func(o *sashlock.Opening) { o.Area = "" }), weaker},
		"out of it, and asks itself":     {opening(func(o *sashlock.Opening) { o.Area, o.Needs.Two = "", true }), nil},
		"asks for less":                  {opening(func(o *sashlock.Opening) { o.Needs.Level = 1 }), weaker},
		"comes into force":               {access.Facts{Openings: []sashlock.Opening{tried(false)}}, weaker},
		"stays on trial":                 {access.Facts{Openings: []sashlock.Opening{tried(true)}}, nil},
		"goes on trial":                  {opening(func(o *sashlock.Opening) { o.Trial = true }), nil},
		"asks for more":                  {opening(func(o *sashlock.Opening) { o.Needs.Level = 3 }), nil},
		"is called something else":       {opening(func(o *sashlock.Opening) { o.Name = "Safe" }), nil},
		"its area asks for less":         {area(sashlock.Needs{}), weaker},
		"its area asks for more":         {area(sashlock.Needs{Two: true, Level: 4}), nil},
		"the other opening asks nothing": {access.Facts{Openings: []sashlock.Opening{till}}, nil},
		"other clocks":                   {access.Facts{Sites: []sashlock.Site{{ID: "site_1", Slug: "store", Name: "Store", Zone: "Asia/Tokyo", ShiftGrace: time.Minute}}}, weaker},
		"a longer grace":                 {access.Facts{Sites: []sashlock.Site{{ID: "site_1", Slug: "store", Name: "Store", Zone: "Europe/Lisbon", ShiftGrace: time.Hour}}}, weaker},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := book.Widens(flow.Edit{Access: access.Change{Put: c.put}}, now)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
