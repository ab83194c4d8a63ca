// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cedar-policy/cedar-go"
	xast "github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/sashlock/sashlock"
)

// rule is one forbid of a rail. Its head, who may be whom and so on, is what
// the index goes by; everything else is in when.
type rule struct {
	rail   string
	line   int
	why    string
	fix    string
	shadow bool

	site    string // where the rail holds; empty: everywhere
	mask    uint8  // actions
	who     *thing // nil: everybody
	what    *thing // nil: everything
	class   string // empty: any
	opening string // the kind of opening; empty: any
	when    []*condition
}

// Compile checks rails and makes a set of them. The error is a
// [*sashlock.Error] of kind invalid that wraps [Problems]; nothing is compiled
// if one rail is wrong. A set without rails forbids nothing.
func Compile(rails []Rail) (*Set, error) {
	if len(rails) > MaxRails {
		return nil, wrong(Problems{{What: fmt.Sprintf("there are %d guard rails, at most %d", len(rails), MaxRails)}})
	}
	v := newValidator()
	var rules []rule
	var found Problems
	seen := make(map[string]bool, len(rails))
	for _, r := range rails {
		if len(found) >= maxProblems {
			break
		}
		c := checker{rail: r.Name}
		switch said := sashlock.CheckName(r.Name); {
		case said != "":
			c.found = Problems{{Rail: r.Name, What: "the guard rail's name will not do", Fix: said}}
		case seen[r.Name]:
			c.found = Problems{{Rail: r.Name, What: "another guard rail has this name", Fix: "give it another"}}
		default:
			rules = append(rules, c.compile(v, r)...)
		}
		seen[r.Name] = true
		found = append(found, c.found...)
	}
	if len(found) > 0 {
		return nil, wrong(found)
	}
	slices.SortStableFunc(rules, func(a, b rule) int {
		return cmp.Or(cmp.Compare(a.rail, b.rail), cmp.Compare(a.line, b.line))
	})
	return newSet(rules), nil
}

func wrong(found Problems) error {
	first := found[0]
	hint := first.What
	if first.Line > 0 {
		hint = fmt.Sprintf("line %d, column %d: %s", first.Line, first.Column, first.What)
	}
	if first.Fix != "" {
		hint += "; " + first.Fix
	}
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "compiling guard rails", Subject: first.Rail, Hint: hint, Err: found}
}

// compile makes the rules of one rail, or reports what is wrong with it.
func (c *checker) compile(v *validate.Validator, r Rail) []rule {
	whole := func(what, fix string) []rule {
		c.found = append(c.found, Problem{Rail: r.Name, Line: 1, Column: 1, What: what, Fix: fix})
		return nil
	}
	if len(r.Text) > MaxText {
		return whole(fmt.Sprintf("it is too long: %d bytes, at most %d", len(r.Text), MaxText), "split it into several guard rails")
	}
	all := split(lex(r.Text))
	switch {
	case len(all) == 0:
		return whole("it says nothing", "write forbid (principal, action, resource) when { … };")
	case len(all) > maxRules:
		return whole(fmt.Sprintf("it has %d rules, at most %d", len(all), maxRules), "split it into several guard rails")
	}
	var rules []rule
	for _, s := range all {
		if len(c.found) >= maxInRail {
			break
		}
		if p := c.read(v, r.Text, s); p != nil {
			made := rule{rail: r.Name, line: headLine(s), shadow: r.Shadow, site: string(r.Site), why: r.Name}
			if made.compile(p) {
				rules = append(rules, made)
				continue
			}
			c.add(s[0], `write principal in Role::"…", resource in Area::"…" and the like`, "principal and resource can only be compared with somebody or something by name")
		}
	}
	return rules
}

// headLine is the line of the word forbid: annotations come before it.
func headLine(s statement) int {
	for _, t := range s {
		if t.is("forbid") {
			return t.line
		}
	}
	return s[0].line
}

