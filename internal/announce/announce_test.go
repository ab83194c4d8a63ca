// SPDX-License-Identifier: Apache-2.0

package announce

import (
	"bufio"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/mqttlink"
)

// shop is a store of the test: a case with lock and contact, and a door of
// which nothing was fitted yet.
type shop struct {
	mu     sync.Mutex
	book   *flow.Book // guarded by mu, as all below
	states map[sashlock.OpeningID]sashlock.OpeningState
	news   chan struct{}
}

func newShop() *shop {
	return &shop{
		book: &flow.Book{
			Areas: map[sashlock.AreaID]sashlock.Area{"are_1": {ID: "are_1", Name: "Jewellery"}},
			Openings: map[sashlock.OpeningID]sashlock.Opening{
				"opn_case": {ID: "opn_case", Name: "Case 1", Kind: sashlock.Case, Area: "are_1"},
				"opn_door": {ID: "opn_door", Name: "Back door", Kind: sashlock.Door},
			},
			Devices: map[sashlock.DeviceID]sashlock.Device{
				"dev_1": {ID: "dev_1", Opening: "opn_case", Capabilities: []sashlock.Capability{sashlock.TellsLock, sashlock.TellsPosition}},
				"dev_2": {ID: "dev_2", Capabilities: []sashlock.Capability{sashlock.TellsLock}}, // still in the inbox
			},
		},
		states: map[sashlock.OpeningID]sashlock.OpeningState{
			"opn_case": {Opening: "opn_case", Lock: sashlock.Locked, Position: sashlock.Closed},
		},
		news: make(chan struct{}, 1),
	}
}

func (s *shop) change(id sashlock.OpeningID, change func(*sashlock.OpeningState)) {
	s.mu.Lock()
	st := s.states[id]
	st.Opening = id
	change(&st)
	s.states[id] = st
	s.mu.Unlock()
	s.tell()
}

func (s *shop) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

func (s *shop) facts() facts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return facts{Openings: s.book.Openings, Areas: s.book.Areas, Devices: s.book.Devices, States: slices.Collect(maps.Values(s.states))}
}

var testConfig = Config{Broker: "tcp://127.0.0.1:1883", Topic: "sashlock/store-1"}.whole()

