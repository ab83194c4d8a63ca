// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sashlock/sashlock"
)

func TestJournalFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, frames, err := openJournalFile(path, 4096)
	if err != nil || len(frames) != 0 || !j.usable() {
		t.Fatalf("a new journal: %d frames, %v", len(frames), err)
	}
	var want [][]byte
	for i := range 5 {
		payload := bytes.Repeat([]byte{byte('a' + i)}, 100+i)
		if err := j.append(payload); err != nil {
			t.Fatal(err)
		}
		want = append(want, payload)
	}
	if err := j.append(make([]byte, 4096)); !errors.Is(err, errJournalFull) || !j.usable() {
		t.Errorf("a frame that does not fit: %v", err)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	reopened := func(n int) journal {
		t.Helper()
		j, frames, err := openJournalFile(path, 4096)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[:n], frames, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("frames (-want +got):\n%s", diff)
		}
		return j
	}
	j = reopened(5)
	flipByte(t, path, j.used-1) // the last frame is torn
	j.close()
	j = reopened(4)
	if err := j.append(want[4]); err != nil {
		t.Fatal(err)
	}
	j.close()
	j = reopened(5)

	// A frame left over from an earlier use must not follow a new one.
	if err := j.reset(); err != nil || j.used != 0 {
		t.Fatal(err)
	}
	j.close()
	j = reopened(0)
	j.close()
	if info, err := os.Stat(path); err != nil || info.Size() != 4096 {
		t.Errorf("the journal is %v bytes long, %v", info.Size(), err)
	}
}

func TestJournalIgnoresLeftovers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, _, err := openJournalFile(path, 4096)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"first of old", "other of old"} {
		if err := j.append([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	j.used, j.sum = 0, 0 // as after a reset that was cut short
	if err := j.append([]byte("first of new")); err != nil {
		t.Fatal(err)
	}
	j.close()
	j, frames, err := openJournalFile(path, 4096)
	if err != nil || len(frames) != 1 || string(frames[0]) != "first of new" {
		t.Errorf("frames %q, %v", frames, err)
	}
	j.close()
}

func flipByte(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x40
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

// FuzzReadFrames feeds arbitrary bytes to the decoder: it must not panic, must
// not read beyond the end, and what it accepts must be what append would have
// written.
func FuzzReadFrames(f *testing.F) {
	path := filepath.Join(f.TempDir(), "journal")
	j, _, err := openJournalFile(path, 1024)
	if err != nil {
		f.Fatal(err)
	}
	for _, payload := range []string{`{"first":0,"clock":1}`, `{"first":1,"clock":2,"entries":[{"seq":1}]}`} {
		if err := j.append([]byte(payload)); err != nil {
			f.Fatal(err)
		}
	}
	j.close()
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:40])
	f.Add([]byte{255, 255, 255, 255, 0, 0, 0, 0, 1})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		frames, used, _, err := readFrames(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatalf("bytes in memory cannot fail to be read: %v", err)
		}
		var rewritten bytes.Buffer
		sum := uint32(0)
		for _, payload := range frames {
			sum = frameSum(sum, payload)
			n := uint32(len(payload))
			rewritten.Write([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24), byte(sum), byte(sum >> 8), byte(sum >> 16), byte(sum >> 24)})
			rewritten.Write(payload)
			if fr, err := decodeFrame(payload); err == nil && fr.First < 0 {
				t.Errorf("accepted a frame that begins at %d", fr.First)
			}
		}
		if used != int64(rewritten.Len()) || !bytes.Equal(data[:used], rewritten.Bytes()) {
			t.Errorf("accepted %d bytes that are not frames", used)
		}
	})
}

// faulty is a store whose steps a test can fail.
type faulty struct {
	*Store
	step atomic.Pointer[string]
}

// errDisk is taken for a failing disk.
var errDisk = fmt.Errorf("fsync: %w", errInjected)

func openFaulty(t *testing.T, s *suite) *faulty {
	t.Helper()
	st, err := newStore(s.opts)
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{Store: st}
	st.fault = func(at string) error {
		if step := f.step.Load(); step != nil && (*step == at || *step == "all" && at != "journal") {
			return errDisk
		}
		return nil
	}
	if err := st.open(context.Background()); err != nil {
		t.Fatal(err)
	}
	go st.run()
	t.Cleanup(func() { st.Close() })
	return f
}

func (f *faulty) fail(step string) {
	if step == "" {
		f.step.Store(nil)
		return
	}
	f.step.Store(&step)
}

