// SPDX-License-Identifier: Apache-2.0

package scenario_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/policies"
)

// dice make random stores and scenarios.
type dice struct{ *rand.Rand }

func one[T any](d dice, of ...T) T { return of[d.IntN(len(of))] }

func some[T any](d dice, of []T) []T {
	var all []T
	for _, v := range of {
		if d.IntN(3) == 0 {
			all = append(all, v)
		}
	}
	return all
}

// estate is the usual store with classes and areas shuffled.
func (d dice) estate() scenario.World {
	w := world()
	for id, o := range w.Openings {
		o.Class = one(d, sashlock.Standard, sashlock.Valuable, sashlock.High)
		o.Area = one(d, sashlock.AreaID("area_1"), "area_2", "")
		o.Kind = one(d, sashlock.Case, sashlock.Cage, sashlock.Door)
		w.Openings[id] = o
	}
	return w
}

func (d dice) where() scenario.Where {
	return scenario.Where{
		All: d.IntN(3) == 0, Areas: some(d, []string{"store/floor", "store/back"}),
		Openings: some(d, []string{"case-1", "case-2", "case-3", "case-4", "case-5", "cage", "door"}), Kinds: some(d, []string{"case", "cage", "door"}),
	}
}

func (d dice) scenario() scenario.Scenario {
	s := scenario.Scenario{Slug: "s", Name: "S", Site: "store", Kind: one(d, scenario.Kinds()...), Rank: d.IntN(100)}
	s.Trigger.Button = d.IntN(2) == 0
	switch d.IntN(5) {
	case 0:
		s.Trigger.Schedule = one(d, "lunch", "open")
	case 1:
		s.Trigger.Rate = &scenario.Rate{Of: one(d, scenario.Sales, scenario.Calls), Rise: 10, Fall: 5}
	case 2:
		s.Trigger.Event = &scenario.Occasion{Kind: string(one(d, scenario.Heard()...))}
	case 3:
		s.Trigger.Dates = &scenario.Dates{From: "2026-11-23 10:00", Until: "2026-11-23 22:00"}
	default:
		s.Trigger.Button = true
	}
	for range d.IntN(3) {
		s.Actions.Hold = append(s.Actions.Hold, scenario.Hold{Where: d.where(), Most: d.IntN(4), PerAssociate: d.IntN(3)})
	}
	for range d.IntN(2) {
		s.Actions.Lock = append(s.Actions.Lock, d.where())
	}
	s.Actions.Threat = one(d, "", "peak", "event", "lockdown")
	s.Guard.Never = some(d, []string{"case-1", "case-2", "store/back"})
	s.Guard.Classes = some(d, []string{"valuable", "high"})
	s.Revert.After = one(d, "", "30m", "2h")
	s.Revert.WithTrigger = s.Trigger.Event == nil && d.IntN(2) == 0
	return s
}

