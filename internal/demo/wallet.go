// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of what people carry are:
//
//   - Whoever decides much has a card, and so have some of each team. What they
//     open, they open with it.
//   - Whoever has no phone has a PIN. The product shows a PIN once and keeps only
//     what says nothing without its key; so that a visitor can type one, the demo
//     keeps those of its own people in a file beside the ledger.
//   - One PIN has a variant for when its holder is forced.
//   - There are fewer mechanical keys than there were. Of those there are, one is
//     out, and one should be back.

// pinsFile keeps the PINs of a demo in its data folder.
const pinsFile = "pins.json"

// knownPIN is a PIN that can be typed at the demo's keypad.
type knownPIN struct {
	Person string   `json:"person"` // slug
	PIN    string   `json:"pin"`
	Forced string   `json:"forced,omitempty"` // its variant for when somebody is forced
	At     []string `json:"at"`               // slugs of the openings that take it
}

// pinsMade says who has a PIN where, how many digits it has, and how many days
// before the demo it was made: some are due to be replaced.
var pinsMade = []struct {
	person string
	digits int
	duress bool
	ago    int
	at     []string
}{
	{"artur", 4, false, 100, []string{"staff-entrance", "stock-door"}},
	{"luis", 4, false, 83, []string{"staff-entrance", "stock-door"}},
	{"carla", 4, true, historyDays, []string{"staff-entrance", "loading-dock"}},
	{"teresa", 6, false, historyDays, []string{"staff-entrance", "cash-office"}},
	{"elisa", 4, false, historyDays, []string{"staff-entrance", "stock-door"}},
	{"rita", 4, false, historyDays, []string{"staff-entrance", "stock-door"}},
}

// cardHolders have a card. The last has lost an earlier one.
var cardHolders = []string{"helena", "joaquim", "teresa", "artur", "nelson", "ana", "beatriz", "vera", "nuno", "zelia", "sofia", "lucia", "goncalo"}

// at makes something happen while the clock of the house stands so many days
// before the start of the demo.
func (s *shop) at(past *clock, start time.Time, daysAgo int, do func() error) error {
	past.set(start.AddDate(0, 0, -daysAgo))
	return do()
}

// handOutCredentials gives people their cards and PINs. Those of a day are made
// at once, so that they share commits.
func (s *shop) handOutCredentials(ctx context.Context, past *clock, start time.Time, data string) error {
	var known []knownPIN
	for i, p := range pinsMade {
		if p.ago == historyDays {
			continue
		}
		if err := s.at(past, start, p.ago, func() (err error) { known, err = s.makePIN(ctx, known, i); return err }); err != nil {
			return err
		}
	}
	past.set(start.AddDate(0, 0, -historyDays))
	var group sync.WaitGroup
	var lock sync.Mutex
	var failed error
	run := func(do func() error) {
		group.Go(func() {
			if err := do(); err != nil {
				lock.Lock()
				defer lock.Unlock()
				failed = errors.Join(failed, err)
			}
		})
	}
	run(func() (err error) {
		for i, p := range pinsMade {
			if p.ago == historyDays && err == nil {
				known, err = s.makePIN(ctx, known, i)
			}
		}
		return err
	})
	for i, slug := range cardHolders {
		run(func() error {
			m := credentials.Making{Person: s.person(slug), Kind: sashlock.Card, Label: "Staff card", Format: "H10301", Code: 117, Number: uint64(4100 + i*37)}
			if _, err := s.house.Credentials.Make(ctx, s.operator, m); err != nil || slug != "goncalo" {
				return err
			}
			m.Label, m.Number = "Staff card, the second", 4990
			_, err := s.house.Credentials.Make(ctx, s.operator, m)
			return err
		})
	}
	run(func() error {
		_, err := s.house.Credentials.Make(ctx, s.operator, credentials.Making{Person: s.person("andre"), Kind: sashlock.QR, Label: "Lockers, until the end of the season", Until: start.AddDate(0, 1, 0)})
		return err
	})
	group.Wait()
	if failed != nil {
		return failed
	}
	return keepPINs(data, known)
}

// makePIN makes one of the PINs.
func (s *shop) makePIN(ctx context.Context, known []knownPIN, n int) ([]knownPIN, error) {
	p := pinsMade[n]
	m := credentials.Making{Person: s.person(p.person), Kind: sashlock.PIN, Label: "Keypads at the back", Digits: p.digits, Duress: p.duress}
	for _, slug := range p.at {
		m.Openings = append(m.Openings, s.openingCalled(slug).ID)
	}
	made, err := s.house.Credentials.Make(ctx, s.operator, m)
	return append(known, knownPIN{Person: p.person, PIN: made.Secret, Forced: made.Duress, At: p.at}), err
}

// registerFinger notes that a lock holds somebody's fingerprint.
func (s *shop) registerFinger(ctx context.Context) error {
	for id, d := range s.house.Hall.Book().Devices {
		if d.Address == "cash-office" {
			_, err := s.house.Credentials.Make(ctx, s.operator, credentials.Making{Person: s.person("teresa"), Kind: sashlock.Finger, Label: "Right index finger", Device: id, Slot: 4})
			return err
		}
	}
	return nil
}

