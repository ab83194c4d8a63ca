// SPDX-License-Identifier: Apache-2.0

package yamlfile

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Error is the first thing that is wrong in a file.
type Error struct {
	Line, Column int    // from 1; 0 when not known
	Field        string // "gateways[0].name"; empty when it is not about one
	Problem      string // what is wrong and how to put it right, in one line
}

// Error says where and what: "line 12, column 5, roles[0].nmae: there is no key
// of this name".
func (e *Error) Error() string {
	var at []string
	if e.Line > 0 {
		at = append(at, "line "+strconv.Itoa(e.Line))
	}
	if e.Column > 0 {
		at = append(at, "column "+strconv.Itoa(e.Column))
	}
	if e.Field != "" {
		at = append(at, e.Field)
	}
	if len(at) == 0 {
		return e.Problem
	}
	return strings.Join(at, ", ") + ": " + e.Problem
}

// told puts a complaint of the parser or the decoder into our words.
func told(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	e := &Error{Problem: firstLine(err.Error())}
	var at yaml.Error
	if !errors.As(err, &at) {
		return e
	}
	if t := at.GetToken(); t != nil && t.Position != nil {
		e.Line, e.Column = t.Position.Line, t.Position.Column
	}
	var wrongType *yaml.TypeError
	var unknown *yaml.UnknownFieldError
	var large *yaml.OverflowError
	var wrongNode *yaml.UnexpectedNodeTypeError
	switch {
	case errors.As(err, &wrongType):
		e.Problem = "this has to be " + inWords(wrongType.DstType)
	case errors.As(err, &unknown):
		e.Problem = "there is no key of this name"
	case errors.As(err, &large):
		e.Problem = fmt.Sprintf("%s is too large or too small", clip(large.SrcNum))
	case errors.As(err, &wrongNode):
		e.Problem = fmt.Sprintf("this has to be a %s, it is a %s", nodeInWords(wrongNode.Expected), nodeInWords(wrongNode.Actual))
	default:
		e.Problem = firstLine(at.GetMessage())
	}
	return e
}

// inWords is what to write for a value of a type.
func inWords(t reflect.Type) string {
	if t == nil {
		return "of another type"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "keys with values"
	case reflect.Pointer:
		return inWords(t.Elem())
	}
	return "of another type"
}

func nodeInWords(t ast.NodeType) string {
	switch t {
	case ast.MappingType, ast.MappingValueType:
		return "list of keys with values"
	case ast.SequenceType:
		return "list"
	}
	return strings.ToLower(t.String())
}

// inField adds the field to an error that has a position.
func inField(root ast.Node, e *Error) *Error {
	if e.Line == 0 || e.Field != "" {
		return e
	}
	f := fieldAt{line: e.Line, column: e.Column}
	ast.Walk(&f, root)
	e.Field = clip(f.path)
	return e
}

// fieldAt finds the innermost node that begins at a position.
type fieldAt struct {
	line, column int
	path         string
}

// Visit looks at one node.
func (f *fieldAt) Visit(n ast.Node) ast.Visitor {
	t := n.GetToken()
	if t == nil || t.Position == nil || t.Position.Line != f.line || t.Position.Column != f.column {
		return f
	}
	if path := strings.TrimPrefix(strings.TrimPrefix(n.GetPath(), "$"), "."); len(path) >= len(f.path) {
		f.path = path
	}
	return f
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// clip keeps what a message quotes from a file short.
func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
