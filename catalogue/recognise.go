// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"slices"
	"strings"

	"github.com/sashlock/sashlock/internal/table"
)

// The rules of recognising a lock by what people wrote are:
//
//   - The same name in another spelling ("be-469") is that lock. Everything
//     else ("BE469ZP", "Smart lock of August") is a guess, and says so.
//   - A number with other digits is never taken for the same lock, however
//     near it is: it is only named as one that may be meant.
//   - Of several guesses the one that has most in common wins; the others are
//     named.

// Recognised is the lock that people seem to mean.
type Recognised struct {
	Brand  string
	Model  *Model   // nil: none
	Guess  bool     // somebody should compare it with the lock
	Others []string // names of other models that may be meant
}

// mostOthers is how many other models are named.
const mostOthers = 5

// How far a name agrees with what was written, the best last.
const (
	noFit    = iota
	maybeFit // to be named, no more
	anyFit   // the entry for whatever else the brand makes
	wordFit
	startFit // the number, with letters behind it
	sameFit
)

// fit is how well one model fits.
type fit struct {
	brand  string
	model  *Model
	level  int
	common int // letters in common
}

// Recogniser recognises many locks.
type Recogniser struct {
	brands []known
}

// known is a brand with its models' names in plain letters.
type known struct {
	name   string
	words  []string
	models []spelling
}

type spelling struct {
	model *Model
	about []string
	names []plainName
	rest  bool // it stands for whatever the brand makes
	whole bool // for everything that it makes
}

type plainName struct {
	key   string
	tells []string
}

// Recogniser prepares the catalogue for recognising.
func (c Catalogue) Recogniser() *Recogniser {
	r := &Recogniser{}
	for _, b := range c.Brands {
		k := known{name: b.Name, words: wordsOf(b.Name)}
		for i := range b.Models {
			k.models = append(k.models, spell(&b.Models[i]))
		}
		r.brands = append(r.brands, k)
	}
	return r
}

func spell(m *Model) spelling {
	s := spelling{model: m, about: telling(wordsOf(m.About)), whole: m.Name == "all models"}
	s.rest = s.whole || strings.HasPrefix(m.Name, "any ") || strings.HasPrefix(m.Name, "all ")
	names := strings.FieldsFunc(strings.ReplaceAll(m.Name, " and others", ","), func(c rune) bool { return c == '/' || c == ',' })
	for _, w := range m.Ways {
		if w.Via == "zigbee2mqtt" { // there the names that devices announce are names
			names = append(names, strings.Split(w.Known, ", ")...)
		}
	}
	for _, n := range append(names, m.Name) {
		if p := (plainName{keyOf(n), telling(wordsOf(n))}); p.key != "" {
			s.names = append(s.names, p)
		}
	}
	return s
}

// wordsOf are the words of a name in plain letters.
func wordsOf(text string) []string { return strings.Fields(table.PlainWords(text, ' ')) }

// keyOf is a name without anything but its letters and digits.
func keyOf(text string) string { return strings.ReplaceAll(table.PlainWords(text, ' '), " ", "") }

// Recognise finds the lock that a maker's name and a model's name mean, either
// of which may be empty or hold the other.
func (r *Recogniser) Recognise(maker, model string) Recognised {
	text := wordsOf(model)
	brands, unsure := r.makers(wordsOf(maker))
	if len(brands) == 0 {
		brands, unsure = r.makers(text)
		if unsure && strings.TrimSpace(maker) == "" {
			brands = nil // a word of a model that looks like a maker proves nothing
		}
	}
	anybody := len(brands) == 0
	if anybody {
		if maker != "" {
			return Recognised{}
		}
		brands, unsure = r.brands, true
	}
	var fits []fit
	for _, b := range brands {
		fits = append(fits, b.fits(text)...)
	}
	if anybody { // only a number tells a lock of an unnamed maker
		fits = slices.DeleteFunc(fits, func(f fit) bool { return f.level < startFit || f.common < 5 })
	}
	slices.SortStableFunc(fits, func(a, b fit) int {
		if a.level != b.level {
			return b.level - a.level
		}
		return b.common - a.common
	})
	return best(brands, fits, unsure, anybody)
}

func best(brands []known, fits []fit, unsure, anybody bool) (out Recognised) {
	level := maybeFit // of the others that are worth naming
	if !anybody {
		out.Brand = brands[0].name
	}
	for _, f := range fits {
		if out.Model == nil && f.level > maybeFit {
			out.Brand, out.Model, out.Guess = f.brand, f.model, unsure || f.level != sameFit
			level = f.level
			if f.level == sameFit {
				break
			}
			continue
		}
		if name := f.model.Name; f.level == level && level != anyFit && len(out.Others) < mostOthers && !slices.Contains(out.Others, name) {
			out.Others = append(out.Others, name)
		}
	}
	return out
}

