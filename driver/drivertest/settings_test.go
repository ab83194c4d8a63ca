// SPDX-License-Identifier: Apache-2.0

package drivertest

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/driver"
)

// wired is a configuration with one of everything.
type wired struct {
	Port    string `json:"port"`
	Speed   int    `json:"speed,omitempty"`
	Quiet   bool   `json:"quiet"`
	Readers []struct {
		Address int    `json:"address"`
		Key     string `json:"key_file"`
	} `json:"readers"`
}

// strict takes a wired configuration with a port, and a quiet one with a speed
// only.
type strict struct{ driver.Driver }

func (strict) Check(config json.RawMessage) error {
	var c wired
	if err := driver.DecodeConfig(config, &c); err != nil {
		return err
	}
	switch {
	case c.Port == "":
		return driver.BadConfig("port", "give a port")
	case c.Quiet && c.Speed == 0:
		return driver.BadConfig("quiet", "it needs a speed")
	case len(c.Readers) > 0 && c.Readers[0].Address == 0:
		return driver.BadConfig("readers[0].address", "give a number")
	}
	return nil
}

func wiredSettings() []driver.Setting {
	return []driver.Setting{
		{Key: "port", Kind: driver.SettingText, Required: true, Example: "/dev/ttyUSB0"},
		{Key: "speed", Kind: driver.SettingNumber, Default: "9600"},
		{Key: "quiet", Kind: driver.SettingYesNo, With: map[string]string{"speed": "9600"}},
		{Key: "readers", Kind: driver.SettingRows, Fields: []driver.Setting{
			{Key: "address", Kind: driver.SettingNumber, Required: true, Example: "1"},
			{Key: "key_file", Kind: driver.SettingSecretFile, Example: "/etc/key"},
		}},
	}
}

func settingsFlaws(all []driver.Setting) []string {
	return append(keyFlaws(all, reflect.TypeFor[wired](), ""), checkFlaws(strict{}, all)...)
}

// Each change of a good manifest must be noticed.
func TestSettingsNoticesWhatIsWrong(t *testing.T) {
	if flaws := settingsFlaws(wiredSettings()); len(flaws) > 0 {
		t.Fatalf("a good manifest: %q", flaws)
	}
	for want, change := range map[string]func([]driver.Setting) []driver.Setting{
		"speed is in the configuration":             func(s []driver.Setting) []driver.Setting { return slices.Delete(s, 1, 2) },
		"bell is in the manifest":                   func(s []driver.Setting) []driver.Setting { return append(s, driver.Setting{Key: "bell"}) },
		"speed is a text in the manifest":           func(s []driver.Setting) []driver.Setting { s[1].Kind = driver.SettingText; return s },
		"with nothing but what is required":         func(s []driver.Setting) []driver.Setting { s[0].Required = false; return s },
		"without speed":                             func(s []driver.Setting) []driver.Setting { s[1].Required = true; return s },
		"with quiet it is refused":                  func(s []driver.Setting) []driver.Setting { s[2].With = nil; return s },
		"readers[].key_file is in the":              func(s []driver.Setting) []driver.Setting { s[3].Fields = s[3].Fields[:1]; return s },
		"with one row of readers":                   func(s []driver.Setting) []driver.Setting { s[3].Fields[0].Required = false; return s },
		"with a row without key_file":               func(s []driver.Setting) []driver.Setting { s[3].Fields[1].Required = true; return s },
		"readers[].key_file is a yes_no in the man": func(s []driver.Setting) []driver.Setting { s[3].Fields[1].Kind = driver.SettingYesNo; return s },
	} {
		if flaws := strings.Join(settingsFlaws(change(wiredSettings())), "\n"); !strings.Contains(flaws, want) {
			t.Errorf("%q was not said:\n%s", want, flaws)
		}
	}
}
