// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var record = flag.Bool("record", false, "write the transcripts anew, from the real matter.js")

// TestPeerRecord writes the transcripts in testdata anew when it is asked to by
// -record; without it there is nothing to check. It needs the peer.
func TestPeerRecord(t *testing.T) {
	if !*record {
		return
	}
	p := startPeer(t)
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
	tape.save(t, "greeting", "The greeting, and the state of a fabric with one node: a lock, a contact, a motion sensor.")
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

func (r recording) act(acts ...string) {
	r.t.Helper()
	for _, act := range acts {
		r.tape.note(strings.ReplaceAll(act, testPIN, "…"))
		r.p.must(r.t, act)
		r.tape.rest(r.t)
	}
}

// recordedLock is the lock of the recordings, recordedTime what an order has.
var recordedLock = &device{node: 1, endpoint: 1}

const recordedTime = 4 * time.Second

func (r recording) orders() {
	r.do(lockCommand(recordedLock, "UnlockDoor", noFields{}, recordedTime))
	r.do(lockCommand(recordedLock, "LockDoor", noFields{}, recordedTime))
	r.do(readAttributes(1, []path{{1, clusterDoorLock, attrLockState}, {1, clusterPower, attrBattery}}, recordedTime))
	r.do(lockCommand(recordedLock, "UnlockWithTimeout", timeoutField{1}, recordedTime))
	r.act("auto-lock")
	r.do(writeAttribute(1, path{1, clusterDoorLock, attrRelock}, 5))
	r.act("jam")
	r.do(lockCommand(recordedLock, "UnlockDoor", noFields{}, recordedTime))
	r.act("unjam")
	r.tape.save(r.t, "orders", "Unlocked, locked, released for a second; jammed, the lock refuses.")
}

func (r recording) people() {
	r.act("set-code?user=3&code="+testPIN, "keypad-unlock?user=3", "manual-lock", "manual-unlock", "keypad-lock?user=3", "wrong-code")
	r.do(getUser(recordedLock, 1, recordedTime))
	r.do(getUser(recordedLock, 3, recordedTime))
	r.tape.save(r.t, "people", "What people do to a lock, and its users. The lock keeps no PIN that could be read.")
}

func (r recording) rest() {
	r.act("door-open", "door-closed", "not-fully-locked", "contact-open", "somebody-near", "nobody-near", "tamper")
	r.do(diagnostics())
	r.do(readAttributes(9, []path{{1, clusterDoorLock, attrLockState}}, recordedTime))
	r.tape.save(r.t, "sensors", "Door, bolt half way, contact, motion, cover; the last events; a node that is not there.")
}

// tape keeps what went over a connection.
type tape struct {
	mu    sync.Mutex
	lines []string
	heard time.Time
}

func (r *tape) take(direction byte, line []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, string(direction)+" "+string(line))
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
		if time.Since(heard) > 500*time.Millisecond && time.Since(start) > 1200*time.Millisecond {
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
	if strings.Contains(text, testPIN) {
		t.Errorf("%s: the transcript holds the PIN", name)
	}
	if err := os.WriteFile(filepath.Join("testdata", name+".txt"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
