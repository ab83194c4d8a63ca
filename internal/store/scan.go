// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"iter"
	"math"
	"sync"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// The rules of reading the whole ledger are:
//   - a few connections read runs of entries at the same time, and the runs are
//     handed on in order; one connection alone is slower than the hashing
//   - it goes past database/sql, whose copying and locking for each row costs a
//     third of the time
//   - a run begins at an entry that exists, so a gap of any width, which only
//     damage can leave, is stepped over
//   - entries that come after the start are not read

const (
	scanners   = 2 // connections; the pool has others left
	runEntries = 2048
	runsAhead  = 4 // runs read or being read for each connection
)

// run is some consecutive entries in memory.
type run struct {
	first, last int64
	rows        []proof.Row
	arena       []byte // what the rows refer to
	err         error  // why there are no more rows
	done        chan struct{}
}

// scan reads the entries in order.
type scan struct {
	s       *Store
	ctx     context.Context //nolint:containedctx // a scan lives as long as one call
	ordered chan *run
	free    chan *run
	working sync.WaitGroup

	mu     sync.Mutex // of those who choose the next run
	next   int64      // no entry before it is left
	last   int64      // the newest entry at the start
	chosen bool       // all runs are
	over   bool       // ordered is closed
}

// Rows iterates over all entries in order, for proof.VerifyLedger. The slices
// of a row are valid until the next one. It reads on goroutines of its own,
// which end with the loop.
func (s *Store) Rows(ctx context.Context) iter.Seq2[proof.Row, error] {
	return func(yield func(proof.Row, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		c := &scan{s: s, ctx: ctx, next: math.MinInt64, ordered: make(chan *run, scanners*runsAhead), free: make(chan *run, scanners*runsAhead)}
		defer c.working.Wait()
		defer cancel()
		query := "SELECT COALESCE(MAX(seq), -1) FROM entries"
		if err := s.readers.Load().QueryRowContext(ctx, query).Scan(&c.last); err != nil {
			yield(proof.Row{}, err)
			return
		}
		for range cap(c.free) {
			c.free <- &run{done: make(chan struct{}, 1)}
		}
		for range scanners {
			c.working.Go(c.work)
		}
		if c.deliver(yield) && ctx.Err() != nil {
			yield(proof.Row{}, context.Cause(ctx))
		}
	}
}

// deliver yields the rows of each run, in order. It reports whether more would
// be taken.
func (c *scan) deliver(yield func(proof.Row, error) bool) bool {
	for r := range c.ordered {
		<-r.done
		for i := range r.rows {
			if !yield(r.rows[i], nil) {
				return false
			}
		}
		if r.err != nil {
			yield(proof.Row{}, r.err)
			return false
		}
		c.free <- r
	}
	return true
}

// work reads runs on one connection until there are no more.
func (c *scan) work() {
	conn, err := c.s.readers.Load().Conn(c.ctx)
	if err != nil {
		c.end(err)
		return
	}
	defer conn.Close() //nolint:errcheck // it only goes back into the pool
	err = conn.Raw(func(raw any) error {
		find, err := c.prepare(raw, "SELECT seq FROM entries WHERE seq >= ? AND seq <= ? ORDER BY seq LIMIT 1")
		if err != nil {
			return err
		}
		defer find.Close() //nolint:errcheck // nothing was written
		read, err := c.prepare(raw, "SELECT seq, body, binding FROM entries WHERE seq >= ? AND seq <= ? ORDER BY seq")
		if err != nil {
			return err
		}
		defer read.Close() //nolint:errcheck // nothing was written
		for {
			r, err := c.choose(find)
			if r == nil || err != nil {
				return err
			}
			r.err = c.each(read, r.first, r.last, r.add)
			r.done <- struct{}{}
			if r.err != nil {
				return nil // whoever takes the run is told
			}
		}
	})
	c.end(err)
}

func (c *scan) prepare(raw any, query string) (driver.Stmt, error) {
	return raw.(driver.ConnPrepareContext).PrepareContext(c.ctx, c.s.engine.rebind(query))
}

// end says that no run follows; with an error, as the last one.
func (c *scan) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.over = true
	if err != nil {
		select {
		case r := <-c.free:
			*r = run{err: err, done: r.done}
			r.done <- struct{}{}
			c.ordered <- r
		case <-c.ctx.Done():
		}
	}
	close(c.ordered)
}

// choose puts the next run in order; nil at the end.
func (c *scan) choose(find driver.Stmt) (*run, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over || c.chosen {
		return nil, nil
	}
	var first int64
	found := false
	err := c.each(find, c.next, c.last, func(row []driver.Value) error {
		first, found = row[0].(int64), true
		return nil
	})
	if err != nil || !found {
		c.chosen = true
		return nil, err
	}
	last := first + runEntries - 1
	if last < first || last >= c.last { // the sum can overflow, but only with damage
		last, c.chosen = c.last, true
	}
	select {
	case r := <-c.free:
		r.first, r.last, r.rows, r.arena, r.err = first, last, r.rows[:0], r.arena[:0], nil
		c.next = last + 1
		c.ordered <- r // never waits: there are as many places as runs
		return r, nil
	case <-c.ctx.Done():
		return nil, context.Cause(c.ctx)
	}
}

// add copies a row of seq, body and binding.
func (r *run) add(row []driver.Value) error {
	seq, ok := row[0].(int64)
	if !ok {
		return damagedEntry(r.first + int64(len(r.rows)))
	}
	body, okBody := r.keep(row[1])
	binding, okBinding := r.keep(row[2])
	if !okBody || !okBinding {
		return damagedEntry(seq)
	}
	v := proof.Row{Seq: seq, Body: body, Commitment: binding[:min(len(binding), 32)]}
	if len(binding) > 32 {
		v.Salt = binding[32:]
	}
	r.rows = append(r.rows, v)
	return nil
}

// keep copies a value into the arena. Damage can make text of a blob.
func (r *run) keep(v driver.Value) ([]byte, bool) {
	from := len(r.arena)
	switch v := v.(type) {
	case nil:
		return nil, true
	case []byte:
		if v == nil {
			return nil, true
		}
		r.arena = append(r.arena, v...)
	case string:
		r.arena = append(r.arena, v...)
	default:
		return nil, false
	}
	return r.arena[from:len(r.arena):len(r.arena)], true
}

// damagedEntry says that an entry is not what an entry looks like.
func damagedEntry(seq int64) error {
	return &sashlock.Error{Kind: sashlock.Internal, Op: "reading entry " + formatInt(seq), Hint: "the entry is damaged: run sashlock verify"}
}

// each runs a query with two numbers and calls f with each row; what a row
// refers to is valid until f returns.
func (c *scan) each(st driver.Stmt, from, to int64, f func([]driver.Value) error) (err error) {
	rows, err := st.(driver.StmtQueryContext).QueryContext(c.ctx, args(from, to))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := f(row); err != nil {
			return err
		}
	}
}
