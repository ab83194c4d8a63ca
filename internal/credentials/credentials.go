// SPDX-License-Identifier: Apache-2.0

// Package credentials keeps what people present: PINs, cards, QR codes,
// fingerprints that a lock holds, and mechanical keys.
//
// # What
//
// [Room.Make] gives somebody a credential and returns its secret for the only
// time. [Room.Present] takes what was shown at an opening, finds whose it is and
// how surely, and asks at the door of package flow. [Room.Lose] ends one or all
// of them in one act and tells what was opened with them since. [SaveKey],
// [HandOut] and [TakeBack] are the register of mechanical keys.
//
// # How it fits
//
// A room as package people is one. Changes of credentials go through the
// [Room], because they must not overtake somebody who presents one; those of
// keys run inside a flow.Change. Signing out phones is wired in by package app.
//
// # Promises
//
// Neither the tables nor the ledger hold a PIN, the number of a card or a QR
// code; what they hold says nothing without the key of the store node
// (docs/decisions/0026-pin-verifiers.md). The one exception is a PIN that locks
// hold as well: it is kept sealed, until it ends
// (docs/decisions/0032-codes-in-locks.md). Whoever presents a credential after
// its loss was acknowledged is refused. Wrong PINs at one keypad slow down that
// keypad and nobody anywhere else.
package credentials

