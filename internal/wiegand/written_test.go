// SPDX-License-Identifier: Apache-2.0

package wiegand_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sashlock/sashlock/internal/wiegand"
)

// A card is found again however it was written down.
func TestWrittenCardsAreFoundAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(wiegand.Formats()).Draw(t, "format")
		facility := uint64(0)
		if f.Facility.First > 0 {
			facility = uint64(rapid.IntRange(0, 255).Draw(t, "facility"))
		}
		number := uint64(rapid.IntRange(0, 65535).Draw(t, "number"))
		card, err := f.Encode(facility, number)
		if err != nil {
			t.Fatal(err)
		}
		value := uint64(0)
		for i := 1; i <= card.Len(); i++ {
			value <<= 1
			if card.At(i) {
				value |= 1
			}
		}
		ways := []wiegand.Written{
			{Number: card.String()}, {Number: fmt.Sprintf("0x%x", value)}, {Number: fmt.Sprintf("%Xh", value), Format: f.Name},
			{Number: fmt.Sprint(value), Format: fmt.Sprint(f.Bits) + " bit"},
		}
		if f.Facility.First > 0 {
			ways = append(ways, wiegand.Written{Facility: fmt.Sprint(facility), Number: fmt.Sprint(number)}, wiegand.Written{Number: fmt.Sprintf("%d:%d", facility, number), Format: fmt.Sprint(f.Bits)})
		} else {
			ways = append(ways, wiegand.Written{Number: fmt.Sprint(number)})
		}
		if f.Name == "H10301" {
			ways = append(ways, wiegand.Written{Number: fmt.Sprint(facility<<16 | number)}, wiegand.Written{Number: fmt.Sprintf("%010d", facility<<16|number)})
			if facility > 0 {
				ways = append(ways, wiegand.Written{Number: fmt.Sprintf("%d%05d", facility, number)})
			}
		}
		for _, w := range ways {
			if rows := w.Rows(); !slices.Contains(rows, card) {
				t.Errorf("%+v is not found among %v, want %v", w, rows, card)
			}
		}
	})
}

// What says one card says no other, and what says none says none.
func TestWrittenCardsThatAreSure(t *testing.T) {
	for _, c := range []struct {
		w    wiegand.Written
		rows int
	}{
		{wiegand.Written{Facility: "12", Number: "34567", Format: "26"}, 1},
		{wiegand.Written{Facility: "12", Number: "34567", Format: "26-bit Wiegand"}, 1},
		{wiegand.Written{Facility: "300", Number: "34567", Format: "26"}, 0},
		{wiegand.Written{Facility: "12", Number: "70000", Format: "H10301"}, 0},
		{wiegand.Written{Number: "34567", Format: "H10302"}, 1},
		{wiegand.Written{Number: "34567", Format: "99"}, 0},
		{wiegand.Written{Number: "ana"}, 0},
		{wiegand.Written{Number: "-1"}, 0},
		{wiegand.Written{Number: ""}, 0},
		{wiegand.Written{Number: "0x"}, 0},
		{wiegand.Written{Number: "12:x"}, 0},
	} {
		if got := c.w.Rows(); len(got) != c.rows {
			t.Errorf("%+v says %v, want %d", c.w, got, c.rows)
		}
	}
}

func FuzzWritten(f *testing.F) {
	for _, s := range []string{"12:34567", "0x2F6A1C", "01200345", "34567", "26", "1010101010101010101010101010"} {
		f.Add("", s, "26")
		f.Add(s, "1", "")
	}
	f.Fuzz(func(t *testing.T, facility, number, format string) {
		for _, row := range (wiegand.Written{Facility: facility, Number: number, Format: format}).Rows() {
			if row.Len() < wiegand.MinBits || row.Len() > wiegand.MaxBits {
				t.Errorf("a card of %d bits", row.Len())
			}
		}
	})
}
