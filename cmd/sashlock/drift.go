// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"

	"github.com/sashlock/sashlock/internal/api"
)

type driftCommand struct {
	List   driftList   `cmd:"" default:"withargs" help:"List what is otherwise than its file says."`
	Files  driftFiles  `cmd:"" help:"List the files that were applied."`
	Forget driftForget `cmd:"" help:"Let go of what a file declares."`
}

// Help explains the command.
func (c *driftCommand) Help() string {
	return `What a file declares belongs to it once it was applied. Whatever is changed in the console or by the API since is listed, as what applying the file again would do.

Exit status of the list: 0 nothing has drifted, 1 something has.

Examples:

    sashlock drift
    sashlock drift files
    sashlock drift forget store.yaml`
}

type driftList struct{}

// Help explains the command.
func (c *driftList) Help() string {
	return `Examples:

    sashlock drift list
    sashlock drift list -o json`
}

// Run carries out the command.
func (c *driftList) Run(d *desk) error {
	all, err := d.files()
	if err != nil {
		return err
	}
	s := sheet{head: []string{"FILE", "TO BE AS IT SAYS"}, data: all, empty: "nothing has drifted"}
	for _, f := range all {
		for _, step := range f.Drift {
			s.row(f.Name, step.Line)
			s.names = append(s.names, string(step.Kind)+"/"+step.Ref)
		}
	}
	if err := d.show(s); err != nil {
		return err
	}
	if len(s.rows) > 0 {
		return status(exitNo)
	}
	return nil
}

func (d *desk) files() ([]api.AppliedFile, error) {
	client, err := d.connect()
	if err != nil {
		return nil, err
	}
	return list[api.AppliedFile](d.ctx, client, "/v1/estate/files", nil, 0)
}

type driftFiles struct{}

// Help explains the command.
func (c *driftFiles) Help() string {
	return `Examples:

    sashlock drift files`
}

// Run carries out the command.
func (c *driftFiles) Run(d *desk) error {
	all, err := d.files()
	if err != nil {
		return err
	}
	s := sheet{head: []string{"FILE", "DECLARES", "DRIFTED", "APPLIED"}, data: all, empty: "no file was applied under a name"}
	for _, f := range all {
		s.row(f.Name, count(f.Objects, "object", "objects"), count(len(f.Drift), "object", "objects"), d.clock(f.Applied))
		s.names = append(s.names, f.Name)
	}
	return d.show(s)
}

type driftForget struct {
	File string `arg:"" help:"Name of the file."`
}

// Help explains the command.
func (c *driftForget) Help() string {
	return `What it declares stays as it is, and belongs to no file.

Examples:

    sashlock drift forget store.yaml`
}

// Run carries out the command.
func (c *driftForget) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	if _, err := client.raw(d.ctx, call{method: http.MethodDelete, path: pathOf("/v1/estate/files/{}", c.File)}); err != nil {
		return err
	}
	d.note("%s is forgotten", c.File)
	return nil
}
