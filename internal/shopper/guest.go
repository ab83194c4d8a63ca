// SPDX-License-Identifier: Apache-2.0

package shopper

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Proof is what a guest showed.
type Proof string

// The proofs.
const (
	ByCode Proof = "code"
	ByKey  Proof = "passkey"
)

// Level is how surely it shows that somebody may open a case.
func (p Proof) Level() sashlock.Assurance {
	if p == ByKey {
		return sashlock.AssurancePasskey
	}
	return sashlock.AssuranceCode
}

// Key is what is kept of a guest's passkey: its public half, and where it works.
type Key struct {
	ID     string          `json:"id"` // the credential id, base64url
	At     string          `json:"at"` // the host name it works at
	Handle string          `json:"handle"`
	Public json.RawMessage `json:"public"`
}

// Guest is a customer who may open cases for a while.
type Guest struct {
	ID    sashlock.PersonID // a random identifier, and all that the ledger has
	Site  sashlock.SiteID
	Proof Proof
	Began time.Time
	Until time.Time // then they have to show something again
	Key   *Key      // nil: they showed a code
	token string    // hash of what their browser shows
}

// body is what is kept of a guest as JSON.
type guestBody struct {
	Proof Proof `json:"proof"`
	Key   *Key  `json:"key,omitempty"`
}

const guestColumns = `id, site, token, began, until, body`

func scanGuest(scan store.Scan) (g Guest, err error) {
	var began, until int64
	var text string
	if err = scan(&g.ID, &g.Site, &g.token, &began, &until, &text); err != nil {
		return g, err
	}
	g.Began, g.Until = time.UnixMicro(began).UTC(), time.UnixMicro(until).UTC()
	var b guestBody
	err = json.Unmarshal([]byte(text), &b)
	g.Proof, g.Key = b.Proof, b.Key
	return g, err
}

func (g Guest) put(tx *store.Tx) error {
	text, err := json.Marshal(guestBody{g.Proof, g.Key})
	if err != nil {
		return err
	}
	return tx.Put("guests", "id", store.Fields{
		"id": g.ID, "site": g.Site, "token": g.token, "began": store.Micros(g.Began), "until": store.Micros(g.Until), "body": string(text),
	})
}

// Guest returns whom a browser shows by its token, also when their time is
// over; false for nobody.
func (r *Room) Guest(ctx context.Context, token string) (g Guest, known bool, err error) {
	if token == "" || len(token) > mostTyped {
		return g, false, nil
	}
	err = r.Store.View(ctx, func(q store.Query) error {
		g, err = store.One(q, scanGuest, "guest", "", `SELECT `+guestColumns+` FROM guests WHERE token = ?`, r.hash("token", token))
		return err
	})
	if sashlock.IsKind(err, sashlock.NotFound) {
		return Guest{}, false, nil
	}
	return g, err == nil, err
}

// Standing reports whether a guest may ask for an opening of a site.
func (g Guest) Standing(site sashlock.SiteID, now time.Time) bool {
	return g.ID != "" && g.Site == site && now.Before(g.Until)
}

// Admit makes a guest of somebody who typed a code at a case, and returns what
// their browser is to show from then on. From is where the code came from: who
// guesses is slowed down there and nowhere else.
func (r *Room) Admit(ctx context.Context, o sashlock.Opening, text, from string) (g Guest, token string, err error) {
	const op = "reading guest code"
	from += " " + string(o.ID)
	if rest := r.pace.rests(r.Now(), from); rest > 0 {
		return g, "", &sashlock.Error{Kind: sashlock.Limit, Op: op, Hint: lang.Mark("too many wrong codes: wait a little, or call somebody")}
	}
	wrong := &sashlock.Error{Kind: sashlock.Denied, Op: op, Subject: "code", Hint: lang.Mark("this code is wrong, used or too old")}
	c, whole := ReadCode(text)
	if !whole {
		r.pace.miss(r.Now(), from)
		return g, "", wrong
	}
	g, token, err = r.admit(ctx, o, Guest{Proof: ByCode}, func(tx *store.Tx) error {
		good, err := r.spend(tx, o.Site, c)
		if err == nil && !good {
			err = wrong
		}
		return err
	})
	if sashlock.IsKind(err, sashlock.Denied) && r.pace.miss(r.Now(), from) {
		err = r.refuse(ctx, o, "", wrong, "wrong codes")
	}
	return g, token, err
}

