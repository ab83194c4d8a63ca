// SPDX-License-Identifier: Apache-2.0

package planner_test

import (
	"bytes"
	"html"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/plans"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

var (
	fields = regexp.MustCompile(`(?s)<input[^>]*>`)
	option = regexp.MustCompile(`name="p.kind"`)
	attr   = regexp.MustCompile(`(name|value)="([^"]*)"`)
)

// formOf reads the form of the editor as a browser would send it unchanged.
func formOf(t *testing.T, page string) url.Values {
	t.Helper()
	_, form, _ := strings.Cut(page, `<form id="places"`)
	form, _, found := strings.Cut(form, "</form>")
	if !found {
		t.Fatalf("there is no form:\n%s", consoletest.Words(page))
	}
	values := url.Values{}
	for _, one := range fields.FindAllString(form, -1) {
		var name, value string
		for _, a := range attr.FindAllStringSubmatch(one, -1) {
			if a[1] == "name" {
				name = a[2]
			} else {
				value = html.UnescapeString(a[2])
			}
		}
		if name != "" {
			values.Add(name, value)
		}
	}
	for range option.FindAllString(form, -1) {
		values.Add("p.kind", "camera")
	}
	return values
}

func editor(t *testing.T, c *consoletest.Counter) url.Values {
	t.Helper()
	status, page := c.Get("/plan?site=lisbon")
	if status != http.StatusOK {
		t.Fatal(status, consoletest.Words(page))
	}
	return formOf(t, page)
}

func planOf(c *consoletest.Counter, t *testing.T) (p plans.Plan) {
	c.Must(c.Store.View(t.Context(), func(q store.Query) (err error) { p, err = plans.Find(q, c.Site("lisbon")); return err }))
	return p
}

func count(c *consoletest.Counter, t *testing.T, kind sashlock.EventKind) int {
	list, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(kind), Limit: 1000})
	c.Must(err)
	return len(list)
}

func TestSavingAPlan(t *testing.T) {
	c := consoletest.New(t).As(signin.Engineer)
	form := editor(t, c)
	before := count(c, t, sashlock.OpeningSaved)
	form.Set("o.case-1.x", "333")
	form.Set("a.watches", "100,100 500,100 500,600")
	form["p.name"][0], form["p.x"][0], form["p.y"][0], form["p.direction"][0] = "Camera <b>1</b>", "10", "20", "90"
	if status, to, page := c.Post("/plan?site=lisbon", form); status != http.StatusSeeOther {
		t.Fatal(status, to, consoletest.Words(page))
	}
	p := planOf(c, t)
	if at := c.Hall.Book().Openings[c.Opening("case-1")].Plan; at.X != 333 || at.Y != 400 {
		t.Errorf("case 1 is at %v", at)
	}
	if len(p.Outlines) != 1 || len(p.Outlines[0].Points) != 3 || len(p.Places) != 1 || p.Places[0].ID != "camera-1" || p.Places[0].Direction != 90 {
		t.Errorf("the plan is %+v", p)
	}
	if n := count(c, t, sashlock.OpeningSaved) - before; n != 1 || count(c, t, sashlock.PlanSaved) != 1 {
		t.Errorf("%d openings and %d plans were saved", n, count(c, t, sashlock.PlanSaved))
	}
	_, page := c.Get("/plan?site=lisbon")
	if strings.Contains(page, "<b>1") || !strings.Contains(page, "Camera &lt;b&gt;1") {
		t.Error("the name of the camera is markup")
	}
	if status, _, _ := c.Post("/plan?site=lisbon", formOf(t, page)); status != http.StatusSeeOther || count(c, t, sashlock.PlanSaved) != 1 {
		t.Error("saving what is there already:", status, count(c, t, sashlock.PlanSaved), "plans saved")
	}
}

