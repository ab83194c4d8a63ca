// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// TestEditedRowsAreFound edits the ledger behind the store's back and expects
// the verification to name the very entry.
func TestEditedRowsAreFound(t *testing.T) {
	for _, edit := range []struct{ name, statement string }{
		{"a body", "UPDATE entries SET body = REPLACE(CAST(body AS TEXT), 'opened', 'closed') WHERE seq = 41"},
		{"a salt", "UPDATE entries SET binding = CAST((SELECT substr(binding, 1, 32) FROM entries WHERE seq = 41) || (SELECT substr(binding, 33, 32) FROM entries WHERE seq = 40) AS BLOB) WHERE seq = 41"},
		{"a commitment", "UPDATE entries SET binding = (SELECT binding FROM entries WHERE seq = 40) WHERE seq = 41"},
		{"a removed entry", "DELETE FROM entries WHERE seq = 41"},
	} {
		onEachEngine(t, func(t *testing.T, s *suite) {
			t.Run(edit.name, func(t *testing.T) {
				st := s.open(t)
				for i := range 60 {
					do(t, st, func(tx *Tx) { tx.Append(opened(i)) })
				}
				s.verify(t, st)
				db := s.raw(t)
				statement := edit.statement
				if st.engine.name() == "postgres" {
					statement = strings.ReplaceAll(statement, "AS BLOB", "AS BYTEA")
					statement = strings.ReplaceAll(statement, "REPLACE(CAST(body AS TEXT), 'opened', 'closed')", "convert_to(REPLACE(convert_from(body, 'UTF8'), 'opened', 'closed'), 'UTF8')")
				} else {
					statement = strings.ReplaceAll(statement, "REPLACE(CAST(body AS TEXT), 'opened', 'closed')", "CAST(REPLACE(CAST(body AS TEXT), 'opened', 'closed') AS BLOB)")
				}
				mustExec(t, db, statement)
				report, err := proof.VerifyLedger(st.Rows(context.Background()), st.Seals(context.Background()), proof.LedgerCheck{Keys: []proof.Key{s.key}})
				if err == nil || report.First != 41 {
					t.Errorf("the verification names entry %d: %v", report.First, err)
				}
			})
		})
	}
}

func TestDamagedEndIsRefused(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		for i := range 5 {
			do(t, st, func(tx *Tx) { tx.Append(opened(i)) })
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		mustExec(t, s.raw(t), "DELETE FROM seals WHERE size = 5")
		if _, err := Open(context.Background(), s.opts); !sashlock.IsKind(err, sashlock.Internal) || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("opening a ledger without its last seal returned %v", err)
		}
	})
}

// TestDamagedRecentSealIsRefused is the same for a seal that stands beside what
// its commit changed.
func TestDamagedRecentSealIsRefused(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		for i := range 5 {
			report(t, st, i)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		mustExec(t, s.raw(t), "DELETE FROM changes WHERE size = 5")
		if _, err := Open(context.Background(), s.opts); !sashlock.IsKind(err, sashlock.Internal) || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("opening a ledger without its last seal returned %v", err)
		}
	})
}

func TestErasedEntriesStayProvable(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		for i := range 8 {
			do(t, st, func(tx *Tx) { e := opened(i); e.Why = "canary"; tx.Append(e) })
		}
		if _, err := st.Do(context.Background(), func(tx *Tx) error { return tx.Erase(3, 5) }); err != nil {
			t.Fatal(err)
		}
		if _, err := st.Do(context.Background(), func(tx *Tx) error { return tx.Erase(99) }); !sashlock.IsKind(err, sashlock.NotFound) {
			t.Errorf("erasing what is not there returned %v", err)
		}
		if report := s.verify(t, st); report.Erased != 2 || report.Entries != 8 {
			t.Errorf("the verification counts %d erased of %d", report.Erased, report.Entries)
		}
		e, err := st.EventAt(context.Background(), 3)
		if err != nil || e.Kind != sashlock.OpeningOpened || e.Opening != "opn_3" || e.Why != "" || e.Heard.IsZero() {
			t.Errorf("the erased entry reads %+v, %v", e, err)
		}
		row, err := st.Entry(context.Background(), 3)
		if err != nil || row.Body != nil || row.Salt != nil || row.Commitment == (proof.Commitment{}) {
			t.Errorf("the erased row is %+v, %v", row, err)
		}
		row, err = st.Entry(context.Background(), 4)
		if err != nil || proof.Commit([proof.SaltSize]byte(row.Salt), row.Body) != row.Commitment {
			t.Errorf("the row beside it is %+v, %v", row, err)
		}
	})
}

