// SPDX-License-Identifier: Apache-2.0

package codes

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/store"
)

// Locks reaches the slots of locks. The methods are those of [driver.CodeWriter]
// and [driver.CodeLister], for an adopted device.
type Locks interface {
	SetCode(ctx context.Context, d sashlock.Device, c driver.CodeSetting) (driver.CodeSet, error)
	ClearCode(ctx context.Context, d sashlock.Device, slot int) error
	Codes(ctx context.Context, d sashlock.Device) ([]driver.Code, error)
	WritesCodes(d sashlock.Device) bool
}

// Holding is a PIN that locks hold, or are to hold.
type Holding struct {
	ID     sashlock.CredentialID
	Person sashlock.PersonID
	Places []sashlock.OpeningID
	Good   bool // it counts now, as far as it depends on itself
	Until  time.Time
	Device sashlock.DeviceID // of a code that was found there: the lock that holds it
	Slot   int               // and the slot
}

// Credentials is what the room has to know of credentials.
type Credentials interface {
	// Holdings lists the PINs that locks hold, or are to hold, in the order in
	// which they were made.
	Holdings(q store.Query, now time.Time) ([]Holding, error)
	// PIN returns one in clear, or an error of kind not_found.
	PIN(q store.Query, id sashlock.CredentialID) (driver.PIN, error)
	// Held makes codes that were found in slots of a lock somebody's, all of them
	// or none.
	Held(ctx context.Context, by sashlock.OperatorID, device sashlock.DeviceID, claims map[int]sashlock.PersonID) error
	// Forgotten records that a lock no longer holds a code that was found there.
	Forgotten(ctx context.Context, id sashlock.CredentialID) error
}

// Pace is how often things are done.
type Pace struct {
	Look     time.Duration // between looks at what has to be in the locks
	Listing  time.Duration // after which a lock is asked again which slots are in use
	Act      time.Duration // for one slot to be written
	Between  time.Duration // between two slots of one lock
	RetryMin time.Duration // after a failure; doubles
	RetryMax time.Duration
	Hourly   int // how many codes are written into one lock in an hour; clearing is never held back
}

// UsualPace is the pace of a store: a lock on batteries is asked seldom.
func UsualPace() Pace {
	return Pace{
		Look: time.Second, Listing: 6 * time.Hour, Act: 30 * time.Second, Between: 200 * time.Millisecond,
		RetryMin: 5 * time.Second, RetryMax: 10 * time.Minute, Hourly: 120,
	}
}

// Options are what a room is built from.
type Options struct {
	Store       *store.Store
	Hall        *flow.Hall
	Now         func() time.Time
	Log         *slog.Logger
	Locks       Locks
	Credentials Credentials
	Pace        Pace
}

// Room keeps the codes in locks. Its methods may be called from any goroutine.
type Room struct {
	Options

	mu    sync.Mutex
	works map[sashlock.DeviceID]*work // guarded by mu, with all they hold
	group sync.WaitGroup
	wake  chan struct{} // holds one: look at once
}

// work is what is remembered of the work on a lock while the process lives.
type work struct {
	busy    bool
	list    time.Time // when it is to be asked again which slots are in use
	settled string    // the wants with which there was nothing to do; empty: look
	due     time.Time // not before
	retry   time.Duration
	online  bool
	trial   bool        // its opening is on trial
	written []time.Time // codes written in the last hour
}

// New returns a room. It does nothing before [Room.Run].
func New(o Options) *Room {
	return &Room{Options: o, works: map[sashlock.DeviceID]*work{}, wake: make(chan struct{}, 1)}
}

