// SPDX-License-Identifier: Apache-2.0

package console

import (
	"slices"
	"strings"
)

// codeDigits are the digits of the code of a decision: Crockford's base 32,
// which has no letters that are mistaken for digits. A code has at least
// codeLeast of them, and at most codeMost, without the one that checks.
const (
	codeDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	codeLeast  = 3
	codeMost   = 11
)

// DecisionCode is the short code of a decision: the number of its entry, and a
// digit that shows a slip of the tongue. People say it on the telephone.
func DecisionCode(seq int64) string {
	var digits []byte
	for n := seq; n > 0 || len(digits) < codeLeast; n /= 32 {
		digits = append(digits, codeDigits[n%32])
	}
	slices.Reverse(digits)
	return string(digits) + "-" + string(codeDigits[seq%31])
}

// ReadDecisionCode is the number of the entry that a code stands for, however it
// is written down; false when it is no code.
func ReadDecisionCode(text string) (seq int64, is bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	text = strings.NewReplacer("O", "0", "I", "1", "L", "1", "-", "", " ", "").Replace(text)
	if len(text) <= codeLeast || len(text) > codeMost+1 {
		return 0, false
	}
	for _, c := range text[:len(text)-1] {
		at := strings.IndexRune(codeDigits, c)
		if at < 0 {
			return 0, false
		}
		seq = seq*32 + int64(at)
	}
	return seq, text[len(text)-1] == codeDigits[seq%31]
}
