// SPDX-License-Identifier: Apache-2.0

package moving_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// sendLog sends the form of the comparison.
func sendLog(t *testing.T, c *consoletest.Counter, role signin.Role, log, doors string) (int, string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("log", "log.csv")
	c.Must(err)
	_, err = part.Write([]byte(log))
	c.Must(err)
	c.Must(form.WriteField("doors", doors))
	c.Must(form.Close())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Server.URL+"/devices/cutover/compare", &body)
	c.Must(err)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.AddCookie(&http.Cookie{Name: "sashlock_session", Value: c.Secret(role)})
	answer, err := http.DefaultClient.Do(r)
	c.Must(err)
	defer answer.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(answer.Body)
	c.Must(err)
	return answer.StatusCode, text.String()
}

func (s *shop) events(kind sashlock.EventKind) []sashlock.Event {
	s.t.Helper()
	all, err := s.Store.Events(s.t.Context(), store.EventQuery{Kind: string(kind), Limit: 100})
	s.Must(err)
	return all
}

type shop struct {
	*consoletest.Counter
	t *testing.T
}

// An opening goes on trial by one press, is asked for, and comes into force again
// with a proof of presence; on trial its lock hears nothing.
func TestOnTrialAndIntoForce(t *testing.T) {
	c := &shop{consoletest.New(t), t}
	c.As(signin.Owner)
	if status, to, _ := c.Post("/devices/cutover/case-1/trial", nil); status != http.StatusSeeOther || !strings.HasPrefix(to, "/devices/cutover") {
		t.Fatal(status, to)
	}
	for path, words := range map[string][]string{
		"/devices/cutover":            {"On trial", "1 opening is on trial", "Put into force", "Put on trial"},
		"/openings/case-1":            {"On trial beside another system", "Moving over"},
		"/devices":                    {"on trial"},
		"/?as=list":                   {"on trial"},
		"/?as=plan":                   {"on trial"},
		"/settings/openings/case-1":   {"Case 1"},
		"/devices/cutover?site=porto": {"All openings are in force"},
	} {
		_, page := c.Get(path)
		c.Sees(page, words...)
	}
	c.Proved(signin.Owner, 0)
	status, to, page := c.Post("/openings/case-1/release", url.Values{"person": {"ana"}})
	if status != http.StatusSeeOther {
		t.Fatal(status, consoletest.Words(page))
	}
	_, page = c.Get(strings.TrimSuffix(to, "#answer"))
	c.Sees(page, "Granted", "On trial: nothing is sent to the lock")
	granted := c.events(sashlock.AccessGranted)
	if len(granted) != 1 || granted[0].Why != string(sashlock.OnTrial) {
		t.Fatalf("the ledger says %+v", granted)
	}
	_, page = c.Get("/decisions/" + string(granted[0].Decision))
	c.Sees(page, "The opening was on trial")
	if queued := c.events(sashlock.CommandQueued); len(queued) > 0 {
		t.Errorf("a command was made: %+v", queued)
	}
	for _, d := range c.Hall.Book().Fitted(c.Opening("case-1")) {
		if _, err := c.Devices.SetCode(t.Context(), d, driver.CodeSetting{Slot: 3}); !sashlock.IsKind(err, sashlock.Unavailable) {
			t.Errorf("a code was written on trial: %v", err)
		}
		if err := c.Devices.ClearCode(t.Context(), d, 3); !sashlock.IsKind(err, sashlock.Unavailable) {
			t.Errorf("a code was cleared on trial: %v", err)
		}
	}
	if status, _, page := c.Post("/devices/cutover/case-1/force", nil); status != http.StatusSeeOther {
		t.Fatal(status, consoletest.Words(page))
	}
	if o := c.Hall.Book().Openings[c.Opening("case-1")]; o.Trial {
		t.Error("it is still on trial")
	}
	if began, ended := c.events(sashlock.TrialBegan), c.events(sashlock.TrialEnded); len(began) != 1 || len(ended) != 1 || ended[0].Operator == "" {
		t.Errorf("the ledger says %+v, %+v", began, ended)
	}
}

