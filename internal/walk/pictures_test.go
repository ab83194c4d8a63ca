// SPDX-License-Identifier: Apache-2.0

package walk

import (
	"cmp"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/sashlock/sashlock/internal/browsertest"
)

var take = flag.Bool("pictures", false, "take the pictures of the guides anew")

// shots are the pictures of the guides.
var shots = []struct {
	name, path, persona string
	width, height       int64
	dark                bool
	first               string // a link to follow from there, as a CSS selector
	press               string // a button to press
	says                string
}{
	{name: "now", path: "/", persona: "manager", says: "Openings"},
	{name: "now-dark", path: "/", persona: "manager", says: "Openings", dark: true},
	{name: "wall", path: "/?view=wall", persona: "manager", says: "Watches"},
	{name: "opening", path: "/openings/watches-6", persona: "manager", says: "Watches 6"},
	{name: "access", path: "/access", persona: "manager", says: "may open"},
	{name: "grant", path: "/access/new", persona: "manager", says: "Access"},
	{name: "what-if", path: "/what-if?ask=who&opening=cage-1", persona: "manager", says: "What if"},
	{name: "why", path: "/activity?q=result:denied", persona: "manager", first: `#rows a[href^="/decisions/"]`, says: "Needed"},
	{name: "reports", path: "/reports", persona: "manager", says: "Day by day"},
	{name: "people", path: "/people", persona: "manager", says: "People"},
	{name: "alarms", path: "/alarms", persona: "protection", says: "Nobody yet"},
	{name: "incident", path: "/alarms", persona: "protection", first: `a[href^="/incidents/"]`, says: "Replay"},
	{name: "activity", path: "/activity?q=area:watches since:7d", persona: "protection", says: "Result"},
	{name: "proof", path: "/proof", persona: "auditor", press: "Verify the whole ledger", says: "Nothing was changed"},
	{name: "entry", path: "/proof/entries/400", persona: "auditor", says: "400"},
	{name: "devices", path: "/devices", persona: "engineer", says: "Devices"},
	{name: "plan", path: "/plan", persona: "engineer", says: "Floor plan"},
	{name: "developers", path: "/developers", persona: "engineer", says: "/v1/openings"},
	{name: "case", path: "/c/fragrance-3", persona: "associate", width: 390, height: 780, says: "Unlock"},
	{name: "serve", path: "/serve", persona: "associate", width: 390, height: 780, says: "Customers"},
}

// TestPictures takes the pictures when it is asked to; otherwise it checks that
// each is there and is what it says it is.
func TestPictures(t *testing.T) {
	folder := filepath.Join("..", "..", "docs", "guide", "pictures")
	if !*take {
		for _, shot := range shots {
			if info, err := os.Stat(filepath.Join(folder, shot.name+".png")); err != nil || info.Size() < 4000 {
				t.Errorf("%s: %v: run make pictures", shot.name, err)
			}
		}
		return
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	s := open(t, 1)
	b := browsertest.Open(t, s.url)
	now := ""
	for _, shot := range shots {
		if shot.persona != now {
			b.Size(1360, 860)
			become(b, shot.persona, "Demo")
			now = shot.persona
		}
		width, height := cmp.Or(shot.width, 1360), cmp.Or(shot.height, 860)
		b.Size(width, height)
		b.Dark(shot.dark)
		b.Go(shot.path)
		if shot.first != "" {
			b.Until(`!!document.querySelector('` + shot.first + `')`)
			b.Go(browsertest.Eval[string](b, `document.querySelector('`+shot.first+`').getAttribute("href")`))
		}
		if shot.press != "" {
			b.Press(shot.press)
		}
		b.See(shot.says)
		browsertest.Eval[bool](b, `(document.querySelector("#demo")?.remove(), document.querySelectorAll(".about, #demo-card, .demo-corner").forEach((e) => e.remove()), scrollTo(0, 0), true)`)
		b.Until("document.getAnimations().every((a) => a.playState !== \"running\" || a.effect.getComputedTiming().iterations === Infinity)")
		if err := os.WriteFile(filepath.Join(folder, shot.name+".png"), b.Picture(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
