// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/access/reference"
)

// TestDecideAgreesWithReference compares the index with the reference decider,
// on new worlds and after every one of a row of changes. After each change the
// changed index must also say what a newly compiled one says.
func TestDecideAgreesWithReference(t *testing.T) {
	const workers, worlds, changes, requests = 2, 100, 9, 1050
	cases := worlds * (changes + 1) * requests
	if testing.Short() {
		t.Skip("takes seconds")
	}
	zones := loadZones()
	var lock sync.Mutex
	total := map[sashlock.Reason]int{}
	var done sync.WaitGroup
	for part := range workers {
		done.Go(func() {
			counts := map[sashlock.Reason]int{}
			for i := part; i < worlds && !t.Failed(); i += workers {
				compareWorld(t, newWorld(uint64(i), zones), changes, requests, counts)
			}
			lock.Lock()
			defer lock.Unlock()
			for r, n := range counts {
				total[r] += n
			}
		})
	}
	done.Wait()
	sum := 0
	for _, r := range slices.Sorted(maps.Keys(total)) {
		t.Logf("%9d %s", total[r], r)
		sum += total[r]
	}
	t.Logf("%9d cases, in %d worlds with %d changes each, were decided alike", sum, worlds, changes)
	if !t.Failed() && (sum != cases || cases < 1_000_000) {
		t.Errorf("compared %d cases, want %d and at least a million", sum, cases)
	}
	if len(total) != 21 {
		t.Errorf("saw %d reasons, want all 21 that access gives", len(total))
	}
}

func compareWorld(t *testing.T, w *world, changes, requests int, counts map[sashlock.Reason]int) {
	ix, err := access.New(w.facts)
	if err != nil {
		t.Error(err)
		return
	}
	compare(t, w, ix, nil, requests, counts)
	for range changes {
		if ix, err = ix.With(w.change()); err != nil {
			t.Error(err)
			return
		}
		fresh, err := access.New(w.facts)
		if err != nil {
			t.Error(err)
			return
		}
		if ix.GrantCount() != fresh.GrantCount() {
			t.Errorf("after changes the index has %d grants, a new one %d", ix.GrantCount(), fresh.GrantCount())
		}
		compare(t, w, ix, fresh, requests, counts)
	}
}

func compare(t *testing.T, w *world, ix, fresh *access.Index, requests int, counts map[sashlock.Reason]int) {
	slow := w.slow()
	var now supposed
	var moment time.Time // at which the situation stands
	for n := range requests {
		req, mode := w.request()
		if n%25 == 0 {
			now = w.situation(req.At)
			slow.Now, moment = now.now, req.At
		} else if w.chance(50) {
			req.At = moment.Add(time.Duration(w.Int64N(int64(2 * time.Hour))))
		}
		got := ix.Decide(req, mode, now)
		got.PassedBack = false // the reference says nothing of it
		counts[got.Reason]++
		var want access.Verdict
		want.Granted, want.Reason, want.Grant = reference.Decide(slow, req, mode)
		if got != want {
			t.Errorf("%v in mode %q:\nindex     %v\nreference %v", req, mode, got, want)
			return
		}
		if fresh != nil {
			again := fresh.Decide(req, mode, now)
			again.PassedBack = false
			if got != again {
				t.Errorf("%v in mode %q:\nchanged index %v\nnew index     %v", req, mode, got, again)
				return
			}
		}
	}
}
