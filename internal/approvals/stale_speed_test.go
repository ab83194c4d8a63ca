// SPDX-License-Identifier: Apache-2.0

package approvals_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/flow"
)

// BenchmarkStale is what the page of stale grants takes for 10,000 of them at
// 300 openings.
func BenchmarkStale(b *testing.B) {
	f := access.Facts{Sites: []sashlock.Site{{ID: "site_1", Slug: "s", Zone: "UTC"}}}
	for i := range 10 {
		f.Areas = append(f.Areas, sashlock.Area{ID: sashlock.AreaID(fmt.Sprint("area_", i)), Slug: fmt.Sprint("a", i), Site: "site_1"})
	}
	for i := range 300 {
		f.Openings = append(f.Openings, sashlock.Opening{ID: sashlock.OpeningID(fmt.Sprint("opn_", i)), Slug: fmt.Sprint("o", i), Site: "site_1", Area: f.Areas[i%10].ID})
	}
	for i := range 5000 {
		f.People = append(f.People, sashlock.Person{ID: sashlock.PersonID(fmt.Sprint("prs_", i)), Slug: fmt.Sprint("p", i)})
	}
	for i := range 10_000 {
		g := sashlock.Grant{ID: sashlock.GrantID(fmt.Sprint("grt_", i)), Slug: fmt.Sprint("g", i), Person: f.People[i%5000].ID}
		if g.Opening = f.Openings[i%300].ID; i%2 == 0 {
			g.Opening, g.Area = "", f.Areas[i%10].ID
		}
		f.Grants = append(f.Grants, g)
	}
	book, err := flow.NewBook(f, nil)
	if err != nil {
		b.Fatal(err)
	}
	look := approvals.Look{Now: time.Now(), Idle: 30 * 24 * time.Hour}
	for b.Loop() {
		if some := approvals.Stale(book, f.Grants, look); len(some) == 0 {
			b.Fatal("nothing is stale")
		}
	}
}
