// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"errors"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Key is a mechanical key with all its copies.
type Key struct {
	ID       sashlock.CredentialID
	Slug     string // what is stamped on it
	Name     string
	Copies   int
	Cost     int64 // of new cylinders and keys, in hundredths of the owner's money
	Openings []sashlock.OpeningID
	Made     time.Time
	Retired  time.Time // when the last copy was destroyed; zero: it opens
	Rev      int64
}

// Loan is a copy of a key in somebody's hands.
type Loan struct {
	ID     string
	Key    sashlock.CredentialID
	Person sashlock.PersonID
	Taken  time.Time
	Due    time.Time
	Back   time.Time // zero: not yet
	Lost   time.Time // zero: it is not
	Told   bool      // the ledger says that it is overdue
}

// Holds counts the copies of mechanical keys in somebody's hands.
func Holds(q store.Query, person sashlock.PersonID) (n int, err error) {
	err = q.QueryRow(`SELECT COUNT(*) FROM mechanical_key_loans WHERE person = ? AND back IS NULL AND lost IS NULL`, person).Scan(&n)
	return n, err
}

// Out reports whether the copy is still in somebody's hands.
func (l Loan) Out() bool { return l.Back.IsZero() && l.Lost.IsZero() }

// Overdue reports whether it should be back.
func (l Loan) Overdue(now time.Time) bool { return l.Out() && !now.Before(l.Due) }

const keyColumns = `id, slug, name, copies, cost, made, retired, rev`

func scanKey(read store.Scan) (k Key, err error) {
	var made, retired sql.NullInt64
	err = read(&k.ID, &k.Slug, &k.Name, &k.Copies, &k.Cost, &made, &retired, &k.Rev)
	k.Made, k.Retired = store.TimeOf(made), store.TimeOf(retired)
	return k, err
}

const loanColumns = `id, key, person, taken, due, back, lost, told`

func scanLoan(read store.Scan) (l Loan, err error) {
	var taken, due, back, lost sql.NullInt64
	err = read(&l.ID, &l.Key, &l.Person, &taken, &due, &back, &lost, &l.Told)
	l.Taken, l.Due, l.Back, l.Lost = store.TimeOf(taken), store.TimeOf(due), store.TimeOf(back), store.TimeOf(lost)
	return l, err
}

// Keys returns every key in order of slug.
func Keys(q store.Query) ([]Key, error) {
	all, err := store.Rows(q, scanKey, `SELECT `+keyColumns+` FROM mechanical_keys ORDER BY slug`)
	for i := range all {
		if err == nil {
			all[i].Openings, err = keyOpenings(q, all[i].ID)
		}
	}
	return all, err
}

// FindKey returns the key that ref names by slug or identifier.
func FindKey(q store.Query, ref string) (Key, error) {
	k, err := store.One(q, scanKey, "key", ref, `SELECT `+keyColumns+` FROM mechanical_keys WHERE slug = ? OR id = ?`, ref, ref)
	if err != nil {
		return k, err
	}
	k.Openings, err = keyOpenings(q, k.ID)
	return k, err
}

func keyOpenings(q store.Query, id sashlock.CredentialID) ([]sashlock.OpeningID, error) {
	return store.Rows(q, func(read store.Scan) (o sashlock.OpeningID, err error) { return o, read(&o) },
		`SELECT opening FROM mechanical_key_openings WHERE key = ? ORDER BY opening`, id)
}

// Loans returns the loans of a key, newest first; of all keys with an empty one.
func Loans(q store.Query, key sashlock.CredentialID, limit int) ([]Loan, error) {
	if key == "" {
		return store.Rows(q, scanLoan, `SELECT `+loanColumns+` FROM mechanical_key_loans ORDER BY taken DESC, id DESC LIMIT ?`, limit)
	}
	return store.Rows(q, scanLoan, `SELECT `+loanColumns+` FROM mechanical_key_loans WHERE key = ? ORDER BY taken DESC, id DESC LIMIT ?`, key, limit)
}

