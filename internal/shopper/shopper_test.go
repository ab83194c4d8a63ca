// SPDX-License-Identifier: Apache-2.0

package shopper_test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/rails"
	"github.com/sashlock/sashlock/internal/shopper"
	"github.com/sashlock/sashlock/internal/store"
)

// shop is a store in which customers open cases 1 and 2 themselves.
type shop struct {
	*consoletest.Counter
	t    *testing.T
	room *shopper.Room
}

func open(t *testing.T) shop {
	t.Helper()
	s := shop{consoletest.New(t), t, nil}
	s.room = s.Shopper
	s.declare(func(f *estate.File) {
		f.Schedules = append(f.Schedules, estate.Schedule{
			Slug: "always", Name: "Always", Weekly: []estate.Period{{Days: []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, From: "00:00", Until: "00:00"}},
		})
		for i := range f.Sites {
			f.Sites[i].Hours = "always"
		}
		for i := range f.Openings {
			f.Openings[i].OpenTime = "2m"
		}
	})
	rules := shopper.Usual(s.Site("lisbon"))
	rules.OnShift, rules.Passkeys = false, true
	s.Must(s.room.SaveRules(t.Context(), "", rules))
	for _, slug := range []string{"case-1", "case-2"} {
		s.Must(s.room.Switch(t.Context(), "", s.at(slug), true))
	}
	return s
}

// declare changes what is declared.
func (s shop) declare(edit func(f *estate.File)) {
	s.t.Helper()
	have, err := s.API.Estate(s.t.Context())
	s.Must(err)
	want, err := s.API.Estate(s.t.Context())
	s.Must(err)
	edit(&want)
	_, err = s.Hall.Change(s.t.Context(), api.Apply("", estate.Diff(have, want, false)))
	s.Must(err)
}

func (s shop) at(slug string) sashlock.Opening { return s.Hall.Book().Openings[s.Opening(slug)] }

// rules changes the rules of the store.
func (s shop) rules(edit func(r *shopper.Rules)) {
	s.t.Helper()
	var r shopper.Rules
	s.Must(s.Store.View(s.t.Context(), func(q store.Query) (err error) { r, err = shopper.RulesOf(q, s.Site("lisbon")); return err }))
	edit(&r)
	s.Must(s.room.SaveRules(s.t.Context(), "", r))
}

// guest is a customer who showed a good code.
func (s shop) guest() shopper.Guest {
	s.t.Helper()
	c, _, err := s.room.MakeCode(s.t.Context(), "", s.Site("lisbon"), 10*time.Minute)
	s.Must(err)
	g, token, err := s.room.Admit(s.t.Context(), s.at("case-1"), " "+strings.ToLower(c.String()), "somewhere")
	s.Must(err)
	same, known, err := s.room.Guest(s.t.Context(), token)
	if err != nil || !known || same.ID != g.ID {
		s.t.Fatalf("the token shows %+v %v %v", same, known, err)
	}
	return g
}

// visit opens a case that was released, and closes it again.
func (s shop) visit(slug string) {
	s.t.Helper()
	s.Until("the lock is unlocked", func() bool { return s.State(s.Opening(slug)).Lock == sashlock.Unlocked })
	s.Must(s.World.Open(slug))
	s.Until("it was taken", func() bool { r := s.State(s.Opening(slug)).Release; return r != nil && !r.Taken.IsZero() })
	s.Must(s.World.Close(slug))
	s.Until("it is closed", func() bool { return s.State(s.Opening(slug)).Position == sashlock.Closed })
}

func (s shop) refused(kind sashlock.Kind, err error) {
	s.t.Helper()
	if !sashlock.IsKind(err, kind) {
		s.t.Errorf("refused as %q, not %q: %v", sashlock.KindOf(err), kind, err)
	}
}

