// SPDX-License-Identifier: Apache-2.0

package granting_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

func TestConditionsAreSaidAndCounted(t *testing.T) {
	c := consoletest.New(t)
	draft := fields("as", "form", "who", "person:bob", "what", "opening:case-1", "slug", "bob-once", "uses", "1", "lasts", "20m", "hold", "10m", "with", "", "level", "0", "do", "look")
	_, page := post(t, c, "/access/draft", http.StatusOK, draft)
	c.Sees(page, "once, for 20 minutes from the first use", "No lock holds a code for it")
	draft.Set("do", "yaml")
	_, page = post(t, c, "/access/draft", http.StatusOK, draft)
	c.Sees(page, "uses: 1", "lasts: 20m", "hold: 10m")
	draft.Set("uses", "none")
	_, page = post(t, c, "/access/grants", http.StatusUnprocessableEntity, draft)
	c.Sees(page, "Write a number from 1 on")
	draft.Set("uses", "1")
	post(t, c, "/access/grants", http.StatusSeeOther, draft)
	_, page = c.Get("/access/grants/bob-once")
	c.Sees(page, "not used yet")
	if !may(t, c, "bob", "case-1") || may(t, c, "bob", "case-1") {
		t.Error("once does not mean once")
	}
	_, page = c.Get("/access/grants/bob-once")
	c.Sees(page, "used 1 of 1 times")
}

func TestAQuickGrantIsExtendedAndEnded(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/access/quick?opening=case-1")
	c.Sees(page, "May open Case 1", "The person standing here", "10 minutes", "Bob Dias")
	to, _ := post(t, c, "/access/quick", http.StatusSeeOther, fields("opening", "case-1", "person", "bob", "minutes", "10", "key", "abc"))
	if !strings.HasPrefix(to, "/access/grants/quick-abc") || !may(t, c, "bob", "case-1") {
		t.Fatal(to)
	}
	_, page = c.Get("/access/grants/quick-abc")
	c.Sees(page, "30 minutes more", "End it now")
	post(t, c, "/access/grants/quick-abc/extend", http.StatusSeeOther, fields("rev", "1", "minutes", "30"))
	post(t, c, "/access/grants/quick-abc/extend", http.StatusSeeOther, fields("rev", "1", "minutes", "30")) // pressed twice
	post(t, c, "/access/grants/quick-abc/end", http.StatusSeeOther, nil)
	post(t, c, "/access/grants/quick-abc/end", http.StatusSeeOther, nil)
	if may(t, c, "bob", "case-1") {
		t.Error("not ended")
	}
}

func TestAGuestGetsALinkForTheirPhone(t *testing.T) {
	c := consoletest.New(t)
	form := fields("opening", "case-1", "person", "here", "name", "Rita <b>", "minutes", "30", "key", "guest1")
	_, page := post(t, c, "/access/quick", http.StatusOK, form)
	c.Sees(page, "May open Case 1 until", "/invite/")
	if strings.Contains(page, "Rita <b>") || c.Person("guest-guest1") == "" || !may(t, c, "guest-guest1", "case-1") || may(t, c, "guest-guest1", "case-2") {
		t.Error("the guest may open something else, or nothing")
	}
	to, _ := post(t, c, "/access/quick", http.StatusSeeOther, form) // sent twice: the link is shown once
	if to != "/access/grants/quick-guest1" {
		t.Error(to)
	}
	c.Proved(signin.Owner, signin.FreshFor)
	to, _ = post(t, c, "/access/quick", http.StatusSeeOther, fields("opening", "case-1", "person", "here", "key", "guest2"))
	if !strings.HasPrefix(to, "/signin/again") {
		t.Error(to)
	}
}

// A guest is signed in as long as their grant stands, and not a moment longer.
func TestAGuestEndsWithTheirGrant(t *testing.T) {
	c := consoletest.New(t)
	post(t, c, "/access/quick", http.StatusOK, fields("opening", "case-1", "person", "here", "name", "Rita", "minutes", "30", "key", "guest3"))
	var guest signin.Operator
	c.Must(c.Store.View(t.Context(), func(q store.Query) error {
		all, err := signin.Operators(q)
		for _, o := range all {
			if o.Person == c.Person("guest-guest3") {
				guest = o
			}
		}
		return err
	}))
	_, secret, err := c.Signin.Begin(t.Context(), guest.ID, "test", "phone")
	c.Must(err)
	if _, err := c.Signin.Session(t.Context(), secret); err != nil {
		t.Fatalf("not signed in while the grant stands: %v", err)
	}
	post(t, c, "/access/grants/quick-guest3/end", http.StatusSeeOther, nil)
	if _, err := c.Signin.Session(t.Context(), secret); !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("still signed in after the grant ended: %v", err)
	}
	if _, _, err := c.Signin.Begin(t.Context(), guest.ID, "test", "phone"); !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("signed in anew after the grant ended: %v", err)
	}
}
