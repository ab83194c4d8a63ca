// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/ledger/proof"
	"github.com/sashlock/sashlock/internal/logkey"
)

type signinCommand struct {
	Link signinLink `cmd:"" help:"Make a link that lets somebody in, once"`
}

// Help explains the command.
func (c *signinCommand) Help() string {
	return `People sign in to the console with a passkey. There is no password, and no way in that is not made here or by an operator.

Examples:

    sashlock signin link --data /var/lib/sashlock
    sashlock signin link --data /var/lib/sashlock --for "Olga Owner"`
}

type signinLink struct {
	For string `placeholder:"NAME" help:"Operator who lost every passkey and recovery code. Without it: whoever is to own a store that nobody owns."`
}

// Help explains the command.
func (c *signinLink) Help() string {
	return `Without --for, the link makes whoever opens it the owner of the store; it works for 30 minutes, and not when the store has an owner. With --for it lets that operator start again, within three days; their old passkeys and codes end when it is used.

Compare the fingerprint with the one the page shows: it is that of the store's ledger.

Examples:

    sashlock signin link --data /var/lib/sashlock
    sashlock signin link --data /var/lib/sashlock --for "Olga Owner"`
}

// madeLink is a link as the store node answers it, completed to an address.
type madeLink struct {
	URL         string    `json:"url"`
	Kind        string    `json:"kind"`
	Expires     time.Time `json:"expires"`
	Fingerprint string    `json:"fingerprint"`
	Path        string    `json:"path"`
}

// Run carries out the command.
func (c *signinLink) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	made, err := do[madeLink](d.ctx, client, call{method: http.MethodPost, path: "/signin/link", body: map[string]string{"for": c.For}})
	if err != nil {
		return err
	}
	made.URL = client.base + made.Path
	if data, err := d.dataFolder(); err == nil && d.globals.URL == "" {
		if config, err := app.ReadConfig(data); err == nil {
			made.URL = config.Address(client.base) + made.Path
		}
	}
	s := sheet{data: made, names: []string{made.URL}}
	s.row("link", made.URL)
	s.row("for", made.Kind)
	s.row("works until", d.clock(made.Expires))
	s.row("fingerprint", made.Fingerprint)
	return d.show(s)
}

// claimOf makes the link by which a store without an owner gets one, and says
// it in words; nothing for a store that has one. While nothing can be recorded
// there is none: it is asked for later.
func claimOf(d *desk, house *app.House, url string) (string, error) {
	l, secret, err := house.Signin.NewClaim(d.ctx)
	switch {
	case sashlock.IsKind(err, sashlock.Conflict):
		return "", nil // it has an owner
	case sashlock.IsKind(err, sashlock.Unavailable):
		house.Log.Warn("claim link not made", logkey.Err(err))
		return "", nil
	case err != nil:
		return "", err
	}
	key, err := proof.ParseKey(house.Keys.Verifier)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Nobody owns this store yet. Whoever opens this link becomes its owner; it works once, until %s:\n\n    %s/claim/%s\n\nledger fingerprint %s\n",
		d.clock(l.Expires), url, secret, key.Fingerprint()), nil
}
