// SPDX-License-Identifier: Apache-2.0

// Package lang says things in the reader's language.
//
// # What
//
// English stands in the code, where it can be read; [T] and [N] look up what
// it is in the language of the context. The other languages are gettext
// catalogues, one folder each, that any translator's tool can edit.
//
// # How it fits
//
// The console sets the language of a request with [With]. What is put into
// words once and read by many is kept as a [Phrase] and said when it is shown.
// A test in package lint reads every call and fails when a catalogue lacks a
// text or has one that nobody says.
//
// # Promises
//
// A text that a catalogue lacks is said in English, never left out. A
// translation takes the same values as its original: a test compares their
// verbs.
package lang

import (
	"context"
	"embed"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/leonelquinteros/gotext"
	"golang.org/x/text/language"
)

// Language is a language that the console speaks, as a BCP 47 tag.
type Language string

// The languages.
const (
	English Language = "en"
	Spanish Language = "es"
)

// All lists the languages, the one of the code first.
func All() []Language { return []Language{English, Spanish} }

// Name is what its speakers call a language.
func (l Language) Name() string {
	if l == Spanish {
		return "Español"
	}
	return "English"
}

// Tag is the tag for the lang attribute of a page.
func (l Language) Tag() string {
	if l == English {
		return "en-GB" // our English is spelt the British way
	}
	return string(l)
}

// Match chooses the language for a reader who wants one of several, as an
// Accept-Language header says it (RFC 9110, section 12.5.4).
func Match(wanted string) Language {
	tags, _, err := language.ParseAcceptLanguage(wanted)
	if err != nil {
		return English
	}
	_, i, _ := matcher().Match(tags...)
	return All()[i]
}

var matcher = sync.OnceValue(func() language.Matcher {
	var tags []language.Tag
	for _, l := range All() {
		tags = append(tags, language.Make(string(l)))
	}
	return language.NewMatcher(tags)
})

type key struct{}

// With returns a context whose reader reads a language.
func With(ctx context.Context, l Language) context.Context {
	return context.WithValue(ctx, key{}, l)
}

// Of returns the language of a context; English when nobody said.
func Of(ctx context.Context) Language {
	if l, ok := ctx.Value(key{}).(Language); ok {
		return l
	}
	return English
}

// T says a text in the language of the context. With values it is a format as
// package fmt has it.
func T(ctx context.Context, text string, args ...any) string {
	return Phrase{Text: text, Args: args}.In(Of(ctx))
}

// N says one of two texts, for one thing and for any other number of them. The
// number is the first value of both formats.
func N(ctx context.Context, n int, one, many string, args ...any) string {
	return Phrase{Text: one, Many: many, Count: n, Args: args}.In(Of(ctx))
}

// Mark returns its text. It tells the test that reads the calls that the text
// is said somewhere else, by a variable.
func Mark(text string) string { return text }

// Phrase is something to be said later, in a language that is not known yet.
type Phrase struct {
	Text  string // a format if there are values
	Many  string // for a number that is not one; empty: it does not depend on a number
	Count int    // the number, the first value of both formats when Many is set
	Args  []any  // a value that is a Phrase is said in the same language
}

// Say makes a phrase.
func Say(text string, args ...any) Phrase { return Phrase{Text: text, Args: args} }

// In says the phrase in a language.
func (p Phrase) In(l Language) string {
	format := lookUp(l, p.Text, p.Many, p.Count)
	args := p.Args
	if p.Many != "" {
		args = append([]any{p.Count}, p.Args...)
	}
	if len(args) == 0 {
		return format
	}
	said := make([]any, len(args))
	for i, a := range args {
		if inner, is := a.(Phrase); is {
			a = inner.In(l)
		}
		said[i] = a
	}
	return fmt.Sprintf(format, said...)
}

func lookUp(l Language, one, many string, n int) string {
	english := one
	if many != "" && n != 1 {
		english = many
	}
	if l == English {
		return english
	}
	t := catalogues()[l][one]
	if t == nil {
		return english
	}
	form := 0
	if many != "" && n != 1 {
		form = 1
	}
	if said := t.Trs[form]; said != "" {
		return said
	}
	return english
}

//go:embed es
var files embed.FS

// Catalogue returns what a language has for every English text.
func Catalogue(l Language) map[string]*gotext.Translation { return catalogues()[l] }

var catalogues = sync.OnceValue(func() map[Language]map[string]*gotext.Translation {
	all := map[Language]map[string]*gotext.Translation{}
	for _, l := range All()[1:] {
		all[l] = read(string(l))
	}
	return all
})

// read joins the catalogues of one language.
func read(folder string) map[string]*gotext.Translation {
	joined := map[string]*gotext.Translation{}
	entries, err := files.ReadDir(folder)
	if err != nil {
		panic("lang: " + err.Error()) // it was embedded, or this does not compile
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".po") {
			continue
		}
		text, err := files.ReadFile(path.Join(folder, e.Name()))
		if err != nil {
			panic("lang: " + err.Error())
		}
		po := gotext.NewPo()
		po.Parse(text)
		for id, t := range po.GetDomain().GetTranslations() {
			if id != "" {
				joined[id] = t
			}
		}
	}
	return joined
}
