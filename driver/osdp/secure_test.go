// SPDX-License-Identifier: Apache-2.0

package osdp_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	driverosdp "github.com/sashlock/sashlock/driver/osdp"
	"github.com/sashlock/sashlock/driver/osdp/reader"
	"github.com/sashlock/sashlock/internal/osdp"
)

// isRefused waits until it is recorded that a reader is not believed, and sees
// that nothing else came of it.
func isRefused(t *testing.T, sink *judge, s driver.Session, mark int) {
	t.Helper()
	got := sink.Await(t, patience, mark, "the refusal", is(sashlock.ReportRefused))
	if got.Reason != sashlock.LinkDowngraded {
		t.Errorf("refused for %q", got.Reason)
	}
	if err := s.(driver.Operator).Operate(t.Context(), release("act_1", time.Second)); !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("an order to a reader that is not believed: %v", err)
	}
	for _, kind := range []sashlock.EventKind{sashlock.LockUnlocked, sashlock.OpeningOpened, sashlock.DeviceTampered} {
		if said := sink.Reports(mark, is(kind)); len(said) > 0 {
			t.Errorf("%s was believed", kind)
		}
	}
	if asked := sink.presented(); len(asked) > 0 {
		t.Errorf("%d presentations of it were believed", len(asked))
	}
}

// A reader that is not protected as it has to be is not listened to.
func TestReadersThatAreRefused(t *testing.T) {
	t.Parallel()
	other := osdp.Key{0x77, 4, 0x92, 3, 0xee, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	factory := osdp.DefaultKey()
	clearReader := func() *reader.Reader {
		return reader.New(reader.Options{Address: 5, Clear: true, Inputs: 2, Outputs: 2})
	}
	for name, test := range map[string]struct {
		reader *reader.Reader
		key    *osdp.Key
	}{
		"in clear, where it has a key":            {clearReader(), &goodKey},
		"in clear, where nobody allowed it":       {clearReader(), nil},
		"as it left the factory":                  {aReader(5, nil), nil},
		"as it left the factory, and had a key":   {aReader(5, nil), &goodKey},
		"with another key":                        {aReader(5, &other), &goodKey},
		"with the factory's key given as its own": {aReader(5, &factory), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if test.key != nil {
				folder = keyFolder(t, 5, *test.key)
			}
			sink := always(driver.Verdict{Granted: true})
			test.reader.Card(aCard)
			test.reader.Tamper(true)
			s := open(t, newCable(t, test.reader).conf(folder, atDoor(5)), sink)
			isRefused(t, sink, s, 0)
			d := sink.Devices()["5"]
			if d.Weak == "" || (sashlock.Device{Capabilities: d.Capabilities}).Has(sashlock.SecureLink) {
				t.Errorf("found as %+v", d)
			}
			if n := test.reader.Heard(osdp.KEYSET) + test.reader.Heard(osdp.OUT); n != 0 {
				t.Errorf("it was given %d orders", n)
			}
		})
	}
}

// Somebody on the cable changes what the reader says.
func TestDowngradeOnTheCable(t *testing.T) {
	t.Parallel()
	for name, lie := range map[string]func(osdp.Frame) osdp.Frame{
		"a card in clear": func(f osdp.Frame) osdp.Frame {
			if f.Signed() {
				return osdp.Frame{Address: f.Address, Reply: true, Sequence: f.Sequence, Code: osdp.RAW, Data: osdp.Card(0, aCard)}
			}
			return f
		},
		"capabilities without security": func(f osdp.Frame) osdp.Frame {
			switch {
			case f.Signed():
				return osdp.Frame{Address: f.Address, Reply: true, Sequence: f.Sequence, Code: osdp.NAK, Data: []byte{osdp.NakCondition}}
			case f.Code == osdp.PDCAP:
				f.Data = []byte{osdp.CanOutputs, 1, 2, osdp.CanSecure, 0, 0}
			}
			return f
		},
		"a wrong code": func(f osdp.Frame) osdp.Frame {
			f.MAC[1] ^= 1
			return f
		},
		"a reply of before": func() func(osdp.Frame) osdp.Frame {
			var first *osdp.Frame
			return func(f osdp.Frame) osdp.Frame {
				if !f.Signed() {
					first = nil
					return f
				}
				if first == nil {
					first = &f
				}
				old := *first
				old.Sequence = f.Sequence
				return old
			}
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := always(driver.Verdict{Granted: true})
			_, r, s := ready(t, sink, nil)
			mark := sink.Mark()
			r.Lie(lie)
			got := sink.Await(t, patience, mark, "the refusal", is(sashlock.ReportRefused))
			if got.Reason != sashlock.LinkDowngraded || len(sink.presented()) > 0 {
				t.Errorf("refused for %q, presented %v", got.Reason, sink.presented())
			}
			sink.Await(t, patience, mark, "offline", is(sashlock.DeviceOffline))
			r.Lie(nil)
			sink.Await(t, patience, mark, "back when it is left alone", is(sashlock.DeviceOnline))
			if err := s.(driver.Operator).Operate(t.Context(), release("act_1", time.Second)); err != nil {
				t.Errorf("after it: %v", err)
			}
		})
	}
}

