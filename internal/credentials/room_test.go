// SPDX-License-Identifier: Apache-2.0

package credentials_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// house is a store with a room whose clock the test sets.
type house struct {
	*counter
	*credentials.Room
	t      *testing.T
	begin  time.Time    // what the room's clock showed at first
	now    atomic.Int64 // seconds that have passed on it since
	signed []sashlock.PersonID
}

func newHouse(t *testing.T) *house {
	h := &house{counter: newCounter(t), t: t}
	h.begin = h.counter.Now()
	h.Room = h.again()
	return h
}

// again is the room after a restart.
func (h *house) again() *credentials.Room {
	return credentials.New(credentials.Options{
		Store: h.Store, Hall: h.Hall, Key: []byte("the key of a store node that tests"),
		Now: func() time.Time { return h.begin.Add(time.Duration(h.now.Load()) * time.Second) },
		EndSessions: func(_ context.Context, _ sashlock.OperatorID, p sashlock.PersonID) (int, error) {
			h.signed = append(h.signed, p)
			return 2, nil
		},
	})
}

func (h *house) later(d time.Duration) { h.now.Add(int64(d / time.Second)) }

func (h *house) give(m credentials.Making) credentials.Made {
	h.t.Helper()
	if m.Label == "" {
		m.Label = "test"
	}
	made, err := h.Make(h.Ctx(), "", m)
	h.Must(err)
	return made
}

func (h *house) pin(person string, openings ...string) credentials.Made {
	h.t.Helper()
	return h.give(credentials.Making{Person: h.Person(person), Kind: sashlock.PIN, Openings: h.places(openings...)})
}

func (h *house) places(slugs ...string) (all []sashlock.OpeningID) {
	for _, s := range slugs {
		all = append(all, h.Opening(s))
	}
	return all
}

func (h *house) present(opening string, shown ...credentials.Shown) credentials.Outcome {
	h.t.Helper()
	out, err := h.Present(h.Ctx(), credentials.Presented{Opening: h.Opening(opening), Shown: shown})
	h.Must(err)
	return out
}

func code(pin string) credentials.Shown { return credentials.Shown{Kind: sashlock.PIN, PIN: pin} }
func card(b wiegand.Bits) credentials.Shown {
	return credentials.Shown{Kind: sashlock.Card, Card: b}
}