// Run keeps the codes in locks as they are to be until the context ends.
func (r *Room) Run(ctx context.Context) {
	news, stop := r.Store.Subscribe()
	defer stop()
	defer r.group.Wait()
	look := time.NewTicker(r.Pace.Look)
	defer look.Stop()
	for ctx.Err() == nil {
		if err := r.look(ctx); err != nil && ctx.Err() == nil {
			r.Log.Warn("codes in locks not looked at", logkey.Err(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			continue
		case <-r.wake:
		case <-news:
		}
		pause(ctx, r.Pace.Look/5) // a busy store has news all the time
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// look sets to work on every lock that has something to do.
func (r *Room) look(ctx context.Context) error {
	book := r.Hall.Book()
	var devices []sashlock.Device
	for _, d := range book.Devices {
		if d.Has(sashlock.HasCodes) && r.Locks.WritesCodes(d) {
			devices = append(devices, d)
		}
	}
	gone, err := r.leftBehind(ctx, book)
	if err != nil || len(devices)+len(gone) == 0 {
		return err
	}
	now := r.Now()
	holdings, err := r.holdings(ctx, now)
	if err != nil {
		return err
	}
	states, err := r.Store.DeviceStates(ctx)
	if err != nil {
		return err
	}
	online := make(map[sashlock.DeviceID]bool, len(states))
	for _, s := range states {
		online[s.Device] = s.Online
	}
	for _, d := range append(devices, gone...) {
		r.start(ctx, d, wantsOf(book, d, holdings, now), online[d.ID], now)
	}
	return nil
}

// start has a lock worked on, unless there is nothing to do or it is too early.
func (r *Room) start(ctx context.Context, d sashlock.Device, want []want, online bool, now time.Time) {
	key := keyOf(d, want)
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.works[d.ID]
	if w == nil {
		w = &work{}
		r.works[d.ID] = w
	}
	if online != w.online { // it came or went: look at it anew, and at once
		w.settled, w.due, w.retry = "", time.Time{}, 0
	}
	w.online = online
	trial := r.onTrial(d)
	if trial != w.trial {
		w.due, w.retry = time.Time{}, 0
	}
	w.trial = trial
	if trial {
		key += onTrialKey
	}
	listing := online && !now.Before(w.list)
	if w.busy || w.settled == key+onlineKey(online) && !listing || now.Before(w.due) {
		return
	}
	w.busy = true
	r.group.Go(func() { r.pass(ctx, d, online) })
}

// onTrialKey sets apart what is wanted of a lock while it may not be told.
const onTrialKey = " on trial"

// onTrial reports whether a lock is at an opening on trial: it is told nothing.
func (r *Room) onTrial(d sashlock.Device) bool { return r.Hall.Book().Openings[d.Opening].Trial }

func onlineKey(online bool) string {
	if online {
		return "+"
	}
	return "-"
}

// ended notes how a pass ended: when to look again, or that all is well.
func (r *Room) ended(id sashlock.DeviceID, key string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.works[id]
	w.busy = false
	if err == nil {
		w.retry, w.due, w.settled = 0, time.Time{}, key
		return
	}
	w.retry = min(max(2*w.retry, r.Pace.RetryMin), r.Pace.RetryMax)
	w.due, w.settled = r.Now().Add(w.retry), ""
}

func (r *Room) holdings(ctx context.Context, now time.Time) (all []Holding, err error) {
	err = r.Store.View(ctx, func(q store.Query) (err error) { all, err = r.Credentials.Holdings(q, now); return err })
	return all, err
}

// Look has a lock asked at once which of its slots are in use, and what it would
// not take tried again.
func (r *Room) Look(ctx context.Context, d sashlock.Device) error {
	_, err := r.edit(ctx, "", d, func(_ *store.Tx, l *Lock) ([]sashlock.Event, error) {
		for i := range l.Waits {
			l.Waits[i].refused = ""
		}
		return nil, nil
	})
	if err == nil {
		r.stir(d.ID, true)
	}
	return err
}

// stir has a lock looked at at once.
func (r *Room) stir(id sashlock.DeviceID, list bool) {
	r.mu.Lock()
	w := r.works[id]
	if w == nil {
		w = &work{}
		r.works[id] = w
	}
	w.settled, w.due, w.retry = "", time.Time{}, 0
	if list {
		w.list = time.Time{}
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
