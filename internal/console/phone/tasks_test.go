// SPDX-License-Identifier: Apache-2.0

package phone_test

import (
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/signin"
)

// TestWhatARoutineWaitsForIsAtHand runs a closing routine while a case stands
// open: whoever looks after it sees so where they work, until it is closed.
func TestWhatARoutineWaitsForIsAtHand(t *testing.T) {
	c := consoletest.New(t)
	_, err := c.Scenarios.Save(t.Context(), "", scenario.Scenario{
		Slug: "evening", Name: "Closing the store", Kind: scenario.Closing, Site: "lisbon", Trigger: scenario.Trigger{Button: true},
		Check:  scenario.Checklist{Items: []scenario.Item{scenario.AllClosed}, Role: "sales"},
		Revert: scenario.Revert{After: "2h"},
	}, "", 0)
	c.Must(err)
	c.As(signin.Associate)
	_, page := c.Get("/serve")
	if strings.Contains(page, "Closing the store") {
		t.Error("there is something to do before the routine runs")
	}
	c.Must(c.World.OperateByHand("case-1", sashlock.DoUnlock))
	c.Must(c.World.Open("case-1"))
	c.Until("the case is open", func() bool { return c.State(c.Opening("case-1")).Position == sashlock.Open })
	_, err = c.Scenarios.Press(t.Context(), "", "evening", scenario.StartPress)
	c.Must(err)
	_, page = c.Get("/serve")
	c.Sees(page, "To do", "Everything is closed", "Closing the store", "Case 1")
	c.Must(c.World.Close("case-1"))
	c.Until("the case is closed", func() bool { return c.State(c.Opening("case-1")).Position == sashlock.Closed })
	_, page = c.Get("/serve")
	if strings.Contains(page, "Closing the store") {
		t.Error("it is still to be done")
	}
}
