// SPDX-License-Identifier: Apache-2.0

package shifts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/shifts"
	"github.com/sashlock/sashlock/internal/store"
)

// team is a store with three people and a rota.
type team struct {
	roomtest.Room
	site           sashlock.Site
	ana, bob, carl sashlock.PersonID
}

func onTeam(t *testing.T, test func(t *testing.T, m *team)) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		m := &team{Room: r}
		m.change(t, func(tx *store.Tx) (flow.Edit, error) {
			var whole flow.Edit
			for _, slug := range []string{"bob", "carl"} {
				edit, err := people.Save(tx, estate.Person{Slug: slug, Name: strings.ToUpper(slug)}, roomtest.Lookup(tx), 0)
				if err != nil {
					return edit, err
				}
				whole.Events = append(whole.Events, edit.Events...)
				whole.Access.Put.People = append(whole.Access.Put.People, edit.Access.Put.People...)
			}
			return whole, nil
		})
		for _, s := range r.Hall.Book().Sites {
			m.site = s
		}
		for id, p := range r.Hall.Book().People {
			switch p.Slug {
			case "ana":
				m.ana = id
			case "bob":
				m.bob = id
			case "carl":
				m.carl = id
			}
		}
		test(t, m)
	})
}

func (m *team) change(t testing.TB, edit func(tx *store.Tx) (flow.Edit, error)) {
	t.Helper()
	if err := m.try(edit); err != nil {
		t.Fatal(err)
	}
}

func (m *team) try(edit func(tx *store.Tx) (flow.Edit, error)) error {
	_, err := m.Hall.Change(m.T.Context(), flow.Change{Make: edit})
	return err
}

func (m *team) plan(t testing.TB, who sashlock.PersonID, from, until time.Duration) (s shifts.Shift) {
	t.Helper()
	now := m.Now()
	m.change(t, func(tx *store.Tx) (edit flow.Edit, err error) {
		s, edit, err = shifts.Save(tx, shifts.Shift{Shift: sashlock.Shift{Person: who, Site: m.site.ID, From: now.Add(from), Until: now.Add(until)}}, 0)
		return edit, err
	})
	return s
}

func (m *team) onShift(who sashlock.PersonID, in time.Duration) bool {
	return m.Hall.Book().OnShift(who, m.site.ID, m.Now().Add(in))
}

