// SPDX-License-Identifier: Apache-2.0

package osdp_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
	driverosdp "github.com/sashlock/sashlock/driver/osdp"
	"github.com/sashlock/sashlock/driver/osdp/reader"
	"github.com/sashlock/sashlock/internal/osdp"
)

const (
	patience = 10 * time.Second
	// aCard is a card of 26 bits, whose parity is right.
	aCard = "10011101001110111001111101"
	aPIN  = "493817"
)

var goodKey = osdp.Key{0x8f, 1, 0x92, 3, 0xee, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// cable is a serial server with readers behind it, through which a test can
// reach into what goes over the wire.
type cable struct {
	t       testing.TB
	address string
	readers []*reader.Reader

	mu       sync.Mutex
	listener net.Listener
	lines    map[net.Conn]bool
	orders   func(osdp.Frame, []byte) [][]byte // what becomes of a frame on its way; nil: it arrives
	replies  func(osdp.Frame, []byte) [][]byte
}

func newCable(t testing.TB, readers ...*reader.Reader) *cable {
	t.Helper()
	c := &cable{t: t, address: "127.0.0.1:0", readers: readers, lines: map[net.Conn]bool{}}
	if err := c.RestartGateway(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.KillGateway() })
	return c
}

func (c *cable) RestartGateway() error {
	l, err := net.Listen("tcp", c.address)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.listener, c.address = l, l.Addr().String()
	c.mu.Unlock()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.carry(conn)
		}
	}()
	return nil
}

func (c *cable) KillGateway() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.lines {
		_ = conn.Close()
	}
	return c.listener.Close()
}

// filter has functions look at every frame; nil: it arrives as it is.
func (c *cable) filter(orders, replies func(osdp.Frame, []byte) [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.orders, c.replies = orders, replies
}

// carry moves frames between a panel and the readers.
func (c *cable) carry(conn net.Conn) {
	ours, theirs := net.Pipe()
	c.mu.Lock()
	c.lines[conn] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.lines, conn)
		c.mu.Unlock()
		_ = conn.Close()
		_ = ours.Close()
	}()
	go func() { _ = reader.Serve(theirs, c.readers...); _ = theirs.Close() }()
	go func() {
		c.move(ours, conn, func() func(osdp.Frame, []byte) [][]byte { return c.replies })
		_ = conn.Close()
	}()
	c.move(conn, ours, func() func(osdp.Frame, []byte) [][]byte { return c.orders })
}

func (c *cable) move(from, to net.Conn, filter func() func(osdp.Frame, []byte) [][]byte) {
	var s osdp.Scanner
	buf := make([]byte, 512)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		s.Write(buf[:n])
		for {
			f, wire, found := s.Next()
			if !found {
				break
			}
			all := [][]byte{wire}
			c.mu.Lock()
			if change := filter(); change != nil {
				all = change(f, wire)
			}
			c.mu.Unlock()
			for _, one := range all {
				if _, err := to.Write(one); err != nil {
					return
				}
			}
		}
	}
}

// shout writes bytes to every panel, as whoever sits on the cable can.
func (c *cable) shout(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.lines {
		_, _ = conn.Write(b)
	}
}

// conf is the configuration of a bus with such readers.
func (c *cable) conf(folder string, readers ...driverosdp.Reader) json.RawMessage {
	text, err := json.Marshal(driverosdp.Config{TCP: c.address, KeyFolder: folder, PollMS: 10, Readers: readers})
	if err != nil {
		c.t.Fatal(err)
	}
	return text
}

// keyFolder has the key of a reader.
func keyFolder(t testing.TB, address int, k osdp.Key) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("reader-%d.key", address)), []byte(hex.EncodeToString(k[:])), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func number(n int) *int { return &n }

// atDoor is a reader at a door with a contact, as the tests use it.
func atDoor(address int) driverosdp.Reader {
	return driverosdp.Reader{Address: address, Name: "Staff door", Relay: number(1), Contact: number(0)}
}

func aReader(address byte, key *osdp.Key) *reader.Reader {
	return reader.New(reader.Options{
		Address: address, Key: key, Inputs: 2, Outputs: 2,
		Identity: osdp.Identity{Vendor: [3]byte{0xbe, 0xba, 0xfe}, Model: 1, Version: 1, Serial: 7, Firmware: [3]byte{1, 2, 3}},
	})
}

// judge is a sink that decides.
type judge struct {
	*drivertest.Recorder
	mu     sync.Mutex
	asked  []string // what was presented: kind and secret, of two joined by +
	sides  []sashlock.Side
	answer func(ctx context.Context, p driver.Presentation) (driver.Verdict, error)
}

func newJudge(answer func(context.Context, driver.Presentation) (driver.Verdict, error)) *judge {
	return &judge{Recorder: drivertest.NewRecorder(), answer: answer}
}

func always(v driver.Verdict) *judge {
	return newJudge(func(context.Context, driver.Presentation) (driver.Verdict, error) { return v, nil })
}

func (j *judge) Presented(ctx context.Context, p driver.Presentation) (driver.Verdict, error) {
	var what []string
	for _, s := range p.Shown {
		what = append(what, string(s.Kind)+" "+s.Secret.Reveal())
	}
	j.mu.Lock()
	j.asked = append(j.asked, strings.Join(what, " + "))
	j.sides = append(j.sides, p.Side)
	j.mu.Unlock()
	return j.answer(ctx, p)
}

func (j *judge) presented() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.asked...)
}

