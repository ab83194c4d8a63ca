// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/rota"
)

type rotaCommand struct {
	List   rotaList   `cmd:"" default:"withargs" help:"List shifts."`
	Import rotaImport `cmd:"" help:"Make shifts as a rota says, all or nothing."`
}

// Help explains the command.
func (c *rotaCommand) Help() string {
	return `Examples:

    sashlock rota
    sashlock rota import week.csv --site lisbon --dry-run`
}

type rotaList struct {
	Site   string `placeholder:"SITE" help:"Only those of a site."`
	Person string `placeholder:"PERSON" help:"Only those of a person."`
	From   string `placeholder:"TIME" help:"Only those that end after it; now when not given."`
	Until  string `placeholder:"TIME" help:"Only those that begin before it."`
	Limit  int    `short:"n" default:"200" help:"How many at the most."`
}

// Help explains the command.
func (c *rotaList) Help() string {
	return `Examples:

    sashlock rota list --site lisbon
    sashlock rota list --person ana -n 5 -o json`
}

// Run carries out the command.
func (c *rotaList) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	from := time.Now()
	if c.From != "" {
		if from, err = d.instant("--from", c.From); err != nil {
			return err
		}
	}
	q := params("site", c.Site, "person", c.Person, "from", rfc3339(from))
	if c.Until != "" {
		until, err := d.instant("--until", c.Until)
		if err != nil {
			return err
		}
		q.Set("until", rfc3339(until))
	}
	all, err := list[api.Shift](d.ctx, client, "/v1/shifts", q, max(c.Limit, 1))
	if err != nil {
		return err
	}
	s := sheet{head: []string{"SHIFT", "PERSON", "SITE", "FROM", "UNTIL", "IN", "OUT", "SOURCE"}, data: all, empty: "no shift"}
	for _, one := range all {
		s.row(one.ID, one.Person, one.Site, d.clock(one.From), d.clock(one.Until), d.clock(one.ClockedIn), d.clock(one.ClockedOut), orDash(one.Source))
		s.names = append(s.names, one.ID)
	}
	return d.show(s)
}

type rotaImport struct {
	File   string `arg:"" help:"CSV list or calendar (.ics); - reads standard input."`
	Site   string `required:"" placeholder:"SITE" help:"Whose shifts they are where the file does not say."`
	Source string `default:"rota" placeholder:"NAME" help:"Name of the rota: what is no longer in the same rota is called off."`
	Weeks  int    `default:"8" help:"For how many weeks a calendar is spelt out."`
	DryRun bool   `help:"Only tell what would be done."`
	Yes    bool   `help:"Do it."`
}

// Help explains the command.
func (c *rotaImport) Help() string {
	return `A list has a row of headings, in any order: person, and from and until, or date, start and end; and any of site, role and ref. A calendar has an event for each shift, with the person invited to it or named in its title. Times are by the clocks of the store.

What would be done is shown first. With --yes exactly that is done, or nothing. It needs a token with the scope access.

Exit status: 0 done, or nothing differs; 1 it differs and --yes was not given; above 1 an error.

Examples:

    sashlock rota import week.csv --site lisbon --dry-run
    sashlock rota import team.ics --site lisbon --source team --yes`
}

// Run carries out the command.
func (c *rotaImport) Run(d *desk) error {
	content, err := d.readFile("FILE", c.File, rota.MaxFile)
	if err != nil {
		return err
	}
	client, err := d.connect()
	if err != nil {
		return err
	}
	seen, err := c.send(d.ctx, client, content, "")
	if err == nil && seen.Wrong == 0 && c.Yes && !c.DryRun && len(seen.Steps) > 0 {
		seen, err = c.send(d.ctx, client, content, seen.Plan)
	}
	if err != nil {
		return err
	}
	if seen.Wrong > 0 {
		return wrongTable("rota", seen.Wrong, seen.Problems)
	}
	s := sheet{head: []string{"WHAT", "PERSON", "SITE", "FROM", "UNTIL"}, data: seen, empty: "no difference"}
	for _, step := range seen.Steps {
		s.row(string(step.What), step.Person, step.Site, d.clock(step.From), d.clock(step.Until))
		s.names = append(s.names, step.ID)
	}
	if err := d.show(s); err != nil {
		return err
	}
	for _, n := range seen.Notes {
		d.note("note: %s: %s", n.Pointer, n.Detail)
	}
	d.note("%d new, %d changed, %d called off, %d as they are", seen.New, seen.Changed, seen.Gone, seen.Same)
	if !seen.Done && len(seen.Steps) > 0 {
		if !c.DryRun {
			d.note("nothing was done yet: add --yes to do it")
		}
		return status(exitNo)
	}
	return nil
}

// send sends a rota, with the plan that was seen once it is to be done.
func (c *rotaImport) send(ctx context.Context, to *client, content []byte, plan string) (api.Taken, error) {
	q := url.Values{"site": {c.Site}, "source": {c.Source}, "weeks": {fmt.Sprint(c.Weeks)}}
	if plan != "" {
		q.Set("plan", plan)
	}
	return sendTable[api.Taken](ctx, to, "/v1/shifts/import", q, content)
}