// Who may not set openings up sees no button, and is refused all the same.
func TestOnlySetupMovesOver(t *testing.T) {
	c := consoletest.New(t)
	c.As(signin.Auditor)
	if _, page := c.Get("/devices/cutover"); strings.Contains(page, "Put on trial") {
		t.Error("an auditor has the button")
	}
	if status, _, _ := c.Post("/devices/cutover/case-1/trial", nil); status != http.StatusForbidden {
		t.Errorf("an auditor put it on trial: %d", status)
	}
	c.As(signin.Owner)
	if status, _, _ := c.Post("/devices/cutover/nowhere/trial", nil); status != http.StatusNotFound {
		t.Errorf("an opening that is not there: %d", status)
	}
}

func TestALogIsCompared(t *testing.T) {
	c := consoletest.New(t)
	before := c.Store.Size()
	log := "Time;Person;Door;Result\n2026-11-20 10:00;Ana Costa;Case 1;granted\n2026-11-20 10:01;Bob Dias;Front <b>;granted\n2026-11-20 10:02;Carla Reis;Case 1;granted\n2026-11-20 10:03;=HYPERLINK(1);Case 1;refused\n"
	status, page := sendLog(t, c, signin.Auditor, log, "")
	if status != http.StatusOK {
		t.Fatal(status, consoletest.Words(page))
	}
	c.Sees(page, "The two agree in 66 % of the lines", "Carla Reis", "access is suspended.", "Doors that are not known here", "Let in there, refused here")
	if strings.Contains(page, "Front <b>") {
		t.Error("markup in a log is markup on the page")
	}
	_, page = sendLog(t, c, signin.Auditor, log, "Front <b> = case-2")
	c.Sees(page, "No grant covers this person at this opening.", "Where they differ")
	if c.Store.Size() != before {
		t.Error("a comparison was recorded")
	}
	for name, bad := range map[string]struct{ log, doors, says string }{
		"empty":    {"", "", "choose the log first"},
		"no time":  {"person,door,result\n", "", "no column says when it was"},
		"bad date": {"time,person,door,result\nnever,ana,case-1,granted\n", "", "is not a time"},
		"bad door": {log, "Front", "names no door"},
	} {
		status, page := sendLog(t, c, signin.Auditor, bad.log, bad.doors)
		if status != http.StatusUnprocessableEntity || !strings.Contains(strings.ToLower(consoletest.Words(page)), bad.says) {
			t.Errorf("%s: %d", name, status)
		}
	}
}

// What is worth most goes on trial by one press, as nothing opens by that, and
// comes into force when a second operator has confirmed it, and not before.
func TestHighValueComesIntoForceByTwo(t *testing.T) {
	c := consoletest.New(t)
	c.Approvals.Others = nil // somebody always could confirm
	all := approvals.By{ID: "opr_1", May: func(string) bool { return true }, Sees: func(sashlock.SiteID, sashlock.AreaID) bool { return true }}
	_, err := c.Approvals.SaveSettings(c.Ctx(), all, approvals.Settings{Kinds: []string{approvals.GrantKind, approvals.PlaceKind}}, "")
	c.Must(err)
	onTrial := func() bool { return c.Hall.Book().Openings[c.Opening("cage-1")].Trial }
	c.As(signin.Engineer)
	if status, _, page := c.Post("/devices/cutover/cage-1/trial", nil); status != http.StatusSeeOther || !onTrial() {
		t.Fatalf("on trial: %d %.300s", status, consoletest.Words(page))
	}
	status, to, _ := c.Post("/devices/cutover/cage-1/force", nil)
	if status != http.StatusSeeOther || !strings.HasPrefix(to, "/access/changes") || !onTrial() {
		t.Fatalf("into force: %d, then %q; still on trial %v", status, to, onTrial())
	}
	var waiting []approvals.Proposal
	c.Must(c.Store.View(c.Ctx(), func(q store.Query) (err error) { waiting, err = approvals.WaitingProposals(q); return err }))
	if len(waiting) != 1 || waiting[0].Kind != approvals.PlaceKind {
		t.Fatalf("waiting: %+v", waiting)
	}
	c.As(signin.Owner)
	_, page := c.Get("/access/changes")
	c.Sees(page, "Cage 1")
	if status, _, page = c.Post("/access/changes/"+waiting[0].ID+"/confirm", url.Values{"rev": {"1"}}); status != http.StatusSeeOther || onTrial() {
		t.Errorf("confirmed: %d, still on trial %v: %.300s", status, onTrial(), consoletest.Words(page))
	}
}
