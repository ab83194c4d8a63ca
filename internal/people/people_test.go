// SPDX-License-Identifier: Apache-2.0

package people_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/store"
)

func TestKeeps(t *testing.T) {
	f := roomtest.Everything(t)
	roomtest.OnEachEngine(t, func(_ *testing.T, r roomtest.Room) {
		r.Keeps(roomtest.Kind{
			Name: "person", Ref: "ana", Remove: people.Remove,
			Save: func(tx *store.Tx, rev int64) (flow.Edit, error) {
				return people.Save(tx, f.People[0], roomtest.Lookup(tx), rev)
			},
			Find: func(q store.Query, ref string) (string, int64, error) {
				o, err := people.Find(q, ref)
				return string(o.ID), o.Rev, err
			},
			Listed: func(q store.Query) (int, error) { l, err := people.List(q); return len(l), err },
		})
		r.Keeps(roomtest.Kind{
			Name: "role", Ref: "associate", Remove: people.RemoveRole,
			Save: func(tx *store.Tx, rev int64) (flow.Edit, error) {
				return people.SaveRole(tx, f.Roles[0], roomtest.Lookup(tx), rev)
			},
			Find: func(q store.Query, ref string) (string, int64, error) {
				o, err := people.FindRole(q, ref)
				return string(o.ID), o.Rev, err
			},
			Listed: func(q store.Query) (int, error) { l, err := people.ListRoles(q); return len(l), err },
		})
	})
}

func TestRefusesWhatMakesNoSense(t *testing.T) {
	roomtest.OnEachEngine(t, func(_ *testing.T, r roomtest.Room) {
		r.Refuses("name", func(tx *store.Tx) (flow.Edit, error) {
			return people.Save(tx, estate.Person{Slug: "p", Name: "Ana\u202eatsoC"}, roomtest.Lookup(tx), 0)
		})
		r.Refuses("slug", func(tx *store.Tx) (flow.Edit, error) {
			return people.SaveRole(tx, estate.Role{Slug: "Über", Name: "X"}, roomtest.Lookup(tx), 0)
		})
	})
}

func TestNamesInEveryScriptAreKept(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		for _, name := range []string{"José Núñez", "王小明", "محمد علي", "דנה", "👩‍🔧", "O'Brien; DROP TABLE people", "a\u0301", strings.Repeat("名", 80)} {
			if err := r.Change(func(tx *store.Tx) (flow.Edit, error) {
				return people.Save(tx, estate.Person{Slug: "p", Name: name}, roomtest.Lookup(tx), 0)
			}); err != nil {
				t.Errorf("%q: %v", name, err)
			}
			r.View(func(q store.Query) error {
				p, err := people.Find(q, "p")
				if p.Name != name {
					t.Errorf("kept %q, said %q", p.Name, name)
				}
				return err
			})
		}
	})
}

// Slugs of people are mostly made of their names, so errors about revisions,
// which may be logged, give the identifier.
func TestErrorsAboutRevisionsNameNobody(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		save := r.Change(func(tx *store.Tx) (flow.Edit, error) {
			return people.Save(tx, roomtest.Everything(t).People[0], roomtest.Lookup(tx), 9)
		})
		remove := r.Change(func(tx *store.Tx) (flow.Edit, error) { return people.Remove(tx, "ana", 9) })
		referred := r.Change(func(tx *store.Tx) (flow.Edit, error) { return people.Remove(tx, "ana", 0) })
		for _, err := range []error{save, remove, referred} {
			var e *sashlock.Error
			if !errors.As(err, &e) || e.Kind != sashlock.Conflict || !strings.HasPrefix(e.Subject, "prs_") {
				t.Errorf("%v, want a conflict about an identifier", err)
			}
		}
	})
}
