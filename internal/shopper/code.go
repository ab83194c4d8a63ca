// SPDX-License-Identifier: Apache-2.0

package shopper

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Code is a one-time code as it is kept in memory: eight characters, 40 bits
// of chance.
type Code string

const (
	codeLength = 8
	mostTyped  = 64 // bytes of a code as people type it
	mostCodes  = 500
)

// alphabet is Crockford's Base32: no letter in it is mistaken for a digit.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// The limits of a code's life.
const (
	ShortestLife = time.Minute
	LongestLife  = time.Hour
)

// NewCode returns a code that nobody can guess.
func NewCode() Code {
	var chance [codeLength]byte
	_, _ = rand.Read(chance[:]) // it never fails
	for i, b := range chance {
		chance[i] = alphabet[b%byte(len(alphabet))] // 256 is a multiple of 32
	}
	return Code(chance[:])
}

// ReadCode reads a code as people type it: in small letters, with blanks and
// hyphens, with O for 0 and I or L for 1. It reports false for anything else.
func ReadCode(text string) (Code, bool) {
	if len(text) > mostTyped {
		return "", false
	}
	var b strings.Builder
	for _, c := range strings.ToUpper(text) {
		switch c {
		case ' ', '-', '\u00a0', '\u2010', '\u2011', '\u2013', '\t':
			continue
		case 'O':
			c = '0'
		case 'I', 'L':
			c = '1'
		}
		if !strings.ContainsRune(alphabet, c) {
			return "", false
		}
		b.WriteRune(c)
	}
	return Code(b.String()), b.Len() == codeLength
}

// String returns the code as it is shown: "K7MQ-3XTD".
func (c Code) String() string {
	if len(c) != codeLength {
		return string(c)
	}
	return string(c[:codeLength/2] + "-" + c[codeLength/2:])
}

// hash is what is kept of a secret: nobody finds the secret by it without our
// key.
func (r *Room) hash(kind, secret string) string {
	mac := hmac.New(sha256.New, r.Key)
	mac.Write([]byte(kind + "\x00" + secret))
	return hex.EncodeToString(mac.Sum(nil))
}

func (r *Room) codeID(site sashlock.SiteID, c Code) string {
	return r.hash("code", string(site)+"\x00"+string(c))
}

// MakeCode makes a code that lets one customer open cases of a site themselves,
// and returns it with the moment at which it ends. It is shown once: only its
// hash is kept.
func (r *Room) MakeCode(ctx context.Context, by sashlock.OperatorID, site sashlock.SiteID, life time.Duration) (Code, time.Time, error) {
	const op = "making guest code"
	if life < ShortestLife || life > LongestLife {
		return "", time.Time{}, &sashlock.Error{Kind: sashlock.Invalid, Op: op, Subject: "minutes", Hint: lang.Mark("choose between 1 and 60 minutes")}
	}
	c, until := NewCode(), time.Time{}
	_, err := r.Hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		rules, err := RulesOf(tx, site)
		if err != nil {
			return flow.Edit{}, err
		}
		on, err := Switched(tx)
		if err != nil {
			return flow.Edit{}, err
		}
		opens := false
		for id := range on {
			opens = opens || r.Hall.Book().Openings[id].Site == site
		}
		if !rules.Codes || !opens {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: op, Subject: "site", Hint: lang.Mark("customers of this site open no case by a code: see Settings, customers who open a case themselves")}
		}
		var live int
		if err := tx.QueryRow(`SELECT COUNT(*) FROM guest_codes WHERE site = ? AND until > ?`, string(site), store.Micros(tx.Now())).Scan(&live); err != nil {
			return flow.Edit{}, err
		}
		if live >= mostCodes {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Limit, Op: op, Subject: "site", Hint: lang.Mark("too many codes wait to be used at this site")}
		}
		until = tx.Now().Add(life)
		e := sashlock.Event{Kind: sashlock.GuestCodeMade, Site: site, Subject: string(site)}
		return flow.Edit{Events: []sashlock.Event{e}}, tx.Put("guest_codes", "id", store.Fields{"id": r.codeID(site, c), "site": site, "until": store.Micros(until)})
	}})
	return c, until, err
}

// spend takes a code out of the table; false when there is none that is good.
func (r *Room) spend(tx *store.Tx, site sashlock.SiteID, c Code) (bool, error) {
	done, err := tx.Exec(`DELETE FROM guest_codes WHERE id = ? AND until > ?`, r.codeID(site, c), store.Micros(tx.Now()))
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n == 1, err
}
