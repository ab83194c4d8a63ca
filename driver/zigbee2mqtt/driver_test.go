// SPDX-License-Identifier: Apache-2.0

package zigbee2mqtt

import (
	"encoding/json"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/drivertest"
)

func badConfigs() []drivertest.BadConfig {
	bad := func(name, field, config string) drivertest.BadConfig {
		return drivertest.BadConfig{Name: name, Field: field, Config: json.RawMessage(config)}
	}
	return []drivertest.BadConfig{
		bad("no broker", "broker", `{}`),
		bad("another scheme", "broker", `{"broker":"http://127.0.0.1"}`),
		bad("a password in the address", "broker", `{"broker":"tcp://me:secret@127.0.0.1"}`),
		bad("a password without a user", "user", `{"broker":"tcp://127.0.0.1","password_file":"x"}`),
		bad("the password itself", "password_env", `{"broker":"tcp://127.0.0.1","user":"a","password_env":"not a name!"}`),
		bad("two passwords", "password_file", `{"broker":"tcp://127.0.0.1","user":"a","password_env":"A","password_file":"b"}`),
		bad("an authority for clear text", "ca_file", `{"broker":"tcp://127.0.0.1","ca_file":"x"}`),
		bad("a wildcard", "topic", `{"broker":"tcp://127.0.0.1","topic":"#"}`),
		bad("a client of many words", "client_id", `{"broker":"tcp://127.0.0.1","client_id":"a b"}`),
		bad("too many slots", "slots", `{"broker":"tcp://127.0.0.1","slots":1000}`),
		bad("a number", "broker", `{"broker":1883}`),
	}
}

func TestConfig(t *testing.T) {
	for _, b := range badConfigs() {
		if err := New().Check(b.Config); !sashlock.IsKind(err, sashlock.Invalid) {
			t.Errorf("%s: %v, want kind invalid", b.Name, err)
		}
	}
	for _, good := range []string{
		`{"broker":"tcp://127.0.0.1:1883"}`,
		`{"broker":"tls://broker.example","user":"sashlock","password_file":"/run/secrets/mqtt","ca_file":"/etc/ca.pem","topic":"shop/zigbee","client_id":"store-1"}`,
		`{"broker":"wss://broker.example/mqtt","user":"sashlock","password_env":"MQTT_PASSWORD"}`,
	} {
		if err := New().Check(json.RawMessage(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

func TestManifest(t *testing.T) {
	m, err := New().Manifest()
	if err != nil || len(m.Models) != 6 {
		t.Errorf("manifest: %d models, %v; want 6", len(m.Models), err)
	}
}
