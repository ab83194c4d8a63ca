// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"strconv"

	"github.com/sashlock/sashlock/internal/api"
)

type devicesCommand struct {
	List       devicesList       `cmd:"" default:"withargs" help:"List devices, found and adopted."`
	Adopt      devicesAdopt      `cmd:"" help:"Fit a device to an opening."`
	Remove     devicesRemove     `cmd:"" help:"Take devices away from their openings."`
	Codes      devicesCodes      `cmd:"" help:"List which PIN slots of a lock are in use, by whom and since when."`
	AdoptCodes devicesAdoptCodes `cmd:"" help:"Say whose the codes are that were found in a lock."`
	Latency    devicesLatency    `cmd:"" help:"Tell how quick each sort of lock is."`
	Assess     devicesAssess     `cmd:"" help:"Tell what becomes of the locks of a list."`
	Enrol      devicesEnrol      `cmd:"" help:"Make a code that lets one device of ours in."`
	Expel      devicesExpel      `cmd:"" help:"Make the certificates of devices of ours worthless."`
}

// Help explains the command.
func (c *devicesCommand) Help() string {
	return `A device that a gateway found waits in the inbox until it is adopted: fitted to an opening. A device is named by its identifier or as gateway/address.

Examples:

    sashlock devices
    sashlock devices adopt radio-1/2 back-door`
}

type devicesList struct {
	Inbox bool `help:"Only those that are fitted to no opening."`
}

// Help explains the command.
func (c *devicesList) Help() string {
	return `Examples:

    sashlock devices
    sashlock devices list --inbox -o name`
}

// Run carries out the command.
func (c *devicesList) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	all, err := list[api.Device](d.ctx, client, "/v1/devices", nil, 0)
	if err != nil {
		return err
	}
	kept := []api.Device{}
	for _, v := range all {
		if !c.Inbox || v.Opening == "" {
			kept = append(kept, v)
		}
	}
	return d.showDevices(kept)
}

func (d *desk) showDevices(all []api.Device) error {
	s := sheet{head: []string{"DEVICE", "AT", "WHAT", "OPENING", "ONLINE", "BATTERY", "HEARD", "LINK"}, data: all, empty: "no devices: add a gateway to config.yaml"}
	for _, v := range all {
		battery := "-"
		if v.Battery != nil {
			battery = strconv.Itoa(*v.Battery) + " %"
		}
		link := v.Security
		if v.Weak != "" {
			link += " (weak: " + v.Weak + ")"
		}
		s.row(v.ID, v.Gateway+"/"+v.Address, orDash(v.Model), orDash(v.Opening), yesNo(v.Online), battery, d.clock(v.Heard), orDash(link))
		s.names = append(s.names, v.ID)
	}
	return d.show(s)
}

type devicesAdopt struct {
	Device  string `arg:"" help:"Device: identifier or gateway/address."`
	Opening string `arg:"" help:"Opening: slug or identifier."`
}

// Help explains the command.
func (c *devicesAdopt) Help() string {
	return `From now on the device's reports count at the opening and, if it is a lock, it is what a release moves.

Examples:

    sashlock devices adopt radio-1/2 back-door
    sashlock devices adopt dev_01kb3n5w8z back-door -o json`
}

// Run carries out the command.
func (c *devicesAdopt) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	v, err := do[api.Device](d.ctx, client, call{
		method: http.MethodPut, path: pathOf("/v1/devices/{}/adoption", c.Device), body: map[string]string{"opening": c.Opening},
	})
	if err != nil {
		return err
	}
	return d.showDevices([]api.Device{v})
}

type devicesRemove struct {
	Device []string `arg:"" help:"Devices: identifiers or gateway/address."`
}

// Help explains the command.
func (c *devicesRemove) Help() string {
	return `The device stays in the inbox.

Examples:

    sashlock devices remove radio-1/2`
}

// Run carries out the command.
func (c *devicesRemove) Run(d *desk) error {
	return d.removeEach("/v1/devices/{}/adoption", "removed", c.Device)
}

type devicesCodes struct {
	Device string `arg:"" help:"Device: identifier or gateway/address."`
}

// Help explains the command.
func (c *devicesCodes) Help() string {
	return `The PINs themselves are never read.

Examples:

    sashlock devices codes radio-1/2`
}

// Run carries out the command.
func (c *devicesCodes) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	answer, err := get[struct {
		Data    []api.Code     `json:"data"`
		Pending []api.CodeWait `json:"pending"`
	}](d.ctx, client, pathOf("/v1/devices/{}/codes", c.Device), nil)
	if err != nil {
		return err
	}
	s := sheet{head: []string{"SLOT", "IN USE", "ENABLED", "STATE", "PERSON", "SINCE", "ENDS"}, data: answer, empty: "no PIN slots"}
	for _, code := range answer.Data {
		ends := d.clock(code.Ends)
		if code.InLock {
			ends += " (in the lock)"
		}
		s.row(strconv.Itoa(code.Slot), yesNo(code.InUse), yesNo(code.Enabled), code.State, code.Person, d.clock(code.Since), ends)
		s.names = append(s.names, strconv.Itoa(code.Slot))
	}
	for _, wait := range answer.Pending {
		state := "pending"
		if wait.Refused {
			state = "refused"
		}
		s.row("-", "no", "no", state, wait.Person, d.clock(wait.Since), wait.Why)
	}
	return d.show(s)
}
