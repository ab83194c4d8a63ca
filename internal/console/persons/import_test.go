// SPDX-License-Identifier: Apache-2.0

package persons_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"regexp"
	"testing"

	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
)

// sendList uploads a list as the page's form does.
func sendList(t *testing.T, c *consoletest.Counter, role signin.Role, list string, everyone bool) (int, string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if everyone {
		c.Must(form.WriteField("everyone", "1"))
	}
	part, err := form.CreateFormFile("list", "staff.csv")
	c.Must(err)
	_, err = part.Write([]byte(list))
	c.Must(err)
	c.Must(form.Close())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Server.URL+"/people/import", &body)
	c.Must(err)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.AddCookie(&http.Cookie{Name: "sashlock_session", Value: c.Secret(role)})
	answer, err := http.DefaultClient.Do(r)
	c.Must(err)
	defer answer.Body.Close()
	var page bytes.Buffer
	_, err = page.ReadFrom(answer.Body)
	c.Must(err)
	return answer.StatusCode, page.String()
}

var hidden = regexp.MustCompile(`name="(key|plan)" value="([^"]+)"`)

func TestListIsLookedAtAndApplied(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/people/import")
	c.Sees(page, "Import a list", "The list is everybody", "Nothing changes yet.")
	list := "name;slug;roles\nAna <b>Costa</b>;ana;Sales\nBob Dias;bob;\nCarla Reis;carla;\nDuarte Melo;duarte;sales\n=Filipa;filipa;sales\n"
	status, page := sendList(t, c, signin.Owner, list, true)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, consoletest.Words(page))
	}
	c.Sees(page, "What would change", "New 1", "Changed 1", "Leaving 1", "As they are 3", "Eva Pinto", "1 person would be refused", "it begins like a formula (=Filipa)")
	if bytes.Contains([]byte(page), []byte("<b>Costa")) {
		t.Error("markup in a list is markup on the page")
	}
	if !may(t, c, "eva", "porto-case") {
		t.Fatal("looking took something away")
	}
	found := hidden.FindAllStringSubmatch(page, 2)
	if len(found) != 2 {
		t.Fatalf("no form to apply it: %s", consoletest.Words(page))
	}
	post(t, c, "/people/import/apply", http.StatusConflict, "key", found[0][2], "plan", "another")
	_, page = post(t, c, "/people/import/apply", http.StatusOK, "key", found[0][2], "plan", found[1][2])
	c.Sees(page, "Done", "Who left is refused at every opening from now on.")
	if may(t, c, "eva", "porto-case") || !may(t, c, "filipa", "case-1") {
		t.Error("the list does not count")
	}
	_, page = post(t, c, "/people/import/apply", http.StatusUnprocessableEntity, "key", found[0][2], "plan", found[1][2])
	c.Sees(page, "was applied already")
	_, page = c.Get("/people?q=eva")
	c.Sees(page, "Left")
}

func TestListWithProblemsDoesNothing(t *testing.T) {
	c := consoletest.New(t)
	status, page := sendList(t, c, signin.Owner, "name,slug,roles\nAna,ana,wizard\nBo,Bad Slug,\n", false)
	if status != http.StatusUnprocessableEntity {
		t.Fatal(status)
	}
	c.Sees(page, "2 things are wrong with the list", "there is no role", "add the role first")
	if status, page = sendList(t, c, signin.Owner, "", false); status != http.StatusUnprocessableEntity {
		t.Fatal(status)
	}
	c.Sees(page, "choose a file first")
	if status, _ = sendList(t, c, signin.Auditor, "name,slug\nBo,bo\n", false); status != http.StatusForbidden {
		t.Errorf("an auditor gets %d", status)
	}
}
