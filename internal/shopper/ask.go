// SPDX-License-Identifier: Apache-2.0

package shopper

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of asking are:
//
//   - What is against it for good, or now, comes first: [Barred], and whether
//     somebody is on shift where the site asks so.
//   - One case at a time: while one is being unlocked, may still be opened or
//     stands open, there is no second.
//   - So many cases in so many minutes for a guest, and so many in an hour at a
//     case and at a site. Refused ones count too: asking is not free.
//   - Then there is a grant for one use within a minute, and the hall decides.
//     The grant goes when the visit to the case is over.

const (
	grantLife = time.Minute
	hour      = time.Hour
	underWay  = 15 * time.Second // how long an asking without an answer counts
	lostAfter = 2 * time.Hour    // then nobody looks what became of it any more
)

// Opened is one opening that a guest asked for.
type Opened struct {
	ID       string
	Guest    sashlock.PersonID // empty: forgotten
	Site     sashlock.SiteID
	Opening  sashlock.OpeningID
	Asked    time.Time
	Granted  bool
	Served   time.Time // when it was opened; zero: it was not
	Ended    time.Time // zero: under way
	Decision sashlock.DecisionID
	grant    string // slug of its grant
}

type openedBody struct {
	Decision sashlock.DecisionID `json:"decision,omitempty"`
	Grant    string              `json:"grant,omitempty"`
}

const openedColumns = `id, guest, site, opening, asked, granted, served, ended, body`

func scanOpened(scan store.Scan) (o Opened, err error) {
	var guest sql.NullString
	var asked, served, ended sql.NullInt64
	var text string
	if err = scan(&o.ID, &guest, &o.Site, &o.Opening, &asked, &o.Granted, &served, &ended, &text); err != nil {
		return o, err
	}
	o.Guest = store.ID[sashlock.PersonID](guest)
	o.Asked, o.Served, o.Ended = store.TimeOf(asked), store.TimeOf(served), store.TimeOf(ended)
	var b openedBody
	err = json.Unmarshal([]byte(text), &b)
	o.Decision, o.grant = b.Decision, b.Grant
	return o, err
}

func (o Opened) put(tx *store.Tx) error {
	text, err := json.Marshal(openedBody{o.Decision, o.grant})
	if err != nil {
		return err
	}
	granted := 0
	if o.Granted {
		granted = 1
	}
	return tx.Put("guest_opens", "id", store.Fields{
		"id": o.ID, "guest": store.Null(o.Guest), "site": o.Site, "opening": o.Opening, "asked": store.Micros(o.Asked), "granted": granted,
		"served": store.Micros(o.Served), "ended": store.Micros(o.Ended), "body": string(text),
	})
}

// LatestOf returns what a guest asked for last; false when they have not.
func LatestOf(q store.Query, guest sashlock.PersonID) (Opened, bool, error) {
	all, err := store.Rows(q, scanOpened, `SELECT `+openedColumns+` FROM guest_opens WHERE guest = ? ORDER BY asked DESC, id DESC LIMIT 1`, string(guest))
	if err != nil || len(all) == 0 {
		return Opened{}, false, err
	}
	return all[0], true, nil
}

// Waits returns how long customers of a site waited who opened a case
// themselves, in seconds, the shortest wait first: from what they showed until
// the case was open.
func Waits(q store.Query, site sashlock.SiteID, since time.Time) ([]float64, error) {
	read := func(scan store.Scan) (float64, error) {
		var micros int64
		err := scan(&micros)
		return max(0, float64(micros)/1e6), err
	}
	return store.Rows(q, read, `SELECT served - asked FROM guest_opens WHERE site = ? AND asked >= ? AND served IS NOT NULL ORDER BY 1`, string(site), store.Micros(since))
}

// Offer is what the page at a case may offer to a customer.
type Offer struct {
	Codes, Passkeys bool
	Keep            int    // hours after which a guest is forgotten
	Not             string // why not now; empty: they may
}

