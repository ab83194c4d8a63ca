// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"slices"
)

// Set is a compiled set of guard rails. The nil Set forbids nothing.
type Set struct {
	rules []rule // by name of the rail, then by line
	index index
}

// index finds the rules about something. Every rule is in one list only: that
// of the narrowest thing that it needs.
type index struct {
	mask     uint64 // the number of bits in the filter, a power of two, less one
	filter   []uint64
	people   map[string][]int32
	openings map[string][]int32
	areas    map[string][]int32    // by identifier
	named    map[[2]string][]int32 // areas by the slugs of site and area
	roles    map[string][]int32
	sites    map[string][]int32
	classes  map[string][]int32
	kinds    map[string][]int32
	rest     []int32
}

func newSet(rules []rule) *Set {
	bits := 64
	for bits < 64*len(rules) {
		bits *= 2
	}
	x := index{
		mask: uint64(bits - 1), filter: make([]uint64, bits/64),
		people: map[string][]int32{}, openings: map[string][]int32{}, areas: map[string][]int32{}, named: map[[2]string][]int32{},
		roles: map[string][]int32{}, sites: map[string][]int32{}, classes: map[string][]int32{}, kinds: map[string][]int32{},
	}
	for i := range rules {
		x.add(&rules[i], int32(i))
	}
	return &Set{rules, x}
}

// add puts a rule into its list.
func (x *index) add(r *rule, i int32) {
	who, what := thing{}, thing{}
	if r.who != nil {
		who = *r.who
	}
	if r.what != nil {
		what = *r.what
	}
	put := func(m map[string][]int32, id string) {
		m[id] = append(m[id], i)
		x.mark(fold(id))
	}
	switch {
	case who.kind == "Person":
		put(x.people, who.id)
	case what.kind == "Opening":
		put(x.openings, what.id)
	case what.kind == "Area" && what.site == "":
		put(x.areas, what.id)
	case what.kind == "Area":
		key := [2]string{what.site, what.id}
		x.named[key] = append(x.named[key], i)
		x.mark(pair(what.site, what.id))
	case who.kind == "Role":
		put(x.roles, who.id)
	case r.site != "":
		put(x.sites, r.site)
	case what.kind == "Site":
		put(x.sites, what.id)
	case r.class != "":
		put(x.classes, r.class)
	case r.opening != "":
		put(x.kinds, r.opening)
	default:
		x.rest = append(x.rest, i)
	}
}

// fold makes a number of a name: of its length and its end, where identifiers
// and slugs differ most. That others have the same number costs a look into a
// map, no more.
func fold(s string) uint64 {
	n := len(s)
	var v uint64
	switch {
	case n >= 8:
		s = s[n-8:]
		v = uint64(s[7]) | uint64(s[6])<<8 | uint64(s[5])<<16 | uint64(s[4])<<24 |
			uint64(s[3])<<32 | uint64(s[2])<<40 | uint64(s[1])<<48 | uint64(s[0])<<56
	case n >= 4: // the two halves overlap
		end := s[n-4:]
		v = uint64(end[3]) | uint64(end[2])<<8 | uint64(end[1])<<16 | uint64(end[0])<<24 |
			uint64(s[3])<<32 | uint64(s[2])<<40 | uint64(s[1])<<48 | uint64(s[0])<<56
	case n > 0:
		v = uint64(s[n-1]) | uint64(s[n/2])<<8 | uint64(s[0])<<16
	}
	v = (v ^ uint64(n)<<59) * 0x9e3779b97f4a7c15
	return (v ^ v>>31) * 0xbf58476d1ce4e5b9
}

// pair makes a number of two slugs.
func pair(site, area string) uint64 { return fold(site)*3 ^ fold(area) }

// mark puts a number into the filter.
func (x *index) mark(h uint64) {
	bit := h >> 16 & x.mask
	x.filter[bit/64] |= 1 << (bit % 64)
}

// missing reports that nothing with this number was added.
func (x *index) missing(h uint64) bool {
	bit := h >> 16 & x.mask
	return x.filter[bit/64]>>(bit%64)&1 == 0
}

// list returns the rules of one list.
func (x *index) list(m map[string][]int32, id string) []int32 {
	if len(m) == 0 || id == "" || x.missing(fold(id)) {
		return nil
	}
	return m[id]
}

// parties appends the lists of the rules about a person, and others.
func (x *index) parties(all [][]int32, f *Facts) [][]int32 {
	all = some(all, x.list(x.people, string(f.Person)))
	all = some(all, x.list(x.people, f.PersonSlug))
	if len(x.roles) > 0 {
		for _, r := range f.Roles {
			all = some(all, x.list(x.roles, r))
		}
	}
	return all
}

// places appends the lists of the rules about an opening and about nobody in
// particular, and others.
func (x *index) places(all [][]int32, f *Facts) [][]int32 {
	all = some(all, x.rest)
	all = some(all, x.list(x.openings, string(f.Opening)))
	all = some(all, x.list(x.openings, f.OpeningSlug))
	all = some(all, x.list(x.areas, f.Area))
	if len(x.named) > 0 {
		if site, area := areaName(f); site != "" && area != "" && !x.missing(pair(site, area)) {
			all = some(all, x.named[[2]string{site, area}])
		}
	}
	all = some(all, x.list(x.sites, f.Site))
	all = some(all, x.list(x.sites, f.SiteSlug))
	all = some(all, x.list(x.classes, f.Class))
	return some(all, x.list(x.kinds, f.Kind))
}