func TestTwoPeopleSaveOnePlan(t *testing.T) {
	c := consoletest.New(t).As(signin.Engineer)
	mine, theirs := editor(t, c), editor(t, c)
	theirs.Set("o.case-1.x", "111")
	theirs.Set("a.watches", "1,1 9,1 9,9")
	theirs.Set("o.cage-1.y", "222")
	if status, _, page := c.As(signin.Owner).Post("/plan?site=lisbon", theirs); status != http.StatusSeeOther {
		t.Fatal(status, consoletest.Words(page))
	}
	mine.Set("o.case-1.x", "777")
	mine.Set("o.case-2.x", "444")
	mine.Set("a.back", "5,5 50,5 50,50")
	status, _, page := c.As(signin.Engineer).Post("/plan?site=lisbon", mine)
	if status != http.StatusConflict {
		t.Fatal(status, consoletest.Words(page))
	}
	c.Sees(page, "Somebody else saved this plan meanwhile", "111,400", "777,400")
	book := c.Hall.Book()
	if at := book.Openings[c.Opening("case-1")].Plan.X; at != 111 {
		t.Error("the second of two won: case 1 is at", at)
	}
	if at := book.Openings[c.Opening("case-2")].Plan.X; at != 400 {
		t.Error("half of it was saved: case 2 is at", at)
	}
	// What was typed is kept, and saving it again is the second one's choice.
	again := formOf(t, page)
	if again.Get("o.case-2.x") != "444" || again.Get("a.back") != "5,5 50,5 50,50" || again.Get("o.cage-1.y") != "222" {
		t.Errorf("the form came back as %v", again)
	}
	if status, _, page := c.Post("/plan?site=lisbon", again); status != http.StatusSeeOther {
		t.Fatal(status, consoletest.Words(page))
	}
	if at := c.Hall.Book().Openings[c.Opening("case-1")].Plan.X; at != 777 {
		t.Error("case 1 is at", at)
	}
	if p := planOf(c, t); len(p.Outlines) != 2 || p.Outlines[0].Points[2].X+p.Outlines[1].Points[2].X != 59 {
		t.Errorf("the outlines are %+v", p.Outlines)
	}
}

func TestWrongPlansAreShownAgain(t *testing.T) {
	c := consoletest.New(t).As(signin.Engineer)
	for field, value := range map[string]string{
		"o.case-1.x": "1001", "o.case-2.y": "-1", "a.watches": "1,1 2,2", "a.back": "x", "o.cage-1.x": "<script>",
		"a.watches ": strings.Repeat("1,1 ", 100),
	} {
		form := editor(t, c)
		form.Set(strings.TrimSpace(field), value)
		status, _, page := c.Post("/plan?site=lisbon", form)
		if status != http.StatusUnprocessableEntity || !strings.Contains(page, `class="wrong"`) || strings.Contains(page, "<script>\"") {
			t.Errorf("%s=%q: %d", field, value, status)
		}
	}
	for name, value := range map[string]string{"p.name": strings.Repeat("x", 10_000), "p.id": "../..", "p.x": "NaN", "p.kind": "bomb", "p.direction": "360"} {
		form := editor(t, c)
		form["p.name"][0], form["p.x"][0], form["p.y"][0] = "C", "1", "1"
		form[name][0] = value
		if status, _, page := c.Post("/plan?site=lisbon", form); status != http.StatusUnprocessableEntity {
			t.Errorf("%s=%q: %d %s", name, value, status, consoletest.Words(page))
		}
	}
	if status, _, _ := c.Post("/plan?site=lisbon", url.Values{"x": {strings.Repeat("x", 2<<20)}}); status != http.StatusTooManyRequests {
		t.Error("a form of 2 MB:", status)
	}
	if count(c, t, sashlock.PlanSaved) != 0 {
		t.Error("something was saved")
	}
}

func TestWhoMayChangeAPlan(t *testing.T) {
	c := consoletest.New(t)
	for _, role := range signin.Roles() {
		may := role == signin.Owner || role == signin.Engineer
		for _, path := range []string{"/plan?site=lisbon", "/plan/picture?site=lisbon", "/plan/picture/remove?site=lisbon", "/openings/case-1/photo/remove"} {
			status, _, _ := c.As(role).Post(path, url.Values{})
			if refused := status == http.StatusForbidden; refused == may {
				t.Errorf("%s at POST %s: %d", role, path, status)
			}
		}
	}
	c.As(signin.Engineer)
	for _, path := range []string{"/plan?site=porto", "/plan/picture?site=porto", "/plan/picture/remove?site=porto", "/openings/porto-case/photo", "/openings/porto-case/photo/remove"} {
		if status, _, _ := c.Post(path, url.Values{"rev": {"0"}}); status != http.StatusForbidden {
			t.Errorf("the engineer of Lisbon at POST %s: %d", path, status)
		}
	}
}

