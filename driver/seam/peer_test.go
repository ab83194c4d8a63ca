// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
)

const (
	august  = "august_device_1"
	porch   = "august_device_2" // it tells whether its door is open
	schlage = "schlage_device_id"
	yale    = "yale_device_1"
	kwikset = "kwikset_device_1"

	peerKey = "seam_apikey1_token"
)

// peer is the fake of its cloud that Seam publishes, started from peers/seam.
type peer struct {
	t            *testing.T
	url, control string
	mail         string // where it sends webhooks
	codes        []string
}

func startPeer(t *testing.T) *peer {
	t.Helper()
	_, err := exec.LookPath("npm")
	if os.Getenv("SASHLOCK_PEERS") != "1" || err != nil {
		if os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal("Seam's fake needs npm and SASHLOCK_PEERS=1")
		}
		t.Skip("Seam's fake needs npm and SASHLOCK_PEERS=1: make test sees to both")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, mail: l.Addr().String()}
	_ = l.Close()
	secret := "whsec_" + base64.StdEncoding.EncodeToString(testSecret)
	t.Setenv("SEAM_TEST_SECRET", secret)
	c := exec.Command("sh", "../../peers/seam/run.sh")
	c.Env = append(os.Environ(), "SEAM_PORT=0", "SEAM_CTL_PORT=0", "SEAM_WEBHOOK=http://"+p.mail+webhookPath, "SEAM_WEBHOOK_SECRET="+secret)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Stderr = os.Stderr
	// The line is read right here: the suite counts the goroutines of this package.
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	c.Stdout = in
	err = c.Start()
	_ = in.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
		_ = c.Wait()
	})
	_ = out.SetReadDeadline(time.Now().Add(2 * time.Minute)) // it may have to install itself first
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n, _ := fmt.Sscanf(lines.Text(), "ready url=%s control=%s", &p.url, &p.control); n == 2 {
			return p
		}
	}
	t.Fatal("peers/seam ended before it was ready")
	return nil
}

// act does something to the physical world, or to the line to it.
func (p *peer) act(act string, more ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, p.control+"/"+act+"?"+strings.Join(more, "&"), nil)
	if err != nil {
		return "", err
	}
	q.Close = true
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

func (p *peer) must(act string, more ...string) string {
	p.t.Helper()
	said, err := p.act(act, more...)
	if err != nil {
		p.t.Fatal(err)
	}
	return said
}

func (p *peer) config(t *testing.T, more ...func(*Config)) json.RawMessage {
	return configFor(t, p.url, peerKey, more...)
}

// webhooks makes a session receive them.
func (p *peer) webhooks(c *Config) { c.Listen, c.SecretEnv = p.mail, "SEAM_TEST_SECRET" }

// rarely makes a driver look so rarely that only webhooks bring news in time.
func rarely() *Driver {
	d := quick()
	d.pace.look, d.pace.list = time.Hour, time.Hour
	return d
}

