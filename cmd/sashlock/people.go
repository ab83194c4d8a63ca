// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/scim"
)

type peopleCommand struct {
	Import peopleImport `cmd:"" help:"Make people as a list says, all or nothing."`
	Cards  peopleCards  `cmd:"" help:"Bring cards over from an older system, all or nothing."`
}

// Help explains the command.
func (c *peopleCommand) Help() string {
	return `Examples:

    sashlock people import staff.csv --dry-run
    sashlock people cards cards.csv --format 26 --dry-run`
}

type peopleImport struct {
	File     string `arg:"" help:"CSV file; - reads standard input."`
	Everyone bool   `help:"The list is everybody: whoever is not in it has left."`
	DryRun   bool   `help:"Only tell what would be done."`
	Yes      bool   `help:"Do it."`
}

// Help explains the command.
func (c *peopleImport) Help() string {
	return `The list has a row of headings, in any order: name, slug or external_id, and any of roles, from, until and suspended; those of the usual personnel systems are understood. A column that is not there changes nothing. Who left is suspended from every opening at once.

What would be done is shown first. With --yes exactly that is done, or nothing. It needs a token with the scope directory.

Exit status: 0 done, or nothing differs; 1 it differs and --yes was not given; above 1 an error.

Examples:

    sashlock people import staff.csv --dry-run
    sashlock people import staff.csv --everyone --yes`
}

// Run carries out the command.
func (c *peopleImport) Run(d *desk) error {
	content, err := d.readFile("FILE", c.File, people.MaxList)
	if err != nil {
		return err
	}
	client, err := d.connect()
	if err != nil {
		return err
	}
	seen, err := client.importList(d.ctx, content, c.Everyone, "")
	if err != nil {
		return err
	}
	if seen.Wrong > 0 {
		return wrongList(seen.Plan)
	}
	if c.Yes && !c.DryRun && len(seen.Steps) > 0 {
		if seen, err = client.importList(d.ctx, content, c.Everyone, seen.Hash); err != nil {
			return err
		}
		if seen.Wrong > 0 {
			return wrongList(seen.Plan)
		}
	}
	if err := d.show(planSheet(seen)); err != nil {
		return err
	}
	for _, n := range seen.Notes {
		d.note("note: %s", n)
	}
	d.note("%d new, %d changed, %d leaving, %d back, %d as they are", seen.New, seen.Changed, seen.Leaving, seen.Back, seen.Same)
	if seen.Leaving > 0 && seen.Done {
		d.note("who left is refused at every opening from now on; no lock holds a code of theirs")
	}
	if !seen.Done && len(seen.Steps) > 0 {
		if !c.DryRun {
			d.note("nothing was done yet: add --yes to do it")
		}
		return status(exitNo)
	}
	return nil
}

// wrongList is the error for a list with problems.
func wrongList(p people.Plan) error {
	lines := []string{count(p.Wrong, "thing is wrong", "things are wrong") + " with the list, and nothing was changed"}
	for _, one := range p.Problems {
		lines = append(lines, one.String())
	}
	if more := p.Wrong - len(p.Problems); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return badFlag("", strings.Join(lines, "\n"))
}

// planSheet is what a list does, a line for each person.
func planSheet(seen scim.Imported) sheet {
	s := sheet{head: []string{"WHAT", "PERSON", "NAME", "CHANGES"}, data: seen, empty: "no difference"}
	for _, step := range seen.Steps {
		fields := make([]string, len(step.Fields))
		for i, f := range step.Fields {
			fields[i] = f.Name + ": " + orNone(f.From) + " → " + orNone(f.To)
		}
		s.row(string(step.Verb), step.Slug, step.Name, strings.Join(fields, ", "))
		s.names = append(s.names, step.Slug)
	}
	return s
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// importList sends a list, with the plan that was seen once it is to be done.
func (c *client) importList(ctx context.Context, content []byte, everyone bool, plan string) (seen scim.Imported, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	q := url.Values{"everyone": {fmt.Sprint(everyone)}}
	if plan != "" {
		q.Set("plan", plan)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+scim.ImportPath+"?"+q.Encode(), bytes.NewReader(content))
	if err != nil {
		return seen, badFlag("--url", err.Error())
	}
	r.Header.Set("Content-Type", "text/csv")
	r.Header.Set("Authorization", "Bearer "+c.token)
	answer, err := c.http.Do(r)
	if err != nil {
		return seen, c.unreachable(ctx, err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	if answer.StatusCode >= 300 {
		return seen, c.problem(answer)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return seen, c.unreachable(ctx, err)
	}
	if err := json.Unmarshal(text, &seen); err != nil {
		return seen, c.strange(err)
	}
	return seen, nil
}
