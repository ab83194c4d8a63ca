// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/sashlock/sashlock"
)

// fake is a Z-Wave JS server in this process. It greets with the recorded
// state of the network, answers as the recorded one does (in the order it does,
// its optimism included), and can play recorded events.
type fake struct {
	t        testing.TB
	greeting []string // the server's lines of the recorded greeting
	server   *httptest.Server

	mu      sync.Mutex
	away    bool                            // guarded by mu
	refused int                             // guarded by mu: attempts to connect meanwhile
	conns   map[*websocket.Conn]*sync.Mutex // guarded by mu
	locks   map[int]*fakeLock               // guarded by mu
	asked   map[string]int                  // guarded by mu: requests by command and method
	handle  func(request) (answer string, ok bool)
}

// fakeLock is one lock of the fake.
type fakeLock struct {
	mode       lockMode
	door       string
	level      int
	jammed     bool
	dead       bool
	supervised bool
	timeout    int
	slots      map[int]fakeSlot
	picky      bool // it takes no PIN
	hides      bool // it does not say which PINs it has
	schedules  map[int]yearDaySchedule
	relock     *time.Timer
	travel     time.Duration
	arrived    chan struct{} // closed when the last order was carried out
}

// fakeSlot is a PIN slot of a lock of the fake.
type fakeSlot struct {
	status slotStatus
	code   string
}

// newFake starts a fake server with three locked locks; slot 3 of each has a
// code.
func newFake(t testing.TB) *fake {
	t.Helper()
	f := &fake{t: t, asked: make(map[string]int), conns: make(map[*websocket.Conn]*sync.Mutex)}
	for _, line := range transcript(t, "greeting") {
		if line.direction == '<' {
			f.greeting = append(f.greeting, line.text)
		}
	}
	f.locks = map[int]*fakeLock{2: newFakeLock(false), 3: newFakeLock(true), 4: newFakeLock(false)}
	// One listener for the whole test: a server that is away turns everybody
	// away, so that no goroutine of the fake is taken for one of the driver.
	f.server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(func() { _ = f.down(); f.server.Close() })
	return f
}

func newFakeLock(supervised bool) *fakeLock {
	return &fakeLock{mode: modeSecured, door: "closed", level: 87, supervised: supervised, slots: map[int]fakeSlot{3: {slotEnabled, testPIN}}, schedules: map[int]yearDaySchedule{}, travel: 5 * time.Millisecond}
}

// up makes the server reachable again.
func (f *fake) up() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = false
	return nil
}

// down cuts everybody off.
func (f *fake) down() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = true
	for conn := range f.conns {
		_ = conn.CloseNow()
	}
	return nil
}

func (f *fake) url() string { return "ws" + strings.TrimPrefix(f.server.URL, "http") }

func (f *fake) serve(w http.ResponseWriter, q *http.Request) {
	f.mu.Lock()
	away := f.away
	if away {
		f.refused++
	}
	f.mu.Unlock()
	if away {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	conn, err := websocket.Accept(w, q, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	writing := &sync.Mutex{}
	if f.write(conn, writing, f.greeting[0]) != nil {
		return
	}
	listening := false
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.conns, conn)
	}()
	for {
		_, text, err := conn.Read(context.Background())
		if err != nil {
			return
		}
		var r request
		if err := json.Unmarshal(text, &r); err != nil {
			f.t.Errorf("a request that is not JSON: %q", text)
			return
		}
		writing.Lock() // nothing that happens later is told before the answer
		f.mu.Lock()
		f.asked[strings.TrimSpace(r.Command+" "+r.Method)]++
		body, then := f.answer(r)
		lines := append(f.ahead(r), body)
		away := f.away
		if r.Command == "start_listening" && !listening && !away {
			listening = true
			f.conns[conn] = writing
		}
		f.mu.Unlock()
		for i := 0; i < len(lines) && !away && err == nil; i++ {
			err = conn.Write(context.Background(), websocket.MessageText, []byte(lines[i]))
		}
		writing.Unlock()
		if away || err != nil {
			return
		}
		then()
	}
}

// ahead is what Z-Wave JS tells before the answer to a request: what it learns of a
// door when it reads the lock. The caller holds mu.
func (f *fake) ahead(r request) []string {
	if lock := f.locks[r.Node]; lock != nil && !lock.dead && r.Class == classDoorLock && r.Method == "get" {
		return []string{lockValue(r.Node, "doorStatus", lock.door)}
	}
	return nil
}

