// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
)

const goodManifest = `name: zwavejs
title: Z-Wave
reaches: Z-Wave locks through a Z-Wave JS server.
tested: real stack
models:
  - maker: Kwikset
    model: "916"
    capabilities: [unlock, lock, lock_state]
    tested: simulated
    notes: No position sensor.
`

func TestReadManifest(t *testing.T) {
	got, err := ReadManifest([]byte(goodManifest))
	if err != nil {
		t.Fatal(err)
	}
	want := Manifest{
		Name: "zwavejs", Title: "Z-Wave", Reaches: "Z-Wave locks through a Z-Wave JS server.", Tested: TestedRealStack,
		Models: []Model{{
			Maker: "Kwikset", Model: "916", Tested: TestedSimulated, Notes: "No position sensor.",
			Capabilities: []sashlock.Capability{sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("manifest:\n%s", diff)
	}
}

func TestReadManifestRefuses(t *testing.T) {
	for _, test := range []struct{ name, old, new, field string }{
		{"no name", "name: zwavejs", "", "name"},
		{"name with a slash", "name: zwavejs", "name: ../x", "name"},
		{"no title", "title: Z-Wave", "", "title"},
		{"reaches nothing", "reaches: Z-Wave locks through a Z-Wave JS server.", "", "reaches"},
		{"not said how tested", "\ntested: real stack", "", "tested"},
		{"tested by hope", "tested: simulated", "tested: probably", "models[0].tested"},
		{"no maker", "maker: Kwikset", "maker: ''", "models[0].maker"},
		{"no model", `model: "916"`, "model: ''", "models[0].model"},
		{"no capability", "[unlock, lock, lock_state]", "[]", "models[0].capabilities"},
		{"unknown capability", "lock_state]", "fly]", "models[0].capabilities"},
		{"unknown key", "title:", "titel:", "titel"},
		{"unknown key of a model", "notes:", "note:", "models[0].note"},
		{"repeated key", "title: Z-Wave", "title: Z-Wave\ntitle: Z", "title"},
		{"not YAML", "name: zwavejs", "name: [", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(goodManifest, test.old, test.new, 1)
			if text == goodManifest {
				t.Fatal("nothing was changed")
			}
			_, err := ReadManifest([]byte(text))
			var e *sashlock.Error
			if !errors.As(err, &e) || e.Kind != sashlock.Invalid || e.Subject != test.field || e.Hint == "" {
				t.Errorf("ReadManifest: %v, want kind invalid, subject %q and a hint", err, test.field)
			}
		})
	}
	_, err := ReadManifest([]byte(strings.Replace(goodManifest, "notes:", "note:", 1)))
	if want := "models[0].note: line 10, column 5: there is no key of this name"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("an unknown key: %v, want %q", err, want)
	}
	if _, err := ReadManifest(nil); !sashlock.IsKind(err, sashlock.Invalid) {
		t.Errorf("nothing: %v", err)
	}
}

func FuzzReadManifest(f *testing.F) {
	f.Add([]byte(goodManifest))
	f.Add([]byte("name: x\nmodels: [{maker: a}]"))
	f.Add([]byte("&a [*a, *a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ReadManifest(data)
		if err == nil && (m.Name == "" || m.Title == "" || !m.Tested.known()) {
			t.Errorf("took %q", data)
		}
	})
}
