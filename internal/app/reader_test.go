// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/osdp/reader"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/osdp"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/wiegand"
)

const atTheStaffDoor = `
sites:
  - {slug: lisbon, name: Lisbon, zone: Europe/Lisbon}
openings:
  - {slug: staff, name: Staff door, kind: door, egress: none, site: lisbon, release_time: 3s}
  - {slug: cage, name: Cage, kind: cage, site: lisbon, release_time: 3s, level: 4}
people:
  - {slug: ana, name: Ana Costa}
grants:
  - {slug: ana, person: ana, site: lisbon}
`

// said is a log that can be looked through while it is written.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

// atReaders is a house with two readers on a bus, each at an opening of its own.
type atReaders struct {
	*app.House
	t         *testing.T
	data      string
	log       *said
	openings  map[string]sashlock.OpeningID
	ana       sashlock.PersonID
	card      string
	staff     *reader.Reader
	cage      *reader.Reader
	untouched *reader.Reader
}

func (h *atReaders) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// until waits for a condition.
func (h *atReaders) until(what string, condition func() bool) {
	h.t.Helper()
	over := time.NewTimer(20 * time.Second)
	defer over.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !condition() {
		select {
		case <-again.C:
		case <-over.C:
			h.log.mu.Lock()
			defer h.log.mu.Unlock()
			h.t.Fatalf("not in time: %s\n%s", what, h.log.text.String())
		}
	}
}

// serveReaders lets readers answer on a port and returns its address.
func serveReaders(t *testing.T, readers ...*reader.Reader) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = reader.Serve(conn, readers...) }()
		}
	}()
	return l.Addr().String()
}

