// SPDX-License-Identifier: Apache-2.0

package guard_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/guard"
)

// both is a piece of a rule, written twice: as people do, with slugs here and
// identifiers there, and for Cedar as it is, with identifiers only.
type both struct{ ours, cedar string }

func plain(format string, args ...any) both {
	s := fmt.Sprintf(format, args...)
	return both{s, s}
}

// join puts pieces into a form in which each stands as %s.
func join(form string, pieces ...both) both {
	ours, theirs := make([]any, len(pieces)), make([]any, len(pieces))
	for i, p := range pieces {
		ours[i], theirs[i] = p.ours, p.cedar
	}
	return both{fmt.Sprintf(form, ours...), fmt.Sprintf(form, theirs...)}
}

// writer writes random rules.
type writer struct{ *rand.Rand }

func (w writer) one(of ...string) string { return of[w.IntN(len(of))] }

// name names one of a few things of a kind.
func (w writer) name(kind string) both {
	n := w.IntN(3)
	id, slug := fmt.Sprintf("%s_%d", strings.ToLower(kind), n), fmt.Sprintf("%s-%d", strings.ToLower(kind), n)
	if kind == "Area" {
		slug = fmt.Sprintf("site-%d/%s", w.IntN(2), slug)
		id = strings.NewReplacer("/", "_", "-", "_").Replace("area_" + slug)
	}
	b := both{fmt.Sprintf("%s::%q", kind, id), fmt.Sprintf("%s::%q", kind, id)}
	if w.IntN(2) == 0 {
		b.ours = fmt.Sprintf("%s::%q", kind, slug)
	}
	return b
}

func (w writer) action() string {
	return fmt.Sprintf("Action::%q", w.one("open", "hold_unlocked", "lock_down", "release_all"))
}

// rule writes a rule.
func (w writer) rule() both {
	r := join("forbid (%s, %s, %s)", w.who(), w.doing(), w.what())
	for range w.IntN(3) {
		r = join("%s\n%s { %s }", r, plain("%s", w.one("when", "when", "unless")), w.truth(3))
	}
	return join("%s;", r)
}

func (w writer) who() both {
	switch w.IntN(6) {
	case 0:
		return join("principal == %s", w.name("Person"))
	case 1:
		return join("principal in %s", w.name("Role"))
	case 2:
		return join("principal is Person in %s", w.name("Role"))
	}
	return plain("principal")
}

func (w writer) what() both {
	switch w.IntN(7) {
	case 0:
		return join("resource == %s", w.name("Opening"))
	case 1:
		return join("resource in %s", w.name("Area"))
	case 2:
		return join("resource in %s", w.name("Site"))
	case 3:
		return join("resource is Opening in %s", w.name("Site"))
	}
	return plain("resource")
}

func (w writer) doing() both {
	switch w.IntN(4) {
	case 0:
		return plain("action == %s", w.action())
	case 1:
		return plain("action in [%s, %s]", w.action(), w.action())
	}
	return plain("action")
}

// truth writes an expression that is true or false.
func (w writer) truth(depth int) both {
	if depth > 0 {
		switch w.IntN(11) {
		case 0, 1:
			return join("(%s && %s)", w.truth(depth-1), w.truth(depth-1))
		case 2:
			return join("(%s || %s)", w.truth(depth-1), w.truth(depth-1))
		case 3:
			return join("!(%s)", w.truth(depth-1))
		case 4:
			return join("(if %s then %s else %s)", w.truth(depth-1), w.truth(depth-1), w.truth(depth-1))
		case 5:
			return join("((%s) %s (%s))", w.truth(depth-1), plain("%s", w.one("==", "!=")), w.truth(depth-1))
		}
	}
	switch w.IntN(7) {
	case 0, 1:
		return w.named()
	case 2:
		return w.number()
	case 3:
		return w.day()
	case 4:
		return w.skills()
	case 5:
		return w.flag()
	}
	return w.word()
}

func (w writer) flag() both {
	f := "context." + w.one("automatic", "on_shift", "suspended", "drill", "with_manager")
	switch w.IntN(6) {
	case 0:
		return plain("%s == %s", f, w.one("true", "false"))
	case 1:
		return plain("%s != context.%s", f, w.one("automatic", "drill"))
	case 2:
		return plain("context has %s", w.one("second", "level"))
	case 3:
		return plain("(context has second && context.second %s %q)", w.one("==", "!=", "like"), w.one("person_1", "person_2"))
	}
	return plain("%s", f)
}

