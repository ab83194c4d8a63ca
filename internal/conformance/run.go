// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Outcome is how a check came out.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
)

// Result is how a driver did in one check.
type Result struct {
	Check   string
	Outcome Outcome
	Why     string // what was wrong, a line for each thing, or why it was skipped
	Took    time.Duration
}

// Run runs checks one after another, outside of go test, each on a stage of its
// own, and tells of each as it ends. It stops when the context ends: the check
// under way is told, and those that were not begun have no result.
func Run(ctx context.Context, s Suite, checks []Check, stage func(T) Stage, tell func(Result)) []Result {
	var all []Result
	for _, c := range checks {
		if ctx.Err() != nil {
			break
		}
		began := time.Now()
		one := &trial{ctx: ctx, outcome: Passed}
		one.run(func() { c.Run(one, s, stage(one)) })
		r := Result{Check: c.Name(), Outcome: one.outcome, Why: strings.Join(one.said, "\n"), Took: time.Since(began)}
		all = append(all, r)
		tell(r)
	}
	return all
}

// trial is one check at work, in place of a *testing.T.
type trial struct {
	ctx context.Context //nolint:containedctx // a T has one

	mu      sync.Mutex
	outcome Outcome  // guarded by mu
	said    []string // guarded by mu
	cleanup []func() // guarded by mu
}

// run runs a check in a goroutine of its own, which it may end anywhere, and
// cleans up after it.
func (t *trial) run(check func()) {
	inner, end := context.WithCancel(t.ctx)
	t.ctx = inner
	t.apart(check)
	end()
	for {
		t.mu.Lock()
		if len(t.cleanup) == 0 {
			t.mu.Unlock()
			return
		}
		last := len(t.cleanup) - 1
		f := t.cleanup[last]
		t.cleanup = slices.Delete(t.cleanup, last, last+1)
		t.mu.Unlock()
		t.apart(f)
	}
}

// apart runs f to its end, or to where it gives up.
func (t *trial) apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("panic: %v\n%s", p, allStacks())
			}
		}()
		f()
	}()
	<-done
}

func (t *trial) Helper()                  {}
func (t *trial) Context() context.Context { return t.ctx }

func (t *trial) Cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanup = append(t.cleanup, f)
}

func (t *trial) say(o Outcome, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.outcome == Failed && o != Failed {
		return // what failed stays so
	}
	if o != t.outcome {
		t.said = nil
	}
	t.outcome = o
	t.said = append(t.said, strings.TrimRight(text, "\n"))
}

func (t *trial) Error(args ...any)                 { t.say(Failed, fmt.Sprint(args...)) }
func (t *trial) Errorf(format string, args ...any) { t.say(Failed, fmt.Sprintf(format, args...)) }

func (t *trial) Fatal(args ...any) {
	t.Error(args...)
	runtime.Goexit()
}

func (t *trial) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

func (t *trial) Skip(args ...any) {
	t.say(Skipped, fmt.Sprint(args...))
	runtime.Goexit()
}
