// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// Event is an entry of the ledger as programs see it: the entry itself, and the
// short names of what it is about as they are today.
type Event struct {
	sashlock.Event
	OpeningSlug string `json:"opening_slug,omitempty"`
	PersonSlug  string `json:"person_slug,omitempty"`
	SiteSlug    string `json:"site_slug,omitempty"`
	Words       string `json:"words,omitempty" doc:"The reason as a sentence"`
}

// EventFilter are the conditions of lists and streams of events. It is exported
// for the same reason as [Paging].
type EventFilter struct {
	Opening string    `query:"opening" maxLength:"100" doc:"Slug or identifier"`
	Person  string    `query:"person" maxLength:"100" doc:"Slug or identifier"`
	Device  string    `query:"device" maxLength:"100" doc:"Identifier"`
	Kind    string    `query:"kind" maxLength:"60" doc:"A kind, or the beginning of several: access."`
	Since   time.Time `query:"since" doc:"Heard at this time or later (RFC 3339)"`
	Until   time.Time `query:"until" doc:"Heard before this time (RFC 3339)"`
}

type eventsInput struct {
	EventFilter
	Paging
}

type streamInput struct {
	EventFilter
	LastEventID string `header:"Last-Event-ID" maxLength:"20" doc:"Number of the last event seen: the stream goes on behind it"`
	From        string `query:"from" maxLength:"20" doc:"Number of the first event wanted, when there is no Last-Event-ID; only new events when not given"`
}

func (a *API) eventRoutes() {
	tags := []string{"events"}
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/events", OperationID: "list-event", Tags: tags, Summary: "List events, newest first",
	}, a.listEvents)
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/events/stream", OperationID: "stream-events", Tags: tags,
		Summary: "Follow events as they are recorded",
		Description: "Server-sent events. Each has its number in the ledger as id and JSON as data. " +
			"A stream that was cut resumes with Last-Event-ID, without a gap or a double. A comment comes every 15 seconds.",
		Responses: map[string]*huma.Response{"200": {
			Description: "The stream", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: "string"}}},
		}},
	}, a.streamEvents)
}

// query turns the conditions into the store's.
func (a *API) query(ctx context.Context, f EventFilter) (store.EventQuery, error) {
	q := store.EventQuery{Device: sashlock.DeviceID(f.Device), Kind: f.Kind, Since: f.Since, Until: f.Until}
	err := a.view(ctx, func(v store.Query) error {
		if f.Opening != "" {
			o, err := sites.FindOpening(v, f.Opening)
			if err != nil {
				return err
			}
			q.Opening = o.ID
		}
		if f.Person != "" {
			p, err := people.Find(v, f.Person)
			if err != nil {
				return err
			}
			q.Person = p.ID
		}
		return nil
	})
	return q, err
}