func (f *fake) write(conn *websocket.Conn, writing *sync.Mutex, line string) error {
	writing.Lock()
	defer writing.Unlock()
	return conn.Write(context.Background(), websocket.MessageText, []byte(line))
}

// play sends lines to everybody who listens.
func (f *fake) play(lines ...string) {
	f.mu.Lock()
	conns := make(map[*websocket.Conn]*sync.Mutex)
	for conn, writing := range f.conns {
		conns[conn] = writing
	}
	f.mu.Unlock()
	for conn, writing := range conns {
		for _, line := range lines {
			_ = f.write(conn, writing, line)
		}
	}
}

// answer returns the line that answers a request and what follows after it.
// The caller holds mu.
func (f *fake) answer(r request) (line string, then func()) {
	nothing := func() {}
	if f.handle != nil {
		if line, ok := f.handle(r); ok {
			return line, nothing
		}
	}
	lock := f.locks[r.Node]
	switch {
	case r.Command == "initialize":
		return success(r, `{}`), nothing
	case r.Command == "start_listening":
		// With the state as recorded, but for what has changed since.
		return f.state(r), nothing
	case lock == nil:
		return fmt.Sprintf(`{"type":"result","success":false,"messageId":%q,"errorCode":"node_not_found","message":"","args":{"nodeId":%d}}`, r.ID, r.Node), nothing
	case r.Command == "node.ping":
		return success(r, fmt.Sprintf(`{"responded":%t}`, !lock.dead)), nothing
	case lock.dead:
		return fmt.Sprintf(`{"type":"result","success":false,"messageId":%q,"errorCode":"zwave_error","zwaveErrorCode":204,"zwaveErrorCodeName":"Controller_CallbackNOK","zwaveErrorMessage":"The node did not acknowledge the command (ZW0204)"}`, r.ID), nothing
	case r.Command == "node.set_value":
		return f.set(r, lock)
	case r.Command == "endpoint.invoke_cc_api":
		return success(r, lock.invoked(r)), nothing
	}
	return fmt.Sprintf(`{"type":"result","success":false,"messageId":%q,"errorCode":"unknown_command","message":"","args":{}}`, r.ID), nothing
}

func success(r request, result string) string {
	return fmt.Sprintf(`{"type":"result","success":true,"messageId":%q,"result":%s}`, r.ID, result)
}

// state is the recorded state of the network, with the batteries and the dead
// of now.
func (f *fake) state(r request) string {
	var m map[string]any
	if err := json.Unmarshal([]byte(f.greeting[len(f.greeting)-1]), &m); err != nil {
		f.t.Errorf("the recorded state: %v", err)
	}
	m["messageId"] = r.ID
	nodes := m["result"].(map[string]any)["state"].(map[string]any)["nodes"].([]any)
	for _, n := range nodes {
		n := n.(map[string]any)
		lock := f.locks[int(n["nodeId"].(float64))]
		if lock == nil {
			continue
		}
		if lock.dead {
			n["status"] = statusDead
		}
		for _, v := range n["values"].([]any) {
			if v := v.(map[string]any); v["commandClass"] == float64(classBattery) && v["property"] == "level" {
				v["value"] = lock.level
			}
		}
	}
	text, _ := json.Marshal(m)
	return string(text)
}

// set moves a bolt, or does not, and says what Z-Wave JS says in each case.
func (f *fake) set(r request, lock *fakeLock) (line string, then func()) {
	mode := lockMode(r.Value.(float64))
	if lock.jammed {
		jam := func() { f.play(access(r.Node, keyLock, lockJammed, 0)) }
		if lock.supervised {
			return success(r, `{"result":{"status":2}}`), jam
		}
		return success(r, `{"result":{"status":254}}`), func() {
			f.play(lockValue(r.Node, "targetMode", int(mode)), lockValue(r.Node, "currentMode", int(mode)))
			jam()
		}
	}
	status := 254
	if lock.supervised {
		status = 255
	}
	return success(r, fmt.Sprintf(`{"result":{"status":%d}}`, status)), func() {
		f.play(lockValue(r.Node, "targetMode", int(mode)), lockValue(r.Node, "currentMode", int(mode)))
		f.mu.Lock()
		before, arrived := lock.arrived, make(chan struct{})
		lock.arrived = arrived
		f.mu.Unlock()
		go func() {
			defer close(arrived)
			<-time.After(lock.travel)
			if before != nil {
				<-before // a bolt goes one way after the other
			}
			event := 4
			if mode == modeSecured {
				event = 3
			}
			f.move(r.Node, mode, event, 0)
		}()
		if mode == modeTimed {
			f.mu.Lock()
			defer f.mu.Unlock()
			lock.relock = time.AfterFunc(time.Duration(lock.timeout)*time.Second, func() { f.move(r.Node, modeSecured, 9, 0) })
		}
	}
}

