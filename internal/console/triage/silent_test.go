// SPDX-License-Identifier: Apache-2.0

package triage_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/detect/duress"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// compel has Ana open an opening under duress, and returns the alarm and its
// incident.
func (s shop) compel(slug string) (sashlock.AlarmID, string) {
	s.t.Helper()
	made, err := s.Credentials.Make(s.Ctx(), "", credentials.Making{
		Person: s.Person("ana"), Kind: sashlock.PIN, Label: "test", Digits: 5, Duress: true, Openings: []sashlock.OpeningID{s.Opening(slug)},
	})
	s.Must(err)
	out, err := s.Credentials.Present(s.Ctx(), credentials.Presented{Opening: s.Opening(slug), Shown: []credentials.Shown{{Kind: sashlock.PIN, PIN: made.Duress}}})
	s.Must(err)
	if !out.Decision.Granted {
		s.t.Fatalf("not let in: %+v", out)
	}
	id := s.Opening(slug)
	s.Until("the silent alarm stands", func() bool { return s.State(id).Alarms["duress"] != "" })
	alarm := s.State(id).Alarms["duress"]
	var at incidents.Place
	s.Until("the alarm is in an incident", func() bool {
		s.view(func(q store.Query) error {
			in, err := incidents.Of(q, []sashlock.AlarmID{alarm})
			at = in[alarm]
			return err
		})
		return at.Incident != ""
	})
	return alarm, at.Incident
}

// telling are the signs on a page that somebody is being forced.
func telling(page string, alarm sashlock.AlarmID, incident string) (signs []string) {
	for _, sign := range []string{"being forced", "Somebody is being forced", `class="tally tone-act"`, `class="halo"`, string(alarm), incident, "duress"} {
		if strings.Contains(page, sign) {
			signs = append(signs, sign)
		}
	}
	return signs
}

// TestDuressIsSilent: of somebody being forced only those learn who handle
// alarms. Everybody else's pages, streams and counts are as if nothing was.
func TestDuressIsSilent(t *testing.T) {
	s := newShop(t)
	alarm, incident := s.compel("case-1")
	pages := []string{"/", "/?view=list", "/?view=wall", "/openings/case-1", "/openings/case-1/panel", "/alarms", "/activity", "/activity?all=1", "/people/ana", "/developers/events"}
	for _, role := range []signin.Role{signin.Engineer, signin.Auditor, signin.Associate} {
		s.as(role)
		for _, path := range append([]string{"/serve", "/c/case-1", "/me"}, pages...) {
			status, page := s.Get(path)
			if signs := telling(page, alarm, incident); len(signs) > 0 {
				t.Errorf("%s at %s (%d) learns it by %q", role, path, status, signs)
			}
		}
		for _, path := range []string{"/alarms/" + string(alarm), "/incidents/" + incident} {
			if status, page := s.Get(path); status != http.StatusNotFound && role != signin.Associate || strings.Contains(page, "forced") {
				t.Errorf("%s at %s: %d", role, path, status)
			}
		}
	}
	for _, role := range []signin.Role{signin.Owner, signin.Manager, signin.Protection} {
		s.as(role)
		for _, path := range []string{"/", "/openings/case-1", "/alarms", "/incidents/" + incident} {
			_, page := s.Get(path)
			s.Sees(page, "Somebody is being forced")
			if !strings.Contains(page, `class="tally tone-act"`) {
				t.Errorf("%s sees no count at %s", role, path)
			}
		}
		for _, path := range []string{"/?bare=1", "/?bare=1&view=wall", "/?bare=1&view=list"} {
			_, page := s.Get(path)
			if signs := telling(page, alarm, incident); len(signs) > 0 {
				t.Errorf("the display of %s at %s shows it by %q", role, path, signs)
			}
			if words := consoletest.Words(page); !strings.Contains(words, "Alarms unseen 0") || !strings.Contains(words, "Open incidents 0") {
				t.Errorf("the display of %s at %s counts it: %s", role, path, words)
			}
		}
	}
}

// TestSilentAlarmsStayAmongThemselves: an alarm that everybody sees does not
// carry a silent one along.
func TestSilentAlarmsStayAmongThemselves(t *testing.T) {
	s := newShop(t)
	_, silent := s.compel("case-1")
	loud := s.force("case-2")
	if loud.ID == silent || loud.Silent != "" || s.incident(silent).Silent != "duress" {
		t.Fatalf("gathered into %s and %s", silent, loud.ID)
	}
	_, page := s.as(signin.Auditor).Get("/alarms")
	if !strings.Contains(page, loud.ID) || strings.Contains(page, silent) {
		t.Error("an auditor sees the wrong ones")
	}
	s.as(signin.Protection).does(http.StatusSeeOther, s.incident(silent), "take")
	_, page = s.as(signin.Auditor).Get("/activity?all=1")
	if strings.Contains(page, "An operator took an incident") {
		t.Error("an auditor reads that somebody took it")
	}
}

func TestTheRuleOfDuressIsSilent(t *testing.T) {
	if !sashlock.Silent(duress.Rule{}.Name()) {
		t.Error("its alarms are told to everybody")
	}
}