// some appends a list with anything in it.
func some(all [][]int32, list []int32) [][]int32 {
	if len(list) > 0 {
		return append(all, list)
	}
	return all
}

// about reports whether the head of a rule fits the facts.
func (r *rule) about(f *Facts, action uint8) bool {
	return r.does(action) && r.at(f) && (r.who == nil || r.who.asks(f))
}

// does reports whether a rule is about an action.
func (r *rule) does(action uint8) bool { return r.mask == 0xff || r.mask&action != 0 }

// at reports whether what the head of a rule says of the opening fits the facts.
func (r *rule) at(f *Facts) bool {
	return (r.site == "" || r.site == f.Site) && (r.class == "" || r.class == f.Class) &&
		(r.opening == "" || r.opening == f.Kind) && (r.what == nil || r.what.holds(f))
}

// InScope reports whether any rail is about this person, opening and action, so
// that the other facts matter. It looks at names, roles, kind and class.
func (s *Set) InScope(f *Facts) bool {
	if s == nil {
		return false
	}
	var room [8][]int32
	action := f.Action.bit()
	for _, list := range s.index.parties(s.index.places(room[:0], f), f) {
		for _, i := range list {
			if s.rules[i].about(f, action) {
				return true
			}
		}
	}
	return false
}

// OfOpening reports whether any rail is about the opening and the action,
// whoever asks. It looks at what the facts say of the opening only.
func (s *Set) OfOpening(f *Facts) bool {
	if s == nil {
		return false
	}
	var room [8][]int32
	action := f.Action.bit()
	for _, list := range s.index.places(room[:0], f) {
		for _, i := range list {
			if r := &s.rules[i]; r.does(action) && r.at(f) {
				return true
			}
		}
	}
	return false
}

// OfPerson reports whether any rail is about the person, by name or by role, and
// the action, whatever is asked for. Where neither this nor [Set.OfOpening]
// holds, Look finds nothing: what never changes from one request to the next can
// be noted beforehand.
func (s *Set) OfPerson(f *Facts) bool {
	if s == nil {
		return false
	}
	var room [8][]int32
	action := f.Action.bit()
	for _, list := range s.index.parties(room[:0], f) {
		for _, i := range list {
			if r := &s.rules[i]; r.does(action) && r.who.asks(f) {
				return true
			}
		}
	}
	return false
}

// Rule names one rule of a set: its rail, and the line of its text where it
// begins.
type Rule struct {
	Rail string
	Line int
}

// RulesAt lists the enforced rules whose heads fit an opening, whoever asks and
// whatever for. It is for comparing what holds before and after a change, and
// looks at every rule there is.
func (s *Set) RulesAt(f *Facts) []Rule {
	return s.enforced(func(r *rule) bool { return r.at(f) })
}

// RulesOf lists the enforced rules that name a person or one of their roles,
// wherever and whatever for. It looks at every rule there is.
func (s *Set) RulesOf(f *Facts) []Rule {
	return s.enforced(func(r *rule) bool { return r.who != nil && r.who.asks(f) })
}

func (s *Set) enforced(fits func(*rule) bool) (all []Rule) {
	if s == nil {
		return nil
	}
	for i := range s.rules {
		if r := &s.rules[i]; !r.shadow && fits(r) {
			all = append(all, Rule{r.rail, r.line})
		}
	}
	return all
}

// found is a rule that forbids, and why if it could not be worked out.
type found struct {
	rule  int32
	doubt string
}

// Look returns the rules that forbid the request, in order of the names of
// their rails; nil: none does. Shadow rails are among them: whoever asks passes
// over those, and records them.
func (s *Set) Look(f *Facts) []Hit {
	if s == nil {
		return nil
	}
	var room [8][]int32
	lists := s.index.parties(s.index.places(room[:0], f), f)
	if len(lists) == 0 {
		return nil
	}
	var space [4]found
	all := space[:0]
	r := reading{action: f.Action.bit()}
	for _, list := range lists {
		for _, i := range list {
			if rule := &s.rules[i]; rule.about(f, r.action) {
				if answer := rule.ask(f, &r); answer != no {
					all = append(all, found{i, r.doubt})
					r.doubt = ""
				}
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return s.hits(all)
}

// ask works out the conditions of a rule, in order, as far as needed.
func (r *rule) ask(f *Facts, facts *reading) truth {
	for _, c := range r.when {
		if answer := c.ask(f, facts); answer != yes {
			return answer
		}
	}
	return yes
}

// hits puts what was found into words. A rule can be found twice, where two
// names of a thing are the same or somebody has a role twice.
func (s *Set) hits(all []found) []Hit {
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.rule, b.rule) })
	all = slices.CompactFunc(all, func(a, b found) bool { return a.rule == b.rule })
	hits := make([]Hit, len(all))
	for i, one := range all {
		r := &s.rules[one.rule]
		hits[i] = Hit{Rail: r.rail, Line: r.line, Why: r.why, Fix: r.fix, Shadow: r.shadow}
		if one.doubt != "" {
			hits[i].Why += " (the rule could not be worked out, so it forbids: " + one.doubt + ")"
		}
	}
	return hits
}
