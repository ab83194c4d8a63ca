// SPDX-License-Identifier: Apache-2.0

package homeassistant

import (
	"encoding/json"
	"regexp"
	"strings"
)

// template says which part of a payload is meant: the path into its JSON; an
// empty one is the payload itself.
type template struct{ path []string }

var (
	wholeValue = regexp.MustCompile(`^\{\{-?\s*value\s*-?\}\}$`)
	jsonValue  = regexp.MustCompile(`^\{\{-?\s*value_json((?:\.[A-Za-z_][A-Za-z0-9_]*|\[\s*(?:"[^"\\{}]+"|'[^'\\{}]+')\s*\])+)\s*-?\}\}$`)
	jsonStep   = regexp.MustCompile(`\.([A-Za-z_][A-Za-z0-9_]*)|\[\s*(?:"([^"]+)"|'([^']+)')\s*\]`)
)

// maxSteps is how deep into a payload a template may reach.
const maxSteps = 8

// readTemplate reads the forms of value_template that only name a part of the
// payload: none at all, {{ value }}, {{ value_json.x.y }} and {{ value_json["x"] }}.
// All others are programs, which nobody runs here.
func readTemplate(text string) (template, bool) {
	text = strings.TrimSpace(text)
	if text == "" || wholeValue.MatchString(text) {
		return template{}, true
	}
	m := jsonValue.FindStringSubmatch(text)
	if m == nil || len(text) > maxText {
		return template{}, false
	}
	var t template
	for _, step := range jsonStep.FindAllStringSubmatch(m[1], -1) {
		t.path = append(t.path, step[1]+step[2]+step[3])
	}
	return t, len(t.path) <= maxSteps
}

// of returns the part of a payload that the template names; ok is false when it
// has none, or the part is null.
func (t template) of(payload []byte) (text string, ok bool) {
	if len(payload) > maxPayload {
		return "", false
	}
	if len(t.path) == 0 {
		return string(payload), true
	}
	raw := json.RawMessage(payload)
	for _, key := range t.path {
		var o map[string]json.RawMessage
		if json.Unmarshal(raw, &o) != nil {
			return "", false
		}
		raw = o[key]
	}
	return asText(raw)
}
