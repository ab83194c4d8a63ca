// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestPeerRecord writes the transcripts in testdata anew. It runs only when
// SASHLOCK_RECORD is 1, and it needs the peer.
func TestPeerRecord(t *testing.T) {
	if os.Getenv("SASHLOCK_RECORD") != "1" {
		t.Skip("set SASHLOCK_RECORD=1 to record the transcripts anew")
	}
	p := startPeer(t, "0", "0")
	tape := &tape{}
	c, err := dial(t.Context(), p.ws, tape.take)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	go func() {
		for {
			select {
			case <-c.events:
			case <-c.done:
				return
			}
		}
	}()
	do := func(r request) {
		t.Helper()
		if _, err := c.do(t.Context(), r); err != nil {
			tape.note("that failed")
		}
		tape.rest(t)
	}
	act := func(act string) {
		t.Helper()
		tape.note(strings.ReplaceAll(act, testPIN, "…"))
		if err := p.act(act); err != nil {
			t.Fatal(err)
		}
		tape.rest(t)
	}
	do(startListening())
	tape.save(t, "greeting", "The greeting and the state of a network of three locks.")

	do(setMode(2, 0, modeUnsecured))
	do(invoke(2, 0, classDoorLock, "get"))
	tape.save(t, "unlock", "A lock without encryption is unlocked. The first word of its mode is Z-Wave JS's own.")
	do(setMode(3, 0, modeUnsecured))
	do(setMode(3, 0, modeSecured))
	tape.save(t, "supervised", "A lock with S2 and Supervision is unlocked and locked.")
	act("jam?node=4")
	do(setMode(4, 0, modeUnsecured))
	do(invoke(4, 0, classDoorLock, "get"))
	act("jam?node=3")
	do(setMode(3, 0, modeUnsecured))
	tape.save(t, "jam", "Two jammed locks are told to unlock. Only the supervised one says that it did not.")
	act("unjam?node=4")
	act("unjam?node=3")
	act("set-code?node=2&user=3&code=" + testPIN)
	act("manual-lock?node=2")
	act("keypad-unlock?node=2&user=3")
	act("manual-lock?node=2")
	act("manual-unlock?node=2")
	act("auto-lock?node=2")
	act("wrong-code?node=2")
	tape.save(t, "people", "What people do to a lock: keypad, thumb-turn, wrong code.")
	act("door-open?node=3")
	act("door-closed?node=3")
	act("tamper?node=3")
	act("tamper-clear?node=3")
	act("battery?node=3&level=7")
	do(invoke(3, 0, classBattery, "get"))
	tape.save(t, "sensors", "Door, cover and battery.")
	do(invoke(2, 0, classUserCode, "getUsersCount"))
	do(invoke(2, 0, classUserCode, "get", 3))
	do(invoke(2, 0, classUserCode, "get", 4))
	tape.save(t, "codes", "PIN slots. The PIN was taken out of this file.")
	do(invoke(2, 0, classDoorLock, "getConfiguration"))
	config := map[string]json.RawMessage{
		"insideHandlesCanOpenDoorConfiguration":  json.RawMessage("[true,true,true,true]"),
		"lockTimeoutConfiguration":               json.RawMessage("1"),
		"operationType":                          json.RawMessage("2"),
		"outsideHandlesCanOpenDoorConfiguration": json.RawMessage("[true,true,true,true]"),
	}
	do(invoke(2, 0, classDoorLock, "setConfiguration", config))
	do(setMode(2, 0, modeTimed))
	tape.rest(t)
	tape.save(t, "release", "A lock is unlocked for a second and locks again by itself.")
	act("dead?node=4")
	do(setMode(4, 0, modeUnsecured))
	do(ping(4))
	act("alive?node=4")
	do(nodeStateOf(99))
	tape.save(t, "dead", "A lock goes off the air and comes back.")
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
