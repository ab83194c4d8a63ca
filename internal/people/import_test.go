// SPDX-License-Identifier: Apache-2.0

package people_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/store"
)

// preview compares a list with a house.
func preview(t testing.TB, s *store.Store, content string, opts people.Options) people.Plan {
	t.Helper()
	plan, err := people.Preview(t.Context(), s, []byte(content), opts)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// apply previews a list and does it.
func apply(t testing.TB, h *app.House, content string, opts people.Options) people.Plan {
	t.Helper()
	seen := preview(t, h.Store, content, opts)
	if seen.Wrong > 0 {
		t.Fatalf("problems: %v", seen.Problems)
	}
	done, err := people.Import(t.Context(), h.Store, h.Hall, "", []byte(content), opts, seen.Hash)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func staff(t testing.TB, s *store.Store) map[string]people.Entry {
	t.Helper()
	by := map[string]people.Entry{}
	err := s.View(t.Context(), func(q store.Query) error {
		all, err := people.ReadStaff(q)
		for _, e := range all.Entries {
			by[e.Slug] = e
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return by
}

func verbs(p people.Plan) string {
	var all []string
	for _, s := range p.Steps {
		line := string(s.Verb) + " " + s.Slug
		for _, f := range s.Fields {
			line += " " + f.Name + ":" + f.From + ">" + f.To
		}
		all = append(all, line)
	}
	return strings.Join(all, "\n")
}

func TestImport(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		lisbon, err := time.LoadLocation("Europe/Lisbon")
		if err != nil {
			t.Fatal(err)
		}
		opts := people.Options{Zone: lisbon}
		file := "name,slug,Roles,Employee ID,until\nAna Costa-Silva,ana,Associate,4711,2026-07-31\nBo Li,bo,,4712,\n"
		plan := preview(t, r.Store, file, opts)
		want := "changed ana name:Ana Costa>Ana Costa-Silva external_id:>4711 until:2200-01-01T00:00:00Z>2026-08-01T00:00:00+01:00\nnew bo name:>Bo Li external_id:>4712"
		if diff := cmp.Diff(want, verbs(plan)); diff != "" {
			t.Fatal(diff)
		}
		if len(staff(t, r.Store)) != 1 {
			t.Fatal("looking changed something")
		}
		before := r.Store.Size()
		if _, err := people.Import(t.Context(), r.Store, r.Hall, "", []byte(file), opts, "another"); !sashlock.IsKind(err, sashlock.Conflict) || !errors.Is(err, store.ErrChanged) || r.Store.Size() != before {
			t.Fatalf("another plan is carried out: %v", err)
		}
		apply(t, r.House, file, opts)
		if again := preview(t, r.Store, file, opts); len(again.Steps) > 0 || again.Same != 2 {
			t.Errorf("again: %+v", again)
		}
		ana := staff(t, r.Store)["ana"]
		if ana.External != "4711" || ana.Rev != 2 || !ana.Until.Equal(time.Date(2026, 7, 31, 23, 0, 0, 0, time.UTC)) || len(ana.Roles) != 1 || ana.From.IsZero() {
			t.Errorf("Ana is now %+v", ana)
		}
		if diff := cmp.Diff(ana.Person, r.Hall.Book().People[ana.ID]); diff != "" {
			t.Errorf("the book has another Ana: %s", diff)
		}
		events, err := r.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.PersonSaved), Newest: true, Limit: 9})
		if err != nil {
			t.Fatal(err)
		}
		if len(events) != 3 {
			t.Errorf("%d events", len(events))
		}
		for _, e := range events {
			if text := string(e.Data); strings.Contains(text, "Costa") || strings.Contains(text, "4711") || e.Person == "" {
				t.Errorf("the ledger says %s of %q", text, e.Person)
			}
		}
	})
}

