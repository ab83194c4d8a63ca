// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/app"
)

type gatewaysCommand struct {
	List    gatewaysList    `cmd:"" default:"withargs" help:"List gateways, with how each stands."`
	Add     gatewaysAdd     `cmd:"" aliases:"set" help:"Set a gateway up, or change it."`
	Try     gatewaysTry     `cmd:"" aliases:"test" help:"Try settings without keeping them."`
	Remove  gatewaysRemove  `cmd:"" help:"Remove a gateway."`
	Drivers gatewaysDrivers `cmd:"" help:"List what there is a driver for, or the settings of one."`
}

// Help explains the command.
func (c *gatewaysCommand) Help() string {
	return `A gateway is one connection: to a radio, a broker, a bus or a cloud. Devices behind it appear in the list of devices by themselves.

Examples:

    sashlock gateways
    sashlock gateways drivers zwavejs
    sashlock gateways try zwavejs --set url=ws://127.0.0.1:3000
    sashlock gateways add upstairs zwavejs --set url=ws://127.0.0.1:3000`
}

type gatewaysList struct{}

// Help explains the command.
func (c *gatewaysList) Help() string {
	return `Examples:

    sashlock gateways list
    sashlock gateways list -o json`
}

// Run carries out the command.
func (c *gatewaysList) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	all, err := list[api.Gateway](d.ctx, client, "/v1/gateways", nil, 0)
	if err != nil {
		return err
	}
	return d.showGateways(all)
}

func (d *desk) showGateways(all []api.Gateway) error {
	s := sheet{head: []string{"GATEWAY", "DRIVER", "KEPT IN", "STANDS", "SINCE", "WHY"}, data: all, empty: "no gateway"}
	for _, g := range all {
		stands, since := "down", ""
		if g.Up {
			stands = "up"
		}
		if !g.Since.IsZero() {
			since = d.clock(g.Since)
		}
		s.row(g.Name, g.Driver, g.Kept, stands, orDash(since), orDash(g.Why))
		s.names = append(s.names, g.Name)
	}
	return d.show(s)
}

// settings are what a gateway is described by on the command line.
type settings struct {
	Driver string   `arg:"" help:"Which driver speaks to it."`
	Set    []string `sep:"none" placeholder:"KEY=VALUE" help:"A setting of the driver; several values of a list by naming it again."`
	Config string   `placeholder:"FILE" help:"YAML file with settings; - reads standard input. For those that have rows."`
}

// maxSettings is the largest file of settings, in bytes.
const maxSettings = 1 << 20

// read puts together what a driver is to be told.
func (s *settings) read(d *desk) (api.GatewaySettings, error) {
	out := api.GatewaySettings{Driver: s.Driver, Config: map[string]any{}}
	m, err := manifestFor(s.Driver)
	if err != nil {
		return out, err
	}
	if s.Config != "" {
		text, err := d.readFile("--config", s.Config, maxSettings)
		switch {
		case err != nil:
			return out, err
		case len(text) > maxSettings:
			return out, badFlag("--config", "the file is larger than 1 MiB")
		}
		if err := yaml.Unmarshal(text, &out.Config); err != nil {
			return out, badFlag("--config", "the file is not YAML with a key for each setting: "+yaml.FormatError(err, false, false))
		}
	}
	typed := map[string]string{}
	for _, one := range s.Set {
		key, value, is := strings.Cut(one, "=")
		if !is {
			return out, badFlag("--set", "write KEY=VALUE, not "+strconv.Quote(one))
		}
		if before, again := typed[key]; again {
			value = before + "\n" + value
		}
		typed[key] = value
	}
	for key, text := range typed {
		value, err := valueOf(m, key, text)
		if err != nil {
			return out, err
		}
		if value != nil {
			out.Config[key] = value
		}
	}
	return out, nil
}

// valueOf reads what was typed for a setting.
func valueOf(m driver.Manifest, key, text string) (any, error) {
	i := slices.IndexFunc(m.Config, func(s driver.Setting) bool { return s.Key == key })
	switch {
	case i < 0:
		return nil, badFlag("--set", fmt.Sprintf("%s has no setting %q; see sashlock gateways drivers %s", m.Name, key, m.Name))
	case m.Config[i].Kind == driver.SettingRows:
		return nil, badFlag("--set", fmt.Sprintf("%q has rows: write it in a file and name that with --config", key))
	case m.Config[i].Kind != driver.SettingList && strings.Contains(text, "\n"):
		return nil, badFlag("--set", fmt.Sprintf("%q is given twice", key))
	}
	return m.Config[i].Value(text)
}

// manifests are those of all drivers that can be set up, by name.
func manifests() map[string]driver.Manifest {
	all := map[string]driver.Manifest{}
	for name, one := range app.Drivers() {
		if described, is := one.(driver.Described); is {
			if m, err := described.Manifest(); err == nil && len(m.Config) > 0 {
				all[name] = m
			}
		}
	}
	return all
}