// TestJournalStandsIn fails every commit: vital jobs go on, everything else is
// refused; then the store recovers by itself and the ledger holds all of it.
func TestJournalStandsIn(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		s.opts.Journal, s.opts.JournalSize = filepath.Join(t.TempDir(), "journal"), 1<<20
		st := openFaulty(t, s)
		do(t, st.Store, func(tx *Tx) { tx.Append(opened(0)) })
		st.fail("flush")
		const jobs = 20
		for i := 1; i <= jobs; i++ {
			r, err := st.DoVital(context.Background(), func(tx *Tx) error { recordUnderFault(tx, i); return nil })
			if err != nil || r.First != int64(i) || r.Last != int64(i) || r.Checkpoint != "" {
				t.Fatalf("vital job %d: %+v, %v", i, r, err)
			}
		}
		if _, err := st.Do(context.Background(), func(tx *Tx) error { tx.Append(opened(99)); return nil }); !sashlock.IsKind(err, sashlock.Unavailable) || !errors.Is(err, errInjected) {
			t.Errorf("an ordinary job returned %v", err)
		}
		_, err := st.DoVital(context.Background(), func(tx *Tx) error {
			_, err := tx.Exec("DELETE FROM roles")
			return err
		})
		if !sashlock.IsKind(err, sashlock.Unavailable) {
			t.Errorf("changing tables in the journal returned %v", err)
		}
		if _, err := st.DoVital(context.Background(), func(tx *Tx) error { tx.Append(opened(98)); return errInjected }); !errors.Is(err, errInjected) {
			t.Errorf("a failing vital job returned %v", err)
		}
		h := st.Health()
		if h.Writable || h.Why == "" || h.Since.IsZero() || h.JournalUsed == 0 {
			t.Errorf("health under the fault: %+v", h)
		}
		open, err := st.Commands(context.Background(), CommandQuery{Open: true})
		if err != nil || len(open) != jobs {
			t.Errorf("%d open commands in memory, %v; want %d", len(open), err, jobs)
		}
		st.fail("")
		waitWritable(t, st.Store)
		checkRecovered(t, s, st.Store, jobs)
		if used := st.Health().JournalUsed; used != 0 {
			t.Errorf("%d bytes are left in the journal", used)
		}
		do(t, st.Store, func(tx *Tx) { tx.Append(opened(100)) })
		s.verify(t, st.Store)
	})
}

// recordUnderFault uses every part of the buffered half.
func recordUnderFault(tx *Tx, i int) {
	state, _ := tx.State("opn_1")
	state.Numbers = map[sashlock.DeviceID]sashlock.Numbers{"dev_1": {High: uint64(i)}}
	tx.SaveState(state)
	tx.SaveDeviceState(sashlock.DeviceState{Device: "dev_1", Battery: i})
	tx.Append(opened(i))
	tx.Wake(fmt.Sprintf("opening:opn_%d", i), tx.Now().Add(time.Hour))
	tx.Wake(fmt.Sprintf("opening:opn_%d", i-1), time.Time{})
	tx.SaveCommand(sashlock.CommandRecord{Command: sashlock.Command{ID: sashlock.CommandID(fmt.Sprintf("act_%d", i)), Opening: "opn_1", Issued: tx.Now()}, State: sashlock.CommandPending})
	tx.SaveAlarm(sashlock.Alarm{ID: sashlock.AlarmID(fmt.Sprintf("alm_%d", i)), Rule: "forced", Raised: tx.Now(), Rev: 1})
}

// checkRecovered expects the entries 1 to jobs of recordUnderFault, once each
// and in order, then the word that the journal was replayed.
func checkRecovered(t *testing.T, s *suite, st *Store, jobs int) {
	t.Helper()
	all := events(t, st, EventQuery{From: 1, Limit: 1000})
	if len(all) != jobs+1 {
		t.Fatalf("%d entries after the recovery, want %d", len(all), jobs+1)
	}
	for i, e := range all[:jobs] {
		if e.Seq != int64(i+1) || e.Opening != opened(i+1).Opening {
			t.Errorf("entry %d is %+v", i+1, e)
		}
	}
	if last := all[jobs]; last.Kind != sashlock.JournalReplayed || string(last.Data) != fmt.Sprintf(`{"entries":%d}`, jobs) {
		t.Errorf("the last entry is %+v", last)
	}
	state, err := st.State(context.Background(), "opn_1")
	if err != nil || state.Numbers["dev_1"].High != uint64(jobs) {
		t.Errorf("the state is %+v, %v", state, err)
	}
	if due := st.DueWakeups(time.Now().Add(2 * time.Hour)); len(due) != 1 || due[0] != fmt.Sprintf("opening:opn_%d", jobs) {
		t.Errorf("wake-ups %v", due)
	}
	for _, n := range []int{1, jobs} {
		if c, err := st.Command(context.Background(), sashlock.CommandID(fmt.Sprintf("act_%d", n))); err != nil || c.Opening != "opn_1" {
			t.Errorf("command %d: %+v, %v", n, c, err)
		}
	}
	alarms, err := st.Alarms(context.Background(), true, 100)
	if err != nil || len(alarms) != jobs {
		t.Errorf("%d standing alarms, %v", len(alarms), err)
	}
	s.verify(t, st)
}

