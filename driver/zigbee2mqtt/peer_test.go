// SPDX-License-Identifier: Apache-2.0

package zigbee2mqtt

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

// peerPatience is how long the real programs may take.
const peerPatience = 20 * time.Second

const (
	kwikset  = "0x0c00000000000001"
	danalock = "0x0c00000000000002"
	yale     = "0x0c00000000000003"
	schlage  = "0x0c00000000000004"
	contact  = "0x0c00000000000005"
	motion   = "0x0c00000000000006"
)

// process is one of the programs, and its line that says where it is.
type process struct {
	command *exec.Cmd
	where   string
}

// run starts a program of peers/ and waits for its line.
func run(t *testing.T, script string, env ...string) *process {
	t.Helper()
	p := &process{command: exec.Command("sh", "../../peers/"+script+"/run.sh")}
	p.command.Env = append(os.Environ(), append(env, "TMPDIR="+os.TempDir())...)
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
	t.Cleanup(func() { p.end(syscall.SIGTERM) })
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

// end ends a program and all it started, and waits until it is gone.
func (p *process) end(signal syscall.Signal) {
	if p.command.ProcessState == nil {
		_ = syscall.Kill(-p.command.Process.Pid, signal)
		_ = p.command.Wait()
	}
}

// peer is the real Zigbee2MQTT on a simulated radio, at a real Mosquitto.
type peer struct {
	t       *testing.T
	port    string
	control string
	data    string
	broker  *process
	zigbee  *process
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
	p := &peer{t: t, port: freePort(t), control: "0", data: t.TempDir()}
	p.startBroker()
	p.startZigbee()
	return p
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (p *peer) startBroker() {
	if p.broker == nil {
		p.broker = run(p.t, "mqtt", "MQTT_PORT="+p.port, "MQTT_DATA="+p.data)
	}
}

func (p *peer) stopBroker() {
	if p.broker != nil {
		p.broker.end(syscall.SIGTERM)
		p.broker = nil
	}
}

func (p *peer) startZigbee() {
	p.zigbee = run(p.t, "zigbee", "MQTT_URL=mqtt://127.0.0.1:"+p.port, "ZIGBEE_CTL_PORT="+p.control, "ZIGBEE_DATA="+p.data)
	_, p.control, _ = strings.Cut(strings.TrimPrefix(p.zigbee.where, "http://"), ":")
}

// act does something to the physical world.
func (p *peer) act(act string, address string, more ...string) error {
	_, err := p.ask(act, address, more...)
	return err
}

func (p *peer) ask(act string, address string, more ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	url := "http://127.0.0.1:" + p.control + "/" + act + "?device=" + address[len(address)-1:] + strings.Join(more, "")
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
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

func (p *peer) must(act string, address string, more ...string) {
	p.t.Helper()
	if err := p.act(act, address, more...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) config(id string) json.RawMessage {
	text, _ := json.Marshal(Config{Broker: "tcp://127.0.0.1:" + p.port, ClientID: id, Slots: 5})
	return text
}

// testPIN is a code that is set in tests and may turn up nowhere.
const testPIN = "739184"

// peerWorld does to the peer's devices what the conformance suite asks for.
type peerWorld struct{ *peer }

func (w peerWorld) OperateByHand(address string, verb sashlock.Verb) error {
	if verb == sashlock.DoLock {
		return w.act("manual-lock", address)
	}
	return w.act("manual-unlock", address)
}
func (w peerWorld) OpenDoor(address string) error  { return w.act("zone", address, "&status=1") }
func (w peerWorld) CloseDoor(address string) error { return w.act("zone", address, "&status=0") }
func (w peerWorld) PersonNear(address string) error {
	return w.act("zone", address, "&status=1")
}
func (w peerWorld) PersonGone(address string) error {
	return w.act("zone", address, "&status=0")
}
func (w peerWorld) Jam(address string) error   { return w.act("jam", address) }
func (w peerWorld) Unjam(address string) error { return w.act("unjam", address) }
func (w peerWorld) KeypadUnlock(address string, slot int) error {
	return w.act("keypad-unlock", address, fmt.Sprintf("&user=%d", slot))
}
func (w peerWorld) RefuseCodes(address string, on bool) error {
	return w.act("refuse-codes", address, fmt.Sprintf("&on=%t", on))
}
func (w peerWorld) WrongCode(address string) error { return w.act("wrong-code", address) }
func (w peerWorld) Battery(address string, percent int) error {
	return w.act("battery", address, fmt.Sprintf("&level=%d", percent))
}
func (w peerWorld) KillGateway() error    { w.stopBroker(); return nil }
func (w peerWorld) RestartGateway() error { w.startBroker(); return nil }

// TestPeer tries everything against the real Zigbee2MQTT and Mosquitto.
func TestPeer(t *testing.T) {
	p := startPeer(t)
	t.Run("conformance", func(t *testing.T) { peerConformance(t, p) })
	t.Run("orders are named", func(t *testing.T) { peerOrders(t, p) })
	t.Run("release", func(t *testing.T) { peerRelease(t, p) })
	t.Run("jams", func(t *testing.T) { peerJams(t, p) })
	t.Run("silent lock", func(t *testing.T) { peerSilent(t, p) })
	t.Run("renamed", func(t *testing.T) { peerRenamed(t, p) })
	t.Run("we are restarted", func(t *testing.T) { peerRestarted(t, p) })
	t.Run("radio lost and back", func(t *testing.T) { peerRadio(t, p) })
}

// peerConformance runs the suite of every driver for one of the locks.
func peerConformance(t *testing.T, p *peer) {
	lock := []sashlock.Capability{
		sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsJam, sashlock.TellsWho, sashlock.TellsBattery, sashlock.HasCodes, sashlock.SecureLink,
	}
	d := New()
	d.pace.Min, d.pace.Max = 50*time.Millisecond, 500*time.Millisecond
	drivertest.Run(t, drivertest.Harness{
		Driver: d,
		New: func(t *testing.T) drivertest.Stage {
			p.startBroker()
			p.must("reset", kwikset)
			p.must("reset", contact)
			p.must("set-code", kwikset, "&user=3&code="+testPIN)
			return drivertest.Stage{
				Config: p.config(""), World: peerWorld{p}, Lock: kwikset, Contact: contact, Motion: motion, Slot: 3,
				PINs: []string{testPIN},
				Expected: []drivertest.Expected{
					{Address: kwikset, Capabilities: lock}, {Address: danalock, Capabilities: lock}, {Address: yale, Capabilities: lock}, {Address: schlage, Capabilities: lock},
					{Address: contact, Capabilities: []sashlock.Capability{sashlock.TellsPosition, sashlock.TellsBattery}},
					{Address: motion, Capabilities: []sashlock.Capability{sashlock.TellsPresence, sashlock.TellsBattery}},
				},
			}
		},
		Bad:      badConfigs(),
		Patience: peerPatience,
	})
}

// openPeer opens a session and waits until all locks have said how they stand.
func openPeer(t *testing.T, p *peer) (*session, *drivertest.Recorder) {
	t.Helper()
	p.startBroker()
	for _, lock := range []string{kwikset, danalock, yale, schlage} {
		p.must("reset", lock)
	}
	rec := drivertest.NewRecorder()
	s, err := New().Open(t.Context(), p.config(""), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	awaitLocked(t, rec, 0)
	return s.(*session), rec
}

func awaitLocked(t *testing.T, rec *drivertest.Recorder, since int) {
	t.Helper()
	for _, lock := range []string{kwikset, danalock, yale, schlage} {
		want(t, rec, since, driver.Report{Address: lock, Kind: sashlock.LockLocked, State: true})
	}
}

// want waits for exactly one report.
func want(t *testing.T, rec *drivertest.Recorder, since int, want driver.Report) {
	t.Helper()
	rec.Await(t, peerPatience, since, want.Address+" "+string(want.Kind), func(r driver.Report) bool { return r == want })
}

func noUnlock(t *testing.T, rec *drivertest.Recorder, since int) {
	t.Helper()
	if told := rec.Reports(since, func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked }); len(told) > 0 {
		t.Errorf("told of an unlock that was not:\n%s", rec.Text(since))
	}
}

// peerOrders unlocks every lock; its own word names the order and is true.
func peerOrders(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	for i, lock := range []string{kwikset, danalock, yale, schlage} {
		id := sashlock.CommandID(fmt.Sprintf("act_%d", i))
		mark := rec.Mark()
		if err := s.Operate(t.Context(), driver.Order{Command: id, Address: lock, Verb: sashlock.DoUnlock}); err != nil {
			t.Fatal(err)
		}
		want(t, rec, mark, driver.Report{Address: lock, Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote, Command: id})
		if state, err := p.ask("state", lock); err != nil || !strings.Contains(state, `"bolt":"unlocked"`) {
			t.Errorf("told that %s is unlocked, but it is %s, %v", lock, state, err)
		}
	}
}

// peerRelease sets a lock to lock again by itself, and releases it.
func peerRelease(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	order := driver.Order{Command: "act_release", Address: yale, Verb: sashlock.DoRelease, For: time.Second}
	if err := s.Operate(t.Context(), order); !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("a release by a lock that does not lock again: %v, want kind denied", err)
	}
	p.must("relock", yale, "&seconds=2")
	defer p.must("relock", yale, "&seconds=0")
	if !rec.Until(peerPatience, func() bool {
		return sashlock.Device{Capabilities: rec.Devices()[yale].Capabilities}.Has(sashlock.CanRelease)
	}) {
		t.Fatal("the lock locks again by itself and cannot release")
	}
	mark := rec.Mark()
	if err := s.Operate(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	want(t, rec, mark, driver.Report{Address: yale, Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote, Command: "act_release"})
	want(t, rec, mark, driver.Report{Address: yale, Kind: sashlock.LockLocked, Method: sashlock.BySelf})
}

// peerJams orders a jammed lock to unlock: it says that it is jammed, and nothing else.
func peerJams(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	p.must("jam", schlage)
	mark := rec.Mark()
	if err := s.Operate(t.Context(), driver.Order{Command: "act_jam", Address: schlage, Verb: sashlock.DoUnlock}); err != nil && !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("a jammed lock: %v, want kind denied, or none if its own word was faster", err)
	}
	rec.Await(t, peerPatience, mark, "the jam", func(r driver.Report) bool { return r.Address == schlage && r.Kind == sashlock.LockHalfway })
	noUnlock(t, rec, mark)
}

// peerSilent takes a lock off the air.
func peerSilent(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	p.must("mute", danalock)
	mark := rec.Mark()
	err := s.Operate(t.Context(), driver.Order{Command: "act_mute", Address: danalock, Verb: sashlock.DoUnlock})
	if !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("a silent lock: %v, want kind unavailable", err)
	}
	want(t, rec, mark, driver.Report{Address: danalock, Kind: sashlock.DeviceOffline})
	if err := s.Read(t.Context(), danalock); !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("reading a silent lock: %v, want kind unavailable", err)
	}
	p.must("unmute", danalock)
	if err := s.Read(t.Context(), danalock); err != nil {
		t.Fatal(err)
	}
	want(t, rec, mark, driver.Report{Address: danalock, Kind: sashlock.DeviceOnline})
	want(t, rec, mark, driver.Report{Address: danalock, Kind: sashlock.LockLocked, State: true})
	noUnlock(t, rec, mark)
}

// peerRenamed gives a lock another name, with a slash and a space in it.
func peerRenamed(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	for _, name := range []string{"store 2/glass case", "case-2"} {
		l, _, err := s.lookup("renaming", danalock)
		if err != nil {
			t.Fatal(err)
		}
		mark := rec.Mark()
		if err := l.broker.Publish(t.Context(), "zigbee2mqtt/bridge/request/device/rename", 1, []byte(`{"from":"`+danalock+`","to":"`+name+`"}`)); err != nil {
			t.Fatal(err)
		}
		if !rec.Until(peerPatience, func() bool { return rec.Devices()[danalock].Name == name }) {
			t.Fatalf("it is not called %q:\n%s", name, rec.Text(mark))
		}
		if err := s.Read(t.Context(), danalock); err != nil {
			t.Errorf("reading %q: %v", name, err)
		}
		p.must("keypad-unlock", danalock, "&user=4")
		want(t, rec, mark, driver.Report{Address: danalock, Kind: sashlock.LockUnlocked, Method: sashlock.ByKeypad, Slot: 4})
	}
}

// peerRadio takes the radio away, which ends Zigbee2MQTT, and starts it again.
func peerRadio(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	mark := rec.Mark()
	p.must("radio-down", kwikset)
	for _, lock := range []string{kwikset, danalock, yale, schlage} {
		want(t, rec, mark, driver.Report{Address: lock, Kind: sashlock.DeviceOffline})
	}
	err := s.Operate(t.Context(), driver.Order{Command: "act_late", Address: kwikset, Verb: sashlock.DoUnlock})
	if !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("an order without a radio: %v, want kind unavailable", err)
	}
	p.zigbee.end(syscall.SIGKILL)
	mark = rec.Mark()
	p.startZigbee()
	awaitLocked(t, rec, mark)
	noUnlock(t, rec, mark)
}

// peerRestarted has somebody use a code while nobody of ours listens.
func peerRestarted(t *testing.T, p *peer) {
	openPeer(t, p) // all locked, and heard so
	for round := range 2 {
		rec := drivertest.NewRecorder()
		s, err := New().Open(t.Context(), p.config("restarted"), rec)
		if err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			awaitLocked(t, rec, 0)
		} else {
			want(t, rec, 0, driver.Report{Address: schlage, Kind: sashlock.LockUnlocked, Method: sashlock.ByKeypad, Slot: 4})
			want(t, rec, 0, driver.Report{Address: schlage, Kind: sashlock.LockUnlocked, State: true})
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			p.must("keypad-unlock", schlage, "&user=4")
		}
	}
}
