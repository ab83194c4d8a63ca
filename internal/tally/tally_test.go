// SPDX-License-Identifier: Apache-2.0

package tally

import (
	"cmp"
	"context"
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// house is a store with a clock of its own and the one who counts.
type house struct {
	t      interface{ Fatal(...any) }
	ctx    context.Context
	url    string
	signer note.Signer
	now    time.Time
	zone   string // of the first site
	store  *store.Store
	keeper *keeper
}

func newHouse(t *testing.T, now time.Time, zone string) *house {
	t.Helper()
	skey, _, err := note.GenerateKey(rand.Reader, "sashlock.example/test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, ctx: t.Context(), url: "sqlite://" + filepath.ToSlash(filepath.Join(t.TempDir(), "store.db")), signer: signer, now: now, zone: zone}
	h.start()
	t.Cleanup(func() { h.must(h.store.Close()) })
	return h
}

func (h *house) must(err error) {
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) start() {
	var err error
	h.store, err = store.Open(h.ctx, store.Options{URL: h.url, Now: func() time.Time { return h.now }, Signer: h.signer})
	h.must(err)
	h.keeper = newKeeper(h.store)
}

func (h *house) restart() {
	h.must(h.store.Close())
	h.start()
}

// book has two sites in different zones, with two openings in each.
func (h *house) book() *flow.Book {
	opening := func(slug string, site sashlock.SiteID) sashlock.Opening {
		return sashlock.Opening{ID: sashlock.OpeningID("opn_" + slug), Slug: slug, Name: slug, Kind: sashlock.Case, Class: sashlock.Standard,
			Egress: sashlock.EgressNone, OnFault: sashlock.HoldOnFault, ReleaseTime: 10 * time.Second, Site: site, Rev: 1}
	}
	b, err := flow.NewBook(access.Facts{
		Sites:    []sashlock.Site{{ID: "here", Slug: "here", Zone: h.zone, Rev: 1}, {ID: "there", Slug: "there", Zone: "Pacific/Auckland", Rev: 1}},
		Openings: []sashlock.Opening{opening("a", "here"), opening("b", "here"), opening("c", "there"), opening("d", "there")},
	}, nil)
	h.must(err)
	return b
}

func (h *house) record(events ...sashlock.Event) {
	_, err := h.store.Do(h.ctx, func(tx *store.Tx) error {
		for _, e := range events {
			tx.Append(e)
		}
		return nil
	})
	h.must(err)
}

// keep counts all there is.
func (h *house) keep() {
	for more := true; more; {
		var err error
		more, err = h.keeper.advance(h.ctx, h.book())
		h.must(err)
	}
}

func (h *house) days(site sashlock.SiteID, only []sashlock.OpeningID) map[string]Day {
	all, err := Days(h.ctx, h.store, h.book(), site, "2000-01-01", "2099-12-31", only)
	h.must(err)
	return all
}

// counted counts the ledger in the plainest way.
func (h *house) counted(events []sashlock.Event, site sashlock.SiteID, only []sashlock.OpeningID) map[string]Day {
	zone, err := time.LoadLocation(h.book().Sites[site].Zone)
	h.must(err)
	all := map[string]Day{}
	for _, e := range events {
		if e.Site != site || only != nil && e.Opening != only[0] {
			continue
		}
		at := e.Heard.In(zone)
		d := all[at.Format("2006-01-02")]
		switch e.Kind {
		case sashlock.OpeningOpened:
			d.Opens[at.Hour()]++
		case sashlock.AccessGranted:
			d.Granted++
		case sashlock.AccessDenied:
			d.Refused++
			d.Reasons = with(d.Reasons, e.Reason)
		case sashlock.AlarmRaised:
			d.Alarms++
		default:
			continue
		}
		all[at.Format("2006-01-02")] = d
	}
	return all
}

func with(all map[sashlock.Reason]int, why sashlock.Reason) map[sashlock.Reason]int {
	if all == nil {
		all = map[sashlock.Reason]int{}
	}
	all[why]++
	return all
}

// agree says where rows and ledger differ.
func (h *house) agree() (diff string) {
	events, err := h.store.Events(h.ctx, store.EventQuery{Limit: 10_000})
	h.must(err)
	for _, site := range []sashlock.SiteID{"here", "there"} {
		for _, only := range [][]sashlock.OpeningID{nil, {"opn_a"}, {""}} {
			diff = cmp.Or(diff, gocmp.Diff(h.counted(events, site, only), h.days(site, only), cmpopts.EquateEmpty()))
		}
	}
	return diff
}

// nights are hours in which the clocks of some place change, at the turn of a
// day too.
var nights = []struct {
	zone string
	from time.Time
}{
	{"Europe/Lisbon", time.Date(2026, 10, 24, 22, 0, 0, 0, time.UTC)},
	{"Europe/Lisbon", time.Date(2026, 3, 28, 22, 0, 0, 0, time.UTC)},
	{"Africa/Cairo", time.Date(2026, 10, 29, 19, 0, 0, 0, time.UTC)},      // from 0:00 back to 23:00
	{"Africa/Cairo", time.Date(2026, 4, 23, 20, 0, 0, 0, time.UTC)},       // midnight does not come
	{"America/Havana", time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC)},      // midnight comes twice
	{"Australia/Lord_Howe", time.Date(2026, 4, 4, 12, 0, 0, 0, time.UTC)}, // by half an hour
}

// Whatever happens, and whenever it is counted, what is read is what the ledger
// says: across nights in which the clocks change, after restarts, and with
// nothing counted yet.
func TestRowsSayWhatTheLedgerSays(t *testing.T) {
	for _, night := range nights {
		t.Run(night.zone+night.from.Format(" January"), func(t *testing.T) {
			h := newHouse(t, night.from, night.zone)
			rapid.Check(t, func(r *rapid.T) { // all checks go on with one store, until a day after the night
				if h.now.Sub(night.from) > 30*time.Hour {
					return
				}
				events := rapid.SliceOfN(rapid.Custom(event), 1, 12).Draw(r, "events")
				for _, e := range events {
					h.now = h.now.Add(time.Duration(rapid.IntRange(0, 40).Draw(r, "minutes")) * time.Minute)
					h.record(e)
				}
				switch rapid.IntRange(0, 3).Draw(r, "then") {
				case 0:
					h.restart()
				case 1, 2:
					h.keep()
				}
				if diff := h.agree(); diff != "" {
					r.Fatalf("ledger and rows differ: %s", diff)
				}
			})
			h.keep()
			if diff := h.agree(); diff != "" {
				t.Errorf("in the end: %s", diff)
			}
		})
	}
}

func event(r *rapid.T) sashlock.Event {
	kind := rapid.SampledFrom([]sashlock.EventKind{
		sashlock.OpeningOpened, sashlock.OpeningClosed, sashlock.AccessGranted, sashlock.AccessDenied, sashlock.AccessTaken, sashlock.AlarmRaised, sashlock.SystemStarted,
	}).Draw(r, "kind")
	e := sashlock.Event{Kind: kind}
	if kind == sashlock.SystemStarted {
		return e
	}
	e.Site = rapid.SampledFrom([]sashlock.SiteID{"here", "there"}).Draw(r, "site")
	e.Opening = rapid.SampledFrom([]sashlock.OpeningID{"opn_a", "opn_b", "opn_c", "opn_d", "opn_gone", ""}).Draw(r, "opening")
	if kind == sashlock.AccessDenied {
		e.Reason = rapid.SampledFrom([]sashlock.Reason{sashlock.Unauthorized, sashlock.PersonSuspended}).Draw(r, "reason")
	}
	return e
}
