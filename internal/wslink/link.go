// SPDX-License-Identifier: Apache-2.0

package wslink

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/sashlock/sashlock"
)

const (
	// maxWaiting is how many requests may wait for their answers at once.
	maxWaiting = 256
	// maxEvents is how many events may wait to be taken before the server is
	// held up.
	maxEvents = 64
	// writePatience is how long the server may take to accept a message.
	writePatience = 5 * time.Second
)

// Protocol is what a link has to know of a server and its messages. All but Tap
// is required.
type Protocol[A, E any] struct {
	// Server is what the other side is called, for errors: "Matter server".
	Server string
	// Limit is the most bytes one message may have.
	Limit int64
	// Foreign is the error, alone or wrapped, of a message that shows that the
	// other side speaks something else. It ends the link.
	Foreign error
	// Greet looks at the first message. Its error is that of [Dial].
	Greet func(text []byte) error
	// Decode reads one message. Its place is which it is of all that came: answers
	// and events go different ways from here, and by it can be told which came
	// first. An error that is not Foreign costs that message only.
	Decode func(text []byte, place int64) (Message[A, E], error)
	// Tap sees every message, '<' in and '>' out; only for recording
	// transcripts. It may be nil.
	Tap func(direction byte, line []byte)
}

// Message is one message of a server. At most one of Answer and Event is set;
// neither, for what nobody has a use for.
type Message[A, E any] struct {
	ID     string // which request is answered
	Answer *A
	Event  *E
}

// Link is one connection, from dialling to its end. It does not reconnect. Make
// one with [Dial].
type Link[A, E any] struct {
	p    Protocol[A, E]
	conn *websocket.Conn

	// Garbled counts messages of an unknown shape, Ignored those of no use.
	Garbled, Ignored atomic.Int64

	events chan E
	done   chan struct{}   // closed when the connection has ended
	life   context.Context // ends with the connection
	stop   context.CancelFunc
	busy   atomic.Bool // the reader waits for us to take an event

	mu      sync.Mutex
	ended   error             // guarded by mu: why
	next    int               // guarded by mu: number of the last request
	waiting map[string]chan A // guarded by mu: requests without an answer yet; nil after the end
}

// Dial connects and hears the greeting. The context bounds the dialling only.
// An error is that of [Unreachable] or of the protocol's Greet.
func Dial[A, E any](ctx context.Context, url string, p Protocol[A, E]) (*Link[A, E], error) {
	direct := &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer direct.CloseIdleConnections()
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: direct})
	if err != nil {
		return nil, Unreachable(p.Server, "connecting to the "+p.Server, err)
	}
	conn.SetReadLimit(p.Limit)
	life, stop := context.WithCancel(context.Background())
	l := &Link[A, E]{
		p: p, conn: conn, life: life, stop: stop, events: make(chan E, maxEvents),
		done: make(chan struct{}), waiting: make(map[string]chan A),
	}
	if err := l.greet(ctx); err != nil {
		stop()
		_ = conn.CloseNow()
		return nil, err
	}
	go l.read()
	return l, nil
}

// greet hears the server's first message.
func (l *Link[A, E]) greet(ctx context.Context) error {
	text, err := l.line(ctx)
	if err == nil {
		err = l.p.Greet(text)
	}
	var own *sashlock.Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	return Unreachable(l.p.Server, "hearing the greeting of the "+l.p.Server, err)
}

// line reads one text message.
func (l *Link[A, E]) line(ctx context.Context) ([]byte, error) {
	kind, text, err := l.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	if kind != websocket.MessageText {
		return nil, l.p.Foreign
	}
	if l.p.Tap != nil {
		l.p.Tap('<', text)
	}
	return text, nil
}

// read takes messages until the connection ends.
func (l *Link[A, E]) read() {
	err := l.readAll()
	_ = l.conn.CloseNow()
	l.stop()
	l.mu.Lock()
	l.ended = err
	waiting := l.waiting
	l.waiting = nil
	l.mu.Unlock()
	for _, answer := range waiting {
		close(answer)
	}
	close(l.done)
}

