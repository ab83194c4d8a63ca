// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// The limits. They are far above what people write, and low enough that no text
// takes long or needs a deep stack.
const (
	MaxRails = 10_000   // in a set
	MaxText  = 64 << 10 // bytes in a rail

	maxRules    = 64    // in a rail
	maxTokens   = 4_096 // in a rule
	maxNesting  = 32    // brackets within brackets, if within if
	maxRun      = 32    // ! and - in a row, attributes of attributes
	maxString   = 512   // bytes
	maxSentence = 300   // characters of @reason and @fix
	maxInRail   = 10    // problems reported of one rail, and at most that many again for misspelt names
	maxProblems = 100   // reported of all, and no rail is looked at after them
)

// statement is the part of a rail's text that ends with a semicolon: one rule.
type statement []token

// checker collects what is wrong with one rail.
type checker struct {
	rail  string
	found Problems
}

// add reports a problem at a token.
func (c *checker) add(t token, fix, what string, args ...any) {
	c.found = append(c.found, Problem{Rail: c.rail, Line: t.line, Column: t.column, What: fmt.Sprintf(what, args...), Fix: fix})
}

// split cuts a rail into its statements. What follows the last semicolon is one
// as well: the parser says that its end is missing.
func split(all []token) []statement {
	var parts []statement
	begin := 0
	for i, t := range all {
		if t.is(";") {
			parts = append(parts, all[begin:i+1])
			begin = i + 1
		}
	}
	if begin < len(all) {
		parts = append(parts, all[begin:])
	}
	return parts
}

// bounds reports a statement that is too long or too deep to be read. Nothing
// else looks at such a one.
func (c *checker) bounds(s statement) bool {
	if len(s) > maxTokens {
		c.add(s[0], "split it into several", "the rule is too long: %d words and signs, at most %d", len(s), maxTokens)
		return false
	}
	depth, run := 0, 0
	for i, t := range s {
		switch {
		case t.is("(") || t.is("[") || t.is("{") || t.is("if"):
			depth++
		case depth > 0 && (t.is(")") || t.is("]") || t.is("}") || t.is("else")):
			depth--
		}
		switch {
		case t.is("!") || t.is("-") || t.is("."):
			run++
		case i > 0 && s[i-1].is("."): // an attribute's name continues the run
		default:
			run = 0
		}
		if depth > maxNesting || run > maxRun {
			c.add(t, "write it as several rules", "the rule is nested too deeply here")
			return false
		}
		if len(t.text) > maxString {
			c.add(t, "", "this is too long: at most %d bytes", maxString)
			return false
		}
	}
	return true
}

// names reports everything in a statement that is named wrongly. It works on
// tokens because only they have positions, and because Cedar lets words pass
// that make a rule useless: an attribute that is not there behind "has", a
// class that no opening has.
func (c *checker) names(s statement) {
	for i, t := range s {
		switch {
		case t.is("permit") && (i == 0 || s[i-1].is(")") || s[i-1].sort == word) && i+1 < len(s) && s[i+1].is("("):
			c.add(t, "write forbid, or give a grant instead", "a guard rail forbids; grants permit")
		case t.is("@") && i+1 < len(s):
			c.annotation(s[i+1:])
		case t.is("::") && i > 0 && i+1 < len(s):
			c.entity(s, i)
		case t.is("context") || t.is("resource") || t.is("principal"):
			c.attribute(s, i)
		}
	}
	c.words(s)
}

// at returns a token of a statement, or one that is nothing.
func (s statement) at(i int) token {
	if i < 0 || i >= len(s) {
		return token{}
	}
	return s[i]
}

// annotation looks at what follows an @.
func (c *checker) annotation(s statement) {
	name := s[0]
	if !slices.Contains(annotations, name.text) {
		c.add(name, near("@", name.text, annotations), "there is no annotation @%s", name.text)
	}
}

// sentences looks at what the annotations of a rule that was read say.
func (c *checker) sentences(s statement, said []ast.AnnotationType) {
	for _, a := range said {
		i := slices.IndexFunc(s, func(t token) bool { return t.is(string(a.Key)) })
		value := string(a.Value)
		switch {
		case a.Key == "id":
		case strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }):
			c.add(s.at(i+2), "write it in plain characters", "@%s cannot be shown as it is", a.Key)
		case utf8.RuneCountInString(value) > maxSentence:
			c.add(s.at(i+2), "", "@%s is too long: at most %d characters", a.Key, maxSentence)
		}
	}
}