// send uploads a file as a browser does.
func send(t *testing.T, c *consoletest.Counter, role signin.Role, path string, content []byte) (int, string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("picture", `"><script>.svg`)
	c.Must(err)
	_, err = part.Write(content)
	c.Must(err)
	c.Must(w.Close())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Server.URL+path, &body)
	c.Must(err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.AddCookie(&http.Cookie{Name: console.SessionCookie, Value: c.Secret(role)})
	answer, err := http.DefaultTransport.RoundTrip(r)
	c.Must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	c.Must(err)
	return answer.StatusCode, answer.Header.Get("Location") + consoletest.Words(string(text))
}

func TestPicturesAreServedSafelyAndToThoseConcerned(t *testing.T) {
	c := consoletest.New(t)
	drawing := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10"><script>alert(1)</script><rect width="5" height="5" onclick="x()"/></svg>`
	if status, text := send(t, c, signin.Engineer, "/plan/picture?site=lisbon", []byte(drawing)); status != http.StatusSeeOther || !strings.Contains(text, "left=script") {
		t.Fatal(status, text)
	}
	p := planOf(c, t)
	if p.Ratio != 500 || !strings.HasPrefix(p.Picture, "/pictures/"+string(c.Site("lisbon"))) {
		t.Fatalf("%+v", p)
	}
	answer, body := c.As(signin.Auditor).Send(http.MethodGet, p.Picture, nil, nil)
	if answer.StatusCode != http.StatusOK || strings.Contains(body, "script") || strings.Contains(body, "onclick") || !strings.Contains(body, "<rect") {
		t.Fatal(answer.StatusCode, body)
	}
	for name, want := range map[string]string{"Content-Type": "image/svg+xml", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if csp := answer.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") || strings.Contains(csp, "script") {
		t.Errorf("Content-Security-Policy: %q", csp)
	}

	var photo bytes.Buffer
	c.Must(png.Encode(&photo, image.NewGray(image.Rect(0, 0, 3, 2))))
	for slug, role := range map[string]signin.Role{"case-1": signin.Engineer, "porto-case": signin.Owner} {
		if status, text := send(t, c, role, "/openings/"+slug+"/photo", photo.Bytes()); status != http.StatusSeeOther {
			t.Fatal(slug, status, text)
		}
	}
	for path, want := range map[string]int{
		"/openings/case-1/photo": http.StatusOK, "/openings/porto-case/photo": http.StatusForbidden, "/openings/none/photo": http.StatusNotFound,
		"/pictures/" + string(c.Opening("porto-case")): http.StatusForbidden, "/pictures/" + string(c.Site("porto")): http.StatusForbidden,
		"/pictures/..%2f..": http.StatusForbidden, "/openings/case-2/photo": http.StatusNotFound,
	} {
		if status, _ := c.As(signin.Associate).Get(path); status != want {
			t.Errorf("the associate of Lisbon at %s: %d, want %d", path, status, want)
		}
		if status, _ := c.As("").Get(path); status == http.StatusOK {
			t.Errorf("nobody at %s: %d", path, status)
		}
	}
	for name, bad := range map[string]string{"nothing": "", "text": "hello", "html": "<html><script>alert(1)</script></html>", "entities": `<!DOCTYPE svg [<!ENTITY a "b">]><svg/>`} {
		if status, text := send(t, c, signin.Engineer, "/plan/picture?site=lisbon", []byte(bad)); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if status, text := send(t, c, signin.Engineer, "/plan/picture?site=lisbon", make([]byte, plans.MaxUpload+maxOver)); status != http.StatusTooManyRequests {
		t.Errorf("14 MB: %d %s", status, text)
	}
	if status, _ := c.As(signin.Owner).Get("/plan?site=lisbon&left=%3Cb%3E"); status != http.StatusOK {
		t.Error("a made-up address:", status)
	}
}

const maxOver = 2 << 20
