// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// bench is one check at work.
type bench struct {
	T
	h       Suite
	stage   Stage
	rec     *Recorder
	session driver.Session

	mu     sync.Mutex
	errors []string // guarded by mu: every error the driver gave
}

// open opens a session whose context ends at once, as the contract allows, and
// closes it at the end of the check. It waits for nothing.
func (b *bench) open() {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	session, err := b.h.Driver.Open(ctx, b.stage.Config, b.rec)
	cancel()
	if err != nil {
		b.Fatalf("opening: %v", err)
	}
	b.session = session
	b.Cleanup(func() {
		b.rec.Resume()
		b.close(session)
	})
}

// openReady opens a session and waits until the gateway is up and the lock has
// said how it stands.
func (b *bench) openReady() {
	b.Helper()
	b.open()
	b.awaitUp(0)
	b.await(0, "how the lock stands after opening", func(r driver.Report) bool {
		return r.State && r.Address == b.stage.Lock && isLockState(r.Kind)
	})
}

func isLockState(k sashlock.EventKind) bool {
	return k == sashlock.LockLocked || k == sashlock.LockUnlocked || k == sashlock.LockUnlatched || k.Stuck()
}

// readLocked reads the lock, if the driver can, and waits until it is said to be
// locked.
func (b *bench) readLocked() {
	b.Helper()
	reader, ok := b.session.(driver.Reader)
	if !ok {
		return
	}
	mark := b.rec.Mark()
	if err := b.note(reader.Read(b.Context(), b.stage.Lock)); err != nil {
		b.Fatalf("Read: %v", err)
	}
	b.awaitKind(mark, b.stage.Lock, sashlock.LockLocked)
}

// close closes a session and fails when that does not end in time.
func (b *bench) close(session driver.Session) {
	b.Helper()
	done := make(chan error, 1)
	go func() { done <- session.Close() }()
	var err error
	ended := b.rec.Until(b.h.Patience, func() bool {
		select {
		case err = <-done:
			return true
		default:
			return false
		}
	})
	if !ended {
		b.Fatalf("Close did not return within %v", b.h.Patience)
	}
	if err != nil {
		b.Errorf("Close: %v", err)
	}
}

// await waits for a report since a mark.
func (b *bench) await(since int, what string, match func(driver.Report) bool) driver.Report {
	b.Helper()
	return b.rec.Await(b.T, b.h.Patience, since, what, match)
}

// awaitKind waits for a report of a kind about a device.
func (b *bench) awaitKind(since int, address string, kind sashlock.EventKind) driver.Report {
	b.Helper()
	return b.await(since, fmt.Sprintf("%s of %s", kind, address), func(r driver.Report) bool {
		return r.Address == address && r.Kind == kind
	})
}

// awaitUp waits until the gateway is said to be there, awaitDown until it is
// said to be gone.
func (b *bench) awaitUp(since int)   { b.Helper(); b.awaitGateway(since, true) }
func (b *bench) awaitDown(since int) { b.Helper(); b.awaitGateway(since, false) }

func (b *bench) awaitGateway(since int, up bool) {
	b.Helper()
	var last Heard
	if !b.rec.Until(b.h.Patience, func() bool {
		for _, h := range b.rec.All()[since:] {
			if h.Device == nil && h.Report == nil && h.Up == up {
				last = h
				return true
			}
		}
		return false
	}) {
		b.Fatalf("the sink was not told within %v that the gateway is up=%t\nheard since:\n%s", b.h.Patience, up, b.rec.Text(since))
	}
	if !up && last.Why == "" {
		b.Error("the gateway went away without a why")
	}
}

// must fails the check when the world could not do something.
func (b *bench) must(err error) {
	b.Helper()
	if errors.Is(err, ErrNotDone) {
		b.Skip(err.Error())
	}
	if err != nil {
		b.Fatalf("the world: %v", err)
	}
}

// operate gives an order to the session and remembers its error.
func (b *bench) operate(ctx context.Context, order driver.Order) error {
	b.Helper()
	op, ok := b.session.(driver.Operator)
	if !ok {
		b.Fatal("the session is no Operator, although the lock can be operated")
	}
	ctx, cancel := context.WithTimeout(ctx, b.h.Patience)
	defer cancel()
	return b.note(op.Operate(ctx, order))
}