func (s *shop) openingCalled(slug string) sashlock.Opening {
	for _, o := range s.house.Hall.Book().Openings {
		if o.Slug == slug {
			return o
		}
	}
	return sashlock.Opening{}
}

// carried are the cards that people hold, for what they open with them.
func (s *shop) carried(ctx context.Context) (map[sashlock.PersonID]sashlock.CredentialID, error) {
	all := map[sashlock.PersonID]sashlock.CredentialID{}
	err := s.house.Store.View(ctx, func(q store.Query) error {
		have, err := credentials.List(q, "")
		for _, c := range have {
			if c.Kind == sashlock.Card && c.Lost.IsZero() {
				all[c.Person] = c.ID
			}
		}
		return err
	})
	return all, err
}

// loseCard is somebody without their first card.
func loseCard(ctx context.Context, s *shop) error {
	person := s.person("goncalo")
	var first sashlock.CredentialID
	err := s.house.Store.View(ctx, func(q store.Query) error {
		have, err := credentials.List(q, person)
		for _, c := range have {
			if c.Label == "Staff card" {
				first = c.ID
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = s.house.Credentials.Lose(ctx, s.staff.desk, credentials.Loss{
		Person: person, Credentials: []sashlock.CredentialID{first}, Since: s.house.Now().Add(-3 * time.Hour), Cause: credentials.WasLost,
	})
	return err
}

// keyRegister is the register of mechanical keys: what there is, and what there
// was.
func (s *shop) keyRegister(ctx context.Context, past *clock, start time.Time) error {
	register := []struct {
		slug, name string
		copies     int
		cost       int64
		gone       bool // out of use by now
		openings   []string
	}{
		{"s-01", "Shutter of the loading dock", 2, 41_000, false, []string{"loading-dock"}},
		{"c-01", "Cages, for emergencies", 3, 128_000, false, []string{"cage-1", "cage-2", "cage-3"}},
		{"k-07", "Cash office", 1, 36_500, false, []string{"cash-office"}},
		{"v-02", "Vending machines", 4, 22_000, false, []string{"vending-1", "vending-2"}},
		{"p-03", "Porto, back of house", 2, 54_000, false, []string{"porto-stock-door", "porto-cage"}},
		{"w-04", "Watch cases, before the electronic locks", 6, 0, true, []string{"watches-1", "watches-2", "watches-3", "watches-4"}},
		{"f-05", "Fragrance cases, before the electronic locks", 6, 0, true, []string{"fragrance-1", "fragrance-2", "fragrance-3"}},
	}
	err := s.change(ctx, func(tx *store.Tx) (whole flow.Edit, err error) {
		for _, k := range register {
			key := credentials.Key{Slug: k.slug, Name: k.name, Copies: k.copies, Cost: k.cost}
			for _, slug := range k.openings {
				key.Openings = append(key.Openings, s.openingCalled(slug).ID)
			}
			_, edit, err := credentials.SaveKey(tx, key, -1)
			if err != nil {
				return whole, err
			}
			whole.Events = append(whole.Events, edit.Events...)
		}
		return whole, nil
	})
	for i, k := range register {
		if err == nil && k.gone {
			err = s.at(past, start, 160-i*9, func() error {
				return s.change(ctx, func(tx *store.Tx) (edit flow.Edit, err error) {
					_, edit, err = credentials.RetireKey(tx, k.slug, 0)
					return edit, err
				})
			})
		}
	}
	return err
}

// change is a change by whoever set the demo up.
func (s *shop) change(ctx context.Context, do func(*store.Tx) (flow.Edit, error)) error {
	_, err := s.house.Hall.Change(ctx, flow.Change{Operator: s.operator, Make: do})
	return err
}

// handOut gives a copy of a key to somebody for a while.
func handOut(key, person string, until time.Duration) act {
	return func(ctx context.Context, s *shop) error {
		return s.change(ctx, func(tx *store.Tx) (edit flow.Edit, err error) {
			_, edit, err = credentials.HandOut(tx, key, s.person(person), tx.Now().Add(until))
			return edit, err
		})
	}
}

// takeBack takes the copies back that somebody has.
func takeBack(person string) act {
	return func(ctx context.Context, s *shop) error {
		return s.change(ctx, func(tx *store.Tx) (whole flow.Edit, err error) {
			out, err := credentials.OutNow(tx)
			for _, l := range out {
				if l.Person != s.person(person) || err != nil {
					continue
				}
				var edit flow.Edit
				_, edit, err = credentials.TakeBack(tx, l.ID)
				whole.Events = append(whole.Events, edit.Events...)
			}
			return whole, err
		})
	}
}

// keepPINs writes the PINs of a new demo down.
func keepPINs(data string, known []knownPIN) error {
	text, err := json.Marshal(known)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(data, pinsFile), text, 0o600)
}

// readPINs reads them again. A folder that an older demo made has none.
func readPINs(data string) (known []knownPIN, err error) {
	text, err := os.ReadFile(filepath.Join(data, pinsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &known)
	}
	return known, err
}
