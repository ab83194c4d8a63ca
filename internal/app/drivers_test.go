// SPDX-License-Identifier: Apache-2.0

package app

import (
	"testing"

	"github.com/sashlock/sashlock/driver/drivertest"
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
)

// TestManifestsSayWhatDriversTake holds the form of every driver to its
// configuration.
func TestManifestsSayWhatDriversTake(t *testing.T) {
	configs := map[string]any{
		"edge":          edge.Config{},
		"matter":        matter.Config{},
		"homeassistant": homeassistant.Config{},
		"modbus":        modbus.Config{},
		"uhppote":       uhppote.Config{},
		"onvif":         onvif.Config{},
		"partner":       partner.Config{},
		"osdp":          osdp.Config{},
		"seam":          seam.Config{},
		"zigbee2mqtt":   zigbee2mqtt.Config{},
		"zwavejs":       zwavejs.Config{},
	}
	for name, d := range Drivers() {
		t.Run(name, func(t *testing.T) {
			config, known := configs[name]
			if !known {
				t.Fatalf("add the type of its configuration here")
			}
			drivertest.Settings(t, d, config)
		})
	}
}
