// SPDX-License-Identifier: Apache-2.0

package shopper

import (
	"strings"
	"testing"
	"time"
)

func TestReadCode(t *testing.T) {
	for text, want := range map[string]Code{
		"K7MQ-3XTD": "K7MQ3XTD", "k7mq3xtd": "K7MQ3XTD", " k7mq – 3xtd ": "K7MQ3XTD", "oOiI-lL00": "00111100",
	} {
		if got, whole := ReadCode(text); got != want || !whole {
			t.Errorf("%q is read as %q %v", text, got, whole)
		}
	}
	for _, text := range []string{"", "K7MQ", "K7MQ-3XTDA", "K7MQ-3XTU", "K7MQ\x003XT", strings.Repeat("-", 100) + "K7MQ3XTD", "Ｋ7MQ3XTD"} {
		if got, whole := ReadCode(text); whole {
			t.Errorf("%q is read as %q", text, got)
		}
	}
	seen := map[Code]bool{}
	for range 1000 {
		c := NewCode()
		if back, whole := ReadCode(c.String()); back != c || !whole || seen[c] {
			t.Fatalf("%s is read back as %s %v", c, back, whole)
		}
		seen[c] = true
	}
}

func FuzzReadCode(f *testing.F) {
	for _, text := range []string{"K7MQ-3XTD", "oil0 oil0", "", "\xff\xfe", "K7MQ\u20113XTD"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, whole := ReadCode(text)
		if !whole {
			return
		}
		if len(c) != codeLength || strings.Trim(string(c), alphabet) != "" {
			t.Fatalf("%q is read as %q", text, c)
		}
		if again, same := ReadCode(c.String()); again != c || !same {
			t.Fatalf("%q is read as %q, which is read as %q", text, c, again)
		}
	})
}

func TestPace(t *testing.T) {
	p, now := newPace(), time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for i, want := range []time.Duration{0, 0, firstRest, 2 * firstRest, 4 * firstRest} {
		p.miss(now, "a")
		if got := p.rests(now, "a"); got != want {
			t.Errorf("after %d wrong codes it rests for %v, want %v", i+1, got, want)
		}
	}
	if p.rests(now, "b") != 0 {
		t.Error("somebody else has to wait too")
	}
	for range 20 {
		p.miss(now, "a")
	}
	if got := p.rests(now, "a"); got != longRest {
		t.Errorf("the longest rest is %v", got)
	}
	later := now.Add(forgetIn)
	if p.miss(later, "a"); p.rests(later, "a") != 0 {
		t.Error("time forgives nothing")
	}
	for i := range mostKept + 10 {
		p.miss(later, strings.Repeat("x", i))
	}
	if len(p.tries) > mostKept || p.rests(later, "new") == 0 {
		t.Errorf("%d are kept, and a new one is listened to", len(p.tries))
	}
	if p.rests(later.Add(forgetIn), "new") != 0 {
		t.Error("a full list stays full")
	}
}