// makers finds the brands that some words name; unsure: with a slip of the pen.
func (r *Recogniser) makers(words []string) (all []known, unsure bool) {
	for _, b := range r.brands {
		if within(words, b.words) {
			all = append(all, b)
		}
	}
	if len(all) > 0 {
		return all, false
	}
	for _, b := range r.brands {
		for _, w := range words {
			if len(b.words) == 1 && len(w) >= 5 && slip(w, b.words[0]) {
				all = append(all, b)
			}
		}
	}
	return all, len(all) > 0
}

// within reports whether some words stand in others, one behind the other.
func within(words, some []string) bool { return placeOf(words, some) >= 0 }

func placeOf(words, some []string) int {
	for i := 0; len(some) > 0 && i+len(some) <= len(words); i++ {
		if slices.Equal(words[i:i+len(some)], some) {
			return i
		}
	}
	return -1
}

// without takes some words out of others.
func without(words, some []string) []string {
	if i := placeOf(words, some); i >= 0 {
		return slices.Delete(slices.Clone(words), i, i+len(some))
	}
	return words
}

// wanted is what somebody wrote of a model.
type wanted struct {
	key   string   // in one
	words []string // the words, and the whole in one
	tells []string // the words that tell something
}

func want(words []string) wanted {
	key := strings.Join(words, "")
	return wanted{key, append(slices.Clone(words), key), telling(words)}
}

// fits tells which models of a brand the words may mean, with the name of the
// brand among them or without.
func (k known) fits(text []string) (all []fit) {
	wants := []wanted{want(text)}
	if rest := without(text, k.words); len(rest) < len(text) {
		wants = append(wants, want(rest))
	}
	for _, s := range k.models {
		f := fit{brand: k.name, model: s.model}
		for _, n := range s.names {
			for _, w := range wants {
				if level, common := n.fit(w); level > f.level || level == f.level && common > f.common {
					f.level, f.common = level, common
				}
			}
		}
		if f.level == noFit && agree(wants[len(wants)-1].tells, s.about) {
			f.level = maybeFit
		}
		if f.level <= maybeFit && s.rest {
			f.level = anyFit
			if s.whole {
				f.level = sameFit
			}
		}
		if f.level > noFit {
			all = append(all, f)
		}
	}
	return all
}

// fit tells how far a name agrees with what was written.
func (n plainName) fit(w wanted) (level, common int) {
	begins := func(word string) bool { return numbered(word) && len(word) >= 4 && starts(n.key, word) }
	switch {
	case w.key == "":
		return noFit, 0
	case n.key == w.key, n.anyDigit(w.key):
		return sameFit, len(n.key)
	case numbered(n.key) && slices.ContainsFunc(w.words, func(word string) bool { return starts(word, n.key) }):
		return startFit, len(n.key)
	case slices.ContainsFunc(w.words, begins):
		return startFit, longest(w.words, begins)
	case agree(w.tells, n.tells):
		return wordFit, longest(w.tells, func(word string) bool { return slices.Contains(n.tells, word) })
	case numbered(w.key) && len(w.key) >= 4 && slip(w.key, n.key):
		return maybeFit, 0
	}
	return noFit, 0
}

// anyDigit reports whether a name that ends in x, for any digit, is that of a key.
func (n plainName) anyDigit(key string) bool {
	stem, is := strings.CutSuffix(n.key, "x")
	return is && numbered(stem) && len(key) == len(n.key) && strings.HasPrefix(key, stem) && digit(key[len(stem)])
}

func longest(words []string, takes func(string) bool) (n int) {
	for _, w := range words {
		if takes(w) {
			n = max(n, len(w))
		}
	}
	return n
}

// numbered reports whether a name is a number of a maker, not a mere word.
func numbered(key string) bool { return len(key) >= 3 && strings.ContainsAny(key, "0123456789") }

// starts reports whether a text begins with a number that does not go on in it.
func starts(text, number string) bool {
	rest, is := strings.CutPrefix(text, number)
	return is && (rest == "" || !digit(rest[0]) || !digit(number[len(number)-1]))
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// generic are the words that tell no lock from another.
func generic() []string {
	return []string{
		"smart", "lock", "locks", "door", "doorlock", "deadbolt", "lever", "keypad", "electronic", "digital", "with", "and", "the", "for", "of", "wi", "fi", "wifi",
		"z", "wave", "zwave", "zigbee", "matter", "touchscreen", "touch", "screen", "push", "button", "keyed", "keyless", "bluetooth", "any", "all", "its", "cloud", "reaches", "others",
	}
}

// telling are the words that tell something.
func telling(words []string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(generic(), w) })
}

// agree reports whether all words of one side stand on the other.
func agree(a, b []string) bool {
	subset := func(some, of []string) bool {
		letters := 0
		for _, w := range some {
			if !slices.Contains(of, w) {
				return false
			}
			letters += len(w)
		}
		return letters >= 4
	}
	return subset(a, b) || subset(b, a)
}

// slip reports whether two words differ by one letter that is missing, too many,
// another, or in the place of its neighbour.
func slip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || a == b {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:] {
		return true
	}
	return a[i+1:] == b[i+1:]
}
