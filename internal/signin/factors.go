// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of signing in without a passkey are:
//
//   - It takes a name, a password and a one-time code, all three at once. The
//     answer does not say which of them was wrong, nor whether there is such a
//     name, and takes as long in every case.
//   - It is for roles that can change nothing. Whoever is given another role
//     loses password and codes in the same moment, and their sessions.
//   - A one-time code is used up: not the same one, and none before it, is
//     taken again, by nobody, after a restart either.

// atOnce is how many passwords are looked at at the same time: each takes
// 19 MiB.
const atOnce = 2

// Factors is what is kept of a password with one-time codes, as its owner sees
// it.
type Factors struct {
	Added time.Time
	Used  time.Time
}

// factors is all that is kept.
type factors struct {
	Factors
	verifier string
	codeKey  []byte // sealed
	step     int64
}

// FindFactors returns the password with one-time codes of an operator. The
// error is of kind not found when there is none.
func FindFactors(q store.Query, id sashlock.OperatorID) (Factors, error) {
	f, err := findFactors(q, id)
	return f.Factors, err
}

func findFactors(q store.Query, id sashlock.OperatorID) (factors, error) {
	return store.One(q, func(scan store.Scan) (f factors, err error) {
		var added, used sql.NullInt64
		err = scan(&f.verifier, &f.codeKey, &f.step, &added, &used)
		f.Added, f.Used = store.TimeOf(added), store.TimeOf(used)
		return f, err
	}, "password", string(id), `SELECT verifier, code_key, step, added, used FROM passwords WHERE operator = ?`, id)
}

// NewCodeKey returns a key for one-time codes, in the letters that people type
// into an authenticator app (RFC 4648, base 32).
func NewCodeKey() (string, error) {
	key := make([]byte, codeKeyBytes)
	if _, err := rand.Read(key); err != nil {
		return "", &sashlock.Error{Kind: sashlock.Internal, Op: "making a key for one-time codes", Err: err}
	}
	return codeKeyText.EncodeToString(key), nil
}

func boxOf(id sashlock.OperatorID) string { return "one-time codes of " + string(id) }

// SetPassword gives an operator a password with one-time codes, or others. The
// code is the first one of an app that was given the key: it shows that the app
// has it. The error is of kind invalid and names the field that is wrong, or
// denied when the role needs a passkey.
func (r *Room) SetPassword(ctx context.Context, id sashlock.OperatorID, password, key, code string) error {
	raw, err := codeKeyText.DecodeString(key)
	if err != nil || len(raw) != codeKeyBytes {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "setting password", Subject: "code", Hint: lang.Mark("begin again: the code on this page is too old")}
	}
	set, err := r.passwordOf(ctx, id, password, raw, code)
	if err != nil {
		return err
	}
	_, err = r.hall.Change(ctx, flow.Change{Operator: id, Make: func(tx *store.Tx) (flow.Edit, error) { return set(tx, id) }})
	return err
}

// passwordOf checks a password and the first code, and returns what keeps them.
// What takes long is done before the transaction.
func (r *Room) passwordOf(ctx context.Context, id sashlock.OperatorID, password string, key []byte, code string) (func(*store.Tx, sashlock.OperatorID) (flow.Edit, error), error) {
	var o Operator
	if err := r.store.View(ctx, func(q store.Query) (err error) { o, err = FindOperator(q, id); return err }); err != nil {
		return nil, err
	}
	if err := CheckPassword(password, o.Name); err != nil {
		return nil, err
	}
	if err := r.takeTurn(ctx); err != nil {
		return nil, err
	}
	verifier, err := newVerifier(password)
	r.endTurn()
	if err != nil {
		return nil, err
	}
	box, err := r.enclose(key, boxOf(id))
	if err != nil {
		return nil, err
	}
	return func(tx *store.Tx, id sashlock.OperatorID) (flow.Edit, error) {
		if err := mayHavePassword(tx, id); err != nil {
			return flow.Edit{}, err
		}
		step, right := matchStep(key, code, tx.Now(), 0)
		if !right {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Invalid, Op: "setting password", Subject: "code", Hint: lang.Mark("this is not the code that your app shows now; the clocks of both may differ by half a minute at most")}
		}
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.TOTPAdded, Subject: string(id)}}}, tx.Put("passwords", "operator", store.Fields{
			"operator": id, "verifier": verifier, "code_key": box, "step": step, "added": store.Micros(tx.Now()), "used": nil,
		})
	}, nil
}

