// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// MaxPasskeys is how many passkeys one operator may have.
const MaxPasskeys = 20

// Passkey is what is kept of a passkey (Web Authentication, W3C): its public
// half and how its owner calls it.
type Passkey struct {
	ID       string              `json:"-"` // the credential id, base64url
	Operator sashlock.OperatorID `json:"-"`
	Name     string              `json:"name"` // as its owner calls it; kept out of the ledger
	At       string              `json:"at"`   // the host name it works at: its relying party
	Added    time.Time           `json:"added"`
	Used     time.Time           `json:"used,omitzero"`
	Public   json.RawMessage     `json:"public"` // the credential record, for the code that verifies it
}

func (p Passkey) put(tx *store.Tx) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return tx.Put("passkeys", "id", store.Fields{"id": p.ID, "operator": p.Operator, "body": string(body)})
}

const passkeyQuery = `SELECT id, operator, body FROM passkeys `

func scanPasskey(scan store.Scan) (p Passkey, err error) {
	var body string
	if err := scan(&p.ID, &p.Operator, &body); err != nil {
		return p, err
	}
	return p, json.Unmarshal([]byte(body), &p)
}

// Passkeys returns the passkeys of an operator.
func Passkeys(q store.Query, id sashlock.OperatorID) ([]Passkey, error) {
	return store.Rows(q, scanPasskey, passkeyQuery+`WHERE operator = ? ORDER BY id`, id)
}

// AddPasskey adds a passkey to those of an operator.
func (r *Room) AddPasskey(ctx context.Context, key Passkey) error {
	key.Name = tidyName(key.Name)
	_, err := r.hall.Change(ctx, flow.Change{Operator: key.Operator, Make: func(tx *store.Tx) (flow.Edit, error) {
		have, err := Passkeys(tx, key.Operator)
		if err != nil {
			return flow.Edit{}, err
		}
		if len(have) >= MaxPasskeys {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Limit, Op: "adding passkey", Hint: lang.Mark("remove a passkey that is not needed any more first")}
		}
		for _, one := range have {
			if one.ID == key.ID {
				return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "adding passkey", Hint: lang.Mark("this passkey is there already")}
			}
		}
		if _, err := ownPasskey(tx, "", key.ID); !sashlock.IsKind(err, sashlock.NotFound) {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "adding passkey", Hint: lang.Mark("this passkey belongs to somebody"), Err: err}
		}
		key.Added = tx.Now()
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.PasskeyAdded, Subject: key.ID}}}, key.put(tx)
	}})
	return err
}

// tidyName gives a passkey without a usable name one.
func tidyName(name string) string {
	if sashlock.CheckName(name) != "" {
		return "Passkey"
	}
	return name
}

// ownPasskey finds a passkey of an operator; of any with an empty one.
func ownPasskey(q store.Query, id sashlock.OperatorID, key string) (Passkey, error) {
	p, err := store.One(q, scanPasskey, "passkey", "", passkeyQuery+`WHERE id = ?`, key)
	if err == nil && id != "" && p.Operator != id {
		return Passkey{}, &sashlock.Error{Kind: sashlock.NotFound, Op: "finding passkey", Hint: lang.Mark("you have no such passkey")}
	}
	return p, err
}

// UsedPasskey keeps what a passkey said of itself when it was used: its
// counter tells copies of it.
func (r *Room) UsedPasskey(ctx context.Context, id sashlock.OperatorID, key string, public json.RawMessage) error {
	_, err := r.hall.Change(ctx, flow.Change{Operator: id, Make: func(tx *store.Tx) (flow.Edit, error) {
		p, err := ownPasskey(tx, id, key)
		if err != nil {
			return flow.Edit{}, err
		}
		p.Public, p.Used = public, tx.Now()
		return flow.Edit{}, p.put(tx)
	}})
	return err
}

// RenamePasskey changes how its owner calls a passkey.
func (r *Room) RenamePasskey(ctx context.Context, id sashlock.OperatorID, key, name string) error {
	if fix := sashlock.CheckName(name); fix != "" {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "renaming passkey", Subject: "name", Hint: fix}
	}
	_, err := r.hall.Change(ctx, flow.Change{Operator: id, Make: func(tx *store.Tx) (flow.Edit, error) {
		p, err := ownPasskey(tx, id, key)
		if err != nil {
			return flow.Edit{}, err
		}
		p.Name = name
		return flow.Edit{}, p.put(tx)
	}})
	return err
}

// RemovePasskey removes a passkey. The last one stays while there is no
// recovery code to come back with.
func (r *Room) RemovePasskey(ctx context.Context, id sashlock.OperatorID, key string) error {
	_, err := r.hall.Change(ctx, flow.Change{Operator: id, Make: func(tx *store.Tx) (flow.Edit, error) {
		if _, err := ownPasskey(tx, id, key); err != nil {
			return flow.Edit{}, err
		}
		have, err := Passkeys(tx, id)
		if err != nil {
			return flow.Edit{}, err
		}
		left, err := CodesLeft(tx, id)
		if err != nil {
			return flow.Edit{}, err
		}
		if len(have) == 1 && left == 0 {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "removing passkey", Hint: lang.Mark("this is the last way in: make recovery codes or add another passkey first")}
		}
		_, err = tx.Exec(`DELETE FROM passkeys WHERE id = ?`, key)
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.PasskeyRemoved, Subject: key}}}, err
	}})
	return err
}