func (w writer) word() both {
	a := w.one("context.mode", "context.threat", "context.method", "context.jurisdiction", "context.weekday", "resource.kind", "resource.class")
	v := map[string][]string{
		"context.mode": {"normal", "locked_down"}, "context.threat": {"normal", "peak", "lockdown"}, "context.method": {"card", "keypad", "odd"},
		"context.jurisdiction": {"PT", "US-CA"}, "context.weekday": {"monday", "sunday", "friday"},
		"resource.kind": {"door", "cage", "case"}, "resource.class": {"standard", "high"},
	}[a]
	switch w.IntN(5) {
	case 0:
		return plain("%s != %q", a, w.one(v...))
	case 1:
		return plain("[%q, %q].contains(%s)", w.one(v...), w.one(v...), a)
	case 2:
		return plain("%s like %q", a, w.one("*o*", "c*e", "US-*", "normal", "*", "n*m*l", "d\\*r"))
	case 3:
		return plain("%q == %s", w.one(v...), a)
	}
	return plain("%s == %q", a, w.one(v...))
}

func (w writer) number() both {
	a := "context." + w.one("level", "hour", "minute")
	n := w.one("-1", "0", "1", "2", "3", "7", "12", "22", "30", "59")
	op := w.one("==", "!=", "<", "<=", ">", ">=")
	switch w.IntN(7) {
	case 0:
		return plain("%s %s %s", n, op, a)
	case 1:
		return plain("[%s, %s].contains(%s)", n, w.one("2", "3"), a)
	case 2:
		return plain("%s * 60 + context.minute %s %s", a, op, w.one("100", "600", "1320"))
	case 3: // overflows from 2 on
		return plain("%s * 9223372036854775807 %s %s", a, op, n)
	case 4:
		return plain("%s %s context.minute", a, op)
	}
	return plain("%s %s %s", a, op, n)
}

func (w writer) day() both {
	d := fmt.Sprintf("datetime(%q)", w.one("2026-11-22", "2026-11-23", "2026-11-21T13:00:00Z"))
	op := w.one("==", "!=", "<", "<=", ">", ">=")
	switch w.IntN(4) {
	case 0:
		return plain("%s %s context.date", d, op)
	case 1:
		return plain("context.date.offset(duration(%q)) %s %s", w.one("1d", "-36h"), op, d)
	case 2:
		return plain("[%s, datetime(\"2026-11-24\")].contains(context.date)", d)
	}
	return plain("context.date %s %s", op, d)
}

func (w writer) skills() both {
	s := w.one("cage", "forklift", "none")
	switch w.IntN(5) {
	case 0:
		return plain("context.trained.isEmpty()")
	case 1:
		return plain("context.trained.containsAll([%q, \"cage\"])", s)
	case 2:
		return plain("context.trained.containsAny([%q, \"pallet\"])", s)
	case 3:
		return plain("context.trained == [%q]", s)
	}
	return plain("context.trained.contains(%q)", s)
}

func (w writer) named() both {
	switch w.IntN(10) {
	case 0:
		return join("principal == %s", w.name("Person"))
	case 1:
		return join("%s != principal", w.name("Person"))
	case 2:
		return join("principal in [%s, %s]", w.name("Role"), w.name("Role"))
	case 3:
		return join("resource == %s", w.name("Opening"))
	case 4:
		return join("resource in %s", w.name("Area"))
	case 5:
		return join("[%s, %s].contains(resource)", w.name("Opening"), w.name("Opening"))
	case 6:
		return join("resource is Opening in %s", w.name("Site"))
	case 7:
		return plain("action == %s", w.action())
	case 8:
		return plain("action in [%s, %s]", w.action(), w.action())
	}
	return join("resource in [%s, %s]", w.name("Site"), w.name("Site"))
}

// scene is a request as both sides get it.
type scene struct {
	facts    guard.Facts
	request  cedar.Request
	entities types.EntityMap
}

