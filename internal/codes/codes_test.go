// SPDX-License-Identifier: Apache-2.0

package codes_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/codes"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/store"
)

// shop is a house with simulated locks, and the one whose codes are looked at.
type shop struct {
	*consoletest.Counter
	t    *testing.T
	lock sashlock.Device
}

func newShop(t *testing.T) *shop {
	s := &shop{Counter: consoletest.New(t), t: t}
	for _, d := range s.Hall.Book().Devices {
		if d.Address == "case-1" && d.Has(sashlock.HasCodes) {
			s.lock = d
		}
	}
	if s.lock.ID == "" {
		t.Fatal("no lock holds codes")
	}
	return s
}

func (s *shop) state() (l codes.Lock) {
	s.t.Helper()
	s.Must(s.Store.View(s.t.Context(), func(q store.Query) (err error) { l, err = codes.Find(q, s.lock.ID); return err }))
	return l
}

// until waits for a condition.
func (s *shop) until(what string, is func(codes.Lock) bool) codes.Lock {
	s.t.Helper()
	deadline := time.After(15 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		l := s.state()
		if is(l) {
			return l
		}
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("never came: %s\n%+v", what, l)
		}
	}
}

// grant lets Bob, who may not otherwise, open what the lock is at.
func (s *shop) grant(until time.Time) {
	s.t.Helper()
	_, err := s.Hall.Change(s.t.Context(), flow.Change{Make: func(tx *store.Tx) (flow.Edit, error) {
		return grants.Save(tx, estate.Grant{Slug: "bob-case", Person: "bob", Opening: "case-1", Until: until.UTC().Format(time.RFC3339Nano)}, roomtest.Lookup(tx), 0)
	}})
	s.Must(err)
}

func (s *shop) pin(person string, until time.Time) credentials.Made {
	s.t.Helper()
	made, err := s.Credentials.Make(s.t.Context(), "", credentials.Making{
		Person: s.Person(person), Kind: sashlock.PIN, Label: "Door", Openings: []sashlock.OpeningID{s.lock.Opening}, Digits: 6, InLocks: true, Until: until,
	})
	s.Must(err)
	return made
}

func (s *shop) lose(c credentials.Made) credentials.Aftermath {
	s.t.Helper()
	after, err := s.Credentials.Lose(s.t.Context(), "", credentials.Loss{Person: c.Person, Cause: credentials.WasLost})
	s.Must(err)
	return after
}

// holds returns the slots of the simulated lock that are in use.
func (s *shop) holds() (all []int) {
	s.t.Helper()
	list, err := s.Devices.Codes(s.t.Context(), s.lock)
	s.Must(err)
	for _, c := range list {
		if c.InUse {
			all = append(all, c.Slot)
		}
	}
	return all
}

// told returns what the ledger says of codes, as "kind slot".
func (s *shop) told() (all []string) {
	s.t.Helper()
	events, err := s.Store.Events(s.t.Context(), store.EventQuery{Kind: "code.", Limit: 1000})
	s.Must(err)
	for _, e := range events {
		all = append(all, fmt.Sprint(e.Kind, " ", e.Slot))
	}
	return all
}

// stands reports whether a credential is in force in the lock.
func stands(c credentials.Made) func(codes.Lock) bool {
	return func(l codes.Lock) bool {
		return slices.ContainsFunc(l.Slots, func(s codes.Slot) bool { return s.Code == c.ID && s.Sure && s.Going.IsZero() })
	}
}

func empty(l codes.Lock) bool { return len(l.Slots) == 0 && len(l.Waits) == 0 }

func TestWrittenAndRevoked(t *testing.T) {
	s := newShop(t)
	c := s.pin("ana", time.Time{})
	l := s.until("Ana's PIN stands in the lock", stands(c))
	if diff := cmp.Diff([]int{1}, s.holds()); diff != "" || l.Slots[0].Person != c.Person || l.Count != 20 || len(l.Waits) > 0 {
		t.Errorf("%s\n%+v", diff, l)
	}
	s.Must(s.World.KeypadUnlock(s.lock.Address, 1))
	s.Until("the keypad opened it", func() bool { return s.State(s.lock.Opening).Lock == sashlock.Unlocked })
	after := s.lose(c)
	if len(after.Pending) != 1 || after.Pending[0].Slot != 1 {
		t.Errorf("what is pending: %+v", after.Pending)
	}
	s.until("it is gone", empty)
	if len(s.holds()) > 0 {
		t.Errorf("the lock still holds %v", s.holds())
	}
	if diff := cmp.Diff([]string{"code.written 1", "code.revoked 1", "code.cleared 1"}, s.told()); diff != "" {
		t.Errorf("the ledger (-want +got):\n%s", diff)
	}
	s.Must(s.Store.View(t.Context(), func(q store.Query) error {
		if _, err := s.Credentials.PIN(q, c.ID); !sashlock.IsKind(err, sashlock.NotFound) {
			t.Errorf("the PIN is still kept: %v", err)
		}
		return nil
	}))
}

