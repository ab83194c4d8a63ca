// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	mqtt3 "github.com/eclipse/paho.mqtt.golang"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
	"github.com/sashlock/sashlock/driver/edge"
	"github.com/sashlock/sashlock/driver/edge/lock"
	"github.com/sashlock/sashlock/internal/devicekeys"
)

const patience = 10 * time.Second

// open opens the house's gateway until the end of the test.
func (h *house) open(t testing.TB, rec driver.Sink) driver.Session {
	t.Helper()
	s, err := h.Open(t.Context(), h.config, rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// ready waits until a device has said how it stands.
func ready(t testing.TB, rec *drivertest.Recorder, address string) {
	t.Helper()
	rec.Await(t, patience, 0, "how "+address+" stands", func(r driver.Report) bool {
		return r.Address == address && r.State && r.Kind == sashlock.LockLocked
	})
}

func newOrder(address string) driver.Order {
	return driver.Order{Command: sashlock.NewID[sashlock.CommandID](time.Now()), Address: address, Verb: sashlock.DoUnlock}
}

// join connects a client of version 5 with a device's certificate.
func join(t testing.TB, h *house, who lock.Identity, id string) *paho.Client {
	t.Helper()
	how, err := who.TLS()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", h.address, how)
	if err != nil {
		t.Fatal(err)
	}
	c := paho.NewClient(paho.ClientConfig{Conn: conn})
	if _, err := c.Connect(t.Context(), &paho.Connect{ClientID: id, CleanStart: true, KeepAlive: 30}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Disconnect(&paho.Disconnect{}) })
	return c
}

// TestThief: a device with a good certificate says ten thousand things about
// another. Nothing of it is heard, nothing opens, and it is recorded once, with
// how many there were so far.
func TestThief(t *testing.T) {
	h, rec := newHouse(t, nil), drivertest.NewRecorder()
	h.Unhurried()
	session := h.open(t, rec)
	victim := h.device(t, "case-3", nil)
	ready(t, rec, "case-3")
	thief := join(t, h, h.identity(t, "thief"), "thief")
	good := edge.Sign(h.Key, newOrder("case-3"), time.Now(), sashlock.MaxCommandLife)
	event, _ := json.Marshal(edge.Event{Boot: 99, Seq: 1, Kind: sashlock.LockUnlocked})
	ack, _ := json.Marshal(edge.Ack{Command: "act_1", Result: edge.Done})
	payloads := map[string][]byte{"event": event, "ack": ack, "cmd": good, "meta": []byte(`{"maker":"x"}`), "state": []byte(`{"lock":"unlocked"}`), "cert": []byte("{}"), "lwt": nil, "csr": nil}
	mark, refused := rec.Mark(), 0
	for refused < 10_000 {
		for sort, payload := range payloads {
			answer, _ := thief.Publish(t.Context(), &paho.Publish{Topic: edge.Topic("store", "case-3", sort), QoS: 1, Payload: payload})
			if answer == nil || answer.ReasonCode != 0x87 {
				t.Fatalf("%s: answered with %+v", sort, answer)
			}
			refused++
		}
	}
	rec.Await(t, patience, mark, "that it was recorded", func(r driver.Report) bool {
		return r.Address == "thief" && r.Kind == sashlock.ReportRefused && r.Reason == sashlock.ForeignTopic && r.Level > 0
	})
	if all := rec.Reports(mark, func(r driver.Report) bool { return r.Kind == sashlock.ReportRefused }); len(all) != 1 {
		t.Errorf("recorded %d times within a minute", len(all))
	}
	if all := rec.Reports(mark, func(r driver.Report) bool { return r.Address == "case-3" }); len(all) != 0 {
		t.Errorf("heard of the victim: %+v", all)
	}
	if n := victim.Opened(); n != 0 {
		t.Errorf("opened %d times", n)
	}
	if err := session.(driver.Operator).Operate(t.Context(), newOrder("case-3")); err != nil {
		t.Errorf("the victim does not work any more: %v", err)
	}
}

// TestThiefCannotBeAnother: not by its client identifier, nor by listening.
func TestThiefCannotBeAnother(t *testing.T) {
	h, rec := newHouse(t, nil), drivertest.NewRecorder()
	h.open(t, rec)
	h.device(t, "case-3", nil)
	ready(t, rec, "case-3")
	who := h.identity(t, "thief")
	how, err := who.TLS()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", h.address, how)
	if err != nil {
		t.Fatal(err)
	}
	c := paho.NewClient(paho.ClientConfig{Conn: conn})
	if ack, err := c.Connect(t.Context(), &paho.Connect{ClientID: "case-3", CleanStart: true}); err == nil || ack == nil || ack.ReasonCode != 0x85 {
		t.Errorf("as case-3: %+v, %v", ack, err)
	}
	thief := join(t, h, who, "thief")
	for _, topic := range []string{"#", "sashlock/#", edge.Topic("store", "+", "cmd"), edge.Topic("store", "case-3", "cmd"), "$SYS/#", edge.Topic("other", "thief", "cmd")} {
		if ack, err := thief.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 1}}}); err == nil {
			t.Errorf("subscribed to %s: %+v", topic, ack)
		}
	}
	if all := rec.Reports(0, func(r driver.Report) bool { return r.Kind == sashlock.DeviceOffline }); len(all) != 0 {
		t.Errorf("the victim went offline: %+v", all)
	}
}

