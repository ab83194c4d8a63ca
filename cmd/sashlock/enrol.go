// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/edge"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/devicekeys"
)

type devicesEnrol struct {
	Address string `arg:"" help:"Address the device is to have: 1 to 40 of a-z, 0-9 and hyphens."`
	Gateway string `placeholder:"NAME" help:"Gateway with the driver edge; needed when there are several."`
}

// Help explains the command.
func (c *devicesEnrol) Help() string {
	return `The code is good for one device, once, for 15 minutes. The device makes its own key, proves the code and gets a certificate from this store's authority. A device that had the address before is turned out when the code is used.

The command works on the data folder and needs no running store node; the device does.

Examples:

    sashlock devices enrol till-3 --data /var/lib/sashlock
    sashlock sim lock --endpoint 127.0.0.1:8883 --code "$(sashlock devices enrol till-3 -o name)"`
}

// madeCode is what the command prints.
type madeCode struct {
	Code    string    `json:"code"`
	Address string    `json:"address"`
	Gateway string    `json:"gateway"`
	Listen  string    `json:"listen"`
	Expires time.Time `json:"expires"`
}

// Run carries out the command.
func (c *devicesEnrol) Run(d *desk) error {
	data, err := d.dataFolder()
	if err != nil {
		return err
	}
	name, config, err := edgeGateway(data, c.Gateway)
	if err != nil {
		return err
	}
	keys, err := devicekeys.Open(app.DeviceKeys(data), nil)
	if err != nil {
		return err
	}
	code, expires, err := keys.Invite(config.Site, c.Address)
	if err != nil {
		return err
	}
	made := madeCode{code.String(), c.Address, name, config.Listen, expires}
	s := sheet{data: made, names: []string{made.Code}}
	s.row("code", made.Code)
	s.row("for", made.Gateway+"/"+made.Address)
	s.row("listens on", made.Listen)
	s.row("works until", d.clock(made.Expires))
	return d.show(s)
}

// edgeGateway finds the gateway of our own devices in a data folder's
// configuration.
func edgeGateway(data, want string) (name string, found edge.Config, err error) {
	config, err := app.ReadConfig(data)
	if err != nil {
		return "", found, err
	}
	none := &sashlock.Error{Kind: sashlock.NotFound, Op: "looking for the gateway", Subject: want,
		Hint: "add a gateway with the driver edge to config.yaml, or name one with --gateway if there are several"}
	for _, g := range config.Gateways {
		if g.Driver != "edge" || want != "" && g.Name != want {
			continue
		}
		if name != "" {
			return "", found, none
		}
		text, err := json.Marshal(g.Config)
		if err != nil {
			return "", found, err
		}
		if found, err = edge.ReadConfig(text); err != nil {
			return "", found, err
		}
		name = g.Name
	}
	if name == "" {
		return "", found, none
	}
	return name, found, nil
}

type devicesExpel struct {
	Address []string `arg:"" help:"Addresses of devices."`
}

// Help explains the command.
func (c *devicesExpel) Help() string {
	return `From now on the devices cannot connect; those that are connected are turned out within half a minute. They stay in the list of devices and can be enrolled again.

Examples:

    sashlock devices expel till-3 --data /var/lib/sashlock`
}

// Run carries out the command.
func (c *devicesExpel) Run(d *desk) error {
	data, err := d.dataFolder()
	if err != nil {
		return err
	}
	keys, err := devicekeys.Open(app.DeviceKeys(data), nil)
	if err != nil {
		return err
	}
	for _, address := range c.Address {
		if err := keys.Remove(address); err != nil {
			return err
		}
		d.note("%s is turned out", address)
	}
	return nil
}
