// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The rules of a filter (RFC 7644 §3.4.2.2) are:
//
//   - Names of attributes and operators know no difference of case; nor do
//     texts, but for id and externalId.
//   - "not" binds before "and", "and" before "or".
//   - Of an attribute with several values it is enough that one matches.
//   - An attribute that is not kept is an error, not a filter that matches
//     nobody: a directory that believed it would create everybody twice.

// The limits of a filter.
const (
	maxFilter = 4096 // bytes
	maxDepth  = 20   // parentheses within parentheses
)

// resource is something filters look at: attributes by name in lower case,
// of text, truth value, number, list or further attributes.
type resource = map[string]any

// filter is a parsed filter.
type filter interface{ match(r resource) bool }

type (
	both   struct{ a, b filter }
	either struct{ a, b filter }
	not    struct{ of filter }
	// within looks for a value of a list that matches.
	within struct {
		name string
		of   filter
	}
	// test compares one attribute. Its path is in lower case.
	test struct {
		path  []string
		op    string
		value any // string, bool, float64 or nil
	}
)

func (f both) match(r resource) bool   { return f.a.match(r) && f.b.match(r) }
func (f either) match(r resource) bool { return f.a.match(r) || f.b.match(r) }
func (f not) match(r resource) bool    { return !f.of.match(r) }

func (f within) match(r resource) bool {
	for _, one := range values(r, []string{f.name}) {
		if sub, is := one.(resource); is && f.of.match(sub) {
			return true
		}
	}
	return false
}

func (f test) match(r resource) bool {
	found := values(r, f.path)
	switch {
	case f.op == "pr":
		return len(found) > 0
	case f.op == "ne":
		return !test{f.path, "eq", f.value}.match(r)
	case f.value == nil:
		return len(found) == 0 // eq null
	}
	last := f.path[len(f.path)-1]
	for _, v := range found {
		if compare(v, f.op, f.value, last == "id" || last == "externalid" || last == "value") {
			return true
		}
	}
	return false
}

// values are what stands at a path; empty texts and lists stand nowhere.
func values(r resource, path []string) []any {
	var here []any
	switch v := r[path[0]].(type) {
	case nil:
	case []any:
		here = v
	case string:
		if v != "" {
			here = []any{v}
		}
	default:
		here = []any{v}
	}
	if len(path) == 1 {
		return here
	}
	var below []any
	for _, one := range here {
		if sub, is := one.(resource); is {
			below = append(below, values(sub, path[1:])...)
		}
	}
	return below
}

func compare(have any, op string, want any, exact bool) bool {
	switch have := have.(type) {
	case resource: // a list of complex values is compared by their "value"
		for _, v := range values(have, []string{"value"}) {
			return compare(v, op, want, true)
		}
	case bool:
		if text, is := want.(string); is { // Entra ID writes "True"
			b, err := strconv.ParseBool(strings.ToLower(text))
			return err == nil && op == "eq" && b == have
		}
		return op == "eq" && want == have
	case string:
		text, is := want.(string)
		if !is {
			return false
		}
		return compareText(have, op, text, exact)
	}
	return false
}

func compareText(have, op, want string, exact bool) bool {
	if a, err := time.Parse(time.RFC3339, have); err == nil {
		if b, err := time.Parse(time.RFC3339, want); err == nil {
			return ordered(a.Compare(b), op)
		}
	}
	if !exact {
		have, want = strings.ToLower(have), strings.ToLower(want)
	}
	switch op {
	case "co":
		return strings.Contains(have, want)
	case "sw":
		return strings.HasPrefix(have, want)
	case "ew":
		return strings.HasSuffix(have, want)
	}
	return ordered(strings.Compare(have, want), op)
}

func ordered(c int, op string) bool {
	switch op {
	case "eq":
		return c == 0
	case "gt":
		return c > 0
	case "ge":
		return c >= 0
	case "lt":
		return c < 0
	case "le":
		return c <= 0
	}
	return false
}

// exact returns the text that an attribute must be equal to, if the filter
// holds for nothing else.
func exact(f filter, name string) (string, bool) {
	switch f := f.(type) {
	case both:
		if text, is := exact(f.a, name); is {
			return text, true
		}
		return exact(f.b, name)
	case test:
		if text, is := f.value.(string); is && f.op == "eq" && len(f.path) == 1 && f.path[0] == name {
			return text, true
		}
	}
	return "", false
}

// parser reads filters and paths.
type parser struct {
	text  string
	at    int
	depth int
	known func(path []string) bool // nil: everything is
}

// parseFilter reads a filter whose attributes are all known.
func parseFilter(text string, known func(path []string) bool) (filter, error) {
	if len(text) > maxFilter {
		return nil, invalid("invalidFilter", "the filter is longer than "+strconv.Itoa(maxFilter)+" characters")
	}
	p := &parser{text: text, known: known}
	f, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.text) {
		return nil, p.wrong("nothing more is expected")
	}
	return f, nil
}

func (p *parser) wrong(what string) error {
	near := p.text[min(p.at, len(p.text)):]
	near = strings.ToValidUTF8(near[:min(len(near), 20)], "")
	if near == "" {
		near = "the end"
	} else {
		near = strconv.Quote(near)
	}
	return invalid("invalidFilter", fmt.Sprintf("%s, at character %d, before %s", what, p.at+1, near))
}

