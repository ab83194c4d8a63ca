// SPDX-License-Identifier: Apache-2.0

package credentials_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/store"
)

func TestLose(t *testing.T) {
	h := newHouse(t)
	pin, anas := h.pin("ana", "case-1"), bits(t, "H10301", 1, 1)
	blue := h.give(credentials.Making{Person: h.Person("ana"), Kind: sashlock.Card, Card: anas})
	var lock sashlock.DeviceID
	for id, d := range h.Hall.Book().Devices {
		if d.Opening == h.Opening("case-1") {
			lock = id
		}
	}
	finger := h.give(credentials.Making{Person: h.Person("ana"), Kind: sashlock.Finger, Device: lock, Slot: 3})
	h.present("case-1", card(anas))
	h.present("case-1", code(pin.Secret))
	after, err := h.Lose(h.Ctx(), "", credentials.Loss{Person: h.Person("ana"), Credentials: []sashlock.CredentialID{blue.ID}, Since: h.Now().Add(-time.Hour), Cause: credentials.WasStolen})
	h.Must(err)
	if len(after.Ended) != 1 || after.Ended[0].ID != blue.ID || len(after.Uses) < 1 || len(after.Pending) != 0 || after.Sessions != 0 {
		t.Errorf("after the card: %+v", after)
	}
	for _, e := range after.Uses {
		if e.Credential != blue.ID {
			t.Errorf("a use of something else: %+v", e)
		}
	}
	h.said(h.present("case-1", card(anas)), sashlock.CredentialLost)
	h.said(h.present("case-1", code(pin.Secret)), "")
	after, err = h.Lose(h.Ctx(), "", credentials.Loss{Person: h.Person("ana"), Cause: credentials.WasLost, Phone: true})
	h.Must(err)
	if len(after.Ended) != 2 || after.Sessions != 2 || !slices.Equal(h.signed, []sashlock.PersonID{h.Person("ana")}) {
		t.Errorf("after all of it: %+v, signed out %v", after, h.signed)
	}
	if want := (credentials.Pending{Credential: finger.ID, Device: lock, Slot: 3}); len(after.Pending) != 1 || after.Pending[0] != want {
		t.Errorf("pending: %+v", after.Pending)
	}
	h.said(h.present("case-1", code(pin.Secret)), sashlock.CredentialLost)
	for what, l := range map[string]credentials.Loss{
		"cause": {Person: h.Person("ana"), Cause: "eaten"}, "since": {Person: h.Person("ana"), Cause: "lost", Since: h.Now().Add(time.Hour)},
	} {
		_, err := h.Lose(h.Ctx(), "", l)
		fails(t, what, err, sashlock.Invalid, what)
	}
	_, err = h.Lose(h.Ctx(), "", credentials.Loss{Person: h.Person("bob"), Credentials: []sashlock.CredentialID{blue.ID}, Cause: "lost"})
	fails(t, "somebody else's", err, sashlock.NotFound, "")
}

// TestLostMeansLost races losing a card against presenting it: nothing opens
// after the loss was acknowledged.
func TestLostMeansLost(t *testing.T) {
	h := newHouse(t)
	for i := range 15 {
		c := bits(t, "H10301", 2, uint64(i))
		made := h.give(credentials.Making{Person: h.Person("ana"), Kind: sashlock.Card, Card: c})
		var lost atomic.Bool
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 3 {
					gone := lost.Load()
					if out := h.present("case-1", card(c)); gone && out.Refused != sashlock.CredentialLost {
						t.Errorf("after it was lost: %q, %t", out.Refused, out.Decision.Granted)
					}
				}
			})
		}
		_, err := h.Lose(h.Ctx(), "", credentials.Loss{Person: h.Person("ana"), Credentials: []sashlock.CredentialID{made.ID}, Cause: "lost"})
		h.Must(err)
		lost.Store(true)
		all.Wait()
	}
}

func TestHolder(t *testing.T) {
	h := newHouse(t)
	var lock sashlock.DeviceID
	for id := range h.Hall.Book().Devices {
		lock = id
	}
	made := h.give(credentials.Making{Person: h.Person("bob"), Kind: sashlock.Finger, Device: lock, Slot: 2})
	h.Must(h.Store.View(h.Ctx(), func(q store.Query) error {
		c, known, err := credentials.Holder(q, lock, 2)
		if !known || c.ID != made.ID || c.Person != h.Person("bob") {
			t.Errorf("slot 2: %+v", c)
		}
		if _, known, _ := credentials.Holder(q, lock, 3); known {
			t.Error("somebody has slot 3")
		}
		return err
	}))
	_, err := h.Make(h.Ctx(), "", credentials.Making{Person: h.Person("ana"), Kind: sashlock.Finger, Label: "x", Device: lock, Slot: 2})
	fails(t, "the same slot", err, sashlock.Conflict, "slot")
}