func bits(t *testing.T, format string, facility, number uint64) wiegand.Bits {
	t.Helper()
	f, _ := wiegand.Find(format)
	b, err := f.Encode(facility, number)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// said fails unless something presented was refused for a reason; "": it was
// taken and opened.
func (h *house) said(out credentials.Outcome, want sashlock.Reason) {
	h.t.Helper()
	if out.Refused != want || want == "" && !out.Decision.Granted {
		h.t.Errorf("refused %q (want %q), granted %t %s", out.Refused, want, out.Decision.Granted, out.Decision.Reason)
	}
}

// last is the newest event of a kind.
func (h *house) last(kind sashlock.EventKind) sashlock.Event {
	h.t.Helper()
	events, err := h.Store.Events(h.Ctx(), store.EventQuery{Kind: string(kind), Newest: true, Limit: 1})
	h.Must(err)
	if len(events) == 0 {
		h.t.Fatalf("no %s", kind)
	}
	return events[0]
}

func (h *house) count(kind sashlock.EventKind) int {
	events, err := h.Store.Events(h.Ctx(), store.EventQuery{Kind: string(kind), Limit: 10_000})
	h.Must(err)
	return len(events)
}

func fails(t *testing.T, what string, err error, kind sashlock.Kind, field string) {
	t.Helper()
	var e *sashlock.Error
	if !errors.As(err, &e) || e.Kind != kind || field != "" && e.Subject != field || e.Hint == "" {
		t.Errorf("%s: %v", what, err)
	}
}

func TestPIN(t *testing.T) {
	h := newHouse(t)
	ana := h.pin("ana", "case-1")
	out := h.present("case-1", code(ana.Secret))
	h.said(out, "")
	e := h.last(sashlock.AccessGranted)
	if e.Person != h.Person("ana") || e.Credential != ana.ID || e.Method != sashlock.ByKeypad {
		t.Errorf("recorded %+v", e)
	}
	h.said(h.present("case-2", code(ana.Secret)), sashlock.UnknownCredential) // granted, but not taken there
	h.said(h.present("porto-case", code(ana.Secret)), sashlock.UnknownCredential)
	for _, wrong := range []string{"", "0000", ana.Secret + "1", ana.Secret[:3], "12a4", strings.Repeat("1", 1e5)} {
		h.said(h.present("cage-1", code(wrong)), map[bool]sashlock.Reason{true: sashlock.TooManyTries, false: sashlock.UnknownCredential}[wrong == strings.Repeat("1", 1e5)])
	}
	if e := h.last(sashlock.CredentialRefused); e.Opening != h.Opening("cage-1") || e.Reason != sashlock.TooManyTries || e.Person != "" {
		t.Errorf("recorded %+v", e)
	}
}

// TestTenPINs is the norm's thousand to one: the eleventh PIN of four digits at
// an opening is refused, at another opening it is not.
func TestTenPINs(t *testing.T) {
	h := newHouse(t)
	seen := map[string]bool{}
	for i := range 10 {
		made := h.pin([]string{"ana", "duarte"}[i%2], "case-1")
		if seen[made.Secret] || len(made.Secret) != 4 {
			t.Errorf("%d: given %d digits, twice: %t", i, len(made.Secret), seen[made.Secret])
		}
		seen[made.Secret] = true
	}
	wish := credentials.Making{Person: h.Person("ana"), Kind: sashlock.PIN, Label: "one more", Openings: h.places("case-1", "case-2")}
	_, err := h.Make(h.Ctx(), "", wish)
	fails(t, "the eleventh", err, sashlock.Limit, "digits")
	if !strings.Contains(err.Error(), "use 5 digits") {
		t.Errorf("it does not say what to do: %v", err)
	}
	wish.Digits = 5
	if made := h.give(wish); len(made.Secret) != 5 {
		t.Error("not five digits")
	}
	h.pin("ana", "case-2")
	// Two codes are one too many for an opening with nine.
	h.Must(h.Remove(h.Ctx(), "", list(h, "ana")[0].ID, 0))
	wish.Digits, wish.Openings, wish.Duress = 4, h.places("case-1"), true
	_, err = h.Make(h.Ctx(), "", wish)
	fails(t, "a duress variant", err, sashlock.Limit, "digits")
	// Nor can one of another opening be moved there by the back way.
	wish.Duress = false
	h.give(wish)
	other := h.pin("ana", "case-2")
	_, err = h.Change(h.Ctx(), "", other.ID, credentials.Change{Label: "x", Openings: h.places("case-1", "case-2")}, 0)
	fails(t, "moving one there", err, sashlock.Limit, "digits")
	h.said(h.present("case-2", code(other.Secret)), "")
}

func list(h *house, person string) (all []credentials.Credential) {
	h.Must(h.Store.View(h.Ctx(), func(q store.Query) (err error) { all, err = credentials.List(q, h.Person(person)); return err }))
	return all
}

func TestDuress(t *testing.T) {
	h := newHouse(t)
	made := h.give(credentials.Making{Person: h.Person("ana"), Kind: sashlock.PIN, Openings: h.places("case-1"), Duress: true})
	h.said(h.present("case-1", code(made.Secret)), "")
	if n := h.count(sashlock.DuressSignalled); n != 0 {
		t.Fatalf("%d signals for the usual PIN", n)
	}
	h.said(h.present("case-1", code(made.Duress)), "")
	if e := h.last(sashlock.DuressSignalled); e.Person != h.Person("ana") || e.Opening != h.Opening("case-1") {
		t.Errorf("recorded %+v", e)
	}
	if e := h.last(sashlock.AlarmRaised); e.Rule != "duress" {
		t.Errorf("raised %+v", e)
	}
}

// TestStorm tries a thousand wrong PINs, many at once: they slow down their own
// keypad, and nobody anywhere else.
func TestStorm(t *testing.T) {
	h := newHouse(t)
	ana, anas := h.pin("ana", "case-1", "case-2"), bits(t, "H10301", 1, 4711)
	h.give(credentials.Making{Person: h.Person("ana"), Kind: sashlock.Card, Card: anas})
	began, before := time.Now(), h.Store.Size()
	var all sync.WaitGroup
	for i := range 1000 {
		all.Go(func() {
			out := h.present("case-1", code(fmt.Sprintf("%05d", i)))
			if out.Refused == "" {
				t.Error("a wrong PIN was taken")
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the storm took %s", took)
	}
	if grew := h.Store.Size() - before; grew != 6 { // five wrong ones, and that the keypad rests
		t.Errorf("%d entries", grew)
	}
	h.said(h.present("case-1", code(ana.Secret)), sashlock.TooManyTries)
	h.said(h.present("case-2", code(ana.Secret)), "")
	h.said(h.present("case-1", card(anas)), "")
	h.later(29 * time.Second)
	h.said(h.present("case-1", code(ana.Secret)), sashlock.TooManyTries)
	h.later(2 * time.Second)
	h.said(h.present("case-1", code(ana.Secret)), "")
	out := h.present("case-1", code("00000"))
	h.said(out, sashlock.UnknownCredential)
	if out.Rest != time.Minute { // a right one in between forgave nothing
		t.Errorf("it rests for %s", out.Rest)
	}
}

func TestCard(t *testing.T) {
	h := newHouse(t)
	blue := bits(t, "H10304", 7, 1234)
	h.said(h.present("case-1", card(blue)), sashlock.UnknownCredential)
	if all := h.Strangers(); len(all) != 1 || all[0].Opening != h.Opening("case-1") || all[0].Format != "H10302" {
		t.Fatalf("unknown cards: %+v", all)
	}
	made := h.give(credentials.Making{Person: h.Person("ana"), Kind: sashlock.Card, Reader: h.Opening("case-1")})
	if made.Secret != "" || len(h.Strangers()) != 0 {
		t.Errorf("a secret %t, still unknown %d", made.Secret != "", len(h.Strangers()))
	}
	h.said(h.present("case-1", card(blue)), "")
	// The same bits by another name are the same card.
	_, err := h.Make(h.Ctx(), "", credentials.Making{Person: h.Person("bob"), Kind: sashlock.Card, Label: "x", Format: "H10304", Code: 7, Number: 1234})
	fails(t, "the same card again", err, sashlock.Conflict, "card")
	h.said(h.present("case-1", card(blue.With(37, !blue.At(37)))), sashlock.UnknownCredential) // misread
	// An unknown card is not remembered for long.
	h.said(h.present("case-1", card(bits(t, "H10301", 1, 1))), sashlock.UnknownCredential)
	h.later(2 * time.Minute)
	_, err = h.Make(h.Ctx(), "", credentials.Making{Person: h.Person("bob"), Kind: sashlock.Card, Label: "x", Reader: h.Opening("case-1")})
	fails(t, "too late", err, sashlock.Invalid, "reader")
}

// TestCopiedCard shows the same card where nobody walks so fast, and where its
// owner is not.
func TestCopiedCard(t *testing.T) {
	h := newHouse(t)
	eva, pin := bits(t, "H10301", 9, 9), h.give(credentials.Making{Person: h.Person("ana"), Kind: sashlock.PIN, Openings: h.places("case-2")})
	h.give(credentials.Making{Person: h.Person("ana"), Kind: sashlock.Card, Card: eva})
	h.said(h.present("case-1", card(eva)), "")
	h.Room = h.again() // a restart forgets nothing that the ledger knows
	h.said(h.present("porto-case", card(eva)), sashlock.CredentialSuspected)
	if e := h.last(sashlock.CredentialRefused); e.Reason != sashlock.CredentialSuspected || e.Person != h.Person("ana") || !strings.Contains(e.Why, "sooner than anybody") {
		t.Errorf("recorded %+v", e)
	}
	h.said(h.present("case-1", card(eva)), "")
	h.said(h.present("case-2", card(eva)), sashlock.CredentialSuspected) // 2.5 s away
	h.said(h.present("case-2", card(eva), code(pin.Secret)), "")         // with the PIN it is hers
	if l := h.last(sashlock.AccessGranted); l.Opening != h.Opening("case-2") {
		t.Errorf("granted %+v", l)
	}
	h.later(11 * time.Minute)
	h.said(h.present("case-1", card(eva)), "")
	_, err := h.Store.Do(h.Ctx(), func(tx *store.Tx) error {
		tx.SavePersonState(sashlock.PersonState{Person: h.Person("ana"), Site: h.Site("porto"), ClockIn: true})
		return nil
	})
	h.Must(err)
	out := h.present("case-1", card(eva))
	h.said(out, sashlock.CredentialSuspected)
	if !strings.Contains(out.Why, "clocked in") {
		t.Errorf("why: %s", out.Why)
	}
}

func TestTwoFactors(t *testing.T) {
	h := newHouse(t)
	anas := bits(t, "H10301", 1, 1)
	pin, other := h.pin("ana", "case-1"), h.pin("duarte", "case-1")
	h.give(credentials.Making{Person: h.Person("ana"), Kind: sashlock.Card, Card: anas})
	for _, c := range []struct {
		shown []credentials.Shown
		level sashlock.Assurance
	}{
		{[]credentials.Shown{code(pin.Secret)}, sashlock.AssuranceCode},
		{[]credentials.Shown{card(anas)}, sashlock.AssuranceCard},
		{[]credentials.Shown{card(anas), code(pin.Secret)}, sashlock.AssuranceBoth},
		{[]credentials.Shown{code(pin.Secret), card(anas)}, sashlock.AssuranceBoth},
	} {
		h.needs("case-1", c.level)
		h.said(h.present("case-1", c.shown...), "")
		if c.level == sashlock.AssuranceBoth {
			continue
		}
		h.needs("case-1", c.level+1)
		if out := h.present("case-1", c.shown...); out.Decision.Reason != sashlock.NeedsStepUp {
			t.Errorf("level %d: %+v", c.level, out.Decision.Reason)
		}
	}
	h.said(h.present("case-1", card(anas), code(other.Secret)), sashlock.UnknownCredential)
	for _, p := range [][]credentials.Shown{{}, {code("1"), code("2")}, {{Kind: sashlock.Passkey}}, {{Kind: sashlock.Card}}, {code("1"), card(anas), code("2")}} {
		_, err := h.Present(h.Ctx(), credentials.Presented{Opening: h.Opening("case-1"), Shown: p})
		fails(t, fmt.Sprint(len(p)), err, sashlock.Invalid, "")
	}
	_, err := h.Present(h.Ctx(), credentials.Presented{Opening: "opn_none", Shown: []credentials.Shown{code("1234")}})
	fails(t, "no such opening", err, sashlock.NotFound, "opening")
}

// needs makes an opening ask for a level.
func (h *house) needs(slug string, level sashlock.Assurance) {
	h.opening(slug, func(o *sashlock.Opening) { o.Needs.Level = level })
}

// opening changes an opening.
func (h *house) opening(slug string, change func(o *sashlock.Opening)) {
	o := h.Hall.Book().Openings[h.Opening(slug)]
	change(&o)
	var edit flow.Edit
	edit.Access.Put.Openings = []sashlock.Opening{o}
	_, err := h.Hall.Change(h.Ctx(), flow.Change{Make: func(*store.Tx) (flow.Edit, error) { return edit, nil }})
	h.Must(err)
}

func TestQROnce(t *testing.T) {
	h := newHouse(t)
	made := h.give(credentials.Making{Person: h.Person("ana"), Kind: sashlock.QR, Once: true})
	qr := credentials.Shown{Kind: sashlock.QR, QR: made.Secret}
	if len(made.Secret) < 26 {
		t.Fatalf("%d characters", len(made.Secret))
	}
	if out := h.present("cage-1", qr); out.Refused != "" || out.Decision.Granted {
		t.Errorf("at an opening that is not theirs: %+v", out)
	}
	var granted atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if h.present("case-1", qr).Decision.Granted {
				granted.Add(1)
			}
		})
	}
	all.Wait()
	if granted.Load() != 1 {
		t.Errorf("it opened %d times", granted.Load())
	}
	h.said(h.present("case-1", qr), sashlock.CredentialExpired)
	h.said(h.present("case-1", credentials.Shown{Kind: sashlock.QR, QR: made.Secret + "A"}), sashlock.UnknownCredential)
}

// On trial nothing is opened with a code, so that it is still good on the day
// of the move; and once only, as ever.
func TestQROnceOnTrial(t *testing.T) {
	h := newHouse(t)
	made := h.give(credentials.Making{Person: h.Person("ana"), Kind: sashlock.QR, Once: true})
	qr := credentials.Shown{Kind: sashlock.QR, QR: made.Secret}
	h.opening("case-1", func(o *sashlock.Opening) { o.Trial = true })
	for range 2 {
		if out := h.present("case-1", qr); out.Refused != "" || !out.Decision.Granted || !out.Decision.Trial || out.Command != "" {
			t.Errorf("on trial: %+v", out)
		}
	}
	h.opening("case-1", func(o *sashlock.Opening) { o.Trial = false })
	h.said(h.present("case-1", qr), "")
	h.said(h.present("case-1", qr), sashlock.CredentialExpired)
}

func TestValidity(t *testing.T) {
	h := newHouse(t)
	now := h.begin
	made := h.give(credentials.Making{Person: h.Person("ana"), Kind: sashlock.PIN, Openings: h.places("case-1"), From: now.Add(time.Hour), Until: now.Add(2 * time.Hour)})
	h.said(h.present("case-1", code(made.Secret)), sashlock.CredentialNotYetValid)
	h.later(time.Hour + time.Second)
	h.said(h.present("case-1", code(made.Secret)), "")
	h.later(time.Hour)
	h.said(h.present("case-1", code(made.Secret)), sashlock.CredentialExpired)
	if e := h.last(sashlock.CredentialRefused); e.Credential != made.ID || e.Person != h.Person("ana") {
		t.Errorf("recorded %+v", e)
	}
}

func TestRefusesBadWishes(t *testing.T) {
	h := newHouse(t)
	good := func() credentials.Making {
		return credentials.Making{Person: h.Person("ana"), Kind: sashlock.PIN, Label: "x", Openings: h.places("case-1")}
	}
	size := h.Store.Size()
	for name, c := range map[string]struct {
		field string
		spoil func(*credentials.Making)
	}{
		"nobody":           {"person", func(m *credentials.Making) { m.Person = "prs_none" }},
		"no label":         {"label", func(m *credentials.Making) { m.Label = "  " }},
		"long label":       {"label", func(m *credentials.Making) { m.Label = strings.Repeat("x", 10_000) }},
		"broken label":     {"label", func(m *credentials.Making) { m.Label = "a\x00b\xff" }},
		"kind":             {"kind", func(m *credentials.Making) { m.Kind = sashlock.Passkey }},
		"few digits":       {"digits", func(m *credentials.Making) { m.Digits = 3 }},
		"many digits":      {"digits", func(m *credentials.Making) { m.Digits = 9 }},
		"nowhere":          {"openings", func(m *credentials.Making) { m.Openings = nil }},
		"no such opening":  {"openings", func(m *credentials.Making) { m.Openings = h.places("none") }},
		"two stores":       {"openings", func(m *credentials.Making) { m.Openings = h.places("case-1", "porto-case") }},
		"ends too early":   {"until", func(m *credentials.Making) { m.From = h.Now(); m.Until = m.From }},
		"ends in the past": {"until", func(m *credentials.Making) { m.Until = time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC) }},
		"no card":          {"format", func(m *credentials.Making) { m.Kind = sashlock.Card }},
		"no such format":   {"format", func(m *credentials.Making) { m.Kind, m.Format = sashlock.Card, "H99" }},
		"a large number":   {"number", func(m *credentials.Making) { m.Kind, m.Format, m.Number = sashlock.Card, "H10301", 1e6 }},
		"a misread card":   {"bits", func(m *credentials.Making) { m.Kind, m.Card = sashlock.Card, wiegand.Zeroes(26) }},
		"no device":        {"device", func(m *credentials.Making) { m.Kind = sashlock.Finger }},
	} {
		m := good()
		c.spoil(&m)
		_, err := h.Make(h.Ctx(), "", m)
		fails(t, name, err, sashlock.Invalid, c.field)
	}
	if h.Store.Size() != size {
		t.Error("the ledger grew")
	}
	made := h.give(good())
	_, err := h.Change(h.Ctx(), "", made.ID, credentials.Change{Label: "y", Openings: h.places("case-1")}, 7)
	fails(t, "another revision", err, sashlock.Conflict, "")
	fails(t, "removing another revision", h.Remove(h.Ctx(), "", made.ID, 7), sashlock.Conflict, "")
	fails(t, "removing nothing", h.Remove(h.Ctx(), "", "crd_none", 0), sashlock.NotFound, "")
}

// TestNoSecretOnDisk looks for what was presented in every file of the store.
func TestNoSecretOnDisk(t *testing.T) {
	h := newHouse(t)
	made := h.give(credentials.Making{Person: h.Person("ana"), Kind: sashlock.PIN, Digits: 8, Openings: h.places("case-1"), Duress: true})
	qr := h.give(credentials.Making{Person: h.Person("ana"), Kind: sashlock.QR})
	c := bits(t, "H10302", 0, 31415926535)
	h.give(credentials.Making{Person: h.Person("ana"), Kind: sashlock.Card, Card: c})
	h.present("case-1", code(made.Secret))
	h.present("case-1", code("86420975"))
	h.present("case-1", card(c))
	h.present("case-1", card(bits(t, "H10302", 0, 27182818284)))
	looked := 0
	h.Must(filepath.WalkDir(h.Data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		looked += len(text)
		for _, secret := range []string{made.Secret, made.Duress, qr.Secret, "86420975", "31415926535", "27182818284", c.String()} {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s holds one of them", filepath.Base(path))
			}
		}
		return err
	}))
	if looked < 100_000 {
		t.Errorf("only %d bytes were looked at", looked)
	}
}