func TestACustomerOpensOneCaseAtATime(t *testing.T) {
	s := open(t)
	g := s.guest()
	d, err := s.room.Ask(t.Context(), g, s.at("case-1"))
	if err != nil || !d.Granted || d.Reason != sashlock.Permitted || d.Grant == "" || len(d.Checks) == 0 {
		t.Fatalf("%+v %v", d, err)
	}
	_, err = s.room.Ask(t.Context(), g, s.at("case-2"))
	s.refused(sashlock.Conflict, err)
	s.Until("the lock is unlocked", func() bool { return s.State(s.Opening("case-1")).Lock == sashlock.Unlocked })
	s.Must(s.World.Open("case-1"))
	s.Until("it is open", func() bool { return s.State(s.Opening("case-1")).Position == sashlock.Open })
	_, err = s.room.Ask(t.Context(), g, s.at("case-2"))
	s.refused(sashlock.Conflict, err) // it stands open
	s.Must(s.World.Close("case-1"))
	s.Until("it is closed", func() bool { return s.State(s.Opening("case-1")).Position == sashlock.Closed })
	if d, err = s.room.Ask(t.Context(), g, s.at("case-2")); err != nil || !d.Granted {
		t.Fatalf("the next case: %+v %v", d, err)
	}
	s.visit("case-2")
	s.Must(s.room.Look(t.Context()))
	s.Must(s.Store.View(t.Context(), func(q store.Query) error {
		waits, err := shopper.Waits(q, s.Site("lisbon"), g.Began)
		if len(waits) != 2 || waits[0] <= 0 || waits[1] > 60 {
			t.Errorf("they waited %v", waits)
		}
		left, _, err2 := shopper.LatestOf(q, g.ID)
		if left.Ended.IsZero() || left.Served.IsZero() {
			t.Errorf("the visit is not over: %+v %v", left, err2)
		}
		return err
	}))
	file, err := s.API.Estate(t.Context())
	s.Must(err)
	for _, one := range file.Grants {
		if strings.HasPrefix(one.Slug, "shopper-") {
			t.Error("a grant outlives its visit, or is declared:", one)
		}
	}
}

func TestACodeWorksOnce(t *testing.T) {
	s := open(t)
	c, until, err := s.room.MakeCode(t.Context(), "", s.Site("lisbon"), time.Minute)
	if err != nil || time.Until(until) > time.Minute {
		t.Fatal(until, err)
	}
	var admitted atomic.Int64
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if _, _, err := s.room.Admit(t.Context(), s.at("case-1"), c.String(), string(rune('a'+i))); err == nil {
				admitted.Add(1)
			} else if !sashlock.IsKind(err, sashlock.Denied) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := admitted.Load(); n != 1 {
		t.Errorf("%d customers came in by one code", n)
	}
	g := s.guest()
	var granted atomic.Int64
	for range 10 {
		all.Go(func() {
			if d, err := s.room.Ask(t.Context(), g, s.at("case-1")); err == nil && d.Granted {
				granted.Add(1)
			}
		})
	}
	all.Wait()
	if n := granted.Load(); n != 1 {
		t.Errorf("ten presses at once unlocked %d times", n)
	}
	porto, _, err := s.room.Admit(t.Context(), s.at("porto-case"), c.String(), "porto")
	s.refused(sashlock.Conflict, err)
	if porto.Standing(s.Site("porto"), time.Now()) {
		t.Error("somebody was admitted where nothing is switched on")
	}
}

func TestWhoGuessesWaits(t *testing.T) {
	s := open(t)
	var last error
	for range 5 {
		_, _, last = s.room.Admit(t.Context(), s.at("case-1"), "0000-0000", "one address")
	}
	s.refused(sashlock.Limit, last)
	_, _, err := s.room.Admit(t.Context(), s.at("case-1"), "0000-0000", "another address")
	s.refused(sashlock.Denied, err)
	_, _, err = s.room.Admit(t.Context(), s.at("case-2"), "0000-0000", "one address")
	s.refused(sashlock.Denied, err)
	events, err := s.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.GuestRefused)})
	if err != nil || len(events) != 1 {
		t.Errorf("the ledger tells of %d, want that a rest began: %v", len(events), err)
	}
}

func TestNoMoreThanTheSiteSays(t *testing.T) {
	s := open(t)
	s.rules(func(r *shopper.Rules) { r.Openings = 1 })
	g := s.guest()
	if d, err := s.room.Ask(t.Context(), g, s.at("case-1")); err != nil || !d.Granted {
		t.Fatal(d, err)
	}
	s.visit("case-1")
	_, err := s.room.Ask(t.Context(), g, s.at("case-2"))
	s.refused(sashlock.Limit, err)
	s.rules(func(r *shopper.Rules) { r.Openings, r.AtCase = 5, 1 })
	_, err = s.room.Ask(t.Context(), s.guest(), s.at("case-1"))
	s.refused(sashlock.Limit, err)
	s.rules(func(r *shopper.Rules) { r.AtCase, r.AtSite = 5, 1 })
	_, err = s.room.Ask(t.Context(), s.guest(), s.at("case-2"))
	s.refused(sashlock.Limit, err)
	s.rules(func(r *shopper.Rules) { r.AtSite, r.OnShift = 100, true })
	code, _, err := s.room.MakeCode(t.Context(), "", s.Site("lisbon"), time.Minute)
	s.Must(err)
	_, _, err = s.room.Admit(t.Context(), s.at("case-1"), code.String(), "x")
	s.refused(sashlock.Conflict, err) // nobody is on shift
	for _, wrong := range []shopper.Rules{{}, {Codes: true, Openings: 11, Minutes: 30, AtCase: 1, AtSite: 1, Keep: 1}, {Openings: 1, Minutes: 30, AtCase: 1, AtSite: 1, Keep: 1}} {
		wrong.Site = s.Site("lisbon")
		s.refused(sashlock.Invalid, s.room.SaveRules(t.Context(), "", wrong))
	}
}

