// SPDX-License-Identifier: Apache-2.0

package table

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// PlainWords writes a text in the letters a to z and digits, with one sign
// between its words.
func PlainWords(s string, between byte) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(strings.ToLower(s)) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte(between)
			}
			b.WriteRune(r)
			gap = false
		case r >= 0x300 && r < 0x370: // accents, parted from their letters
		default:
			if letters := spelled(r); letters != "" {
				if gap && b.Len() > 0 {
					b.WriteByte(between)
				}
				b.WriteString(letters)
				gap = false
				continue
			}
			gap = true
		}
	}
	return b.String()
}

// spelled writes the Latin letters that are more than a letter with an accent.
func spelled(r rune) string {
	switch r {
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'ø':
		return "o"
	case 'ł':
		return "l"
	case 'đ', 'ð':
		return "d"
	case 'þ':
		return "th"
	case 'ı':
		return "i"
	}
	return ""
}
