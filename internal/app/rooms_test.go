// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/alarms"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// These tests are of the rooms, which do nothing without a store and a hall, on
// both engines.

// rooms is a house whose rooms are tried.
type rooms struct {
	*House
	t *testing.T
}

func onEachEngine(t *testing.T, test func(t *testing.T, r rooms)) {
	t.Helper()
	run := func(t *testing.T, database string) {
		data := t.TempDir()
		if _, err := Init(data); err != nil {
			t.Fatal(err)
		}
		h, err := New(t.Context(), Config{Data: data, Database: database, JournalSize: 1 << 20}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := h.Stop(); err != nil {
				t.Errorf("stopping: %v", err)
			}
		})
		r := rooms{h, t}
		f, err := estate.Parse([]byte(everything))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Hall.Change(t.Context(), api.Apply("", estate.Diff(estate.File{}, f, false))); err != nil {
			t.Fatal(err)
		}
		test(t, r)
	}
	t.Run("sqlite", func(t *testing.T) { run(t, "") })
	t.Run("postgres", func(t *testing.T) {
		base := os.Getenv("SASHLOCK_TEST_POSTGRES")
		if base == "" && os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal("SASHLOCK_TEST_POSTGRES is not set")
		}
		if base == "" {
			t.Skip("set SASHLOCK_TEST_POSTGRES to the URL of a PostgreSQL whose user may create databases")
		}
		run(t, emptyPostgres(t, base))
	})
}

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

// lookup finds objects as the API does.
func lookup(tx *store.Tx) estate.Lookup {
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

// change runs one edit.
func (r rooms) change(edit func(tx *store.Tx) (flow.Edit, error)) error {
	_, err := r.Hall.Change(r.t.Context(), flow.Change{Make: edit})
	return err
}

func (r rooms) view(f func(q store.Query) error) {
	r.t.Helper()
	if err := r.Store.View(r.t.Context(), f); err != nil {
		r.t.Fatal(err)
	}
}

// kind is one room's handling of one kind of object.
type kind struct {
	name, ref string
	save      func(tx *store.Tx, rev int64) (flow.Edit, error) // the same again under its slug
	remove    func(tx *store.Tx, ref string, rev int64) (flow.Edit, error)
	find      func(q store.Query, ref string) (id string, rev int64, err error)
	listed    func(q store.Query) (int, error)
}

func kinds() []kind {
	f, _ := estate.Parse([]byte(everything))
	return []kind{
		{"grant", "ana-case", func(tx *store.Tx, rev int64) (flow.Edit, error) { return grants.Save(tx, f.Grants[0], lookup(tx), rev) }, grants.Revoke,
			func(q store.Query, ref string) (string, int64, error) {
				o, err := grants.Find(q, ref)
				return string(o.ID), o.Rev, err
			}, func(q store.Query) (int, error) { l, err := grants.List(q); return len(l), err }},
		{"person", "ana", func(tx *store.Tx, rev int64) (flow.Edit, error) { return people.Save(tx, f.People[0], lookup(tx), rev) }, people.Remove,
			func(q store.Query, ref string) (string, int64, error) {
				o, err := people.Find(q, ref)
				return string(o.ID), o.Rev, err
			}, func(q store.Query) (int, error) { l, err := people.List(q); return len(l), err }},
		{"role", "associate", func(tx *store.Tx, rev int64) (flow.Edit, error) {
			return people.SaveRole(tx, f.Roles[0], lookup(tx), rev)
		}, people.RemoveRole,
			func(q store.Query, ref string) (string, int64, error) {
				o, err := people.FindRole(q, ref)
				return string(o.ID), o.Rev, err
			}, func(q store.Query) (int, error) { l, err := people.ListRoles(q); return len(l), err }},
		{"opening", "case-1", func(tx *store.Tx, rev int64) (flow.Edit, error) {
			return sites.SaveOpening(tx, f.Openings[0], lookup(tx), rev)
		}, sites.RemoveOpening,
			func(q store.Query, ref string) (string, int64, error) {
				o, err := sites.FindOpening(q, ref)
				return string(o.ID), o.Rev, err
			}, func(q store.Query) (int, error) { l, err := sites.ListOpenings(q); return len(l), err }},
		{"area", "lisbon/watches", func(tx *store.Tx, rev int64) (flow.Edit, error) {
			return sites.SaveArea(tx, f.Areas[0], lookup(tx), rev)
		}, sites.RemoveArea,
			func(q store.Query, ref string) (string, int64, error) {
				o, err := sites.FindArea(q, ref)
				return string(o.ID), o.Rev, err
			}, func(q store.Query) (int, error) { l, err := sites.ListAreas(q); return len(l), err }},
		{"site", "lisbon", func(tx *store.Tx, rev int64) (flow.Edit, error) {
			return sites.SaveSite(tx, f.Sites[0], lookup(tx), rev)
		}, sites.RemoveSite,
			func(q store.Query, ref string) (string, int64, error) {
				o, err := sites.FindSite(q, ref)
				return string(o.ID), o.Rev, err
			}, func(q store.Query) (int, error) { l, err := sites.ListSites(q); return len(l), err }},
		{"schedule", "days", func(tx *store.Tx, rev int64) (flow.Edit, error) {
			return grants.SaveSchedule(tx, f.Schedules[0], lookup(tx), rev)
		}, grants.RemoveSchedule,
			func(q store.Query, ref string) (string, int64, error) {
				o, err := grants.FindSchedule(q, ref)
				return string(o.ID), o.Rev, err
			}, func(q store.Query) (int, error) { l, err := grants.ListSchedules(q); return len(l), err }},
	}
}

func TestWhatIsKeptIsWhatWasSaid(t *testing.T) {
	onEachEngine(t, func(t *testing.T, r rooms) {
		said, err := estate.Parse([]byte(everything))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := r.API.Estate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if steps := estate.Diff(kept, said, true); len(steps) > 0 {
			t.Errorf("differs: %v", steps)
		}
		// A house built over the same store knows the same.
		book, err := load(t.Context(), r.Store)
		if err != nil {
			t.Fatal(err)
		}
		live := r.Hall.Book()
		for _, pair := range [][2]any{{live.Sites, book.Sites}, {live.Areas, book.Areas}, {live.Openings, book.Openings}, {live.People, book.People}, {live.Roles, book.Roles}, {live.Schedules, book.Schedules}} {
			if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
				t.Errorf("loaded otherwise:\n%s", diff)
			}
		}
	})
}