func TestForeignKeysRestrict(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		exec := func(statement string, args ...any) error {
			_, err := st.Do(context.Background(), func(tx *Tx) error { _, err := tx.Exec(statement, args...); return err })
			return err
		}
		for _, statement := range []string{
			"INSERT INTO sites (id, slug, name, zone, rev) VALUES ('site_1', 's', 'Shop', 'Europe/Berlin', 1)",
			"INSERT INTO people (id, slug, name, rev) VALUES ('prs_1', 'p', 'P', 1)",
			"INSERT INTO people (id, slug, name, rev) VALUES ('prs_2', 'q', 'Q', 1)",
			"INSERT INTO roles (id, slug, name, rev) VALUES ('role_1', 'r', 'R', 1)",
			"INSERT INTO person_roles (person, role) VALUES ('prs_2', 'role_1')",
			"INSERT INTO grants (id, slug, person, site, rev) VALUES ('grt_1', 'g', 'prs_1', 'site_1', 1)",
		} {
			if err := exec(statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		for _, statement := range []string{
			"DELETE FROM people WHERE id = 'prs_1'",
			"DELETE FROM sites WHERE id = 'site_1'",
			"DELETE FROM roles WHERE id = 'role_1'",
			"INSERT INTO grants (id, slug, person, role, site, rev) VALUES ('grt_2', 'g2', 'prs_1', 'role_1', 'site_1', 1)",
			"INSERT INTO grants (id, slug, person, rev) VALUES ('grt_2', 'g2', 'prs_1', 1)",
			"INSERT INTO people (id, slug, name, rev) VALUES ('prs_3', 'p', 'same slug', 1)",
		} {
			if err := exec(statement); err == nil {
				t.Errorf("accepted: %s", statement)
			}
		}
		if err := exec("DELETE FROM people WHERE id = ?", sashlock.PersonID("prs_2")); err != nil {
			t.Errorf("removing a person with a role: %v", err)
		}
		if err := exec("DELETE FROM roles WHERE id = 'role_1'"); err != nil {
			t.Errorf("removing the role nobody has any more: %v", err)
		}
		if err := exec("UPDATE people SET suspended = ?, valid_from = ?, valid_until = ? WHERE slug = '?'", true, Micros(time.Time{}), Micros(time.Unix(1, 0))); err != nil {
			t.Errorf("arguments of other types: %v", err)
		}
	})
}

// TestClockJumps sets the machine's clock back and forth.
func TestClockJumps(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		base := time.Date(2026, 11, 22, 8, 0, 0, 999, time.UTC)
		var clock atomic.Int64
		s.opts.Now = func() time.Time { return base.Add(time.Duration(clock.Load())) }
		st := s.open(t)
		last := time.Time{}
		record := func() {
			t.Helper()
			do(t, st, func(tx *Tx) {
				if tx.Now().Before(last) || tx.Now().Nanosecond()%1000 != 0 {
					t.Errorf("time %v after %v", tx.Now(), last)
				}
				last = tx.Now()
				tx.Append(opened(1))
				tx.Append(sashlock.Event{Kind: sashlock.DeviceOnline, Heard: last.Add(-time.Hour)})
				tx.Append(sashlock.Event{Kind: sashlock.DeviceOnline, Heard: last.Add(time.Hour)})
			})
		}
		for _, jump := range []time.Duration{0, -2 * time.Hour, time.Hour, -365 * 24 * time.Hour, 11 * 365 * 24 * time.Hour, 0} {
			clock.Store(int64(jump))
			record()
		}
		if st.Health().ClockBehind < 10*365*24*time.Hour {
			t.Errorf("the clock is behind by %v", st.Health().ClockBehind)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		clock.Store(int64(-time.Hour))
		st = s.open(t)
		record()
		heard := time.Time{}
		for _, e := range events(t, st, EventQuery{}) {
			if e.Heard.Before(heard) {
				t.Errorf("entry %d was heard at %v, the one before at %v", e.Seq, e.Heard, heard)
			}
			heard = e.Heard
		}
		s.verify(t, st)
	})
}