// TestCommandsOnTheWire: what the gate would let through and the device must
// not believe.
func TestCommandsOnTheWire(t *testing.T) {
	h, rec := newHouse(t, nil), drivertest.NewRecorder()
	session := h.open(t, rec).(driver.Operator)
	l := h.device(t, "case-3", nil)
	ready(t, rec, "case-3")
	stranger := newHouse(t, nil)
	late := newOrder("case-3")
	late.Signed = edge.Sign(h.Key, late, time.Now().Add(-1500*time.Millisecond), time.Second)
	if err := session.Operate(t.Context(), late); driver.RefusedFor(err) != sashlock.CommandLate {
		t.Errorf("an expired command: %v", err)
	}
	other := newOrder("case-4")
	other.Signed = edge.Sign(h.Key, other, time.Now(), sashlock.MaxCommandLife)
	other.Address = "case-3"
	if err := session.Operate(t.Context(), other); driver.RefusedFor(err) != sashlock.WrongAudience {
		t.Errorf("another's command: %v", err)
	}
	once := newOrder("case-3")
	once.Signed = edge.Sign(h.Key, once, time.Now(), sashlock.MaxCommandLife)
	if err := session.Operate(t.Context(), once); err != nil {
		t.Fatal(err)
	}
	if err := session.Operate(t.Context(), once); driver.RefusedFor(err) != sashlock.CommandReplayed {
		t.Errorf("the same again: %v", err)
	}
	forged := newOrder("case-3")
	forged.Signed = edge.Sign(stranger.Key, forged, time.Now(), sashlock.MaxCommandLife)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := session.Operate(ctx, forged); !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("a forged command, which nobody answers: %v", err)
	}
	rec.Await(t, patience, 0, "the good one's report", func(r driver.Report) bool { return r.Command == once.Command })
	if n := l.Opened(); n != 1 {
		t.Errorf("opened %d times, want once", n)
	}
}

