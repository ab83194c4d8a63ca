// SPDX-License-Identifier: Apache-2.0

package credentials_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/wiegand"
)

const anas = "/people/ana/credentials"

var secretOf = regexp.MustCompile(`data-secret>([0-9]+)<`)

func held(c *consoletest.Counter, person string) (all []credentials.Credential) {
	c.Must(c.Store.View(c.Ctx(), func(q store.Query) (err error) { all, err = credentials.List(q, c.Person(person)); return err }))
	return all
}

func TestPINIsShownOnce(t *testing.T) {
	c := consoletest.New(t)
	form := url.Values{"kind": {"pin"}, "label": {"<b>Locker</b>"}, "digits": {"5"}, "duress": {"1"}, "opening": {"case-1"}}
	status, _, page := c.Post(anas, form)
	secrets := secretOf.FindAllStringSubmatch(page, -1)
	if status != http.StatusOK || len(secrets) != 2 || len(secrets[0][1]) != 5 {
		t.Fatalf("answered %d with %d secrets", status, len(secrets))
	}
	c.Sees(page, "Shown only now", "5 digits", "with a duress PIN", "Taken at: Case 1")
	if strings.Contains(page, "<b>Locker") {
		t.Error("markup of the label reached the page")
	}
	_, later := c.Get(anas)
	c.Sees(later, "5 digits")
	if strings.Contains(later, secrets[0][1]) || strings.Contains(later, secrets[1][1]) {
		t.Error("it is shown again")
	}
	out, err := c.Credentials.Present(c.Ctx(), credentials.Presented{Opening: c.Opening("case-1"), Shown: []credentials.Shown{{Kind: sashlock.PIN, PIN: secrets[0][1]}}})
	c.Must(err)
	if !out.Decision.Granted {
		t.Errorf("the PIN on the page opens nothing: %+v", out)
	}
}

func TestWrongFieldsKeepWhatWasTyped(t *testing.T) {
	c := consoletest.New(t)
	for field, form := range map[string]url.Values{
		"choose at least one opening":   {"kind": {"pin"}, "label": {"kept"}, "digits": {"4"}},
		"a PIN has 4 to 8 digits":       {"kind": {"pin"}, "label": {"kept"}, "digits": {"many"}, "opening": {"case-1"}},
		"write a date and a time":       {"kind": {"qr"}, "label": {"kept"}, "until": {"tomorrow"}},
		"write a whole number":          {"kind": {"card"}, "label": {"kept"}, "format": {"H10301"}, "number": {"x"}},
		"too large for the card format": {"kind": {"card"}, "label": {"kept"}, "format": {"H10301"}, "number": {"99999"}},
		"choose PIN, card, QR code":     {"kind": {"passkey"}, "label": {"kept"}},
	} {
		status, _, page := c.Post(anas, form)
		if status != http.StatusUnprocessableEntity || !strings.Contains(page, `value="kept"`) {
			t.Errorf("%s: answered %d, kept %t", field, status, strings.Contains(page, `value="kept"`))
		}
		c.Sees(page, field)
	}
	if n := len(held(c, "ana")); n != 0 {
		t.Errorf("%d were made", n)
	}
}

func TestUnknownCardIsEnrolled(t *testing.T) {
	c := consoletest.New(t)
	f, _ := wiegand.Find("H10301")
	card, err := f.Encode(1, 4711)
	c.Must(err)
	shown := credentials.Presented{Opening: c.Opening("case-1"), Shown: []credentials.Shown{{Kind: sashlock.Card, Card: card}}}
	_, err = c.Credentials.Present(c.Ctx(), shown)
	c.Must(err)
	_, page := c.Get(anas)
	c.Sees(page, "The unknown card just presented at Case 1")
	if strings.Contains(page, "4711") {
		t.Error("the number of a stranger's card is shown")
	}
	status, _, page := c.Post(anas, url.Values{"kind": {"card"}, "label": {"Blue"}, "format": {"reader:case-1"}})
	if status != http.StatusOK {
		t.Fatalf("answered %d: %s", status, consoletest.Words(page))
	}
	out, err := c.Credentials.Present(c.Ctx(), shown)
	c.Must(err)
	if !out.Decision.Granted {
		t.Errorf("it opens nothing: %+v", out)
	}
}