func TestWhoIsNotInTheListOfEverybodyLeaves(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		all := people.Options{Everyone: true}
		if plan := preview(t, r.Store, "slug,name\nbo,Bo Li\n", people.Options{}); plan.Leaving != 0 {
			t.Errorf("a list of some makes others leave: %s", verbs(plan))
		}
		plan := apply(t, r.House, "slug,name\nbo,Bo Li\n", all)
		if want := "new bo name:>Bo Li\nleaving ana suspended:no>yes left:no>yes"; verbs(plan) != want || plan.Leaving != 1 {
			t.Fatalf("%s", verbs(plan))
		}
		ana := staff(t, r.Store)["ana"]
		a, err := r.Hall.Request(t.Context(), sashlock.Request{Person: ana.ID, Opening: opening(t, r), Method: sashlock.ByRemote})
		if err != nil || a.Decision.Granted || a.Decision.Reason != sashlock.PersonSuspended {
			t.Errorf("who left is answered %+v, %v", a.Decision, err)
		}
		if ana.Left.IsZero() || !ana.Suspended {
			t.Errorf("Ana is now %+v", ana)
		}
		if plan := preview(t, r.Store, "slug,name\nbo,Bo Li\n", all); len(plan.Steps) > 0 {
			t.Errorf("leaves twice: %s", verbs(plan))
		}
		plan = apply(t, r.House, "slug,name\nbo,Bo Li\nana,Ana Costa\n", all)
		if want := "back ana suspended:yes>no left:yes>no"; verbs(plan) != want {
			t.Errorf("%s", verbs(plan))
		}
		if ana := staff(t, r.Store)["ana"]; ana.Suspended || !ana.Left.IsZero() {
			t.Errorf("Ana is now %+v", ana)
		}
	})
}

// Suspended by somebody for a reason of their own, and the list says nothing of
// that: it stays.
func TestASuspensionOutlivesAList(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		if err := r.Change(func(tx *store.Tx) (flow.Edit, error) {
			return people.Save(tx, estate.Person{Slug: "ana", Name: "Ana Costa", Suspended: true}, roomtest.Lookup(tx), 0)
		}); err != nil {
			t.Fatal(err)
		}
		if plan := preview(t, r.Store, "slug,name\nana,Ana Costa\n", people.Options{Everyone: true}); len(plan.Steps) > 0 {
			t.Errorf("%s", verbs(plan))
		}
		if plan := preview(t, r.Store, "slug,name,active\nana,Ana Costa,yes\n", people.Options{}); len(plan.Steps) > 0 {
			t.Errorf("%s", verbs(plan))
		}
		if plan := preview(t, r.Store, "slug,name,suspended\nana,Ana Costa,no\n", people.Options{}); verbs(plan) != "changed ana suspended:yes>no" {
			t.Errorf("%s", verbs(plan))
		}
		if plan := preview(t, r.Store, "slug,name,status\nana,Ana Costa,Terminated\n", people.Options{}); verbs(plan) != "leaving ana left:no>yes" {
			t.Errorf("%s", verbs(plan))
		}
	})
}

func opening(t testing.TB, r roomtest.Room) sashlock.OpeningID {
	t.Helper()
	for id := range r.Hall.Book().Openings {
		return id
	}
	t.Fatal("no opening")
	return ""
}

// bigList is a list of n people in ten roles' worth of rows.
func bigList(n int) string {
	var b strings.Builder
	b.WriteString("Employee ID;First name;Last name;Job title;Start date;Status;Cost centre\n")
	for i := range n {
		fmt.Fprintf(&b, "%06d;Vorname %d;Nachname-%d;Associate;2026-%02d-%02d;active;CC-%d\n", i, i, i, 1+i%12, 1+i%28, i%40)
	}
	return b.String()
}

