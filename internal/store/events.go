// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/go-json-experiment/json" // the coming encoding/json, which reads three times as fast: pages read thousands of entries
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sashlock/sashlock"
)

// EventQuery says which events to list. Zero fields do not restrict.
type EventQuery struct {
	From   int64 // the first sequence number that counts
	Before int64 // the first that no longer counts; 0: no limit
	Newest bool  // newest first; otherwise in the order of the ledger
	Limit  int   // 0 means 100; at most 10,000

	Opening  sashlock.OpeningID
	Person   sashlock.PersonID
	Device   sashlock.DeviceID
	Decision sashlock.DecisionID
	Kind     string    // a kind, or the beginning of some: "access." or "access.denied"
	Since    time.Time // heard at this time or later
	Until    time.Time // heard before this time
}

const maxEvents = 10_000

// selectEvents reads what scanEvent takes.
const selectEvents = "SELECT e.seq, e.body, x.event FROM entries e LEFT JOIN erased x ON x.seq = e.seq"

// Events lists events. Of an erased entry only number, kind, time and the
// pseudonyms of opening, person, device and decision are left.
func (s *Store) Events(ctx context.Context, q EventQuery) (events []sashlock.Event, err error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	q.Limit = min(q.Limit, maxEvents)
	if q.Before <= 0 {
		q.Before = math.MaxInt64
	}
	filters := q.filters()
	search := search{q: q, filters: filters}
	if len(filters) > 0 && !s.opts.ReadOnly {
		search.memory(&s.recent) // before the database is opened: see pages.go
	}
	err = s.View(ctx, func(v Query) error {
		search.v = v
		return search.run()
	})
	return search.found, err
}

// filters are the conditions that the index knows.
func (q EventQuery) filters() []filter {
	var all []filter
	add := func(by, id string) {
		if id != "" {
			all = append(all, filter{subject: by + id})
		}
	}
	add(byOpening, string(q.Opening))
	add(byPerson, string(q.Person))
	add(byDevice, string(q.Device))
	if q.Kind != "" {
		all = append(all, filter{subject: byKind + q.Kind, prefix: true})
	}
	return all
}

// search is one run of Events.
type search struct {
	q       EventQuery
	v       Query
	filters []filter
	found   []sashlock.Event

	first    int64      // first page in memory
	inMemory []placeSet // what is there, from first on
	next     int64      // the first number that memory knows nothing of
}

// memory takes what the index has in memory.
func (s *search) memory(p *recentPages) {
	for i, f := range s.filters {
		first, sets, next := p.places(f.match)
		if i == 0 {
			s.first, s.inMemory, s.next = first, sets, next
			continue
		}
		// The writer may have moved on between two calls. Pages then missing
		// from either are in the database, where they are looked for.
		if skip := first - s.first; skip > 0 {
			s.first, s.inMemory = first, s.inMemory[min(skip, int64(len(s.inMemory))):]
		}
		s.inMemory = s.inMemory[:min(len(s.inMemory), len(sets))]
		for j := range s.inMemory {
			s.inMemory[j].intersect(&sets[j])
		}
	}
}

func (s *search) run() error {
	if err := s.bounds(); err != nil {
		return err
	}
	if s.q.Decision != "" {
		return s.byDecision()
	}
	if len(s.filters) == 0 {
		return s.scan("", nil, s.q.Limit)
	}
	if s.inMemory == nil { // reading beside the writer: its memory is not ours
		if err := s.v.QueryRow("SELECT COALESCE(MAX(page) + 1, 0) FROM entry_pages").Scan(&s.first); err != nil {
			return err
		}
	}
	return s.byPages()
}

// bounds narrows the range of numbers to the range of times, and to the
// numbers that there are.
func (s *search) bounds() error {
	var size int64
	if err := s.v.QueryRow("SELECT COALESCE(MAX(seq) + 1, 0) FROM entries").Scan(&size); err != nil {
		return err
	}
	s.q.From, s.q.Before = max(s.q.From, 0), min(s.q.Before, size)
	var err error
	if !s.q.Since.IsZero() {
		if s.q.From, err = s.firstHeard(s.q.Since, s.q.From, s.q.Before); err != nil {
			return err
		}
	}
	if !s.q.Until.IsZero() {
		s.q.Before, err = s.firstHeard(s.q.Until, s.q.From, s.q.Before)
	}
	return err
}

