// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"strings"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// build compiles an expression that is true or false. What it does not know it
// leaves to cedar-go, the smallest part that it can.
func build(n ast.IsNode) *condition {
	var c *condition
	switch n := n.(type) {
	case ast.NodeTypeAnd:
		return &condition{kind: and, left: build(n.Left), right: build(n.Right)}
	case ast.NodeTypeOr:
		return &condition{kind: or, left: build(n.Left), right: build(n.Right)}
	case ast.NodeTypeNot:
		return &condition{kind: not, left: build(n.Arg)}
	case ast.NodeTypeIfThenElse:
		return &condition{kind: choice, left: build(n.If), right: build(n.Then), other: build(n.Else)}
	case ast.NodeValue:
		if b, is := n.Value.(types.Boolean); is {
			c = &condition{kind: constant, sure: truthOf(bool(b))}
		}
	case ast.NodeTypeAccess:
		if f := fieldOf(n); f.isFlag() {
			c = &condition{kind: flag, field: f}
		}
	case ast.NodeTypeHas:
		c = buildHas(n)
	case ast.NodeTypeLike:
		if f := fieldOf(n.Arg); f.isWord() && f != second {
			c = &condition{kind: like, field: f, pattern: n.Value}
		}
	case ast.NodeTypeIn:
		c = buildIn(n.Left, n.Right)
	case ast.NodeTypeIs:
		c = buildIs(n)
	case ast.NodeTypeIsIn:
		if is := buildIs(n.NodeTypeIs); is != nil {
			if in := buildIn(n.Left, n.Entity); in != nil {
				c = &condition{kind: and, left: is, right: in}
			}
		}
	default:
		c = buildComparison(n)
	}
	if c == nil {
		c = newForeign(n)
	}
	return c
}

// buildComparison compiles operators between attributes and literals.
func buildComparison(n ast.IsNode) *condition {
	switch n := n.(type) {
	case ast.NodeTypeEquals:
		return buildEqual(n.Left, n.Right)
	case ast.NodeTypeNotEquals:
		if c := buildEqual(n.Left, n.Right); c != nil {
			return &condition{kind: not, left: c}
		}
	case ast.NodeTypeLessThan:
		return buildOrder(less, n.Left, n.Right)
	case ast.NodeTypeLessThanOrEqual:
		return buildOrder(lessOrEqual, n.Left, n.Right)
	case ast.NodeTypeGreaterThan:
		return buildOrder(greater, n.Left, n.Right)
	case ast.NodeTypeGreaterThanOrEqual:
		return buildOrder(greaterOrEqual, n.Left, n.Right)
	case ast.NodeTypeContains:
		return buildContains(n)
	case ast.NodeTypeContainsAll:
		return buildTrained(hasAll, n.Left, n.Right)
	case ast.NodeTypeContainsAny:
		return buildTrained(hasAny, n.Left, n.Right)
	case ast.NodeTypeIsEmpty:
		if fieldOf(n.Arg) == trained {
			return &condition{kind: untrained}
		}
	}
	return nil
}

// variable reports whether an expression is one of Cedar's four variables.
func variable(n ast.IsNode, name types.String) bool {
	v, is := n.(ast.NodeTypeVariable)
	return is && v.Name == name
}

// fieldOf returns the field that an expression reads, if it reads one.
func fieldOf(n ast.IsNode) field {
	a, is := n.(ast.NodeTypeAccess)
	switch {
	case !is:
		return noField
	case variable(a.Arg, "context"):
		return fieldNames[a.Value]
	case variable(a.Arg, "resource") && a.Value == "kind":
		return openingKind
	case variable(a.Arg, "resource") && a.Value == "class":
		return openingClass
	}
	return noField
}

func buildHas(n ast.NodeTypeHas) *condition {
	if fieldOf(ast.NodeTypeAccess(n)) == second {
		return &condition{kind: hasSecond}
	}
	if fieldOf(ast.NodeTypeAccess(n)) != noField {
		return &condition{kind: constant, sure: yes}
	}
	return nil
}

// numberOf returns the number that an expression stands for, a date counting as
// its milliseconds, and whether it fits the field.
func numberOf(n ast.IsNode, f field) (int64, bool) {
	switch n := n.(type) {
	case ast.NodeValue:
		l, is := n.Value.(types.Long)
		return int64(l), is && f.isNumber()
	case ast.NodeTypeExtensionCall:
		if n.Name != "datetime" || len(n.Args) != 1 || f != date {
			return 0, false
		}
		s, ok := wordOf(n.Args[0])
		if !ok {
			return 0, false
		}
		d, err := types.ParseDatetime(s)
		return d.Milliseconds(), err == nil
	}
	return 0, false
}

func wordOf(n ast.IsNode) (string, bool) {
	v, is := n.(ast.NodeValue)
	if !is {
		return "", false
	}
	s, is := v.Value.(types.String)
	return string(s), is
}

