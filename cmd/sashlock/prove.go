// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strconv"
	"strings"
)

type proveCommand struct {
	Seq   []int64 `arg:"" help:"Numbers of the entries."`
	Since string  `placeholder:"FILE" help:"An older signed checkpoint: also prove that the ledger only grew since."`
}

// Help explains the command.
func (c *proveCommand) Help() string {
	return `Writes an evidence bundle: what the entries say, their inclusion proofs and the signed checkpoint they lead to. Whoever has the store's verifier key checks it offline with sashlock-verify, without this store and without us.

Without -o the bundle goes to standard output.

Examples:

    sashlock prove 17 18 19 -o bundle.json
    sashlock-verify --key @ledger.pub bundle.json
    sashlock prove 17 --since checkpoint-2026-01.txt -o bundle.json`
}

// Run carries out the command.
func (c *proveCommand) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	numbers := make([]string, len(c.Seq))
	for i, n := range c.Seq {
		numbers[i] = strconv.FormatInt(n, 10)
	}
	q := params("seq", strings.Join(numbers, ","))
	if c.Since != "" {
		older, err := os.ReadFile(c.Since)
		if err != nil {
			return badFlag("--since", "the file cannot be read: "+err.Error())
		}
		q.Set("since", string(older))
	}
	bundle, err := client.raw(d.ctx, call{method: "GET", path: "/v1/ledger/proof", query: q})
	if err != nil {
		return err
	}
	if d.globals.Output == "" || d.globals.Output == "-" {
		_, err = d.out.Write(bundle)
		return err
	}
	if err := os.WriteFile(d.globals.Output, bundle, 0o644); err != nil { //nolint:gosec // evidence is made to be handed on
		return badFlag("-o", "the file cannot be written: "+err.Error())
	}
	d.note("check it anywhere: sashlock-verify --key @ledger.pub %s", d.globals.Output)
	return nil
}
