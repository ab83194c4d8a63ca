// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
)

// testKey is the key the fake knows us by, testPIN a code that is in a lock. Both
// may turn up nowhere.
const (
	testKey = "partner-key-4711"
	testPIN = "739184"
)

// fake is an adapter as CONTRACT.md describes it, with two locks whose bolts are
// variables.
type fake struct {
	t       *testing.T
	server  *httptest.Server
	keyFile string
	heard   func(method, path, question string, status int, answer string) // for transcripts; may be nil

	mu      sync.Mutex
	away    bool
	changed chan struct{}
	run     uint64
	events  []map[string]any
	locks   map[string]*fakeLock
	orders  map[string]bool
	lost    bool          // the answer to an order is lost
	quiet   bool          // no events are told of bolts
	clock   time.Duration // how wrong the clocks of the locks are
}

type fakeLock struct {
	bolt, door    string
	level         int
	offline       bool
	jammed, fussy bool
	codes         map[int]string
	off           map[int]bool
	relock        *time.Timer
	bounded, deaf bool // it keeps the times of PINs; it takes orders and does nothing
	askedNot      bool // how it stands is what it last said
}

func newFake(t *testing.T) *fake {
	f := &fake{t: t, run: 1, changed: make(chan struct{}), orders: map[string]bool{}, locks: map[string]*fakeLock{}}
	for _, id := range []string{"front", "back"} {
		f.locks[id] = &fakeLock{bolt: "locked", door: "closed", level: 87, codes: map[int]string{3: testPIN}, off: map[int]bool{}}
	}
	f.keyFile = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(f.keyFile, []byte(testKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.server = httptest.NewServer(f)
	t.Cleanup(func() { f.server.CloseClientConnections(); f.server.Close() })
	return f
}

func (f *fake) config() json.RawMessage {
	text, _ := json.Marshal(Config{URL: f.server.URL, KeyFile: f.keyFile})
	return text
}

// do changes the fake and wakes those who wait for events.
func (f *fake) do(what func()) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	what()
	f.wake()
	return nil
}

func (f *fake) wake() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// tell adds an event. The caller holds mu.
func (f *fake) tell(lock, what string, more map[string]any) {
	e := map[string]any{"number": len(f.events) + 1, "lock": lock, "what": what, "at": time.Now().Add(f.clock).UTC()}
	for key, value := range more {
		e[key] = value
	}
	f.events = append(f.events, e)
	f.wake()
}

// move moves a bolt and tells of it. The caller holds mu.
func (f *fake) move(id, bolt string, more map[string]any) {
	l := f.locks[id]
	if l.relock != nil {
		l.relock.Stop()
	}
	l.bolt = bolt
	if !f.quiet {
		f.tell(id, bolt, more)
	}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	f.mu.Lock()
	away := f.away
	f.mu.Unlock()
	question, _ := io.ReadAll(q.Body)
	if away {
		panic(http.ErrAbortHandler)
	}
	status, answer := http.StatusUnauthorized, any(map[string]string{})
	if q.Header.Get("Authorization") == "Bearer "+testKey {
		status, answer = f.answer(q, question)
	}
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	text, _ := json.Marshal(answer)
	if f.heard != nil {
		f.heard(q.Method, q.URL.String(), string(question), status, string(text))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

func fail(status int, word fault) (int, any) { return status, map[string]any{"error": word} }

func (f *fake) answer(q *http.Request, question []byte) (int, any) {
	if q.URL.Path == "/v1/events" {
		return f.poll(q)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if q.URL.Path == "/v1/locks" {
		list := []any{}
		for _, id := range []string{"front", "back"} {
			list = append(list, f.describe(id))
		}
		return 200, map[string]any{"run": f.run, "number": len(f.events), "locks": list}
	}
	parts := strings.Split(strings.TrimPrefix(q.URL.Path, "/v1/locks/"), "/")
	l := f.locks[parts[0]]
	switch {
	case l == nil || len(parts) < 2:
		return fail(404, unknownLock)
	case l.offline:
		return fail(503, unreached)
	case parts[1] == "state":
		return 200, map[string]any{"asked": !l.askedNot, "bolt": l.bolt, "door": l.door, "battery": l.level}
	case parts[1] == "orders":
		return f.order(parts[0], question)
	case parts[1] == "codes" && len(parts) == 2:
		list := []any{}
		for slot := 1; slot <= 10; slot++ {
			if l.codes[slot] != "" {
				list = append(list, slotEntry{slot, !l.off[slot]})
			}
		}
		return 200, map[string]any{"codes": list}
	case parts[1] == "codes":
		slot, _ := strconv.Atoi(parts[2])
		return l.slot(q.Method, slot, question)
	}
	return fail(404, unknownLock)
}

func (f *fake) describe(id string) map[string]any {
	l := f.locks[id]
	return map[string]any{
		"id": id, "name": "Door " + id, "maker": "Acme", "model": "A1", "firmware": "1.2", "slots": 10, "online": !l.offline,
		"abilities": []string{"unlock", "lock", "release", "bolt", "jam", "door", "who", "tamper", "battery", "codes"},
		"bolt":      l.bolt, "door": l.door, "battery": l.level,
	}
}

// poll answers with events, or with none after the time.
func (f *fake) poll(q *http.Request) (int, any) {
	run, _ := strconv.ParseUint(q.FormValue("run"), 10, 64)
	after, _ := strconv.Atoi(q.FormValue("after"))
	wait, _ := strconv.Atoi(q.FormValue("wait"))
	end := time.After(time.Duration(wait) * time.Second)
	for {
		f.mu.Lock()
		changed, away, events := f.changed, f.away, f.events
		gone := run != f.run || after > len(events)
		f.mu.Unlock()
		switch {
		case away:
			return 0, nil
		case gone:
			return fail(410, placeGone)
		case len(events) > after:
			return 200, map[string]any{"run": run, "events": events[after:]}
		}
		select {
		case <-changed:
		case <-end:
			return 200, map[string]any{"run": run, "events": []any{}}
		case <-q.Context().Done():
			return 0, nil
		}
	}
}

// order carries out an order. The caller holds mu.
func (f *fake) order(id string, question []byte) (int, any) {
	l := f.locks[id]
	var o orderBody
	if err := json.Unmarshal(question, &o); err != nil || o.Within <= 0 || o.Expires.IsZero() || o.Order == "" {
		f.t.Errorf("an order that is not as the contract says: %s, %v", question, err)
	}
	switch {
	case !o.Expires.After(time.Now()):
		return fail(410, expired)
	case f.orders[string(o.Order)]:
		return fail(409, repeated)
	}
	f.orders[string(o.Order)] = true
	ours := map[string]any{"how": "remote", "order": o.Order}
	switch {
	case l.jammed:
		f.tell(id, "jammed", ours)
		return fail(422, refused)
	case l.deaf:
	case o.Do == sashlock.DoLock:
		f.move(id, "locked", ours)
	default:
		f.move(id, "unlocked", ours)
		if o.Do == sashlock.DoRelease {
			l.relock = time.AfterFunc(time.Duration(o.Seconds)*time.Second, func() {
				_ = f.do(func() { f.move(id, "locked", map[string]any{"how": "auto"}) })
			})
		}
	}
	if f.lost {
		return 0, nil
	}
	return 202, map[string]any{"taken": true}
}

// slot writes, or clears, a PIN slot.
func (l *fakeLock) slot(method string, slot int, question []byte) (int, any) {
	var c codeBody
	_ = json.Unmarshal(question, &c)
	switch {
	case slot < 1 || slot > 10:
		return fail(404, noSlot)
	case method == http.MethodDelete:
		delete(l.codes, slot)
		return 200, map[string]any{}
	case c.Fresh && l.codes[slot] != "":
		return fail(409, slotInUse)
	case l.fussy:
		return fail(422, notKept)
	}
	l.codes[slot], l.off[slot] = c.PIN, !c.Enabled
	return 200, map[string]any{"bounded": l.bounded}
}

// fakeWorld does to the fake what the conformance suite asks for.
type fakeWorld struct{ *fake }

func (w fakeWorld) OperateByHand(id string, verb sashlock.Verb) error {
	return w.do(func() {
		bolt := "unlocked"
		if verb == sashlock.DoLock {
			bolt = "locked"
		}
		w.move(id, bolt, map[string]any{"how": "manual"})
	})
}
func (w fakeWorld) OpenDoor(id string) error {
	return w.do(func() { w.locks[id].door = "open"; w.tell(id, "opened", nil) })
}
func (w fakeWorld) CloseDoor(id string) error {
	return w.do(func() { w.locks[id].door = "closed"; w.tell(id, "closed", nil) })
}
func (w fakeWorld) Jam(id string) error   { return w.do(func() { w.locks[id].jammed = true }) }
func (w fakeWorld) Unjam(id string) error { return w.do(func() { w.locks[id].jammed = false }) }
func (w fakeWorld) KeypadUnlock(id string, slot int) error {
	return w.do(func() { w.move(id, "unlocked", map[string]any{"how": "keypad", "slot": slot}) })
}
func (w fakeWorld) WrongCode(id string) error {
	return w.do(func() { w.tell(id, "code_refused", map[string]any{"how": "keypad"}) })
}
func (w fakeWorld) KillGateway() error    { return w.do(func() { w.away = true }) }
func (w fakeWorld) RestartGateway() error { return w.do(func() { w.away = false }) }
func (w fakeWorld) Battery(id string, percent int) error {
	return w.do(func() { w.locks[id].level = percent; w.tell(id, "battery", map[string]any{"level": percent}) })
}
func (w fakeWorld) Tamper(id string, on bool) error {
	return w.do(func() {
		what := "tamper_cleared"
		if on {
			what = "tampered"
		}
		w.tell(id, what, nil)
	})
}
func (w fakeWorld) Dead(id string) error {
	return w.do(func() { w.locks[id].offline = true; w.tell(id, "offline", nil) })
}
func (w fakeWorld) Alive(id string) error {
	return w.do(func() { w.locks[id].offline = false; w.tell(id, "online", nil) })
}
func (w fakeWorld) RefuseCodes(id string, on bool) error {
	return w.do(func() { w.locks[id].fussy = on })
}
func (w fakeWorld) ClockOff(_ string, by time.Duration) error {
	return w.do(func() { w.clock = by })
}
