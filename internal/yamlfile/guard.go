// SPDX-License-Identifier: Apache-2.0

package yamlfile

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// The rules for what is handed to the YAML parser and decoder are:
//
//   - Nothing is nested deeper than a file of ours ever is. The parser's memory
//     grows with the square of the depth, so a few hundred kilobytes of
//     brackets would end the process.
//   - There are no anchors, aliases or merges: with them a short file stands
//     for an endless one, and a reader does not see what a grant says.
//   - No key is given twice in one place.
//   - A number that is written in an unusual way is put in quotes: 0123 would
//     be read as eighty-three.

// The limits of nesting. An estate needs five levels and 14 columns, a
// configuration fewer.
const (
	maxFlow   = 16  // brackets within brackets
	maxDashes = 8   // list items that begin on one line
	maxIndent = 100 // columns
)

// tooDeep returns the line of the first place that is nested too deep, 0 when
// there is none.
func tooDeep(data []byte) int {
	var flow flowDepth
	line := 0
	for text := range bytes.Lines(data) {
		line++
		if flow.after(text) > maxFlow {
			return line
		}
		inner := bytes.TrimLeft(text, " ")
		if len(inner) > 0 && inner[0] != '#' && len(text)-len(inner) > maxIndent {
			return line
		}
		if dashes(inner) > maxDashes {
			return line
		}
	}
	return 0
}

// dashes counts the indicators with which a line begins.
func dashes(text []byte) int {
	n := 0
	for i, c := range text {
		switch c {
		case '-', '?', ':':
			if i+1 == len(text) || text[i+1] <= ' ' {
				n++
			}
		case ' ', '\t':
		default:
			return n
		}
	}
	return n
}

// flowDepth follows how deep the brackets are from line to line. It errs on
// the side of counting too few: brackets inside of a name do not count.
type flowDepth struct {
	depth int
	quote byte // the quote we are in
}

func (f *flowDepth) after(line []byte) (deepest int) {
	before := byte(':') // the last character that was not a space
	for i, c := range line {
		if f.quote != 0 {
			if c == f.quote && (i == 0 || line[i-1] != '\\' || c == '\'') {
				f.quote, before = 0, c
			}
			continue
		}
		if c == '\'' && before == c && line[i-1] == c { // two of them are one
			f.quote = c
			continue
		}
		begins := bytes.IndexByte([]byte(":,-[{?"), before) >= 0
		switch {
		case c == '#' && (i == 0 || line[i-1] == ' '):
			return deepest
		case (c == '"' || c == '\'') && begins:
			f.quote = c
		case (c == '[' || c == '{') && begins:
			f.depth++
		case (c == ']' || c == '}') && f.depth > 0:
			f.depth--
		}
		deepest = max(deepest, f.depth)
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			before = c
		}
	}
	return deepest
}

// misread finds the first thing in a file that a reader could take for
// something else than the program does.
type misread struct{ found *Error }

// Visit looks at one node.
func (m *misread) Visit(n ast.Node) ast.Visitor {
	if m.found != nil {
		return nil
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		m.keys(n)
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		m.complain(n, "write it out: anchors, aliases and merges are not read")
	case *ast.TagNode:
		m.complain(n, "leave out the tag: every key has one type")
	case *ast.IntegerNode:
		m.number(n, fmt.Sprint(n.Value))
	case *ast.FloatNode:
		m.number(n, strconv.FormatFloat(n.Value, 'f', -1, 64))
	case *ast.InfinityNode, *ast.NanNode:
		m.complain(n, "put it in quotes: it is not read as you write it")
	}
	return m
}

// keys complains about one that is given twice.
func (m *misread) keys(n *ast.MappingNode) {
	seen := make(map[string]bool, len(n.Values))
	for _, v := range n.Values {
		key := v.Key.GetToken().Value
		if seen[key] {
			m.complain(v.Key, "this key is given twice: keep one of them")
			return
		}
		seen[key] = true
	}
}

// number complains about one that is not written as it is read.
func (m *misread) number(n ast.Node, read string) {
	if text := n.GetToken().Value; text != read {
		m.complain(n, "put "+strconv.Quote(clip(text))+" in quotes, or write "+clip(read)+": that is how it is read")
	}
}

func (m *misread) complain(n ast.Node, problem string) {
	e := &Error{Problem: problem}
	if t := n.GetToken(); t != nil && t.Position != nil {
		e.Line, e.Column = t.Position.Line, t.Position.Column
	}
	m.found = e
}
