// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
)

// table writes the checks of an explanation, one a line.
func table(d sashlock.Decision) string {
	var b strings.Builder
	for _, c := range d.Checks {
		mark := "no "
		if c.OK {
			mark = "yes"
		}
		fmt.Fprintf(&b, "%s %s %s | %s | %s | %s\n", mark, c.What, c.Grant, c.Needed, c.Actual, c.Fix)
	}
	return b.String()
}

func TestExplainTimeMiss(t *testing.T) {
	f := shop()
	f.Grants = []sashlock.Grant{
		{ID: "grt_old", Person: "prs_ana", Site: "site_1", Until: lisbon("2026-10-25 01:30")},
		{ID: "grt_1", Role: "role_associate", Area: "area_floor", Schedule: "sch_day", From: lisbon("2026-11-01 00:00")},
	}
	d := mustNew(t, f).Explain(ask("prs_ana", "opn_case", "2026-11-20 18:30"), "", nil)
	want := `yes opening  | an opening that is known here | known: “Case 3” | 
yes person  | a person who is known here | known | 
yes person  | access that is not suspended | not suspended | 
yes mode  | neither blocked nor locked down | normal | 
yes grant grt_old | a grant to this person or one of their roles, for this opening, its area or its site | to this person, for the site “Chiado” | 
no  validity grt_old | before Sun 25 Oct 2026 01:30 WET (Europe/Lisbon) | Fri 20 Nov 2026 18:30 WET (Europe/Lisbon) | Extend the grant.
yes grant grt_1 | a grant to this person or one of their roles, for this opening, its area or its site | to the role “Associate”, for the area “Sales floor” | 
yes validity grt_1 | from Sun 1 Nov 2026 00:00 WET (Europe/Lisbon) | Fri 20 Nov 2026 18:30 WET (Europe/Lisbon) | 
no  schedule grt_1 | a time within “Store hours” | Fri 20 Nov 2026 18:30 WET (Europe/Lisbon) | Ask again from Mon 23 Nov 2026 09:00 WET (Europe/Lisbon) until Mon 23 Nov 2026 17:00 WET (Europe/Lisbon), or change the schedule.
`
	if diff := cmp.Diff(want, table(d)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if d.Reason != sashlock.NotPermittedAtThisTime || d.Grant != "grt_1" || d.Granted {
		t.Errorf("decision is %+v", d)
	}
}

func TestExplainGoesOn(t *testing.T) {
	f := shop()
	d := mustNew(t, f).Explain(ask("prs_eva", "opn_case", "2026-11-20 18:30"), sashlock.LockedDown, nil)
	want := `yes opening  | an opening that is known here | known: “Case 3” | 
yes person  | a person who is known here | known | 
no  person  | access that is not suspended | suspended | Lift the suspension.
no  mode  | neither blocked nor locked down | locked down | End the lockdown.
no  grant  | a grant to this person or one of their roles, for this opening, its area or its site | none | Give this person or one of their roles a grant for “Case 3”.
`
	if diff := cmp.Diff(want, table(d)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestExplainManyMisses checks that a long list is cut and still shows the
// nearest miss.
func TestExplainManyMisses(t *testing.T) {
	f := shop()
	for i := range 30 {
		f.Grants = append(f.Grants, sashlock.Grant{ID: sashlock.GrantID(fmt.Sprintf("grt_%02d", i)), Person: "prs_ana", Opening: "opn_case", Until: lisbon("2026-01-01 00:00")})
	}
	f.Grants[29].Until, f.Grants[29].Schedule = lisbon("2026-11-23 08:00"), "sch_day"
	ix := mustNew(t, f)
	req := ask("prs_ana", "opn_case", "2026-11-22 10:00")
	d := ix.Explain(req, "", nil)
	if d.Grant != "grt_29" {
		t.Fatalf("the nearest miss is %s", d.Grant)
	}
	checkTable(t, ix, req, "")
	text := table(d)
	for _, want := range []string{
		"22 more grants reach this opening",
		"The grant ends before the schedule next allows, Mon 23 Nov 2026 09:00 WET (Europe/Lisbon): extend the grant or change the schedule.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q:\n%s", want, text)
		}
	}
}

// TestExplainNamesNobody checks that no explanation shows a person's name: it
// is kept in the ledger.
func TestExplainNamesNobody(t *testing.T) {
	d := mustNew(t, shop()).Explain(ask("prs_ana", "opn_case", "2026-11-22 10:00"), "", nil)
	if strings.Contains(table(d), "Ana") {
		t.Errorf("the person is named:\n%s", table(d))
	}
}

// TestExplainAgreesWithDecide compares them on random worlds.
func TestExplainAgreesWithDecide(t *testing.T) {
	zones := loadZones()
	for seed := range uint64(12) {
		w := newWorld(1000+seed, zones)
		ix := mustNew(t, w.facts)
		for range 1_500 {
			req, mode := w.request()
			checkTable(t, ix, req, mode)
			if t.Failed() {
				return
			}
		}
	}
}

// checkTable checks that an explanation says what Decide says and that its
// table leads to the same answer.
func checkTable(t *testing.T, ix *access.Index, req sashlock.Request, mode sashlock.Mode) {
	t.Helper()
	v, d := ix.Decide(req, mode, nil), ix.Explain(req, mode, nil)
	if d.Granted != v.Granted || d.Reason != v.Reason || d.Grant != v.Grant {
		t.Errorf("%v: Explain says %v %s %q, Decide %+v", req, d.Granted, d.Reason, d.Grant, v)
	}
	if d.Person != req.Person || d.Opening != req.Opening || !d.At.Equal(req.At) {
		t.Errorf("%v: Explain is about %s, %s, %s", req, d.Person, d.Opening, d.At)
	}
	barred, covering := false, false
	byGrant := map[sashlock.GrantID]bool{}
	for _, c := range d.Checks {
		if c.Grant == "" {
			barred = barred || !c.OK && c.What != "grant"
			continue
		}
		all, seen := byGrant[c.Grant]
		byGrant[c.Grant] = c.OK && (all || !seen)
	}
	for _, ok := range byGrant {
		covering = covering || ok
	}
	if granted := !barred && covering; granted != v.Granted {
		t.Errorf("%v in mode %q is granted: %v, but the table leads to %v:\n%s", req, mode, v.Granted, granted, table(d))
	}
	if _, shown := byGrant[v.Grant]; v.Grant != "" && !shown {
		t.Errorf("%v: the table does not show %s:\n%s", req, v.Grant, table(d))
	}
	for _, c := range d.Checks {
		if c.Needed == "" || c.Actual == "" || c.OK && c.Fix != "" {
			t.Errorf("%v: incomplete check %+v", req, c)
		}
	}
}
