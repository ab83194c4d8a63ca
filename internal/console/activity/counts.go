// SPDX-License-Identifier: Apache-2.0

package activity

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/search"
)

// count is how often something occurs among the events shown, with the search
// that leaves only those.
type count struct {
	Title string
	Items []item
}

type item struct {
	Text   string
	N      int
	Search string
}

const shownItems = 6

// counts counts what can be searched for, among the rows shown.
func counts(ctx context.Context, rows []row, terms []search.Term) []count {
	var all []count
	for _, c := range []struct {
		title, key string
		of         func(row) (value, text string)
	}{
		{lang.Mark("Result"), "result", func(r row) (string, string) { return result(r.Event), lang.T(ctx, resultWords(result(r.Event))) }},
		{lang.Mark("Opening"), "opening", func(r row) (string, string) { return r.Slug, r.Slug }},
		{lang.Mark("Person"), "person", func(r row) (string, string) { return r.Person, r.Person }},
		{lang.Mark("Kind"), "kind", func(r row) (string, string) { return string(r.Event.Kind), string(r.Event.Kind) }},
	} {
		if slices.ContainsFunc(terms, func(t search.Term) bool { return t.Key == c.key && !t.Not }) {
			continue
		}
		if one := tally(rows, terms, c.key, c.of); len(one) > 1 || len(one) == 1 && c.key == "result" {
			all = append(all, count{c.title, one})
		}
	}
	return all
}

func tally(rows []row, terms []search.Term, key string, of func(row) (value, text string)) []item {
	items := map[string]*item{}
	for _, r := range rows {
		value, text := of(r)
		if value == "" {
			continue
		}
		if items[value] == nil {
			items[value] = &item{Text: text, Search: search.Format(append(slices.Clone(terms), search.Term{Key: key, Values: []string{value}}))}
		}
		items[value].N++
	}
	var all []item
	for _, i := range slices.SortedFunc(maps.Values(items), func(a, b *item) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Text, b.Text)) }) {
		all = append(all, *i)
	}
	return all[:min(len(all), shownItems)]
}

func resultWords(result string) string {
	if result == "granted" {
		return lang.Mark("Granted")
	}
	return lang.Mark("Refused")
}

// without is the search with one of its terms taken away.
func without(terms []search.Term, i int) string {
	return search.Format(slices.Delete(slices.Clone(terms), i, i+1))
}

// keyNames lists what can stand before a colon.
func keyNames() string {
	var all []string
	for _, k := range search.Keys() {
		all = append(all, k.Name)
	}
	return strings.Join(all, ", ")
}

// day tells days apart, as the clocks of the site have them.
func day(at time.Time) string { return at.Format("2006-01-02") }

// turned is the same search, with what only engineers need or without.
func turned(d *desk) asked { return asked{All: !d.All} }
