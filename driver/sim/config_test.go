// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
)

func TestReadConfigFillsIn(t *testing.T) {
	got, err := readConfig(json.RawMessage(`{"devices":[{"address":"a","kind":"lock"},{"address":"b","kind":"motion","model":"M1","battery":5,"latency_ms":7}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Config{LatencyMS: 30, Devices: []Device{
		{Address: "a", Kind: Lock, Model: "simulated lock", LatencyMS: 30, Battery: 100, RelockMS: 5000},
		{Address: "b", Kind: Motion, Model: "M1", LatencyMS: 7, Battery: 5, RelockMS: 5000},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestManifestTellsTheTruth(t *testing.T) {
	m, err := New(nil).Manifest()
	if err != nil {
		t.Fatal(err)
	}
	of := make(map[string][]sashlock.Capability)
	for _, model := range m.Models {
		of[model.Model] = model.Capabilities
	}
	for _, kind := range []Kind{Lock, LockWithContact, Contact, Motion} {
		if diff := cmp.Diff(of[kind.model()], kind.capabilities()); diff != "" {
			t.Errorf("%s (-manifest +driver):\n%s", kind, diff)
		}
	}
	if len(m.Models) != 4 {
		t.Errorf("%d models, want 4", len(m.Models))
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"store":"x","seed":1,"devices":[{"address":"a","kind":"lock","codes":[{"slot":1,"pin":"1234"}],"faults":{"late_percent":3}}]}`))
	f.Add([]byte(`{"devices":[{"address":"a","kind":"contact"},{"address":"a","kind":"motion"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := readConfig(text)
		if err != nil {
			if !sashlock.IsKind(err, sashlock.Invalid) {
				t.Errorf("kind %q of %v", sashlock.KindOf(err), err)
			}
			return
		}
		if len(c.Devices) == 0 || len(newWorld(c, New(nil).now).devices) != len(c.Devices) {
			t.Errorf("took %q", text)
		}
	})
}
