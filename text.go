// SPDX-License-Identifier: Apache-2.0

package sashlock

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxNameLength is the most characters a display name may have.
const MaxNameLength = 80

// CheckName says what is wrong with a display name, in a sentence, or returns
// "". Names in every script are welcome. Refused are invalid UTF-8, control
// characters, and the marks that reverse the direction of writing: with them a
// name could be shown as another one (Unicode TR36 §2.10.5, TR9 §2).
func CheckName(name string) string {
	switch n := utf8.RuneCountInString(name); {
	case name == "":
		return "give it a name"
	case n > MaxNameLength:
		return "shorten it to 80 characters"
	case !utf8.ValidString(name):
		return "write it in UTF-8"
	}
	for _, r := range name {
		if unicode.IsControl(r) || isDirectionMark(r) || r == '\u2028' || r == '\u2029' {
			return "remove control characters and marks that change the direction of writing"
		}
	}
	return ""
}

func isDirectionMark(r rune) bool {
	return r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069' || r == '\u200E' || r == '\u200F' || r == '\u061C'
}

// Clip cuts a text that somebody wrote so that a message can quote it.
func Clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