// read parses and checks one statement; nil if it is wrong.
func (c *checker) read(v *validate.Validator, src string, s statement) *xast.Policy {
	before := len(c.found)
	if !c.bounds(s) {
		return nil
	}
	c.names(s)
	if extra := len(c.found) - maxInRail; extra > 0 {
		c.found = c.found[:maxInRail]
	}
	// Blank out what comes before, so that the parser counts as people do.
	var p cedar.Policy
	if err := p.UnmarshalCedar(blanked(src, s)); err != nil {
		if len(c.found) == before {
			c.unreadable(s, err)
		}
		return nil
	}
	if len(c.found) > before {
		return nil
	}
	policy := (*xast.Policy)(p.AST())
	if policy.Effect == xast.EffectPermit {
		c.add(s[0], "write forbid, or give a grant instead", "a guard rail forbids; grants permit")
		return nil
	}
	c.sentences(s, policy.Annotations)
	if err := v.Policy("", policy); err != nil {
		c.invalid(v, src, s, err)
	}
	if len(c.found) > before {
		return nil
	}
	return policy
}

// blanked returns the text up to the end of a statement with everything before
// it turned into spaces, one for each character.
func blanked(src string, s statement) []byte {
	end := s[len(s)-1].end()
	out := make([]byte, 0, end)
	for _, r := range src[:s[0].offset] {
		if r != '\n' {
			r = ' '
		}
		out = append(out, byte(r))
	}
	return append(out, src[s[0].offset:end]...)
}

// compile takes a rule apart. It is false for one that compares principal or
// resource in a way in which only one of their names would count.
func (r *rule) compile(p *xast.Policy) bool {
	for _, a := range p.Annotations {
		switch {
		case a.Value == "":
		case a.Key == "reason":
			r.why = string(a.Value)
		case a.Key == "fix":
			r.fix = string(a.Value)
		}
	}
	renameScope(p)
	r.who, r.what, r.mask = partyOf(p.Principal), partyOf(p.Resource), 0xff
	switch a := p.Action.(type) {
	case xast.ScopeTypeEq:
		r.mask = Action(a.Entity.ID).bit()
	case xast.ScopeTypeIn:
		r.mask = Action(a.Entity.ID).bit()
	case xast.ScopeTypeInSet:
		r.mask = maskOf(a.Entities)
	}
	names := renamer{ok: true}
	for _, said := range p.Conditions {
		c := build(names.node(said.Body))
		if said.Condition == xast.ConditionUnless {
			c = &condition{kind: not, left: c}
		}
		r.when = append(r.when, c)
	}
	if names.ok {
		r.raise()
	}
	return names.ok
}

// partyOf returns whom or what the head of a rule names; nil: all.
func partyOf(scope xast.IsScopeNode) *thing {
	var t thing
	switch s := scope.(type) {
	case xast.ScopeTypeIn:
		t = thingOf(s.Entity)
	case xast.ScopeTypeIsIn:
		t = thingOf(s.Entity)
	default:
		return nil
	}
	return &t
}

// raise moves conditions about whom and what from the body of a rule to its
// head, where the index sees them. It stops at the first part that could be in
// doubt: a rule that fails there forbids, whatever comes after it.
func (r *rule) raise() {
	for _, c := range r.when {
		if !r.raiseOne(c) {
			return
		}
	}
}

func (r *rule) raiseOne(c *condition) bool {
	switch {
	case c.kind == and:
		return r.raiseOne(c.left) && r.raiseOne(c.right)
	case c.kind == oneWord && len(c.words) == 1 && c.words[0] != "":
		if c.field == openingClass && r.class == "" {
			r.class = c.words[0]
		}
		if c.field == openingKind && r.opening == "" {
			r.opening = c.words[0]
		}
	case c.kind == byWhom && len(c.things) == 1 && r.who == nil:
		r.who = &c.things[0]
	case c.kind == toWhat && len(c.things) == 1 && r.what == nil:
		r.what = &c.things[0]
	case c.kind == doing:
		r.mask &= c.mask
	}
	return c.sureToAnswer()
}

// sureToAnswer reports whether the condition can never be in doubt.
func (c *condition) sureToAnswer() bool {
	if c == nil {
		return true
	}
	return c.kind != foreign && c.left.sureToAnswer() && c.right.sureToAnswer() && c.other.sureToAnswer()
}
