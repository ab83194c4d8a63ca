// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/sashlock/sashlock"
)

// regoText looks everything up by key; OPA scans nothing.
const regoText = `
package sashlock

subjects contains input.person
subjects contains r if some r in data.roles[input.person]

targets contains input.opening
targets contains data.openings[input.opening].area
targets contains data.openings[input.opening].site

granted if {
	some s in subjects
	some t in targets
	some k in data.grants[s][t]
	some w in data.schedules[k]
	input.day in w.days
	input.minute >= w.from
	input.minute < w.until
}

owner := data.rails[data.openings[input.opening].area]

night if input.minute >= 1200
night if input.minute < 420

forbidden if { owner; input.level < 2; night }
forbidden if { owner; input.threat == "lockdown"; input.automatic }
forbidden if {
	owner
	data.openings[input.opening].high
	not owner in subjects
	input.level < 3
}

default allow := false
allow if { granted; not forbidden }
`

type opaDecider struct {
	w     *workload
	query rego.PreparedEvalQuery
}

func newOPA(w *workload) (decider, error) {
	ctx := context.Background()
	store := inmem.NewFromObjectWithOpts(opaData(w), inmem.OptRoundTripOnWrite(true), inmem.OptReturnASTValuesOnRead(true))
	query, err := rego.New(rego.Query("allowed = data.sashlock.allow"), rego.Module("sashlock.rego", regoText), rego.Store(store)).PrepareForEval(ctx)
	return &opaDecider{w, query}, err
}

// opaData is the estate as documents.
func opaData(w *workload) map[string]any {
	roles, openings, schedules, rails, grants := map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}
	for _, p := range w.facts.People {
		var list []any
		for _, r := range p.Roles {
			list = append(list, string(r))
		}
		roles[string(p.ID)] = list
	}
	for _, o := range w.facts.Openings {
		openings[string(o.ID)] = map[string]any{"area": string(o.Area), "site": string(o.Site), "high": o.Class == "high"}
	}
	put := func(id sashlock.ScheduleID) {
		var list []any
		for _, span := range w.windows(id) {
			days := []any{}
			for _, d := range span.days {
				days = append(days, d)
			}
			list = append(list, map[string]any{"days": days, "from": span.from, "until": span.until})
		}
		schedules[string(id)] = list
	}
	put("")
	for _, s := range w.facts.Schedules {
		put(s.ID)
	}
	for i, owner := range w.owner {
		rails[string(w.facts.Areas[i].ID)] = string(owner)
	}
	for _, g := range w.facts.Grants {
		who, what := string(g.Person)+string(g.Role), string(g.Opening)+string(g.Area)+string(g.Site)
		to, ok := grants[who].(map[string]any)
		if !ok {
			to = map[string]any{}
			grants[who] = to
		}
		list, _ := to[what].([]any)
		to[what] = append(list, string(g.Schedule))
	}
	return map[string]any{"roles": roles, "openings": openings, "schedules": schedules, "rails": rails, "grants": grants}
}

func (d *opaDecider) decide(a *ask) (bool, error) {
	day, minute := d.w.local(d.w.place[a.opening], a.at)
	input := ast.NewObject(
		ast.Item(ast.StringTerm("person"), ast.StringTerm(string(a.person))),
		ast.Item(ast.StringTerm("opening"), ast.StringTerm(string(a.opening))),
		ast.Item(ast.StringTerm("day"), ast.IntNumberTerm(day)),
		ast.Item(ast.StringTerm("minute"), ast.IntNumberTerm(minute)),
		ast.Item(ast.StringTerm("level"), ast.IntNumberTerm(a.level)),
		ast.Item(ast.StringTerm("threat"), ast.StringTerm(a.threat)),
		ast.Item(ast.StringTerm("automatic"), ast.BooleanTerm(a.automatic)),
	)
	said, err := d.query.Eval(context.Background(), rego.EvalParsedInput(input))
	if err != nil {
		return false, err
	}
	if len(said) != 1 {
		return false, errors.New("OPA gives no single answer")
	}
	allowed, is := said[0].Bindings["allowed"].(bool)
	if !is {
		return false, errors.New("OPA's answer is neither yes nor no")
	}
	return allowed, nil
}