// A reader that left the factory is given a key once, and installing ends by
// itself.
func TestInstall(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "keys")
	r := aReader(5, nil)
	c := newCable(t, r)
	config := atDoor(5)
	config.InstallUntil = time.Now().Add(time.Minute).Format(time.RFC3339)
	sink := always(driver.Verdict{Granted: true})
	s := open(t, c.conf(folder, config), sink)
	isOnline(t, sink)
	if r.Key() == nil || r.Key().Weak() != "" || r.Heard(osdp.KEYSET) != 1 {
		t.Fatalf("key %v, given %d times", r.Key(), r.Heard(osdp.KEYSET))
	}
	if d := sink.Devices()["5"]; d.Weak != "" || !strings.Contains(d.Security, "AES-128") {
		t.Errorf("found as %+v", d)
	}
	path := filepath.Join(folder, "reader-5.key")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(path + ".next"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the proposed key stays: %v", err)
	}
	if want := fmt.Sprintf("%x", [16]byte(*r.Key())); strings.TrimSpace(string(text)) != want {
		t.Error("the file has another key than the reader")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// With the key on file, nothing is ever installed again: a reader that says
	// it is new is somebody else's.
	fresh := aReader(5, nil)
	again := always(driver.Verdict{Granted: true})
	two := open(t, newCable(t, fresh).conf(folder, config), again)
	isRefused(t, again, two, 0)
	if fresh.Key() != nil {
		t.Error("a second reader was given a key")
	}
}

func TestInstallingEndsByItself(t *testing.T) {
	t.Parallel()
	r := aReader(5, nil)
	config := atDoor(5)
	config.InstallUntil = time.Now().Add(-time.Second).Format(time.RFC3339)
	sink := always(driver.Verdict{})
	s := open(t, newCable(t, r).conf(t.TempDir(), config), sink)
	isRefused(t, sink, s, 0)
	if r.Key() != nil {
		t.Error("a key was given after the time")
	}
}

// The cable is pulled in the very moment in which the reader takes its key: the
// panel does not know whether it did, and finds out.
func TestInstallIsInterrupted(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]func(order bool) bool{
		"the order is lost":  func(order bool) bool { return order },
		"the answer is lost": func(order bool) bool { return !order },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			r := aReader(5, nil)
			c := newCable(t, r)
			sealed := func(f osdp.Frame) bool { return f.Security == osdp.SealedOrder || f.Security == osdp.SignedReply }
			drop := func(order bool) func(osdp.Frame, []byte) [][]byte {
				return func(f osdp.Frame, wire []byte) [][]byte {
					if sealed(f) && lost(order) {
						return nil
					}
					return [][]byte{wire}
				}
			}
			c.filter(drop(true), drop(false))
			config := atDoor(5)
			config.InstallUntil = time.Now().Add(time.Minute).Format(time.RFC3339)
			first := always(driver.Verdict{})
			s := open(t, c.conf(folder, config), first)
			proposed := filepath.Join(folder, "reader-5.key.next")
			until(t, first.Recorder, "a key is proposed", func() bool { _, err := os.Stat(proposed); return err == nil })
			if name == "the answer is lost" {
				until(t, first.Recorder, "the reader has it", func() bool { return r.Key() != nil })
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(proposed)
			if err != nil {
				t.Fatal(err)
			}
			c.filter(nil, nil)
			sink := always(driver.Verdict{})
			open(t, c.conf(folder, config), sink)
			isOnline(t, sink)
			settled, err := os.ReadFile(filepath.Join(folder, "reader-5.key"))
			if err != nil || string(settled) != string(text) || r.Heard(osdp.KEYSET) != 1 {
				t.Errorf("the key was settled: %v, the same: %v, given %d times", err, string(settled) == string(text), r.Heard(osdp.KEYSET))
			}
		})
	}
}

