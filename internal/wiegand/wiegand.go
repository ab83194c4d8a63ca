// SPDX-License-Identifier: Apache-2.0

// Package wiegand reads what card readers send: a row of bits, of which some
// are a facility code, some the number of the card, and some parity.
//
// # What
//
// [Decode] answers with every format that a row of bits fits, because its
// length alone does not always tell: 37 bits may be H10302, which has no
// facility code, or H10304, which has one. [Format] describes a format as data,
// so that an installer's own needs no code. [Format.Encode] goes the other way.
//
// # How it fits
//
// Package credentials makes a card's identity from the bits; people read the
// facility code and the number, which are printed on cards.
//
// # Promises
//
// A row of bits whose parity is wrong in every format of its length is no card.
// What Encode makes, Decode reads back. Nothing here is secret, and nothing is
// proof: these formats can be copied by anybody who has read a card.
package wiegand

import (
	"math/bits"
	"strings"

	"github.com/sashlock/sashlock"
)

// MaxBits is the longest row of bits that is read.
const MaxBits = 128

// MinBits is the shortest: fewer would be a keystroke, not a card.
const MinBits = 24

// Bits are a row of bits as a reader sent it, first bit first. The zero value
// has none. It can be compared with ==.
type Bits struct {
	n      int
	hi, lo uint64 // the row as a number of 128 bits, the last bit lowest
}

// Len is how many bits there are.
func (b Bits) Len() int { return b.n }

// At returns the bit at a place, counted from 1 as the makers' tables do; false
// outside the row.
func (b Bits) At(place int) bool {
	i := b.n - place
	switch {
	case place < 1 || i < 0:
		return false
	case i < 64:
		return b.lo>>i&1 == 1
	}
	return b.hi>>(i-64)&1 == 1
}

// With returns the row with the bit at a place set or not; unchanged where
// there is no such place.
func (b Bits) With(place int, on bool) Bits {
	i := b.n - place
	if place < 1 || i < 0 {
		return b
	}
	half, mask := &b.lo, uint64(1)<<(i%64)
	if i >= 64 {
		half = &b.hi
	}
	*half &^= mask
	if on {
		*half |= mask
	}
	return b
}

// String writes the row as zeroes and ones.
func (b Bits) String() string {
	var text strings.Builder
	for place := 1; place <= b.n; place++ {
		if b.At(place) {
			text.WriteByte('1')
		} else {
			text.WriteByte('0')
		}
	}
	return text.String()
}

// Zeroes is a row of n bits that are not set; with n out of range it has none.
func Zeroes(n int) Bits {
	if n < 1 || n > MaxBits {
		return Bits{}
	}
	return Bits{n: n}
}

// Parse reads a row of zeroes and ones. Blanks between them are no part of it.
// The error is of kind invalid and does not repeat the row.
func Parse(text string) (Bits, error) {
	invalid := func(hint string) (Bits, error) {
		return Bits{}, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading card", Subject: "bits", Hint: hint}
	}
	if len(text) > 4*MaxBits {
		return invalid("this is too long for a card")
	}
	row := make([]bool, 0, MaxBits)
	for _, c := range text {
		switch c {
		case '0', '1':
			row = append(row, c == '1')
		case ' ':
		default:
			return invalid("write the bits as zeroes and ones, as the reader sent them")
		}
	}
	if len(row) < MinBits || len(row) > MaxBits {
		return invalid("a card has 24 to 128 bits")
	}
	b := Zeroes(len(row))
	for i, on := range row {
		b = b.With(i+1, on)
	}
	return b, nil
}

// Span is a stretch of places from First to Last, counted from 1. The zero
// value has none.
type Span struct {
	First int `json:"first"`
	Last  int `json:"last"`
}

func (s Span) len() int {
	if s.First < 1 || s.Last < s.First {
		return 0
	}
	return s.Last - s.First + 1
}

// Parity is one parity bit and what it is made of.
type Parity struct {
	At   int    `json:"at"`   // its place
	Odd  bool   `json:"odd"`  // the ones, itself included, are an odd number
	Over []int  `json:"over"` // the places it looks at, without its own
	Span []Span `json:"span"` // more of them, as stretches
}

// Format says where in a row of bits the facility code, the number and the
// parities are.
type Format struct {
	Name     string   `json:"name"` // "H10301"
	Bits     int      `json:"bits"`
	Facility Span     `json:"facility"` // none: the format has no facility code
	Number   Span     `json:"number"`
	Parities []Parity `json:"parities"` // in the order in which they are made: a later one may look at an earlier
}

// Card is what a row of bits says when it is read in a format.
type Card struct {
	Format   string
	Facility uint64
	Number   uint64
}

