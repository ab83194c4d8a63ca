// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/drivertest"
	"github.com/sashlock/sashlock/driver/edge"
	"github.com/sashlock/sashlock/driver/edge/lock"
	"github.com/sashlock/sashlock/internal/devicekeys"
)

// house is a house with an authority and a driver.
type house struct {
	*edge.Bench
	keys    *devicekeys.Authority
	folder  string // of the keys
	address string // to listen on
	config  json.RawMessage
}

func newHouse(t testing.TB, now func() time.Time) *house {
	t.Helper()
	return furnish(t, edge.NewBench(edge.House{}, nil), now)
}

func furnish(t testing.TB, bench *edge.Bench, now func() time.Time) *house {
	t.Helper()
	folder := t.TempDir()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := devicekeys.Open(folder, now)
	if err != nil {
		t.Fatal(err)
	}
	bench.Renew(edge.House{Folder: folder, CommandKey: public, Now: now}, private)
	h := &house{Bench: bench, keys: keys, folder: folder, address: freePort(t)}
	h.config = json.RawMessage(fmt.Sprintf(`{"listen":%q}`, h.address))
	return h
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// identity enrols a device without a network.
func (h *house) identity(t testing.TB, address string) lock.Identity {
	t.Helper()
	code, _, err := h.keys.Invite("store", address)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := h.keys.Enrol(code.Secret, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return lock.Identity{
		Site: "store", Address: address, Authority: h.keys.Fingerprint(), Certificate: string(text),
		Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})), CommandKey: h.Key.Public().(ed25519.PublicKey),
	}
}

// device starts a device and ends it with the test.
func (h *house) device(t testing.TB, address string, change func(*lock.Options)) *lock.Lock {
	t.Helper()
	return h.join(t, h.identity(t, address), change)
}

// join starts a device that has enrolled already.
func (h *house) join(t testing.TB, who lock.Identity, change func(*lock.Options)) *lock.Lock {
	t.Helper()
	how, err := who.TLS()
	if err != nil {
		t.Fatal(err)
	}
	o := lock.Options{
		Endpoint: h.address, Site: who.Site, Address: who.Address, TLS: how, CommandKey: who.CommandKey, Latency: 3 * time.Millisecond,
	}
	if change != nil {
		change(&o)
	}
	l := lock.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { l.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return l
}

// world gives the devices of a house the names that the suite knows.
type world struct {
	*house
	all map[string]*lock.Lock
}

func (w world) do(address string, what func(*lock.Lock)) error {
	l, ok := w.all[address]
	if !ok {
		return fmt.Errorf("there is no device %s", address)
	}
	what(l)
	return nil
}

func (w world) OperateByHand(a string, v sashlock.Verb) error {
	return w.do(a, func(l *lock.Lock) { l.Turn(v != sashlock.DoLock) })
}
func (w world) OpenDoor(a string) error  { return w.do(a, (*lock.Lock).OpenDoor) }
func (w world) CloseDoor(a string) error { return w.do(a, (*lock.Lock).CloseDoor) }
func (w world) Jam(a string) error       { return w.do(a, func(l *lock.Lock) { l.Jam(true) }) }
func (w world) Unjam(a string) error     { return w.do(a, func(l *lock.Lock) { l.Jam(false) }) }
func (w world) KeypadUnlock(a string, slot int) error {
	return w.do(a, func(l *lock.Lock) { l.Type(slot) })
}
func (w world) WrongCode(a string) error { return w.do(a, func(l *lock.Lock) { l.Type(0) }) }
func (w world) Battery(a string, percent int) error {
	return w.do(a, func(l *lock.Lock) { l.Drain(percent) })
}
func (w world) Tamper(a string, on bool) error { return w.do(a, func(l *lock.Lock) { l.Tamper(on) }) }
func (w world) Dead(a string) error            { return w.do(a, (*lock.Lock).SwitchOff) }
func (w world) Alive(a string) error           { return w.do(a, (*lock.Lock).SwitchOn) }
func (w world) PersonNear(a string) error      { return w.do(a, func(l *lock.Lock) { l.Pass(true) }) }
func (w world) PersonGone(a string) error      { return w.do(a, func(l *lock.Lock) { l.Pass(false) }) }
func (w world) KillGateway() error             { w.Down(true); return nil }
func (w world) RestartGateway() error          { w.Down(false); return nil }

func TestConformance(t *testing.T) {
	contact := []sashlock.Capability{sashlock.TellsPosition, sashlock.TellsTamper, sashlock.TellsBattery}
	motion := []sashlock.Capability{sashlock.TellsPresence, sashlock.TellsTamper, sashlock.TellsBattery}
	full := []sashlock.Capability{
		sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsJam, sashlock.TellsPosition,
		sashlock.TellsWho, sashlock.TellsTamper, sashlock.TellsBattery, sashlock.Supervised, sashlock.SecureLink,
	}
	bench := edge.NewBench(edge.House{}, nil)
	harness := drivertest.Harness{
		Driver: bench,
		New: func(t *testing.T) drivertest.Stage {
			h := furnish(t, bench, nil)
			w := world{h, map[string]*lock.Lock{
				"case-3":    h.device(t, "case-3", nil),
				"back-door": h.device(t, "back-door", func(o *lock.Options) { o.Senses = contact }),
				"aisle-2":   h.device(t, "aisle-2", func(o *lock.Options) { o.Senses = motion }),
			}}
			return drivertest.Stage{
				Config: h.config, World: w, Lock: "case-3", Contact: "back-door", Motion: "aisle-2", Slot: 3, PINs: []string{"83920174"},
				Expected: []drivertest.Expected{{Address: "case-3", Capabilities: full}, {Address: "back-door", Capabilities: contact}, {Address: "aisle-2", Capabilities: motion}},
			}
		},
		Bad: []drivertest.BadConfig{
			{Name: "no address", Config: json.RawMessage(`{}`), Field: "listen"},
			{Name: "no port", Config: json.RawMessage(`{"listen":"store"}`), Field: "listen"},
			{Name: "bad site", Config: json.RawMessage(`{"listen":"127.0.0.1:0","site":"a/b"}`), Field: "site"},
			{Name: "empty name", Config: json.RawMessage(`{"listen":"127.0.0.1:0","names":[""]}`), Field: "names[0]"},
			{Name: "clear for all", Config: json.RawMessage(`{"listen":"0.0.0.0:1883","clear":true}`), Field: "clear"},
			{Name: "clear by name", Config: json.RawMessage(`{"listen":"store:1883","clear":true}`), Field: "clear"},
		},
		ReleaseFor: 100 * time.Millisecond,
	}
	drivertest.Run(t, harness)
}
