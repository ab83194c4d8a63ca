// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// testOrigin names the ledger of every test.
const testOrigin = "store.example/test"

// suite is one engine with a fresh database.
type suite struct {
	opts Options
	key  proof.Key
}

// onEachEngine runs a test on SQLite and on PostgreSQL, each with an empty
// database of its own.
func onEachEngine(t *testing.T, test func(t *testing.T, s *suite)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		test(t, newSuite(t, "sqlite://"+filepath.Join(t.TempDir(), "store.db")))
	})
	t.Run("postgres", func(t *testing.T) {
		base := os.Getenv("SASHLOCK_TEST_POSTGRES")
		if base == "" {
			t.Skip("set SASHLOCK_TEST_POSTGRES to the URL of a PostgreSQL whose user may create databases")
		}
		test(t, newSuite(t, freshPostgres(t, base)))
	})
}

// freshPostgres creates a database for one test and returns its URL.
func freshPostgres(t *testing.T, base string) string {
	t.Helper()
	name := "sashlock_" + strings.ToLower(rand.Text())[:12]
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
	})
	before, query, _ := strings.Cut(base, "?")
	if query != "" {
		query = "?" + query
	}
	return before[:strings.LastIndex(before, "/")+1] + name + query
}

func newSuite(t testing.TB, url string) *suite {
	t.Helper()
	signing, verifying, err := note.GenerateKey(nil, testOrigin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(signing)
	if err != nil {
		t.Fatal(err)
	}
	key, err := proof.ParseKey(verifying)
	if err != nil {
		t.Fatal(err)
	}
	return &suite{opts: Options{URL: url, Origin: testOrigin, Signer: signer, Version: "test"}, key: key}
}

// open opens the store and closes it at the end of the test.
func (s *suite) open(t testing.TB) *Store {
	t.Helper()
	st, err := Open(context.Background(), s.opts)
	if err != nil {
		t.Fatalf("opening the store: %v", err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	return st
}

// raw opens the database behind the store's back.
func (s *suite) raw(t *testing.T) *sql.DB {
	t.Helper()
	e, err := newEngine(s.opts.URL)
	if err != nil {
		t.Fatal(err)
	}
	db, err := e.openWriter()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// do runs a job that must succeed.
func do(t testing.TB, s *Store, job func(tx *Tx)) Receipt {
	t.Helper()
	r, err := s.Do(context.Background(), func(tx *Tx) error { job(tx); return nil })
	if err != nil {
		t.Fatalf("running a job: %v", err)
	}
	return r
}

// verify checks the whole ledger.
func (s *suite) verify(t testing.TB, st *Store) proof.LedgerReport {
	t.Helper()
	report, err := proof.VerifyLedger(st.Rows(context.Background()), st.Seals(context.Background()), proof.LedgerCheck{Keys: []proof.Key{s.key}, AllSignatures: true})
	if err != nil {
		t.Fatalf("verifying the ledger: %v", err)
	}
	return report
}

func opened(n int) sashlock.Event {
	return sashlock.Event{Kind: sashlock.OpeningOpened, Opening: sashlock.OpeningID(fmt.Sprintf("opn_%d", n)), Device: "dev_1"}
}

func events(t testing.TB, s *Store, q EventQuery) []sashlock.Event {
	t.Helper()
	list, err := s.Events(context.Background(), q)
	if err != nil {
		t.Fatalf("listing events: %v", err)
	}
	return list
}

func seqs(list []sashlock.Event) []int64 {
	out := []int64{}
	for _, e := range list {
		out = append(out, e.Seq)
	}
	return out
}

func TestReceiptCoversTheJob(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		do(t, st, func(tx *Tx) { tx.Append(opened(1)) })
		r := do(t, st, func(tx *Tx) {
			if got := tx.Append(opened(2)); got != 1 {
				t.Errorf("Append returned %d, want 1", got)
			}
			tx.Append(opened(3))
		})
		if r.First != 1 || r.Last != 2 {
			t.Errorf("receipt covers %d to %d, want 1 to 2", r.First, r.Last)
		}
		c, err := proof.OpenCheckpoint(r.Checkpoint, s.key)
		if err != nil || c.Size != 3 || c.Origin != testOrigin {
			t.Errorf("checkpoint of the receipt: %+v, %v", c, err)
		}
		if r := do(t, st, func(*Tx) {}); r.Last >= r.First || r.Checkpoint == "" {
			t.Errorf("receipt of a job without entries: %+v", r)
		}
		if got := s.verify(t, st).Entries; got != 3 {
			t.Errorf("verified %d entries, want 3", got)
		}
	})
}

// TestOrderOfManyWriters has many callers append at once: every receipt must
// name exactly the caller's entries, and each caller's own must be in order.
func TestOrderOfManyWriters(t *testing.T) {
	const writers, each = 32, 25
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				last := int64(-1)
				for i := range each {
					r, err := st.Do(context.Background(), func(tx *Tx) error {
						tx.Append(sashlock.Event{Kind: sashlock.PresenceSeen, Opening: sashlock.OpeningID(fmt.Sprintf("opn_%d", w)), Slot: i + 1})
						return nil
					})
					if err != nil || r.First != r.Last || r.First <= last {
						t.Errorf("writer %d, job %d: receipt %+v after %d, %v", w, i, r, last, err)
						return
					}
					last = r.First
				}
			})
		}
		wg.Wait()
		all := events(t, st, EventQuery{Limit: writers * each})
		if len(all) != writers*each {
			t.Fatalf("%d events, want %d", len(all), writers*each)
		}
		next := map[sashlock.OpeningID]int{}
		for i, e := range all {
			if e.Seq != int64(i) || e.Slot != next[e.Opening]+1 {
				t.Fatalf("event %d is number %d with %d after %d of %s", i, e.Seq, e.Slot, next[e.Opening], e.Opening)
			}
			next[e.Opening] = e.Slot
		}
		s.verify(t, st)
	})
}

