// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/codes"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// newCodes builds the room of the codes in locks.
func (h *House) newCodes() *codes.Room {
	return codes.New(codes.Options{
		Store: h.Store, Hall: h.Hall, Now: h.Now, Log: h.Log, Locks: h.Devices, Credentials: pins{h}, Pace: codes.UsualPace(),
	})
}

// pinKey is the key that seals the PINs which locks hold as well. It is derived
// from the command key, as that of the marks is.
func (h *House) pinKey() ([]byte, error) {
	return hkdf.Key(sha256.New, h.Keys.Command.Seed(), nil, "sashlock/codes/1", sha256.Size)
}

// pins are the credentials as the room of codes has to know them.
type pins struct{ house *House }

func (p pins) Holdings(q store.Query, now time.Time) ([]codes.Holding, error) {
	all, err := credentials.InLocks(q)
	out := make([]codes.Holding, len(all))
	for i, c := range all {
		out[i] = codes.Holding{
			ID: c.ID, Person: c.Person, Places: c.Places, Good: c.Standing(now) == sashlock.Permitted,
			Until: c.Until, Device: c.Device, Slot: c.Slot,
		}
	}
	return out, err
}

func (p pins) PIN(q store.Query, id sashlock.CredentialID) (driver.PIN, error) {
	return p.house.Credentials.PIN(q, id)
}

func (p pins) Held(ctx context.Context, by sashlock.OperatorID, device sashlock.DeviceID, claims map[int]sashlock.PersonID) error {
	_, err := p.house.Credentials.Held(ctx, by, lang.Mark("Code found in a lock"), device, claims)
	return err
}

func (p pins) Forgotten(ctx context.Context, id sashlock.CredentialID) error {
	return p.house.Credentials.Forgotten(ctx, "", id, credentials.SaidByLock)
}

// standing tells which locks hold a PIN.
func standing(q store.Query, id sashlock.CredentialID) (all []credentials.Pending, err error) {
	places, err := codes.Places(q, id)
	for _, s := range places {
		if s.Slot.Number > 0 {
			all = append(all, credentials.Pending{Credential: id, Device: s.Device, Slot: s.Slot.Number})
		}
	}
	return all, err
}
