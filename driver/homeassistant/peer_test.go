// SPDX-License-Identifier: Apache-2.0

package homeassistant

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
)

// The devices of peers/zigbee as Zigbee2MQTT announces them.
const (
	kwikset = "lock.0x0c00000000000001_lock_zigbee2mqtt"
	yale    = "lock.0x0c00000000000003_lock_zigbee2mqtt"
	contact = "binary_sensor.0x0c00000000000005_contact_zigbee2mqtt"
	motion  = "binary_sensor.0x0c00000000000006_occupancy_zigbee2mqtt"
)

// process is one of the programs of peers/.
type process struct {
	command *exec.Cmd
	where   string
}

func run(t *testing.T, script string, env ...string) *process {
	t.Helper()
	p := &process{command: exec.Command("sh", "../../peers/"+script+"/run.sh")}
	p.command.Env = append(os.Environ(), env...)
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.command.Stderr = os.Stderr
	// The line is read right here: the suite counts the goroutines of this
	// package, and a broker is started in the middle of a check.
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	p.command.Stdout = in
	err = p.command.Start()
	_ = in.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.end)
	_ = out.SetReadDeadline(time.Now().Add(3 * time.Minute)) // it may have to install itself first
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if line, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
			_, p.where, _ = strings.Cut(line, "=")
			return p
		}
	}
	t.Fatalf("peers/%s ended before it was ready", script)
	return nil
}

func (p *process) end() {
	if p.command.ProcessState == nil {
		_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGTERM)
		_ = p.command.Wait()
	}
}

// peer is the real Zigbee2MQTT on a simulated radio, at a real Mosquitto, with
// its announcements for Home Assistant.
type peer struct {
	t                   *testing.T // the test under way
	whole               *testing.T // the one at whose end the programs end
	port, data, control string
	broker              *process
}

func startPeer(t *testing.T) *peer {
	t.Helper()
	_, noBroker := exec.LookPath("mosquitto")
	if _, err := os.Stat("/usr/sbin/mosquitto"); err == nil {
		noBroker = nil
	}
	if os.Getenv("SASHLOCK_PEERS") != "1" || noBroker != nil {
		if os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal("the real Zigbee2MQTT needs npm, Mosquitto and SASHLOCK_PEERS=1")
		}
		t.Skip("the real Zigbee2MQTT needs npm, Mosquitto and SASHLOCK_PEERS=1: make test sees to all")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	p := &peer{t: t, whole: t, port: port, data: t.TempDir()}
	p.rise()
	p.control = run(t, "zigbee", "MQTT_URL=mqtt://127.0.0.1:"+port, "ZIGBEE_CTL_PORT=0", "ZIGBEE_DATA="+t.TempDir(), "ZIGBEE_HASS=1").where
	return p
}

func (p *peer) rise() {
	if p.broker == nil {
		p.broker = run(p.whole, "mqtt", "MQTT_PORT="+p.port, "MQTT_DATA="+p.data)
	}
}

func (p *peer) fall() {
	if p.broker != nil {
		p.broker.end()
		p.broker = nil
	}
}

// act does something to the physical world.
func (p *peer) act(act, address string, more ...string) error {
	_, digits, _ := strings.Cut(address, "0x0c0000000000000")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, p.control+"/"+act+"?device="+digits[:1]+strings.Join(more, ""), nil)
	if err != nil {
		return err
	}
	q.Close = true
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err == nil && a.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", act, body)
	}
	return err
}

