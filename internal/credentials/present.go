// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// Shown is one thing that somebody presents.
type Shown struct {
	Kind sashlock.CredentialKind // PIN, Card or QR
	PIN  string
	Card wiegand.Bits
	QR   string
}

// Presented is what somebody presents at an opening: one thing, or two for a
// higher level.
type Presented struct {
	Opening  sashlock.OpeningID
	Side     sashlock.Side
	Reader   sashlock.DeviceID // empty: a reader that no driver reaches
	Shown    []Shown
	Operator sashlock.OperatorID // who hands it in; empty: the reader itself
}

// Outcome is what came of it.
type Outcome struct {
	flow.Answer
	// Refused says why what was presented was not taken; empty: it was, and
	// Decision is the answer. Reader and screen at the opening show no more than
	// yes or no.
	Refused sashlock.Reason
	Why     string        // in words, where there is more to say
	Rest    time.Duration // for how long the keypad takes no PIN now
}

// found is whose something presented is.
type found struct {
	Credential
	forced bool
}

// Present takes what somebody presents, and asks whether they may open. A
// refusal is an answer, not an error; what was presented stands in neither.
func (r *Room) Present(ctx context.Context, p Presented) (Outcome, error) {
	o, known := r.hall.Book().Openings[p.Opening]
	if !known {
		return Outcome{}, &sashlock.Error{Kind: sashlock.NotFound, Op: "presenting credential", Subject: "opening", Hint: lang.Mark("there is no such opening")}
	}
	if err := checkShown(p); err != nil {
		return Outcome{}, err
	}
	r.gate.RLock()
	defer r.gate.RUnlock()
	all, out, err := r.identify(ctx, o, p)
	if err != nil || out.Refused != "" {
		return out, err
	}
	q := request(p, all)
	if why := r.doubt(ctx, o, all); why != "" && q.Level < sashlock.AssuranceBoth {
		return r.refuse(ctx, o, p, &all[0], Outcome{Refused: sashlock.CredentialSuspected, Why: why})
	}
	for i := range all {
		if !all[i].Once {
			continue
		}
		if spent, err := r.spend(ctx, all[i].ID); err != nil || !spent {
			return r.refused(ctx, o, p, &all[i], sashlock.CredentialExpired, err)
		}
	}
	out.Answer, err = r.hall.Request(ctx, q)
	if err == nil && out.Decision.Granted {
		r.used(all, o.ID)
		if !out.Decision.Trial { // on trial nothing was opened from here, and the other system does not know our codes
			return out, nil
		}
	}
	return out, r.giveBack(ctx, all, err)
}

func checkShown(p Presented) error {
	wrong := func(field, hint string) error {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "presenting credential", Subject: field, Hint: hint}
	}
	if len(p.Shown) < 1 || len(p.Shown) > 2 {
		return wrong("shown", lang.Mark("present one credential, or two"))
	}
	for _, s := range p.Shown {
		switch {
		case s.Kind != sashlock.PIN && s.Kind != sashlock.Card && s.Kind != sashlock.QR:
			return wrong("kind", lang.Mark("present a PIN, a card or a QR code"))
		case s.Kind == sashlock.Card && s.Card.Len() == 0:
			return wrong("bits", lang.Mark("hand in the bits as the reader sent them"))
		}
	}
	if len(p.Shown) == 2 && p.Shown[0].Kind == p.Shown[1].Kind {
		return wrong("shown", lang.Mark("two credentials have to be of different kinds"))
	}
	return nil
}

// identify finds whose everything is that was presented. When it is to be
// refused, that has been recorded.
func (r *Room) identify(ctx context.Context, o sashlock.Opening, p Presented) (all []found, out Outcome, err error) {
	at := readerAt(o.ID, p.Side)
	var keypad *pace
	for _, s := range p.Shown {
		if s.Kind == sashlock.PIN {
			keypad = r.pace(at)
			keypad.turn.Lock()
			defer keypad.turn.Unlock()
		}
	}
	if keypad != nil {
		if out.Rest = keypad.rests(r.now()); out.Rest > 0 {
			out.Refused = sashlock.TooManyTries
			if keypad.told {
				return nil, out, nil
			}
			keypad.told = true
			out, err = r.refuse(ctx, o, p, nil, out)
			return nil, out, err
		}
	}
	for _, s := range p.Shown {
		one, known, err := r.resolve(ctx, o, s)
		if err != nil {
			return nil, out, err
		}
		if !known && s.Kind == sashlock.Card {
			r.meet(at, s.Card)
		}
		all = append(all, one)
		out.Refused = verdict(all, known, r.now())
		if out.Refused == "" {
			continue
		}
		if keypad != nil {
			now := r.now()
			keypad.miss(now)
			out.Rest = keypad.rests(now)
		}
		out, err = r.refuse(ctx, o, p, &all[len(all)-1], out)
		return nil, out, err
	}
	return all, out, nil
}

// verdict says why the last of what was presented is not taken; empty: it is.
func verdict(all []found, known bool, now time.Time) sashlock.Reason {
	last := all[len(all)-1]
	switch reason := last.Standing(now); {
	case !known, last.Person != all[0].Person: // two people's credentials together are nobody's
		return sashlock.UnknownCredential
	case reason != sashlock.Permitted:
		return reason
	}
	return ""
}

