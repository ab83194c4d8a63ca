// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// broken is the small file with one thing changed.
func broken(t *testing.T, change func(*File)) []Problem {
	t.Helper()
	f := parsed(t, small)
	change(&f)
	return Check(f, nobody)
}

func TestCheckNamesThePathAndTheFix(t *testing.T) {
	for _, c := range []struct {
		field  string
		change func(*File)
	}{
		{"sites[0].slug", func(f *File) { f.Sites = append(f.Sites, f.Sites[0]); f.Sites[0].Slug = "Lisbon!" }},
		{"sites[1].slug", func(f *File) { f.Sites = append(f.Sites, f.Sites[0]) }},
		{"sites[0].name", func(f *File) { f.Sites[0].Name = "" }},
		{"sites[0].name", func(f *File) { f.Sites[0].Name = "evil\u202egnp.exe" }},
		{"sites[0].name", func(f *File) { f.Sites[0].Name = strings.Repeat("x", 81) }},
		{"sites[0].name", func(f *File) { f.Sites[0].Name = "\xff" }},
		{"sites[0].zone", func(f *File) { f.Sites[0].Zone = "Europe/Lisboa" }},
		{"sites[0].zone", func(f *File) { f.Sites[0].Zone = "" }},
		{"sites[0].zone", func(f *File) { f.Sites[0].Zone = "../../etc/passwd" }},
		{"sites[0].hours", func(f *File) { f.Sites[0].Hours = "never" }},
		{"areas[0].site", func(f *File) { f.Areas[0].Site = "" }},
		{"areas[0].slug", func(f *File) { f.Areas[0].Slug = "a/b"; f.Openings[0].Area = "" }},
		{"areas[0].name", func(f *File) { f.Areas[0].Name = "a\nb" }},
		{"openings[0].kind", func(f *File) { f.Openings[0].Kind = "portal" }},
		{"openings[0].kind", func(f *File) { f.Openings[0].Kind = "" }},
		{"openings[0].class", func(f *File) { f.Openings[0].Class = "gold" }},
		{"openings[0].site", func(f *File) { f.Openings[0].Site = "porto"; f.Openings[0].Area = "" }},
		{"openings[0].area", func(f *File) { f.Openings[0].Area = "clocks" }},
		{"openings[0].egress", func(f *File) { f.Openings[0].Kind = "door" }},
		{"openings[0].egress", func(f *File) { f.Openings[0].Egress = "maybe" }},
		{"openings[0].on_fault", func(f *File) { f.Openings[0].OnFault = "explode" }},
		{"openings[0].release_time", func(f *File) { f.Openings[0].ReleaseTime = "25" }},
		{"openings[0].release_time", func(f *File) { f.Openings[0].ReleaseTime = "2s" }},
		{"openings[0].open_time", func(f *File) { f.Openings[0].OpenTime = "25h" }},
		{"openings[0].open_time", func(f *File) { f.Openings[0].OpenTime = "-1m" }},
		{"openings[0].unattended", func(f *File) { f.Openings[0].Unattended = "1.0000001s" }},
		{"openings[0].plan", func(f *File) { f.Openings[0].Plan = []int{1} }},
		{"openings[0].plan", func(f *File) { f.Openings[0].Plan = []int{1, 1001} }},
		{"roles[0].name", func(f *File) { f.Roles[0].Name = "\u200eAdmin" }},
		{"people[0].roles[0]", func(f *File) { f.People[0].Roles = []string{"boss"} }},
		{"people[0].roles[1]", func(f *File) { f.People[0].Roles = []string{"associate", "associate"} }},
		{"people[0].from", func(f *File) { f.People[0].From = "2026-11-22" }},
		{"people[0].until", func(f *File) {
			f.People[0].From, f.People[0].Until = "2026-11-22T10:00:00Z", "2026-11-22T11:00:00+01:00"
		}},
		{"people[0].until", func(f *File) { f.People[0].Until = "0001-01-01T00:00:00Z" }},
		{"schedules[0].first", func(f *File) { f.Schedules[0].First = "2026-02-30" }},
		{"schedules[0].weekly[0].days", func(f *File) { f.Schedules[0].Weekly[0].Days = nil }},
		{"schedules[0].weekly[0].days[1]", func(f *File) { f.Schedules[0].Weekly[0].Days[1] = "Tuesday" }},
		{"schedules[0].weekly[0].from", func(f *File) { f.Schedules[0].Weekly[0].From = "9:00" }},
		{"schedules[0].weekly[0].until", func(f *File) { f.Schedules[0].Weekly[0].Until = "24:01" }},
		{"schedules[0].special[0].name", func(f *File) { f.Schedules[0].Special[0].Name = "\u2066x" }},
		{"schedules[0].special[0].first", func(f *File) { f.Schedules[0].Special[0].First = "" }},
		{"schedules[0].special[0].last", func(f *File) { f.Schedules[0].Special[0].Last = "Christmas" }},
		{"schedules[0].special[0].spans[0].until", func(f *File) { f.Schedules[0].Special[0].Spans = []Span{{"10:00", "noon"}} }},
		{"grants[0].person", func(f *File) { f.Grants[0].Role = "associate" }},
		{"grants[0].person", func(f *File) { f.Grants[0].Person = "bob" }},
		{"grants[0].opening", func(f *File) { f.Grants[0].Opening = "" }},
		{"grants[0].opening", func(f *File) { f.Grants[0].Site = "lisbon" }},
		{"grants[0].area", func(f *File) { f.Grants[0].Opening, f.Grants[0].Area = "", "watches" }},
		{"grants[0].schedule", func(f *File) { f.Grants[0].Schedule = "later" }},
		{"grants[0].until", func(f *File) { f.Grants[0].From = "2027-01-01T00:00:00Z" }},
		{"grants[0].from", func(f *File) { f.Grants[0].From = "tomorrow" }},
	} {
		problems := broken(t, c.change)
		if len(problems) == 0 {
			t.Errorf("%s: nothing was found wrong", c.field)
			continue
		}
		found := problems[0]
		for _, p := range problems {
			if p.Field == c.field {
				found = p
			}
		}
		if found.Field != c.field || found.Detail.Text == "" || found.Fix.Text == "" {
			t.Errorf("%s: got %+v", c.field, problems)
		}
		if spanish := found.In(lang.All()[1]); spanish == found.In(lang.English) {
			t.Errorf("%s: said in English to whoever reads another language: %s", c.field, spanish)
		}
	}
}

