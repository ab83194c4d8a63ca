// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
)

// awkward are names that YAML could take for something else.
var awkward = []string{
	"null", "~", "true", "no", "Yes", "on", "0x10", "0o7", "007", "1e3", "1_000", ".inf", ".nan", "-", "- a", "--- a", "?", ": a",
	"a: b", "a #b", "#a", "'", "\"", "''", "\"a\"", "[a", "{a}", "]", ",", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a", "=", "<<",
	" a", "a ", "2026-11-22", "09:30", "12:30:45", "a\\nb", "é", "日本語", "Ñandú 🦜", "\u00a0x", "a\u200bb", "אבג", "+1", "1.50", "...", "a:", "\\", "0", "a\"b'c",
}

func drawName(t *rapid.T, label string) string {
	if rapid.Bool().Draw(t, label+" awkward") {
		return rapid.SampledFrom(awkward).Draw(t, label)
	}
	return rapid.StringOfN(rapid.Rune().Filter(func(r rune) bool { return sashlock.CheckName(string(r)) == "" }), 1, 20, -1).Draw(t, label)
}

// maybe draws a value or nothing.
func maybe(t *rapid.T, label string, draw func() string) string {
	if rapid.Bool().Draw(t, label+" given") {
		return draw()
	}
	return ""
}

func drawInstant(t *rapid.T, label string, year int) string {
	offset := rapid.IntRange(-12, 14).Draw(t, label+" offset")
	at := time.Date(year, time.Month(rapid.IntRange(1, 12).Draw(t, label+" month")), 3, 4, 5, 6, rapid.SampledFrom([]int{0, 500_000_000, 123_456_789}).Draw(t, label+" fraction"), time.FixedZone("", offset*3600))
	return at.Format(time.RFC3339Nano)
}

func drawTime(t *rapid.T, label string) string {
	return sashlock.TimeOfDay(rapid.IntRange(0, 1440).Draw(t, label)).String()
}

func drawLength(t *rapid.T, label string) string {
	return (time.Duration(rapid.IntRange(3000, 3_600_000).Draw(t, label)) * time.Millisecond).String()
}

