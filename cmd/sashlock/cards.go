// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strconv"

	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/cutover"
)

type peopleCards struct {
	File   string   `arg:"" help:"CSV file; - reads standard input."`
	Site   string   `placeholder:"SITE" help:"By whose clocks days begin."`
	Format string   `placeholder:"FORMAT" help:"Of cards where the list does not say: 26, 34, 37, H10304 …"`
	As     string   `enum:",number,side_by_side,printed,whole" default:"" placeholder:"NOTATION" help:"How numbers without a facility code of their own are written: number, side_by_side, printed or whole."`
	Door   []string `placeholder:"COLUMN=OPENING" help:"A column that is a door; may be given several times." sep:"none"`
	DryRun bool     `help:"Only tell what would be done."`
	Yes    bool     `help:"Do it."`
}

// Help explains the command.
func (c *peopleCards) Help() string {
	return `The list has a row of headings, in any order: name, slug or external_id; card, and any of facility, format, from, until. Cards are written as facility code and number, or as all of their bits in hexadecimal, decimal or zeroes and ones. Whoever is not known yet is made. A list with PINs is refused: make them anew.

Lists of a UHPPOTE controller: --format 26 --as side_by_side, and a --door for each column that is a door. Such a door becomes a grant with the dates of the card.

What would be done is shown first. With --yes exactly that is done, or nothing.

Exit status: 0 done, or nothing differs; 1 it differs and --yes was not given; above 1 an error.

Examples:

    sashlock people cards cards.csv --format 26 --dry-run
    sashlock people cards controller.tsv --format 26 --as side_by_side --door "Front Door=entrance" --yes`
}

// Run carries out the command.
func (c *peopleCards) Run(d *desk) error {
	content, err := d.readFile("FILE", c.File, cutover.MaxCards)
	if err != nil {
		return err
	}
	client, err := d.connect()
	if err != nil {
		return err
	}
	q := params("site", c.Site, "format", c.Format, "as", c.As)
	q["door"] = c.Door
	seen, err := sendTable[api.Brought](d.ctx, client, "/v1/people/cards", q, content)
	if err == nil && seen.Wrong == 0 && c.Yes && !c.DryRun && len(seen.Steps) > 0 {
		q.Set("plan", seen.Plan)
		seen, err = sendTable[api.Brought](d.ctx, client, "/v1/people/cards", q, content)
	}
	if err != nil {
		return err
	}
	if seen.Wrong > 0 {
		return wrongTable("list", seen.Wrong, seen.Problems)
	}
	s := sheet{head: []string{"ROW", "WHAT", "PERSON", "NAME", "OPENING", "FROM", "UNTIL"}, data: seen, empty: "no difference"}
	for _, one := range seen.Steps {
		s.row(strconv.Itoa(one.Row), one.What, one.Person, one.Name, orDash(one.Opening), d.clock(one.From), d.clock(one.Until))
		s.names = append(s.names, one.Person)
	}
	if err := d.show(s); err != nil {
		return err
	}
	for _, n := range seen.Notes {
		d.note("note: %s: %s; %s", n.Pointer, n.Detail, n.Suggestion)
	}
	d.note("%d new people, %d new cards, %d new grants, %d grants with other dates, %d cards as they are", seen.People, seen.Cards, seen.Grants, seen.Dates, seen.Same)
	if !seen.Done && len(seen.Steps) > 0 {
		if !c.DryRun {
			d.note("nothing was done yet: add --yes to do it")
		}
		return status(exitNo)
	}
	return nil
}