// resolve looks up one thing presented. It costs one HMAC and one look into an
// index of HMACs, whoever's it is, wherever it is good for, and however much of
// it is right.
func (r *Room) resolve(ctx context.Context, o sashlock.Opening, s Shown) (f found, known bool, err error) {
	var mark []byte
	switch s.Kind {
	case sashlock.PIN:
		if !isPIN(s.PIN) {
			return f, false, nil
		}
		mark = r.mark(sashlock.PIN, string(o.Site), s.PIN)
	case sashlock.Card:
		if wiegand.Known(s.Card.Len(), r.formats...) && len(wiegand.Decode(s.Card, r.formats...)) == 0 {
			return f, false, nil // misread
		}
		mark = r.cardMark(s.Card)
	default:
		mark = r.mark(sashlock.QR, "", s.QR)
	}
	err = r.store.View(ctx, func(q store.Query) error {
		f, known = found{}, false
		r.looked(mark)
		here := 0
		all, err := store.Rows(q, func(read store.Scan) (one found, err error) {
			one.Credential, err = scan(func(dest ...any) error { return read(append(dest, &one.forced, &here)...) })
			return one, err
		}, `SELECT `+columns+`, m.duress, (SELECT COUNT(*) FROM credential_places p WHERE p.credential = c.id AND p.opening = ?)
			FROM credential_marks m JOIN credentials c ON c.id = m.credential WHERE m.mark = ?`, o.ID, mark)
		if err != nil || len(all) == 0 {
			return err
		}
		f, known = all[0], s.Kind != sashlock.PIN || here > 0
		return nil
	})
	return f, known, err
}

// Owner tells whose a card is now. It records nothing: a list of what another
// system let in asks it, not a reader.
func (r *Room) Owner(ctx context.Context, card wiegand.Bits) (id sashlock.PersonID, known bool, err error) {
	err = r.store.View(ctx, func(q store.Query) error {
		c, found, err := r.CardOf(q, card)
		id, known = c.Person, found && c.Lost.IsZero()
		return err
	})
	return id, known, err
}

// CardOf finds the credential that a card is, or was until it was lost.
func (r *Room) CardOf(q store.Query, card wiegand.Bits) (c Credential, known bool, err error) {
	all, err := store.Rows(q, scan, `SELECT `+columns+` FROM credential_marks m JOIN credentials c ON c.id = m.credential WHERE m.mark = ?`, r.cardMark(card))
	if err != nil || len(all) == 0 {
		return c, false, err
	}
	return all[0], true, nil
}

// request puts together what was presented: who, and how surely.
func request(p Presented, all []found) sashlock.Request {
	q := sashlock.Request{Person: all[0].Person, Opening: p.Opening, Operator: p.Operator, Side: p.Side, Reader: p.Reader, Credential: all[0].ID, Method: method(all[0].Kind)}
	secret, thing := false, false
	for _, f := range all {
		q.Level = max(q.Level, f.Kind.Level())
		q.Duress = q.Duress || f.forced
		secret = secret || f.Kind == sashlock.PIN
		thing = thing || f.Kind == sashlock.Card || f.Kind == sashlock.QR
	}
	if secret && thing { // something known and something held
		q.Level = sashlock.AssuranceBoth
	}
	return q
}

func method(k sashlock.CredentialKind) sashlock.Method {
	switch k {
	case sashlock.PIN:
		return sashlock.ByKeypad
	case sashlock.Card, sashlock.QR:
		return sashlock.ByCard
	}
	return sashlock.ByUnknown
}

// refuse records that what was presented was not taken. Whose it is goes into
// the entry where that is known; what it is never does.
func (r *Room) refuse(ctx context.Context, o sashlock.Opening, p Presented, f *found, out Outcome) (Outcome, error) {
	e := sashlock.Event{
		Kind: sashlock.CredentialRefused, Site: o.Site, Opening: o.ID, Device: p.Reader, Operator: p.Operator, Side: p.Side,
		Method: method(p.Shown[0].Kind), Reason: out.Refused, Why: out.Why,
	}
	if f != nil {
		e.Person, e.Credential = f.Person, f.ID
	}
	receipt, err := r.store.DoVital(ctx, func(tx *store.Tx) error {
		tx.Append(e)
		return nil
	})
	out.Receipt = receipt
	return out, err
}

// refused is [Room.refuse] for a reason, unless something went wrong.
func (r *Room) refused(ctx context.Context, o sashlock.Opening, p Presented, f *found, reason sashlock.Reason, err error) (Outcome, error) {
	if err != nil {
		return Outcome{}, err
	}
	return r.refuse(ctx, o, p, f, Outcome{Refused: reason})
}

// spend uses up a credential that is good for one opening; false: somebody else
// just did.
func (r *Room) spend(ctx context.Context, id sashlock.CredentialID) (spent bool, err error) {
	_, err = r.store.Do(ctx, func(tx *store.Tx) error {
		done, err := tx.Exec(`UPDATE credentials SET spent = ? WHERE id = ? AND spent IS NULL`, store.Micros(tx.Now()), id)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		spent = n == 1
		return err
	})
	return spent, err
}

// giveBack undoes that credentials were spent, because nothing was opened with
// them. After an error nobody knows, so they stay spent.
func (r *Room) giveBack(ctx context.Context, all []found, failure error) error {
	if failure != nil {
		return failure
	}
	for _, f := range all {
		if !f.Once {
			continue
		}
		_, err := r.store.Do(context.WithoutCancel(ctx), func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE credentials SET spent = NULL WHERE id = ?`, f.ID)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
