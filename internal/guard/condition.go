// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"slices"

	"github.com/cedar-policy/cedar-go/types"
)

// truth is the answer of a condition. Doubt is Cedar's error: a part that was
// needed could not be worked out.
type truth int8

const (
	no truth = iota
	yes
	doubt
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// kind is what a condition does.
type kind uint8

const (
	constant  kind = iota // sure
	flag                  // the field is true
	compare               // the number of the field, by order, with number
	oneNumber             // the number of the field is one of numbers
	oneWord               // the word of the field is one of words
	like                  // the word of the field fits the pattern
	hasAll                // the person is trained for all of words
	hasAny                // the person is trained for one of words
	untrained             // the person is trained for nothing
	hasSecond             // a first of two persons has asked
	byWhom                // the principal is, or is in, one of things
	toWhat                // the resource is, or is in, one of things
	doing                 // the action is in mask
	and                   // left, and then right
	or                    // left, or else right
	not                   // not left
	choice                // if left then right else other
	same                  // left and right are equally true
	foreign               // what cedar-go says
)

// field is what a condition looks at.
type field uint8

const (
	noField field = iota
	onShift
	suspended
	automatic
	drill
	withManager
	level
	hour
	minute
	date
	method
	mode
	threat
	jurisdiction
	weekday
	second
	openingKind
	openingClass
	trained
)

// fieldNames are the fields of the context.
var fieldNames = map[types.String]field{
	"on_shift": onShift, "suspended": suspended, "automatic": automatic, "drill": drill, "with_manager": withManager,
	"level": level, "hour": hour, "minute": minute, "date": date,
	"method": method, "mode": mode, "threat": threat, "jurisdiction": jurisdiction, "weekday": weekday, "second": second,
	"trained": trained,
}

func (f field) isFlag() bool   { return f >= onShift && f <= withManager }
func (f field) isNumber() bool { return f >= level && f <= minute }
func (f field) isWord() bool   { return f >= method && f <= openingClass }

// order is how a number is compared.
type order uint8

const (
	equal order = iota
	unequal
	less
	lessOrEqual
	greater
	greaterOrEqual
)

// swapped is the order with its sides exchanged.
func (o order) swapped() order {
	return [...]order{equal, unequal, greater, greaterOrEqual, less, lessOrEqual}[o]
}

// condition is a compiled expression that is true or false.
type condition struct {
	kind    kind
	field   field
	order   order
	sure    truth
	mask    uint8
	number  int64
	numbers []int64
	words   []string
	pattern types.Pattern
	things  []thing
	foreign *foreignRule

	left, right, other *condition
}

// thing is an entity that a rule names.
type thing struct {
	kind string // "Person", "Role", "Opening", "Area", "Site"
	id   string // slug or identifier
	site string // of an area by slug: its site's, and id is its own
}

// ask answers a condition. Both sides of an operator are asked in Cedar's
// order, because only what is asked can be in doubt.
func (c *condition) ask(f *Facts, r *reading) truth {
	switch c.kind {
	case constant:
		return c.sure
	case and:
		if l := c.left.ask(f, r); l != yes {
			return l
		}
		return c.right.ask(f, r)
	case or:
		if l := c.left.ask(f, r); l != no {
			return l
		}
		return c.right.ask(f, r)
	case not:
		switch c.left.ask(f, r) {
		case yes:
			return no
		case no:
			return yes
		}
		return doubt
	case choice:
		switch c.left.ask(f, r) {
		case yes:
			return c.right.ask(f, r)
		case no:
			return c.other.ask(f, r)
		}
		return doubt
	case same:
		l := c.left.ask(f, r)
		if l == doubt {
			return doubt
		}
		o := c.right.ask(f, r)
		if o == doubt {
			return doubt
		}
		return truthOf(l == o)
	case foreign:
		return c.foreign.ask(f, r)
	}
	return truthOf(c.holds(f, r))
}

// holds answers a condition that is never in doubt.
func (c *condition) holds(f *Facts, r *reading) bool {
	switch c.kind {
	case flag:
		return f.flag(c.field)
	case compare:
		return c.compare(r.number(f, c.field))
	case oneNumber:
		return slices.Contains(c.numbers, r.number(f, c.field))
	case oneWord:
		w := r.word(f, c.field)
		for _, one := range c.words {
			if one == w {
				return true
			}
		}
		return false
	case like:
		return c.pattern.Match(types.String(r.word(f, c.field)))
	case hasAll:
		for _, w := range c.words {
			if !slices.Contains(f.Trained, w) {
				return false
			}
		}
		return true
	case hasAny:
		return slices.ContainsFunc(c.words, func(w string) bool { return slices.Contains(f.Trained, w) })
	case untrained:
		return len(f.Trained) == 0
	case hasSecond:
		return f.Second != ""
	case byWhom:
		for i := range c.things {
			if c.things[i].asks(f) {
				return true
			}
		}
		return false
	case toWhat:
		for i := range c.things {
			if c.things[i].holds(f) {
				return true
			}
		}
		return false
	case doing:
		return c.mask&r.action != 0
	}
	return false
}

func (c *condition) compare(n int64) bool {
	switch c.order {
	case equal:
		return n == c.number
	case unequal:
		return n != c.number
	case less:
		return n < c.number
	case lessOrEqual:
		return n <= c.number
	case greater:
		return n > c.number
	}
	return n >= c.number
}

// asks reports whether the thing is the person who asks or one of their roles.
func (t *thing) asks(f *Facts) bool {
	switch t.kind {
	case "Person":
		return t.id == string(f.Person) || t.id == f.PersonSlug
	case "Role":
		for _, r := range f.Roles {
			if r == t.id {
				return true
			}
		}
	}
	return false
}

// holds reports whether the thing is what is asked for, or what that is in.
func (t *thing) holds(f *Facts) bool {
	switch t.kind {
	case "Opening":
		return t.id == string(f.Opening) || t.id == f.OpeningSlug
	case "Site":
		return t.id == f.Site || t.id == f.SiteSlug
	case "Area":
		if t.site == "" {
			return t.id == f.Area
		}
		site, area := areaName(f)
		return t.id == area && t.site == site
	}
	return false
}
