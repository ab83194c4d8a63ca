// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/signin"
)

type fieldProblem = api.FieldProblem

// refs are things that exist, by the first part of the path.
var refs = map[string]string{
	"sites": "lisbon", "areas": "lisbon%2Fwatches", "openings": "case-1", "roles": "associate", "people": "ana",
	"schedules": "always", "grants": "all-cases", "devices": "sim-1%2F1",
}

// strange are references that nobody means.
var strange = []string{
	"%00", "%FF%FE", "%E2%80%AEgnp", "..%2F..%2Fetc%2Fpasswd", "%25", "%F0%9F%A6%9C", "'%20OR%20'1'='1", strings.Repeat("a", 101), strings.Repeat("b", 3000), "a%0d%0ab", "-", "null", "%7B%7D",
}

// address fills in the path of an operation and its required parameters.
func (op *operation) address(ref string) string {
	kind := strings.Split(strings.TrimPrefix(op.path, "/v1/"), "/")[0]
	if ref == "" {
		if ref = refs[kind]; ref == "" {
			ref = "x"
		}
	}
	path := strings.NewReplacer("{ref}", ref, "{slot}", "1").Replace(op.path)
	sep := "?"
	for _, p := range op.Parameters {
		if p.In == "query" && p.Required {
			path += sep + p.Name + "=" + map[string]string{"person": "ana", "opening": "case-1", "seq": "0"}[p.Name]
			sep = "&"
		}
	}
	return path
}

func with(path, parameter string) string {
	if strings.Contains(path, "?") {
		return path + "&" + parameter
	}
	return path + "?" + parameter
}

// sample is a value of a schema with everything in it.
func (d document) sample(s *schema) any {
	s = d.resolve(s)
	if len(s.Enum) > 0 {
		return s.Enum[0]
	}
	switch kindOf(s) {
	case "object":
		o := map[string]any{}
		for name, p := range s.Properties {
			if !p.ReadOnly {
				o[name] = d.sample(p)
			}
		}
		return o
	case "array":
		return []any{d.sample(s.Items)}
	case "integer", "number":
		return 1
	case "boolean":
		return true
	}
	if len(s.Examples) > 0 {
		return s.Examples[0]
	}
	return "x"
}

// kindOf is the type of a schema; lists may also be null.
func kindOf(s *schema) string {
	switch t := s.Type.(type) {
	case string:
		return t
	case []any:
		return t[0].(string)
	}
	return ""
}

// wrongTypes are values that are not of a schema.
func wrongTypes(s *schema) []any {
	all := map[string]any{"object": map[string]any{"a": 1}, "array": []any{[]any{1}}, "integer": 1.5, "boolean": true, "string": "\u0000 \u202e"}
	if kindOf(s) != "string" {
		delete(all, kindOf(s))
	} else {
		all["string"] = 12
	}
	if kindOf(s) == "integer" || kindOf(s) == "number" {
		all["integer"] = "1"
	}
	return slices.Collect(maps.Values(all))
}

// spoilt returns a body once for each field and wrong value, with the pointer
// to the field.
func (d document) spoilt(s *schema) map[string][]any {
	out := map[string][]any{}
	s = d.resolve(s)
	for name, p := range s.Properties {
		if p.ReadOnly {
			continue
		}
		inner := d.resolve(p)
		for _, wrong := range wrongTypes(inner) {
			body := d.sample(s).(map[string]any)
			body[name] = wrong
			out[name] = append(out[name], body)
		}
		if kindOf(inner) != "array" {
			continue
		}
		for field, bodies := range d.spoilt(inner.Items) {
			for _, b := range bodies {
				body := d.sample(s).(map[string]any)
				body[name] = []any{b}
				at := name + "[0]." + field
				out[at] = append(out[at], body)
			}
		}
	}
	return out
}

// rejected checks that a call was refused as bad input.
func (h *house) rejected(what string, a answer, statuses ...int) {
	h.t.Helper()
	if a.status < 400 || a.status > 499 || len(statuses) > 0 && !slices.Contains(statuses, a.status) {
		h.t.Errorf("%s: %.150s: status %d, want %v: %.300s", what, a.call, a.status, statuses, a.body)
		return
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		h.t.Errorf("%s: %.150s: content type %q", what, a.call, got)
	}
	p := a.problem(h.t)
	if p.Code == "" || p.Title == "" || p.Detail == "" || p.Status != a.status {
		h.t.Errorf("%s: %.150s: incomplete: %.300s", what, a.call, a.body)
	}
	for _, e := range p.Errors {
		if e.Pointer == "" || e.Detail == "" || p.Code != "unauthorized" && e.Suggestion == "" {
			h.t.Errorf("%s: %.150s: incomplete: %.300s", what, a.call, a.body)
		}
	}
}

func TestEveryOperationWantsItsScope(t *testing.T) {
	h := newHouse(t).furnish()
	_, d := described(t)
	without := map[signin.Scope]string{}
	for _, s := range signin.Scopes() {
		others := slices.DeleteFunc(signin.Scopes(), func(o signin.Scope) bool { return o == s })
		without[s] = h.tokenFor(others...)
	}
	for _, op := range d.operations() {
		if op.public() {
			h.want(h.send(op.method, op.address(""), nil), 200)
			continue
		}
		var body any
		if op.body() != nil {
			body = d.sample(op.body())
		}
		a := h.send(op.method, op.address(""), body)
		h.rejected("no token", a, 401)
		if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s: no challenge", a.call)
		}
		h.rejected("nonsense for a token", h.send(op.method, op.address(""), body, "Authorization", "Bearer sash_nonsense"), 401)
		h.rejected("another scheme", h.send(op.method, op.address(""), body, "Authorization", "Basic YTpi"), 401)
		for _, s := range signin.Scopes() {
			if strings.Contains(op.Description, "Needs a token with the scope `"+string(s)+"`") {
				h.rejected("without "+string(s), h.send(op.method, op.address(""), body, "Authorization", "Bearer "+without[s]), 403)
			}
		}
	}
}