// Keys that others may read, that are weak, or that are none, are not used.
func TestBadKeyFiles(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"read by others": func(path string) error { return os.Chmod(path, 0o644) },
		"counting":       func(path string) error { return os.WriteFile(path, []byte("000102030405060708090a0b0c0d0e0f"), 0o600) },
		"the factory's":  func(path string) error { return os.WriteFile(path, []byte("303132333435363738393a3b3c3d3e3f"), 0o600) },
		"cut short":      func(path string) error { return os.WriteFile(path, []byte("8f01"), 0o600) },
		"no key":         func(path string) error { return os.WriteFile(path, []byte("secret"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := goodKey
			folder := keyFolder(t, 5, key)
			if err := spoil(filepath.Join(folder, "reader-5.key")); err != nil {
				t.Fatal(err)
			}
			sink := always(driver.Verdict{})
			config := atDoor(5)
			config.InstallUntil = time.Now().Add(time.Minute).Format(time.RFC3339)
			s := open(t, newCable(t, aReader(5, &key)).conf(folder, config), sink)
			isRefused(t, sink, s, 0)
		})
	}
}

// Where the configuration says so in as many words a bus may be in clear, and it
// is marked as weak.
func TestInClearWhereItIsAllowed(t *testing.T) {
	t.Parallel()
	for _, checksum := range []bool{false, true} {
		r := reader.New(reader.Options{Address: 5, Clear: true, Inputs: 2, Outputs: 2})
		c := newCable(t, r)
		sink := always(driver.Verdict{Granted: true})
		config := driverosdp.Reader{Address: 5, Relay: number(0), ClearText: true, Checksum: checksum}
		s := open(t, c.conf("", config), sink)
		isOnline(t, sink)
		d := sink.Devices()["5"]
		if d.Weak == "" || d.Security != "none" || (sashlock.Device{Capabilities: d.Capabilities}).Has(sashlock.SecureLink) || d.Name != "Reader 5" {
			t.Errorf("found as %+v", d)
		}
		r.Keys(aPIN + "#")
		until(t, sink.Recorder, "the PIN", func() bool { return len(sink.presented()) == 1 })
		mark := sink.Mark()
		if err := s.(driver.Operator).Operate(t.Context(), release("act_1", time.Second)); err != nil {
			t.Fatal(err)
		}
		sink.Await(t, patience, mark, "unlocked", is(sashlock.LockUnlocked))
	}
}

// What goes over the wire of a reader with a key gives neither cards nor PINs
// away.
func TestNothingIsReadOffTheWire(t *testing.T) {
	t.Parallel()
	sink := always(driver.Verdict{Granted: true})
	c, r, _ := ready(t, sink, nil)
	seen := make(chan string, 1000)
	look := func(_ osdp.Frame, wire []byte) [][]byte {
		select {
		case seen <- string(wire):
		default:
		}
		return [][]byte{wire}
	}
	c.filter(look, look)
	r.Card(aCard)
	r.Keys(aPIN + "#")
	until(t, sink.Recorder, "both", func() bool { return len(sink.presented()) == 2 })
	c.filter(nil, nil)
	close(seen)
	card := string(osdp.Card(0, aCard)[4:])
	n := 0
	for wire := range seen {
		n++
		if strings.Contains(wire, aPIN) || strings.Contains(wire, card) {
			t.Errorf("read off the wire: %x", wire)
		}
	}
	if n == 0 {
		t.Error("nothing was seen")
	}
}
