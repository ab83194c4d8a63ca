// SPDX-License-Identifier: Apache-2.0

package triage_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/alarms"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/ledger/proof"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// shop is a store in which openings have been forced.
type shop struct {
	*consoletest.Counter
	t *testing.T
}

// as signs the browser in as the operator of a role.
func (s shop) as(role signin.Role) shop {
	s.As(role)
	return s
}

func newShop(t *testing.T) shop { return shop{consoletest.New(t), t} }

// force opens a locked opening and returns the incident that comes of it.
func (s shop) force(slug string) incidents.Incident {
	s.t.Helper()
	id := s.Opening(slug)
	s.Must(s.World.Open(slug))
	s.Until(slug+" is forced", func() bool { return s.State(id).Alarms["forced"] != "" })
	alarm := s.State(id).Alarms["forced"]
	var at incidents.Place
	s.Until("the alarm is in an incident", func() bool {
		s.view(func(q store.Query) error {
			in, err := incidents.Of(q, []sashlock.AlarmID{alarm})
			at = in[alarm]
			return err
		})
		return at.Incident != ""
	})
	return s.incident(at.Incident)
}

func (s shop) view(read func(store.Query) error) {
	s.t.Helper()
	s.Must(s.Store.View(s.t.Context(), read))
}

func (s shop) incident(id string) (i incidents.Incident) {
	s.t.Helper()
	s.view(func(q store.Query) (err error) { i, err = incidents.Find(q, id); return err })
	return i
}

// does posts to an incident and fails the test unless the answer is as wanted.
func (s shop) does(want int, i incidents.Incident, act string, pairs ...string) string {
	s.t.Helper()
	form := url.Values{}
	for n := 0; n+1 < len(pairs); n += 2 {
		form.Set(pairs[n], pairs[n+1])
	}
	status, to, page := s.Post("/incidents/"+i.ID+"/"+act, form)
	if status != want {
		s.t.Fatalf("%s: %d to %q, want %d:\n%s", act, status, to, want, consoletest.Words(page))
	}
	return page
}

func rev(i incidents.Incident) string { return strconv.FormatInt(i.Rev, 10) }

func (s shop) told(kind sashlock.EventKind) []sashlock.Event {
	s.t.Helper()
	events, err := s.Store.Events(s.t.Context(), store.EventQuery{Kind: string(kind), Limit: 1000})
	s.Must(err)
	return events
}