// Offered reports whether customers may open an opening themselves; false where
// that is not switched on or something is against it for good.
func (r *Room) Offered(ctx context.Context, o sashlock.Opening) (offer Offer, on bool, err error) {
	err = r.Store.View(ctx, func(q store.Query) error {
		if on, err = switched(q, o.ID); err != nil || !on {
			return err
		}
		rules, err := RulesOf(q, o.Site)
		offer = Offer{Codes: rules.Codes, Passkeys: rules.Passkeys, Keep: rules.Keep, Not: r.notNow(r.Hall.Book(), rules, o, r.Now())}
		return err
	})
	if on && Barred(r.Hall.Book(), o, r.Now()) != "" {
		on = false
	}
	return offer, on, err
}

// notNow says what is against it at a moment.
func (r *Room) notNow(b *flow.Book, rules Rules, o sashlock.Opening, now time.Time) string {
	if !rules.OnShift {
		return ""
	}
	for person, mine := range b.Shifts {
		if len(mine) > 0 && b.OnShift(person, o.Site, now) {
			return ""
		}
	}
	return lang.Mark("nobody who could help is on shift")
}

// offered is [Room.Offered] within a transaction, with the error to answer with.
func (r *Room) offered(tx *store.Tx, b *flow.Book, o sashlock.Opening) error {
	const op = "opening a case alone"
	on, err := switched(tx, o.ID)
	if err != nil {
		return err
	}
	o, known := b.Openings[o.ID]
	if !on || !known {
		return &sashlock.Error{Kind: sashlock.Conflict, Op: op, Hint: lang.Mark("customers do not open this one themselves")}
	}
	why := Barred(b, o, tx.Now())
	if why == "" {
		rules, err := RulesOf(tx, o.Site)
		if err != nil {
			return err
		}
		why = r.notNow(b, rules, o, tx.Now())
	}
	if why != "" {
		return &sashlock.Error{Kind: sashlock.Conflict, Op: op, Hint: why}
	}
	return nil
}

// Ask asks for an opening on behalf of a guest. The error is of kind conflict,
// limit or denied where it does not come to a decision; its hint says why.
func (r *Room) Ask(ctx context.Context, g Guest, o sashlock.Opening) (sashlock.Decision, error) {
	var one Opened
	_, err := r.Hall.Act(ctx, func(tx *store.Tx, b *flow.Book) error {
		if err := r.mayAsk(tx, b, g, o); err != nil {
			return err
		}
		mark := strings.ToLower(rand.Text())
		one = Opened{ID: "gop_" + mark, Guest: g.ID, Site: o.Site, Opening: o.ID, Asked: tx.Now(), grant: sashlock.GuestSlug + mark}
		edit, err := r.Declaring.SaveGrant(tx, estate.Grant{
			Slug: one.grant, Person: string(g.ID), Opening: o.Slug, Schedule: b.Schedules[b.Sites[o.Site].Hours].Slug,
			Until: instant(tx.Now().Add(grantLife + time.Second)), Uses: 1,
		}, func(k estate.Kind, _ string) string {
			return map[estate.Kind]string{estate.People: string(g.ID), estate.Openings: string(o.ID), estate.Schedules: string(b.Sites[o.Site].Hours)}[k]
		}, 0)
		if err != nil {
			return err
		}
		if err := one.put(tx); err != nil {
			return err
		}
		return r.Hall.ChangeIn(tx, "", edit)
	})
	if kind := sashlock.KindOf(err); kind == sashlock.Conflict || kind == sashlock.Limit {
		var known *sashlock.Error
		if errors.As(err, &known) && r.pace.rests(r.Now(), "asks "+string(g.ID)) == 0 {
			r.pace.miss(r.Now(), "asks "+string(g.ID)) // so that nobody fills the ledger
			err = r.refuse(ctx, o, g.ID, err, known.Hint)
		}
	}
	if err != nil {
		return sashlock.Decision{}, err
	}
	a, err := r.Hall.Request(ctx, sashlock.Request{Person: g.ID, Opening: o.ID, Method: sashlock.ByRemote, Level: g.Proof.Level()})
	if err != nil {
		return a.Decision, err
	}
	one.Granted, one.Decision = a.Decision.Granted, a.Decision.ID
	if !one.Granted {
		return a.Decision, r.end(ctx, one)
	}
	_, err = r.Hall.Act(ctx, func(tx *store.Tx, _ *flow.Book) error { return one.put(tx) })
	return a.Decision, err
}

