// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// markLength is the length of the key of credentials, in bytes.
const markLength = 32

// newCredentials builds the room of credentials. Its key is derived from the
// command key, so that a backup of the keys is a backup of it.
func (h *House) newCredentials() (*credentials.Room, error) {
	key, err := hkdf.Key(sha256.New, h.Keys.Command.Seed(), nil, "sashlock/credentials/1", markLength)
	if err != nil {
		return nil, err
	}
	seal, err := h.pinKey()
	if err != nil {
		return nil, err
	}
	return credentials.New(credentials.Options{
		Store: h.Store, Hall: h.Hall, Now: h.Now, Key: key, EndSessions: h.signOut, SealKey: seal, Stands: standing,
	}), nil
}

// signOut ends every session of whoever a person is among the operators, and
// returns how many there were.
func (h *House) signOut(ctx context.Context, by sashlock.OperatorID, person sashlock.PersonID) (n int, err error) {
	var who []sashlock.OperatorID
	err = h.Store.View(ctx, func(q store.Query) error {
		all, err := signin.Operators(q)
		for _, o := range all {
			if o.Person != person || person == "" {
				continue
			}
			who = append(who, o.ID)
			sessions, err := h.Signin.Sessions(q, o.ID)
			if err != nil {
				return err
			}
			n += len(sessions)
		}
		return err
	})
	for _, id := range who {
		if err == nil {
			err = h.Signin.EndAll(ctx, by, id, "")
		}
	}
	return n, err
}
