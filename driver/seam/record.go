// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// The rules of telling each event once are:
//
//  1. Events are asked for from some time before the newest one that an asking
//     has brought, because the cloud's record is not written in order.
//  2. An event is told if its identifier was not told before. Identifiers are
//     kept for longer than rule 1 looks back.
//  3. What is older than the kept identifiers has been asked for and told long
//     ago, and what was created before the record began is not ours: a webhook
//     that brings either is late, and nothing comes of it.

const (
	lookBack = time.Minute      // how long the cloud may take to show an event
	keepTold = 10 * time.Minute // how long identifiers are kept beyond that
	maxTold  = 50_000
	maxAway  = 7 * 24 * time.Hour // how far back is looked after a long absence
)

// record is which events were told. It is not safe for concurrent use.
type record struct {
	begun  time.Time            // nothing before is told
	newest time.Time            // the newest event that an asking has brought
	told   map[string]time.Time // when those were created that were told
}

// since returns from when on events are asked for.
func (r *record) since() time.Time { return later(r.begun, r.newest.Add(-lookBack)) }

// floor is the moment before which everything counts as told.
func (r *record) floor() time.Time { return later(r.begun, r.newest.Add(-lookBack-keepTold)) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// isNew reports whether an event was not told yet, and notes that it is now.
func (r *record) isNew(e event) bool {
	if _, was := r.told[e.ID]; was || !e.Created.After(r.floor()) {
		return false
	}
	r.told[e.ID] = e.Created
	return true
}

// asked notes that all there was has been asked for, with these events in it,
// and forgets what need not be known any more. An event from the future does
// not move the record: it would hide all that follows.
func (r *record) asked(list []event, now time.Time) {
	for _, e := range list {
		if e.Created.After(r.newest) && e.Created.Before(now.Add(2*time.Minute)) {
			r.newest = e.Created
		}
	}
	floor := r.floor()
	for id, created := range r.told {
		if !created.After(floor) || len(r.told) > maxTold {
			delete(r.told, id)
		}
	}
}

// progress is a record as it is kept in a file.
type progress struct {
	Begun  time.Time            `json:"begun"`
	Newest time.Time            `json:"newest"`
	Told   map[string]time.Time `json:"told"`
}

// decodeProgress reads the file's text. One that makes no sense is as none.
func decodeProgress(text []byte, now time.Time) (*record, bool) {
	var p progress
	if json.Unmarshal(text, &p) != nil || p.Begun.IsZero() || len(p.Told) > maxTold || p.Newest.After(now.Add(2*time.Minute)) || p.Begun.After(now.Add(2*time.Minute)) {
		return nil, false
	}
	if p.Told == nil {
		p.Told = make(map[string]time.Time)
	}
	return &record{begun: later(p.Begun, now.Add(-maxAway)), newest: p.Newest, told: p.Told}, true
}

// maxProgress is the most bytes of the file that are read.
const maxProgress = 16 << 20

// loadProgress reads the file; without one, or with one that makes no sense,
// the record begins with this session.
func loadProgress(file string, now time.Time) (*record, error) {
	if file == "" {
		return nil, nil
	}
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() > maxProgress {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r, ok := decodeProgress(text, now)
	if !ok {
		return nil, nil
	}
	return r, nil
}

// encode returns the record as it is kept.
func (r *record) encode() ([]byte, error) {
	return json.Marshal(progress{Begun: r.begun, Newest: r.newest, Told: r.told})
}

// writeProgress writes the file anew and then puts it in the place of the old
// one.
func writeProgress(file string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".seam-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// sorted returns events in the order in which the cloud made them; those of one
// instant stay as they were.
func sorted(list []event) []event {
	slices.SortStableFunc(list, func(a, b event) int { return a.Created.Compare(b.Created) })
	return list
}