func TestEveryRoomSavesFindsAndMindsRevisions(t *testing.T) {
	onEachEngine(t, func(t *testing.T, r rooms) {
		for _, k := range kinds() {
			var id string
			r.view(func(q store.Query) (err error) {
				var rev int64
				if id, rev, err = k.find(q, k.ref); err != nil || rev != 1 || !strings.Contains(id, "_") {
					t.Errorf("%s: found %s rev %d, %v", k.name, id, rev, err)
				}
				if byID, _, err := k.find(q, id); byID != id || err != nil {
					t.Errorf("%s: by identifier found %s, %v", k.name, byID, err)
				}
				if n, err := k.listed(q); n != 1 || err != nil {
					t.Errorf("%s: listed %d, %v", k.name, n, err)
				}
				for _, none := range []string{"", "none", "a\x00b", "\xff", "' OR 1=1 --", "%", strings.Repeat("x", 5000)} {
					if _, _, err := k.find(q, none); !sashlock.IsKind(err, sashlock.NotFound) || len(err.Error()) > 200 {
						t.Errorf("%s: finding %.20q: %v", k.name, none, err)
					}
				}
				return nil
			})
			if err := r.change(func(tx *store.Tx) (flow.Edit, error) { return k.save(tx, 1) }); err != nil {
				t.Errorf("%s: saving: %v", k.name, err)
			}
			for _, rev := range []int64{1, 3, 99} {
				err := r.change(func(tx *store.Tx) (flow.Edit, error) { return k.save(tx, rev) })
				if !sashlock.IsKind(err, sashlock.Conflict) || !errors.Is(err, store.ErrChanged) {
					t.Errorf("%s: saving revision %d: %v", k.name, rev, err)
				}
				err = r.change(func(tx *store.Tx) (flow.Edit, error) { return k.remove(tx, k.ref, rev) })
				if !sashlock.IsKind(err, sashlock.Conflict) || !errors.Is(err, store.ErrChanged) {
					t.Errorf("%s: removing revision %d: %v", k.name, rev, err)
				}
			}
			r.view(func(q store.Query) error {
				same, rev, err := k.find(q, k.ref)
				if same != id || rev != 2 {
					t.Errorf("%s: is now %s rev %d", k.name, same, rev)
				}
				return err
			})
			err := r.change(func(tx *store.Tx) (flow.Edit, error) { return k.remove(tx, "none", 0) })
			if !sashlock.IsKind(err, sashlock.NotFound) {
				t.Errorf("%s: removing nothing: %v", k.name, err)
			}
		}
	})
}

