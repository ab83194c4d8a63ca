// SPDX-License-Identifier: Apache-2.0

package reach_test

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/store"
)

// past is a ledger in memory.
type past []sashlock.Event

func (p past) Events(ctx context.Context, q store.EventQuery) (page []sashlock.Event, err error) {
	for _, e := range p {
		if e.Seq >= q.From && !e.Heard.Before(q.Since) && strings.HasPrefix(string(e.Kind), q.Kind) && len(page) < q.Limit {
			page = append(page, e)
		}
	}
	return page, ctx.Err()
}

// requests are n past decisions, one every ten minutes up to now, and among them
// what is no decision, and one of which nobody knows any more who asked.
func requests(n int) past {
	r := mathrand.New(mathrand.NewPCG(1, 1))
	var all past
	for i := range n {
		e := sashlock.Event{
			Seq: int64(2 * i), Heard: now.Add(-time.Duration(n-i) * 10 * time.Minute), Kind: sashlock.AccessGranted,
			Person: []sashlock.PersonID{"prs_1", "prs_2", "prs_9"}[r.IntN(3)], Opening: []sashlock.OpeningID{"opn_1", "opn_2"}[r.IntN(2)],
		}
		if r.IntN(2) == 0 {
			e.Kind = sashlock.AccessDenied
		}
		all = append(all, e, sashlock.Event{Seq: int64(2*i + 1), Heard: e.Heard, Kind: sashlock.AccessTaken, Person: e.Person, Opening: e.Opening})
	}
	all[0].Person = ""
	return all
}