// OutNow returns the loans that are not back, those due first at the front.
func OutNow(q store.Query) ([]Loan, error) {
	return store.Rows(q, scanLoan, `SELECT `+loanColumns+` FROM mechanical_key_loans WHERE back IS NULL AND lost IS NULL ORDER BY due, id`)
}

// LostCopies counts the copies of each key that are lost.
func LostCopies(q store.Query) (map[sashlock.CredentialID]int, error) {
	all, err := store.Rows(q, func(read store.Scan) (k sashlock.CredentialID, err error) { return k, read(&k) },
		`SELECT key FROM mechanical_key_loans WHERE lost IS NOT NULL`)
	count := make(map[sashlock.CredentialID]int, len(all))
	for _, k := range all {
		count[k]++
	}
	return count, err
}

// FindLoan returns one loan, or not_found.
func FindLoan(q store.Query, id string) (Loan, error) {
	return store.One(q, scanLoan, "loan", id, `SELECT `+loanColumns+` FROM mechanical_key_loans WHERE id = ?`, id)
}

// checkKey reports what is wrong with a key.
func checkKey(tx *store.Tx, k Key) error {
	switch {
	case !sashlock.ValidSlug(k.Slug):
		return invalid("slug", lang.Mark("use 1 to 40 of a-z, 0-9 and the hyphen"))
	case k.Copies < 1 || k.Copies > 1000:
		return invalid("copies", lang.Mark("1 to 1,000 copies"))
	case k.Cost < 0 || k.Cost > 1e12:
		return invalid("cost", lang.Mark("give the cost of new cylinders and keys, 0 or more"))
	case len(k.Openings) == 0:
		return invalid("openings", lang.Mark("choose what the key opens"))
	}
	for _, o := range k.Openings {
		var known int
		if err := tx.QueryRow(`SELECT COUNT(*) FROM openings WHERE id = ?`, o).Scan(&known); err != nil {
			return err
		}
		if known == 0 {
			return invalid("openings", lang.Mark("there is no such opening"))
		}
	}
	return checkLabel("name", k.Name)
}

// SaveKey enters a key into the register, or changes the one with the same slug.
// A rev other than 0 is the revision the caller saw; -1: there is to be none
// yet.
func SaveKey(tx *store.Tx, k Key, rev int64) (Key, flow.Edit, error) {
	if err := checkKey(tx, k); err != nil {
		return k, flow.Edit{}, err
	}
	old, err := FindKey(tx, k.Slug)
	switch {
	case sashlock.IsKind(err, sashlock.NotFound):
		k.ID, k.Made, k.Rev = sashlock.NewID[sashlock.CredentialID](tx.Now()), tx.Now(), 0
		err = nil
	case err == nil && rev == -1:
		err = &sashlock.Error{Kind: sashlock.Conflict, Op: "saving key", Subject: "slug", Hint: lang.Mark("a key of that name is in the register already")}
	case err == nil:
		err = store.CheckRev("key", k.Slug, old.Rev, rev)
		k.ID, k.Made, k.Retired, k.Rev = old.ID, old.Made, old.Retired, old.Rev
	}
	if err != nil {
		return k, flow.Edit{}, err
	}
	k.Openings = slices.Compact(slices.Sorted(slices.Values(k.Openings)))
	edit, err := k.put(tx)
	return k, edit, err
}

func (k *Key) put(tx *store.Tx) (flow.Edit, error) {
	k.Rev++
	err := tx.Put("mechanical_keys", "id", store.Fields{
		"id": k.ID, "slug": k.Slug, "name": k.Name, "copies": k.Copies, "cost": k.Cost, "made": store.Micros(k.Made), "retired": store.Micros(k.Retired), "rev": k.Rev,
	})
	if err != nil {
		return flow.Edit{}, err
	}
	if _, err := tx.Exec(`DELETE FROM mechanical_key_openings WHERE key = ?`, k.ID); err != nil {
		return flow.Edit{}, err
	}
	for _, o := range k.Openings {
		if _, err := tx.Exec(`INSERT INTO mechanical_key_openings (key, opening) VALUES (?, ?)`, k.ID, o); err != nil {
			return flow.Edit{}, err
		}
	}
	data, err := json.Marshal(struct {
		Kind     sashlock.CredentialKind `json:"kind"`
		Slug     string                  `json:"slug"`
		Copies   int                     `json:"copies"`
		Openings []sashlock.OpeningID    `json:"openings"`
		Retired  time.Time               `json:"retired,omitzero"`
		Rev      int64                   `json:"rev"`
	}{sashlock.Key, k.Slug, k.Copies, k.Openings, k.Retired, k.Rev})
	return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.CredentialSaved, Subject: string(k.ID), Data: data}}}, err
}

