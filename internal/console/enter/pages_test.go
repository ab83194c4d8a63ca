// SPDX-License-Identifier: Apache-2.0

package enter_test

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// visitor is a browser that keeps cookies and does what its test says.
type visitor struct {
	t      *testing.T
	c      *consoletest.Counter
	home   string
	client *http.Client
}

func visit(t *testing.T, c *consoletest.Counter) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	c.Must(err)
	return &visitor{t: t, c: c, home: strings.Replace(c.Server.URL, "127.0.0.1", "localhost", 1), client: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (v *visitor) send(method, path string, form url.Values) (status int, to, page string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.home+path, strings.NewReader(form.Encode()))
	v.c.Must(err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := v.client.Do(r)
	v.c.Must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	v.c.Must(err)
	return answer.StatusCode, answer.Header.Get("Location"), string(text)
}

func (v *visitor) get(path string) (int, string, string) { return v.send(http.MethodGet, path, nil) }

func (v *visitor) post(path string, form url.Values) (int, string, string) {
	if form == nil {
		form = url.Values{}
	}
	return v.send(http.MethodPost, path, form)
}

// begin asks for the options of a passkey.
func (v *visitor) begin(path string, form url.Values) (o options) {
	v.t.Helper()
	status, _, page := v.post(path, form)
	if status != http.StatusOK {
		v.t.Fatalf("%s: %d %s", path, status, page)
	}
	v.c.Must(json.Unmarshal([]byte(page), &o))
	return o
}

// claimed is a store with an owner, who is signed in here, and their passkey.
func claimed(t *testing.T) (*consoletest.Counter, *visitor, *softKey) {
	t.Helper()
	c := consoletest.New(t)
	v := visit(t, c)
	_, secret, err := c.Signin.NewClaim(t.Context())
	c.Must(err)
	key := newKey(t, v.home)
	o := v.begin("/claim/"+secret+"/begin", url.Values{"name": {"Olga Owner"}})
	status, _, page := v.post("/claim/"+secret, url.Values{"credential": {key.enrol(o)}})
	if status != http.StatusOK || strings.Count(page, "<li><code>") != signin.Codes {
		t.Fatalf("claiming: %d\n%s", status, consoletest.Words(page))
	}
	return c, v, key
}

func refusals(c *consoletest.Counter, t *testing.T) int {
	t.Helper()
	events, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.OperatorRefused), Limit: 1000})
	c.Must(err)
	return len(events)
}

func TestAnswersThatProveNothing(t *testing.T) {
	c, _, key := claimed(t)
	v := visit(t, c)
	try := func(what string, lie func(k *softKey)) {
		t.Helper()
		k, before := *key, refusals(c, t)
		o := v.begin("/signin/begin", nil)
		lie(&k)
		status, _, page := v.post("/signin", url.Values{"credential": {k.use(o)}})
		if status != http.StatusForbidden {
			t.Errorf("%s: %d\n%s", what, status, consoletest.Words(page))
		}
		if refusals(c, t) != before+1 {
			t.Errorf("%s was not recorded", what)
		}
	}
	try("another address", func(k *softKey) { k.origin = "http://evil.example" })
	try("another port", func(k *softKey) { k.origin = "http://localhost:1" })
	try("another name", func(k *softKey) { k.party = "evil.example" })
	try("nobody verified", func(k *softKey) { k.unverified = true })
	try("another key", func(k *softKey) { k.key = newKey(t, v.home).key })
	try("another passkey", func(k *softKey) { k.id = []byte("made up") })
	try("somebody else's name", func(k *softKey) { k.handle = []byte("opr_00000000000000000000000000") })

	o := v.begin("/signin/begin", nil)
	o.PublicKey.Challenge = b64(make([]byte, 32))
	if status, _, _ := v.post("/signin", url.Values{"credential": {key.use(o)}}); status != http.StatusForbidden {
		t.Errorf("a challenge of its own: %d", status)
	}
	o = v.begin("/signin/begin", nil)
	for _, text := range []string{"", "{}", "null", "[1]", strings.Repeat("{", 9000), key.use(o)[:60]} {
		if status, _, _ := v.post("/signin", url.Values{"credential": {text}}); status != http.StatusForbidden {
			t.Errorf("%.20q: %d", text, status)
		}
	}
	if status, _, _ := v.post("/signin", url.Values{"credential": {strings.Repeat("x", 2<<20)}}); status != http.StatusTooManyRequests {
		t.Errorf("a long answer: %d", status)
	}
}

