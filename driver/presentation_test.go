// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
)

// A PIN that is printed, logged, marshalled or wrapped in an error is not to be
// found in what came out.
func TestWhatIsPresentedNeverPrints(t *testing.T) {
	const pin = "493817"
	p := Presentation{Address: "5", Shown: []Shown{{Kind: sashlock.PIN, Secret: Hide(pin)}}}
	inside := struct{ p Presentation }{p} // unexported: no method is called
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", p)
		fmt.Fprintf(&out, verb+"\n", &p)
		fmt.Fprintf(&out, verb+"\n", inside)
		fmt.Fprintf(&out, verb+"\n", p.Shown[0].Secret)
		fmt.Fprintln(&out, errors.Join(fmt.Errorf("presenting "+verb+": %w", p.Shown, errors.New("no"))))
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("presented", "what", p, "pin", p.Shown[0].Secret, "all", p.Shown)
	}
	if text, err := json.Marshal(p); err == nil {
		t.Errorf("it was marshalled: %s", text)
	}
	if said := out.String(); strings.Contains(said, pin) || strings.Contains(said, fmt.Sprintf("%x", pin)) || !strings.Contains(said, hidden) {
		t.Errorf("what came out:\n%s", said)
	}
	if got := p.Shown[0].Secret.Reveal(); got != pin {
		t.Errorf("revealed %q", got)
	}
	if (Hidden{}).Reveal() != "" {
		t.Error("nothing reveals something")
	}
}