func (p *peer) open(t *testing.T, d *Driver, more ...func(*Config)) (*session, *drivertest.Recorder) {
	t.Helper()
	p.t = t
	p.must("well")
	for _, l := range []string{august, porch, schlage, yale, kwikset} {
		p.must("reset", "device="+l)
	}
	rec := drivertest.NewRecorder()
	s, err := d.Open(t.Context(), p.config(t, more...), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for _, l := range []string{august, porch, schlage, yale, kwikset} {
		awaitLock(t, rec, 0, driver.Report{Address: l, Kind: sashlock.LockLocked, State: true})
	}
	return s.(*session), rec
}

// awaitLock waits for exactly one report, but for when it happened.
func awaitLock(t *testing.T, rec *drivertest.Recorder, since int, want driver.Report) {
	t.Helper()
	rec.Await(t, patience, since, fmt.Sprintf("%+v", want), func(r driver.Report) bool {
		r.At = time.Time{}
		return r == want
	})
}

// peerWorld does to the peer's devices what the conformance suite asks for.
type peerWorld struct{ *peer }

func (w peerWorld) do(act, id string, more ...string) error {
	_, err := w.act(act, append(more, "device="+id)...)
	return err
}

func (w peerWorld) OperateByHand(id string, verb sashlock.Verb) error {
	if verb == sashlock.DoLock {
		return w.do("manual-lock", id)
	}
	return w.do("manual-unlock", id)
}

func (w peerWorld) KeypadUnlock(id string, slot int) error {
	for _, code := range w.codes {
		if slotOf(code) == slot {
			return w.do("keypad-unlock", id, "code="+code)
		}
	}
	return fmt.Errorf("no code goes by %d", slot)
}
func (w peerWorld) WrongCode(id string) error { return w.do("wrong-code", id) }
func (w peerWorld) Battery(id string, level int) error {
	return w.do("battery", id, fmt.Sprint("level=", level))
}
func (w peerWorld) OpenDoor(id string) error  { return w.do("door-open", id) }
func (w peerWorld) CloseDoor(id string) error { return w.do("door-closed", id) }
func (w peerWorld) Dead(id string) error      { return w.do("offline", id) }
func (w peerWorld) Alive(id string) error     { return w.do("online", id) }
func (w peerWorld) KillGateway() error        { _, err := w.act("down"); return err }
func (w peerWorld) RestartGateway() error     { _, err := w.act("up"); return err }

// TestPeer tries everything against Seam's own fake.
func TestPeer(t *testing.T) {
	p := startPeer(t)
	t.Run("conformance", func(t *testing.T) { peerConformance(t, p) })
	t.Run("orders of every brand", func(t *testing.T) { peerOrders(t, p) })
	t.Run("bolts that do not move", func(t *testing.T) { peerBolts(t, p) })
	t.Run("webhooks alone", func(t *testing.T) { peerWebhooks(t, p) })
	t.Run("webhooks lost, doubled, forged, late", func(t *testing.T) { peerBadMail(t, p) })
	t.Run("outage", func(t *testing.T) { peerOutage(t, p) })
	t.Run("we are restarted", func(t *testing.T) { peerRestart(t, p) })
	t.Run("codes", func(t *testing.T) { peerCodes(t, p) })
}

func peerConformance(t *testing.T, p *peer) {
	drivertest.Run(t, drivertest.Harness{
		Driver: quick(),
		New: func(t *testing.T) drivertest.Stage {
			p.t = t
			p.must("up")
			p.must("well")
			p.must("reset", "device="+kwikset)
			p.must("reset", "device="+porch)
			p.must("clear-codes", "device="+kwikset)
			p.codes = []string{p.must("set-code", "device="+kwikset, "code="+testPIN)}
			stage := drivertest.Stage{
				Config: p.config(t), World: peerWorld{p}, Lock: kwikset, Contact: porch, Slot: slotOf(p.codes[0]), PINs: []string{testPIN},
			}
			for _, l := range []string{august, schlage, yale, kwikset} {
				stage.Expected = append(stage.Expected, drivertest.Expected{Address: l, Capabilities: lockCapabilities()})
			}
			stage.Expected = append(stage.Expected, drivertest.Expected{Address: porch, Capabilities: lockCapabilities(sashlock.TellsPosition)})
			return stage
		},
		Bad: badConfigs(), Patience: patience,
	})
}

// peerOrders unlocks every lock; its own word names the order and is true.
func peerOrders(t *testing.T, p *peer) {
	s, rec := p.open(t, quick())
	var took []string
	for i, lock := range []string{august, schlage, yale, kwikset} {
		for _, verb := range []sashlock.Verb{sashlock.DoUnlock, sashlock.DoLock} {
			id := sashlock.CommandID(fmt.Sprintf("act_%d_%s", i, verb))
			kind := sashlock.LockUnlocked
			if verb == sashlock.DoLock {
				kind = sashlock.LockLocked
			}
			mark, began := rec.Mark(), time.Now()
			if err := s.Operate(t.Context(), driver.Order{Command: id, Address: lock, Verb: verb}); err != nil {
				t.Fatal(err)
			}
			awaitLock(t, rec, mark, driver.Report{Address: lock, Kind: kind, Method: sashlock.ByRemote, Command: id})
			took = append(took, time.Since(began).Round(time.Millisecond).String())
			if state := p.must("state", "device="+lock); !strings.Contains(state, fmt.Sprintf(`"locked":%t`, kind == sashlock.LockLocked)) {
				t.Errorf("told %s of %s, but it is %s", kind, lock, state)
			}
		}
	}
	t.Logf("from the order to the lock's word: %s", strings.Join(took, ", "))
}

// peerBolts: orders that succeed or fail at Seam while the bolt stays.
func peerBolts(t *testing.T, p *peer) {
	s, rec := p.open(t, quick())
	mark := rec.Mark()
	p.must("bolt", "device="+august, "as=stuck")
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	if err := s.Operate(ctx, driver.Order{Command: "act_1", Address: august, Verb: sashlock.DoUnlock}); err != nil {
		t.Errorf("a stuck bolt: %v, and yet Seam says it succeeded", err)
	}
	p.must("bolt", "device="+yale, "as=refuses")
	err := s.Operate(t.Context(), driver.Order{Command: "act_2", Address: yale, Verb: sashlock.DoUnlock})
	if !sashlock.IsKind(err, sashlock.Denied) || strings.Contains(err.Error(), "eyes") {
		t.Errorf("a refusal: %v", err)
	}
	<-ctx.Done()
	// What is done by hand afterwards is told after whatever else there was.
	p.must("manual-unlock", "device="+schlage)
	awaitLock(t, rec, mark, driver.Report{Address: schlage, Kind: sashlock.LockUnlocked, Method: sashlock.ByHand})
	if told := rec.Reports(mark, func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked && r.Address != schlage }); len(told) > 0 {
		t.Errorf("told of bolts that never moved: %+v", told)
	}
}