func TestFromTheInboxToAResolution(t *testing.T) {
	s := newShop(t)
	_, page := s.Get("/alarms")
	s.Sees(page, "Nothing wants you")
	i := s.force("case-1")
	s.As(signin.Protection)
	_, page = s.Get("/alarms")
	s.Sees(page, "Act 1 new to you", "Case 1: Forced", "Lisbon flagship · Watches · 1 alarm · still going on", "Nobody yet", "Take", "Acknowledge", "Resolve", "Shelve")
	for _, key := range []string{`data-act="a"`, `data-act="t"`, `data-act="r"`, `data-act="s"`, `data-act="o"`, "data-row"} {
		if !strings.Contains(page, key) {
			t.Errorf("the row has no %s", key)
		}
	}
	_, page = s.Get("/incidents/" + i.ID)
	s.Sees(page, "Case 1: Forced", "while its lock said locked", "Alarm at Case 1: Forced", "Case 1: contact", "First seen by", "Not needed: it was seen in time.")
	if !strings.Contains(page, `href="/docs/runbooks/forced"`) || !strings.Contains(page, `href="/openings/case-1"`) || !strings.Contains(page, `href="/proof/entries/`) {
		t.Error("it leads nowhere")
	}
	if _, page = s.Get("/alarms"); strings.Contains(consoletest.Words(page), "new to you") {
		t.Error("what was seen is still new")
	}
	s.does(http.StatusSeeOther, i, "take")
	s.does(http.StatusSeeOther, i, "note", "note", "Looked at it.")
	s.does(http.StatusSeeOther, i, "opinion", "opinion", "useful")
	_, page = s.Get("/incidents/" + i.ID)
	s.Sees(page, "You have it", "Looked at it.", "Useful 1")
	s.does(http.StatusSeeOther, i, "resolve", "rev", rev(s.incident(i.ID)), "cause", "staff_forgot", "note", "Not latched.")
	_, page = s.Get("/incidents/" + i.ID)
	s.Sees(page, "Resolved: Staff forgot", "Not latched.", "Reopen", "acknowledged by The protection")
	if strings.Contains(page, `id="resolve"`) {
		t.Error("what is resolved can be resolved again")
	}
	_, page = s.Get("/alarms?tab=history")
	s.Sees(page, "Case 1: Forced", "Staff forgot")
	_, page = s.Get("/alarms") // the case stands open still
	s.Sees(page, "Case 1: Forced", "An alarm by itself")
	s.Must(s.World.Close("case-1"))
	s.Until("it is closed", func() bool { return s.State(s.Opening("case-1")).Alarms["forced"] == "" })
	_, page = s.Get("/alarms")
	s.Sees(page, "Nothing wants you")
	s.does(http.StatusSeeOther, i, "reopen", "rev", rev(s.incident(i.ID)))
	_, page = s.Get("/alarms?mine=1&state=taken&level=act")
	s.Sees(page, "Case 1: Forced", "You")
	ended := s.told(sashlock.IncidentResolved)
	if len(ended) != 1 || ended[0].Subject != i.ID || ended[0].Why != "staff_forgot" || ended[0].Operator == "" {
		t.Errorf("the ledger says %+v", ended)
	}
}

// Two operators at once: the second is told, and keeps what they typed.
func TestTwoOperatorsAtOnce(t *testing.T) {
	s := newShop(t)
	i := s.force("case-1")
	s.as(signin.Manager).does(http.StatusSeeOther, i, "take")
	s.As(signin.Protection)
	page := s.does(http.StatusConflict, i, "take")
	s.Sees(page, "Somebody was faster", "The manager took it at", "Take it over")
	page = s.does(http.StatusConflict, i, "resolve", "rev", rev(s.incident(i.ID)), "cause", "theft", "note", "Two of them, one with a bag")
	s.Sees(page, "The manager took it at", "Two of them, one with a bag")
	if !strings.Contains(page, `value="theft" required checked`) {
		t.Error("the cause that was chosen is lost")
	}
	seen := s.incident(i.ID)
	s.does(http.StatusSeeOther, i, "take", "from", string(seen.Owner))
	page = s.does(http.StatusConflict, i, "resolve", "rev", rev(seen), "cause", "theft", "note", "A bag")
	s.Sees(page, "It has changed since you looked", "A bag")
	now := s.incident(i.ID)
	s.does(http.StatusSeeOther, i, "resolve", "rev", rev(now), "cause", "theft", "note", "A bag")
	s.does(http.StatusSeeOther, i, "resolve", "rev", rev(now), "cause", "theft", "note", "A bag") // sent twice
	s.As(signin.Manager)
	page = s.does(http.StatusConflict, i, "resolve", "rev", rev(now), "cause", "drill", "note", "It was our drill")
	s.Sees(page, "The protection resolved it at", "Theft or attempt", "It was our drill")
	if n := len(s.told(sashlock.IncidentResolved)); n != 1 {
		t.Errorf("resolved %d times", n)
	}
	if kept := s.incident(i.ID); kept.Outcome.Cause != incidents.Theft || kept.Outcome.Note != "A bag" {
		t.Errorf("kept %+v", kept.Outcome)
	}
}

