// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sashlock/sashlock/driver"
)

// ErrNotDone is what a [World] answers that could do a thing but did not, as a
// person who says no. The check is skipped.
var ErrNotDone = errors.New("it was not done")

// ErrFull is what a [Recorder] answers after [Recorder.FailNext].
var ErrFull = errors.New("the recorder was told to fail")

// Heard is one call of a sink, in the order the calls came. Exactly one of
// Device and Report is set, or neither for a word about the gateway.
type Heard struct {
	Device *driver.Discovery
	Report *driver.Report
	Up     bool   // the gateway came
	Why    string // why it went
}

// Recorder is a [driver.Sink] that keeps all it is told, in order, and lets a
// test wait for what it expects. It can be made slow and made to fail. The
// zero value is not ready: use [NewRecorder].
type Recorder struct {
	mu      sync.Mutex
	heard   []Heard       // guarded by mu: what was taken
	failed  []Heard       // guarded by mu: what was refused
	fail    int           // guarded by mu: how many calls are still to fail
	held    chan struct{} // guarded by mu: closed when calls may go on; nil: they may
	waiting int           // guarded by mu: calls held up now
	ended   bool          // guarded by mu: the session was closed
	late    []Heard       // guarded by mu: what came after that
	changed chan struct{} // guarded by mu: closed at the next change
}

// NewRecorder returns an empty recorder.
func NewRecorder() *Recorder { return &Recorder{changed: make(chan struct{})} }

// Found keeps a discovery.
func (r *Recorder) Found(ctx context.Context, d driver.Discovery) error {
	return r.take(ctx, Heard{Device: &d})
}

// Heard keeps a report.
func (r *Recorder) Heard(ctx context.Context, report driver.Report) error {
	return r.take(ctx, Heard{Report: &report})
}

// Gateway keeps a word about the gateway.
func (r *Recorder) Gateway(ctx context.Context, up bool, why string) {
	// Nothing can be answered here, so a refusal does not matter.
	_ = r.take(ctx, Heard{Up: up, Why: why})
}

// take waits while the recorder is held up, then keeps or refuses a call.
func (r *Recorder) take(ctx context.Context, h Heard) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		r.late = append(r.late, h)
	}
	for r.held != nil {
		held := r.held
		r.waiting++
		r.change()
		r.mu.Unlock()
		var err error
		select {
		case <-held:
		case <-ctx.Done():
			err = ctx.Err()
		}
		r.mu.Lock()
		r.waiting--
		r.change()
		if err != nil {
			return err
		}
	}
	if r.fail > 0 && (h.Device != nil || h.Report != nil) {
		r.fail--
		r.failed = append(r.failed, h)
		r.change()
		return ErrFull
	}
	r.heard = append(r.heard, h)
	r.change()
	return nil
}

// change wakes whoever waits. The caller holds mu.
func (r *Recorder) change() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// Hold makes every further call wait until [Recorder.Resume], as a disk does
// that is busy.
func (r *Recorder) Hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held == nil {
		r.held = make(chan struct{})
	}
}

// Resume lets the calls go on that wait because of [Recorder.Hold].
func (r *Recorder) Resume() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held != nil {
		close(r.held)
		r.held = nil
	}
}

// Waiting returns how many calls wait because of [Recorder.Hold].
func (r *Recorder) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waiting
}

// FailNext makes the next n calls about devices and reports return [ErrFull].
func (r *Recorder) FailNext(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = n
}

// Failed returns the calls that were answered with [ErrFull].
func (r *Recorder) Failed() []Heard {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Heard(nil), r.failed...)
}

// End tells the recorder that the session was closed: every call from now on
// is wrong and is kept for [Recorder.Late].
func (r *Recorder) End() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
}

// Late returns the calls that came after [Recorder.End].
func (r *Recorder) Late() []Heard {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Heard(nil), r.late...)
}

// All returns everything taken so far, oldest first.
func (r *Recorder) All() []Heard {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Heard(nil), r.heard...)
}

// Mark returns how much was taken so far: a place to look from.
func (r *Recorder) Mark() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.heard)
}

// Devices returns what is known of each device by its address: the latest
// discovery of it.
func (r *Recorder) Devices() map[string]driver.Discovery {
	devices := make(map[string]driver.Discovery)
	for _, h := range r.All() {
		if h.Device != nil {
			devices[h.Device.Address] = *h.Device
		}
	}
	return devices
}

// Reports returns the reports taken since a mark for which match holds.
func (r *Recorder) Reports(since int, match func(driver.Report) bool) []driver.Report {
	var found []driver.Report
	for _, h := range r.All()[since:] {
		if h.Report != nil && match(*h.Report) {
			found = append(found, *h.Report)
		}
	}
	return found
}

// Until waits until the condition holds and reports whether it came to hold
// within the time given. The condition is looked at again whenever the
// recorder changes, and from time to time for what it does not know of.
func (r *Recorder) Until(patience time.Duration, condition func() bool) bool {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		if condition() {
			return true
		}
		select {
		case <-changed:
		case <-again.C:
		case <-deadline.C:
			return condition()
		}
	}
}

// Await waits for a report, taken since a mark, for which match holds, and
// returns the first. It fails the test when none comes in time.
func (r *Recorder) Await(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, patience time.Duration, since int, what string, match func(driver.Report) bool) driver.Report {
	t.Helper()
	var found []driver.Report
	if !r.Until(patience, func() bool { found = r.Reports(since, match); return len(found) > 0 }) {
		t.Fatalf("no report within %v: %s\nheard since:\n%s", patience, what, r.Text(since))
	}
	return found[0]
}

// Text writes down what was taken since a mark, one call a line, for messages
// of tests.
func (r *Recorder) Text(since int) string {
	var b strings.Builder
	for _, h := range r.All()[since:] {
		switch {
		case h.Device != nil:
			text, _ := json.Marshal(h.Device)
			fmt.Fprintf(&b, "  found %s\n", text)
		case h.Report != nil:
			text, _ := json.Marshal(h.Report)
			fmt.Fprintf(&b, "  heard %s\n", text)
		default:
			fmt.Fprintf(&b, "  gateway up=%t %s\n", h.Up, h.Why)
		}
	}
	if b.Len() == 0 {
		return "  nothing\n"
	}
	return b.String()
}
