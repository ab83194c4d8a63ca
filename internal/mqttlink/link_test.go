// SPDX-License-Identifier: Apache-2.0

package mqttlink

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
)

func TestCheck(t *testing.T) {
	for field, c := range map[string]Config{
		"broker":        {Broker: "mqtt:1883", ClientID: "a"},
		"user":          {Broker: "tcp://a", PasswordFile: "x", ClientID: "a"},
		"password_env":  {Broker: "tcp://a", User: "u", PasswordEnv: "1 2", ClientID: "a"},
		"password_file": {Broker: "tcp://a", User: "u", PasswordEnv: "A", PasswordFile: "b", ClientID: "a"},
		"ca_file":       {Broker: "ws://a", CAFile: "b", ClientID: "a"},
		"client_id":     {Broker: "tcp://a"},
	} {
		err := c.Check()
		if e, ok := err.(*sashlock.Error); !ok || e.Kind != sashlock.Invalid || e.Subject != field {
			t.Errorf("%+v: %v, want it to name %s", c, err, field)
		}
	}
	if err := (Config{Broker: "wss://a/mqtt", User: "u", PasswordEnv: "A", CAFile: "c", ClientID: "a"}).Check(); err != nil {
		t.Error(err)
	}
}

func TestPassword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("open sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_MQTT", "from here")
	for want, c := range map[string]Config{"open sesame": {PasswordFile: file}, "from here": {PasswordEnv: "TEST_MQTT"}, "": {}} {
		if got, err := c.password(); got != want || err != nil {
			t.Errorf("%+v: %q, %v; want %q", c, got, err, want)
		}
	}
	if _, err := (Config{PasswordEnv: "TEST_MQTT_NOT_SET"}).password(); !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("a variable that is not set: %v", err)
	}
}

// TestNobodyThere dials brokers that are not there, or that say nothing.
func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, address := range map[string]string{"nobody": "127.0.0.1:1", "mute": l.Addr().String()} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		began := time.Now()
		_, err := Dial(ctx, Config{Broker: "tcp://" + address, ClientID: "a", User: "u", PasswordEnv: "PATH"}, nil)
		cancel()
		if !sashlock.IsKind(err, sashlock.Unavailable) || strings.Contains(err.Error(), os.Getenv("PATH")) {
			t.Errorf("%s: %v, want kind unavailable and no password", name, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
	}
}
