// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/example"
	"github.com/sashlock/sashlock/driver/sim"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/conformance"
	"github.com/sashlock/sashlock/internal/yamlfile"
)

type conformanceCommand struct {
	Driver   string        `arg:"" help:"The driver: sim, zwavejs, zigbee2mqtt…"`
	Config   string        `placeholder:"FILE" help:"Its configuration, in YAML: what stands under config of a gateway. Not needed for sim and example."`
	Lock     string        `placeholder:"ADDRESS" help:"The lock that is moved, where several are found."`
	Contact  string        `placeholder:"ADDRESS" help:"The device that tells open from closed, where it is not the lock."`
	Slot     int           `placeholder:"N" help:"A PIN slot of the lock that is in use; only with --by-hand is its PIN typed."`
	FreeSlot int           `placeholder:"N" help:"A PIN slot of the lock that nobody uses, which may be written and cleared. Without it no PIN is written."`
	ByHand   bool          `help:"Ask for what only a person can do: turn the bolt, open the door, take the gateway away."`
	Only     string        `placeholder:"TEXT" help:"Only the checks whose name has this text."`
	Patience time.Duration `default:"15s" help:"How long each expectation may take."`
	Yes      bool          `help:"Nobody depends on the lock: do not ask."`
}

// Help explains the command.
func (c *conformanceCommand) Help() string {
	return `Holds a driver, a gateway and a real lock to what Sashlock relies on: that the lock's own word counts and nothing else, that a command which is late, copied or forged moves nothing, that nothing is lost when either side restarts or the gateway goes, who did what, and that no PIN is handed on.

It unlocks and locks the lock many times. Try it on a lock on which nobody depends, and end the store node's own gateway to it first. At the end the lock is locked.

A check that needs what this stage does not have is skipped, and says why; with --by-hand you are asked to do it. Without --config, sim and example are tried on locks that exist only in this process.

Exit status: 0 no check failed, 1 one did, 2 the call is wrong, 3 the gateway or its lock was not found.

Examples:

    sashlock conformance sim
    sashlock conformance zwavejs --config radio.yaml --lock 12 --by-hand
    sashlock conformance zigbee2mqtt --config zigbee.yaml --only gateway -o json`
}

// Run carries out the command.
func (c *conformanceCommand) Run(d *desk) error {
	checks := c.checks()
	if len(checks) == 0 {
		return badFlag("--only", "no check has this in its name")
	}
	t, err := c.trial(d)
	if err != nil {
		return err
	}
	n := 0
	results := conformance.Run(d.ctx, t.suite, checks, t.stage, func(r conformance.Result) {
		n++
		if t.hands != nil {
			fmt.Fprintf(d.err, "%d of %d: %s: %s\n", n, len(checks), r.Check, r.Outcome)
			return
		}
		d.progress("%d of %d: %s: %s", n, len(checks), r.Check, r.Outcome)
	})
	d.progress("")
	t.leave(d)
	if err := showResults(d, results); err != nil {
		return err
	}
	if d.ctx.Err() != nil {
		return status(exitUnavailable)
	}
	if slices.ContainsFunc(results, func(r conformance.Result) bool { return r.Outcome == conformance.Failed }) {
		return status(exitNo)
	}
	return nil
}

func (c *conformanceCommand) checks() []conformance.Check {
	return slices.DeleteFunc(conformance.Checks(), func(one conformance.Check) bool {
		return !strings.Contains(strings.ToLower(one.Name()), strings.ToLower(c.Only))
	})
}

// resultLine is a result as -o json has it.
type resultLine struct {
	Check   string              `json:"check"`
	Outcome conformance.Outcome `json:"outcome"`
	Millis  int64               `json:"ms"`
	Why     string              `json:"why,omitempty"`
}

func showResults(d *desk, all []conformance.Result) error {
	lines := make([]resultLine, 0, len(all))
	s := sheet{head: []string{"CHECK", "RESULT", "TIME", "WHY"}, empty: "nothing was checked"}
	count := map[conformance.Outcome]int{}
	for _, r := range all {
		count[r.Outcome]++
		lines = append(lines, resultLine{r.Check, r.Outcome, r.Took.Milliseconds(), r.Why})
		outcome := string(r.Outcome)
		if r.Outcome == conformance.Failed {
			outcome = "FAILED"
			s.names = append(s.names, r.Check)
		}
		first, _, _ := strings.Cut(r.Why, "\n")
		s.row(r.Check, outcome, r.Took.Round(time.Millisecond).String(), orDash(first))
	}
	s.data = lines
	if err := d.show(s); err != nil {
		return err
	}
	for _, r := range all {
		if r.Outcome == conformance.Failed && d.isTable() {
			fmt.Fprintf(d.err, "\n%s:\n%s\n", r.Check, plainLines(r.Why))
		}
	}
	if d.isTable() {
		fmt.Fprintf(d.err, "%d passed, %d failed, %d skipped\n", count[conformance.Passed], count[conformance.Failed], count[conformance.Skipped])
	}
	return nil
}

// plainLines is a text of several lines without what a terminal would obey.
func plainLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = plain(lines[i])
	}
	return strings.Join(lines, "\n")
}

