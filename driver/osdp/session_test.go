// SPDX-License-Identifier: Apache-2.0

package osdp_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	driverosdp "github.com/sashlock/sashlock/driver/osdp"
	"github.com/sashlock/sashlock/driver/osdp/reader"
	"github.com/sashlock/sashlock/internal/osdp"
)

// ready sets up one reader with its key and opens a session.
func ready(t *testing.T, sink *judge, change func(*driverosdp.Reader)) (*cable, *reader.Reader, driver.Session) {
	t.Helper()
	key := goodKey
	r := aReader(5, &key)
	c := newCable(t, r)
	config := atDoor(5)
	if change != nil {
		change(&config)
	}
	s := open(t, c.conf(keyFolder(t, 5, key), config), sink)
	isOnline(t, sink)
	return c, r, s
}

func isOnline(t *testing.T, sink *judge) {
	t.Helper()
	until(t, sink.Recorder, "the reader is online", func() bool { return len(sink.Reports(0, is(sashlock.DeviceOnline))) > 0 })
}

func release(command sashlock.CommandID, during time.Duration) driver.Order {
	return driver.Order{Command: command, Address: "5", Verb: sashlock.DoRelease, For: during}
}

// A card and a PIN at a reader become presentations, whatever the rhythm in
// which the keys come, and the reader shows what was decided.
func TestWhatIsPresented(t *testing.T) {
	t.Parallel()
	sink := always(driver.Verdict{Granted: true})
	_, r, _ := ready(t, sink, func(c *driverosdp.Reader) { c.Side = sashlock.Leaving })
	r.Card(aCard)
	until(t, sink.Recorder, "green and a tone", func() bool { c, n := r.Shows(); return c == osdp.Green && n == 1 })
	r.Keys("1*4938")
	r.Keys("17#55")
	r.Keys("*22\r")
	want := []string{"card " + aCard, "pin " + aPIN, "pin 22"}
	until(t, sink.Recorder, "all of it", func() bool { return len(sink.presented()) == len(want) })
	if diff := cmp.Diff(want, sink.presented()); diff != "" {
		t.Errorf("presented:\n%s", diff)
	}
	if sink.sides[0] != sashlock.Leaving {
		t.Errorf("presented on side %q", sink.sides[0])
	}
	r.Keys("1234567890123#") // more than any PIN has
	r.Keys(aPIN + "#")
	until(t, sink.Recorder, "the PIN after too many keys", func() bool { return len(sink.presented()) >= 4 })
	if last := sink.presented()[3]; last != "pin 3" && last != "pin "+aPIN {
		t.Errorf("after too many keys %q", last)
	}
	if said := sink.Text(0); strings.Contains(said, aPIN) || strings.Contains(said, aCard) {
		t.Errorf("a secret was told:\n%s", said)
	}
}

func TestPINsOfAFixedLength(t *testing.T) {
	t.Parallel()
	sink := always(driver.Verdict{})
	_, r, _ := ready(t, sink, func(c *driverosdp.Reader) { c.PINLength = 4 })
	r.Keys("12345678")
	until(t, sink.Recorder, "two PINs", func() bool { return len(sink.presented()) == 2 })
	if diff := cmp.Diff([]string{"pin 1234", "pin 5678"}, sink.presented()); diff != "" {
		t.Error(diff)
	}
	until(t, sink.Recorder, "red", func() bool { c, n := r.Shows(); return c == osdp.Red && n >= 3 })
}

