// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"runtime"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// The rules of the row stream are:
//   - one goroutine reads rows into blocks, workers hash blocks in any order,
//     and the walk takes blocks in the order they were read
//   - a block belongs to one goroutine at a time; it is handed on through
//     channels only, and given back by the walk to be filled again
//   - stop ends all goroutines and waits for them, so that an iterator over a
//     database is never left running

const (
	blockRows   = 1024 // rows in one block: some 0.5 ms of hashing
	blocksAhead = 4    // blocks a worker may be ahead of the walk
	maxWorkers  = 16
)

// row is one entry within a block.
type row struct {
	seq        int64
	start, end int       // its preimage within the block's arena
	leaf       tlog.Hash // leaf hash of the stated commitment
	bodyLeaf   tlog.Hash // leaf hash that body and salt would have; set on BodyAltered
	erased     bool
	fault      Kind // what is wrong within the row itself, or ""
	hasLeaf    bool
}

// block is a run of rows with the bytes they refer to.
type block struct {
	rows  []row
	arena []byte
	done  chan struct{} // receives once when the block is hashed
	err   error         // the iterator's error after the last row
}

// rowStream delivers hashed rows in order.
type rowStream struct {
	ordered chan *block // in the order read
	work    chan *block // the same, to whichever worker is free
	free    chan *block // to be filled again
	quit    chan struct{}
	running sync.WaitGroup

	current *block
	at      int
}

// startRows starts the goroutines of a row stream.
func startRows(entries iter.Seq2[Row, error]) *rowStream {
	workers := min(runtime.GOMAXPROCS(0), maxWorkers)
	blocks := workers * blocksAhead
	s := &rowStream{
		ordered: make(chan *block, blocks),
		work:    make(chan *block, blocks),
		free:    make(chan *block, blocks),
		quit:    make(chan struct{}),
	}
	for range blocks {
		s.free <- &block{rows: make([]row, 0, blockRows), done: make(chan struct{}, 1)}
	}
	s.running.Go(func() { s.read(entries) })
	for range workers {
		s.running.Go(func() {
			for b := range s.work {
				b.hash()
				b.done <- struct{}{}
			}
		})
	}
	return s
}

// stop ends the stream and waits for its goroutines.
func (s *rowStream) stop() {
	close(s.quit)
	s.running.Wait()
}

// read fills blocks from the iterator until it ends or the stream is stopped.
func (s *rowStream) read(entries iter.Seq2[Row, error]) {
	defer close(s.ordered)
	defer close(s.work)
	var b *block
	for r, err := range entries {
		if b == nil {
			if b = s.blank(); b == nil {
				return
			}
		}
		if err != nil {
			b.err = err
			break
		}
		b.add(r)
		if len(b.rows) == blockRows {
			// Never blocks: there are as many places as blocks.
			s.work <- b
			s.ordered <- b
			b = nil
		}
	}
	if b != nil {
		s.work <- b
		s.ordered <- b
	}
}

// blank waits for a block to fill. It returns nil when the stream is stopped.
func (s *rowStream) blank() *block {
	select {
	case <-s.quit:
		return nil
	case b := <-s.free:
		b.rows, b.arena, b.err = b.rows[:0], b.arena[:0], nil
		return b
	}
}

// peek returns the next row, or nil at the end. The row is valid until the call
// of peek after next.
func (s *rowStream) peek() (*row, error) {
	for s.current == nil || s.at == len(s.current.rows) {
		if s.current != nil {
			if err := s.current.err; err != nil {
				return nil, fmt.Errorf("reading entries: %w", err)
			}
			s.free <- s.current
		}
		s.current, s.at = nil, 0
		b, ok := <-s.ordered
		if !ok {
			return nil, nil
		}
		<-b.done
		s.current = b
	}
	return &s.current.rows[s.at], nil
}

// next moves on to the row after the one that peek returned.
func (s *rowStream) next() { s.at++ }

// add copies a row into the block, laid out as the preimage of its commitment.
func (b *block) add(r Row) {
	v := row{seq: r.Seq, start: len(b.arena), erased: r.Body == nil}
	switch {
	case r.Body == nil && r.Salt == nil:
	case r.Body == nil || len(r.Salt) != SaltSize:
		v.fault = SaltAltered
	default:
		b.arena = appendPreimage(b.arena, r.Salt, r.Body)
	}
	v.end = len(b.arena)
	if v.hasLeaf = len(r.Commitment) == sha256.Size; v.hasLeaf {
		v.leaf = tlog.Hash(r.Commitment) // replaced by the leaf hash in hash
	} else {
		v.fault = CommitmentAltered
	}
	b.rows = append(b.rows, v)
}

// hash computes everything about the block's rows that needs no other row.
func (b *block) hash() {
	for i := range b.rows {
		r := &b.rows[i]
		stated := Commitment(r.leaf)
		if r.end > r.start {
			if c := Commitment(sha256.Sum256(b.arena[r.start:r.end])); c != stated {
				r.bodyLeaf = c.Leaf()
				if r.fault == "" {
					r.fault = BodyAltered
				}
			}
		}
		if r.hasLeaf {
			r.leaf = stated.Leaf()
		}
	}
}
