// SPDX-License-Identifier: Apache-2.0

package console

import "slices"

// CodeDigits are the digits of the code of a decision: Crockford's base 32,
// which has no letters that are mistaken for digits.
const CodeDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// CodeLeast is how many digits a code has at least, without the one that checks.
const CodeLeast = 3

// DecisionCode is the short code of a decision: the number of its entry, and a
// digit that shows a slip of the tongue. People say it on the telephone.
func DecisionCode(seq int64) string {
	var digits []byte
	for n := seq; n > 0 || len(digits) < CodeLeast; n /= 32 {
		digits = append(digits, CodeDigits[n%32])
	}
	slices.Reverse(digits)
	return string(digits) + "-" + string(CodeDigits[seq%31])
}