func TestWhatIsReferredToStays(t *testing.T) {
	onEachEngine(t, func(t *testing.T, r rooms) {
		for i, k := range kinds() { // in the order in which they can be removed
			for _, later := range kinds()[i+1:] {
				if later.name == "role" && k.name != "person" || later.name == "area" && k.name == "role" {
					continue // only a person has the role, only the opening has the area
				}
				if k.name == "person" && later.name != "role" || k.name == "role" {
					continue
				}
				err := r.change(func(tx *store.Tx) (flow.Edit, error) { return later.remove(tx, later.ref, 0) })
				var e *sashlock.Error
				if !errors.As(err, &e) || e.Kind != sashlock.Conflict || !strings.Contains(e.Hint, "still refers to it") {
					t.Errorf("removing %s before %s: %v", later.name, k.name, err)
				}
			}
			if err := r.change(func(tx *store.Tx) (flow.Edit, error) { return k.remove(tx, k.ref, 0) }); err != nil {
				t.Errorf("removing %s: %v", k.name, err)
			}
			r.view(func(q store.Query) error {
				if n, err := k.listed(q); n != 0 {
					t.Errorf("%d of %s left, %v", n, k.name, err)
				}
				return nil
			})
		}
	})
}

func TestRoomsRefuseWhatMakesNoSense(t *testing.T) {
	onEachEngine(t, func(t *testing.T, r rooms) {
		for field, save := range map[string]func(tx *store.Tx) (flow.Edit, error){
			"until": func(tx *store.Tx) (flow.Edit, error) {
				return grants.Save(tx, estate.Grant{Slug: "g", Person: "ana", Site: "lisbon", From: "2027-01-02T00:00:00Z", Until: "2027-01-01T00:00:00Z"}, lookup(tx), 0)
			},
			"opening": func(tx *store.Tx) (flow.Edit, error) {
				return grants.Save(tx, estate.Grant{Slug: "g", Person: "ana", Opening: "nowhere"}, lookup(tx), 0)
			},
			"person": func(tx *store.Tx) (flow.Edit, error) {
				return grants.Save(tx, estate.Grant{Slug: "g", Person: "nobody", Site: "lisbon"}, lookup(tx), 0)
			},
			"zone": func(tx *store.Tx) (flow.Edit, error) {
				return sites.SaveSite(tx, estate.Site{Slug: "s", Name: "S", Zone: "right/Europe/Lisbon"}, lookup(tx), 0)
			},
			"name": func(tx *store.Tx) (flow.Edit, error) {
				return people.Save(tx, estate.Person{Slug: "p", Name: "Ana\u202eatsoC"}, lookup(tx), 0)
			},
			"special[1].first": func(tx *store.Tx) (flow.Edit, error) {
				return grants.SaveSchedule(tx, estate.Schedule{Slug: "x", Name: "X", Special: []estate.SpecialDay{{Name: "A", First: "2026-12-01", Last: "2026-12-03"}, {Name: "B", First: "2026-12-03"}}}, lookup(tx), 0)
			},
			"last": func(tx *store.Tx) (flow.Edit, error) {
				return grants.SaveSchedule(tx, estate.Schedule{Slug: "x", Name: "X", First: "2026-12-03", Last: "2026-12-02"}, lookup(tx), 0)
			},
			"site": func(tx *store.Tx) (flow.Edit, error) {
				return sites.SaveArea(tx, estate.Area{Slug: "x", Name: "X"}, lookup(tx), 0)
			},
			"slug": func(tx *store.Tx) (flow.Edit, error) {
				return people.SaveRole(tx, estate.Role{Slug: "Über", Name: "X"}, lookup(tx), 0)
			},
		} {
			size := r.Store.Size()
			var e *sashlock.Error
			if err := r.change(save); !errors.As(err, &e) || e.Kind != sashlock.Invalid || e.Subject != field || e.Hint == "" {
				t.Errorf("%s: %v", field, err)
			}
			if r.Store.Size() != size {
				t.Errorf("%s: the ledger grew", field)
			}
		}
	})
}

func TestNamesInEveryScriptAreKept(t *testing.T) {
	onEachEngine(t, func(t *testing.T, r rooms) {
		for _, name := range []string{"José Núñez", "王小明", "محمد علي", "דנה", "👩‍🔧", "O'Brien; DROP TABLE people", "a\u0301", strings.Repeat("名", 80)} {
			if err := r.change(func(tx *store.Tx) (flow.Edit, error) {
				return people.Save(tx, estate.Person{Slug: "p", Name: name}, lookup(tx), 0)
			}); err != nil {
				t.Errorf("%q: %v", name, err)
			}
			r.view(func(q store.Query) error {
				p, err := people.Find(q, "p")
				if p.Name != name {
					t.Errorf("kept %q, said %q", p.Name, name)
				}
				return err
			})
		}
	})
}

