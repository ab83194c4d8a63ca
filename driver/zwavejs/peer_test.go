// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/drivertest"
)

// peer is the real Z-Wave JS server on a simulated radio, from peers/zwave.
type peer struct {
	ws, control string
	process     *exec.Cmd
}

// installPeer puts the peer in place. Where it cannot be run the test is skipped.
func installPeer(t *testing.T) {
	t.Helper()
	_, noNode := exec.LookPath("node")
	if os.Getenv("SASHLOCK_PEERS") != "1" || noNode != nil {
		if os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal("the real Z-Wave JS needs Node 20 or newer, and SASHLOCK_PEERS=1")
		}
		t.Skip("the real Z-Wave JS needs Node 20 or newer, and SASHLOCK_PEERS=1: make test sees to both")
	}
	if out, err := exec.Command("sh", "../../peers/zwave/run.sh", "install").CombinedOutput(); err != nil {
		t.Fatalf("installing the peer: %v\n%s", err, out)
	}
}

// startPeer starts the peer on the ports given, 0 for any, with settings of its
// environment, and waits until it is ready. It is stopped when the test ends.
func startPeer(t *testing.T, wsPort, controlPort string, settings ...string) *peer {
	t.Helper()
	p := &peer{process: exec.Command("sh", "../../peers/zwave/run.sh")}
	p.process.Env = append(append(os.Environ(), "ZWAVE_WS_PORT="+wsPort, "ZWAVE_CTL_PORT="+controlPort, "TMPDIR="+t.TempDir()), settings...)
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
			t.Fatalf("the peer ended before it was ready:\n%s", complaints.String())
		}
		if n, err := fmt.Sscanf(line, "ready ws=%s control=%s", &p.ws, &p.control); n != 2 {
			t.Fatalf("the peer's line %q: %v", line, err)
		}
	case <-time.After(time.Minute):
		t.Fatalf("the peer is not ready after a minute:\n%s", complaints.String())
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

// act does something to the physical world: "jam?node=2".
func (p *peer) act(act string) error {
	_, err := p.ask(act)
	return err
}

