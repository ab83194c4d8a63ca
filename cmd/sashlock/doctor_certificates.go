// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/devicekeys"
)

// certificates looks for devices of our own whose certificate is about to end,
// or has ended: they should have renewed it long ago.
func (x *examination) certificates() {
	folder := app.DeviceKeys(x.data)
	ends, err := devicekeys.Ends(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(ends) == 0:
		return // there are no such devices here
	case err != nil:
		x.bad("certificates", "restore "+folder+" from a backup", "%v", err)
		return
	}
	var soon []string
	for _, address := range slices.Sorted(maps.Keys(ends)) {
		if ends[address].Sub(x.desk.now()) < devicekeys.EndsSoon {
			soon = append(soon, address+" ("+ends[address].UTC().Format(time.DateOnly)+")")
		}
	}
	if len(soon) > 0 {
		x.bad("certificates", "have them renewed, or sashlock devices enrol ADDRESS for each",
			"of %s these end within two months: %s", count(len(ends), "device", "devices"), strings.Join(soon, ", "))
		return
	}
	x.good("certificates", "of %s none ends within two months", count(len(ends), "device", "devices"))
}
