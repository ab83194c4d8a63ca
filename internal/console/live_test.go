// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// desk is a frame over a store of its own, with a page whose parts the test
// sets.
type desk struct {
	t      testing.TB
	frame  *Frame
	server *httptest.Server

	mu    sync.Mutex
	parts []Part // guarded by mu
}

func newDesk(t testing.TB, demo bool) *desk {
	t.Helper()
	skey, _, err := note.GenerateKey(rand.Reader, "test.local/ledger")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{
		URL: "sqlite://" + filepath.ToSlash(filepath.Join(dir, "store.db")), Signer: signer,
		Origin: signer.Name(), Journal: filepath.Join(dir, "journal"), JournalSize: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	hall := flow.New(flow.Options{Store: s, Now: time.Now}, testBook(t))
	room := signin.New(s, hall, time.Now)
	visitor := signin.Operator{}
	if demo {
		if visitor, err = room.SaveOperator(t.Context(), "", signin.Operator{Name: "Visitor", Role: signin.Owner}); err != nil {
			t.Fatal(err)
		}
	}
	d := &desk{t: t, frame: New(Options{Store: s, Hall: hall, Signin: room, Now: time.Now, Log: slog.New(slog.DiscardHandler), Demo: visitor.ID})}
	d.frame.Handle("GET /live", signin.Read, func(w http.ResponseWriter, r *http.Request) error {
		return d.frame.Stream(w, r, func(context.Context) ([]Part, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.parts, nil
		})
	})
	d.server = httptest.NewServer(d.frame.Handler())
	t.Cleanup(func() {
		d.server.CloseClientConnections()
		d.server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// set changes the parts and commits something, which is when they are looked
// at.
func (d *desk) set(parts ...Part) {
	d.t.Helper()
	d.mu.Lock()
	d.parts = parts
	d.mu.Unlock()
	if _, err := d.frame.Store.Do(d.t.Context(), func(tx *store.Tx) error {
		tx.Append(sashlock.Event{Kind: sashlock.SystemStarted})
		return nil
	}); err != nil {
		d.t.Fatal(err)
	}
}

func piece(id, text string, within ...Part) Part {
	return Part{ID: id, Key: text, Within: within, Body: templ.Raw(fmt.Sprintf("<p id=%q>\n%s</p>", id, text))}
}

// message is one message of a stream.
type told struct{ event, id, data string }

// listen opens the stream and returns a function that gives its next message
// that is no heartbeat.
func (d *desk) listen(query, last string) (next func() told, stop func()) {
	d.t.Helper()
	ctx, stop := context.WithCancel(d.t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.server.URL+"/live"+query, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { stop(); answer.Body.Close() })
	if got := answer.Header.Get("Content-Type"); got != "text/event-stream" {
		d.t.Fatalf("content type %q", got)
	}
	lines := bufio.NewScanner(answer.Body)
	return func() told {
		d.t.Helper()
		var m told
		for lines.Scan() {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			switch field {
			case "event":
				m.event = value
			case "id":
				m.id = value
			case "data":
				m.data += value + "\n"
			case "":
				if m.event != "beat" {
					return m
				}
				m = told{}
			}
		}
		d.t.Fatalf("the stream ended: %v", lines.Err())
		return m
	}, stop
}

func TestStreamSendsWhatChangedAndResumes(t *testing.T) {
	d := newDesk(t, true)
	a, b := piece("a", "one"), piece("b", "one")
	d.set(a, b)
	next, stop := d.listen("?at="+At([]Part{a, b}), "")
	two := piece("a", "two")
	d.set(two, b)
	got := next()
	if want := (told{"part", At([]Part{two, b}), "<p id=\"a\">\ntwo</p>\n"}); got != want {
		t.Errorf("got %+v, want %+v: only what changed", got, want)
	}
	stop()

	// While nobody listens b changes, twice; a stream that goes on sends it
	// once and leaves a alone.
	d.set(two, piece("b", "two"))
	three := piece("b", "three")
	d.set(two, three)
	next, stop = d.listen("?at=of-no-importance", got.id)
	if got, want := next(), (told{"part", At([]Part{two, three}), "<p id=\"b\">\nthree</p>\n"}); got != want {
		t.Errorf("resumed with %+v, want %+v", got, want)
	}
	stop()

	// A tab of which nothing is known gets everything.
	next, stop = d.listen("", "")
	defer stop()
	if first, second := next(), next(); !strings.Contains(first.data, "two") || first.id != "" || second.id != At([]Part{two, three}) {
		t.Errorf("from the beginning: %+v, %+v", first, second)
	}
}

func TestStreamSendsInnerParts(t *testing.T) {
	inner := func(texts ...string) (all []Part) {
		for i, s := range texts {
			all = append(all, piece(fmt.Sprint("in", i), s))
		}
		return all
	}
	many := func(text string) []Part {
		return inner(strings.Split(strings.Repeat(text+" ", manyParts+1), " ")[:manyParts+1]...)
	}
	for name, c := range map[string]struct {
		before, after []Part
		want          []string
	}{
		"one of two":      {inner("x", "y"), inner("x", "z"), []string{"in1"}},
		"none":            {inner("x", "y"), inner("x", "y"), nil},
		"another one":     {inner("x"), inner("x", "y"), []string{"all"}},
		"nearly everyone": {many("x"), many("y"), []string{"all"}},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := []Part{piece("all", "", c.before...)}, []Part{piece("all", "", c.after...)}
			var got []string
			for _, p := range changed(before, "", after) {
				got = append(got, p.ID)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if (At(before) == At(after)) != (len(c.want) == 0) {
				t.Error("the fingerprint does not tell whether anything changed")
			}
		})
	}
}

func TestStreamHoldsToItsPace(t *testing.T) {
	d := newDesk(t, true)
	d.set(piece("a", "0"))
	next, stop := d.listen("", "")
	defer stop()
	next()
	began := time.Now()
	go func() {
		for i := range 300 {
			d.set(piece("a", fmt.Sprint(i+1)))
		}
	}()
	got := 0
	for !strings.Contains(next().data, "300") {
		got++
	}
	if most := int(time.Since(began)/(100*time.Millisecond)) + 2; got > most {
		t.Errorf("%d parts in %v, want at most %d", got, time.Since(began), most)
	}
}

func (d *desk) get(path string) (int, http.Header, string) {
	d.t.Helper()
	answer, err := http.Get(d.server.URL + path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(text)
}

func TestWithoutSignInNothingIsShown(t *testing.T) {
	d := newDesk(t, false)
	d.set(piece("a", "a secret"))
	for path, want := range map[string]int{"/live": http.StatusForbidden, "/": http.StatusNotFound} {
		status, header, text := d.get(path)
		if status != want || strings.Contains(text, "secret") {
			t.Errorf("%s: %d, a secret shown: %v", path, status, strings.Contains(text, "secret"))
		}
		if !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: no policy for content", path)
		}
	}
}

func TestStaticFiles(t *testing.T) {
	d := newDesk(t, false)
	for name, kind := range map[string]string{"console.css": "text/css", "live.js": "javascript", "icon.svg": "image/svg+xml"} {
		status, header, text := d.get(Asset(name))
		if status != http.StatusOK || !strings.Contains(header.Get("Content-Type"), kind) || !strings.Contains(header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", name, status, header)
		}
		if name == "live.js" && len(text) > 6<<10 {
			t.Errorf("the script has %d bytes, at most 6 KiB are wanted", len(text))
		}
	}
	if _, header, _ := d.get("/static/live.js"); strings.Contains(header.Get("Cache-Control"), "immutable") {
		t.Error("a file without its fingerprint may be kept for ever")
	}
	if status, _, _ := d.get("/static/console.go"); status != http.StatusNotFound {
		t.Errorf("a file that is none: %d", status)
	}
}

func TestMissingPage(t *testing.T) {
	d := newDesk(t, true)
	if status, _, text := d.get("/nowhere"); status != http.StatusNotFound || !strings.Contains(text, "There is nothing here") {
		t.Errorf("%d\n%s", status, text)
	}
}

func TestFeed(t *testing.T) {
	d := newDesk(t, true)
	site := sashlock.Site{ID: "site_1", Zone: "Europe/Lisbon"}
	add := func(events ...sashlock.Event) {
		t.Helper()
		if _, err := d.frame.Store.Do(t.Context(), func(tx *store.Tx) error {
			for _, e := range events {
				tx.Append(e)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	recent := func() (texts []string, refused int) {
		t.Helper()
		lines, refused, err := d.frame.Feed.Recent(t.Context(), site, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			texts = append(texts, l.Text.In(lang.English))
		}
		return texts, refused
	}
	denied := sashlock.Event{Kind: sashlock.AccessDenied, Site: "site_1", Opening: "opn_1", Person: "prs_1", Reason: sashlock.Unauthorized}
	elsewhere := denied
	elsewhere.Site = "site_2"
	add(denied, elsewhere)
	if texts, refused := recent(); len(texts) != 2 || refused != 1 { // and the operator who was added
		t.Errorf("%q, %d refused: want what happened at the site alone", texts, refused)
	}
	add(denied, sashlock.Event{Kind: sashlock.OpeningForced, Site: "site_1", Opening: "opn_1"}, sashlock.Event{Kind: sashlock.CommandQueued, Site: "site_1"})
	texts, refused := recent()
	want := []string{
		"Case 3 opened while its lock said locked: forced",
		"Ana Costa asked for Case 3: refused. No grant covers this person at this opening.",
		"Ana Costa asked for Case 3: refused. No grant covers this person at this opening.",
	}
	if diff := cmp.Diff(want, texts); diff != "" || refused != 2 {
		t.Errorf("%d refused, %s", refused, diff)
	}
	for range firstEvents {
		add(sashlock.Event{Kind: sashlock.CommandQueued})
	}
	d.frame.Feed = newFeed(d.frame.Store, d.frame.Hall, d.frame.Now)
	if _, refused := recent(); refused != 2 {
		t.Errorf("%d refused after a restart, want 2", refused)
	}
	lines, err := d.frame.Feed.LinesOf(t.Context(), "opn_1", 2)
	if err != nil || len(lines) != 2 || lines[0].Text.In(lang.English) != want[0] {
		t.Errorf("%v, %v", lines, err)
	}
}
