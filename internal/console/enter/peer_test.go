// SPDX-License-Identifier: Apache-2.0

package enter_test

import (
	"bufio"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sashlock/sashlock/internal/consoletest"
)

// startProvider starts the real provider of peers/oidc for a console, and
// returns its address. Where it cannot be run the test is skipped.
func startProvider(t *testing.T, home string) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil || os.Getenv("SASHLOCK_PEERS") != "1" {
		if os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal("the real provider needs Node 20 or newer, and SASHLOCK_PEERS=1")
		}
		t.Skip("the real provider needs Node 20 or newer, and SASHLOCK_PEERS=1: make test sees to both")
	}
	process := exec.Command("sh", "../../../peers/oidc/run.sh")
	process.Env = append(os.Environ(), "OIDC_PORT=0", "OIDC_REDIRECT="+home+"/signin/sso/back", "OIDC_LOGOUT="+home+"/signin/sso/logout")
	var complaints strings.Builder
	process.Stderr = &complaints
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		_ = process.Wait()
	})
	ready := make(chan string, 1)
	go func() {
		defer close(ready)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if issuer, is := strings.CutPrefix(lines.Text(), "ready issuer="); is {
				ready <- issuer
			}
		}
	}()
	select {
	case issuer := <-ready:
		if issuer == "" {
			t.Fatalf("the provider ended before it was ready:\n%s", complaints.String())
		}
		return issuer
	case <-time.After(3 * time.Minute): // it may have to install itself first
		t.Fatalf("the provider is not ready after three minutes:\n%s", complaints.String())
	}
	return ""
}

// there follows the provider's redirections until they lead back, and returns
// the address on our side.
func (v *visitor) there(address, person string) string {
	v.t.Helper()
	if person != "" {
		address += "&login_hint=" + person
	}
	for range 6 {
		_, to, page := v.away(http.MethodGet, address, nil)
		if strings.HasPrefix(to, v.home) {
			return strings.TrimPrefix(to, v.home)
		}
		if to == "" {
			v.t.Fatalf("the provider says at %s:\n%s", address, consoletest.Words(page))
		}
		base, err := url.Parse(address)
		v.c.Must(err)
		next, err := base.Parse(to)
		v.c.Must(err)
		address = next.String()
	}
	v.t.Fatal("the provider leads around in circles")
	return ""
}

// away sends a request to another site.
func (v *visitor) away(method, address string, form url.Values) (int, string, string) {
	home := v.home
	defer func() { v.home = home }()
	v.home = ""
	return v.send(method, address, form)
}

var hidden = regexp.MustCompile(`name="xsrf" value="([^"]+)"`)

// The whole way with a real provider: its discovery, its keys, its codes, its
// logout.
func TestWithARealProvider(t *testing.T) {
	c, owner, _ := claimed(t)
	issuer := startProvider(t, owner.home)
	form := url.Values{
		"on": {"yes"}, "issuer": {issuer}, "client": {"store-7"}, "secret": {"a-secret-of-the-test-only"}, "rev": {"0"}, "act": {"try"}, "proofs": {"phr"},
		"value": {"lisbon-sales", "managers"}, "role": {"associate", "manager"}, "site": {string(c.Site("lisbon")), string(c.Site("lisbon"))},
	}
	_, _, page := owner.post("/settings/sign-in", form)
	c.Sees(page, "The provider answers", "It binds each sign-in to its browser", "It signs its answers", "Its keys can be fetched", "It knows this client and takes the secret")
	form.Set("act", "save")
	if status, _, page := owner.post("/settings/sign-in", form); status != http.StatusSeeOther {
		t.Fatalf("saving: %d\n%s", status, consoletest.Words(page))
	}
	come := func(person string) (v *visitor, back string) {
		v = visit(t, c)
		status, to, page := v.get("/signin/sso?then=%2Fme")
		if status != http.StatusSeeOther || !strings.HasPrefix(to, issuer) {
			t.Fatalf("setting out: %d %s\n%s", status, to, consoletest.Words(page))
		}
		return v, v.there(to, person)
	}

	ana, back := come("ana")
	if status, _, _ := visit(t, c).get(back); status != http.StatusForbidden {
		t.Errorf("her answer in another browser: %d", status)
	}
	if status, to, page := ana.get(back); status != http.StatusSeeOther || to != "/me" {
		t.Fatalf("Ana comes in: %d %s\n%s", status, to, consoletest.Words(page))
	}
	_, _, page = ana.get("/me")
	c.Sees(page, "Ana Silva", "Associate", "by single sign-on", "You can sign in with the company")
	if status, _, _ := ana.get(back); status == http.StatusSeeOther {
		t.Errorf("the same answer again: %d", status)
	}
	_, to, _ := ana.get("/signin/again/sso?then=%2Fme")
	if status, to, page := ana.get(ana.there(to, "ana")); status != http.StatusSeeOther || to != "/me" {
		t.Errorf("showing herself anew: %d %s\n%s", status, to, consoletest.Words(page))
	}

	mia, back := come("mia")
	if status, _, page := mia.get(back); status != http.StatusSeeOther {
		t.Fatalf("Mia comes in: %d\n%s", status, consoletest.Words(page))
	}
	_, _, page = mia.get("/me")
	c.Sees(page, "Mia Manager", "Store manager", "by single sign-on with a passkey")
	max, back := come("max")
	status, _, page := max.get(back)
	if status != http.StatusForbidden {
		t.Errorf("a manager by password there: %d", status)
	}
	c.Sees(page, "your role needs a passkey")
	eve, back := come("eve")
	if status, _, page := eve.get(back); status != http.StatusForbidden || !strings.Contains(page, "nothing here says what you may do") {
		t.Errorf("somebody whom no rule fits: %d\n%s", status, consoletest.Words(page))
	}
	nobody, back := come("nobody")
	if status, _, page := nobody.get(back); status != http.StatusForbidden || !strings.Contains(page, "did not let you in") {
		t.Errorf("somebody the provider does not know: %d\n%s", status, consoletest.Words(page))
	}

	// She signs out there, and the provider ends her session here.
	_, _, page = ana.away(http.MethodGet, issuer+"/session/end", nil)
	token := hidden.FindStringSubmatch(page)
	if token == nil {
		t.Fatalf("signing out there:\n%s", page)
	}
	status, _, page = ana.away(http.MethodPost, issuer+"/session/end/confirm", url.Values{"xsrf": {token[1]}, "logout": {"yes"}})
	if again, to, _ := ana.get("/me"); again != http.StatusSeeOther || !strings.HasPrefix(to, "/signin") {
		t.Errorf("she signed out there (%d) and her session here stands: %d %s\n%s", status, again, to, consoletest.Words(page))
	}
	if status, _, _ := mia.get("/me"); status != http.StatusOK {
		t.Errorf("Mia's session ended too: %d", status)
	}
}
