// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"errors"
	"fmt"
	"log/slog"
)

// Hidden is a PIN or another secret on its way between a device and where it is
// looked up or written. However it is printed or logged, the secret is not in the
// outcome, and it cannot be marshalled: [Hidden.Reveal] is the only way to it.
// The secret stands behind a pointer, because package fmt looks into fields that
// are not exported without asking.
type Hidden struct{ text *string }

// hidden stands where a secret would be printed.
const hidden = "(hidden)"

var errHidden = errors.New("a secret is never marshalled")

// Hide wraps a secret.
func Hide(secret string) Hidden { return Hidden{&secret} }

// Reveal returns the secret, for the one place that looks it up or writes it to
// the wire; empty for the zero value.
func (h Hidden) Reveal() string {
	if h.text == nil {
		return ""
	}
	return *h.text
}

// String returns a word that stands for any secret.
func (Hidden) String() string { return hidden }

// GoString is as [Hidden.String].
func (Hidden) GoString() string { return hidden }

// Format prints the word of [Hidden.String], whatever the verb.
func (Hidden) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hidden)) }

// LogValue is the word of [Hidden.String].
func (Hidden) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON refuses.
func (Hidden) MarshalJSON() ([]byte, error) { return nil, errHidden }

// MarshalText refuses.
func (Hidden) MarshalText() ([]byte, error) { return nil, errHidden }

// MarshalBinary refuses.
func (Hidden) MarshalBinary() ([]byte, error) { return nil, errHidden }

// GobEncode refuses.
func (Hidden) GobEncode() ([]byte, error) { return nil, errHidden }