// TestMessages is all that one store comes to.
func TestMessages(t *testing.T) {
	got := wanted(testConfig, newShop().facts())
	want := map[string]string{
		"sashlock/store-1/opn_case/lock":             "OFF",
		"sashlock/store-1/opn_case/contact":          "OFF",
		"sashlock/store-1/opn_case/alarm":            "OFF",
		"sashlock/store-1/opn_case/alarm/attributes": `{"forced":false,"jammed":false,"not_fully_locked":false,"rules":[],"tampered":false}`,
		"sashlock/store-1/opn_case/reach":            "online",
		"sashlock/store-1/opn_door/alarm":            "OFF",
		"sashlock/store-1/opn_door/alarm/attributes": `{"forced":false,"jammed":false,"not_fully_locked":false,"rules":[],"tampered":false}`,
		"sashlock/store-1/opn_door/reach":            "online",
	}
	announced := map[string]string{}
	for topic, text := range got {
		if strings.HasPrefix(topic, "homeassistant/") {
			announced[topic] = text
			delete(got, topic)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	const at = "homeassistant/binary_sensor/sashlock-store-1_opn_case/"
	if diff := cmp.Diff([]string{
		at + "alarm/config", at + "contact/config", at + "lock/config", "homeassistant/binary_sensor/sashlock-store-1_opn_door/alarm/config",
	}, slices.Sorted(maps.Keys(announced))); diff != "" {
		t.Errorf("announced (-want +got):\n%s", diff)
	}
	lock := `{"name":"Lock","unique_id":"sashlock-store-1_opn_case_lock","device_class":"lock","state_topic":"sashlock/store-1/opn_case/lock",` +
		`"availability":[{"topic":"sashlock/store-1/status"},{"topic":"sashlock/store-1/opn_case/reach"}],"availability_mode":"all",` +
		`"device":{"identifiers":["sashlock-store-1_opn_case"],"name":"Case 1","manufacturer":"Sashlock","model":"case","suggested_area":"Jewellery"},"origin":{"name":"Sashlock"}}`
	if diff := cmp.Diff(lock, announced[at+"lock/config"]); diff != "" {
		t.Errorf("the lock's announcement (-want +got):\n%s", diff)
	}
	for topic, text := range announced {
		if strings.Contains(text, "command") {
			t.Errorf("%s takes orders: %s", topic, text)
		}
		if !testConfig.isOurs(topic, []byte(text)) || (Config{Topic: "sashlock/store-2"}).whole().isOurs(topic, []byte(text)) {
			t.Errorf("%s: whose is it?", topic)
		}
	}
}

// TestWords: how an opening stands, as the sensors say it.
func TestWords(t *testing.T) {
	for name, test := range map[string]struct {
		state                      sashlock.OpeningState
		lock, contact, alarm, here string
		attributes                 string
	}{
		"nothing said": {sashlock.OpeningState{}, "None", "None", "OFF", "online", `"rules":[]`},
		"unlocked":     {sashlock.OpeningState{Lock: sashlock.Unlocked, Position: sashlock.Open}, "ON", "ON", "OFF", "online", `"rules":[]`},
		"jammed":       {sashlock.OpeningState{Lock: sashlock.Jammed}, "ON", "None", "OFF", "online", `"jammed":true`},
		"half way":     {sashlock.OpeningState{Lock: sashlock.Halfway}, "ON", "None", "OFF", "online", `"not_fully_locked":true`},
		"latch drawn":  {sashlock.OpeningState{Lock: sashlock.Unlatched}, "ON", "None", "OFF", "online", `"jammed":false`},
		"out of reach": {sashlock.OpeningState{Lock: sashlock.Locked, Offline: true}, "OFF", "None", "OFF", "offline", `"rules":[]`},
		"contact bad":  {sashlock.OpeningState{Position: sashlock.PositionFault}, "None", "None", "OFF", "online", `"rules":[]`},
		"two alarms": {
			sashlock.OpeningState{Forced: true, Alarms: map[string]sashlock.AlarmID{"unattended": "a", "forced": "b"}},
			"None", "None", "ON", "online", `{"forced":true,"jammed":false,"not_fully_locked":false,"rules":["forced","unattended"],"tampered":false}`,
		},
		"under duress": {
			sashlock.OpeningState{Alarms: map[string]sashlock.AlarmID{"duress": "a"}, Duress: time.Unix(1, 0)},
			"None", "None", "OFF", "online", `"rules":[]`,
		},
	} {
		s := newShop()
		s.change("opn_case", func(st *sashlock.OpeningState) { *st = test.state; st.Opening = "opn_case" })
		got := wanted(testConfig, s.facts())
		at := func(what string) string { return got["sashlock/store-1/opn_case/"+what] }
		if diff := cmp.Diff([]string{test.lock, test.contact, test.alarm, test.here}, []string{at("lock"), at("contact"), at("alarm"), at("reach")}); diff != "" {
			t.Errorf("%s: lock, contact, alarm, reach (-want +got):\n%s", name, diff)
		}
		if !strings.Contains(at("alarm/attributes"), test.attributes) {
			t.Errorf("%s: attributes %s", name, at("alarm/attributes"))
		}
		if all, _ := json.Marshal(got); name == "under duress" && strings.Contains(string(all), "duress") {
			t.Error("duress is shown")
		}
	}
}

func TestBadConfig(t *testing.T) {
	for field, c := range map[string]Config{
		"":              {Broker: "tls://broker.example", Topic: "sashlock/store-1"},
		"broker":        {Broker: "tcp://broker.example"},
		"topic":         {Broker: "tls://broker.example", Topic: "sash lock"},
		"prefix":        {Broker: "tls://broker.example", Prefix: "home/#"},
		"user":          {Broker: "tls://broker.example", PasswordEnv: "P"},
		"password_file": {Broker: "tls://broker.example", User: "u", PasswordEnv: "P", PasswordFile: "/p"},
	} {
		if got, hint := c.Check(); got != field || (hint == "") != (field == "") {
			t.Errorf("%+v: %q, %q, want %q", c, got, hint, field)
		}
	}
}

// startBroker starts a real Mosquitto.
func startBroker(t *testing.T) string {
	t.Helper()
	_, err := exec.LookPath("mosquitto")
	if _, there := os.Stat("/usr/sbin/mosquitto"); there == nil {
		err = nil
	}
	if os.Getenv("SASHLOCK_PEERS") != "1" || err != nil {
		if os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal("this needs Mosquitto and SASHLOCK_PEERS=1")
		}
		t.Skip("this needs Mosquitto and SASHLOCK_PEERS=1: make test sees to both")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	c := exec.Command("sh", "../../peers/mqtt/run.sh")
	c.Env = append(os.Environ(), "MQTT_PORT="+port, "MQTT_DATA="+t.TempDir())
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
		late := time.AfterFunc(3*time.Second, func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
		defer late.Stop()
		_ = c.Wait()
	})
	if !bufio.NewScanner(out).Scan() {
		t.Fatal("the broker ended before it was ready")
	}
	return "tcp://127.0.0.1:" + port
}

// kept is what a broker keeps, as somebody sees it who listens.
type kept struct {
	mu  sync.Mutex
	all map[string]string // guarded by mu
	got chan struct{}
}

func listen(t *testing.T, broker, id string) *kept {
	t.Helper()
	var l *mqttlink.Link
	// The broker says that it is ready a moment before it listens.
	for deadline := time.Now().Add(20 * time.Second); l == nil; {
		var err error
		if l, err = mqttlink.Dial(t.Context(), mqttlink.Config{Broker: broker, ClientID: id}, nil); err != nil && time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	t.Cleanup(l.Close)
	k := &kept{all: make(map[string]string), got: make(chan struct{}, 1)}
	go func() {
		for {
			select {
			case <-l.Ready():
				m, ok := l.Next()
				if !ok {
					continue
				}
				k.mu.Lock()
				k.all[m.Topic] = string(m.Payload)
				if len(m.Payload) == 0 {
					delete(k.all, m.Topic)
				}
				k.mu.Unlock()
				m.Done()
				select {
				case k.got <- struct{}{}:
				default:
				}
			case <-l.Done():
				return
			}
		}
	}()
	if err := l.Subscribe(t.Context(), "homeassistant/#", "sashlock/#"); err != nil {
		t.Fatal(err)
	}
	return k
}

// await waits until the broker keeps exactly what is wanted.
func (k *kept) await(t *testing.T, what string, want map[string]string) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for {
		k.mu.Lock()
		diff := cmp.Diff(want, k.all)
		k.mu.Unlock()
		if diff == "" {
			return
		}
		select {
		case <-k.got:
		case <-deadline.C:
			t.Fatalf("%s (-want +kept):\n%s", what, diff)
		}
	}
}

// TestAtARealBroker: what Mosquitto keeps follows the store, also when openings
// were removed while nobody was connected.
func TestAtARealBroker(t *testing.T) {
	c := testConfig
	c.Broker = startBroker(t)
	s := newShop()
	run := func() (stop func()) {
		r := Room{
			Config: c, Book: func() *flow.Book { s.mu.Lock(); defer s.mu.Unlock(); return s.book },
			States: func(context.Context) ([]sashlock.OpeningState, error) { return s.facts().States, nil },
			News:   func() (<-chan struct{}, func()) { return s.news, func() {} },
			Log:    slog.New(slog.DiscardHandler),
		}
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { r.Run(ctx) })
		return func() { cancel(); group.Wait() }
	}
	want := func(status string) map[string]string {
		all := wanted(c, s.facts())
		all[c.status()] = status
		return all
	}
	k := listen(t, c.Broker, "reader")
	stop := run()
	k.await(t, "at first", want("online"))
	s.change("opn_case", func(st *sashlock.OpeningState) { st.Lock, st.Position = sashlock.Unlocked, sashlock.Open })
	k.await(t, "after it was opened", want("online"))
	stop()
	k.await(t, "after the end", want("offline"))

	s.mu.Lock()
	book := *s.book
	book.Openings = map[sashlock.OpeningID]sashlock.Opening{"opn_door": s.book.Openings["opn_door"]}
	s.book = &book
	s.mu.Unlock()
	stop = run()
	defer stop()
	k.await(t, "after an opening was removed", want("online"))
}
