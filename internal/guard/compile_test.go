// SPDX-License-Identifier: Apache-2.0

package guard_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/guard"
)

var update = flag.Bool("update", false, "write the expected results anew")

// problems compiles one rail and returns what is wrong with it.
func problems(t testing.TB, text string) guard.Problems {
	t.Helper()
	_, err := guard.Compile([]guard.Rail{{Name: "rail", Text: text}})
	if err == nil {
		return nil
	}
	var found guard.Problems
	if !sashlock.IsKind(err, sashlock.Invalid) || !errors.As(err, &found) || len(found) == 0 {
		t.Fatalf("the error is %v, want kind invalid with problems in it", err)
	}
	return found
}

// TestProblems goes through what people get wrong: testdata/problems.txt has
// rails separated by lines of ====, and below each what is said about it.
func TestProblems(t *testing.T) {
	file := filepath.Join("testdata", "problems.txt")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var fresh []string
	for _, one := range strings.Split(string(text), "\n====\n") {
		rail, _, _ := strings.Cut(one, "\n----")
		found := problems(t, rail)
		if found == nil {
			t.Errorf("nothing is wrong with\n%s", rail)
		}
		for _, p := range found {
			if p.Rail != "rail" || p.Line < 1 || p.Line > 1+strings.Count(rail, "\n") || p.Column < 1 {
				t.Errorf("%v is not in\n%s", p, rail)
			}
		}
		fresh = append(fresh, rail+"\n----\n"+found.Error())
	}
	got := strings.Join(fresh, "\n====\n") + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestLimits(t *testing.T) {
	const head = "forbid (principal, action, resource) when { "
	tests := []struct{ name, text, want string }{
		{"length", "// " + strings.Repeat("x", guard.MaxText), "too long"},
		{"brackets", head + strings.Repeat("(", 5000) + "true" + strings.Repeat(")", 5000) + " };", "too long"},
		{"some brackets", head + strings.Repeat("(", 40) + "true" + strings.Repeat(")", 40) + " };", "nested too deeply"},
		{"sets", head + strings.Repeat("[", 20_000), "too long"},
		{"if", head + strings.Repeat("if true then ", 40) + " };", "nested too deeply"},
		{"not", head + strings.Repeat("!", 1000) + "true };", "nested too deeply"},
		{"minus", head + strings.Repeat("-", 1000) + "1 == 1 };", "nested too deeply"},
		{"attributes", head + "context" + strings.Repeat(".a", 1000) + " };", "nested too deeply"},
		{"and", head + strings.Repeat("true && ", 3000) + "true };", "too long"},
		{"string", head + `context.method == "` + strings.Repeat("x", 1000) + `" };`, "too long"},
		{"rules", strings.Repeat("forbid (principal, action, resource);", 65), "65 rules"},
		{"reason", `@reason("` + strings.Repeat("é", 400) + `") forbid (principal, action, resource);`, "too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if found := problems(t, test.text); !strings.Contains(found.Error(), test.want) {
				t.Errorf("it says %q, want %q in it", found, test.want)
			}
		})
	}
	if _, err := guard.Compile(make([]guard.Rail, guard.MaxRails+1)); err == nil || !strings.Contains(err.Error(), "10001 guard rails") {
		t.Errorf("too many rails: %v", err)
	}
	rails := []guard.Rail{{Name: "a", Text: "forbid (principal, action, resource);"}, {Name: "a", Text: "forbid (principal, action, resource);"}, {Name: "\u202e"}}
	if _, err := guard.Compile(rails); err == nil || !strings.Contains(err.Error(), "another guard rail has this name") || !strings.Contains(err.Error(), "direction") {
		t.Errorf("names: %v", err)
	}
}

