// SPDX-License-Identifier: Apache-2.0

package grants_test

import (
	"testing"

	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/store"
)

func TestKeeps(t *testing.T) {
	f := roomtest.Everything(t)
	roomtest.OnEachEngine(t, func(_ *testing.T, r roomtest.Room) {
		r.Keeps(roomtest.Kind{
			Name: "grant", Ref: "ana-case", Remove: grants.Revoke,
			Save: func(tx *store.Tx, rev int64) (flow.Edit, error) {
				return grants.Save(tx, f.Grants[0], roomtest.Lookup(tx), rev)
			},
			Find: func(q store.Query, ref string) (string, int64, error) {
				o, err := grants.Find(q, ref)
				return string(o.ID), o.Rev, err
			},
			Listed: func(q store.Query) (int, error) { l, err := grants.List(q); return len(l), err },
		})
		r.Keeps(roomtest.Kind{
			Name: "schedule", Ref: "days", Remove: grants.RemoveSchedule,
			Save: func(tx *store.Tx, rev int64) (flow.Edit, error) {
				return grants.SaveSchedule(tx, f.Schedules[0], roomtest.Lookup(tx), rev)
			},
			Find: func(q store.Query, ref string) (string, int64, error) {
				o, err := grants.FindSchedule(q, ref)
				return string(o.ID), o.Rev, err
			},
			Listed: func(q store.Query) (int, error) { l, err := grants.ListSchedules(q); return len(l), err },
		})
	})
}

func TestRefusesWhatMakesNoSense(t *testing.T) {
	roomtest.OnEachEngine(t, func(_ *testing.T, r roomtest.Room) {
		r.Refuses("until", func(tx *store.Tx) (flow.Edit, error) {
			return grants.Save(tx, estate.Grant{Slug: "g", Person: "ana", Site: "lisbon", From: "2027-01-02T00:00:00Z", Until: "2027-01-01T00:00:00Z"}, roomtest.Lookup(tx), 0)
		})
		r.Refuses("opening", func(tx *store.Tx) (flow.Edit, error) {
			return grants.Save(tx, estate.Grant{Slug: "g", Person: "ana", Opening: "nowhere"}, roomtest.Lookup(tx), 0)
		})
		r.Refuses("person", func(tx *store.Tx) (flow.Edit, error) {
			return grants.Save(tx, estate.Grant{Slug: "g", Person: "nobody", Site: "lisbon"}, roomtest.Lookup(tx), 0)
		})
		r.Refuses("special[1].first", func(tx *store.Tx) (flow.Edit, error) {
			return grants.SaveSchedule(tx, estate.Schedule{Slug: "x", Name: "X", Special: []estate.SpecialDay{{Name: "A", First: "2026-12-01", Last: "2026-12-03"}, {Name: "B", First: "2026-12-03"}}}, roomtest.Lookup(tx), 0)
		})
		r.Refuses("last", func(tx *store.Tx) (flow.Edit, error) {
			return grants.SaveSchedule(tx, estate.Schedule{Slug: "x", Name: "X", First: "2026-12-03", Last: "2026-12-02"}, roomtest.Lookup(tx), 0)
		})
	})
}
