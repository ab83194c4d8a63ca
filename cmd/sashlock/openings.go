// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/sashlock/sashlock/internal/api"
)

type openingsCommand struct {
	Opening string `arg:"" optional:"" help:"One opening: slug or identifier."`
	Who     bool   `help:"List who can open it."`
	At      string `placeholder:"WHEN" help:"With --who: at this instant instead of now."`
}

// Help explains the command.
func (c *openingsCommand) Help() string {
	return `Shows what each opening's own devices last said, and how long ago. What was never reported is not shown.

Examples:

    sashlock openings
    sashlock openings jewellery-4
    sashlock openings jewellery-4 --who --at +2h
    sashlock openings -o json | jq '.[] | select(.state.stale)'`
}

// Run carries out the command.
func (c *openingsCommand) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	if c.Who {
		return c.who(d, client)
	}
	var all []api.Opening
	if c.Opening == "" {
		all, err = list[api.Opening](d.ctx, client, "/v1/openings", nil, 0)
	} else {
		var one api.Opening
		one, err = get[api.Opening](d.ctx, client, pathOf("/v1/openings/{}", c.Opening), nil)
		all = []api.Opening{one}
	}
	if err != nil {
		return err
	}
	s := sheet{head: []string{"OPENING", "STATE", "", "KIND", "SITE", "AREA", "DEVICES"}, data: all, empty: "no openings yet: declare some with sashlock apply -f FILE"}
	if c.Opening != "" {
		s.data = all[0]
	}
	for _, o := range all {
		s.row(o.Slug, string(o.State.Word), o.State.Text, o.Opening.Kind, o.Site, orDash(o.Area), orDash(strings.Join(o.State.Devices, " ")))
		s.names = append(s.names, o.Slug)
	}
	return d.show(s)
}

func (c *openingsCommand) who(d *desk, client *client) error {
	if c.Opening == "" {
		return badFlag("--who", "name the opening: sashlock openings OPENING --who")
	}
	at, err := d.instant("--at", c.At)
	if err != nil {
		return err
	}
	all, err := list[api.Holder](d.ctx, client, pathOf("/v1/openings/{}/who", c.Opening), params("at", rfc3339(at)), 0)
	if err != nil {
		return err
	}
	s := sheet{head: []string{"PERSON", "GRANT"}, data: all, empty: "nobody can open it then"}
	for _, h := range all {
		s.row(h.Person, h.Grant)
		s.names = append(s.names, h.Person)
	}
	return d.show(s)
}
