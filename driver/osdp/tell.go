// SPDX-License-Identifier: Apache-2.0

package osdp

import (
	"context"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// mostNews is how much may wait for the sink before the readers are no longer
// asked.
const mostNews = 1000

// news is one thing to tell the sink: of a device, a report, or the gateway.
type news struct {
	device  *driver.Discovery
	report  *driver.Report
	gateway bool
	up      bool
	why     string
	done    chan struct{} // closed when all before it was told
}

// teller tells the sink, one thing after the other, without holding up the bus.
type teller struct {
	mu      sync.Mutex
	queue   []news
	changed chan struct{} // guarded by mu: closed at the next change
}

func newTeller() *teller { return &teller{changed: make(chan struct{})} }

func (t *teller) change() {
	close(t.changed)
	t.changed = make(chan struct{})
}

func (t *teller) tell(n news) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = append(t.queue, n)
	t.change()
}

// flush waits until all that was told so far is taken.
func (t *teller) flush(ctx context.Context) error {
	done := make(chan struct{})
	t.tell(news{done: done})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// room waits until little enough waits for the sink.
func (t *teller) room(ctx context.Context) error {
	for {
		t.mu.Lock()
		full, changed := len(t.queue) >= mostNews, t.changed
		t.mu.Unlock()
		if !full {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// run tells until the context ends.
func (t *teller) run(ctx context.Context, sink driver.Sink, again time.Duration) {
	for {
		t.mu.Lock()
		waiting, changed := len(t.queue), t.changed
		var first news
		if waiting > 0 {
			first = t.queue[0]
		}
		t.mu.Unlock()
		if waiting == 0 {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return
			}
		}
		first.reach(ctx, sink, again)
		if ctx.Err() != nil {
			return
		}
		t.mu.Lock()
		t.queue = t.queue[1:]
		t.change()
		t.mu.Unlock()
	}
}

// reach tells the sink until it takes it, or says that it never will.
func (n news) reach(ctx context.Context, sink driver.Sink, again time.Duration) {
	if n.done != nil {
		close(n.done)
		return
	}
	for wait := again; ctx.Err() == nil; wait = min(2*wait, 50*again) {
		var err error
		switch {
		case n.gateway:
			sink.Gateway(ctx, n.up, n.why)
		case n.device != nil:
			err = sink.Found(ctx, *n.device)
		default:
			err = sink.Heard(ctx, *n.report)
		}
		switch sashlock.KindOf(err) {
		case "", sashlock.Invalid, sashlock.Denied, sashlock.NotFound, sashlock.Conflict:
			return
		}
		pause(ctx, wait)
	}
}
