// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/ledger/proof"
	"github.com/sashlock/sashlock/internal/store"
)

// forger edits an entry of the demo's ledger behind the product's back, as
// somebody with access to the disk could: over a connection of its own to the
// database, with no trace but the edit. It keeps what was there, so that it can
// be put back byte by byte, also after a restart.
type forger struct {
	data  string // folder of the demo
	store *store.Store
	keys  string // verifier key of the ledger
}

// forged is an entry that was edited.
type forged struct {
	Seq  int64  `json:"seq"`
	Body []byte `json:"body"` // as it was
}

// forgedFile keeps it in the data folder.
const forgedFile = "edited-entry.json"

// standing returns the entry that is edited now; ok is false if none is.
func (f *forger) standing() (was forged, ok bool, err error) {
	text, err := os.ReadFile(filepath.Join(f.data, forgedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return was, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &was)
	}
	return was, err == nil, err
}

// edit turns the newest refusal that is not of today's story into a grant.
func (f *forger) edit(ctx context.Context, before time.Time) (forged, error) {
	if was, done, err := f.standing(); done || err != nil {
		return was, err
	}
	list, err := f.store.Events(ctx, store.EventQuery{Kind: string(sashlock.AccessDenied), Until: before, Newest: true, Limit: 1})
	if err != nil {
		return forged{}, err
	}
	if len(list) == 0 {
		return forged{}, &sashlock.Error{Kind: sashlock.NotFound, Op: "editing an entry", Hint: "nobody was refused yet: there is nothing worth editing"}
	}
	e, err := f.store.Entry(ctx, list[0].Seq)
	if err != nil {
		return forged{}, err
	}
	was := forged{Seq: e.Seq, Body: e.Body}
	text, err := json.Marshal(was)
	if err != nil {
		return forged{}, err
	}
	if err := os.WriteFile(filepath.Join(f.data, forgedFile), text, 0o600); err != nil {
		return forged{}, err
	}
	edited := bytes.Replace(e.Body, []byte(sashlock.AccessDenied), []byte(sashlock.AccessGranted), 1)
	return was, f.write(ctx, e.Seq, edited)
}

// undo puts back the very bytes.
func (f *forger) undo(ctx context.Context) error {
	was, done, err := f.standing()
	if !done || err != nil {
		return err
	}
	if err := f.write(ctx, was.Seq, was.Body); err != nil {
		return err
	}
	return os.Remove(filepath.Join(f.data, forgedFile))
}

// write changes the row of an entry, past everything that guards it.
func (f *forger) write(ctx context.Context, seq int64, body []byte) (err error) {
	// The driver is the one that package store brought in.
	path := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(filepath.Join(f.data, "store.db"))}
	db, err := sql.Open("sqlite", path.String()+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, `UPDATE entries SET body = ? WHERE seq = ?`, body, seq)
	return err
}

// verdict is what a verification of the whole ledger found.
type verdict struct {
	Entries int64
	First   int64  // the entry that is wrong; -1: none
	Why     string // what is wrong with it
}

// verify recomputes the ledger from the database, as sashlock verify does.
func (f *forger) verify(ctx context.Context) (verdict, error) {
	key, err := proof.ParseKey(f.keys)
	if err != nil {
		return verdict{}, err
	}
	size := f.store.Size()
	report, err := proof.VerifyLedger(
		upTo(f.store.Rows(ctx), func(r proof.Row) bool { return r.Seq < size }),
		upTo(f.store.Seals(ctx), func(s proof.Seal) bool { return s.Size <= size }),
		proof.LedgerCheck{Keys: []proof.Key{key}})
	v := verdict{Entries: report.Entries, First: -1}
	var problems proof.Problems
	switch {
	case errors.As(err, &problems):
		v.First, v.Why = max(0, report.First), strings.TrimSpace(err.Error())
		return v, nil
	default:
		return v, err
	}
}

// upTo ends a sequence at the first value that is beyond what is to be looked
// at: the store goes on growing meanwhile.
func upTo[T any](all iter.Seq2[T, error], within func(T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range all {
			if err == nil && !within(v) || !yield(v, err) {
				return
			}
		}
	}
}