// A card that is not enough waits for the PIN that goes with it.
func TestCardThenPIN(t *testing.T) {
	t.Parallel()
	sink := newJudge(func(_ context.Context, p driver.Presentation) (driver.Verdict, error) {
		return driver.Verdict{Granted: len(p.Shown) == 2, More: len(p.Shown) == 1}, nil
	})
	_, r, _ := ready(t, sink, nil)
	r.Card(aCard)
	until(t, sink.Recorder, "amber", func() bool { c, _ := r.Shows(); return c == osdp.Amber })
	r.Keys(aPIN + "#")
	until(t, sink.Recorder, "green", func() bool { c, _ := r.Shows(); return c == osdp.Green })
	if diff := cmp.Diff([]string{"card " + aCard, "card " + aCard + " + pin " + aPIN}, sink.presented()); diff != "" {
		t.Error(diff)
	}
	r.Keys(aPIN + "#")
	until(t, sink.Recorder, "the PIN alone", func() bool { return len(sink.presented()) == 3 })
	if got := sink.presented()[2]; got != "pin "+aPIN {
		t.Errorf("the card was used twice: %q", got)
	}
}

// When nobody decides in time the answer is no, and the bus goes on meanwhile.
func TestNobodyDecides(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	sink := newJudge(func(ctx context.Context, _ driver.Presentation) (driver.Verdict, error) {
		<-ctx.Done()
		close(ended)
		return driver.Verdict{Granted: true}, ctx.Err()
	})
	_, r, s := ready(t, sink, nil)
	r.Card(aCard)
	until(t, sink.Recorder, "somebody is asked", func() bool { return len(sink.presented()) == 1 })
	mark := sink.Mark()
	if err := s.(driver.Operator).Operate(t.Context(), release("act_1", time.Second)); err != nil {
		t.Fatal(err)
	}
	sink.Await(t, patience, mark, "the release", is(sashlock.LockUnlocked))
	select {
	case <-ended:
		t.Fatal("the bus waited for the decision")
	default:
	}
	until(t, sink.Recorder, "red", func() bool { c, _ := r.Shows(); return c == osdp.Red })
}

// A plain sink decides nothing, so everything is refused.
func TestASinkThatDoesNotDecide(t *testing.T) {
	t.Parallel()
	key := goodKey
	r := aReader(5, &key)
	c := newCable(t, r)
	sink := always(driver.Verdict{Granted: true})
	open(t, c.conf(keyFolder(t, 5, key), atDoor(5)), sink.Recorder)
	isOnline(t, sink)
	r.Card(aCard)
	until(t, sink.Recorder, "red", func() bool { c, _ := r.Shows(); return c == osdp.Red })
}

