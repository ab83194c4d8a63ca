// SPDX-License-Identifier: Apache-2.0

package now

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/plans"
	"github.com/sashlock/sashlock/internal/signin"
)

// BenchmarkBoard puts the page of a store with 300 openings together, renders
// it, and finds what of it has changed.
func BenchmarkBoard(b *testing.B) {
	facts := access.Facts{Sites: []sashlock.Site{site}}
	var states []sashlock.OpeningState
	for i := range 300 {
		area := sashlock.AreaID(fmt.Sprint("area_", i/25))
		if i%25 == 0 {
			facts.Areas = append(facts.Areas, sashlock.Area{ID: area, Slug: fmt.Sprint("area-", i/25), Name: fmt.Sprint("Area ", i/25), Site: site.ID})
		}
		id := sashlock.OpeningID(fmt.Sprint("opn_", i))
		facts.Openings = append(facts.Openings, sashlock.Opening{
			ID: id, Slug: fmt.Sprint("case-", i), Name: fmt.Sprint("Case ", i), Kind: sashlock.Case, Site: site.ID, Area: area,
			Egress: sashlock.EgressNone, OpenTime: time.Minute, ReleaseTime: 25 * time.Second,
			Plan: sashlock.Place{X: 60 + 250*(i/25%4) + 40*(i%5), Y: 60 + 300*(i/100) + 50*(i%25/5)},
		})
		states = append(states, sashlock.OpeningState{Opening: id, Lock: sashlock.Locked, LockAt: ago(i), Position: sashlock.Closed, PositionAt: ago(i), Heard: ago(1)})
	}
	book, err := flow.NewBook(facts, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, as := range []string{asPlan, asWall, asList} {
		b.Run(as, func(b *testing.B) {
			for b.Loop() {
				one := &board{Site: site, Zone: ten.Location(), Now: ten, View: view{Site: site, As: as}}
				one.pins(book, states, signin.Operator{})
				one.lay(book, plans.Plan{Ratio: plans.DefaultRatio}, one.spots(book))
				one.count(b.Context(), work{})
				if console.At(one.parts()) == "" {
					b.Fatal("the page shows nothing")
				}
				if err := boardPage(one).Render(b.Context(), io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
