// SPDX-License-Identifier: Apache-2.0

package uhppote_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
	"github.com/sashlock/sashlock/driver/uhppote"
)

const (
	serial   = 423187757
	door1    = "423187757/1"
	patience = 10 * time.Second
	aCard    = 6154410 // 61, 54410
)

func (b *board) conf(change func(*uhppote.Config)) json.RawMessage {
	c := uhppote.Config{
		Controllers: []uhppote.Controller{{Serial: b.serial, Address: b.address, Contacts: []int{1}}},
		Zone:        "Europe/Lisbon",
	}
	if change != nil {
		change(&c)
	}
	text, err := json.Marshal(c)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

// judge is a sink that decides about cards.
type judge struct {
	*drivertest.Recorder
	mu    sync.Mutex
	asked []string
}

func newJudge() *judge { return &judge{Recorder: drivertest.NewRecorder()} }

func (j *judge) Presented(_ context.Context, p driver.Presentation) (driver.Verdict, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.asked = append(j.asked, fmt.Sprintf("%s %s %s", p.Address, p.Shown[0].Kind, p.Shown[0].Secret.Reveal()))
	return driver.Verdict{Granted: true}, nil
}

func (j *judge) presented() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.asked...)
}

func open(t *testing.T, d *uhppote.Driver, config json.RawMessage, sink driver.Sink) driver.Session {
	t.Helper()
	s, err := d.Open(t.Context(), config, sink)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func until(t *testing.T, rec *drivertest.Recorder, what string, condition func() bool) {
	t.Helper()
	if !rec.Until(patience, condition) {
		t.Fatalf("not within %v: %s\nheard:\n%s", patience, what, rec.Text(0))
	}
}

func is(address string, kind sashlock.EventKind) func(driver.Report) bool {
	return func(r driver.Report) bool { return r.Address == address && r.Kind == kind }
}

func isOnline(t *testing.T, rec *drivertest.Recorder) {
	t.Helper()
	rec.Await(t, patience, 0, "how door 4 stands", is("423187757/4", sashlock.LockLocked))
}

// changes lists the reports of a door that are not statements.
func changes(rec *drivertest.Recorder, address string) (all []string) {
	for _, r := range rec.Reports(0, func(r driver.Report) bool { return r.Address == address && !r.State }) {
		all = append(all, strings.TrimSpace(string(r.Kind)+" "+string(r.Method)))
	}
	return all
}

func release(command sashlock.CommandID, during time.Duration) driver.Order {
	return driver.Order{Command: command, Address: door1, Verb: sashlock.DoRelease, For: during}
}

// world is the emulated controller for the conformance suite.
type world struct{ *board }

func (w *world) door(address string) (int, error) {
	var door int
	if _, err := fmt.Sscanf(address, "423187757/%d", &door); err != nil || door < 1 || door > 4 {
		return 0, errors.New("there is no such door")
	}
	return door - 1, nil
}

func (w *world) OpenDoor(address string) error {
	i, err := w.door(address)
	if err == nil {
		w.move(i+1, true)
	}
	return err
}

func (w *world) CloseDoor(address string) error {
	i, err := w.door(address)
	if err == nil {
		w.move(i+1, false)
	}
	return err
}

func (w *world) KillGateway() error    { w.do(func() { w.dead = true }); return nil }
func (w *world) RestartGateway() error { w.do(func() { w.dead = false }); return nil }
func (w *world) Dead(string) error     { return w.KillGateway() }
func (w *world) Alive(string) error    { return w.RestartGateway() }

func TestConformance(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, drivertest.Harness{
		Driver: uhppote.Quick(),
		New: func(t *testing.T) drivertest.Stage {
			b := newBoard(t, serial)
			b.addCard(aCard, time.Now().AddDate(1, 0, 0), 1, 0, 0, 0)
			return drivertest.Stage{
				Config: b.conf(nil), World: &world{b}, Lock: door1, Contact: door1, Slot: 1,
				Expected: []drivertest.Expected{
					{Address: door1, Capabilities: []sashlock.Capability{
						sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsPosition, sashlock.TellsWho, sashlock.HasCodes,
					}},
					{Address: "423187757/4", Capabilities: []sashlock.Capability{sashlock.CanRelease}},
				},
				PINs: []string{"6154410", "7531"},
			}
		},
		Bad: []drivertest.BadConfig{
			{Name: "no controllers", Config: json.RawMessage(`{"zone":"Europe/Lisbon"}`), Field: "controllers"},
			{Name: "no zone", Config: json.RawMessage(`{"broadcast":"10.0.0.255:60000"}`), Field: "zone"},
			{Name: "an unknown zone", Config: json.RawMessage(`{"broadcast":"10.0.0.255:60000","zone":"Moon/Base"}`), Field: "zone"},
			{Name: "a wrong broadcast", Config: json.RawMessage(`{"broadcast":"everybody","zone":"UTC"}`), Field: "broadcast"},
			{Name: "listening anywhere", Config: json.RawMessage(`{"broadcast":"10.0.0.255:60000","listen":"0.0.0.0:1","zone":"UTC"}`), Field: "listen"},
			{Name: "a wrong format", Config: json.RawMessage(`{"broadcast":"10.0.0.255:60000","cards":"any","zone":"UTC"}`), Field: "cards"},
			{Name: "no serial", Config: json.RawMessage(`{"controllers":[{"address":"10.0.0.1:60000"}],"zone":"UTC"}`), Field: "controllers[0].serial"},
			{Name: "a serial twice", Config: json.RawMessage(`{"controllers":[{"serial":4,"address":"10.0.0.1:60000"},{"serial":4,"address":"10.0.0.1:60000"}],"zone":"UTC"}`), Field: "controllers[1].serial"},
			{Name: "no address", Config: json.RawMessage(`{"controllers":[{"serial":4}],"zone":"UTC"}`), Field: "controllers[0].address"},
			{Name: "a door too many", Config: json.RawMessage(`{"controllers":[{"serial":1,"address":"10.0.0.1:60000","contacts":[2]}],"zone":"UTC"}`), Field: "controllers[0].contacts"},
		},
	})
}