// mayHavePassword refuses a password to whoever needs a passkey, and to
// everybody where the owner does not want any.
func mayHavePassword(q store.Query, id sashlock.OperatorID) error {
	o, err := FindOperator(q, id)
	if err != nil {
		return err
	}
	p, err := FindPolicy(q)
	switch {
	case err != nil:
		return err
	case o.Role.Privileged():
		return &sashlock.Error{Kind: sashlock.Denied, Op: "setting password", Hint: lang.Mark("your role needs a passkey: a password can be tricked out of anybody")}
	case o.Suspended || p.NoPasswords:
		return &sashlock.Error{Kind: sashlock.Denied, Op: "setting password", Hint: lang.Mark("this store takes passkeys only")}
	}
	return nil
}

// RemovePassword takes the password and the one-time codes of an operator away,
// and ends the sessions that were begun with them but one. The last way in
// stays.
func (r *Room) RemovePassword(ctx context.Context, id sashlock.OperatorID, but string) error {
	_, err := r.hall.Change(ctx, flow.Change{Operator: id, Make: func(tx *store.Tx) (flow.Edit, error) {
		if _, err := findFactors(tx, id); err != nil {
			return flow.Edit{}, err
		}
		keys, err := Passkeys(tx, id)
		if err != nil {
			return flow.Edit{}, err
		}
		left, err := CodesLeft(tx, id)
		if err != nil {
			return flow.Edit{}, err
		}
		if len(keys) == 0 && left == 0 {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "removing password", Hint: lang.Mark("this is the last way in: make recovery codes or add a passkey first")}
		}
		if err := endWeak(tx, id, but, ByPassword); err != nil {
			return flow.Edit{}, err
		}
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.TOTPRemoved, Subject: string(id)}}}, dropPassword(tx, id)
	}})
	return err
}

func dropPassword(tx *store.Tx, id sashlock.OperatorID) error {
	_, err := tx.Exec(`DELETE FROM passwords WHERE operator = ?`, id)
	return err
}

// endWeak ends the sessions of an operator that were begun by one of some
// means, but one.
func endWeak(tx *store.Tx, id sashlock.OperatorID, but string, means ...string) error {
	all, err := store.Rows(tx, scanSession, sessionQuery+`WHERE s.operator = ? AND s.ended IS NULL`, id)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.ID == but || !containsAny(means, s.Means) {
			continue
		}
		if _, err := tx.Exec(`UPDATE sessions SET ended = ?, network = NULL WHERE id = ?`, store.Micros(tx.Now()), s.ID); err != nil {
			return err
		}
	}
	return nil
}

func containsAny(means []string, one string) bool {
	for _, m := range means {
		if m == one {
			return true
		}
	}
	return false
}

// takeTurn waits until a password may be looked at. When many wait already the
// error is of kind limit.
func (r *Room) takeTurn(ctx context.Context) error {
	select {
	case r.queue <- struct{}{}:
	default:
		return &sashlock.Error{Kind: sashlock.Limit, Op: "signing in", Hint: "5s"}
	}
	select {
	case r.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-r.queue
		return ctx.Err()
	}
}

func (r *Room) endTurn() {
	<-r.turns
	<-r.queue
}

