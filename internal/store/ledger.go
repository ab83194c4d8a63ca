// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/ledger"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

var _ ledger.TileSource = (*Store)(nil)

// sealed is the end of the ledger as last committed.
type sealed struct {
	size       int64
	checkpoint string
}

// Checkpoint returns the newest signed checkpoint and the number of entries it
// covers; "" and 0 before the first entry.
func (s *Store) Checkpoint(ctx context.Context) (signed string, size int64, err error) {
	if !s.opts.ReadOnly {
		if last := s.seal.Load(); last != nil {
			return last.checkpoint, last.size, nil
		}
		return "", 0, nil
	}
	err = s.View(ctx, func(q Query) error {
		seal, err := scanSeal(q.QueryRow(selectSeals + " ORDER BY first_hash DESC LIMIT 1"))
		signed, size = seal.Checkpoint, seal.Size
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", 0, nil
	}
	return signed, size, err
}

// Size returns the number of entries in the ledger as last committed, without
// those in the emergency journal.
func (s *Store) Size() int64 {
	if last := s.seal.Load(); last != nil {
		return last.size
	}
	return 0
}

// Entry is a row of the ledger.
type Entry struct {
	Seq        int64
	Body       []byte // the event as JSON; nil once erased
	Salt       []byte // nil once erased
	Commitment proof.Commitment
}

// scanEntry reads a row of seq, body and binding.
func scanEntry(row scanner) (e Entry, err error) {
	var binding []byte
	if err = row.Scan(&e.Seq, &e.Body, &binding); err != nil {
		return e, err
	}
	if len(binding) != len(e.Commitment) && len(binding) != len(e.Commitment)+proof.SaltSize {
		return e, damagedEntry(e.Seq)
	}
	copy(e.Commitment[:], binding)
	if salt := binding[len(e.Commitment):]; len(salt) > 0 {
		e.Salt = salt
	}
	return e, nil
}

// Entry returns one entry as it is stored, for evidence, or NotFound.
func (s *Store) Entry(ctx context.Context, seq int64) (e Entry, err error) {
	err = s.View(ctx, func(q Query) error {
		e, err = scanEntry(q.QueryRow("SELECT seq, body, binding FROM entries WHERE seq = ?", seq))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = notRecorded("reading an entry", formatInt(seq))
	}
	return e, err
}

// Erase removes body and salt of entries for good and keeps their commitments,
// so that every proof stays valid. Number, kind, time and pseudonyms stay. The
// job records why, as an event of its own.
func (tx *Tx) Erase(seqs ...int64) error {
	for _, seq := range seqs {
		e, err := scanEntry(tx.QueryRow("SELECT seq, body, binding FROM entries WHERE seq = ?", seq))
		if errors.Is(err, sql.ErrNoRows) {
			return notRecorded("erasing an entry", formatInt(seq))
		}
		if err == nil && e.Body != nil {
			err = tx.erase(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) erase(entry Entry) error {
	var e sashlock.Event
	if err := json.Unmarshal(entry.Body, &e); err != nil {
		return err
	}
	left, err := AppendEvent(nil, &sashlock.Event{
		Seq: e.Seq, Kind: e.Kind, Heard: e.Heard, Opening: e.Opening, Person: e.Person, Device: e.Device, Decision: e.Decision,
	})
	if err != nil {
		return err
	}
	if _, err := tx.Exec("INSERT INTO erased (seq, event) VALUES (?, ?)", entry.Seq, string(left)); err != nil {
		return err
	}
	_, err = tx.Exec("UPDATE entries SET body = NULL, binding = ? WHERE seq = ?", entry.Commitment[:], entry.Seq)
	return err
}

// Commitments returns n commitments from sequence number from on, as
// [ledger.TileSource] wants them.
func (s *Store) Commitments(ctx context.Context, from int64, n int) ([]proof.Commitment, error) {
	all := make([]proof.Commitment, 0, n)
	err := s.View(ctx, func(q Query) error {
		rows, err := q.Query("SELECT seq, body, binding FROM entries WHERE seq >= ? AND seq < ? ORDER BY seq", from, from+int64(n))
		return each(rows, err, func(func(...any) error) error {
			e, err := scanEntry(rows)
			all = append(all, e.Commitment)
			return err
		})
	})
	return all, err
}

// hashCacheSize is how many stored hashes one generation of the cache holds:
// 64 bytes each with their place in the map, twice.
const hashCacheSize = 1 << 15

// hashCache keeps stored hashes that were read. They never change. Proofs share
// the upper part of the tree, so what was used lately is kept: when the young
// generation is full it becomes the old one, and what is not asked for in the
// meantime goes with it.
type hashCache struct {
	mu         sync.Mutex
	young, old map[int64]tlog.Hash
}

func (c *hashCache) find(index int64) (tlog.Hash, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h, ok := c.young[index]; ok {
		return h, true
	}
	h, ok := c.old[index]
	if ok {
		c.put(index, h)
	}
	return h, ok
}

func (c *hashCache) add(index int64, h tlog.Hash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(index, h)
}

// put is called with mu held.
func (c *hashCache) put(index int64, h tlog.Hash) {
	if c.young == nil || len(c.young) >= hashCacheSize {
		c.old, c.young = c.young, make(map[int64]tlog.Hash)
	}
	c.young[index] = h
}

func (c *hashCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.young, c.old = nil, nil
}

// ReadHashes returns stored hashes by their index (see tlog.StoredHashIndex),
// in order, as [ledger.TileSource] wants them.
func (s *Store) ReadHashes(ctx context.Context, indexes []int64) (hashes []tlog.Hash, err error) {
	err = s.View(ctx, func(q Query) error {
		hashes, err = s.readHashes(q, indexes)
		return err
	})
	return hashes, err
}

func (s *Store) readHashes(q Query, indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, len(indexes))
	var seal proof.Seal // the one read last: neighbours stand in it too
	for _, index := range indexes {
		h, ok := s.hashes.find(index)
		if !ok {
			if h, ok = seal.Hash(index); !ok {
				var err error
				if seal, err = sealWith(q, index); err != nil {
					return nil, fmt.Errorf("reading stored hash %d: %w", index, err)
				}
				h, _ = seal.Hash(index)
			}
			s.hashes.add(index, h)
		}
		hashes = append(hashes, h)
	}
	return hashes, nil
}

// sealWith reads the hashes of the seal that has a stored hash.
func sealWith(q Query, index int64) (seal proof.Seal, err error) {
	for _, table := range []string{"seals", "changes"} { // the newest may not be carried over yet
		row := q.QueryRow("SELECT first_hash, hashes FROM "+table+" WHERE first_hash <= ? ORDER BY first_hash DESC LIMIT 1", index)
		err = row.Scan(&seal.FirstHash, &seal.Hashes)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return seal, err
		}
		if _, ok := seal.Hash(index); ok {
			return seal, nil
		}
	}
	return seal, errors.New("no seal has it")
}

// selectSeals reads the seals in their own table and those that stand beside
// the latest changes. Asked for by first_hash, the two are merged: the long one
// is never sorted.
const (
	sealColumns = "first_hash, size, hashes, checkpoint, at"
	selectSeals = "SELECT " + sealColumns + " FROM (SELECT " + sealColumns + " FROM seals UNION ALL SELECT " + sealColumns +
		" FROM changes WHERE first_hash IS NOT NULL) AS every_seal"
)

func scanSeal(row scanner) (seal proof.Seal, err error) {
	var at int64
	err = row.Scan(&seal.FirstHash, &seal.Size, &seal.Hashes, &seal.Checkpoint, &at)
	seal.At = time.UnixMicro(at).UTC()
	return seal, err
}

// HashReader returns the stored hashes as package tlog reads them. Its calls
// end with ctx.
func (s *Store) HashReader(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return s.ReadHashes(ctx, indexes) })
}

// Seals iterates over all seals in order, for proof.VerifyLedger.
func (s *Store) Seals(ctx context.Context) iter.Seq2[proof.Seal, error] {
	return func(yield func(proof.Seal, error) bool) {
		s.stream(ctx, selectSeals+" ORDER BY first_hash", func(rows *sql.Rows) bool {
			return yield(scanSeal(rows))
		}, func(err error) { yield(proof.Seal{}, err) })
	}
}

// stream runs a query over a whole table and calls row until it returns false.
func (s *Store) stream(ctx context.Context, query string, row func(*sql.Rows) bool, fail func(error)) {
	rows, err := s.readers.Load().QueryContext(ctx, query)
	if err != nil {
		fail(err)
		return
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells what matters
	for rows.Next() {
		if !row(rows) {
			return
		}
	}
	if err := rows.Err(); err != nil {
		fail(err)
	}
}
