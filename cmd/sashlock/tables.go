// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/store"
)

// chunk is how many events are read at once.
const chunk = 5000

// compareTables replays the events of every opening and returns those that the
// tables have otherwise. It keeps only what a replay looks at.
func compareTables(ctx context.Context, s *store.Store) (wrong []sashlock.OpeningID, openings int, err error) {
	states, err := s.States(ctx)
	if err != nil {
		return nil, 0, err
	}
	heard := map[sashlock.OpeningID][]sashlock.Event{}
	for from := int64(0); ; {
		events, err := s.Events(ctx, store.EventQuery{From: from, Limit: chunk})
		if err != nil {
			return nil, 0, err
		}
		for _, e := range events {
			from = e.Seq + 1
			if e.Opening != "" && moves(e.Kind) {
				heard[e.Opening] = append(heard[e.Opening], sashlock.Event{Kind: e.Kind, Opening: e.Opening, At: e.At, Heard: e.Heard, Reason: e.Reason})
			}
		}
		if len(events) < chunk {
			break
		}
	}
	for _, have := range states {
		want := opening.Replay(have.Opening, heard[have.Opening])
		if want.Lock != have.Lock || want.Position != have.Position || want.Forced != have.Forced || want.Tampered != have.Tampered {
			wrong = append(wrong, have.Opening)
		}
	}
	return wrong, len(states), nil
}

// moves reports whether a replay looks at events of a kind.
func moves(k sashlock.EventKind) bool {
	return strings.HasPrefix(string(k), "lock.") || strings.HasPrefix(string(k), "opening.") ||
		k == sashlock.DeviceTampered || k == sashlock.TamperCleared
}

// journalWaits reports whether the emergency journal holds anything: its first
// four bytes are the length of its first frame.
func journalWaits(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	var first [4]byte
	if _, err := io.ReadFull(f, first[:]); err != nil {
		return false, nil //nolint:nilerr // shorter than a frame: there is none
	}
	return binary.LittleEndian.Uint32(first[:]) > 0, nil
}
