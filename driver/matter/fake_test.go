// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/sashlock/sashlock"
)

// fake is a Matter server in the test's own process, with the node of the
// recorded greeting. It answers in the recorded order.
type fake struct {
	t      *testing.T
	server *httptest.Server
	sdk    string
	node   map[string]any // as in the greeting

	mu       sync.Mutex
	away     bool
	conns    map[*websocket.Conn]bool // those that listen
	bolt     int
	number   int
	history  []string
	jammed   bool
	dead     bool
	keeps    bool // an order for a dead lock is kept, and carried out when it is back
	kept     func()
	relock   *time.Timer
	commands []string // the names of the commands that arrived
	reads    int      // how many questions were answered
	quiet    bool     // the lock says nothing of what it does
	stuck    bool     // the lock takes orders and does nothing
	users    map[int]*fakeUser
	refuses  bool // the lock keeps no PIN it is sent
	fussy    bool // the lock lets nobody write over a PIN
}

// fakeUser is a user of the fake lock.
type fakeUser struct {
	status, creator int
	pins            map[int]string
	cards           int
}

const (
	boltLocked   = 1
	boltUnlocked = 2
)

func newFake(t *testing.T) *fake {
	f := &fake{t: t, sdk: "sashlock-sidecar/1", bolt: boltLocked, number: 100, conns: make(map[*websocket.Conn]bool)}
	f.users = map[int]*fakeUser{3: {status: userEnabled, creator: 1, pins: map[int]string{3: testPIN}}}
	var greeting struct {
		Result []map[string]any `json:"result"`
	}
	lines := transcript(t, "greeting")
	if err := json.Unmarshal([]byte(lines[len(lines)-1].text), &greeting); err != nil {
		t.Fatal(err)
	}
	f.node = greeting.Result[0]
	// One listener for the whole test: a server that is away turns everybody
	// away, so that no goroutine of the fake is taken for one of the driver.
	f.server = httptest.NewServer(http.HandlerFunc(f.talk))
	t.Cleanup(func() { _ = f.down(); f.server.Close() })
	return f
}

func (f *fake) url() string { return "ws" + strings.TrimPrefix(f.server.URL, "http") + "/ws" }

// down takes the server away without a word, up brings it back.
func (f *fake) down() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = true
	for c := range f.conns {
		_ = c.CloseNow()
	}
	return nil
}

func (f *fake) up() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = false
	return nil
}

func (f *fake) talk(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	away := f.away
	f.mu.Unlock()
	if away {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }()
	ctx := context.Background()
	f.mu.Lock()
	f.conns[c] = false
	f.say(c, fmt.Sprintf(`{"schema_version":13,"min_supported_schema_version":11,"sdk_version":%q}`, f.sdk))
	f.mu.Unlock()
	for {
		_, text, err := c.Read(ctx)
		if err != nil {
			f.mu.Lock()
			delete(f.conns, c)
			f.mu.Unlock()
			return
		}
		var q struct {
			ID      string         `json:"message_id"`
			Command string         `json:"command"`
			Args    map[string]any `json:"args"`
		}
		if err := json.Unmarshal(text, &q); err != nil {
			f.t.Errorf("a request that is not JSON: %s", text)
			return
		}
		go f.answer(c, q.ID, q.Command, q.Args)
	}
}

// say writes one line. The caller holds mu.
func (f *fake) say(c *websocket.Conn, line string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = c.Write(ctx, websocket.MessageText, []byte(line))
}

// tell tells all who listen. The caller holds mu.
func (f *fake) tell(lines ...string) {
	for c, listens := range f.conns {
		for _, line := range lines {
			if listens {
				f.say(c, line)
			}
		}
	}
}

func (f *fake) answer(c *websocket.Conn, id, command string, args map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	done := func(result any) {
		text, _ := json.Marshal(map[string]any{"message_id": id, "result": result})
		f.say(c, string(text))
	}
	fail := func(code int, details string) {
		f.say(c, fmt.Sprintf(`{"message_id":%q,"error_code":%d,"details":%q}`, id, code, details))
	}
	switch {
	case command == "start_listening":
		done([]any{f.node})
		f.conns[c] = true
	case command == "diagnostics":
		var events []json.RawMessage
		for _, text := range f.history {
			events = append(events, json.RawMessage(text))
		}
		done(map[string]any{"events": events})
	case f.dead && f.keeps && command == "device_command":
		f.kept = func() { f.command(args, done, fail) } // no answer, until the lock is back
	case f.dead:
		fail(7, "the node did not answer")
	case command == "read_attribute":
		f.reads++
		answer := make(map[string]any)
		for _, p := range args["attribute_path"].([]any) {
			answer[p.(string)] = f.attributes()[p.(string)]
		}
		done(answer)
	case command == "write_attribute":
		f.commands = append(f.commands, fmt.Sprint("write ", args["attribute_path"], "=", args["value"]))
		f.set(args["attribute_path"].(string), args["value"])
		done([]any{})
	default:
		f.command(args, done, fail)
	}
}

