// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// lull is how long nothing new is found before all is taken to be found.
const lull = 1500 * time.Millisecond

// Scout opens a gateway, tells which devices it finds, in order of address, and
// closes it again. The error says why there is nothing to test, in a sentence.
func Scout(ctx context.Context, s Suite, config json.RawMessage) ([]driver.Discovery, error) {
	s = s.complete()
	rec := NewRecorder()
	session, err := s.Driver.Open(ctx, config, rec)
	if err != nil {
		return nil, err
	}
	defer session.Close() //nolint:errcheck // the checks look at how it closes
	found, since := 0, time.Now()
	rec.Until(s.Patience, func() bool {
		if n := len(rec.Devices()); n != found {
			found, since = n, time.Now()
		}
		return ctx.Err() != nil || found > 0 && time.Since(since) > lull
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if found > 0 {
		all := slices.Collect(maps.Values(rec.Devices()))
		slices.SortFunc(all, func(a, b driver.Discovery) int { return strings.Compare(a.Address, b.Address) })
		return all, nil
	}
	hint := fmt.Sprintf("nothing answered within %v", s.Patience)
	for _, h := range rec.All() {
		if h.Device == nil && h.Report == nil && h.Up {
			hint = "the gateway was reached, and has no devices"
		} else if h.Why != "" {
			hint = "the gateway cannot be reached: " + h.Why
		}
	}
	return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "looking for devices", Hint: hint}
}

// Lock makes sure that the lock of a stage is locked, as every check expects to
// find it. Where it is not and cannot be told to, the world is asked to lock it
// by hand; where that cannot be either, the check is skipped.
func Lock(t T, s Suite, stage Stage) {
	t.Helper()
	b := &bench{T: t, h: s.complete(), stage: stage, rec: NewRecorder()}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	session, err := b.h.Driver.Open(ctx, stage.Config, b.rec)
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	b.session = session
	defer b.close(session)
	stands := b.await(0, "how the lock stands", func(r driver.Report) bool {
		return r.State && r.Address == stage.Lock && isLockState(r.Kind)
	})
	if stands.Kind == sashlock.LockLocked {
		return
	}
	mark := b.rec.Mark()
	if op, is := session.(driver.Operator); is && b.lacks(need{lock: []sashlock.Capability{sashlock.CanLock}}) == "" {
		ctx, cancel := context.WithTimeout(t.Context(), b.h.Patience)
		defer cancel()
		if err := op.Operate(ctx, b.newOrder(sashlock.DoLock)); err != nil {
			t.Fatalf("the lock is not locked, and does not lock: %v", err)
		}
	} else if w, can := stage.World.(HandOperator); can {
		b.must(w.OperateByHand(stage.Lock, sashlock.DoLock))
	} else {
		t.Skip("the lock stands unlocked, and nobody is there to lock it")
	}
	b.awaitKind(mark, stage.Lock, sashlock.LockLocked)
}
