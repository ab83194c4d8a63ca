// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
	"github.com/sashlock/sashlock/driver/edge"
	"github.com/sashlock/sashlock/internal/mqtt"
)

// TestMosquittoClients: the example in shell reports over the clients of
// Mosquitto, and one of them takes a signed command.
func TestMosquittoClients(t *testing.T) {
	sub, err := exec.LookPath("mosquitto_sub")
	if err != nil {
		if os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal("mosquitto-clients is not installed")
		}
		t.Skip("mosquitto-clients is not installed")
	}
	script, err := filepath.Abs("examples/contact.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"311", "5"} {
		t.Run(version, func(t *testing.T) {
			h, rec := newHouse(t, nil), drivertest.NewRecorder()
			session := h.open(t, rec)
			folder := t.TempDir()
			who := h.identity(t, "till-9")
			for name, text := range map[string]string{"till-9.crt": who.Certificate, "till-9.key": who.Key, "house.crt": string(h.keys.PEM())} {
				if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			host, port, _ := strings.Cut(h.address, ":")
			listener := exec.CommandContext(t.Context(), sub, "-h", host, "-p", port, "-V", version, "-q", "1", "-i", "till-9", "-F", "%x", "-C", "1", "-W", "20",
				"--cafile", "house.crt", "--cert", "till-9.crt", "--key", "till-9.key", "-t", edge.Topic("store", "till-9", "cmd"))
			listener.Dir = folder
			out, err := listener.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := listener.Start(); err != nil {
				t.Fatal(err)
			}
			contact := exec.CommandContext(t.Context(), script, host, "till-9", "open")
			contact.Dir, contact.Env = folder, append(os.Environ(), "PORT="+port, "MQTT="+version)
			if said, err := contact.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			rec.Await(t, patience, 0, "the event", func(r driver.Report) bool {
				return r.Address == "till-9" && r.Kind == sashlock.OpeningOpened && r.Number > 0
			})
			rec.Await(t, patience, 0, "the state", func(r driver.Report) bool { return r.Kind == sashlock.OpeningOpened && r.State })
			rec.Await(t, patience, 0, "that it is there", func(r driver.Report) bool { return r.Kind == sashlock.DeviceOnline })
			order := newOrder("till-9")
			order.Signed = edge.Sign(h.Key, order, time.Now(), sashlock.MaxCommandLife)
			// Nobody answers it; that it listens has to be waited for.
			sent := rec.Until(patience, func() bool {
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				return !errors.Is(session.(driver.Operator).Operate(ctx, order), mqtt.ErrNotSubscribed)
			})
			if !sent {
				t.Fatal("the command was not sent")
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if got, err := hex.DecodeString(strings.TrimSpace(line)); err != nil || string(got) != string(order.Signed) {
				t.Errorf("the command came as %q: %v", line, err)
			}
			if err := listener.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}
