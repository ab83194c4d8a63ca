// SPDX-License-Identifier: Apache-2.0

package gateways

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/lang"
)

// TryFor is how long a configuration is tried at most.
const TryFor = 10 * time.Second

// The pauses after which a try has seen enough.
const (
	afterDevice = time.Second     // since the last device was found
	afterUp     = 4 * time.Second // since the gateway was reached, with no device found
	afterDown   = 2 * time.Second // since the gateway was said to be away
)

// Trial is what came of trying a configuration.
type Trial struct {
	Up      bool               // the gateway was reached
	Why     string             // why not, as the driver says
	Devices []driver.Discovery // what was found, in order of address
	Took    time.Duration
}

// Try opens a gateway as it was described, listens for at most [TryFor], and
// closes it again. Nothing is stored, nothing is told to any device, and the
// settings that would take the place of a session at work are left out. The
// error is that of [Room.Check], or of kind limit while another try is under
// way.
func (r *Room) Try(ctx context.Context, g Gateway) (Trial, error) {
	m, err := r.Describe(g.Driver)
	if err != nil {
		return Trial{}, err
	}
	if _, err := r.Check(g); err != nil { // of the whole, before anything is left out
		return Trial{}, err
	}
	g.Config = maps.Clone(g.Config)
	for _, s := range m.Config {
		if s.SessionOnly {
			delete(g.Config, s.Key)
		}
	}
	config, err := r.Check(g)
	if err != nil {
		return Trial{}, err
	}
	if err := r.prepare(g); err != nil {
		return Trial{}, err
	}
	if !r.trying.TryLock() {
		return Trial{}, &sashlock.Error{Kind: sashlock.Limit, Op: "trying gateway", Hint: lang.Mark("another gateway is being tried: wait a few seconds and try again")}
	}
	defer r.trying.Unlock()
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, TryFor)
	defer cancel()
	ear := &listener{found: map[string]driver.Discovery{}, news: make(chan struct{}, 1)}
	session, err := r.Drivers[g.Driver].Open(ctx, config, ear)
	if err != nil {
		return Trial{}, err
	}
	ear.listen(ctx)
	err = session.Close()
	t := ear.trial()
	t.Took = time.Since(began)
	return t, err
}

// listener is the sink of a try.
type listener struct {
	mu    sync.Mutex
	told  bool                        // guarded by mu: something was said about the gateway
	up    bool                        // guarded by mu
	why   string                      // guarded by mu
	found map[string]driver.Discovery // guarded by mu: by address
	news  chan struct{}               // holds a token when something new was heard
}

// Found keeps a device.
func (l *listener) Found(_ context.Context, d driver.Discovery) error {
	l.mu.Lock()
	l.found[d.Address] = d
	l.mu.Unlock()
	l.tell()
	return nil
}

// Heard takes a report, of which nothing comes.
func (l *listener) Heard(context.Context, driver.Report) error { return nil }

// Gateway keeps whether the gateway was reached.
func (l *listener) Gateway(_ context.Context, up bool, why string) {
	l.mu.Lock()
	l.told, l.up, l.why = true, up, why
	l.mu.Unlock()
	l.tell()
}

func (l *listener) tell() {
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// listen returns when nothing more is to be expected.
func (l *listener) listen(ctx context.Context) {
	for {
		enough := time.NewTimer(l.patience())
		select {
		case <-l.news:
			enough.Stop()
		case <-enough.C:
			return
		case <-ctx.Done():
			enough.Stop()
			return
		}
	}
}

// patience is how long to wait for the next news.
func (l *listener) patience() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.told:
		return TryFor
	case !l.up:
		return afterDown
	case len(l.found) == 0:
		return afterUp
	}
	return afterDevice
}

func (l *listener) trial() Trial {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := Trial{Up: l.up, Why: l.why, Devices: slices.Collect(maps.Values(l.found))}
	slices.SortFunc(t.Devices, func(a, b driver.Discovery) int { return strings.Compare(a.Address, b.Address) })
	return t
}
