// SPDX-License-Identifier: Apache-2.0

package incidents_test

import (
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/store"
)

var day = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// house is a hall over a real store with a clock of its own.
type house struct {
	t      *testing.T
	dir    string
	signer note.Signer
	now    time.Time
	store  *store.Store
	hall   *flow.Hall
}

func newHouse(t *testing.T) *house {
	t.Helper()
	skey, _, err := note.GenerateKey(rand.Reader, "sashlock.example/test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, dir: t.TempDir(), signer: signer, now: day}
	h.start()
	t.Cleanup(func() { h.must(h.store.Close()) })
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) start() {
	h.t.Helper()
	var err error
	h.store, err = store.Open(h.t.Context(), store.Options{
		URL: "sqlite://" + filepath.ToSlash(filepath.Join(h.dir, "store.db")), Now: func() time.Time { return h.now }, Signer: h.signer,
	})
	h.must(err)
	book, err := flow.NewBook(shop(), nil)
	h.must(err)
	h.hall = flow.New(flow.Options{Store: h.store, Now: func() time.Time { return h.now }}, book)
}

func (h *house) restart() {
	h.t.Helper()
	h.must(h.store.Close())
	h.start()
}

// shop is two sites with their areas and openings.
func shop() access.Facts {
	opening := func(slug string, site sashlock.SiteID, area sashlock.AreaID) sashlock.Opening {
		return sashlock.Opening{ID: sashlock.OpeningID("opn_" + slug), Slug: slug, Name: slug, Kind: sashlock.Case, Class: sashlock.Standard,
			Egress: sashlock.EgressNone, OnFault: sashlock.HoldOnFault, ReleaseTime: 10 * time.Second, Site: site, Area: area, Rev: 1}
	}
	return access.Facts{
		Sites: []sashlock.Site{{ID: "lisbon", Slug: "lisbon", Zone: "Europe/Lisbon", Rev: 1}, {ID: "porto", Slug: "porto", Zone: "Europe/Lisbon", Rev: 1}},
		Areas: []sashlock.Area{
			{ID: "watches", Slug: "watches", Site: "lisbon", Rev: 1}, {ID: "back", Slug: "back", Site: "lisbon", Rev: 1}, {ID: "floor", Slug: "floor", Site: "porto", Rev: 1},
		},
		Openings: []sashlock.Opening{
			opening("case-1", "lisbon", "watches"), opening("case-2", "lisbon", "watches"), opening("cage-1", "lisbon", "back"),
			opening("gate", "lisbon", ""), opening("hatch", "lisbon", ""), opening("porto-case", "porto", "floor"),
		},
	}
}

// raise records an alarm as flow does.
func (h *house) raise(slug, rule string, level sashlock.Level) sashlock.AlarmID {
	h.t.Helper()
	site := sashlock.SiteID("lisbon")
	if slug == "porto-case" {
		site = "porto"
	}
	var id sashlock.AlarmID
	_, err := h.store.Do(h.t.Context(), func(tx *store.Tx) error {
		id = sashlock.NewID[sashlock.AlarmID](tx.Now())
		a := sashlock.Alarm{ID: id, Rule: rule, Level: level, Site: site, Opening: sashlock.OpeningID("opn_" + slug), Why: "x", Raised: tx.Now(), Rev: 1}
		tx.SaveAlarm(a)
		tx.Append(sashlock.Event{Kind: sashlock.AlarmRaised, Site: a.Site, Opening: a.Opening, Alarm: a.ID, Rule: a.Rule, Why: a.Why})
		return nil
	})
	h.must(err)
	return id
}

// gather shows the whole ledger to the room, as a follower without a cursor
// would see it.
func (h *house) gather() {
	h.t.Helper()
	events, err := h.store.Events(h.t.Context(), store.EventQuery{Limit: 1000})
	h.must(err)
	h.must(incidents.Gather(h.t.Context(), h.hall, events))
}

func (h *house) list(f incidents.Filter) (all []incidents.Incident) {
	h.t.Helper()
	h.must(h.store.View(h.t.Context(), func(q store.Query) (err error) { all, err = incidents.List(q, f, 100); return err }))
	return all
}

func (h *house) kinds(kind sashlock.EventKind) []sashlock.Event {
	h.t.Helper()
	events, err := h.store.Events(h.t.Context(), store.EventQuery{Kind: string(kind), Limit: 1000})
	h.must(err)
	return events
}