func TestAnAnswerCountsOnceAndForItsPurpose(t *testing.T) {
	c, owner, key := claimed(t)
	v := visit(t, c)
	answer := url.Values{"credential": {key.use(v.begin("/signin/begin", nil))}, "then": {"/alarms"}}
	if status, to, page := v.post("/signin", answer); status != http.StatusSeeOther || to != "/alarms" {
		t.Fatalf("signing in: %d %s\n%s", status, to, consoletest.Words(page))
	}
	if status, _, _ := v.post("/signin", answer); status != http.StatusForbidden {
		t.Errorf("the same answer again: %d", status)
	}
	if status, _, _ := visit(t, c).post("/signin", answer); status != http.StatusForbidden {
		t.Errorf("the same answer from another browser: %d", status)
	}
	// What was begun to sign in does not prove presence, nor the other way round.
	forSignIn := key.use(owner.begin("/signin/begin", nil))
	if status, _, _ := owner.post("/signin/again", url.Values{"credential": {forSignIn}}); status != http.StatusForbidden {
		t.Errorf("an answer for something else: %d", status)
	}
	if status, to, _ := owner.post("/signin/again", url.Values{"credential": {key.use(owner.begin("/signin/again/begin", nil))}, "then": {"/me"}}); status != http.StatusSeeOther || to != "/me" {
		t.Errorf("proving presence: %d %s", status, to)
	}
}

func TestNobodyIsLedAway(t *testing.T) {
	c, _, key := claimed(t)
	for _, then := range []string{"//evil.example", "https://evil.example/", `/\evil.example`, "javascript:alert(1)", "evil", "/a\r\nSet-Cookie: x=y", "\x00", "/%2f/../\\evil"} {
		v := visit(t, c)
		o := v.begin("/signin/begin", nil)
		status, to, page := v.post("/signin", url.Values{"credential": {key.use(o)}, "then": {then}})
		if status != http.StatusSeeOther || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
			t.Errorf("%q leads to %q (%d)\n%s", then, to, status, consoletest.Words(page))
		}
		if _, _, page := visit(t, c).get("/signin?then=" + url.QueryEscape(then)); strings.Contains(page, `value="`+html.EscapeString(then)+`"`) {
			t.Errorf("the page repeats %q", then)
		}
	}
	// A number leads to the name, with everything after it.
	if r, _ := c.As("").Send(http.MethodGet, "/signin?then=%2Falarms", nil, nil); !strings.HasPrefix(r.Header.Get("Location"), "http://localhost:") || !strings.HasSuffix(r.Header.Get("Location"), "/signin?then=%2Falarms") {
		t.Errorf("by number it leads to %q", r.Header.Get("Location"))
	}
}

func TestTwentyWrongCodes(t *testing.T) {
	c, _, key := claimed(t)
	thief := visit(t, c)
	waits := 0
	for range 20 {
		status, to, _ := thief.post("/signin/code", url.Values{"code": {"0000-0000-0000-0000"}, "then": {"/"}})
		if status != http.StatusSeeOther || !strings.HasPrefix(to, "/signin?") {
			t.Fatalf("a wrong code: %d %s", status, to)
		}
		_, _, page := thief.get(to)
		if strings.Contains(to, "wrong=wait") {
			waits++
			c.Sees(page, "Too many wrong codes came from here.")
		} else {
			c.Sees(page, "This code is not right")
		}
	}
	if waits < 14 {
		t.Errorf("%d of 20 tries had to wait", waits)
	}
	v := visit(t, c) // from the same address even, a passkey works
	if status, _, page := v.post("/signin", url.Values{"credential": {key.use(v.begin("/signin/begin", nil))}}); status != http.StatusSeeOther {
		t.Errorf("a passkey meanwhile: %d\n%s", status, consoletest.Words(page))
	}
}

