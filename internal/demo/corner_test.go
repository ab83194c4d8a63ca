// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/alarms"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// visitor is a browser in front of a demo.
type visitor struct {
	*shop
	t      *testing.T
	server *httptest.Server
	client *http.Client
	pace   *pace
	walked []string // openings through which somebody went
}

func visit(t *testing.T) *visitor {
	t.Helper()
	v := &visitor{shop: furnished(t, 1), t: t, pace: newPace(1)}
	mountCorner(v.shop, v.pace, &forger{data: v.house.Config.Data, store: v.house.Store, keys: v.house.Keys.Verifier}, func(slug string) { v.walked = append(v.walked, slug) })
	v.server = httptest.NewServer(v.house.Handler())
	t.Cleanup(v.server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return v
}

func (v *visitor) answer(r *http.Response, err error) (*http.Response, string) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return r, string(text)
}

func (v *visitor) get(path string) (*http.Response, string) {
	v.t.Helper()
	return v.answer(v.client.Get(v.server.URL + path))
}

func (v *visitor) post(path string, fields ...string) *http.Response {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r, _ := v.answer(v.client.PostForm(v.server.URL+path, form))
	return r
}

func TestCorner(t *testing.T) {
	v := visit(t)
	t.Run("the checklist ticks what was done", func(t *testing.T) { checklistTicks(t, v) }) // first: nothing was done yet
	t.Run("in a browser", func(t *testing.T) { cornerInABrowser(t, v) })
	t.Run("personas are operators", func(t *testing.T) { personasAreOperators(t, v) })
	t.Run("breaking and mending", func(t *testing.T) { breakingAndMending(t, v) })
	t.Run("taken along", func(t *testing.T) { takenAlong(t, v) })
}

func personasAreOperators(t *testing.T, v *visitor) {
	t.Helper()
	for key, want := range map[string]struct {
		role signin.Role
		home string
	}{
		"engineer": {signin.Engineer, "/devices"}, "protection": {signin.Protection, "/alarms"}, "manager": {signin.Manager, "/"},
		"associate": {signin.Associate, "/serve"}, "auditor": {signin.Auditor, "/proof"}, visitorKey: {signin.Owner, "/"},
	} {
		r := v.post("/demo/persona", "who", key)
		if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != want.home {
			t.Errorf("%s: %d to %s", key, r.StatusCode, r.Header.Get("Location"))
		}
		here, err := url.Parse(v.server.URL)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range v.client.Jar.Cookies(here) {
			if c.Name != console.SessionCookie {
				continue
			}
			s, err := v.house.Signin.Session(t.Context(), c.Value)
			if err != nil || s.Operator.Role != want.role || s.Means != personaMeans {
				t.Errorf("%s: %+v, %v", key, s, err)
			}
			if key == "associate" && (s.Operator.Person == "" || len(s.Operator.Sites) != 1 || s.Operator.May(signin.Read)) {
				t.Errorf("the associate: %+v", s.Operator)
			}
		}
		if _, page := v.get("/demo/corner"); strings.Count(page, `aria-pressed="true"`) != 2 { // one identity, one speed
			t.Errorf("%s: the corner does not show who one is", key)
		}
	}
	if r := v.post("/demo/persona", "who", "root"); r.StatusCode != http.StatusBadRequest {
		t.Errorf("an identity that is none: %d", r.StatusCode)
	}
	// A second start finds the same operators.
	before := v.staff
	if err := v.admit(t.Context()); err != nil || v.staff.desk != before.desk || v.staff.personas[0].operator.ID != before.personas[0].operator.ID {
		t.Errorf("admitted again: %+v, %v", v.staff, err)
	}
}

