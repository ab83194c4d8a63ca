// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
)

const (
	patience = 20 * time.Second
	testKey  = "seam_test_key"
	testPIN  = "739184" // set in tests; it may turn up nowhere
)

// quick is a driver that does not let a test wait.
func quick() *Driver {
	return &Driver{pace: pace{
		call: 2 * time.Second, look: 20 * time.Millisecond, list: 60 * time.Millisecond, settle: 10 * time.Millisecond,
		attempt: 5 * time.Millisecond, reread: 20 * time.Millisecond, confirm: 2 * time.Second, echo: time.Minute,
		Patience: driver.Patience{Min: 10 * time.Millisecond, Max: 40 * time.Millisecond, Steady: time.Minute},
	}}
}

// fakeLock is a lock as it is, and as its cloud has it.
type fakeLock struct {
	ID, Type, Maker string
	Locked, Online  bool
	Open            *bool
	Level           float64
	Stuck           bool // an order succeeds, the bolt stays
	Refuses         bool // an order fails
	Slow            bool // an order stays pending
}

type object = map[string]any

// fake is a cloud of the test, small and quick.
type fake struct {
	t      *testing.T
	server *httptest.Server
	addr   string

	mu     sync.Mutex
	locks  []*fakeLock                                        // guarded by mu, with all they hold
	events []object                                           // guarded by mu
	codes  []object                                           // guarded by mu
	tries  map[string]object                                  // guarded by mu: action attempts
	asked  map[string]int                                     // guarded by mu: by route
	wrong  func(route string, w http.ResponseWriter) bool     // guarded by mu: answers instead
	mend   func(route string, answer object) (instead object) // guarded by mu: changes an answer
}

func newFake(t *testing.T) *fake {
	shut := false
	f := &fake{t: t, tries: make(map[string]object), asked: make(map[string]int), locks: []*fakeLock{
		{ID: "yale_1", Type: "yale_lock", Maker: "Yale", Locked: true, Online: true, Level: 0.87},
		{ID: "august_1", Type: "august_lock", Maker: "August", Locked: true, Online: true, Level: 0.87, Open: &shut},
	}}
	f.up()
	t.Cleanup(f.down)
	return f
}

func (f *fake) up() {
	if f.server != nil {
		return
	}
	s := httptest.NewUnstartedServer(f)
	if f.addr != "" {
		l, err := net.Listen("tcp", f.addr)
		if err != nil {
			f.t.Fatal(err)
		}
		_ = s.Listener.Close()
		s.Listener = l
	}
	s.Start()
	f.server, f.addr = s, s.Listener.Addr().String()
}

func (f *fake) down() {
	if f.server != nil {
		f.server.CloseClientConnections()
		f.server.Close()
		f.server = nil
	}
}

func (f *fake) config(more ...func(*Config)) json.RawMessage {
	return configFor(f.t, "http://"+f.addr, testKey, more...)
}

