// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock/internal/api"
)

type eventsCommand struct {
	Follow  bool   `short:"f" help:"Go on with what happens from now on, until Ctrl-C."`
	Limit   int    `short:"n" default:"50" help:"How many past events; with -f 10 when not given."`
	Opening string `help:"Only about this opening."`
	Person  string `help:"Only about this person."`
	Device  string `help:"Only from this device, by identifier."`
	Kind    string `help:"Only this kind, or all that begin with it: access."`
	Since   string `placeholder:"WHEN" help:"Heard at this instant or later: 2026-11-28T18:30:00Z, or 2h ago as 2h."`
	Until   string `placeholder:"WHEN" help:"Heard before this instant."`
	Count   int    `placeholder:"N" help:"With -f: stop after so many new events."`
}

// Help explains the command.
func (c *eventsCommand) Help() string {
	return `Shows entries of the ledger, the newest last. With -f a connection that is cut is made again and goes on behind the last event seen, without a gap or a double.

Examples:

    sashlock events --since 8h --opening jewellery-4
    sashlock events -f --kind access.
    sashlock events -f -o json | jq -r '.kind'
    sashlock events --kind alarm.raised -n 5 -o name | xargs sashlock prove -o bundle.json`
}

// Run carries out the command.
func (c *eventsCommand) Run(d *desk) error {
	q, err := c.query(d)
	if err != nil {
		return err
	}
	client, err := d.connect()
	if err != nil {
		return err
	}
	limit := c.Limit
	if c.Follow && limit == 50 {
		limit = 10
	}
	key, err := get[api.LedgerKey](d.ctx, client, "/v1/ledger/key", nil) // before the list, so that nothing falls in between
	if err != nil {
		return err
	}
	past, err := c.past(d, client, q, limit)
	if err != nil {
		return err
	}
	if !c.Follow {
		return d.showEvents(past)
	}
	next := key.Size
	for _, e := range past {
		next = max(next, e.Seq+1)
		if err := d.showEvent(e); err != nil {
			return err
		}
	}
	s := stream{desk: d, client: client, query: q, next: next, left: c.Count}
	return s.run()
}

func (c *eventsCommand) query(d *desk) (url.Values, error) {
	since, err := d.instant("--since", ago(c.Since))
	if err != nil {
		return nil, err
	}
	until, err := d.instant("--until", ago(c.Until))
	if err != nil {
		return nil, err
	}
	if c.Limit < 0 {
		return nil, badFlag("-n", "choose a number from 0")
	}
	return params("opening", c.Opening, "person", c.Person, "device", c.Device, "kind", c.Kind,
		"since", rfc3339(since), "until", rfc3339(until)), nil
}

// ago makes a bare length of time, like 2h, one before now.
func ago(text string) string {
	if length, err := time.ParseDuration(text); err == nil && length >= 0 && text[0] != '+' {
		return "-" + text
	}
	return text
}

// past returns the newest events that meet the conditions, the newest last.
func (c *eventsCommand) past(d *desk, client *client, q url.Values, limit int) ([]api.Event, error) {
	if limit == 0 {
		return nil, nil
	}
	all, err := list[api.Event](d.ctx, client, "/v1/events", q, limit)
	slices.Reverse(all)
	return all, err
}

func (d *desk) showEvents(all []api.Event) error {
	s := sheet{head: []string{"SEQ", "HEARD", "KIND", "OPENING", "PERSON", "WHY"}, data: all, empty: "no such events"}
	for _, e := range all {
		s.rows = append(s.rows, d.eventCells(e))
		s.names = append(s.names, strconv.FormatInt(e.Seq, 10))
	}
	return d.show(s)
}

// eventCells are the columns of an event.
func (d *desk) eventCells(e api.Event) []string {
	return []string{
		strconv.FormatInt(e.Seq, 10), d.clock(e.Heard), string(e.Kind),
		orDash(firstOf(e.OpeningSlug, string(e.Opening))), orDash(firstOf(e.PersonSlug, string(e.Person))),
		firstOf(e.Why, e.Words, e.Subject, string(e.Method)),
	}
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// showEvent prints one event of a stream: a line for people or scripts, or one
// JSON object a line.
func (d *desk) showEvent(e api.Event) error {
	switch d.globals.Output {
	case formatJSON:
		return json.NewEncoder(d.out).Encode(e)
	case formatYAML:
		fmt.Fprintln(d.out, "---")
		return d.showYAML(e)
	case formatName:
		_, err := fmt.Fprintln(d.out, e.Seq)
		return err
	}
	cells := d.eventCells(e)
	line := strings.Join(cells, "\t")
	if d.outTTY {
		line = fmt.Sprintf("%-8s%-21s%-24s%-22s%-18s%s", cells[0], cells[1], cells[2], cells[3], cells[4], cells[5])
	}
	_, err := fmt.Fprintln(d.out, plain(strings.TrimRight(line, " ")))
	return err
}
