// SPDX-License-Identifier: Apache-2.0

package mqttlink

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestABrokerThatHoldsPacketsBackIsFound runs the real Mosquitto as it comes,
// which holds small packets back, and told not to.
func TestABrokerThatHoldsPacketsBackIsFound(t *testing.T) {
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		if _, err := os.Stat("/usr/sbin/mosquitto"); err == nil {
			program = "/usr/sbin/mosquitto" // Debian keeps it where only root looks
		}
	}
	if program == "" {
		if os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal("mosquitto is not installed")
		}
		t.Skip("mosquitto is not installed: make test sees to it")
	}
	for _, nodelay := range []bool{false, true} {
		address := startMosquitto(t, program, nodelay)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		p, err := Measure(ctx, Config{Broker: "tcp://" + address}, 9)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("set_tcp_nodelay %t: a message comes back in %v, the network takes %v", nodelay, p.Trip, p.Network)
		if p.Held() == nodelay {
			t.Errorf("set_tcp_nodelay %t: held %t, %+v", nodelay, p.Held(), p)
		}
	}
}

func startMosquitto(t *testing.T, program string, nodelay bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().(*net.TCPAddr)
	_ = l.Close()
	file := filepath.Join(t.TempDir(), "mosquitto.conf")
	text := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay %t\n", address.Port, nodelay)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	broker := exec.Command(program, "-c", file)
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = broker.Process.Kill()
		_ = broker.Wait()
	})
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	over := time.After(20 * time.Second)
	for {
		if c, err := net.Dial("tcp", address.String()); err == nil {
			_ = c.Close()
			return address.String()
		}
		select {
		case <-again.C:
		case <-over:
			t.Fatal("mosquitto does not listen")
		}
	}
}

func TestHeld(t *testing.T) {
	for _, test := range []struct {
		p    Pace
		held bool
	}{
		{Pace{Network: 100 * time.Microsecond, Trip: 44 * time.Millisecond}, true},
		{Pace{Network: 100 * time.Microsecond, Trip: 300 * time.Microsecond}, false},
		{Pace{Network: 40 * time.Millisecond, Trip: 82 * time.Millisecond}, false}, // it is only far away
	} {
		if test.p.Held() != test.held {
			t.Errorf("%+v: held %t", test.p, test.p.Held())
		}
	}
}
