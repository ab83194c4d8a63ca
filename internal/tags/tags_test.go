// SPDX-License-Identifier: Apache-2.0

package tags

import (
	"strings"
	"testing"
)

func TestNormal(t *testing.T) {
	for typed, want := range map[string]string{
		"7Q4F": "7Q4F", " 7q4f ": "7Q4F", "7q-4f": "7Q4F", "7Q 4F 2": "7Q4F2", "": "", "7Q4": "", "7Q4F234": "", "7Q4O": "", "7Q4É": "",
		"AEIO": "", "7Q4F\x00": "", strings.Repeat(" ", 100) + "7Q4F": "",
	} {
		if got := Normal(typed); got != want {
			t.Errorf("%q is %q, want %q", typed, got, want)
		}
	}
}

func TestRandomTagsAreTagsAndUseTheWholeAlphabet(t *testing.T) {
	seen := map[rune]int{}
	for range 2000 {
		tag := random(shortest)
		if Normal(tag) != tag {
			t.Fatalf("%q is no tag", tag)
		}
		for _, r := range tag {
			seen[r]++
		}
	}
	if len(seen) != len(alphabet) {
		t.Errorf("%d signs were used of %d", len(seen), len(alphabet))
	}
	for r, n := range seen {
		if n < 200 || n > 520 { // 348 each, were they all alike
			t.Errorf("%q came %d times", r, n)
		}
	}
}