func TestWhatIsWorthMostStaysWithStaff(t *testing.T) {
	s := open(t)
	s.refused(sashlock.Conflict, s.room.Switch(t.Context(), "", s.at("cage-1"), true))
	g := s.guest()
	s.declare(func(f *estate.File) {
		for i := range f.Openings {
			if f.Openings[i].Slug == "case-2" {
				f.Openings[i].Class = "high"
			}
		}
	})
	_, err := s.room.Ask(t.Context(), g, s.at("case-2"))
	s.refused(sashlock.Conflict, err)
	if _, on, err := s.room.Offered(t.Context(), s.at("case-2")); on || err != nil {
		t.Error("what became of the highest value is still offered", err)
	}
	s.Must(s.room.Switch(t.Context(), "", s.at("case-2"), false))
	s.refused(sashlock.Conflict, s.room.Switch(t.Context(), "", s.at("case-2"), true))
	for what, change := range map[string]func(o *estate.Opening){
		"two persons":  func(o *estate.Opening) { o.Two = true },
		"no open time": func(o *estate.Opening) { o.Two, o.OpenTime = false, "" },
	} {
		s.declare(func(f *estate.File) {
			for i := range f.Openings {
				if f.Openings[i].Slug == "case-1" {
					change(&f.Openings[i])
				}
			}
		})
		if shopper.Barred(s.Hall.Book(), s.at("case-1"), time.Now()) == "" {
			t.Error("nothing is against a case with", what)
		}
	}
}

// Nobody is sent to a case that cannot open: on trial it is another system's.
func TestNothingIsOfferedOnTrial(t *testing.T) {
	s := open(t)
	g := s.guest()
	s.declare(func(f *estate.File) {
		for i := range f.Openings {
			f.Openings[i].Trial = f.Openings[i].Slug == "case-1"
		}
	})
	_, err := s.room.Ask(t.Context(), g, s.at("case-1"))
	s.refused(sashlock.Conflict, err)
	if _, on, err := s.room.Offered(t.Context(), s.at("case-1")); on || err != nil {
		t.Error("a case on trial is offered", err)
	}
	if why := shopper.Barred(s.Hall.Book(), s.at("case-1"), time.Now()); !strings.Contains(why, "on trial") {
		t.Errorf("it is said to be %q", why)
	}
}

func TestGuardRailsHoldForCustomers(t *testing.T) {
	s := open(t)
	g := s.guest()
	_, err := s.Hall.Change(t.Context(), flow.Change{Make: func(tx *store.Tx) (flow.Edit, error) {
		return rails.Save(tx, rails.Rail{Slug: "no-codes", Text: `@id("no-codes")
@reason("A code is not enough here.")
@fix("Use a passkey.")
forbid (principal, action == Action::"open", resource)
when { context.level < 3 };
`}, 0)
	}})
	s.Must(err)
	d, err := s.room.Ask(t.Context(), g, s.at("case-1"))
	if err != nil || d.Granted || d.Reason != sashlock.GuardRail || d.Rail != "no-codes" {
		t.Errorf("a code against a guard rail: %+v %v", d, err)
	}
	k, _, err := s.room.AdmitKey(t.Context(), s.at("case-1"), shopper.Key{ID: "k", At: "localhost", Public: []byte(`{}`)}, "")
	s.Must(err)
	if d, err := s.room.Ask(t.Context(), k, s.at("case-1")); err != nil || !d.Granted {
		t.Errorf("a passkey: %+v %v", d, err)
	}
}

func TestOutsideTheHoursNothingOpens(t *testing.T) {
	s := open(t)
	g := s.guest()
	s.declare(func(f *estate.File) {
		for i := range f.Schedules {
			if f.Schedules[i].Slug == "always" {
				f.Schedules[i].Last = "2020-01-01"
			}
		}
	})
	d, err := s.room.Ask(t.Context(), g, s.at("case-1"))
	if err != nil || d.Granted || d.Reason != sashlock.NotPermittedAtThisTime {
		t.Errorf("after hours: %+v %v", d, err)
	}
}

