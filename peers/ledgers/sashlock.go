// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

// openings is how many openings the events are about.
const openings = 200

// firstNumber is added to the number of each event, so that all have nine digits.
const firstNumber = 100_000_000

// event is what entry n says: somebody locked a door by hand.
func event(n int64, at time.Time) sashlock.Event {
	return sashlock.Event{
		Kind: sashlock.LockLocked, At: at, Site: "site_01kc0000000000000000000001",
		Opening: sashlock.OpeningID(fmt.Sprintf("opn_01kc00000000000000000000%02x", n%openings)),
		Device:  sashlock.DeviceID(fmt.Sprintf("dev_01kc00000000000000000000%02x", n%openings)),
		Method:  sashlock.ByHand, Number: uint64(firstNumber + n),
	}
}

// bodies makes what the others append: an event as Sashlock stores it, with
// only the number changing, since its encoding is not what is measured there.
type bodies struct {
	text []byte
	at   int // of the nine digits
}

func newBodies() (bodies, error) {
	e := event(0, time.Date(2026, 11, 22, 8, 30, 15, 123_456_000, time.UTC))
	e.Seq, e.Heard = 12_345, e.At
	text, err := store.AppendEvent(nil, &e)
	if err != nil {
		return bodies{}, err
	}
	at := bytes.LastIndex(text, []byte(strconv.Itoa(firstNumber)))
	if at < 0 {
		return bodies{}, errors.New("the number is not in the event's text")
	}
	return bodies{text, at}, nil
}

// body returns the text of entry n.
func (b bodies) body(n int64) []byte {
	text := bytes.Clone(b.text)
	strconv.AppendInt(text[:b.at], firstNumber+n, 10)
	return text
}

// appendJob appends an event and does nothing else.
func appendJob(n int64) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		tx.Append(event(n, tx.Now()))
		return nil
	}
}

// reportJob is what Sashlock does with a lock's report: it loads the opening's
// state, appends an event and saves the state.
func reportJob(n int64) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		e := event(n, tx.Now())
		s, err := tx.State(e.Opening)
		if err != nil {
			return err
		}
		s.Lock, s.LockAt, s.Heard = sashlock.Locked, tx.Now(), tx.Now()
		s.Numbers = map[sashlock.DeviceID]sashlock.Numbers{e.Device: {High: e.Number}}
		tx.Append(e)
		tx.SaveState(s)
		return nil
	}
}

type sashlockLedger struct {
	store *store.Store
	job   func(n int64) func(*store.Tx) error
}

func openSashlock(job func(n int64) func(*store.Tx) error) func(string, int) (ledger, error) {
	return func(dir string, _ int) (ledger, error) {
		signer, err := newSigner()
		if err != nil {
			return nil, err
		}
		url := "sqlite://" + filepath.ToSlash(filepath.Join(dir, "store.db"))
		s, err := store.Open(context.Background(), store.Options{URL: url, Signer: signer})
		return &sashlockLedger{s, job}, err
	}
}

// newSigner makes a fresh Ed25519 key for checkpoints.
func newSigner() (note.Signer, error) {
	key, _, err := note.GenerateKey(rand.Reader, "sashlock.local/ledgers")
	if err != nil {
		return nil, err
	}
	return note.NewSigner(key)
}

// append ignores body: the store encodes the event itself, and that is part of
// its price.
func (l *sashlockLedger) append(n int64, _ []byte) error {
	receipt, err := l.store.Do(context.Background(), l.job(n))
	if err == nil && receipt.Checkpoint == "" {
		return errors.New("the receipt has no checkpoint")
	}
	return err
}

func (l *sashlockLedger) size() (int64, error) { return l.store.Size(), nil }
func (l *sashlockLedger) close() error         { return l.store.Close() }
