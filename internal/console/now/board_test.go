// SPDX-License-Identifier: Apache-2.0

package now

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/codes"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/plans"
	"github.com/sashlock/sashlock/internal/signin"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	site = sashlock.Site{ID: "site_1", Slug: "lisbon", Name: "Lisbon", Zone: "Europe/Lisbon"}
	ten  = console.LocalTime(site, time.Date(2026, 7, 20, 9, 0, 0, 0, time.UTC)) // ten o'clock in Lisbon
)

func ago(seconds int) time.Time { return ten.Add(-time.Duration(seconds) * time.Second).UTC() }

// stand is an opening in each state that looks different.
func stand() (*flow.Book, []sashlock.OpeningState, error) {
	facts := access.Facts{
		Sites:  []sashlock.Site{site},
		Areas:  []sashlock.Area{{ID: "area_1", Slug: "watches", Name: "Watches & more", Site: site.ID}},
		People: []sashlock.Person{{ID: "prs_1", Slug: "ana", Name: "Ana <Costa>"}},
	}
	var states []sashlock.OpeningState
	add := func(id sashlock.OpeningID, name string, kind sashlock.OpeningKind, s sashlock.OpeningState) {
		n := len(states)
		facts.Openings = append(facts.Openings, sashlock.Opening{
			ID: id, Slug: strings.ToLower(strings.ReplaceAll(name, " ", "-")), Name: name, Kind: kind, Site: site.ID, Area: "area_1",
			Egress: sashlock.EgressNone, OpenTime: time.Minute, ReleaseTime: 25 * time.Second,
			Plan: sashlock.Place{X: 100 + 200*(n%4), Y: 300 + 300*(n/4)},
		})
		s.Opening = id
		if s.Heard.IsZero() {
			s.Heard = ago(10)
		}
		states = append(states, s)
	}
	add("opn_1", "Case 1", sashlock.Case, sashlock.OpeningState{Lock: sashlock.Locked, LockAt: ago(100), Position: sashlock.Closed, PositionAt: ago(200)})
	add("opn_2", "Case 2", sashlock.Case, sashlock.OpeningState{
		Lock: sashlock.Unlocked, LockAt: ago(7), Position: sashlock.Closed, PositionAt: ago(200),
		Release: &sashlock.Release{Person: "prs_1", Until: ten.Add(18 * time.Second).UTC()},
	})
	add("opn_3", "Case 3", sashlock.Case, sashlock.OpeningState{
		Lock: sashlock.Unlocked, LockAt: ago(95), Position: sashlock.Open, PositionAt: ago(92),
		Alarms: map[string]sashlock.AlarmID{"unattended": "alm_1", "heldopen": "alm_2"},
	})
	add("opn_4", "Case 4", sashlock.Case, sashlock.OpeningState{Lock: sashlock.Locked, LockAt: ago(100), Position: sashlock.Closed, PositionAt: ago(100), Heard: ago(27 * 3600)})
	add("opn_5", "Dock", sashlock.Door, sashlock.OpeningState{
		Lock: sashlock.Locked, LockAt: ago(900), Position: sashlock.Open, PositionAt: ago(5), Forced: true,
		Alarms: map[string]sashlock.AlarmID{"forced": "alm_3"},
	})
	add("opn_6", "Case 10", sashlock.Case, sashlock.OpeningState{})
	book, err := flow.NewBook(facts, nil)
	return book, states, err
}

func testBoard(t *testing.T, as string) *board {
	t.Helper()
	book, states, err := stand()
	if err != nil {
		t.Fatal(err)
	}
	b := &board{Site: site, Zone: ten.Location(), Now: ten, View: view{Site: site, As: as}}
	b.pins(book, states, signin.Operator{})
	b.lay(book, plans.Plan{Ratio: plans.DefaultRatio}, b.spots(book))
	for _, a := range []sashlock.Alarm{
		{ID: "alm_3", Rule: "forced", Level: sashlock.Act, Opening: "opn_5", Why: "Opened at 09:59:55.", Raised: ago(5)},
		{ID: "alm_1", Rule: "unattended", Level: sashlock.Act, Opening: "opn_3", Why: "Nobody seen.", Raised: ago(30), Cleared: ago(20)},
		{ID: "alm_2", Rule: "heldopen", Level: sashlock.Look, Opening: "opn_3", Why: "Too long.", Raised: ago(32), Acknowledged: ago(3)},
	} {
		b.Alarms = append(b.Alarms, alarmOf(book, a, b.Zone))
	}
	for i, e := range []sashlock.Event{
		{Kind: sashlock.OpeningForced, Opening: "opn_5"}, {Kind: sashlock.AccessGranted, Opening: "opn_2", Person: "prs_1"},
	} {
		e.Seq, e.Heard = int64(9-i), ago(5+i)
		l, _ := console.Tell(book, e)
		b.Lines = append(b.Lines, l)
	}
	b.count(t.Context(), work{Refused: 4, Calls: true, Waiting: 3, Taken: 1, Incidents: 2, Nobody: 1})
	return b
}

