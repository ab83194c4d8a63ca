// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// session follows one workspace. One goroutine, run, asks for news; webhooks
// and orders bring some as well. Whoever has news posts it, so that what is told
// keeps its order.
type session struct {
	config Config
	pace   pace
	client *client
	sink   driver.Sink
	door   *receiver // of webhooks; nil: there is none

	life  context.Context // ends with the session
	stop  context.CancelFunc
	group sync.WaitGroup // run, and what goes on after an order
	mouth chan struct{}  // holds one while the sink is told something
	poke  chan struct{}  // holds one when the list of devices is to be asked for

	saved string // what the progress file holds; run's own

	mu      sync.Mutex
	closed  bool
	told    *driver.Gateway    // guarded by mu: what the sink was last told of the cloud
	up      bool               // guarded by mu: the cloud can be reached
	record  *record            // guarded by mu, with all it holds; nil: nothing was heard yet
	devices map[string]*device // guarded by mu, with all they hold: by address
}

func start(ctx context.Context, c Config, p pace, sink driver.Sink) (*session, error) {
	r, err := loadProgress(c.ProgressFile, time.Now())
	if err != nil {
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "reading the progress of Seam", Subject: "progress_file", Err: err}
	}
	life, stop := context.WithCancel(context.Background())
	s := &session{
		config: c, pace: p, client: newClient(c, p), sink: sink, record: r,
		life: life, stop: stop, mouth: make(chan struct{}, 1), poke: make(chan struct{}, 1), devices: make(map[string]*device),
	}
	if c.Listen != "" {
		if s.door, err = receive(ctx, c, s.brought); err != nil {
			stop()
			return nil, err
		}
	}
	s.group.Go(s.run)
	return s, nil
}

// Close ends the session.
func (s *session) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.group.Wait()
	if first {
		if s.door != nil {
			s.door.close()
		}
		s.mouth <- struct{}{} // whoever speaks has ended, and nobody begins
		s.client.close()
	}
	return nil
}

// spawn starts work that ends with the session.
func (s *session) spawn(work func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.group.Go(work)
	}
}

// run looks for news until the session ends, with growing pauses while the cloud
// cannot be reached.
func (s *session) run() {
	driver.Keep(s.life, s.pace.Patience,
		func() (bool, error) { return true, s.serve() },
		func(err error) { s.goDown(reason(err)) })
}

// reason puts a failure into a sentence for an operator.
func reason(err error) string {
	var f *failure
	if errors.As(err, &f) {
		return f.why
	}
	return "Seam's cloud cannot be asked: " + err.Error()
}

// goDown tells that the cloud is gone, and every device with it.
func (s *session) goDown(why string) {
	// It fails only when the session ends.
	_ = s.post(s.life, func() []news {
		s.up = false
		told := s.now(driver.Gateway{Why: why})
		for _, id := range s.addresses() {
			told = append(told, s.devices[id].reach(false, false)...)
		}
		return told
	})
}

// tolerated is how many questions in a row may fail before the cloud is said to
// be gone.
const tolerated = 1

// serve looks for news until the cloud cannot be reached, and says why.
func (s *session) serve() error {
	soon, err := s.sync(true)
	if err != nil {
		return err
	}
	fails, next := 0, time.Now().Add(s.pace.list)
	for {
		if soon {
			next = time.Now().Add(s.pace.settle)
		}
		// A little unevenness keeps stores from asking all at once.
		wait := min(s.pace.look*9/10+rand.N(s.pace.look/5+1), max(time.Until(next), 0))
		if fails > 0 {
			wait = s.pace.Min
		}
		if !s.pause(wait, &next) {
			return s.life.Err()
		}
		if time.Now().Before(next) {
			soon, err = false, s.look()
		} else {
			soon, err = s.sync(false)
			next = time.Now().Add(s.pace.list)
		}
		switch {
		case err == nil:
			fails = 0
		case s.life.Err() != nil:
			return err
		case throttled(err):
			s.say(driver.Gateway{Up: true, Why: reason(err)})
		case fails >= tolerated || definite(err):
			return err
		default:
			fails++
			next = time.Now() // all is asked for, since something was missed
		}
	}
}

// pause waits, or less when the list of devices is to be asked for at once.
func (s *session) pause(wait time.Duration, next *time.Time) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.poke:
		*next = time.Now()
	case <-s.life.Done():
		return false
	}
	return true
}

// throttled reports whether the cloud only asked for fewer calls.
func throttled(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.status == http.StatusTooManyRequests
}

// definite reports whether asking again would bring the same.
func definite(err error) bool {
	var f *failure
	return errors.As(err, &f) && (f.status == http.StatusUnauthorized || f.status == http.StatusForbidden)
}

func (s *session) say(g driver.Gateway) {
	_ = s.post(s.life, func() []news { return s.now(g) })
}