// open opens a session and closes it at the end.
func open(t testing.TB, config json.RawMessage, sink driver.Sink) driver.Session {
	t.Helper()
	s, err := driverosdp.Quick().Open(t.Context(), config, sink)
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

// until waits for a condition.
func until(t testing.TB, rec *drivertest.Recorder, what string, condition func() bool) {
	t.Helper()
	if !rec.Until(patience, condition) {
		t.Fatalf("not within %v: %s\nheard:\n%s", patience, what, rec.Text(0))
	}
}

func is(kind sashlock.EventKind) func(driver.Report) bool {
	return func(r driver.Report) bool { return r.Kind == kind }
}

func (w *world) at(address string) (*reader.Reader, error) {
	if address != "5" {
		return nil, errors.New("there is no such reader")
	}
	return w.readers[0], nil
}

// world is one reader with a relay at a door, for the conformance suite.
type world struct{ *cable }

func (w *world) OperateByHand(address string, verb sashlock.Verb) error {
	r, err := w.at(address)
	if err == nil {
		r.Switch(1, verb != sashlock.DoLock)
	}
	return err
}

func (w *world) OpenDoor(address string) error  { return w.input(address, true) }
func (w *world) CloseDoor(address string) error { return w.input(address, false) }

func (w *world) input(address string, active bool) error {
	r, err := w.at(address)
	if err == nil {
		r.Input(0, active)
	}
	return err
}

func (w *world) Tamper(address string, on bool) error {
	r, err := w.at(address)
	if err == nil {
		r.Tamper(on)
	}
	return err
}

func (w *world) Dead(address string) error  { return w.silence(address, true) }
func (w *world) Alive(address string) error { return w.silence(address, false) }

func (w *world) silence(address string, on bool) error {
	r, err := w.at(address)
	if err == nil {
		r.Silence(on)
	}
	return err
}

func TestConformance(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, drivertest.Harness{
		Driver: driverosdp.Quick(),
		New: func(t *testing.T) drivertest.Stage {
			key := goodKey
			w := &world{newCable(t, aReader(5, &key))}
			return drivertest.Stage{
				Config: w.conf(keyFolder(t, 5, key), atDoor(5)), World: w, Lock: "5", Contact: "5",
				Expected: []drivertest.Expected{{Address: "5", Capabilities: []sashlock.Capability{
					sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock,
					sashlock.TellsPosition, sashlock.TellsTamper, sashlock.SecureLink,
				}}},
				PINs: []string{aPIN, aCard},
			}
		},
		Bad: []drivertest.BadConfig{
			{Name: "no bus", Config: json.RawMessage(`{"readers":[{"address":1}],"key_folder":"/k"}`), Field: "port"},
			{Name: "two buses", Config: json.RawMessage(`{"port":"/dev/x","tcp":"a:1","readers":[{"address":1}],"key_folder":"/k"}`), Field: "port"},
			{Name: "no port", Config: json.RawMessage(`{"tcp":"a","readers":[{"address":1}],"key_folder":"/k"}`), Field: "tcp"},
			{Name: "a wrong speed", Config: json.RawMessage(`{"port":"/dev/x","baud":7,"readers":[{"address":1}],"key_folder":"/k"}`), Field: "baud"},
			{Name: "too fast", Config: json.RawMessage(`{"port":"/dev/x","poll_ms":1,"readers":[{"address":1}],"key_folder":"/k"}`), Field: "poll_ms"},
			{Name: "no readers", Config: json.RawMessage(`{"port":"/dev/x","key_folder":"/k"}`), Field: "readers"},
			{Name: "a wrong address", Config: json.RawMessage(`{"port":"/dev/x","readers":[{"address":127}],"key_folder":"/k"}`), Field: "readers[0].address"},
			{Name: "an address twice", Config: json.RawMessage(`{"port":"/dev/x","readers":[{"address":1},{"address":1}],"key_folder":"/k"}`), Field: "readers[1].address"},
			{Name: "no keys", Config: json.RawMessage(`{"port":"/dev/x","readers":[{"address":1}]}`), Field: "key_folder"},
			{Name: "a wrong side", Config: json.RawMessage(`{"port":"/dev/x","readers":[{"address":1,"side":"left"}],"key_folder":"/k"}`), Field: "readers[0].side"},
			{Name: "a wrong output", Config: json.RawMessage(`{"port":"/dev/x","readers":[{"address":1,"relay":-1}],"key_folder":"/k"}`), Field: "readers[0].relay"},
			{Name: "a wrong contact", Config: json.RawMessage(`{"port":"/dev/x","readers":[{"address":1,"contact":99}],"key_folder":"/k"}`), Field: "readers[0].contact"},
			{Name: "a bolt alone", Config: json.RawMessage(`{"port":"/dev/x","readers":[{"address":1,"bolt":1}],"key_folder":"/k"}`), Field: "readers[0].bolt"},
			{Name: "a short PIN", Config: json.RawMessage(`{"port":"/dev/x","readers":[{"address":1,"pin_length":2}],"key_folder":"/k"}`), Field: "readers[0].pin_length"},
			{Name: "no instant", Config: json.RawMessage(`{"port":"/dev/x","readers":[{"address":1,"install_until":"soon"}],"key_folder":"/k"}`), Field: "readers[0].install_until"},
			{Name: "two installed at once", Config: json.RawMessage(`{"port":"/dev/x","readers":[{"address":1,"install_until":"2026-11-22T14:30:00Z"},{"address":2,"install_until":"2026-11-22T14:30:00Z"}],"key_folder":"/k"}`), Field: "readers[1].install_until"},
			{Name: "clear text and a key", Config: json.RawMessage(`{"port":"/dev/x","readers":[{"address":1,"clear_text":true,"install_until":"2026-11-22T14:30:00Z"}],"key_folder":"/k"}`), Field: "readers[0].install_until"},
		},
	})
}
