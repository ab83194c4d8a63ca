// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/guard"
)

// verdict says of one field of what can be declared whether a change of it
// alone can let somebody open what is worth most, or with less: either how, as
// an edit that must be found, or why not.
type verdict struct {
	calm   string
	danger func(w *vaults) flow.Edit
}

// vaults is what is declared: a vault with an airlock, in an area that asks for
// much.
type vaults struct {
	site        sashlock.Site
	area        sashlock.Area
	vault, hall sashlock.Opening
	hours       sashlock.Schedule
	bob         sashlock.Person
	lock, eye   sashlock.Device
}

func (w *vaults) book(t *testing.T) *flow.Book {
	t.Helper()
	facts := access.Facts{
		Sites:     []sashlock.Site{w.site, {ID: "site_2", Slug: "other", Name: "Other", Zone: "Europe/Lisbon"}},
		Areas:     []sashlock.Area{w.area, {ID: "area_open", Slug: "open", Name: "Open", Site: "site_1"}, {ID: "area_few", Slug: "few", Name: "Few", Site: "site_1", Occupancy: 1}},
		Openings:  []sashlock.Opening{w.vault, w.hall, safe()},
		Roles:     []sashlock.Role{{ID: "role_keys", Slug: "keys", Name: "K"}, {ID: "role_new", Slug: "new", Name: "N"}, {ID: "role_head", Slug: "head", Name: "H"}},
		People:    []sashlock.Person{w.bob},
		Schedules: []sashlock.Schedule{w.hours},
		Grants: []sashlock.Grant{
			{ID: "grt_1", Slug: "a", Role: "role_keys", Opening: "opn_vault", Schedule: "sch_hours"},
			{ID: "grt_2", Slug: "b", Role: "role_new", Site: "site_2"},
		},
	}
	book, err := flow.NewBook(facts, []sashlock.Device{w.lock, w.eye})
	if err != nil {
		t.Fatal(err)
	}
	rails, err := guard.Compile([]guard.Rail{
		{Name: "learners", Text: `forbid (principal in Role::"new", action, resource);`},
		{Name: "cages", Text: `forbid (principal, action == Action::"hold_unlocked", resource) when { resource.kind == "cage" };`},
		{Name: "back", Text: `forbid (principal, action, resource in Area::"store/back") when { context.hour < 6 };`},
		{Name: "watched", Text: `forbid (principal, action, resource in Area::"store/open");`, Shadow: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return book.Guarded(rails)
}

func newVaults() *vaults {
	return &vaults{
		site: sashlock.Site{ID: "site_1", Slug: "store", Name: "Store", Zone: "Europe/Lisbon", Jurisdiction: "PT", ClockIn: true},
		area: sashlock.Area{
			ID: "area_back", Slug: "back", Name: "Back", Site: "site_1", Needs: sashlock.Needs{Level: 2, Two: true, FirstIn: "role_head"},
			Passback: sashlock.PassbackTimed, PassbackFor: time.Hour, Occupancy: 2,
		},
		vault: sashlock.Opening{
			ID: "opn_vault", Slug: "vault", Name: "Vault", Site: "site_1", Area: "area_back", Kind: sashlock.Cage, Class: sashlock.High,
			Egress: sashlock.EgressNone, OnFault: sashlock.HoldOnFault, ReleaseTime: 10 * time.Second, OpenTime: 2 * time.Minute, Unattended: time.Minute,
			Needs: sashlock.Needs{Level: 3, FirstIn: "role_keys"}, Interlock: "airlock", Trial: true,
		},
		hall:  sashlock.Opening{ID: "opn_hall", Slug: "hall", Name: "Hall", Site: "site_1", Kind: sashlock.Door, Class: sashlock.Standard, Egress: sashlock.EgressNone, Interlock: "airlock"},
		hours: daily("sch_hours", "09:00", "17:00"),
		bob:   sashlock.Person{ID: "prs_bob", Slug: "bob", Name: "Bob", Roles: []sashlock.RoleID{"role_keys", "role_new"}},
		lock:  sashlock.Device{ID: "dev_lock", Capabilities: []sashlock.Capability{sashlock.CanRelease, sashlock.TellsLock}, Opening: "opn_vault"},
		eye:   sashlock.Device{ID: "dev_eye", Capabilities: []sashlock.Capability{sashlock.TellsPosition}, Opening: "opn_hall"},
	}
}

// safe is in an area that only counts people.
func safe() sashlock.Opening {
	return sashlock.Opening{ID: "opn_safe", Slug: "safe", Name: "Safe", Site: "site_1", Area: "area_few", Kind: sashlock.Locker, Class: sashlock.High, Egress: sashlock.EgressNone}
}

// How an edit puts one object.
func (w *vaults) putVault(change func(*sashlock.Opening)) flow.Edit {
	change(&w.vault)
	return putting(access.Facts{Openings: []sashlock.Opening{w.vault}})
}

func (w *vaults) putArea(change func(*sashlock.Area)) flow.Edit {
	change(&w.area)
	return putting(access.Facts{Areas: []sashlock.Area{w.area}})
}

func (w *vaults) putSite(change func(*sashlock.Site)) flow.Edit {
	change(&w.site)
	return putting(access.Facts{Sites: []sashlock.Site{w.site}})
}

func (w *vaults) putHours(change func(*sashlock.Schedule)) flow.Edit {
	change(&w.hours)
	return putting(access.Facts{Schedules: []sashlock.Schedule{w.hours}})
}

func (w *vaults) putBob(change func(*sashlock.Person)) flow.Edit {
	change(&w.bob)
	return putting(access.Facts{People: []sashlock.Person{w.bob}})
}

func putting(f access.Facts) flow.Edit { return flow.Edit{Access: access.Change{Put: f}} }

func vault(change func(*sashlock.Opening)) verdict {
	return verdict{danger: func(w *vaults) flow.Edit { return w.putVault(change) }}
}

func area(change func(*sashlock.Area)) verdict {
	return verdict{danger: func(w *vaults) flow.Edit { return w.putArea(change) }}
}

func site(change func(*sashlock.Site)) verdict {
	return verdict{danger: func(w *vaults) flow.Edit { return w.putSite(change) }}
}

func hours(change func(*sashlock.Schedule)) verdict {
	return verdict{danger: func(w *vaults) flow.Edit { return w.putHours(change) }}
}

const (
	named   = "it is what it is called by; what refers to it goes by its identifier, and a slug does not change"
	counted = "it counts changes"
	shown   = "it tells people something, and decides nothing"
	alarmed = "it says when the store is told of something; whoever may open what does not depend on it"
)

// verdicts says of every field of what can be declared whether it is dangerous.
// One that is new has to be put here.
func verdicts() map[string]verdict {
	return map[string]verdict{
		"Opening.ID": {calm: named}, "Opening.Slug": {calm: named}, "Opening.Name": {calm: named}, "Opening.Rev": {calm: counted}, "Opening.Plan": {calm: shown},
		"Opening.Kind":        vault(func(o *sashlock.Opening) { o.Kind = sashlock.Case }), // the rail about cages no longer is about it
		"Opening.Class":       vault(func(o *sashlock.Opening) { o.Class = sashlock.Valuable }),
		"Opening.Site":        vault(func(o *sashlock.Opening) { o.Site = "site_2" }),
		"Opening.Area":        vault(func(o *sashlock.Opening) { o.Area = "area_open" }),
		"Opening.Egress":      vault(func(o *sashlock.Opening) { o.Egress = sashlock.EgressHardware }),
		"Opening.OnFault":     vault(func(o *sashlock.Opening) { o.OnFault = sashlock.ReleaseOnFault }),
		"Opening.ReleaseTime": vault(func(o *sashlock.Opening) { o.ReleaseTime = time.Hour }),
		"Opening.OpenTime":    vault(func(o *sashlock.Opening) { o.OpenTime = 0 }),
		"Opening.Unattended":  vault(func(o *sashlock.Opening) { o.Unattended = time.Hour }),
		"Opening.Needs":       vault(func(o *sashlock.Opening) { o.Needs.FirstIn = "" }),
		"Opening.Trial":       vault(func(o *sashlock.Opening) { o.Trial = false }),
		"Opening.Interlock":   vault(func(o *sashlock.Opening) { o.Interlock = "" }),

		"Needs.Level":   area(func(a *sashlock.Area) { a.Needs.Level = 1 }),
		"Needs.Two":     area(func(a *sashlock.Area) { a.Needs.Two = false }),
		"Needs.FirstIn": area(func(a *sashlock.Area) { a.Needs.FirstIn = "role_new" }),

		"Area.ID": {calm: named}, "Area.Slug": {calm: named}, "Area.Name": {calm: named}, "Area.Rev": {calm: counted},
		"Area.Site":        {calm: "an area stays where it is; another one is another area, and an opening that moves there is compared"},
		"Area.Needs":       area(func(a *sashlock.Area) { a.Needs = sashlock.Needs{} }),
		"Area.Passback":    area(func(a *sashlock.Area) { a.Passback = sashlock.PassbackSoft }),
		"Area.PassbackFor": area(func(a *sashlock.Area) { a.PassbackFor = time.Minute }),
		"Area.Occupancy":   area(func(a *sashlock.Area) { a.Occupancy = 0 }),

		"Site.ID": {calm: named}, "Site.Slug": {calm: named}, "Site.Name": {calm: named}, "Site.Rev": {calm: counted},
		"Site.Zone":         site(func(s *sashlock.Site) { s.Zone = "Asia/Tokyo" }),
		"Site.Jurisdiction": site(func(s *sashlock.Site) { s.Jurisdiction = "" }),
		"Site.ShiftGrace":   site(func(s *sashlock.Site) { s.ShiftGrace = time.Hour }),
		"Site.ClockIn":      site(func(s *sashlock.Site) { s.ClockIn = false }),
		"Site.Hours":        {calm: alarmed}, "Site.OpenBy": {calm: alarmed}, "Site.OpenTolerance": {calm: alarmed}, "Site.RevokeWithin": {calm: alarmed},
		"Site.LongestGrant": {calm: "a grant for what is worth most waits itself, however long it is"},

		"Schedule.ID": {calm: named}, "Schedule.Slug": {calm: named}, "Schedule.Name": {calm: named}, "Schedule.Rev": {calm: counted},
		"Schedule.Weekly":  hours(func(s *sashlock.Schedule) { s.Weekly = daily("sch_hours", "09:00", "17:01").Weekly }),
		"Schedule.Special": hours(func(s *sashlock.Schedule) { s.Special = []sashlock.SpecialDay{specialDay()} }),
		"Schedule.First":   hours(func(s *sashlock.Schedule) { s.First = sashlock.DateOf(day) }), // of one that had not begun
		"Schedule.Last":    hours(func(s *sashlock.Schedule) { s.Last = sashlock.Date{} }),

		"Person.ID": {calm: named}, "Person.Slug": {calm: named}, "Person.Name": {calm: named}, "Person.Rev": {calm: counted},
		"Person.Roles": {danger: func(w *vaults) flow.Edit { // out of the role that a rail is about
			return w.putBob(func(p *sashlock.Person) { p.Roles = []sashlock.RoleID{"role_keys"} })
		}},
		"Person.Suspended": {calm: "who comes back was looked at when they joined"},
		"Person.From":      {calm: "who comes sooner was looked at when they joined"},
		"Person.Until":     {calm: "who stays longer was looked at when they joined"},

		"Role.ID": {calm: named}, "Role.Slug": {calm: named}, "Role.Name": {calm: named}, "Role.Rev": {calm: counted},

		"Device.Opening": {danger: func(w *vaults) flow.Edit {
			w.lock.Opening = ""
			return flow.Edit{Fitted: []sashlock.Device{w.lock}}
		}},
		"Device.Capabilities": {calm: "the device says it; an operator cannot"},
		"Device.ID":           {calm: named}, "Device.Name": {calm: named}, "Device.Rev": {calm: counted},
		"Device.Driver": {calm: named}, "Device.Gateway": {calm: named}, "Device.Address": {calm: named},
		"Device.Maker": {calm: shown}, "Device.Model": {calm: shown}, "Device.Firmware": {calm: shown}, "Device.Security": {calm: shown}, "Device.Weak": {calm: shown},
	}
}

func specialDay() sashlock.SpecialDay {
	on := sashlock.Date{Year: 2027, Month: 5, Day: 1}
	return sashlock.SpecialDay{Name: "Stock-take", First: on, Last: on, Spans: []sashlock.Span{{From: 0, Until: 1440}}}
}

// Every field of what can be declared is dangerous or not, and what is dangerous
// is found.
func TestEveryFieldIsDangerousOrCalm(t *testing.T) {
	left := verdicts()
	for _, of := range []any{sashlock.Opening{}, sashlock.Needs{}, sashlock.Area{}, sashlock.Site{}, sashlock.Schedule{}, sashlock.Person{}, sashlock.Role{}, sashlock.Device{}} {
		kind := reflect.TypeOf(of)
		for i := range kind.NumField() {
			name := kind.Name() + "." + kind.Field(i).Name
			v, known := left[name]
			delete(left, name)
			if !known || (v.calm == "") == (v.danger == nil) {
				t.Errorf("%s: say in verdicts whether a change of it is dangerous, and how, or why not", name)
				continue
			}
			if v.danger != nil {
				t.Run(name, func(t *testing.T) { wider(t, v.danger, true) })
			}
		}
	}
	for name := range left {
		t.Errorf("%s is in verdicts, and nowhere else", name)
	}
}

// wider holds what an edit does against what should be found.
func wider(t *testing.T, change func(w *vaults) flow.Edit, want bool) {
	t.Helper()
	w := newVaults()
	w.hours.First, w.hours.Last = sashlock.DateOf(day.AddDate(0, 0, 7)), sashlock.DateOf(day.AddDate(1, 0, 0))
	book := w.book(t)
	found, err := book.Widens(change(w), day.Add(12*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if (len(found) > 0) != want {
		t.Errorf("found %v", found)
	}
	for _, f := range found {
		if f.Site != "site_1" {
			t.Errorf("it is about %q", f.Site)
		}
	}
}

// Ways around that take more than one field.
func TestNoWayAroundByDetour(t *testing.T) {
	fresh := sashlock.Device{ID: "dev_new", Capabilities: []sashlock.Capability{sashlock.CanUnlock}, Opening: "opn_vault"}
	for name, c := range map[string]struct {
		change func(w *vaults) flow.Edit
		want   bool
	}{
		"the vault is removed": {func(*vaults) flow.Edit {
			return flow.Edit{Access: access.Change{Remove: access.Removal{Openings: []sashlock.OpeningID{"opn_vault"}}}}
		}, true},
		"the other door of its airlock is removed": {func(*vaults) flow.Edit {
			return flow.Edit{Access: access.Change{Remove: access.Removal{Openings: []sashlock.OpeningID{"opn_hall"}}}}
		}, true},
		"the safe is removed": {func(*vaults) flow.Edit {
			return flow.Edit{Access: access.Change{Remove: access.Removal{Openings: []sashlock.OpeningID{"opn_safe"}}}}
		}, true},
		"the safe leaves an area that counts": {func(*vaults) flow.Edit {
			o := safe()
			o.Area = ""
			return putting(access.Facts{Openings: []sashlock.Opening{o}})
		}, true},
		"the other door leaves its airlock": {func(w *vaults) flow.Edit {
			w.hall.Interlock = ""
			return putting(access.Facts{Openings: []sashlock.Opening{w.hall}})
		}, true},
		"the other door is called something else": {func(w *vaults) flow.Edit {
			w.hall.Name = "Lobby"
			return putting(access.Facts{Openings: []sashlock.Opening{w.hall}})
		}, false},
		"the contact of the other door is taken away": {func(w *vaults) flow.Edit {
			w.eye.Opening = ""
			return flow.Edit{Fitted: []sashlock.Device{w.eye}}
		}, true},
		"its lock is replaced": {func(w *vaults) flow.Edit {
			w.lock.Opening = ""
			return flow.Edit{Fitted: []sashlock.Device{w.lock, fresh}}
		}, true},
		"a second lock is fitted beside it": {func(*vaults) flow.Edit { return flow.Edit{Fitted: []sashlock.Device{fresh}} }, true},
		"a first contact is fitted": {func(*vaults) flow.Edit {
			return flow.Edit{Fitted: []sashlock.Device{{ID: "dev_new", Capabilities: []sashlock.Capability{sashlock.TellsPosition}, Opening: "opn_vault"}}}
		}, false},
		"more of everything": {func(w *vaults) flow.Edit {
			return w.putVault(func(o *sashlock.Opening) {
				o.Needs.Level, o.Needs.Two, o.ReleaseTime, o.OpenTime, o.Unattended = 4, true, 5*time.Second, time.Minute, time.Second
			})
		}, false},
		"stricter counting": {func(w *vaults) flow.Edit {
			return w.putArea(func(a *sashlock.Area) { a.Passback, a.PassbackFor, a.Occupancy = sashlock.PassbackHard, 0, 1 })
		}, false},
		"the role that opens it is left": {func(w *vaults) flow.Edit {
			return w.putBob(func(p *sashlock.Person) { p.Roles = []sashlock.RoleID{"role_new"} })
		}, false},
		"both roles are left": {func(w *vaults) flow.Edit { return w.putBob(func(p *sashlock.Person) { p.Roles = nil }) }, false},
	} {
		t.Run(name, func(t *testing.T) { wider(t, c.change, c.want) })
	}
}

// A grant that says anything else in any respect is not a narrower one.
func TestEveryFieldOfAGrantCounts(t *testing.T) {
	not := []string{"ID", "Slug", "Rev", "From", "Until"} // names, and what becomes shorter
	old := sashlock.Grant{ID: "grt_1", Slug: "a"}
	var walk func(v reflect.Value, path string, whole *sashlock.Grant)
	walk = func(v reflect.Value, path string, whole *sashlock.Grant) {
		for i := range v.NumField() {
			name, f := v.Type().Field(i).Name, v.Field(i)
			if slices.Contains(not, name) {
				continue
			}
			was := reflect.New(f.Type()).Elem()
			was.Set(f)
			switch f.Kind() {
			case reflect.Struct:
				walk(f, path+name+".", whole)
				continue
			case reflect.String:
				f.SetString("other")
			case reflect.Bool:
				f.SetBool(true)
			default:
				f.SetInt(1)
			}
			if whole.Narrower(old) || old.Narrower(*whole) {
				t.Errorf("%s%s makes no difference", path, name)
			}
			f.Set(was)
		}
	}
	g := old
	walk(reflect.ValueOf(&g).Elem(), "", &g)
}
