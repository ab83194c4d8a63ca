// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"cmp"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/table"
)

// Verdict is what becomes of a lock that is there already.
type Verdict string

// The verdicts.
const (
	Native  Verdict = "native"  // stays; reached in the store by its own radio
	Adapter Verdict = "adapter" // stays; something between is needed, or beside it
	Replace Verdict = "replace" // cannot be unlocked by any way that stands
	Unknown Verdict = "unknown" // the catalogue does not have it
)

// Verdicts lists them, the best first.
func Verdicts() []Verdict { return []Verdict{Native, Adapter, Replace, Unknown} }

// Assessed is what can be said of a line of an inventory.
type Assessed struct {
	Stock
	Verdict Verdict       `json:"verdict"`
	Brand   string        `json:"brand,omitempty"` // as the catalogue calls it
	Known   string        `json:"known,omitempty"` // the model, likewise
	Guess   bool          `json:"guess,omitempty"` // compare it with the lock
	Others  []string      `json:"others,omitempty"`
	Via     string        `json:"via,omitempty"` // name of the way
	Way     string        `json:"way,omitempty"` // its title
	Works   []Ability     `json:"works,omitempty"`
	Lacks   []Ability     `json:"lacks,omitempty"`
	Tested  driver.Tested `json:"tested,omitempty"`
	Note    string        `json:"note,omitempty"`
	Steps   []string      `json:"steps"`
	Cost    *Cents        `json:"cost_cents,omitempty"` // nil: a figure is missing
}

// Gateways is what one store needs one of.
type Gateways struct {
	Site  string `json:"site,omitempty"`
	Via   string `json:"via"`
	Needs string `json:"needs"`
	Locks int    `json:"locks"`
}

// Assessment is what can be said of a whole inventory.
type Assessment struct {
	Lines    []Assessed      `json:"lines"` // as in the inventory
	Locks    map[Verdict]int `json:"locks"`
	Gateways []Gateways      `json:"gateways,omitempty"`
	Cost     Cents           `json:"cost_cents"`        // as far as there are figures
	Missing  []Figure        `json:"missing,omitempty"` // figures without which it says too little
}

// Texts of the lines that no way has steps for.
const (
	stepCompare = "Compare the guess with the label on the lock."
	stepReplace = "Fit a lock that the list of locks that work has, of the same measures, and adopt it."
	stepBeside  = "Or fit a reader or a strike beside it, on a controller of ours."
	stepLook    = "Read maker and model from the label on the lock or its back plate, and assess it again."
	stepAsk     = "If it is not in the list: a reader or a strike beside it works with every lock."
)

// ownTexts are the sentences of an assessment that no file has.
func ownTexts() []string { return []string{stepCompare, stepReplace, stepBeside, stepLook, stepAsk} }

// Assess says of every line what becomes of its locks and, as far as figures
// were given, what that costs.
func (c Catalogue) Assess(stock []Stock, figures Figures) Assessment {
	r := c.Recogniser()
	a := Assessment{Lines: make([]Assessed, 0, len(stock)), Locks: map[Verdict]int{}}
	for _, s := range stock {
		line := c.assess(r.Recognise(s.Maker, s.Model), s)
		a.Locks[line.Verdict] += s.Count
		if cost, missing := figures.of(line.Verdict, s.Count); len(missing) == 0 {
			line.Cost = cost
			if cost != nil {
				a.Cost += *cost
			}
		} else {
			a.miss(missing...)
		}
		a.gateway(c, line)
		a.Lines = append(a.Lines, line)
	}
	if n := len(a.Gateways); n > 0 {
		if each, said := figures[PerGateway]; said {
			a.Cost += Cents(n) * each
		} else {
			a.miss(PerGateway)
		}
	}
	return a
}

func (a *Assessment) miss(figures ...Figure) {
	for _, f := range figures {
		if !slices.Contains(a.Missing, f) {
			a.Missing = append(a.Missing, f)
		}
	}
	slices.SortFunc(a.Missing, func(x, y Figure) int { return slices.Index(AllFigures(), x) - slices.Index(AllFigures(), y) })
}

// gateway notes what the store of a line needs one of.
func (a *Assessment) gateway(c Catalogue, line Assessed) {
	w, _ := c.Way(line.Via)
	if w.Gateway == "" {
		return
	}
	for i, g := range a.Gateways {
		if g.Via == w.Name && strings.EqualFold(g.Site, line.Site) {
			a.Gateways[i].Locks += line.Count
			return
		}
	}
	a.Gateways = append(a.Gateways, Gateways{line.Site, w.Name, w.Gateway, line.Count})
}