// TestNowhereInClear looks for the PIN in all that is stored.
func TestNowhereInClear(t *testing.T) {
	s := newShop(t)
	c := s.pin("ana", time.Time{})
	s.until("Ana's PIN stands in the lock", stands(c))
	events, err := s.Store.Events(t.Context(), store.EventQuery{Limit: 10000})
	s.Must(err)
	for _, e := range events {
		if text, _ := json.Marshal(e); strings.Contains(string(text), c.Secret) {
			t.Errorf("the ledger: %s", e.Kind)
		}
	}
	var found int
	s.Must(filepath.WalkDir(s.Config.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		found++
		if bytes.Contains(text, []byte(c.Secret)) {
			t.Errorf("the PIN is in %s", filepath.Base(path))
		}
		return err
	}))
	if found < 3 {
		t.Errorf("only %d files were looked at", found)
	}
}

// TestGrantEnds: a code goes at the moment at which its owner may no longer open.
func TestGrantEnds(t *testing.T) {
	s := newShop(t)
	c := s.pin("bob", time.Time{})
	if l := s.state(); len(l.Slots) > 0 {
		t.Fatalf("Bob has no grant: %+v", l)
	}
	end := time.Now().Add(4 * time.Second)
	s.grant(end)
	l := s.until("Bob's PIN stands in the lock", stands(c))
	if got := l.Slots[0].Ends; got.Sub(end).Abs() > time.Second || l.Slots[0].Bounded {
		t.Errorf("it ends at %v, bounded %v; want %v at the store node", got, l.Slots[0].Bounded, end)
	}
	s.until("it is gone", empty)
	if late := time.Since(end); late < 0 || late > 3*time.Second {
		t.Errorf("it was gone %v after the end", late)
	}
}

func TestOffline(t *testing.T) {
	s := newShop(t)
	c := s.pin("ana", time.Time{})
	s.until("Ana's PIN stands in the lock", stands(c))
	s.Must(s.World.Kill(s.lock.Address))
	s.Until("it is offline", func() bool { return s.State(s.lock.Opening).Offline })
	d := s.pin("duarte", time.Time{})
	s.until("Duarte's PIN waits", func(l codes.Lock) bool {
		return len(l.Waits) == 1 && l.Waits[0].Code == d.ID && l.Waits[0].Why == "the lock cannot be reached"
	})
	s.lose(c)
	l := s.until("Ana's PIN has to go", func(l codes.Lock) bool { since, n := l.Revoking(); return n == 1 && !since.IsZero() })
	s.Until("the opening knows", func() bool { return s.State(s.lock.Opening).Revoking.Equal(l.Slots[0].Going) })
	s.Must(s.World.Revive(s.lock.Address))
	s.until("Duarte's PIN stands in the lock", stands(d))
	told := s.told()
	if cleared, written := slices.Index(told, "code.cleared 1"), len(told)-1; cleared < 0 || told[written][:12] != "code.written" {
		t.Errorf("what went did not go first: %v", told)
	}
	if !s.State(s.lock.Opening).Revoking.IsZero() {
		t.Error("the opening still waits")
	}
}