func TestLost(t *testing.T) {
	c := consoletest.New(t)
	_, _, page := c.Post(anas, url.Values{"kind": {"pin"}, "label": {"Locker"}, "digits": {"4"}, "opening": {"case-1"}})
	pin := secretOf.FindStringSubmatch(page)[1]
	present := func() credentials.Outcome {
		out, err := c.Credentials.Present(c.Ctx(), credentials.Presented{Opening: c.Opening("case-1"), Shown: []credentials.Shown{{Kind: sashlock.PIN, PIN: pin}}})
		c.Must(err)
		return out
	}
	present()
	status, _, page := c.Post(anas+"/lost", url.Values{"cause": {"stolen"}})
	if status != http.StatusUnprocessableEntity {
		t.Errorf("nothing was chosen: %d", status)
	}
	c.Sees(page, "choose what is lost")
	since := time.Now().Add(-time.Hour).In(lisbon(t)).Format("2006-01-02T15:04")
	_, _, page = c.Post(anas+"/lost", url.Values{"cause": {"stolen"}, "all": {"1"}, "phone": {"1"}, "since": {since}})
	c.Sees(page, "1 credential ended", "1 phone or browser was signed out", "Nothing is pending", "Let in at Case 1")
	if out := present(); out.Refused != sashlock.CredentialLost {
		t.Errorf("afterwards: %+v", out)
	}
}

