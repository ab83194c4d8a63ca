// SPDX-License-Identifier: Apache-2.0

package signin

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

// LinkKind is what a one-time link is for.
type LinkKind string

// The kinds of links.
const (
	Claim      LinkKind = "claim"      // makes whoever opens it the first owner
	Invitation LinkKind = "invitation" // lets an operator enrol their first passkey
	WayBack    LinkKind = "way back"   // lets an operator who lost everything start again
)

// How long links work.
const (
	ClaimLife  = 30 * time.Minute
	InviteLife = 72 * time.Hour
)

// Link is a one-time link, without its secret.
type Link struct {
	Kind     LinkKind            `json:"-"`
	Operator sashlock.OperatorID `json:"-"` // whom it lets in; empty for a claim
	Created  time.Time           `json:"created"`
	Expires  time.Time           `json:"-"`

	hash []byte
}

// NewClaim makes the link by which a store without an owner gets one, and ends
// those made before. The error is of kind conflict when there is an owner.
func (r *Room) NewClaim(ctx context.Context) (Link, string, error) {
	return r.newLink(ctx, "", Link{Kind: Claim}, ClaimLife, func(tx *store.Tx) error {
		claimed, err := Claimed(tx)
		if err == nil && claimed {
			err = &sashlock.Error{Kind: sashlock.Conflict, Op: "making a claim link", Hint: lang.Mark("this store has an owner: who lost every passkey and code gets a way back with sashlock signin link --for NAME")}
		}
		return err
	})
}

// Claimed reports whether a store has an owner who accepted.
func Claimed(q store.Query) (bool, error) {
	all, err := Operators(q)
	if err != nil {
		return false, err
	}
	for _, o := range all {
		if o.Role != Owner {
			continue
		}
		comes, err := CanSignIn(q, o.ID)
		if err != nil || comes {
			return comes, err
		}
	}
	return false, nil
}

// CanSignIn reports whether an operator has anything to sign in with.
func CanSignIn(q store.Query, id sashlock.OperatorID) (bool, error) {
	return store.One(q, func(scan store.Scan) (n bool, err error) {
		var keys, codes, passwords, accounts int
		err = scan(&keys, &codes, &passwords, &accounts)
		return keys+codes+passwords+accounts > 0, err
	}, "operator", string(id), `SELECT (SELECT COUNT(*) FROM passkeys WHERE operator = ?), (SELECT COUNT(*) FROM recovery_codes WHERE operator = ? AND used IS NULL),
		(SELECT COUNT(*) FROM passwords WHERE operator = ?), (SELECT COUNT(*) FROM sso_accounts WHERE operator = ?)`, id, id, id, id)
}

// Reachable reports whether an operator can sign in, or is signed in.
func Reachable(q store.Query, id sashlock.OperatorID) (bool, error) {
	if comes, err := CanSignIn(q, id); err != nil || comes {
		return comes, err
	}
	return store.One(q, func(scan store.Scan) (in bool, err error) {
		var n int
		err = scan(&n)
		return n > 0, err
	}, "operator", string(id), `SELECT COUNT(*) FROM sessions WHERE operator = ? AND ended IS NULL`, id)
}

// Invite adds an operator and makes the link by which they come in. Who
// invites may give no more than they have themselves.
func (r *Room) Invite(ctx context.Context, by Operator, o Operator) (Operator, string, error) {
	if err := o.check(); err != nil {
		return o, "", err
	}
	if err := by.Covers(o); err != nil {
		return o, "", err
	}
	var saved Operator
	_, secret, err := r.newLinkWith(ctx, by.ID, InviteLife, func(tx *store.Tx) (Link, flow.Edit, error) {
		saved = o
		saved.ID, saved.Created, saved.Rev = sashlock.NewID[sashlock.OperatorID](tx.Now()), tx.Now(), 1
		if err := nameIsFree(tx, saved); err != nil {
			return Link{}, flow.Edit{}, err
		}
		edit, err := saved.put(tx)
		if saved.Role == Owner {
			edit.Danger = []string{flow.OwnerMade}
		}
		return Link{Kind: Invitation, Operator: saved.ID}, edit, err
	})
	return saved, secret, err
}

func nameIsFree(q store.Query, o Operator) error {
	all, err := Operators(q)
	if err == nil && slices.ContainsFunc(all, func(other Operator) bool { return other.Name == o.Name && other.ID != o.ID }) {
		err = &sashlock.Error{Kind: sashlock.Invalid, Op: "saving operator", Subject: "name", Hint: lang.Mark("another operator has this name")}
	}
	return err
}

