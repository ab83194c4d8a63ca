// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"sync"
	"time"
)

// The rules of pauses are:
//
//   - Wrong tries are counted by where they come from, and by where they come
//     from together with whom they name. They are never counted by whom they
//     name alone: nobody can keep somebody else out by being wrong in their
//     name elsewhere.
//   - After a few, that place has to wait, each time twice as long, up to half
//     an hour. A passkey works all the while.
//   - A try counts before it is looked at, and is given back when it was right:
//     a hundred at once are no way around it.
//   - Tries during a pause are not looked at, so they cannot fill the ledger.

const (
	firstPause = time.Second
	mostPause  = 30 * time.Minute
	forgetWith = 24 * time.Hour // how long wrong tries count
	mostPlaces = 4096
)

// How many wrong tries are free.
const (
	freeTries      = 5  // of recovery codes from a place, and in one name from a place
	freeFromAPlace = 30 // of passwords from a place, where a whole shop may share an address
)

// counted is one thing that wrong tries are counted by.
type counted struct {
	key  string
	free int           // tries without a pause
	most time.Duration // the longest pause
}

// wrongTries counts wrong tries.
type wrongTries struct {
	mu     sync.Mutex
	places map[string]tries // guarded by mu
}

type tries struct {
	count int
	free  int
	most  time.Duration
	last  time.Time
}

// pause is how long to wait after the last wrong try.
func (t tries) pause() time.Duration {
	if t.count < t.free {
		return 0
	}
	return min(firstPause<<min(t.count-t.free, 20), t.most)
}

// begin counts a try as a wrong one, unless one of what it is counted by has to
// wait: then it returns for how long.
func (w *wrongTries) begin(now time.Time, by ...counted) (wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range by {
		t := w.places[c.key]
		wait = max(wait, t.last.Add(t.pause()).Sub(now))
	}
	if wait > 0 {
		return wait
	}
	for _, c := range by {
		w.count(c, now)
	}
	return 0
}

// count counts one wrong try. The caller holds mu.
func (w *wrongTries) count(c counted, now time.Time) {
	if w.places == nil {
		w.places = map[string]tries{}
	}
	if len(w.places) >= mostPlaces {
		w.forget(now)
	}
	t := w.places[c.key]
	if now.Sub(t.last) > forgetWith {
		t.count = 0
	}
	w.places[c.key] = tries{count: t.count + 1, free: c.free, most: c.most, last: now}
}

// right gives a try back that was right after all.
func (w *wrongTries) right(by ...counted) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range by {
		if t, known := w.places[c.key]; known {
			t.count = max(t.count-1, 0)
			w.places[c.key] = t
		}
	}
}

// over forgets the wrong tries of one thing.
func (w *wrongTries) over(c counted) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.places, c.key)
}

// forget makes room: first what nobody heard of for long, then whatever does
// not have to wait.
func (w *wrongTries) forget(now time.Time) {
	for key, t := range w.places {
		if now.Sub(t.last) > forgetWith || len(w.places) >= mostPlaces && !t.last.Add(t.pause()).After(now) {
			delete(w.places, key)
		}
	}
}