// attributes returns those of the node. The caller holds mu.
func (f *fake) attributes() map[string]any {
	all := f.node["attributes"].(map[string]any)
	all["1/257/0"] = f.bolt
	return all
}

// set changes an attribute and tells of it. The caller holds mu.
func (f *fake) set(at string, now any) {
	f.node["attributes"].(map[string]any)[at] = now
	text, _ := json.Marshal(now)
	f.tell(fmt.Sprintf(`{"event":"attribute_updated","data":[1,%q,%s]}`, at, text))
}

// command has the lock do something. The caller holds mu.
func (f *fake) command(args map[string]any, done func(any), fail func(int, string)) {
	name := args["command_name"].(string)
	f.commands = append(f.commands, name)
	payload, _ := args["payload"].(map[string]any)
	timed, _ := args["timed_request_timeout_ms"].(float64)
	switch {
	case name == "GetUser":
		done(f.user(number(payload["userIndex"])))
	case timed <= 0:
		fail(7, "NeedsTimedInteraction (code 198)")
	case strings.HasSuffix(name, "User") || name == "SetCredential":
		if result, ok := f.keep(name, payload); ok {
			done(result)
		} else {
			fail(9, fmt.Sprintf("InvalidCommand (code 133) for %v", payload["credentialData"]))
		}
	case f.jammed:
		fail(7, "Failure (code 1)")
		f.note(noteAlarm, `{"alarmCode":0}`)
	default:
		done(nil)
		if f.stuck {
			return
		}
		kind, bolt := 1, boltUnlocked
		if name == "LockDoor" {
			kind, bolt = 0, boltLocked
		}
		f.move(bolt, kind, 7, 0)
		relock, _ := f.node["attributes"].(map[string]any)["1/257/35"].(float64)
		if name == "UnlockWithTimeout" {
			relock = payload["timeout"].(float64)
		}
		if bolt == boltUnlocked && relock > 0 {
			f.relock = time.AfterFunc(time.Duration(relock*float64(time.Second)), func() {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.move(boltLocked, 0, 4, 0)
			})
		}
	}
}

func number(v any) int {
	n, _ := v.(float64)
	return int(n)
}

// user answers a question for a user. The caller holds mu.
func (f *fake) user(index int) map[string]any {
	answer := map[string]any{"userIndex": index, "userStatus": nil, "credentials": nil, "creatorFabricIndex": nil, "nextUserIndex": nil}
	for next := index + 1; next <= 20; next++ {
		if f.users[next] != nil {
			answer["nextUserIndex"] = next
			break
		}
	}
	if u := f.users[index]; u != nil {
		held := []any{}
		for at := range u.pins {
			held = append(held, map[string]any{"credentialType": credentialPIN, "credentialIndex": at})
		}
		for at := range u.cards {
			held = append(held, map[string]any{"credentialType": 2, "credentialIndex": at + 1})
		}
		answer["userName"], answer["userStatus"], answer["credentials"], answer["creatorFabricIndex"] = "somebody", u.status, held, u.creator
	}
	return answer
}

