// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/sashlock/sashlock"
)

// CodeLister is a session that can tell which PIN slots of a lock are in use.
// Its error is of kind denied where a lock of the ecosystem cannot be asked that.
type CodeLister interface {
	Codes(ctx context.Context, address string) ([]Code, error)
}

// Code is one PIN slot of a lock. The PIN itself is never read.
type Code struct {
	Slot    int
	InUse   bool
	Enabled bool
}

// CodeWriter is a session that can write PIN slots. It keeps no list of its own
// and decides nothing: which code stands in which slot is the caller's to know.
//
// Both methods return nil only when the lock itself said that the slot is now as
// asked, or, where a lock can be asked nothing, that it did what it was told.
// Doing the same again is no error. Errors are sashlock.Errors: of kind
// unavailable when it is not known what became of it, because the device or its
// gateway did not answer or the context ended; denied when the lock would not
// take the code; limit when it has no such slot. Once the context has ended
// nothing more is sent.
type CodeWriter interface {
	// SetCode puts a PIN into a slot.
	SetCode(ctx context.Context, address string, s CodeSetting) (CodeSet, error)
	// ClearCode empties a slot.
	ClearCode(ctx context.Context, address string, slot int) error
}

// CodeSetting is what a slot is to hold.
type CodeSetting struct {
	Slot     int // from 1
	PIN      PIN
	Disabled bool // it is kept and opens nothing
	// Fresh says that the slot has to be free. One that is in use is left as it
	// is, and the error is of kind conflict.
	Fresh bool
	// From and Until bound when it opens; zero: not bounded. They are written as
	// the clocks of their location show them, to the minute, never later than
	// asked.
	From, Until time.Time
}

// CodeSet is what a lock made of a [CodeSetting].
type CodeSet struct {
	// Sent says that the lock may have been told, also when there is an error.
	// Otherwise the slot is as it was.
	Sent bool
	// Bounded says that the lock itself keeps From and Until. Otherwise whoever
	// wrote the code has to clear it in time.
	Bounded bool
}

// PIN is a PIN on its way into a lock. However it is printed or logged, the
// digits are not in the outcome; see [Hidden].
type PIN struct{ Hidden }

// The lengths of PINs that locks take.
const (
	minPIN = 4
	maxPIN = 10
)

// NewPIN returns the PIN of 4 to 10 decimal digits. Its error, of kind invalid,
// holds none of them.
func NewPIN(digits string) (PIN, error) {
	ok := len(digits) >= minPIN && len(digits) <= maxPIN
	for _, c := range []byte(digits) {
		ok = ok && c >= '0' && c <= '9'
	}
	if !ok {
		return PIN{}, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading PIN", Hint: "a PIN has 4 to 10 digits"}
	}
	return PIN{Hide(digits)}, nil
}

// Is reports whether the PIN has these digits, in a time that does not depend on
// which of them differ.
func (p PIN) Is(digits string) bool {
	return p != PIN{} && subtle.ConstantTimeCompare([]byte(p.Reveal()), []byte(digits)) == 1
}
