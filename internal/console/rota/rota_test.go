// SPDX-License-Identifier: Apache-2.0

package rota_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/shifts"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// plan plans a shift at a site, from now on.
func plan(c *consoletest.Counter, site, who string, from, until time.Duration) (s shifts.Shift) {
	_, err := c.Hall.Change(c.Ctx(), flow.Change{Make: func(tx *store.Tx) (edit flow.Edit, err error) {
		s, edit, err = shifts.Save(tx, shifts.Shift{Shift: sashlock.Shift{Person: c.Person(who), Site: c.Site(site), From: tx.Now().Add(from), Until: tx.Now().Add(until)}}, 0)
		return edit, err
	}})
	c.Must(err)
	return s
}

func find(c *consoletest.Counter, id sashlock.ShiftID) (s shifts.Shift) {
	c.Must(c.Store.View(c.Ctx(), func(q store.Query) (err error) { s, err = shifts.Find(q, id); return err }))
	return s
}

func TestTheWeekSaysWhoIsHere(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/rota?site=lisbon")
	c.Sees(page, "Nobody is planned", "Nobody is here, as far as is known.")
	s := plan(c, "lisbon", "ana", -time.Minute, time.Hour)
	_, page = c.Get("/rota?site=lisbon")
	c.Sees(page, "Ana Costa", "On shift", "Clock in")
	if status, to, _ := c.Post("/rota/shifts/"+string(s.ID)+"/clock-in", url.Values{"then": {"/rota?site=lisbon"}}); status != http.StatusSeeOther || to != "/rota?site=lisbon" {
		t.Fatal(status, to)
	}
	_, page = c.Get("/rota?site=lisbon")
	c.Sees(page, "Here since", "Clock out")
	if find(c, s.ID).In.IsZero() {
		t.Error("not clocked in")
	}
	if status, to, _ := c.Post("/rota/shifts/"+string(s.ID)+"/clock-out", url.Values{"then": {"//elsewhere.example"}}); status != http.StatusSeeOther || to != "/" {
		t.Errorf("led to %s (%d)", to, status)
	}
}

func TestSwapsShowTheirEffect(t *testing.T) {
	c := consoletest.New(t)
	s := plan(c, "lisbon", "ana", time.Hour, 5*time.Hour)
	other := plan(c, "lisbon", "duarte", 6*time.Hour, 8*time.Hour)
	path := "/rota/shifts/" + string(s.ID)
	_, page := c.Get(path)
	c.Sees(page, "Who takes it?", "Duarte Melo", "Bob Dias", "Nothing is open to Ana Costa only because of this shift.")
	if strings.Contains(page, "Carla Reis") {
		t.Error("somebody suspended is offered")
	}
	if status, _, _ := c.Post(path+"/swap", url.Values{"with": {string(other.ID)}, "rev": {"1"}, "with_rev": {"1"}}); status != http.StatusSeeOther {
		t.Fatal(status)
	}
	if find(c, s.ID).Person != c.Person("duarte") || find(c, other.ID).Person != c.Person("ana") {
		t.Error("not exchanged")
	}
	status, _, page := c.Post(path+"/swap", url.Values{"to": {string(c.Person("bob"))}, "rev": {"1"}})
	if c.Sees(page, "somebody changed it meanwhile"); status != http.StatusConflict {
		t.Errorf("an old page swapped: %d", status)
	}
}

func TestSupervisorsAllowWithAReason(t *testing.T) {
	c := consoletest.New(t)
	until := time.Now().Add(3 * time.Hour).Format("2006-01-02T15:04")
	status, _, page := c.Post("/rota/allow?site=lisbon", url.Values{"person": {string(c.Person("bob"))}, "until": {until}})
	if c.Sees(page, "choose why"); status != http.StatusUnprocessableEntity || !strings.Contains(page, until) {
		t.Errorf("%d, and what was typed is gone", status)
	}
	if status, _, _ := c.Post("/rota/allow?site=lisbon", url.Values{"person": {string(c.Person("bob"))}, "until": {until}, "reason": {shifts.Reasons()[1]}}); status != http.StatusSeeOther {
		t.Fatal(status)
	}
	if !c.Hall.Book().OnShift(c.Person("bob"), c.Site("lisbon"), time.Now()) {
		t.Error("not on shift")
	}
}

