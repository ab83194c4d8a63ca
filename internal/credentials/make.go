// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// Making is a credential that somebody is to be given.
type Making struct {
	Person sashlock.PersonID
	Kind   sashlock.CredentialKind // PIN, Card, QR or Finger
	Label  string
	From   time.Time
	Until  time.Time

	Openings []sashlock.OpeningID // of a PIN: where it is taken; all of one site
	Digits   int                  // of a PIN, 4 to 8; 0: 4
	Duress   bool                 // of a PIN: with a duress variant
	InLocks  bool                 // of a PIN: it is written into the locks of its openings as well

	Card   wiegand.Bits       // of a card: what the reader sends
	Format string             // or its format, with facility code and number
	Code   uint64             // the facility code
	Number uint64             // the number
	Reader sashlock.OpeningID // or where it was presented a moment ago
	At     sashlock.Side      // on which side
	Once   bool               // of a QR code: good for one opening
	Device sashlock.DeviceID  // of a finger: the lock that holds it
	Slot   int                // and the slot
}

// Made is a credential with its secret, which is nowhere else.
type Made struct {
	Credential
	Secret string // the PIN, or what the QR code says; empty for the other kinds
	Duress string // the duress variant of a PIN
}

// Make gives somebody a credential. The secret in the answer is shown this once.
//
// Errors are invalid, with the field as the subject; conflict, when the card or
// slot is somebody's already; limit, when an opening has as many PINs of the
// length as are safe.
func (r *Room) Make(ctx context.Context, by sashlock.OperatorID, m Making) (Made, error) {
	m.Label = strings.TrimSpace(m.Label)
	m.From, m.Until = m.From.Truncate(time.Microsecond).UTC(), m.Until.Truncate(time.Microsecond).UTC()
	if m.Kind == sashlock.PIN && m.Digits == 0 {
		m.Digits = MinDigits
	}
	if err := r.check(&m); err != nil {
		return Made{}, err
	}
	var made Made
	err := r.change(ctx, by, func(tx *store.Tx) (flow.Edit, error) {
		made = Made{Credential: Credential{
			Credential: sashlock.Credential{
				ID: sashlock.NewID[sashlock.CredentialID](tx.Now()), Person: m.Person, Kind: m.Kind, Label: m.Label, From: m.From, Until: m.Until, Rev: 1,
			},
			Made: tx.Now(), Once: m.Once && m.Kind == sashlock.QR,
		}}
		marks, err := r.secrets(tx, m, &made)
		if err != nil {
			return flow.Edit{}, err
		}
		if err := made.write(tx); err != nil {
			return flow.Edit{}, err
		}
		if err := made.known(tx, marks); err != nil {
			return flow.Edit{}, err
		}
		if made.InLocks {
			if err := r.keep(tx, made.ID, made.Secret); err != nil {
				return flow.Edit{}, err
			}
		}
		return flow.Edit{Events: []sashlock.Event{made.saved()}}, nil
	})
	if err != nil {
		return Made{}, err
	}
	if m.Reader != "" {
		r.forget(readerAt(m.Reader, m.At))
	}
	return made, nil
}

// check reports what is wrong with a wish, and works out the card.
func (r *Room) check(m *Making) error {
	book := r.hall.Book()
	if _, known := book.People[m.Person]; !known {
		return invalid("person", lang.Mark("there is no such person"))
	}
	if err := checkLabel("label", m.Label); err != nil {
		return err
	}
	if err := checkSpan(m.From, m.Until); err != nil {
		return err
	}
	switch m.Kind {
	case sashlock.PIN:
		if m.Digits < MinDigits || m.Digits > MaxDigits {
			return invalid("digits", lang.Mark("a PIN has 4 to 8 digits"))
		}
		if m.InLocks && m.Duress {
			return invalid("duress", lang.Mark("a lock cannot call for help: a PIN that stands in locks has no duress PIN"))
		}
		return r.checkPlaces(m.Openings)
	case sashlock.Card:
		return r.checkCard(m)
	case sashlock.QR:
		return nil
	case sashlock.Finger:
		if _, adopted := book.Devices[m.Device]; !adopted {
			return invalid("device", lang.Mark("name the lock that holds the fingerprint"))
		}
		if m.Slot < 1 || m.Slot > 65535 {
			return invalid("slot", lang.Mark("name the slot, from 1, in which the lock keeps it"))
		}
		return nil
	}
	return invalid("kind", lang.Mark("choose PIN, card, QR code or fingerprint; passkeys are added where people sign in, keys in the key register"))
}

