// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/devicekeys"
)

// stored makes a data folder in which a store node ran whose clock was ahead by
// the given time.
func stored(t *testing.T, ahead time.Duration) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	if _, err := app.Init(data); err != nil {
		t.Fatal(err)
	}
	config, err := app.ReadConfig(data)
	if err != nil {
		t.Fatal(err)
	}
	config.JournalSize = 1 << 20
	h, err := app.NewWithClock(t.Context(), config, slog.New(slog.DiscardHandler), func() time.Time { return time.Now().Add(ahead) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Connect(t.Context(), "http://127.0.0.1:1", app.ConnectionFile); err != nil {
		t.Fatal(err)
	}
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	return data
}

// examined is what the doctor says about a data folder, line by line.
func examined(t *testing.T, data string) (lines []string, well bool) {
	t.Helper()
	var out, errOut bytes.Buffer
	d := &desk{
		ctx: t.Context(), globals: globals{Data: data}, out: &out, err: &errOut, now: time.Now,
		getenv: func(string) string { return "" },
	}
	err := (&doctorCommand{Offline: true}).Run(d)
	var code status
	if err != nil && !errors.As(err, &code) {
		t.Fatal(err)
	}
	return strings.Split(out.String(), "\n"), err == nil
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		ahead time.Duration
		spoil func(data string) error
		want  string // the only line that complains; empty: all is well
	}{
		"nothing": {},
		"a clock that went back": {
			ahead: 2 * time.Hour, want: "clock\tthe newest entry is 2h0m0s ahead of this machine's clock → set the clock, by NTP",
		},
		"a key that others may read": {
			spoil: func(data string) error { return os.Chmod(filepath.Join(data, "keys", "ledger.key"), 0o644) },
			want:  "files\tothers may read",
		},
		"a token that others may read": {
			spoil: func(data string) error { return os.Chmod(filepath.Join(data, app.ConnectionFile), 0o640) },
			want:  "files\tothers may read",
		},
		"an unknown key in the configuration": {
			spoil: func(data string) error {
				return os.WriteFile(filepath.Join(data, app.ConfigFile), []byte("colour: blue\n"), 0o600)
			},
			want: "config\tconfig.yaml: line 1, column 1, colour: there is no key of this name → mend ",
		},
		"no keys": {
			spoil: func(data string) error {
				return os.Rename(filepath.Join(data, "keys", "command.key"), filepath.Join(data, "x"))
			},
			want: "restore the keys folder from a backup",
		},
		"the keys of another store": {
			spoil: func(data string) error {
				other := filepath.Join(t.TempDir(), "other")
				if _, err := app.Init(other); err != nil {
					return err
				}
				if err := os.RemoveAll(filepath.Join(data, "keys")); err != nil {
					return err
				}
				return os.Rename(filepath.Join(other, "keys"), filepath.Join(data, "keys"))
			},
			want: "ledger\tthe database holds the ledger of sashlock.local/",
		},
		"a device whose certificate ends": {
			spoil: func(data string) error {
				return enrolled(t, data, time.Now().Add(24*time.Hour-devicekeys.CertificateLife))
			},
			want: "certificates\tof 1 device these end within two months: till-3 (" + time.Now().Add(24*time.Hour).UTC().Format(time.DateOnly) + ") → have them renewed",
		},
		"a device whose certificate is good": {
			spoil: func(data string) error { return enrolled(t, data, time.Now()) },
		},
		"no database": {
			spoil: func(data string) error { return os.Remove(filepath.Join(data, "store.db")) },
			want:  "database\tthere is none in this folder yet → sashlock serve",
		},
	} {
		t.Run(name, func(t *testing.T) {
			data := stored(t, c.ahead)
			if c.spoil != nil {
				if err := c.spoil(data); err != nil {
					t.Fatal(err)
				}
			}
			lines, well := examined(t, data)
			var bad []string
			for _, l := range lines {
				if strings.HasPrefix(l, markNo) {
					bad = append(bad, l)
				}
			}
			if c.want == "" && (len(bad) > 0 || !well) {
				t.Errorf("complains: %q", bad)
			}
			if c.want != "" && (len(bad) != 1 || well || !strings.Contains(bad[0], c.want)) {
				t.Errorf("complains of %q, want only %q", bad, c.want)
			}
		})
	}
}

// enrolled enrols a device in a data folder as if it was then.
func enrolled(t *testing.T, data string, then time.Time) error {
	t.Helper()
	keys, err := devicekeys.Open(app.DeviceKeys(data), func() time.Time { return then })
	if err != nil {
		return err
	}
	code, _, err := keys.Invite("lisbon", "till-3")
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return err
	}
	_, err = keys.Enrol(code.Secret, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	return err
}

func TestDoctorOfAFolderThatWasNotSetUp(t *testing.T) {
	data := t.TempDir()
	lines, well := examined(t, data)
	if text := strings.Join(lines, "\n"); well || !strings.Contains(text, "this folder was not set up → sashlock init --data "+data) {
		t.Errorf("says %q", text)
	}
}

func TestCount(t *testing.T) {
	for want, have := range map[string]string{"1 entry": count(1, "entry", "entries"), "2 entries": count(2, "entry", "entries"), "0 gateways": count(0, "gateway", "gateways")} {
		if have != want {
			t.Errorf("%q, want %q", have, want)
		}
	}
}

// The brokers of all gateways are measured, each once; package mqttlink measures
// a real one that holds packets back.
func TestDoctorMeasuresBrokers(t *testing.T) {
	data := stored(t, 0)
	text := "gateways:\n"
	for _, name := range []string{"one", "two"} {
		text += "  - name: " + name + "\n    driver: zigbee2mqtt\n    config: {broker: \"tcp://127.0.0.1:1\"}\n"
	}
	text += "  - name: three\n    driver: zwavejs\n    config: {url: \"ws://127.0.0.1:1\"}\n"
	if err := os.WriteFile(filepath.Join(data, app.ConfigFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	x := &examination{desk: &desk{ctx: t.Context(), now: time.Now}, data: data}
	s := x.database()
	x.brokers(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	brokers := slices.DeleteFunc(x.findings, func(f finding) bool { return f.Check != "broker" })
	if len(brokers) != 1 || brokers[0].OK || !strings.Contains(brokers[0].Found, "one: ") || !strings.Contains(brokers[0].Found, "refused") {
		t.Errorf("%+v", brokers)
	}
}
