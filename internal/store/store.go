// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/ledger"
)

// DefaultMaxBatch is how many jobs share a commit at most.
const DefaultMaxBatch = 512

// Options are what a store is opened with. Only URL is always needed; Signer
// is needed unless the store is opened for reading.
type Options struct {
	// URL says where the data is: "sqlite:///path/to/store.db" or
	// "postgres://…". The file is created if there is none, its folder is not.
	URL string
	// Now is the clock; nil means the machine's.
	Now func() time.Time
	// Origin names the ledger in its checkpoints. It must be the signer's name;
	// empty means just that.
	Origin string
	// Signer signs the checkpoint of every commit.
	Signer note.Signer
	// Journal is the path of the emergency journal; empty means none.
	Journal string
	// JournalSize is the space taken for the journal, in bytes; 0 means 64 MiB.
	JournalSize int64
	// MaxBatch is how many jobs share a commit at most; 0 means 512.
	MaxBatch int
	// ReadOnly opens the database beside the process that writes it. Nothing
	// is migrated, replayed or locked, and Do refuses everything.
	ReadOnly bool
	// Damaged opens a ledger for reading without looking at its end first, so
	// that what is wrong with it can be found and named. Only entries, seals and
	// their number are to be read then. Together with ReadOnly only.
	Damaged bool
	// Version is the program's version, kept with each migration so that a
	// refusal can name who wrote the database. May be empty.
	Version string
	// Log receives what operators need for debugging; nil means nowhere.
	Log *slog.Logger
}

// Store is an open database. Its methods may be called from any goroutine.
type Store struct {
	opts    Options
	engine  engine
	log     *slog.Logger
	readers atomic.Pointer[sql.DB]
	lock    closer // held while we may write; nil when reading only

	queue queue
	quit  chan struct{}
	done  chan struct{}
	close sync.Once

	// The writer goroutine owns w; see writer.go. A store that only reads has
	// no writer: there, whoever holds refreshing owns it.
	w          writer
	refreshing sync.Mutex

	// Committed memory, readable from any goroutine; the writer changes it
	// after each commit.
	states    *cache[sashlock.OpeningID, sashlock.OpeningState]
	devices   *cache[sashlock.DeviceID, sashlock.DeviceState]
	commands  *cache[sashlock.CommandID, sashlock.CommandRecord]
	alarms    *cache[sashlock.AlarmID, sashlock.Alarm]
	wakes     *cache[string, time.Time]
	standings *cache[string, standing]
	due       dueList
	recent    recentPages
	seal      atomic.Pointer[sealed]
	lastClock atomic.Int64 // µs, of the newest committed batch
	hashes    hashCache
	carrier   carrier

	subscribers subscribers
	health      healthState

	// fault, if set, may fail a step of the writer. Tests use it.
	fault func(step string) error
}

// closer is what holds a lock until it is closed.
type closer interface{ Close() error }

// Receipt tells a caller where its entries are.
type Receipt struct {
	First, Last int64  // sequence numbers of the job's entries; Last < First if it made none
	Checkpoint  string // signed checkpoint that covers them; empty while the emergency journal stands in
}

// Open opens a store: it creates or migrates the tables, takes the writer's
// lock, checks the ledger's end against its last checkpoint, replays the
// emergency journal and starts the writer.
//
// It refuses, as a Conflict that names both versions, a database that was
// written by a newer Sashlock, and one whose migrations are not ours; as
// Unavailable, a database that another Sashlock has open.
func Open(ctx context.Context, opts Options) (*Store, error) {
	s, err := newStore(opts)
	if err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		s.release()
		return nil, err
	}
	if opts.ReadOnly {
		close(s.done)
		return s, nil
	}
	if err := s.startCarrier(); err != nil {
		s.release()
		return nil, unavailable("opening the store", err)
	}
	go s.run()
	return s, nil
}

// newStore checks the options and builds a store that is not open yet.
func newStore(opts Options) (*Store, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.MaxBatch <= 0 {
		opts.MaxBatch = DefaultMaxBatch
	}
	if opts.JournalSize <= 0 {
		opts.JournalSize = DefaultJournalSize
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Damaged && !opts.ReadOnly {
		return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "opening the store", Hint: "a damaged ledger is opened for reading only"}
	}
	if opts.Signer == nil && !opts.ReadOnly {
		return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "opening the store", Hint: "give it a key to sign checkpoints with"}
	}
	if opts.Signer != nil && opts.Origin != "" && opts.Signer.Name() != opts.Origin {
		return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "opening the store", Subject: opts.Origin, Hint: "the signing key belongs to another ledger, " + opts.Signer.Name()}
	}
	e, err := newEngine(opts.URL)
	if err != nil {
		return nil, err
	}
	s := &Store{
		opts: opts, engine: e, log: opts.Log,
		quit: make(chan struct{}), done: make(chan struct{}),
		states:   newCache[sashlock.OpeningID, sashlock.OpeningState](),
		devices:  newCache[sashlock.DeviceID, sashlock.DeviceState](),
		commands: newCache[sashlock.CommandID, sashlock.CommandRecord](),
		alarms:   newCache[sashlock.AlarmID, sashlock.Alarm](),
		wakes:    newCache[string, time.Time](),

		standings: newCache[string, standing](),
	}
	s.queue.ready = make(chan struct{}, 1)
	s.w.s = s
	s.w.tree, s.w.helper = ledger.NewAppender(), newHelper()
	return s, nil
}

// open does the work of Open up to starting the writer.
func (s *Store) open(ctx context.Context) error {
	if s.opts.ReadOnly {
		return s.openForReading(ctx)
	}
	lock, err := s.engine.lock()
	if err != nil {
		return err
	}
	s.lock = lock
	if err := s.w.connect(ctx); err != nil {
		return err
	}
	if err := migrate(ctx, s.w.conn, s.engine, s.opts.Version, s.opts.Now()); err != nil {
		return err
	}
	if err := s.openReaders(ctx); err != nil {
		return err
	}
	if err := s.w.load(ctx); err != nil {
		return err
	}
	return s.openJournal()
}

// openForReading opens the reader pool only.
func (s *Store) openForReading(ctx context.Context) error {
	if err := s.openReaders(ctx); err != nil {
		return err
	}
	if err := checkSchema(ctx, s.readers.Load(), s.engine); err != nil {
		return err
	}
	return s.w.load(ctx)
}

// openReaders opens the pool that everybody but the writer reads from.
func (s *Store) openReaders(ctx context.Context) error {
	db, err := s.engine.openReaders()
	if err != nil {
		return unavailable("opening the store", err)
	}
	if err := db.PingContext(ctx); err != nil {
		return errors.Join(unavailable("opening the store", err), db.Close())
	}
	if old := s.readers.Swap(db); old != nil {
		return old.Close()
	}
	return nil
}

// Close finishes the jobs that are queued, stops the writer and closes the
// database. Jobs queued later are refused.
func (s *Store) Close() error {
	var err error
	s.close.Do(func() {
		s.queue.close()
		close(s.quit)
		<-s.done
		err = s.release()
	})
	return err
}

// release closes all that open opened, in the reverse order.
func (s *Store) release() error {
	errs := []error{s.carrier.close()}
	if db := s.readers.Load(); db != nil {
		errs = append(errs, db.Close())
	}
	errs = append(errs, s.w.disconnect(), s.w.journal.close())
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// unavailable wraps a failure of the database.
func unavailable(op string, err error) error {
	return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Hint: "the database cannot be used at the moment", Err: err}
}