func configFor(t *testing.T, url, key string, more ...func(*Config)) json.RawMessage {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Config{URL: url, KeyFile: file, CallsPerMinute: 6000}
	for _, change := range more {
		change(&c)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (f *fake) lock(id string) *fakeLock {
	i := slices.IndexFunc(f.locks, func(l *fakeLock) bool { return l.ID == id })
	if i < 0 {
		return nil
	}
	return f.locks[i]
}

// happens adds an event. The caller holds mu.
func (f *fake) happens(kind, id string, more object) object {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	e := object{"event_id": fmt.Sprintf("event%d", len(f.events)+1), "event_type": kind, "device_id": id, "created_at": now, "occurred_at": now}
	for k, v := range more {
		e[k] = v
	}
	f.events = append(f.events, e)
	return e
}

// release makes the cloud tell all its events of orders now, with or without
// the names of their attempts, and returns them. The caller holds mu.
func (f *fake) release(nameless bool) []object {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	var all []object
	for _, e := range f.events {
		if e["method"] != "seamapi" {
			continue
		}
		e["created_at"] = now
		if nameless {
			delete(e, "action_attempt_id")
		}
		all = append(all, e)
	}
	return all
}

// moves is somebody at the lock.
func (f *fake) moves(id string, locked bool, more object) object {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lock(id).Locked = locked
	kind := "lock.unlocked"
	if locked {
		kind = "lock.locked"
	}
	return f.happens(kind, id, more)
}

func (f *fake) change(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (l *fakeLock) describe() object {
	p := object{
		"name": "Lock of the test", "online": l.Online, "locked": l.Locked, "battery": object{"level": l.Level},
		"model": object{"manufacturer_display_name": l.Maker, "display_name": "Smart Lock"},
	}
	if l.Open != nil {
		p["door_open"] = *l.Open
	}
	return object{
		"device_id": l.ID, "device_type": l.Type, "is_managed": true, "properties": p,
		"can_remotely_unlock": true, "can_remotely_lock": true, "can_program_online_access_codes": true,
	}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	var ask struct {
		Device  string       `json:"device_id"`
		Attempt string       `json:"action_attempt_id"`
		Since   *time.Time   `json:"since"`
		Between *[]time.Time `json:"between"`
	}
	_ = json.NewDecoder(q.Body).Decode(&ask)
	f.mu.Lock()
	f.asked[q.URL.Path]++
	wrong := f.wrong
	f.mu.Unlock()
	if wrong != nil && wrong(q.URL.Path, w) {
		return
	}
	if q.Header.Get("Authorization") != "Bearer "+testKey {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":{"type":"unauthorized"}}`)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	status, answer := f.answer(q.URL.Path, ask.Device, ask.Attempt, func(created time.Time) bool {
		if ask.Between != nil {
			return created.After((*ask.Between)[0]) && created.Before((*ask.Between)[1])
		}
		return ask.Since == nil || created.After(*ask.Since)
	})
	if f.mend != nil {
		answer = f.mend(q.URL.Path, answer)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// answer is what the cloud says. The caller holds mu.
func (f *fake) answer(route, id, attempt string, wanted func(time.Time) bool) (int, object) {
	switch route {
	case "/devices/list":
		all := []object{{"device_id": "thermostat_1", "device_type": "ecobee_thermostat", "properties": object{"online": true}}}
		for _, l := range f.locks {
			all = append(all, l.describe())
		}
		return http.StatusOK, object{"devices": all}
	case "/devices/get":
		if l := f.lock(id); l != nil {
			return http.StatusOK, object{"device": l.describe()}
		}
	case "/events/list":
		all := []object{}
		for _, e := range f.events {
			if created, err := time.Parse(time.RFC3339Nano, e["created_at"].(string)); err == nil && wanted(created) {
				all = append(all, e)
			}
		}
		return http.StatusOK, object{"events": all}
	case "/locks/unlock_door", "/locks/lock_door":
		if l := f.lock(id); l != nil {
			return http.StatusOK, object{"action_attempt": f.operate(l, strings.HasSuffix(route, "/lock_door"))}
		}
	case "/action_attempts/get":
		if a := f.tries[attempt]; a != nil {
			return http.StatusOK, object{"action_attempt": a}
		}
	case "/access_codes/list":
		return http.StatusOK, object{"access_codes": f.codes}
	case "/access_codes/unmanaged/list":
		return http.StatusOK, object{"access_codes": []object{}}
	}
	return http.StatusNotFound, object{"error": object{"type": "device_not_found"}}
}

// operate carries out an order. The caller holds mu.
func (f *fake) operate(l *fakeLock, locked bool) object {
	id := fmt.Sprintf("attempt%d", len(f.tries)+1)
	a := object{"action_attempt_id": id, "status": "success"}
	switch {
	case l.Slow:
		a["status"] = "pending"
	case l.Refuses:
		a["status"], a["error"] = "error", object{"type": "device_offline", "message": "not for your eyes"}
	case !l.Stuck:
		l.Locked = locked
		kind := "lock.unlocked"
		if locked {
			kind = "lock.locked"
		}
		f.happens(kind, l.ID, object{"method": "seamapi", "action_attempt_id": id})
	}
	f.tries[id] = a
	return object{"action_attempt_id": id, "status": "pending"}
}

// fakeWorld does to the fake's devices what the conformance suite asks for.
type fakeWorld struct{ *fake }

func (w fakeWorld) OperateByHand(id string, verb sashlock.Verb) error {
	w.moves(id, verb == sashlock.DoLock, object{"method": "manual"})
	return nil
}

func (w fakeWorld) KeypadUnlock(id string, _ int) error {
	w.moves(id, false, object{"method": "keycode", "access_code_id": "code1"})
	return nil
}

func (w fakeWorld) WrongCode(id string) error {
	w.change(func() { w.happens("lock.access_denied", id, nil) })
	return nil
}

func (w fakeWorld) Battery(id string, level int) error {
	w.change(func() { w.lock(id).Level = float64(level) / 100 })
	return nil
}

func (w fakeWorld) OpenDoor(id string) error {
	w.change(func() { *w.lock(id).Open = true })
	return nil
}

func (w fakeWorld) CloseDoor(id string) error {
	w.change(func() { *w.lock(id).Open = false })
	return nil
}

func (w fakeWorld) Dead(id string) error {
	w.change(func() { w.lock(id).Online = false; w.happens("device.disconnected", id, nil) })
	return nil
}

func (w fakeWorld) Alive(id string) error {
	w.change(func() { w.lock(id).Online = true; w.happens("device.connected", id, nil) })
	return nil
}
func (w fakeWorld) KillGateway() error    { w.down(); return nil }
func (w fakeWorld) RestartGateway() error { w.up(); return nil }

func lockCapabilities(more ...sashlock.Capability) []sashlock.Capability {
	return append(more, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsWho,
		sashlock.TellsBattery, sashlock.HasCodes, sashlock.SecureLink)
}

func badConfigs() []drivertest.BadConfig {
	bad := func(name, text, field string) drivertest.BadConfig {
		return drivertest.BadConfig{Name: name, Config: json.RawMessage(text), Field: field}
	}
	return []drivertest.BadConfig{
		bad("no key", `{}`, "key_file"),
		bad("two keys", `{"key_file":"/k","key_env":"K"}`, "key_file"),
		bad("a key for a name", `{"key_env":"seam 1"}`, "key_env"),
		bad("clear text", `{"url":"http://connect.example","key_env":"K"}`, "url"),
		bad("another scheme", `{"url":"ftp://connect.example","key_env":"K"}`, "url"),
		bad("a key in the address", `{"url":"https://k@connect.example","key_env":"K"}`, "url"),
		bad("too few calls", `{"key_env":"K","calls_per_minute":5}`, "calls_per_minute"),
		bad("webhooks of anybody", `{"key_env":"K","listen":"127.0.0.1:0"}`, "secret_file"),
		bad("webhooks nowhere", `{"key_env":"K","secret_env":"S"}`, "listen"),
		bad("no port", `{"key_env":"K","listen":"127.0.0.1","secret_env":"S"}`, "listen"),
		bad("a file somewhere", `{"key_env":"K","progress_file":"seam.json"}`, "progress_file"),
	}
}

// TestConformance runs the suite of every driver against the fake.
func TestConformance(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		Driver: quick(),
		New: func(t *testing.T) drivertest.Stage {
			f := newFake(t)
			f.codes = []object{{"access_code_id": "code1", "device_id": "yale_1", "status": "set", "code": testPIN, "name": "Jane Doe"}}
			return drivertest.Stage{
				Config: f.config(), World: fakeWorld{f}, Lock: "yale_1", Contact: "august_1", Slot: slotOf("code1"), PINs: []string{testPIN},
				Expected: []drivertest.Expected{
					{Address: "yale_1", Capabilities: lockCapabilities()},
					{Address: "august_1", Capabilities: lockCapabilities(sashlock.TellsPosition)},
				},
			}
		},
		Bad: badConfigs(), Patience: patience,
	})
}

// open opens a session on a fake and waits until both locks have said how they
// stand.
func open(t *testing.T, f *fake, more ...func(*Config)) (*session, *drivertest.Recorder) {
	t.Helper()
	rec := drivertest.NewRecorder()
	s, err := quick().Open(t.Context(), f.config(more...), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for _, l := range []string{"yale_1", "august_1"} {
		rec.Await(t, patience, 0, "how "+l+" stands", func(r driver.Report) bool {
			return r.Address == l && r.State && (r.Kind == sashlock.LockLocked || r.Kind == sashlock.LockUnlocked)
		})
	}
	return s.(*session), rec
}
