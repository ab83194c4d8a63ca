// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
)

// The rules of a stream are:
//   - it goes on behind the last event seen, by Last-Event-ID, however often
//     the connection is cut
//   - a store node shows every 15 seconds that it is alive; after three times
//     that, the connection is taken for dead
//   - what the store node refuses for good (a wrong token, a wrong filter) ends
//     the stream; everything else is tried again

const (
	silence     = 45 * time.Second
	firstPause  = 250 * time.Millisecond
	longestWait = 5 * time.Second
	maxEvent    = 1 << 20
)

// stream follows the ledger of a store node.
type stream struct {
	desk   *desk
	client *client
	query  url.Values
	next   int64 // number of the next event wanted
	left   int   // how many events to show still; 0: no end
}

// errEnough ends a stream that has shown as many events as were wanted.
var errEnough = errors.New("that was the last event wanted")

// run follows until the user stops it.
func (s *stream) run() error {
	pause := firstPause
	for {
		heard, err := s.connect()
		var p *api.Problem
		switch {
		case errors.Is(err, errEnough):
			return nil
		case s.desk.ctx.Err() != nil:
			return s.desk.ctx.Err()
		case errors.As(err, &p) && p.Status < 500 && p.Status != 429, sashlock.IsKind(err, sashlock.Invalid):
			return err
		}
		if heard {
			pause = firstPause
		}
		s.desk.note("cut off before entry %d; trying again", s.next)
		select {
		case <-s.desk.ctx.Done():
			return s.desk.ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, longestWait)
	}
}

// connect follows one connection to its end; heard says whether it was any good.
func (s *stream) connect() (heard bool, err error) {
	ctx, cancel := context.WithCancel(s.desk.ctx)
	defer cancel()
	dead := time.AfterFunc(silence, cancel)
	defer dead.Stop()
	q := call{method: "GET", path: "/v1/events/stream", query: s.query, header: map[string]string{"Accept": "text/event-stream"}}
	if s.next > 0 {
		q.header["Last-Event-ID"] = strconv.FormatInt(s.next-1, 10)
	} else {
		q.query = url.Values{"from": {"0"}}
		for k, v := range s.query {
			q.query[k] = v
		}
	}
	body, err := s.client.open(ctx, q)
	if err != nil {
		return false, err
	}
	defer body.Close() //nolint:errcheck // it was only read
	err = eachEvent(body, func() { dead.Reset(silence) }, s.take)
	return true, err
}

// take shows one event.
func (s *stream) take(data string) error {
	var e api.Event
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return s.client.strange(err)
	}
	if e.Seq < s.next {
		return nil // seen already
	}
	if err := s.desk.showEvent(e); err != nil {
		return err
	}
	s.next = e.Seq + 1
	if s.left--; s.left == 0 {
		return errEnough
	}
	return nil
}

// eachEvent reads server-sent events (WHATWG HTML, section 9.2) and calls take
// with the data of each. Every line, also a comment, is a sign of life.
func eachEvent(r io.Reader, alive func(), take func(data string) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxEvent)
	var data []string
	for lines.Scan() {
		alive()
		line := lines.Text()
		if line == "" {
			if len(data) > 0 {
				if err := take(strings.Join(data, "\n")); err != nil {
					return err
				}
			}
			data = nil
			continue
		}
		if field, value, _ := strings.Cut(line, ":"); field == "data" {
			data = append(data, strings.TrimPrefix(value, " "))
		}
	}
	return lines.Err()
}