// RetireKey takes a key out of use: its last copy was destroyed, or its
// cylinders were replaced.
func RetireKey(tx *store.Tx, ref string, rev int64) (Key, flow.Edit, error) {
	k, err := FindKey(tx, ref)
	if err == nil {
		err = store.CheckRev("key", ref, k.Rev, rev)
	}
	if err != nil || !k.Retired.IsZero() {
		return k, flow.Edit{}, err
	}
	out, err := countOut(tx, k.ID)
	if err != nil {
		return k, flow.Edit{}, err
	}
	if out > 0 {
		return k, flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "retiring key", Subject: k.Slug, Hint: lang.Mark("copies of it are still handed out: take them back, or report them lost")}
	}
	k.Retired = tx.Now()
	edit, err := k.put(tx)
	return k, edit, err
}

func countOut(q store.Query, key sashlock.CredentialID) (n int, err error) {
	err = q.QueryRow(`SELECT COUNT(*) FROM mechanical_key_loans WHERE key = ? AND back IS NULL AND lost IS NULL`, key).Scan(&n)
	return n, err
}

// maxLoan is for how long a copy may be handed out.
const maxLoan = 366 * 24 * time.Hour

// HandOut gives a copy of a key to somebody until it is due.
func HandOut(tx *store.Tx, ref string, person sashlock.PersonID, due time.Time) (Loan, flow.Edit, error) {
	now := tx.Now()
	k, err := FindKey(tx, ref)
	if err != nil {
		return Loan{}, flow.Edit{}, err
	}
	var known int
	if err := tx.QueryRow(`SELECT COUNT(*) FROM people WHERE id = ? AND suspended = 0`, person).Scan(&known); err != nil {
		return Loan{}, flow.Edit{}, err
	}
	out, err := countOut(tx, k.ID)
	if err != nil {
		return Loan{}, flow.Edit{}, err
	}
	lost, err := countLost(tx, k.ID)
	if err != nil {
		return Loan{}, flow.Edit{}, err
	}
	switch {
	case known == 0:
		err = invalid("person", lang.Mark("there is nobody of that name, or their access is suspended"))
	case !due.After(now) || due.Sub(now) > maxLoan:
		err = invalid("due", lang.Mark("say when it has to be back: later than now, within a year"))
	case !k.Retired.IsZero():
		err = &sashlock.Error{Kind: sashlock.Conflict, Op: "handing out key", Subject: k.Slug, Hint: lang.Mark("this key is out of use")}
	case out+lost >= k.Copies:
		err = &sashlock.Error{Kind: sashlock.Conflict, Op: "handing out key", Subject: k.Slug, Hint: lang.Mark("no copy of it is left in the cabinet")}
	}
	if err != nil {
		return Loan{}, flow.Edit{}, err
	}
	l := Loan{ID: string(sashlock.NewID[sashlock.CredentialID](now)), Key: k.ID, Person: person, Taken: now, Due: due.Truncate(time.Microsecond).UTC()}
	return l, flow.Edit{Events: []sashlock.Event{{Kind: sashlock.KeyTaken, Person: person, Subject: string(k.ID)}}}, l.write(tx)
}

// countLost counts the copies that were lost since the key was rekeyed; a key
// whose cylinders are new is another key.
func countLost(q store.Query, key sashlock.CredentialID) (n int, err error) {
	err = q.QueryRow(`SELECT COUNT(*) FROM mechanical_key_loans WHERE key = ? AND lost IS NOT NULL`, key).Scan(&n)
	return n, err
}

