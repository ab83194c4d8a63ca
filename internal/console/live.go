// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/logkey"
)

// The rules of a stream are:
//
//   - It sends a part when what the part shows has changed, rendered by the
//     function that renders it in the page. The browser puts it in the place
//     of the element with the same id.
//   - Its parts are looked at after every commit and once a second, because
//     some things change by the passing of time alone.
//   - At most ten parts a second go to one tab. What changes faster is sent as
//     it stands when its turn comes.
//   - The id of a message says what the tab shows once it has it: a
//     fingerprint of each part. A stream that is resumed with it, by
//     Last-Event-ID or by "at", sends what differs from it and nothing else.
//   - Every few seconds it says that it is alive, so that a page can tell that
//     it is not.

const (
	beatEvery  = 5 * time.Second
	lookEvery  = time.Second
	perPart    = time.Second / 10
	maxStreams = 128
	manyParts  = 8 // when more parts within one have changed, it is sent as a whole
	writeLimit = 10 * time.Second
)

// Part is a piece of a page with an id of its own.
type Part struct {
	ID     string // the id of its element
	Key    string // changes exactly when the part is to be sent again; not needed when it has parts
	Body   templ.Component
	Within []Part // the parts it consists of, if they can be sent alone
}

// key is the part's own, or that of all it consists of.
func (p Part) key() string {
	if len(p.Within) == 0 {
		return p.Key
	}
	var all strings.Builder
	all.WriteString(p.Key)
	for _, in := range p.Within {
		fmt.Fprintf(&all, "\x00%s\x00%s", in.ID, in.key())
	}
	return all.String()
}

// At is the fingerprint of what a page of these parts shows.
func At(parts []Part) string {
	all := make([]string, len(parts))
	for i, p := range parts {
		h := fnv.New64a()
		h.Write([]byte(p.ID + "\x00" + p.key()))
		all[i] = fmt.Sprintf("%016x", h.Sum64())
	}
	return strings.Join(all, ".")
}

// changed lists what has to be sent to a tab that shows before, of which only
// the fingerprint at is known when before is nil.
func changed(before []Part, at string, now []Part) []Part {
	var out []Part
	if before == nil {
		had := strings.Split(at, ".")
		for i, print := range strings.Split(At(now), ".") {
			if len(had) != len(now) || had[i] != print {
				out = append(out, now[i])
			}
		}
		return out
	}
	was := map[string]Part{}
	for _, p := range before {
		was[p.ID] = p
	}
	for _, p := range now {
		old, known := was[p.ID]
		if known && old.key() == p.key() {
			continue
		}
		if inner, alone := within(old, p); known && alone {
			out = append(out, inner...)
		} else {
			out = append(out, p)
		}
	}
	return out
}

// within lists the changed parts of a part; alone says that sending them is
// enough.
func within(old, now Part) (inner []Part, alone bool) {
	if len(now.Within) == 0 || len(old.Within) != len(now.Within) || old.Key != now.Key {
		return nil, false
	}
	for i, p := range now.Within {
		if old.Within[i].ID != p.ID {
			return nil, false
		}
		if old.Within[i].key() != p.key() {
			inner = append(inner, p)
		}
	}
	return inner, len(inner) <= manyParts
}

// Stream keeps a page up to date until the browser goes away. Parts returns
// the page's parts as they stand.
func (f *Frame) Stream(w http.ResponseWriter, r *http.Request, parts func(context.Context) ([]Part, error)) error {
	if f.streams.Add(1) > maxStreams {
		f.streams.Add(-1)
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: "opening stream", Hint: "too many pages are open: close some"}
	}
	defer f.streams.Add(-1)
	s := stream{frame: f, out: http.NewResponseController(w), w: w, parts: parts, at: r.Header.Get("Last-Event-ID")}
	if s.at == "" {
		s.at = r.URL.Query().Get("at")
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	if err := s.run(r.Context()); err != nil && r.Context().Err() == nil {
		f.Log.Debug("stream ended", logkey.Err(err))
	}
	return nil
}

// stream is one tab at the far end of a connection.
type stream struct {
	frame *Frame
	out   *http.ResponseController
	w     http.ResponseWriter
	parts func(context.Context) ([]Part, error)
	at    string // what the tab shows, when it says so
	shown []Part // what the tab shows, once we have sent something
}

func (s *stream) run(ctx context.Context) error {
	news, stop := s.frame.Store.Subscribe()
	defer stop()
	look, beat := time.NewTicker(lookEvery), time.NewTicker(beatEvery)
	defer look.Stop()
	defer beat.Stop()
	if err := s.beat(); err != nil {
		return err
	}
	for {
		sent, err := s.send(ctx)
		if err != nil {
			return err
		}
		if !pause(ctx, time.Duration(max(sent, 1))*perPart) {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-news:
		case <-look.C:
		case <-beat.C:
			if err := s.beat(); err != nil {
				return err
			}
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// send sends what has changed and returns how many parts that was.
func (s *stream) send(ctx context.Context) (int, error) {
	now, err := s.parts(ctx)
	if err != nil {
		return 0, err
	}
	list := changed(s.shown, s.at, now)
	s.shown = now
	if len(list) == 0 {
		return 0, nil
	}
	var text bytes.Buffer
	for i, p := range list {
		body, err := render(ctx, p.Body)
		if err != nil {
			return 0, err
		}
		text.WriteString("event: part\n")
		if i == len(list)-1 { // only with the last does the tab show all of it
			fmt.Fprintf(&text, "id: %s\n", At(now))
		}
		for line := range bytes.Lines(body) {
			text.WriteString("data: ")
			text.Write(bytes.TrimRight(line, "\r\n"))
			text.WriteByte('\n')
		}
		text.WriteByte('\n')
	}
	return len(list), s.write(text.Bytes())
}

// beat says that the stream is alive, and what time it is here.
func (s *stream) beat() error {
	return s.write(fmt.Appendf(nil, "event: beat\ndata: %d\n\n", s.frame.Now().UnixMilli()))
}

func (s *stream) write(text []byte) error {
	if err := s.out.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		s.frame.Log.Debug("stream without a deadline", logkey.Err(err))
	}
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	return s.out.Flush()
}