func TestACodeWorksWithoutScript(t *testing.T) {
	c := consoletest.New(t)
	var manager signin.Operator
	c.Must(c.Store.View(t.Context(), func(q store.Query) error {
		all, err := signin.Operators(q)
		for _, o := range all {
			if o.Role == signin.Manager {
				manager = o
			}
		}
		return err
	}))
	codes, err := c.Signin.NewCodes(t.Context(), manager.ID)
	c.Must(err)
	v := visit(t, c)
	_, _, page := v.get("/signin?then=/alarms")
	c.Sees(page, "Passkeys need JavaScript, and it is switched off in this browser. A recovery code works without it.")
	if status, to, _ := v.post("/signin/code", url.Values{"code": {codes[3]}, "then": {"/alarms"}}); status != http.StatusSeeOther || to != "/alarms" {
		t.Fatalf("a code: %d %s", status, to)
	}
	_, _, page = v.get("/me")
	c.Sees(page, "The manager", "9 codes are left", "this one", "You have no passkey")
	if status, to, _ := v.post("/signout", nil); status != http.StatusSeeOther || to != "/signin" {
		t.Errorf("signing out: %d %s", status, to)
	}
	if status, to, _ := v.get("/me"); status != http.StatusSeeOther || to != "/signin?then=%2Fme" {
		t.Errorf("signed out: %d %s", status, to)
	}
}

func TestASuspendedOperatorStaysOutside(t *testing.T) {
	c, owner, _ := claimed(t)
	_, _, page := owner.post("/operators/invite", url.Values{"name": {"Ed"}, "role": {"auditor"}, "site": {string(c.Site("porto"))}})
	link := page[strings.Index(page, "/invite/"):]
	link = link[:strings.IndexByte(link, '<')]
	ed, key := visit(t, c), newKey(t, owner.home)
	o := ed.begin(link+"/begin", nil)
	if status, _, page := ed.post(link, url.Values{"credential": {key.enrol(o)}}); status != http.StatusOK {
		t.Fatalf("accepting: %d\n%s", status, consoletest.Words(page))
	}
	if status, _, _ := ed.get("/?site=lisbon"); status != http.StatusForbidden {
		t.Errorf("the auditor of Porto sees Lisbon: %d", status)
	}
	if status, _, _ := ed.get("/operators"); status != http.StatusForbidden {
		t.Errorf("the auditor sees who signs in: %d", status)
	}
	var id sashlock.OperatorID
	c.Must(c.Store.View(t.Context(), func(q store.Query) error {
		all, err := signin.Operators(q)
		for _, o := range all {
			if o.Name == "Ed" {
				id = o.ID
			}
		}
		return err
	}))
	if status, to, page := owner.post("/operators/"+string(id)+"/suspend", url.Values{"suspended": {"yes"}}); status != http.StatusSeeOther {
		t.Fatalf("suspending: %d %s\n%s", status, to, consoletest.Words(page))
	}
	if status, _, _ := ed.get("/"); status != http.StatusSeeOther {
		t.Errorf("the session of somebody suspended: %d", status)
	}
	before := refusals(c, t)
	if status, _, page := ed.post("/signin", url.Values{"credential": {key.use(ed.begin("/signin/begin", nil))}}); status != http.StatusForbidden || !strings.Contains(page, "You are suspended") {
		t.Errorf("signing in suspended: %d\n%s", status, consoletest.Words(page))
	}
	if refusals(c, t) != before+1 {
		t.Error("it was not recorded")
	}
	if status, _, _ := ed.get(link); status != http.StatusForbidden {
		t.Errorf("the link again: %d", status)
	}
	_, _, page = owner.get("/operators/" + string(id))
	c.Sees(page, "suspended", "Let them in again")
}

