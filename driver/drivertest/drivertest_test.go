// SPDX-License-Identifier: Apache-2.0

package drivertest_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
	"github.com/sashlock/sashlock/driver/sim"
)

// A suite is worth what it catches. Each flaw below turns the simulator into a
// driver that breaks one promise; the suite is run on it in a process of its
// own, where the check that guards the promise must fail.
var flawed = flag.String("flaw", "", "run the suite on a driver with this flaw")

const config = `{"store":"x","latency_ms":2,"devices":[
	{"address":"case","kind":"lock+contact","codes":[{"slot":3,"pin":"83920174"}]}]}`

// flaw is one way to be a bad driver. Nil parts are the simulator's own.
type flaw struct {
	caught  string // the check that must fail
	check   func(json.RawMessage) error
	sink    func(driver.Sink) driver.Sink
	operate func(driver.Operator, driver.Sink, context.Context, driver.Order) error
	open    func()
	close   func(driver.Session) error
}

// flaws are all flaws by what the driver does wrong.
func flaws() map[string]flaw {
	all := hearingFlaws()
	maps.Copy(all, doingFlaws())
	return all
}

// hearingFlaws are about what the sink is told.
func hearingFlaws() map[string]flaw {
	through := func(change func(*sink)) func(driver.Sink) driver.Sink {
		return func(s driver.Sink) driver.Sink {
			changed := &sink{Sink: s}
			change(changed)
			return changed
		}
	}
	edit := func(edit func(*driver.Report) bool) func(driver.Sink) driver.Sink {
		return through(func(s *sink) { s.edit = edit })
	}
	return map[string]flaw{
		"hands on PINs": {
			caught: "finds_the_devices",
			sink:   through(func(s *sink) { s.name = "PIN 83920174" }),
		},
		"forgets what the sink refused": {
			caught: "does_not_forget",
			sink:   through(func(s *sink) { s.careless = true }),
		},
		"hands reports on in any order": {
			caught: "loses_no_report",
			sink:   through(func(s *sink) { s.hasty = true }),
		},
		"says nothing about how things stand": {
			caught: "tells_how_everything_stands",
			sink:   edit(func(r *driver.Report) bool { return !r.State }),
		},
		"keeps to itself who it was": {
			caught: "tells_who",
			sink:   edit(func(r *driver.Report) bool { r.Slot = 0; return true }),
		},
		"keeps jams to itself": {
			caught: "claims_no_success",
			sink:   edit(func(r *driver.Report) bool { return r.Kind != sashlock.LockWasJammed }),
		},
		"is silent about the gateway": {
			caught: "tells_when_the_gateway_goes",
			sink:   through(func(s *sink) { s.silent = true }),
		},
		"waits for a busy sink": {
			caught: "can_be_closed_while_the_sink",
			sink:   through(func(s *sink) { s.endless = true }),
		},
	}
}

// doingFlaws are about configurations, orders and ends.
func doingFlaws() map[string]flaw {
	return map[string]flaw{
		"takes any configuration": {
			caught: "refuses_a_bad_configuration",
			check:  func(json.RawMessage) error { return nil },
		},
		"claims what it was told": {
			caught: "claims_no_success",
			operate: func(op driver.Operator, s driver.Sink, ctx context.Context, o driver.Order) error {
				_ = s.Heard(ctx, driver.Report{Address: o.Address, Kind: sashlock.LockUnlocked})
				return op.Operate(ctx, o)
			},
		},
		"hands on PINs in errors": {
			caught: "answers_an_unknown_address",
			operate: func(driver.Operator, driver.Sink, context.Context, driver.Order) error {
				return &sashlock.Error{Kind: sashlock.NotFound, Hint: "slot 3 has 83920174"}
			},
		},
		"has its own errors": {
			caught: "answers_an_unknown_address",
			operate: func(driver.Operator, driver.Sink, context.Context, driver.Order) error {
				return errors.New("no")
			},
		},
		"works after time is over": {
			caught: "does_nothing_when",
			operate: func(op driver.Operator, _ driver.Sink, _ context.Context, o driver.Order) error {
				return op.Operate(context.Background(), o)
			},
		},
		"takes orders after it was closed": {
			caught:  "can_be_closed_twice",
			operate: func(driver.Operator, driver.Sink, context.Context, driver.Order) error { return nil },
		},
		"does not stop": {
			caught: "can_be_closed_twice",
			close:  func(driver.Session) error { return nil },
		},
		"leaves a goroutine behind": {
			caught: "can_be_closed_at_once",
			open:   func() { go func() { select {} }() },
		},
		"leaves goroutines behind elsewhere": {
			caught: "leaves_no_goroutine",
			open:   func() { go func() { select {} }() },
		},
	}
}

// bad is the simulator with a flaw.
type bad struct {
	*sim.Driver
	flaw
}

func (d *bad) Check(config json.RawMessage) error {
	if d.check != nil {
		return d.check(config)
	}
	return d.Driver.Check(config)
}

func (d *bad) Open(ctx context.Context, config json.RawMessage, s driver.Sink) (driver.Session, error) {
	if d.sink != nil {
		s = d.sink(s)
	}
	if d.open != nil {
		d.open()
	}
	inner, err := d.Driver.Open(ctx, config, s)
	if err != nil {
		return nil, err
	}
	return &session{Session: inner, sink: s, flaw: d.flaw}, nil
}

