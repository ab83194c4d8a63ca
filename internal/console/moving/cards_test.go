// SPDX-License-Identifier: Apache-2.0

package moving_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
)

// sendCards sends the form with a list of cards.
func sendCards(t *testing.T, c *consoletest.Counter, list, format string) (int, string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("list", "cards.csv")
	c.Must(err)
	_, err = part.Write([]byte(list))
	c.Must(err)
	c.Must(form.WriteField("format", format))
	c.Must(form.Close())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Server.URL+"/people/cards", &body)
	c.Must(err)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.AddCookie(&http.Cookie{Name: "sashlock_session", Value: c.Secret(signin.Owner)})
	answer, err := http.DefaultClient.Do(r)
	c.Must(err)
	defer answer.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(answer.Body)
	c.Must(err)
	return answer.StatusCode, text.String()
}

var hidden = regexp.MustCompile(`name="(key|plan)" value="([^"]+)"`)

// A list of cards is looked at, and then exactly that is done, once.
func TestCardsAreLookedAtAndApplied(t *testing.T) {
	c := consoletest.New(t)
	c.As(signin.Owner)
	if _, page := c.Get("/people"); !strings.Contains(page, "/people/cards") {
		t.Error("nothing leads to the page")
	}
	before := c.Store.Size()
	status, page := sendCards(t, c, "name,card\nAna Costa,12:100\nRui <b>,12:101\n", "26")
	if status != http.StatusOK || c.Store.Size() != before {
		t.Fatal(status, c.Store.Size()-before)
	}
	c.Sees(page, "What would change", "New people", "rui", "Apply the list")
	if strings.Contains(page, "Rui <b>") {
		t.Error("markup in a list is markup on the page")
	}
	form := url.Values{}
	for _, one := range hidden.FindAllStringSubmatch(page, -1) {
		form.Set(one[1], one[2])
	}
	c.Proved(signin.Owner, 0)
	wrong := url.Values{"key": form["key"], "plan": {"another"}}
	if status, _, page := c.Post("/people/cards/apply", wrong); status != http.StatusConflict || c.Store.Size() != before {
		t.Fatal("with another plan:", status, consoletest.Words(page))
	}
	status, _, page = c.Post("/people/cards/apply", form)
	if status != http.StatusOK {
		t.Fatal(status, consoletest.Words(page))
	}
	c.Sees(page, "Done", "New cards")
	if status, _, _ = c.Post("/people/cards/apply", form); status != http.StatusUnprocessableEntity {
		t.Errorf("applied twice: %d", status)
	}
	for name, list := range map[string]string{"nothing": "", "no cards": "name\nAna\n", "PINs": "name,card,pin\nAna,12:1,1234\n"} {
		if status, _ := sendCards(t, c, list, "26"); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, status)
		}
	}
}

// Who may not say who gets in brings no cards over.
func TestOnlyAccessBringsCards(t *testing.T) {
	c := consoletest.New(t)
	c.As(signin.Auditor)
	if status, _ := c.Get("/people/cards"); status != http.StatusForbidden {
		t.Errorf("an auditor: %d", status)
	}
}
