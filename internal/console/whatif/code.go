// SPDX-License-Identifier: Apache-2.0

package whatif

import (
	"slices"
	"strconv"
)

// number writes a number with its thousands apart.
func number(n int64) string {
	digits := []byte(strconv.FormatInt(n, 10))
	for i := len(digits) - 3; i > 0 && n >= 10_000; i -= 3 {
		digits = slices.Insert(digits, i, []byte("\u202f")...)
	}
	return string(digits)
}
