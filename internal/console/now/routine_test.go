// SPDX-License-Identifier: Apache-2.0

package now_test

import (
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/signin"
)

// TestWhatIsVerifiedStandsOnTheBoard runs a closing routine: the board says what
// is not so and where, until it is, and nothing after the routine.
func TestWhatIsVerifiedStandsOnTheBoard(t *testing.T) {
	c := consoletest.New(t)
	_, err := c.Scenarios.Save(t.Context(), "", scenario.Scenario{
		Slug: "evening", Name: "Closing the store", Kind: scenario.Closing, Site: "lisbon", Trigger: scenario.Trigger{Button: true},
		Check:  scenario.Checklist{Items: []scenario.Item{scenario.AllClosed, scenario.AllReachable}},
		Revert: scenario.Revert{After: "2h"},
	}, "", 0)
	c.Must(err)
	c.As(signin.Manager)
	card := func() string {
		_, page := c.Get("/?view=list")
		_, after, _ := strings.Cut(page, `id="routines"`)
		before, _, _ := strings.Cut(after, `id="events-title"`)
		return before
	}
	if text := card(); strings.Contains(text, "Closing the store") {
		t.Error("the board shows a routine that does not run")
	}
	c.Must(c.World.OperateByHand("case-1", sashlock.DoUnlock))
	c.Must(c.World.Open("case-1"))
	c.Until("the case is open", func() bool { return c.State(c.Opening("case-1")).Position == sashlock.Open })
	_, err = c.Scenarios.Press(t.Context(), "", "evening", scenario.StartPress)
	c.Must(err)
	c.Sees(card(), "Closing the store", "1 of 2 are so", "Everything is closed", "1 is not so:", "Case 1", "Every lock can be reached")
	c.Must(c.World.Close("case-1"))
	c.Until("the case is closed", func() bool { return c.State(c.Opening("case-1")).Position == sashlock.Closed })
	if text := card(); !strings.Contains(text, "2 of 2 are so") || strings.Contains(text, "case-1") {
		t.Errorf("closed, it says: %s", text)
	}
	_, err = c.Scenarios.Press(t.Context(), "", "evening", scenario.StopPress)
	c.Must(err)
	if text := card(); strings.Contains(text, "Closing the store") {
		t.Error("the routine has ended and is still there")
	}
}

// TestWhatIsInForceStandsOnTheBoard begins a lockdown: the board says so above
// all else, and no longer once it has ended.
func TestWhatIsInForceStandsOnTheBoard(t *testing.T) {
	c := consoletest.New(t)
	_, err := c.Scenarios.Save(t.Context(), "", scenario.Scenario{
		Slug: "all", Name: "Lock it all down", Kind: scenario.Lockdown, Site: "lisbon", Trigger: scenario.Trigger{Button: true},
		Actions: scenario.Actions{Lock: []scenario.Where{{Openings: []string{"case-1"}}}, Notify: "Stay where you are."},
	}, "", 0)
	c.Must(err)
	c.As(signin.Manager)
	strip := func() string {
		_, page := c.Get("/?view=list")
		_, after, _ := strings.Cut(page, `id="in-force"`)
		before, _, _ := strings.Cut(after, `id="figures"`)
		return before
	}
	if text := strip(); strings.Contains(text, "Lock it all down") {
		t.Error("the board shows a lockdown that is not in force")
	}
	_, err = c.Scenarios.Press(t.Context(), "", "all", scenario.StartPress)
	c.Must(err)
	c.Sees(strip(), "Lock it all down", "Stay where you are.", "1 opening locked down")
	_, err = c.Scenarios.Press(t.Context(), "", "all", scenario.StopPress)
	c.Must(err)
	if text := strip(); strings.Contains(text, "Lock it all down") {
		t.Error("the lockdown has ended and is still there")
	}
}