// scene makes random facts out of the few things that rules name.
func (w writer) scene() scene {
	yes := func() bool { return w.IntN(2) == 0 }
	person, opening, area, site := w.IntN(3), w.IntN(3), w.IntN(3), w.IntN(2)
	f := guard.Facts{
		Person: sashlock.PersonID(fmt.Sprint("person_", person)), PersonSlug: fmt.Sprint("person-", person),
		OnShift: yes(), Suspended: yes(), Automatic: yes(), Drill: yes(), WithManager: yes(),
		Opening: sashlock.OpeningID(fmt.Sprint("opening_", opening)), OpeningSlug: fmt.Sprint("opening-", opening),
		Kind: w.one("door", "cage", "case"), Class: w.one("standard", "high"),
		Site: fmt.Sprint("site_", site), SiteSlug: fmt.Sprint("site-", site), Jurisdiction: w.one("", "PT", "US-CA"),
		Action: guard.Action(w.one("open", "hold_unlocked", "lock_down", "release_all")), Level: w.IntN(5),
		Method: w.one("card", "keypad", ""), Mode: w.one("normal", "locked_down"), Threat: w.one("normal", "peak", "lockdown"),
		At: time.Date(2026, 11, 21, w.IntN(72), w.IntN(60), 0, 0, time.FixedZone("", 3600*(w.IntN(20)-10))),
	}
	if w.IntN(4) > 0 {
		f.Area, f.AreaSlug = fmt.Sprintf("area_site_%d_area_%d", site, area), fmt.Sprint("area-", area)
	}
	for n := range 3 {
		if w.IntN(3) == 0 {
			f.Roles = append(f.Roles, fmt.Sprint("role_", n), fmt.Sprint("role-", n))
		}
	}
	for _, s := range []string{"cage", "forklift", "pallet"} {
		if yes() {
			f.Trained = append(f.Trained, s)
		}
	}
	if yes() {
		f.Second = sashlock.PersonID(fmt.Sprint("person_", w.IntN(3)))
	}
	return inCedarTerms(f)
}

// inCedarTerms says facts to Cedar, by identifiers only.
func inCedarTerms(f guard.Facts) scene {
	uid := func(kind types.EntityType, id string) types.EntityUID {
		return types.NewEntityUID(kind, types.String(id))
	}
	person, opening := uid("Person", string(f.Person)), uid("Opening", string(f.Opening))
	var roles []types.EntityUID
	for _, r := range f.Roles {
		if strings.HasPrefix(r, "role_") {
			roles = append(roles, uid("Role", r))
		}
	}
	site := uid("Site", f.Site)
	around := site
	entities := types.EntityMap{site: {UID: site}}
	if f.Area != "" {
		around = uid("Area", f.Area)
		entities[around] = types.Entity{UID: around, Parents: types.NewEntityUIDSet(site)}
	}
	entities[person] = types.Entity{UID: person, Parents: types.NewEntityUIDSet(roles...)}
	entities[opening] = types.Entity{UID: opening, Parents: types.NewEntityUIDSet(around), Attributes: types.NewRecord(types.RecordMap{
		"kind": types.String(f.Kind), "class": types.String(f.Class),
	})}
	midnight, _ := time.Parse(time.DateOnly, f.At.Format(time.DateOnly))
	var trained []types.Value
	for _, t := range f.Trained {
		trained = append(trained, types.String(t))
	}
	context := types.RecordMap{
		"level": types.Long(f.Level), "method": types.String(f.Method), "automatic": types.Boolean(f.Automatic),
		"with_manager": types.Boolean(f.WithManager), "on_shift": types.Boolean(f.OnShift), "suspended": types.Boolean(f.Suspended),
		"trained": types.NewSet(trained...), "hour": types.Long(f.At.Hour()), "minute": types.Long(f.At.Minute()),
		"weekday": types.String(strings.ToLower(f.At.Weekday().String())), "date": types.NewDatetime(midnight),
		"mode": types.String(f.Mode), "threat": types.String(f.Threat), "jurisdiction": types.String(f.Jurisdiction), "drill": types.Boolean(f.Drill),
	}
	if f.Second != "" {
		context["second"] = types.String(f.Second)
	}
	return scene{f, cedar.Request{Principal: person, Action: uid("Action", string(f.Action)), Resource: opening, Context: types.NewRecord(context)}, entities}
}