func newAtReaders(t *testing.T) *atReaders {
	t.Helper()
	h := &atReaders{t: t, data: t.TempDir(), log: &said{}, openings: map[string]sashlock.OpeningID{}}
	key := osdp.Key{0x8f, 1, 0x92, 3, 0xee, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	keys := filepath.Join(t.TempDir(), "readers")
	h.must(os.Mkdir(keys, 0o700))
	var all []*reader.Reader
	var configs []any
	for i := range 3 {
		all = append(all, reader.New(reader.Options{Address: byte(i + 1), Key: &key, Inputs: 1, Outputs: 1}))
		configs = append(configs, map[string]any{"address": i + 1, "relay": 0, "contact": 0})
		h.must(os.WriteFile(filepath.Join(keys, "reader-"+string(rune('1'+i))+".key"), []byte(hex.EncodeToString(key[:])), 0o600))
	}
	h.staff, h.cage, h.untouched = all[0], all[1], all[2]
	_, err := app.Init(h.data)
	h.must(err)
	h.House, err = app.New(t.Context(), app.Config{Data: h.data, JournalSize: 1 << 20, Gateways: []app.Gateway{{
		Name: "bus-1", Driver: "osdp", Config: map[string]any{"tcp": serveReaders(t, all...), "key_folder": keys, "poll_ms": 10, "readers": configs},
	}}}, slog.New(slog.NewTextHandler(h.log, nil)))
	h.must(err)
	t.Cleanup(func() { h.must(h.Stop()) })
	h.declare()
	h.must(h.Start(t.Context()))
	for ref, opening := range map[string]string{"bus-1/1": "staff", "bus-1/2": "cage"} {
		h.until(ref+" is found", func() bool {
			_, err := h.Devices.Adopt(t.Context(), "", ref, h.openings[opening])
			return err == nil
		})
	}
	return h
}

// declare keeps the openings and Ana, with a card.
func (h *atReaders) declare() {
	h.t.Helper()
	file, err := estate.Parse([]byte(atTheStaffDoor))
	h.must(err)
	_, err = h.Hall.Change(h.t.Context(), api.Apply("", estate.Diff(estate.File{}, file, false)))
	h.must(err)
	book := h.Hall.Book()
	for id, o := range book.Openings {
		h.openings[o.Slug] = id
	}
	for id := range book.People {
		h.ana = id
	}
	format, _ := wiegand.Find("H10301")
	card, err := format.Encode(17, 4711)
	h.must(err)
	h.card = card.String()
	_, err = h.Credentials.Make(h.t.Context(), "", credentials.Making{Person: h.ana, Kind: sashlock.Card, Label: "blue card", Card: card})
	h.must(err)
}

// pin gives Ana a PIN at an opening.
func (h *atReaders) pin(opening string) string {
	h.t.Helper()
	made, err := h.Credentials.Make(h.t.Context(), "", credentials.Making{Person: h.ana, Kind: sashlock.PIN, Label: "PIN", Openings: []sashlock.OpeningID{h.openings[opening]}, Digits: 6})
	h.must(err)
	return made.Secret
}

func (h *atReaders) events(kind sashlock.EventKind) []sashlock.Event {
	h.t.Helper()
	all, err := h.Store.Events(h.t.Context(), store.EventQuery{Kind: string(kind), Limit: 100})
	h.must(err)
	return all
}

func (h *atReaders) shows(r *reader.Reader, want osdp.Color) {
	h.t.Helper()
	h.until("the reader's light", func() bool { c, _ := r.Shows(); return c == want })
}

// A card at an old reader opens the door: it is decided, recorded, signed, and
// the reader's own relay confirms it.
func TestACardAtAReaderOpensTheDoor(t *testing.T) {
	h := newAtReaders(t)
	h.staff.Card(h.card)
	h.shows(h.staff, osdp.Green)
	h.until("the relay", func() bool { _, n := h.staff.On(0); return n == 1 })
	h.until("the command succeeds", func() bool {
		for _, e := range h.events(sashlock.CommandEnded) {
			if e.Why == string(sashlock.CommandSucceeded) {
				return true
			}
		}
		return false
	})
	granted := h.events(sashlock.AccessGranted)
	if len(granted) != 1 || granted[0].Person != h.ana || granted[0].Method != sashlock.ByCard || granted[0].Credential == "" || h.Hall.Book().Devices[granted[0].Device].Address != "1" || granted[0].Opening != h.openings["staff"] {
		t.Errorf("granted: %+v", granted)
	}
	h.staff.Input(0, true)
	h.until("the access is taken", func() bool { return len(h.events(sashlock.AccessTaken)) == 1 })
	h.until("it locks again by itself", func() bool { return len(h.events(sashlock.LockLocked)) > 0 })
	if n := len(h.events(sashlock.OpeningForced)); n != 0 {
		t.Errorf("forced %d times", n)
	}
}

// alarmed reports whether a rule has an alarm standing at an opening.
func (h *atReaders) alarmed(opening, rule string) bool {
	return h.Store.StateNow(h.openings[opening]).Alarms[rule] != ""
}

// A reader that is tampered with, and one that somebody on its cable speaks for,
// each raise an alarm that ends with its cause; whoever speaks in between is not
// let in.
func TestReadersRaiseAlarms(t *testing.T) {
	h := newAtReaders(t)
	h.staff.Tamper(true)
	h.until("the open cover raises an alarm", func() bool { return h.alarmed("staff", "forced") })
	h.staff.Tamper(false)
	h.until("it ends with the cover", func() bool { return !h.alarmed("staff", "forced") })
	h.staff.Lie(func(f osdp.Frame) osdp.Frame {
		if f.Signed() {
			return osdp.Frame{Address: f.Address, Reply: true, Sequence: f.Sequence, Code: osdp.RAW, Data: osdp.Card(0, h.card)}
		}
		return f
	})
	h.until("a card in clear raises an alarm", func() bool { return h.alarmed("staff", "downgraded") })
	if h.alarmed("cage", "downgraded") || len(h.events(sashlock.AccessGranted)) > 0 {
		t.Error("the other reader is doubted, or the card in clear was believed")
	}
	h.staff.Lie(nil)
	h.until("it ends when the cable is free", func() bool { return !h.alarmed("staff", "downgraded") })
	h.staff.Card(h.card)
	h.shows(h.staff, osdp.Green)
	raised := map[string]int{}
	for _, e := range h.events(sashlock.AlarmRaised) {
		raised[e.Rule]++
	}
	if raised["downgraded"] != 1 || raised["forced"] != 1 {
		t.Errorf("alarms raised: %v", raised)
	}
}

// On trial a reader shows red to whom it would let in: the door is another
// system's, and nobody is to pull at it because of us. What was decided is kept.
func TestNoGreenLightOnTrial(t *testing.T) {
	h := newAtReaders(t)
	o := h.Hall.Book().Openings[h.openings["staff"]]
	o.Trial = true
	_, err := h.Hall.Change(t.Context(), flow.Change{Make: func(*store.Tx) (edit flow.Edit, err error) {
		edit.Access.Put.Openings = []sashlock.Opening{o}
		return edit, nil
	}})
	h.must(err)
	h.staff.Card(h.card)
	h.shows(h.staff, osdp.Red)
	granted := h.events(sashlock.AccessGranted)
	if len(granted) != 1 || granted[0].Person != h.ana || granted[0].Why != string(sashlock.OnTrial) {
		t.Errorf("decided: %+v", granted)
	}
	if _, n := h.staff.On(0); n != 0 || len(h.events(sashlock.CommandEnded)) > 0 {
		t.Errorf("the relay moved %d times", n)
	}
}

// PINs at a reader, right and wrong: what is typed stands neither in the ledger
// nor in a log nor anywhere else in the store's folder.
func TestPINsAtAReader(t *testing.T) {
	h := newAtReaders(t)
	right := h.pin("staff")
	wrong := "000000"
	h.staff.Keys(right[:2])
	h.staff.Keys(right[2:] + "#")
	h.shows(h.staff, osdp.Green)
	for range 5 {
		_, before := h.staff.Shows()
		h.staff.Keys(wrong + "#")
		h.until("three tones", func() bool { _, n := h.staff.Shows(); return n >= before+3 })
	}
	granted := len(h.events(sashlock.AccessGranted))
	_, before := h.staff.Shows()
	h.staff.Keys(right + "#") // the keypad rests now, cards go on
	h.until("the keypad rests", func() bool { _, n := h.staff.Shows(); return n >= before+3 })
	if got := len(h.events(sashlock.AccessGranted)); got != granted {
		t.Errorf("a keypad that rests let somebody in")
	}
	h.staff.Card(h.card)
	h.until("the card goes on", func() bool { return len(h.events(sashlock.AccessGranted)) == granted+1 })
	h.staff.Card(strings.Repeat("01", 20))
	h.until("an unknown card can be enrolled", func() bool { return len(h.Credentials.Strangers()) == 1 })
	for _, e := range h.events(sashlock.CredentialRefused) {
		if h.Hall.Book().Devices[e.Device].Address != "1" {
			t.Errorf("it is not said at which reader: %+v", e)
		}
	}
	h.staff.Card("0110") // no card: a key of an old keypad
	h.shows(h.staff, osdp.Red)
	h.nothingIsKept(right, wrong, h.card)
}

// nothingIsKept looks for secrets in everything the house wrote.
func (h *atReaders) nothingIsKept(secrets ...string) {
	h.t.Helper()
	h.log.mu.Lock()
	text := h.log.text.String()
	h.log.mu.Unlock()
	all, err := h.Store.Events(h.t.Context(), store.EventQuery{Limit: 1000})
	h.must(err)
	for _, e := range all {
		b, err := json.Marshal(e)
		h.must(err)
		text += string(b)
	}
	for _, secret := range secrets {
		if len(secret) > 0 && strings.Contains(text, secret) {
			h.t.Errorf("a secret of %d characters was written down", len(secret))
		}
	}
	h.must(filepath.WalkDir(h.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, secret := range []string{secrets[0], secrets[len(secrets)-1]} {
			if bytes.Contains(b, []byte(secret)) {
				h.t.Errorf("%s has a secret", filepath.Base(path))
			}
		}
		return err
	}))
}

