// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock"
)

// The rules of a patch (RFC 7644 §3.5.2), and what directories make of it:
//
//   - "op" is add, replace or remove, in any case (Entra ID writes "Replace").
//   - Without a path the value holds attributes, whose names may be paths
//     themselves ("name.formatted").
//   - Truth values may be texts ("False").
//   - To remove members, their identifiers stand in the path
//     (members[value eq "…"]) or in the value.
//   - Attributes that are not kept are accepted and forgotten. Those that only
//     we set are refused when named by a path, and passed over in a value.
//   - All operations count, or none.

// maxOperations is how many operations one patch may have.
const maxOperations = 1000

// operation is one step of a patch.
type operation struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value"`
}

type patchBody struct {
	Operations []operation `json:"Operations"`
}

// target is what a path leads to.
type target struct {
	name   string // attribute in lower case, with its sub-attribute: "name.formatted"
	filter filter // which of its values; nil: all
}

// parsePath reads the path of an operation.
func parsePath(text string) (target, error) {
	if len(text) > maxFilter {
		return target{}, invalid("invalidPath", "the path is too long")
	}
	p := &parser{text: strings.TrimSpace(text)}
	path, err := p.name()
	if err != nil {
		return target{}, asPath(err)
	}
	t := target{name: strings.Join(path, ".")}
	if p.at < len(p.text) && p.text[p.at] == '[' {
		f, err := p.inBrackets(path)
		if err != nil {
			return target{}, asPath(err)
		}
		t.filter = f.(within).of
		if p.at < len(p.text) && p.text[p.at] == '.' {
			p.at++
			sub, err := p.name()
			if err != nil {
				return target{}, asPath(err)
			}
			t.name += "." + strings.Join(sub, ".")
		}
	}
	if p.space(); p.at < len(p.text) {
		return target{}, asPath(p.wrong("nothing more is expected"))
	}
	return t, nil
}

// asPath makes an error about a filter one about a path.
func asPath(err error) error { return invalid("invalidPath", err.Error()) }

// change is one operation, understood.
type change struct {
	op    string // add, replace or remove
	to    target
	value any  // as JSON has it, names in lower case; nil: none
	loose bool // it stood in a value without a path
}

// changes understands a patch.
func changes(r *http.Request) ([]change, error) {
	var body patchBody
	if err := read(r, &body); err != nil {
		return nil, err
	}
	if n := len(body.Operations); n == 0 || n > maxOperations {
		return nil, invalid("invalidSyntax", "a patch has 1 to "+strconv.Itoa(maxOperations)+` operations, in "Operations"`)
	}
	var all []change
	for _, one := range body.Operations {
		op := strings.ToLower(one.Op)
		if op != "add" && op != "replace" && op != "remove" {
			return nil, invalid("invalidSyntax", strconv.Quote(sashlock.Clip(one.Op))+" is no operation: add, replace and remove are")
		}
		var value any
		if len(one.Value) > 0 {
			if err := json.Unmarshal(one.Value, &value); err != nil {
				return nil, invalid("invalidSyntax", "the value of an operation cannot be read")
			}
		}
		value = lowered(value)
		if one.Path != "" {
			to, err := parsePath(one.Path)
			if err != nil {
				return nil, err
			}
			all = append(all, change{op, to, value, false})
			continue
		}
		several, err := withoutPath(op, value)
		if err != nil {
			return nil, err
		}
		all = append(all, several...)
	}
	return all, nil
}

// withoutPath makes one change of each attribute of a value.
func withoutPath(op string, value any) ([]change, error) {
	object, is := value.(resource)
	if op == "remove" || !is {
		return nil, invalid("noTarget", `an operation without "path" adds or replaces, and its value is an object`)
	}
	var all []change
	for _, name := range slices.Sorted(maps.Keys(object)) {
		to, err := parsePath(name)
		if err != nil {
			continue // of a schema that we do not know
		}
		all = append(all, change{op, to, object[name], true})
	}
	return all, nil
}

// lowered writes the names of attributes in lower case, all the way down.
func lowered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(resource, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out[strings.ToLower(name)] = lowered(v[name])
		}
		return out
	case []any:
		for i := range v {
			v[i] = lowered(v[i])
		}
	}
	return v
}

// text is a value that has to be a text.
func text(name string, v any) (string, error) {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v), nil
	case nil:
		return "", nil
	case []any: // Entra ID wraps single values
		if len(v) == 1 {
			if one, is := v[0].(resource); is {
				return text(name, one["value"])
			}
			return text(name, v[0])
		}
	}
	return "", invalid("invalidValue", name+" has to be a text")
}

// truth is a value that has to be true or false, perhaps as a text.
func truth(name string, v any) (bool, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		if b, err := strconv.ParseBool(strings.ToLower(v)); err == nil {
			return b, nil
		}
	case []any:
		if len(v) == 1 {
			if one, is := v[0].(resource); is {
				return truth(name, one["value"])
			}
			return truth(name, v[0])
		}
	}
	return false, invalid("invalidValue", name+" has to be true or false")
}

// readOnly refuses what only we set.
func (c change) readOnly() error {
	if c.loose {
		return nil
	}
	return invalid("mutability", c.to.name+" cannot be changed")
}