// TestJournalIsReplayedAtStart ends the process, as it were, while the journal
// stands in, then also between replaying and emptying it.
func TestJournalIsReplayedAtStart(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		s.opts.Journal, s.opts.JournalSize = filepath.Join(t.TempDir(), "journal"), 1<<20
		st := openFaulty(t, s)
		do(t, st.Store, func(tx *Tx) { tx.Append(opened(0)) })
		st.fail("flush")
		const jobs = 5
		for i := 1; i <= jobs; i++ {
			if _, err := st.DoVital(context.Background(), func(tx *Tx) error { recordUnderFault(tx, i); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		journal, err := os.ReadFile(s.opts.Journal)
		if err != nil {
			t.Fatal(err)
		}

		// The database is still not writable: the store starts on the journal.
		down := openFaultyAtStart(t, s)
		r, err := down.DoVital(context.Background(), func(tx *Tx) error { return nil })
		if err != nil || r.Checkpoint != "" {
			t.Errorf("a vital job on the journal after the start: %+v, %v", r, err)
		}
		state, err := down.State(context.Background(), "opn_1")
		if err != nil || state.Numbers["dev_1"].High != jobs {
			t.Errorf("the state while the database is down is %+v, %v", state, err)
		}
		if err := down.Close(); err != nil {
			t.Fatal(err)
		}

		again := s.open(t)
		checkRecovered(t, s, again, jobs)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.opts.Journal, journal, 0o600); err != nil {
			t.Fatal(err)
		}
		checkRecovered(t, s, s.open(t), jobs) // nothing twice
	})
}

func openFaultyAtStart(t *testing.T, s *suite) *Store {
	t.Helper()
	st, err := newStore(s.opts)
	if err != nil {
		t.Fatal(err)
	}
	st.fault = func(at string) error {
		if at == "flush" {
			return errDisk
		}
		return nil
	}
	if err := st.open(context.Background()); err != nil {
		t.Fatal(err)
	}
	go st.run()
	t.Cleanup(func() { st.Close() })
	if st.Health().Writable {
		t.Error("the store says it can write")
	}
	return st
}

// TestNeitherDatabaseNorJournal fails both.
func TestNeitherDatabaseNorJournal(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		s.opts.Journal, s.opts.JournalSize = filepath.Join(t.TempDir(), "journal"), 1<<20
		st := openFaulty(t, s)
		st.fault = func(string) error { return errDisk }
		undone := false
		r, err := st.DoVital(context.Background(), func(tx *Tx) error {
			tx.Append(opened(1))
			tx.OnRollback(func() { undone = true })
			return nil
		})
		if !sashlock.IsKind(err, sashlock.Unavailable) || r.Last >= r.First || !undone {
			t.Errorf("a vital job with nowhere to go: %+v, %v, undone %v", r, err, undone)
		}
	})
}

// TestDoubtfulCommit lets the COMMIT through and then says that it failed: the
// caller must not be told of success, and a vital job must not be run again.
func TestDoubtfulCommit(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		s.opts.Journal, s.opts.JournalSize = filepath.Join(t.TempDir(), "journal"), 1<<20
		st := openFaulty(t, s)
		st.fail("committed")
		runs := 0
		_, err := st.DoVital(context.Background(), func(tx *Tx) error { runs++; tx.Append(opened(1)); return nil })
		if !sashlock.IsKind(err, sashlock.Unavailable) || runs != 1 {
			t.Errorf("a commit in doubt: %v after %d runs", err, runs)
		}
		st.fail("")
		waitWritable(t, st.Store)
		if r := do(t, st.Store, func(tx *Tx) { tx.Append(opened(2)) }); r.First != 1 {
			t.Errorf("the next entry has number %d, want 1: the one in doubt was there", r.First)
		}
		s.verify(t, st.Store)
	})
}
