// SPDX-License-Identifier: Apache-2.0

package walk

import (
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/browsertest"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/signin"
	ledger "github.com/sashlock/sashlock/internal/store"
)

// From the incident of a forced case, on a phone, the link to the lockdown is in
// sight of a thumb and leads to its button, and the button locks down.
func TestLockdownFromAnIncidentOnAPhone(t *testing.T) {
	c := consoletest.New(t)
	scene, err := scenario.Parse([]byte("slug: lockdown\nname: Lockdown\nsite: lisbon\nkind: lockdown\ntrigger: {button: true}\nactions: {lock_down: [{all: true}]}\n"))
	c.Must(err)
	_, err = c.Scenarios.Save(t.Context(), "", scene, "", 0)
	c.Must(err)
	c.Must(c.World.Open("case-1")) // which is locked
	at, incident := c.Opening("case-1"), ""
	c.Until("the incident is there", func() bool {
		c.Must(c.Store.View(t.Context(), func(q ledger.Query) error {
			all, err := incidents.List(q, incidents.Filter{}, 1)
			if len(all) > 0 {
				incident = all[0].ID
			}
			return err
		}))
		return incident != "" && c.State(at).Forced
	})
	b := browsertest.Open(t, c.Server.URL)
	b.Cookie(console.SessionCookie, c.Secret(signin.Manager))
	b.Size(390, 780)
	b.Go("/incidents/" + incident)
	b.See("Lock down")
	b.Fits()
	const link = `document.querySelector('a.danger[href*="#lockdowns"]')`
	if tall := browsertest.Eval[float64](b, link+`.getBoundingClientRect().height`); tall < 44 {
		t.Errorf("the link is %.0f high, too little for a thumb", tall)
	}
	browsertest.Eval[bool](b, `(window.gone = true, `+link+`.click(), true)`)
	b.Until(`!window.gone && document.readyState === "complete" && location.pathname === "/scenarios"`)
	b.Fits()
	b.Until(`(() => { const r = document.querySelector("#lockdowns").getBoundingClientRect(); return r.top >= 0 && r.bottom < innerHeight })()`)
	b.Click(".lockdowns summary.danger")
	const button = `document.querySelector('.lockdowns form[action$="/start"] button')`
	b.Until(button + `.checkVisibility() && ` + button + `.getBoundingClientRect().right <= innerWidth && ` + button + `.getBoundingClientRect().height >= 44`)
	browsertest.Eval[bool](b, `(`+button+`.click(), true)`)
	c.Until("it is locked down", func() bool { return c.State(at).Mode == sashlock.LockedDown })
	b.Until(`document.readyState === "complete" && document.body.innerText.includes("In force for")`)
	b.Fits()
}
