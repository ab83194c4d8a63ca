// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
)

// operator is an Operator that counts.
type operator struct {
	mu     sync.Mutex
	orders []Order
	left   time.Duration // until the last order's deadline
	err    error
}

func (o *operator) Operate(ctx context.Context, order Order) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.orders = append(o.orders, order)
	if deadline, ok := ctx.Deadline(); ok {
		o.left = time.Until(deadline)
	}
	return o.err
}

// gateConfig is a gate for dev_1 at opn_1 and dev_exit at opn_exit, a way out.
func gateConfig(now *time.Time) GateConfig {
	return GateConfig{
		Key: publicKey(aKey(1)), Site: "site_1", Epoch: 3, Started: noon.Add(-time.Hour),
		Now: func() time.Time { return *now },
		Devices: func(id sashlock.DeviceID) (string, sashlock.OpeningID, bool) {
			switch id {
			case "dev_1":
				return "7", "opn_1", true
			case "dev_exit":
				return "8", "opn_exit", true
			case "dev_trial":
				return "9", "opn_trial", true
			}
			return "", "", false
		},
		Egress: func(o sashlock.OpeningID) bool { return o == "opn_exit" },
		Trial:  func(o sashlock.OpeningID) bool { return o == "opn_trial" },
	}
}

func TestGateExecutes(t *testing.T) {
	now := noon.Add(4 * time.Second)
	op := &operator{}
	gate := NewGate(gateConfig(&now), op)
	signed := SignCommand(aKey(1), aCommand())
	if err := gate.Execute(t.Context(), signed); err != nil {
		t.Fatal(err)
	}
	want := []Order{{Command: "act_1", Address: "7", Verb: sashlock.DoRelease, For: 5 * time.Second, Signed: signed}}
	if diff := cmp.Diff(want, op.orders); diff != "" {
		t.Errorf("orders:\n%s", diff)
	}
	if op.left <= 0 || op.left > 6*time.Second {
		t.Errorf("the operator had %v, want at most the 6 s the command still lives", op.left)
	}
}

func TestGateRefuses(t *testing.T) {
	for _, test := range []struct {
		name  string
		now   time.Duration // after the command was issued
		spoil func(*sashlock.Command)
		want  sashlock.Reason
	}{
		{name: "good", now: time.Second},
		{name: "last moment", now: 10*time.Second - 1},
		{name: "at its expiry", now: 10 * time.Second, want: sashlock.CommandLate},
		{name: "long after", now: time.Hour, want: sashlock.CommandLate},
		{name: "issued 2 s ahead", now: -2 * time.Second},
		{name: "issued more than 2 s ahead", now: -2*time.Second - 1, want: sashlock.CommandLate},
		{name: "lives too long", spoil: func(c *sashlock.Command) { c.Expires = c.Expires.Add(1) }, want: sashlock.CommandLate},
		{name: "ends before it begins", spoil: func(c *sashlock.Command) { c.Expires = c.Issued.Add(-1) }, want: sashlock.CommandLate},
		{name: "other site", spoil: func(c *sashlock.Command) { c.Site = "site_2" }, want: sashlock.WrongAudience},
		{name: "other opening", spoil: func(c *sashlock.Command) { c.Opening = "opn_2" }, want: sashlock.WrongAudience},
		{name: "other device", spoil: func(c *sashlock.Command) { c.Device = "dev_exit" }, want: sashlock.WrongAudience},
		{name: "its address", spoil: func(c *sashlock.Command) { c.Address = "7" }},
		{name: "other address", spoil: func(c *sashlock.Command) { c.Address = "8" }, want: sashlock.WrongAudience},
		{name: "unknown device", spoil: func(c *sashlock.Command) { c.Device = "dev_9" }, want: sashlock.WrongAudience},
		{name: "older epoch", spoil: func(c *sashlock.Command) { c.Epoch = 2 }, want: sashlock.WrongEpoch},
		{name: "newer epoch", spoil: func(c *sashlock.Command) { c.Epoch = 4 }},
		{
			name: "issued before the gate started", now: -time.Hour - time.Second,
			spoil: func(c *sashlock.Command) {
				c.Issued = noon.Add(-time.Hour - time.Second)
				c.Expires = c.Issued.Add(10 * time.Second)
			},
			want: sashlock.Restarted,
		},
		{name: "lock", spoil: func(c *sashlock.Command) { c.Verb = sashlock.DoLock }},
		{
			name:  "lock a way out",
			spoil: func(c *sashlock.Command) { c.Verb, c.Device, c.Opening = sashlock.DoLock, "dev_exit", "opn_exit" },
			want:  sashlock.EgressNeverLocked,
		},
		{name: "release on trial", spoil: func(c *sashlock.Command) { c.Device, c.Opening = "dev_trial", "opn_trial" }, want: sashlock.OnTrial},
		{name: "lock on trial", spoil: func(c *sashlock.Command) {
			c.Verb, c.Device, c.Opening = sashlock.DoLock, "dev_trial", "opn_trial"
		}, want: sashlock.OnTrial},
		{name: "on trial under another opening's name", spoil: func(c *sashlock.Command) { c.Device = "dev_trial" }, want: sashlock.WrongAudience},
		{name: "release a way out", spoil: func(c *sashlock.Command) { c.Device, c.Opening = "dev_exit", "opn_exit" }},
		{
			name:  "lock a way out under another opening's name",
			spoil: func(c *sashlock.Command) { c.Verb, c.Device = sashlock.DoLock, "dev_exit" },
			want:  sashlock.WrongAudience,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			now := noon.Add(test.now)
			c := aCommand()
			if test.spoil != nil {
				test.spoil(&c)
			}
			op := &operator{}
			err := NewGate(gateConfig(&now), op).Execute(t.Context(), SignCommand(aKey(1), c))
			if got := RefusedFor(err); got != test.want {
				t.Errorf("Execute: %v (%q), want %q", err, got, test.want)
			}
			if refused := test.want != ""; refused != (len(op.orders) == 0) {
				t.Errorf("%d orders reached the operator", len(op.orders))
			}
			if test.want != "" && !sashlock.IsKind(err, sashlock.Denied) {
				t.Errorf("kind %q, want denied", sashlock.KindOf(err))
			}
		})
	}
}