func TestAManagerLetsInTheirOwnOnly(t *testing.T) {
	c := consoletest.New(t)
	c.As(signin.Manager)
	_, page := c.Get("/operators")
	c.Sees(page, "The associate", "(you)")
	if strings.Contains(consoletest.Words(page), "The owner") {
		t.Error("the manager sees the owner")
	}
	_, page = c.Get("/operators/invite")
	if strings.Contains(page, `value="owner"`) || strings.Contains(page, string(c.Site("porto"))) {
		t.Error("the form offers what a manager cannot give")
	}
	before := refusals(c, t)
	lisbon, porto := string(c.Site("lisbon")), string(c.Site("porto"))
	for what, form := range map[string]url.Values{
		"an owner":              {"name": {"X"}, "role": {"owner"}},
		"somebody elsewhere":    {"name": {"X"}, "role": {"associate"}, "site": {porto}},
		"somebody everywhere":   {"name": {"X"}, "role": {"associate"}},
		"an engineer of theirs": {"name": {"X"}, "role": {"engineer"}, "site": {lisbon}},
	} {
		if status, _, _ := c.Post("/operators/invite", form); status != http.StatusForbidden {
			t.Errorf("%s: %d", what, status)
		}
	}
	if refusals(c, t) != before+4 {
		t.Error("not each was recorded")
	}
	for what, form := range map[string]url.Values{
		"remove control characters": {"name": {"\u202e<b>X"}, "role": {"associate"}, "site": {lisbon}},
		"give it a name":            {"name": {" "}, "role": {"associate"}, "site": {lisbon}},
		"shorten it":                {"name": {strings.Repeat("ñ", 10_000)}, "role": {"associate"}, "site": {lisbon}},
		"another operator has this": {"name": {"The auditor"}, "role": {"associate"}, "site": {lisbon}},
		"choose from the list":      {"name": {"X"}, "role": {"associate"}, "site": {lisbon, "sit_made_up"}},
	} {
		status, _, page := c.Post("/operators/invite", form)
		if status != http.StatusOK || !strings.Contains(page, what) || strings.Contains(page, "<b>X") {
			t.Errorf("%s: %d\n%s", what, status, consoletest.Words(page))
		}
	}
	status, _, page := c.Post("/operators/invite", url.Values{"name": {"<i>Zoë"}, "role": {"associate"}, "site": {lisbon}, "person": {string(c.Person("ana"))}})
	if status != http.StatusOK || strings.Contains(page, "<i>") {
		t.Errorf("a name with markup: %d", status)
	}
	c.Sees(page, "The link for", "shown only now")
}

// A dangerous page asks for a proof of presence once the last one is old.
func TestOldProofsAskAgain(t *testing.T) {
	c := consoletest.New(t)
	var sessions []signin.Session
	c.Must(c.Store.View(t.Context(), func(q store.Query) (err error) {
		all, err := signin.Operators(q)
		for _, o := range all {
			if o.Role == signin.Owner && err == nil {
				sessions, err = c.Signin.Sessions(q, o.ID)
			}
		}
		return err
	}))
	old := sessions[0]
	old.Proved = old.Proved.Add(-time.Hour)
	body, err := json.Marshal(old)
	c.Must(err)
	_, err = c.Store.Do(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE sessions SET body = ? WHERE id = ?`, string(body), old.ID)
		return err
	})
	c.Must(err)
	for path, then := range map[string]string{
		"/operators/invite": "/operators/invite", "/me/codes": "/me/codes", "/me/passkeys/new": "/me/passkeys/new",
	} {
		if r, _ := c.Send(http.MethodGet, path, nil, nil); r.Header.Get("Location") != "/signin/again?then="+url.QueryEscape(then) {
			t.Errorf("%s leads to %q", path, r.Header.Get("Location"))
		}
	}
	for _, path := range []string{"/operators/invite", "/operators/" + string(old.Operator.ID), "/me/codes", "/me/passkeys/x/remove", "/operators/x/suspend", "/operators/x/link"} {
		if status, to, _ := c.Post(path, url.Values{}); status != http.StatusSeeOther || !strings.HasPrefix(to, "/signin/again?") {
			t.Errorf("POST %s: %d %s", path, status, to)
		}
	}
	if status, _, _ := c.Post("/me/passkeys/begin", url.Values{}); status != http.StatusForbidden {
		t.Errorf("beginning to add a passkey: %d", status)
	}
}