func TestProblemsCarryTheWholeList(t *testing.T) {
	problems := broken(t, func(f *File) { f.Sites[0].Name, f.Roles[0].Name = "", "" })
	err := Problems("checking", problems)
	if !sashlock.IsKind(err, sashlock.Invalid) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(problems, ListOf(err)); diff != "" {
		t.Error(diff)
	}
	if len(problems) != 2 {
		t.Errorf("found %v, want two things", problems)
	}
	if Problems("checking", nil) != nil || ListOf(nil) != nil {
		t.Error("no problems are an error")
	}
}

func TestNamesInEveryScriptAreWelcome(t *testing.T) {
	for _, name := range []string{"José Núñez", "王小明", "محمد علي", "דנה כהן", "Ὀδυσσεύς", "👩‍🔧 Tech", "O'Brien <admin>", "a\u0301"} {
		if problems := broken(t, func(f *File) { f.People[0].Name = name }); len(problems) > 0 {
			t.Errorf("%q: %v", name, problems)
		}
	}
}

func TestDefaultsSaidOrUnsaidAreTheSame(t *testing.T) {
	unsaid := parsed(t, small)
	said := parsed(t, small)
	o := &said.Openings[0]
	o.Class, o.Egress, o.OnFault, o.ReleaseTime = "standard", "none", "hold", "25000ms"
	said.Schedules[0].Special[0].Last = "2026-12-25"
	said.Grants[0].Until = "2027-01-01T02:00:00+02:00"
	unsaid.Openings[0].Plan, o.Plan = nil, []int{0, 0}
	if steps := Diff(unsaid, said, true); len(steps) > 0 {
		t.Errorf("differs: %v", steps)
	}
	unsaid.Openings[0].ReleaseTime, o.ReleaseTime = "", "10s"
	if steps := Diff(unsaid, said, true); len(steps) > 0 {
		t.Errorf("differs: %v", steps)
	}
}

func TestDiffSaysWhatChanged(t *testing.T) {
	have, want := parsed(t, small), parsed(t, small)
	want.Openings[0].ReleaseTime = "30s"
	want.Roles = append(want.Roles, Role{Slug: "guard", Name: "Guard"})
	want.Grants = nil
	lines := func(prune bool) (out []string) {
		for _, s := range Diff(have, want, prune) {
			out = append(out, s.String())
		}
		return out
	}
	kept := []string{"+ role guard", "~ opening case-3  release_time: 25s → 30s"}
	if diff := cmp.Diff(kept, lines(false)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(append(kept, "- grant ana-case"), lines(true)); diff != "" {
		t.Error(diff)
	}
}

func TestSpelledRewritesReferencesAndNothingElse(t *testing.T) {
	f := parsed(t, small)
	got := f.Spelled(func(ref string) string {
		if ref == "" {
			return ""
		}
		return "<" + ref + ">"
	})
	if got.Grants[0].Person != "<ana>" || got.Grants[0].Slug != "ana-case" || got.People[0].Roles[0] != "<associate>" ||
		got.Openings[0].Site != "<lisbon>" || got.Openings[0].Area != "watches" || got.Sites[0].Hours != "<open-hours>" {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff(parsed(t, small), f); diff != "" {
		t.Errorf("the original changed:\n%s", diff)
	}
}

func TestDataNamesNobody(t *testing.T) {
	if data := string(Data(Person{Slug: "ana-slug", Name: "Ana Costa", Roles: []string{"associate"}})); strings.Contains(data, "ana") || strings.Contains(data, "Ana") || !strings.Contains(data, "associate") {
		t.Errorf("data is %s", data)
	}
}

// Nobody hides among customers, whom no list of people shows.
func TestNobodyIsDeclaredAsACustomer(t *testing.T) {
	find := func(Kind, string) string { return "" }
	anna := Person{Slug: "shopper-anna", Name: "Anna"}
	if _, wrong := anna.Resolve(find); len(wrong) != 1 || wrong[0].Field != "slug" {
		t.Errorf("problems %v", wrong)
	}
	anna.Guest = true
	if _, wrong := anna.Resolve(find); len(wrong) != 0 {
		t.Errorf("as a customer: %v", wrong)
	}
}
