// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
)

type someConfig struct {
	URL   string `json:"url"`
	Limit int    `json:"limit"`
	Locks []struct {
		Slot int `json:"slot"`
	} `json:"locks"`
}

func TestDecodeConfig(t *testing.T) {
	for _, test := range []struct {
		name, config string
		field        string // "ok" when it is right
	}{
		{"good", `{"url":"ws://127.0.0.1:3000","limit":3,"locks":[{"slot":1},{"slot":1}]}`, "ok"},
		{"empty object", ` {} `, "ok"},
		{"same words as values", `{"url":"url","locks":[]}`, "ok"},
		{"unknown key", `{"ulr":"x"}`, "ulr"},
		{"unknown key inside", `{"locks":[{"slit":1}]}`, "slit"},
		{"wrong type", `{"limit":"3"}`, "limit"},
		{"wrong type inside", `{"locks":[{"slot":true}]}`, "locks.slot"},
		{"fraction", `{"limit":1.5}`, "limit"},
		{"repeated key", `{"limit":1,"url":"a","limit":2}`, "limit"},
		{"repeated in another case", `{"limit":1,"LIMIT":2}`, "LIMIT"},
		{"repeated key inside", `{"locks":[{"slot":1,"slot":2}]}`, "slot"},
		{"null", `null`, ""},
		{"array", `[]`, ""},
		{"string", `"url"`, ""},
		{"nothing", ``, ""},
		{"cut short", `{"url":"x"`, ""},
		{"two objects", `{} {}`, ""},
		{"not JSON", `url: x`, ""},
		{"too long", `{"url":"` + strings.Repeat("x", maxConfig) + `"}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var c someConfig
			err := DecodeConfig(json.RawMessage(test.config), &c)
			if test.field == "ok" {
				if err != nil {
					t.Errorf("DecodeConfig: %v", err)
				}
				return
			}
			var e *sashlock.Error
			if !errors.As(err, &e) || e.Kind != sashlock.Invalid || e.Subject != test.field || e.Hint == "" {
				t.Errorf("DecodeConfig: %v, want kind invalid, subject %q and a hint", err, test.field)
			}
		})
	}
}

func TestDecodeConfigKeepsValuesToItself(t *testing.T) {
	for _, config := range []string{`{"limit":83920174839201748392}`, `{"limit":"83920174"}`, `{"limit":8392.0174}`, `{"url":83920174}`} {
		err := DecodeConfig(json.RawMessage(config), &someConfig{})
		if err == nil || strings.Contains(err.Error(), "8392") {
			t.Errorf("%s: %v, want an error without the value", config, err)
		}
	}
}

func FuzzDecodeConfig(f *testing.F) {
	for _, s := range []string{`{"url":"x","limit":1,"locks":[{"slot":1}]}`, `{"a":{"a":[1,{"a":"a"}]}}`, `[`, `{"`, `null`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var c someConfig
		if err := DecodeConfig(json.RawMessage(text), &c); err != nil {
			if !sashlock.IsKind(err, sashlock.Invalid) {
				t.Errorf("kind %q of %v", sashlock.KindOf(err), err)
			}
			return
		}
		var plain someConfig
		if err := json.Unmarshal([]byte(text), &plain); err != nil {
			t.Errorf("took %q, which is not JSON for it: %v", text, err)
		}
	})
}
