// SPDX-License-Identifier: Apache-2.0

package shopper

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Rules say how customers open cases at a site.
type Rules struct {
	Site     sashlock.SiteID `json:"-"`
	Codes    bool            `json:"codes"`    // by a one-time code
	Passkeys bool            `json:"passkeys"` // by a passkey on their phone
	OnShift  bool            `json:"on_shift"` // only while somebody is on shift at the site
	Openings int             `json:"openings"` // how many a guest may open
	Minutes  int             `json:"minutes"`  // within so many minutes, after which they have to show something again
	AtCase   int             `json:"at_case"`  // how often guests may open one case in an hour
	AtSite   int             `json:"at_site"`  // how many cases of the site they may open in an hour, all together
	Keep     int             `json:"keep"`     // hours after which a guest is forgotten
	Rev      int64           `json:"-"`
}

// Usual are the rules of a site that has said nothing else.
func Usual(site sashlock.SiteID) Rules {
	return Rules{Site: site, Codes: true, OnShift: true, Openings: 3, Minutes: 30, AtCase: 12, AtSite: 120, Keep: 24}
}

// bounds are what the numbers of rules may be.
type bounds struct{ low, high int }

func (r Rules) problems() []estate.Problem {
	var all []estate.Problem
	check := func(field string, n int, b bounds) {
		if n < b.low || n > b.high {
			all = append(all, estate.Problem{Field: field, Detail: lang.Say("this number is out of bounds"), Fix: lang.Say("choose one from the list")})
		}
	}
	check("openings", r.Openings, bounds{1, 10})
	check("minutes", r.Minutes, bounds{5, 120})
	check("at_case", r.AtCase, bounds{1, 60})
	check("at_site", r.AtSite, bounds{1, 600})
	check("keep", r.Keep, bounds{1, 168})
	if !r.Codes && !r.Passkeys {
		all = append(all, estate.Problem{Field: "codes", Detail: lang.Say("customers have to show something"), Fix: lang.Say("choose codes, passkeys or both")})
	}
	return all
}

// window is within which time a guest may open so many cases.
func (r Rules) window() time.Duration { return time.Duration(r.Minutes) * time.Minute }

// RulesOf returns the rules of a site, the usual ones where nobody set any.
func RulesOf(q store.Query, site sashlock.SiteID) (Rules, error) {
	rules := Usual(site)
	var text string
	err := q.QueryRow(`SELECT body, rev FROM self_service WHERE site = ?`, string(site)).Scan(&text, &rules.Rev)
	if errors.Is(err, sql.ErrNoRows) {
		return rules, nil
	}
	if err != nil {
		return rules, &sashlock.Error{Kind: sashlock.Unavailable, Op: "reading how customers open cases", Err: err}
	}
	return rules, json.Unmarshal([]byte(text), &rules)
}

// SaveRules sets the rules of a site. Rev is the revision the caller saw.
func (r *Room) SaveRules(ctx context.Context, by sashlock.OperatorID, rules Rules) error {
	if err := estate.Problems("setting how customers open cases", rules.problems()); err != nil {
		return err
	}
	_, err := r.Hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		old, err := RulesOf(tx, rules.Site)
		if err != nil {
			return flow.Edit{}, err
		}
		if old.Rev != rules.Rev {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "setting how customers open cases", Hint: lang.Mark("somebody else changed this meanwhile: look at it again"), Err: store.ErrChanged}
		}
		text, err := json.Marshal(rules)
		if err != nil {
			return flow.Edit{}, err
		}
		e := sashlock.Event{Kind: sashlock.SelfServiceSet, Site: rules.Site, Subject: string(rules.Site), Data: text}
		return flow.Edit{Events: []sashlock.Event{e}}, tx.Put("self_service", "site", store.Fields{"site": rules.Site, "body": string(text), "rev": old.Rev + 1})
	}})
	return err
}

// Switched returns the openings that customers may open themselves.
func Switched(q store.Query) (map[sashlock.OpeningID]bool, error) {
	all, err := store.Rows(q, func(scan store.Scan) (id sashlock.OpeningID, err error) {
		err = scan(&id)
		return id, err
	}, `SELECT opening FROM self_service_openings`)
	on := make(map[sashlock.OpeningID]bool, len(all))
	for _, id := range all {
		on[id] = true
	}
	return on, err
}

func switched(q store.Query, id sashlock.OpeningID) (bool, error) {
	all, err := store.Rows(q, func(scan store.Scan) (id string, err error) {
		err = scan(&id)
		return id, err
	}, `SELECT opening FROM self_service_openings WHERE opening = ?`, string(id))
	return len(all) > 0, err
}

// Switch lets customers open an opening themselves, or no more. Where
// [Barred] has something against it, it stays off.
func (r *Room) Switch(ctx context.Context, by sashlock.OperatorID, o sashlock.Opening, on bool) error {
	_, err := r.Hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		is, err := switched(tx, o.ID)
		if err != nil || is == on {
			return flow.Edit{}, err
		}
		e := sashlock.Event{Kind: sashlock.SelfServiceSet, Site: o.Site, Opening: o.ID, Subject: string(o.ID), Why: "off"}
		if !on {
			_, err = tx.Exec(`DELETE FROM self_service_openings WHERE opening = ?`, string(o.ID))
			return flow.Edit{Events: []sashlock.Event{e}}, err
		}
		if why := Barred(r.Hall.Book(), o, tx.Now()); why != "" {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "letting customers open a case", Subject: o.Slug, Hint: why}
		}
		e.Why = "on"
		return flow.Edit{Events: []sashlock.Event{e}}, tx.Put("self_service_openings", "opening", store.Fields{"opening": o.ID, "since": store.Micros(tx.Now())})
	}})
	return err
}

// stranger is who rails are asked about before anybody is there.
const stranger sashlock.PersonID = "prs_somebody"

// Barred says why customers can never open an opening themselves, as it is
// declared now; empty: nothing is against it. It is asked when it is switched on
// and again each time somebody wants it opened.
func Barred(book *flow.Book, o sashlock.Opening, now time.Time) string {
	area := book.Areas[o.Area]
	lock := false
	for _, d := range book.Fitted(o.ID) {
		lock = lock || d.Has(sashlock.CanRelease) || d.Has(sashlock.CanUnlock)
	}
	switch {
	case o.Class == sashlock.High:
		return lang.Mark("it is of the highest value: only staff open it")
	case o.Kind != sashlock.Case && o.Kind != sashlock.Locker:
		return lang.Mark("it is not a display case or a locker")
	case o.Needs.Two || area.Needs.Two:
		return lang.Mark("it takes two persons")
	case o.OpenTime <= 0:
		return lang.Mark("nobody has said how long it may stand open: an open case would raise no alarm")
	case book.Sites[o.Site].Hours == "":
		return lang.Mark("nobody has said when the store is open")
	case o.Trial:
		return lang.Mark("it is on trial: nothing is sent to its lock")
	case !lock:
		return lang.Mark("no lock is fitted that Sashlock can open")
	}
	facts := book.GuardFacts(o, sashlock.Request{Person: stranger, Opening: o.ID, At: now, Method: sashlock.ByRemote, Level: sashlock.AssurancePasskey})
	for _, hit := range book.Rails().Look(&facts) {
		if !hit.Shadow {
			return lang.Mark("a guard rail forbids it")
		}
	}
	return ""
}