func checklistTicks(t *testing.T, v *visitor) {
	t.Helper()
	ticked := func(want string) {
		t.Helper()
		if _, page := v.get("/demo/corner"); !strings.Contains(page, ">"+want+"/6<") {
			t.Errorf("not %s of 6 ticked", want)
		}
	}
	ticked("0")
	opening := map[string]sashlock.OpeningID{}
	for id, o := range v.house.Hall.Book().Openings {
		opening[o.Slug] = id
	}
	news, stop := v.house.Store.Subscribe()
	defer stop()
	if err := v.world("cage-1").Open("cage-1"); err != nil {
		t.Fatal(err)
	}
	if err := await(t.Context(), news, time.Minute, func() (bool, error) {
		s, err := v.house.Store.State(t.Context(), opening["cage-1"])
		return len(s.Alarms) > 0, err
	}); err != nil {
		t.Fatal(err)
	}
	ticked("1")
	q := sashlock.Request{Person: v.person("helena"), Opening: opening[servedCase]}
	if a, err := v.house.Hall.Request(t.Context(), q); err != nil || !a.Decision.Granted {
		t.Fatal(a, err)
	}
	ticked("1") // the story's own do not count
	q.Operator, q.Opening = v.operator, opening["phones-1"]
	if _, err := v.house.Hall.Request(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	ticked("2")
	denied := events(t, v.shop, func(e sashlock.Event) bool { return e.Kind == sashlock.AccessDenied })
	v.get("/decisions/" + string(denied[0].Decision))
	ticked("3")
	standing, err := v.house.Store.Alarms(t.Context(), true, 10)
	if err != nil || len(standing) < 3 {
		t.Fatal(standing, err)
	}
	if _, err := alarms.Acknowledge(t.Context(), v.house.Hall, v.staff.desk, standing[0].ID); err != nil {
		t.Fatal(err)
	}
	ticked("3") // nor do those of the control room
	if _, err := alarms.Acknowledge(t.Context(), v.house.Hall, v.operator, standing[1].ID); err != nil {
		t.Fatal(err)
	}
	ticked("4")
	v.post("/demo/break", "what", "verify")
	ticked("5")
	v.post("/demo/persona", "who", "auditor")
	ticked("6")
	v.post("/demo/tour", "then", "/")
	if _, page := v.get("/demo/corner"); strings.Contains(page, "demo-tour") || !strings.Contains(page, "Show things to try") {
		t.Error("the list was not put away")
	}
}

func breakingAndMending(t *testing.T, v *visitor) {
	t.Helper()
	shows := func(text string, want bool) {
		t.Helper()
		if _, page := v.get("/demo/corner"); strings.Contains(page, text) != want {
			t.Errorf("the corner says %q: %v", text, !want)
		}
	}
	do := func(fields ...string) {
		t.Helper()
		if r := v.post("/demo/break", append(fields, "then", "//evil.example")...); r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/" {
			t.Errorf("%v: %d to %s", fields, r.StatusCode, r.Header.Get("Location"))
		}
	}
	lock := func() (dead, jammed bool) {
		s, err := v.world("phones-2").State("phones-2")
		if err != nil {
			t.Fatal(err)
		}
		return s.Dead, s.Jammed
	}
	do("what", "kill", "opening", "phones-2")
	do("what", "jam", "opening", "phones-2")
	if dead, jammed := lock(); !dead || !jammed {
		t.Error("it works on")
	}
	shows("the lock is dead", true)
	shows("the bolt is jammed", true)
	do("what", "revive", "opening", "phones-2")
	do("what", "unjam", "opening", "phones-2")
	if dead, jammed := lock(); dead || jammed {
		t.Error("it was not mended")
	}
	shows("the lock is dead", false)
	do("what", "cut", "gateway", "radio-porto")
	if !v.worlds["radio-porto"].Cut() {
		t.Error("the gateway is there")
	}
	shows("Network of radio-porto is cut", true)
	do("what", "mend", "gateway", "radio-porto")
	shows("Network of radio-porto is cut", false)
	do("what", "edit")
	shows("is not what was sealed", true)
	do("what", "undo")
	shows("entries are as they were sealed", true)
	for _, bad := range [][]string{{"what", "burn"}, {"what", "cut", "gateway", "x"}, {"what", "jam", "opening", "x"}, {"what", "jam", "opening", "main-entrance"}, {}} {
		if r := v.post("/demo/break", bad...); r.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: %d", bad, r.StatusCode)
		}
	}
	for speed, want := range map[string]int{"0": 303, "60": 303, "61": 400, "fast": 400} {
		if r := v.post("/demo/pace", "speed", speed); r.StatusCode != want {
			t.Errorf("speed %s: %d", speed, r.StatusCode)
		}
	}
}

