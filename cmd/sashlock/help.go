// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
)

type helpCommand struct {
	Topic []string `arg:"" optional:"" help:"A command, or exit-codes, connecting or output."`
}

// Help explains the command.
func (c *helpCommand) Help() string {
	return `Examples:

    sashlock help exit-codes
    sashlock help connecting
    sashlock help output
    sashlock help grant add`
}

// topics are what can be read besides the commands.
var topics = map[string]string{
	"exit-codes": exitCodesText,
	"connecting": `Connecting

A command that speaks to a store node looks for it in this order:

  1. --url URL with --token TOKEN (or --token @FILE, or SASHLOCK_TOKEN)
  2. --data DIR: DIR/connect.json, which sashlock serve writes, or
     DIR/demo.json, which sashlock demo writes
  3. SASHLOCK_URL with SASHLOCK_TOKEN
  4. SASHLOCK_DATA, as --data

A token on the command line can be seen by other users of the machine: prefer
@FILE or the environment.
`,
	"output": `Output

  -o table  columns for people; what you get at a terminal
  -o json   the same as JSON, stable; fields are added, none is renamed
  -o yaml   the same as YAML
  -o name   only the name of each thing, one a line, for xargs

Without -o, what is piped gets no headings and tabs between the columns. Times
are in this machine's zone at a terminal and in RFC 3339 and UTC everywhere
else. NO_COLOR turns colours off. Errors and progress go to standard error;
progress only to a terminal.
`,
}

// Run carries out the command.
func (c *helpCommand) Run(d *desk) error {
	if len(c.Topic) == 1 {
		if text, known := topics[c.Topic[0]]; known {
			_, err := fmt.Fprint(d.out, text)
			return err
		}
	}
	if code := run(d.ctx, d, append(slices.Clone(c.Topic), "--help")); code != exitYes {
		return status(code)
	}
	return nil
}