func rendered(t *testing.T, c templ.Component) string {
	t.Helper()
	var text bytes.Buffer
	if err := c.Render(context.Background(), &text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// golden compares a page, one element to a line, with what it was.
func golden(t *testing.T, name, page string) {
	t.Helper()
	page = regexp.MustCompile(`\?v=[0-9a-f]+`).ReplaceAllString(strings.ReplaceAll(page, "><", ">\n<"), "")
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(page+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), page+"\n"); diff != "" {
		t.Errorf("the page is not what it was; if it should be so, run with -update:\n%s", diff)
	}
}

func TestBoardGolden(t *testing.T) {
	for _, as := range []string{asPlan, asWall, asList} {
		golden(t, as+".html", rendered(t, boardPage(testBoard(t, as))))
	}
}

func TestPlanWallAndListSayTheSame(t *testing.T) {
	b := testBoard(t, asList)
	if len(b.Pins) != 6 || b.Pins[3].Name != "Case 4" || b.Pins[4].Name != "Case 10" {
		t.Errorf("order of the openings: %+v", b.Pins)
	}
	for _, p := range b.Pins {
		for where, text := range map[string]string{
			"plan": rendered(t, plan(testBoard(t, asPlan))), "wall": rendered(t, wall(testBoard(t, asWall))), "list": rendered(t, list(b)),
		} {
			if !strings.Contains(text, `id="pin-`+p.Slug+`"`) || !strings.Contains(text, p.Face().Text) || !strings.Contains(text, "#i-"+p.Face().Shape) {
				t.Errorf("the %s does not show %s as %s", where, p.Name, p.Face().Text)
			}
		}
	}
}

func TestStaleIsNeverSecured(t *testing.T) {
	for _, p := range testBoard(t, asPlan).Pins {
		if p.Name != "Case 4" {
			continue
		}
		g := testBoard(t, asPlan).Ground
		text := rendered(t, drawnPin(g, p, ten)) + rendered(t, listed(p, ten)) + rendered(t, tile(p, ten))
		if p.Shown.Word != opening.LastSeen || strings.Contains(text, "Secured") || !strings.Contains(text, "then locked") {
			t.Errorf("a silent opening is shown as %s", text)
		}
	}
}

func TestFigures(t *testing.T) {
	var got []int
	for _, f := range testBoard(t, asPlan).Figures {
		got = append(got, f.Count)
	}
	// open: case 3 and the dock; held or unattended: case 3; out of reach: case 4
	// and case 10; then what waits for people
	if diff := cmp.Diff([]int{2, 1, 2, 3, 2, 2, 4}, got); diff != "" {
		t.Error(diff)
	}
}

// TestPartsChangeWithWhatTheyShow holds that time alone sends nothing, and a
// change of one opening sends that one.
func TestPartsChangeWithWhatTheyShow(t *testing.T) {
	before := testBoard(t, asPlan)
	later := testBoard(t, asPlan)
	later.Now = ten.Add(5 * time.Second)
	if console.At(before.parts()) != console.At(later.parts()) {
		t.Error("the passing of time alone changes the page")
	}
	later.Pins[0].Shown.Word = opening.Open
	changed := map[string]bool{}
	for i, p := range before.parts() {
		changed[p.ID] = console.At([]console.Part{p}) != console.At(later.parts()[i:i+1])
	}
	if diff := cmp.Diff(map[string]bool{"figures": false, "openings": true, "alarms": false, "events": false, "notable": true, "routines": false, "in-force": false}, changed); diff != "" {
		t.Errorf("one opening changed (-want +got):\n%s", diff)
	}
}

// TestPagesKeepToThePolicy looks for what the policy for content forbids.
func TestPagesKeepToThePolicy(t *testing.T) {
	b := testBoard(t, asPlan)
	page := rendered(t, boardPage(b)) + rendered(t, openingPage(testDetail(t)))
	for _, bad := range []string{` style="`, "<style", `<script>`, ` onclick`, "javascript:", "http://", "https://", "Ana <Costa>"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q in it", bad)
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(rendered(t, boardPage(b)), -1) {
		if ids[m[1]] {
			t.Errorf("id %s is there twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, p := range b.parts() {
		if !ids[p.ID] {
			t.Errorf("the part %s has no element", p.ID)
		}
	}
}

func testDetail(t *testing.T) *detail {
	t.Helper()
	b := testBoard(t, asPlan)
	p := b.Pins[2]
	d := &detail{
		Site: site, Zone: b.Zone, Now: ten, Pin: p, State: sashlock.OpeningState{Heard: ago(10)},
		Opening: sashlock.Opening{Slug: p.Slug, Name: p.Name, ReleaseTime: 25 * time.Second}, Alarms: b.Alarms[1:], Lines: b.Lines,
		Devices: []device{
			{ID: "dev_1", Name: "Lock 3", Model: "Maker M1", Can: "notices a jam", Online: true, Battery: 80, Heard: ago(70)},
			{ID: "dev_2", Name: "Contact 3", Model: "Maker M2", Weak: "Its link is not encrypted.", Battery: -1},
		},
		Holders: []holder{{Slug: "ana", Name: "Ana <Costa>", Grant: "ana-case"}, {Slug: "bea", Name: "Bea", By: "Sales", Grant: "sales"}},
		Others:  []holder{{Slug: "rui", Name: "Rui"}},
		Asked:   []asked{{ID: "dec_1", Slug: "ana", Person: "Ana <Costa>", Granted: true, Words: "A grant allows it.", At: ten}},
		YAML:    "openings:\n  - slug: case-3\n",
		Fresh:   codes.Freshness{At: ago(10)},
		Answer: &answer{ID: "dec_1", Granted: true, Words: "A grant allows it.", Person: "Ana <Costa>", At: ten, Seq: 12, Checks: []sashlock.Check{
			{What: "person", OK: true, Needed: "known", Actual: "known"}, {What: "schedule", Needed: "a time", Actual: "another", Fix: "Wait."},
		}},
	}
	book, _, err := stand()
	if err != nil {
		t.Fatal(err)
	}
	c := draw(book, book.Openings["opn_3"], nil, []sashlock.Event{
		{Kind: sashlock.AccessGranted, Person: "prs_1", Decision: "dec_1", Heard: ago(100)}, {Kind: sashlock.LockUnlocked, Heard: ago(95)},
		{Kind: sashlock.OpeningOpened, Heard: ago(92)}, {Kind: sashlock.AlarmRaised, Alarm: "alm_1", Rule: "unattended", Heard: ago(30)},
	}, sashlock.OpeningState{
		Lock: sashlock.Unlocked, LockAt: ago(95), Position: sashlock.Open, PositionAt: ago(92), Heard: ago(10),
	}, ten.Add(-laneHours*time.Hour), ten)
	d.Chart = &c
	d.Answer.follow([]sashlock.Event{
		{Kind: sashlock.CommandAccepted, Heard: ago(2)}, {Kind: sashlock.CommandEnded, Heard: ago(1)},
	}, b.Zone)
	return d
}

func TestOpeningGolden(t *testing.T) {
	d := testDetail(t)
	golden(t, "opening.html", rendered(t, openingPage(d)))
}

func TestAnswerFollowsTheLock(t *testing.T) {
	jam := sashlock.Event{Kind: sashlock.CommandEnded, Heard: ago(1), Reason: sashlock.LockJammed}
	for name, c := range map[string]struct {
		events []sashlock.Event
		want   string
	}{
		"nothing yet":           {nil, "done waiting waiting waiting"},
		"sent":                  {[]sashlock.Event{{Kind: sashlock.CommandAccepted}}, "done done waiting waiting"},
		"confirmed before sent": {[]sashlock.Event{{Kind: sashlock.CommandEnded}}, "done done done waiting"},
		"jammed":                {[]sashlock.Event{{Kind: sashlock.CommandAccepted}, jam}, "done done failed failed"},
		"opened":                {[]sashlock.Event{{Kind: sashlock.CommandAccepted}, {Kind: sashlock.CommandEnded}, {Kind: sashlock.AccessTaken}}, "done done done done"},
		"not opened":            {[]sashlock.Event{{Kind: sashlock.CommandEnded}, {Kind: sashlock.AccessNotTaken}}, "done done done failed"},
	} {
		a := &answer{Granted: true, At: ten}
		a.follow(c.events, ten.Location())
		var got []string
		for _, s := range a.Steps {
			got = append(got, s.State)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}
