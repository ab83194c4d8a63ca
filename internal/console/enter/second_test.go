// SPDX-License-Identifier: Apache-2.0

package enter_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

const goodPassword = "heron ladder quince"

var keyOnPage = regexp.MustCompile(`<code class="key" id="key">([A-Z2-7 ]+)</code>`)

// app is an authenticator app that was given the key on a page. It stands still at
// this moment, so that a code means the same until the end of a test; the steps are
// those of its clock.
func (v *visitor) app(page string) func(steps int) string {
	v.t.Helper()
	found := keyOnPage.FindStringSubmatch(page)
	if found == nil {
		v.t.Fatalf("there is no key on the page:\n%s", consoletest.Words(page))
	}
	now := time.Now()
	return func(steps int) string {
		code, err := signin.CodeAt(strings.ReplaceAll(found[1], " ", ""), now.Add(time.Duration(steps)*30*time.Second))
		v.c.Must(err)
		return code
	}
}

// invite is the link by which somebody of a role comes in.
func invite(t *testing.T, c *consoletest.Counter, name string, role signin.Role) string {
	t.Helper()
	_, secret, err := c.Signin.Invite(t.Context(), signin.Operator{ID: "", Role: signin.Owner}, signin.Operator{Name: name, Role: role})
	c.Must(err)
	return "/invite/" + secret
}

// Somebody whose devices can keep no passkey comes in, out and in again with a
// password and one-time codes, without JavaScript.
func TestInByPasswordAndCode(t *testing.T) {
	c := consoletest.New(t)
	v := visit(t, c)
	link := invite(t, c, "Ana <i>Silva", signin.Associate)
	_, _, page := v.get(link)
	c.Sees(page, "Use a password and one-time codes")
	_, _, page = v.get(link + "/password")
	app, key := v.app(page), keyOnPage.FindString(page)
	if strings.Contains(page, "<i>Silva") || !strings.Contains(page, "otpauth://totp/") {
		t.Errorf("the page:\n%s", page)
	}
	send := func(password, again, code string) (int, string, string) {
		return v.post(link+"/password", url.Values{"password": {password}, "again": {again}, "code": {code}})
	}
	for what, try := range map[string][3]string{
		"use at least 12 characters": {"short", "short", app(0)}, "among the first that anybody would try": {"password1234", "password1234", app(0)},
		"two different passwords": {goodPassword, goodPassword + "x", app(0)}, "not the code that your app shows": {goodPassword, goodPassword, "000000"},
	} {
		status, _, page := send(try[0], try[1], try[2])
		if status != http.StatusUnprocessableEntity || keyOnPage.FindString(page) == "" {
			t.Errorf("%s: %d\n%s", what, status, consoletest.Words(page))
		}
		c.Sees(page, what)
		if got := keyOnPage.FindString(page); got != key {
			t.Errorf("after %s there is another key", what)
		}
	}
	status, _, page := send(goodPassword, goodPassword, app(0))
	if status != http.StatusOK || strings.Count(page, "<li><code>") != signin.Codes {
		t.Fatalf("coming in: %d\n%s", status, consoletest.Words(page))
	}
	_, _, page = v.get("/me")
	c.Sees(page, "with a password and a one-time code", "from 127.0.0.1", "Set them up anew")
	if status, _, _ := v.get("/"); status != http.StatusForbidden {
		t.Errorf("an associate sees the floor: %d", status)
	}
	v.post("/signout", nil)
	in := func(name, password, code string) (int, string) {
		status, to, _ := v.post("/signin/password", url.Values{"name": {name}, "password": {password}, "code": {code}, "then": {"/me"}})
		return status, to
	}
	if status, to := in("Ana <i>Silva", goodPassword, app(0)); status != http.StatusSeeOther || !strings.Contains(to, "wrong=password") {
		t.Errorf("the code that was used already: %d %s", status, to)
	}
	_, _, page = v.get("/signin?wrong=password")
	c.Sees(page, "Name, password or one-time code is not right.")
	if status, to := in("ana <I>silva", goodPassword, app(1)); status != http.StatusSeeOther || to != "/me" {
		t.Errorf("the next code: %d %s", status, to)
	}
	if status, _, _ := v.get(link + "/password"); status != http.StatusForbidden {
		t.Errorf("the link again: %d", status)
	}
	if status, _, _ := visit(t, c).get(invite(t, c, "Mia", signin.Manager) + "/password"); status != http.StatusForbidden {
		t.Errorf("a manager by password: %d", status)
	}
	if status, _, page := v.post("/me/password/remove", nil); status != http.StatusSeeOther {
		t.Errorf("removing: %d\n%s", status, consoletest.Words(page))
	}
}

var routes = regexp.MustCompile(`\.(?:Handle|Dangerous|signed)\("(GET|POST) ([^"]+)"`)