// TestFailingJobsLoseOnlyTheirOwnWork mixes jobs that fail in every way with
// jobs that succeed, in the same batches.
func TestFailingJobsLoseOnlyTheirOwnWork(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		wrong := errors.New("changed my mind")
		var undone atomic.Int64
		fail := func(n int) func(tx *Tx) error {
			return func(tx *Tx) error {
				state, _ := tx.State("opn_1")
				state.Offline = true
				tx.SaveState(state)
				tx.Wake("opening:opn_1", time.Unix(5, 0))
				tx.Append(opened(n))
				tx.OnRollback(func() { undone.Add(1) })
				tx.OnCommit(func() { t.Error("OnCommit of a failed job was run") })
				if _, err := tx.Exec("INSERT INTO roles (id, slug, name, rev) VALUES (?, ?, ?, 1)", fmt.Sprintf("role_%d", n), fmt.Sprintf("r%d", n), "x"); err != nil {
					return err
				}
				switch n % 4 {
				case 0:
					return wrong
				case 1:
					panic("oh")
				case 2:
					tx.Append(sashlock.Event{Kind: sashlock.RoleSaved, Data: []byte("{")})
				case 3:
					_, err := tx.Exec("INSERT INTO person_roles (person, role) VALUES ('nobody', 'nothing')")
					if err == nil {
						t.Error("a foreign key that leads nowhere was accepted")
					}
					return err
				}
				return nil
			}
		}
		var wg sync.WaitGroup
		const jobs = 40
		for n := range jobs {
			wg.Go(func() {
				if _, err := st.Do(context.Background(), fail(n)); err == nil || n%4 == 0 && !errors.Is(err, wrong) {
					t.Errorf("failing job %d returned %v", n, err)
				}
			})
			wg.Go(func() {
				_, err := st.Do(context.Background(), func(tx *Tx) error {
					if state, _ := tx.State("opn_1"); state.Offline {
						t.Error("the state of a failed job is seen")
					}
					tx.Append(opened(1000 + n))
					_, err := tx.Exec("INSERT INTO roles (id, slug, name, rev) VALUES (?, ?, ?, 1)", fmt.Sprintf("role_ok%d", n), fmt.Sprintf("ok%d", n), "x")
					return err
				})
				if err != nil {
					t.Errorf("good job %d: %v", n, err)
				}
			})
		}
		wg.Wait()
		if undone.Load() != jobs {
			t.Errorf("OnRollback ran %d times, want %d", undone.Load(), jobs)
		}
		all := events(t, st, EventQuery{Limit: 1000})
		if len(all) != jobs {
			t.Errorf("%d events, want %d", len(all), jobs)
		}
		var roles, bad int
		err := st.View(context.Background(), func(q Query) error {
			return q.QueryRow("SELECT COUNT(*), COUNT(CASE WHEN slug LIKE 'r%' THEN 1 END) FROM roles").Scan(&roles, &bad)
		})
		if err != nil || roles != jobs || bad != 0 {
			t.Errorf("%d roles of which %d by failed jobs, %v; want %d and none", roles, bad, err, jobs)
		}
		if !st.NextWakeup().IsZero() {
			t.Error("the wake-up of a failed job is there")
		}
		s.verify(t, st)
	})
}