// invoked answers a question to the lock itself.
func (l *fakeLock) invoked(r request) string {
	switch fmt.Sprint(r.Class, r.Method) {
	case fmt.Sprint(classDoorLock, "get"):
		bolt := map[bool]string{true: "locked", false: "unlocked"}[l.mode == modeSecured]
		return fmt.Sprintf(`{"response":{"currentMode":%d,"targetMode":%d,"duration":{"value":0,"unit":"seconds"},"outsideHandlesCanOpenDoor":[false,false,false,false],"insideHandlesCanOpenDoor":[true,false,false,false],"latchStatus":"closed","boltStatus":%q,"doorStatus":%q}}`, l.mode, l.mode, bolt, l.door)
	case fmt.Sprint(classDoorLock, "getConfiguration"):
		return `{"response":{"operationType":1,"outsideHandlesCanOpenDoorConfiguration":[true,true,true,true],"insideHandlesCanOpenDoorConfiguration":[true,true,true,true]}}`
	case fmt.Sprint(classDoorLock, "setConfiguration"):
		config := (*r.Args)[0].(map[string]any)
		l.timeout = int(config["lockTimeoutConfiguration"].(float64))
		return `{}`
	case fmt.Sprint(classBattery, "get"):
		return fmt.Sprintf(`{"response":{"level":%d}}`, l.level)
	case fmt.Sprint(classUserCode, "getUsersCount"):
		return `{"response":10}`
	case fmt.Sprint(classUserCode, "get"), fmt.Sprint(classUserCode, "set"), fmt.Sprint(classUserCode, "clear"):
		return l.slot(r.Method, *r.Args)
	case fmt.Sprint(classSchedule, "setYearDaySchedule"), fmt.Sprint(classSchedule, "getYearDaySchedule"):
		return l.schedule(r.Method, *r.Args)
	}
	return `{}`
}

// slot answers what is asked and told of a PIN slot.
func (l *fakeLock) slot(method string, args []any) string {
	n := int(args[0].(float64))
	switch {
	case method == "set" && !l.picky:
		l.slots[n] = fakeSlot{slotStatus(args[1].(float64)), args[2].(string)}
	case method == "clear" && n == 0: // this is how Z-Wave clears them all
		clear(l.slots)
	case method == "clear":
		delete(l.slots, n)
	}
	if method != "get" {
		return `{}`
	}
	if n > 10 {
		return `{"response":{"userIdStatus":254}}`
	}
	s := l.slots[n]
	if l.hides && s.code != "" {
		s.code = "******"
	}
	return fmt.Sprintf(`{"response":{"userIdStatus":%d,"userCode":%q}}`, s.status, s.code)
}

// schedule answers what is asked and told of the times of a PIN.
func (l *fakeLock) schedule(method string, args []any) string {
	n := int(args[0].(map[string]any)["userId"].(float64))
	if method == "setYearDaySchedule" {
		delete(l.schedules, n)
		if len(args) > 1 {
			var y yearDaySchedule
			text, _ := json.Marshal(args[1])
			_ = json.Unmarshal(text, &y)
			l.schedules[n] = y
		}
		return `{}`
	}
	y, has := l.schedules[n]
	if !has {
		return `{}`
	}
	text, _ := json.Marshal(y)
	return `{"response":` + string(text) + `}`
}

// move moves a bolt and tells of it as Z-Wave JS does: the report, then the
// notification.
func (f *fake) move(node int, mode lockMode, event, user int) {
	f.mu.Lock()
	lock := f.locks[node]
	lock.mode = mode
	if lock.relock != nil && mode != modeTimed {
		lock.relock.Stop()
	}
	bolt := map[bool]string{true: "locked", false: "unlocked"}[mode == modeSecured]
	door := lock.door
	f.mu.Unlock()
	lines := []string{
		lockValue(node, "targetMode", int(mode)), lockValue(node, "currentMode", int(mode)),
		lockValue(node, "doorStatus", door), lockValue(node, "boltStatus", bolt),
	}
	if event > 0 {
		lines = append(lines, note(node, typeAccess, event, user))
	}
	f.play(lines...)
}

