// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

type initCommand struct{}

// Help explains the command.
func (c *initCommand) Help() string {
	return `Makes the keys of a store node, which no other has, and a first config.yaml. It never overwrites any.

Write the verifier key and its fingerprint down somewhere else: with them anybody can check this store's ledger, and nobody can pass off another.

Examples:

    sashlock init --data /var/lib/sashlock
    sashlock init --data store-12 -o json`
}

// initialised is what was set up.
type initialised struct {
	Data        string `json:"data"`
	Origin      string `json:"origin"`
	VerifierKey string `json:"verifier_key"`
	Fingerprint string `json:"fingerprint"`
}

// Run carries out the command.
func (c *initCommand) Run(d *desk) error {
	data, err := d.dataFolder()
	if err != nil {
		return err
	}
	keys, err := app.Init(data)
	if err != nil {
		return err
	}
	key, err := proof.ParseKey(keys.Verifier)
	if err != nil {
		return err
	}
	made := initialised{Data: data, Origin: key.Name(), VerifierKey: key.String(), Fingerprint: key.Fingerprint()}
	s := sheet{data: made, names: []string{data}}
	s.row("data folder", made.Data)
	s.row("origin", made.Origin)
	s.row("verifier key", made.VerifierKey)
	s.row("fingerprint", made.Fingerprint)
	if d.isTable() {
		s.row("next", "sashlock serve --data "+data)
	}
	return d.show(s)
}
