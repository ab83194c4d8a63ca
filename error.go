// SPDX-License-Identifier: Apache-2.0

package sashlock

import (
	"errors"
	"strings"
)

// Kind is what sort of failure an [Error] is; the API maps it to a status code
// and the command line to an exit code.
type Kind string

// The kinds of failure.
const (
	Invalid     Kind = "invalid"     // the input is wrong; the hint says how to mend it
	Denied      Kind = "denied"      // the caller may not do this
	NotFound    Kind = "not_found"   // there is no such thing, or not within the caller's scope
	Conflict    Kind = "conflict"    // somebody changed it meanwhile, or the name is taken
	Unavailable Kind = "unavailable" // not now: try again later
	Limit       Kind = "limit"       // too much, too many or too often
	Internal    Kind = "internal"    // our fault; details are for the log only
)

// Error is a failure that a caller can act on. A refused request to open
// something is not an error: that is a [Decision].
type Error struct {
	Kind    Kind
	Op      string // what was being done, a gerund: "saving grant"
	Subject string // what it concerned: a field, a slug or an identifier, never a person's name
	Hint    string // what to do about it, one plain sentence
	Err     error  // the cause, never shown outside for Internal
}

// Error returns the failure in one line for the log and the command line.
func (e *Error) Error() string {
	var b strings.Builder
	for _, s := range []string{e.Op, e.Subject} {
		if s != "" {
			b.WriteString(s)
			b.WriteString(": ")
		}
	}
	switch {
	case e.Hint != "" && e.Err != nil:
		b.WriteString(e.Hint + " (" + e.Err.Error() + ")")
	case e.Hint != "":
		b.WriteString(e.Hint)
	case e.Err != nil:
		b.WriteString(e.Err.Error())
	default:
		b.WriteString(string(e.Kind))
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the outermost [Error] in err's chain, or Internal
// for any other error. It returns "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// IsKind reports whether err is an [Error] of kind k.
func IsKind(err error, k Kind) bool { return err != nil && KindOf(err) == k }