// firstHeard returns the number of the first entry in [low, high) that was
// heard at t or later, or high. Heard never decreases along the ledger.
func (s *search) firstHeard(t time.Time, low, high int64) (int64, error) {
	for low < high {
		middle := low + (high-low)/2
		e, err := scanEvent(s.v.QueryRow(selectEvents+" WHERE e.seq = ?", middle).Scan)
		if err != nil {
			return 0, err
		}
		if e.Heard.Before(t) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// scan appends the events that are meant, out of the first rows in range that meet
// a further condition in SQL.
func (s *search) scan(condition string, args []any, limit int) error {
	order := "ASC"
	if s.q.Newest {
		order = "DESC"
	}
	args = append([]any{s.q.From, s.q.Before}, args...)
	rows, err := s.v.Query(selectEvents+" WHERE e.seq >= ? AND e.seq < ?"+condition+" ORDER BY e.seq "+order+" LIMIT ?", append(args, limit)...)
	return each(rows, err, func(scan func(...any) error) error {
		e, err := scanEvent(scan)
		if err == nil && s.q.matches(&e) && len(s.found) < s.q.Limit {
			s.found = append(s.found, e)
		}
		return err
	})
}

// matches reports whether an event is what the query asks for, apart from its
// number and time. The index narrows the search, this decides.
func (q *EventQuery) matches(e *sashlock.Event) bool {
	return (q.Opening == "" || q.Opening == e.Opening) && (q.Person == "" || q.Person == e.Person) &&
		(q.Device == "" || q.Device == e.Device) && (q.Decision == "" || q.Decision == e.Decision) &&
		strings.HasPrefix(string(e.Kind), q.Kind)
}

// byDecision reads the entries of one decision; there are a handful at most.
func (s *search) byDecision() error {
	return s.scan(" AND e.seq IN (SELECT seq FROM decision_entries WHERE decision = ?)", []any{s.q.Decision}, maxEvents)
}

// byPages walks the pages in the wanted direction until there is enough.
func (s *search) byPages() error {
	if s.q.From >= s.q.Before {
		return nil
	}
	first, last, step := s.q.From/pageSize, (s.q.Before-1)/pageSize, int64(1)
	if s.q.Newest {
		first, last, step = last, first, -1
	}
	for page := first; ; page += step {
		set, err := s.page(page)
		if err == nil {
			err = s.fetch(page, &set)
		}
		if err != nil || page == last || len(s.found) >= s.q.Limit {
			return err
		}
	}
}

// page returns the places of a page that meet all filters.
func (s *search) page(page int64) (placeSet, error) {
	if i := page - s.first; i >= 0 && i < int64(len(s.inMemory)) {
		set := s.inMemory[i]
		set.addFrom(s.next - page*pageSize)
		return set, nil
	}
	var set placeSet
	if page >= s.first { // not indexed yet
		set.addFrom(0)
		return set, nil
	}
	for i, f := range s.filters {
		one, err := f.placesOf(s.v, page)
		if err != nil {
			return set, err
		}
		if i == 0 {
			set = one
		} else {
			set.intersect(&one)
		}
	}
	return set, nil
}

// fetchAtOnce is how many entries one query asks for by number, at most.
const fetchAtOnce = 64

// fetch appends the events of a page's places that are in range. Not every place
// need hold one that is meant, so it goes on until there are enough.
func (s *search) fetch(page int64, set *placeSet) error {
	var wanted []any
	atOnce := min(fetchAtOnce, s.q.Limit-len(s.found))
	flush := func() error {
		if len(wanted) == 0 {
			return nil
		}
		condition := " AND e.seq IN (?" + strings.Repeat(", ?", len(wanted)-1) + ")"
		err := s.scan(condition, wanted, len(wanted))
		wanted, atOnce = wanted[:0], min(fetchAtOnce, 2*atOnce)
		return err
	}
	for i := range int64(pageSize) {
		at := i
		if s.q.Newest {
			at = pageSize - 1 - i
		}
		seq := page*pageSize + at
		if !set.has(at) || seq < s.q.From || seq >= s.q.Before {
			continue
		}
		if wanted = append(wanted, seq); len(wanted) < atOnce {
			continue
		}
		if err := flush(); err != nil || len(s.found) >= s.q.Limit {
			return err
		}
	}
	return flush()
}

// scanEvent reads a row of selectEvents.
func scanEvent(scan func(...any) error) (e sashlock.Event, err error) {
	var seq int64
	var body, left []byte
	if err = scan(&seq, &body, &left); err != nil {
		return e, err
	}
	if body == nil {
		body = left
	}
	if err = json.Unmarshal(body, &e, jsontext.AllowInvalidUTF8(true)); err != nil {
		return e, &sashlock.Error{Kind: sashlock.Internal, Op: "reading entry " + formatInt(seq), Hint: "the entry is damaged: run sashlock verify", Err: err}
	}
	e.Seq = seq
	return e, nil
}

// EventAt returns the event with a sequence number, or NotFound.
func (s *Store) EventAt(ctx context.Context, seq int64) (e sashlock.Event, err error) {
	err = s.View(ctx, func(q Query) error {
		e, err = scanEvent(q.QueryRow(selectEvents+" WHERE e.seq = ?", seq).Scan)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = notRecorded("reading an entry", formatInt(seq))
	}
	return e, err
}

// Decision returns the event that granted or denied a request, or NotFound.
func (s *Store) Decision(ctx context.Context, id sashlock.DecisionID) (e sashlock.Event, err error) {
	err = s.View(ctx, func(q Query) error {
		rows, err := q.Query(selectEvents+" WHERE e.seq IN (SELECT seq FROM decision_entries WHERE decision = ?) ORDER BY e.seq", id)
		return each(rows, err, func(scan func(...any) error) error {
			one, err := scanEvent(scan)
			if e.Kind == "" && (one.Kind == sashlock.AccessGranted || one.Kind == sashlock.AccessDenied) {
				e = one
			}
			return err
		})
	})
	if err == nil && e.Kind == "" {
		err = notRecorded("reading a decision", string(id))
	}
	return e, err
}

func notRecorded(op, subject string) error {
	return &sashlock.Error{Kind: sashlock.NotFound, Op: op, Subject: subject, Hint: "nothing is recorded under it"}
}
