// SPDX-License-Identifier: Apache-2.0

package wiegand

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
)

func TestFormats(t *testing.T) {
	for _, f := range Formats() {
		if err := f.Check(); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if found, known := Find(f.Name); !known || found.Bits != f.Bits || !Known(f.Bits) {
			t.Errorf("%s is not found", f.Name)
		}
	}
}

// TestByHand has cards whose bits were worked out on paper from the makers'
// tables.
func TestByHand(t *testing.T) {
	for name, c := range map[string]struct {
		bits  string
		cards []Card
	}{
		// 0 or 1, eight bits of 1, sixteen bits of 2: one 1 among the first twelve, one among the last twelve.
		"H10301":          {"1 00000001 0000000000000010 0", []Card{{"H10301", 1, 2}}},
		"first is wrong":  {"0 00000001 0000000000000010 0", nil},
		"last is wrong":   {"1 00000001 0000000000000010 1", nil},
		"two bits turned": {"0 00000001 0000000000000010 1", nil},
		"H10306":          {"1 0000000000000001 0000000000000011 1", []Card{{"H10306", 1, 3}}},
		// 37 bits fit both; place 19 belongs to both parities.
		"37": {"1 0000000000000001 0000000000000000011 1", []Card{{"H10302", 0, 1<<19 + 3}, {"H10304", 1, 3}}},
		// Corporate 1000: facility 1 is place 14, number 1 is place 34. Places 3,4,6,7…33,34 have one 1 (34); with
		// place 2 set, places 2,3,5,6…32,33 have two (2, 14); place 1 makes the whole odd.
		"C1000-35": {"1 1 000000000001 00000000000000000001 1", []Card{{"C1000-35", 1, 1}}},
		// 48 bits: place 47 is in the first of the two parities, place 24 in the second.
		"C1000-48": {"0 1 0000000000000000000001 00000000000000000000001 0", []Card{{"C1000-48", 1, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := Parse(c.bits)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.cards, Decode(b)); diff != "" {
				t.Error(diff)
			}
			if got := strings.ReplaceAll(c.bits, " ", ""); b.String() != got {
				t.Errorf("written as %s", b)
			}
		})
	}
}

func TestRoundTrip(t *testing.T) {
	all := Formats()
	rapid.Check(t, func(t *rapid.T) {
		f := all[rapid.IntRange(0, len(all)-1).Draw(t, "format")]
		facility := rapid.Uint64Range(0, 1<<f.Facility.len()-1).Draw(t, "facility")
		number := rapid.Uint64Range(0, 1<<f.Number.len()-1).Draw(t, "number")
		b, err := f.Encode(facility, number)
		if err != nil {
			t.Fatal(err)
		}
		if card, fits := f.Read(b); !fits || card != (Card{f.Name, facility, number}) {
			t.Fatalf("%s: %d %d came back as %v", f.Name, facility, number, card)
		}
		place := rapid.IntRange(1, f.Bits).Draw(t, "turned")
		if card, fits := f.Read(b.With(place, !b.At(place))); fits {
			t.Fatalf("%s: with bit %d turned it reads %v", f.Name, place, card)
		}
	})
}

func TestEncodeRefuses(t *testing.T) {
	f, _ := Find("H10301")
	for field, v := range map[string][2]uint64{"facility": {256, 1}, "number": {1, 65536}} {
		var e *sashlock.Error
		if _, err := f.Encode(v[0], v[1]); !errors.As(err, &e) || e.Kind != sashlock.Invalid || e.Subject != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	f, _ = Find("H10302")
	if _, err := f.Encode(1, 1); err == nil {
		t.Error("a facility code was put into a format that has none")
	}
}

// own is an installer's format: 56 bits, a number at both ends of which is a
// parity over the whole.
func own() Format {
	return Format{Name: "own", Bits: 56, Facility: Span{2, 11}, Number: Span{12, 55}, Parities: []Parity{
		{At: 1, Span: []Span{{2, 28}}}, {At: 56, Odd: true, Span: []Span{{29, 55}}},
	}}
}

func TestOwnFormat(t *testing.T) {
	b, err := own().Encode(1000, 1<<43+5)
	if err != nil {
		t.Fatal(err)
	}
	if got := Decode(b); got != nil || Known(56) {
		t.Errorf("without the format it reads %v", got)
	}
	if diff := cmp.Diff([]Card{{"own", 1000, 1<<43 + 5}}, Decode(b, own())); diff != "" {
		t.Error(diff)
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		field string
		spoil func(*Format)
	}{
		"no name":          {"name", func(f *Format) { f.Name = "" }},
		"too short":        {"bits", func(f *Format) { f.Bits = 8 }},
		"too long":         {"bits", func(f *Format) { f.Bits = 129 }},
		"number outside":   {"number", func(f *Format) { f.Number.Last = 57 }},
		"no number":        {"number", func(f *Format) { f.Number = Span{} }},
		"too many places":  {"facility", func(f *Format) { f.Facility = Span{-3, 11} }},
		"shared":           {"number", func(f *Format) { f.Number.First = 11 }},
		"parity in number": {"parities", func(f *Format) { f.Parities[0].At = 20 }},
		"two at one place": {"parities", func(f *Format) { f.Parities[0].At = 56 }},
		"looks at itself":  {"parities", func(f *Format) { f.Parities[0].Span[0].First = 1 }},
		"looks ahead":      {"parities", func(f *Format) { f.Parities[0].Over = []int{56} }},
		"looks outside":    {"parities", func(f *Format) { f.Parities[0].Over = []int{57} }},
		"an endless span":  {"parities", func(f *Format) { f.Parities[0].Span = []Span{{2, 1 << 60}} }},
	} {
		t.Run(name, func(t *testing.T) {
			f := own()
			c.spoil(&f)
			var e *sashlock.Error
			if err := f.Check(); !errors.As(err, &e) || e.Kind != sashlock.Invalid || e.Subject != c.field || e.Hint == "" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "0101", strings.Repeat("0", 23), strings.Repeat("0", 129), strings.Repeat("0", 1e5), strings.Repeat("2", 26), strings.Repeat("é", 26)} {
		if _, err := Parse(text); !sashlock.IsKind(err, sashlock.Invalid) || len(text) > 5 && strings.Contains(err.Error(), text) {
			t.Errorf("%.10q: %v", text, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("10000000100000000000000100")
	f.Add(strings.Repeat("1", 37))
	f.Add(strings.Repeat("0", 128))
	f.Fuzz(func(t *testing.T, text string) {
		b, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(b.String()); err != nil || again != b {
			t.Fatalf("%s came back as %s, %v", b, again, err)
		}
		for _, card := range Decode(b, own()) {
			format, _ := Find(card.Format, own())
			if made, err := format.Encode(card.Facility, card.Number); err != nil || made != b {
				t.Fatalf("%s read as %v makes %s, %v", b, card, made, err)
			}
		}
	})
}
