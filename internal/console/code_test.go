// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sashlock/sashlock/internal/console"
)

func TestCodes(t *testing.T) {
	if got := console.DecisionCode(17); got != "00H-H" {
		t.Errorf("the code of entry 17 is %s", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		seq := rapid.Int64Range(0, 1<<40).Draw(t, "seq")
		code := console.DecisionCode(seq)
		for _, said := range []string{code, strings.ToLower(code), " " + strings.ReplaceAll(code, "-", " "), strings.ReplaceAll(code, "0", "o")} {
			if got, is := console.ReadDecisionCode(said); !is || got != seq {
				t.Fatalf("%q is %d, %v; want %d", said, got, is, seq)
			}
		}
		slip := []byte(code)
		at := rapid.IntRange(0, len(code)-3).Draw(t, "at")
		if slip[at] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[rapid.IntRange(0, 31).Draw(t, "digit")]; string(slip) == code {
			return
		}
		if got, is := console.ReadDecisionCode(string(slip)); is && got == seq {
			t.Fatalf("%s is taken for %s", slip, code)
		}
	})
	for _, none := range []string{"", "-", "0", "000", "0GK-5", strings.Repeat("Z", 10_000), "ÄÖÜ-1", "0GU-1"} {
		if seq, is := console.ReadDecisionCode(none); is {
			t.Errorf("%.20q is the code of %d", none, seq)
		}
	}
}