func (p *parser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

// word takes a word if it comes next, whatever its case.
func (p *parser) word(want string) bool {
	p.space()
	end := p.at + len(want)
	if end > len(p.text) || !strings.EqualFold(p.text[p.at:end], want) || end < len(p.text) && isName(p.text[end]) {
		return false
	}
	p.at = end
	return true
}

func (p *parser) sign(c byte) bool {
	if p.space(); p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func isName(c byte) bool {
	return c == '_' || c == '-' || c == '$' || c == ':' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *parser) or() (filter, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.wrong("the parentheses are too deep")
	}
	defer func() { p.depth-- }()
	f, err := p.and()
	for err == nil && p.word("or") {
		var next filter
		next, err = p.and()
		f = either{f, next}
	}
	return f, err
}

func (p *parser) and() (filter, error) {
	f, err := p.one()
	for err == nil && p.word("and") {
		var next filter
		next, err = p.one()
		f = both{f, next}
	}
	return f, err
}

func (p *parser) one() (filter, error) {
	negated := p.word("not")
	if p.sign('(') {
		f, err := p.or()
		if err == nil && !p.sign(')') {
			err = p.wrong("a closing parenthesis is missing")
		}
		if negated {
			f = not{f}
		}
		return f, err
	}
	if negated {
		return nil, p.wrong("parentheses belong behind not")
	}
	path, err := p.name()
	if err != nil {
		return nil, err
	}
	if p.at < len(p.text) && p.text[p.at] == '[' {
		return p.inBrackets(path)
	}
	if p.known != nil && !p.known(path) {
		return nil, invalid("invalidFilter", strconv.Quote(strings.Join(path, "."))+" is not kept here, so nothing can be found by it; id, externalId, userName and displayName are kept")
	}
	return p.test(path)
}

// inBrackets reads what the values of a list are to match.
func (p *parser) inBrackets(path []string) (filter, error) {
	if len(path) != 1 {
		return nil, p.wrong("brackets belong behind the name of a list")
	}
	p.at++
	inner := &parser{text: p.text, at: p.at, depth: p.depth}
	if outer := p.known; outer != nil {
		inner.known = func(sub []string) bool { return outer(append([]string{path[0]}, sub...)) }
	}
	f, err := inner.or()
	if err != nil {
		return nil, err
	}
	if p.at = inner.at; !p.sign(']') {
		return nil, p.wrong("a closing bracket is missing")
	}
	return within{path[0], f}, nil
}

// name reads the name of an attribute, without the schema it may begin with.
func (p *parser) name() ([]string, error) {
	p.space()
	from := p.at
	for p.at < len(p.text) && isName(p.text[p.at]) {
		p.at++
	}
	name := p.text[from:p.at]
	path := pathOf(name)
	for _, part := range path {
		if part == "" {
			p.at = from
			return nil, p.wrong("the name of an attribute is expected")
		}
	}
	return path, nil
}

// coreSchemas are the schemas whose attributes may be called by their full
// names.
var coreSchemas = [...]string{userSchema, groupSchema}

// pathOf takes the name of an attribute apart. What belongs to another schema
// stays in one piece.
func pathOf(name string) []string {
	lower := strings.ToLower(name)
	for _, schema := range coreSchemas {
		if rest, is := strings.CutPrefix(lower, strings.ToLower(schema)+":"); is {
			lower = rest
		}
	}
	if strings.Contains(lower, ":") {
		return []string{lower}
	}
	return strings.Split(lower, ".")
}

func (p *parser) test(path []string) (filter, error) {
	for _, op := range [...]string{"pr", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"} {
		if !p.word(op) {
			continue
		}
		if op == "pr" {
			return test{path: path, op: op}, nil
		}
		value, err := p.value()
		if err != nil {
			return nil, err
		}
		if _, text := value.(string); !text && op != "eq" && op != "ne" {
			return nil, p.wrong(op + " compares texts only")
		}
		return test{path, op, value}, nil
	}
	return nil, p.wrong("one of eq ne co sw ew pr gt ge lt le is expected")
}

// value reads what to compare with, written as JSON.
func (p *parser) value() (any, error) {
	p.space()
	from, quoted := p.at, p.at < len(p.text) && p.text[p.at] == '"'
	end := from
	if quoted {
		for end++; end < len(p.text) && p.text[end] != '"'; end++ {
			if p.text[end] == '\\' {
				end++
			}
		}
		end = min(end+1, len(p.text))
	} else {
		for end < len(p.text) && !strings.ContainsRune(" \t)]", rune(p.text[end])) {
			end++
		}
	}
	literal := p.text[from:end]
	if !quoted { // True, as Entra ID writes it
		literal = strings.ToLower(literal)
	}
	var v any
	if err := json.Unmarshal([]byte(literal), &v); err != nil {
		return nil, p.wrong(`a value is expected: a text in quotation marks, true, false or a number`)
	}
	if text, is := v.(string); is && strings.IndexFunc(text, unicode.IsControl) >= 0 {
		return nil, p.wrong("a text without control characters is expected")
	}
	switch v.(type) {
	case string, bool, float64, nil:
	default:
		return nil, p.wrong("a simple value is expected")
	}
	p.at = end
	return v, nil
}
