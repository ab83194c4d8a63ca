// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var record = flag.Bool("record", false, "write the transcripts anew, from the real Z-Wave JS")

// TestPeerRecord writes the transcripts in testdata anew when it is asked to by
// -record; without it there is nothing to check. It needs the peer.
func TestPeerRecord(t *testing.T) {
	if !*record {
		return
	}
	installPeer(t)
	p := startPeer(t, "0", "0")
	tape := &tape{}
	c, err := dial(t.Context(), p.ws, tape.take)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		for {
			select {
			case <-c.Events():
			case <-c.Done():
				return
			}
		}
	}()
	r := recording{t, p, c, tape}
	r.do(startListening())
	tape.save(t, "greeting", "The greeting and the state of a network of three locks.")
	r.orders()
	r.people()
	r.rest()
}

// recording is what the parts of TestPeerRecord work with.
type recording struct {
	t    *testing.T
	p    *peer
	c    *client
	tape *tape
}

func (r recording) do(q request) {
	r.t.Helper()
	if _, err := r.c.do(r.t.Context(), q); err != nil {
		r.tape.note("that failed")
	}
	r.tape.rest(r.t)
}

func (r recording) act(act string) {
	r.t.Helper()
	r.tape.note(strings.ReplaceAll(act, testPIN, "…"))
	if err := r.p.act(act); err != nil {
		r.t.Fatal(err)
	}
	r.tape.rest(r.t)
}

func (r recording) orders() {
	r.do(setMode(2, 0, modeUnsecured))
	r.do(invoke(2, 0, classDoorLock, "get"))
	r.tape.save(r.t, "unlock", "A lock without encryption is unlocked. The first word of its mode is Z-Wave JS's own.")
	r.do(setMode(3, 0, modeUnsecured))
	r.do(setMode(3, 0, modeSecured))
	r.tape.save(r.t, "supervised", "A lock with S2 and Supervision is unlocked and locked.")
	r.act("jam?node=4")
	r.do(setMode(4, 0, modeUnsecured))
	r.do(invoke(4, 0, classDoorLock, "get"))
	r.act("jam?node=3")
	r.do(setMode(3, 0, modeUnsecured))
	r.tape.save(r.t, "jam", "Two jammed locks are told to unlock. Only the supervised one says that it did not.")
}

func (r recording) people() {
	for _, act := range []string{
		"unjam?node=4", "unjam?node=3", "set-code?node=2&user=3&code=" + testPIN, "manual-lock?node=2", "keypad-unlock?node=2&user=3",
		"manual-lock?node=2", "manual-unlock?node=2", "auto-lock?node=2", "wrong-code?node=2",
	} {
		r.act(act)
	}
	r.tape.save(r.t, "people", "What people do to a lock: keypad, thumb-turn, wrong code.")
	for _, act := range []string{"door-open?node=3", "door-closed?node=3", "tamper?node=3", "tamper-clear?node=3", "battery?node=3&level=7"} {
		r.act(act)
	}
	r.do(invoke(3, 0, classBattery, "get"))
	r.tape.save(r.t, "sensors", "Door, cover and battery.")
}

func (r recording) rest() {
	r.do(invoke(2, 0, classUserCode, "getUsersCount"))
	r.do(invoke(2, 0, classUserCode, "get", 3))
	r.do(invoke(2, 0, classUserCode, "get", 4))
	r.tape.save(r.t, "codes", "PIN slots. The PIN was taken out of this file.")
	r.do(invoke(2, 0, classDoorLock, "getConfiguration"))
	r.do(invoke(2, 0, classDoorLock, "setConfiguration", recordedConfiguration()))
	r.do(setMode(2, 0, modeTimed))
	r.tape.rest(r.t)
	r.tape.save(r.t, "release", "A lock is unlocked for a second and locks again by itself.")
	r.act("dead?node=4")
	r.do(setMode(4, 0, modeUnsecured))
	r.do(ping(4))
	r.act("alive?node=4")
	r.do(nodeStateOf(99))
	r.tape.save(r.t, "dead", "A lock goes off the air and comes back.")
}

// recordedConfiguration is that of a release of one second.
func recordedConfiguration() map[string]json.RawMessage {
	return map[string]json.RawMessage{
		"operationType": json.RawMessage("2"), "lockTimeoutConfiguration": json.RawMessage("1"),
		"insideHandlesCanOpenDoorConfiguration":  json.RawMessage("[true,true,true,true]"),
		"outsideHandlesCanOpenDoorConfiguration": json.RawMessage("[true,true,true,true]"),
	}
}

// tape keeps what went over a connection.
type tape struct {
	mu    sync.Mutex
	lines []string
	heard time.Time
}

func (r *tape) take(direction byte, line []byte) {
	text := string(line)
	if strings.Contains(text, `"event":"statistics updated"`) {
		return // many, and of no use
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, string(direction)+" "+scrub(text))
	r.heard = time.Now()
}

func (r *tape) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, "# "+text)
}

// rest waits until nothing was heard for a while.
func (r *tape) rest(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	start := time.Now()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			t.Fatal("the peer does not come to rest")
		case <-again.C:
		}
		r.mu.Lock()
		heard := r.heard
		r.mu.Unlock()
		if time.Since(heard) > 700*time.Millisecond && time.Since(start) > 1200*time.Millisecond {
			return
		}
	}
}

func (r *tape) save(t *testing.T, name, title string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	text := "# " + title + "\n" + strings.Join(r.lines, "\n") + "\n"
	r.lines = nil
	for _, forbidden := range []string{testPIN, "node_modules", `"/`} {
		if strings.Contains(text, forbidden) {
			t.Errorf("%s: the transcript still holds %q", name, forbidden)
		}
	}
	if err := os.WriteFile(filepath.Join("testdata", name+".txt"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// scrub takes PINs and paths out of a line, and what makes it long. All else
// stays as it was, byte by byte, but for the order of the keys in the state.
func scrub(line string) string {
	line = strings.ReplaceAll(line, testPIN, "0000")
	if !strings.Contains(line, `"state":{`) {
		return line
	}
	var m map[string]any
	if json.Unmarshal([]byte(line), &m) != nil {
		return "(not JSON)"
	}
	trim(m)
	text, _ := json.Marshal(m)
	return string(text)
}

// trim shortens a state of the network: no paths, no manuals, three PIN slots.
func trim(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, long := range []string{"filename", "paramInformation", "statistics", "associations", "devices", "compat", "logConfig", "supportedFunctionTypes", "deviceDatabaseUrl"} {
			delete(v, long)
		}
		if values, ok := v["values"].([]any); ok {
			var kept []any
			for _, value := range values {
				m, _ := value.(map[string]any)
				slot, _ := m["propertyKey"].(float64)
				if class, _ := m["commandClass"].(float64); class == classUserCode && slot > 3 {
					continue
				}
				kept = append(kept, value)
			}
			v["values"] = kept
		}
		if config, ok := v["deviceConfig"].(map[string]any); ok {
			delete(config, "metadata")
		}
		for _, inner := range v {
			trim(inner)
		}
	case []any:
		for _, inner := range v {
			trim(inner)
		}
	}
}
