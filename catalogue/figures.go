// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// Cents are hundredths of whatever money, or minutes, somebody counts in.
type Cents int64

// String writes the amount with two places: "1234.50".
func (c Cents) String() string { return fmt.Sprintf("%d.%02d", c/100, c%100) }

// Figure is something that an owner knows the price of, and we do not.
type Figure string

// The figures. Amounts are in the owner's money; work is in minutes for one
// lock.
const (
	PerGateway  Figure = "gateway"
	PerAdapter  Figure = "adapter"
	PerLock     Figure = "lock"
	PerHour     Figure = "hour"
	WorkNative  Figure = "minutes-native"
	WorkAdapter Figure = "minutes-adapter"
	WorkReplace Figure = "minutes-replace"
)

// AllFigures lists them, in the order in which they are asked for.
func AllFigures() []Figure {
	return []Figure{PerGateway, PerAdapter, PerLock, PerHour, WorkNative, WorkAdapter, WorkReplace}
}

// Figures are those that somebody gave. One that is not there was not given,
// which is not the same as nothing.
type Figures map[Figure]Cents

// maxFigure is the largest that is taken, so that no sum overflows.
const maxFigure = 1_000_000_00

// Read takes a figure as people type it: "1250", "12.50" or "12,50". An empty
// text gives none. The error is invalid, with the figure as its subject.
func (f Figures) Read(name Figure, text string) error {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	whole, part, _ := strings.Cut(strings.ReplaceAll(text, ",", "."), ".")
	units, err := strconv.ParseUint(whole, 10, 32)
	cents := uint64(0)
	if err == nil && part != "" {
		cents, err = strconv.ParseUint((part + "0")[:2], 10, 8)
	}
	if err != nil || len(part) > 2 || units*100+cents > maxFigure {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading figure", Subject: string(name), Hint: lang.Mark("write an amount like 1250 or 12.50, up to a million")}
	}
	f[name] = Cents(units*100 + cents)
	return nil
}

// of is what locks of one verdict cost, and which figures are missing for that.
// Nobody can tell what an unknown lock costs: then both are nil.
func (f Figures) of(v Verdict, locks int) (*Cents, []Figure) {
	part, minutes := Figure(""), WorkNative
	switch v {
	case Unknown:
		return nil, nil
	case Adapter:
		part, minutes = PerAdapter, WorkAdapter
	case Replace:
		part, minutes = PerLock, WorkReplace
	}
	var missing []Figure
	need := func(name Figure) Cents {
		amount, said := f[name]
		if !said {
			missing = append(missing, name)
		}
		return amount
	}
	each := Cents(0)
	if part != "" {
		each = need(part)
	}
	if work := need(minutes); work > 0 || len(missing) > 0 {
		hour := need(PerHour)
		each += Cents(int64(work) * int64(hour) / (60 * 100))
	}
	if len(missing) > 0 {
		return nil, missing
	}
	cost := each * Cents(locks)
	return &cost, nil
}
