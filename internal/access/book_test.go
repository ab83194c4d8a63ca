// SPDX-License-Identifier: Apache-2.0

package access

import (
	"hash/maphash"
	"strings"
	"testing"
)

// TestBookFindsIdentifiersOfEveryLength goes across the length up to which an
// identifier lies in its entry, before and after the book is settled.
func TestBookFindsIdentifiersOfEveryLength(t *testing.T) {
	seed := maphash.MakeSeed()
	var b book[role]
	const longest = 70
	for n := 1; n <= longest; n++ {
		b.intern(seed, strings.Repeat("x", n), true)
	}
	check := func(when string) {
		t.Helper()
		for n := 1; n <= longest; n++ {
			id := strings.Repeat("x", n)
			number := b.find(seed, id)
			if number != uint32(n-1) {
				t.Fatalf("%s, an identifier of %d bytes has the number %d, want %d", when, n, number, n-1)
			}
			if got := b.at(number).id(); got != id {
				t.Errorf("%s, the identifier of %d bytes is %q", when, n, got)
			}
			if number := b.find(seed, id[:n-1]+"y"); number != none {
				t.Errorf("%s, an identifier nobody has, of %d bytes, has the number %d", when, n, number)
			}
		}
	}
	check("before settling")
	b.settle(seed)
	check("after settling")
}

func TestLabelTellsIdentifiersApart(t *testing.T) {
	base := strings.Repeat("x", 30)
	for _, id := range []string{"", "x", base[:29], base, base + "x", base + base + base} {
		l := labelOf(id)
		for _, other := range []string{"", "x", "y", base[:29], base[:29] + "y", base, base + "x", base + "y", base + "\x00", base + base + base} {
			if got := l.has(other); got != (id == other) {
				t.Errorf("the label of %q has %q: %t", id, other, got)
			}
		}
	}
}

// TestFilterKnowsItsKeys holds the two promises of a filter: it never denies a
// key that is there, and it denies nearly all that are not.
func TestFilterKnowsItsKeys(t *testing.T) {
	var alone *ground
	var items []item
	for n := range uint32(chunkSize) {
		items = append(items, item{key: keyOf(n * 77), limits: forever, schedule: anytime, id: "g"})
	}
	c := alone.packChunk(items)
	for _, it := range items {
		if c.may(it.key) != 1 {
			t.Errorf("the filter denies the key %#x, which is there", it.key)
		}
	}
	wrong := 0
	const strangers = 100_000
	for n := range uint32(strangers) {
		wrong += int(c.may(keyOf(1_000_000 + n)))
	}
	if wrong == 0 || wrong > strangers*5/100 {
		t.Errorf("the filter takes %d of %d strangers for its own, want few but some", wrong, strangers)
	}
}
