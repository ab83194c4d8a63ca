// SPDX-License-Identifier: Apache-2.0

package app

import (
	"crypto/hkdf"
	"crypto/sha256"
	"path/filepath"

	"github.com/sashlock/sashlock/internal/signin"
)

// openSignin builds the room of operators. What it has to know in clear, such as
// the secrets of one-time codes, it seals with a key made from the store node's
// own: who takes the database alone reads none of it.
func (h *House) openSignin() error {
	h.Signin = signin.New(h.Store, h.Hall, h.Now)
	h.Signin.SecretsFrom(filepath.Join(h.Config.Data, "secrets"))
	key, err := hkdf.Key(sha256.New, h.Keys.Command.Seed(), nil, "sashlock/signin/1", sha256.Size)
	if err != nil {
		return err
	}
	return h.Signin.SealWith(key)
}
