// SPDX-License-Identifier: Apache-2.0

package console

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
)

func secondsOf(n int) time.Duration { return time.Duration(n) * time.Second }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func testBook(t testing.TB) *flow.Book {
	t.Helper()
	return bookWith(t)
}

// bookWith is testBook with devices.
func bookWith(t testing.TB, fitted ...sashlock.Device) *flow.Book {
	t.Helper()
	b, err := flow.NewBook(access.Facts{
		Sites:    []sashlock.Site{{ID: "site_1", Slug: "lisbon", Name: "Lisbon", Zone: "Europe/Lisbon"}},
		Openings: []sashlock.Opening{{ID: "opn_1", Slug: "case-3", Name: "Case 3", Kind: sashlock.Case, Site: "site_1", Egress: sashlock.EgressNone}},
		People:   []sashlock.Person{{ID: "prs_1", Slug: "ana", Name: "Ana Costa"}},
	}, fitted)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Where an opening has several devices, it is said at which of them something was
// presented.
func TestTellsWhichReader(t *testing.T) {
	fits := []sashlock.Device{{ID: "dev_1", Name: "Bolt", Opening: "opn_1"}, {ID: "dev_2", Name: "Inside reader", Opening: "opn_1"}}
	for n, want := range []string{"Ana Costa asked for Case 3: granted", "Ana Costa asked for Case 3 (at Inside reader): granted"} {
		b := bookWith(t, fits[1-n:]...)
		e := sashlock.Event{Kind: sashlock.AccessGranted, Person: "prs_1", Opening: "opn_1", Device: "dev_2"}
		if l, _ := Tell(b, e); l.Text.In(lang.English) != want {
			t.Errorf("told as %q, not %q", l.Text.In(lang.English), want)
		}
	}
}

func TestTell(t *testing.T) {
	b := testBook(t)
	for _, c := range []struct {
		e    sashlock.Event
		want string // empty: not told
	}{
		{sashlock.Event{Kind: sashlock.AccessGranted, Person: "prs_1"}, "Ana Costa asked for Case 3: granted"},
		{sashlock.Event{Kind: sashlock.AccessDenied, Person: "prs_1", Reason: sashlock.NotPermittedAtThisTime}, "Ana Costa asked for Case 3: refused. The grant does not cover this time."},
		{sashlock.Event{Kind: sashlock.AccessDenied, Reason: sashlock.UnknownPerson}, "Somebody asked for Case 3: refused. Nobody by that name is known here."},
		{sashlock.Event{Kind: sashlock.AccessTaken, Person: "prs_gone"}, "Somebody who is no longer known opened Case 3"},
		{sashlock.Event{Kind: sashlock.CommandQueued}, ""},
		{sashlock.Event{Kind: sashlock.CommandEnded, Reason: sashlock.LockJammed}, "Case 3 did not do as it was told. The bolt is jammed."},
		{sashlock.Event{Kind: sashlock.CommandEnded, Why: "succeeded"}, ""},
		{sashlock.Event{Kind: sashlock.LockUnlocked, Method: sashlock.ByKeypad, Slot: 2}, "Case 3 unlocked with the code in slot 2"},
		{sashlock.Event{Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote}, ""},
		{sashlock.Event{Kind: sashlock.OpeningForced}, "Case 3 opened while its lock said locked: forced"},
		{sashlock.Event{Kind: sashlock.PresenceSeen}, ""},
		{sashlock.Event{Kind: sashlock.BatteryReported, Level: 80}, ""},
		{sashlock.Event{Kind: sashlock.BatteryReported, Level: 4}, "The battery at Case 3 is down to 4 %"},
		{sashlock.Event{Kind: sashlock.AlarmRaised, Rule: "unattended"}, "Alarm at Case 3: Unattended"},
		{sashlock.Event{Kind: sashlock.AlarmCleared, Rule: "heldopen"}, "Case 3: over (Held open)"},
		{sashlock.Event{Kind: sashlock.GrantRevoked}, "A grant was revoked"},
		{sashlock.Event{Kind: sashlock.AccessDeferred, Person: "prs_1", Reason: sashlock.SecondPersonNeeded}, "Ana Costa asked for Case 3 and waits. A second person who may open it has to ask as well."},
		{sashlock.Event{Kind: sashlock.DuressSignalled, Person: "prs_1"}, ""},
		{sashlock.Event{Kind: sashlock.PersonClockedIn, Person: "prs_1"}, "Ana Costa clocked in"},
		{sashlock.Event{Kind: sashlock.KeyOverdue, Person: "prs_1", Subject: "crd_1"}, "Ana Costa has not brought a mechanical key back in time"},
		{sashlock.Event{Kind: sashlock.ModeOrdered, Why: "locked_down"}, "Case 3 is locked down"},
		{sashlock.Event{Kind: sashlock.ThreatChanged}, "The store stands at: Normal"},
		{sashlock.Event{Kind: sashlock.ScenarioEnded, Subject: "scenario:saturday"}, "Over, and everything is as it was: saturday"},
		{sashlock.Event{Kind: sashlock.ChangeProposed}, "A change waits for a second operator"},
		{sashlock.Event{Kind: sashlock.PersonRemoved}, "Something was removed"},
		{sashlock.Event{Kind: "a.kind_of_a_later_version"}, ""},
	} {
		c.e.Opening, c.e.Site, c.e.Heard, c.e.Seq = "opn_1", "site_1", noon, 7
		l, told := Tell(b, c.e)
		if l.Text.In(lang.English) != c.want || told != (c.want != "") {
			t.Errorf("%s: %q, want %q", c.e.Kind, l.Text.In(lang.English), c.want)
		}
		if told && (l.Slug != "case-3" || !l.At.Equal(noon) || l.Seq != 7 || l.Mark() == "") {
			t.Errorf("%s: %+v", c.e.Kind, l)
		}
	}
}

// TestNoLineShowsAnIdentifier tells of every kind with nothing known.
func TestNoLineShowsAnIdentifier(t *testing.T) {
	b := testBook(t)
	for _, k := range []sashlock.EventKind{
		sashlock.AccessGranted, sashlock.AccessDenied, sashlock.AccessTaken, sashlock.OpeningOpened, sashlock.DeviceOffline,
		sashlock.AlarmRaised, sashlock.OpeningRemoved, sashlock.DeviceAdopted, sashlock.ReportRefused, sashlock.TokenIssued,
	} {
		l, told := Tell(b, sashlock.Event{Kind: k, Opening: "opn_gone", Person: "prs_gone", Device: "dev_1", Subject: "opn_gone", Reason: sashlock.UnknownDevice})
		if !told || strings.Contains(l.Text.In(lang.English), "_") {
			t.Errorf("%s: %q", k, l.Text.In(lang.English))
		}
	}
}

func TestGather(t *testing.T) {
	b := testBook(t)
	var lines []Line
	for i, e := range []sashlock.Event{
		{Kind: sashlock.OpeningSaved}, {Kind: sashlock.OpeningSaved}, {Kind: sashlock.OpeningSaved},
		{Kind: sashlock.OpeningClosed, Opening: "opn_1"}, {Kind: sashlock.OpeningClosed, Opening: "opn_2"},
		{Kind: sashlock.AccessGranted, Opening: "opn_1", Person: "prs_1"}, {Kind: sashlock.DeviceOffline, Opening: "opn_1"},
		{Kind: sashlock.OpeningOpened, Opening: "opn_1"}, {Kind: sashlock.AccessTaken, Opening: "opn_1", Person: "prs_1"},
		{Kind: sashlock.OpeningClosed, Opening: "opn_1"},
	} {
		e.Seq = int64(i)
		if l, told := Tell(b, e); told {
			lines = gather(lines, l)
		}
	}
	var got []string
	for _, l := range lines {
		got = append(got, l.Text.In(lang.English))
	}
	want := []string{"3 openings were set up", "2 openings are closed", "Case 3 cannot be reached", "Ana Costa opened Case 3", "Case 3 closed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
