// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/store"
)

// model is what a directory believes to have told a store node.
type model struct {
	users  map[string]modelUser  // by identifier
	groups map[string]modelGroup // likewise
	gone   map[string]bool       // deleted users
}

type modelUser struct {
	name, userName string
	active         bool
}

type modelGroup struct {
	name    string
	members map[string]bool
}

func text(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(out)
}

// step does one random thing, to both.
func (m *model) step(t *rapid.T, d *directory) {
	users, groups := slices.Sorted(maps.Keys(m.users)), slices.Sorted(maps.Keys(m.groups))
	names := rapid.SampledFrom([]string{"Ana", "Bo", "Çelik", "Dana"})
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0, 1:
		m.create(t, d, names.Draw(t, "name"))
	case 2:
		name := "Group " + names.Draw(t, "group")
		status, answer := d.ask("POST", "/scim/v2/Groups", `{"displayName":`+text(name)+`}`)
		taken := slices.ContainsFunc(groups, func(id string) bool { return m.groups[id].name == name })
		if taken != (status == 409) {
			t.Fatalf("creating %q: %d %v", name, status, answer)
		}
		if !taken {
			m.groups[answer["id"].(string)] = modelGroup{name, map[string]bool{}}
		}
	}
	if len(users) == 0 {
		return
	}
	id := rapid.SampledFrom(users).Draw(t, "user")
	u := m.users[id]
	switch rapid.IntRange(0, 5).Draw(t, "then") {
	case 0:
		u.active = rapid.Bool().Draw(t, "active")
		m.must(t, d, 200, "PATCH", "/Users/"+id, fmt.Sprintf(`{"Operations":[{"op":"Replace","path":"active","value":"%v"}]}`, u.active))
		m.users[id] = u
	case 1:
		u.name, u.active = names.Draw(t, "new name"), rapid.Bool().Draw(t, "active")
		m.must(t, d, 200, "PUT", "/Users/"+id, fmt.Sprintf(`{"userName":%s,"displayName":%s,"active":%v}`, text(u.userName), text(u.name), u.active))
		m.users[id] = u
	case 2:
		m.must(t, d, 204, "DELETE", "/Users/"+id, "")
		m.must(t, d, 404, "PATCH", "/Users/"+id, `{"Operations":[{"op":"add","value":{"active":true}}]}`)
		delete(m.users, id)
		m.gone[id] = true
		for _, g := range m.groups {
			delete(g.members, id)
		}
		return
	}
	if len(groups) > 0 {
		m.member(t, d, rapid.SampledFrom(groups).Draw(t, "group"), id)
	}
}

func (m *model) create(t *rapid.T, d *directory, name string) {
	userName := strings.ToLower(name) + rapid.SampledFrom([]string{"", "@a.example", "@b.example"}).Draw(t, "domain")
	status, answer := d.ask("POST", "/scim/v2/Users", `{"userName":`+text(userName)+`,"displayName":`+text(name)+`}`)
	taken := slices.ContainsFunc(slices.Collect(maps.Values(m.users)), func(u modelUser) bool { return u.userName == userName })
	if taken != (status == 409) {
		t.Fatalf("creating %q: %d %v", userName, status, answer)
	}
	if !taken {
		m.users[answer["id"].(string)] = modelUser{name, userName, true}
	}
}

// member changes who is in a group, or deletes it.
func (m *model) member(t *rapid.T, d *directory, group, user string) {
	g := m.groups[group]
	patch := func(format string, args ...any) {
		m.must(t, d, 204, "PATCH", "/Groups/"+group, `{"Operations":[`+fmt.Sprintf(format, args...)+`]}`)
	}
	switch rapid.IntRange(0, 6).Draw(t, "members") {
	case 0, 1:
		patch(`{"op":"add","path":"members","value":[{"value":%q}]}`, user)
		g.members[user] = true
	case 2:
		patch(`{"op":"remove","path":"members[value eq \"%s\"]"}`, user)
		delete(g.members, user)
	case 3:
		patch(`{"op":"Remove","path":"members","value":[{"value":%q}]}`, user)
		delete(g.members, user)
	case 4:
		patch(`{"op":"replace","path":"members","value":[{"value":%q}]}`, user)
		clear(g.members)
		g.members[user] = true
	case 5:
		m.must(t, d, 204, "DELETE", "/Groups/"+group, "")
		delete(m.groups, group)
	}
}

