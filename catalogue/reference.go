// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sashlock/sashlock/driver"
)

// words are what the abilities are called in English.
var words = map[Ability]string{
	State: "state", Unlock: "unlock", Lock: "lock", Release: "release", Codes: "PINs", Schedules: "times of PINs",
	Who: "who opened", Position: "door", Battery: "battery", Tamper: "tamper",
}

// Texts lists the sentences of the catalogue that people read in their own
// language: what it says of ways and brands, and its notes.
func (c Catalogue) Texts() []string {
	var all []string
	add := func(texts ...string) {
		for _, t := range texts {
			if t != "" && !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	for _, w := range c.Ways {
		add(w.Title, w.Through, w.Offline, w.Note, w.Gateway)
		add(w.Steps...)
	}
	for _, b := range c.Brands {
		add(b.Says)
		for _, m := range b.Models {
			for _, r := range m.Ways {
				add(r.Note)
			}
		}
	}
	add(ownTexts()...)
	return all
}

// Table is one row for each brand, in Markdown.
func (c Catalogue) Table() string {
	var b strings.Builder
	b.WriteString("| Brand | Reached by | Models | Tried |\n|---|---|---|---|\n")
	for _, brand := range c.Brands {
		var ways []string
		tried := map[driver.Tested]int{}
		for _, w := range c.Ways {
			if !slices.ContainsFunc(brand.Models, func(m Model) bool {
				return slices.ContainsFunc(m.Ways, func(r Reach) bool { return r.Via == w.Name })
			}) {
				continue
			}
			title := w.Title
			switch {
			case w.Driver == "":
				title += " (planned)"
			case w.Agreed:
				title += " (by agreement)"
			}
			ways = append(ways, title)
		}
		for _, m := range brand.Models {
			tried[m.Best()]++
		}
		var said []string
		for _, how := range []struct {
			tested driver.Tested
			words  string
		}{{driver.TestedRealStack, "on the real stack"}, {driver.TestedMakersFake, "on the maker's fake"}, {driver.TestedSimulated, "simulated"}, {driver.TestedTranscript, "by transcript"}} {
			if n := tried[how.tested]; n > 0 {
				said = append(said, fmt.Sprintf("%d %s", n, how.words))
			}
		}
		if len(said) == 0 {
			said = []string{"not yet"}
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %s |\n", brand.Name, strings.Join(ways, ", "), len(brand.Models), strings.Join(said, ", "))
	}
	return b.String()
}

// Reference is the whole catalogue in Markdown.
func (c Catalogue) Reference() string {
	var b strings.Builder
	b.WriteString("<!-- made by make docs from catalogue/models/*.yaml: edit those -->\n\n# Locks, and the ways to them\n\n" +
		"What is known of locks that are sold. *Works* is what the lock's ecosystem says that this model does by this way; *tried* says how far we saw it ourselves: on the real stack (the ecosystem's own software, with a real or emulated radio), the fake its maker publishes, simulated, by transcript, or not yet. What a single lock does is asked of the lock when it is adopted.\n\n## Ways\n\n" +
		"| Way | Through | Driver | With the network gone | |\n|---|---|---|---|---|\n")
	for _, w := range c.Ways {
		where := "planned"
		if w.Driver != "" {
			where = "[driver/" + w.Driver + "](../../driver/" + w.Driver + "/README.md)"
		}
		if w.Agreed {
			where += ", once its maker agreed"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", w.Title, w.Through, where, w.Offline, w.Note)
	}
	for _, brand := range c.Brands {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| Model | | By | Works | Tried | |\n|---|---|---|---|---|---|\n", brand.Name, brand.Says)
		for _, m := range brand.Models {
			for _, r := range m.Ways {
				w, _ := c.Way(r.Via)
				var does []string
				for _, a := range r.Does {
					does = append(does, words[a])
				}
				fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", m.Name, m.About, w.Title, strings.Join(does, ", "), r.Tested, r.Note)
			}
		}
		fmt.Fprintf(&b, "\nFrom: %s.\n", strings.Join(brand.Sources, "; "))
	}
	return b.String()
}