// session is the simulator's with a flaw.
type session struct {
	driver.Session
	sink driver.Sink
	flaw flaw
}

func (s *session) Operate(ctx context.Context, o driver.Order) error {
	op := s.Session.(driver.Operator)
	if s.flaw.operate != nil {
		return s.flaw.operate(op, s.sink, ctx, o)
	}
	return op.Operate(ctx, o)
}

func (s *session) Close() error {
	if s.flaw.close != nil {
		return s.flaw.close(s.Session)
	}
	return s.Session.Close()
}

// sink stands between the simulator and the suite's sink.
type sink struct {
	driver.Sink
	name     string                    // what every device is called
	edit     func(*driver.Report) bool // changes a report, or drops it
	careless bool                      // ignores what the sink answers
	hasty    bool                      // does not wait for it
	endless  bool                      // never gives up
	silent   bool                      // says nothing about the gateway

	mu    sync.Mutex
	early []driver.Report // guarded by mu: waiting to change places
}

func (s *sink) Found(ctx context.Context, d driver.Discovery) error {
	if s.name != "" {
		d.Name = s.name
	}
	return s.Sink.Found(s.context(ctx), d)
}

func (s *sink) Heard(ctx context.Context, r driver.Report) error {
	ctx = s.context(ctx)
	switch {
	case s.edit != nil && !s.edit(&r):
		return nil
	case s.careless:
		_ = s.Sink.Heard(ctx, r)
		return nil
	case s.hasty && !r.State:
		return s.pairwise(ctx, r)
	}
	return s.Sink.Heard(ctx, r)
}

// pairwise hands every two reports on in the wrong order.
func (s *sink) pairwise(ctx context.Context, r driver.Report) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.early = append(s.early, r)
	if len(s.early) < 2 {
		return nil
	}
	_ = s.Sink.Heard(ctx, s.early[1])
	_ = s.Sink.Heard(ctx, s.early[0])
	s.early = nil
	return nil
}

func (s *sink) Gateway(ctx context.Context, up bool, why string) {
	if up || !s.silent {
		s.Sink.Gateway(s.context(ctx), up, why)
	}
}

func (s *sink) context(ctx context.Context) context.Context {
	if s.endless {
		return context.Background()
	}
	return ctx
}

// world gives a simulated store the names the suite knows, all but those that
// only some worlds have.
type world struct{ *sim.World }

func (w world) KillGateway() error    { w.CutGateway(); return nil }
func (w world) RestartGateway() error { w.MendGateway(); return nil }

func run(t *testing.T, f flaw, w func(*sim.World) drivertest.World) {
	d := &bad{flaw: f}
	d.Driver = sim.New(nil)
	patience := 10 * time.Second
	if *flawed != "" { // waits in vain
		patience = 500 * time.Millisecond
	}
	drivertest.Run(t, drivertest.Harness{
		Driver: d, Patience: patience, ReleaseFor: 10 * time.Millisecond,
		New: func(t *testing.T) drivertest.Stage {
			d.Driver = sim.New(nil)
			store, err := d.World(json.RawMessage(config))
			if err != nil {
				t.Fatal(err)
			}
			return drivertest.Stage{
				Config: json.RawMessage(config), World: w(store), Lock: "case", Contact: "case", Slot: 3,
				PINs: []string{"83920174"},
				Expected: []drivertest.Expected{{Address: "case", Capabilities: []sashlock.Capability{
					sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsJam,
					sashlock.TellsWho, sashlock.HasCodes, sashlock.TellsBattery, sashlock.TellsTamper,
				}}},
			}
		},
	})
}

func withWorld(s *sim.World) drivertest.World { return world{s} }

// TestFlawed runs the suite on a flawed driver; TestSuiteCatches starts it.
func TestFlawed(t *testing.T) {
	f, ok := flaws()[*flawed]
	if !ok {
		f = flaw{} // without a flaw every check passes
	}
	run(t, f, withWorld)
}

func TestSuiteCatches(t *testing.T) {
	if *flawed != "" {
		t.Fatal("this test starts the flawed drivers")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range flaws() {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), self, "-test.run", "^TestFlawed$/^"+f.caught, "-test.v", "-flaw", name).CombinedOutput()
			if err == nil {
				t.Fatalf("the suite passes:\n%s", out)
			}
			if !strings.Contains(string(out), "--- FAIL: TestFlawed/"+f.caught) {
				t.Errorf("another check failed than %s:\n%s", f.caught, out)
			}
		})
	}
}

// TestSkipsSayWhy runs the suite with a world that can do nothing.
func TestSkipsSayWhy(t *testing.T) {
	if *flawed == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), self, "-test.run", "^TestSkipsSayWhy$", "-test.v", "-flaw", "none").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, want := range []string{
			"skipped: this world cannot jam a bolt", "skipped: this stage has no motion", "unlocks, and the lock says so",
		} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%q is not in\n%s", want, out)
			}
		}
		return
	}
	run(t, flaw{}, func(*sim.World) drivertest.World { return passer{} })
}

// passer is a world that can do one thing only.
type passer struct{}

func (passer) PersonNear(string) error { return nil }
func (passer) PersonGone(string) error { return nil }
