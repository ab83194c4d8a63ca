// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sashlock/sashlock/internal/browsertest"
)

// picture keeps what the browser shows, in the folder that PICTURES names.
func picture(t *testing.T, b *browsertest.Browser, name string) {
	t.Helper()
	if folder := os.Getenv("PICTURES"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, name+".png"), b.Picture(), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// openCard says that the card is unfolded.
const openCard = `document.getElementById("demo-card").open`

func cornerInABrowser(t *testing.T, v *visitor) {
	t.Helper()
	b := browsertest.Open(t, v.server.URL)
	b.Go("/nothing") // a page on which there is little but the corner, which stays out of the way there
	b.Until("!" + openCard)
	b.Click("#demo-card > summary")
	b.Click("#demo-break > summary")
	b.Accessible()
	b.Forgive() // it is not found, and says so
	b.Go("/")
	b.Until(openCard)
	picture(t, b, "first")
	b.Click("#demo-break > summary")
	b.Click(`#demo-break button[value="edit"]`)
	b.See("is not what was sealed")
	b.Until(`document.activeElement.closest("#demo-card") != null`) // the keyboard stays where it was
	picture(t, b, "edited")
	b.Click(`#demo-break button[value="undo"]`)
	b.See("entries are as they were sealed")
	b.Click("#demo-pace > summary")
	b.Click(`#demo-pace button[value="10"]`)
	b.Until(`document.querySelector('#demo-pace [aria-pressed="true"]').value == "10" && document.getElementById("demo-pace").open`)
	if speed, _ := v.pace.get(); speed != 10 {
		t.Errorf("the story runs at %v", speed)
	}
	b.Dark(true)
	b.Click("#demo-who > summary")
	picture(t, b, "dark")
	b.Dark(false)

	b.Size(390, 844)
	b.Click("#demo-card > summary")
	b.Until("!" + openCard + ` && /demo=folded/.test(document.cookie)`)
	b.Go("/")
	b.Until("!" + openCard) // it is remembered
	b.Fits()
	picture(t, b, "phone-folded")
	b.Click("#demo-card > summary")
	b.Fits()
	picture(t, b, "phone")

	b.Size(1440, 1000)
	b.Script(false) // all of it goes without
	b.Go("/docs")   // a page that does not load itself again while it is pressed
	b.Click("#demo-break > summary")
	b.Click(`#demo-break button[value="verify"]`)
	b.Until(`location.hash == "#demo-break-inside"`) // the part that was used is open on the page that answers
	b.See("entries are as they were sealed")
}
