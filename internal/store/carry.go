// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/sashlock/sashlock/internal/logkey"
)

// carryEvery is how often what stands in SQLite's write-ahead log is carried
// over into the database file, if anything was committed.
const carryEvery = time.Second

// carrier carries the write-ahead log over beside the writer, so that no commit
// has to wait for it: done by the writer, every few thousand pages, it held up
// whoever came then for some 20 ms. What the carrier leaves behind under
// continuous load, the writer's own threshold ends.
type carrier struct {
	db   *sql.DB // nil: the engine has no log to carry
	stop chan struct{}
	done sync.WaitGroup
}

// startCarrier starts it, where the engine needs one.
func (s *Store) startCarrier() error {
	db, err := s.engine.openCarrier()
	if err != nil || db == nil {
		return err
	}
	s.carrier.db, s.carrier.stop = db, make(chan struct{})
	news, ignore := s.Subscribe()
	s.carrier.done.Go(func() {
		defer ignore()
		s.carry(news)
	})
	return nil
}

// carry works until it is stopped. A failure costs nothing: the log keeps what
// was not carried over.
func (s *Store) carry(news <-chan struct{}) {
	for {
		select {
		case <-s.carrier.stop:
			return
		case <-news:
		}
		if _, err := s.carrier.db.ExecContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
			s.log.Debug("log not carried over", logkey.Err(err))
		}
		rest := time.NewTimer(carryEvery)
		select {
		case <-s.carrier.stop:
			rest.Stop()
			return
		case <-rest.C:
		}
	}
}

// close stops the carrier and waits for it.
func (c *carrier) close() error {
	if c.db == nil {
		return nil
	}
	close(c.stop)
	c.done.Wait()
	err := c.db.Close()
	c.db = nil
	return err
}
