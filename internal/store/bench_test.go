// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
)

// benchOpenings is how many openings the benchmark's reports are about.
const benchOpenings = 200

// reportJob is what one report does to the store: it loads a state, appends an
// event of 275 bytes and saves the state.
func reportJob(n int64) func(tx *Tx) error {
	id := benchIDs[n%benchOpenings]
	return func(tx *Tx) error {
		s, err := tx.State(id)
		if err != nil {
			return err
		}
		s.Lock, s.LockAt, s.Heard = sashlock.Locked, tx.Now(), tx.Now()
		s.Numbers = map[sashlock.DeviceID]sashlock.Numbers{benchDevice: {Boot: 1, High: uint64(n)}}
		tx.Append(benchEvent(id, tx.Now(), n))
		tx.SaveState(s)
		return nil
	}
}

const benchDevice = sashlock.DeviceID("dev_01kaq5z8d0r7m3w2x9y4t6v8bn")

var benchIDs = func() (ids [benchOpenings]sashlock.OpeningID) {
	for i := range ids {
		ids[i] = sashlock.OpeningID(fmt.Sprintf("opn_01kaq5z8d0r7m3w2x9y4t6v%03d", i))
	}
	return ids
}()

func benchEvent(id sashlock.OpeningID, at time.Time, n int64) sashlock.Event {
	return sashlock.Event{
		Kind: sashlock.LockLocked, At: at, Site: "site_01kaq5z8d0r7m3w2x9y4t6v8bn", Opening: id,
		Device: benchDevice, Method: sashlock.ByHand, Boot: 1, Number: uint64(100_000_000 + n),
	}
}

// plainWriter is what the goals are measured against: group commit of single
// rows of 275 bytes into SQLite FULL, and nothing else.
type plainWriter struct {
	conn  *sql.Conn
	queue chan chan error
}

func newPlainWriter(b *testing.B, url string) *plainWriter {
	db, err := sql.Open("sqlite", "file:"+url+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := conn.ExecContext(context.Background(), "CREATE TABLE plain (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT"); err != nil {
		b.Fatal(err)
	}
	w := &plainWriter{conn, make(chan chan error, DefaultMaxBatch)}
	done := make(chan struct{})
	go w.run(done)
	b.Cleanup(func() { close(w.queue); <-done; conn.Close(); db.Close() })
	return w
}

func (w *plainWriter) run(done chan struct{}) {
	defer close(done)
	ctx := context.Background()
	insert, err := w.conn.PrepareContext(ctx, "INSERT INTO plain (seq, body) VALUES (?, ?)")
	if err != nil {
		panic(err)
	}
	body := make([]byte, 275)
	seq := int64(0)
	var waiting []chan error
	for first := range w.queue {
		waiting = append(waiting[:0], first)
		for more := true; more && len(waiting) < DefaultMaxBatch; {
			select {
			case next, ok := <-w.queue:
				if ok {
					waiting = append(waiting, next)
				}
				more = ok
			default:
				more = false
			}
		}
		_, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE")
		for range waiting {
			if err == nil {
				_, err = insert.ExecContext(ctx, seq, body)
				seq++
			}
		}
		if err == nil {
			_, err = w.conn.ExecContext(ctx, "COMMIT")
		}
		for _, ch := range waiting {
			ch <- err
		}
	}
}

// inParallel runs n calls from a number of goroutines and returns the time.
func inParallel(b *testing.B, goroutines int, n int64, call func(i int64) error) time.Duration {
	var next atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range goroutines {
		wg.Go(func() {
			for i := next.Add(1); i <= n; i = next.Add(1) {
				if err := call(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

// BenchmarkReport measures durable, sealed reports against the plain writer.
// The two take turns, so that what else the machine does hits both alike.
func BenchmarkReport(b *testing.B) {
	for _, writers := range []int{1, 64, 512} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := newSuite(b, "sqlite://"+filepath.Join(b.TempDir(), "store.db"))
			st := s.open(b)
			plain := newPlainWriter(b, filepath.Join(b.TempDir(), "plain.db"))
			ctx := context.Background()
			ours := func(i int64) error { _, err := st.Do(ctx, reportJob(i)); return err }
			pool := sync.Pool{New: func() any { return make(chan error, 1) }}
			theirs := func(int64) error {
				ch := pool.Get().(chan error)
				plain.queue <- ch
				err := <-ch
				pool.Put(ch)
				return err
			}
			turn := int64(writers) * 20
			inParallel(b, writers, turn, ours) // warm
			inParallel(b, writers, turn, theirs)
			var oursTook, theirsTook time.Duration
			b.ResetTimer()
			for left := int64(b.N); left > 0; left -= turn {
				n := min(turn, left)
				oursTook += inParallel(b, writers, n, ours)
				theirsTook += inParallel(b, writers, n, theirs)
			}
			b.ReportMetric(float64(b.N)/oursTook.Seconds(), "reports/s")
			b.ReportMetric(float64(b.N)/theirsTook.Seconds(), "plain/s")
			b.ReportMetric(theirsTook.Seconds()/oursTook.Seconds(), "ratio")
		})
	}
}

// BenchmarkStart measures opening a store with a million entries.
func BenchmarkStart(b *testing.B) {
	s := newSuite(b, "sqlite://"+filepath.Join(b.TempDir(), "store.db"))
	st := s.open(b)
	const entries, each = 1_000_000, 400
	for n := int64(0); n < entries; n += each {
		do(b, st, func(tx *Tx) {
			for i := range int64(each) {
				tx.Append(benchEvent(benchIDs[(n+i)%benchOpenings], tx.Now(), n+i))
			}
		})
	}
	if err := st.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		st, err := Open(context.Background(), s.opts)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if st.Size() != entries {
			b.Fatalf("the store has %d entries", st.Size())
		}
		if err := st.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkAppendEvent measures the encoding of one event.
func BenchmarkAppendEvent(b *testing.B) {
	e := benchEvent(benchIDs[0], time.Now().UTC(), 1)
	e.Heard = e.At
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = AppendEvent(buf[:0], &e); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(buf)), "bytes")
}
