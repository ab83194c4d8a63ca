// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"context"
	"encoding/json"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// Policy is what a store allows beside passkeys and recovery codes. Codes by
// text message or telephone are not among it: there is no way to send them, and
// they are the easiest to intercept.
type Policy struct {
	// NoPasswords refuses passwords with one-time codes to those whose role
	// could have one.
	NoPasswords bool  `json:"no_passwords,omitempty"`
	Rev         int64 `json:"-"`
}

// row is one row of what is set about signing in.
type row struct {
	body   []byte
	secret []byte
	rev    int64
}

// findRow reads a row; one that was never written is empty.
func findRow(q store.Query, id string) (row, error) {
	one, err := store.One(q, func(scan store.Scan) (o row, err error) {
		var body string
		err = scan(&body, &o.secret, &o.rev)
		o.body = []byte(body)
		return o, err
	}, "setting", id, `SELECT body, secret, rev FROM sign_in_settings WHERE id = ?`, id)
	if sashlock.IsKind(err, sashlock.NotFound) {
		return row{body: []byte("{}")}, nil
	}
	return one, err
}

// FindPolicy returns the policy in force.
func FindPolicy(q store.Query) (Policy, error) {
	one, err := findRow(q, "policy")
	if err != nil {
		return Policy{}, err
	}
	p := Policy{Rev: one.rev}
	return p, json.Unmarshal(one.body, &p)
}

// SavePolicy changes the policy, on behalf of an owner. Sessions of a kind that
// is no longer allowed end.
func (r *Room) SavePolicy(ctx context.Context, by Operator, p Policy) error {
	if err := by.ownsAll(); err != nil {
		return err
	}
	_, err := r.hall.Change(ctx, flow.Change{Operator: by.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		old, err := FindPolicy(tx)
		if err != nil {
			return flow.Edit{}, err
		}
		if err := store.CheckRev("policy", "policy", old.Rev, p.Rev); err != nil {
			return flow.Edit{}, err
		}
		body, err := json.Marshal(p)
		if err != nil {
			return flow.Edit{}, err
		}
		if p.NoPasswords {
			all, err := Operators(tx)
			if err != nil {
				return flow.Edit{}, err
			}
			for _, o := range all {
				if err := endWeak(tx, o.ID, "", ByPassword); err != nil {
					return flow.Edit{}, err
				}
			}
		}
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.SSOSaved, Subject: "policy", Data: body}}},
			tx.Put("sign_in_settings", "id", store.Fields{"id": "policy", "body": string(body), "secret": nil, "rev": old.Rev + 1})
	}})
	return err
}

// ownsAll refuses whoever is no owner.
func (o Operator) ownsAll() error {
	return o.Covers(Operator{Role: Owner})
}
