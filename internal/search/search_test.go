// SPDX-License-Identifier: Apache-2.0

package search_test

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/search"
	"github.com/sashlock/sashlock/internal/store"
)

func TestParse(t *testing.T) {
	for text, want := range map[string][]search.Term{
		"":                         nil,
		"opening:cage-1":           {{Key: "opening", Values: []string{"cage-1"}}},
		`-person:ana,"Bob Dias"`:   {{Key: "person", Values: []string{"ana", "Bob Dias"}, Not: true}},
		`"held open" Kind:alarm.*`: {{Values: []string{"held open"}}, {Key: "kind", Values: []string{"alarm.*"}}},
		`until:"fri 18:00"`:        {{Key: "until", Values: []string{"fri 18:00"}}},
		`"opening:x"`:              {{Values: []string{"opening:x"}}},
	} {
		got, err := search.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
		again, err := search.Parse(search.Format(got))
		if err != nil || !cmp.Equal(got, again) {
			t.Errorf("%s is written as %q, which is read as %v, %v", text, search.Format(got), again, err)
		}
	}
	for text, hint := range map[string]string{
		"oppening:x": `did you mean "opening"`, "opening:": "write a value", `"open`: "quotation mark", "a\x00b": "control", strings.Repeat("a", 1001): "at most",
	} {
		if _, err := search.Parse(text); err == nil || !strings.Contains(fmt.Sprint(err), hint) {
			t.Errorf("%.20q: %v, want a hint about %s", text, err, hint)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`opening:a,b -x "y z"`, `":`, `-`, `a:b:c`, `since:7d`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		terms, err := search.Parse(text)
		if err != nil {
			return
		}
		again, err := search.Parse(search.Format(terms))
		if err == nil && len(again) != len(terms) {
			t.Errorf("%q: %v became %v", text, terms, again)
		}
	})
}

func TestWhen(t *testing.T) {
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 26, 14, 30, 0, 0, lisbon) // a Monday, the day after clocks went back
	for text, want := range map[string]string{
		"2h": "2026-10-26T12:30:00Z", "1d": "2026-10-25T14:30:00Z", "today": "2026-10-26T00:00:00Z", "yesterday": "2026-10-25T00:00:00+01:00",
		"fri 18:00": "2026-10-23T18:00:00+01:00", "monday 18:00": "2026-10-19T18:00:00+01:00", "mon": "2026-10-26T00:00:00Z",
		"2026-11-22": "2026-11-22T00:00:00Z", "2026-11-22T18:00": "2026-11-22T18:00:00Z", "2026-11-22T18:00:00Z": "2026-11-22T18:00:00Z",
	} {
		got, err := search.When(text, now)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%s is %s, %v, not %s", text, got.Format(time.RFC3339), err, want)
		}
	}
	for _, text := range []string{"", "soon", "fri 25:00", "-3h", "7x", "2026-13-01", "999999d"} {
		if at, err := search.When(text, now); err == nil {
			t.Errorf("%q is %s", text, at)
		}
	}
}

