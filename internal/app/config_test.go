// SPDX-License-Identifier: Apache-2.0

package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
)

// A configuration that is wrong is refused with the field, and nothing starts.
func TestWrongConfigurations(t *testing.T) {
	for text, want := range map[string]string{
		"listen: 0.0.0.0:7117": "listen",
		"listen: 7117":         "listen",
		"listen: 127.0.0.1:7117\nlisten: 127.0.0.1:7118": "config.yaml",
		"password: admin": "config.yaml",
		"gateways: [{name: Radio 1, driver: zwavejs}]":                       "gateways[0].name",
		"gateways: [{name: radio-1, driver: telepathy}]":                     "gateways[0].driver",
		"gateways: [{name: a, driver: zwavejs}, {name: a, driver: zwavejs}]": "gateways[1].name",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ConfigFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadConfig(dir)
		if !sashlock.IsKind(err, sashlock.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want it refused with %s", text, err, want)
		}
	}
}

// FuzzDecodeConfig: whatever stands in the file, reading it ends with a
// configuration or an error.
func FuzzDecodeConfig(f *testing.F) {
	f.Add("listen: 127.0.0.1:7117\ngateways:\n  - name: radio-1\n    driver: zwavejs\n    config: {url: ws://127.0.0.1:3000}\n")
	f.Add("gateways: !00")
	f.Add("? ")
	f.Fuzz(func(t *testing.T, text string) {
		var c Config
		if err := decodeConfig([]byte(text), &c); err == nil && len(c.Gateways) > len(text) {
			t.Errorf("%d gateways out of %d bytes", len(c.Gateways), len(text))
		}
	})
}
