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
		"listen: 127.0.0.1:7117\nlisten: 127.0.0.1:7118": "config.yaml: line 2, column 1, listen: this key is given twice",
		"password: admin":                                "config.yaml: line 1, column 1, password: there is no key of this name",
		"journal_size: large":                            "config.yaml: line 1, column 15, journal_size: this has to be a whole number",
		"gateways:\n  - nmae: radio-1":                   "config.yaml: line 2, column 5, gateways[0].nmae: there is no key of this name",
		"database: mysql://u:secret@h/x":                 "database: write the address of a PostgreSQL database",
		"journal_size: -1":                               "journal_size: write a number of bytes",
		"gateways: !00":                                  "config.yaml: ",
		"listen: 127.0.0.1:7117\n---\n{}":                "config.yaml: keep one YAML document",
		"gateways: [{name: Radio 1, driver: zwavejs}]":   "gateways[0].name",
		"gateways: [{name: radio-1, driver: telepathy}]": "gateways[0].driver",
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
