// SPDX-License-Identifier: Apache-2.0

package homeassistant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
	"github.com/sashlock/sashlock/internal/mqttlink"
)

const patience = 20 * time.Second

// hub is a broker of the test, with a lock, a contact, a motion sensor, a
// battery and a cover behind it, which announce themselves.
type hub struct {
	mu    sync.Mutex
	up    bool              // guarded by mu, as all below
	kept  map[string]string // retained messages
	links map[*hubLink]bool
	sent  []string // what was published
	stuck bool     // the bolt does not move
	deaf  bool     // the lock hears nothing
}

// hubLink is one connection to it.
type hubLink struct {
	hub   *hub
	ready chan struct{}
	done  chan struct{}

	waiting []mqttlink.Message // guarded by hub.mu, as all below
	topics  []string
}

const (
	lockAt    = "homeassistant/lock/case_1/lock/config"
	lockID    = "lock.case1_lock"
	contactID = "binary_sensor.case1_contact"
	motionID  = "binary_sensor.case1_motion"
	buttonID  = "event.bell"
	group     = `"dev":{"ids":["case1"],"mf":"Maker","mdl":"L1","name":"Case 1","sw":"1.2"}`
	presence  = `"avty_t":"~/status"`
)

func newHub() *hub {
	h := &hub{up: true, kept: make(map[string]string), links: make(map[*hubLink]bool)}
	for topic, text := range map[string]string{
		lockAt: `{"~":"shop/case1","name":null,"uniq_id":"case1_lock","stat_t":"~/lock","cmd_t":"~/lock/set",` + presence + `,` + group + `}`,
		"homeassistant/binary_sensor/case_1/contact/config": `{"~":"shop/case1","dev_cla":"door","uniq_id":"case1_contact","stat_t":"~/contact","val_tpl":"{{ value_json.contact }}","pl_on":false,"pl_off":true,` + presence + `,` + group + `}`,
		"homeassistant/binary_sensor/case_1/motion/config":  `{"~":"shop/case1","device_class":"motion","unique_id":"case1_motion","state_topic":"~/motion",` + presence + `,` + group + `}`,
		"homeassistant/binary_sensor/case_1/cover/config":   `{"~":"shop/case1","dev_cla":"tamper","uniq_id":"case1_cover","stat_t":"~/cover",` + group + `}`,
		"homeassistant/sensor/case_1/battery/config":        `{"~":"shop/case1","dev_cla":"battery","unit_of_meas":"%","uniq_id":"case1_battery","stat_t":"~/battery",` + group + `}`,
		"homeassistant/event/bell/config":                   `{"dev_cla":"button","uniq_id":"bell","stat_t":"shop/bell","evt_typ":["press"]}`,
		"homeassistant/light/lamp/config":                   `{"uniq_id":"lamp","cmd_t":"shop/lamp"}`,
		"shop/case1/status":                                 "online",
		"shop/case1/lock":                                   "LOCKED",
		"shop/case1/contact":                                `{"contact":true}`,
		"shop/case1/motion":                                 "OFF",
		"shop/case1/battery":                                "87",
		"shop/case1/cover":                                  "OFF",
	} {
		h.kept[topic] = text
	}
	return h
}

func (h *hub) dial(context.Context) (broker, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.up {
		return nil, errors.New("nobody listens")
	}
	l := &hubLink{hub: h, ready: make(chan struct{}, 1), done: make(chan struct{})}
	h.links[l] = true
	return l, nil
}

// down cuts all connections.
func (h *hub) down() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.up = false
	for l := range h.links {
		close(l.done)
		delete(h.links, l)
	}
}

func (h *hub) rise() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.up = true
}

// say publishes what a device says; kept for those who come later.
func (h *hub) say(topic, payload string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pass(topic, payload, true)
}

// pass hands a message on. The caller holds mu.
func (h *hub) pass(topic, payload string, keep bool) {
	if keep {
		h.kept[topic] = payload
	}
	for l := range h.links {
		if slices.ContainsFunc(l.topics, func(filter string) bool { return matches(filter, topic) }) {
			l.put(mqttlink.Message{Topic: topic, Payload: []byte(payload)})
		}
	}
}

// put queues a message. The caller holds mu.
func (l *hubLink) put(m mqttlink.Message) {
	l.waiting = append(l.waiting, m)
	select {
	case l.ready <- struct{}{}:
	default:
	}
}

func matches(filter, topic string) bool {
	a, b := strings.Split(filter, "/"), strings.Split(topic, "/")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != "+" && a[i] != b[i] {
			return false
		}
	}
	return true
}

func (l *hubLink) Ready() <-chan struct{} { return l.ready }
func (l *hubLink) Done() <-chan struct{}  { return l.done }
func (l *hubLink) Why() error             { return errors.New("cut") }

func (l *hubLink) Close() {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	delete(l.hub.links, l)
}

func (l *hubLink) Next() (mqttlink.Message, bool) {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	if len(l.waiting) == 0 {
		return mqttlink.Message{}, false
	}
	m := l.waiting[0]
	l.waiting = l.waiting[1:]
	if len(l.waiting) > 0 {
		select {
		case l.ready <- struct{}{}:
		default:
		}
	}
	return m, true
}

func (l *hubLink) Subscribe(_ context.Context, topics ...string) error {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	for _, filter := range topics {
		if !slices.Contains(l.topics, filter) {
			l.topics = append(l.topics, filter)
		}
		for topic, payload := range l.hub.kept {
			if payload != "" && matches(filter, topic) {
				l.put(mqttlink.Message{Topic: topic, Payload: []byte(payload), Retained: true})
			}
		}
	}
	return nil
}