// Return makes a link by which an operator who lost every passkey and code can
// start again. Using it removes what they had. By may be empty: whoever owns
// the data folder.
func (r *Room) Return(ctx context.Context, by Operator, id sashlock.OperatorID) (string, error) {
	_, secret, err := r.newLink(ctx, by.ID, Link{Kind: WayBack, Operator: id}, InviteLife, func(tx *store.Tx) error {
		o, err := FindOperator(tx, id)
		if err == nil && by.ID != "" {
			err = by.Covers(o)
		}
		return err
	})
	return secret, err
}

func (r *Room) newLink(ctx context.Context, by sashlock.OperatorID, l Link, life time.Duration, may func(*store.Tx) error) (Link, string, error) {
	return r.newLinkWith(ctx, by, life, func(tx *store.Tx) (Link, flow.Edit, error) { return l, flow.Edit{}, may(tx) })
}

// newLinkWith records a link and ends the earlier ones of its kind for the same
// operator.
func (r *Room) newLinkWith(ctx context.Context, by sashlock.OperatorID, life time.Duration, prepare func(*store.Tx) (Link, flow.Edit, error)) (Link, string, error) {
	secret, err := newSecret()
	if err != nil {
		return Link{}, "", err
	}
	var l Link
	_, err = r.hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		var edit flow.Edit
		var err error
		if l, edit, err = prepare(tx); err != nil {
			return flow.Edit{}, err
		}
		l.hash, l.Created, l.Expires = hash(secret), tx.Now(), tx.Now().Add(life)
		if _, err := tx.Exec(`UPDATE sign_in_links SET used = ? WHERE used IS NULL AND COALESCE(operator, '') = ?`, store.Micros(tx.Now()), string(l.Operator)); err != nil {
			return flow.Edit{}, err
		}
		body, err := json.Marshal(l)
		if err != nil {
			return flow.Edit{}, err
		}
		edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.OperatorInvited, Subject: string(l.Operator), Why: string(l.Kind)})
		return edit, tx.Put("sign_in_links", "hash", store.Fields{
			"hash": l.hash, "kind": string(l.Kind), "operator": store.Null(l.Operator), "body": string(body), "expires": store.Micros(l.Expires), "used": nil,
		})
	}})
	return l, secret, err
}

// FindLink returns a link that still works. The error is of kind denied and
// does not say whether it is unknown, late or used.
func (r *Room) FindLink(ctx context.Context, secret string) (l Link, o Operator, err error) {
	err = r.store.View(ctx, func(q store.Query) error {
		l, o, err = r.openLink(q, hash(secret))
		return err
	})
	return l, o, err
}

func (r *Room) openLink(q store.Query, hash []byte) (l Link, o Operator, err error) {
	l, err = store.One(q, scanLink, "link", "", `SELECT hash, kind, COALESCE(operator, ''), body, expires FROM sign_in_links WHERE hash = ? AND used IS NULL`, hash)
	if sashlock.IsKind(err, sashlock.NotFound) || err == nil && !r.now().Before(l.Expires) {
		return Link{}, Operator{}, &sashlock.Error{Kind: sashlock.Denied, Op: "opening link", Hint: "this link was used already, or its time is up: ask for a new one"}
	}
	if err == nil && l.Operator != "" {
		o, err = FindOperator(q, l.Operator)
	}
	return l, o, err
}

func scanLink(scan store.Scan) (l Link, err error) {
	var body string
	var expires int64
	if err := scan(&l.hash, &l.Kind, &l.Operator, &body, &expires); err != nil {
		return l, err
	}
	l.Expires = time.UnixMicro(expires).UTC()
	return l, json.Unmarshal([]byte(body), &l)
}