func TestOperatorOfOneSiteGetsNothingOfAnother(t *testing.T) {
	s := newShop(t)
	theirs := s.force("porto-case")
	alarm := s.State(s.Opening("porto-case")).Alarms["forced"]
	s.As(signin.Protection)
	_, page := s.Get("/alarms")
	s.Sees(page, "Nothing wants you")
	if strings.Contains(page, "Porto") {
		t.Error("the inbox of Lisbon speaks of Porto")
	}
	refused := len(s.told(sashlock.OperatorRefused))
	for _, path := range []string{"/incidents/" + theirs.ID, "/incidents/" + theirs.ID + "/live", "/alarms/" + string(alarm), "/alarms?site=porto",
		"/alarms?area=" + string(theirs.Area), "/alarms/live?site=porto"} {
		if status, page := s.Get(path); status != http.StatusForbidden || strings.Contains(consoletest.Words(page), "Case in Porto") {
			t.Errorf("%s: %d", path, status)
		}
		refused++
	}
	for _, act := range []string{"take", "note", "opinion", "resolve", "reopen", "shelve", "acknowledge", "evidence"} {
		s.does(http.StatusForbidden, theirs, act, "note", "x", "cause", "drill", "rev", "1", "opinion", "noise", "for", "1h", "reason", "x")
		refused++
	}
	if status, _, _ := s.Post("/alarms/"+string(alarm)+"/shelve", url.Values{"for": {"1h"}, "reason": {"x"}}); status != http.StatusForbidden {
		t.Errorf("shelving it: %d", status)
	}
	refused++
	if got := len(s.told(sashlock.OperatorRefused)); got != refused {
		t.Errorf("the ledger has %d refusals, want %d", got, refused)
	}
	if i := s.incident(theirs.ID); i.State() != incidents.New || len(i.Notes)+len(i.Opinions) > 0 || i.Rev != theirs.Rev {
		t.Errorf("something was changed: %+v", i)
	}
	// What goes on although its incident was resolved is shown by itself, but
	// not to them either.
	s.as(signin.Owner).does(http.StatusSeeOther, theirs, "resolve", "rev", rev(theirs), "cause", "drill")
	_, page = s.Get("/alarms")
	s.Sees(page, "Case in Porto: Forced", "An alarm by itself")
	s.As(signin.Protection)
	for _, path := range []string{"/alarms", "/alarms?tab=history", "/alarms?state=shelved"} {
		if _, page = s.Get(path); strings.Contains(page, "Porto") {
			t.Errorf("%s of Lisbon speaks of Porto", path)
		}
	}
}

func TestWhoMayOnlyReadSeesNoButtons(t *testing.T) {
	s := newShop(t)
	i := s.force("case-1")
	s.As(signin.Auditor)
	for _, path := range []string{"/alarms", "/incidents/" + i.ID} {
		status, page := s.Get(path)
		if status != http.StatusOK || strings.Contains(page, "/take") || strings.Contains(page, `id="resolve"`) || strings.Contains(page, "/acknowledge") {
			t.Errorf("%s: %d, with buttons", path, status)
		}
	}
	for _, act := range []string{"take", "note", "opinion", "resolve", "reopen", "shelve", "acknowledge"} {
		s.does(http.StatusForbidden, i, act)
	}
	s.view(func(q store.Query) error {
		sights, err := incidents.Sights(q, i.ID)
		if len(sights) != 0 {
			t.Error("an auditor who looks counts as somebody who could act")
		}
		return err
	})
	if status, _ := s.As("").Get("/alarms"); status != http.StatusSeeOther {
		t.Errorf("without sign-in: %d", status)
	}
}

