// SPDX-License-Identifier: Apache-2.0

package app

import (
	"crypto/hkdf"
	"crypto/sha256"

	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/shopper"
)

// newShopper builds the room of customers who open cases themselves. Its key is
// derived from the command key, as that of credentials is.
func (h *House) newShopper() (*shopper.Room, error) {
	key, err := hkdf.Key(sha256.New, h.Keys.Command.Seed(), nil, "sashlock/shopper/1", markLength)
	if err != nil {
		return nil, err
	}
	return shopper.New(shopper.Options{
		Store: h.Store, Hall: h.Hall, Now: h.Now, Log: h.Log, Key: key,
		Declaring: shopper.Declaring{SavePerson: people.Save, RemovePerson: people.Remove, SaveGrant: grants.Save, RevokeGrant: grants.Revoke},
	}), nil
}