// drawSlugs draws names of a kind, each once.
func drawSlugs(t *rapid.T, label string, least int) []string {
	return rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9][a-z0-9-]{0,8}`), least, 5, rapid.ID[string]).Draw(t, label)
}

// drawFile draws a file in which nothing is wrong.
func drawFile(t *rapid.T) File {
	var f File
	for _, s := range drawSlugs(t, "schedules", 1) {
		f.Schedules = append(f.Schedules, drawSchedule(t, s))
	}
	for _, s := range drawSlugs(t, "roles", 1) {
		f.Roles = append(f.Roles, Role{Slug: s, Name: drawName(t, "role name")})
	}
	for _, s := range drawSlugs(t, "sites", 1) {
		zone := rapid.SampledFrom([]string{"Europe/Lisbon", "UTC", "America/New_York"}).Draw(t, "zone")
		f.Sites = append(f.Sites, Site{Slug: s, Name: drawName(t, "site name"), Zone: zone, Hours: maybe(t, "hours", func() string { return pick(t, f.Schedules) })})
	}
	for _, s := range drawSlugs(t, "areas", 0) {
		f.Areas = append(f.Areas, Area{Slug: s, Site: pick(t, f.Sites), Name: drawName(t, "area name")})
	}
	for _, s := range drawSlugs(t, "openings", 1) {
		f.Openings = append(f.Openings, drawOpening(t, s, f))
	}
	for _, s := range drawSlugs(t, "people", 1) {
		p := Person{Slug: s, Name: drawName(t, "name"), Suspended: rapid.Bool().Draw(t, "suspended")}
		p.From = maybe(t, "from", func() string { return drawInstant(t, "from", 2025) })
		p.Until = maybe(t, "until", func() string { return drawInstant(t, "until", 2027) })
		for _, r := range f.Roles {
			if rapid.Bool().Draw(t, "has role") {
				p.Roles = append(p.Roles, r.Slug)
			}
		}
		p.Roles = rapid.Permutation(p.Roles).Draw(t, "order of roles")
		f.People = append(f.People, p)
	}
	for _, s := range drawSlugs(t, "grants", 0) {
		f.Grants = append(f.Grants, drawGrant(t, s, f))
	}
	return f
}

func drawSchedule(t *rapid.T, slug string) Schedule {
	s := Schedule{Slug: slug, Name: drawName(t, "schedule name"), First: maybe(t, "first", func() string { return "2026-01-31" }), Last: maybe(t, "last", func() string { return "2028-02-29" })}
	for range rapid.IntRange(0, 2).Draw(t, "periods") {
		days := rapid.SliceOfNDistinct(rapid.SampledFrom(weekdays), 1, 7, rapid.ID[string]).Draw(t, "days")
		s.Weekly = append(s.Weekly, Period{Days: days, From: drawTime(t, "from"), Until: drawTime(t, "until")})
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "special days") {
		d := SpecialDay{Name: drawName(t, "day name"), First: fmt.Sprintf("2026-12-%02d", 10*i+1), Last: maybe(t, "last", func() string { return fmt.Sprintf("2026-12-%02d", 10*i+rapid.IntRange(1, 3).Draw(t, "last")) })}
		for range rapid.IntRange(0, 2).Draw(t, "spans") {
			d.Spans = append(d.Spans, Span{From: drawTime(t, "from"), Until: drawTime(t, "until")})
		}
		s.Special = append(s.Special, d)
	}
	return s
}

func drawOpening(t *rapid.T, slug string, f File) Opening {
	o := Opening{
		Slug: slug, Name: drawName(t, "opening name"), Kind: rapid.SampledFrom([]string{"case", "cage", "locker", "hatch", "vending", "kiosk", "door"}).Draw(t, "kind"), Site: pick(t, f.Sites),
		Class:       maybe(t, "class", func() string { return rapid.SampledFrom([]string{"standard", "valuable", "high"}).Draw(t, "class") }),
		OnFault:     maybe(t, "on fault", func() string { return rapid.SampledFrom([]string{"hold", "release"}).Draw(t, "on fault") }),
		Egress:      maybe(t, "egress", func() string { return rapid.SampledFrom([]string{"none", "hardware"}).Draw(t, "egress") }),
		ReleaseTime: maybe(t, "release", func() string { return drawLength(t, "release") }),
		OpenTime:    maybe(t, "open", func() string { return drawLength(t, "open") }),
		Unattended:  maybe(t, "unattended", func() string { return drawLength(t, "unattended") }),
	}
	if rapid.Bool().Draw(t, "needs") {
		o.Level, o.Two = rapid.IntRange(0, 4).Draw(t, "level"), rapid.Bool().Draw(t, "two")
		o.FirstIn = maybe(t, "first in", func() string { return pick(t, f.Roles) })
		o.Interlock = maybe(t, "interlock", func() string { return "airlock" })
		o.Trial = rapid.Bool().Draw(t, "trial")
	}
	if o.Kind == "door" && o.Egress == "" {
		o.Egress = "hardware"
	}
	if rapid.Bool().Draw(t, "on the plan") {
		o.Plan = []int{rapid.IntRange(0, 1000).Draw(t, "x"), rapid.IntRange(0, 1000).Draw(t, "y")}
	}
	for _, a := range f.Areas {
		if a.Site == o.Site {
			o.Area = a.Slug
		}
	}
	return o
}

func drawGrant(t *rapid.T, slug string, f File) Grant {
	g := Grant{Slug: slug, Schedule: maybe(t, "schedule", func() string { return pick(t, f.Schedules) })}
	g.From = maybe(t, "from", func() string { return drawInstant(t, "from", 2025) })
	g.Until = maybe(t, "until", func() string { return drawInstant(t, "until", 2027) })
	if rapid.Bool().Draw(t, "terms") {
		g.Uses, g.Level = rapid.IntRange(0, 9).Draw(t, "uses"), rapid.IntRange(0, 4).Draw(t, "level")
		g.OnShift, g.Two = rapid.Bool().Draw(t, "on shift"), rapid.Bool().Draw(t, "two")
		g.Lasts = maybe(t, "lasts", func() string { return rapid.SampledFrom([]string{"20m", "1h30m", "90m", "3600s"}).Draw(t, "lasts") })
		g.With = maybe(t, "with", func() string { return pick(t, f.Roles) })
	}
	if rapid.Bool().Draw(t, "to a role") {
		g.Role = pick(t, f.Roles)
	} else {
		g.Person = pick(t, f.People)
	}
	switch what := rapid.IntRange(0, 2).Draw(t, "what"); {
	case what == 0 && len(f.Areas) > 0:
		g.Area = pick(t, f.Areas)
	case what == 1:
		g.Site = pick(t, f.Sites)
	default:
		g.Opening = pick(t, f.Openings)
	}
	return g
}

func pick[T object](t *rapid.T, list []T) string {
	return list[rapid.IntRange(0, len(list)-1).Draw(t, "which")].Ref()
}

func TestWrittenAndReadAgainDiffersInNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFile(t)
		if problems := Check(f, nobody); len(problems) > 0 {
			t.Fatalf("the file drawn is wrong: %v", problems)
		}
		out, err := Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if steps := Diff(f, again, true); len(steps) > 0 {
			t.Fatalf("%v\n%s", steps, out)
		}
		twice, err := Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(out), string(twice)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// What the store keeps, taken back into the declared form, is what was said.
func TestResolvedAndTakenBackDiffersInNothing(t *testing.T) {
	find := func(k Kind, ref string) string { return string(k) + "_" + ref }
	name := func(k Kind, id string) string { return id[len(k)+1:] }
	rapid.Check(t, func(t *rapid.T) {
		f := drawFile(t)
		var back File
		for _, o := range f.Sites {
			s, _ := o.Resolve(find)
			back.Sites = append(back.Sites, FromSite(s, name))
		}
		for _, o := range f.Areas {
			a, _ := o.Resolve(find)
			back.Areas = append(back.Areas, FromArea(a, name))
		}
		for _, o := range f.Openings {
			s, _ := o.Resolve(find)
			back.Openings = append(back.Openings, FromOpening(s, name))
		}
		for _, o := range f.Roles {
			r, _ := o.Resolve(find)
			back.Roles = append(back.Roles, FromRole(r))
		}
		for _, o := range f.People {
			p, _ := o.Resolve(find)
			back.People = append(back.People, FromPerson(p, name))
		}
		for _, o := range f.Schedules {
			s, _ := o.Resolve(find)
			back.Schedules = append(back.Schedules, FromSchedule(s))
		}
		for _, o := range f.Grants {
			g, _ := o.Resolve(find)
			back.Grants = append(back.Grants, FromGrant(g, name))
		}
		if steps := Diff(back, f, true); len(steps) > 0 {
			t.Fatalf("%v", steps)
		}
	})
}

// Every step of a difference can be taken in the order given: what it refers to
// is there, and nothing that is still referred to is removed.
func TestStepsCanBeTakenInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have, want := drawFile(t), drawFile(t)
		now := have
		for _, s := range Diff(have, want, true) {
			now = taken(now, s)
			if problems := Check(now, nobody); len(problems) > 0 {
				t.Fatalf("after %s: %v", s, problems)
			}
		}
		if left := Diff(now, want, true); len(left) > 0 {
			t.Fatalf("left over: %v", left)
		}
	})
}

// taken is a file after one step.
func taken(f File, s Step) File {
	switch o := s.Object.(type) {
	case Site:
		f.Sites = put(f.Sites, o)
	case Area:
		f.Areas = put(f.Areas, o)
	case Opening:
		f.Openings = put(f.Openings, o)
	case Role:
		f.Roles = put(f.Roles, o)
	case Person:
		f.People = put(f.People, o)
	case Schedule:
		f.Schedules = put(f.Schedules, o)
	case Grant:
		f.Grants = put(f.Grants, o)
	default:
		f.Sites, f.Areas, f.Openings = without(Sites, f.Sites, s), without(Areas, f.Areas, s), without(Openings, f.Openings, s)
		f.Roles, f.People = without(Roles, f.Roles, s), without(People, f.People, s)
		f.Schedules, f.Grants = without(Schedules, f.Schedules, s), without(Grants, f.Grants, s)
	}
	return f
}

func put[T object](list []T, o T) []T {
	list = slices.Clone(list)
	for i := range list {
		if list[i].Ref() == o.Ref() {
			list[i] = o
			return list
		}
	}
	return append(list, o)
}

func without[T object](k Kind, list []T, s Step) []T {
	if s.Kind != k {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(o T) bool { return o.Ref() == s.Ref })
}
