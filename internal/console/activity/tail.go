// SPDX-License-Identifier: Apache-2.0

package activity

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/sashlock/sashlock/internal/store"
)

const (
	beatEvery  = 5 * time.Second
	writeLimit = 10 * time.Second
	tailBatch  = 200
)

// tail sends what a search finds from now on, a row each, with its number in
// the ledger as the id of the message: a tail that was cut goes on behind it.
func (p pages) tail(w http.ResponseWriter, r *http.Request) error {
	a, err := p.asked(r)
	if err != nil {
		return err
	}
	t := follower{pages: p, asked: a, w: w, out: http.NewResponseController(w), next: p.Store.Size()}
	if n, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64); err == nil && n >= 0 {
		t.next = n
	}
	if n, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64); err == nil && n >= 0 {
		t.next = n + 1
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	t.run(r)
	return nil
}

type follower struct {
	pages
	asked
	w    http.ResponseWriter
	out  *http.ResponseController
	next int64 // the first event not yet sent
}

func (t *follower) run(r *http.Request) {
	ctx := r.Context()
	news, stop := t.Store.Subscribe()
	defer stop()
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	if t.write([]byte(": here\n\n")) != nil {
		return
	}
	for {
		if t.send(ctx) != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-beat.C:
			if !t.Alive(r) || t.write([]byte("event: beat\ndata: 1\n\n")) != nil {
				return
			}
		}
	}
}

// send sends all there is.
func (t *follower) send(ctx context.Context) error {
	for t.next < t.Store.Size() {
		events, err := t.Store.Events(ctx, store.EventQuery{From: t.next, Limit: tailBatch})
		if err != nil || len(events) == 0 {
			return err
		}
		book := t.Hall.Book()
		sees := t.sees(ctx, book, t.All)
		var text bytes.Buffer
		for i := range events {
			e := &events[i]
			t.next = e.Seq + 1
			if !t.search.Match(e) || !sees(e) {
				continue
			}
			fmt.Fprintf(&text, "event: row\nid: %d\ndata: ", e.Seq)
			var one bytes.Buffer
			if err := eventRow(rowOf(book, t.Feed.Named(ctx, *e), t.site), len(t.Sites(ctx)) > 1).Render(ctx, &one); err != nil {
				return err
			}
			text.Write(bytes.ReplaceAll(one.Bytes(), []byte("\n"), []byte(" ")))
			text.WriteString("\n\n")
		}
		if text.Len() > 0 {
			if err := t.write(text.Bytes()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *follower) write(text []byte) error {
	if err := t.out.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	if _, err := t.w.Write(text); err != nil {
		return err
	}
	return t.out.Flush()
}
