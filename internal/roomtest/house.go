// SPDX-License-Identifier: Apache-2.0

package roomtest

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// emptyPostgres creates a database for one test and returns its URL.
func emptyPostgres(t *testing.T, base string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	u.Path = "/sashlock_" + strings.ToLower(rand.Text())[:12]
	if _, err := admin.Exec("CREATE DATABASE " + u.Path[1:]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE " + u.Path[1:] + " WITH (FORCE)"); err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
	})
	return u.String()
}

const everything = `
sites:
  - {slug: lisbon, name: Lisbon, zone: Europe/Lisbon, hours: days}
areas:
  - {slug: watches, site: lisbon, name: Watches}
openings:
  - {slug: case-1, name: Case 1, kind: case, site: lisbon, area: watches, release_time: 25s, open_time: 2m, unattended: 45s, plan: [1, 2], class: high, on_fault: release}
roles:
  - {slug: associate, name: Associate}
people:
  - {slug: ana, name: Ana Costa, roles: [associate], from: "2026-01-01T00:00:00.123456Z", until: "2200-01-01T00:00:00Z"}
schedules:
  - slug: days
    name: Days
    weekly: [{days: [mon], from: "22:00", until: "06:00"}]
    special: [{name: Christmas, first: "2026-12-25"}, {name: Fair, first: "2026-12-27", last: "2026-12-29", spans: [{from: "10:00", until: "14:00"}]}]
    first: "2026-01-01"
grants:
  - {slug: ana-case, person: ana, opening: case-1, schedule: days, until: "2027-01-01T00:00:00Z"}
`

// Everything is an estate with one object of each kind.
func Everything(t testing.TB) estate.File {
	t.Helper()
	f, err := estate.Parse([]byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Lookup finds objects as the API does.
func Lookup(tx *store.Tx) estate.Lookup {
	return func(k estate.Kind, ref string) (id string) {
		switch k {
		case estate.Sites:
			o, _ := sites.FindSite(tx, ref)
			return string(o.ID)
		case estate.Areas:
			o, _ := sites.FindArea(tx, ref)
			return string(o.ID)
		case estate.Openings:
			o, _ := sites.FindOpening(tx, ref)
			return string(o.ID)
		case estate.Roles:
			o, _ := people.FindRole(tx, ref)
			return string(o.ID)
		case estate.People:
			o, _ := people.Find(tx, ref)
			return string(o.ID)
		case estate.Schedules:
			o, _ := grants.FindSchedule(tx, ref)
			return string(o.ID)
		}
		return ""
	}
}
