// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sashlock/sashlock/internal/signin"
)

// share gives a desk a stream that its tabs share, and counts how often the
// page is looked at.
func (d *desk) share() *atomic.Int64 {
	var looks atomic.Int64
	d.frame.Handle("GET /shared", signin.Read, func(w http.ResponseWriter, r *http.Request) error {
		return d.frame.StreamShared(w, r, func(context.Context) ([]Part, error) {
			looks.Add(1)
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.parts, nil
		})
	})
	return &looks
}

// dial opens a stream by hand and returns what comes, as it comes.
func (d *desk) dial(path, header string) (net.Conn, *bufio.Scanner) {
	d.t.Helper()
	at := strings.TrimPrefix(d.server.URL, "http://")
	tab, err := net.Dial("tcp", at)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { tab.Close() })
	if _, err := fmt.Fprintf(tab, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n", path, at, header); err != nil {
		d.t.Fatal(err)
	}
	lines := bufio.NewScanner(tab)
	lines.Buffer(nil, 64<<20)
	return tab, lines
}

// await reads until a text comes.
func (d *desk) await(lines *bufio.Scanner, text string) {
	d.t.Helper()
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			return
		}
	}
	d.t.Fatalf("%q did not come: %v", text, lines.Err())
}

// watching is how many pages are watched for tabs that share them.
func (f *Frame) watching() int {
	f.watches.mu.Lock()
	defer f.watches.mu.Unlock()
	return len(f.watches.byKey)
}

// until waits for what other goroutines do, looking again every millisecond.
func (d *desk) until(what string, holds func() bool) {
	d.t.Helper()
	for range 10_000 {
		if holds() {
			return
		}
		pause(d.t.Context(), time.Millisecond)
	}
	d.t.Fatal("never: " + what)
}

func TestTabsShareOneWatchWhichEndsWithTheLast(t *testing.T) {
	d := newDesk(t, true)
	looks := d.share()
	d.set(piece("a", "one"))
	var tabs []net.Conn
	for range 5 {
		tab, lines := d.dial("/shared", "")
		d.await(lines, "one")
		tabs = append(tabs, tab)
	}
	if n := d.frame.watching(); n != 1 {
		t.Errorf("%d watches for one page", n)
	}
	// A page in another language is another page.
	other, lines := d.dial("/shared", "Cookie: "+languageCookie+"=es\r\n")
	d.await(lines, "one")
	if n := d.frame.watching(); n != 2 {
		t.Errorf("%d watches for two languages", n)
	}
	for _, tab := range append(tabs, other) {
		tab.Close()
	}
	d.until("the watches end", func() bool { return d.frame.watching() == 0 && d.frame.streams.Load() == 0 })
	pause(t.Context(), 2*perPart) // the look that had begun
	before := looks.Load()
	d.set(piece("a", "two"))
	pause(t.Context(), lookEvery+2*perPart)
	if n := looks.Load() - before; n != 0 {
		t.Errorf("nobody is there, and the page was looked at %d times", n)
	}
}

// TestSlowTabDelaysNobody fills the line to a tab that does not read, with
// pages larger than any buffer on the way, and lets it read again.
func TestSlowTabDelaysNobody(t *testing.T) {
	d := newDesk(t, true)
	d.share()
	large := strings.Repeat("x", 3<<20) + "\n"
	d.set(piece("a", large+"0"), piece("b", "still"))
	_, slowLines := d.dial("/shared", "")
	d.await(slowLines, "still")
	_, quick := d.dial("/shared", "")
	d.await(quick, "still")
	const changes = 12
	for i := range changes {
		text := fmt.Sprintf("%sturn %d", large, i+1)
		began := time.Now()
		d.set(piece("a", text), piece("b", "still"))
		d.await(quick, fmt.Sprintf("turn %d<", i+1))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("change %d took %v beside a slow tab", i+1, took)
		}
	}
	turns, stills := 0, 0
	for slowLines.Scan() {
		line := slowLines.Text()
		if strings.Contains(line, "turn ") {
			turns++
		}
		if strings.Contains(line, "still") {
			stills++
		}
		if strings.Contains(line, fmt.Sprintf("turn %d<", changes)) {
			break
		}
	}
	if slowLines.Err() != nil || turns == 0 || turns >= changes || stills > 0 {
		t.Errorf("the slow tab was sent %d of %d changes and %d parts that had not changed: %v", turns, changes, stills, slowLines.Err())
	}
}

func TestSessionThatEndsIsToldSo(t *testing.T) {
	d := newDesk(t, false)
	d.share()
	d.set(piece("a", "one"))
	o, err := d.frame.Signin.SaveOperator(t.Context(), "", signin.Operator{Name: "Ana", Role: signin.Manager})
	if err != nil {
		t.Fatal(err)
	}
	_, secret, err := d.frame.Signin.Begin(t.Context(), o.ID, "test", "a browser")
	if err != nil {
		t.Fatal(err)
	}
	tab, lines := d.dial("/shared", "Cookie: "+SessionCookie+"="+secret+"\r\n")
	d.await(lines, "one")
	if _, err := d.frame.Signin.SaveOperator(t.Context(), "", signin.Operator{ID: o.ID, Name: "Ana", Role: signin.Manager, Suspended: true}); err != nil {
		t.Fatal(err)
	}
	if err := tab.SetReadDeadline(time.Now().Add(2 * beatEvery)); err != nil {
		t.Fatal(err)
	}
	d.await(lines, "event: gone")
	d.set(piece("a", "a secret"))
	rest, err := io.ReadAll(tab)
	for lines.Scan() {
		rest = append(rest, lines.Bytes()...)
	}
	if strings.Contains(string(rest), "secret") {
		t.Errorf("after its end the stream says %s (%v)", rest, err)
	}
}

// TestStreamIsCutAndResumedWithoutGapOrDouble cuts a stream again and again
// while its page changes. A tab that resumes where it was cut has each part as
// it stands in the end, and is never sent a part as it has it already.
func TestStreamIsCutAndResumedWithoutGapOrDouble(t *testing.T) {
	d := newDesk(t, true)
	const parts = 6
	state := make([]Part, parts)
	for i := range state {
		state[i] = piece(fmt.Sprint("p", i), "0")
	}
	d.set(state...)
	shows, last := map[string]string{}, ""
	for round := range 8 {
		for i := range parts {
			if (round+i)%3 == 0 {
				state[i] = piece(fmt.Sprint("p", i), fmt.Sprintf("round %d", round))
			}
		}
		d.set(state...)
		next, stop := d.listen("", last)
		for last != At(state) {
			got := next()
			id := got.data[strings.Index(got.data, `"`)+1:]
			id = id[:strings.Index(id, `"`)]
			if shows[id] == got.data {
				t.Errorf("round %d: %s was sent twice", round, id)
			}
			shows[id] = got.data
			if got.id != "" {
				last = got.id
			}
		}
		stop()
		for _, p := range state {
			if !strings.Contains(shows[p.ID], "\n"+p.Key+"<") {
				t.Errorf("round %d: the tab shows %q, not %q", round, shows[p.ID], p.Key)
			}
		}
	}
}

func TestBeatTellsTheServersTime(t *testing.T) {
	d := newDesk(t, true)
	store := time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC) // as if the browser's clock were years behind
	d.frame.Now = func() time.Time { return store }
	d.set(piece("a", "one"))
	_, lines := d.dial("/live", "")
	d.await(lines, "event: beat")
	d.await(lines, fmt.Sprint("data: ", store.UnixMilli()))
}