// TestBatchFailure fails the flush and the commit of batches: everybody gets
// Unavailable, nothing is left, and the next batch works.
func TestBatchFailure(t *testing.T) {
	rejected := errors.New("the database did not like it")
	onEachEngine(t, func(t *testing.T, s *suite) {
		for _, step := range []string{"flush", "commit"} {
			st, err := newStore(s.opts)
			if err != nil {
				t.Fatal(err)
			}
			var armed atomic.Bool
			st.fault = func(at string) error {
				if at == step && armed.Load() {
					return rejected
				}
				return nil
			}
			if err := st.open(context.Background()); err != nil {
				t.Fatal(err)
			}
			go st.run()
			size := st.Size()
			do(t, st, func(tx *Tx) { tx.SaveState(sashlock.OpeningState{Opening: "opn_1", Lock: sashlock.Locked}) })
			armed.Store(true)
			rolledBack := false
			r, err := st.Do(context.Background(), func(tx *Tx) error {
				tx.Append(opened(1))
				tx.SaveState(sashlock.OpeningState{Opening: "opn_1", Lock: sashlock.Jammed})
				tx.OnRollback(func() { rolledBack = true })
				_, err := tx.Exec("INSERT INTO roles (id, slug, name, rev) VALUES ('role_1', 'r', 'x', 1)")
				return err
			})
			if !sashlock.IsKind(err, sashlock.Unavailable) || !errors.Is(err, rejected) || r.Last >= r.First || !rolledBack {
				t.Errorf("%s: %+v, %v, rolled back %v", step, r, err, rolledBack)
			}
			armed.Store(false)
			r = do(t, st, func(tx *Tx) {
				if state, _ := tx.State("opn_1"); state.Lock != sashlock.Locked {
					t.Errorf("%s: state after the failure is %q", step, state.Lock)
				}
				tx.Append(opened(2))
			})
			if r.First != size {
				t.Errorf("%s: the entry after the failure has number %d, want %d", step, r.First, size)
			}
			s.verify(t, st)
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestLostConnection closes the writer's connection under it: the batch fails,
// the store opens the database again by itself and goes on.
func TestLostConnection(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		do(t, st, func(tx *Tx) { tx.Append(opened(1)) })
		_, err := st.Do(context.Background(), func(tx *Tx) error {
			tx.Append(opened(2))
			return tx.w.conn.Close()
		})
		if !sashlock.IsKind(err, sashlock.Unavailable) {
			t.Fatalf("the batch without a connection returned %v", err)
		}
		waitWritable(t, st)
		if r := do(t, st, func(tx *Tx) { tx.Append(opened(3)) }); r.First != 1 {
			t.Errorf("the entry after it has number %d, want 1", r.First)
		}
		s.verify(t, st)
	})
}

// waitWritable waits until the store accepts changes again.
func waitWritable(t *testing.T, st *Store) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !st.Health().Writable {
		if time.Now().After(deadline) {
			t.Fatalf("the store did not recover: %+v", st.Health())
		}
		select {
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// TestRestartRestoresEverything compares all that can be read before and after.
func TestRestartRestoresEverything(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		now := time.Date(2026, 11, 22, 8, 0, 0, 123456000, time.UTC)
		s.opts.Now = func() time.Time { now = now.Add(time.Second); return now }
		st := s.open(t)
		furnish(t, st, now)
		before := everything(t, st)
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := st.Do(context.Background(), func(*Tx) error { return nil }); !sashlock.IsKind(err, sashlock.Unavailable) {
			t.Errorf("a job after Close returned %v", err)
		}
		st = s.open(t)
		if diff := cmp.Diff(before, everything(t, st)); diff != "" {
			t.Errorf("after the restart (-before +after):\n%s", diff)
		}
		r := do(t, st, func(tx *Tx) {
			open, err := tx.OpenCommands("opn_1")
			if err != nil || len(open) != 1 || open[0].ID != "act_open" {
				t.Errorf("open commands after the restart: %+v, %v", open, err)
			}
			if c, ok, err := tx.Command("act_done"); err != nil || !ok || c.State != sashlock.CommandSucceeded {
				t.Errorf("the ended command after the restart: %+v, %v, %v", c, ok, err)
			}
			if a, err := tx.Alarm("alm_old"); err != nil || a.Standing() {
				t.Errorf("the old alarm after the restart: %+v, %v", a, err)
			}
			if _, err := tx.Alarm("alm_none"); !sashlock.IsKind(err, sashlock.NotFound) {
				t.Errorf("an alarm that never was: %v", err)
			}
			tx.Append(opened(9))
		})
		if r.First != 10 {
			t.Errorf("the first entry after the restart has number %d, want 10", r.First)
		}
		s.verify(t, st)
	})
}

// furnish puts one of everything into the store, and ten events.
func furnish(t *testing.T, st *Store, now time.Time) {
	t.Helper()
	for i := range 10 {
		do(t, st, func(tx *Tx) {
			tx.Append(opened(i % 3))
			tx.SaveState(sashlock.OpeningState{
				Opening: "opn_1", Lock: sashlock.Unlocked, LockAt: now, Position: sashlock.Open, Heard: tx.Now(),
				Release: &sashlock.Release{Decision: "dec_1", Until: now}, Alarms: map[string]sashlock.AlarmID{"forced": "alm_1"},
				Numbers: map[sashlock.DeviceID]sashlock.Numbers{"dev_1": {Boot: 1, High: uint64(i), Window: [4]uint64{1 << 63, 2, 3, 4}}},
			})
		})
	}
	do(t, st, func(tx *Tx) {
		tx.SaveDeviceState(sashlock.DeviceState{Device: "dev_1", Online: true, Battery: 80, Heard: tx.Now()})
		tx.Wake("opening:opn_1", now.Add(time.Minute))
		tx.Wake("opening:opn_2", now.Add(time.Hour))
		tx.Wake("command:act_1", now)
		command := func(id sashlock.CommandID, state sashlock.CommandState) {
			tx.SaveCommand(sashlock.CommandRecord{Command: sashlock.Command{ID: id, Opening: "opn_1", Device: "dev_1", Verb: sashlock.DoRelease, Issued: tx.Now()}, State: state})
		}
		command("act_open", sashlock.CommandPending)
		command("act_done", sashlock.CommandSent)
		tx.SaveAlarm(sashlock.Alarm{ID: "alm_1", Rule: "forced", Level: sashlock.Act, Site: "site_1", Opening: "opn_1", Why: "it was locked", Raised: tx.Now(), Rev: 1})
		tx.SaveAlarm(sashlock.Alarm{ID: "alm_old", Rule: "forced", Level: sashlock.Act, Site: "site_1", Opening: "opn_1", Why: "it was locked", Raised: tx.Now(), Rev: 1})
	})
	do(t, st, func(tx *Tx) {
		tx.Wake("command:act_1", time.Time{})
		c, _, _ := tx.Command("act_done")
		c.State, c.Ended = sashlock.CommandSucceeded, tx.Now()
		tx.SaveCommand(c)
		a, _ := tx.Alarm("alm_old")
		a.Cleared, a.Acknowledged, a.By, a.Rev = tx.Now(), tx.Now(), "opr_1", 2
		tx.SaveAlarm(a)
	})
	if err := st.SaveCursor(context.Background(), "live", 7); err != nil {
		t.Fatal(err)
	}
}

// everything reads all there is, in a form that can be compared.
func everything(t *testing.T, st *Store) map[string]any {
	t.Helper()
	ctx := context.Background()
	all := map[string]any{
		"events": events(t, st, EventQuery{}), "of one": events(t, st, EventQuery{Opening: "opn_1"}),
		"due": st.DueWakeups(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)), "next": st.NextWakeup(), "size": st.Size(),
	}
	keep := func(name string, v any, err error) {
		if err != nil {
			t.Fatalf("reading %s: %v", name, err)
		}
		all[name] = v
	}
	states, err := st.States(ctx)
	keep("states", states, err)
	devices, err := st.DeviceStates(ctx)
	keep("devices", devices, err)
	commands, err := st.Commands(ctx, CommandQuery{})
	keep("commands", commands, err)
	open, err := st.Commands(ctx, CommandQuery{Open: true})
	keep("open commands", open, err)
	standing, err := st.Alarms(ctx, true, 10)
	keep("standing alarms", standing, err)
	alarms, err := st.Alarms(ctx, false, 10)
	keep("alarms", alarms, err)
	cursor, err := st.Cursor(ctx, "live")
	keep("cursor", cursor, err)
	checkpoint, _, err := st.Checkpoint(ctx)
	keep("checkpoint", checkpoint, err)
	return all
}

func TestReadOnlyBesideTheWriter(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		furnish(t, st, time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC))
		beside := *s
		beside.opts.ReadOnly = true
		reader := beside.open(t)
		want := everything(t, st)
		got := everything(t, reader)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("read beside the writer (-writer +reader):\n%s", diff)
		}
		if _, err := reader.Do(context.Background(), func(*Tx) error { return nil }); !sashlock.IsKind(err, sashlock.Denied) {
			t.Errorf("writing through a reader returned %v", err)
		}
		do(t, st, func(tx *Tx) { tx.Append(opened(1)) })
		if got := len(events(t, reader, EventQuery{Opening: "opn_1"})); got != 4 {
			t.Errorf("the reader sees %d events of the opening, want 4", got)
		}
		beside.verify(t, reader)
	})
}