// trial is a driver with the stage on which it is tried.
type trial struct {
	suite conformance.Suite
	stage func(conformance.T) conformance.Stage
	hands *hands            // nil: nobody is asked
	end   conformance.Stage // how the lock is left; without a lock there is nothing to leave
}

// trial sets up what the command names.
func (c *conformanceCommand) trial(d *desk) (*trial, error) {
	switch {
	case c.Driver == "sim" && c.Config == "":
		return simulatedTrial(c.Patience), nil
	case c.Driver == "example" && c.Config == "":
		return exampleTrial(c.Patience), nil
	}
	drivers := app.Drivers()
	drivers["sim"], drivers["example"] = sim.New(nil), example.New()
	one, known := drivers[c.Driver]
	switch {
	case !known:
		return nil, badFlag("driver", fmt.Sprintf("there is no driver %q: choose one of %s", c.Driver, strings.Join(slices.Sorted(maps.Keys(drivers)), ", ")))
	case c.Driver == "edge":
		return nil, badFlag("driver", "devices of ours check the store's own signature, so they are tried with it: go test ./driver/edge")
	case c.Config == "":
		return nil, badFlag("--config", "name a file with the driver's configuration")
	}
	config, err := c.readConfig(d)
	if err != nil {
		return nil, err
	}
	if err := one.Check(config); err != nil {
		return nil, err
	}
	t := &trial{suite: conformance.Suite{Driver: one, Patience: c.Patience, Burst: 4, ReleaseFor: 3 * time.Second}}
	if c.ByHand {
		t.hands = &hands{in: bufio.NewReader(d.in), say: func(text string) { fmt.Fprint(d.err, plain(text)) }}
	}
	return t, c.found(d, t, config)
}

func (c *conformanceCommand) readConfig(d *desk) (json.RawMessage, error) {
	text, err := d.readFile("--config", c.Config, yamlfile.MaxSize)
	if err != nil {
		return nil, err
	}
	settings := map[string]any{}
	if err := yamlfile.Decode(text, &settings); err != nil {
		return nil, badFlag("--config", err.Error())
	}
	return json.Marshal(settings)
}

// found looks for the devices of a real gateway and sets the stage with them.
func (c *conformanceCommand) found(d *desk, t *trial, config json.RawMessage) error {
	d.note("looking for devices…")
	all, err := conformance.Scout(d.ctx, t.suite, config)
	if err != nil {
		return err
	}
	stage := conformance.Stage{Config: config, Lock: c.Lock, Contact: c.Contact, Slot: c.Slot, Free: c.FreeSlot}
	if stage.Free <= 0 {
		stage.Free = -1 // what stands in a lock's slots is somebody's
	}
	var locks []string
	for _, one := range all {
		able := sashlock.Device{Capabilities: one.Capabilities}
		stage.Expected = append(stage.Expected, conformance.Expected{Address: one.Address, Capabilities: one.Capabilities})
		if able.Has(sashlock.CanUnlock) || able.Has(sashlock.CanRelease) {
			locks = append(locks, one.Address)
		}
	}
	switch {
	case stage.Lock == "" && len(locks) == 1:
		stage.Lock = locks[0]
	case len(locks) == 0:
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: "looking for a lock", Hint: fmt.Sprintf("%d devices were found, and none can be unlocked", len(all))}
	case !slices.Contains(locks, stage.Lock):
		return badFlag("--lock", "name the lock that may be moved: "+strings.Join(locks, ", "))
	}
	i := slices.IndexFunc(all, func(one driver.Discovery) bool { return one.Address == stage.Lock })
	if stage.Contact == "" && slices.Contains(all[i].Capabilities, sashlock.TellsPosition) {
		stage.Contact = stage.Lock
	}
	if t.hands != nil {
		stage.World = *t.hands
	}
	if !c.Yes && c.Driver != "sim" && !t.agreed(d, stage.Lock) {
		return badFlag("--yes", fmt.Sprintf("this unlocks and locks %s many times: say --yes when nobody depends on it", stage.Lock))
	}
	t.end = stage
	t.stage = func(to conformance.T) conformance.Stage {
		conformance.Lock(to, t.suite, stage)
		return stage
	}
	return nil
}

// agreed asks whether the lock may be moved, where somebody is there to ask.
func (t *trial) agreed(d *desk, lock string) bool {
	if t.hands == nil || d.ctx.Err() != nil {
		return false
	}
	return t.hands.ask(fmt.Sprintf("This unlocks and locks %s many times. Nobody may depend on it meanwhile", lock)) == nil
}

// leave sees that the lock is locked at the end, whatever became of the checks.
func (t *trial) leave(d *desk) {
	if t.end.Lock == "" {
		return
	}
	ctx := context.WithoutCancel(d.ctx)
	conformance.Run(ctx, t.suite, conformance.Checks()[:1], func(to conformance.T) conformance.Stage {
		conformance.Lock(to, t.suite, t.end)
		return t.end
	}, func(r conformance.Result) {
		if r.Outcome != conformance.Passed {
			fmt.Fprintf(d.err, "Look after the lock %s: it may stand unlocked. %s\n", plain(t.end.Lock), plain(r.Why))
		}
	})
}