func TestOwnShifts(t *testing.T) {
	c := consoletest.New(t)
	c.As(signin.Associate)
	_, page := c.Get("/rota/mine?site=lisbon")
	c.Sees(page, "No shift runs now or begins soon.", "Nothing is planned for you.")
	status, _, page := c.Post("/rota/mine/clock-in?site=lisbon", nil)
	if c.Sees(page, "there is no shift now or soon"); status != http.StatusConflict {
		t.Error(status)
	}
	s := plan(c, "lisbon", "ana", 0, time.Hour)
	_, page = c.Get("/serve?site=lisbon")
	c.Sees(page, "Your shift", "Clock in")
	if status, to, _ := c.Post("/rota/mine/clock-in?site=lisbon", url.Values{"then": {"/serve"}}); status != http.StatusSeeOther || to != "/serve" || find(c, s.ID).In.IsZero() {
		t.Errorf("not clocked in: %d to %s", status, to)
	}
	_, page = c.Get("/serve?site=lisbon")
	c.Sees(page, "On shift", "Clock out")
	if _, to, _ := c.Post("/rota/mine/clock-in?site=lisbon", url.Values{"then": {"https://elsewhere.example/"}}); to != "/rota/mine" {
		t.Errorf("led to %s", to)
	}
	for path, want := range map[string]int{"/rota": http.StatusForbidden, "/rota/shifts/" + string(s.ID): http.StatusForbidden} {
		if status, _ := c.Get(path); status != want {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _, _ := c.Post("/rota/shifts/"+string(s.ID)+"/clock-out", nil); status != http.StatusForbidden || !find(c, s.ID).Out.IsZero() {
		t.Errorf("an associate clocked somebody out: %d", status)
	}
}

// TestOtherStores: the manager of Lisbon sees and changes nothing of Porto.
func TestOtherStores(t *testing.T) {
	c := consoletest.New(t)
	s := plan(c, "porto", "eva", time.Hour, 2*time.Hour)
	path := "/rota/shifts/" + string(s.ID)
	c.As(signin.Manager)
	for _, get := range []string{path, "/rota?site=porto", "/rota/import?site=porto"} {
		if status, page := c.Get(get); status != http.StatusForbidden || strings.Contains(page, "Eva") {
			t.Errorf("%s: %d", get, status)
		}
	}
	for _, post := range []string{path + "/swap", path + "/cancel", path + "/clock-in", path + "/clock-out", path + "/times", "/rota/allow?site=porto", "/rota/shifts?site=porto"} {
		if status, _, _ := c.Post(post, url.Values{"to": {string(c.Person("ana"))}}); status != http.StatusForbidden {
			t.Errorf("%s: %d", post, status)
		}
	}
	if now := find(c, s.ID); now.Rev != s.Rev {
		t.Errorf("changed: %+v", now)
	}
	if _, page := upload(c, "person,site,from,until\nana,porto,2026-12-01 09:00,2026-12-01 10:00\n"); !strings.Contains(page, "no store of yours is called") {
		t.Error("a file named the store of somebody else")
	}
	c.As(signin.Auditor)
	if status, _, _ := c.Post("/rota/shifts?site=lisbon", nil); status != http.StatusForbidden {
		t.Errorf("an auditor planned: %d", status)
	}
}

// upload sends a file as a browser does.
func upload(c *consoletest.Counter, text string) (status int, page string) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	c.Must(form.WriteField("name", "team"))
	part, err := form.CreateFormFile("file", "rota.csv")
	c.Must(err)
	_, err = io.WriteString(part, text)
	c.Must(err)
	c.Must(form.Close())
	r, err := http.NewRequestWithContext(c.Ctx(), http.MethodPost, c.Server.URL+"/rota/import?site=lisbon", &body)
	c.Must(err)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.AddCookie(&http.Cookie{Name: "sashlock_session", Value: c.Secret(signin.Manager)})
	answer, err := http.DefaultClient.Do(r)
	c.Must(err)
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	c.Must(err)
	return answer.StatusCode, string(all)
}

var hidden = regexp.MustCompile(`name="(key|plan)" value="([^"]+)"`)

func TestImportShowsThenDoes(t *testing.T) {
	c := consoletest.New(t)
	day := time.Now().AddDate(0, 0, 2).Format(time.DateOnly)
	if status, page := upload(c, "person,date,start,end\nana,"+day+",9:00,17:00\n<b>zoe</b>,"+day+",9:00,17:00\n"); status != http.StatusUnprocessableEntity {
		t.Error(status)
	} else {
		c.Sees(page, "1 problem: nothing was changed", "Row 3, person")
	}
	status, page := upload(c, "person,date,start,end\nana,"+day+",9:00,17:00\nbob,"+day+",22:00,6:00\n")
	c.Sees(page, "2 new shifts", "22:00–06:00", "Do it")
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], m[2])
	}
	if status != http.StatusOK || len(c.Hall.Book().Shifts) != 0 {
		t.Fatalf("%d, or something was done already", status)
	}
	c.As(signin.Owner)
	if _, _, page := c.Post("/rota/import/apply", form); len(c.Hall.Book().Shifts) != 0 {
		t.Errorf("somebody else's file was applied: %s", page)
	}
	c.As(signin.Manager)
	_, _, page = c.Post("/rota/import/apply", form)
	if c.Sees(page, "Done: the shifts are as the rota has them."); len(c.Hall.Book().Shifts) != 2 {
		t.Errorf("%d people have shifts", len(c.Hall.Book().Shifts))
	}
	_, _, page = c.Post("/rota/import/apply", form) // sent twice
	c.Sees(page, "It was applied already")
}
