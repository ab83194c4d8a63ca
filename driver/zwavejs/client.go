// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"context"
	"fmt"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/wslink"
)

// Schemas are versions of the server's messages. This driver was written and
// tested for wantSchema and understands the older ones down to leastSchema,
// which was the first to name endpoints in notifications.
const (
	wantSchema  = 44
	leastSchema = 32
)

// theServer is what the other side is called in errors.
const theServer = "Z-Wave JS server"

// client is one connection to a Z-Wave JS server.
type client struct {
	*wslink.Link[result, event]
	version version
}

// dial connects, checks that we speak a common version and agrees on it. tap
// sees every message; it is for recording transcripts and may be nil.
func dial(ctx context.Context, url string, tap func(byte, []byte)) (*client, error) {
	c := &client{}
	l, err := wslink.Dial(ctx, url, wslink.Protocol[result, event]{
		Server: theServer, Limit: maxMessage, Foreign: errSyntax, Greet: c.greet, Decode: heard, Tap: tap,
	})
	if err != nil {
		return nil, err
	}
	c.Link = l
	if _, err := c.do(ctx, initialize(min(wantSchema, c.version.MaxSchema))); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// heard sorts one message for the link.
func heard(text []byte, place int64) (wslink.Message[result, event], error) {
	m, err := decode(text)
	got := wslink.Message[result, event]{Answer: m.Result, Event: m.Event}
	if m.Result != nil {
		got.ID, m.Result.body.place = m.Result.ID, place
	}
	if m.Event != nil {
		m.Event.place = place
	}
	return got, err
}

// greet reads the server's first message.
func (c *client) greet(text []byte) error {
	m, err := decode(text)
	if err != nil || m.Version == nil {
		return errSyntax
	}
	c.version = *m.Version
	if m.Version.MaxSchema < leastSchema || m.Version.MinSchema > wantSchema {
		return &sashlock.Error{
			Kind: sashlock.Unavailable, Op: "connecting to the Z-Wave JS server", Subject: m.Version.Server,
			Hint: fmt.Sprintf("it speaks schema %d to %d and this driver %d to %d: update the older of the two",
				m.Version.MinSchema, m.Version.MaxSchema, leastSchema, wantSchema),
		}
	}
	return nil
}

// tries is how often a lock is sent what it cannot decode, and lull how long it is
// left alone before the second time, so that it comes to the end of what it has to
// say; each further time it is twice as long.
const (
	tries = 4
	lull  = 150 * time.Millisecond
)

// do sends a request and waits for its answer. A failure the server tells of
// is a sashlock.Error of kind unavailable; when the context ends first the
// request may still be carried out.
//
// A lock that spoke at the same moment can lose step in its encryption (S2), and
// then knows no more of a message than that one came. It is sent again, within
// the time there is. All that we send sets or asks something, so that even one
// that was understood after all does nothing twice.
func (c *client) do(ctx context.Context, r request) (sealed, error) {
	for try := 1; ; try++ {
		got, err := c.Ask(ctx, func(id string) ([]byte, error) {
			r.ID = id
			return encode(r)
		})
		if err != nil {
			return sealed{}, err
		}
		if got.Success || got.ZWave != notDecoded || try == tries || !driver.Rest(ctx, lull<<(try-1)) {
			return got.body, got.err(r.Command)
		}
	}
}

// notDecoded is how Z-Wave JS numbers that a lock could make nothing of a message
// (Security2CC_CannotDecode).
const notDecoded = 1405

// err returns the failure that a result tells of, or nil.
func (r result) err(command string) error {
	if r.Success {
		return nil
	}
	return &sashlock.Error{
		Kind: sashlock.Unavailable, Op: "asking the Z-Wave JS server", Subject: command,
		Hint: "the radio could not do it: see whether the lock has power and is in reach",
		Err:  &serverError{Code: r.Code, ZWave: r.ZWave, Text: r.Text},
	}
}

// serverError is a failure as the server tells it.
type serverError struct {
	Code  string
	ZWave int
	Text  string
}

// Error returns the failure in the server's words.
func (e *serverError) Error() string {
	if e.Text == "" {
		return e.Code
	}
	return e.Code + ": " + e.Text
}

func unreachable(op string, err error) error { return wslink.Unreachable(theServer, op, err) }