// Accept uses a link up: it adds the passkey that was just enrolled, for the
// operator of the link or, with a claim, for an owner of the given name, and
// returns who that is and their recovery codes, in clear for the only time.
func (r *Room) Accept(ctx context.Context, secret string, o Operator, key Passkey) (Operator, []string, error) {
	codes, err := newCodes()
	if err != nil {
		return o, nil, err
	}
	var saved Operator
	_, err = r.hall.Change(ctx, flow.Change{Operator: o.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		l, invited, err := r.openLink(tx, hash(secret))
		if err != nil {
			return flow.Edit{}, err
		}
		edit := flow.Edit{}
		if saved = invited; l.Kind == Claim {
			if saved, edit, err = r.claim(tx, o); err != nil {
				return flow.Edit{}, err
			}
		} else if saved.ID != o.ID || saved.Suspended {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Denied, Op: "accepting link", Hint: "this link is for somebody else, or they are suspended"}
		}
		if err := startOver(tx, saved.ID); err != nil {
			return flow.Edit{}, err
		}
		key.Operator, key.Added = saved.ID, tx.Now()
		edit.Events = append(edit.Events,
			sashlock.Event{Kind: sashlock.OperatorSignedUp, Subject: string(saved.ID), Why: string(l.Kind)},
			sashlock.Event{Kind: sashlock.PasskeyAdded, Subject: key.ID})
		if _, err := tx.Exec(`UPDATE sign_in_links SET used = ? WHERE hash = ?`, store.Micros(tx.Now()), l.hash); err != nil {
			return flow.Edit{}, err
		}
		return edit, firstOf(key.put(tx), func() error { return putCodes(tx, saved.ID, codes) })
	}})
	return saved, codes, err
}

// AcceptWithPassword is [Room.Accept] for somebody who has no passkey and whose
// role does without: key and code are those of [Room.SetPassword].
func (r *Room) AcceptWithPassword(ctx context.Context, secret, password, key, code string) (Operator, []string, error) {
	codes, err := newCodes()
	if err != nil {
		return Operator{}, nil, err
	}
	_, who, err := r.FindLink(ctx, secret)
	if err != nil {
		return who, nil, err
	}
	raw, err := codeKeyText.DecodeString(key)
	if err != nil {
		return who, nil, err
	}
	set, err := r.passwordOf(ctx, who.ID, password, raw, code)
	if err != nil {
		return who, nil, err
	}
	_, err = r.hall.Change(ctx, flow.Change{Operator: who.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		l, invited, err := r.openLink(tx, hash(secret))
		if err != nil {
			return flow.Edit{}, err
		}
		if l.Kind == Claim || invited.ID != who.ID || invited.Suspended {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Denied, Op: "accepting link", Hint: "this link is for somebody else, or they are suspended"}
		}
		if err := startOver(tx, who.ID); err != nil {
			return flow.Edit{}, err
		}
		edit, err := set(tx, who.ID)
		if err != nil {
			return flow.Edit{}, err
		}
		edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.OperatorSignedUp, Subject: string(who.ID), Why: string(l.Kind)})
		_, err = tx.Exec(`UPDATE sign_in_links SET used = ? WHERE hash = ?`, store.Micros(tx.Now()), l.hash)
		return edit, firstOf(err, func() error { return putCodes(tx, who.ID, codes) })
	}})
	return who, codes, err
}

func firstOf(err error, next func() error) error {
	if err != nil {
		return err
	}
	return next()
}

// claim makes the first owner. Whoever was invited as one and never came is no
// obstacle; an owner who did come is.
func (r *Room) claim(tx *store.Tx, o Operator) (Operator, flow.Edit, error) {
	claimed, err := Claimed(tx)
	if err != nil {
		return o, flow.Edit{}, err
	}
	if claimed {
		return o, flow.Edit{}, &sashlock.Error{Kind: sashlock.Denied, Op: "claiming store", Hint: "this store has an owner already"}
	}
	o.Role, o.Sites, o.Areas, o.Rev, o.Created = Owner, nil, nil, 1, tx.Now()
	if err := o.check(); err != nil {
		return o, flow.Edit{}, err
	}
	if err := nameIsFree(tx, o); err != nil {
		return o, flow.Edit{}, err
	}
	edit, err := o.put(tx)
	return o, edit, err
}

// NewOperatorID is the identifier for somebody who claims a store: their
// passkey has to know it before they exist.
func (r *Room) NewOperatorID() sashlock.OperatorID {
	return sashlock.NewID[sashlock.OperatorID](r.now())
}

// startOver removes what an operator could sign in with, and ends their
// sessions: whoever has an old one is not let in beside the one who came back.
func startOver(tx *store.Tx, id sashlock.OperatorID) error {
	for _, query := range []string{`DELETE FROM passkeys WHERE operator = ?`, `DELETE FROM recovery_codes WHERE operator = ?`, `DELETE FROM passwords WHERE operator = ?`, `DELETE FROM sso_accounts WHERE operator = ?`} {
		if _, err := tx.Exec(query, id); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`UPDATE sessions SET ended = ?, network = NULL WHERE operator = ? AND ended IS NULL`, store.Micros(tx.Now()), id)
	return err
}