// TestEventQueries compares every query with a plain filter over all events.
func TestEventQueries(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
		s.opts.Now = func() time.Time { now = now.Add(time.Second); return now }
		st := s.open(t)
		const total = 2*pageSize + 700
		for n := 0; n < total; {
			do(t, st, func(tx *Tx) {
				for range 300 {
					tx.Append(sampleEvent(n))
					n++
				}
			})
		}
		all := events(t, st, EventQuery{Limit: maxEvents})
		middle := all[len(all)/2].Heard
		queries := []EventQuery{
			{}, {Newest: true}, {From: 5000, Limit: 7}, {Before: 4000, Newest: true, Limit: 9},
			{Opening: "opn_3"}, {Opening: "opn_3", Newest: true}, {Opening: "opn_nobody"},
			{Opening: "opn_rare", Limit: 1000}, {Opening: "opn_rare", Newest: true, Limit: 3},
			{Person: "prs_2", Opening: "opn_2", Limit: 2000}, {Kind: "access.", Limit: 5000}, {Kind: "access.denied", Newest: true},
			{Kind: "opening.opened", Since: middle, Limit: 5000}, {Until: middle, Newest: true}, {Since: middle, Until: middle.Add(2 * time.Second), Limit: 5000},
			{Device: "dev_4", From: 4090, Before: 4110}, {Decision: "dec_700"}, {Decision: "dec_700", Kind: "access."}, {Decision: "dec_700", Opening: "opn_nobody"},
		}
		for restart := range 2 {
			for _, q := range queries {
				if diff := cmp.Diff(seqs(matching(all, q)), seqs(events(t, st, q))); diff != "" {
					t.Errorf("restart %d, %+v (-want +got):\n%s", restart, q, diff)
				}
			}
			d, err := st.Decision(context.Background(), "dec_700")
			if err != nil || d.Seq != 700 {
				t.Errorf("decision: %+v, %v", d, err)
			}
			if _, err := st.Decision(context.Background(), "dec_none"); !sashlock.IsKind(err, sashlock.NotFound) {
				t.Errorf("a decision that never was: %v", err)
			}
			if err := st.Close(); err != nil {
				t.Fatal(err)
			}
			st = s.open(t)
		}
	})
}

// TestEventsJustCommitted searches between the commit of a batch and the moment
// the index in memory has it: what the database holds is found.
func TestEventsJustCommitted(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st, err := newStore(s.opts)
		if err != nil {
			t.Fatal(err)
		}
		committed, looked := make(chan struct{}), make(chan struct{})
		st.fault = func(at string) error {
			if at != "committed" {
				return nil
			}
			committed <- struct{}{}
			select {
			case <-looked:
			case <-t.Context().Done(): // the test gave up
			}
			return nil
		}
		if err := st.open(context.Background()); err != nil {
			t.Fatal(err)
		}
		go st.run()
		t.Cleanup(func() { st.Close() })
		for n := 0; n < 2*pageSize; n += 1500 { // batches begin, end and lie across the ends of pages
			failed := make(chan error, 1)
			go func() {
				_, err := st.Do(context.Background(), func(tx *Tx) error {
					for i := range 1500 {
						tx.Append(sampleEvent(n + i))
					}
					return nil
				})
				failed <- err
			}()
			<-committed
			all := events(t, st, EventQuery{Limit: maxEvents})
			if len(all) != n+1500 {
				t.Errorf("%d entries are there after %d", len(all), n+1500)
			}
			for _, q := range []EventQuery{{Opening: "opn_3", Limit: maxEvents}, {Opening: "opn_2", Person: "prs_2", Newest: true}, {Kind: "access.", From: int64(n)}, {Device: "dev_4", Newest: true, Limit: 700}, {Opening: "opn_rare", Newest: true, Limit: 1}} {
				if diff := cmp.Diff(seqs(matching(all, q)), seqs(events(t, st, q))); diff != "" {
					t.Errorf("after %d entries, %+v (-want +got):\n%s", n+1500, q, diff)
				}
			}
			looked <- struct{}{}
			if err := <-failed; err != nil {
				t.Fatal(err)
			}
		}
	})
}