func (m *team) find(t testing.TB, id sashlock.ShiftID) (s shifts.Shift) {
	t.Helper()
	if err := m.Store.View(t.Context(), func(q store.Query) (err error) { s, err = shifts.Find(q, id); return err }); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheNextDecisionFollows(t *testing.T) {
	onTeam(t, func(t *testing.T, m *team) {
		if m.onShift(m.ana, 0) {
			t.Fatal("on shift before any is planned")
		}
		s := m.plan(t, m.ana, -time.Hour, time.Hour)
		if !m.onShift(m.ana, 0) || m.onShift(m.ana, 2*time.Hour) || m.onShift(m.bob, 0) {
			t.Error("a planned shift is not what the book says")
		}
		m.change(t, func(tx *store.Tx) (edit flow.Edit, err error) {
			_, edit, err = shifts.Give(tx, s.ID, m.bob, s.Rev)
			return edit, err
		})
		if m.onShift(m.ana, 0) || !m.onShift(m.bob, 0) {
			t.Error("a shift given away still counts for who gave it")
		}
		m.change(t, func(tx *store.Tx) (edit flow.Edit, err error) {
			_, edit, err = shifts.Cancel(tx, s.ID, 0)
			return edit, err
		})
		if m.onShift(m.bob, 0) {
			t.Error("a shift called off still counts")
		}
		var loaded []sashlock.Shift
		if err := m.Store.View(t.Context(), func(q store.Query) (err error) { loaded, err = shifts.Load(q, m.Now()); return err }); err != nil || len(loaded) != 0 {
			t.Errorf("loaded %v, %v", loaded, err)
		}
	})
}

func TestSwaps(t *testing.T) {
	onTeam(t, func(t *testing.T, m *team) {
		a, b := m.plan(t, m.ana, time.Hour, 5*time.Hour), m.plan(t, m.bob, 3*time.Hour, 7*time.Hour)
		m.change(t, func(tx *store.Tx) (edit flow.Edit, err error) {
			_, _, edit, err = shifts.Exchange(tx, a.ID, b.ID, a.Rev, b.Rev)
			return edit, err
		})
		if !m.onShift(m.bob, 2*time.Hour) || m.onShift(m.ana, 2*time.Hour) || !m.onShift(m.ana, 6*time.Hour) {
			t.Error("the shifts were not exchanged")
		}
		for what, edit := range map[string]func(tx *store.Tx) (flow.Edit, error){
			"to somebody who works then": func(tx *store.Tx) (edit flow.Edit, err error) {
				_, edit, err = shifts.Give(tx, a.ID, m.ana, 0)
				return edit, err
			},
			"of an old revision": func(tx *store.Tx) (edit flow.Edit, err error) {
				_, edit, err = shifts.Give(tx, a.ID, m.carl, a.Rev)
				return edit, err
			},
			"with oneself": func(tx *store.Tx) (edit flow.Edit, err error) {
				_, _, edit, err = shifts.Exchange(tx, a.ID, a.ID, 0, 0)
				return edit, err
			},
			"to nobody": func(tx *store.Tx) (edit flow.Edit, err error) {
				_, edit, err = shifts.Give(tx, a.ID, "prs_none", 0)
				return edit, err
			},
		} {
			if err := m.try(edit); err == nil {
				t.Errorf("a swap %s was made", what)
			}
		}
		if got := m.find(t, a.ID); got.Person != m.bob || got.Rev != a.Rev+1 {
			t.Errorf("a refused swap changed it: %+v", got)
		}
	})
}

func TestTheClock(t *testing.T) {
	onTeam(t, func(t *testing.T, m *team) {
		in := func(who sashlock.PersonID) error {
			return m.try(func(tx *store.Tx) (edit flow.Edit, err error) {
				_, edit, err = shifts.ClockIn(tx, who, m.site)
				return edit, err
			})
		}
		out := func(who sashlock.PersonID) error {
			return m.try(func(tx *store.Tx) (edit flow.Edit, err error) {
				_, edit, err = shifts.ClockOut(tx, who, m.site)
				return edit, err
			})
		}
		if err := in(m.ana); !sashlock.IsKind(err, sashlock.Conflict) {
			t.Errorf("clocking in to no shift: %v", err)
		}
		m.plan(t, m.carl, 2*time.Hour, 4*time.Hour)
		if err := in(m.carl); !sashlock.IsKind(err, sashlock.Conflict) {
			t.Errorf("clocking in two hours early: %v", err)
		}
		s := m.plan(t, m.ana, -time.Minute, time.Hour)
		if err := out(m.ana); !sashlock.IsKind(err, sashlock.Conflict) {
			t.Errorf("clocking out before in: %v", err)
		}
		before := m.Store.Size()
		for range 2 { // the second time changes nothing
			if err := in(m.ana); err != nil {
				t.Fatal(err)
			}
		}
		if n := m.Store.Size() - before; n != 1 {
			t.Errorf("%d entries for clocking in twice", n)
		}
		if p := m.Store.PersonState(m.ana); !p.At(m.site.ID, m.Now().Add(5*time.Hour)) {
			t.Errorf("clocked in and not there: %+v", p)
		}
		if err := m.try(func(tx *store.Tx) (edit flow.Edit, err error) {
			_, edit, err = shifts.Cancel(tx, s.ID, 0)
			return edit, err
		}); err == nil {
			t.Error("a shift somebody clocked in to was called off")
		}
		if err := out(m.ana); err != nil {
			t.Fatal(err)
		}
		if p := m.Store.PersonState(m.ana); p.At(m.site.ID, m.Now()) || m.onShift(m.ana, 0) {
			t.Errorf("clocked out and still there: %+v", p)
		}
	})
}

func TestSupervisorsAllow(t *testing.T) {
	onTeam(t, func(t *testing.T, m *team) {
		allow := func(p shifts.Permit) error {
			p.Site = m.site
			return m.try(func(tx *store.Tx) (edit flow.Edit, err error) { _, edit, err = shifts.Allow(tx, p); return edit, err })
		}
		why := shifts.Reasons()[0]
		for _, p := range []shifts.Permit{
			{Person: m.ana, Until: m.Now().Add(time.Hour)}, {Person: m.ana, Until: m.Now().Add(time.Hour), Reason: "because"},
			{Person: m.ana, Until: m.Now().Add(-time.Hour), Reason: why}, {Person: m.ana, Until: m.Now().Add(17 * time.Hour), Reason: why},
			{Person: "prs_none", Until: m.Now().Add(time.Hour), Reason: why},
		} {
			if allow(p) == nil {
				t.Errorf("allowed: %+v", p)
			}
		}
		for _, hours := range []time.Duration{1, 2} { // the second time it only ends later
			if err := allow(shifts.Permit{Person: m.ana, Until: m.Now().Add(hours * time.Hour), Reason: why}); err != nil {
				t.Fatal(err)
			}
		}
		if !m.onShift(m.ana, 90*time.Minute) || m.onShift(m.ana, 3*time.Hour) || len(m.Hall.Book().Shifts[m.ana]) != 1 {
			t.Errorf("not as allowed: %+v", m.Hall.Book().Shifts[m.ana])
		}
		events, err := m.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.ShiftSaved), Limit: 10})
		if err != nil || len(events) != 2 || events[0].Why != why || strings.Contains(string(events[0].Data), "Ana") {
			t.Errorf("%+v %v", events, err)
		}
	})
}

