// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"crypto/sha256"
	"encoding/base64"

	"golang.org/x/mod/sumdb/tlog"
)

// SaltSize is the length of an entry's salt in bytes.
const SaltSize = 32

// commitmentPrefix separates commitments from every other use of SHA-256 and
// carries the version of the scheme.
const commitmentPrefix = "sashlock commitment v1\n"

// Commitment stands for an entry in the Merkle tree. It binds the entry's body
// without telling anything about it (see the package documentation).
type Commitment [sha256.Size]byte

// Commit returns the commitment to body under salt. The salt must be
// [SaltSize] random bytes, used for this entry only. Its fixed length is what
// keeps the border between salt and body unambiguous.
func Commit(salt [SaltSize]byte, body []byte) Commitment {
	var stack [512]byte // most bodies fit, and then nothing is allocated
	return sha256.Sum256(appendPreimage(stack[:0], salt[:], body))
}

// appendPreimage appends to dst the bytes a commitment is the hash of.
func appendPreimage(dst, salt, body []byte) []byte {
	dst = append(dst, commitmentPrefix...)
	dst = append(dst, salt...)
	return append(dst, body...)
}

// Leaf returns the Merkle leaf hash of c as RFC 6962, section 2.1, defines it.
// It equals tlog.RecordHash(c[:]) and does not allocate.
func (c Commitment) Leaf() tlog.Hash {
	var buf [1 + sha256.Size]byte // the first byte stays 0x00: "this is a leaf"
	copy(buf[1:], c[:])
	return sha256.Sum256(buf[:])
}

// String returns c in standard base64.
func (c Commitment) String() string {
	return base64.StdEncoding.EncodeToString(c[:])
}