func TestALargeListIsRefusedQuickly(t *testing.T) {
	rows := strings.Repeat("a,b\n", 1_000_000)
	began := time.Now()
	plan := people.Compare([]byte("slug,name\n"+rows), people.Staff{}, people.Options{})
	if plan.Wrong == 0 || len(plan.Problems) > 100 || plan.Problems[0].Detail != "the file has more than 200000 rows" {
		t.Errorf("%d problems: %v", plan.Wrong, plan.Problems[:1])
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
	plan = people.Compare(make([]byte, people.MaxList+1), people.Staff{}, people.Options{})
	if plan.Wrong != 1 || plan.Problems[0].Detail != "the file has more than 32 MB" {
		t.Errorf("%v", plan.Problems)
	}
}

// BenchmarkImport is how long a list of 50,000 new people takes, with its
// preview, on SQLite with everything flushed.
func BenchmarkImport(b *testing.B) {
	list := bigList(50_000)
	for b.Loop() {
		b.StopTimer()
		data := b.TempDir()
		if _, err := app.Init(data); err != nil {
			b.Fatal(err)
		}
		h, err := app.New(b.Context(), app.Config{Data: data, JournalSize: 1 << 20}, slog.New(slog.DiscardHandler))
		if err != nil {
			b.Fatal(err)
		}
		_, err = h.Hall.Change(b.Context(), flow.Change{Make: func(tx *store.Tx) (flow.Edit, error) {
			return people.SaveRole(tx, estate.Role{Slug: "associate", Name: "Associate"}, nil, 0)
		}})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		began := time.Now()
		seen := preview(b, h.Store, list, people.Options{Everyone: true})
		looked := time.Since(began)
		stop, waits := make(chan struct{}), make(chan []time.Duration)
		go func() { waits <- request(b, h, stop) }()
		if _, err := people.Import(b.Context(), h.Store, h.Hall, "", []byte(list), people.Options{Everyone: true}, seen.Hash); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(looked.Seconds(), "s/preview")
		b.ReportMetric((time.Since(began) - looked).Seconds(), "s/import")
		close(stop)
		took := <-waits
		slices.Sort(took)
		b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms/wait-p50")
		b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "ms/wait-p99")
		b.ReportMetric(took[len(took)-1].Seconds()*1000, "ms/wait-max")
		b.StopTimer()
		if n := len(h.Hall.Book().People); n != 50_000 {
			b.Fatalf("%d people", n)
		}
		if err := h.Stop(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// request has Ana ask at a door, over and over, until stop is closed, and
// returns how long each answer took.
func request(t testing.TB, h *app.House, stop chan struct{}) (took []time.Duration) {
	var q sashlock.Request
	for id := range h.Hall.Book().Openings {
		q = sashlock.Request{Opening: id, Person: "prs_nobody", Method: sashlock.ByCard}
	}
	pause := time.NewTicker(2 * time.Millisecond)
	defer pause.Stop()
	for {
		select {
		case <-stop:
			return took
		case <-pause.C:
		}
		began := time.Now()
		if _, err := h.Hall.Request(t.Context(), q); err != nil {
			t.Error(err)
			return took
		}
		took = append(took, time.Since(began))
	}
}

// longList is longer than what is done in one transaction.
const longList = 700

func TestALongListIsCarriedOutInParts(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		list := bigList(longList)
		plan := apply(t, r.House, list, people.Options{Everyone: true})
		if plan.New != longList || plan.Leaving != 1 {
			t.Fatalf("%d new, %d leaving", plan.New, plan.Leaving)
		}
		all := staff(t, r.Store)
		if len(all) != longList+1 || len(r.Hall.Book().People) != longList+1 || all["ana"].Left.IsZero() {
			t.Fatalf("%d people in the tables, %d in the book; Ana left %v", len(all), len(r.Hall.Book().People), all["ana"].Left)
		}
		if again := preview(t, r.Store, list, people.Options{Everyone: true}); len(again.Steps) > 0 {
			t.Errorf("the list is not done: %s", verbs(again))
		}
		events, err := r.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.PersonSaved), Newest: true, Limit: 2 * longList})
		if err != nil || len(events) != 1+longList+1 { // Ana was saved before
			t.Errorf("%d events: %v", len(events), err)
		}
		moments := map[time.Time]bool{}
		for _, e := range events {
			moments[e.Heard] = true
		}
		if len(moments) < 4 {
			t.Errorf("%d people were saved at %d moments: not in parts", longList, len(moments))
		}
		if err := people.Finish(t.Context(), r.Store, r.Hall); err != nil || len(staff(t, r.Store)) != longList+1 {
			t.Errorf("finishing what is finished: %v", err)
		}
	})
}

