// SPDX-License-Identifier: Apache-2.0

package fleet_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
)

// sendStock sends the form of the assessment.
func sendStock(t *testing.T, c *consoletest.Counter, fields map[string]string) (*http.Response, string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		if name != "file" {
			c.Must(form.WriteField(name, value))
			continue
		}
		part, err := form.CreateFormFile(name, "locks.csv")
		c.Must(err)
		_, err = part.Write([]byte(value))
		c.Must(err)
	}
	c.Must(form.Close())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Server.URL+"/devices/assessment", &body)
	c.Must(err)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.AddCookie(&http.Cookie{Name: "sashlock_session", Value: c.Secret(signin.Auditor)})
	answer, err := http.DefaultClient.Do(r)
	c.Must(err)
	defer answer.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(answer.Body)
	c.Must(err)
	return answer, text.String()
}

func TestLocksAreAssessed(t *testing.T) {
	c := consoletest.New(t)
	c.Sees(page(t, c, "/devices/models"), "Assess your locks")
	c.Sees(page(t, c, "/devices/assessment"), "What becomes of your locks", "Nothing is stored.", "One new lock")
	before := c.Store.Size()
	list := "4 x Schlage BE469ZP\nKwikset 916 SmartCode (2)\nLatch <b>C2</b>, 3\nAqara ZNMS12LM\nAcme Nine\n"
	answer, text := sendStock(t, c, map[string]string{"list": list, "figure-hour": "60", "figure-minutes-native": "30", "figure-gateway": "150"})
	if answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status, consoletest.Words(text))
	}
	c.Sees(text, "6 locks", "Guess: Schlage BE469", "Guess: Kwikset 916", "on the real stack", "Needs an adapter", "To replace", "Not known", "120.00", "330.00", "Without: Adapter for one lock, One new lock")
	if strings.Contains(text, "<b>C2") {
		t.Error("markup in a list is markup on the page")
	}
	for as, want := range map[string]string{"csv": "Schlage BE469ZP,4,native,Schlage BE469,yes", "yaml": "verdict: native"} {
		answer, text := sendStock(t, c, map[string]string{"list": list, "as": as})
		if !strings.Contains(text, want) || !strings.Contains(answer.Header.Get("Content-Disposition"), "locks."+as) {
			t.Errorf("%s: %s %.300s", as, answer.Header.Get("Content-Disposition"), text)
		}
	}
	if c.Store.Size() != before {
		t.Error("an assessment was stored")
	}
}

func TestAListThatCannotBeAssessed(t *testing.T) {
	c := consoletest.New(t)
	for _, one := range []struct {
		fields map[string]string
		want   string
	}{
		{map[string]string{"list": ""}, "choose a file, or type the list"},
		{map[string]string{"file": "model,count\nBE469,lots\n"}, "is not how many there are"},
		{map[string]string{"file": strings.Repeat("x\n", 1_000_000)}, "the file has more than 1 MB"},
		{map[string]string{"file": strings.Repeat("x", 5<<20)}, "too large"},
		{map[string]string{"list": "BE469", "figure-lock": "<dear>"}, "A figure cannot be read"},
	} {
		answer, text := sendStock(t, c, one.fields)
		if said := consoletest.Words(text); answer.StatusCode/100 != 4 || !strings.Contains(said, one.want) {
			t.Errorf("%s: %s, want %s", answer.Status, said, one.want)
		}
	}
}
