// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/signin"
)

var update = flag.Bool("update", false, "write docs/reference/openapi.json anew")

// schema is as much of a JSON Schema as our document uses.
type schema struct {
	Ref                  string             `json:"$ref"`
	Type                 any                `json:"type"`
	Properties           map[string]*schema `json:"properties"`
	Items                *schema            `json:"items"`
	Required             []string           `json:"required"`
	Enum                 []any              `json:"enum"`
	ReadOnly             bool               `json:"readOnly"`
	AdditionalProperties any                `json:"additionalProperties"`
	Examples             []any              `json:"examples"`
	MaxItems             *int               `json:"maxItems"`
}

type operation struct {
	method, path string
	OperationID  string                `json:"operationId"`
	Summary      string                `json:"summary"`
	Description  string                `json:"description"`
	Tags         []string              `json:"tags"`
	Security     []map[string][]string `json:"security"`
	Parameters   []struct {
		Name, In string
		Required bool
		Schema   *schema
	} `json:"parameters"`
	RequestBody *struct {
		Required bool
		Content  map[string]struct{ Schema *schema }
	} `json:"requestBody"`
	Responses map[string]json.RawMessage `json:"responses"`
}

type document struct {
	OpenAPI string `json:"openapi"`
	Info    struct{ Title, Version, Description string }
	Paths   map[string]map[string]*operation `json:"paths"`
	Parts   struct {
		Schemas         map[string]*schema         `json:"schemas"`
		SecuritySchemes map[string]json.RawMessage `json:"securitySchemes"`
	} `json:"components"`
}

// described is the API's own description.
func described(t *testing.T) ([]byte, document) {
	t.Helper()
	text, err := api.New(api.Deps{Version: "1"}).OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return text, d
}

// operations lists all of them in a fixed order.
func (d document) operations() []*operation {
	var all []*operation
	for path, methods := range d.Paths {
		for method, op := range methods {
			op.method, op.path = strings.ToUpper(method), path
			all = append(all, op)
		}
	}
	slices.SortFunc(all, func(a, b *operation) int { return strings.Compare(a.path+" "+a.method, b.path+" "+b.method) })
	return all
}

// resolve follows a reference.
func (d document) resolve(s *schema) *schema {
	if name, is := strings.CutPrefix(s.Ref, "#/components/schemas/"); is {
		return d.Parts.Schemas[name]
	}
	return s
}

func (op *operation) public() bool { return len(op.Security) == 0 }

func (op *operation) body() *schema {
	if op.RequestBody == nil {
		return nil
	}
	return op.RequestBody.Content["application/json"].Schema
}

func TestDocumentSaysEverything(t *testing.T) {
	_, d := described(t)
	if !strings.HasPrefix(d.OpenAPI, "3.1.") || d.Info.Title == "" || d.Info.Version == "" || d.Info.Description == "" {
		t.Errorf("head: openapi %q, info %+v", d.OpenAPI, d.Info)
	}
	if len(d.Parts.SecuritySchemes) != 1 {
		t.Errorf("security schemes: %v", d.Parts.SecuritySchemes)
	}
	seen := map[string]string{}
	public := []string{}
	for _, op := range d.operations() {
		at := op.method + " " + op.path
		if op.OperationID == "" || op.Summary == "" || len(op.Tags) != 1 || len(op.Responses) == 0 {
			t.Errorf("%s: incomplete: %+v", at, op)
		}
		if other, twice := seen[op.OperationID]; twice {
			t.Errorf("%s and %s share the id %s", at, other, op.OperationID)
		}
		seen[op.OperationID] = at
		if op.public() {
			public = append(public, at)
		} else if !slices.ContainsFunc(signin.Scopes(), func(s signin.Scope) bool {
			return strings.Contains(op.Description, "scope `"+string(s)+"`")
		}) {
			t.Errorf("%s does not say which scope it needs: %q", at, op.Description)
		}
		for _, p := range op.Parameters {
			if p.Schema == nil || p.In == "path" && !p.Required || p.In == "path" && !strings.Contains(op.path, "{"+p.Name+"}") {
				t.Errorf("%s: parameter %+v", at, p)
			}
		}
		for status := range op.Responses {
			if strings.HasPrefix(status, "5") {
				t.Errorf("%s promises a %s", at, status)
			}
		}
	}
	if want := []string{"GET /healthz", "GET /v1/ledger/key"}; !slices.Equal(public, want) {
		t.Errorf("public are %v, want %v", public, want)
	}
	for _, path := range []string{"/v1/sites", "/v1/openings", "/v1/openings/{ref}", "/v1/openings/{ref}/actions", "/v1/openings/{ref}/who", "/v1/actions/{ref}", "/v1/people",
		"/v1/roles", "/v1/schedules", "/v1/grants", "/v1/decisions/{ref}", "/v1/explain", "/v1/alarms", "/v1/events", "/v1/events/stream", "/v1/devices", "/v1/ledger/proof"} {
		if d.Paths[path] == nil {
			t.Errorf("%s is missing", path)
		}
	}
}

// Every reference leads somewhere and every required property exists.
func TestDocumentHoldsTogether(t *testing.T) {
	text, d := described(t)
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, is := v["$ref"].(string); is {
				name, ours := strings.CutPrefix(ref, "#/components/schemas/")
				if !ours || d.Parts.Schemas[name] == nil {
					t.Errorf("%s refers to %s, which is not there", at, ref)
				}
			}
			for key, inner := range v {
				walk(at+"/"+key, inner)
			}
		case []any:
			for _, inner := range v {
				walk(at, inner)
			}
		}
	}
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	walk("", whole)
	for name, s := range d.Parts.Schemas {
		for _, p := range s.Required {
			if s.Properties[p] == nil {
				t.Errorf("%s requires %s and does not have it", name, p)
			}
		}
	}
}

func TestDocumentIsFresh(t *testing.T) {
	text, _ := described(t)
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	path := filepath.Join("..", "..", "docs", "reference", "openapi.json")
	if *update {
		if err := os.WriteFile(path, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, pretty.Bytes()) {
		t.Error("docs/reference/openapi.json is not what the types say: run go test ./internal/api -run Fresh -update")
	}
}
