// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"

	"github.com/sashlock/sashlock/internal/app"
)

type versionCommand struct{}

// Help explains the command.
func (c *versionCommand) Help() string {
	return `Examples:

    sashlock version
    sashlock version -o json`
}

// Run carries out the command.
func (c *versionCommand) Run(d *desk) error {
	v := map[string]string{"version": app.Version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}
	s := sheet{data: v, names: []string{v["version"]}}
	s.row("sashlock "+v["version"], v["go"], v["platform"])
	return d.show(s)
}
