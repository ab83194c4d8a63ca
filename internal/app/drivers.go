// SPDX-License-Identifier: Apache-2.0

package app

import (
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/zigbee2mqtt"
	"github.com/sashlock/sashlock/driver/zwavejs"
)

// Drivers lists every driver there is, by name. The simulated store is not
// among them: only the demo has it.
func Drivers() map[string]driver.Driver {
	list := []driver.Driver{
		zigbee2mqtt.New(),
		zwavejs.New(),
	}
	all := make(map[string]driver.Driver, len(list))
	for _, d := range list {
		all[d.Name()] = d
	}
	return all
}
