// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/drivertest"
)

// peer is our Matter server with a virtual lock of matter.js, from
// peers/matter.
type peer struct {
	ws, control string
	process     *exec.Cmd
}

// startPeer starts the peer and waits until it is ready. It is stopped when the
// test ends. Where it cannot be run the test is skipped.
func startPeer(t *testing.T) *peer {
	t.Helper()
	const needs = "the real matter.js needs Node 20 or newer, SASHLOCK_PEERS=1, and root or user namespaces"
	lacking := func() {
		t.Helper()
		if os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal(needs)
		}
		t.Skip(needs)
	}
	if _, err := exec.LookPath("node"); os.Getenv("SASHLOCK_PEERS") != "1" || err != nil {
		lacking()
	}
	p := &peer{process: exec.Command("sh", "../../peers/matter/run.sh")}
	p.process.Env = append(os.Environ(), "MATTER_WS_PORT=0", "MATTER_CTL_PORT=0", "TMPDIR="+t.TempDir())
	var complaints strings.Builder
	p.process.Stderr = &complaints
	out, err := p.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.process.Start(); err != nil {
		t.Fatalf("starting the peer: %v", err)
	}
	t.Cleanup(func() { p.end(syscall.SIGTERM) })
	ready := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "ready ") {
				ready <- lines.Text()
			}
		}
		close(ready)
	}()
	select {
	case line, ok := <-ready:
		if !ok {
			_ = p.process.Wait()
			if p.process.ProcessState.ExitCode() == 77 {
				lacking()
			}
			t.Fatalf("the peer ended before it was ready:\n%s", complaints.String())
		}
		if n, err := fmt.Sscanf(line, "ready ws=%s control=%s", &p.ws, &p.control); n != 2 {
			t.Fatalf("the peer's line %q: %v", line, err)
		}
	case <-time.After(3 * time.Minute): // it may have to install itself first
		t.Fatalf("the peer is not ready after three minutes:\n%s", complaints.String())
	}
	return p
}

// end ends the peer's process by a signal and waits until it is gone.
func (p *peer) end(signal syscall.Signal) {
	if p.process.ProcessState == nil {
		_ = p.process.Process.Signal(signal)
		_ = p.process.Wait()
	}
}

// act does something to the physical world: "jam", "keypad-unlock?user=3".
func (p *peer) act(act string) error {
	_, err := p.ask(act)
	return err
}

func (p *peer) ask(act string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute) // Node may have to start on a busy machine
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, p.control+"/"+act, nil)
	if err != nil {
		return "", err
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", err
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err == nil && a.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", act, body)
	}
	return string(body), err
}

// must does something to the physical world.
func (p *peer) must(t *testing.T, acts ...string) {
	t.Helper()
	for _, act := range acts {
		if err := p.act(act); err != nil {
			t.Fatal(err)
		}
	}
}

func configFor(ws string) json.RawMessage {
	text, _ := json.Marshal(Config{URL: ws})
	return text
}

// testPIN is a code that is in the lock in tests and may turn up nowhere.
const testPIN = "739184"

// The peer's devices.
const (
	theLock    = "1-1"
	theContact = "1-2"
	theMotion  = "1-3"
)

// peerWorld does to the peer's devices what the conformance suite asks for.
type peerWorld struct{ peer *peer }

func (w peerWorld) OperateByHand(_ string, verb sashlock.Verb) error {
	if verb == sashlock.DoLock {
		return w.peer.act("manual-lock")
	}
	return w.peer.act("manual-unlock")
}
func (w peerWorld) OpenDoor(string) error  { return w.peer.act("contact-open") }
func (w peerWorld) CloseDoor(string) error { return w.peer.act("contact-closed") }
func (w peerWorld) Jam(string) error       { return w.peer.act("jam") }
func (w peerWorld) Unjam(string) error     { return w.peer.act("unjam") }
func (w peerWorld) KeypadUnlock(_ string, slot int) error {
	return w.peer.act(fmt.Sprintf("keypad-unlock?user=%d", slot))
}
func (w peerWorld) WrongCode(string) error { return w.peer.act("wrong-code") }
func (w peerWorld) RefuseCodes(_ string, on bool) error {
	return w.peer.act(fmt.Sprintf("refuse-codes?on=%t", on))
}
func (w peerWorld) KillGateway() error      { return w.peer.act("server-down") }
func (w peerWorld) RestartGateway() error   { return w.peer.act("server-up") }
func (w peerWorld) PersonNear(string) error { return w.peer.act("somebody-near") }
func (w peerWorld) PersonGone(string) error { return w.peer.act("nobody-near") }

// TestPeer tries everything against the real matter.js.
func TestPeer(t *testing.T) {
	p := startPeer(t)
	t.Run("conformance", func(t *testing.T) { peerConformance(t, p) })
	t.Run("orders are named", func(t *testing.T) { peerOrders(t, p) })
	t.Run("refusals and sensors", func(t *testing.T) { peerRefuses(t, p) })
	t.Run("codes written", func(t *testing.T) { peerWrites(t, p) })
	t.Run("off the air", func(t *testing.T) { peerSilent(t, p) })
	t.Run("server killed", func(t *testing.T) { peerKilled(t, p) })
}

// peerConformance runs the suite of every driver.
func peerConformance(t *testing.T, p *peer) {
	drivertest.Run(t, drivertest.Harness{
		Driver: New(),
		New: func(t *testing.T) drivertest.Stage {
			p.must(t, "server-up", "reset", "set-code?user=3&code="+testPIN)
			return drivertest.Stage{
				Config: configFor(p.ws), World: peerWorld{p}, Lock: theLock, Contact: theContact, Motion: theMotion, Slot: 3,
				PINs: []string{testPIN}, Expected: peerDevices(),
			}
		},
		Bad:      badConfigs(),
		Patience: peerPatience,
	})
}

// peerPatience is how long the real matter.js may take.
const peerPatience = time.Minute

func peerDevices() []drivertest.Expected {
	return []drivertest.Expected{
		{Address: theLock, Capabilities: []sashlock.Capability{
			sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsJam, sashlock.TellsPosition,
			sashlock.TellsWho, sashlock.TellsTamper, sashlock.TellsBattery, sashlock.HasCodes, sashlock.Supervised, sashlock.SecureLink,
		}},
		{Address: theContact, Capabilities: []sashlock.Capability{sashlock.TellsPosition, sashlock.SecureLink}},
		{Address: theMotion, Capabilities: []sashlock.Capability{sashlock.TellsPresence, sashlock.SecureLink}},
	}
}

func badConfigs() []drivertest.BadConfig {
	bad := func(name, url string) drivertest.BadConfig {
		return drivertest.BadConfig{Name: name, Config: configFor(url), Field: "url"}
	}
	return []drivertest.BadConfig{
		bad("no address", ""), bad("another scheme", "http://127.0.0.1:5580"), bad("no host", "ws://"),
		bad("a password", "ws://me:secret@127.0.0.1:5580"), bad("a query", "ws://127.0.0.1:5580/?a=b"), bad("no address at all", "ws://[::1"),
		{Name: "a number", Config: json.RawMessage(`{"url":5580}`), Field: "url"},
	}
}