// everyRoute lists the addresses that need somebody to be signed in, as the
// pages of the console add them.
func everyRoute(t *testing.T) (all [][2]string) {
	t.Helper()
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, one := range routes.FindAllStringSubmatch(string(text), -1) {
			path := regexp.MustCompile(`\{\$\}`).ReplaceAllString(one[2], "")
			all = append(all, [2]string{one[1], regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "x")})
		}
	}
	if len(all) < 80 {
		t.Fatalf("only %d addresses were found", len(all))
	}
	return all
}

// A session that was begun with a password, or by single sign-on without a
// passkey, reaches nothing as soon as its operator has a privileged role,
// however that came about.
func TestAWeakSessionReachesNothingPrivileged(t *testing.T) {
	c := consoletest.New(t)
	all := everyRoute(t)
	for _, role := range signin.Roles() {
		if !role.Privileged() {
			continue
		}
		for _, means := range []string{signin.ByPassword, signin.BySSO} {
			o, err := c.Signin.SaveOperator(t.Context(), "", signin.Operator{Name: string(role) + " by " + means, Role: signin.Associate})
			c.Must(err)
			_, secret, err := c.Signin.Begin(t.Context(), o.ID, means, "browser")
			c.Must(err)
			_, err = c.Store.Do(t.Context(), func(tx *store.Tx) error { // past every check
				_, err := tx.Exec(`UPDATE operators SET body = ? WHERE id = ?`, `{"role":"`+string(role)+`"}`, o.ID)
				return err
			})
			c.Must(err)
			c.As("")
			for _, one := range all {
				r, _ := c.Send(one[0], one[1], http.Header{"Cookie": {console.SessionCookie + "=" + secret}}, nil)
				asks := r.StatusCode == http.StatusSeeOther && strings.HasPrefix(r.Header.Get("Location"), "/signin?")
				if !asks && r.StatusCode != http.StatusForbidden {
					t.Errorf("%s with %s: %s %s answers %d", role, means, one[0], one[1], r.StatusCode)
				}
			}
		}
	}
}

// A higher role is asked for, agreed to, used and ended.
func TestAHigherRoleForAWhile(t *testing.T) {
	c, owner, _ := claimed(t)
	pat, key := visit(t, c), newKey(t, owner.home)
	link := invite(t, c, "Pat", signin.Protection)
	if status, _, page := pat.post(link, url.Values{"credential": {key.enrol(pat.begin(link+"/begin", nil))}}); status != http.StatusOK {
		t.Fatalf("coming in: %d\n%s", status, consoletest.Words(page))
	}
	if status, _, _ := pat.get("/settings/estate.yaml"); status != http.StatusForbidden {
		t.Fatalf("loss prevention takes everything: %d", status)
	}
	ask := url.Values{"role": {"engineer"}, "minutes": {"30"}, "reason": {"x"}}
	status, _, page := pat.post("/me/elevation", ask)
	if status != http.StatusUnprocessableEntity || !strings.Contains(page, "say in 5 to 300 characters") {
		t.Errorf("without a reason: %d\n%s", status, consoletest.Words(page))
	}
	ask.Set("reason", "replace <b>the hub")
	status, to, page := pat.post("/me/elevation", ask)
	if status != http.StatusSeeOther || !strings.HasPrefix(to, "/elevations/elv") {
		t.Fatalf("asking: %d %s\n%s", status, to, consoletest.Words(page))
	}
	if status, _, _ := pat.post(to+"/agree", nil); status != http.StatusForbidden {
		t.Errorf("agreeing with oneself: %d", status)
	}
	if status, _ := c.As(signin.Manager).Get(to); status != http.StatusForbidden {
		t.Errorf("the manager of Lisbon looks at it: %d", status)
	}
	if status, _, _ := c.As(signin.Associate).Post(to+"/agree", url.Values{}); status != http.StatusForbidden {
		t.Errorf("an associate agrees: %d", status)
	}
	_, _, page = owner.get("/elevations")
	c.Sees(page, "Pat asks to act as Engineer", "replace", "30 minutes")
	if strings.Contains(page, "<b>the hub") {
		t.Error("the reason is not escaped")
	}
	if status, _, page := owner.post(to+"/agree", nil); status != http.StatusSeeOther {
		t.Fatalf("agreeing: %d\n%s", status, consoletest.Words(page))
	}
	if status, _, _ := pat.get("/settings/estate.yaml"); status != http.StatusOK {
		t.Errorf("with the role: %d", status)
	}
	if status, _, _ := pat.get("/operators"); status != http.StatusForbidden {
		t.Errorf("a lent role lets people in: %d", status)
	}
	_, _, page = pat.get("/me")
	c.Sees(page, "You act as Engineer", "End it now")
	pat.post("/me/language", url.Values{"language": {"en"}})
	if status, _, page := pat.post(to+"/end", nil); status != http.StatusSeeOther {
		t.Errorf("ending: %d\n%s", status, consoletest.Words(page))
	}
	if status, _, _ := pat.get("/settings/estate.yaml"); status != http.StatusForbidden {
		t.Errorf("after its end: %d", status)
	}
	_, _, page = owner.get(to)
	c.Sees(page, "over", string(sashlock.OperatorSaved))
}

