// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cedar-policy/cedar-go"
	xast "github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
)

// What cedar-go says about a text that it cannot read: where, at which token,
// and what.
var (
	scanned = regexp.MustCompile(`(\d+):(\d+): (.+)$`)
	parsed  = regexp.MustCompile(`parse error at .*?:(\d+):(\d+) "(?s:.*?)": (?s:(.+))$`)
	exact   = regexp.MustCompile(`^exact got (?s:(.*)) want (\S+)$`)
)

// unreadable reports why a statement cannot be parsed.
func (c *checker) unreadable(s statement, err error) {
	said := err.Error()
	m, ahead := parsed.FindStringSubmatch(said), true
	if m == nil {
		m, ahead = scanned.FindStringSubmatch(said), false
	}
	if m == nil {
		c.add(s[0], "", "the rule cannot be read: %s", said)
		return
	}
	line, _ := strconv.Atoi(m[1])   // digits, by the expression
	column, _ := strconv.Atoi(m[2]) // the same
	i := slices.IndexFunc(s, func(t token) bool { return t.line > line || t.line == line && t.column >= column })
	if i < 0 {
		i = len(s)
	}
	// After most errors the parser has moved one token on.
	if ahead && !strings.HasPrefix(m[3], "got ") && i > 0 && i < len(s) {
		i--
	}
	at := s[min(i, len(s)-1)]
	what, fix := plainly(m[3], at)
	c.add(at, fix, "%s", what)
}

// plainly says a message of the parser about a token so that people who write
// rules understand it.
func plainly(said string, at token) (what, fix string) {
	if e := exact.FindStringSubmatch(said); e != nil {
		switch {
		case e[1] == "":
			return e[2] + " is missing at the end", ""
		case e[1] == "=":
			return "= compares nothing", "write =="
		}
		return fmt.Sprintf("here should stand %s instead of %s", e[2], e[1]), ""
	}
	switch plain := strings.ReplaceAll(said, "`", ""); {
	case strings.HasPrefix(said, "unexpected effect"):
		return "a rule begins with forbid", "write forbid (principal, action, resource)"
	case strings.HasPrefix(said, "invalid primary"):
		return at.text + " cannot stand here", ""
	case strings.HasPrefix(said, "expected ident"):
		return "here should stand a name instead of " + at.text, ""
	case strings.Contains(said, "is not a function"):
		return plain, "there are " + strings.Join(functionNames, ", ")
	case strings.HasPrefix(said, "got "):
		return "a comma or the closing bracket is missing here", ""
	case said == "literal not terminated":
		return "the closing quotation mark is missing", ""
	default:
		return plain, ""
	}
}

// invalid reports what the validator has against a rule that was read.
func (c *checker) invalid(v *validate.Validator, src string, s statement, err error) {
	for said := range strings.SplitSeq(err.Error(), "\n") {
		what, fix := inWords(said)
		same := func(p Problem) bool { return p.What == what && p.Line >= s[0].line }
		if slices.ContainsFunc(c.found, same) || len(c.found) >= maxInRail {
			continue
		}
		c.add(c.place(v, src, s, said), fix, "%s", what)
	}
}

var quotedName = regexp.MustCompile("`([^`]*)`")

// inWords says a validator's message so that people who write rules understand
// it.
func inWords(said string) (what, fix string) {
	var name string
	if m := quotedName.FindStringSubmatch(said); m != nil {
		name = m[1]
	}
	plain := strings.NewReplacer("`", "", "__cedar::internal::True", "Bool", "__cedar::internal::False", "Bool").Replace(said)
	switch {
	case strings.Contains(said, "unable to guarantee safety"):
		return "context." + name + " is not always there", "ask first: context has " + name + " && …"
	case strings.Contains(said, "unable to find an applicable action"):
		return "no request is ever like this", "the person stands first, the opening last: principal in Role::…, resource in Area::…"
	case strings.HasPrefix(said, "unexpected type: expected"):
		return strings.NewReplacer("unexpected type: expected", "this should be", "but saw", "and is").Replace(plain), ""
	case strings.Contains(said, "not compatible"):
		if strings.Contains(said, "datetime") {
			fix = `write a date as datetime("2026-12-24")`
		}
		return "this can never be equal: " + plain, fix
	case strings.Contains(said, "failed to parse as a datetime"):
		return "this is no date: " + name, `write it as datetime("2026-12-24")`
	}
	return plain, ""
}

// place finds the smallest part of a rule's conditions about which the
// validator says the same by itself.
func (c *checker) place(v *validate.Validator, src string, s statement, said string) token {
	blamed := func(part statement) bool {
		if len(part) == 0 {
			return false
		}
		alone := "forbid (principal, action, resource) when {" + src[part[0].offset:part[len(part)-1].end()] + "};"
		var p cedar.Policy
		if p.UnmarshalCedar([]byte(alone)) != nil {
			return false
		}
		err := v.Policy("", (*xast.Policy)(p.AST()))
		return err != nil && slices.Contains(strings.Split(err.Error(), "\n"), said)
	}
	part := s
	for {
		i := slices.IndexFunc(parts(part), blamed)
		if i < 0 {
			return part[0]
		}
		part = parts(part)[i]
	}
}

// parts cuts a piece of a rule at its outermost &&, ||, braces and brackets.
// Every part is shorter than the piece.
func parts(s statement) []statement {
	var all []statement
	depth, begin := 0, 0
	cut := func(end int) {
		if end > begin && end-begin < len(s) {
			all = append(all, s[begin:end])
		}
		begin = end + 1
	}
	for i, t := range s {
		switch {
		case t.is("(") || t.is("[") || t.is("{"):
			if depth == 0 && (t.is("(") || t.is("{")) {
				begin = i + 1
			}
			depth++
		case t.is(")") || t.is("]") || t.is("}"):
			depth--
			if depth == 0 && !t.is("]") {
				cut(i)
			}
		case depth == 0 && (t.is("&&") || t.is("||")):
			cut(i)
		case depth == 0 && t.is("!"):
			begin = i + 1
		}
	}
	cut(len(s))
	return all
}