// peerWebhooks: news comes at once by webhooks signed with Svix's own library.
func peerWebhooks(t *testing.T, p *peer) {
	_, rec := p.open(t, rarely(), p.webhooks)
	for range 3 {
		mark, began := rec.Mark(), time.Now()
		p.must("manual-unlock", "device="+august)
		awaitLock(t, rec, mark, driver.Report{Address: august, Kind: sashlock.LockUnlocked, Method: sashlock.ByHand})
		t.Logf("a hand at the lock was told after %v", time.Since(began).Round(time.Millisecond))
		mark = rec.Mark()
		p.must("auto-lock", "device="+august)
		awaitLock(t, rec, mark, driver.Report{Address: august, Kind: sashlock.LockLocked, Method: sashlock.BySelf})
	}
}

// peerBadMail: however webhooks come, each event is told once and none is made
// up.
func peerBadMail(t *testing.T, p *peer) {
	for mode, answers := range map[string]string{"drop": "", "double": "204", "forge": "401", "late": "401", "hold": ""} {
		t.Run(mode, func(t *testing.T) {
			_, rec := p.open(t, quick(), p.webhooks)
			p.must("webhooks", "mode="+mode)
			mark := rec.Mark()
			p.must("manual-unlock", "device="+august)
			p.must("keypad-lock", "device="+august)
			p.must("auto-lock", "device="+yale)
			awaitLock(t, rec, mark, driver.Report{Address: yale, Kind: sashlock.LockLocked, Method: sashlock.BySelf})
			if answers != "" && !rec.Until(patience, func() bool { return strings.Contains(p.must("answers"), answers) }) {
				t.Errorf("the webhooks were answered with %s, want %s", p.must("answers"), answers)
			}
			p.must("webhooks", "mode=on") // those held come now, backwards
			p.must("manual-unlock", "device="+schlage)
			awaitLock(t, rec, mark, driver.Report{Address: schlage, Kind: sashlock.LockUnlocked, Method: sashlock.ByHand})
			// Webhooks may overtake each other: each says when it happened.
			reports := rec.Reports(mark, func(r driver.Report) bool { return r.Address == august && !r.State })
			slices.SortFunc(reports, func(a, b driver.Report) int { return a.At.Compare(b.At) })
			var told []sashlock.Method
			for _, r := range reports {
				told = append(told, r.Method)
			}
			if diff := cmp.Diff([]sashlock.Method{sashlock.ByHand, sashlock.ByKeypad}, told); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

// peerOutage: the cloud fails in every way it can, a lock is moved meanwhile,
// and that is told afterwards.
func peerOutage(t *testing.T, p *peer) {
	for _, kind := range []string{"500", "503", "cut", "lie", "gone", "slow"} {
		t.Run(kind, func(t *testing.T) {
			d := quick()
			d.pace.call = 300 * time.Millisecond
			s, rec := p.open(t, d)
			mark := rec.Mark()
			p.must("fault", "kind="+kind, "count=1000")
			if !rec.Until(patience, func() bool {
				for _, g := range gateways(rec.All()[mark:]) {
					if !g.Up && g.Why != "" {
						return true
					}
				}
				return false
			}) {
				t.Fatal("it was not said that the cloud is gone")
			}
			t.Logf("said: %s", gateways(rec.All()[mark:])[0].Why)
			err := s.Operate(t.Context(), driver.Order{Command: "act_1", Address: kwikset, Verb: sashlock.DoUnlock})
			if !sashlock.IsKind(err, sashlock.Unavailable) {
				t.Errorf("an order meanwhile: %v", err)
			}
			p.must("manual-unlock", "device="+kwikset)
			p.must("well")
			awaitLock(t, rec, mark, driver.Report{Address: kwikset, Kind: sashlock.LockUnlocked, Method: sashlock.ByHand})
			awaitLock(t, rec, mark, driver.Report{Address: kwikset, Kind: sashlock.LockUnlocked, State: true})
		})
	}
}

// peerRestart: what happens while no session runs is told by the next, once.
func peerRestart(t *testing.T, p *peer) {
	path := filepath.Join(t.TempDir(), "progress")
	file := func(c *Config) { c.ProgressFile = path }
	s, _ := p.open(t, quick(), file)
	_ = s.Close()
	p.must("keypad-unlock", "device="+kwikset, "code=access_code99")
	rec := drivertest.NewRecorder()
	again, err := quick().Open(t.Context(), p.config(t, file), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	awaitLock(t, rec, 0, driver.Report{Address: kwikset, Kind: sashlock.LockUnlocked, Method: sashlock.ByKeypad, Slot: slotOf("access_code99")})
	awaitLock(t, rec, 0, driver.Report{Address: kwikset, Kind: sashlock.LockUnlocked, State: true})
}

// peerCodes: those that Seam keeps and those it only found, of this lock alone.
func peerCodes(t *testing.T, p *peer) {
	s, _ := p.open(t, quick())
	for _, l := range []string{august, yale} {
		p.must("clear-codes", "device="+l)
	}
	var want []driver.Code
	for _, more := range []string{"managed=1", "managed=0"} {
		id := p.must("set-code", "device="+august, "code="+testPIN, more)
		want = append(want, driver.Code{Slot: slotOf(id), InUse: true, Enabled: true})
	}
	p.must("set-code", "device="+yale, "code=123456")
	got, err := s.Codes(t.Context(), august)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
