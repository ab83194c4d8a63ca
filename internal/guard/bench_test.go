// SPDX-License-Identifier: Apache-2.0

package guard_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/guard"
)

// thousand is a set of 1,000 rails about other openings, areas, people, roles
// and sites than those of request.
func thousand(more ...guard.Rail) []guard.Rail {
	heads := []string{
		`principal, action, resource == Opening::"case-%d"`,
		`principal, action, resource == Opening::"opn_01kc%022d"`,
		`principal, action == Action::"open", resource in Area::"store-%d/cash-office"`,
		`principal == Person::"prs_01kc%022d", action, resource`,
		`principal in Role::"trainee-%d", action, resource`,
		`principal, action, resource in Site::"store-%d"`,
	}
	for i := len(more); i < 1000; i++ {
		more = append(more, guard.Rail{
			Name: fmt.Sprintf("rail-%d", i),
			Text: fmt.Sprintf("forbid ("+heads[i%len(heads)]+`) when { context.hour >= 22 && context.level < 3 };`, 10+i),
		})
	}
	return more
}

// inScope are three rails about request, as long as people write them. The last
// comes to its end before it lets it pass.
func inScope() []guard.Rail {
	return []guard.Rail{
		{Name: "a", Text: `forbid (principal, action == Action::"open", resource in Area::"store-1/cash-office")
			when { context.threat == "lockdown" || (context.hour >= 22 || context.hour < 6) && context.level < 4 };`},
		{Name: "b", Text: `forbid (principal in Role::"associate", action, resource)
			when { resource.class == "high" && !context.trained.contains("cash") };`},
		{Name: "c", Text: `forbid (principal, action, resource == Opening::"safe-1")
			unless { ["keypad", "card"].contains(context.method) && context.weekday != "sunday" && context.date < datetime("2030-01-01") };`},
	}
}

func request() guard.Facts {
	return guard.Facts{
		Person: long[sashlock.PersonID]("prs", 7), PersonSlug: "anna", Roles: []string{"associate", "first-aider"}, Trained: []string{"ladder", "cash"},
		OnShift: true, Opening: long[sashlock.OpeningID]("opn", 3), OpeningSlug: "safe-1", Kind: "cage", Class: "high",
		Area: long[string]("area", 1), AreaSlug: "cash-office", Site: long[string]("site", 1), SiteSlug: "store-1", Jurisdiction: "PT",
		Action: guard.Open, Level: 2, Method: "card", At: time.Date(2026, 11, 23, 14, 30, 0, 0, time.UTC),
	}
}

// long makes an identifier of the length of a real one.
func long[T ~string](kind string, n int) T { return T(fmt.Sprintf("%s_01kc%022d", kind, n)) }

func benchmarkLook(b *testing.B, rails []guard.Rail, f guard.Facts, hits int) {
	set, err := guard.Compile(rails)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if got := len(set.Look(&f)); got != hits {
			b.Fatalf("%d rails forbid it, want %d", got, hits)
		}
	}
}

func BenchmarkLookNoneInScope(b *testing.B) { benchmarkLook(b, thousand(), request(), 0) }

func BenchmarkLookThreeInScope(b *testing.B) {
	benchmarkLook(b, thousand(inScope()...), request(), 0)
}

func BenchmarkLookThreeForbid(b *testing.B) {
	f := request()
	f.Trained, f.Threat, f.Method = nil, "lockdown", "remote"
	benchmarkLook(b, thousand(inScope()...), f, 3)
}

// BenchmarkLookArithmetic has one rail in scope that is left to cedar-go.
func BenchmarkLookArithmetic(b *testing.B) {
	rail := guard.Rail{Name: "a", Text: `forbid (principal, action, resource == Opening::"safe-1") when { context.hour * 60 + context.minute >= 1350 };`}
	benchmarkLook(b, thousand(rail), request(), 0)
}

func BenchmarkInScopeNone(b *testing.B) {
	set, err := guard.Compile(thousand())
	if err != nil {
		b.Fatal(err)
	}
	f := request()
	b.ReportAllocs()
	for b.Loop() {
		if set.InScope(&f) {
			b.Fatal("a rail is in scope")
		}
	}
}

func BenchmarkCompileThousand(b *testing.B) {
	rails := thousand(inScope()...)
	for b.Loop() {
		if _, err := guard.Compile(rails); err != nil {
			b.Fatal(err)
		}
	}
}