// A session of any kind ends in the moment in which its operator is suspended.
func TestAnySessionEndsWithItsOperator(t *testing.T) {
	c, owner, _ := claimed(t)
	for name, means := range map[string]string{"Ed": signin.ByPassword, "Sue": signin.BySSO} {
		o, err := c.Signin.SaveOperator(t.Context(), "", signin.Operator{Name: name, Role: signin.Auditor})
		c.Must(err)
		_, secret, err := c.Signin.Begin(t.Context(), o.ID, means, "browser")
		c.Must(err)
		_, page := c.As("").Send(http.MethodGet, "/activity", http.Header{"Cookie": {console.SessionCookie + "=" + secret}}, nil)
		if !strings.Contains(consoletest.Words(page), name) {
			t.Fatalf("%s does not get in:\n%s", name, consoletest.Words(page))
		}
		if status, _, _ := owner.post("/operators/"+string(o.ID)+"/suspend", url.Values{"suspended": {"yes"}}); status != http.StatusSeeOther {
			t.Fatalf("suspending %s: %d", name, status)
		}
		answer, _ := c.Send(http.MethodGet, "/activity", http.Header{"Cookie": {console.SessionCookie + "=" + secret}}, nil)
		if answer.StatusCode != http.StatusSeeOther {
			t.Errorf("%s, suspended: %d", name, answer.StatusCode)
		}
	}
}

func TestAProviderThatIsAwayIsSaid(t *testing.T) {
	c, owner, _ := claimed(t)
	form := url.Values{
		"on": {"yes"}, "issuer": {"http://127.0.0.1:1"}, "client": {"store-7"}, "secret": {"s3cret"}, "button": {"Contoso <b>"}, "rev": {"0"}, "act": {"save"},
		"value": {"sales", ""}, "role": {"associate", "associate"}, "site": {string(c.Site("lisbon")), ""},
	}
	if status, _, _ := c.As(signin.Manager).Post("/settings/sign-in", form); status != http.StatusForbidden {
		t.Errorf("a manager saves it: %d", status)
	}
	if status, _ := c.Get("/settings/sign-in"); status != http.StatusForbidden {
		t.Errorf("a manager sees it: %d", status)
	}
	for field, wrong := range map[string]string{"issuer": "http://login.example.com", "client": "", "role": "owner", "site": "sit_made_up"} {
		bad := url.Values{}
		for k, v := range form {
			bad[k] = append([]string(nil), v...)
		}
		bad[field][0] = wrong
		if status, _, page := owner.post("/settings/sign-in", bad); status != http.StatusUnprocessableEntity || strings.Contains(page, "s3cret") || !strings.Contains(page, `class="wrong"`) {
			t.Errorf("%s %q: %d\n%s", field, wrong, status, consoletest.Words(page))
		}
	}
	try := url.Values{}
	for k, v := range form {
		try[k] = v
	}
	try["act"] = []string{"try"}
	_, _, page := owner.post("/settings/sign-in", try)
	c.Sees(page, "The provider does not answer at this address")
	if status, to, page := owner.post("/settings/sign-in", form); status != http.StatusSeeOther || to != "/settings/sign-in?saved=1" {
		t.Fatalf("saving: %d\n%s", status, consoletest.Words(page))
	}
	if status, _, _ := owner.post("/settings/sign-in", form); status != http.StatusConflict {
		t.Errorf("a stale form: %d", status)
	}
	_, _, page = owner.get("/settings/sign-in")
	if strings.Contains(page, "s3cret") {
		t.Error("the page shows the secret")
	}
	v := visit(t, c)
	_, _, page = v.get("/signin")
	c.Sees(page, "Sign in with Contoso")
	status, to, _ := v.get("/signin/sso?then=%2Falarms")
	if status != http.StatusSeeOther || !strings.HasPrefix(to, "/signin?") {
		t.Fatalf("while it is away: %d %s", status, to)
	}
	_, _, page = v.get(to)
	c.Sees(page, "does not answer at the moment. Passkeys work all the same.")
	before := refusals(c, t)
	if status, _, page := v.get("/signin/sso/back?code=x&state=y"); status != http.StatusForbidden {
		t.Errorf("an answer that nobody asked for: %d\n%s", status, consoletest.Words(page))
	}
	if refusals(c, t) != before+1 {
		t.Error("it was not recorded")
	}
}
