// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of recovery codes are:
//
//   - A code is 80 random bits and works once. Only its hash is kept: nobody
//     can try 2^80 of them, so a slow hash would add nothing.
//   - Wrong codes are counted by where they come from: see tries.go.
//   - Each wrong code is recorded, and so is each code used.

// Codes is how many recovery codes an operator gets.
const Codes = 10

const codeBytes = 10 // 80 bits

// Letters and digits that nobody takes for another (Crockford's base 32).
var codeAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// newCodes makes recovery codes, written in four groups of four.
func newCodes() ([]string, error) {
	codes := make([]string, Codes)
	for i := range codes {
		var b [codeBytes]byte
		if _, err := rand.Read(b[:]); err != nil {
			return nil, &sashlock.Error{Kind: sashlock.Internal, Op: "making recovery codes", Err: err}
		}
		s := codeAlphabet.EncodeToString(b[:])
		codes[i] = s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
	}
	return codes, nil
}

// plainCode is a code as people may write it, in the one spelling that counts;
// empty: it is none.
func plainCode(written string) string {
	if len(written) > 64 {
		return ""
	}
	s := strings.NewReplacer("-", "", " ", "", "o", "0", "i", "1", "l", "1").Replace(strings.ToLower(written))
	if b, err := codeAlphabet.DecodeString(s); err != nil || len(b) != codeBytes {
		return ""
	}
	return s
}

// putCodes replaces the recovery codes of an operator.
func putCodes(tx *store.Tx, id sashlock.OperatorID, codes []string) error {
	if _, err := tx.Exec(`DELETE FROM recovery_codes WHERE operator = ?`, id); err != nil {
		return err
	}
	for _, c := range codes {
		if err := tx.Put("recovery_codes", "hash", store.Fields{"hash": hash(plainCode(c)), "operator": id, "used": nil}); err != nil {
			return err
		}
	}
	return nil
}

// CodesLeft counts the recovery codes of an operator that were not used.
func CodesLeft(q store.Query, id sashlock.OperatorID) (int, error) {
	return store.One(q, func(scan store.Scan) (n int, err error) { return n, scan(&n) }, "operator", string(id),
		`SELECT COUNT(*) FROM recovery_codes WHERE operator = ? AND used IS NULL`, id)
}

// NewCodes gives an operator new recovery codes, in clear for the only time.
// The old ones end.
func (r *Room) NewCodes(ctx context.Context, id sashlock.OperatorID) ([]string, error) {
	codes, err := newCodes()
	if err != nil {
		return nil, err
	}
	_, err = r.hall.Change(ctx, flow.Change{Operator: id, Make: func(tx *store.Tx) (flow.Edit, error) {
		if _, err := FindOperator(tx, id); err != nil {
			return flow.Edit{}, err
		}
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.OperatorSaved, Subject: string(id), Why: "new recovery codes"}}}, putCodes(tx, id, codes)
	}})
	return codes, err
}

// UseCode uses a recovery code up and returns whose it was. From is where the
// browser is. The error is of kind limit while that place has to wait, with
// the pause in its hint, and of kind denied when the code is wrong.
func (r *Room) UseCode(ctx context.Context, code, from string) (sashlock.OperatorID, error) {
	place := counted{key: "code " + from, free: freeTries, most: mostPause}
	if wait := r.wrong.begin(r.now(), place); wait > 0 {
		return "", &sashlock.Error{Kind: sashlock.Limit, Op: "using recovery code", Hint: wait.Round(time.Second).String()}
	}
	plain := plainCode(code)
	denied := &sashlock.Error{Kind: sashlock.Denied, Op: "using recovery code", Hint: "this code is not right, or it was used already"}
	var id sashlock.OperatorID
	_, err := r.hall.Change(ctx, flow.Change{Make: func(tx *store.Tx) (flow.Edit, error) {
		if plain == "" {
			return flow.Edit{}, denied
		}
		var err error
		id, err = store.One(tx, func(scan store.Scan) (id sashlock.OperatorID, err error) { return id, scan(&id) }, "code", "",
			`SELECT operator FROM recovery_codes WHERE hash = ? AND used IS NULL`, hash(plain))
		if sashlock.IsKind(err, sashlock.NotFound) {
			return flow.Edit{}, denied
		}
		if err != nil {
			return flow.Edit{}, err
		}
		_, err = tx.Exec(`UPDATE recovery_codes SET used = ? WHERE hash = ?`, store.Micros(tx.Now()), hash(plain))
		return flow.Edit{}, err
	}})
	if !sashlock.IsKind(err, sashlock.Denied) {
		r.wrong.right(place)
		return id, err
	}
	if recorded := r.Refuse(ctx, "", "wrong recovery code"); recorded != nil {
		return "", recorded
	}
	return "", err
}