func manifestFor(name string) (driver.Manifest, error) {
	all := manifests()
	m, known := all[name]
	if !known {
		return m, badFlag("driver", fmt.Sprintf("there is no driver %q: choose one of %s", name, strings.Join(slices.Sorted(maps.Keys(all)), ", ")))
	}
	return m, nil
}

type gatewaysAdd struct {
	Name string `arg:"" help:"Its name: a-z, 0-9 and hyphens. Devices are known by it."`
	settings
}

// Help explains the command.
func (c *gatewaysAdd) Help() string {
	return `Its session starts at once, or anew. No secret is typed: a setting names a file in the folder "secrets" of the data folder.

Examples:

    sashlock gateways add upstairs zwavejs --set url=ws://127.0.0.1:3000
    sashlock gateways add radio zigbee2mqtt --set broker=tcp://127.0.0.1:1883
    sashlock gateways add panel osdp --config panel.yaml`
}

// Run carries out the command.
func (c *gatewaysAdd) Run(d *desk) error {
	body, err := c.read(d)
	if err != nil {
		return err
	}
	client, err := d.connect()
	if err != nil {
		return err
	}
	made, err := do[api.Gateway](d.ctx, client, call{method: http.MethodPut, path: pathOf("/v1/gateways/{}", c.Name), body: body})
	if err != nil {
		return err
	}
	return d.showGateways([]api.Gateway{made})
}

type gatewaysTry struct{ settings }

// Help explains the command.
func (c *gatewaysTry) Help() string {
	return `The store node connects, listens for some seconds and closes again. Nothing is kept, and no device is told anything.

Exit status: 0 it was reached, 1 it was not.

Examples:

    sashlock gateways try zwavejs --set url=ws://127.0.0.1:3000`
}

// Run carries out the command.
func (c *gatewaysTry) Run(d *desk) error {
	body, err := c.read(d)
	if err != nil {
		return err
	}
	client, err := d.connect()
	if err != nil {
		return err
	}
	d.progress("trying, for at most 10 seconds")
	tried, err := do[api.TriedGateway](d.ctx, client, call{method: http.MethodPost, path: "/v1/gateways/try", body: body})
	if err != nil {
		return err
	}
	s := sheet{head: []string{"ADDRESS", "NAME", "MAKER", "MODEL", "LINK"}, data: tried, empty: "reached, and no device found yet"}
	if !tried.Up {
		s.head = []string{"STANDS", "WHY"}
		s.row("down", orDash(tried.Why))
	}
	for _, one := range tried.Devices {
		s.row(one.Address, orDash(one.Name), orDash(one.Maker), orDash(one.Model), orDash(one.Security))
		s.names = append(s.names, one.Address)
	}
	if err := d.show(s); err != nil {
		return err
	}
	if !tried.Up {
		return status(exitNo)
	}
	return nil
}

type gatewaysRemove struct {
	Name string `arg:"" help:"Its name."`
}

// Help explains the command.
func (c *gatewaysRemove) Help() string {
	return `Its devices stay in the list, out of reach.

Examples:

    sashlock gateways remove upstairs`
}

// Run carries out the command.
func (c *gatewaysRemove) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	if _, err := client.raw(d.ctx, call{method: http.MethodDelete, path: pathOf("/v1/gateways/{}", c.Name)}); err != nil {
		return err
	}
	d.note("%s is removed", c.Name)
	return nil
}

type gatewaysDrivers struct {
	Driver string `arg:"" optional:"" help:"Show the settings of this one."`
}

// Help explains the command.
func (c *gatewaysDrivers) Help() string {
	return `It needs no store.

Examples:

    sashlock gateways drivers
    sashlock gateways drivers zigbee2mqtt`
}

// Run carries out the command.
func (c *gatewaysDrivers) Run(d *desk) error {
	if c.Driver != "" {
		m, err := manifestFor(c.Driver)
		if err != nil {
			return err
		}
		return d.showSettings(m)
	}
	all := manifests()
	s := sheet{head: []string{"DRIVER", "FOR", "REACHES"}, data: slices.Sorted(maps.Keys(all)), empty: "no driver"}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s.row(name, all[name].Title, all[name].Reaches)
		s.names = append(s.names, name)
	}
	return d.show(s)
}

func (d *desk) showSettings(m driver.Manifest) error {
	s := sheet{head: []string{"SETTING", "KIND", "NEEDED", "WHEN LEFT OUT", "EXAMPLE", "WHAT IT IS"}, data: m.Config, empty: "no settings"}
	for _, one := range m.Config {
		s.row(one.Key, string(one.Kind), yesNo(one.Required), orDash(one.Default), orDash(one.Example), one.Title)
		s.names = append(s.names, one.Key)
	}
	return d.show(s)
}
