// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Key is the public key a store signs its checkpoints with, in the verifier
// key format of C2SP signed notes: name+hash+base64. It implements
// [note.Verifier]. The zero Key verifies nothing.
type Key struct {
	verifier note.Verifier
	text     string
}

// ParseKey reads a verifier key (Ed25519 only). It accepts exactly one
// spelling of each key, so that two different texts are two different keys.
func ParseKey(text string) (Key, error) {
	v, err := note.NewVerifier(text)
	if err != nil {
		return Key{}, fmt.Errorf("reading the verifier key: %w", err)
	}
	parts := strings.Split(text, "+")
	hash := fmt.Sprintf("%08x", v.KeyHash())
	// A "+" is also a base64 digit, so the key itself may contain some.
	key := strings.Join(parts[2:], "+")
	if parts[1] != hash {
		return Key{}, errors.New("reading the verifier key: its hash is not in lower-case hexadecimal")
	}
	if _, err := decodeBase64(key); err != nil {
		return Key{}, fmt.Errorf("reading the verifier key: %w", err)
	}
	return Key{verifier: v, text: text}, nil
}

// Name returns the key's name, which is also the origin of the ledger it signs.
func (k Key) Name() string {
	if k.verifier == nil {
		return ""
	}
	return k.verifier.Name()
}

// KeyHash returns the 32-bit key identifier of C2SP signed notes.
func (k Key) KeyHash() uint32 {
	if k.verifier == nil {
		return 0
	}
	return k.verifier.KeyHash()
}

// Verify reports whether sig is this key's signature of msg.
func (k Key) Verify(msg, sig []byte) bool {
	return k.verifier != nil && k.verifier.Verify(msg, sig)
}

// String returns the key in the form that [ParseKey] reads.
func (k Key) String() string { return k.text }

// IsZero reports whether k is the zero Key.
func (k Key) IsZero() bool { return k.verifier == nil }

// Fingerprint returns SHA-256 over the key's name and bytes in hexadecimal, in
// groups of eight digits, for people to compare by eye. Its first group is the
// key hash that also stands in the verifier key itself.
func (k Key) Fingerprint() string {
	parts := strings.SplitN(k.text, "+", 3)
	if len(parts) != 3 {
		return ""
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return "" // not reached: ParseKey decoded it
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	digits := hex.EncodeToString(sum[:])
	groups := make([]string, 0, len(digits)/8)
	for ; len(digits) > 0; digits = digits[8:] {
		groups = append(groups, digits[:8])
	}
	return strings.Join(groups, " ")
}

// decodeBase64 decodes standard padded base64 and accepts one spelling only:
// no line breaks, no spare bits set. encoding/base64 tolerates both, even in
// its strict mode as far as line breaks go.
func decodeBase64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("base64 contains a line break")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("base64 is not well formed: %w", err)
	}
	return b, nil
}
