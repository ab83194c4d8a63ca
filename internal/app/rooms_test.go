// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/alarms"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// These tests are of rooms together: what one keeps and another refers to.

func TestWhatIsKeptIsWhatWasSaid(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		said := roomtest.Everything(t)
		kept, err := r.API.Estate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if steps := estate.Diff(kept, said, true); len(steps) > 0 {
			t.Errorf("differs: %v", steps)
		}
		// A house built over the same store knows the same.
		book, err := app.Load(t.Context(), r.Store, time.Now())
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

// removal is how one kind of object goes.
type removal struct {
	name, ref string
	remove    func(tx *store.Tx, ref string, rev int64) (flow.Edit, error)
	find      func(q store.Query, ref string) error
}

// removals is an order in which the objects of [roomtest.Everything] can go.
func removals() []removal {
	return []removal{
		{"grant", "ana-case", grants.Revoke, found(grants.Find)},
		{"person", "ana", people.Remove, found(people.Find)},
		{"role", "associate", people.RemoveRole, found(people.FindRole)},
		{"opening", "case-1", sites.RemoveOpening, found(sites.FindOpening)},
		{"area", "lisbon/watches", sites.RemoveArea, found(sites.FindArea)},
		{"site", "lisbon", sites.RemoveSite, found(sites.FindSite)},
		{"schedule", "days", grants.RemoveSchedule, found(grants.FindSchedule)},
	}
}

func found[T any](find func(q store.Query, ref string) (T, error)) func(q store.Query, ref string) error {
	return func(q store.Query, ref string) error {
		_, err := find(q, ref)
		return err
	}
}

func TestWhatIsReferredToStays(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		order := removals()
		for i, k := range order { // in the order in which they can be removed
			for _, later := range order[i+1:] {
				if later.name == "role" && k.name != "person" || later.name == "area" && k.name == "role" {
					continue // only a person has the role, only the opening has the area
				}
				if k.name == "person" && later.name != "role" || k.name == "role" {
					continue
				}
				err := r.Change(func(tx *store.Tx) (flow.Edit, error) { return later.remove(tx, later.ref, 0) })
				var e *sashlock.Error
				if !errors.As(err, &e) || e.Kind != sashlock.Conflict || !strings.Contains(e.Hint, "still refers to it") {
					t.Errorf("removing %s before %s: %v", later.name, k.name, err)
				}
			}
			if err := r.Change(func(tx *store.Tx) (flow.Edit, error) { return k.remove(tx, k.ref, 0) }); err != nil {
				t.Errorf("removing %s: %v", k.name, err)
			}
			r.View(func(q store.Query) error {
				if err := k.find(q, k.ref); !sashlock.IsKind(err, sashlock.NotFound) {
					t.Errorf("%s is still found: %v", k.name, err)
				}
				return nil
			})
		}
	})
}

func TestTokensEnd(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
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
		r.View(func(q store.Query) error {
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
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
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
		r.View(func(q store.Query) error {
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