// note remembers an error, to look for PINs in it.
func (b *bench) note(err error) error {
	if err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.errors = append(b.errors, err.Error())
	}
	return err
}

// order gives the lock an order that must be taken.
func (b *bench) order(verb sashlock.Verb) {
	b.Helper()
	if err := b.operate(b.Context(), b.newOrder(verb)); err != nil {
		b.Fatalf("%s: %v", verb, err)
	}
}

func (b *bench) newOrder(verb sashlock.Verb) driver.Order {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := driver.Order{
		Command: sashlock.NewID[sashlock.CommandID](sampleTime), Address: b.stage.Lock, Verb: verb,
	}
	if verb == sashlock.DoRelease {
		o.For = b.h.ReleaseFor
	}
	return o
}

// wantKind fails the check when an error is not of a kind.
func (b *bench) wantKind(what string, err error, kind sashlock.Kind) {
	b.Helper()
	if sashlock.KindOf(b.note(err)) != kind {
		b.Errorf("%s: %v (kind %q), want kind %q", what, err, sashlock.KindOf(err), kind)
	}
}

// none fails the check when a report of a kind about the lock was heard.
func (b *bench) none(since int, kind sashlock.EventKind, why string) {
	b.Helper()
	found := b.rec.Reports(since, func(r driver.Report) bool { return r.Address == b.stage.Lock && r.Kind == kind })
	if len(found) > 0 {
		b.Errorf("%s was reported although %s\nheard since:\n%s", kind, why, b.rec.Text(since))
	}
}

// noPINs looks for PINs in all that the driver said.
func (b *bench) noPINs() {
	b.mu.Lock()
	said := b.rec.Text(0) + strings.Join(b.errors, "\n")
	b.mu.Unlock()
	for _, h := range b.rec.Failed() {
		said += fmt.Sprintf("%+v %+v\n", h.Device, h.Report)
	}
	for i, pin := range b.stage.PINs {
		if strings.Contains(said, pin) {
			b.Errorf("PIN %d of the stage was handed on", i)
		}
	}
}

// labelKey is the label of a check's goroutine. Whatever it starts, and what that
// starts, inherits it, so that checks of several drivers can run side by side.
const labelKey = "conformance"

// label names this check in the profile of goroutines.
func (b *bench) label() string { return fmt.Sprintf("%p", b) }

// goroutines counts the goroutines that were started by this check, itself left
// out, and whose stack mentions a text.
func (b *bench) goroutines(mention string) (n int) {
	var profile strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		b.Fatalf("listing goroutines: %v", err)
	}
	for _, stack := range strings.Split(profile.String(), "\n\n") {
		if !strings.Contains(stack, fmt.Sprintf("%q:%q", labelKey, b.label())) ||
			strings.Contains(stack, "conformance.Check.Run") || !strings.Contains(stack, mention) {
			continue
		}
		var same int
		// After the heading of the whole, each begins with how many are alike.
		if _, err := fmt.Sscanf(stack[strings.LastIndex(stack[:strings.Index(stack, " @ ")], "\n")+1:], "%d @", &same); err != nil {
			b.Fatalf("reading the list of goroutines: %v", err)
		}
		n += same
	}
	return n
}

// awaitNoGoroutines waits until the driver runs nothing any more.
func (b *bench) awaitNoGoroutines() {
	b.Helper()
	if !b.rec.Until(b.h.Patience, func() bool { return b.goroutines(driverPackage(b.h.Driver)+".") == 0 }) {
		b.Errorf("goroutines of the driver still run %v after Close:\n%s", b.h.Patience, allStacks())
	}
}

// driverPackage returns the import path of a driver's package.
func driverPackage(d driver.Driver) string {
	kind := reflect.TypeOf(d)
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	return kind.PkgPath()
}

func allStacks() string {
	buf := make([]byte, 1<<16)
	for {
		if n := runtime.Stack(buf, true); n < len(buf) {
			return string(buf[:n])
		}
		buf = make([]byte, 2*len(buf))
	}
}
