// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/files"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// TestWhatHasDriftedIsShown: the page names the file, the thing, the field and
// both values, and lets the file go.
func TestWhatHasDriftedIsShown(t *testing.T) {
	c := consoletest.New(t)
	_, err := c.Hall.Change(t.Context(), flow.Change{Make: func(tx *store.Tx) (flow.Edit, error) {
		events, err := files.Keep(tx, "store.yaml", "", estate.File{Roles: []estate.Role{{Slug: "gone", Name: "Gone"}}, Sites: []estate.Site{{Slug: "lisbon", Name: "As the file says", Zone: "Europe/Lisbon"}}})
		return flow.Edit{Events: events}, err
	}})
	c.Must(err)
	c.As(signin.Owner)
	_, page := c.Get("/settings/files")
	c.Sees(page, "store.yaml", "2 things have drifted", "role gone", "it was removed", "site lisbon", "name", "As the file says", "Lisbon flagship")
	if status, to, _ := c.Post("/settings/files/forget", url.Values{"name": {"store.yaml"}}); status != http.StatusSeeOther || to != "/settings/files" {
		t.Errorf("forgetting: %d, to %s", status, to)
	}
	if status, _, _ := c.Post("/settings/files/forget", url.Values{"name": {"store.yaml"}}); status != http.StatusNotFound {
		t.Errorf("forgetting it again: %d", status)
	}
	_, page = c.Get("/settings/files")
	c.Sees(page, "No file was applied yet")
}