func TestShelving(t *testing.T) {
	s := newShop(t)
	i := s.force("case-1")
	page := s.does(http.StatusUnprocessableEntity, i, "shelve", "for", "4h0m0s", "reason", "Glazier at work")
	s.Sees(page, "one hour at most")
	if !strings.Contains(page, `value="Glazier at work"`) {
		t.Error("what was typed is lost")
	}
	for _, bad := range [][]string{{"for", "1h"}, {"for", "-1h", "reason", "x"}, {"for", "x", "reason", "x"}, {"for", "1h", "reason", strings.Repeat("x", 10_000)}, {"for", "1h", "reason", "a\u202Eb"}} {
		s.does(http.StatusUnprocessableEntity, i, "shelve", bad...)
	}
	if n := len(s.told(sashlock.AlarmShelved)); n != 0 {
		t.Fatalf("%d were shelved", n)
	}
	for range 2 { // sent twice
		s.does(http.StatusSeeOther, i, "shelve", "for", "30m", "reason", "Glazier at work")
	}
	if n := len(s.told(sashlock.AlarmShelved)); n != 1 {
		t.Errorf("the ledger tells of %d", n)
	}
	_, page = s.Get("/alarms")
	s.Sees(page, "1 is shelved and comes back by itself")
	if strings.Contains(consoletest.Words(page), "Case 1: Forced") {
		t.Error("what is shelved is in the inbox")
	}
	_, page = s.Get("/alarms?state=shelved")
	s.Sees(page, "Case 1: Forced", "Shelved until")
	_, page = s.Get("/incidents/" + i.ID)
	s.Sees(page, "Shelved by The owner until", "Glazier at work")
	s.Must(s.World.Close("case-1"))
	s.Until("it is closed", func() bool { return s.State(s.Opening("case-1")).Alarms["forced"] == "" })
	s.does(http.StatusSeeOther, i, "acknowledge")
	s.does(http.StatusConflict, i, "shelve", "for", "30m", "reason", "Glazier at work")
}

func TestEvidenceCanBeChecked(t *testing.T) {
	s := newShop(t)
	i := s.force("case-1")
	s.does(http.StatusSeeOther, i, "take")
	s.As(signin.Auditor)
	r, text := s.Send(http.MethodPost, "/incidents/"+i.ID+"/evidence", nil, url.Values{})
	if r.StatusCode != http.StatusOK || !strings.Contains(r.Header.Get("Content-Disposition"), i.ID) {
		t.Fatalf("%d %v\n%s", r.StatusCode, r.Header, text)
	}
	bundle, err := proof.DecodeBundle([]byte(text))
	s.Must(err)
	key, err := proof.ParseKey(s.Keys.Verifier)
	s.Must(err)
	_, err = proof.Verify(bundle, key)
	s.Must(err)
	said := map[sashlock.EventKind]bool{}
	for _, e := range bundle.Entries {
		var event sashlock.Event
		s.Must(json.Unmarshal(e.Body, &event))
		said[event.Kind] = true
	}
	for _, kind := range []sashlock.EventKind{sashlock.AlarmRaised, sashlock.OpeningOpened, sashlock.IncidentOpened, sashlock.IncidentTaken} {
		if !said[kind] {
			t.Errorf("it does not prove %s, only %v", kind, said)
		}
	}
	exported := s.told(sashlock.EvidenceExported)
	if len(exported) != 1 || exported[0].Subject != i.ID || exported[0].Operator == "" {
		t.Errorf("the ledger says %+v", exported)
	}
	if status, _ := s.Get("/incidents/" + i.ID + "/evidence"); status == http.StatusOK {
		t.Error("following a link exports evidence")
	}
}