func (c Catalogue) assess(seen Recognised, s Stock) Assessed {
	line := Assessed{Stock: s, Verdict: Unknown, Brand: seen.Brand, Guess: seen.Guess, Others: seen.Others}
	if seen.Model == nil {
		b, _ := c.Brand(seen.Brand)
		line.Note, line.Steps = b.Says, []string{stepLook, stepAsk}
		return line
	}
	line.Known = seen.Model.Name
	if seen.Guess {
		line.Steps = []string{stepCompare}
	}
	reach, way, usable := c.choose(seen.Model.Ways)
	if !usable {
		b, _ := c.Brand(seen.Brand)
		line.Verdict, line.Note = Replace, cmp.Or(noteOf(seen.Model.Ways), b.Says)
		line.Steps = append(line.Steps, stepReplace, stepBeside)
		return line
	}
	line.Verdict, line.Via, line.Way, line.Works, line.Tested = way.Verdict, way.Name, way.Title, reach.Does, reach.Tested
	line.Note = cmp.Or(reach.Note, way.Note)
	for _, ability := range Abilities() {
		if !slices.Contains(reach.Does, ability) {
			line.Lacks = append(line.Lacks, ability)
		}
	}
	line.Steps = append(line.Steps, way.Steps...)
	return line
}

func noteOf(ways []Reach) string {
	for _, r := range ways {
		if r.Note != "" {
			return r.Note
		}
	}
	return ""
}

// choose finds the best way that can be used today and unlocks: the one that
// needs least between, then the one that was tried farthest, then the one by
// which most works.
func (c Catalogue) choose(ways []Reach) (Reach, Way, bool) {
	type choice struct {
		Reach
		way Way
	}
	var all []choice
	for _, r := range ways {
		if w, _ := c.Way(r.Via); w.Ready() && slices.Contains(r.Does, Unlock) {
			all = append(all, choice{r, w})
		}
	}
	if len(all) == 0 {
		return Reach{}, Way{}, false
	}
	tried := []driver.Tested{driver.TestedRealStack, driver.TestedMakersFake, driver.TestedSimulated, driver.TestedTranscript, driver.NotTested}
	slices.SortStableFunc(all, func(a, b choice) int {
		return cmp.Or(
			slices.Index(Verdicts(), a.way.Verdict)-slices.Index(Verdicts(), b.way.Verdict),
			slices.Index(tried, a.Tested)-slices.Index(tried, b.Tested),
			len(b.Does)-len(a.Does),
		)
	})
	return all[0].Reach, all[0].way, true
}

// Table is the assessment as rows for a spreadsheet, with headings, in English.
func (a Assessment) Table() [][]string {
	rows := [][]string{{
		"site", "openings", "maker", "model", "count", "verdict", "recognised as", "guess", "others", "by", "works", "does not", "tried", "cost", "steps", "note",
	}}
	for _, l := range a.Lines {
		cost, guess := "", "no"
		if l.Cost != nil {
			cost = l.Cost.String()
		}
		if l.Guess {
			guess = "yes"
		}
		rows = append(rows, []string{
			l.Site, strings.Join(l.Places, "; "), l.Maker, l.Model, strconv.Itoa(l.Count), string(l.Verdict), strings.TrimSpace(l.Brand + " " + l.Known), guess, strings.Join(l.Others, "; "),
			l.Way, wordsFor(l.Works), wordsFor(l.Lacks), string(l.Tested), cost, strings.Join(l.Steps, " "), l.Note,
		})
	}
	for _, row := range rows[1:] {
		for i := range row {
			row[i] = table.Tame(row[i])
		}
	}
	return rows
}

func wordsFor(abilities []Ability) string {
	all := make([]string, len(abilities))
	for i, one := range abilities {
		all[i] = words[one]
	}
	return strings.Join(all, ", ")
}

// Text writes an inventory as [ReadInventory] reads it.
func Text(stock []Stock) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	rows := [][]string{{"maker", "model", "count", "site", "opening"}}
	for _, s := range stock {
		rows = append(rows, []string{s.Maker, s.Model, strconv.Itoa(s.Count), s.Site, strings.Join(s.Places, "; ")})
	}
	if err := w.WriteAll(rows); err != nil {
		return "" // a builder takes everything
	}
	return b.String()
}