// UsePassword returns whose name, password and one-time code these are. From is
// where the browser is. The error is of kind limit while that place has to
// wait, with the pause in its hint, and of kind denied in every other case.
func (r *Room) UsePassword(ctx context.Context, name, password, code, from string) (sashlock.OperatorID, error) {
	pair := counted{key: "name " + from + " " + hex.EncodeToString(hash(strings.ToLower(strings.TrimSpace(name)))), free: freeTries, most: mostPause}
	place := counted{key: "password " + from, free: freeFromAPlace, most: mostPause}
	if wait := r.wrong.begin(r.now(), pair, place); wait > 0 {
		return "", &sashlock.Error{Kind: sashlock.Limit, Op: "signing in", Hint: wait.Round(time.Second).String()}
	}
	id, err := r.lookAtPassword(ctx, name, password, code)
	switch {
	case err == nil:
		r.wrong.right(place)
		r.wrong.over(pair)
		return id, nil
	case !sashlock.IsKind(err, sashlock.Denied):
		r.wrong.right(place, pair)
		return "", err
	}
	if recorded := r.Refuse(ctx, id, "wrong name, password or one-time code"); recorded != nil {
		return "", recorded
	}
	return "", err
}

// lookAtPassword is UsePassword without the pauses. With an error of kind
// denied it returns whom it was about, if anybody, for the record.
func (r *Room) lookAtPassword(ctx context.Context, name, password, code string) (sashlock.OperatorID, error) {
	denied := &sashlock.Error{Kind: sashlock.Denied, Op: "signing in", Hint: "name, password or one-time code is not right"}
	var o Operator
	f := factors{verifier: noVerifier}
	err := r.store.View(ctx, func(q store.Query) (err error) {
		if o, err = named(q, name); err != nil || o.ID == "" {
			return err
		}
		found, err := findFactors(q, o.ID)
		if err == nil {
			f = found
		}
		if sashlock.IsKind(err, sashlock.NotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if len(password) > 4*MaxPassword {
		password = ""
	}
	if err := r.takeTurn(ctx); err != nil {
		return "", err
	}
	right := matches(f.verifier, password)
	r.endTurn()
	_, err = r.hall.Change(ctx, flow.Change{Operator: o.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		if !right {
			return flow.Edit{}, denied
		}
		return flow.Edit{}, r.useUp(tx, o.ID, f.verifier, code, denied)
	}})
	return o.ID, err
}

// useUp uses a one-time code up, if it is right and everything else still is.
//
// Who knows the password and guesses codes from many places is slowed down by
// the name alone, by a minute at most. That keeps nobody else out who does not
// know it, and the answer does not tell.
func (r *Room) useUp(tx *store.Tx, id sashlock.OperatorID, verifier, code string, denied error) error {
	f, err := findFactors(tx, id)
	if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
		return err
	}
	if err != nil || f.verifier != verifier {
		return denied
	}
	if err := mayHavePassword(tx, id); err != nil {
		if sashlock.IsKind(err, sashlock.Denied) {
			return denied
		}
		return err
	}
	guesses := counted{key: "guesses " + string(id), free: 4 * freeTries, most: time.Minute}
	if r.wrong.begin(tx.Now(), guesses) > 0 {
		return denied
	}
	key, err := r.disclose(f.codeKey, boxOf(id))
	if err != nil {
		return err
	}
	step, right := matchStep(key, code, tx.Now(), f.step)
	if !right {
		return denied
	}
	r.wrong.over(guesses)
	_, err = tx.Exec(`UPDATE passwords SET step = ?, used = ? WHERE operator = ?`, step, store.Micros(tx.Now()), id)
	return err
}

// named finds the operator of a name; none with an empty identifier. Capitals
// do not count unless two differ by nothing else.
func named(q store.Query, name string) (found Operator, err error) {
	name = strings.TrimSpace(name)
	all, err := Operators(q)
	for _, o := range all {
		if o.Name == name {
			return o, err
		}
	}
	for _, o := range all {
		if !strings.EqualFold(o.Name, name) {
			continue
		}
		if found.ID != "" {
			return Operator{}, err
		}
		found = o
	}
	return found, err
}