func (m *model) must(t *rapid.T, d *directory, want int, method, path, body string) {
	if status, answer := d.ask(method, "/scim/v2"+path, body); status != want {
		t.Fatalf("%s %s %s answers %d %v", method, path, body, status, answer)
	}
}

// agree compares what is kept, what decides and what SCIM shows with the model.
func (m *model) agree(t *rapid.T, d *directory) {
	want, kept, deciding, shown := map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}
	line := func(name string, suspended bool, groups []string) string {
		slices.Sort(groups)
		return fmt.Sprint(name, " ", suspended, " ", groups)
	}
	for id, u := range m.users {
		var of []string
		for _, g := range m.groups {
			if g.members[id] {
				of = append(of, g.name)
			}
		}
		want[id] = line(u.name, !u.active, of)
	}
	err := d.room.Store.View(d.t.Context(), func(q store.Query) error {
		staff, err := people.ReadStaff(q)
		names := map[sashlock.RoleID]string{}
		for _, g := range staff.Roles {
			names[g.ID] = g.Name
		}
		of := func(ids []sashlock.RoleID) (all []string) {
			for _, id := range ids {
				all = append(all, names[id])
			}
			return all
		}
		for _, e := range staff.Entries {
			decided := d.room.Hall.Book().People[e.ID]
			if m.gone[string(e.ID)] {
				if !e.Suspended || !e.Gone || len(e.Roles) > 0 || !decided.Suspended || len(decided.Roles) > 0 {
					t.Fatalf("deleted, and is still %+v", e)
				}
				continue
			}
			kept[string(e.ID)] = line(e.Name, e.Suspended, of(e.Roles))
			deciding[string(e.ID)] = line(decided.Name, decided.Suspended, of(decided.Roles))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, answer := d.ask("GET", "/scim/v2/Users?count=1000&filter="+url.QueryEscape("id pr"), "")
	for _, one := range answer["Resources"].([]any) {
		u := one.(map[string]any)
		var of []string
		for _, g := range u["groups"].([]any) {
			of = append(of, g.(map[string]any)["display"].(string))
		}
		shown[u["id"].(string)] = line(u["displayName"].(string), u["active"] == false, of)
	}
	for what, have := range map[string]map[string]string{"kept": kept, "decides": deciding, "shown": shown} {
		if diff := cmp.Diff(want, have); diff != "" {
			t.Fatalf("%s: %s", what, diff)
		}
	}
}

// Whatever a directory does, in any order, people and roles are as it said.
func TestAnySequenceAgreesWithTheModel(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		d := newDirectory(t, r)
		rapid.Check(t, func(rt *rapid.T) {
			m := &model{users: map[string]modelUser{}, groups: map[string]modelGroup{}, gone: map[string]bool{}}
			// Each round begins with nobody: what there is goes first.
			for _, path := range []string{"/scim/v2/Users", "/scim/v2/Groups"} {
				_, all := d.ask("GET", path+"?count=1000", "")
				for _, one := range all["Resources"].([]any) {
					d.ask("DELETE", path+"/"+one.(map[string]any)["id"].(string), "")
				}
			}
			for _, e := range staffOf(rt, d) {
				m.gone[string(e.ID)] = true
			}
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				m.step(rt, d)
			}
			m.agree(rt, d)
		})
	})
}

func staffOf(t *rapid.T, d *directory) []people.Entry {
	var staff people.Staff
	err := d.room.Store.View(d.t.Context(), func(q store.Query) (err error) {
		staff, err = people.ReadStaff(q)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return staff.Entries
}
