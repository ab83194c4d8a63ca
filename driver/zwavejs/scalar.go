// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"encoding/json"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// maxWord is how many characters of a text from the server are kept.
const maxWord = 120

// scalar is a value of a property: a whole number, a word or a yes or no.
// Anything else Z-Wave JS may put there is none.
type scalar struct {
	Kind   scalarKind
	Number int
	Word   string
}

type scalarKind byte

const (
	scalarNone scalarKind = iota
	scalarNumber
	scalarWord
	scalarBool // Number is 0 or 1
)

// is reports whether the scalar is that number.
func (s scalar) is(number int) bool { return s.Kind == scalarNumber && s.Number == number }

func toScalar(text json.RawMessage) scalar {
	if len(text) == 0 {
		return scalar{}
	}
	switch c := text[0]; {
	case c == '"':
		var word string
		if json.Unmarshal(text, &word) == nil {
			return scalar{Kind: scalarWord, Word: short(word)}
		}
	case string(text) == "true":
		return scalar{Kind: scalarBool, Number: 1}
	case string(text) == "false":
		return scalar{Kind: scalarBool}
	case c == '-' || c >= '0' && c <= '9':
		if n, err := strconv.ParseInt(string(text), 10, 32); err == nil {
			return scalar{Kind: scalarNumber, Number: int(n)}
		}
	}
	return scalar{}
}

// toStates reads the numbers that stand as keys in the list of states of a
// property, in order.
func toStates(text json.RawMessage) []int {
	var names map[string]json.RawMessage
	if json.Unmarshal(text, &names) != nil {
		return nil
	}
	var states []int
	for name := range names {
		if n, err := strconv.ParseInt(name, 10, 32); err == nil {
			states = append(states, int(n))
		}
	}
	slices.Sort(states)
	return states
}

// word is the name of a property or of a key: the server writes a string or a
// number.
type word string

// UnmarshalJSON takes a string or a number and leaves the word empty for null.
func (w *word) UnmarshalJSON(text []byte) error {
	switch s := toScalar(text); s.Kind {
	case scalarWord:
		*w = word(s.Word)
	case scalarNumber:
		*w = word(strconv.Itoa(s.Number))
	default:
		*w = ""
	}
	return nil
}

// short makes a text of the server fit to be shown: valid, printable and not
// longer than maxWord characters.
func short(text string) string {
	if len(text) <= maxWord && isPlain(text) {
		return text
	}
	kept := make([]rune, 0, maxWord)
	for _, r := range text {
		if len(kept) == maxWord {
			break
		}
		if unicode.IsPrint(r) && r != utf8.RuneError {
			kept = append(kept, r)
		}
	}
	return string(kept)
}

func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
