// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"path/filepath"

	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/estate"
)

type applyCommand struct {
	File   string `short:"f" required:"" placeholder:"FILE" help:"YAML file; - reads standard input."`
	As     string `placeholder:"NAME" help:"Name of the file, to which what it declares belongs; its own when not given."`
	Prune  bool   `help:"Also remove what the file does not name."`
	DryRun bool   `help:"Only tell what would be done."`
}

// Help explains the command.
func (c *applyCommand) Help() string {
	return `Carries out a file of sites, areas, openings, roles, people, schedules and grants in one transaction: all of it or nothing. Unknown keys are errors with their line. Doing it again changes nothing.

What it declares belongs to the file: another file that declares the same is refused, and "sashlock drift" tells what was changed by other ways since. What is read from standard input belongs to no file, unless --as names one.

Examples:

    sashlock apply -f store.yaml --dry-run
    sashlock apply -f store.yaml --prune
    sashlock export | sed 's/Europe\/Lisbon/Europe\/Madrid/' | sashlock apply -f -`
}

// Run carries out the command.
func (c *applyCommand) Run(d *desk) error {
	file, err := d.readEstate(c.File)
	if err != nil {
		return err
	}
	client, err := d.connect()
	if err != nil {
		return err
	}
	q := params()
	name := c.As
	if name == "" && c.File != "-" {
		name = filepath.Base(c.File)
	}
	if name != "" {
		q.Set("file", name)
	}
	if c.Prune {
		q.Set("prune", "true")
	}
	if c.DryRun {
		q.Set("dry_run", "true")
	}
	done, err := do[api.Applied](d.ctx, client, call{method: http.MethodPut, path: "/v1/estate", query: q, body: file})
	if err != nil {
		return err
	}
	s := sheet{data: done, empty: "nothing to do: it is so already"}
	for _, step := range done.Steps {
		s.row(step.Line)
		s.names = append(s.names, string(step.Kind)+"/"+step.Ref)
	}
	if err := d.show(s); err != nil {
		return err
	}
	switch {
	case c.DryRun:
		d.note("%d differences; nothing was changed", len(done.Steps))
	case done.Receipt != nil:
		d.note("%d differences carried out: entries %d to %d of the ledger", len(done.Steps), done.Receipt.First, done.Receipt.Last)
	}
	return nil
}

// readEstate reads an estate file. The tests in it are for the command test.
func (d *desk) readEstate(path string) (estate.File, error) {
	f, err := d.readTested(path)
	return f.File, err
}
