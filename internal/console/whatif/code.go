// SPDX-License-Identifier: Apache-2.0

package whatif

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock/internal/console"
)

// symbols are the digits of a code, shortest is how many it has at least,
// without the one that checks.
const (
	symbols  = console.CodeDigits
	shortest = console.CodeLeast
)

// codeOf is the short code of a decision.
func codeOf(seq int64) string { return console.DecisionCode(seq) }

// readCode is the number of the entry that a code stands for; false when it is
// no code.
func readCode(text string) (int64, bool) {
	const longest = 12
	text = strings.ToUpper(strings.TrimSpace(text))
	text = strings.NewReplacer("O", "0", "I", "1", "L", "1", "-", "", " ", "").Replace(text)
	if len(text) <= shortest || len(text) > longest {
		return 0, false
	}
	var seq int64
	for _, c := range text[:len(text)-1] {
		at := strings.IndexRune(symbols, c)
		if at < 0 {
			return 0, false
		}
		seq = seq*32 + int64(at)
	}
	return seq, text[len(text)-1] == symbols[seq%31]
}

// number writes a number with its thousands apart.
func number(n int64) string {
	digits := []byte(strconv.FormatInt(n, 10))
	for i := len(digits) - 3; i > 0 && n >= 10_000; i -= 3 {
		digits = slices.Insert(digits, i, []byte("\u202f")...)
	}
	return string(digits)
}
