// SPDX-License-Identifier: Apache-2.0

package walk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/browsertest"
	"github.com/sashlock/sashlock/internal/demo"
)

// become makes the visitor somebody else, by the demo's own buttons.
func become(b *browsertest.Browser, persona, says string) {
	b.Go("/docs")
	before := browsertest.Eval[string](b, `document.querySelector(".account .who").textContent`)
	browsertest.Eval[bool](b, fmt.Sprintf(`(document.querySelector('form[action="/demo/persona"] [value=%q]').click(), true)`, persona))
	b.Until(fmt.Sprintf(`document.readyState === "complete" && document.querySelector(".account .who").textContent !== %q`, before))
	b.See(says)
}

// TestLossPrevention finds an alarm, takes the incident, plays it back, and
// resolves it with the keyboard.
func TestLossPrevention(t *testing.T) {
	s := open(t, 1)
	b := browsertest.Open(t, s.url)
	become(b, "protection", "Alarms")
	b.Go("/alarms")
	b.See("Nobody yet")
	b.Keys("j")
	b.Keys("t")
	b.See("Nadia Brandt")
	path := browsertest.Eval[string](b, `document.querySelector('a[href^="/incidents/"]').getAttribute("href")`)
	b.Go(path)
	b.See("Replay", "Evidence")
	b.Go("/people/helena")
	b.See("Helena")
	b.Go("/developers/tokens")
	b.See("This is not for you")
	b.Forgive() // the browser complains of the status 403
}

// TestManager asks why somebody was refused, and gives them half an hour.
func TestManager(t *testing.T) {
	s := open(t, 1)
	b := browsertest.Open(t, s.url)
	become(b, "manager", "Openings")
	b.Go("/activity?q=result:denied")
	b.Until(`!!document.querySelector('#rows a[href^="/decisions/"]')`)
	b.Click(`#rows a[href^="/decisions/"]`)
	b.See("Needed")
	b.Go("/what-if")
	b.See("What if")
	b.Go("/reports/review")
	b.See("Access review")
	b.Go("/?site=porto")
	b.See("This is not for you")
	b.Forgive()
}

// TestAuditor verifies the ledger, and sees the page turn red once a row was
// edited behind the product's back.
func TestAuditor(t *testing.T) {
	s := open(t, 1)
	b := browsertest.Open(t, s.url)
	become(b, "auditor", "Was anything changed?")
	b.Press("Verify the whole ledger")
	b.See("Nothing was changed")
	b.Go("/proof/entries/120")
	b.Press("Check in this browser")
	b.See("120")
	browsertest.Eval[bool](b, `(document.querySelector('form[action="/demo/break"] [value="edit"]').click(), true)`)
	b.Until(`document.body.textContent.includes("Put entry")`)
	b.Go("/proof")
	b.Press("Verify")
	b.See("was changed after it was sealed")
	b.Go("/access/new")
	b.See("This is not for you")
	b.Forgive()
}

// TestAssociate serves a customer with a phone.
func TestAssociate(t *testing.T) {
	s := open(t, 1)
	b := browsertest.Open(t, s.url)
	b.Size(390, 844)
	become(b, "associate", "Customers")
	b.Go("/c/fragrance-3")
	b.See("Fragrance 3", "Unlock")
	b.Press("Unlock")
	b.See("Unlocked")
	b.Go("/")
	b.See("This is not for you")
	b.Forgive()
}

// TestEngineer asks the API for a release, and finds it on the page.
func TestEngineer(t *testing.T) {
	s := open(t, 1)
	b := browsertest.Open(t, s.url)
	become(b, "engineer", "Devices")
	c, err := app.ReadConnection(filepath.Join(s.data, demo.ConnectionFile))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/openings/fragrance-4/actions", strings.NewReader(`{"type":"release","person":"helena"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.Token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var action struct{ State string }
	if err := json.NewDecoder(answer.Body).Decode(&action); err != nil || answer.StatusCode != http.StatusAccepted {
		t.Fatalf("%d, %v", answer.StatusCode, err)
	}
	b.Go("/activity?q=opening:fragrance-4")
	b.See("Fragrance 4: granted")
	b.Go("/developers")
	b.See("/v1/openings/{ref}/actions")
	if _, err := os.Stat(filepath.Join(s.data, demo.ConnectionFile)); err != nil {
		t.Error(err)
	}
}
