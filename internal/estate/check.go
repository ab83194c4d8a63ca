// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// Problem is one thing that is wrong with a declared object.
type Problem struct {
	Field  string      // where: "grants[3].until", or the field alone within one object
	Detail lang.Phrase // what is wrong
	Fix    lang.Phrase // what to do about it
}

// In says what is wrong and what to do about it in a language, without where.
func (p Problem) In(l lang.Language) string { return p.Detail.In(l) + ": " + p.Fix.In(l) }

// String returns the problem in one line, in English.
func (p Problem) String() string { return p.Field + ": " + p.In(lang.English) }

// Problems is an error of kind invalid that lists everything wrong at once.
func Problems(op string, list []Problem) error {
	if len(list) == 0 {
		return nil
	}
	return &sashlock.Error{Kind: sashlock.Invalid, Op: op, Subject: list[0].Field, Hint: list[0].In(lang.English), Err: problemList(list)}
}

// problemList carries the whole list inside an error.
type problemList []Problem

// Error lists the problems, one a line.
func (l problemList) Error() string {
	lines := make([]string, len(l))
	for i, p := range l {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// ListOf returns the problems that err carries, nil when it carries none.
func ListOf(err error) []Problem {
	var l problemList
	if errors.As(err, &l) {
		return l
	}
	return nil
}

// Check finds everything wrong with a file that can be seen without a
// database: known says which objects exist outside of it.
func Check(f File, known Lookup) []Problem {
	inFile := f.names()
	find := func(k Kind, ref string) string {
		if inFile[k][ref] {
			return ref
		}
		return known(k, ref)
	}
	var out []Problem
	out = append(out, checkEach(Sites, f.Sites, func(s Site) []Problem { _, p := s.Resolve(find); return p })...)
	out = append(out, checkEach(Areas, f.Areas, func(a Area) []Problem { _, p := a.Resolve(find); return p })...)
	out = append(out, checkEach(Openings, f.Openings, func(o Opening) []Problem { _, p := o.Resolve(find); return p })...)
	out = append(out, checkEach(Roles, f.Roles, func(r Role) []Problem { _, p := r.Resolve(find); return p })...)
	out = append(out, checkEach(People, f.People, func(p Person) []Problem { _, q := p.Resolve(find); return q })...)
	out = append(out, checkEach(Schedules, f.Schedules, func(s Schedule) []Problem { _, p := s.Resolve(find); return p })...)
	out = append(out, checkEach(Grants, f.Grants, func(g Grant) []Problem { _, p := g.Resolve(find); return p })...)
	return out
}

func (f File) names() map[Kind]map[string]bool {
	return map[Kind]map[string]bool{
		Sites: refs(f.Sites), Areas: refs(f.Areas), Openings: refs(f.Openings), Roles: refs(f.Roles),
		People: refs(f.People), Schedules: refs(f.Schedules), Grants: refs(f.Grants),
	}
}

func refs[T object](list []T) map[string]bool {
	out := make(map[string]bool, len(list))
	for _, o := range list {
		out[o.Ref()] = true
	}
	return out
}

// plural is the key under which a kind stands in a file.
func plural(k Kind) string {
	if k == People {
		return "people"
	}
	return string(k) + "s"
}

func checkEach[T object](k Kind, list []T, check func(T) []Problem) []Problem {
	var out []Problem
	first := map[string]int{}
	for i, o := range list {
		at := fmt.Sprintf("%s[%d]", plural(k), i)
		for _, p := range check(o) {
			p.Field = at + "." + p.Field
			out = append(out, p)
		}
		if j, twice := first[o.Ref()]; twice {
			out = append(out, Problem{Field: at + ".slug", Detail: lang.Say("%s[%d] has the same name %q", plural(k), j, sashlock.Clip(o.Ref())), Fix: lang.Say("give each its own")})
		}
		first[o.Ref()] = i
	}
	return out
}
