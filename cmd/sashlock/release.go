// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
)

type releaseCommand struct {
	Opening string        `arg:"" help:"Opening: slug or identifier."`
	Person  string        `short:"p" required:"" help:"For whom: slug or identifier."`
	Wait    time.Duration `default:"10s" help:"How long to wait for the lock's own word."`
}

// Help explains the command.
func (c *releaseCommand) Help() string {
	return `Asks for an opening to be released for a person. The grants decide; the lock confirms. Each state is printed as it is reached: that a command was sent proves nothing, only "succeeded" is the lock's own word.

Exit status: 0 the lock confirmed, 1 refused, 2 wrong input, 3 the store node cannot be reached, 4 granted but the lock did not do it or did not say so within --wait.

Examples:

    sashlock release jewellery-4 --person ana
    sashlock release stock-cage -p ana --wait 3s -o json`
}

// releaseBody is what the API wants to be told.
type releaseBody struct {
	Type   string `json:"type"`
	Person string `json:"person"`
}

// Run carries out the command.
func (c *releaseCommand) Run(d *desk) error {
	if c.Wait < 0 {
		return badFlag("--wait", "choose a length of time like 10s")
	}
	client, err := d.connect()
	if err != nil {
		return err
	}
	a, err := do[api.Action](d.ctx, client, call{
		method: http.MethodPost, path: pathOf("/v1/openings/{}/actions", c.Opening), body: releaseBody{"release", c.Person},
		header: map[string]string{"Idempotency-Key": randomKey()},
	})
	var p *api.Problem
	if errors.As(err, &p) && p.Decision != "" {
		return c.refused(d, p)
	}
	if err != nil {
		return err
	}
	first := a.Receipt
	a, err = c.follow(d, client, a)
	if err != nil {
		return err
	}
	a.Receipt = first
	if err := c.end(d, a); err != nil {
		return err
	}
	if a.State != sashlock.CommandSucceeded {
		return status(exitUnconfirmed)
	}
	return nil
}

// refused shows why. A refusal is an answer, not an error.
func (c *releaseCommand) refused(d *desk, p *api.Problem) error {
	s := sheet{data: p, names: []string{p.Code}}
	s.row("refused", p.Code, p.Detail)
	for _, f := range p.Errors {
		s.row(markNo, f.Pointer, f.Detail)
		if f.Suggestion != "" {
			s.row("fix", "", f.Suggestion)
		}
	}
	s.row("explain", "", "sashlock explain "+p.Decision)
	if err := d.show(s); err != nil {
		return err
	}
	return status(exitNo)
}

// lookEvery is how often an action is asked how far it got.
const lookEvery = 50 * time.Millisecond

// follow prints each state of an action until its end or the end of the wait.
func (c *releaseCommand) follow(d *desk, client *client, a api.Action) (api.Action, error) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	over := time.NewTimer(c.Wait)
	defer over.Stop()
	shown := sashlock.CommandState("")
	for {
		if a.State != shown && d.isTable() {
			shown = a.State
			fmt.Fprintf(d.out, "%s  %s\n", d.clock(d.now()), d.coloured(string(a.State)))
		}
		if a.State.Final() {
			return a, nil
		}
		select {
		case <-d.ctx.Done():
			return a, d.ctx.Err()
		case <-over.C:
			return a, nil
		case <-look.C:
		}
		var err error
		if a, err = get[api.Action](d.ctx, client, pathOf("/v1/actions/{}", a.ID), nil); err != nil {
			return a, err
		}
	}
}

func (c *releaseCommand) end(d *desk, a api.Action) error {
	s := sheet{data: a, names: []string{a.ID}}
	switch {
	case a.State == sashlock.CommandSucceeded:
		s.row("the lock confirmed", a.ID)
	case a.State.Final():
		s.row("not done", a.ID, a.Detail)
	default:
		s.row("not confirmed within "+c.Wait.String(), a.ID, "it may still happen: sashlock events --opening "+a.Opening)
	}
	return d.show(s)
}