func (l *hubLink) Unsubscribe(_ context.Context, topics ...string) error {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	l.topics = slices.DeleteFunc(l.topics, func(t string) bool { return slices.Contains(topics, t) })
	return nil
}

// Publish is an order: the lock carries it out and says so.
func (l *hubLink) Publish(ctx context.Context, topic string, qos byte, payload []byte) error {
	if err := ctx.Err(); err != nil {
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: "publishing", Err: err}
	}
	h := l.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, fmt.Sprintf("%s %d %s", topic, qos, payload))
	if topic != "shop/case1/lock/set" || h.deaf {
		return nil
	}
	word := map[string]string{"LOCK": "LOCKED", "UNLOCK": "UNLOCKED"}[string(payload)]
	h.pass("shop/case1/lock", strings.TrimSuffix(word, "ED")+"ING", true) // it is on its way
	if h.stuck {
		word = "JAMMED"
	}
	h.pass("shop/case1/lock", word, true)
	return nil
}

// hubWorld does to the devices what the conformance suite asks for.
type hubWorld struct{ *hub }

func (w hubWorld) OperateByHand(_ string, verb sashlock.Verb) error {
	word := "UNLOCKED"
	if verb == sashlock.DoLock {
		word = "LOCKED"
	}
	w.say("shop/case1/lock", word)
	return nil
}

func (w hubWorld) Jam(string) error   { w.set(true); return nil }
func (w hubWorld) Unjam(string) error { w.set(false); return nil }
func (w hubWorld) OpenDoor(string) error {
	w.say("shop/case1/contact", `{"contact":false}`)
	return nil
}
func (w hubWorld) CloseDoor(string) error {
	w.say("shop/case1/contact", `{"contact":true}`)
	return nil
}
func (w hubWorld) PersonNear(string) error { w.say("shop/case1/motion", "ON"); return nil }
func (w hubWorld) PersonGone(string) error { w.say("shop/case1/motion", "OFF"); return nil }
func (w hubWorld) KillGateway() error      { w.down(); return nil }
func (w hubWorld) RestartGateway() error   { w.rise(); return nil }
func (w hubWorld) Dead(string) error       { w.say("shop/case1/status", "offline"); return nil }
func (w hubWorld) Battery(_ string, level int) error {
	w.say("shop/case1/battery", fmt.Sprint(level))
	return nil
}

func (w hubWorld) Alive(string) error {
	w.say("shop/case1/status", "online")
	w.say("shop/case1/lock", "LOCKED") // a device says how it stands when it comes back
	return nil
}

func (w hubWorld) Tamper(_ string, on bool) error {
	w.say("shop/case1/cover", map[bool]string{true: "ON", false: "OFF"}[on])
	return nil
}

func (h *hub) set(stuck bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stuck = stuck
}

// onHub is the driver, with the hub for every broker.
type onHub struct {
	*Driver
	hub func() *hub
}

func quick() pace {
	p := usualPace()
	p.gather, p.settle, p.quiet, p.fade, p.taken, p.confirm = time.Millisecond, 20*time.Millisecond, 100*time.Millisecond, 10*time.Millisecond, 50*time.Millisecond, 2*time.Second
	p.Min, p.Max = 10*time.Millisecond, 40*time.Millisecond
	return p
}

func (d onHub) Open(_ context.Context, config json.RawMessage, sink driver.Sink) (driver.Session, error) {
	c, err := readConfig(config)
	if err != nil {
		return nil, err
	}
	return start(c, quick(), d.hub().dial, sink), nil
}

const hubConfig = `{"broker":"tcp://127.0.0.1:1"}`

func badConfigs() []drivertest.BadConfig {
	bad := func(name, text, field string) drivertest.BadConfig {
		return drivertest.BadConfig{Name: name, Config: json.RawMessage(text), Field: field}
	}
	return []drivertest.BadConfig{
		bad("no broker", `{}`, "broker"),
		bad("a wildcard", `{"broker":"tcp://127.0.0.1:1","prefix":"home/#"}`, "prefix"),
		bad("a slash at the end", `{"broker":"tcp://127.0.0.1:1","prefix":"homeassistant/"}`, "prefix"),
		bad("a password without a user", `{"broker":"tcp://127.0.0.1:1","password_env":"P"}`, "user"),
	}
}

// TestConformance runs the suite of every driver against the hub.
func TestConformance(t *testing.T) {
	var h *hub
	lock := []sashlock.Capability{
		sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsJam, sashlock.TellsTamper, sashlock.TellsBattery, sashlock.SecureLink,
	}
	drivertest.Run(t, drivertest.Harness{
		Driver: onHub{New(), func() *hub { return h }},
		New: func(*testing.T) drivertest.Stage {
			h = newHub()
			return drivertest.Stage{
				Config: json.RawMessage(hubConfig), World: hubWorld{h}, Lock: lockID, Contact: contactID, Motion: motionID,
				Expected: []drivertest.Expected{
					{Address: lockID, Capabilities: lock},
					{Address: contactID, Capabilities: []sashlock.Capability{sashlock.TellsPosition, sashlock.TellsBattery}},
					{Address: motionID, Capabilities: []sashlock.Capability{sashlock.TellsPresence}},
					{Address: buttonID, Capabilities: []sashlock.Capability{sashlock.TellsPresence}},
				},
			}
		},
		Bad: badConfigs(), Patience: patience,
	})
}
