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
