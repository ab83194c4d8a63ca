// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
	"github.com/sashlock/sashlock/driver/edge/lock"
	"github.com/sashlock/sashlock/internal/devicekeys"
)

// aged is the identity of a device that enrolled some time ago.
func (h *house) aged(t *testing.T, address string, ago time.Duration) lock.Identity {
	t.Helper()
	then, err := devicekeys.Open(h.folder, func() time.Time { return time.Now().Add(-ago) })
	if err != nil {
		t.Fatal(err)
	}
	now := h.keys
	h.keys = then
	defer func() { h.keys = now }()
	return h.identity(t, address)
}

// A certificate of which a quarter is left is renewed for the same key, kept
// before it is used, and shown at the next connection; a fresh one is left alone.
// What could not be kept is renewed again soon.
func TestCertificatesAreRenewed(t *testing.T) {
	const day = 24 * time.Hour
	h, rec := newHouse(t, nil), drivertest.NewRecorder()
	h.open(t, rec)
	old, fresh := h.aged(t, "till-3", 600*day), h.aged(t, "till-4", 500*day)
	for name, c := range map[string]struct {
		who lock.Identity
		due bool
	}{"600 days old": {old, true}, "500 days old": {fresh, false}} {
		if due, err := c.who.Due(time.Now()); due != c.due || err != nil {
			t.Errorf("%s: due %v, %v", name, due, err)
		}
	}
	kept, full := make(chan lock.Identity, 1), true
	keeper := lock.Keeper{
		Endpoint: h.address, Now: time.Now, Say: func(what string) { t.Log(what) }, Again: 10 * time.Millisecond,
		Keep: func(i lock.Identity) error {
			if full {
				full = false
				return errors.New("the disk is full")
			}
			kept <- i
			return nil
		},
	}
	how, err := keeper.TLS(old)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer end()
	running.Go(func() { keeper.Run(ctx, old) })
	var renewed lock.Identity
	select {
	case renewed = <-kept:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was renewed")
	}
	if due, err := renewed.Due(time.Now().Add(500 * day)); due || err != nil || renewed.Key != old.Key || renewed.Certificate == old.Certificate || renewed.Address != old.Address {
		t.Errorf("renewed: due in 500 days %v, %v; same key %v", due, err, renewed.Key == old.Key)
	}
	l := lock.New(lock.Options{Endpoint: h.address, Site: "store", Address: "till-3", TLS: how, CommandKey: old.CommandKey})
	running.Go(func() { l.Run(ctx) })
	ready(t, rec, "till-3")
}

// Who was expelled is not renewed.
func TestTheExpelledAreNotRenewed(t *testing.T) {
	h := newHouse(t, nil)
	h.open(t, drivertest.NewRecorder())
	who := h.aged(t, "till-3", time.Hour)
	if err := h.keys.Remove("till-3"); err != nil {
		t.Fatal(err)
	}
	if got, err := lock.Renew(t.Context(), h.address, who); !sashlock.IsKind(err, sashlock.Denied) || got.Certificate != who.Certificate {
		t.Errorf("renewed %v, %v", got.Certificate != who.Certificate, err)
	}
}

// A device that does not renew its certificate by itself is shown as weak in
// time, and not any more once it has a new one.
func TestTheNearEndIsTold(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		ago  time.Duration
		weak bool
	}{"with two months left": {devicekeys.CertificateLife - 61*day, false}, "with less": {devicekeys.CertificateLife - 59*day, true}} {
		t.Run(name, func(t *testing.T) {
			h, rec := newHouse(t, nil), drivertest.NewRecorder()
			h.open(t, rec)
			who := h.aged(t, "till-3", c.ago)
			h.join(t, who, nil)
			ready(t, rec, "till-3")
			if d := rec.Devices()["till-3"]; (d.Weak != "") != c.weak {
				t.Errorf("its link: %q", d.Weak)
			}
			renewed, err := lock.Renew(t.Context(), h.address, who)
			if err != nil {
				t.Fatal(err)
			}
			mark := rec.Mark()
			h.join(t, renewed, nil)
			rec.Await(t, patience, mark, "that it is back", func(r driver.Report) bool { return r.Kind == sashlock.LockLocked })
			if d := rec.Devices()["till-3"]; d.Weak != "" {
				t.Errorf("renewed, its link: %q", d.Weak)
			}
		})
	}
}