func TestGateRefusesBadSignature(t *testing.T) {
	now := noon
	op := &operator{}
	gate := NewGate(gateConfig(&now), op)
	for name, msg := range map[string][]byte{
		"other key": SignCommand(aKey(2), aCommand()),
		"noise":     []byte("open sesame"),
		"nothing":   nil,
	} {
		err := gate.Execute(t.Context(), msg)
		var refusal *Refusal
		if !errors.As(err, &refusal) || refusal.Reason != sashlock.BadSignature || refusal.Command != "" {
			t.Errorf("%s: %v, want bad_signature and no command", name, err)
		}
	}
	if len(op.orders) != 0 {
		t.Errorf("%d orders reached the operator", len(op.orders))
	}
}

// TestGateFencing: once a newer life of the node was seen, the older one
// cannot open anything.
func TestGateFencing(t *testing.T) {
	now := noon
	op := &operator{}
	gate := NewGate(gateConfig(&now), op)
	for i, step := range []struct {
		epoch int64
		want  sashlock.Reason
	}{{3, ""}, {5, ""}, {4, sashlock.WrongEpoch}, {3, sashlock.WrongEpoch}, {5, ""}} {
		c := aCommand()
		c.ID, c.Epoch = sashlock.CommandID(fmt.Sprint("act_", i)), step.epoch
		if got := RefusedFor(gate.Execute(t.Context(), SignCommand(aKey(1), c))); got != step.want {
			t.Errorf("step %d, epoch %d: %q, want %q", i, step.epoch, got, step.want)
		}
	}
	// A forged epoch fences nobody out.
	forged := aCommand()
	forged.ID, forged.Epoch = "act_forged", 1<<62
	if got := RefusedFor(gate.Execute(t.Context(), SignCommand(aKey(2), forged))); got != sashlock.BadSignature {
		t.Errorf("forged: %q", got)
	}
	c := aCommand()
	c.ID, c.Epoch = "act_last", 5
	if err := gate.Execute(t.Context(), SignCommand(aKey(1), c)); err != nil {
		t.Errorf("after a forged epoch: %v", err)
	}
}

func TestGateUsesACommandOnceWhateverBecomesOfIt(t *testing.T) {
	now := noon
	op := &operator{err: &sashlock.Error{Kind: sashlock.Unavailable}}
	gate := NewGate(gateConfig(&now), op)
	msg := SignCommand(aKey(1), aCommand())
	err := gate.Execute(t.Context(), msg)
	if !sashlock.IsKind(err, sashlock.Unavailable) || RefusedFor(err) != "" {
		t.Errorf("first: %v, want the operator's own error", err)
	}
	if got := RefusedFor(gate.Execute(t.Context(), msg)); got != sashlock.CommandReplayed {
		t.Errorf("second: %q, want replayed", got)
	}
	if len(op.orders) != 1 {
		t.Errorf("%d orders, want 1", len(op.orders))
	}
}

// TestGateTakesAnIdentifierOnce: another command under a used identifier is
// refused too, though it is no copy.
func TestGateTakesAnIdentifierOnce(t *testing.T) {
	now := noon
	op := &operator{}
	gate := NewGate(gateConfig(&now), op)
	if err := gate.Execute(t.Context(), SignCommand(aKey(1), aCommand())); err != nil {
		t.Fatal(err)
	}
	other := aCommand()
	other.Verb, other.For = sashlock.DoUnlock, 0
	err := gate.Execute(t.Context(), SignCommand(aKey(1), other))
	if got := RefusedFor(err); got != sashlock.CommandReplayed || len(op.orders) != 1 {
		t.Errorf("Execute: %v, %d orders, want replayed and 1", err, len(op.orders))
	}
}

