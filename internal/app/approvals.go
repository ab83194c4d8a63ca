// SPDX-License-Identifier: Apache-2.0

package app

import (
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
		},
	})
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
		Scope: string(signin.Access),
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

// heldRail is the declared form of a change of a guard rail.
type heldRail struct {
	rails.Rail
	Remove bool
}

// railExecutor saves and removes guard rails that were held back.
func railExecutor() approvals.Executor {
	read := func(form json.RawMessage) (d heldRail, err error) {
		if err = json.Unmarshal(form, &d); err != nil {
			err = badForm(err)
		}
		return d, err
	}
	return approvals.Executor{
		Scope: string(signin.Setup),
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