// shelf is a store with random events, and the book they are about.
func shelf(t *testing.T, n int) (*store.Store, *flow.Book, []sashlock.Event) {
	t.Helper()
	key, _, err := note.GenerateKey(rand.Reader, "test.local/ledger")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{
		URL: "sqlite://" + filepath.ToSlash(filepath.Join(dir, "store.db")), Signer: signer, Origin: signer.Name(),
		Journal: filepath.Join(dir, "journal"), JournalSize: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	facts := access.Facts{
		Sites:  []sashlock.Site{{ID: "site_1", Slug: "lisbon", Name: "Lisbon", Zone: "Europe/Lisbon"}},
		Areas:  []sashlock.Area{{ID: "area_1", Slug: "watches", Name: "Watches", Site: "site_1"}},
		People: []sashlock.Person{{ID: "prs_1", Slug: "ana", Name: "Ana Costa"}, {ID: "prs_2", Slug: "bob", Name: "Bob Dias"}},
	}
	for i := range 5 {
		o := sashlock.Opening{ID: sashlock.OpeningID(fmt.Sprintf("opn_%d", i)), Slug: fmt.Sprintf("case-%d", i), Name: fmt.Sprintf("Case %d", i), Kind: sashlock.Case, Site: "site_1", Egress: sashlock.EgressNone}
		if i < 2 {
			o.Area = "area_1"
		}
		facts.Openings = append(facts.Openings, o)
	}
	book, err := flow.NewBook(facts, nil)
	if err != nil {
		t.Fatal(err)
	}
	random := mathrand.New(mathrand.NewPCG(1, 2))
	kinds := []sashlock.EventKind{sashlock.AccessGranted, sashlock.AccessDenied, sashlock.OpeningOpened, sashlock.AlarmRaised}
	var all []sashlock.Event
	if _, err := s.Do(t.Context(), func(tx *store.Tx) error {
		for range n {
			e := sashlock.Event{Kind: kinds[random.IntN(4)], Site: "site_1", Opening: sashlock.OpeningID(fmt.Sprintf("opn_%d", random.IntN(5))), Person: sashlock.PersonID(fmt.Sprintf("prs_%d", 1+random.IntN(2)))}
			if e.Kind == sashlock.AccessDenied {
				e.Reason = sashlock.Unauthorized
			}
			e.Seq = tx.Append(e)
			all = append(all, e)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(all)
	return s, book, all
}

// TestPagesTogetherFindAll compares the pages of a search with looking at every
// event.
func TestPagesTogetherFindAll(t *testing.T) {
	s, book, all := shelf(t, 6000)
	now := time.Now()
	for text, want := range map[string]func(sashlock.Event) bool{
		"":                              func(sashlock.Event) bool { return true },
		"opening:case-3":                func(e sashlock.Event) bool { return e.Opening == "opn_3" },
		"opening:case-3,case-4":         func(e sashlock.Event) bool { return e.Opening >= "opn_3" },
		"area:watches result:denied":    func(e sashlock.Event) bool { return e.Opening < "opn_2" && e.Kind == sashlock.AccessDenied },
		"-opening:case-* ":              func(e sashlock.Event) bool { return false },
		"person:ana -kind:alarm.raised": func(e sashlock.Event) bool { return e.Person == "prs_1" && e.Kind != sashlock.AlarmRaised },
		`"case 2" kind:access.*`: func(e sashlock.Event) bool {
			return e.Opening == "opn_2" && strings.HasPrefix(string(e.Kind), "access.")
		},
		"reason:unauthorized area:watches opening:case-1": func(e sashlock.Event) bool { return e.Opening == "opn_1" && e.Reason != "" },
		"opening:nothing": func(sashlock.Event) bool { return false },
		"until:2d":        func(sashlock.Event) bool { return false },
	} {
		x, err := search.Compile(text, book, now, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		var got, wanted []int64
		for before, pages := int64(0), 0; pages == 0 || before > 0; pages++ {
			found, next, err := x.Page(t.Context(), s, before, 50, func(*sashlock.Event) bool { return true })
			if err != nil || len(found) > 50 || pages > 1000 {
				t.Fatalf("%s: page %d has %d events, %v", text, pages, len(found), err)
			}
			for _, e := range found {
				got = append(got, e.Seq)
			}
			before = next
		}
		for _, e := range all {
			if want(e) {
				wanted = append(wanted, e.Seq)
			}
		}
		if !slices.Equal(got, wanted) {
			t.Errorf("%s: found %d events, want %d", text, len(got), len(wanted))
		}
	}
}

func TestSeesIsAskedBeforeAnythingIsShown(t *testing.T) {
	s, book, _ := shelf(t, 300)
	x, err := search.Compile("", book, time.Now(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	found, _, err := x.Page(t.Context(), s, 0, 1000, func(e *sashlock.Event) bool { return e.Opening == "opn_1" })
	if err != nil || len(found) == 0 || slices.ContainsFunc(found, func(e sashlock.Event) bool { return e.Opening != "opn_1" }) {
		t.Errorf("%d events, %v: some are not to be seen", len(found), err)
	}
}
