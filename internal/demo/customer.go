// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"net/http"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/shopper"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/tags"
)

// aloneAt is the case that customers of the demo open themselves.
const aloneAt = "fragrance-5"

// codeLife is how long a code of the demo may be used.
const codeLife = 30 * time.Minute

// guestCode is a code that the corner gives away, as a till would.
type guestCode struct {
	Code, Case string
	Path       string // where it is typed
	Until      time.Time
}

// letCustomers switches self-service on at one case of the flagship.
func (s *shop) letCustomers(ctx context.Context) error {
	o := s.openingCalled(aloneAt)
	var rules shopper.Rules
	if err := s.house.Store.View(ctx, func(q store.Query) (err error) { rules, err = shopper.RulesOf(q, o.Site); return err }); err != nil {
		return err
	}
	if rules.Rev > 0 {
		return nil // it was set up before, or somebody changed it
	}
	rules.OnShift, rules.Passkeys = false, true
	if err := s.house.Shopper.SaveRules(ctx, s.operator, rules); err != nil {
		return err
	}
	return s.house.Shopper.Switch(ctx, s.operator, o, true)
}

// tagOf is the tag on an opening; one is issued when there is none.
func (s *shop) tagOf(ctx context.Context, o sashlock.Opening) (tag string, err error) {
	err = s.house.Store.View(ctx, func(q store.Query) (err error) { tag, err = tags.Of(q, o.ID); return err })
	if err != nil || tag != "" {
		return tag, err
	}
	_, err = s.house.Hall.Change(ctx, flow.Change{Operator: s.operator, Make: func(tx *store.Tx) (edit flow.Edit, err error) {
		tag, edit, err = tags.Issue(tx, o)
		return edit, err
	}})
	return tag, err
}

// code gives the visitor a code, as the till gives one to a customer.
func (c *corner) code(w http.ResponseWriter, r *http.Request) error {
	form(w, r)
	o := c.openingCalled(aloneAt)
	one, until, err := c.house.Shopper.MakeCode(r.Context(), c.operator, o.Site, codeLife)
	if err != nil {
		return err
	}
	tag, err := c.tagOf(r.Context(), o)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.given = &guestCode{Code: one.String(), Case: o.Name, Path: "/help/" + tag, Until: until}
	c.mu.Unlock()
	return c.back(w, r)
}

// serveThemselves lets a customer open the case that was unlocked for them, as
// long as the demo runs.
func (s *shop) serveThemselves(ctx context.Context, walkIn func(slug string)) {
	news, stop := s.house.Store.Subscribe()
	defer stop()
	next := s.house.Store.Size()
	for {
		select {
		case <-ctx.Done():
			return
		case <-news:
		}
		events, err := s.house.Store.Events(ctx, store.EventQuery{From: next, Kind: string(sashlock.AccessGranted), Limit: 200})
		if err != nil {
			continue // the next commit asks again
		}
		book := s.house.Hall.Book()
		for _, e := range events {
			next = e.Seq + 1
			if book.People[e.Person].IsGuest() {
				walkIn(book.Openings[e.Opening].Slug)
			}
		}
	}
}
