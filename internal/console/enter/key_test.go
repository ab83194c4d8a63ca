// SPDX-License-Identifier: Apache-2.0

package enter_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// softKey is a passkey in software (Web Authentication level 3, sections 6 and
// 7), which can be told to lie.
type softKey struct {
	t      *testing.T
	id     []byte
	key    *ecdsa.PrivateKey
	handle []byte // whose it is, once it was enrolled
	party  string // the name it was enrolled at

	origin     string // what it says it is used at
	unverified bool   // it did not check who holds it
}

func newKey(t *testing.T, origin string) *softKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		t.Fatal(err)
	}
	return &softKey{t: t, id: id, key: k, origin: origin, party: "localhost"}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// options is what we ask of a passkey, as far as it looks at it.
type options struct {
	PublicKey struct {
		Challenge string
		User      struct{ ID string }
	}
}

func (k *softKey) clientData(kind, challenge string) []byte {
	text, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": k.origin, "crossOrigin": false})
	if err != nil {
		k.t.Fatal(err)
	}
	return text
}

// authenticatorData is section 6.1: the name, flags, a counter that stays 0.
func (k *softKey) authenticatorData(flags byte) []byte {
	sum := sha256.Sum256([]byte(k.party))
	flags |= 1 // somebody is there
	if !k.unverified {
		flags |= 4
	}
	return append(append(sum[:], flags), 0, 0, 0, 0)
}

// enrol answers to the making of a passkey.
func (k *softKey) enrol(o options) string {
	k.t.Helper()
	handle, err := base64.RawURLEncoding.DecodeString(o.PublicKey.User.ID)
	if err != nil {
		k.t.Fatal(err)
	}
	k.handle = handle
	public, err := k.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		k.t.Fatal(err)
	}
	data := append(k.authenticatorData(0x40), make([]byte, 16)...)
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(k.id))), k.id...)
	data = append(data, 0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32) // COSE: EC2, ES256, P-256, x
	data = append(append(data, public[1:33]...), 0x22, 0x58, 32)
	data = append(data, public[33:]...)
	object := []byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59")
	object = append(binary.BigEndian.AppendUint16(object, uint16(len(data))), data...)
	return k.answer(map[string]any{"clientDataJSON": b64(k.clientData("webauthn.create", o.PublicKey.Challenge)), "attestationObject": b64(object)})
}

// use answers to the use of a passkey.
func (k *softKey) use(o options) string {
	k.t.Helper()
	client, data := k.clientData("webauthn.get", o.PublicKey.Challenge), k.authenticatorData(0)
	sum := sha256.Sum256(client)
	sum = sha256.Sum256(append(append([]byte(nil), data...), sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.key, sum[:])
	if err != nil {
		k.t.Fatal(err)
	}
	return k.answer(map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(k.handle)})
}

func (k *softKey) answer(response map[string]any) string {
	text, err := json.Marshal(map[string]any{"id": b64(k.id), "rawId": b64(k.id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}})
	if err != nil {
		k.t.Fatal(err)
	}
	return string(text)
}
