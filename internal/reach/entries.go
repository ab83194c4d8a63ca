// SPDX-License-Identifier: Apache-2.0

package reach

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

// Entries reads past decisions for [Replay] from the database. It leaves out
// everything else, and of decisions the conditions that were looked at, which
// are most of an entry: a replay decides anew, and reads several times faster
// so. It is for one goroutine.
func Entries(s *store.Store) Ledger { return &entries{store: s} }

type entries struct {
	store *store.Store
	since time.Time
	first int64 // the first entry heard since then
}

// The beginnings of what is looked for in the JSON of an entry. A quotation mark
// within a text is written with a backslash, so that neither can be in one; and
// conditions come after everything that a replay needs.
var (
	decisionMark = []byte(`"kind":"access.`)
	checksMark   = []byte(`,"checks":[`)
)

// markWithin is how far from its beginning an entry names its kind.
const markWithin = 64

// Events lists decisions in the order of the ledger. Of the query it heeds the
// first entry, the first instant and the limit.
func (e *entries) Events(ctx context.Context, q store.EventQuery) (found []sashlock.Event, err error) {
	if err := e.seek(ctx, q.Since); err != nil {
		return nil, err
	}
	from := max(q.From, e.first)
	err = e.store.View(ctx, func(v store.Query) error {
		rows, err := v.Query("SELECT e.seq, e.body, x.event FROM entries e LEFT JOIN erased x ON x.seq = e.seq WHERE e.seq >= ? ORDER BY e.seq", from)
		if err != nil {
			return err
		}
		for rows.Next() && err == nil && len(found) < q.Limit {
			var seq int64
			var body, left []byte
			if err = rows.Scan(&seq, &body, &left); err == nil {
				found, err = take(found, seq, body, left)
			}
		}
		return errors.Join(err, rows.Err(), rows.Close())
	})
	return found, err
}

// seek finds the first entry that was heard at an instant or later.
func (e *entries) seek(ctx context.Context, since time.Time) error {
	if since.Equal(e.since) {
		return nil
	}
	first, err := e.store.Events(ctx, store.EventQuery{Since: since, Limit: 1})
	if err != nil {
		return err
	}
	e.since, e.first = since, math.MaxInt64
	if len(first) > 0 {
		e.first = first[0].Seq
	}
	return nil
}

// take adds an entry if it is about access.
func take(found []sashlock.Event, seq int64, body, left []byte) ([]sashlock.Event, error) {
	if body == nil {
		body = left // erased
	}
	if !bytes.Contains(body[:min(len(body), markWithin)], decisionMark) {
		return found, nil
	}
	if i := bytes.Index(body, checksMark); i > 0 {
		body = append(bytes.Clone(body[:i]), '}')
	}
	var one sashlock.Event
	if err := json.Unmarshal(body, &one); err != nil {
		return found, &sashlock.Error{Kind: sashlock.Internal, Op: "reading entry " + strconv.FormatInt(seq, 10), Hint: "the entry is damaged: run sashlock verify", Err: err}
	}
	one.Seq = seq
	return append(found, one), nil
}