func TestAnInterruptedListIsFinished(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		list := bigList(longList)
		apply(t, r.House, bigList(100), people.Options{}) // what was done before it broke off
		if err := r.Change(func(tx *store.Tx) (flow.Edit, error) {
			return flow.Edit{}, tx.Put("people_lists", "slot", store.Fields{
				"slot": 1, "id": "x", "operator": "", "everyone": 1, "zone": "Europe/Lisbon", "content": base64.StdEncoding.EncodeToString([]byte(list)),
			})
		}); err != nil {
			t.Fatal(err)
		}
		if err := people.Finish(t.Context(), r.Store, r.Hall); err != nil {
			t.Fatal(err)
		}
		all := staff(t, r.Store)
		if len(all) != longList+1 || !all["ana"].Suspended {
			t.Errorf("%d people, Ana: %+v", len(all), all["ana"])
		}
		before := r.Store.Size()
		if err := people.Finish(t.Context(), r.Store, r.Hall); err != nil || r.Store.Size() != before {
			t.Errorf("it is finished twice: %v", err)
		}
	})
}

// TestAListThatIsWrongByNowIsGivenUp finishes a list that no longer fits what is
// there.
func TestAListThatIsWrongByNowIsGivenUp(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		apply(t, r.House, "slug,name,number\nbo,Bo Li,1\n", people.Options{})
		if err := r.Change(func(tx *store.Tx) (flow.Edit, error) {
			return flow.Edit{}, tx.Put("people_lists", "slot", store.Fields{
				"slot": 1, "id": "x", "operator": "", "everyone": 0, "zone": "UTC", "content": base64.StdEncoding.EncodeToString([]byte("slug,name,employee id\nana,Ana C,2\nana,Ana D,3\n")),
			})
		}); err != nil {
			t.Fatal(err)
		}
		if err := people.Finish(t.Context(), r.Store, r.Hall); !sashlock.IsKind(err, sashlock.Conflict) {
			t.Errorf("%v", err)
		}
		if err := people.Finish(t.Context(), r.Store, r.Hall); err != nil {
			t.Errorf("it was not given up: %v", err)
		}
		if got := staff(t, r.Store)["ana"].Name; got != "Ana Costa" {
			t.Errorf("Ana is now %q", got)
		}
	})
}

// TestSomebodyChangesPeopleMeanwhile edits somebody while a long list is carried
// out: the list is done whole, and what was edited before its turn comes does
// not stop it.
func TestSomebodyChangesPeopleMeanwhile(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		apply(t, r.House, bigList(longList), people.Options{})
		list := strings.ReplaceAll(bigList(longList), "Nachname", "Nome")
		seen := preview(t, r.Store, list, people.Options{})
		last := seen.Steps[longList-1].Slug
		edited := make(chan error)
		go func() {
			for r.Store.Size() <= 2*longList+2 { // until the list has begun; each person is an entry
				runtime.Gosched()
			}
			edited <- r.Change(func(tx *store.Tx) (flow.Edit, error) {
				return people.Save(tx, estate.Person{Slug: last, Name: "Somebody"}, roomtest.Lookup(tx), 0)
			})
		}()
		_, err := people.Import(t.Context(), r.Store, r.Hall, "", []byte(list), people.Options{}, seen.Hash)
		if err := errors.Join(err, <-edited); err != nil {
			t.Fatal(err)
		}
		for _, s := range preview(t, r.Store, list, people.Options{}).Steps {
			if s.Slug != last {
				t.Errorf("not done: %+v", s)
			}
		}
	})
}