// TestGateConcurrentCommandsOfOneIdentifier has many different messages with
// one identifier race each other past the check for copies.
func TestGateConcurrentCommandsOfOneIdentifier(t *testing.T) {
	now := noon
	op := &operator{}
	gate := NewGate(gateConfig(&now), op)
	var group sync.WaitGroup
	for i := range 500 {
		c := aCommand()
		c.For += time.Duration(i)
		msg := SignCommand(aKey(1), c)
		group.Go(func() {
			if got := RefusedFor(gate.Execute(t.Context(), msg)); got != "" && got != sashlock.CommandReplayed {
				t.Errorf("refused: %q", got)
			}
		})
	}
	group.Wait()
	if len(op.orders) != 1 {
		t.Errorf("%d orders, want 1", len(op.orders))
	}
}

// TestGateReplayLater replays one command at various times, also after the
// table has forgotten it and the clock was put back.
func TestGateReplayLater(t *testing.T) {
	now := noon
	op := &operator{}
	gate := NewGate(gateConfig(&now), op)
	msg := SignCommand(aKey(1), aCommand())
	if err := gate.Execute(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		at   time.Duration
		want sashlock.Reason
	}{
		{5 * time.Second, sashlock.CommandReplayed},
		{30 * time.Second, sashlock.CommandReplayed},
		{10*time.Second + forgetAfter, sashlock.CommandReplayed},
		{10*time.Second + forgetAfter + 1, sashlock.CommandLate}, // forgotten
		{5 * time.Second, sashlock.CommandLate},                  // the clock was put back
	} {
		now = noon.Add(step.at)
		if got := RefusedFor(gate.Execute(t.Context(), msg)); got != step.want {
			t.Errorf("after %v: %q, want %q", step.at, got, step.want)
		}
	}
	if len(gate.used) != 0 || len(gate.copies) != 0 || len(gate.queue) != 0 {
		t.Errorf("the table still holds %d, %d and %d commands", len(gate.used), len(gate.copies), len(gate.queue))
	}
	if len(op.orders) != 1 {
		t.Errorf("%d orders, want 1", len(op.orders))
	}
}

// TestGateConcurrentReplays throws one command at the gate a hundred thousand
// times at once.
func TestGateConcurrentReplays(t *testing.T) {
	const workers, times = 200, 500
	now := noon
	op := &operator{}
	gate := NewGate(gateConfig(&now), op)
	msg := SignCommand(aKey(1), aCommand())
	var executed, replayed atomic.Int64
	var group sync.WaitGroup
	start := make(chan struct{})
	for range workers {
		group.Go(func() {
			<-start
			for range times {
				switch err := gate.Execute(t.Context(), msg); RefusedFor(err) {
				case "":
					executed.Add(1)
				case sashlock.CommandReplayed:
					replayed.Add(1)
				default:
					t.Errorf("Execute: %v", err)
				}
			}
		})
	}
	close(start)
	group.Wait()
	if executed.Load() != 1 || len(op.orders) != 1 || replayed.Load() != workers*times-1 {
		t.Errorf("executed %d times, %d orders, replayed %d times; want 1, 1, %d",
			executed.Load(), len(op.orders), replayed.Load(), workers*times-1)
	}
}

func TestNewGateWantsEverything(t *testing.T) {
	now := noon
	for name, spoil := range map[string]func(*GateConfig){
		"key":     func(c *GateConfig) { c.Key = nil },
		"site":    func(c *GateConfig) { c.Site = "" },
		"devices": func(c *GateConfig) { c.Devices = nil },
		"egress":  func(c *GateConfig) { c.Egress = nil },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("a gate without it was made")
				}
			}()
			config := gateConfig(&now)
			spoil(&config)
			NewGate(config, &operator{})
		})
	}
}

func TestGateReadsTheClockByItself(t *testing.T) {
	config := gateConfig(nil)
	config.Now, config.Started = nil, time.Time{}
	op := &operator{}
	c := aCommand()
	c.Issued = time.Now()
	c.Expires = c.Issued.Add(10 * time.Second)
	if err := NewGate(config, op).Execute(t.Context(), SignCommand(aKey(1), c)); err != nil {
		t.Error(err)
	}
	if len(op.orders) != 1 {
		t.Errorf("%d orders, want 1", len(op.orders))
	}
}

func TestRefusedForOtherErrors(t *testing.T) {
	if got := RefusedFor(nil); got != "" {
		t.Errorf("nil: %q", got)
	}
	if got := RefusedFor(errors.New("other")); got != "" {
		t.Errorf("other: %q", got)
	}
}