func (p *peer) ask(act string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
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

// reset puts locks back as they were at first: locked, shut, whole.
func (p *peer) reset(t *testing.T, addresses ...string) {
	t.Helper()
	acts := []string{"server-up"}
	for _, address := range addresses {
		acts = append(acts, "reset?node="+address)
	}
	for _, act := range acts {
		if err := p.act(act); err != nil {
			t.Fatal(err)
		}
	}
}

// port returns the port of an address.
func port(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

func configFor(ws string) json.RawMessage {
	text, _ := json.Marshal(Config{URL: ws})
	return text
}

// testPIN is a code that is entered at keypads in tests and may turn up nowhere.
const testPIN = "739184"

// peerWorld does to the peer's locks what the conformance suite asks for.
type peerWorld struct {
	peer *peer
}

func (w peerWorld) OperateByHand(address string, verb sashlock.Verb) error {
	if verb == sashlock.DoLock {
		return w.peer.act("manual-lock?node=" + address)
	}
	return w.peer.act("manual-unlock?node=" + address)
}
func (w peerWorld) OpenDoor(address string) error  { return w.peer.act("door-open?node=" + address) }
func (w peerWorld) CloseDoor(address string) error { return w.peer.act("door-closed?node=" + address) }
func (w peerWorld) Jam(address string) error       { return w.peer.act("jam?node=" + address) }
func (w peerWorld) Unjam(address string) error     { return w.peer.act("unjam?node=" + address) }
func (w peerWorld) KeypadUnlock(address string, slot int) error {
	return w.peer.act(fmt.Sprintf("keypad-unlock?node=%s&user=%d", address, slot))
}
func (w peerWorld) WrongCode(address string) error { return w.peer.act("wrong-code?node=" + address) }
func (w peerWorld) RefuseCodes(address string, on bool) error {
	return w.peer.act(fmt.Sprintf("refuse-codes?node=%s&on=%t", address, on))
}
func (w peerWorld) KillGateway() error    { return w.peer.act("server-down") }
func (w peerWorld) RestartGateway() error { return w.peer.act("server-up") }
func (w peerWorld) Battery(address string, percent int) error {
	return w.peer.act(fmt.Sprintf("battery?node=%s&level=%d", address, percent))
}
func (w peerWorld) Tamper(address string, on bool) error {
	if on {
		return w.peer.act("tamper?node=" + address)
	}
	return w.peer.act("tamper-clear?node=" + address)
}
func (w peerWorld) Dead(address string) error  { return w.peer.act("dead?node=" + address) }
func (w peerWorld) Alive(address string) error { return w.peer.act("alive?node=" + address) }

// TestPeer tries everything against the real Z-Wave JS. Most of it is waiting for
// the radio, so the parts run side by side, each on a radio of its own.
func TestPeer(t *testing.T) {
	t.Parallel()
	installPeer(t)
	var all sync.WaitGroup
	part := func(name string, test func(*testing.T)) {
		all.Go(func() { t.Run(name, test) })
	}
	part("conformance with S2", func(t *testing.T) { peerConformance(t, startPeer(t, "0", "0", brisk...), "3") })
	part("conformance without encryption", func(t *testing.T) { peerConformance(t, startPeer(t, "0", "0", brisk...), "2") })
	part("one store", func(t *testing.T) {
		p := startPeer(t, "0", "0")
		t.Run("orders are named", func(t *testing.T) { peerOrders(t, p) })
		t.Run("somebody else's orders", func(t *testing.T) { peerOthers(t, p) })
		t.Run("jams", func(t *testing.T) { peerJams(t, p) })
		t.Run("codes", func(t *testing.T) { peerCodes(t, p) })
		t.Run("codes written", func(t *testing.T) { peerWrites(t, p) })
		t.Run("killed and started again", func(t *testing.T) { peerKilled(t, p) })
	})
	all.Wait()
}

// brisk shortens what the radio takes: a message is on the air for 5 ms and one to
// a dead device is sent once. What locks say, and in which order, stays as it is.
var brisk = []string{"ZWAVE_FRAME_MS=5", "ZWAVE_ATTEMPTS=1"}

// peerConformance runs the suite of every driver for one of the locks.
func peerConformance(t *testing.T, p *peer, address string) {
	drivertest.Run(t, drivertest.Harness{
		Driver: New(),
		New: func(t *testing.T) drivertest.Stage {
			p.reset(t, address)
			if err := p.act("set-code?node=" + address + "&user=3&code=" + testPIN); err != nil {
				t.Fatal(err)
			}
			return drivertest.Stage{
				Config: configFor(p.ws), World: peerWorld{p}, Lock: address, Contact: address, Slot: 3,
				PINs: []string{testPIN},
				Expected: []drivertest.Expected{
					{Address: "2", Capabilities: plainLock()}, {Address: "3", Capabilities: secureLock()}, {Address: "4", Capabilities: plainLock()},
				},
			}
		},
		Bad:      badConfigs(),
		Patience: peerPatience,
	})
}

func plainLock() []sashlock.Capability {
	return []sashlock.Capability{
		sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsJam, sashlock.TellsPosition,
		sashlock.TellsWho, sashlock.TellsTamper, sashlock.TellsBattery, sashlock.HasCodes,
	}
}

func secureLock() []sashlock.Capability {
	return append(plainLock(), sashlock.Supervised, sashlock.SecureLink)
}

func badConfigs() []drivertest.BadConfig {
	bad := func(name, url string) drivertest.BadConfig {
		return drivertest.BadConfig{Name: name, Config: configFor(url), Field: "url"}
	}
	return []drivertest.BadConfig{
		bad("no address", ""), bad("another scheme", "http://127.0.0.1:3000"), bad("no host", "ws://"),
		bad("a password", "ws://me:secret@127.0.0.1:3000"), bad("a query", "ws://127.0.0.1:3000/?a=b"), bad("no address at all", "ws://[::1"),
		{Name: "a number", Config: json.RawMessage(`{"url":3000}`), Field: "url"},
	}
}
