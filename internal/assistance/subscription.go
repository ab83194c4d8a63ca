// SPDX-License-Identifier: Apache-2.0

package assistance

import (
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// MaxSubscriptions is how many phones one operator may have told.
const MaxSubscriptions = 10

const (
	maxEndpoint = 1000
	authLength  = 16
)

// Subscription is a phone that is told of calls and alarms, as its browser
// described itself (W3C Push API).
type Subscription struct {
	ID       string              `json:"-"`
	Operator sashlock.OperatorID `json:"-"`
	Created  time.Time           `json:"-"`
	Endpoint string              `json:"endpoint"` // where its push service takes messages
	Auth     string              `json:"auth"`     // what seals a message to this phone
	Key      string              `json:"p256dh"`
	Device   string              `json:"device,omitempty"` // what the browser calls itself
	Told     time.Time           `json:"told,omitzero"`    // when it was last sent something
	Status   int                 `json:"status,omitempty"` // what its push service answered; 0: nothing
	Trouble  string              `json:"trouble,omitempty"`
}

// IDOf is the identifier of the subscription with an endpoint.
func IDOf(endpoint string) string {
	sum := sha256.Sum256([]byte(endpoint))
	return "psh_" + hex.EncodeToString(sum[:12])
}

const subscriptionColumns = `id, operator, created, body`

func scanSubscription(read store.Scan) (s Subscription, err error) {
	var created sql.NullInt64
	var text string
	if err = read(&s.ID, &s.Operator, &created, &text); err != nil {
		return s, err
	}
	s.Created = store.TimeOf(created)
	return s, json.Unmarshal([]byte(text), &s)
}

func (s Subscription) put(tx *store.Tx) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return tx.Put("push_subscriptions", "id", store.Fields{"id": s.ID, "operator": s.Operator, "created": store.Micros(s.Created), "body": string(text)})
}

// Subscriptions returns the phones of an operator, the oldest first.
func Subscriptions(q store.Query, id sashlock.OperatorID) ([]Subscription, error) {
	return store.Rows(q, scanSubscription, `SELECT `+subscriptionColumns+` FROM push_subscriptions WHERE operator = ? ORDER BY created, id`, id)
}

// Subscribe has a phone told from now on. A phone that was somebody else's
// becomes the operator's.
func (r *Room) Subscribe(ctx context.Context, s Subscription) (Subscription, error) {
	if err := r.check(s); err != nil {
		return s, err
	}
	_, err := r.Store.Do(ctx, func(tx *store.Tx) error {
		all, err := Subscriptions(tx, s.Operator)
		if err != nil {
			return err
		}
		s.ID, s.Created, s.Told, s.Status, s.Trouble = IDOf(s.Endpoint), tx.Now(), time.Time{}, 0, ""
		if len(all) >= MaxSubscriptions && all[0].ID != s.ID {
			if err := tx.Remove("push_subscriptions", "subscription", all[0].ID, all[0].ID); err != nil { // the oldest is the likeliest to be no more
				return err
			}
		}
		return s.put(tx)
	})
	return s, err
}

// Unsubscribe has a phone of an operator told no longer.
func (r *Room) Unsubscribe(ctx context.Context, by sashlock.OperatorID, id string) error {
	_, err := r.Store.Do(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`DELETE FROM push_subscriptions WHERE id = ? AND operator = ?`, id, by)
		return err
	})
	return err
}

// check refuses what no browser of today would send.
func (r *Room) check(s Subscription) error {
	bad := func(field, hint string) error {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "subscribing", Subject: field, Hint: hint}
	}
	if len(s.Endpoint) > maxEndpoint || !r.mayReach(s.Endpoint) {
		return bad("endpoint", lang.Mark("this is not the address of a push service on the Internet"))
	}
	auth, err := decode(s.Auth)
	if err != nil || len(auth) != authLength {
		return bad("auth", lang.Mark("this is not what a browser sends"))
	}
	key, err := decode(s.Key)
	if err != nil {
		return bad("p256dh", lang.Mark("this is not what a browser sends"))
	}
	if _, err := ecdh.P256().NewPublicKey(key); err != nil {
		return bad("p256dh", lang.Mark("this is not what a browser sends"))
	}
	return nil
}

func decode(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
}
