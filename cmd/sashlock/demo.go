// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/sashlock/sashlock/internal/demo"

type demoCommand struct {
	Port      int     `default:"7117" help:"Port to answer on; 0 takes a free one."`
	Seed      uint64  `default:"1" help:"Decides every random choice."`
	NoBrowser bool    `help:"Do not open the page."`
	Speed     float64 `default:"1" help:"How much faster than life the stories run."`
	LAN       bool    `name:"lan" help:"Answer to the local network too, by plain HTTP, to whoever has the link."`
}

// Help explains the command.
func (c *demoCommand) Help() string {
	return `Three stores that exist only in this process: openings, people, shifts, two weeks of history and small stories, seen by the same code that runs a real one. It opens no real lock.

With --data DIR the store is kept there, and DIR/demo.json tells scripts how to reach it.

With --lan a phone in the same network can look at it: the terminal shows a link, and the same as a code to scan. Only the demo does this.

Examples:

    sashlock demo
    sashlock demo --lan --speed 10
    sashlock demo --port 8000 --data /tmp/demo --seed 7 --no-browser`
}

// Run carries out the command.
func (c *demoCommand) Run(d *desk) error {
	if c.Port < 0 || c.Port > 65535 {
		return badFlag("--port", "choose a port from 1 to 65535, or 0 for a free one")
	}
	if c.Speed <= 0 {
		return badFlag("--speed", "choose a number above 0: 1 is life, 10 is ten times as fast")
	}
	data := d.globals.Data
	if data == "" {
		data = d.getenv("SASHLOCK_DATA")
	}
	return demo.Run(d.ctx, demo.Options{
		Port: c.Port, Data: data, Seed: c.Seed, Browser: !c.NoBrowser, Speed: c.Speed, LAN: c.LAN, Out: d.out,
	})
}
