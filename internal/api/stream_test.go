// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// streamed is one message of a stream: a comment, or an event.
type streamed struct {
	comment, id, kind string
	event             api.Event
}

// follow opens a stream; the channel is closed when it ends.
func (h *house) follow(ctx context.Context, path string, headers ...string) <-chan streamed {
	h.t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", h.server.URL+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := h.server.Client().Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Cache-Control") != "no-store" {
		h.t.Fatalf("%s: status %d %v", path, resp.StatusCode, resp.Header)
	}
	out := make(chan streamed, 4096)
	go func() {
		defer close(out)
		defer resp.Body.Close()
		var m streamed
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			switch field {
			case "":
				if m.comment = value; lines.Text() == "" {
					continue
				}
				out <- m
				m = streamed{}
			case "id":
				m.id = value
			case "event":
				m.kind = value
			case "data":
				if err := json.Unmarshal([]byte(value), &m.event); err != nil {
					m.comment = "not JSON: " + value
				}
				out <- m
				m = streamed{}
			}
		}
	}()
	return out
}

// next waits for the next event of a stream.
func (h *house) next(stream <-chan streamed) streamed {
	h.t.Helper()
	for {
		select {
		case m, open := <-stream:
			if !open {
				h.t.Fatal("the stream ended")
			}
			if m.comment == "" {
				return m
			}
		case <-time.After(20 * time.Second):
			h.t.Fatal("no event came")
		}
	}
}

func TestStreamGoesOnWhereItWasCut(t *testing.T) { onEachEngine(t, streamGoesOnWhereItWasCut) }

func streamGoesOnWhereItWasCut(t *testing.T, h *house) {
	h.furnish()
	const writers, each = 4, 40
	first := int(h.Store.Size())
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for range each {
				if a, err := h.try("POST", "/v1/openings/case-1/actions", `{"type": "release", "person": "bob"}`, "Authorization", "Bearer "+h.token); err != nil || a.status != 403 {
					t.Errorf("writer %d: %d %v", w, a.status, err)
				}
			}
		})
	}
	// One reader is cut again and again and must miss nothing and see nothing
	// twice, while the writers write.
	last, got := first-1, 0
	for cuts := 0; got < writers*each; cuts++ {
		ctx, cut := context.WithCancel(t.Context())
		headers := []string{"Last-Event-ID", strconv.Itoa(last)}
		path := "/v1/events/stream?kind=access."
		if last < 0 {
			headers = nil
		}
		stream := h.follow(ctx, path, headers...)
		for range 1 + cuts*3 {
			m := h.next(stream)
			seq, err := strconv.Atoi(m.id)
			if err != nil || seq <= last || int(m.event.Seq) != seq || m.kind != string(m.event.Kind) {
				t.Fatalf("after %d came %+v", last, m)
			}
			last = seq
			if got++; got == writers*each {
				break
			}
		}
		cut()
	}
	group.Wait()
	if n := h.count(sashlock.AccessDenied); n != got {
		t.Errorf("the stream brought %d, the ledger has %d", got, n)
	}
}

func TestStreamIsInOrderWithoutGaps(t *testing.T) {
	h := newHouse(t).furnish()
	if _, err := h.Store.Do(t.Context(), func(tx *store.Tx) error { // more than are read at once
		for range 900 {
			tx.Append(sashlock.Event{Kind: sashlock.ReportRefused})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	stream := h.follow(t.Context(), "/v1/events/stream?from=0")
	for i := range h.Store.Size() {
		if m := h.next(stream); m.id != fmt.Sprint(i) || m.event.Kind == "" {
			t.Fatalf("place %d: %+v", i, m)
		}
	}
}

func TestStreamFiltersAndStartsNow(t *testing.T) {
	h := newHouse(t).furnish()
	stream := h.follow(t.Context(), "/v1/events/stream?opening=case-2&kind=access.denied")
	if m := <-stream; m.comment != "connected" {
		t.Fatalf("first came %+v", m)
	}
	h.wantProblem(h.release("case-1", "bob"), 403, "unauthorized")
	h.wantProblem(h.release("case-2", "bob"), 403, "unauthorized")
	if m := h.next(stream); m.event.OpeningSlug != "case-2" || m.kind != "access.denied" {
		t.Errorf("came %+v", m)
	}
	for _, bad := range []string{"x", "-1", "9223372036854775807", "1.5"} {
		h.wantProblem(h.call("GET", "/v1/events/stream", nil, "Last-Event-ID", bad), 422, "invalid")
		h.wantProblem(h.call("GET", "/v1/events/stream?from="+bad, nil), 422, "invalid")
	}
}

// A number that the ledger has not reached is waited for, not an error.
func TestStreamFromTheFuture(t *testing.T) {
	h := newHouse(t).furnish()
	size := h.Store.Size()
	stream := h.follow(t.Context(), "/v1/events/stream", "Last-Event-ID", fmt.Sprint(size))
	for range 3 {
		h.wantProblem(h.release("case-1", "bob"), 403, "unauthorized")
	}
	if m := h.next(stream); m.id != fmt.Sprint(size+1) {
		t.Errorf("came %+v, want %d", m, size+1)
	}
}

func TestQuietStreamShowsThatItIsAlive(t *testing.T) {
	h := newHouse(t)
	h.API.SetHeartbeat(5 * time.Millisecond)
	stream := h.follow(t.Context(), "/v1/events/stream")
	for range 4 {
		if m, open := <-stream; !open || m.comment == "" {
			t.Fatalf("came %+v", m)
		}
	}
}

func TestRevokedTokenEndsItsStreams(t *testing.T) {
	h := newHouse(t)
	h.API.SetHeartbeat(5 * time.Millisecond)
	token, secret, err := h.Signin.Issue(t.Context(), "", "till", []signin.Scope{signin.Read}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	stream := h.follow(t.Context(), "/v1/events/stream", "Authorization", "Bearer "+secret)
	<-stream
	if err := h.Signin.Revoke(t.Context(), "", token.ID); err != nil {
		t.Fatal(err)
	}
	over := time.After(20 * time.Second)
	for {
		select {
		case _, open := <-stream:
			if !open {
				return
			}
		case <-over:
			t.Fatal("the stream went on")
		}
	}
}

func TestReaderThatGoesAwayIsLetGo(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	for range 10 {
		<-h.follow(ctx, "/v1/events/stream")
	}
	cancel()
	h.server.Close() // waits until every handler has returned
	h.server = nil
	if err := h.Stop(); err != nil {
		t.Error(err)
	}
}
