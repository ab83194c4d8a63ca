// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"

	"github.com/sashlock/sashlock/internal/api"
)

type alarmsCommand struct {
	List alarmsList `cmd:"" default:"withargs" help:"List standing alarms, newest first."`
	Ack  alarmsAck  `cmd:"" help:"Say that somebody has seen an alarm."`
}

// Help explains the command.
func (c *alarmsCommand) Help() string {
	return `An alarm stands until its condition is over and somebody has seen it.

Examples:

    sashlock alarms
    sashlock alarms ack alm_01kb3n5w8z`
}

type alarmsList struct {
	All   bool `help:"Also those that are over and seen."`
	Limit int  `short:"n" default:"200" help:"How many at the most."`
}

// Help explains the command.
func (c *alarmsList) Help() string {
	return `Examples:

    sashlock alarms
    sashlock alarms list --all -n 20 -o json`
}

// Run carries out the command.
func (c *alarmsList) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	q := params()
	if c.All {
		q.Set("all", "true")
	}
	all, err := list[api.Alarm](d.ctx, client, "/v1/alarms", q, max(c.Limit, 1))
	if err != nil {
		return err
	}
	s := sheet{head: []string{"ALARM", "LEVEL", "RULE", "OPENING", "RAISED", "CLEARED", "SEEN", "WHY"}, data: all, empty: "no alarm stands"}
	for _, a := range all {
		s.row(a.ID, string(a.Level), a.Rule, a.Opening, d.clock(a.Raised), d.clock(a.Cleared), d.clock(a.Acknowledged), a.Why)
		s.names = append(s.names, a.ID)
	}
	return d.show(s)
}

type alarmsAck struct {
	Alarm []string `arg:"" help:"Alarms (alm_…)."`
}

// Help explains the command.
func (c *alarmsAck) Help() string {
	return `Examples:

    sashlock alarms ack alm_01kb3n5w8z
    sashlock alarms -o name | xargs sashlock alarms ack`
}

// Run carries out the command.
func (c *alarmsAck) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	seen := []api.Alarm{}
	s := sheet{head: []string{"ALARM", "RULE", "OPENING", "SEEN"}}
	for _, ref := range c.Alarm {
		a, err := do[api.Alarm](d.ctx, client, call{method: http.MethodPut, path: pathOf("/v1/alarms/{}/acknowledgement", ref)})
		if err != nil {
			return err
		}
		seen = append(seen, a)
		s.row(a.ID, a.Rule, a.Opening, d.clock(a.Acknowledged))
		s.names = append(s.names, a.ID)
	}
	s.data = seen
	return d.show(s)
}
