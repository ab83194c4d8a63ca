// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"iter"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"
	xast "github.com/cedar-policy/cedar-go/x/exp/ast"
)

// foreignRule is an expression that is left to cedar-go: a rule about everybody
// and everything with this one condition.
type foreignRule struct{ policy *cedar.Policy }

func newForeign(n xast.IsNode) *condition {
	p := xast.Forbid().When(xast.NewNode(n))
	return &condition{kind: foreign, foreign: &foreignRule{cedar.NewPolicyFromAST((*ast.Policy)(p))}}
}

// All makes the rule a set of its own, as cedar.Authorize wants it.
func (p *foreignRule) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) { yield("", p.policy) }
}

// ask answers the expression. A mistake in cedar-go that would end the process
// is a doubt like any other.
func (p *foreignRule) ask(f *Facts, r *reading) (answer truth) {
	defer func() {
		if stopped := recover(); stopped != nil {
			r.doubt, answer = fmt.Sprint(stopped), doubt
		}
	}()
	if r.terms == nil {
		r.terms = inCedar(f)
	}
	_, said := cedar.Authorize(p, r.terms.entities, r.terms.request)
	if len(said.Errors) > 0 {
		r.doubt = said.Errors[0].Message
		return doubt
	}
	return truthOf(len(said.Reasons) > 0)
}

// terms are facts in Cedar's terms.
type terms struct {
	entities types.EntityMap
	request  cedar.Request
}

// inCedar says the facts in Cedar's terms: the same as reading and thing, for
// the part of the work that is left to cedar-go.
func inCedar(f *Facts) *terms {
	person := types.NewEntityUID("Person", types.String(f.Person))
	opening := types.NewEntityUID("Opening", types.String(f.Opening))
	var above, around []types.EntityUID
	add := func(list *[]types.EntityUID, kind types.EntityType, id string) {
		if id != "" {
			*list = append(*list, types.NewEntityUID(kind, types.String(id)))
		}
	}
	add(&above, "Person", f.PersonSlug)
	for _, role := range f.Roles {
		add(&above, "Role", role)
	}
	add(&around, "Opening", f.OpeningSlug)
	add(&around, "Area", f.Area)
	if site, area := areaName(f); site != "" && area != "" {
		add(&around, "Area", site+"/"+area)
	}
	add(&around, "Site", f.Site)
	add(&around, "Site", f.SiteSlug)
	entities := types.EntityMap{
		person: {UID: person, Parents: types.NewEntityUIDSet(above...)},
		opening: {UID: opening, Parents: types.NewEntityUIDSet(around...), Attributes: types.NewRecord(types.RecordMap{
			"kind": types.String(f.Kind), "class": types.String(f.Class),
		})},
	}
	action := f.Action
	if action == "" {
		action = Open
	}
	return &terms{entities, cedar.Request{
		Principal: person, Resource: opening,
		Action:  types.NewEntityUID("Action", types.String(action)),
		Context: contextOf(f),
	}}
}

func contextOf(f *Facts) types.Record {
	var r reading
	skills := make([]types.Value, len(f.Trained))
	for i, s := range f.Trained {
		skills[i] = types.String(s)
	}
	all := types.RecordMap{"trained": types.NewSet(skills...)}
	for name, which := range fieldNames {
		switch {
		case which.isFlag():
			all[name] = types.Boolean(f.flag(which))
		case which.isNumber():
			all[name] = types.Long(r.number(f, which))
		case which == date:
			all[name] = types.NewDatetimeFromMillis(r.number(f, which))
		case which.isWord() && which != second:
			all[name] = types.String(r.word(f, which))
		}
	}
	if f.Second != "" {
		all["second"] = types.String(f.Second)
	}
	return types.NewRecord(all)
}