// The command that is answered stands in the lock's word, and the reader locks
// by itself, with the panel gone.
func TestReleaseEndsAtTheReader(t *testing.T) {
	t.Parallel()
	sink := always(driver.Verdict{})
	c, r, s := ready(t, sink, nil)
	mark := sink.Mark()
	if err := s.(driver.Operator).Operate(t.Context(), release("act_1", 400*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if got := sink.Await(t, patience, mark, "unlocked", is(sashlock.LockUnlocked)); got.Command != "act_1" || got.State {
		t.Errorf("unlocked: %+v", got)
	}
	if err := c.KillGateway(); err != nil {
		t.Fatal(err)
	}
	until(t, sink.Recorder, "the relay is off again", func() bool { on, _ := r.On(1); return !on })
	if err := c.RestartGateway(); err != nil {
		t.Fatal(err)
	}
	until(t, sink.Recorder, "locked, after the line came back", func() bool {
		all := sink.Reports(mark, is(sashlock.LockLocked))
		return len(all) > 0 && all[len(all)-1].State
	})
}

// With a bolt switch, the relay proves nothing.
func TestBoltSwitchCounts(t *testing.T) {
	t.Parallel()
	sink := always(driver.Verdict{})
	key := goodKey
	r := aReader(5, &key)
	r.Input(1, true)
	c := newCable(t, r)
	config := atDoor(5)
	config.Bolt = number(1)
	s := open(t, c.conf(keyFolder(t, 5, key), config), sink)
	sink.Await(t, patience, 0, "locked", is(sashlock.LockLocked))
	mark := sink.Mark()
	if err := s.(driver.Operator).Operate(t.Context(), release("act_1", time.Second)); err != nil {
		t.Fatal(err)
	}
	until(t, sink.Recorder, "the relay is on", func() bool { on, _ := r.On(1); return on })
	if err := s.(driver.Reader).Read(t.Context(), "5"); err != nil {
		t.Fatal(err)
	}
	if said := sink.Reports(mark, is(sashlock.LockUnlocked)); len(said) > 0 {
		t.Errorf("unlocked was claimed by the relay: %+v", said)
	}
	r.Input(1, false)
	sink.Await(t, patience, mark, "unlocked by the bolt", is(sashlock.LockUnlocked))
}

// Several readers on one bus: one that is dead does not slow the others down,
// and each answers for itself.
func TestManyReadersOnOneBus(t *testing.T) {
	t.Parallel()
	key := goodKey
	folder := keyFolder(t, 0, key)
	var readers []*reader.Reader
	var configs []driverosdp.Reader
	for i := range 6 {
		readers = append(readers, aReader(byte(i), &key))
		config := atDoor(i)
		configs = append(configs, config)
		if i > 0 {
			text, err := os.ReadFile(filepath.Join(folder, "reader-0.key"))
			if err == nil {
				err = os.WriteFile(filepath.Join(folder, "reader-"+string(rune('0'+i))+".key"), text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	readers[2].Silence(true)
	sink := always(driver.Verdict{Granted: true})
	s := open(t, newCable(t, readers...).conf(folder, configs...), sink)
	until(t, sink.Recorder, "five readers", func() bool { return len(sink.Reports(0, is(sashlock.DeviceOnline))) == 5 })
	sink.Await(t, patience, 0, "the dead one is offline", func(r driver.Report) bool { return r.Address == "2" && r.Kind == sashlock.DeviceOffline })
	for i, r := range readers {
		if i == 2 {
			continue
		}
		mark := sink.Mark()
		order := release("act_1", time.Second)
		order.Address = configs[i].Name
		if err := s.(driver.Operator).Operate(t.Context(), order); !sashlock.IsKind(err, sashlock.NotFound) {
			t.Errorf("an order by name: %v", err)
		}
		order.Address = string(rune('0' + i))
		if err := s.(driver.Operator).Operate(t.Context(), order); err != nil {
			t.Fatal(err)
		}
		if got := sink.Await(t, patience, mark, "unlocked", is(sashlock.LockUnlocked)); got.Address != order.Address {
			t.Errorf("reader %s answered for %s", got.Address, order.Address)
		}
		if _, n := r.On(1); n != 1 {
			t.Errorf("reader %d switched %d times", i, n)
		}
	}
}

// What happens on a cable: frames that are lost, doubled, garbled, late or come
// out of order. Each release is carried out once, each card is told once.
func TestAFaultyCable(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(n int, wire []byte, kept *[]byte) [][]byte{
		"lost": func(n int, wire []byte, _ *[]byte) [][]byte {
			if n%4 == 0 {
				return nil
			}
			return [][]byte{wire}
		},
		"doubled": func(_ int, wire []byte, _ *[]byte) [][]byte { return [][]byte{wire, wire} },
		"garbled": func(n int, wire []byte, _ *[]byte) [][]byte {
			if n%4 == 0 {
				bad := append([]byte(nil), wire...)
				bad[n/4%len(bad)] ^= 0x10
				return [][]byte{bad}
			}
			return [][]byte{wire}
		},
		"one late": func(n int, wire []byte, kept *[]byte) [][]byte {
			if n%5 == 0 {
				*kept = wire
				return nil
			}
			if *kept != nil {
				late := *kept
				*kept = nil
				return [][]byte{wire, late}
			}
			return [][]byte{wire}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := always(driver.Verdict{Granted: true})
			c, r, s := ready(t, sink, nil)
			for _, direction := range []string{"to the reader", "from the reader"} {
				var n atomic.Int64
				var kept []byte
				filter := func(_ osdp.Frame, wire []byte) [][]byte { return fault(int(n.Add(1)), wire, &kept) }
				if direction == "to the reader" {
					c.filter(filter, nil)
				} else {
					c.filter(nil, filter)
				}
				_, before := r.On(1)
				for i := range 4 {
					mark, cards := sink.Mark(), len(sink.presented())
					r.Card(aCard)
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					var err error
					if !sink.Until(patience, func() bool {
						err = s.(driver.Operator).Operate(ctx, release("act_1", 100*time.Millisecond))
						return err == nil
					}) {
						t.Fatalf("%s: %v", direction, err)
					}
					cancel()
					sink.Await(t, patience, mark, "unlocked", is(sashlock.LockUnlocked))
					until(t, sink.Recorder, "the relay fell", func() bool { on, _ := r.On(1); return !on })
					until(t, sink.Recorder, "the card", func() bool { return len(sink.presented()) > cards })
					if got := len(sink.presented()); got != cards+1 {
						t.Errorf("%s: card %d was presented %d times", direction, i, got-cards)
					}
				}
				if _, after := r.On(1); after-before < 4 {
					t.Errorf("%s: switched %d times, want 4", direction, after-before)
				}
				c.filter(nil, nil)
			}
		})
	}
}

// A garbled frame can look like the head of a long one. The reader does not wait for
// the rest of it once the wire has fallen silent.
func TestAnEndlessFrame(t *testing.T) {
	t.Parallel()
	panel, wire := net.Pipe()
	defer panel.Close()
	go func() { _ = reader.Serve(wire, aReader(5, nil)) }()
	order := osdp.Frame{Address: 5, Code: osdp.ID, Data: []byte{0}}.Append(nil)
	if _, err := panel.Write([]byte{0x53, 5, 0x00, 0x05, 0x04, 0x60}); err != nil { // 1,280 bytes, it says
		t.Fatal(err)
	}
	answer := make([]byte, 64)
	for try := 1; ; try++ {
		if err := panel.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if n, err := panel.Read(answer); err == nil && n > 0 {
			return
		}
		if try == 5 {
			t.Fatal("an order that came whole was not answered")
		}
		if _, err := panel.Write(order); err != nil {
			t.Fatal(err)
		}
	}
}

// An order whose time is over while the cable is cut moves nothing when the
// cable is whole again.
func TestNothingMovesLate(t *testing.T) {
	t.Parallel()
	sink := always(driver.Verdict{})
	c, r, s := ready(t, sink, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 80*time.Millisecond)
	defer cancel()
	c.filter(func(f osdp.Frame, wire []byte) [][]byte {
		// Polls have no data. The cable is whole again in the very moment in which
		// the order's time is over.
		if f.Security == osdp.SealedOrder && ctx.Err() == nil {
			return nil
		}
		return [][]byte{wire}
	}, nil)
	if err := s.(driver.Operator).Operate(ctx, release("act_1", time.Second)); !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("with the cable cut: %v", err)
	}
	<-ctx.Done()
	mark := sink.Mark()
	c.filter(nil, nil)
	polls := r.Heard(osdp.POLL)
	until(t, sink.Recorder, "the reader is asked again", func() bool { return r.Heard(osdp.POLL) > polls+5 })
	if _, n := r.On(1); n != 0 {
		t.Errorf("the relay was switched %d times", n)
	}
	if said := sink.Reports(mark, is(sashlock.LockUnlocked)); len(said) > 0 {
		t.Errorf("unlocked: %+v", said)
	}
}

// A card that was held up while the cable was cut opens nothing when it is whole
// again, and a relay that was on meanwhile is not on now.
func TestWhatAReaderKeptIsNobodysAnyMore(t *testing.T) {
	t.Parallel()
	sink := always(driver.Verdict{Granted: true})
	_, r, _ := ready(t, sink, nil)
	mark := sink.Mark()
	r.Silence(true)
	sink.Await(t, patience, mark, "offline", is(sashlock.DeviceOffline))
	r.Card(aCard)
	r.Keys(aPIN + "#")
	r.Switch(1, true)
	r.Switch(1, false)
	mark = sink.Mark()
	r.Silence(false)
	sink.Await(t, patience, mark, "how it stands", is(sashlock.LockLocked))
	r.Keys("22#")
	until(t, sink.Recorder, "what is presented now", func() bool { return len(sink.presented()) > 0 })
	if got := sink.presented(); got[0] != "pin 22" {
		t.Errorf("an old card or PIN was presented, %d in all", len(got))
	}
	if said := sink.Reports(mark, is(sashlock.LockUnlocked)); len(said) > 0 {
		t.Errorf("unlocked: %+v", said)
	}
}

func TestABusyReader(t *testing.T) {
	t.Parallel()
	sink := always(driver.Verdict{})
	_, r, s := ready(t, sink, nil)
	r.Busy(6)
	mark := sink.Mark()
	if err := s.(driver.Operator).Operate(t.Context(), release("act_1", time.Second)); err != nil {
		t.Fatal(err)
	}
	sink.Await(t, patience, mark, "unlocked", is(sashlock.LockUnlocked))
	if said := sink.Reports(mark, is(sashlock.DeviceOffline)); len(said) > 0 {
		t.Error("a busy reader was called offline")
	}
}

// A reader that loses its power in the middle, and a panel that is restarted,
// find each other again.
func TestRestartOfEitherSide(t *testing.T) {
	t.Parallel()
	sink := always(driver.Verdict{})
	c, r, s := ready(t, sink, nil)
	for range 3 {
		mark := sink.Mark()
		if err := s.(driver.Operator).Operate(t.Context(), driver.Order{Command: "act_1", Address: "5", Verb: sashlock.DoUnlock}); err != nil {
			t.Fatal(err)
		}
		sink.Await(t, patience, mark, "unlocked", is(sashlock.LockUnlocked))
		mark = sink.Mark()
		r.Restart()
		sink.Await(t, patience, mark, "the relay fell with the power", is(sashlock.LockLocked))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := always(driver.Verdict{Granted: true})
	key := goodKey
	open(t, c.conf(keyFolder(t, 5, key), atDoor(5)), again)
	isOnline(t, again)
	if n := len(sink.Reports(0, is(sashlock.ReportRefused))); n != 0 {
		t.Errorf("restarts were taken for attacks %d times", n)
	}
}

// Two control panels on one bus are noticed and said; neither goes on as if
// nothing were.
func TestTwoPanelsOnOneBus(t *testing.T) {
	t.Parallel()
	sink := always(driver.Verdict{})
	c, _, s := ready(t, sink, nil)
	mark := sink.Mark()
	until(t, sink.Recorder, "the collision is said", func() bool {
		c.shout((osdp.Frame{Address: 5, Sequence: 2, Code: osdp.POLL}).Append(nil))
		for _, h := range sink.All()[mark:] {
			if h.Device == nil && h.Report == nil && strings.Contains(h.Why, "another control panel") {
				return true
			}
		}
		return false
	})
	until(t, sink.Recorder, "it goes on when the other one is gone", func() bool {
		return s.(driver.Operator).Operate(t.Context(), release("act_1", time.Second)) == nil
	})
	mark = sink.Mark()
	// An adapter that hears itself is no second panel.
	c.filter(func(_ osdp.Frame, wire []byte) [][]byte {
		for conn := range c.lines { // the filter runs under the lock
			_, _ = conn.Write(wire)
		}
		return [][]byte{wire}
	}, nil)
	if err := s.(driver.Reader).Read(t.Context(), "5"); err != nil {
		t.Errorf("with an echo: %v", err)
	}
	for _, h := range sink.All()[mark:] {
		if h.Device == nil && h.Report == nil {
			t.Errorf("an echo: %q", h.Why)
		}
	}
}
