// SPDX-License-Identifier: Apache-2.0

package wslink

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/sashlock/sashlock"
)

var errForeign = errors.New("another language")

// toy is a protocol of words: "!x" is the event x, "7=x" answers request 7,
// "?" is garbled, "~" of no use, "#" an event that says its place.
func toy() Protocol[string, string] {
	return Protocol[string, string]{
		Server: "toy server", Limit: 1 << 10, Foreign: errForeign,
		Greet: func(text []byte) error {
			if string(text) != "welcome" {
				return errForeign
			}
			return nil
		},
		Decode: func(text []byte, place int64) (m Message[string, string], err error) {
			if event, ok := strings.CutPrefix(string(text), "!"); ok {
				return Message[string, string]{Event: &event}, nil
			}
			if id, answer, ok := strings.Cut(string(text), "="); ok {
				return Message[string, string]{ID: id, Answer: &answer}, nil
			}
			switch string(text) {
			case "?":
				return m, errors.New("garbled")
			case "~":
				return m, nil
			case "#":
				event := fmt.Sprint("at ", place)
				return Message[string, string]{Event: &event}, nil
			}
			return m, errForeign
		},
	}
}

// serve runs a server whose connections are in the hands of the function.
func serve(t *testing.T, talk func(ctx context.Context, c *websocket.Conn)) (url string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		talk(r.Context(), c)
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

func say(ctx context.Context, c *websocket.Conn, words ...string) {
	for _, word := range words {
		if c.Write(ctx, websocket.MessageText, []byte(word)) != nil {
			return
		}
	}
}

// echo answers each request with what it holds.
func echo(ctx context.Context, c *websocket.Conn) {
	for {
		_, text, err := c.Read(ctx)
		if err != nil {
			return
		}
		say(ctx, c, string(text))
	}
}

func connect(t *testing.T, talk func(ctx context.Context, c *websocket.Conn)) *Link[string, string] {
	t.Helper()
	l, err := Dial(t.Context(), serve(t, talk), toy())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func asking(word string) func(string) ([]byte, error) {
	return func(id string) ([]byte, error) { return []byte(id + "=" + word), nil }
}

func TestAnswersAndEvents(t *testing.T) {
	l := connect(t, func(ctx context.Context, c *websocket.Conn) {
		say(ctx, c, "welcome", "!one", "?", "~", "99=nobody asked", "!two", "#")
		echo(ctx, c)
	})
	for _, want := range []string{"one", "two", "at 6"} {
		if got := <-l.Events(); got != want {
			t.Errorf("event %q, want %q", got, want)
		}
	}
	if g, i := l.Garbled.Load(), l.Ignored.Load(); g != 1 || i != 2 {
		t.Errorf("%d garbled and %d ignored, want 1 and 2", g, i)
	}
	for _, word := range []string{"a", "b"} {
		if got, err := l.Ask(t.Context(), asking(word)); got != word || err != nil {
			t.Errorf("%q, %v, want %q", got, err, word)
		}
	}
	if err := l.Alive(t.Context(), time.Second); err != nil {
		t.Error(err)
	}
	wrong := errors.New("cannot be written")
	if _, err := l.Ask(t.Context(), func(string) ([]byte, error) { return nil, wrong }); !errors.Is(err, wrong) {
		t.Errorf("%v, want the error of encode", err)
	}
	if n := len(l.waiting); n != 0 {
		t.Errorf("%d still wait", n)
	}
}

// TestEndTellsWhoeverWaits: nobody waits for a connection that is gone.
func TestEndTellsWhoeverWaits(t *testing.T) {
	l := connect(t, func(ctx context.Context, c *websocket.Conn) {
		say(ctx, c, "welcome")
		_, _, _ = c.Read(ctx)
		say(ctx, c, "SSH-2.0")
		echo(ctx, c)
	})
	_, err := l.Ask(t.Context(), asking("x"))
	if !errors.Is(err, errForeign) || !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("%v, want what ended the connection, of kind unavailable", err)
	}
	<-l.Done()
	if !errors.Is(l.Why(), errForeign) {
		t.Errorf("ended by %v", l.Why())
	}
	if _, err := l.Ask(t.Context(), asking("x")); !errors.Is(err, errForeign) {
		t.Errorf("%v, want what ended the connection", err)
	}
}

func TestDeadlines(t *testing.T) {
	l := connect(t, func(ctx context.Context, c *websocket.Conn) {
		say(ctx, c, "welcome")
		for {
			if _, _, err := c.Read(ctx); err != nil {
				return
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := l.Ask(ctx, asking("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the deadline", err)
	}
	// A request that nobody waits for any more is not sent at all, and costs
	// nobody the connection.
	if _, err := l.Ask(ctx, asking("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the deadline", err)
	}
	if l.Why() != nil {
		t.Errorf("the connection ended: %v", l.Why())
	}
	for range maxWaiting + 1 {
		if _, _, err := l.enter("asking"); err != nil {
			if !sashlock.IsKind(err, sashlock.Limit) {
				t.Errorf("%v, want kind limit", err)
			}
			return
		}
	}
	t.Error("no limit of waiting requests")
}

// TestSlowReader: who does not take events holds the server up and is no dead
// connection; Close ends it all the same.
func TestSlowReader(t *testing.T) {
	l := connect(t, func(ctx context.Context, c *websocket.Conn) {
		say(ctx, c, "welcome")
		for ctx.Err() == nil {
			if c.Write(ctx, websocket.MessageText, []byte("!more")) != nil {
				return
			}
		}
	})
	for !l.busy.Load() {
		<-time.After(time.Millisecond)
	}
	if err := l.Alive(t.Context(), 20*time.Millisecond); err != nil {
		t.Errorf("%v, although it is we who are slow", err)
	}
	l.Close()
	if l.Why() == nil {
		t.Error("closed and no reason")
	}
}

func TestDialRefuses(t *testing.T) {
	elsewhere := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound))
	t.Cleanup(elsewhere.Close)
	for name, url := range map[string]string{
		"nobody there": "ws://127.0.0.1:1",
		"a redirect":   "ws" + strings.TrimPrefix(elsewhere.URL, "http"),
		"no greeting":  serve(t, func(ctx context.Context, c *websocket.Conn) { say(ctx, c, "hello") }),
		"bytes": serve(t, func(ctx context.Context, c *websocket.Conn) {
			_ = c.Write(ctx, websocket.MessageBinary, []byte("welcome"))
		}),
		"too long": serve(t, func(ctx context.Context, c *websocket.Conn) { say(ctx, c, strings.Repeat("x", 2<<10)) }),
	} {
		_, err := Dial(t.Context(), url, toy())
		var e *sashlock.Error
		if !errors.As(err, &e) || e.Kind != sashlock.Unavailable || !strings.Contains(e.Hint, "toy server") {
			t.Errorf("%s: %v, want an error that says where to look", name, err)
		}
	}
	old := &sashlock.Error{Kind: sashlock.Unavailable, Hint: "update it"}
	p := toy()
	p.Greet = func([]byte) error { return old }
	if _, err := Dial(t.Context(), serve(t, func(ctx context.Context, c *websocket.Conn) { say(ctx, c, "x") }), p); err != error(old) {
		t.Errorf("%v, want the protocol's own error", err)
	}
}