// keep changes the users of the lock, as matter.js does. The caller holds mu.
func (f *fake) keep(name string, payload map[string]any) (result any, ok bool) {
	index, operation := number(payload["userIndex"]), number(payload["operationType"])
	u := f.users[index]
	switch {
	case index < 1 || index > 20:
		return nil, false
	case name == "ClearUser":
		delete(f.users, index)
		return nil, true
	case name == "SetUser" && operation == opAdd && u == nil:
		f.users[index] = &fakeUser{status: number(payload["userStatus"]), creator: 1, pins: make(map[int]string)}
		return nil, true
	case name == "SetUser" && operation == opModify && u != nil:
		u.status = number(payload["userStatus"])
		return nil, true
	case name == "SetUser":
		return nil, false
	}
	at := number(payload["credential"].(map[string]any)["credentialIndex"])
	pin, _ := base64.StdEncoding.DecodeString(payload["credentialData"].(string))
	status := 0
	for other, held := range f.users {
		for where, digits := range held.pins {
			if where == at && (operation == opAdd || other != index) || where != at && digits == string(pin) {
				status = 1
			}
		}
	}
	if u == nil || u.creator != 1 || operation == opModify && (u.pins[at] == "" || f.fussy) {
		status = 133
	}
	if f.refuses {
		status = 1
	}
	if status == 0 {
		u.pins[at] = string(pin)
	}
	return map[string]any{"status": status, "userIndex": nil, "nextCredentialIndex": nil}, true
}

// move moves the bolt and tells of it: the state, then the event. The caller
// holds mu.
func (f *fake) move(bolt, kind, source, user int) {
	if f.relock != nil {
		f.relock.Stop()
	}
	moved := f.bolt != bolt
	f.bolt = bolt
	if f.quiet {
		return
	}
	if moved {
		f.set("1/257/0", bolt)
	}
	who := "null"
	if user > 0 {
		who = fmt.Sprint(user)
	}
	fabric := "null"
	if source == 7 {
		fabric = "1"
	}
	f.note(noteOperation, fmt.Sprintf(`{"lockOperationType":%d,"operationSource":%d,"userIndex":%s,"fabricIndex":%s,"sourceNode":null,"credentials":null}`, kind, source, who, fabric))
}

// note tells of an event of the lock. The caller holds mu.
func (f *fake) note(event int, data string) {
	f.number++
	text := fmt.Sprintf(`{"node_id":1,"endpoint_id":1,"cluster_id":257,"event_id":%d,"event_number":%d,"priority":2,"timestamp":1795372137901,"timestamp_type":1,"data":%s}`, event, f.number, data)
	f.history = append(f.history, text)
	f.tell(`{"event":"node_event","data":` + text + `}`)
}

// update tells of the whole node. The caller holds mu.
func (f *fake) update() {
	text, _ := json.Marshal(map[string]any{"event": "node_updated", "data": f.node})
	f.tell(string(text))
}

// fakeWorld does to the fake what the conformance suite asks for.
type fakeWorld struct{ *fake }

func (w fakeWorld) do(what func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	what()
	return nil
}

func (w fakeWorld) OperateByHand(_ string, verb sashlock.Verb) error {
	return w.do(func() {
		if verb == sashlock.DoLock {
			w.move(boltLocked, 0, 1, 0)
		} else {
			w.move(boltUnlocked, 1, 1, 0)
		}
	})
}
func (w fakeWorld) OpenDoor(string) error {
	return w.do(func() { w.set("2/69/0", false) })
}
func (w fakeWorld) CloseDoor(string) error {
	return w.do(func() { w.set("2/69/0", true) })
}
func (w fakeWorld) Jam(string) error   { return w.do(func() { w.jammed = true }) }
func (w fakeWorld) Unjam(string) error { return w.do(func() { w.jammed = false }) }
func (w fakeWorld) KeypadUnlock(_ string, slot int) error {
	return w.do(func() { w.move(boltUnlocked, 1, 3, slot) })
}
func (w fakeWorld) WrongCode(string) error {
	return w.do(func() {
		w.note(noteRefused, `{"lockOperationType":1,"operationSource":3,"operationError":1,"userIndex":null}`)
	})
}
func (w fakeWorld) RefuseCodes(_ string, on bool) error {
	return w.do(func() { w.refuses = on })
}
func (w fakeWorld) KillGateway() error    { return w.down() }
func (w fakeWorld) RestartGateway() error { return w.up() }
func (w fakeWorld) Battery(_ string, percent int) error {
	return w.do(func() { w.set("1/47/12", 2*percent) })
}
func (w fakeWorld) PersonNear(string) error { return w.do(func() { w.set("3/1030/0", 1) }) }
func (w fakeWorld) PersonGone(string) error { return w.do(func() { w.set("3/1030/0", 0) }) }
func (w fakeWorld) Dead(string) error {
	return w.do(func() {
		w.dead, w.node["available"] = true, false
		w.update()
	})
}
func (w fakeWorld) Alive(string) error {
	return w.do(func() {
		w.dead, w.node["available"] = false, true
		w.attributes()
		w.update()
	})
}
