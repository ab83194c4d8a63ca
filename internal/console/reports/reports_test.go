// SPDX-License-Identifier: Apache-2.0

package reports_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
)

func ask(t *testing.T, c *consoletest.Counter, person, opening string, times int) {
	t.Helper()
	for range times {
		if _, err := c.Hall.Request(t.Context(), sashlock.Request{Person: c.Person(person), Opening: c.Opening(opening)}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReportsCountWhatTheLedgerSays(t *testing.T) {
	c := consoletest.New(t)
	ask(t, c, "ana", "case-1", 3)
	ask(t, c, "carla", "case-2", 2)
	ask(t, c, "eva", "porto-case", 4)
	status, page := c.Get("/reports?site=lisbon")
	if status != http.StatusOK {
		t.Fatal(status)
	}
	c.Sees(page, "Requests granted 3", "Requests refused 2", "This person&#39;s access is suspended. 2")
	_, page = c.Get("/reports?site=porto")
	c.Sees(page, "Requests granted 4", "Requests refused 0", "Nothing was refused.")
	if status, _ := c.As(signin.Manager).Get("/reports?site=porto"); status != http.StatusForbidden {
		t.Errorf("the manager of Lisbon gets %d for Porto", status)
	}
	_, text := c.As(signin.Owner).Get("/reports/days.csv?site=lisbon&days=7")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 8 || rows[7][2] != "3" || rows[7][3] != "2" || rows[1][2] != "0" {
		t.Errorf("%v, %v", rows, err)
	}
	for _, bad := range []string{"days=0", "days=-3", "days=100000", "days=x", "site=%3Cscript%3E"} {
		if status, _ := c.Get("/reports?" + bad); status != http.StatusOK && status != http.StatusNotFound {
			t.Errorf("%s: %d", bad, status)
		}
	}
}

// A silent alarm is counted for those who handle alarms, and for nobody else: a
// number that differs from what the list shows would tell of it.
func TestSilentAlarmsAreNotCounted(t *testing.T) {
	c := consoletest.New(t)
	_, err := c.Hall.Request(t.Context(), sashlock.Request{Person: c.Person("ana"), Opening: c.Opening("case-1"), Duress: true})
	c.Must(err)
	_, err = c.Hall.Report(t.Context(), sashlock.Report{Kind: sashlock.DeviceTampered, Device: c.Hall.Book().Fitted(c.Opening("case-2"))[0].ID, Opening: c.Opening("case-2")})
	c.Must(err)
	both := c.State(c.Opening("case-1")).Alarms["duress"] != "" && len(c.State(c.Opening("case-2")).Alarms) == 1
	if !both {
		t.Fatalf("raised: %v and %v", c.State(c.Opening("case-1")).Alarms, c.State(c.Opening("case-2")).Alarms)
	}
	for role, want := range map[signin.Role]string{signin.Manager: "Alarms 2", signin.Protection: "Alarms 2", signin.Auditor: "Alarms 1", signin.Engineer: "Alarms 1"} {
		_, page := c.As(role).Get("/reports?site=lisbon")
		if !strings.Contains(consoletest.Words(page), want) {
			t.Errorf("%s does not read %q", role, want)
		}
		if hidden := !strings.HasSuffix(want, "2"); hidden && strings.Contains(strings.ToLower(page), "being forced") {
			t.Errorf("%s reads of somebody who is forced", role)
		}
	}
}

func TestReviewNamesWaysIn(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/reports/review?site=lisbon")
	c.Sees(page, "Cage 1 Back room", "Bob Dias by name", "never seen to")
	if strings.Contains(page, "Case 1") {
		t.Error("an opening of lower class is in the review")
	}
	_, page = c.Get("/reports/review?site=porto")
	c.Sees(page, "No opening of the highest class")
	c.As(signin.Associate)
	if status, _ := c.Get("/reports/review"); status != http.StatusForbidden {
		t.Errorf("an associate gets %d", status)
	}
}

func TestInSpanish(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Send(http.MethodGet, "/reports", http.Header{"Accept-Language": {string(lang.Spanish)}}, nil)
	c.Sees(page, "Informes", "Por qué se denegaron peticiones", "Día a día")
}
