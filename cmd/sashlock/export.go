// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/sashlock/sashlock/internal/estate"

type exportCommand struct{}

// Help explains the command.
func (c *exportCommand) Help() string {
	return `Writes everything that is declared as YAML. To apply it again changes nothing.

Examples:

    sashlock export > store.yaml
    sashlock export -o json | jq '.grants | length'`
}

// Run carries out the command.
func (c *exportCommand) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	file, err := get[estate.File](d.ctx, client, "/v1/estate", nil)
	if err != nil {
		return err
	}
	if d.globals.Output == formatJSON {
		return d.showJSON(file)
	}
	text, err := estate.Marshal(file)
	if err != nil {
		return err
	}
	_, err = d.out.Write(text)
	return err
}
