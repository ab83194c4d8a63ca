// SPDX-License-Identifier: Apache-2.0

package cutover

import (
	"testing"

	"github.com/sashlock/sashlock/internal/wiegand"
)

func FuzzCards(f *testing.F) {
	f.Add("name,card,format,until\nRui,12:7,26,2027-01-01\n", "26", "")
	f.Add("Card Number\tFrom\tTo\tFront Door\n1200100\t2026-01-01\t3/4/2030\tY\n", "", "side_by_side")
	f.Add("\xff\xfen\x00a\x00", "H10304", "whole")
	f.Fuzz(func(t *testing.T, list, format, as string) {
		r := readCards([]byte(list), CardOptions{Format: format, As: wiegand.Notation(as), Doors: map[string]string{"Front Door": "case-1"}})
		for _, p := range r.rows {
			if r.Wrong == 0 && p.card.Len() == 0 {
				t.Errorf("row %d has no card", p.row)
			}
		}
	})
}