// Check reports, as an error of kind invalid that names the part, why a format
// cannot be used.
func (f Format) Check() error {
	invalid := func(field, hint string) error {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading card format", Subject: field, Hint: hint}
	}
	fits := func(s Span) bool { return s == Span{} || s.len() > 0 && s.len() <= 64 && s.Last <= f.Bits }
	switch {
	case f.Name == "" || len(f.Name) > 40:
		return invalid("name", "give the format a name of 40 characters at most")
	case f.Bits < MinBits || f.Bits > MaxBits:
		return invalid("bits", "a card has 24 to 128 bits")
	case !fits(f.Facility):
		return invalid("facility", "name places within the card, 64 at most")
	case f.Number == Span{} || !fits(f.Number):
		return invalid("number", "name places within the card, 64 at most")
	case f.Facility.len() > 0 && f.Facility.First <= f.Number.Last && f.Number.First <= f.Facility.Last:
		return invalid("number", "facility code and number may not share places")
	}
	made := map[int]bool{}
	for i := len(f.Parities) - 1; i >= 0; i-- {
		p := f.Parities[i]
		switch {
		case p.At < 1 || p.At > f.Bits || made[p.At] || within(p.At, f.Facility) || within(p.At, f.Number):
			return invalid("parities", "a parity bit needs a place of its own within the card")
		case p.looksAt(p.At):
			return invalid("parities", "a parity bit cannot look at itself")
		}
		made[p.At] = true
		for _, place := range p.places() {
			if place < 1 || place > f.Bits || made[place] {
				return invalid("parities", "a parity may look only at places within the card that are made before it")
			}
		}
	}
	return nil
}

func within(place int, s Span) bool { return s.len() > 0 && place >= s.First && place <= s.Last }

func (p Parity) looksAt(place int) bool {
	for _, other := range p.places() {
		if other == place {
			return true
		}
	}
	return false
}

// places are all that a parity looks at; never more than a card can have.
func (p Parity) places() []int {
	all := append(make([]int, 0, MaxBits), p.Over[:min(len(p.Over), MaxBits)]...)
	for _, s := range p.Span[:min(len(p.Span), MaxBits)] {
		if s.len() > MaxBits {
			return append(all, 0) // no place: Check refuses it
		}
		for place := s.First; place <= s.Last; place++ {
			all = append(all, place)
		}
	}
	return all
}

// bit is what a parity bit has to be.
func (p Parity) bit(b Bits) bool {
	on := p.Odd
	for _, place := range p.places() {
		on = on != b.At(place)
	}
	return on
}

// Read reads a row of bits in the format; false when its length or a parity
// does not fit.
func (f Format) Read(b Bits) (Card, bool) {
	if b.n != f.Bits {
		return Card{}, false
	}
	for _, p := range f.Parities {
		if p.bit(b) != b.At(p.At) {
			return Card{}, false
		}
	}
	return Card{Format: f.Name, Facility: b.number(f.Facility), Number: b.number(f.Number)}, true
}

func (b Bits) number(s Span) (n uint64) {
	for place := s.First; s.len() > 0 && place <= s.Last; place++ {
		n <<= 1
		if b.At(place) {
			n |= 1
		}
	}
	return n
}

// Encode makes the row of bits of a card. The error is of kind invalid and
// names what is too large for the format.
func (f Format) Encode(facility, number uint64) (Bits, error) {
	if err := f.Check(); err != nil {
		return Bits{}, err
	}
	b := Zeroes(f.Bits)
	for _, part := range []struct {
		name  string
		value uint64
		at    Span
	}{{"facility", facility, f.Facility}, {"number", number, f.Number}} {
		if bits.Len64(part.value) > part.at.len() {
			return Bits{}, &sashlock.Error{Kind: sashlock.Invalid, Op: "encoding card", Subject: part.name, Hint: "this is too large for the format " + f.Name}
		}
		for i := range part.at.len() {
			b = b.With(part.at.Last-i, part.value>>i&1 == 1)
		}
	}
	for _, p := range f.Parities {
		b = b.With(p.At, p.bit(b))
	}
	return b, nil
}

// Decode reads a row of bits in every format that it fits: the usual ones
// first, then the given ones, in order. None: it is no card of these formats,
// or it was misread.
func Decode(b Bits, more ...Format) (cards []Card) {
	for _, f := range append(Formats(), more...) {
		if card, fits := f.Read(b); fits && f.Check() == nil {
			cards = append(cards, card)
		}
	}
	return cards
}

// Known reports whether a format of that many bits is known. A row of such a
// length that fits none was misread.
func Known(n int, more ...Format) bool {
	for _, f := range append(Formats(), more...) {
		if f.Bits == n {
			return true
		}
	}
	return false
}

// Find returns the format of a name.
func Find(name string, more ...Format) (Format, bool) {
	for _, f := range append(Formats(), more...) {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}
