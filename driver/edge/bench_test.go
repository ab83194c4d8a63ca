// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
	"github.com/sashlock/sashlock/driver/edge"
	"github.com/sashlock/sashlock/driver/edge/lock"
	"github.com/sashlock/sashlock/internal/mqtt/packet"
)

// The benchmarks speak packets themselves, so that the other side costs next to
// nothing. They run over loopback, without encryption unless they say TLS.

// counter is a sink that is always there and keeps little.
type counter struct {
	heard  atomic.Int64
	online atomic.Int64
	wait   sync.Map // of chan struct{} by command
}

func (c *counter) Found(context.Context, driver.Discovery) error { return nil }
func (c *counter) Gateway(context.Context, bool, string)         {}
func (c *counter) Heard(_ context.Context, r driver.Report) error {
	c.heard.Add(1)
	switch {
	case r.Kind == sashlock.DeviceOnline:
		c.online.Add(1)
	case r.Kind == sashlock.DeviceOffline:
		c.online.Add(-1)
	case r.Command != "":
		if done, ok := c.wait.Load(r.Command); ok {
			close(done.(chan struct{}))
		}
	}
	return nil
}

// clearHouse opens a gateway without encryption.
func clearHouse(b *testing.B) (*house, *counter, driver.Session) {
	b.Helper()
	h, sink := newHouse(b, nil), &counter{}
	h.Unhurried()
	h.config = json.RawMessage(fmt.Sprintf(`{"listen":%q,"clear":true}`, h.address))
	return h, sink, h.open(b, sink)
}

// BenchmarkCommand is a signed command to one of a thousand devices and back to
// the sink as the bolt's report.
func BenchmarkCommand(b *testing.B) {
	h, sink, session := clearHouse(b)
	waitFor(b, h)
	all := arriveAll(b, h, names(1000), nil)
	defer leave(all)
	for _, d := range all {
		go d.serve()
	}
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		order := newOrder(all[i*617%len(all)].address)
		done := make(chan struct{})
		sink.wait.Store(order.Command, done)
		began := time.Now()
		if err := session.(driver.Operator).Operate(b.Context(), order); err != nil {
			b.Fatal(err)
		}
		<-done
		took = append(took, time.Since(began))
		sink.wait.Delete(order.Command)
	}
	report(b, took)
}