// TestWorstRulesAreQuick compiles rules that go to the limits, right and wrong
// ones.
func TestWorstRulesAreQuick(t *testing.T) {
	nest := func(form string, depth int) string {
		text := "context.drill"
		for range depth {
			text = strings.ReplaceAll(form, "…", text)
		}
		return text
	}
	tests := []struct{ name, body string }{
		{"mistakes", strings.Repeat(`context.level == "x" && `, 650) + "true"},
		{"or", strings.Repeat("context.drill || ", 1000) + "true"},
		{"has", strings.Repeat("context has second && ", 1000) + `context.second == "x"`},
		{"has or", strings.Repeat("(context has second || context has second) && ", 400) + `context.second == "x"`},
		{"else", strings.Repeat("if context has second then context.second like \"*\" else ", 300) + "true"},
		{"if in if", nest("if (…) then context.on_shift else true", 15)},
		{"if in then", nest("if context.drill then (…) else true", 15)},
		{"if in else", nest("if context.drill then true else (…)", 30)},
		{"brackets", nest("(… || context.drill)", 30)},
		{"equal", nest("(…) == (context.drill)", 30)},
		{"sum", "1" + strings.Repeat(" + 1", 1900) + " == context.level"},
		{"set", "[" + strings.Repeat(`"x", `, 2000) + `"y"].contains(context.method)`},
		{"sets", "[" + strings.Repeat(`"x", `, 1000) + `"y"].containsAll([` + strings.Repeat(`"x", `, 1000) + `"y"])`},
		{"wildcards", `"` + strings.Repeat("a", 500) + `" like "` + strings.Repeat("*a", 250) + `b"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			begin := time.Now()
			set, err := guard.Compile([]guard.Rail{{Name: "rail", Text: "forbid (principal, action, resource) when { " + test.body + " };"}})
			if (err != nil) != (test.name == "mistakes") {
				t.Error(err)
			}
			f := request()
			set.Look(&f)
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func compile(t testing.TB, text ...string) *guard.Set {
	t.Helper()
	var rails []guard.Rail
	for i, s := range text {
		rails = append(rails, guard.Rail{Name: fmt.Sprint("rail-", i), Text: s})
	}
	set, err := guard.Compile(rails)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestDoubtForbids holds that a rule which cannot be worked out forbids, where
// Cedar would pass over it.
func TestDoubtForbids(t *testing.T) {
	set := compile(t, `@reason("Too late.") forbid (principal, action, resource) when { context.level * 9223372036854775807 < 0 && resource.class == "high" };`)
	f := guard.Facts{Level: 2, Class: "standard"}
	hits := set.Look(&f)
	if len(hits) != 1 || !strings.HasPrefix(hits[0].Why, "Too late. (the rule could not be worked out, so it forbids: ") || !strings.Contains(hits[0].Why, "overflow") {
		t.Errorf("hits: %+v", hits)
	}
	if f.Level = 1; set.Look(&f) != nil {
		t.Error("it forbids although it can be worked out")
	}
}

func TestHits(t *testing.T) {
	set, err := guard.Compile([]guard.Rail{
		{Name: "z", Text: `forbid (principal, action, resource);`, Shadow: true},
		{Name: "b", Text: "// two rules\nforbid (principal, action, resource) when { resource.class == \"high\" || true };\n\n@reason(\"No.\")\n@fix(\"Wait.\")\nforbid (principal, action, resource == Opening::\"case-3\");"},
		{Name: "a", Text: `forbid (principal, action, resource) unless { context.on_shift };`},
		{Name: "elsewhere", Text: `forbid (principal, action, resource);`, Site: "site_2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	f := guard.Facts{Opening: "case-3", OpeningSlug: "case-3", OnShift: true, Site: "site_1"}
	want := []guard.Hit{
		{Rail: "b", Line: 2, Why: "b"},
		{Rail: "b", Line: 6, Why: "No.", Fix: "Wait."},
		{Rail: "z", Line: 1, Why: "z", Shadow: true},
	}
	if diff := cmp.Diff(want, set.Look(&f)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	f = guard.Facts{OnShift: false, Site: "site_2"}
	var names []string
	for _, h := range set.Look(&f) {
		names = append(names, h.Rail)
	}
	if diff := cmp.Diff([]string{"a", "b", "elsewhere", "z"}, names); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestNothingKnown holds what the zero Facts mean: an ordinary opening by
// somebody about whom nothing is known.
func TestNothingKnown(t *testing.T) {
	set := compile(t,
		`forbid (principal, action == Action::"open", resource) when { context.mode == "normal" && context.threat == "normal" };`,
		`forbid (principal, action, resource) when { context has second };`,
		`forbid (principal in Role::"x", action, resource);`,
	)
	if hits := set.Look(&guard.Facts{}); len(hits) != 1 || hits[0].Rail != "rail-0" {
		t.Errorf("hits: %+v", hits)
	}
	var none *guard.Set
	if none.Look(&guard.Facts{}) != nil || none.InScope(&guard.Facts{}) {
		t.Error("the nil set forbids something")
	}
	if empty := compile(t); empty.Look(&guard.Facts{}) != nil || empty.InScope(&guard.Facts{}) {
		t.Error("the empty set forbids something")
	}
}

func TestInScope(t *testing.T) {
	set := compile(t,
		`forbid (principal, action == Action::"open", resource in Site::"lisbon") when { context.drill };`,
		`forbid (principal, action, resource) when { resource.class == "high" && context.automatic };`,
	)
	tests := []struct {
		facts guard.Facts
		want  bool
	}{
		{guard.Facts{SiteSlug: "lisbon"}, true},
		{guard.Facts{Site: "lisbon"}, true},
		{guard.Facts{SiteSlug: "lisbon", Action: guard.LockDown}, false},
		{guard.Facts{SiteSlug: "porto"}, false},
		{guard.Facts{SiteSlug: "porto", Class: "high"}, true},
	}
	for _, test := range tests {
		if got := set.InScope(&test.facts); got != test.want {
			t.Errorf("%+v in scope: %v, want %v", test.facts, got, test.want)
		}
	}
}

// TestClock reads the clock in zones and centuries where arithmetic goes wrong.
func TestClock(t *testing.T) {
	for _, at := range []time.Time{
		{}, time.Unix(-1, 0).UTC(), time.Unix(0, 0).UTC(), time.Date(1969, 12, 28, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 11, 22, 23, 59, 59, 999, time.FixedZone("", -11*3600)), time.Date(2028, 2, 29, 0, 0, 0, 0, time.FixedZone("", 14*3600)),
		time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC),
	} {
		set := compile(t, fmt.Sprintf(`forbid (principal, action, resource) when { context.hour == %d && context.minute == %d && context.weekday == %q && context.date == datetime(%q) };`,
			at.Hour(), at.Minute(), strings.ToLower(at.Weekday().String()), at.Format(time.DateOnly)))
		if len(set.Look(&guard.Facts{At: at})) != 1 {
			t.Errorf("%v is read as another time", at)
		}
	}
}

func TestSchemaNamesEverything(t *testing.T) {
	for _, name := range []string{"Person", "Role", "Opening", "Area", "Site", "hold_unlocked", "second?", "jurisdiction", "datetime"} {
		if !strings.Contains(guard.Schema(), name) {
			t.Errorf("the schema does not speak of %s", name)
		}
	}
}

// TestLookDoesNotAllocate holds the promise for rails in scope that forbid
// nothing.
func TestLookDoesNotAllocate(t *testing.T) {
	set, err := guard.Compile(thousand(inScope()...))
	if err != nil {
		t.Fatal(err)
	}
	facts := request()
	look := func() {
		f := facts // stays where it is: the set keeps nothing of it
		set.Look(&f)
		set.InScope(&f)
	}
	if n := testing.AllocsPerRun(100, look); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzCompile(f *testing.F) {
	text, err := os.ReadFile(filepath.Join("testdata", "problems.txt"))
	if err != nil {
		f.Fatal(err)
	}
	for _, one := range strings.Split(string(text), "\n====\n") {
		rail, _, _ := strings.Cut(one, "\n----")
		f.Add(rail)
	}
	for _, r := range inScope() {
		f.Add(r.Text)
	}
	facts := request()
	f.Fuzz(func(t *testing.T, text string) {
		set, err := guard.Compile([]guard.Rail{{Name: "rail", Text: text}})
		if err != nil {
			var found guard.Problems
			if !errors.As(err, &found) || len(found) == 0 || set != nil {
				t.Fatalf("error without problems: %v", err)
			}
			return
		}
		set.Look(&facts)
		set.Look(&guard.Facts{})
	})
}
