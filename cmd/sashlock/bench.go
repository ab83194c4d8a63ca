// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/mqttlink"
)

type benchCommand struct {
	Quick   bool          `help:"A few seconds in all: smaller estates, shorter measurements."`
	For     time.Duration `default:"5s" help:"How long each measurement lasts."`
	Writers []int         `default:"1,64,512" help:"How many report at once."`
	Only    []string      `enum:"decisions,reports,release,devices,revoke,ledger" help:"Only these: decisions, reports, release, devices, revoke, ledger."`
	Broker  string        `placeholder:"URL" help:"Address of an MQTT broker, like tcp://127.0.0.1:1883, whose bare round trip is shown beside our own devices."`
	Dir     string        `placeholder:"DIR" help:"Where to put the data that is measured on; a temporary folder when not given. It should be on a real disk."`
}

// Help explains the command.
func (c *benchCommand) Help() string {
	return `Measures what a store node of this machine can do, in a folder of its own that is removed afterwards:

decisions: one request against 1,000,000 grants of 10,000 people at 10,000 openings.
reports: durable, sealed reports, taking turns with plain batched inserts into SQLite, so that the ratio means something on a noisy machine.
release: 100 requests a second to simulated locks, until the bolt moved and until the lock's own word is durable.
devices: the same with 1,000 of our own devices connected over MQTT, on this machine and without encryption; with --broker, beside a message through a plain broker and back.
revoke: a grant for 500 openings is taken back while its holder asks at all of them, until each has refused.
ledger: verification of all that was written, and inclusion proofs made and checked.

Examples:

    sashlock bench
    sashlock bench --quick -o json
    sashlock bench --only reports --writers 64 --for 20s --dir /var/tmp
    sashlock bench --only devices --for 15s --broker tcp://127.0.0.1:1883`
}

// figure is one measurement.
type figure struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Goal  string  `json:"goal,omitempty"`
	OK    *bool   `json:"ok,omitempty"` // whether the goal is met; absent without one
}

// benchmark is the whole result.
type benchmark struct {
	Machine machine  `json:"machine"`
	Command string   `json:"command"`
	At      string   `json:"at"`
	Version string   `json:"version"`
	Figures []figure `json:"figures"`
}

// machine is what the figures were measured on.
type machine struct {
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Memory    string `json:"memory"`
	System    string `json:"system"`
	Go        string `json:"go"`
	Folder    string `json:"folder"`
}

// bench is one run.
type bench struct {
	desk    *desk
	command *benchCommand
	dir     string
	figures []figure
}

// Run carries out the command.
func (c *benchCommand) Run(d *desk) (err error) {
	if c.Quick {
		c.For = min(c.For, time.Second)
	}
	if c.For <= 0 || slices.ContainsFunc(c.Writers, func(n int) bool { return n < 1 || n > 4096 }) {
		return badFlag("--for, --writers", "choose a length of time like 5s, and 1 to 4096 writers")
	}
	if c.Broker != "" {
		if err := (mqttlink.Config{Broker: c.Broker, ClientID: "bench"}).Check(); err != nil {
			return badFlag("--broker", strings.TrimPrefix(wordOf(err).Error(), "broker: "))
		}
	}
	dir, err := os.MkdirTemp(c.Dir, "sashlock-bench-")
	if err != nil {
		return badFlag("--dir", "the folder cannot be used: "+err.Error())
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{desk: d, command: c, dir: dir}
	for _, part := range []struct {
		name    string
		measure func() error
	}{{"decisions", b.decisions}, {"reports", b.reports}, {"release", b.releases}, {"devices", b.ownDevices}, {"revoke", b.revocations}} {
		if !c.wants(part.name) && (part.name != "reports" || !c.wants("ledger")) {
			continue
		}
		d.progress("measuring %s", part.name)
		if err := part.measure(); err != nil {
			return err
		}
		if err := d.ctx.Err(); err != nil {
			return err
		}
	}
	d.progress("")
	return b.show()
}

func (c *benchCommand) wants(name string) bool {
	return len(c.Only) == 0 || slices.Contains(c.Only, name)
}

// note keeps a figure without a goal.
func (b *bench) note(what string, value float64, unit string) {
	b.figures = append(b.figures, figure{What: what, Value: value, Unit: unit})
}

// below and above keep a figure with a goal.
func (b *bench) below(what string, value float64, unit string, goal float64) {
	ok := value < goal
	b.figures = append(b.figures, figure{what, value, unit, fmt.Sprintf("under %g", goal), &ok})
}

func (b *bench) above(what string, value float64, unit string, goal float64) {
	ok := value >= goal
	b.figures = append(b.figures, figure{what, value, unit, fmt.Sprintf("at least %g", goal), &ok})
}

func (b *bench) show() error {
	m := thisMachine(b.dir)
	result := benchmark{
		Machine: m, Command: strings.Join(os.Args, " "), At: b.desk.now().UTC().Format(time.RFC3339),
		Version: app.Version(), Figures: b.figures,
	}
	s := sheet{data: result}
	s.row("machine", fmt.Sprintf("%s, %d cores, %s, %s, %s", m.Processor, m.Cores, m.Memory, m.System, m.Go))
	s.row("command", result.Command)
	for _, f := range b.figures {
		verdict := ""
		if f.OK != nil {
			verdict = mark(*f.OK)
		}
		s.row(f.What, fmt.Sprintf("%s %s", number(f.Value), f.Unit), f.Goal, verdict)
		s.names = append(s.names, f.What)
	}
	return b.desk.show(s)
}

// number writes a figure with as many digits as mean something.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func thisMachine(dir string) machine {
	return machine{
		Processor: firstOf(fromProc("/proc/cpuinfo", "model name"), runtime.GOARCH), Cores: runtime.GOMAXPROCS(0),
		Memory: firstOf(fromProc("/proc/meminfo", "MemTotal"), "memory unknown"),
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), Folder: dir,
	}
}

// fromProc reads a "name : value" line of a file of Linux; empty elsewhere.
func fromProc(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close() //nolint:errcheck // it was only read
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		key, value, found := strings.Cut(lines.Text(), ":")
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// percentile returns the value below which a share of the sorted times lies.
func percentile(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