// What the demo declares goes into a store of one's own, and nothing differs.
func takenAlong(t *testing.T, v *visitor) {
	t.Helper()
	r, text := v.get("/demo/store.yaml")
	if r.StatusCode != http.StatusOK || !strings.Contains(r.Header.Get("Content-Disposition"), "store.yaml") {
		t.Fatalf("%d %s", r.StatusCode, text)
	}
	f, err := estate.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "own")
	if _, err := app.Init(data); err != nil {
		t.Fatal(err)
	}
	own, err := app.New(t.Context(), app.Config{Data: data, JournalSize: 1 << 20}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer own.Stop()
	if _, err := own.Hall.Change(t.Context(), api.Apply("", estate.Diff(estate.File{}, f, false))); err != nil {
		t.Fatal(err)
	}
	have, err := own.API.Estate(t.Context())
	if err != nil || len(have.Openings) != 63 {
		t.Fatal(len(have.Openings), err)
	}
	if steps := estate.Diff(have, f, true); len(steps) != 0 {
		t.Errorf("it differs: %+v", steps)
	}
}

func TestUnhurried(t *testing.T) {
	meant, err := estate.Parse(estateText)
	if err != nil {
		t.Fatal(err)
	}
	f, err := estate.Parse(estateText)
	if err != nil {
		t.Fatal(err)
	}
	quicken(&f, 200)
	f.Openings[0].OpenTime = "7m" // somebody set it
	if err := unhurried(&f, 200); err != nil {
		t.Fatal(err)
	}
	if f.Openings[0].OpenTime != "7m" || f.Openings[0].ReleaseTime != meant.Openings[0].ReleaseTime || f.Openings[9].Unattended != meant.Openings[9].Unattended {
		t.Errorf("%+v", f.Openings[0])
	}
}

func TestPaceChangesForWhoeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(1)
		began := time.Now()
		done := make(chan time.Duration)
		go func() {
			p.wait(t.Context(), 100*time.Second)
			done <- time.Since(began)
		}()
		<-time.After(40 * time.Second) // 60 are left
		p.set(0)
		<-time.After(time.Hour)
		p.set(10)
		if took := <-done; took != time.Hour+46*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestNeighboursNeedTheLink(t *testing.T) {
	var asked []*http.Request
	n := newNeighbours(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r) }), "127.0.0.1:7117")
	const addr = "192.168.1.5:7117"
	try := func(method, target, host, cookie string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, nil)
		r.Host = host
		if cookie != "" {
			r.AddCookie(&http.Cookie{Name: linkCookie, Value: cookie})
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		n.at(addr).ServeHTTP(w, r)
		return w
	}
	link, err := url.Parse(n.link(addr))
	if err != nil || link.Host != addr {
		t.Fatal(link, err)
	}
	w := try("GET", link.RequestURI(), addr, "")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/demo/phone" || !strings.Contains(w.Header().Get("Set-Cookie"), linkCookie) {
		t.Errorf("the link: %d %v", w.Code, w.Header())
	}
	if w := try("GET", "/serve", addr, n.secret); w.Code != http.StatusOK || len(asked) != 1 || asked[0].Host != "127.0.0.1:7117" {
		t.Errorf("with the cookie: %d, %d reached", w.Code, len(asked))
	}
	if w := try("POST", "/demo/pace", addr, n.secret, "Origin", "http://"+addr); w.Code != http.StatusOK || asked[1].Header.Get("Origin") != "" {
		t.Errorf("from its own page: %d", w.Code)
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"no link":       try("GET", "/", addr, ""),
		"a wrong link":  try("GET", "/?link=x", addr, ""),
		"an empty link": try("GET", "/?link=", addr, ""),
		"a wrong one":   try("GET", "/", addr, "x"),
		"another host":  try("GET", "/", "evil.example", n.secret),
		"another page":  try("POST", "/demo/pace", addr, n.secret, "Origin", "http://evil.example"),
	} {
		if w.Code != http.StatusForbidden && w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if len(asked) != 2 {
		t.Errorf("%d reached the demo", len(asked))
	}
	var out strings.Builder
	invitation(&out, []string{n.link(addr)})
	if !strings.Contains(out.String(), n.link(addr)) || !strings.Contains(out.String(), "▀") {
		t.Errorf("the invitation:\n%s", out.String())
	}
}

