// SPDX-License-Identifier: Apache-2.0

// Package devicekeys is the house's own certificate authority for devices: who
// may connect as which device.
//
// # What
//
// [Open] reads the authority of a folder, and makes one where there is none.
// [Authority.Invite] makes a code that lets one device in, once and for a
// quarter of an hour. The device makes its key, proves the code and has
// [Authority.Enrol] sign a certificate for its address; from then on
// [Authority.Check] knows it. [Authority.Remove] turns it out again.
//
// # How it fits
//
// The endpoint of our own devices asks it about every connection; the command
// line invites and removes, in the same folder, also while the store node runs.
// It has nothing to do with the certificates that browsers see (tlskeys).
//
// # Promises
//
// Private keys of devices never come here. A code is kept as its hash only, is
// good for one address and used up before anything is signed for it. A
// certificate counts only while its key is the one that was enrolled last for
// its address: enrolling again or removing ends the old one at once, whatever
// it says about its validity. Each code names the authority, so that a device
// can tell the house from anybody else before it says a word.
package devicekeys

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
)

// How long things are good for.
const (
	CodeLife        = 15 * time.Minute
	CertificateLife = 2 * 365 * 24 * time.Hour
	authorityLife   = 20 * 365 * 24 * time.Hour
	serverLife      = 30 * 24 * time.Hour
	slack           = time.Hour // clocks of devices that are behind

	// EndsSoon is what is left of a certificate that should long have been
	// renewed: devices that do so by themselves begin half a year before the end.
	EndsSoon = 60 * 24 * time.Hour
)

// Code is what a device is given to enrol with.
type Code struct {
	Site      string // the site in the topics
	Address   string // the device's address
	Secret    [16]byte
	Authority [16]byte // the beginning of the authority's fingerprint
}

func alphabet() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

// String writes the code as it is typed: site, address and 52 letters and
// digits.
func (c Code) String() string {
	return c.Site + "/" + c.Address + "/" + alphabet().EncodeToString(append(c.Secret[:], c.Authority[:]...))
}

// ParseCode reads a code. Case and hyphens within the letters do not matter.
func ParseCode(text string) (Code, error) {
	bad := &sashlock.Error{Kind: sashlock.Invalid, Op: "reading enrolment code", Hint: `copy the whole code, like "store/till-3/ABC…"`}
	site, rest, _ := strings.Cut(strings.TrimSpace(text), "/")
	address, letters, found := strings.Cut(rest, "/")
	b, err := alphabet().DecodeString(strings.ToUpper(strings.ReplaceAll(letters, "-", "")))
	if !found || err != nil || len(b) != 32 || !sashlock.ValidSlug(site) || !sashlock.ValidSlug(address) {
		return Code{}, bad
	}
	return Code{Site: site, Address: address, Secret: [16]byte(b[:16]), Authority: [16]byte(b[16:])}, nil
}

func newSecret() (s [16]byte, err error) {
	_, err = rand.Read(s[:])
	return s, err
}

// hashed is the name under which a secret is kept.
func hashed(secret [16]byte) string {
	sum := sha256.Sum256(append([]byte("sashlock enrolment code v1\n"), secret[:]...))
	return hex.EncodeToString(sum[:])
}
