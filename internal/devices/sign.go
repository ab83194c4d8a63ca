// SPDX-License-Identifier: Apache-2.0

package devices

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	signWithin = 4 * time.Second        // how long a device may take to answer
	signQuiet  = 150 * time.Millisecond // after its first report, for how long more of the answer may come
	signMost   = 16                     // reports of one answer
)

// Sign is what a device answered when it was asked how it stands.
type Sign struct {
	Answered bool
	Took     time.Duration   // until its first report
	Reports  []driver.Report // what it said, in order
	Why      string          // why there is no answer
}

// Tested is what the ledger keeps of a test, as the data of its entry.
type Tested struct {
	Answered bool   `json:"answered"`
	Took     int64  `json:"took_ms"` // milliseconds until the first report
	Said     []Said `json:"said"`
}

// Said is one report of an answer.
type Said struct {
	Kind  sashlock.EventKind `json:"kind"`
	Level int                `json:"level,omitempty"` // battery percent
}

// Test asks a device how it stands, waits for its answer, and records that it
// was asked and whether it answered. Nothing moves: no unlock is ever a test.
//
// The error is of kind invalid when its driver can ask it nothing, and of kind
// unavailable when its gateway is not connected.
func (r *Room) Test(ctx context.Context, by sashlock.OperatorID, ref string) (sashlock.Device, Sign, error) {
	var d sashlock.Device
	err := r.store.View(ctx, func(q store.Query) (err error) { d, err = Find(q, ref); return err })
	if err != nil {
		return d, Sign{}, err
	}
	session := r.session(d.Gateway)
	if session == nil {
		return d, Sign{}, &sashlock.Error{Kind: sashlock.Unavailable, Op: "testing device", Subject: string(d.ID), Hint: lang.Mark("its gateway is not connected")}
	}
	reader, can := session.(driver.Reader)
	if !can {
		return d, Sign{}, &sashlock.Error{Kind: sashlock.Invalid, Op: "testing device", Subject: string(d.ID), Hint: lang.Mark("this ecosystem has no question that can be asked without moving something")}
	}
	sign := r.ask(ctx, reader, d)
	_, err = r.hall.Change(ctx, flow.Change{Operator: by, Make: func(*store.Tx) (flow.Edit, error) {
		return flow.Edit{Events: []sashlock.Event{sign.event(d, r.hall.Book().Openings[d.Opening].Site)}}, nil
	}})
	return d, sign, err
}

// ask asks and listens.
func (r *Room) ask(ctx context.Context, reader driver.Reader, d sashlock.Device) (sign Sign) {
	p := place{d.Gateway, d.Address}
	ear := make(chan driver.Report, signMost)
	r.listen(p, ear)
	defer r.stopListening(p, ear)
	ctx, stop := context.WithTimeout(ctx, signWithin)
	defer stop()
	asked := time.Now()
	if err := reader.Read(ctx, d.Address); err != nil {
		r.log.Info("device not read", logkey.Device(d.ID), logkey.Err(err))
		return Sign{Why: lang.Mark("it cannot be reached")}
	}
	quiet := ctx.Done()
	for len(sign.Reports) < signMost {
		select {
		case said := <-ear:
			if !sign.Answered {
				sign.Answered, sign.Took = true, time.Since(asked)
				var hush context.CancelFunc
				ctx, hush = context.WithTimeout(ctx, signQuiet)
				defer hush()
				quiet = ctx.Done()
			}
			sign.Reports = append(sign.Reports, said)
		case <-quiet:
			if !sign.Answered {
				sign.Why = lang.Mark("it did not answer in time")
			}
			return sign
		}
	}
	return sign
}

func (s Sign) event(d sashlock.Device, site sashlock.SiteID) sashlock.Event {
	said := []Said{}
	for _, r := range s.Reports {
		said = append(said, Said{r.Kind, r.Level})
	}
	data, err := json.Marshal(Tested{Answered: s.Answered, Took: s.Took.Milliseconds(), Said: said})
	if err != nil {
		data = nil
	}
	return sashlock.Event{Kind: sashlock.DeviceTested, Site: site, Opening: d.Opening, Device: d.ID, Subject: string(d.ID), Why: s.Why, Data: data}
}

// listen has reports of a device told to an ear as well.
func (r *Room) listen(p place, ear chan driver.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ears == nil {
		r.ears = map[place][]chan driver.Report{}
	}
	r.ears[p] = append(r.ears[p], ear)
}

func (r *Room) stopListening(p place, ear chan driver.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ears[p] = slices.DeleteFunc(r.ears[p], func(c chan driver.Report) bool { return c == ear })
	if len(r.ears[p]) == 0 {
		delete(r.ears, p)
	}
}

// overheard tells the ears of a device what it said. An ear that is full has
// heard enough.
func (r *Room) overheard(p place, said driver.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ear := range r.ears[p] {
		select {
		case ear <- said:
		default:
		}
	}
}
