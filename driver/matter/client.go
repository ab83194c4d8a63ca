// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/sashlock/sashlock"
)

// ourSchema is the version of the server's messages that this driver speaks.
// Servers serve older versions too, down to the least they name.
const ourSchema = 11

// maxWaiting is how many requests may wait for their answers at once.
const maxWaiting = 256

// writePatience is how long the server may take to accept a message.
const writePatience = 5 * time.Second

// client is one connection to a Matter server, from dialling to its end. It
// does not reconnect.
type client struct {
	conn *websocket.Conn
	info info
	tap  func(direction byte, line []byte) // sees every message; only for recording transcripts

	events  chan event
	done    chan struct{}   // closed when the connection has ended
	ended   error           // guarded by mu: why
	life    context.Context // ends with the connection
	stop    context.CancelFunc
	ignored atomic.Int64 // messages and events of no use to us
	garbled atomic.Int64 // events and answers of an unknown shape
	busy    atomic.Bool  // the reader waits for us to take an event

	mu      sync.Mutex
	next    int                    // guarded by mu: number of the last request
	waiting map[string]chan result // guarded by mu: requests without an answer yet; nil after the end
}

// dial connects and checks that we speak a common version. The context bounds
// the dialling only.
func dial(ctx context.Context, url string, tap func(byte, []byte)) (*client, error) {
	// No proxy and no redirect: the server is in the store.
	direct := &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer direct.CloseIdleConnections()
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: direct})
	if err != nil {
		return nil, unreachable("connecting to the Matter server", err)
	}
	conn.SetReadLimit(maxMessage)
	life, stop := context.WithCancel(context.Background())
	c := &client{
		conn: conn, tap: tap, life: life, stop: stop, events: make(chan event, 64),
		done: make(chan struct{}), waiting: make(map[string]chan result),
	}
	if err := c.greet(ctx); err != nil {
		stop()
		_ = conn.CloseNow()
		return nil, err
	}
	go c.read(life)
	return c, nil
}

// greet reads the server's first message.
func (c *client) greet(ctx context.Context) error {
	const op = "hearing the Matter server's greeting"
	text, err := c.line(ctx)
	if err != nil {
		return unreachable(op, err)
	}
	m, err := decode(text)
	if err != nil || m.Info == nil {
		return unreachable(op, errSyntax)
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

// line reads one text message.
func (c *client) line(ctx context.Context) ([]byte, error) {
	kind, text, err := c.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	if kind != websocket.MessageText {
		return nil, errSyntax
	}
	if c.tap != nil {
		c.tap('<', text)
	}
	return text, nil
}

// read takes messages until the connection ends.
func (c *client) read(ctx context.Context) {
	err := c.readAll(ctx)
	_ = c.conn.CloseNow()
	c.stop()
	c.mu.Lock()
	c.ended = err
	waiting := c.waiting
	c.waiting = nil
	c.mu.Unlock()
	for _, answer := range waiting {
		close(answer)
	}
	close(c.done)
}

func (c *client) readAll(ctx context.Context) error {
	for {
		text, err := c.line(ctx)
		if err != nil {
			return err
		}
		m, err := decode(text)
		switch {
		case errors.Is(err, errSyntax):
			return err
		case err != nil:
			c.garbled.Add(1)
		case m.Result != nil:
			c.answer(*m.Result)
		case m.Event != nil:
			c.busy.Store(true)
			select {
			case c.events <- *m.Event:
			case <-ctx.Done():
				return ctx.Err()
			}
			c.busy.Store(false)
		default:
			c.ignored.Add(1)
		}
	}
}

// answer hands a result to whoever waits for it.
func (c *client) answer(r result) {
	c.mu.Lock()
	waiting, ok := c.waiting[r.ID]
	delete(c.waiting, r.ID)
	c.mu.Unlock()
	if !ok {
		c.ignored.Add(1)
		return
	}
	waiting <- r // holds one
}

// do sends a request and waits for its answer. A failure the server tells of
// is a [serverError]. When the context ends first the request may still be
// carried out.
func (c *client) do(ctx context.Context, r request) (sealed, error) {
	const op = "asking the Matter server"
	answer := make(chan result, 1)
	c.mu.Lock()
	if c.waiting == nil {
		c.mu.Unlock()
		return sealed{}, unreachable(op, c.why())
	}
	if len(c.waiting) >= maxWaiting {
		c.mu.Unlock()
		return sealed{}, &sashlock.Error{Kind: sashlock.Limit, Op: op, Hint: "too many requests wait for an answer: try again later"}
	}
	c.next++
	r.ID = strconv.Itoa(c.next)
	c.waiting[r.ID] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, r.ID)
		c.mu.Unlock()
	}()

	line, err := encode(r)
	if err != nil {
		return sealed{}, err
	}
	if c.tap != nil {
		c.tap('>', line)
	}
	if err := c.write(ctx, line); err != nil {
		return sealed{}, unreachable(op, err)
	}
	select {
	case got, ok := <-answer:
		if !ok {
			return sealed{}, unreachable(op, c.why())
		}
		return got.body, got.err(r.Command)
	case <-ctx.Done():
		return sealed{}, unreachable("waiting for the Matter server", ctx.Err())
	}
}

// write sends one line. A context that ends in the middle of a message costs
// the connection, so one asker's deadline is not used for it.
func (c *client) write(ctx context.Context, line []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.life, writePatience)
	defer cancel()
	return c.conn.Write(ctx, websocket.MessageText, line)
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

// alive asks the other side for a sign of life. While we ourselves hold up the
// reader nothing can be heard, and the connection counts as alive.
func (c *client) alive(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := c.conn.Ping(ctx)
	if err != nil && c.busy.Load() {
		return nil
	}
	return err
}

// close ends the connection and waits until its reader is gone.
func (c *client) close() {
	c.stop()
	_ = c.conn.CloseNow()
	<-c.done
}

// why returns what ended the connection.
func (c *client) why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil {
		return errors.New("the connection is closed")
	}
	return c.ended
}

func unreachable(op string, err error) error {
	return &sashlock.Error{
		Kind: sashlock.Unavailable, Op: op,
		Hint: "see whether the Matter server runs and the address is right", Err: err,
	}
}
