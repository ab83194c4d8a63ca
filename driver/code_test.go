// SPDX-License-Identifier: Apache-2.0

package driver_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

func TestPINIsNeverPrinted(t *testing.T) {
	const digits = "739184"
	pin, err := driver.NewPIN(digits)
	if err != nil {
		t.Fatal(err)
	}
	held := struct {
		Code driver.CodeSetting
		More []driver.PIN
		deep struct{ pin driver.PIN }
	}{driver.CodeSetting{Slot: 3, PIN: pin}, []driver.PIN{pin}, struct{ pin driver.PIN }{pin}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%c", "%U", "%08b", "%p"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", pin, held, &held)
	}
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("one", slog.Any("pin", pin), slog.Any("held", held))
	slog.New(slog.NewTextHandler(&out, nil)).Info("one", slog.Any("pin", pin), slog.Any("held", held))
	for what, err := range map[string]error{
		"json": json.NewEncoder(&out).Encode(held), "gob": gob.NewEncoder(&out).Encode(held),
	} {
		if err == nil {
			t.Errorf("%s: a PIN was marshalled", what)
		} else {
			out.WriteString(err.Error())
		}
	}
	if _, err := json.Marshal(map[driver.PIN]int{pin: 1}); err == nil {
		t.Error("a PIN was marshalled as a key")
	}
	for _, trace := range []string{digits, fmt.Sprintf("%x", digits), fmt.Sprintf("%d", []byte(digits))} {
		if strings.Contains(strings.ToLower(out.String()), trace) {
			t.Errorf("the PIN was printed as %q:\n%s", trace, out.String())
		}
	}
	if pin.Reveal() != digits || !pin.Is(digits) || pin.Is("739185") || (driver.PIN{}).Is("") {
		t.Error("the PIN is not what it was made of")
	}
}

func TestNewPIN(t *testing.T) {
	for _, digits := range []string{"", "123", "12345678901", "12a4", "12 4", "١٢٣٤", "1234\x00", "-1234", "+1234"} {
		pin, err := driver.NewPIN(digits)
		if !sashlock.IsKind(err, sashlock.Invalid) || pin != (driver.PIN{}) {
			t.Errorf("NewPIN(%q) = %v", digits, err)
		}
		if digits != "" && err != nil && strings.Contains(err.Error(), digits) {
			t.Errorf("the error repeats %q", digits)
		}
	}
	for _, digits := range []string{"0000", "1234567890"} {
		if pin, err := driver.NewPIN(digits); err != nil || pin.Reveal() != digits {
			t.Errorf("NewPIN(%q) = %v", digits, err)
		}
	}
}
