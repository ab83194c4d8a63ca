// SPDX-License-Identifier: Apache-2.0

package lockcodes_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/codes"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// counter is a store, and the lock whose codes are looked at.
type counter struct {
	*consoletest.Counter
	t    *testing.T
	lock sashlock.Device
}

func newCounter(t *testing.T) *counter {
	c := &counter{Counter: consoletest.New(t), t: t}
	for _, d := range c.Hall.Book().Devices {
		if d.Address == "case-1" {
			c.lock = d
		}
	}
	return c
}

func (c *counter) path(more string) string { return "/devices/" + string(c.lock.ID) + "/codes" + more }

func (c *counter) until(what string, is func(codes.Lock) bool) {
	c.t.Helper()
	c.Until(what, func() bool {
		var l codes.Lock
		c.Must(c.Store.View(c.Ctx(), func(q store.Query) (err error) { l, err = codes.Find(q, c.lock.ID); return err }))
		return is(l)
	})
}

func TestCodesOfALock(t *testing.T) {
	c := newCounter(t)
	made, err := c.Credentials.Make(c.Ctx(), "", credentials.Making{
		Person: c.Person("ana"), Kind: sashlock.PIN, Label: "Door", Openings: []sashlock.OpeningID{c.Opening("case-1")}, Digits: 6, InLocks: true,
	})
	c.Must(err)
	c.until("it is in force", func(l codes.Lock) bool { return len(l.Slots) == 1 && l.Slots[0].Sure })
	c.Must(c.World.SetCode("case-1", 7, "83920174"))
	c.Must(c.Codes.Look(c.Ctx(), c.lock))
	c.until("another is found", codes.Lock.Drifted)

	_, page := c.Get(c.path(""))
	for _, want := range []string{"Slot 1", "Ana Costa", "In force since", "Slot 7", "nobody here knows whose it is", "are in force here", "2 of 20 in use"} {
		if !strings.Contains(consoletest.Words(page), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, made.Secret) || strings.Contains(page, "83920174") {
		t.Error("a PIN is on the page")
	}
	for path, want := range map[string]string{
		"/devices/" + string(c.lock.ID): "1 was put there by somebody else.", "/people/ana/credentials": "Case 1, slot 1 in force since", "/openings/case-1": "are in force here.",
	} {
		if _, page := c.Get(path); !strings.Contains(consoletest.Words(page), want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
	if status, _, _ := c.Post(c.path("/adopt"), url.Values{"person-7": {"bob"}}); status != http.StatusUnprocessableEntity {
		t.Errorf("a code of somebody who may not open it: %d", status)
	}
	if status, _, _ := c.Post(c.path("/adopt"), url.Values{"person-7": {""}}); status != http.StatusUnprocessableEntity {
		t.Errorf("nobody was chosen: %d", status)
	}
	c.Must(c.World.SetCode("case-1", 8, "83920177"))
	c.Must(c.Codes.Look(c.Ctx(), c.lock))
	c.until("one more is found", func(l codes.Lock) bool { return len(l.Slots) == 3 })
	status, _, page := c.Post(c.path("/adopt"), url.Values{"person-7": {"duarte"}, "person-8": {"bob"}})
	if status != http.StatusUnprocessableEntity || !strings.Contains(consoletest.Words(page), "Slot 8: this person may not open") {
		t.Errorf("of two chosen one may not: %d", status)
	}
	if !strings.Contains(page, `<option value="duarte" selected>`) {
		t.Error("what was chosen is forgotten")
	}
	c.until("nothing was done", func(l codes.Lock) bool { return !l.Slots[1].Ours && !l.Slots[2].Ours })
	c.Post(c.path("/adopt"), url.Values{"person-7": {"duarte"}, "person-8": {"duarte"}})
	c.until("both are Duarte's", func(l codes.Lock) bool {
		return len(l.Slots) == 3 && l.Slots[1].Person == c.Person("duarte") && l.Slots[2].Person == c.Person("duarte")
	})
	c.Must(c.World.SetCode("case-1", 9, "83920175"))
	c.Post(c.path("/look"), nil)
	c.until("a third is found", codes.Lock.Drifted)
	c.Post(c.path("/9/remove"), nil)
	c.until("and removed", func(l codes.Lock) bool { return len(l.Slots) == 3 })
}

func TestWhoMay(t *testing.T) {
	c := newCounter(t)
	c.Must(c.World.SetCode("case-1", 7, "83920174"))
	c.Must(c.Codes.Look(c.Ctx(), c.lock))
	c.until("it is found", codes.Lock.Drifted)
	for _, role := range signin.Roles() {
		if slices.Contains(role.Scopes(), signin.Setup) {
			continue
		}
		c.As(role)
		if status, _, _ := c.Post(c.path("/7/remove"), nil); status < 400 {
			t.Errorf("%s removes a code: %d", role, status)
		}
	}
	c.As(signin.Manager)
	for _, d := range c.Hall.Book().Devices {
		if d.Address == "porto-case" {
			if status, _ := c.Get("/devices/" + string(d.ID) + "/codes"); status != http.StatusForbidden && status != http.StatusNotFound {
				t.Errorf("the codes of another store: %d", status)
			}
		}
	}
}
