// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"

	"github.com/sashlock/sashlock"
)

// What has to be known in clear, to compute one-time codes or to show it to a
// provider of single sign-on, is sealed with a key that is not in the database:
// AES-256 in Galois counter mode with a random nonce (NIST SP 800-38D). A box
// begins with how it was made.
const (
	boxPlain  byte = 0 // there was no key
	boxSealed byte = 1
)

// SealWith gives the room the key, 32 bytes, under which it keeps what it has
// to know in clear. Call it before the room is used.
func (r *Room) SealWith(key []byte) error {
	block, err := aes.NewCipher(key)
	if err != nil {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "sealing secrets", Hint: "the key has 32 bytes", Err: err}
	}
	r.seal, err = cipher.NewGCM(block)
	return err
}

// Seals reports whether secrets are sealed at rest.
func (r *Room) Seals() bool { return r.seal != nil }

// enclose seals a secret for one purpose: it opens for no other.
func (r *Room) enclose(secret []byte, purpose string) ([]byte, error) {
	if r.seal == nil {
		return append([]byte{boxPlain}, secret...), nil
	}
	nonce := make([]byte, r.seal.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return r.seal.Seal(append([]byte{boxSealed}, nonce...), nonce, secret, []byte(purpose)), nil
}

// disclose opens what enclose sealed.
func (r *Room) disclose(box []byte, purpose string) ([]byte, error) {
	wrong := func(err error) error {
		return &sashlock.Error{Kind: sashlock.Internal, Op: "opening a sealed secret", Subject: purpose, Hint: "the key of this store node is another one than when it was kept: set it up again", Err: err}
	}
	switch {
	case len(box) == 0:
		return nil, wrong(nil)
	case box[0] == boxPlain:
		return box[1:], nil
	case box[0] != boxSealed || r.seal == nil || len(box) < 1+r.seal.NonceSize():
		return nil, wrong(nil)
	}
	n := r.seal.NonceSize()
	secret, err := r.seal.Open(nil, box[1:1+n], box[1+n:], []byte(purpose))
	if err != nil {
		return nil, wrong(err)
	}
	return secret, nil
}
