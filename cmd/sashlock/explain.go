// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/sashlock/sashlock/internal/api"
)

type explainCommand struct {
	Who     string `arg:"" name:"decision-or-person" help:"A decision (dec_…), or a person."`
	Opening string `arg:"" optional:"" help:"With a person: the opening."`
	At      string `placeholder:"WHEN" help:"With a person: at this instant instead of now."`
}

// Help explains the command.
func (c *explainCommand) Help() string {
	return `Shows every condition that was checked, what was needed, what was the case, and the nearest change that would have granted it. Asking about a person records nothing and opens nothing.

Exit status: 0 granted, 1 refused, above 1 an error.

Examples:

    sashlock explain dec_01kb3n5w8z
    sashlock explain ana jewellery-4
    sashlock can ana jewellery-4 --at 2026-11-28T18:30:00Z && echo yes`
}

// Run carries out the command.
func (c *explainCommand) Run(d *desk) error {
	at, err := d.instant("--at", c.At)
	if err != nil {
		return err
	}
	client, err := d.connect()
	if err != nil {
		return err
	}
	var a api.Decision
	switch {
	case c.Opening != "":
		a, err = get[api.Decision](d.ctx, client, "/v1/explain", params("person", c.Who, "opening", c.Opening, "at", rfc3339(at)))
	case c.At != "":
		return badFlag("--at", "name a person and an opening with it; a decision has its own time")
	default:
		a, err = get[api.Decision](d.ctx, client, pathOf("/v1/decisions/{}", c.Who), nil)
	}
	if err != nil {
		return err
	}
	if err := d.showDecision(a); err != nil {
		return err
	}
	if !a.Granted {
		return status(exitNo)
	}
	return nil
}

// showDecision prints a decision with its conditions.
func (d *desk) showDecision(a api.Decision) error {
	if d.isTable() {
		word := "refused"
		if a.Granted {
			word = "granted"
		}
		fmt.Fprintf(d.out, "%s  %s at %s, %s: %s\n", d.coloured(word), plain(orDash(a.Person)), plain(orDash(a.Opening)), d.clock(a.At), plain(a.Words))
	}
	s := sheet{head: []string{"", "CONDITION", "NEEDED", "ACTUAL"}, data: a, names: []string{string(a.Reason)}}
	fix := ""
	for _, c := range a.Checks {
		s.row(mark(c.OK), c.What, c.Needed, c.Actual)
		if !c.OK && fix == "" {
			fix = c.Fix
		}
	}
	if err := d.show(s); err != nil {
		return err
	}
	if fix != "" && !a.Granted && d.isTable() {
		fmt.Fprintf(d.out, "nearest fix: %s\n", plain(fix))
	}
	return nil
}
