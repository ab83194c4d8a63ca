// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"context"
	_ "embed"
	"encoding/json"
	"time"

	"github.com/sashlock/sashlock/driver"
)

//go:embed manifest.yaml
var manifest []byte

// Driver reaches locks through Seam. Make one with [New].
type Driver struct{ pace pace }

// New returns the driver.
func New() *Driver { return &Driver{pace: usualPace()} }

// Name returns "seam".
func (*Driver) Name() string { return "seam" }

// Manifest returns what manifest.yaml says.
func (*Driver) Manifest() (driver.Manifest, error) { return driver.ReadManifest(manifest) }

// Check says what is wrong with a configuration.
func (*Driver) Check(config json.RawMessage) error {
	_, err := readConfig(config)
	return err
}

// Open starts a session, which implements [driver.Operator], [driver.Reader]
// and [driver.CodeLister] as well. It fails when webhooks cannot be received
// where they are to be, or the progress file cannot be read.
func (d *Driver) Open(ctx context.Context, config json.RawMessage, sink driver.Sink) (driver.Session, error) {
	c, err := readConfig(config)
	if err != nil {
		return nil, err
	}
	return start(ctx, c, d.pace, sink)
}

// pace is how long things are waited for, and how often tried.
type pace struct {
	driver.Patience

	call    time.Duration // for an answer
	look    time.Duration // between questions for events
	list    time.Duration // between questions for devices
	settle  time.Duration // for an event to explain a bolt's change
	attempt time.Duration // from an order to the first question for it; grows to reread
	reread  time.Duration // between questions to a lock about an order; grows
	confirm time.Duration // for the lock to confirm an order
	echo    time.Duration // for the event of an order that was confirmed otherwise
}

func usualPace() pace {
	return pace{
		call: 10 * time.Second, look: 5 * time.Second, list: 15 * time.Second, settle: time.Second,
		attempt: 300 * time.Millisecond, reread: time.Second, confirm: 12 * time.Second, echo: time.Minute,
		Patience: driver.Patience{Min: time.Second, Max: time.Minute, Steady: time.Minute},
	}
}
