// SPDX-License-Identifier: Apache-2.0

package inside_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// puts says where somebody is.
func puts(c *consoletest.Counter, person, site string, area sashlock.AreaID) {
	_, err := c.Store.Do(c.Ctx(), func(tx *store.Tx) error {
		tx.SavePersonState(sashlock.PersonState{Person: c.Person(person), Site: c.Site(site), Area: area, Since: tx.Now(), Last: tx.Now()})
		return nil
	})
	c.Must(err)
}

func area(c *consoletest.Counter, slug string) (id sashlock.AreaID) {
	for _, a := range c.Hall.Book().Areas {
		if a.Slug == slug {
			id = a.ID
		}
	}
	return id
}

func TestWhoIsInsideIsSaidAndSetRight(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/inside?site=lisbon")
	c.Sees(page, "Nobody is known to be inside")
	puts(c, "ana", "lisbon", area(c, "watches"))
	puts(c, "eva", "porto", area(c, "floor"))
	c.As(signin.Manager)
	_, page = c.Get("/inside?site=lisbon")
	c.Sees(page, "1 person is known to be inside.", "Watches 1", "Ana Costa", "Is outside")
	if strings.Contains(page, "Eva") {
		t.Error("somebody of another store is shown")
	}
	if status, _ := c.Get("/inside?site=porto"); status != http.StatusForbidden {
		t.Errorf("another store: %d", status)
	}
	if status, _, _ := c.Post("/inside/forgive", url.Values{"person": {"eva"}}); status != http.StatusForbidden {
		t.Errorf("forgiving elsewhere: %d", status)
	}
	if status, _, _ := c.Post("/inside/forgive", url.Values{"person": {"nobody"}}); status != http.StatusBadRequest {
		t.Errorf("forgiving nobody: %d", status)
	}
	if status, to, _ := c.Post("/inside/forgive", url.Values{"person": {"ana"}}); status != http.StatusSeeOther || to != "/inside?site=lisbon" {
		t.Errorf("forgiving: %d %s", status, to)
	}
	if s := c.Store.PersonState(c.Person("ana")); s.Area != "" {
		t.Errorf("Ana is still in %s", s.Area)
	}
	c.As(signin.Auditor)
	if status, _, _ := c.Post("/inside/forgive", url.Values{"person": {"ana"}}); status != http.StatusForbidden {
		t.Errorf("forgiving as an auditor: %d", status)
	}
}