func draft(t testing.TB, f reach.Facts, text string) *reach.Draft {
	t.Helper()
	file, err := estate.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	d, err := f.Draft(file, false)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var shiftGrant = sashlock.Grant{ID: "grt_1", Slug: "sales-shift", Role: "role_1", Area: "area_1", Schedule: "sch_1"}

// longer is a file that lets shifts begin earlier and Bob into the cage.
const longer = `
schedules:
  - slug: shift
    name: Shift
    weekly: [{days: [mon, tue, wed, thu, fri], from: "07:00", until: "17:00"}]
grants:
  - {slug: bob-cage, person: bob, opening: cage}
`

func TestReplayCountsWhatWouldFlip(t *testing.T) {
	f := world(t, shiftGrant)
	d := draft(t, f, longer)
	events := requests(6000)
	var heard []int64
	got, err := reach.Replay(t.Context(), events, f.Book, d.Book, reach.Span{Progress: func(e int64) { heard = append(heard, e) }})
	if err != nil {
		t.Fatal(err)
	}
	want := map[reach.Pair]int{}
	for _, e := range events {
		q := sashlock.Request{Person: e.Person, Opening: e.Opening, At: e.Heard}
		if e.Kind != sashlock.AccessTaken && e.Person != "" && f.Index.Could(q, "").Granted != d.Book.Index.Could(q, "").Granted {
			want[reach.Pair{Person: e.Person, Opening: e.Opening}]++
		}
	}
	flips := map[reach.Pair]int{}
	for _, flip := range got.Flips {
		flips[flip.Pair] += flip.Opened
		if flip.Refused > 0 || flip.Reason != sashlock.Permitted || flip.Last.IsZero() {
			t.Errorf("more is allowed, and yet %+v", flip)
		}
	}
	if diff := cmp.Diff(want, flips); diff != "" || len(want) != 2 {
		t.Errorf("flips (-one by one, +replayed):\n%s", diff)
	}
	if got.Decisions != 5999 || got.Unknown != 1 || !got.Done || len(heard) != 2 || heard[0] >= heard[1] {
		t.Errorf("decided %d, left out %d, done %v, progress %v", got.Decisions, got.Unknown, got.Done, heard)
	}
}

// TestReplayInParts replays piece by piece and finds the same.
func TestReplayInParts(t *testing.T) {
	f := world(t, shiftGrant)
	d := draft(t, f, longer)
	events, whole := requests(1000), map[reach.Pair]int{}
	once, err := reach.Replay(t.Context(), events, f.Book, d.Book, reach.Span{Since: now.Add(-48 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	parts, span := map[reach.Pair]int{}, reach.Span{Since: now.Add(-48 * time.Hour), Most: 70}
	decided := 0
	for range 100 {
		got, err := reach.Replay(t.Context(), events, f.Book, d.Book, span)
		if err != nil {
			t.Fatal(err)
		}
		for _, flip := range got.Flips {
			parts[flip.Pair] += flip.Opened
		}
		decided += got.Decisions
		if span.From = got.Next; got.Done {
			break
		}
	}
	for _, flip := range once.Flips {
		whole[flip.Pair] = flip.Opened
	}
	if diff := cmp.Diff(whole, parts); diff != "" || len(whole) == 0 || decided != once.Decisions || decided != 288 {
		t.Errorf("%d decisions of %d (-at once, +in parts):\n%s", decided, once.Decisions, diff)
	}
}

// TestReplayOfGuardRails replays with another set of guard rails.
func TestReplayOfGuardRails(t *testing.T) {
	f := world(t, sashlock.Grant{ID: "grt_1", Slug: "all", Role: "role_1", Site: "site_1"})
	set, err := guard.Compile([]guard.Rail{{Name: "cage-for-nobody", Text: "@id(\"r\")\n@reason(\"No.\")\nforbid (principal in Role::\"sales\", action, resource) when { resource.class == \"high\" };"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := reach.Replay(t.Context(), requests(300), f.Book, f.Guarded(set), reach.Span{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Flips) != 1 || got.Flips[0].Opening != "opn_2" || got.Flips[0].Refused == 0 || got.Flips[0].Opened > 0 || got.Flips[0].Reason != sashlock.GuardRail || got.Flips[0].Rail != "cage-for-nobody" {
		t.Errorf("flips %+v", got.Flips)
	}
	back, err := reach.Replay(t.Context(), requests(300), f.Guarded(set), f.Book, reach.Span{})
	if err != nil || len(back.Flips) != 1 || back.Flips[0].Opened != got.Flips[0].Refused {
		t.Errorf("the other way round %+v, %v", back.Flips, err)
	}
}

func TestReplayStopsWhenTold(t *testing.T) {
	f := world(t, shiftGrant)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := reach.Replay(ctx, requests(10), f.Book, f.Book, reach.Span{}); err == nil {
		t.Error("a replay that was called off says it is done")
	}
}

// TestDraftIsWhatApplyingGives makes a draft of what another world has, and
// compares.
func TestDraftIsWhatApplyingGives(t *testing.T) {
	f := world(t, shiftGrant)
	d := draft(t, f, longer)
	var lines []string
	for _, s := range d.Steps {
		lines = append(lines, s.Verb+" "+string(s.Kind)+" "+s.Ref)
	}
	if diff := cmp.Diff([]string{"change schedule shift", "add grant bob-cage"}, lines); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	early := sashlock.Request{Person: "prs_1", Opening: "opn_1", At: time.Date(2026, 11, 24, 7, 30, 0, 0, time.UTC)}
	bob := sashlock.Request{Person: "prs_2", Opening: "opn_2", At: now}
	for _, q := range []sashlock.Request{early, bob} {
		if f.Index.Could(q, "").Granted || !d.Book.Index.Could(q, "").Granted {
			t.Errorf("%+v: the draft should allow what is not allowed", q)
		}
	}
	if len(f.Schedules["sch_1"].Weekly) != 1 || f.Schedules["sch_1"].Weekly[0].From != 540 {
		t.Errorf("the draft changed what is declared: %+v", f.Schedules["sch_1"])
	}
}

// TestDraftOfWhatIsDeclared is no change at all, and pruned to nothing takes
// everything away.
func TestDraftOfWhatIsDeclared(t *testing.T) {
	f := world(t, shiftGrant)
	same, err := f.Draft(f.File(), true)
	if err != nil || len(same.Steps) != 0 {
		t.Errorf("what is declared differs from itself: %v, %v", same, err)
	}
	nothing, err := f.Draft(estate.File{}, true)
	if err != nil || len(nothing.Steps) == 0 || len(nothing.Book.People)+len(nothing.Book.Openings) != 0 || nothing.Book.Index.GrantCount() != 0 {
		t.Errorf("pruned to nothing: %+v, %v", nothing, err)
	}
	if len(f.People) == 0 {
		t.Error("what is declared is gone")
	}
	if _, err := f.Draft(estate.File{Grants: []estate.Grant{{Slug: "x", Person: "nobody", Opening: "cage"}}}, false); len(estate.ListOf(err)) != 1 {
		t.Errorf("a grant to nobody: %v", err)
	}
}

func TestAssertions(t *testing.T) {
	terms := sashlock.Grant{ID: "grt_2", Slug: "bob-cage", Person: "prs_2", Opening: "opn_2", Terms: sashlock.Terms{With: "role_1", Level: 2, Uses: 3}}
	f := world(t, shiftGrant, terms)
	one, five := 1, 5
	for _, test := range []struct {
		reach.Assertion
		ok   bool
		got  string
		says string
	}{
		{reach.Assertion{Person: "ana", Opening: "case-1", At: "2026-11-24T10:00", Expect: "granted"}, true, "granted", ""},
		{reach.Assertion{Person: "ana", Opening: "case-1", At: "2026-11-22T10:00", Expect: "granted"}, false, "not_permitted_at_this_time", ""},
		{reach.Assertion{Person: "ana", Opening: "case-1", At: "2026-11-22T10:00:00Z", Expect: "refused"}, true, "not_permitted_at_this_time", ""},
		{reach.Assertion{Person: "bob", Opening: "case-1", At: "2026-11-24T10:00", Expect: "unauthorized"}, true, "unauthorized", ""},
		{reach.Assertion{Person: "bob", Opening: "cage", At: "2026-11-24T10:00", Expect: "not_accompanied"}, true, "not_accompanied", ""},
		{reach.Assertion{Person: "bob", Opening: "cage", At: "2026-11-24T10:00", Expect: "granted", Here: []string{"ana"}}, true, "granted", ""},
		{reach.Assertion{Person: "bob", Opening: "cage", At: "2026-11-24T10:00", Expect: "needs_step_up", Here: []string{"ana"}, Level: &one}, true, "needs_step_up", ""},
		{reach.Assertion{Person: "bob", Opening: "cage", At: "2026-11-24T10:00", Expect: "grant_used_up", Here: []string{"ana"}, Uses: 3}, true, "grant_used_up", ""},
		{reach.Assertion{Person: "ana", Opening: "case-1", At: "2026-11-24T10:00", Expect: "opening_blocked", Mode: "blocked"}, true, "opening_blocked", ""},
		{reach.Assertion{Person: "zoe", Opening: "case-1", At: "2026-11-24T10:00", Expect: "unknown_person"}, true, "unknown_person", ""},
		{reach.Assertion{Person: "ana", Opening: "case-9", At: "2026-11-24T10:00", Expect: "unknown_opening"}, true, "unknown_opening", ""},
		{reach.Assertion{Person: "ana", Opening: "case-1", At: "tomorrow", Expect: "granted"}, false, "", "at:"},
		{reach.Assertion{Person: "ana", Opening: "case-1", At: "2026-11-24T10:00", Expect: "yes"}, false, "", "expect:"},
		{reach.Assertion{Person: "ana", Opening: "case-1", At: "2026-11-24T10:00", Expect: "granted", Level: &five}, false, "", "level:"},
		{reach.Assertion{Person: "ana", Opening: "case-1", At: "2026-11-24T10:00", Expect: "granted", Here: []string{"zoe"}}, false, "", "here:"},
		{reach.Assertion{Person: "ana", Opening: "case-1", At: "2026-11-24T10:00", Expect: "granted", Mode: "odd"}, false, "", "mode:"},
		{reach.Assertion{Opening: "case-1", Expect: "granted"}, false, "", "name a person"},
	} {
		got := f.Assert([]reach.Assertion{test.Assertion})[0]
		if got.OK != test.ok || got.Got != test.got || !strings.HasPrefix(got.Problem, test.says) || (got.Problem != "") != (test.says != "") {
			t.Errorf("%+v: ok %v, got %q, problem %q", test.Assertion, got.OK, got.Got, got.Problem)
		}
	}
}

// BenchmarkReplay decides 100,000 past requests by two books; the ledger is in
// memory, so this is what deciding takes.
func BenchmarkReplay(b *testing.B) {
	weekdays := sashlock.Grant{ID: "grt_1", Slug: "sales-shift", Role: "role_1", Area: "area_1", Schedule: "sch_1"}
	f := world(b, weekdays)
	d := draft(b, f, longer)
	all := requests(100_000)
	pages := pager(all)
	for b.Loop() {
		if got, err := reach.Replay(b.Context(), pages, f.Book, d.Book, reach.Span{}); err != nil || got.Decisions != 99_999 {
			b.Fatal(got.Decisions, err)
		}
	}
}

// pager reads a ledger in which an entry's number is its place.
type pager past

func (p pager) Events(_ context.Context, q store.EventQuery) ([]sashlock.Event, error) {
	if q.From >= int64(len(p)) {
		return nil, nil
	}
	return p[q.From:min(int64(len(p)), q.From+int64(q.Limit))], nil
}

// TestCompareFindsWhoGainsAndLoses looks at a draft that moves a shift, which
// shows at its new beginning only, and at a grant that is for one day of next
// month.
func TestCompareFindsWhoGainsAndLoses(t *testing.T) {
	f := world(t, shiftGrant)
	d := draft(t, f, longer+`
  - {slug: bob-case, person: bob, opening: case-1, from: "2026-12-24T10:00:00Z", until: "2026-12-24T11:00:00Z"}
`)
	got := reach.Compare(f.Book, d.Book, reach.Instants(f.Book, d.Book, d.Moments, now), nil, 10)
	want := []reach.Pair{{Person: "prs_1", Opening: "opn_1"}, {Person: "prs_2", Opening: "opn_1"}, {Person: "prs_2", Opening: "opn_2"}}
	if diff := cmp.Diff(want, got.Gain); diff != "" || got.Gained != 3 || got.Lost != 0 {
		t.Errorf("gained %d, lost %d (-want +got):\n%s", got.Gained, got.Lost, diff)
	}
	back := reach.Compare(d.Book, f.Book, reach.Instants(d.Book, f.Book, d.Moments, now), func(o sashlock.OpeningID) bool { return o == "opn_1" }, 1)
	if diff := cmp.Diff(want[:1], back.Loss); diff != "" || back.Lost != 2 || back.Gained != 0 {
		t.Errorf("back, at what is seen: gained %d, lost %d (-want +got):\n%s", back.Gained, back.Lost, diff)
	}
	if n := reach.Compare(f.Book, f.Book, []time.Time{now}, nil, 10); n.Gained+n.Lost > 0 {
		t.Errorf("a book differs from itself: %+v", n)
	}
}

// openStore opens an empty store in a folder of its own.
func openStore(t testing.TB) *store.Store {
	t.Helper()
	skey, _, err := note.GenerateKey(rand.Reader, "sashlock.example/test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{
		URL: "sqlite://" + filepath.ToSlash(filepath.Join(dir, "store.db")), Now: func() time.Time { return now },
		Signer: signer, Journal: filepath.Join(dir, "journal"), JournalSize: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// record writes n decisions with the conditions that each entry keeps, and after
// each something else.
func record(t testing.TB, s *store.Store, f reach.Facts, n int) {
	t.Helper()
	for i := 0; i < n; i += 5000 {
		_, err := s.Do(t.Context(), func(tx *store.Tx) error {
			for n := range min(5000, n-i) {
				q := sashlock.Request{Person: []sashlock.PersonID{"prs_1", "prs_2"}[n%2], Opening: []sashlock.OpeningID{"opn_1", "opn_2"}[n/2%2], At: now}
				v := f.Index.Explain(q, "", nil)
				tx.Append(sashlock.Event{
					Kind: sashlock.AccessDenied, Person: q.Person, Opening: q.Opening, Method: sashlock.ByKeypad, Side: sashlock.Leaving, Second: "prs_9",
					Reason: v.Reason, Checks: v.Checks, Decision: sashlock.NewID[sashlock.DecisionID](now), Why: `a "text" with ,"checks":[ in it`,
				})
				tx.Append(sashlock.Event{Kind: sashlock.OpeningOpened, Opening: q.Opening})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestEntriesAreWhatTheStoreLists compares what is read quickly with what the
// store says, but for the conditions.
func TestEntriesAreWhatTheStoreLists(t *testing.T) {
	s := openStore(t)
	record(t, s, world(t, shiftGrant), 300)
	for _, q := range []store.EventQuery{
		{Limit: 1000}, {Limit: 7, From: 13}, {Limit: 1000, Since: now}, {Limit: 1000, Since: now.Add(time.Hour)}, {Limit: 10, From: 1 << 40},
	} {
		q.Kind = "access."
		want, err := s.Events(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if len(want[i].Checks) == 0 {
				t.Fatal("the decision has no conditions that could be left out")
			}
			want[i].Checks = nil
		}
		got, err := reach.Entries(s).Events(t.Context(), q)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%+v: %v (-listed +read):\n%s", q, err, diff)
		}
	}
}

// BenchmarkReplayStore decides 100,000 past requests from a database with as
// many other entries.
func BenchmarkReplayStore(b *testing.B) {
	const decisions = 100_000
	s, f := openStore(b), world(b, shiftGrant)
	d := draft(b, f, longer)
	record(b, s, f, decisions)
	for b.Loop() {
		if got, err := reach.Replay(b.Context(), reach.Entries(s), f.Book, d.Book, reach.Span{}); err != nil || got.Decisions != decisions {
			b.Fatal(got.Decisions, err)
		}
	}
}
