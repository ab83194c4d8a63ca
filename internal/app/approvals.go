// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/rails"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// approvals builds the room where a second person looks, with the changes that
// can be held back: one entry each.
func (h *House) approvals() *approvals.Room {
	return approvals.New(approvals.Options{
		Store: h.Store, Hall: h.Hall, Now: h.Now,
		Granting: approvals.Granting{List: grants.List, Find: grants.Find, Save: grants.Save, Revoke: grants.Revoke},
		Leave:    h.leaveRole,
		Executors: map[string]approvals.Executor{
			approvals.GrantKind: h.grantExecutor(),
			approvals.RailKind:  railExecutor(),
			approvals.OwnerKind: ownerExecutor(),

			approvals.AccessKind: h.widerExecutor(signin.Access),
			approvals.PlaceKind:  h.widerExecutor(signin.Setup),
		},
		Others: h.others, Behind: h.behind,
	})
}

// others reports whether any operator but some can be reached and has all of some
// scopes at a place.
func (h *House) others(q store.Query, but []sashlock.OperatorID, scopes []string, site sashlock.SiteID, area sashlock.AreaID) (bool, error) {
	all, err := signin.Operators(q)
	if err != nil {
		return false, err
	}
	for _, o := range all {
		everywhere := len(o.Sites)+len(o.Areas) == 0
		lacks := slices.ContainsFunc(scopes, func(s string) bool { return !o.May(signin.Scope(s)) })
		if slices.Contains(but, o.ID) || lacks || site == "" && !everywhere || !o.Sees(site, area) {
			continue
		}
		if h.demo != "" { // its identities are there for anybody to take
			return true, nil
		}
		if comes, err := signin.Reachable(q, o.ID); err != nil || comes {
			return comes, err
		}
	}
	return false, nil
}

// behind finds who issued the token of a program, or the token by which that
// one was issued.
func (h *House) behind(ctx context.Context, token sashlock.OperatorID) (sashlock.OperatorID, error) {
	issued, err := h.Store.Events(ctx, store.EventQuery{Kind: string(sashlock.TokenIssued), Newest: true, Limit: mostTokens})
	by := token
	for _, e := range issued { // newest first: a token is issued before it issues another one
		if err == nil && e.Subject == string(by) {
			by = e.Operator
		}
	}
	if by == token {
		by = ""
	}
	return by, err
}

// mostTokens is how far back tokens are looked for; they live a year at most.
const mostTokens = 10_000

// crowned is the declared form of making somebody an owner.
type crowned struct {
	Operator sashlock.OperatorID `json:"operator"`
}

// ownerExecutor makes operators owners who were proposed.
func ownerExecutor() approvals.Executor {
	return approvals.Executor{
		Scopes: []string{string(signin.Admit), string(signin.Tokens)}, // an owner has both, nobody else has
		Place:  func(json.RawMessage) (sashlock.SiteID, sashlock.AreaID, error) { return "", "", nil },
		Run: func(tx *store.Tx, form json.RawMessage, rev int64) (flow.Edit, error) {
			var d crowned
			if err := json.Unmarshal(form, &d); err != nil {
				return flow.Edit{}, badForm(err)
			}
			return signin.MakeOwner(tx, d.Operator, rev)
		},
	}
}

// leaveRole takes a person out of a role.
func (h *House) leaveRole(tx *store.Tx, id sashlock.PersonID, role sashlock.RoleID) (flow.Edit, error) {
	f := reach.New(h.Hall.Book(), nil)
	p, err := people.Find(tx, string(id))
	if err != nil {
		return flow.Edit{}, err
	}
	p.Roles = slices.DeleteFunc(p.Roles, func(r sashlock.RoleID) bool { return r == role })
	return people.Save(tx, estate.FromPerson(p, f.Ref), f.Find, p.Rev)
}

func badForm(err error) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading proposal", Subject: "change", Hint: lang.Mark("this change cannot be held back"), Err: err}
}

// grantExecutor saves grants that were held back, in their declared form.
func (h *House) grantExecutor() approvals.Executor {
	read := func(form json.RawMessage) (d estate.Grant, err error) {
		if err = json.Unmarshal(form, &d); err != nil {
			err = badForm(err)
		}
		return d, err
	}
	return approvals.Executor{
		Scopes: []string{string(signin.Access)},
		Place: func(form json.RawMessage) (sashlock.SiteID, sashlock.AreaID, error) {
			d, err := read(form)
			if err != nil {
				return "", "", err
			}
			f := reach.New(h.Hall.Book(), nil)
			g, problems := d.Resolve(f.Find)
			site, area, _ := f.Place(g)
			return site.ID, area, estate.Problems("proposing grant", problems)
		},
		Run: func(tx *store.Tx, form json.RawMessage, rev int64) (flow.Edit, error) {
			d, err := read(form)
			if err != nil {
				return flow.Edit{}, err
			}
			return grants.Save(tx, d, reach.New(h.Hall.Book(), nil).Find, rev)
		},
	}
}

// railExecutor saves and removes guard rails that were held back.
func railExecutor() approvals.Executor {
	read := func(form json.RawMessage) (d rails.Proposed, err error) {
		if err = json.Unmarshal(form, &d); err != nil {
			err = badForm(err)
		}
		return d, err
	}
	return approvals.Executor{
		Scopes: []string{string(signin.Access)},
		Place: func(form json.RawMessage) (sashlock.SiteID, sashlock.AreaID, error) {
			d, err := read(form)
			return d.Site, "", err
		},
		Run: func(tx *store.Tx, form json.RawMessage, rev int64) (flow.Edit, error) {
			d, err := read(form)
			switch {
			case err != nil:
				return flow.Edit{}, err
			case d.Remove:
				return rails.Remove(tx, d.Slug, rev)
			}
			return rails.Save(tx, d.Rail, rev)
		},
	}
}
