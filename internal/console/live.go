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
//   - Tabs that show the same to operators who may see the same share the
//     looking and the rendering: see watch.go.
//   - The id of a message says what the tab shows once it has it: a
//     fingerprint of each part. A stream that is resumed with it, by
//     Last-Event-ID or by "at", sends what differs from it and nothing else.
//   - Every few seconds it says that it is alive, so that a page can tell that
//     it is not, and looks whether its session still stands: a session that
//     was ended sees nothing more.

const (
	beatEvery  = 5 * time.Second
	lookEvery  = time.Second
	perPart    = time.Second / 10
	maxStreams = 4096
	manyParts  = 8 // when more parts within one have changed, it is sent as a whole
	writeLimit = 10 * time.Second
	standsFor  = time.Second // for how long a look at a session holds
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
func (f *Frame) Stream(w http.ResponseWriter, r *http.Request, parts Parts) error {
	return f.stream(w, r, f.watchAlone(r.Context(), parts))
}

// StreamShared is [Frame.Stream] for a page that is the same for all operators
// who may see the same things: its parts may depend on the address, the
// language and the scope of the operator, and on nothing else of the request.
func (f *Frame) StreamShared(w http.ResponseWriter, r *http.Request, parts Parts) error {
	return f.stream(w, r, f.watchTogether(r, parts))
}

func (f *Frame) stream(w http.ResponseWriter, r *http.Request, seen *watch) error {
	defer seen.leave()
	defer f.streams.Add(-1)
	if f.streams.Add(1) > maxStreams {
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: "opening stream", Hint: "too many pages are open: close some"}
	}
	t := tab{frame: f, out: http.NewResponseController(w), w: w, at: r.Header.Get("Last-Event-ID")}
	if t.at == "" {
		t.at = r.URL.Query().Get("at")
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	if err := t.run(r, seen); err != nil && r.Context().Err() == nil {
		f.Log.Debug("stream ended", logkey.Err(err))
	}
	return nil
}

// tab is one tab of a browser at the far end of a connection.
type tab struct {
	frame *Frame
	out   *http.ResponseController
	w     http.ResponseWriter
	at    string // what the tab shows, when it says so
	has   *view  // what the tab shows, once we have sent something

	until time.Time // when writing is given up
}

func (t *tab) run(r *http.Request, seen *watch) error {
	ctx := r.Context()
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	if err := t.beat(); err != nil {
		return err
	}
	for {
		now, changed := seen.latest()
		if changed == nil {
			return nil
		}
		if now != nil && now != t.has {
			if err := t.show(ctx, now); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-beat.C:
			if !t.frame.stands(r) {
				return t.write([]byte("event: gone\ndata: session\n\n"))
			}
			if err := t.beat(); err != nil {
				return err
			}
		}
	}
}

// show brings the tab to a view. Nearly always it has the one before, and what
// has changed since is rendered already.
func (t *tab) show(ctx context.Context, now *view) error {
	text := now.news
	if t.has == nil || t.has.number != now.number-1 {
		list := changed(nil, t.at, now.parts)
		if t.has != nil {
			list = changed(t.has.parts, "", now.parts)
		}
		var err error
		if text, err = news(ctx, list, now.at); err != nil {
			return err
		}
	}
	t.has = now
	if len(text) == 0 {
		return nil
	}
	return t.write(text)
}

// news is the text that brings a tab by the changed parts to what the
// fingerprint says.
func news(ctx context.Context, list []Part, at string) ([]byte, error) {
	var text bytes.Buffer
	for i, p := range list {
		body, err := render(ctx, p.Body)
		if err != nil {
			return nil, err
		}
		text.WriteString("event: part\n")
		if i == len(list)-1 { // only with the last does the tab show all of it
			fmt.Fprintf(&text, "id: %s\n", at)
		}
		for line := range bytes.Lines(body) {
			text.WriteString("data: ")
			text.Write(bytes.TrimRight(line, "\r\n"))
			text.WriteByte('\n')
		}
		text.WriteByte('\n')
	}
	return text.Bytes(), nil
}

// beat says that the stream is alive, and what time it is here.
func (t *tab) beat() error {
	return t.write(fmt.Appendf(nil, "event: beat\ndata: %d\n\n", t.frame.Now().UnixMilli()))
}

// write sends a text. A tab that takes nothing is given up after between one and
// two times the limit: to set the deadline for every message would cost a tenth
// of sending it.
func (t *tab) write(text []byte) error {
	if now := time.Now(); t.until.Sub(now) < writeLimit {
		t.until = now.Add(2 * writeLimit)
		if err := t.out.SetWriteDeadline(t.until); err != nil {
			t.frame.Log.Debug("stream without a deadline", logkey.Err(err))
		}
	}
	if _, err := t.w.Write(text); err != nil {
		return err
	}
	return t.out.Flush()
}