import (
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Credential is what is kept of a credential: everything but its secret.
type Credential struct {
	sashlock.Credential
	Site   sashlock.SiteID      // of a PIN: where it is known
	Places []sashlock.OpeningID // of a PIN: where it is taken, in order
	Digits int                  // of a PIN
	Forced bool                 // of a PIN: it has a duress variant
	Once   bool                 // good for one opening
	Made   time.Time
	Spent  time.Time         // when one that is good for one opening was used; zero: not yet
	Device sashlock.DeviceID // which lock holds the fingerprint, or a code found there
	Slot   int               // and in which slot
	// InLocks says of a PIN that it is written into the locks of its openings, which
	// then open with it by themselves.
	InLocks bool
}

// Standing says whether a credential is taken at an instant, as the reason why
// it is not; Permitted: it is.
func (c Credential) Standing(now time.Time) sashlock.Reason {
	switch {
	case !c.Lost.IsZero():
		return sashlock.CredentialLost
	case !c.Until.IsZero() && !now.Before(c.Until), !c.Spent.IsZero():
		return sashlock.CredentialExpired
	case now.Before(c.From):
		return sashlock.CredentialNotYetValid
	}
	return sashlock.Permitted
}

const columns = `c.id, c.person, c.kind, c.label, c.site, c.digits, c.duress, c.once, c.made, c.valid_from, c.valid_until, c.lost, c.spent, c.device, c.slot, c.in_locks, c.rev`

func scan(read store.Scan) (c Credential, err error) {
	var site, device sql.NullString
	var made, from, until, lost, spent sql.NullInt64
	err = read(&c.ID, &c.Person, &c.Kind, &c.Label, &site, &c.Digits, &c.Forced, &c.Once, &made, &from, &until, &lost, &spent, &device, &c.Slot, &c.InLocks, &c.Rev)
	c.Site, c.Device = store.ID[sashlock.SiteID](site), store.ID[sashlock.DeviceID](device)
	c.Made, c.From, c.Until, c.Lost, c.Spent = store.TimeOf(made), store.TimeOf(from), store.TimeOf(until), store.TimeOf(lost), store.TimeOf(spent)
	return c, err
}

// List returns credentials in the order in which they were made: those of one
// person, or of everybody.
func List(q store.Query, person sashlock.PersonID) ([]Credential, error) {
	where, args := ``, []any{}
	if person != "" {
		where, args = ` WHERE c.person = ?`, []any{person}
	}
	all, err := store.Rows(q, scan, `SELECT `+columns+` FROM credentials c`+where+` ORDER BY c.id`, args...)
	if err != nil {
		return nil, err
	}
	at := make(map[sashlock.CredentialID]int, len(all))
	for i, c := range all {
		at[c.ID] = i
	}
	type place struct {
		credential sashlock.CredentialID
		opening    sashlock.OpeningID
	}
	places, err := store.Rows(q, func(read store.Scan) (p place, err error) { return p, read(&p.credential, &p.opening) },
		`SELECT p.credential, p.opening FROM credential_places p JOIN credentials c ON c.id = p.credential`+where+` ORDER BY p.credential, p.opening`, args...)
	for _, p := range places {
		if i, known := at[p.credential]; known {
			all[i].Places = append(all[i].Places, p.opening)
		}
	}
	return all, err
}

// Find returns one credential, or not_found.
func Find(q store.Query, id sashlock.CredentialID) (Credential, error) {
	c, err := store.One(q, scan, "credential", string(id), `SELECT `+columns+` FROM credentials c WHERE c.id = ?`, id)
	if err != nil {
		return c, err
	}
	c.Places, err = places(q, id)
	return c, err
}

func places(q store.Query, id sashlock.CredentialID) ([]sashlock.OpeningID, error) {
	return store.Rows(q, func(read store.Scan) (o sashlock.OpeningID, err error) { return o, read(&o) },
		`SELECT opening FROM credential_places WHERE credential = ? ORDER BY opening`, id)
}

// Holder returns the credential of whoever has a fingerprint, or a code that the
// lock itself holds, in a slot of a device; false: nobody is known to.
func Holder(q store.Query, device sashlock.DeviceID, slot int) (Credential, bool, error) {
	all, err := store.Rows(q, scan, `SELECT `+columns+` FROM credentials c WHERE c.device = ? AND c.slot = ? AND c.lost IS NULL`, device, slot)
	if err != nil || len(all) == 0 {
		return Credential{}, false, err
	}
	return all[0], true, nil
}

// data is what the ledger keeps of a credential: nothing that anybody could
// present, and not its label, which people write.
func (c Credential) data() json.RawMessage {
	data, err := json.Marshal(struct {
		Kind   sashlock.CredentialKind `json:"kind"`
		Site   sashlock.SiteID         `json:"site,omitempty"`
		Places []sashlock.OpeningID    `json:"openings,omitempty"`
		Once   bool                    `json:"once,omitempty"`
		From   time.Time               `json:"from,omitzero"`
		Until  time.Time               `json:"until,omitzero"`
		Device sashlock.DeviceID       `json:"device,omitempty"`
		Slot   int                     `json:"slot,omitempty"`
		Locks  bool                    `json:"in_locks,omitempty"`
		Rev    int64                   `json:"rev"`
	}{c.Kind, c.Site, c.Places, c.Once, c.From, c.Until, c.Device, c.Slot, c.InLocks, c.Rev})
	if err != nil {
		return nil // strings and times always marshal
	}
	return data
}

func (c Credential) saved() sashlock.Event {
	return sashlock.Event{Kind: sashlock.CredentialSaved, Site: c.Site, Person: c.Person, Subject: string(c.ID), Data: c.data()}
}

// mark is what is kept of a secret: nothing can be made of it, and nothing be
// tried against it, without the key. It takes the same time whatever the secret
// is.
func (r *Room) mark(kind sashlock.CredentialKind, scope, secret string) []byte {
	h := hmac.New(sha256.New, r.key)
	for _, part := range []string{string(kind), scope, secret} {
		h.Write([]byte{byte(len(part) >> 8), byte(len(part))}) // so that no two triples are the same row of bytes
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

// invalid is the error for a field.
func invalid(field, hint string) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "saving credential", Subject: field, Hint: hint}
}

// maxLabel is how long a label may be, in characters.
const maxLabel = 60

// checkLabel reports why a label cannot be kept.
func checkLabel(field, label string) error {
	switch {
	case strings.TrimSpace(label) == "":
		return invalid(field, lang.Mark("say what people call it"))
	case !utf8.ValidString(label) || strings.ContainsFunc(label, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return invalid(field, lang.Mark("use plain text on one line"))
	case utf8.RuneCountInString(label) > maxLabel:
		return invalid(field, lang.Mark("60 characters at most"))
	}
	return nil
}
