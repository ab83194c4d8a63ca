// SPDX-License-Identifier: Apache-2.0

package zigbee2mqtt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
	"github.com/sashlock/sashlock/internal/mqttlink"
)

// fakeBroker is a broker of the test: it says what the test lets it say, and
// keeps what was published.
type fakeBroker struct {
	ready chan struct{}
	done  chan struct{}

	mu        sync.Mutex
	waiting   []mqttlink.Message // guarded by mu, as all below
	published []string
	topics    map[string]bool
}

func newFakeBroker() *fakeBroker {
	return &fakeBroker{ready: make(chan struct{}, 1), done: make(chan struct{}), topics: make(map[string]bool)}
}

func (b *fakeBroker) Ready() <-chan struct{} { return b.ready }
func (b *fakeBroker) Done() <-chan struct{}  { return b.done }
func (b *fakeBroker) Why() error             { return errors.New("cut") }
func (b *fakeBroker) Close()                 {}

func (b *fakeBroker) Next() (mqttlink.Message, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		return mqttlink.Message{}, false
	}
	m := b.waiting[0]
	b.waiting = b.waiting[1:]
	if len(b.waiting) > 0 {
		b.wake()
	}
	return m, true
}

func (b *fakeBroker) wake() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

func (b *fakeBroker) Subscribe(_ context.Context, topics ...string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, topic := range topics {
		b.topics[topic] = true
	}
	return nil
}

func (b *fakeBroker) Unsubscribe(_ context.Context, topics ...string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, topic := range topics {
		delete(b.topics, topic)
	}
	return nil
}

func (b *fakeBroker) Publish(ctx context.Context, topic string, qos byte, payload []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.published = append(b.published, fmt.Sprintf("%s %d %s", topic, qos, payload))
	return ctx.Err()
}

func (b *fakeBroker) say(topic, payload string, retained bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, mqttlink.Message{Topic: "zigbee2mqtt/" + topic, Payload: []byte(payload), Retained: retained})
	b.wake()
}

func (b *fakeBroker) sent(part string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, p := range b.published {
		if strings.Contains(p, part) {
			n++
		}
	}
	return n
}

const (
	address = "0x00158d0000000001"
	name    = "shop/case 1"
	patient = 5 * time.Second
)

// listOf is bridge/devices with one lock.
func listOf(name string) string {
	return `[{"ieee_address":"0x00158d00000000ff","type":"Coordinator","friendly_name":"Coordinator"},
	{"ieee_address":"` + address + `","type":"EndDevice","supported":true,"friendly_name":"` + name + `","interview_completed":true,
	 "software_build_id":"1.2","power_source":"Battery","definition":{"model":"L1","vendor":"Maker","exposes":[
	 {"type":"lock","features":[{"type":"binary","name":"state","property":"state","access":7},{"type":"enum","name":"lock_state","property":"lock_state","access":1}]},
	 {"type":"numeric","name":"battery","property":"battery"},{"type":"composite","name":"pin_code","property":"pin_code","features":[{"name":"user","property":"user"}]},
	 {"type":"enum","name":"action","property":"action"},{"type":"enum","name":"action_source_name","property":"action_source_name"},
	 {"type":"numeric","name":"action_user","property":"action_user"}]}}]`
}

// clock makes last_seen of payloads.
type clock struct{ at time.Time }

func (c *clock) seen() string {
	c.at = c.at.Add(10 * time.Millisecond)
	return c.at.Format("2006-01-02T15:04:05.000Z07:00")
}

// openFake opens a session on a fake broker; the lock has said that it is locked.
func openFake(t *testing.T) (*session, *fakeBroker, *drivertest.Recorder, *clock) {
	t.Helper()
	s, b, rec, c := startFake(t)
	bridgeUp(t, b, rec)
	b.say(name, `{"lock_state":"locked","state":"LOCK","last_seen":"`+c.seen()+`"}`, false)
	rec.Await(t, patient, 0, "how it stands", func(r driver.Report) bool {
		return r == driver.Report{Address: address, Kind: sashlock.LockLocked, State: true}
	})
	return s, b, rec, c
}

// bridgeUp lets Zigbee2MQTT say that it is there, with one lock, and waits until
// that was asked how it stands.
func bridgeUp(t *testing.T, b *fakeBroker, rec *drivertest.Recorder) {
	t.Helper()
	b.say("bridge/state", `{"state":"online"}`, true)
	b.say("bridge/devices", listOf(name), true)
	if !rec.Until(patient, func() bool { return b.sent("/get") > 0 }) {
		t.Fatal("the lock was not asked how it stands")
	}
}

// startFake opens a session whose broker has said nothing yet.
func startFake(t *testing.T) (*session, *fakeBroker, *drivertest.Recorder, *clock) {
	t.Helper()
	b, rec, c := newFakeBroker(), drivertest.NewRecorder(), &clock{at: time.Now().Add(-time.Second).UTC()}
	p := usualPace()
	p.settle, p.taken, p.reread, p.confirm = 20*time.Millisecond, 30*time.Millisecond, 40*time.Millisecond, 2*time.Second
	config, err := readConfig([]byte(`{"broker":"tcp://127.0.0.1:1","slots":3}`))
	if err != nil {
		t.Fatal(err)
	}
	used := false
	s := start(config, p, func(context.Context) (broker, error) {
		if used {
			return nil, errors.New("gone")
		}
		used = true
		return b, nil
	}, rec)
	t.Cleanup(func() { _ = s.Close() })
	return s, b, rec, c
}

// hear lets the lock say something.
func hear(b *fakeBroker, c *clock, fields string) {
	b.say(name, `{`+fields+`,"last_seen":"`+c.seen()+`"}`, false)
}

// flush waits until all that was said before has been heard.
func flush(t *testing.T, b *fakeBroker, rec *drivertest.Recorder, c *clock, level int) {
	t.Helper()
	mark := rec.Mark()
	hear(b, c, fmt.Sprintf(`"battery":%d`, level))
	rec.Await(t, patient, mark, "the battery", func(r driver.Report) bool { return r.Level == level })
}