// TestRestartInMidCommand: the house goes away while a bolt moves. The command
// is not sent again, and what it did is told when the house is back, with its
// number.
func TestRestartInMidCommand(t *testing.T) {
	h, rec := newHouse(t, nil), drivertest.NewRecorder()
	session := h.open(t, rec)
	l := h.device(t, "case-3", func(o *lock.Options) { o.Latency = 150 * time.Millisecond })
	ready(t, rec, "case-3")
	order := newOrder("case-3")
	if err := session.(driver.Operator).Operate(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	if !rec.Until(patience, func() bool { return l.Opened() == 1 }) {
		t.Fatal("the bolt did not move")
	}
	again := drivertest.NewRecorder()
	h.open(t, again)
	r := again.Await(t, patience, 0, "what happened meanwhile", func(r driver.Report) bool { return r.Command == order.Command })
	if r.Kind != sashlock.LockUnlocked || r.Boot == 0 || r.Number == 0 || r.State {
		t.Errorf("%+v", r)
	}
	again.Await(t, patience, 0, "how it stands", func(r driver.Report) bool { return r.State && r.Kind == sashlock.LockUnlocked })
	if n := l.Opened(); n != 1 {
		t.Errorf("opened %d times, want once", n)
	}
}

// TestCertificates: whoever is not let in, and why.
func TestCertificates(t *testing.T) {
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	h, foreign, rec := newHouse(t, now), newHouse(t, nil), drivertest.NewRecorder()
	h.open(t, rec)
	first := h.identity(t, "till-1")
	second := h.identity(t, "till-1") // the key of the first counts no more
	removed := h.identity(t, "till-2")
	if err := h.keys.Remove("till-2"); err != nil {
		t.Fatal(err)
	}
	alien := foreign.identity(t, "till-1")
	alien.Authority = first.Authority
	fails := func(what string, who lock.Identity) {
		t.Helper()
		how, err := who.TLS()
		if err != nil {
			t.Fatal(err)
		}
		if err := hello(t, h.address, how, who.Address); err == nil {
			t.Errorf("%s was let in", what)
		}
	}
	rec.Until(patience, func() bool { return rec.Mark() > 0 })
	fails("a key that was replaced", first)
	fails("a device that was removed", removed)
	fails("a certificate of another house", alien)
	nobody := devicekeys.Trust(first.Authority, nil)
	if err := hello(t, h.address, nobody, "till-1"); err == nil {
		t.Error("somebody without a certificate was let in")
	}
	how, err := second.TLS()
	if err != nil {
		t.Fatal(err)
	}
	if err := hello(t, h.address, how, "till-1"); err != nil {
		t.Errorf("the good one: %v", err)
	}
	ahead.Store(int64(devicekeys.CertificateLife + time.Hour))
	fails("a certificate that has expired", second)
}

// hello connects and says hello; the error is why not.
func hello(t *testing.T, address string, how *tls.Config, id string) error {
	t.Helper()
	conn, err := tls.Dial("tcp", address, how)
	if err != nil {
		return err
	}
	defer conn.Close()
	c := paho.NewClient(paho.ClientConfig{Conn: conn})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err = c.Connect(ctx, &paho.Connect{ClientID: id, CleanStart: true})
	return err
}

func TestEnrolment(t *testing.T) {
	h, rec := newHouse(t, nil), drivertest.NewRecorder()
	h.open(t, rec)
	rec.Until(patience, func() bool { return rec.Mark() > 0 })
	code, _, err := h.keys.Invite("store", "till-3")
	if err != nil {
		t.Fatal(err)
	}
	who, err := lock.Enrol(t.Context(), h.address, code.String())
	if err != nil {
		t.Fatal(err)
	}
	if who.Address != "till-3" || who.Site != "store" || !who.CommandKey.Equal(h.Key.Public()) {
		t.Errorf("%+v", who)
	}
	how, err := who.TLS()
	if err != nil {
		t.Fatal(err)
	}
	if err := hello(t, h.address, how, "till-3"); err != nil {
		t.Errorf("with its certificate: %v", err)
	}
	if _, err := lock.Enrol(t.Context(), h.address, code.String()); err == nil {
		t.Error("the code worked twice")
	}
	other, _, err := newHouse(t, nil).keys.Invite("store", "till-3")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Enrol(t.Context(), h.address, other.String()); err == nil || !strings.Contains(err.Error(), "not the house") {
		t.Errorf("a code of another house: %v", err)
	}
}

// TestOldClients: a client library of version 3.1.1 can do all that is needed.
func TestOldClients(t *testing.T) {
	h, rec := newHouse(t, nil), drivertest.NewRecorder()
	h.config = json.RawMessage(fmt.Sprintf(`{"listen":%q,"clear":true,"site":"flagship"}`, h.address))
	session := h.open(t, rec)
	rec.Until(patience, func() bool { return rec.Mark() > 0 })
	commands := make(chan []byte, 1)
	c := mqtt3.NewClient(mqtt3.NewClientOptions().AddBroker("tcp://" + h.address).SetClientID("till-1").SetProtocolVersion(4))
	wait := func(what string, token mqtt3.Token) {
		t.Helper()
		if !token.WaitTimeout(patience) || token.Error() != nil {
			t.Fatalf("%s: %v", what, token.Error())
		}
	}
	wait("connecting", c.Connect())
	defer c.Disconnect(100)
	topic := func(sort string) string { return edge.Topic("flagship", "till-1", sort) }
	wait("subscribing", c.Subscribe(topic("cmd"), 1, func(_ mqtt3.Client, m mqtt3.Message) { commands <- m.Payload() }))
	wait("meta", c.Publish(topic("meta"), 1, true, `{"maker":"Acme","model":"Shell","capabilities":["unlock","lock_state","codes"],"later":1}`))
	wait("event", c.Publish(topic("event"), 1, false, `{"boot":1,"seq":1,"kind":"lock.unlocked","method":"keypad","slot":3}`))
	wait("nonsense", c.Publish(topic("event"), 1, false, `{"kind":"access.granted"}`))
	wait("a battery that is as full as nobody says", c.Publish(topic("event"), 1, false, `{"boot":1,"seq":2,"kind":"device.battery_reported"}`))
	r := rec.Await(t, patience, 0, "the event", func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked })
	d := rec.Devices()["till-1"]
	if r.Slot != 3 || r.Number != 1 || d.Weak == "" || d.Maker != "Acme" || (sashlock.Device{Capabilities: d.Capabilities}).Has(sashlock.SecureLink) {
		t.Errorf("%+v %+v", r, d)
	}
	order := newOrder("till-1")
	done := make(chan error, 1)
	go func() { done <- session.(driver.Operator).Operate(t.Context(), order) }()
	got, err := driver.OpenCommand(h.identity(t, "x").CommandKey, <-commands)
	if err != nil || got.ID != order.Command {
		t.Fatalf("%+v, %v", got, err)
	}
	wait("ack", c.Publish(topic("ack"), 1, false, fmt.Sprintf(`{"command":%q,"result":"accepted"}`, order.Command)))
	if err := <-done; err != nil {
		t.Error(err)
	}
	rec.Await(t, patience, 0, "that nonsense was recorded", func(r driver.Report) bool { return r.Reason == sashlock.Unreadable })
	if told := rec.Reports(0, func(r driver.Report) bool { return r.Kind == sashlock.BatteryReported }); len(told) > 0 {
		t.Errorf("a battery without a level was told: %+v", told)
	}
}

// FuzzMessages: whatever a device says, only reports about itself, of a kind
// that devices may report, come of it.
func FuzzMessages(f *testing.F) {
	f.Add("event", []byte(`{"boot":1,"seq":1,"kind":"lock.unlocked"}`))
	f.Add("state", []byte(`{"lock":"locked","position":"open","battery":40,"tamper":false}`))
	f.Add("meta", []byte(`{"maker":"x","capabilities":["release","codes","secure_link"]}`))
	f.Add("ack", []byte(`{"command":"act_1","result":"done"}`))
	f.Fuzz(func(t *testing.T, sort string, payload []byte) {
		rec := drivertest.NewRecorder()
		edge.Hear(rec, "till-1", sort, payload)
		for _, h := range rec.All() {
			switch {
			case h.Report != nil && (h.Report.Address != "till-1" || h.Report.Kind == sashlock.ReportRefused || h.Report.Level < 0 || h.Report.Level > 100):
				t.Errorf("%+v", h.Report)
			case h.Device != nil && (h.Device.Address != "till-1" || (sashlock.Device{Capabilities: h.Device.Capabilities}).Has(sashlock.HasCodes)):
				t.Errorf("%+v", h.Device)
			}
		}
	})
}