func checkSpan(from, until time.Time) error {
	switch {
	case !from.IsZero() && (from.Year() < 1970 || from.Year() > 2200):
		return invalid("from", lang.Mark("choose a time between 1970 and 2200"))
	case !until.IsZero() && (until.Year() < 1970 || until.Year() > 2200):
		return invalid("until", lang.Mark("choose a time between 1970 and 2200"))
	case !until.IsZero() && !from.Before(until):
		return invalid("until", lang.Mark("it has to end after it begins"))
	}
	return nil
}

// checkPlaces reports why a PIN cannot be taken at some openings.
func (r *Room) checkPlaces(openings []sashlock.OpeningID) error {
	book := r.hall.Book()
	if len(openings) == 0 {
		return invalid("openings", lang.Mark("choose at least one opening where it is taken"))
	}
	for _, id := range openings {
		o, known := book.Openings[id]
		if !known {
			return invalid("openings", lang.Mark("there is no such opening"))
		}
		if o.Site != book.Openings[openings[0]].Site {
			return invalid("openings", lang.Mark("a PIN is for openings of one store: make another for the other store"))
		}
	}
	return nil
}

// checkCard works out what a reader sends for the card.
func (r *Room) checkCard(m *Making) (err error) {
	switch {
	case m.Reader != "":
		card, seen := r.stranger(readerAt(m.Reader, m.At))
		if !seen {
			return invalid("reader", lang.Mark("no unknown card was presented there in the last two minutes: present it again"))
		}
		m.Card = card
	case m.Format != "":
		f, known := wiegand.Find(m.Format, r.formats...)
		if !known {
			return invalid("format", lang.Mark("there is no card format of that name"))
		}
		if m.Card, err = f.Encode(m.Code, m.Number); err != nil {
			var e *sashlock.Error
			if errors.As(err, &e) && (e.Subject == "facility" || e.Subject == "number") {
				return invalid(e.Subject, lang.Mark("this is too large for the card format"))
			}
			return err
		}
	case m.Card.Len() == 0:
		return invalid("format", lang.Mark("present the card at a reader, or give its format, facility code and number"))
	}
	if wiegand.Known(m.Card.Len(), r.formats...) && len(wiegand.Decode(m.Card, r.formats...)) == 0 {
		return invalid("bits", lang.Mark("the card was misread: present it again"))
	}
	return nil
}

// secrets makes what is presented, and returns the marks of it: of a PIN also
// that of its duress variant.
func (r *Room) secrets(tx *store.Tx, m Making, made *Made) ([][]byte, error) {
	switch m.Kind {
	case sashlock.PIN:
		made.Places = slices.Compact(slices.Sorted(slices.Values(m.Openings)))
		made.Site, made.Digits, made.Forced, made.InLocks = r.hall.Book().Openings[m.Openings[0]].Site, m.Digits, m.Duress, m.InLocks
		return r.allocate(tx, made)
	case sashlock.Card:
		return [][]byte{r.cardMark(m.Card)}, nil
	case sashlock.QR:
		made.Secret = qrPrefix + rand.Text()
		return [][]byte{r.mark(sashlock.QR, "", made.Secret)}, nil
	}
	made.Device, made.Slot = m.Device, m.Slot
	var taken int
	err := tx.QueryRow(`SELECT COUNT(*) FROM credentials WHERE device = ? AND slot = ? AND lost IS NULL`, m.Device, m.Slot).Scan(&taken)
	if err == nil && taken > 0 {
		err = &sashlock.Error{Kind: sashlock.Conflict, Op: "saving credential", Subject: "slot", Hint: lang.Mark("somebody has this slot already")}
	}
	return nil, err
}

// qrPrefix begins every QR code of ours, so that a reader can tell; 130 random
// bits follow.
const qrPrefix = "SL1:"

// cardMark is the mark of a card: of the whole row of bits, which stands for
// format, facility code and number together.
func (r *Room) cardMark(card wiegand.Bits) []byte {
	return r.mark(sashlock.Card, strconv.Itoa(card.Len()), card.String())
}