func TestACustomerIsForgotten(t *testing.T) {
	s := open(t)
	g, stays := s.guest(), s.guest()
	if _, err := s.room.Ask(t.Context(), g, s.at("case-1")); err != nil {
		t.Fatal(err)
	}
	s.visit("case-1")
	s.Must(s.room.Look(t.Context()))
	long := time.Now().Add(-25 * time.Hour)
	_, err := s.Store.Do(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE guests SET began = ?, until = ? WHERE id = ?`, store.Micros(long), store.Micros(long.Add(time.Hour)), string(g.ID))
		return err
	})
	s.Must(err)
	s.Must(s.room.Forget(t.Context()))
	if _, there := s.Hall.Book().People[g.ID]; there {
		t.Error("the person who stood for the customer is still there")
	}
	if _, there := s.Hall.Book().People[stays.ID]; !there {
		t.Error("somebody was forgotten too early")
	}
	s.Must(s.Store.View(t.Context(), func(q store.Query) error {
		var left int
		err := q.QueryRow(`SELECT (SELECT COUNT(*) FROM guests WHERE id = ?) + (SELECT COUNT(*) FROM guest_opens WHERE guest = ?) + (SELECT COUNT(*) FROM people WHERE id = ?)`, string(g.ID), string(g.ID), string(g.ID)).Scan(&left)
		if left != 0 {
			t.Errorf("%d rows still have the customer", left)
		}
		waits, err2 := shopper.Waits(q, s.Site("lisbon"), long)
		if len(waits) != 1 || err2 != nil {
			t.Errorf("how long they waited is forgotten too: %v %v", waits, err2)
		}
		return err
	}))
	events, err := s.Store.Events(t.Context(), store.EventQuery{Person: g.ID, Limit: 100})
	if err != nil || len(events) < 4 {
		t.Fatalf("the ledger tells %d of the customer: %v", len(events), err)
	}
	for _, e := range events {
		if strings.Contains(string(e.Data), "Customer ") || strings.Contains(string(e.Data), "shopper-") {
			t.Errorf("the ledger has the name of a customer: %s %s", e.Kind, e.Data)
		}
	}
}

func TestWhoComesBackIsTheSame(t *testing.T) {
	s := open(t)
	s.rules(func(r *shopper.Rules) { r.Openings = 1 })
	key := shopper.Key{ID: "k", At: "localhost", Public: []byte(`{}`)}
	g, _, err := s.room.AdmitKey(t.Context(), s.at("case-1"), key, "")
	s.Must(err)
	if d, err := s.room.Ask(t.Context(), g, s.at("case-1")); err != nil || !d.Granted {
		t.Fatal(d, err)
	}
	s.visit("case-1")
	again, _, err := s.room.AdmitKey(t.Context(), s.at("case-2"), key, g.ID)
	if err != nil || again.ID != g.ID {
		t.Fatalf("they came back as %s, were %s: %v", again.ID, g.ID, err)
	}
	_, err = s.room.Ask(t.Context(), again, s.at("case-2"))
	s.refused(sashlock.Limit, err)
	other, _, err := s.room.AdmitKey(t.Context(), s.at("case-2"), key, "prs_made_up")
	if err != nil || other.ID == "prs_made_up" || other.ID == g.ID {
		t.Errorf("a made-up guest came back as %s: %v", other.ID, err)
	}
}

// A list of everybody from the personnel system says nothing of customers, and
// one who comes meanwhile does not make it stale.
func TestCustomersAreNoStaff(t *testing.T) {
	s := open(t)
	staff := func() (staff people.Staff) {
		s.Must(s.Store.View(t.Context(), func(q store.Query) (err error) { staff, err = people.ReadStaff(q); return err }))
		return staff
	}
	list := "user name,name\n"
	for _, e := range staff().Entries {
		list += e.Slug + "," + e.Name + "\n"
	}
	opts := people.Options{Everyone: true, Zone: time.UTC}
	before := people.Compare([]byte(list), staff(), opts)
	guest := s.guest()
	after := people.Compare([]byte(list), staff(), opts)
	if len(after.Problems) > 0 || after.Leaving != 0 || after.Hash != before.Hash {
		t.Errorf("with a customer in the store %d leave, problems %v", after.Leaving, after.Problems)
	}
	if slices.ContainsFunc(staff().Entries, func(e people.Entry) bool { return e.ID == guest.ID }) {
		t.Error("a customer is among the staff")
	}
}