// entity looks at a name like Opening::"case-3"; i is the place of the colons.
func (c *checker) entity(s statement, i int) {
	kind, id := s[i-1], s[i+1]
	if kind.sort != word || id.sort != text {
		return
	}
	if !slices.Contains(entityNames, kind.text) {
		c.add(kind, near("", kind.text, entityNames), "there is no kind of thing called %s", kind.text)
		return
	}
	c.side(s, i)
	value, ok := id.value()
	switch {
	case !ok:
		c.add(id, "write its slug or identifier", "a name has no escapes")
	case value == "":
		c.add(id, "write its slug or identifier", "this names nothing")
	case kind.text == "Action":
		if Action(value).bit() == 0 {
			c.add(id, near("", value, actionNames), "there is no action %q", value)
		}
	case kind.text == "Area" && strings.Contains(value, "/"):
		if site, area, _ := strings.Cut(value, "/"); site == "" || area == "" || strings.Contains(area, "/") {
			c.add(id, `write Area::"site/area"`, "this names no area")
		}
	case kind.text == "Area" && !strings.HasPrefix(value, "area_"):
		c.add(id, fmt.Sprintf(`write Area::"site/%s"`, value), "areas of different sites may have the same slug")
	}
}

// side looks at what a name is compared with: principal is a person, resource
// an opening.
func (c *checker) side(s statement, i int) {
	kind, how, who := s[i-1], s.at(i-2), s.at(i-3)
	if !who.is("principal") && !who.is("resource") || !how.is("==") && !how.is("in") && !how.is("!=") {
		return
	}
	one, groups := "Person", []string{"Role"}
	if who.is("resource") {
		one, groups = "Opening", []string{"Area", "Site"}
	}
	switch {
	case kind.is(one):
	case !slices.Contains(groups, kind.text):
		c.add(kind, "it can be "+one+" or "+strings.Join(groups, " or "), "%s is never %s", who.text, kind.text)
	case how.is("=="):
		c.add(how, fmt.Sprintf("write %s in %s::…", who.text, kind.text), "%s %s %s never holds", who.text, how.text, kind.text)
	}
}

// attribute looks at what follows context, resource and principal.
func (c *checker) attribute(s statement, i int) {
	if s.at(i-1).is(".") || s.at(i-1).is("has") || s.at(i+1).is(":") || s.at(i+1).is("::") {
		return
	}
	name := s.at(i + 2)
	switch next := s.at(i + 1); {
	case next.is(".") || next.is("has") || next.is("["):
	default:
		return
	}
	attribute := name.text
	if v, ok := name.value(); ok {
		attribute = v
	}
	have, other := contextNames, openingNames
	switch s[i].text {
	case "resource":
		have, other = openingNames, contextNames
	case "principal":
		have, other = nil, contextNames
	}
	if name.sort == sign || name.sort == number || slices.Contains(have, attribute) {
		return
	}
	fix := near(s[i].text+".", attribute, have)
	if slices.Contains(other, attribute) {
		fix = "write context." + attribute
		if s[i].text == "context" {
			fix = "write resource." + attribute
		}
	}
	c.add(name, fix, "there is no %s.%s", s[i].text, attribute)
}

// words looks at the words that attributes are compared with.
func (c *checker) words(s statement) {
	for i := range s {
		subject, name := s.at(i), s.at(i+2)
		if !(subject.is("context") || subject.is("resource")) || !s.at(i+1).is(".") || s.at(i-1).is(".") {
			continue
		}
		allowed, limited := values[name.text]
		if !limited {
			continue
		}
		if s.at(i+3).is("==") || s.at(i+3).is("!=") {
			c.oneOf(s.at(i+4), name.text, allowed)
		}
		if s.at(i-1).is("==") || s.at(i-1).is("!=") {
			c.oneOf(s.at(i-2), name.text, allowed)
		}
		if s.at(i-1).is("(") && s.at(i-2).is("contains") && s.at(i-3).is(".") && s.at(i-4).is("]") {
			for k := i - 5; k >= 0 && !s[k].is("["); k-- {
				c.oneOf(s[k], name.text, allowed)
			}
		}
	}
}

// oneOf reports a string that an attribute never holds.
func (c *checker) oneOf(t token, name string, allowed []string) {
	value, ok := t.value()
	if ok && !slices.Contains(allowed, value) {
		c.add(t, near("", value, allowed), "%s is never %q", name, value)
	}
}

// near advises the nearest of some names, or lists them all where none is near.
func near(prefix, wrong string, names []string) string {
	best, distance := "", 1+max(1, len(wrong)/3)
	for _, n := range names {
		if d := apart(strings.ToLower(wrong), n); d < distance {
			best, distance = n, d
		}
	}
	switch {
	case best != "":
		return "write " + prefix + best
	case len(names) == 0:
		return "ask context instead"
	}
	return "there are " + strings.Join(names, ", ")
}

// apart is how many letters have to be changed, added or dropped to make b of a
// (Levenshtein).
func apart(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i]|0x20 != b[j]|0x20 {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