// rails are the shipped ones with random ones of the same sort.
func (d dice) rails(t testing.TB) *guard.Set {
	var all []guard.Rail
	for _, p := range policies.Default() {
		if d.IntN(2) == 0 {
			all = append(all, guard.Rail{Name: p.Name, Text: p.Text, Shadow: p.Shadow})
		}
	}
	for i := range d.IntN(3) {
		all = append(all, guard.Rail{Name: fmt.Sprint("r", i), Text: fmt.Sprintf(
			`forbid (principal, action in [Action::"open", Action::"hold_unlocked"], resource) when { context.automatic && %s };`,
			one(d, `resource.kind == "cage"`, `resource.class == "valuable"`, `context.hour >= 19`, `context.threat == "peak"`,
				`resource == Opening::"case-1"`, `resource in Area::"store/back"`, `context.weekday == "monday"`))})
	}
	set, err := guard.Compile(all)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// holdsNothingGuarded runs a random scenario through random days and asks the
// guards about everything that it would hold unlocked. It returns how many
// openings that were.
func holdsNothingGuarded(t testing.TB, d dice, w scenario.World, rails *guard.Set, runs int, looked bool) int {
	form := d.scenario()
	p, problems := scenario.Compile(form, w)
	if p == nil {
		if len(problems) == 0 {
			t.Fatal("neither a plan nor a problem")
		}
		return 0
	}
	var refused map[sashlock.OpeningID]bool
	if looked {
		refused = map[sashlock.OpeningID]bool{}
		for _, b := range p.Reaches(noon, rails) {
			refused[b.Opening] = true
		}
	}
	held := 0
	for range runs {
		held += d.day(t, w, p, form, rails, refused)
	}
	return held
}

// day plays one.
func (d dice) day(t testing.TB, w scenario.World, p *scenario.Plan, form scenario.Scenario, rails *guard.Set, refused map[sashlock.OpeningID]bool) (held int) {
	var s scenario.State
	now := noon.Add(-4 * time.Hour)
	for step := range 6 {
		f := scenario.Facts{
			Now: now, Count: float64(d.IntN(20)), Counted: true, Threat: one(d, "", "peak", "lockdown"), Staff: func(string) int { return 2 },
			Press: one(d, scenario.NoPress, scenario.StartPress, scenario.NoPress, scenario.StopPress),
		}
		if form.Trigger.Event != nil {
			f.Event = &sashlock.Event{Seq: int64(step), Kind: sashlock.EventKind(form.Trigger.Event.Kind), Site: "site_1", Opening: "opn_cage"}
		}
		s, _ = p.Step(s, f)
		wants := p.Wants(s, f, rails)
		for _, id := range wants.Hold {
			held++
			guarded(t, w, form, rails, id, f)
		}
		if form.Kind == scenario.Lockdown && len(wants.Hold) > 0 {
			t.Fatalf("a lockdown holds something unlocked: %+v", form)
		}
		if refused != nil && (f.Threat == "" || f.Threat == form.Actions.Threat) && f.Press == scenario.NoPress && s.Running && form.Trigger.Rate != nil {
			for _, b := range wants.Back {
				if b.Rail != "guard.never" && !refused[b.Opening] {
					t.Fatalf("%s keeps it from %s, which the editor did not see: %+v", b.Rail, b.Opening, form)
				}
			}
		}
		now = now.Add(time.Duration(d.IntN(180)) * time.Minute)
	}
	return held
}

// guarded fails for an opening that may not be held unlocked. It asks in its own
// words, not in those of the package.
func guarded(t testing.TB, w scenario.World, form scenario.Scenario, rails *guard.Set, id sashlock.OpeningID, f scenario.Facts) {
	o := w.Openings[id]
	area := w.Areas[o.Area].Slug
	switch {
	case o.Class == sashlock.High:
		t.Fatalf("%s is of high value and held unlocked: %+v", id, form)
	case slices.Contains(form.Guard.Never, o.Slug), area != "" && slices.Contains(form.Guard.Never, "store/"+area), slices.Contains(form.Guard.Classes, string(o.Class)):
		t.Fatalf("%s is never to be opened and held unlocked: %+v", id, form)
	}
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	threat := f.Threat
	if threat == "" {
		threat = "normal"
	}
	for _, hit := range rails.Look(&guard.Facts{
		Opening: id, OpeningSlug: o.Slug, Kind: string(o.Kind), Class: string(o.Class), Area: string(o.Area), AreaSlug: area,
		Site: "site_1", SiteSlug: "store", Action: guard.HoldUnlocked, Automatic: true, Threat: threat, At: f.Now.In(lisbon),
	}) {
		if !hit.Shadow {
			t.Fatalf("the rail %s forbids %s, and it is held unlocked: %+v", hit.Rail, id, form)
		}
	}
}

// Random scenarios on more than a hundred thousand random days in random stores
// hold nothing unlocked that is guarded, and what the rails keep them from the
// editor had seen.
func TestRandomScenariosOpenNothingGuarded(t *testing.T) {
	const cases, days = 12_000, 16
	d := dice{rand.New(rand.NewPCG(23, 11))}
	held := 0
	var w scenario.World
	var rails *guard.Set
	for i := range cases {
		if i%50 == 0 {
			w, rails = d.estate(), d.rails(t)
		}
		held += holdsNothingGuarded(t, d, w, rails, days, i%20 == 0)
	}
	if held < 10*cases {
		t.Errorf("only %d openings were held in %d cases: the test shows little", held, cases*days)
	}
}

func FuzzScenarios(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		d := dice{rand.New(rand.NewPCG(a, b))}
		holdsNothingGuarded(t, d, d.estate(), d.rails(t), 5, true)
	})
}

// Whatever is read as a scenario, compiling and replaying it ends.
func FuzzText(f *testing.F) {
	f.Add(peak)
	f.Add(onForced)
	f.Add("slug: x\nkind: lockdown\nactions: {lock_down: [{all: true}]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := scenario.Parse([]byte(text))
		if err != nil {
			if !sashlock.IsKind(err, sashlock.Invalid) {
				t.Fatalf("no clear answer: %v", err)
			}
			return
		}
		p, problems := scenario.Compile(s, world())
		for _, one := range problems {
			if one.Fix.Text == "" || one.Detail.Text == "" {
				t.Fatalf("a problem without a remedy: %+v", one)
			}
			scenario.Line([]byte(text), one.Field)
		}
		if p == nil {
			return
		}
		p.Reaches(noon, nil)
		scenario.Replay(p, scenario.Past{From: noon, Until: noon.AddDate(0, 0, 2)}, nil)
		again, err := scenario.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := scenario.Parse(again); err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, again)
		}
	})
}