// fetch asks for events. Without a record everything until now counts as told.
func (s *session) fetch() (list []event, begun time.Time, err error) {
	s.mu.Lock()
	since := time.Now().Add(-lookBack - keepTold)
	if s.record != nil {
		since = s.record.since()
	}
	s.mu.Unlock()
	list, begun, err = s.client.events(s.life, since)
	if begun.IsZero() {
		begun = time.Now()
	}
	return sorted(list), begun.UTC(), err
}

// look asks for events and tells them.
func (s *session) look() error {
	at := time.Now()
	list, begun, err := s.fetch()
	if err != nil {
		return err
	}
	if err := s.post(s.life, func() []news {
		return append(s.now(driver.Gateway{Up: true}), s.take(list, begun, at)...)
	}); err != nil {
		return err
	}
	return s.keep()
}

// take makes news of events that were asked for at a moment. The caller holds
// mu.
func (s *session) take(list []event, begun, at time.Time) (told []news) {
	if s.record == nil {
		s.record = &record{begun: begun, told: make(map[string]time.Time)}
		for _, e := range list {
			s.record.told[e.ID] = e.Created
		}
	}
	for _, e := range list {
		told = append(told, s.hear(e, at)...)
	}
	s.record.asked(list, time.Now())
	return told
}

// hear makes news of one event, once. The caller holds mu.
func (s *session) hear(e event, at time.Time) []news {
	d := s.devices[e.Device]
	if d == nil {
		if e.Type == "device.added" || e.Type == "device.unmanaged.converted_to_managed" || strings.HasPrefix(e.Type, "lock.") {
			if s.record.isNew(event{ID: "list:" + e.ID, Created: e.Created}) {
				s.lookAgain() // the event is told when its device is known
			}
		}
		return nil
	}
	if !s.record.isNew(e) {
		return nil
	}
	told, look := d.hear(e, at)
	if look {
		s.lookAgain()
	}
	return told
}

// lookAgain makes that the list of devices is asked for soon.
func (s *session) lookAgain() {
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

// sync asks for events and then for all devices, and tells what is new. With
// anew everything is told. soon is whether a state wants an explanation.
func (s *session) sync(anew bool) (soon bool, err error) {
	at := time.Now()
	list, begun, err := s.fetch()
	if err != nil {
		return false, err
	}
	asked := time.Now()
	entries, err := s.client.devices(s.life)
	if err != nil {
		return false, err
	}
	err = s.post(s.life, func() []news {
		s.up = true
		told := append(s.now(driver.Gateway{Up: true}), s.describe(entries, anew)...)
		told = append(told, s.take(list, begun, at)...)
		for _, e := range entries {
			if d := s.devices[e.ID]; d != nil {
				more, doubt := d.stands(e, asked, anew)
				told, soon = append(told, more...), soon || doubt
			}
		}
		return told
	})
	if err != nil {
		return false, err
	}
	return soon, s.keep()
}

// goneAfter is how many lists in a row must lack a device before it is gone: an
// answer may be incomplete.
const goneAfter = 2

// describe makes news of which devices there are. The caller holds mu.
func (s *session) describe(entries []deviceEntry, anew bool) (told []news) {
	there := make(map[string]bool)
	for _, e := range entries {
		if !e.ofUse() || there[e.ID] {
			continue
		}
		there[e.ID] = true
		d := s.devices[e.ID]
		isNew := d == nil
		if isNew {
			d = newDevice()
			s.devices[e.ID] = d
		}
		d.missed = 0
		told = append(told, d.describe(e, s.config.clearText(), anew || isNew)...)
	}
	for _, id := range s.addresses() {
		d := s.devices[id]
		if there[id] {
			continue
		}
		if d.missed++; d.missed >= goneAfter {
			told = append(told, d.reach(false, false)...)
			delete(s.devices, id)
		}
	}
	return told
}

// brought takes an event that a webhook brought. It returns when the sink has
// it.
func (s *session) brought(ctx context.Context, e event) error {
	at := time.Now()
	ready := false
	err := s.post(ctx, func() []news {
		if ready = s.record != nil; !ready {
			return nil
		}
		return s.hear(e, at)
	})
	if err == nil && !ready {
		err = &sashlock.Error{Kind: sashlock.Unavailable, Op: "taking a webhook", Hint: "nothing was heard of Seam yet"}
	}
	return err
}

// keep writes down what was told, if it is to be kept and has changed.
func (s *session) keep() error {
	if s.config.ProgressFile == "" {
		return nil
	}
	s.mu.Lock()
	text, err := s.record.encode()
	s.mu.Unlock()
	if err != nil || string(text) == s.saved {
		return err
	}
	if err := writeProgress(s.config.ProgressFile, text); err != nil {
		s.say(driver.Gateway{Up: true, Why: "what was told cannot be noted in progress_file: see that the disk has room and the folder can be written to"})
		return nil
	}
	s.saved = string(text)
	return nil
}

// addresses returns the addresses of the known devices in order. The caller
// holds mu.
func (s *session) addresses() []string {
	var all []string
	for id := range s.devices {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}
