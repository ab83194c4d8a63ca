// SPDX-License-Identifier: Apache-2.0

package approvals

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Rule says how asks are answered at a site. The zero value lets every operator
// who changes access there approve, for thirty days at most.
type Rule struct {
	Site      sashlock.SiteID       `json:"-"`
	Approvers []sashlock.OperatorID `json:"approvers,omitempty"` // who may approve; empty: all who may change access there
	Longest   time.Duration         `json:"longest,omitempty"`   // 0: [Longest]
	// Auto grants at once what an operator granted to the same person within
	// [AutoWithin], where it protects nothing of value.
	Auto bool  `json:"auto,omitempty"`
	Rev  int64 `json:"-"`
}

// The lengths of an ask.
const (
	Longest    = 30 * 24 * time.Hour
	AutoWithin = 30 * 24 * time.Hour
)

// presets are for how long one can ask.
func presets() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{4 * time.Hour, day, 7 * day, 30 * day, 90 * day}
}

// Lengths are for how long access can be asked for at a site, the longest last.
func (r Rule) Lengths(site sashlock.Site) []time.Duration {
	most := r.Longest
	if most == 0 {
		most = Longest
	}
	if site.LongestGrant > 0 {
		most = min(most, site.LongestGrant)
	}
	some := slices.DeleteFunc(presets(), func(d time.Duration) bool { return d > most })
	if len(some) == 0 || some[len(some)-1] < most {
		some = append(some, most)
	}
	return some
}

// Approves reports, as an error of kind denied, that somebody may not answer
// asks for a place.
func (r Rule) Approves(by By, area sashlock.AreaID) error {
	switch {
	case !by.may(scopeAccess) || !by.sees(r.Site, area):
		return denied("answering", lang.Mark("you may not give access there"))
	case len(r.Approvers) > 0 && !slices.Contains(r.Approvers, by.ID):
		return denied("answering", lang.Mark("the rule of this store names others who approve"))
	}
	return nil
}

// FindRule returns the rule of a site.
func FindRule(q store.Query, site sashlock.SiteID) (Rule, error) {
	all, err := store.Rows(q, func(scan store.Scan) (r Rule, err error) {
		var body string
		if err := scan(&body, &r.Rev); err != nil {
			return r, err
		}
		return r, json.Unmarshal([]byte(body), &r)
	}, `SELECT body, rev FROM ask_rules WHERE site = ?`, site)
	if err != nil || len(all) == 0 {
		return Rule{Site: site}, err
	}
	all[0].Site = site
	return all[0], nil
}

// SaveRule changes the rule of a site.
func (r *Room) SaveRule(ctx context.Context, by By, rule Rule) error {
	if !by.may(scopeAccess) || !by.sees(rule.Site, "") {
		return denied("saving rule", lang.Mark("you may not give access there"))
	}
	if rule.Longest != 0 && !slices.Contains(presets(), rule.Longest) {
		return invalid("saving rule", "longest", lang.Mark("choose one of the times offered"))
	}
	return r.change(ctx, by.ID, func(tx *store.Tx) (flow.Edit, error) {
		old, err := FindRule(tx, rule.Site)
		if err == nil {
			err = store.CheckRev("rule", string(rule.Site), old.Rev, rule.Rev)
		}
		if err != nil {
			return flow.Edit{}, err
		}
		body, err := encode(rule)
		if err != nil {
			return flow.Edit{}, err
		}
		return flow.Edit{Events: []sashlock.Event{{
			Kind: sashlock.ApprovalsSaved, Site: rule.Site, Subject: "ask-rule", Data: json.RawMessage(body),
		}}}, tx.Put("ask_rules", "site", store.Fields{"site": rule.Site, "body": body, "rev": old.Rev + 1})
	})
}