// waitFor waits until the gateway listens.
func waitFor(b *testing.B, h *house) {
	b.Helper()
	drivertest.NewRecorder().Until(patience, func() bool {
		conn, err := net.Dial("tcp", h.address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	at := func(percent int) float64 { return float64(took[len(took)*percent/100].Microseconds()) }
	b.ReportMetric(at(50), "p50-µs")
	b.ReportMetric(at(99), "p99-µs")
}

// BenchmarkMosquittoRoundTrip is a message of QoS 1 from one client to another
// and back through Mosquitto, to compare with. It needs mosquitto.
func BenchmarkMosquittoRoundTrip(b *testing.B) {
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/mosquitto")
	}
	if err != nil {
		b.Log("mosquitto is not installed: nothing to compare with")
		return
	}
	address := freePort(b)
	_, port, _ := net.SplitHostPort(address)
	settings := filepath.Join(b.TempDir(), "mosquitto.conf")
	// Without the last line a round trip takes 44 ms.
	if err := os.WriteFile(settings, []byte("listener "+port+" 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	broker := exec.CommandContext(b.Context(), program, "-c", settings)
	if err := broker.Start(); err != nil {
		b.Fatal(err)
	}
	h := &house{address: address}
	waitFor(b, h)
	app, err := subscribed(address, "app", "back")
	if err != nil {
		b.Fatal(err)
	}
	defer app.Close()
	other, err := subscribed(address, "lock", "there")
	if err != nil {
		b.Fatal(err)
	}
	defer other.Close()
	go other.bounce("back")
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if err := app.post("there"); err != nil {
			b.Fatal(err)
		}
		for {
			p, err := app.next()
			if err != nil {
				b.Fatal(err)
			}
			if m, is := p.(*packet.Publish); is {
				app.acknowledge(m.ID)
				break
			}
		}
		took = append(took, time.Since(began))
	}
	report(b, took)
}

// subscribed is a client of any broker.
func subscribed(address, name, topic string) (*thing, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	d := &thing{Conn: conn, address: name}
	b, err := packet.Append(nil, packet.V311, &packet.Connect{Version: packet.V311, Clean: true, ClientID: name})
	if err == nil {
		b, err = packet.Append(b, packet.V311, &packet.Subscribe{ID: 1, Filters: []packet.Filter{{Topic: topic, QoS: 1}}})
	}
	if err == nil {
		_, err = d.Write(b)
	}
	for n := 0; n < 2 && err == nil; n++ {
		_, err = d.next()
	}
	return d, err
}

func (d *thing) post(topic string) error {
	d.id = max(d.id+1, 1)
	b, err := packet.Append(nil, packet.V311, &packet.Publish{Topic: topic, QoS: 1, ID: d.id, Payload: make([]byte, 120)})
	if err == nil {
		_, err = d.Write(b)
	}
	return err
}

func (d *thing) acknowledge(id uint16) {
	if b, err := packet.Append(nil, packet.V311, &packet.Puback{ID: id}); err == nil {
		d.Write(b)
	}
}

func (d *thing) bounce(topic string) {
	for {
		p, err := d.next()
		if err != nil {
			return
		}
		if m, is := p.(*packet.Publish); is {
			d.acknowledge(m.ID)
			if d.post(topic) != nil {
				return
			}
		}
	}
}

// BenchmarkIdleDevice is what a connected device costs while it is silent. The
// devices are in a process of their own.
func BenchmarkIdleDevice(b *testing.B) {
	const n = 2000
	for _, encrypted := range []bool{false, true} {
		b.Run(map[bool]string{false: "clear", true: "TLS"}[encrypted], func(b *testing.B) {
			for b.Loop() {
				h, who := idleHouse(b, encrypted, n)
				before := memory()
				gone := elsewhere(b, h.address, who)
				b.ReportMetric(float64(memory()-before)/n/1024, "KiB/device")
				gone()
			}
		})
	}
}

func memory() int {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapInuse + m.StackInuse)
}

// idleHouse opens a gateway and returns who may connect.
func idleHouse(b *testing.B, encrypted bool, n int) (*house, []lock.Identity) {
	b.Helper()
	who := make([]lock.Identity, n)
	if !encrypted {
		h, _, _ := clearHouse(b)
		waitFor(b, h)
		for i, name := range names(n) {
			who[i].Address = name
		}
		return h, who
	}
	h := newHouse(b, nil)
	h.Unhurried()
	h.open(b, &counter{})
	waitFor(b, h)
	for i, name := range names(n) {
		who[i] = h.identity(b, name)
	}
	return h, who
}

// configs is how each device connects.
func configs(b *testing.B, who []lock.Identity) func(string) *tls.Config {
	b.Helper()
	all := map[string]*tls.Config{}
	for _, one := range who {
		if one.Certificate == "" {
			return nil
		}
		how, err := one.TLS()
		if err != nil {
			b.Fatal(err)
		}
		all[one.Address] = how
	}
	return func(name string) *tls.Config { return all[name] }
}

// BenchmarkReconnects is five thousand devices that all come back after a
// restart: connected, subscribed, announced, and acknowledged.
func BenchmarkReconnects(b *testing.B) {
	for _, encrypted := range []bool{false, true} {
		b.Run(map[bool]string{false: "clear", true: "TLS"}[encrypted], func(b *testing.B) {
			h, who := idleHouse(b, encrypted, 5000)
			how := configs(b, who)
			for b.Loop() {
				began := time.Now()
				all := arriveAll(b, h, names(5000), how)
				b.ReportMetric(time.Since(began).Seconds(), "s/5000")
				leave(all)
			}
		})
	}
}

// BenchmarkBesideAFlood is a report of one device while another says ten
// thousand things a second, and before it does.
func BenchmarkBesideAFlood(b *testing.B) {
	for _, flooded := range []bool{false, true} {
		b.Run(map[bool]string{false: "quiet", true: "flooded"}[flooded], func(b *testing.B) {
			h, sink := newHouse(b, nil), &counter{}
			h.config = json.RawMessage(fmt.Sprintf(`{"listen":%q,"clear":true}`, h.address))
			h.open(b, sink)
			waitFor(b, h)
			all := arriveAll(b, h, names(40), nil)
			defer leave(all)
			if flooded {
				flood, err := arrive(h.address, "flood", nil)
				if err != nil {
					b.Fatal(err)
				}
				defer flood.Close()
				go func() {
					tick := time.NewTicker(time.Millisecond)
					defer tick.Stop()
					for range tick.C {
						for range 10 {
							if flood.say("event", edge.Event{Kind: sashlock.LockLocked}) != nil {
								return
							}
						}
					}
				}()
			}
			var took []time.Duration
			tick := time.NewTicker(time.Millisecond) // below the budget of each
			defer tick.Stop()
			for i := 0; b.Loop(); i++ {
				<-tick.C
				d := all[i%len(all)]
				began := time.Now()
				if err := d.say("event", edge.Event{Boot: 1, Seq: uint64(i + 1), Kind: sashlock.LockLocked}); err != nil {
					b.Fatal(err)
				}
				if _, err := d.next(); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			report(b, took)
		})
	}
}