func sampleEvent(n int) sashlock.Event {
	e := sashlock.Event{Kind: sashlock.OpeningOpened, Opening: sashlock.OpeningID(fmt.Sprintf("opn_%d", n%7)), Device: sashlock.DeviceID(fmt.Sprintf("dev_%d", n%11))}
	switch {
	case n%1500 == 3:
		e.Opening = "opn_rare"
	case n%5 == 0:
		e.Kind, e.Person, e.Decision = sashlock.AccessGranted, sashlock.PersonID(fmt.Sprintf("prs_%d", n%3)), sashlock.DecisionID(fmt.Sprintf("dec_%d", n))
	case n%5 == 1:
		e.Kind, e.Person, e.Decision = sashlock.AccessTaken, sashlock.PersonID(fmt.Sprintf("prs_%d", n%3)), sashlock.DecisionID(fmt.Sprintf("dec_%d", n-1))
	case n%35 == 7:
		e.Kind = sashlock.AccessDenied
	}
	return e
}

// matching is the obvious way to do what Events does.
func matching(all []sashlock.Event, q EventQuery) []sashlock.Event {
	var out []sashlock.Event
	for _, e := range all {
		if e.Seq >= q.From && (q.Before == 0 || e.Seq < q.Before) && (q.Opening == "" || e.Opening == q.Opening) &&
			(q.Person == "" || e.Person == q.Person) && (q.Device == "" || e.Device == q.Device) &&
			(q.Decision == "" || e.Decision == q.Decision) && strings.HasPrefix(string(e.Kind), q.Kind) &&
			(q.Since.IsZero() || !e.Heard.Before(q.Since)) && (q.Until.IsZero() || e.Heard.Before(q.Until)) {
			out = append(out, e)
		}
	}
	if q.Newest {
		slices.Reverse(out)
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	return out[:min(len(out), q.Limit)]
}

func TestFollowersAreWoken(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		news, stop := st.Subscribe()
		do(t, st, func(tx *Tx) { tx.Append(opened(1)) })
		select {
		case <-news:
		case <-time.After(5 * time.Second):
			t.Fatal("no word of the commit")
		}
		if got := seqs(events(t, st, EventQuery{From: 0})); len(got) != 1 {
			t.Errorf("after the word there are %v", got)
		}
		stop()
		do(t, st, func(tx *Tx) { tx.Append(opened(1)) })
		select {
		case <-news:
			t.Error("word after the end")
		default:
		}
		if next, err := st.Cursor(context.Background(), "new"); err != nil || next != 0 {
			t.Errorf("the cursor of a new follower is %d, %v", next, err)
		}
	})
}

// TestGivingUpInLine cancels a caller that waits behind a slow job.
func TestGivingUpInLine(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		started, finish := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			do(t, st, func(tx *Tx) { close(started); <-finish; tx.Append(opened(1)) })
		})
		<-started
		ctx, cancel := context.WithCancel(context.Background())
		gaveUp := make(chan error)
		go func() {
			_, err := st.Do(ctx, func(*Tx) error { t.Error("the job of a caller who gave up was run"); return nil })
			gaveUp <- err
		}()
		cancel()
		if err := <-gaveUp; !sashlock.IsKind(err, sashlock.Unavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("giving up returned %v", err)
		}
		close(finish)
		wg.Wait()
		do(t, st, func(tx *Tx) { tx.Append(opened(2)) })
	})
}

// TestHooks checks the order of hooks and that readers see a commit before its
// caller is told.
func TestHooks(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		var order []string
		note := func(what string) func() { return func() { order = append(order, what) } }
		do(t, st, func(tx *Tx) {
			tx.SaveState(sashlock.OpeningState{Opening: "opn_1", Offline: true})
			tx.OnCommit(note("first"))
			tx.OnCommit(note("second"))
			tx.OnRollback(note("never"))
			tx.OnCommit(func() {
				if state, _ := st.State(context.Background(), "opn_1"); !state.Offline {
					t.Error("the hook sees the state before the commit")
				}
			})
		})
		_, err := st.Do(context.Background(), func(tx *Tx) error {
			tx.OnRollback(note("third"))
			tx.OnRollback(note("fourth"))
			return errors.New("no")
		})
		if err == nil {
			t.Error("the failing job succeeded")
		}
		if diff := cmp.Diff([]string{"first", "second", "fourth", "third"}, order); diff != "" {
			t.Errorf("order of hooks (-want +got):\n%s", diff)
		}
	})
}