func TestEveryOperationRefusesBadParameters(t *testing.T) {
	onEachEngine(t, everyOperationRefusesBadParameters)
}

func everyOperationRefusesBadParameters(t *testing.T, h *house) {
	h.furnish()
	_, d := described(t)
	for _, op := range d.operations() {
		if op.method == http.MethodGet {
			h.rejected("unknown parameter", h.call(op.method, with(op.address(""), "colour=red"), nil), 422)
		}
		for _, p := range op.Parameters {
			if p.In != "query" {
				continue
			}
			if p.Name == "after" {
				for _, cursor := range []string{"!", "AA==", "////", "gP8", "AA"} {
					a := h.call(op.method, with(op.address(""), "after="+cursor), nil)
					if a.status != 200 { // a cursor that could be one leads to a page
						h.rejected("cursor", a, 422)
					}
				}
			}
			if kind := kindOf(d.resolve(p.Schema)); kind != "string" || strings.HasSuffix(op.path, "/explain") && p.Name == "at" {
				h.rejected("wrong type of "+p.Name, h.call(op.method, with(op.address(""), p.Name+"=%22x"), nil), 400, 422)
			}
			h.rejected("zero in "+p.Name, h.call(op.method, with(op.address(""), p.Name+"=%00"), nil), 400)
			h.rejected("bytes in "+p.Name, h.call(op.method, with(op.address(""), p.Name+"=%ff"), nil), 400)
			h.rejected("long "+p.Name, h.call(op.method, with(op.address(""), p.Name+"="+strings.Repeat("a", 5000)), nil), 400, 422)
			h.rejected("bad escape in "+p.Name, h.call(op.method, with(op.address(""), p.Name+"=%2"), nil), 400)
		}
		if !strings.Contains(op.path, "{ref}") {
			continue
		}
		for _, ref := range strange {
			var body any
			if op.body() != nil {
				body = d.sample(op.body())
			}
			if op.OperationID == "what-can-open" || op.method == http.MethodGet || body != nil || op.method == http.MethodDelete || op.method == http.MethodPut {
				h.rejected("strange reference", h.call(op.method, op.address(ref), body), 400, 404, 422)
			}
		}
	}
}

func TestEveryOperationRefusesBadBodies(t *testing.T) {
	onEachEngine(t, everyOperationRefusesBadBodies)
}

func everyOperationRefusesBadBodies(t *testing.T, h *house) {
	h.furnish()
	_, d := described(t)
	size := h.acts()
	for _, op := range d.operations() {
		if op.body() == nil {
			continue
		}
		for _, bad := range []string{"", "{", "[", "null", "[]", "1", `"x"`, "true", "{}{}", `{"a":`, "\xff", "{\"a\": \"\xff\"}", "{'a': 1}", strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000), "<xml/>", `{"slug": 1e999}`, `{"slug": -}`} {
			if op.OperationID == "apply-estate" && bad == "null" {
				continue // nothing is declared
			}
			h.rejected(fmt.Sprintf("body %.20q", bad), h.call(op.method, op.address(""), bad), 400, 422)
		}
		body := d.sample(op.body()).(map[string]any)
		body["colour"] = "red"
		a := h.call(op.method, op.address(""), body)
		h.rejected("unknown field", a, 422)
		if !slices.ContainsFunc(a.problem(t).Errors, func(e fieldProblem) bool { return e.Pointer == "colour" }) {
			t.Errorf("%s: nothing points at the unknown field: %s", a.call, a.body)
		}
		for field, bodies := range d.spoilt(op.body()) {
			for _, b := range bodies {
				a := h.call(op.method, op.address(""), b)
				text, _ := json.Marshal(b)
				h.rejected(fmt.Sprintf("%s in %s", field, text), a, 422)
				if !slices.ContainsFunc(a.problem(t).Errors, func(e fieldProblem) bool { return strings.HasPrefix(e.Pointer, field) }) {
					t.Errorf("%s: nothing points at %s of %s: %s", a.call, field, text, a.body)
				}
			}
		}
		huge := `{"slug": "` + strings.Repeat("x", 9<<20) + `"}`
		h.rejected("huge", h.call(op.method, op.address(""), huge), 413)
		h.rejected("another type", h.call(op.method, op.address(""), "slug: x", "Content-Type", "application/yaml"), 415, 422, 400)
	}
	if got := h.acts(); got != size {
		t.Errorf("bad bodies made %d entries", got-size)
	}
}

func TestOtherMethodsAndRoutes(t *testing.T) {
	h := newHouse(t)
	a := h.call("PATCH", "/v1/sites", "{}")
	h.rejected("method", a, 405)
	if got := a.header.Get("Allow"); got != "GET, POST" {
		t.Errorf("Allow is %q", got)
	}
	for _, path := range []string{"/", "/v1", "/v2/sites", "/v1/sites/", "/v1/sites/a/b", "/v1/ledger", "/favicon.ico"} {
		h.rejected("route", h.call("GET", path, nil), 404)
	}
	for _, path := range []string{"/v1/openapi.json", "/v1/openapi.yaml"} {
		h.want(h.send("GET", path, nil), 200)
	}
}