func (l *Link[A, E]) readAll() error {
	for place := int64(1); ; place++ {
		text, err := l.line(l.life)
		if err != nil {
			return err
		}
		m, err := l.p.Decode(text, place)
		switch {
		case errors.Is(err, l.p.Foreign):
			return err
		case err != nil:
			l.Garbled.Add(1)
		case m.Answer != nil:
			l.answer(m.ID, *m.Answer)
		case m.Event != nil:
			l.busy.Store(true)
			select {
			case l.events <- *m.Event:
			case <-l.life.Done():
				return l.life.Err()
			}
			l.busy.Store(false)
		default:
			l.Ignored.Add(1)
		}
	}
}

// answer hands an answer to whoever waits for it.
func (l *Link[A, E]) answer(id string, a A) {
	l.mu.Lock()
	waiting, ok := l.waiting[id]
	delete(l.waiting, id)
	l.mu.Unlock()
	if !ok {
		l.Ignored.Add(1)
		return
	}
	waiting <- a // holds one
}

// Ask sends a request, which encode writes with the number given to it, and
// waits for its answer. When the context ends first the request may still be
// carried out. The error is encode's, that of [Unreachable], or of kind limit
// when too many wait already.
func (l *Link[A, E]) Ask(ctx context.Context, encode func(id string) ([]byte, error)) (A, error) {
	var none A
	op := "asking the " + l.p.Server
	id, answer, err := l.enter(op)
	if err != nil {
		return none, err
	}
	defer func() {
		l.mu.Lock()
		delete(l.waiting, id)
		l.mu.Unlock()
	}()
	line, err := encode(id)
	if err != nil {
		return none, err
	}
	if l.p.Tap != nil {
		l.p.Tap('>', line)
	}
	if err := l.write(ctx, line); err != nil {
		return none, Unreachable(l.p.Server, op, err)
	}
	select {
	case a, ok := <-answer:
		if !ok {
			return none, Unreachable(l.p.Server, op, l.Why())
		}
		return a, nil
	case <-ctx.Done():
		return none, Unreachable(l.p.Server, "waiting for the "+l.p.Server, ctx.Err())
	}
}

// enter makes a place for an answer.
func (l *Link[A, E]) enter(op string) (id string, answer chan A, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting == nil {
		return "", nil, Unreachable(l.p.Server, op, l.ended)
	}
	if len(l.waiting) >= maxWaiting {
		return "", nil, &sashlock.Error{Kind: sashlock.Limit, Op: op, Hint: "too many requests wait for an answer: try again later"}
	}
	l.next++
	id, answer = strconv.Itoa(l.next), make(chan A, 1)
	l.waiting[id] = answer
	return id, answer, nil
}

// write sends one line. A context that ends in the middle of a message costs
// the connection, so one asker's deadline is not used for it.
func (l *Link[A, E]) write(ctx context.Context, line []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(l.life, writePatience)
	defer cancel()
	return l.conn.Write(ctx, websocket.MessageText, line)
}

// Events returns the channel of what the server tells on its own.
func (l *Link[A, E]) Events() <-chan E { return l.events }

// Alive asks the other side for a sign of life. While we ourselves hold up the
// reader nothing can be heard, and the connection counts as alive.
func (l *Link[A, E]) Alive(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := l.conn.Ping(ctx)
	if err != nil && l.busy.Load() {
		return nil
	}
	return err
}

// Close ends the connection and waits until its reader is gone.
func (l *Link[A, E]) Close() {
	l.stop()
	_ = l.conn.CloseNow()
	<-l.done
}

// Done returns a channel that is closed when the connection has ended.
func (l *Link[A, E]) Done() <-chan struct{} { return l.done }

// Why returns what ended the connection, or nil while it is there.
func (l *Link[A, E]) Why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// Unreachable returns a sashlock.Error of kind unavailable for a server that
// could not be talked with.
func Unreachable(server, op string, err error) error {
	return &sashlock.Error{
		Kind: sashlock.Unavailable, Op: op,
		Hint: "see whether the " + server + " runs and the address is right", Err: err,
	}
}
