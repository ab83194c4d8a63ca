// SPDX-License-Identifier: Apache-2.0

package wiegand

import (
	"math/big"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Written is a card as other systems write it down: as facility code and number,
// as both in one ("12:34567", or the eight digits of a UHPPOTE controller), or as
// the whole row of bits in decimal, hexadecimal ("0x…") or zeroes and ones.
type Written struct {
	Facility string // empty: there is none, or it stands with the number
	Number   string
	Format   string // "26", "34 bit", "H10304"; empty: it is not said
	As       Notation
}

// Notation is what the digits of a card without a facility code of its own mean.
type Notation string

// The notations; the empty one is whichever fits.
const (
	Plain      Notation = "number"       // the number of a format without facility codes
	SideBySide Notation = "side_by_side" // facility code and number, whose five digits are the last ones: a UHPPOTE controller
	Printed    Notation = "printed"      // facility code and number as one number of 24 bits: printed on many cards
	Whole      Notation = "whole"        // all bits with their parities as one number
)

// Notations lists them.
func Notations() []Notation { return []Notation{Plain, SideBySide, Printed, Whole} }

// longestWritten is more than any card takes to write down.
const longestWritten = 4 * MaxBits

// Rows returns every row of bits that the card may stand for, the likeliest
// first; none: it cannot be understood, or no format has room for it. Where one
// card has to be meant, more than one row is too many.
func (w Written) Rows(more ...Format) (rows []Bits) {
	if len(w.Facility)+len(w.Number)+len(w.Format) > longestWritten {
		return nil
	}
	formats := w.formats(more)
	facility, number := strings.TrimSpace(w.Facility), strings.TrimSpace(w.Number)
	if facility == "" {
		if a, b, parted := strings.Cut(strings.Map(oneSeparator, number), ":"); parted && a != "" {
			facility, number = strings.TrimSpace(a), strings.TrimSpace(b)
		}
	}
	add := func(row Bits, err error) {
		if err == nil && row.Len() > 0 && !slices.Contains(rows, row) {
			rows = append(rows, row)
		}
	}
	if facility != "" {
		code, errCode := strconv.ParseUint(facility, 10, 64)
		n, errNumber := strconv.ParseUint(number, 10, 64)
		for _, f := range formats {
			if errCode == nil && errNumber == nil && f.Facility.len() > 0 {
				add(f.Encode(code, n))
			}
		}
		return rows
	}
	if len(number) >= MinBits && strings.Trim(number, "01") == "" {
		add(Parse(number))
		return rows
	}
	if digits, is := hexDigits(number); is {
		for _, f := range formats {
			add(f.whole(digits, 16))
		}
		return rows
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return nil
	}
	for _, f := range formats {
		for _, as := range Notations() {
			if w.As == as || w.As == "" && (as != Whole || w.Format != "" && f.Facility.len() > 0) {
				add(f.digits(number, n, as))
			}
		}
	}
	return rows
}

// digits reads a number in one notation.
func (f Format) digits(number string, n uint64, as Notation) (Bits, error) {
	switch {
	case as == Plain && f.Facility.len() == 0:
		return f.Encode(0, n)
	case as == SideBySide && f.Bits == 26 && n > 99_999:
		return f.Encode(n/100_000, n%100_000)
	case as == Printed && f.Bits == 26 && bits.Len64(n) <= 32:
		return f.Encode(n>>16&0xff, n&0xffff)
	case as == Whole:
		return f.whole(number, 10)
	}
	return Bits{}, nil
}

// whole reads a value as the whole row of bits of a format, if its parities are
// right.
func (f Format) whole(digits string, base int) (Bits, error) {
	v, ok := new(big.Int).SetString(digits, base)
	if !ok || v.Sign() < 0 || v.BitLen() > f.Bits {
		return Bits{}, nil
	}
	b := Zeroes(f.Bits)
	for i := range f.Bits {
		b = b.With(f.Bits-i, v.Bit(i) == 1)
	}
	if _, fits := f.Read(b); !fits {
		return Bits{}, nil
	}
	return b, nil
}

// formats are those that the name of a format may stand for.
func (w Written) formats(more []Format) []Format {
	all := append(Formats(), more...)
	name := strings.ToLower(strings.TrimSpace(w.Format))
	if name == "" {
		return all
	}
	length := strings.TrimFunc(name, func(r rune) bool { return r < '0' || r > '9' })
	return slices.DeleteFunc(all, func(f Format) bool {
		return !strings.EqualFold(f.Name, name) && !(strconv.Itoa(f.Bits) == length && strings.Trim(name, "0123456789 -bitswegand") == "")
	})
}

// KnownFormat reports whether a format is known by a name as people write it, or
// is left open.
func KnownFormat(name string, more ...Format) bool {
	return len(Written{Format: name}.formats(more)) > 0
}

// oneSeparator makes every sign between facility code and number the same.
func oneSeparator(r rune) rune {
	if strings.ContainsRune("-/,. ", r) {
		return ':'
	}
	return r
}

// hexDigits are those of a number that is plainly written in hexadecimal.
func hexDigits(number string) (string, bool) {
	lower := strings.ToLower(number)
	digits, marked := strings.CutPrefix(lower, "0x")
	if rest, h := strings.CutSuffix(digits, "h"); h && !marked {
		digits, marked = rest, true
	}
	plain := digits != "" && strings.Trim(digits, "0123456789abcdef") == ""
	return digits, plain && (marked || strings.ContainsAny(digits, "abcdef"))
}
