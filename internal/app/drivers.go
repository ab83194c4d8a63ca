// SPDX-License-Identifier: Apache-2.0

package app

import (
	"crypto/ed25519"
	"path/filepath"

	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/edge"
	"github.com/sashlock/sashlock/driver/homeassistant"
	"github.com/sashlock/sashlock/driver/matter"
	"github.com/sashlock/sashlock/driver/modbus"
	"github.com/sashlock/sashlock/driver/onvif"
	"github.com/sashlock/sashlock/driver/osdp"
	"github.com/sashlock/sashlock/driver/partner"
	"github.com/sashlock/sashlock/driver/seam"
	"github.com/sashlock/sashlock/driver/uhppote"
	"github.com/sashlock/sashlock/driver/zigbee2mqtt"
	"github.com/sashlock/sashlock/driver/zwavejs"
	"github.com/sashlock/sashlock/internal/gateways"
)

// Drivers lists every driver there is, by name. The simulated store is not
// among them: only the demo has it.
func Drivers() map[string]driver.Driver { return driversOf(edge.House{}) }

// drivers lists them as they are in this house.
func (h *House) drivers() map[string]driver.Driver {
	return driversOf(edge.House{
		Folder: DeviceKeys(h.Config.Data), CommandKey: h.Keys.Command.Public().(ed25519.PublicKey), Now: h.Now,
	})
}

// newGateways builds the room of the gateways that are set up on the console.
func (h *House) newGateways() *gateways.Room {
	var ofFile []string
	for _, g := range h.Config.Gateways {
		ofFile = append(ofFile, g.Name)
	}
	return gateways.New(gateways.Options{
		Store: h.Store, Hall: h.Hall, Sessions: h.Devices, Drivers: h.drivers(),
		Secrets: filepath.Join(h.Config.Data, "secrets"), Kept: filepath.Join(h.Config.Data, "gateways"), OfFile: ofFile, Log: h.Log,
	})
}

// DeviceKeys is where a data folder has the certificates of our own devices.
func DeviceKeys(data string) string { return filepath.Join(keyFolder(data), "devices") }

func driversOf(house edge.House) map[string]driver.Driver {
	list := []driver.Driver{
		edge.New(house),
		homeassistant.New(),
		matter.New(),
		modbus.New(),
		onvif.New(),
		osdp.New(),
		partner.New(),
		seam.New(),
		uhppote.New(),
		zigbee2mqtt.New(),
		zwavejs.New(),
	}
	all := make(map[string]driver.Driver, len(list))
	for _, d := range list {
		all[d.Name()] = d
	}
	return all
}