func TestSecondWriterIsRefused(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		first := s.open(t)
		_, err := Open(context.Background(), s.opts)
		if !sashlock.IsKind(err, sashlock.Unavailable) || !strings.Contains(err.Error(), "database locked by another sashlock") {
			t.Errorf("the second writer got %v", err)
		}
		do(t, first, func(tx *Tx) { tx.Append(opened(1)) })
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		do(t, s.open(t), func(tx *Tx) { tx.Append(opened(2)) })
	})
}

func TestSchemaRefusals(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		if err := s.open(t).Close(); err != nil {
			t.Fatal(err)
		}
		ours, err := migrations()
		if err != nil {
			t.Fatal(err)
		}
		db := s.raw(t)
		refused := func(what string, words ...string) {
			t.Helper()
			_, err := Open(context.Background(), s.opts)
			if !sashlock.IsKind(err, sashlock.Conflict) {
				t.Fatalf("%s: opening returned %v", what, err)
			}
			for _, w := range words {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%s: %q does not name %q", what, err, w)
				}
			}
		}
		future := len(ours) + 1
		mustExec(t, db, fmt.Sprintf("INSERT INTO migrations (number, name, checksum, applied, version) VALUES (%d, 'tomorrow', 'x', 0, '9.9.9')", future))
		refused("a database from the future", fmt.Sprintf("version %d", future), fmt.Sprintf("up to %d", len(ours)), "9.9.9")
		mustExec(t, db, fmt.Sprintf("DELETE FROM migrations WHERE number = %d", future))
		mustExec(t, db, "UPDATE migrations SET checksum = 'another' WHERE number = 1")
		refused("a changed migration", "0001_", "another edition")
		mustExec(t, db, fmt.Sprintf("UPDATE migrations SET checksum = '%s' WHERE number = 1", ours[0].checksum))
		do(t, s.open(t), func(tx *Tx) { tx.Append(opened(1)) })
	})
}

func mustExec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

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