func (l Loan) write(tx *store.Tx) error {
	return tx.Put("mechanical_key_loans", "id", store.Fields{
		"id": l.ID, "key": l.Key, "person": l.Person, "taken": store.Micros(l.Taken), "due": store.Micros(l.Due),
		"back": store.Micros(l.Back), "lost": store.Micros(l.Lost), "told": number(l.Told),
	})
}

// TakeBack records that a copy is back in the cabinet. Doing it again changes
// nothing.
func TakeBack(tx *store.Tx, id string) (Loan, flow.Edit, error) {
	l, err := FindLoan(tx, id)
	if err != nil || !l.Back.IsZero() {
		return l, flow.Edit{}, err
	}
	l.Back, l.Lost = tx.Now(), time.Time{} // what was lost may be found
	return l, flow.Edit{Events: []sashlock.Event{{Kind: sashlock.KeyReturned, Person: l.Person, Subject: string(l.Key)}}}, l.write(tx)
}

// LoseCopy records that a copy is lost, and returns the key: what it opens is
// open to whoever finds it, and Cost is what new cylinders come to.
func LoseCopy(tx *store.Tx, id string) (Key, flow.Edit, error) {
	l, err := FindLoan(tx, id)
	if err != nil {
		return Key{}, flow.Edit{}, err
	}
	k, err := FindKey(tx, string(l.Key))
	if err != nil || !l.Out() {
		return k, flow.Edit{}, err
	}
	l.Lost = tx.Now()
	edit := flow.Edit{Events: []sashlock.Event{{Kind: sashlock.CredentialLostAt, Person: l.Person, Subject: string(l.Key), Why: WasLost}}}
	return k, edit, l.write(tx)
}

// Month is how many keys were in use at the end of a month.
type Month struct {
	First time.Time // its first instant
	Left  int
}

// BurnDown counts the keys in use at the end of each of the last n months.
func BurnDown(all []Key, now time.Time, n int) (months []Month) {
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	for i := n - 1; i >= 0; i-- {
		m := Month{First: first.AddDate(0, -i, 0)}
		end := m.First.AddDate(0, 1, 0)
		for _, k := range all {
			if k.Made.Before(end) && (k.Retired.IsZero() || !k.Retired.Before(end)) {
				m.Left++
			}
		}
		months = append(months, m)
	}
	return months
}

// Remind records each copy that is overdue, once.
func Remind(ctx context.Context, s *store.Store, hall *flow.Hall, now time.Time) error {
	var late []Loan
	err := s.View(ctx, func(q store.Query) error {
		all, err := OutNow(q)
		late = slices.DeleteFunc(all, func(l Loan) bool { return l.Told || !l.Overdue(now) })
		return err
	})
	if err != nil || len(late) == 0 {
		return err
	}
	_, err = hall.Change(ctx, flow.Change{Make: func(tx *store.Tx) (edit flow.Edit, err error) {
		for _, was := range late {
			l, err := FindLoan(tx, was.ID)
			if err != nil || l.Told || !l.Out() {
				continue // it came back, or somebody was faster
			}
			l.Told = true
			if err := l.write(tx); err != nil {
				return edit, err
			}
			edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.KeyOverdue, Person: l.Person, Subject: string(l.Key), At: l.Due})
		}
		return edit, nil
	}})
	return err
}

// Run reminds of overdue keys, and forgets PINs that no lock is to hold any more,
// once a minute until the context ends.
func Run(ctx context.Context, s *store.Store, hall *flow.Hall, now func() time.Time, report func(error)) {
	look := time.NewTicker(time.Minute)
	defer look.Stop()
	for ctx.Err() == nil {
		if err := errors.Join(Remind(ctx, s, hall, now()), forgetEnded(ctx, s, now())); err != nil && ctx.Err() == nil {
			report(err)
		}
		select {
		case <-ctx.Done():
		case <-look.C:
		}
	}
}