func TestTokensEnd(t *testing.T) {
	onEachEngine(t, func(t *testing.T, r rooms) {
		token, secret, err := r.Signin.Issue(t.Context(), "", "till", []signin.Scope{signin.Release, signin.Read, signin.Read}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Signin.Check(t.Context(), secret)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(token, got); diff != "" {
			t.Error(diff)
		}
		if !got.May(signin.Read) || got.May(signin.Setup) {
			t.Errorf("scopes %v", got.Scopes)
		}
		var kept int
		r.view(func(q store.Query) error {
			return q.QueryRow(`SELECT COUNT(*) FROM tokens WHERE name LIKE ?`, "%"+secret+"%").Scan(&kept)
		})
		later := signin.New(r.Store, r.Hall, func() time.Time { return time.Now().Add(time.Hour) })
		_, expired := later.Check(t.Context(), secret)
		if err := r.Signin.Revoke(t.Context(), "", token.ID); err != nil {
			t.Fatal(err)
		}
		_, revoked := r.Signin.Check(t.Context(), secret)
		_, wrong := r.Signin.Check(t.Context(), secret[:len(secret)-1]+"!")
		_, empty := r.Signin.Check(t.Context(), "")
		for _, err := range []error{expired, revoked, wrong, empty} {
			if !sashlock.IsKind(err, sashlock.Denied) || err.Error() != expired.Error() {
				t.Errorf("refused with %v, want %v", err, expired)
			}
		}
		if valid, err := r.Signin.Valid(t.Context(), token.ID); valid || err != nil {
			t.Errorf("valid %v, %v", valid, err)
		}
		for name, issue := range map[string]func() error{
			"no scope": func() error { _, _, err := r.Signin.Issue(t.Context(), "", "x", nil, time.Hour); return err },
			"unknown scope": func() error {
				_, _, err := r.Signin.Issue(t.Context(), "", "x", []signin.Scope{"public"}, time.Hour)
				return err
			},
			"for ever": func() error {
				_, _, err := r.Signin.Issue(t.Context(), "", "x", signin.Scopes(), 1<<62)
				return err
			},
			"no name": func() error { _, _, err := r.Signin.Issue(t.Context(), "", "", signin.Scopes(), time.Hour); return err },
		} {
			if err := issue(); !sashlock.IsKind(err, sashlock.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestAlarmsAreAcknowledgedOnce(t *testing.T) {
	onEachEngine(t, func(t *testing.T, r rooms) {
		at := time.Now().UTC().Truncate(time.Microsecond)
		ids := []sashlock.AlarmID{}
		_, err := r.Store.Do(context.Background(), func(tx *store.Tx) error {
			ids = ids[:0]
			for i := range 5 {
				a := sashlock.Alarm{ID: sashlock.NewID[sashlock.AlarmID](at.Add(time.Duration(i) * time.Second)), Rule: "forced", Level: sashlock.Act, Site: "site_1", Opening: "opn_1", Why: "x", Raised: at, Cleared: at, Rev: 1}
				tx.SaveAlarm(a)
				ids = append(ids, a.ID)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			a, err := alarms.Acknowledge(t.Context(), r.Hall, "opr_1", ids[2])
			if err != nil || a.By != "opr_1" || a.Rev != 2 || a.Standing() {
				t.Errorf("acknowledged %+v, %v", a, err)
			}
		}
		if _, err := alarms.Acknowledge(t.Context(), r.Hall, "opr_1", "alm_none"); !sashlock.IsKind(err, sashlock.NotFound) {
			t.Errorf("acknowledging nothing: %v", err)
		}
		r.view(func(q store.Query) error {
			standing, err := alarms.List(q, false, "", 10)
			if err != nil || len(standing) != 4 || standing[0].ID != ids[4] {
				t.Errorf("standing %+v, %v", standing, err)
			}
			rest, err := alarms.List(q, true, string(ids[3]), 2)
			if err != nil || len(rest) != 2 || rest[0].ID != ids[2] || rest[1].ID != ids[1] {
				t.Errorf("behind %s: %+v, %v", ids[3], rest, err)
			}
			found, err := alarms.Find(q, string(ids[2]))
			if found.By != "opr_1" || !found.Cleared.Equal(at) {
				t.Errorf("found %+v", found)
			}
			return err
		})
	})
}