func lisbon(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestQRAndRemoval(t *testing.T) {
	c := consoletest.New(t)
	_, _, page := c.Post(anas, url.Values{"kind": {"qr"}, "label": {"Ticket"}, "once": {"1"}})
	c.Sees(page, "Shown only now", "good for one opening")
	if !strings.Contains(page, `class="qr"`) || strings.Contains(page, "SL1:") {
		t.Error("no QR code, or its text in clear")
	}
	id := string(held(c, "ana")[0].ID)
	if status, _, _ := c.Post("/people/bob/credentials/"+id+"/remove", nil); status != http.StatusNotFound {
		t.Errorf("by somebody else's page: %d", status)
	}
	if status, to, _ := c.Post(anas+"/"+id+"/remove", url.Values{}); status != http.StatusSeeOther || to != anas+"?removed=1" {
		t.Errorf("removed: %d %s", status, to)
	}
	if n := len(held(c, "ana")); n != 0 {
		t.Errorf("%d are left", n)
	}
}

func TestScope(t *testing.T) {
	c := consoletest.New(t)
	c.As(signin.Manager) // of Lisbon
	if status, _ := c.Get("/people/eva/credentials"); status != http.StatusForbidden {
		t.Errorf("somebody of Porto: %d", status)
	}
	status, _, _ := c.Post("/people/eva/credentials", url.Values{"kind": {"qr"}, "label": {"x"}})
	if status != http.StatusForbidden || len(held(c, "eva")) != 0 {
		t.Errorf("giving them something: %d", status)
	}
	_, page := c.Get(anas)
	if strings.Contains(page, "Case in Porto") {
		t.Error("an opening of Porto is shown")
	}
	status, _, _ = c.Post(anas, url.Values{"kind": {"pin"}, "label": {"x"}, "digits": {"4"}, "opening": {"porto-case"}})
	if status != http.StatusUnprocessableEntity {
		t.Errorf("a PIN for Porto: %d", status)
	}
	c.As(signin.Auditor)
	for _, path := range []string{anas, "/keys", "/credentials"} {
		if status, _ := c.Get(path); status != http.StatusForbidden {
			t.Errorf("an auditor at %s: %d", path, status)
		}
	}
	c.As("")
	if status, _, _ := c.Post(anas, url.Values{"kind": {"qr"}, "label": {"x"}}); status != http.StatusForbidden {
		t.Errorf("nobody: %d", status)
	}
	if n := len(held(c, "ana")); n != 0 {
		t.Errorf("%d were made", n)
	}
}

func TestKeys(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/keys")
	c.Sees(page, "No key in the register")
	form := url.Values{"slug": {"k-17"}, "name": {"Cellar"}, "copies": {"1"}, "cost": {"480"}, "opening": {"case-1", "case-2"}}
	if status, to, page := c.Post("/keys", form); status != http.StatusSeeOther || to != "/keys" {
		t.Fatalf("entered: %d %s", status, consoletest.Words(page))
	}
	if status, _, page := c.Post("/keys", form); status != http.StatusUnprocessableEntity {
		t.Errorf("entered twice: %d %s", status, page)
	}
	_, page = c.Get("/keys")
	c.Sees(page, "Cellar", "Case 1 , Case 2", "1 in all, 1 in the cabinet", "480")
	due := time.Now().Add(48 * time.Hour).In(lisbon(t)).Format("2006-01-02T15:04")
	for what, form := range map[string]url.Values{
		"write a date and a time": {"person": {string(c.Person("ana"))}, "due": {"soon"}}, "later than now": {"person": {string(c.Person("ana"))}, "due": {"2020-01-01T10:00"}},
		"there is nobody of that name": {"person": {"prs_none"}, "due": {due}},
	} {
		status, _, page := c.Post("/keys/k-17/out", form)
		if status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", what, status)
		}
		c.Sees(page, what)
	}
	c.Post("/keys/k-17/out", url.Values{"person": {string(c.Person("ana"))}, "due": {due}})
	_, page = c.Get("/keys")
	c.Sees(page, "Ana Costa", "0 in the cabinet", "Back in the cabinet")
	loan := regexp.MustCompile(`/keys/loans/([a-z0-9_]+)/lost`).FindStringSubmatch(page)[1]
	c.As(signin.Manager)
	_, to, _ := c.Post("/keys/loans/"+loan+"/lost", url.Values{})
	_, page = c.Get(to)
	c.Sees(page, "A copy of Cellar is lost", "2 openings need new cylinders", "Entered cost: 480")
	if status, _, _ := c.Post("/keys/k-17/retire", url.Values{}); status != http.StatusSeeOther {
		t.Errorf("retired: %d", status)
	}
	_, page = c.Get("/keys")
	c.Sees(page, "Out of use since")
}