// source is the rota of the tests.
func (m *team) source() shifts.Source { return shifts.Source{Name: "plan", Site: m.site, Now: m.Now()} }

// import_ shows and applies a rota.
func (m *team) take(t testing.TB, text string) shifts.Plan {
	t.Helper()
	seen, err := shifts.Preview(t.Context(), m.Store, []byte(text), m.source())
	if err != nil || seen.Wrong > 0 {
		t.Fatal(seen.Problems, err)
	}
	done, err := shifts.Import(t.Context(), m.Hall, "", []byte(text), m.source(), seen.Hash)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// row is a row of a rota, by days from now.
func (m *team) row(ref, who string, day int, from, until string) string {
	date := m.Now().AddDate(0, 0, day).Format(time.DateOnly)
	return fmt.Sprintf("%s,%s,%s,%s,%s\n", ref, who, date, from, until)
}

const head = "ref,person,date,start,end\n"

func counts(p shifts.Plan) string {
	return fmt.Sprintf("%d new %d changed %d gone %d same", p.New, p.Changed, p.Gone, p.Same)
}

func TestImports(t *testing.T) {
	onTeam(t, func(t *testing.T, m *team) {
		one, two, three := m.row("1", "ana", 2, "9:00", "17:00"), m.row("2", "bob", 3, "22:00", "6:00"), m.row("3", "carl", 4, "9:00", "12:00")
		if got := counts(m.take(t, head+one+two+three)); got != "3 new 0 changed 0 gone 0 same" {
			t.Error(got)
		}
		if got := counts(m.take(t, head+one+two+three)); got != "0 new 0 changed 0 gone 3 same" {
			t.Errorf("again: %s", got)
		}
		// One is swapped here: the rota read again leaves that.
		var mine shifts.Shift
		m.change(t, func(tx *store.Tx) (flow.Edit, error) {
			all, err := shifts.List(tx, shifts.Filter{Person: m.ana})
			if err != nil || len(all) != 1 {
				return flow.Edit{}, fmt.Errorf("%v %w", all, err)
			}
			s, edit, err := shifts.Give(tx, all[0].ID, m.carl, 0)
			mine = s
			return edit, err
		})
		if got := counts(m.take(t, head+one+two+three)); got != "0 new 0 changed 0 gone 3 same" || m.find(t, mine.ID).Person != m.carl {
			t.Errorf("after a swap: %s", got)
		}
		// The rota itself says something else: that counts.
		one = m.row("1", "bob", 2, "9:00", "17:00")
		if got := counts(m.take(t, head+one+m.row("2", "bob", 3, "21:00", "5:00")+m.row("4", "ana", 4, "9:00", "12:00"))); got != "1 new 2 changed 1 gone 0 same" || m.find(t, mine.ID).Person != m.bob {
			t.Errorf("another rota: %s", got)
		}
		// What was called off is back.
		if got := counts(m.take(t, head+m.row("3", "carl", 4, "9:00", "12:00")+m.row("4", "ana", 4, "9:00", "12:00"))); got != "1 new 0 changed 0 gone 1 same" {
			t.Errorf("back: %s", got)
		}
		// Days for which a rota does not speak, and other rotas, are left alone.
		if m.find(t, mine.ID).Standing() == false {
			t.Error("a shift of another day was called off")
		}
	})
}

func TestAnImportDoesWhatWasShownOrNothing(t *testing.T) {
	onTeam(t, func(t *testing.T, m *team) {
		text := []byte(head + m.row("1", "ana", 2, "9:00", "17:00"))
		seen, err := shifts.Preview(t.Context(), m.Store, text, m.source())
		if err != nil || seen.New != 1 {
			t.Fatal(seen, err)
		}
		if _, err := shifts.Import(t.Context(), m.Hall, "", append(text, m.row("2", "bob", 2, "9:00", "17:00")...), m.source(), seen.Hash); !sashlock.IsKind(err, sashlock.Conflict) {
			t.Errorf("another file: %v", err)
		}
		bad := []byte(head + m.row("1", "ana", 2, "9:00", "17:00") + m.row("2", "zoe", 2, "9:00", "17:00"))
		if plan, err := shifts.Import(t.Context(), m.Hall, "", bad, m.source(), seen.Hash); !sashlock.IsKind(err, sashlock.Invalid) || plan.Wrong != 1 || plan.Problems[0].Row != 3 {
			t.Errorf("a bad file: %v %v", plan.Problems, err)
		}
		if len(m.Hall.Book().Shifts) != 0 {
			t.Error("something was done")
		}
		foreign := m.source()
		foreign.Sites = map[sashlock.SiteID]bool{}
		if plan, err := shifts.Preview(t.Context(), m.Store, []byte("site,"+head+"lisbon,"+m.row("1", "ana", 2, "9:00", "17:00")), foreign); err != nil || plan.Wrong == 0 {
			t.Errorf("a site of somebody else: %v %v", plan.Steps, err)
		}
	})
}

// TestWhatIsOverStays: an import changes nothing that is over or begun.
func TestWhatIsOverStays(t *testing.T) {
	onTeam(t, func(t *testing.T, m *team) {
		m.take(t, head+m.row("1", "ana", -2, "9:00", "17:00")+m.row("2", "bob", 1, "9:00", "17:00"))
		if plan := m.take(t, head+m.row("1", "carl", -2, "10:00", "17:00")+m.row("2", "bob", 1, "9:00", "17:00")); counts(plan) != "0 new 0 changed 0 gone 2 same" || plan.Noted != 1 {
			t.Errorf("%s, %d notes", counts(plan), plan.Noted)
		}
		if plan := m.take(t, head+m.row("3", "carl", -3, "10:00", "17:00")+m.row("2", "bob", 1, "9:00", "17:00")); plan.Gone != 0 {
			t.Error("a shift that is over was called off")
		}
	})
}

func TestForgottenClockOuts(t *testing.T) {
	onTeam(t, func(t *testing.T, m *team) {
		s := m.plan(t, m.ana, -time.Minute, time.Minute)
		m.change(t, func(tx *store.Tx) (edit flow.Edit, err error) {
			_, edit, err = shifts.ClockIn(tx, m.ana, m.site)
			return edit, err
		})
		if err := shifts.Tidy(t.Context(), m.Store, m.Hall, m.Now().Add(time.Hour)); err != nil || !m.find(t, s.ID).Out.IsZero() {
			t.Fatalf("closed too early: %v", err)
		}
		// The end moves into the past, as time does.
		m.change(t, func(tx *store.Tx) (flow.Edit, error) {
			_, err := tx.Exec(`UPDATE shifts SET begins = ?, ends = ? WHERE id = ?`, store.Micros(m.Now().Add(-9*time.Hour)), store.Micros(m.Now().Add(-5*time.Hour)), s.ID)
			return flow.Edit{}, err
		})
		if err := shifts.Tidy(t.Context(), m.Store, m.Hall, m.Now()); err != nil {
			t.Fatal(err)
		}
		if got := m.find(t, s.ID); !got.Forgot || !got.Out.Equal(got.Until) {
			t.Errorf("%+v", got)
		}
		if m.Store.PersonState(m.ana).At(m.site.ID, m.Now()) {
			t.Error("still there")
		}
		if err := shifts.Tidy(t.Context(), m.Store, m.Hall, m.Now().Add(10*24*time.Hour)); err != nil || len(m.Hall.Book().Shifts[m.ana]) != 0 {
			t.Errorf("old shifts stay in the book: %v", err)
		}
	})
}

// TestTheBookIsTheTable draws what people do with shifts and compares what
// decisions go by with what is kept.
func TestTheBookIsTheTable(t *testing.T) {
	onTeam(t, func(t *testing.T, m *team) {
		rapid.Check(t, func(r *rapid.T) {
			who := rapid.SampledFrom([]sashlock.PersonID{m.ana, m.bob, m.carl})
			var ids []sashlock.ShiftID
			for range rapid.IntRange(3, 12).Draw(r, "steps") {
				_ = m.try(func(tx *store.Tx) (edit flow.Edit, err error) { // a refusal changes nothing
					one, other := sashlock.ShiftID("shf_none"), sashlock.ShiftID("shf_none")
					if len(ids) > 0 {
						one, other = rapid.SampledFrom(ids).Draw(r, "shift"), rapid.SampledFrom(ids).Draw(r, "other")
					}
					var s shifts.Shift
					switch rapid.IntRange(0, 6).Draw(r, "what") {
					case 0, 1:
						from := tx.Now().Add(time.Duration(rapid.IntRange(-60, 6000).Draw(r, "from")) * time.Minute)
						s, edit, err = shifts.Save(tx, shifts.Shift{Shift: sashlock.Shift{Person: who.Draw(r, "who"), Site: m.site.ID, From: from, Until: from.Add(3 * time.Hour)}}, 0)
						if err == nil {
							ids = append(ids, s.ID)
						}
					case 2:
						_, edit, err = shifts.Give(tx, one, who.Draw(r, "to"), 0)
					case 3:
						_, _, edit, err = shifts.Exchange(tx, one, other, 0, 0)
					case 4:
						_, edit, err = shifts.Cancel(tx, one, 0)
					case 5:
						_, edit, err = shifts.ClockInTo(tx, one, m.site)
					case 6:
						_, edit, err = shifts.ClockOutOf(tx, one)
					}
					return edit, err
				})
			}
			var kept []sashlock.Shift
			if err := m.Store.View(t.Context(), func(q store.Query) (err error) { kept, err = shifts.Load(q, m.Now()); return err }); err != nil {
				r.Fatal(err)
			}
			n := 0
			for _, mine := range m.Hall.Book().Shifts {
				n += len(mine)
			}
			if n != len(kept) {
				r.Fatalf("%d in the book, %d kept", n, len(kept))
			}
			in := map[sashlock.PersonID]bool{}
			for _, s := range kept {
				found := false
				for _, b := range m.Hall.Book().Shifts[s.Person] {
					found = found || b == s
				}
				if !found {
					r.Fatalf("the book lacks %+v", s)
				}
				in[s.Person] = in[s.Person] || !s.In.IsZero() && s.Out.IsZero()
			}
			for _, id := range []sashlock.PersonID{m.ana, m.bob, m.carl} {
				if m.Store.PersonState(id).ClockIn != in[id] {
					r.Fatalf("clocked in: %v, %v by the shifts", m.Store.PersonState(id).ClockIn, in[id])
				}
			}
		})
	})
}