func (p *peer) must(act, address string, more ...string) {
	p.t.Helper()
	if err := p.act(act, address, more...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) config() json.RawMessage {
	text, _ := json.Marshal(Config{Broker: "tcp://127.0.0.1:" + p.port})
	return text
}

// peerWorld does to the peer's devices what the conformance suite asks for.
type peerWorld struct{ *peer }

func (w peerWorld) OperateByHand(address string, verb sashlock.Verb) error {
	if verb == sashlock.DoLock {
		return w.act("manual-lock", address)
	}
	return w.act("manual-unlock", address)
}
func (w peerWorld) Jam(address string) error        { return w.act("jam", address) }
func (w peerWorld) Unjam(address string) error      { return w.act("unjam", address) }
func (w peerWorld) OpenDoor(address string) error   { return w.act("zone", address, "&status=1") }
func (w peerWorld) CloseDoor(address string) error  { return w.act("zone", address, "&status=0") }
func (w peerWorld) PersonNear(address string) error { return w.act("zone", address, "&status=1") }
func (w peerWorld) PersonGone(address string) error { return w.act("zone", address, "&status=0") }
func (w peerWorld) KillGateway() error              { w.fall(); return nil }
func (w peerWorld) RestartGateway() error           { w.rise(); return nil }
func (w peerWorld) Battery(address string, level int) error {
	return w.act("battery", address, fmt.Sprintf("&level=%d", level))
}

// TestPeer tries everything against the genuine announcements of Zigbee2MQTT.
func TestPeer(t *testing.T) {
	p := startPeer(t)
	t.Run("conformance", func(t *testing.T) { peerConformance(t, p) })
	t.Run("orders", func(t *testing.T) { peerOrders(t, p) })
	t.Run("a bolt that does not move", func(t *testing.T) { peerStuck(t, p) })
}

// stand makes that a device has said how it stands since the peer began.
func (p *peer) stand() {
	for _, lock := range []string{kwikset, yale} {
		p.must("reset", lock)
		p.must("manual-unlock", lock)
		p.must("manual-lock", lock)
	}
	for _, sensor := range []string{contact, motion} {
		p.must("zone", sensor, "&status=1")
		p.must("zone", sensor, "&status=0")
	}
}

func peerConformance(t *testing.T, p *peer) {
	lock := []sashlock.Capability{sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsJam, sashlock.TellsBattery, sashlock.SecureLink}
	drivertest.Run(t, drivertest.Harness{
		Driver: New(),
		New: func(t *testing.T) drivertest.Stage {
			p.t = t
			p.rise()
			p.stand()
			p.awaitKept(t, yale, sashlock.LockLocked)
			return drivertest.Stage{
				Config: p.config(), World: peerWorld{p}, Lock: kwikset, Contact: contact, Motion: motion,
				Expected: []drivertest.Expected{
					{Address: kwikset, Capabilities: lock}, {Address: yale, Capabilities: lock},
					{Address: contact, Capabilities: []sashlock.Capability{sashlock.TellsPosition, sashlock.TellsBattery}},
					{Address: motion, Capabilities: []sashlock.Capability{sashlock.TellsPresence, sashlock.TellsBattery}},
				},
			}
		},
		Bad: badConfigs(), Patience: patience,
	})
}

// awaitKept waits until the broker keeps the last of what stand did.
func (p *peer) awaitKept(t *testing.T, address string, kind sashlock.EventKind) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		rec := drivertest.NewRecorder()
		s, err := New().Open(t.Context(), p.config(), rec)
		if err != nil {
			t.Fatal(err)
		}
		kept := rec.Until(2*time.Second, func() bool {
			return len(rec.Reports(0, func(r driver.Report) bool { return r.Address == address && r.Kind == kind && r.State })) > 0
		})
		_ = s.Close()
		if kept {
			return
		}
	}
	t.Fatalf("%s never said %s", address, kind)
}

func (p *peer) open(t *testing.T) (*session, *drivertest.Recorder) {
	t.Helper()
	p.t = t
	p.rise()
	p.stand()
	p.awaitKept(t, yale, sashlock.LockLocked)
	rec := drivertest.NewRecorder()
	s, err := New().Open(t.Context(), p.config(), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for _, lock := range []string{kwikset, yale} {
		rec.Await(t, patience, 0, "how "+lock+" stands", func(r driver.Report) bool { return r.Address == lock && r.Kind == sashlock.LockLocked })
	}
	return s.(*session), rec
}

func peerOrders(t *testing.T, p *peer) {
	s, rec := p.open(t)
	for i, lock := range []string{kwikset, yale} {
		id := sashlock.CommandID(fmt.Sprintf("act_%d", i))
		mark, began := rec.Mark(), time.Now()
		if err := s.Operate(t.Context(), driver.Order{Command: id, Address: lock, Verb: sashlock.DoUnlock}); err != nil {
			t.Fatal(err)
		}
		rec.Await(t, patience, mark, "the lock's word", func(r driver.Report) bool {
			return r == driver.Report{Address: lock, Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote, Command: id}
		})
		t.Logf("%s confirmed after %v", lock, time.Since(began).Round(time.Millisecond))
	}
}

// peerStuck: Zigbee2MQTT says "UNLOCK" of a bolt that did not move; its lock says
// otherwise, and so do we.
func peerStuck(t *testing.T, p *peer) {
	s, rec := p.open(t)
	p.must("jam", kwikset)
	mark := rec.Mark()
	if err := s.Operate(t.Context(), driver.Order{Command: "act_1", Address: kwikset, Verb: sashlock.DoUnlock}); err != nil {
		t.Fatal(err)
	}
	rec.Await(t, patience, mark, "that the bolt stopped short", func(r driver.Report) bool {
		return r == driver.Report{Address: kwikset, Kind: sashlock.LockHalfway, Method: sashlock.ByRemote, Command: "act_1"}
	})
	if told := rec.Reports(mark, func(r driver.Report) bool { return r.Address == kwikset && r.Kind == sashlock.LockUnlocked }); len(told) > 0 {
		t.Errorf("told of a bolt that did not move: %+v", told)
	}
	p.must("unjam", kwikset)
}
