// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
)

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

// TestCommitWithoutEntriesAfterFullPage saves cursors behind a full page of the
// index: the first of these commits writes the page, the others must not again.
func TestCommitWithoutEntriesAfterFullPage(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		if _, err := st.Do(t.Context(), func(tx *Tx) error {
			for range pageSize {
				tx.Append(sashlock.Event{Kind: sashlock.SystemStarted})
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for i := range int64(3) {
			if err := st.SaveCursor(t.Context(), "follower", i); err != nil {
				t.Fatalf("cursor %d: %v", i, err)
			}
		}
	})
}
