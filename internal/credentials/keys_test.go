// SPDX-License-Identifier: Apache-2.0

package credentials_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

func TestKeyOverdue(t *testing.T) {
	c := newCounter(t)
	change := func(edit func(tx *store.Tx) (flow.Edit, error)) {
		t.Helper()
		_, err := c.Hall.Change(c.Ctx(), flow.Change{Make: edit})
		c.Must(err)
	}
	var k credentials.Key
	var loan credentials.Loan
	change(func(tx *store.Tx) (edit flow.Edit, err error) {
		k, edit, err = credentials.SaveKey(tx, credentials.Key{Slug: "k-1", Name: "Cellar", Copies: 2, Openings: []sashlock.OpeningID{c.Opening("case-1")}}, -1)
		return edit, err
	})
	due := c.Now().Add(time.Hour)
	change(func(tx *store.Tx) (edit flow.Edit, err error) {
		loan, edit, err = credentials.HandOut(tx, "k-1", c.Person("ana"), due)
		return edit, err
	})
	told := func() (all []sashlock.Event) {
		all, err := c.Store.Events(c.Ctx(), store.EventQuery{Kind: string(sashlock.KeyOverdue)})
		c.Must(err)
		return all
	}
	remind := func(at time.Time) { t.Helper(); c.Must(credentials.Remind(c.Ctx(), c.Store, c.Hall, at)) }
	remind(due.Add(-time.Second))
	if n := len(told()); n != 0 {
		t.Errorf("%d reminders before it was due", n)
	}
	remind(due.Add(time.Second))
	remind(due.Add(time.Minute))
	if all := told(); len(all) != 1 || all[0].Person != c.Person("ana") || all[0].Subject != string(k.ID) {
		t.Errorf("reminders: %+v", all)
	}
	change(func(tx *store.Tx) (edit flow.Edit, err error) {
		_, edit, err = credentials.TakeBack(tx, loan.ID)
		return edit, err
	})
	change(func(tx *store.Tx) (edit flow.Edit, err error) {
		_, edit, err = credentials.TakeBack(tx, loan.ID)
		return edit, err
	})
	back, err := c.Store.Events(c.Ctx(), store.EventQuery{Kind: string(sashlock.KeyReturned)})
	c.Must(err)
	if len(back) != 1 {
		t.Errorf("returned %d times", len(back))
	}
}

func TestBurnDown(t *testing.T) {
	month := func(m time.Month, day int) time.Time { return time.Date(2026, m, day, 12, 0, 0, 0, time.UTC) }
	keys := []credentials.Key{
		{Made: month(1, 5)}, {Made: month(1, 5), Retired: month(10, 31)}, {Made: month(9, 30), Retired: month(11, 1)}, {Made: month(11, 20)},
	}
	var got []int
	for _, m := range credentials.BurnDown(keys, month(11, 22), 4) {
		got = append(got, m.Left)
	}
	if diff := cmp.Diff([]int{2, 3, 2, 2}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDueOf(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	made := func(id string, k sashlock.CredentialKind, days int) credentials.Credential {
		c := credentials.Credential{Made: now.AddDate(0, 0, -days)}
		c.ID, c.Kind = sashlock.CredentialID(id), k
		return c
	}
	lost, ends := made("lost", sashlock.PIN, 100), made("ends", sashlock.PIN, 89)
	lost.Lost, ends.Until = now, now.Add(time.Hour)
	var got []string
	for _, d := range credentials.DueOf([]credentials.Credential{
		made("young", sashlock.PIN, 70), made("near", sashlock.PIN, 80), made("old", sashlock.PIN, 91), made("qr", sashlock.QR, 300),
		made("card", sashlock.Card, 300), made("finger", sashlock.Finger, 9999), lost, ends,
	}, now) {
		word := string(d.ID)
		if d.Overdue(now) {
			word += "!"
		}
		got = append(got, word)
	}
	if diff := cmp.Diff([]string{"qr!", "old!", "near"}, got); diff != "" {
		t.Error(diff)
	}
}
