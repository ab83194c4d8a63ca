// SPDX-License-Identifier: Apache-2.0

// Package search finds events by what people type: one line of words and
// terms, the same on the console, the command line and the API.
//
// # What
//
// A search is terms between spaces. A term is a key, a colon and a value, as
// opening:cage-1; several values with commas between them mean any of them, a
// star stands for anything, a minus in front means all but those, and quotation
// marks keep a value with spaces together. What has no key is looked for in the
// names and reasons of events.
//
//	opening:jewellery-* person:ana result:denied since:7d -actor:service "held open"
//
// # How it fits
//
// [Compile] resolves the names against the book of package flow as it is, so a
// search never matches what its owner does not know; [Search.Page] reads the
// ledger backwards by the indexes that fit, and never more than a page needs.
//
// # Promises
//
// A key that does not exist is an error that names the nearest that does. What
// an operator may not see is left out by the function they hand in, before
// anything is counted.
package search

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/sashlock/sashlock"
)

// maxLength is the longest search, in bytes.
const maxLength = 1000

// Term is one condition.
type Term struct {
	Key    string // empty: words to look for
	Values []string
	Not    bool
}

// String writes the term as it is typed.
func (t Term) String() string {
	var out strings.Builder
	if t.Not {
		out.WriteByte('-')
	}
	if t.Key != "" {
		out.WriteString(t.Key + ":")
	}
	for i, v := range t.Values {
		if i > 0 {
			out.WriteByte(',')
		}
		if strings.ContainsFunc(v, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ':' }) {
			v = `"` + v + `"`
		}
		out.WriteString(v)
	}
	return out.String()
}

// Format writes terms as they are typed.
func Format(terms []Term) string {
	all := make([]string, len(terms))
	for i, t := range terms {
		all[i] = t.String()
	}
	return strings.Join(all, " ")
}

// Key is something that can be asked of an event.
type Key struct {
	Name    string
	Example string
	Help    string
}

// Keys lists the keys there are.
func Keys() []Key {
	return []Key{
		{"opening", "opening:cage-*", "short name or name of an opening"},
		{"area", "area:watches", "short name or name of an area"},
		{"site", "site:lisbon", "short name or name of a site"},
		{"person", "person:ana", "short name or name of a person"},
		{"kind", "kind:alarm.*", "kind of event"},
		{"result", "result:denied", "granted or denied"},
		{"reason", "reason:not_permitted_at_this_time", "reason of a decision or command"},
		{"rule", "rule:heldopen", "rule that raised the alarm"},
		{"method", "method:keypad", "how a lock was operated"},
		{"device", "device:dev_*", "identifier of a device"},
		{"operator", "operator:opr_*", "identifier of an operator or token"},
		{"since", "since:7d", "heard at this time or later"},
		{"until", `until:"fri 18:00"`, "heard before this time"},
	}
}

func bad(subject, hint string) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading search", Subject: subject, Hint: hint}
}

// Parse reads a search.
func Parse(text string) ([]Term, error) {
	if len(text) > maxLength {
		return nil, bad("q", fmt.Sprintf("a search has at most %d characters", maxLength))
	}
	words, err := split(text)
	if err != nil {
		return nil, err
	}
	var terms []Term
	for _, w := range words {
		t, err := term(w)
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	return terms, nil
}

// word is what stands between two spaces: runs of runes that were quoted or
// not.
type word []quoted

type quoted struct {
	r  rune
	in bool // within quotation marks
}

// split cuts a search at the spaces outside quotation marks.
func split(text string) ([]word, error) {
	var words []word
	var now word
	inside, begun := false, false
	for _, r := range text {
		switch {
		case r == '"':
			inside, begun = !inside, true
		case unicode.IsSpace(r) && !inside:
			if begun {
				words = append(words, now)
			}
			now, begun = nil, false
		case unicode.IsControl(r):
			return nil, bad("q", "a search is made of words; this has a control character in it")
		default:
			now, begun = append(now, quoted{r, inside}), true
		}
	}
	if inside {
		return nil, bad("q", "a quotation mark is missing at the end")
	}
	if begun {
		words = append(words, now)
	}
	return words, nil
}

// cut splits a word at the first unquoted rune of a kind.
func (w word) cut(at rune) (before, after word, found bool) {
	i := slices.IndexFunc(w, func(q quoted) bool { return q.r == at && !q.in })
	if i < 0 {
		return w, nil, false
	}
	return w[:i], w[i+1:], true
}

func (w word) String() string {
	var out strings.Builder
	for _, q := range w {
		out.WriteRune(q.r)
	}
	return out.String()
}

func term(w word) (Term, error) {
	t := Term{}
	if len(w) > 1 && w[0].r == '-' && !w[0].in {
		t.Not, w = true, w[1:]
	}
	key, values, keyed := w.cut(':')
	if !keyed {
		t.Values = []string{w.String()}
		return t, nil
	}
	t.Key = strings.ToLower(key.String())
	if !slices.ContainsFunc(Keys(), func(k Key) bool { return k.Name == t.Key }) {
		return t, bad(t.Key, fmt.Sprintf("there is no key %q; did you mean %q? There are %s", t.Key, nearest(t.Key), names()))
	}
	for more := true; more; {
		var one word
		one, values, more = values.cut(',')
		if v := strings.TrimSpace(one.String()); v != "" {
			t.Values = append(t.Values, v)
		}
	}
	if len(t.Values) == 0 {
		return t, bad(t.Key, "write a value behind the colon, as "+Keys()[slices.IndexFunc(Keys(), func(k Key) bool { return k.Name == t.Key })].Example)
	}
	return t, nil
}

func names() string {
	var all []string
	for _, k := range Keys() {
		all = append(all, k.Name)
	}
	return strings.Join(all, ", ")
}

// nearest is the key that takes the fewest changes to reach.
func nearest(wrong string) string {
	best, least := "", 1<<30
	for _, k := range Keys() {
		if d := distance(wrong, k.Name); d < least {
			best, least = k.Name, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
