// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"github.com/sashlock/sashlock"
)

// casbinModel has roles of people and of openings (their area and site), and
// lines that allow or deny under a condition that a function works out.
const casbinModel = `
[request_definition]
r = sub, obj, now
[policy_definition]
p = sub, obj, when, eft
[role_definition]
g = _, _
g2 = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g2(r.obj, p.obj) && (p.sub == "any" || g(r.sub, p.sub)) && holds(p.when, r.now)
`

type casbinDecider struct {
	w        *workload
	enforcer *casbin.Enforcer
}

// now is what conditions look at.
type now struct {
	a           *ask
	day, minute int
	high        bool
	roles       []sashlock.RoleID
}

func newCasbin(w *workload) (decider, error) {
	m, err := model.NewModelFromString(casbinModel)
	if err != nil {
		return nil, err
	}
	e, err := casbin.NewEnforcer(m, false)
	if err != nil {
		return nil, err
	}
	windows := map[string][]span{"": w.windows("")}
	for _, s := range w.facts.Schedules {
		windows[string(s.ID)] = w.windows(s.ID)
	}
	e.AddFunction("holds", func(args ...any) (any, error) { return holds(windows, args[0].(string), args[1].(*now)), nil })
	var lines, belongs, lies [][]string
	for _, g := range w.facts.Grants {
		lines = append(lines, []string{string(g.Person) + string(g.Role), string(g.Opening) + string(g.Area) + string(g.Site), string(g.Schedule) + "#" + string(g.ID), "allow"})
	}
	for i, owner := range w.owner {
		area := string(w.facts.Areas[i].ID)
		lines = append(lines, []string{"any", area, "night", "deny"}, []string{"any", area, "lockdown", "deny"}, []string{"any", area, "high " + string(owner), "deny"})
	}
	for _, p := range w.facts.People {
		for _, r := range slices.Compact(slices.Sorted(slices.Values(p.Roles))) {
			belongs = append(belongs, []string{string(p.ID), string(r)})
		}
	}
	for _, o := range w.facts.Openings {
		lies = append(lies, []string{string(o.ID), string(o.Area)})
	}
	for _, a := range w.facts.Areas {
		lies = append(lies, []string{string(a.ID), string(a.Site)})
	}
	for _, put := range []func() (bool, error){
		func() (bool, error) { return e.AddPolicies(lines) },
		func() (bool, error) { return e.AddGroupingPolicies(belongs) },
		func() (bool, error) { return e.AddNamedGroupingPolicies("g2", lies) },
	} {
		if added, err := put(); err != nil || !added {
			return nil, fmt.Errorf("loading casbin: added %v: %w", added, err)
		}
	}
	return &casbinDecider{w, e}, nil
}

// holds works out a condition: a schedule or a guard rail.
func holds(windows map[string][]span, when string, n *now) bool {
	switch {
	case when == "night":
		return n.a.level < 2 && (n.minute >= 20*60 || n.minute < 7*60)
	case when == "lockdown":
		return n.a.threat == "lockdown" && n.a.automatic
	case strings.HasPrefix(when, "high "):
		return n.high && n.a.level < 3 && !slices.Contains(n.roles, sashlock.RoleID(when[5:]))
	}
	schedule, _, _ := strings.Cut(when, "#")
	for _, s := range windows[schedule] {
		if slices.Contains(s.days, n.day) && n.minute >= s.from && n.minute < s.until {
			return true
		}
	}
	return false
}

func (d *casbinDecider) decide(a *ask) (bool, error) {
	place := d.w.place[a.opening]
	day, minute := d.w.local(place, a.at)
	return d.enforcer.Enforce(string(a.person), string(a.opening), &now{
		a: a, day: day, minute: minute, high: d.w.facts.Openings[place].Class == sashlock.High,
		roles: d.w.facts.People[d.w.person[a.person]].Roles,
	})
}
