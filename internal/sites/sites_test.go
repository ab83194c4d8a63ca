// SPDX-License-Identifier: Apache-2.0

package sites_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

func TestKeeps(t *testing.T) {
	f := roomtest.Everything(t)
	roomtest.OnEachEngine(t, func(_ *testing.T, r roomtest.Room) {
		r.Keeps(roomtest.Kind{
			Name: "opening", Ref: "case-1", Remove: sites.RemoveOpening,
			Save: func(tx *store.Tx, rev int64) (flow.Edit, error) {
				return sites.SaveOpening(tx, f.Openings[0], roomtest.Lookup(tx), rev)
			},
			Find: func(q store.Query, ref string) (string, int64, error) {
				o, err := sites.FindOpening(q, ref)
				return string(o.ID), o.Rev, err
			},
			Listed: func(q store.Query) (int, error) { l, err := sites.ListOpenings(q); return len(l), err },
		})
		r.Keeps(roomtest.Kind{
			Name: "area", Ref: "lisbon/watches", Remove: sites.RemoveArea,
			Save: func(tx *store.Tx, rev int64) (flow.Edit, error) {
				return sites.SaveArea(tx, f.Areas[0], roomtest.Lookup(tx), rev)
			},
			Find: func(q store.Query, ref string) (string, int64, error) {
				o, err := sites.FindArea(q, ref)
				return string(o.ID), o.Rev, err
			},
			Listed: func(q store.Query) (int, error) { l, err := sites.ListAreas(q); return len(l), err },
		})
		r.Keeps(roomtest.Kind{
			Name: "site", Ref: "lisbon", Remove: sites.RemoveSite,
			Save: func(tx *store.Tx, rev int64) (flow.Edit, error) {
				return sites.SaveSite(tx, f.Sites[0], roomtest.Lookup(tx), rev)
			},
			Find: func(q store.Query, ref string) (string, int64, error) {
				o, err := sites.FindSite(q, ref)
				return string(o.ID), o.Rev, err
			},
			Listed: func(q store.Query) (int, error) { l, err := sites.ListSites(q); return len(l), err },
		})
	})
}

// An area that openings are in stays, and the error names them: without it they
// would ask for less.
func TestAnAreaNamesWhatIsInIt(t *testing.T) {
	f := roomtest.Everything(t)
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		err := r.Change(func(tx *store.Tx) (flow.Edit, error) { return sites.RemoveArea(tx, f.Areas[0].Ref(), 0) })
		var e *sashlock.Error
		if !errors.As(err, &e) || e.Kind != sashlock.Conflict || !strings.Contains(e.Hint, f.Openings[0].Slug) {
			t.Errorf("removing an area with an opening in it: %v", err)
		}
	})
}

func TestRefusesWhatMakesNoSense(t *testing.T) {
	roomtest.OnEachEngine(t, func(_ *testing.T, r roomtest.Room) {
		r.Refuses("zone", func(tx *store.Tx) (flow.Edit, error) {
			return sites.SaveSite(tx, estate.Site{Slug: "s", Name: "S", Zone: "right/Europe/Lisbon"}, roomtest.Lookup(tx), 0)
		})
		r.Refuses("site", func(tx *store.Tx) (flow.Edit, error) {
			return sites.SaveArea(tx, estate.Area{Slug: "x", Name: "X"}, roomtest.Lookup(tx), 0)
		})
	})
}