const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`

func TestHostileInput(t *testing.T) {
	s := newShop(t)
	i := s.force("case-1")
	s.does(http.StatusSeeOther, i, "note", "note", hostile)
	page := s.does(http.StatusUnprocessableEntity, i, "resolve", "rev", rev(s.incident(i.ID)), "cause", hostile, "note", hostile)
	_, after := s.Get("/incidents/" + i.ID)
	for _, one := range []string{page, after} {
		if strings.Contains(one, "<script>alert") || strings.Contains(one, "<img src=x") || strings.Contains(one, " style=") || strings.Contains(one, " onclick") {
			t.Error("markup of an operator is markup of the page")
		}
		s.Sees(one, "&lt;script&gt;alert(1)&lt;/script&gt;")
	}
	page = s.does(http.StatusUnprocessableEntity, i, "note", "note", strings.Repeat("long ", 2000))
	s.Sees(page, "shorten it to 4,000 characters", "long long long")
	s.does(http.StatusUnprocessableEntity, i, "note", "note", strings.Repeat("x", 100_000))
	s.does(http.StatusUnprocessableEntity, i, "resolve", "cause", "drill", "rev", "not a number")
	s.does(http.StatusUnprocessableEntity, i, "resolve", "cause", "other", "rev", rev(s.incident(i.ID)))
	for _, path := range []string{"/incidents/inc_none", "/incidents/%00", "/incidents/" + strings.Repeat("x", 5000), "/alarms/alm_none", "/alarms?area=none", "/alarms?site=none"} {
		if status, _ := s.Get(path); status != http.StatusNotFound {
			t.Errorf("%.40s: %d", path, status)
		}
	}
	for _, path := range []string{"/alarms?level=loud", "/alarms?state=" + url.QueryEscape(hostile)} {
		if status, _ := s.Get(path); status != http.StatusBadRequest {
			t.Errorf("%.40s: %d", path, status)
		}
	}
	if status, page := s.Get("/alarms?tab=history&before=" + url.QueryEscape(hostile)); status != http.StatusOK || strings.Contains(page, "<script>alert") {
		t.Errorf("a forged page of the history: %d", status)
	}
	for _, path := range []string{"/incidents/" + i.ID + "/take", "/incidents/" + i.ID + "/acknowledge"} {
		r, _ := s.Send(http.MethodPost, path, http.Header{"Sec-Fetch-Site": {"cross-site"}}, url.Values{})
		if r.StatusCode != http.StatusForbidden {
			t.Errorf("%s from elsewhere: %d", path, r.StatusCode)
		}
	}
}

func TestSpanish(t *testing.T) {
	s := newShop(t)
	i := s.force("case-1")
	spanish := http.Header{"Accept-Language": {"es"}}
	_, page := s.Send(http.MethodGet, "/alarms", spanish, nil)
	s.Sees(page, "Alarmas", "Actuar", "Nadie aún", "Asumir", "Resolver", "1 alarma")
	_, page = s.Send(http.MethodGet, "/incidents/"+i.ID, spanish, nil)
	s.Sees(page, "Repetición", "Quién es responsable", "¿Qué fue?", "Robo o intento", "Descargar las pruebas", "bloqueada")
	r, page := s.Send(http.MethodPost, "/incidents/"+i.ID+"/note", spanish, url.Values{"note": {""}})
	if r.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("an empty note: %d", r.StatusCode)
	}
	s.Sees(page, "escribir algo primero")
}

func TestAcknowledgeFromTheInbox(t *testing.T) {
	s := newShop(t)
	i := s.force("cage-1")
	status, to, _ := s.Post("/incidents/"+i.ID+"/acknowledge?back=inbox", url.Values{})
	if status != http.StatusSeeOther || to != "/alarms" {
		t.Errorf("%d to %q", status, to)
	}
	alarm := s.State(s.Opening("cage-1")).Alarms["forced"]
	s.view(func(q store.Query) error {
		a, err := alarms.Find(q, string(alarm))
		if a.Acknowledged.IsZero() || a.By == "" {
			t.Errorf("not acknowledged: %+v", a)
		}
		return err
	})
	if status, to, _ := s.Post("/alarms/"+string(alarm)+"/shelve", url.Values{"for": {"10m"}, "reason": {"cleaning"}}); status != http.StatusSeeOther || to != "/alarms/"+string(alarm) {
		t.Errorf("shelving the alarm: %d to %q", status, to)
	}
	if r, _ := s.Send(http.MethodGet, "/alarms/"+string(alarm), nil, nil); r.Header.Get("Location") != "/incidents/"+i.ID+"#"+string(alarm) {
		t.Errorf("the alarm leads to %q", r.Header.Get("Location"))
	}
}