func (a *API) listEvents(ctx context.Context, in *eventsInput) (*pageAnswer[Event], error) {
	q, err := a.query(ctx, in.EventFilter)
	if err != nil {
		return nil, err
	}
	cursor, err := in.position()
	if err != nil {
		return nil, err
	}
	if cursor != "" {
		if q.Before, err = number("after", cursor); err != nil {
			return nil, err
		}
		if q.Before == 0 {
			return &pageAnswer[Event]{Body: Page[Event]{Data: []Event{}}}, nil
		}
	}
	q.Newest, q.Limit = true, in.Limit+1
	events, err := a.Store.Events(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &pageAnswer[Event]{Body: Page[Event]{Data: []Event{}, HasMore: len(events) > in.Limit}}
	for _, e := range events[:min(len(events), in.Limit)] {
		if caller(ctx).HearsOf(e) {
			out.Body.Data = append(out.Body.Data, a.event(e))
		}
	}
	if out.Body.HasMore {
		out.next(in.Paging, strconv.FormatInt(events[in.Limit-1].Seq, 10))
	}
	return out, nil
}

func number(field, s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n == math.MaxInt64 {
		return 0, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading number", Subject: field, Hint: "hand in the number of an event"}
	}
	return n, nil
}

func (a *API) event(e sashlock.Event) Event {
	name := naming(a.Hall.Book())
	out := Event{Event: e}
	if e.Opening != "" {
		out.OpeningSlug = name(estate.Openings, string(e.Opening))
	}
	if e.Person != "" {
		out.PersonSlug = name(estate.People, string(e.Person))
	}
	if e.Site != "" {
		out.SiteSlug = name(estate.Sites, string(e.Site))
	}
	if e.Reason != "" {
		out.Words = e.Reason.Words()
	}
	return out
}

// heartbeat is how often a quiet stream shows that it is alive.
const heartbeat = 15 * time.Second

// streamBatch is the most events read at once for a stream.
const streamBatch = 200

func (a *API) streamEvents(ctx context.Context, in *streamInput) (*huma.StreamResponse, error) {
	q, err := a.query(ctx, in.EventFilter)
	if err != nil {
		return nil, err
	}
	q.From = a.Store.Size()
	switch {
	case in.LastEventID != "":
		if q.From, err = number("Last-Event-ID", in.LastEventID); err != nil {
			return nil, err
		}
		q.From++
	case in.From != "":
		if q.From, err = number("from", in.From); err != nil {
			return nil, err
		}
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "text/event-stream")
		hc.SetHeader("Cache-Control", "no-store")
		hc.SetHeader("X-Accel-Buffering", "no")
		s := stream{api: a, w: hc.BodyWriter(), query: q, who: caller(ctx)}
		s.run(hc.Context())
	}}, nil
}

// stream is one reader of the ledger at the far end of a connection.
type stream struct {
	api   *API
	w     io.Writer
	query store.EventQuery
	who   signin.Token // the token it was opened with
}

// run writes events until the reader goes away.
func (s *stream) run(ctx context.Context) {
	news, stop := s.api.Store.Subscribe()
	defer stop()
	beat := time.NewTicker(s.api.heartbeat)
	defer beat.Stop()
	defer s.deadline(time.Time{}) // the connection may be used again
	if !s.comment("connected") {
		return
	}
	for {
		more, ok := s.send(ctx)
		if !ok {
			return
		}
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-beat.C:
			// A token that has ended meanwhile ends its streams too.
			if valid, err := s.api.Signin.Valid(ctx, s.who.ID); err != nil || !valid || !s.comment("still here") {
				return
			}
		}
	}
}

// send writes what is there; more says that there is probably more.
func (s *stream) send(ctx context.Context) (more, ok bool) {
	size := s.api.Store.Size() // read first: what is recorded from here on is for the next turn
	s.query.Limit = streamBatch
	events, err := s.api.Store.Events(ctx, s.query)
	if err != nil {
		return false, false
	}
	s.hurry()
	for _, e := range events {
		s.query.From = e.Seq + 1
		if !s.who.HearsOf(e) {
			continue
		}
		data, err := json.Marshal(s.api.event(e))
		if err != nil {
			return false, false
		}
		if _, err := fmt.Fprintf(s.w, "id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Kind, data); err != nil {
			return false, false
		}
	}
	if len(events) < streamBatch {
		s.query.From = max(s.query.From, size)
	}
	return len(events) == streamBatch, len(events) == 0 || s.flush()
}

func (s *stream) comment(text string) bool {
	s.hurry()
	_, err := fmt.Fprintf(s.w, ": %s\n\n", text)
	return err == nil && s.flush()
}

// patience is how long a reader may take to accept what is written to it.
const patience = 30 * time.Second

// hurry gives up on a reader that accepts nothing any more.
func (s *stream) hurry() {
	s.deadline(time.Now().Add(patience))
}

// deadline sets until when writing may take. Where there is no connection to set
// it on, there is nothing to wait for either.
func (s *stream) deadline(at time.Time) {
	if w, is := s.w.(http.ResponseWriter); is {
		_ = http.NewResponseController(w).SetWriteDeadline(at)
	}
}

func (s *stream) flush() bool {
	f, can := s.w.(http.Flusher)
	if can {
		f.Flush()
	}
	return can
}