// known records the marks of a credential, in order: the second is for duress.
func (c Credential) known(tx *store.Tx, marks [][]byte) error {
	for i, mark := range marks {
		var taken int
		if err := tx.QueryRow(`SELECT COUNT(*) FROM credential_marks WHERE mark = ?`, mark).Scan(&taken); err != nil {
			return err
		}
		if taken > 0 {
			return &sashlock.Error{Kind: sashlock.Conflict, Op: "saving credential", Subject: "card", Hint: lang.Mark("this card is somebody's already, or was and is lost: remove that one first")}
		}
		if _, err := tx.Exec(`INSERT INTO credential_marks (mark, credential, duress) VALUES (?, ?, ?)`, mark, c.ID, i); err != nil {
			return err
		}
	}
	for _, o := range c.Places {
		if _, err := tx.Exec(`INSERT INTO credential_places (credential, opening) VALUES (?, ?)`, c.ID, o); err != nil {
			return err
		}
	}
	return nil
}

func (c Credential) write(tx *store.Tx) error {
	return tx.Put("credentials", "id", store.Fields{
		"id": c.ID, "person": c.Person, "kind": c.Kind, "label": c.Label, "site": store.Null(c.Site), "digits": c.Digits,
		"duress": number(c.Forced), "once": number(c.Once), "made": store.Micros(c.Made), "valid_from": store.Micros(c.From), "valid_until": store.Micros(c.Until),
		"lost": store.Micros(c.Lost), "spent": store.Micros(c.Spent), "device": store.Null(c.Device), "slot": c.Slot,
		"in_locks": number(c.InLocks), "rev": c.Rev,
	})
}

func number(on bool) int {
	if on {
		return 1
	}
	return 0
}

// Change is what can be changed of a credential after it was made.
type Change struct {
	Label    string
	From     time.Time
	Until    time.Time
	Openings []sashlock.OpeningID // of a PIN
}

// Change changes a credential. A rev other than 0 is the revision the caller
// saw. One that is lost stays as it is.
func (r *Room) Change(ctx context.Context, by sashlock.OperatorID, id sashlock.CredentialID, to Change, rev int64) (Credential, error) {
	to.Label = strings.TrimSpace(to.Label)
	if err := checkLabel("label", to.Label); err != nil {
		return Credential{}, err
	}
	if err := checkSpan(to.From, to.Until); err != nil {
		return Credential{}, err
	}
	var c Credential
	err := r.change(ctx, by, func(tx *store.Tx) (_ flow.Edit, err error) {
		if c, err = Find(tx, id); err != nil {
			return flow.Edit{}, err
		}
		if err := store.CheckRev("credential", string(id), c.Rev, rev); err != nil {
			return flow.Edit{}, err
		}
		if !c.Lost.IsZero() {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "changing credential", Subject: string(id), Hint: lang.Mark("this credential is lost: make another")}
		}
		c.Label, c.From, c.Until = to.Label, to.From.Truncate(time.Microsecond).UTC(), to.Until.Truncate(time.Microsecond).UTC()
		c.Rev++
		if c.Kind == sashlock.PIN {
			if err := r.moved(tx, &c, to.Openings); err != nil {
				return flow.Edit{}, err
			}
		}
		return flow.Edit{Events: []sashlock.Event{c.saved()}}, c.write(tx)
	})
	return c, err
}

// moved makes a PIN be taken at other openings of its site.
func (r *Room) moved(tx *store.Tx, c *Credential, to []sashlock.OpeningID) error {
	if err := r.checkPlaces(to); err != nil {
		return err
	}
	if r.hall.Book().Openings[to[0]].Site != c.Site {
		return invalid("openings", lang.Mark("a PIN is for openings of one store: make another for the other store"))
	}
	if _, err := tx.Exec(`DELETE FROM credential_places WHERE credential = ?`, c.ID); err != nil {
		return err
	}
	c.Places = slices.Compact(slices.Sorted(slices.Values(to)))
	if err := room(tx, c.Places, c.Digits, 1+number(c.Forced)); err != nil {
		return err
	}
	return c.known(tx, nil)
}

// Remove forgets a credential: what it was is then as unknown as if it had never
// been made.
func (r *Room) Remove(ctx context.Context, by sashlock.OperatorID, id sashlock.CredentialID, rev int64) error {
	return r.change(ctx, by, func(tx *store.Tx) (flow.Edit, error) {
		c, err := Find(tx, id)
		if err != nil {
			return flow.Edit{}, err
		}
		if err := store.CheckRev("credential", string(id), c.Rev, rev); err != nil {
			return flow.Edit{}, err
		}
		_, err = tx.Exec(`DELETE FROM credentials WHERE id = ?`, id)
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.CredentialRemoved, Site: c.Site, Person: c.Person, Subject: string(id)}}}, err
	})
}
