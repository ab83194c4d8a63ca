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
config:
  - key: url
    title: Address
    kind: url
    required: true
    example: ws://127.0.0.1:3000
  - key: mode
    title: Mode
    kind: choice
    choices: [{value: a, title: First}, {value: b, title: Second}]
    default: a
    help: Which of two.
  - key: readers
    title: Readers
    kind: rows
    fields:
      - {key: address, title: Number, kind: number, required: true, example: "3"}
      - {key: secure, title: Secure, kind: yes_no, with: {address: "4"}}
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
		Config: []Setting{
			{Key: "url", Title: "Address", Kind: SettingURL, Required: true, Example: "ws://127.0.0.1:3000"},
			{Key: "mode", Title: "Mode", Kind: SettingChoice, Choices: []Choice{{"a", "First"}, {"b", "Second"}}, Default: "a", Help: "Which of two."},
			{Key: "readers", Title: "Readers", Kind: SettingRows, Fields: []Setting{
				{Key: "address", Title: "Number", Kind: SettingNumber, Required: true, Example: "3"},
				{Key: "secure", Title: "Secure", Kind: SettingYesNo, With: map[string]string{"address": "4"}},
			}},
		},
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
		{"a key in capitals", "key: url", "key: URL", "config[0].key"},
		{"a key twice", "key: mode", "key: url", "config[1].key"},
		{"a setting without title", "title: Address", "title: ''", "config[0].title"},
		{"a kind that is none", "kind: url", "kind: uri", "config[0].kind"},
		{"no example", "    example: ws://127.0.0.1:3000\n", "", "config[0].example"},
		{"required with a default", "    example: ws://127.0.0.1:3000\n", "    default: ws://127.0.0.1:3000\n", "config[0].default"},
		{"a default that is no choice", "default: a", "default: c", "config[1].default"},
		{"a choice without title", "title: Second", "title: ''", "config[1].choices"},
		{"choices of a text", "kind: choice", "kind: text", "config[1].choices"},
		{"unless one that is not there", "required: true\n    example: ws", "required: true\n    unless: tcp\n    example: ws", "config[0].unless"},
		{"unless of what is not required", "default: a", "default: a\n    unless: url", "config[1].unless"},
		{"rows of a text", "kind: rows", "kind: text", "config[2].fields"},
		{"rows in rows", "kind: number", "kind: rows, fields: [{key: a, title: A, kind: text, example: a}]", "config[2].fields[0].kind"},
		{"an example that is no number", `example: "3"`, "example: three", "config[2].fields[0].example"},
		{"beside a setting that is not there", "with: {address:", "with: {number:", "config[2].fields[1].with"},
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
