// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"iter"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// RowsUpTo reads the entries of the ledger, as [Store.Rows] does, without those
// that were sealed after it had a size. An entry behind that size which no later
// checkpoint covers was put there behind the store's back, and is handed on: a
// verification has to see it.
func (s *Store) RowsUpTo(ctx context.Context, size int64) iter.Seq2[proof.Row, error] {
	return func(yield func(proof.Row, error) bool) {
		sealed := int64(-1)
		for r, err := range s.Rows(ctx) {
			if err == nil && r.Seq >= size {
				if sealed < 0 {
					if _, sealed, err = s.Checkpoint(ctx); err != nil {
						yield(r, err)
						return
					}
				}
				if r.Seq < sealed {
					continue
				}
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// SealsUpTo reads the seals of commits, as [Store.Seals] does, up to the one
// that brought the ledger to a size.
func (s *Store) SealsUpTo(ctx context.Context, size int64) iter.Seq2[proof.Seal, error] {
	end := tlog.StoredHashCount(size)
	return func(yield func(proof.Seal, error) bool) {
		for seal, err := range s.Seals(ctx) {
			if err == nil && seal.FirstHash >= end {
				return
			}
			if !yield(seal, err) {
				return
			}
		}
	}
}