// mayAsk says what is against an asking.
func (r *Room) mayAsk(tx *store.Tx, b *flow.Book, g Guest, o sashlock.Opening) error {
	const op = "opening a case alone"
	if err := r.offered(tx, b, o); err != nil {
		return err
	}
	now := tx.Now()
	if !g.Standing(o.Site, now) {
		return &sashlock.Error{Kind: sashlock.Denied, Op: op, Hint: lang.Mark("your time is over: show a code or your passkey again")}
	}
	rules, err := RulesOf(tx, o.Site)
	if err != nil {
		return err
	}
	mine, err := store.Rows(tx, scanOpened, `SELECT `+openedColumns+` FROM guest_opens WHERE guest = ? AND asked > ? ORDER BY asked`, string(g.ID), store.Micros(now.Add(-rules.window())))
	if err != nil {
		return err
	}
	for _, one := range mine {
		standing, err := one.standing(tx)
		if err != nil {
			return err
		}
		if standing {
			return &sashlock.Error{Kind: sashlock.Conflict, Op: op, Hint: lang.Mark("one case at a time: close the other one first")}
		}
	}
	if len(mine) >= rules.Openings {
		return &sashlock.Error{Kind: sashlock.Limit, Op: op, Hint: lang.Mark("you have opened as many cases as one may alone: call somebody for more")}
	}
	for _, at := range []struct {
		column, id string
		most       int
	}{{"opening", string(o.ID), rules.AtCase}, {"site", string(o.Site), rules.AtSite}} {
		var n int
		err := tx.QueryRow(`SELECT COUNT(*) FROM guest_opens WHERE `+at.column+` = ? AND asked > ?`, at.id, store.Micros(now.Add(-hour))).Scan(&n)
		if err != nil {
			return err
		}
		if n >= at.most {
			return &sashlock.Error{Kind: sashlock.Limit, Op: op, Hint: lang.Mark("customers opened many cases here just now: call somebody")}
		}
	}
	return nil
}

// standing reports whether a case that a guest asked for is not done with: it is
// being unlocked, may still be opened or stands open.
func (o Opened) standing(tx *store.Tx) (bool, error) {
	if o.Decision == "" {
		return o.Ended.IsZero() && tx.Now().Sub(o.Asked) < underWay, nil
	}
	s, err := tx.State(o.Opening)
	return o.Granted && holds(s, o, tx.Now()), err
}

// holds reports whether the release of an asking still holds its opening.
func holds(s sashlock.OpeningState, o Opened, now time.Time) bool {
	if s.Release == nil || s.Release.Decision != o.Decision {
		return false
	}
	return s.Position == sashlock.Open || s.Release.Taken.IsZero() && now.Before(s.Release.Until)
}

// end ends an asking, and its grant with it.
func (r *Room) end(ctx context.Context, one Opened) error {
	_, err := r.Hall.Act(ctx, func(tx *store.Tx, _ *flow.Book) error {
		one.Ended = tx.Now()
		edit, err := r.Declaring.RevokeGrant(tx, one.grant, 0)
		if sashlock.IsKind(err, sashlock.NotFound) {
			return one.put(tx)
		}
		if err != nil {
			return err
		}
		if err := one.put(tx); err != nil {
			return err
		}
		return r.Hall.ChangeIn(tx, "", edit)
	})
	return err
}

// look sees what became of an asking, and reports whether it is over.
func (o *Opened) look(s sashlock.OpeningState, then []sashlock.Event, now time.Time) (over bool) {
	failed := false
	for _, e := range then {
		switch {
		case e.Kind == sashlock.AccessTaken:
			o.Served = e.Heard
		case e.Kind == sashlock.CommandEnded && e.Reason == "" && s.Position == "" && o.Served.IsZero():
			o.Served = e.Heard // no contact tells when it is opened
		case e.Kind == sashlock.AccessNotTaken, e.Kind == sashlock.CommandEnded && e.Reason != "":
			failed = true
		}
	}
	if holds(s, *o, now) {
		return now.Sub(o.Asked) > lostAfter
	}
	return failed || o.Decision != "" || now.Sub(o.Asked) > underWay
}
