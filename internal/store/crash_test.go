// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
)

// Environment of the child process of TestKilledUnderLoad.
const (
	crashURL = "SASHLOCK_TEST_CRASH_URL"
	crashKey = "SASHLOCK_TEST_CRASH_KEY"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(crashURL); url != "" {
		if err := writeUntilKilled(url, os.Getenv(crashKey)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeUntilKilled appends from many goroutines and prints the number and the
// mark of each entry once it is acknowledged.
func writeUntilKilled(url, key string) error {
	signer, err := note.NewSigner(key)
	if err != nil {
		return err
	}
	st, err := Open(context.Background(), Options{URL: url, Signer: signer})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for w := range 16 {
		go func() {
			for i := 1; ; i++ {
				mark := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				id := sashlock.OpeningID(fmt.Sprintf("opn_%d", w))
				r, err := st.Do(context.Background(), func(tx *Tx) error {
					s, err := tx.State(id)
					if err != nil {
						return err
					}
					seq := tx.Append(sashlock.Event{Kind: sashlock.OpeningOpened, Opening: id, Why: mark})
					s.Numbers = map[sashlock.DeviceID]sashlock.Numbers{"dev_1": {High: uint64(seq)}}
					tx.SaveState(s)
					return nil
				})
				if err != nil {
					failed <- err
					return
				}
				// One write, so that a line is whole or absent.
				fmt.Printf("%d %s\n", r.First, mark)
			}
		}()
	}
	return <-failed
}

// TestKilledUnderLoad kills a writing process again and again. Whatever it had
// acknowledged must be there, the chain whole, and the states those of the
// last entries.
func TestKilledUnderLoad(t *testing.T) {
	kills := 20
	if testing.Short() {
		kills = 3
	}
	s := newSuite(t, "sqlite://"+filepath.Join(t.TempDir(), "store.db"))
	acknowledged := map[int64]string{}
	for range kills {
		killOnce(t, s.opts.URL, s.signing, acknowledged)
		st, err := Open(context.Background(), s.opts)
		if err != nil {
			t.Fatalf("opening after a kill: %v", err)
		}
		checkAfterKill(t, s, st, acknowledged)
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d entries acknowledged, all of them there", kills, len(acknowledged))
	if len(acknowledged) < kills {
		t.Errorf("only %d entries were acknowledged", len(acknowledged))
	}
}

// killOnce starts a writing process, kills it at a random moment, and notes
// what it had acknowledged.
func killOnce(t *testing.T, url, key string, acknowledged map[int64]string) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), crashURL+"="+url, crashKey+"="+key)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	until := rand.IntN(400)
	for n := 0; ; n++ {
		line, err := lines.ReadString('\n')
		if err != nil { // an unfinished line was not read as acknowledged by anybody
			if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
				t.Fatal(err)
			}
			break
		}
		var seq int64
		var mark string
		if _, err := fmt.Sscanf(line, "%d %s", &seq, &mark); err != nil {
			t.Fatalf("the child said %q", line)
		}
		acknowledged[seq] = mark
		if n == until {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child ended by itself: %v", err)
	}
}

func checkAfterKill(t *testing.T, s *suite, st *Store, acknowledged map[int64]string) {
	t.Helper()
	newest := map[sashlock.OpeningID]int64{}
	there := map[int64]string{}
	for from := int64(0); ; from += maxEvents {
		list := events(t, st, EventQuery{From: from, Limit: maxEvents})
		for _, e := range list {
			there[e.Seq] = e.Why
			newest[e.Opening] = e.Seq
		}
		if len(list) < maxEvents {
			break
		}
	}
	for seq, mark := range acknowledged {
		if there[seq] != mark {
			t.Fatalf("entry %d was acknowledged as %q and reads %q", seq, mark, there[seq])
		}
	}
	states, err := st.States(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range states {
		if state.Numbers["dev_1"].High != uint64(newest[state.Opening]) {
			t.Errorf("the state of %s is of entry %d, its last entry is %d", state.Opening, state.Numbers["dev_1"].High, newest[state.Opening])
		}
	}
	if report := s.verify(t, st); report.Entries != int64(len(there)) {
		t.Errorf("verified %d entries of %d", report.Entries, len(there))
	}
}

// TestDiskFull fills a small file system under the store: vital jobs go on in
// the journal, the rest is refused, and when there is room again the store
// recovers by itself.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	mountSmall(t, dir, "24m")
	s := newSuite(t, "sqlite://"+filepath.Join(dir, "store.db"))
	s.opts.Journal, s.opts.JournalSize = filepath.Join(dir, "journal"), 8<<20
	st := s.open(t)
	ballast := filepath.Join(dir, "ballast")
	var acknowledged []int64
	record := func() error {
		r, err := st.DoVital(context.Background(), func(tx *Tx) error {
			e := opened(1)
			e.Why = strings.Repeat("x", 2000)
			tx.Append(e)
			return nil
		})
		if err == nil {
			acknowledged = append(acknowledged, r.First)
		}
		return err
	}
	for range 50 {
		if err := record(); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 3 {
		fillDisk(t, ballast)
		for n := 0; st.Health().Writable; n++ {
			if err := record(); err != nil {
				t.Fatalf("round %d, vital job %d: %v", round, n, err)
			}
			if n == 5000 {
				t.Fatal("the disk does not fill up")
			}
		}
		for range 50 {
			if err := record(); err != nil {
				t.Fatalf("round %d, on the journal: %v", round, err)
			}
		}
		if _, err := st.Do(context.Background(), func(tx *Tx) error { tx.Append(opened(9)); return nil }); !sashlock.IsKind(err, sashlock.Unavailable) {
			t.Errorf("round %d, an ordinary job on a full disk returned %v", round, err)
		}
		t.Logf("round %d: %s; journal %d bytes, free %d", round, st.Health().Why, st.Health().JournalUsed, st.Health().DiskFree)
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		freed := time.Now()
		waitWritable(t, st)
		t.Logf("round %d: writable again after %v", round, time.Since(freed).Round(time.Millisecond))
	}
	for i, seq := range acknowledged {
		e, err := st.EventAt(context.Background(), seq)
		if err != nil || e.Kind != sashlock.OpeningOpened || i > 0 && seq <= acknowledged[i-1] {
			t.Fatalf("acknowledged entry %d: %+v, %v", seq, e, err)
		}
	}
	s.verify(t, st)
}

// fillDisk writes a file until there is no room left.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<10)
	for len(block) > 0 {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