// AdmitKey makes a guest of somebody who showed a passkey at a case, which the
// caller has verified. Who comes back with the passkey of a guest who is still
// known is that guest, with what they opened already.
func (r *Room) AdmitKey(ctx context.Context, o sashlock.Opening, k Key, was sashlock.PersonID) (Guest, string, error) {
	return r.admit(ctx, o, Guest{ID: was, Proof: ByKey, Key: &k}, func(tx *store.Tx) error {
		rules, err := RulesOf(tx, o.Site)
		if err == nil && !rules.Passkeys {
			err = &sashlock.Error{Kind: sashlock.Denied, Op: "admitting guest", Hint: lang.Mark("this store takes no passkeys")}
		}
		return err
	})
}

// admit makes a guest, or renews one, when what they showed is good.
func (r *Room) admit(ctx context.Context, o sashlock.Opening, want Guest, good func(tx *store.Tx) error) (Guest, string, error) {
	token := rand.Text()
	var g Guest
	_, err := r.Hall.Act(ctx, func(tx *store.Tx, b *flow.Book) error {
		g = want
		if err := r.offered(tx, b, o); err != nil {
			return err
		}
		rules, err := RulesOf(tx, o.Site)
		if err != nil {
			return err
		}
		if err := good(tx); err != nil {
			return err
		}
		g.Site, g.Began, g.token = o.Site, tx.Now(), r.hash("token", token)
		g.Until = g.Began.Add(rules.window())
		edit, err := r.declare(tx, &g)
		if err != nil {
			return err
		}
		edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.GuestAdmitted, Site: o.Site, Opening: o.ID, Person: g.ID, Why: string(g.Proof)})
		if err := g.put(tx); err != nil {
			return err
		}
		return r.Hall.ChangeIn(tx, "", edit)
	})
	return g, token, err
}

// declare makes the person that stands for a guest, or lets the one there is
// count for longer.
func (r *Room) declare(tx *store.Tx, g *Guest) (flow.Edit, error) {
	var old []Guest
	var err error
	if g.ID != "" {
		old, err = store.Rows(tx, scanGuest, `SELECT `+guestColumns+` FROM guests WHERE id = ? AND site = ?`, string(g.ID), string(g.Site))
	}
	if err != nil {
		return flow.Edit{}, err
	}
	if len(old) == 0 {
		g.ID = ""
	}
	mark := rand.Text()
	if g.ID != "" {
		mark = strings.TrimPrefix(r.Hall.Book().People[g.ID].Slug, sashlock.GuestSlug)
	}
	mark = strings.ToLower(mark)
	p := estate.Person{Slug: sashlock.GuestSlug + mark, Name: "Customer " + strings.ToUpper(mark[:min(len(mark), 4)]), Until: instant(g.Until), Guest: true}
	edit, err := r.Declaring.SavePerson(tx, p, nobody, 0)
	if err == nil && g.ID == "" {
		g.ID = edit.Access.Put.People[0].ID
	}
	return edit, err
}

func nobody(estate.Kind, string) string { return "" }

// instant is a moment as declared objects have it.
func instant(at time.Time) string { return at.UTC().Truncate(time.Second).Format(time.RFC3339) }

// refuse records that a guest was turned away before anything was decided, and
// returns the error to answer with.
func (r *Room) refuse(ctx context.Context, o sashlock.Opening, guest sashlock.PersonID, cause error, why string) error {
	_, err := r.Hall.Change(ctx, flow.Change{Make: func(*store.Tx) (flow.Edit, error) {
		e := sashlock.Event{Kind: sashlock.GuestRefused, Site: o.Site, Opening: o.ID, Person: guest, Why: why}
		return flow.Edit{Events: []sashlock.Event{e}, Access: access.Change{}}, nil
	}})
	if err != nil {
		return err
	}
	return cause
}
