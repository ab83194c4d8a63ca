// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/signin"
)

type tokenCommand struct {
	List   tokenList   `cmd:"" default:"withargs" help:"List tokens, without their secrets."`
	Create tokenCreate `cmd:"" help:"Make a token and print it, this once."`
	Revoke tokenRevoke `cmd:"" help:"End tokens now."`
}

// Help explains the command.
func (c *tokenCommand) Help() string {
	return `A token says what a program may do, and until when.

Examples:

    sashlock token
    sashlock token create --name dashboard --scope read --life 720h
    sashlock token revoke opr_01kb3n5w8z`
}

type tokenList struct{}

// Help explains the command.
func (c *tokenList) Help() string {
	return `Examples:

    sashlock token list -o json`
}

// Run carries out the command.
func (c *tokenList) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	all, err := list[signin.Token](d.ctx, client, "/v1/tokens", nil, 0)
	if err != nil {
		return err
	}
	s := sheet{head: []string{"TOKEN", "NAME", "SCOPES", "CREATED", "EXPIRES", "STATE"}, data: all}
	for _, t := range all {
		state := "valid"
		switch {
		case !t.Revoked.IsZero():
			state = "revoked"
		case !d.now().Before(t.Expires):
			state = "expired"
		}
		s.row(string(t.ID), t.Name, fmt.Sprint(t.Scopes), d.clock(t.Created), d.clock(t.Expires), state)
		s.names = append(s.names, string(t.ID))
	}
	return d.show(s)
}

type tokenCreate struct {
	Name  string        `required:"" help:"What it is for."`
	Scope []string      `required:"" sep:"," enum:"${scopes}" help:"What it may do: ${scopes}."`
	Life  time.Duration `default:"24h" help:"How long it is valid, from 1m to 8784h."`
}

// Help explains the command.
func (c *tokenCreate) Help() string {
	return `The token is printed on standard output now and never again; Sashlock keeps only a hash of it. Piped, nothing else is printed.

Examples:

    sashlock token create --name dashboard --scope read --life 720h
    sashlock token create --name kiosk --scope read,release > kiosk.token
    sashlock events -f --url http://127.0.0.1:7117 --token @kiosk.token`
}

// scopes lists every scope, as enumerations of flags are written.
func scopes() string {
	var all []string
	for _, s := range signin.Scopes() {
		all = append(all, string(s))
	}
	return strings.Join(all, ",")
}

// Run carries out the command.
func (c *tokenCreate) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	made, err := do[api.IssuedToken](d.ctx, client, call{
		method: http.MethodPost, path: "/v1/tokens",
		body: map[string]any{"name": c.Name, "scopes": c.Scope, "life": c.Life.String()},
	})
	if err != nil {
		return err
	}
	if !d.isTable() {
		return d.show(sheet{data: made, names: []string{string(made.ID)}})
	}
	fmt.Fprintln(d.out, made.Secret)
	d.note("token %s is valid until %s; it is not shown again", made.ID, d.clock(made.Expires))
	return nil
}

type tokenRevoke struct {
	Token []string `arg:"" help:"Tokens by identifier (opr_…)."`
}

// Help explains the command.
func (c *tokenRevoke) Help() string {
	return `Examples:

    sashlock token revoke opr_01kb3n5w8z`
}

// Run carries out the command.
func (c *tokenRevoke) Run(d *desk) error { return d.removeEach("/v1/tokens/{}", "revoked", c.Token) }
