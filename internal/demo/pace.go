// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"sync"
	"time"
)

// pace is how fast the story runs. It can be changed while it runs: whoever
// waits goes on at the new one.
type pace struct {
	mu      sync.Mutex
	speed   float64       // guarded by mu; 1 is life, 0 is a pause
	changed chan struct{} // guarded by mu; closed when the speed is another
}

func newPace(speed float64) *pace { return &pace{speed: speed, changed: make(chan struct{})} }

// get returns the speed and a channel that is closed when it changes.
func (p *pace) get() (speed float64, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.speed, p.changed
}

// set changes the speed.
func (p *pace) set(speed float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.speed = speed
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait lets time of the story pass; false when the context ended.
func (p *pace) wait(ctx context.Context, d time.Duration) bool {
	for d > 0 {
		speed, changed := p.get()
		began := time.Now()
		var over <-chan time.Time // never, while the story pauses
		if speed > 0 {
			timer := time.NewTimer(time.Duration(float64(d) / speed))
			defer timer.Stop()
			over = timer.C
		}
		select {
		case <-over:
			return ctx.Err() == nil
		case <-changed:
			d -= time.Duration(float64(time.Since(began)) * speed)
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}
