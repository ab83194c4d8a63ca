// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock/internal/api"
)

type devicesLatency struct{}

// Help explains the command.
func (c *devicesLatency) Help() string {
	return `Three times of each order, from when it was decided: until its gateway had taken it, until the lock itself said that its bolt had moved, and until the order was confirmed; in milliseconds, as half and 99 of 100 of the latest orders of the last 30 days took them.

Examples:

    sashlock devices latency
    sashlock devices latency -o json`
}

// Run carries out the command.
func (c *devicesLatency) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	all, err := list[api.Latency](d.ctx, client, "/v1/devices/latency", nil, 0)
	if err != nil {
		return err
	}
	s := sheet{head: []string{"DRIVER", "LOCK", "FIRMWARE", "ORDERS", "FAILED", "TAKEN", "BOLT MOVED", "CONFIRMED"}, data: all, empty: "no order yet: it fills as locks are released"}
	for _, l := range all {
		lock := strings.TrimSpace(l.Maker + " " + l.Model)
		s.row(l.Driver, orDash(lock), orDash(l.Firmware), strconv.Itoa(l.Orders), strconv.Itoa(l.Failed), quick(l.Sent), quick(l.Sensed), quick(l.Confirmed))
		s.names = append(s.names, l.Driver+"/"+lock)
	}
	return d.show(s)
}

// quick is how long a thing took, half the time and 99 times of 100.
func quick(t api.Times) string {
	if t.Count == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f, %.0f ms", t.P50, t.P99)
}
