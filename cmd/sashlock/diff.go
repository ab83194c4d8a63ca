// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/sashlock/sashlock/internal/estate"
)

type diffCommand struct {
	File  string `short:"f" required:"" placeholder:"FILE" help:"YAML file; - reads standard input."`
	Prune bool   `help:"Also show what the file does not name."`
}

// Help explains the command.
func (c *diffCommand) Help() string {
	return `Shows what apply would do. It needs a token with the scope read only.

Exit status: 0 the same, 1 differs, above 1 an error.

Examples:

    sashlock diff -f store.yaml
    sashlock diff -f store.yaml --prune -o json`
}

// Run carries out the command.
func (c *diffCommand) Run(d *desk) error {
	want, err := d.readEstate(c.File)
	if err != nil {
		return err
	}
	client, err := d.connect()
	if err != nil {
		return err
	}
	have, err := get[estate.File](d.ctx, client, "/v1/estate", nil)
	if err != nil {
		return err
	}
	if err := estate.Problems("checking the file", estate.Check(want, declared(have))); err != nil {
		return err
	}
	steps := estate.Diff(have, want, c.Prune)
	s := sheet{data: steps, empty: "no difference"}
	if steps == nil {
		s.data = []estate.Step{}
	}
	for _, step := range steps {
		s.row(step.String())
		s.names = append(s.names, string(step.Kind)+"/"+step.Ref)
	}
	if err := d.show(s); err != nil {
		return err
	}
	if len(steps) > 0 {
		return status(exitNo)
	}
	return nil
}

// declared looks things up in an estate by slug or identifier.
func declared(f estate.File) estate.Lookup {
	known := map[estate.Kind]map[string]string{}
	note := func(k estate.Kind, ref, id string) {
		if known[k] == nil {
			known[k] = map[string]string{}
		}
		known[k][ref], known[k][id] = id, id
	}
	for _, o := range f.Sites {
		note(estate.Sites, o.Ref(), o.ID)
	}
	for _, o := range f.Areas {
		note(estate.Areas, o.Ref(), o.ID)
	}
	for _, o := range f.Openings {
		note(estate.Openings, o.Ref(), o.ID)
	}
	for _, o := range f.Roles {
		note(estate.Roles, o.Ref(), o.ID)
	}
	for _, o := range f.People {
		note(estate.People, o.Ref(), o.ID)
	}
	for _, o := range f.Schedules {
		note(estate.Schedules, o.Ref(), o.ID)
	}
	for _, o := range f.Grants {
		note(estate.Grants, o.Ref(), o.ID)
	}
	return func(k estate.Kind, ref string) string { return known[k][ref] }
}
