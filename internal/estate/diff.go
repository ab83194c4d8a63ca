// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
)

// Step is one difference between two estates.
type Step struct {
	Verb    string   `json:"verb" enum:"add,change,remove" doc:"What has to be done"`
	Kind    Kind     `json:"kind" doc:"Sort of object"`
	Ref     string   `json:"ref" doc:"Which one"`
	Changes []Change `json:"changes,omitempty" doc:"Fields that differ"`
	// Object is the wanted object; nil for removals.
	Object any `json:"-"`
}

// Change is one field that differs.
type Change struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// String returns the step as a line for people.
func (s Step) String() string {
	switch s.Verb {
	case "add":
		return fmt.Sprintf("+ %s %s", s.Kind, s.Ref)
	case "remove":
		return fmt.Sprintf("- %s %s", s.Kind, s.Ref)
	}
	fields := make([]string, len(s.Changes))
	for i, c := range s.Changes {
		fields[i] = fmt.Sprintf("%s: %s → %s", c.Field, shown(c.From), shown(c.To))
	}
	return fmt.Sprintf("~ %s %s  %s", s.Kind, s.Ref, strings.Join(fields, ", "))
}

func shown(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// Diff returns what has to be done to have want, in an order in which it can be
// done. Objects that want does not name are removed only with prune.
func Diff(have, want File, prune bool) []Step {
	have, want = normal(have), normal(want)
	var puts, removals []Step
	add := func(p, r []Step) { puts = append(puts, p...); removals = append(r, removals...) }
	add(compare(Schedules, have.Schedules, want.Schedules))
	add(compare(Roles, have.Roles, want.Roles))
	add(compare(Sites, have.Sites, want.Sites))
	add(compare(Areas, have.Areas, want.Areas))
	add(compare(Openings, have.Openings, want.Openings))
	add(compare(People, have.People, want.People))
	add(compare(Grants, have.Grants, want.Grants))
	if !prune {
		return puts
	}
	return append(puts, removals...)
}

// normal fills in what a file may leave out, so that saying a default and not
// saying it are the same.
func normal(f File) File {
	f = f.sorted()
	for i, o := range f.Openings {
		resolved, _ := o.Resolve(func(Kind, string) string { return "x" })
		o.Class, o.Egress, o.OnFault = string(resolved.Class), string(resolved.Egress), string(resolved.OnFault)
		o.ReleaseTime, o.OpenTime, o.Unattended = Length(resolved.ReleaseTime), Length(resolved.OpenTime), Length(resolved.Unattended)
		if resolved.Plan == (sashlock.Place{}) {
			o.Plan = nil
		}
		f.Openings[i] = o
	}
	for i, s := range f.Sites {
		s.ShiftGrace, s.LongestGrant = sameLength(s.ShiftGrace), sameLength(s.LongestGrant)
		s.OpenTolerance, s.RevokeWithin = sameLength(s.OpenTolerance), sameLength(s.RevokeWithin)
		f.Sites[i] = s
	}
	for i, a := range f.Areas {
		a.PassbackFor = sameLength(a.PassbackFor)
		f.Areas[i] = a
	}
	for i, p := range f.People {
		p.From, p.Until = utc(p.From), utc(p.Until)
		p.Roles = slices.Sorted(slices.Values(p.Roles))
		f.People[i] = p
	}
	for i, g := range f.Grants {
		g.From, g.Until, g.Lasts, g.Hold = utc(g.From), utc(g.Until), sameLength(g.Lasts), sameLength(g.Hold)
		f.Grants[i] = g
	}
	for i, s := range f.Schedules {
		if resolved, problems := s.Resolve(nil); len(problems) == 0 {
			f.Schedules[i] = FromSchedule(resolved)
		}
	}
	return f
}

// sameLength writes a length of time in the one way in which it is shown.
func sameLength(s string) string {
	if d, err := time.ParseDuration(s); err == nil {
		return Length(d)
	}
	return s
}

// Spelled returns a copy of f in which every reference from one object to another
// is written as spell does. Callers use it to write identifiers as slugs.
func (f File) Spelled(spell func(ref string) string) File {
	f.Sites, f.Areas, f.Openings = slices.Clone(f.Sites), slices.Clone(f.Areas), slices.Clone(f.Openings)
	f.People, f.Grants = slices.Clone(f.People), slices.Clone(f.Grants)
	for i := range f.Sites {
		f.Sites[i].Hours, f.Sites[i].OpenBy = spell(f.Sites[i].Hours), spell(f.Sites[i].OpenBy)
	}
	for i := range f.Areas {
		f.Areas[i].Site, f.Areas[i].FirstIn = spell(f.Areas[i].Site), spell(f.Areas[i].FirstIn)
	}
	for i := range f.Openings {
		f.Openings[i].Site, f.Openings[i].FirstIn = spell(f.Openings[i].Site), spell(f.Openings[i].FirstIn)
	}
	for i := range f.People {
		roles := slices.Clone(f.People[i].Roles)
		for j := range roles {
			roles[j] = spell(roles[j])
		}
		f.People[i].Roles = roles
	}
	for i := range f.Grants {
		g := &f.Grants[i]
		for _, ref := range []*string{&g.Person, &g.Role, &g.Opening, &g.Area, &g.Site, &g.Schedule, &g.With, &g.Escort} {
			*ref = spell(*ref)
		}
	}
	return f
}

func utc(s string) string {
	r := &reader{}
	if t := r.instant("", s); len(r.problems) == 0 {
		return instant(t)
	}
	return s
}

func compare[T object](k Kind, have, want []T) (puts, removals []Step) {
	old := make(map[string]T, len(have))
	for _, o := range have {
		old[o.Ref()] = o
	}
	for _, w := range want {
		h, exists := old[w.Ref()]
		delete(old, w.Ref())
		switch {
		case !exists:
			puts = append(puts, Step{Verb: "add", Kind: k, Ref: w.Ref(), Object: w})
		case !reflect.DeepEqual(fields(h), fields(w)):
			puts = append(puts, Step{Verb: "change", Kind: k, Ref: w.Ref(), Changes: changes(h, w), Object: w})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		removals = append(removals, Step{Verb: "remove", Kind: k, Ref: name})
	}
	return puts, removals
}

// fields returns an object as JSON shows it, by field, without what the store
// added.
func fields(o any) map[string]string {
	data, err := json.Marshal(o)
	if err != nil {
		return nil
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal(data, &raw) != nil {
		return nil
	}
	out := make(map[string]string, len(raw))
	delete(raw, "id")
	delete(raw, "rev")
	for k, v := range raw {
		out[k] = strings.Trim(string(v), `"`)
	}
	return out
}

func changes(have, want any) []Change {
	from, to := fields(have), fields(want)
	names := maps.Clone(from)
	maps.Copy(names, to)
	var out []Change
	for _, field := range slices.Sorted(maps.Keys(names)) {
		if from[field] != to[field] {
			out = append(out, Change{Field: field, From: from[field], To: to[field]})
		}
	}
	return out
}
