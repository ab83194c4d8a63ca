// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// keep seals a PIN that locks are to hold. It is sealed for its credential: it
// opens for no other.
func (r *Room) keep(tx *store.Tx, id sashlock.CredentialID, digits string) error {
	if r.seal == nil {
		return invalid("in_locks", lang.Mark("this store node cannot keep PINs for locks"))
	}
	nonce := make([]byte, r.seal.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO credential_pins (credential, sealed) VALUES (?, ?)`, id, r.seal.Seal(nonce, nonce, []byte(digits), []byte(id)))
	return err
}

// drop forgets a PIN that no lock is to hold any more.
func drop(tx *store.Tx, id sashlock.CredentialID) error {
	_, err := tx.Exec(`DELETE FROM credential_pins WHERE credential = ?`, id)
	return err
}

// PIN returns a PIN that locks are to hold, or not_found when it is not kept, or
// not any more.
func (r *Room) PIN(q store.Query, id sashlock.CredentialID) (driver.PIN, error) {
	const op = "opening a sealed PIN"
	sealed, err := store.One(q, func(read store.Scan) (b []byte, err error) { return b, read(&b) }, "PIN", string(id),
		`SELECT sealed FROM credential_pins WHERE credential = ?`, id)
	if err != nil {
		return driver.PIN{}, err
	}
	if r.seal == nil || len(sealed) < r.seal.NonceSize() {
		return driver.PIN{}, &sashlock.Error{Kind: sashlock.NotFound, Op: op, Subject: string(id), Hint: lang.Mark("the key of this store node is another one: make the PIN anew")}
	}
	n := r.seal.NonceSize()
	digits, err := r.seal.Open(nil, sealed[:n], sealed[n:], []byte(id))
	if err != nil {
		return driver.PIN{}, &sashlock.Error{Kind: sashlock.NotFound, Op: op, Subject: string(id), Hint: lang.Mark("the key of this store node is another one: make the PIN anew")}
	}
	return driver.NewPIN(string(digits))
}

// dropEnded forgets the PINs of credentials that have ended. While one may count
// again, because its end was moved, it has to be made anew.
func dropEnded(tx *store.Tx, now time.Time) error {
	_, err := tx.Exec(`DELETE FROM credential_pins WHERE credential IN (SELECT id FROM credentials WHERE lost IS NOT NULL OR spent IS NOT NULL OR valid_until <= ?)`, store.Micros(now))
	return err
}

// forgetEnded is dropEnded, where there is something to forget.
func forgetEnded(ctx context.Context, s *store.Store, now time.Time) error {
	var kept int
	err := s.View(ctx, func(q store.Query) error { return q.QueryRow(`SELECT COUNT(*) FROM credential_pins`).Scan(&kept) })
	if err != nil || kept == 0 {
		return err
	}
	_, err = s.Do(ctx, func(tx *store.Tx) error { return dropEnded(tx, now) })
	return err
}

// InLocks returns the PINs that locks hold, or are to hold, with where they are
// taken: those that are written into them, and those that were found there.
func InLocks(q store.Query) ([]Credential, error) {
	all, err := store.Rows(q, scan, `SELECT `+columns+` FROM credentials c WHERE (c.in_locks = 1 OR c.device IS NOT NULL) AND c.kind = ? ORDER BY c.id`, sashlock.PIN)
	for i := range all {
		if err == nil {
			all[i].Places, err = places(q, all[i].ID)
		}
	}
	return all, err
}

// Held makes codes that were found in slots of a lock the credentials of people,
// all of them or none. The codes themselves stay unknown; they can be kept there
// and removed. What is returned is in the order of the slots.
func (r *Room) Held(ctx context.Context, by sashlock.OperatorID, label string, device sashlock.DeviceID, claims map[int]sashlock.PersonID) (all []Credential, err error) {
	book := r.hall.Book()
	d, adopted := book.Devices[device]
	for _, person := range claims {
		if _, known := book.People[person]; !known {
			return nil, invalid("person", lang.Mark("there is no such person"))
		}
	}
	if !adopted {
		return nil, invalid("device", lang.Mark("name the lock that holds the code"))
	}
	if err := checkLabel("label", label); err != nil {
		return nil, err
	}
	err = r.change(ctx, by, func(tx *store.Tx) (edit flow.Edit, err error) {
		all = nil
		for _, slot := range slices.Sorted(maps.Keys(claims)) {
			c := Credential{
				Credential: sashlock.Credential{ID: sashlock.NewID[sashlock.CredentialID](tx.Now()), Person: claims[slot], Kind: sashlock.PIN, Label: label, Rev: 1},
				Made:       tx.Now(), Site: book.Openings[d.Opening].Site, Places: []sashlock.OpeningID{d.Opening}, Device: device, Slot: slot,
			}
			if err := r.holds(tx, &c); err != nil {
				return flow.Edit{}, err
			}
			all = append(all, c)
			edit.Events = append(edit.Events, c.saved())
		}
		return edit, nil
	})
	return all, err
}

// holds keeps a code that was found in a slot as somebody's credential.
func (r *Room) holds(tx *store.Tx, c *Credential) error {
	if _, err := r.secrets(tx, Making{Device: c.Device, Slot: c.Slot}, &Made{}); err != nil {
		return err
	}
	if err := c.write(tx); err != nil {
		return err
	}
	return c.known(tx, nil)
}