func buildOrder(o order, left, right ast.IsNode) *condition {
	f, other := fieldOf(left), right
	if f == noField {
		f, other, o = fieldOf(right), left, o.swapped()
	}
	if n, ok := numberOf(other, f); ok {
		return &condition{kind: compare, field: f, order: o, number: n}
	}
	return nil
}

func buildEqual(left, right ast.IsNode) *condition {
	if c := buildOrder(equal, left, right); c != nil {
		return c
	}
	if variable(right, "action") {
		left, right = right, left
	}
	if variable(left, "action") {
		return buildIn(left, right)
	}
	f, other := fieldOf(left), right
	if f == noField {
		f, other = fieldOf(right), left
	}
	if s, ok := wordOf(other); ok && f.isWord() && f != second {
		return &condition{kind: oneWord, field: f, words: []string{s}}
	}
	if b, is := other.(ast.NodeValue); is && f.isFlag() {
		if sure, is := b.Value.(types.Boolean); is {
			return &condition{kind: same, left: &condition{kind: flag, field: f}, right: &condition{kind: constant, sure: truthOf(bool(sure))}}
		}
	}
	if l, r := fieldOf(left), fieldOf(right); l.isFlag() && r.isFlag() {
		return &condition{kind: same, left: &condition{kind: flag, field: l}, right: &condition{kind: flag, field: r}}
	}
	return nil
}

func buildContains(n ast.NodeTypeContains) *condition {
	if fieldOf(n.Left) == trained {
		if s, ok := wordOf(n.Right); ok {
			return &condition{kind: hasAny, words: []string{s}}
		}
	}
	set, is := n.Left.(ast.NodeTypeSet)
	f := fieldOf(n.Right)
	if !is || f == second {
		return nil
	}
	if f.isWord() {
		if words, ok := wordsOf(set); ok {
			return &condition{kind: oneWord, field: f, words: words}
		}
		return nil
	}
	var numbers []int64
	for _, e := range set.Elements {
		one, ok := numberOf(e, f)
		if !ok {
			return nil
		}
		numbers = append(numbers, one)
	}
	if !f.isNumber() && f != date {
		return nil
	}
	return &condition{kind: oneNumber, field: f, numbers: numbers}
}

func wordsOf(set ast.NodeTypeSet) ([]string, bool) {
	var words []string
	for _, e := range set.Elements {
		s, ok := wordOf(e)
		if !ok {
			return nil, false
		}
		words = append(words, s)
	}
	return words, true
}

func buildTrained(k kind, left, right ast.IsNode) *condition {
	set, is := right.(ast.NodeTypeSet)
	if !is || fieldOf(left) != trained {
		return nil
	}
	if words, ok := wordsOf(set); ok {
		return &condition{kind: k, words: words}
	}
	return nil
}

func buildIs(n ast.NodeTypeIs) *condition {
	var is bool
	switch {
	case variable(n.Left, "principal"):
		is = n.EntityType == "Person"
	case variable(n.Left, "resource"):
		is = n.EntityType == "Opening"
	case variable(n.Left, "action"):
		is = n.EntityType == "Action"
	default:
		return nil
	}
	return &condition{kind: constant, sure: truthOf(is)}
}

// buildIn compiles "who in whom" for entities that are named.
func buildIn(left, right ast.IsNode) *condition {
	named, ok := entitiesOf(right)
	if !ok {
		return nil
	}
	switch {
	case variable(left, "action"):
		return &condition{kind: doing, mask: maskOf(named)}
	case variable(left, "principal"):
		return &condition{kind: byWhom, things: thingsOf(named)}
	case variable(left, "resource"):
		return &condition{kind: toWhat, things: thingsOf(named)}
	}
	return nil
}

func entitiesOf(n ast.IsNode) ([]types.EntityUID, bool) {
	if !someone(n) {
		return nil, false
	}
	if v, is := n.(ast.NodeValue); is {
		uid, is := v.Value.(types.EntityUID)
		return []types.EntityUID{uid}, is
	}
	set, is := n.(ast.NodeTypeSet)
	var all []types.EntityUID
	for _, e := range set.Elements {
		if one, ok := entitiesOf(e); ok {
			all = append(all, one...)
		}
	}
	return all, is
}

func maskOf(named []types.EntityUID) (mask uint8) {
	for _, uid := range named {
		if uid.Type == "Action" {
			mask |= Action(uid.ID).bit()
		}
	}
	return mask
}

func thingOf(uid types.EntityUID) thing {
	t := thing{kind: string(uid.Type), id: string(uid.ID)}
	if site, area, found := strings.Cut(t.id, "/"); found && t.kind == "Area" {
		t.site, t.id = site, area
	}
	return t
}

func thingsOf(named []types.EntityUID) []thing {
	all := make([]thing, len(named))
	for i, uid := range named {
		all[i] = thingOf(uid)
	}
	return all
}