func TestForeign(t *testing.T) {
	s := newShop(t)
	s.Must(s.World.SetCode(s.lock.Address, 1, "83920174"))
	s.Must(s.World.SetCode(s.lock.Address, 7, "83920175"))
	s.Must(s.Codes.Look(t.Context(), s.lock))
	s.until("two codes are found", func(l codes.Lock) bool { return len(l.Slots) == 2 && l.Drifted() })
	c := s.pin("ana", time.Time{})
	s.until("Ana's PIN stands beside them", stands(c))
	if diff := cmp.Diff([]int{1, 2, 7}, s.holds()); diff != "" {
		t.Error(diff)
	}
	s.Must(s.Codes.Condemn(t.Context(), "", s.lock, 7))
	s.until("one is removed", func(l codes.Lock) bool { return len(l.Slots) == 2 })
	if err := s.Codes.Adopt(t.Context(), "", s.lock, codes.Claims{1: s.Person("bob")}); !sashlock.IsKind(err, sashlock.Conflict) {
		t.Errorf("Bob may not open it: %v", err)
	}
	both := codes.Claims{1: s.Person("duarte"), 2: s.Person("duarte")} // what stands in slot 2 is ours
	if err := s.Codes.Adopt(t.Context(), "", s.lock, both); !sashlock.IsKind(err, sashlock.Conflict) || !s.state().Drifted() {
		t.Errorf("of two claims one cannot be: %v, %+v", err, s.state().Slots)
	}
	s.Must(s.Codes.Adopt(t.Context(), "", s.lock, codes.Claims{1: s.Person("duarte")}))
	s.until("one is Duarte's", func(l codes.Lock) bool { return l.Slots[0].Person == s.Person("duarte") && l.Slots[0].Ours })
	after, err := s.Credentials.Lose(t.Context(), "", credentials.Loss{Person: s.Person("duarte"), Cause: credentials.WasReturned})
	s.Must(err)
	if len(after.Ended) != 1 {
		t.Errorf("%+v", after)
	}
	s.until("and goes when it ends", func(l codes.Lock) bool { return len(l.Slots) == 1 && l.Slots[0].Code == c.ID })
	if diff := cmp.Diff([]int{2}, s.holds()); diff != "" {
		t.Error(diff)
	}
	for _, err := range []error{s.Codes.Condemn(t.Context(), "", s.lock, 2), s.Codes.Adopt(t.Context(), "", s.lock, codes.Claims{9: s.Person("ana")})} {
		if !sashlock.IsKind(err, sashlock.Conflict) {
			t.Errorf("no code was found there: %v", err)
		}
	}
}

// On trial the lock is another system's: a new PIN waits and says why, and one
// that is to go stays and goes with the trial.
func TestNothingIsWrittenOnTrial(t *testing.T) {
	s := newShop(t)
	old := s.pin("ana", time.Time{})
	s.until("Ana's PIN stands in the lock", stands(old))
	s.trial(true)
	s.lose(old)
	c := s.pin("duarte", time.Time{})
	l := s.until("Duarte's waits, and says why", func(l codes.Lock) bool {
		return slices.ContainsFunc(l.Waits, func(w codes.Wait) bool { return w.Code == c.ID && strings.Contains(w.Why, "on trial") })
	})
	if diff := cmp.Diff([]int{1}, s.holds()); diff != "" || len(l.Slots) != 1 || l.Slots[0].Code != old.ID {
		t.Errorf("something was told to the lock of another system: %s\n%+v", diff, l)
	}
	s.trial(false)
	s.until("Duarte's stands, and Ana's is gone", func(l codes.Lock) bool { return len(l.Slots) == 1 && stands(c)(l) })
}

// trial puts the opening of the lock on trial, or ends it.
func (s *shop) trial(on bool) {
	s.t.Helper()
	o := s.Hall.Book().Openings[s.lock.Opening]
	o.Trial = on
	_, err := s.Hall.Change(s.t.Context(), flow.Change{Make: func(*store.Tx) (edit flow.Edit, err error) {
		edit.Access.Put.Openings = []sashlock.Opening{o}
		return edit, nil
	}})
	s.Must(err)
}

func TestVanishedAndRefused(t *testing.T) {
	s := newShop(t)
	c := s.pin("ana", time.Time{})
	s.until("Ana's PIN stands in the lock", stands(c))
	s.Must(s.World.SetCode(s.lock.Address, 1, ""))
	s.Must(s.World.RefuseCodes(s.lock.Address, true))
	s.Must(s.Codes.Look(t.Context(), s.lock))
	s.until("it is refused", func(l codes.Lock) bool { return len(l.Waits) == 1 && l.Waits[0].Refused() && l.Waits[0].Why != "" })
	s.Must(s.World.RefuseCodes(s.lock.Address, false))
	s.Must(s.Codes.Look(t.Context(), s.lock))
	s.until("it is there again", stands(c))
	if diff := cmp.Diff([]string{"code.written 1", "code.vanished 1", "code.not_taken 1", "code.written 1"}, s.told()); diff != "" {
		t.Errorf("the ledger (-want +got):\n%s", diff)
	}
}

func TestFull(t *testing.T) {
	s := newShop(t)
	for slot := range 20 {
		s.Must(s.World.SetCode(s.lock.Address, slot+1, fmt.Sprint(70000000+slot)))
	}
	s.Must(s.Codes.Look(t.Context(), s.lock))
	s.until("they are found", func(l codes.Lock) bool { return len(l.Slots) == 20 })
	c := s.pin("ana", time.Time{})
	s.until("Ana is left out", func(l codes.Lock) bool {
		return len(l.Waits) == 1 && l.Waits[0].Code == c.ID && l.Waits[0].Why == "all slots of the lock are taken"
	})
	s.Must(s.Codes.Condemn(t.Context(), "", s.lock, 12))
	s.until("and gets a slot that becomes free", stands(c))
}