// A visitor types PINs: a right one opens and somebody walks through, a wrong one
// makes the keypad rest, and one typed under duress opens and says nothing.
func TestKeypadOfTheDemo(t *testing.T) {
	v := visit(t)
	carla := v.pins[slices.IndexFunc(v.pins, func(p knownPIN) bool { return p.Person == "carla" })]
	entrance := v.openingCalled("staff-entrance")
	says := func(want string) {
		t.Helper()
		if _, page := v.get("/demo/corner"); !strings.Contains(html.UnescapeString(page), want) {
			t.Errorf("the corner does not say %q", want)
		}
	}
	says(carla.PIN)
	says(carla.Forced)
	if r := v.post("/demo/keypad", "keypad", "staff-entrance", "pin", carla.PIN); r.StatusCode != http.StatusSeeOther {
		t.Errorf("the right PIN: %d", r.StatusCode)
	}
	says("Staff entrance opens for Carla Freitas.")
	if !slices.Equal(v.walked, []string{"staff-entrance"}) {
		t.Errorf("through which somebody went: %v", v.walked)
	}
	v.post("/demo/keypad", "keypad", "staff-entrance", "pin", carla.Forced)
	says("Staff entrance opens for Carla Freitas.")
	if state, err := v.house.Store.State(t.Context(), entrance.ID); err != nil || state.Alarms["duress"] == "" {
		t.Errorf("under duress: %+v, %v", state.Alarms, err)
	}
	for range 6 {
		v.post("/demo/keypad", "keypad", "stock-door", "pin", "000")
	}
	says("Not taken. The keypad rests for")
	for _, wrong := range [][2]string{{"watches-6", carla.PIN}, {"nowhere", carla.PIN}, {"", ""}} {
		if r := v.post("/demo/keypad", "keypad", wrong[0], "pin", wrong[1]); r.StatusCode != http.StatusBadRequest {
			t.Errorf("a keypad at %q: %d", wrong[0], r.StatusCode)
		}
	}
	if n := len(v.walked); n != 2 {
		t.Errorf("somebody went through %d openings", n)
	}
}

// "Be a customer" in the corner gives a code, and the case behind its link takes
// it once.
func TestBeACustomer(t *testing.T) {
	v := visit(t)
	if _, page := v.get("/demo/corner"); !strings.Contains(page, "Be a customer") || strings.Contains(page, `id="demo-code"`) {
		t.Error("the corner does not offer it, or has a code that nobody asked for")
	}
	if r := v.post("/demo/code"); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("asking for a code: %d", r.StatusCode)
	}
	_, page := v.get("/demo/corner")
	found := regexp.MustCompile(`<code id="demo-code">([^<]+)</code></strong>\s*<a href="(/help/[^"]+)"`).FindStringSubmatch(page)
	if found == nil {
		t.Fatal("the corner shows no code with a way to the case")
	}
	code, self := found[1], found[2]+"/self"
	if r, page := v.get(self); r.StatusCode != http.StatusOK || !strings.Contains(page, `name="code"`) {
		t.Fatalf("the page of the case: %d", r.StatusCode)
	}
	if r := v.post(self+"/code", "code", code); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("the code is answered with %d", r.StatusCode)
	}
	admitted, err := v.house.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.GuestAdmitted), Limit: 10})
	if err != nil || len(admitted) != 1 || admitted[0].Opening != v.openingCalled(aloneAt).ID {
		t.Fatalf("admitted: %+v, %v", admitted, err)
	}
	fresh, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v.client.Jar = fresh // somebody else, to whom the code was handed on
	if r := v.post(self+"/code", "code", code); r.StatusCode == http.StatusSeeOther {
		t.Error("the code is taken twice")
	}
}
