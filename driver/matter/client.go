// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"context"
	"fmt"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/wslink"
)

// ourSchema is the version of the server's messages that this driver speaks.
// Servers serve older versions too, down to the least they name.
const ourSchema = 11

// theServer is what the other side is called in errors.
const theServer = "Matter server"

// client is one connection to a Matter server.
type client struct {
	*wslink.Link[result, event]
	info info
}

// dial connects and checks that we speak a common version. tap sees every
// message; it is for recording transcripts and may be nil.
func dial(ctx context.Context, url string, tap func(byte, []byte)) (*client, error) {
	c := &client{}
	l, err := wslink.Dial(ctx, url, wslink.Protocol[result, event]{
		Server: theServer, Limit: maxMessage, Foreign: errSyntax, Greet: c.greet, Decode: heard, Tap: tap,
	})
	if err != nil {
		return nil, err
	}
	c.Link = l
	return c, nil
}

// heard sorts one message for the link.
func heard(text []byte, _ int64) (wslink.Message[result, event], error) {
	m, err := decode(text)
	got := wslink.Message[result, event]{Answer: m.Result, Event: m.Event}
	if m.Result != nil {
		got.ID = m.Result.ID
	}
	return got, err
}

// greet reads the server's first message.
func (c *client) greet(text []byte) error {
	m, err := decode(text)
	if err != nil || m.Info == nil {
		return errSyntax
	}
	c.info = *m.Info
	if c.info.Schema < ourSchema || c.info.MinSchema > ourSchema {
		return &sashlock.Error{
			Kind: sashlock.Unavailable, Op: "connecting to the Matter server", Subject: c.info.SDK,
			Hint: fmt.Sprintf("it speaks schema %d to %d and this driver %d: update the older of the two", c.info.MinSchema, c.info.Schema, ourSchema),
		}
	}
	return nil
}

// punctual reports whether the server ends an order with its time. Only our own
// says so; another may wait for a lock to come back.
func (c *client) punctual() bool { return strings.HasPrefix(c.info.SDK, "sashlock-sidecar/") }

// do sends a request and waits for its answer. A failure the server tells of
// is a [serverError]. When the context ends first the request may still be
// carried out.
func (c *client) do(ctx context.Context, r request) (sealed, error) {
	got, err := c.Ask(ctx, func(id string) ([]byte, error) {
		r.ID = id
		return encode(r)
	})
	if err != nil {
		return sealed{}, err
	}
	return got.body, got.err(r.Command)
}

// err returns the failure that a result tells of, or nil.
func (r result) err(command string) error {
	if !r.Failed {
		return nil
	}
	return &sashlock.Error{
		Kind: sashlock.Unavailable, Op: "asking the Matter server", Subject: command,
		Hint: "see whether the device has power and is in reach", Err: &serverError{Code: r.Code, Text: r.Text},
	}
}

// serverError is a failure as the server tells it.
type serverError struct {
	Code failure
	Text string
}

// Error returns the failure in the server's words.
func (e *serverError) Error() string { return fmt.Sprintf("failure %d: %s", e.Code, e.Text) }

func unreachable(op string, err error) error { return wslink.Unreachable(theServer, op, err) }
