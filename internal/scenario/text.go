// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/yamlfile"
)

// MaxText is how long the text of a scenario may be, in bytes.
const MaxText = 64 << 10

// Parse reads a scenario that was written as text. What is wrong is an error of
// kind invalid that names the line.
func Parse(text []byte) (Scenario, error) {
	var s Scenario
	if len(text) > MaxText {
		return s, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading scenario", Subject: "text", Hint: "a scenario has 64 KiB of text at most"}
	}
	err := yamlfile.Decode(text, &s)
	var at *yamlfile.Error
	if errors.As(err, &at) {
		return s, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading scenario", Hint: at.Error(), Err: err}
	}
	return s, err
}

// Marshal writes a scenario as text that [Parse] reads.
func Marshal(s Scenario) ([]byte, error) {
	return yaml.MarshalWithOptions(s, yaml.Indent(2), yaml.IndentSequence(true), yaml.OmitZero())
}

// Line finds on which line of a text a field is, as a [estate.Problem] names it:
// that of the field, or of what it is in. It is 0 when the text is none.
func Line(text []byte, field string) (line int) {
	defer func() {
		if recover() != nil { // the parser panics on some malformed text; then there is no line to name
			line = 0
		}
	}()
	if _, err := Parse(text); err != nil {
		return 0
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil || len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return 0
	}
	for field != "" {
		path, err := yaml.PathString("$." + field)
		if err == nil {
			if n, err := path.FilterNode(file.Docs[0].Body); err == nil && n != nil {
				return lineOf(n)
			}
		}
		field = field[:max(0, strings.LastIndexAny(field, ".["))]
	}
	return 1
}

// lineOf is where a value begins; of several keys, the line of the first one.
func lineOf(n ast.Node) int {
	if m, is := n.(*ast.MappingNode); is && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
}

// Refusal is what is wrong with a scenario as one error of kind invalid; nil
// when nothing is.
func Refusal(problems []estate.Problem) error { return estate.Problems("saving scenario", problems) }