// What happened while nobody listened is told afterwards, once, in order, with
// its own time; what lies before the first meeting is not.
func TestEventsAreTakenOverOnce(t *testing.T) {
	t.Parallel()
	b := newBoard(t, serial)
	b.swipe(1, aCard, true, b.now().Add(-time.Hour)) // before we knew it
	b.do(func() { b.set(0, false) })
	first := newJudge()
	s := open(t, uhppote.Quick(), b.conf(nil), first)
	isOnline(t, first.Recorder)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := changes(first.Recorder, door1); len(got) > 0 {
		t.Errorf("history of the system before us was told: %v", got)
	}
	at := b.now().Add(-20 * time.Minute).Truncate(time.Second)
	b.happen(1, true, 1, 1, at)                      // a card
	b.happen(2, true, 1, 23, at.Add(1*time.Second))  // opened
	b.happen(2, true, 1, 24, at.Add(5*time.Second))  // closed
	b.happen(2, true, 1, 20, at.Add(9*time.Second))  // the button inside
	b.happen(1, false, 1, 6, at.Add(20*time.Second)) // a card that is not known
	b.happen(2, true, 1, 44, at.Add(30*time.Second)) // some other program
	b.happen(3, true, 1, 28, at.Add(40*time.Second)) // power on: nothing about a door
	want := []string{
		"lock.unlocked card", "opening.opened", "opening.closed", "lock.unlocked manual", "lock.code_refused card",
	}
	second := newJudge()
	s = open(t, uhppote.Quick(), b.conf(nil), second)
	isOnline(t, second.Recorder)
	until(t, second.Recorder, "all of them", func() bool { return len(changes(second.Recorder, door1)) >= len(want) })
	if diff := cmp.Diff(want, changes(second.Recorder, door1)[:len(want)]); diff != "" {
		t.Errorf("taken over:\n%s", diff)
	}
	card := second.Reports(0, is(door1, sashlock.LockUnlocked))[0]
	if !card.At.Equal(at) {
		t.Errorf("the card was at %v, want %v", card.At, at)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	third := newJudge()
	open(t, uhppote.Quick(), b.conf(nil), third)
	isOnline(t, third.Recorder)
	if got := changes(third.Recorder, door1); len(got) > 0 {
		t.Errorf("told twice: %v", got)
	}
}

// A sink that is slow, or fails, loses nothing: the events wait in the
// controller.
func TestSlowAndFailingSinks(t *testing.T) {
	t.Parallel()
	b := newBoard(t, serial)
	sink := newJudge()
	open(t, uhppote.Quick(), b.conf(nil), sink)
	isOnline(t, sink.Recorder)
	sink.Hold()
	const moves = 40
	var want []string
	for i := range moves {
		b.move(1, i%2 == 0)
		want = append(want, string([]sashlock.EventKind{sashlock.OpeningOpened, sashlock.OpeningClosed}[i%2]))
	}
	until(t, sink.Recorder, "the sink is called", func() bool { return sink.Waiting() > 0 })
	sink.FailNext(5)
	sink.Resume()
	until(t, sink.Recorder, "all of it", func() bool { return len(changes(sink.Recorder, door1)) >= moves })
	if diff := cmp.Diff(want, changes(sink.Recorder, door1)); diff != "" {
		t.Errorf("told:\n%s", diff)
	}
	if n := len(sink.Failed()); n != 5 {
		t.Errorf("%d calls failed, want 5", n)
	}
}

// Events that were overwritten are gone; those after them are taken over. A
// record that was emptied begins anew.
func TestOverwrittenAndEmptiedRecords(t *testing.T) {
	t.Parallel()
	b := newBoard(t, serial)
	b.happen(2, true, 1, 20, b.now())
	sink := newJudge()
	open(t, uhppote.Quick(), b.conf(nil), sink)
	isOnline(t, sink.Recorder)
	b.do(func() {
		b.dead = true
		for range 30 {
			b.record(2, true, 2, 1, 0, 20, b.now())
		}
		b.gone = 20
		b.dead = false
	})
	until(t, sink.Recorder, "the eleven that are left", func() bool {
		return len(sink.Reports(0, func(r driver.Report) bool { return r.Method == sashlock.ByHand })) == 11
	})
	b.do(func() {
		b.events, b.gone = nil, 0
		b.record(2, true, 3, 1, 0, 20, b.now())
	})
	sink.Await(t, patience, 0, "the first of the new record", is("423187757/3", sashlock.LockUnlocked))
}

// A clock that is off does not put events into another time, and is set where
// that is wanted.
func TestClocks(t *testing.T) {
	t.Parallel()
	for _, set := range []bool{false, true} {
		b := newBoard(t, serial)
		b.clock.Store(int64(-3 * time.Hour))
		sink := newJudge()
		open(t, uhppote.Quick(), b.conf(func(c *uhppote.Config) { c.SetClock = set }), sink)
		isOnline(t, sink.Recorder)
		if set {
			until(t, sink.Recorder, "the clock is set", func() bool { return b.clock.Load() == 0 })
		} else if b.count(0x30) > 0 {
			t.Error("a clock was set though nobody wanted it")
		}
		b.happen(2, true, 1, 20, b.now())
		got := sink.Await(t, patience, 0, "the button", is(door1, sashlock.LockUnlocked))
		if off := time.Since(got.At); off.Abs() > 5*time.Second {
			t.Errorf("with set_clock=%v the event is %v off", set, off)
		}
	}
}

// A card that the controller refuses is decided about by the store node, while
// somebody can be waiting; what a datagram says by itself is not believed.
func TestCardsAreDecidedAbout(t *testing.T) {
	t.Parallel()
	b := newBoard(t, serial)
	sink := newJudge()
	open(t, uhppote.Quick(), b.conf(func(c *uhppote.Config) { c.Cards = "wiegand26" }), sink)
	isOnline(t, sink.Recorder)
	b.swipe(2, aCard, false, b.now().Add(-time.Minute)) // nobody waits any more
	b.swipe(2, 25600001, false, b.now())                // no card of this format
	b.swipe(2, aCard, false, b.now())
	until(t, sink.Recorder, "the card", func() bool { return len(sink.presented()) == 1 })
	if diff := cmp.Diff([]string{"423187757/2 card 00011110111010100100010101"}, sink.presented()); diff != "" {
		t.Error(diff)
	}
	until(t, sink.Recorder, "the two others", func() bool { return len(sink.Reports(0, is("423187757/2", sashlock.CodeRefused))) == 2 })
	if said := sink.Text(0); strings.Contains(said, "6154410") {
		t.Errorf("the card was told:\n%s", said)
	}
}

// With an address to send to, a controller sends word of events; word from
// anybody else only makes us look.
func TestWordOfEvents(t *testing.T) {
	t.Parallel()
	ear, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := ear.LocalAddr().String()
	if err := ear.Close(); err != nil {
		t.Fatal(err)
	}
	b := newBoard(t, serial)
	sink := newJudge()
	open(t, uhppote.Unhurried(), b.conf(func(c *uhppote.Config) { c.Listen, c.Cards = listen, "wiegand26" }), sink)
	isOnline(t, sink.Recorder)
	b.swipe(1, aCard, false, b.now())
	until(t, sink.Recorder, "the card, without waiting", func() bool { return len(sink.presented()) == 1 })
	conn, err := net.Dial("udp4", listen)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	looks := b.count(0x20)
	forged := b.fresh(0x20)
	copy(forged[8:], []byte{99, 0, 0, 0, 1, 0, 1, 1})
	copy(forged[16:], []byte{0xaa, 0xe8, 0x5d, 0})
	copy(forged[20:], bcd(b.now(), "20060102150405"))
	for _, datagram := range [][]byte{nil, {0x17}, make([]byte, 64), forged} {
		if _, err := conn.Write(datagram); err != nil {
			t.Fatal(err)
		}
	}
	until(t, sink.Recorder, "a look", func() bool { return b.count(0x20) > looks })
	if n := len(sink.presented()); n != 1 {
		t.Errorf("a forged datagram was believed: %d cards", n)
	}
}

func TestFoundByBroadcast(t *testing.T) {
	t.Parallel()
	b := newBoard(t, serial)
	sink := newJudge()
	s := open(t, uhppote.Quick(), b.conf(func(c *uhppote.Config) { c.Controllers, c.Broadcast = nil, b.address }), sink)
	isOnline(t, sink.Recorder)
	d := sink.Devices()[door1]
	if d.Model != "UT0311-L04" || d.Firmware != "8.92" || d.Weak == "" || (sashlock.Device{Capabilities: d.Capabilities}).Has(sashlock.TellsPosition) {
		t.Errorf("found %+v", d)
	}
	if err := s.(driver.Operator).Operate(t.Context(), release("act_1", time.Second)); err != nil {
		t.Error(err)
	}
}

// Orders: silence, refusals, repeats, and how long a door stays unlocked.
func TestOrders(t *testing.T) {
	t.Parallel()
	b := newBoard(t, serial)
	b.doubles.Store(true)
	sink := newJudge()
	s := open(t, uhppote.Quick(), b.conf(nil), sink)
	isOnline(t, sink.Recorder)
	operator := s.(driver.Operator)
	mark := sink.Mark()
	if err := operator.Operate(t.Context(), release("act_1", 900*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if got := sink.Await(t, patience, mark, "unlocked", is(door1, sashlock.LockUnlocked)); got.Command != "act_1" || got.Method != sashlock.ByRemote {
		t.Errorf("unlocked: %+v", got)
	}
	sink.Await(t, patience, mark, "locked", is(door1, sashlock.LockLocked))
	if n := len(sink.Reports(mark, is(door1, sashlock.LockUnlocked))); n != 1 {
		t.Errorf("unlocked %d times", n)
	}
	b.do(func() {
		if b.delays[0] != 1 {
			t.Errorf("unlocked for %d s", b.delays[0])
		}
	})
	b.do(func() { b.refuses[0x40] = true })
	if err := operator.Operate(t.Context(), release("act_2", time.Second)); !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("a refusal: %v", err)
	}
	b.do(func() { b.refuses[0x40] = false; b.silent[0x40] = 1 })
	opened := b.count(0x40)
	if err := operator.Operate(t.Context(), release("act_3", time.Second)); !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("silence: %v", err)
	}
	if n := b.count(0x40) - opened; n != 1 {
		t.Errorf("the order was sent %d times", n)
	}
	b.do(func() { b.modes[0] = 2 })
	if err := operator.Operate(t.Context(), release("act_4", time.Second)); !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("a door that is set to stay locked: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	b.do(func() { b.modes[0], b.silent[0x82] = 3, 1 })
	opened = b.count(0x40)
	if err := operator.Operate(ctx, release("act_5", time.Second)); !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("an order whose time is over: %v", err)
	}
	if n := b.count(0x40) - opened; n != 0 {
		t.Errorf("it was sent %d times", n)
	}
}

func TestCardsAreListedWithoutTheirNumbers(t *testing.T) {
	t.Parallel()
	b := newBoard(t, serial)
	now := time.Now()
	b.addCard(aCard, now.AddDate(1, 0, 0), 1, 0, 0, 0)
	b.addCard(0xffffffff, now) // deleted
	b.addCard(6154411, now.AddDate(1, 0, 0), 0, 1, 0, 0)
	b.addCard(6154412, now.AddDate(0, -1, 0), 29, 1, 0, 0)
	sink := newJudge()
	s := open(t, uhppote.Quick(), b.conf(nil), sink)
	isOnline(t, sink.Recorder)
	codes, err := s.(driver.CodeLister).Codes(t.Context(), door1)
	if err != nil {
		t.Fatal(err)
	}
	want := []driver.Code{{Slot: 1, InUse: true, Enabled: true}, {Slot: 4, InUse: true}}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Error(diff)
	}
	b.do(func() { b.silent[0x5c] = 100 })
	if _, err := s.(driver.CodeLister).Codes(t.Context(), door1); !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("silence: %v", err)
	}
}