// Where a card is not enough the reader asks for the PIN that goes with it.
func TestCardAndPINAtAReader(t *testing.T) {
	h := newAtReaders(t)
	pin := h.pin("cage")
	h.cage.Card(h.card)
	h.shows(h.cage, osdp.Amber)
	if _, n := h.cage.On(0); n != 0 {
		t.Fatal("the card alone opened it")
	}
	h.cage.Keys(pin + "#")
	h.shows(h.cage, osdp.Green)
	h.until("the relay", func() bool { _, n := h.cage.On(0); return n == 1 })
	if granted := h.events(sashlock.AccessGranted); len(granted) != 1 || granted[0].Opening != h.openings["cage"] {
		t.Errorf("granted: %+v", granted)
	}
}

// A reader that nobody has fitted to an opening decides nothing.
func TestAReaderInTheInbox(t *testing.T) {
	h := newAtReaders(t)
	h.until("it is found", func() bool {
		return h.Store.View(t.Context(), func(q store.Query) error { _, err := devices.Find(q, "bus-1/3"); return err }) == nil
	})
	h.untouched.Card(h.card)
	h.shows(h.untouched, osdp.Red)
	if n := len(h.events(sashlock.AccessGranted)) + len(h.events(sashlock.AccessDenied)); n != 0 {
		t.Errorf("%d decisions", n)
	}
	h.until("that something was presented is recorded", func() bool {
		for _, e := range h.events(sashlock.ReportRefused) {
			if e.Reason == sashlock.UnknownDevice && e.Why == string(sashlock.CredentialRefused) {
				return true
			}
		}
		return false
	})
}