func TestRotations(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/credentials")
	c.Sees(page, "Nothing is due")
	c.Post(anas, url.Values{"kind": {"pin"}, "label": {"Old one"}, "digits": {"4"}, "opening": {"case-1"}})
	_, err := c.Store.Do(c.Ctx(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE credentials SET made = ?`, store.Micros(tx.Now().AddDate(0, 0, -91)))
		return err
	})
	c.Must(err)
	_, page = c.Get("/credentials")
	c.Sees(page, "Ana Costa", "Old one", "Overdue")
}

func TestSpanish(t *testing.T) {
	c := consoletest.New(t)
	for path, words := range map[string]string{anas: "Credenciales", "/keys": "Llaves mecánicas", "/credentials": "Por sustituir"} {
		_, page := c.Send(http.MethodGet, path, http.Header{"Accept-Language": {"es"}}, nil)
		c.Sees(page, words)
	}
}

// TestALockThatHoldsItIsPendingUntilItForgets walks through a lost fingerprint:
// pending while the lock is away, pending while it still has it, confirmed when
// it says that it has not.
func TestALockThatHoldsItIsPendingUntilItForgets(t *testing.T) {
	c := consoletest.New(t)
	var lock sashlock.DeviceID
	for id, d := range c.Hall.Book().Devices {
		if d.Opening == c.Opening("case-1") {
			lock = id
		}
	}
	made, err := c.Credentials.Make(c.Ctx(), "", credentials.Making{Person: c.Person("ana"), Kind: sashlock.Finger, Label: "Right thumb", Device: lock, Slot: 7})
	c.Must(err)
	_, page := c.Get(anas)
	c.Sees(page, "A lock holds it by itself.", "Case 1, slot 7")
	_, _, page = c.Post(anas+"/lost", url.Values{"all": {"1"}, "cause": {"lost"}})
	c.Sees(page, "Still pending: 1 lock holds it by itself", "Pending: a lock still holds it.", "Ask the lock")
	c.Must(c.World.Kill("case-1"))
	ask := anas + "/" + string(made.ID) + "/ask-lock"
	_, to, _ := c.Post(ask, nil)
	_, page = c.Get(to)
	c.Sees(page, "Still pending:", "Pending: a lock still holds it.")
	if all := held(c, "ana"); all[0].Device != lock {
		t.Fatalf("forgotten by a lock that is away: %+v", all[0])
	}
	if status, _, _ := c.As(signin.Manager).Post("/people/bob/credentials/"+string(made.ID)+"/forgotten", url.Values{}); status != http.StatusNotFound {
		t.Errorf("under another name: %d", status)
	}
	_, to, _ = c.As(signin.Owner).Post(anas+"/"+string(made.ID)+"/forgotten", url.Values{})
	_, page = c.Get(to)
	c.Sees(page, "Noted: it was deleted at the lock.", "It is no longer in the lock that held it.")
	if all := held(c, "ana"); all[0].Device != "" || all[0].Lost.IsZero() {
		t.Errorf("still held: %+v", all[0])
	}
}

// TestALeaverIsShownAsPendingWhereALockHoldsSomething looks at the page of
// somebody who left and whose fingerprint is in a lock.
func TestALeaverIsShownAsPendingWhereALockHoldsSomething(t *testing.T) {
	c := consoletest.New(t)
	for id, d := range c.Hall.Book().Devices {
		if d.Opening == c.Opening("case-1") {
			_, err := c.Credentials.Make(c.Ctx(), "", credentials.Making{Person: c.Person("ana"), Kind: sashlock.Finger, Label: "Right thumb", Device: id, Slot: 7})
			c.Must(err)
		}
	}
	_, page := c.Get("/people/ana")
	if strings.Contains(page, "Pending:") {
		t.Error("pending while nobody left")
	}
	c.Post("/people/ana/suspend", url.Values{"reason": {"left"}})
	_, page = c.Get("/people/ana")
	c.Sees(page, "Pending: 1 lock still lets them in by itself.", "Case 1, slot 7")
}

// TestALossKeepsWhatWasTyped sends a loss with a wrong date: nothing ends, and
// the form has it all still. With everything ticked, everything ends, whatever
// else is ticked.
func TestALossKeepsWhatWasTyped(t *testing.T) {
	c := consoletest.New(t)
	for _, label := range []string{"Blue QR", "Red QR"} {
		_, err := c.Credentials.Make(c.Ctx(), "", credentials.Making{Person: c.Person("ana"), Kind: sashlock.QR, Label: label})
		c.Must(err)
	}
	_, page := c.Get(anas + "?lost=1")
	if !strings.Contains(page, `name="all" value="1" checked`) {
		t.Error("everything is not offered at once")
	}
	one := string(held(c, "ana")[0].ID)
	form := url.Values{"credential": {one}, "cause": {"stolen"}, "since": {"yesterday"}, "phone": {"1"}}
	status, _, page := c.Post(anas+"/lost", form)
	if status != http.StatusUnprocessableEntity || !strings.Contains(page, `value="`+one+`" checked`) || !strings.Contains(page, `value="stolen" selected`) || !strings.Contains(page, `value="yesterday"`) {
		t.Errorf("%d: what was typed is gone", status)
	}
	form.Set("since", "")
	form.Set("all", "1")
	_, _, page = c.Post(anas+"/lost", form)
	c.Sees(page, "2 credentials ended, everywhere and at once.")
}