func lockValue(node int, property string, now any) string {
	text, _ := json.Marshal(now)
	return fmt.Sprintf(`{"type":"event","event":{"source":"node","event":"value updated","nodeId":%d,"args":{"commandClassName":"Door Lock","commandClass":98,"endpoint":0,"property":%q,"newValue":%s,"prevValue":0,"propertyName":%q}}}`, node, property, text, property)
}

func access(node int, key string, now, before int) string {
	return lasting(node, propertyAccess, key, now, before)
}

func lasting(node int, property, key string, now, before int) string {
	return fmt.Sprintf(`{"type":"event","event":{"source":"node","event":"value updated","nodeId":%d,"args":{"commandClassName":"Notification","commandClass":113,"endpoint":0,"property":%q,"propertyKey":%q,"newValue":%d,"prevValue":%d,"propertyName":%q,"propertyKeyName":%q}}}`, node, property, key, now, before, property, key)
}

func note(node, kind, event, user int) string {
	parameters := ""
	if user > 0 {
		parameters = fmt.Sprintf(`,"parameters":{"userId":%d,"userCode":%q}`, user, testPIN)
	}
	return fmt.Sprintf(`{"type":"event","event":{"source":"node","event":"notification","nodeId":%d,"endpointIndex":0,"ccId":113,"args":{"type":%d,"event":%d,"label":"x","eventLabel":"y"%s}}}`, node, kind, event, parameters)
}

func life(node int, event string) string {
	return fmt.Sprintf(`{"type":"event","event":{"source":"node","event":%q,"nodeId":%d,"oldStatus":4}}`, event, node)
}

// fakeWorld does to the fake's locks what the conformance suite asks for.
type fakeWorld struct{ *fake }

func (w fakeWorld) with(address string, change func(*fakeLock)) int {
	node, err := strconv.Atoi(address)
	if err != nil {
		w.t.Errorf("address %q", address)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w.locks[node])
	return node
}

func (w fakeWorld) OperateByHand(address string, verb sashlock.Verb) error {
	mode, event := modeUnsecured, 2
	if verb == sashlock.DoLock {
		mode, event = modeSecured, 1
	}
	w.move(w.with(address, func(*fakeLock) {}), mode, event, 0)
	return nil
}

func (w fakeWorld) OpenDoor(address string) error {
	w.play(access(w.with(address, func(l *fakeLock) { l.door = "open" }), keyDoor, doorOpen, doorClosed))
	return nil
}

func (w fakeWorld) CloseDoor(address string) error {
	w.play(access(w.with(address, func(l *fakeLock) { l.door = "closed" }), keyDoor, doorClosed, doorOpen))
	return nil
}

func (w fakeWorld) Jam(address string) error {
	w.with(address, func(l *fakeLock) { l.jammed = true })
	return nil
}

func (w fakeWorld) Unjam(address string) error {
	w.with(address, func(l *fakeLock) { l.jammed = false })
	return nil
}

func (w fakeWorld) KeypadUnlock(address string, slot int) error {
	w.move(w.with(address, func(*fakeLock) {}), modeUnsecured, 6, slot)
	return nil
}

func (w fakeWorld) WrongCode(address string) error {
	w.play(note(w.with(address, func(*fakeLock) {}), typeSecurity, 4, 0))
	return nil
}

func (w fakeWorld) RefuseCodes(address string, on bool) error {
	w.with(address, func(l *fakeLock) { l.picky = on })
	return nil
}

func (w fakeWorld) KillGateway() error    { return w.down() }
func (w fakeWorld) RestartGateway() error { return w.up() }

func (w fakeWorld) Battery(address string, percent int) error {
	node := w.with(address, func(l *fakeLock) { l.level = percent })
	w.play(fmt.Sprintf(`{"type":"event","event":{"source":"node","event":"value updated","nodeId":%d,"args":{"commandClassName":"Battery","commandClass":128,"endpoint":0,"property":"level","newValue":%d,"prevValue":87,"propertyName":"level"}}}`, node, percent))
	return nil
}

func (w fakeWorld) Tamper(address string, on bool) error {
	state := map[bool]int{true: coverRemoved}[on]
	w.play(lasting(w.with(address, func(*fakeLock) {}), propertySecurity, keyCover, state, 0))
	return nil
}

func (w fakeWorld) Dead(address string) error {
	w.play(life(w.with(address, func(l *fakeLock) { l.dead = true }), "dead"))
	return nil
}

func (w fakeWorld) Alive(address string) error {
	w.play(life(w.with(address, func(l *fakeLock) { l.dead = false }), "alive"))
	return nil
}
