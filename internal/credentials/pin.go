// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"crypto/rand"
	"math/big"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of PINs are:
//
//   - We choose them. What people choose is guessed.
//   - Of a thousand codes of a length that a keypad could be given, it takes one
//     at most (EN 60839-11-1): ten of 4 digits, a hundred of 5. A duress variant
//     is a code like any other and counts.
//   - No code is taken twice in one store, and none is what people try first.
//   - The duress variant is the PIN with its last digit one higher, 9 becoming 0.

// The lengths of PINs.
const (
	MinDigits = 4
	MaxDigits = 8
)

// perCode is how many possible codes there are at least for each that is taken.
const perCode = 1000

// allocate chooses a PIN, and a duress variant if there is to be one.
func (r *Room) allocate(tx *store.Tx, made *Made) ([][]byte, error) {
	if err := room(tx, made.Places, made.Digits, 1+number(made.Forced)); err != nil {
		return nil, err
	}
	for range 200 {
		pin, err := randomPIN(made.Digits)
		if err != nil {
			return nil, err
		}
		codes := []string{pin}
		if made.Forced {
			codes = append(codes, forcedPIN(pin))
		}
		marks, free, err := r.free(tx, made.Site, codes)
		if err != nil {
			return nil, err
		}
		if free {
			made.Secret = pin
			if made.Forced {
				made.Duress = codes[1]
			}
			return marks, nil
		}
	}
	return nil, tooMany(made.Digits)
}

// free reports whether codes are good and nobody's in a store.
func (r *Room) free(tx *store.Tx, site sashlock.SiteID, codes []string) (marks [][]byte, free bool, err error) {
	for _, code := range codes {
		if guessable(code) {
			return nil, false, nil
		}
		mark := r.mark(sashlock.PIN, string(site), code)
		var taken int
		if err := tx.QueryRow(`SELECT COUNT(*) FROM credential_marks WHERE mark = ?`, mark).Scan(&taken); err != nil || taken > 0 {
			return nil, false, err
		}
		marks = append(marks, mark)
	}
	return marks, true, nil
}

// room reports, as an error of kind limit, that an opening takes too many codes
// of a length for some more.
func room(tx *store.Tx, places []sashlock.OpeningID, digits, more int) error {
	most := 1
	for range digits {
		most *= 10
	}
	most /= perCode
	for _, o := range places {
		var taken int
		err := tx.QueryRow(`SELECT COUNT(*) FROM credential_marks m JOIN credential_places p ON p.credential = m.credential JOIN credentials c ON c.id = m.credential
			WHERE p.opening = ? AND c.digits = ? AND c.lost IS NULL`, o, digits).Scan(&taken)
		if err != nil {
			return err
		}
		if taken+more > most {
			return tooMany(digits)
		}
	}
	return nil
}

func tooMany(digits int) error {
	hint := lang.Mark("one of these openings takes as many PINs as are safe: choose fewer openings")
	switch digits {
	case 4:
		hint = lang.Mark("one of these openings takes as many PINs of 4 digits as are safe: use 5 digits")
	case 5:
		hint = lang.Mark("one of these openings takes as many PINs of 5 digits as are safe: use 6 digits")
	case 6:
		hint = lang.Mark("one of these openings takes as many PINs of 6 digits as are safe: use 7 digits")
	case 7:
		hint = lang.Mark("one of these openings takes as many PINs of 7 digits as are safe: use 8 digits")
	}
	return &sashlock.Error{Kind: sashlock.Limit, Op: "allocating PIN", Subject: "digits", Hint: hint}
}

func randomPIN(digits int) (string, error) {
	most := big.NewInt(1)
	for range digits {
		most.Mul(most, big.NewInt(10))
	}
	n, err := rand.Int(rand.Reader, most)
	if err != nil {
		return "", err
	}
	text := n.String()
	return strings.Repeat("0", digits-len(text)) + text, nil
}

// forcedPIN is the duress variant of a PIN.
func forcedPIN(pin string) string {
	end := len(pin) - 1
	return pin[:end] + string('0'+(pin[end]-'0'+1)%10)
}

// guessable reports whether a PIN is among those that people try first: one
// digit or one group over and over, digits that count up or down or read the
// same backwards, and years.
func guessable(pin string) bool {
	up, down, mirrored := true, true, true
	for i := 1; i < len(pin); i++ {
		up = up && pin[i] == '0'+(pin[i-1]-'0'+1)%10
		down = down && pin[i] == '0'+(pin[i-1]-'0'+9)%10
	}
	for i := range len(pin) / 2 {
		mirrored = mirrored && pin[i] == pin[len(pin)-1-i]
	}
	if up || down || mirrored || isYear(pin) {
		return true
	}
	for n := 1; n <= len(pin)/2; n++ {
		if len(pin)%n == 0 && pin == strings.Repeat(pin[:n], len(pin)/n) {
			return true
		}
	}
	return false
}

func isYear(pin string) bool {
	year, err := strconv.Atoi(pin)
	return err == nil && len(pin) == 4 && year >= 1920 && year <= 2039
}

// isPIN reports whether a text can be a PIN at all.
func isPIN(text string) bool {
	if len(text) < MinDigits || len(text) > MaxDigits {
		return false
	}
	return strings.Trim(text, "0123456789") == ""
}
