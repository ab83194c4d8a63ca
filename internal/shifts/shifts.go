// SPDX-License-Identifier: Apache-2.0

// Package shifts keeps who works when: shifts from rotas and those made here,
// who came and went, who swapped with whom, and whom a supervisor let stay.
//
// # What
//
// Access may be tied to a shift: a grant whose terms say so counts only while
// the person is on shift. [Load] gives the book of package flow the shifts that
// may still matter, and every change tells it at once, so that the very next
// decision follows.
//
// # How it fits
//
// As in package people: listing and finding read from any store.Query; saving,
// swapping and clocking run inside a flow.Change and return a flow.Edit.
// Package rota reads the files of which [Preview] tells the difference and
// which [Import] carries out. [Run] closes what nobody clocked out of.
//
// # Promises
//
// An import does all that was shown or nothing. What somebody here swapped, a
// later import of the same rota leaves swapped. Ledger entries carry
// identifiers and times, never names or what a rota calls a shift.
package shifts

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/rota"
	"github.com/sashlock/sashlock/internal/store"
)

// KeptFor is for how long after its end a shift is at hand for deciding: long
// enough for any grace.
const KeptFor = 3 * 24 * time.Hour

// LateAfter is how long after its end a shift is closed that nobody clocked out
// of.
const LateAfter = 4 * time.Hour

// EarlyBy is how long before a shift people may clock in, if the grace of the
// site is not longer.
const EarlyBy = 30 * time.Minute

// MaxAllowed is for how long a supervisor may let somebody work beyond the
// rota.
const MaxAllowed = 16 * time.Hour

// ByHand is the source of shifts that were made here, Allowed of those that a
// supervisor allowed.
const (
	ByHand  = ""
	Allowed = "override"
)

// Shift is a shift with what only those who plan need to know.
type Shift struct {
	sashlock.Shift
	Forgot    bool              // nobody clocked out
	Cancelled time.Time         // when it was called off; zero: it stands
	Planned   sashlock.PersonID // whom the rota has, where somebody here gave it away
	Reason    string            // why a supervisor allowed it
}

// Standing reports whether the shift was not called off.
func (s Shift) Standing() bool { return s.Cancelled.IsZero() }

// Over reports whether nothing more comes of the shift: it was clocked out of,
// or has ended without anybody having come.
func (s Shift) Over(now time.Time) bool {
	return !s.Out.IsZero() || s.In.IsZero() && !s.Until.After(now)
}

const columns = `id, person, site, role, begins, ends, came, went, forgot, cancelled, source, ref, planned, reason, rev`

func scan(read store.Scan) (s Shift, err error) {
	var role, ref, planned sql.NullString
	var from, until, came, went, cancelled sql.NullInt64
	err = read(&s.ID, &s.Person, &s.Site, &role, &from, &until, &came, &went, &s.Forgot, &cancelled, &s.Source, &ref, &planned, &s.Reason, &s.Rev)
	s.Role, s.Ref, s.Planned = store.ID[sashlock.RoleID](role), ref.String, store.ID[sashlock.PersonID](planned)
	s.From, s.Until, s.In, s.Out, s.Cancelled = store.TimeOf(from), store.TimeOf(until), store.TimeOf(came), store.TimeOf(went), store.TimeOf(cancelled)
	return s, err
}

// Filter says which shifts are meant. Empty fields mean all.
type Filter struct {
	Site        sashlock.SiteID
	Person      sashlock.PersonID
	From, Until time.Time // those that lie in between, if only in part
	Cancelled   bool      // also those that were called off
	After       string    // those behind this place, as [Place] has it
	Limit       int       // 0: all
}

// List returns shifts in order of their beginning.
func List(q store.Query, f Filter) ([]Shift, error) {
	where, args := []string{"1 = 1"}, []any{}
	add := func(condition string, values ...any) { where, args = append(where, condition), append(args, values...) }
	if f.Site != "" {
		add("site = ?", f.Site)
	}
	if f.Person != "" {
		add("person = ?", f.Person)
	}
	if !f.From.IsZero() { // no shift is longer, so the index is enough to find them
		add("ends > ? AND begins > ?", store.Micros(f.From), store.Micros(f.From.Add(-rota.MaxShift)))
	}
	if !f.Until.IsZero() {
		add("begins < ?", store.Micros(f.Until))
	}
	if !f.Cancelled {
		add("cancelled IS NULL")
	}
	if f.After != "" {
		at, id, err := place(f.After)
		if err != nil {
			return nil, err
		}
		add("(begins > ? OR begins = ? AND id > ?)", at, at, id)
	}
	limit := ""
	if f.Limit > 0 {
		limit = " LIMIT ?"
		args = append(args, f.Limit)
	}
	return store.Rows(q, scan, `SELECT `+columns+` FROM shifts WHERE `+strings.Join(where, " AND ")+` ORDER BY begins, id`+limit, args...)
}

// Place is where a shift stands in the order of [List].
func Place(s Shift) string { return s.From.Format(time.RFC3339Nano) + " " + string(s.ID) }

func place(text string) (micros any, id string, err error) {
	at, id, _ := strings.Cut(text, " ")
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return nil, "", &sashlock.Error{Kind: sashlock.Invalid, Op: "listing shifts", Subject: "after", Hint: "hand in the cursor exactly as the page before gave it"}
	}
	return store.Micros(t), id, nil
}

// Find returns one shift.
func Find(q store.Query, id sashlock.ShiftID) (Shift, error) {
	return store.One(q, scan, "shift", string(id), `SELECT `+columns+` FROM shifts WHERE id = ?`, id)
}

// Load returns the shifts that decisions may still depend on.
func Load(q store.Query, now time.Time) ([]sashlock.Shift, error) {
	all, err := store.Rows(q, scan, `SELECT `+columns+` FROM shifts WHERE ends > ? AND cancelled IS NULL ORDER BY begins, id`, store.Micros(now.Add(-KeptFor)))
	out := make([]sashlock.Shift, len(all))
	for i, s := range all {
		out[i] = s.Shift
	}
	return out, err
}

// ByPerson sorts shifts as the book of package flow has them.
func ByPerson(all []sashlock.Shift) map[sashlock.PersonID][]sashlock.Shift {
	book := make(map[sashlock.PersonID][]sashlock.Shift)
	for _, s := range all {
		book[s.Person] = append(book[s.Person], s)
	}
	return book
}

// Save plans a shift by hand, when it has no identifier, or changes one. A rev
// other than 0 is the revision the caller saw.
func Save(tx *store.Tx, s Shift, rev int64) (Shift, flow.Edit, error) {
	s.From, s.Until = s.From.Truncate(time.Microsecond).UTC(), s.Until.Truncate(time.Microsecond).UTC()
	if err := check(s); err != nil {
		return s, flow.Edit{}, err
	}
	if s.ID == "" {
		s.Source, s.Ref = cmp.Or(s.Source, ByHand), ""
		if err := free(tx, s.Person, s, ""); err != nil {
			return s, flow.Edit{}, err
		}
		edit, err := s.put(tx)
		return s, edit, err
	}
	old, err := found(tx, s.ID, rev)
	if err != nil {
		return s, flow.Edit{}, err
	}
	old.Person, old.Site, old.Role, old.From, old.Until = s.Person, s.Site, s.Role, s.From, s.Until
	if err := free(tx, old.Person, old, ""); err != nil {
		return s, flow.Edit{}, err
	}
	edit, err := old.put(tx)
	return old, edit, err
}

func check(s Shift) error {
	invalid := func(field, hint string) error {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "saving shift", Subject: field, Hint: hint}
	}
	switch {
	case s.Person == "":
		return invalid("person", lang.Mark("say who works"))
	case s.Site == "":
		return invalid("site", lang.Mark("say in which store"))
	case s.From.IsZero() || s.From.Year() < 1970 || s.From.Year() > 2200:
		return invalid("from", lang.Mark("say when it begins"))
	case !s.From.Before(s.Until):
		return invalid("until", lang.Mark("it has to end after it begins"))
	case s.Until.Sub(s.From) > rota.MaxShift:
		return invalid("until", lang.Mark("a shift lasts 36 hours at most"))
	}
	return nil
}

// found finds a shift that still stands and is at the revision the caller saw.
func found(tx *store.Tx, id sashlock.ShiftID, rev int64) (Shift, error) {
	s, err := Find(tx, id)
	if err != nil {
		return s, err
	}
	if err := store.CheckRev("shift", string(id), s.Rev, rev); err != nil {
		return s, err
	}
	if !s.Standing() {
		return s, &sashlock.Error{Kind: sashlock.Conflict, Op: "changing shift", Subject: string(id), Hint: lang.Mark("this shift was called off")}
	}
	return s, nil
}

// free reports, as a conflict, that somebody works at the time of a shift
// already; in another than the one that they give away for it.
func free(tx *store.Tx, person sashlock.PersonID, s Shift, but sashlock.ShiftID) error {
	all, err := List(tx, Filter{Person: person, From: s.From, Until: s.Until})
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.ID != s.ID && other.ID != but && other.Out.IsZero() {
			return &sashlock.Error{Kind: sashlock.Conflict, Op: "planning shift", Subject: string(other.ID), Hint: lang.Mark("this person works at that time already")}
		}
	}
	return nil
}

// put writes a shift as its next revision and tells what changed.
func (s *Shift) put(tx *store.Tx) (flow.Edit, error) {
	if s.ID == "" {
		s.ID = sashlock.NewID[sashlock.ShiftID](tx.Now())
	}
	s.Rev++
	if err := s.write(tx); err != nil {
		return flow.Edit{}, err
	}
	return flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.ShiftSaved, Person: s.Person, Site: s.Site, Subject: string(s.ID), Why: s.Reason, Data: s.data()}},
		Shifts: []sashlock.Shift{s.Shift},
	}, nil
}

func (s *Shift) write(tx *store.Tx) error {
	forgot := 0
	if s.Forgot {
		forgot = 1
	}
	return tx.Put("shifts", "id", store.Fields{
		"id": s.ID, "person": s.Person, "site": s.Site, "role": store.Null(s.Role), "begins": store.Micros(s.From), "ends": store.Micros(s.Until),
		"came": store.Micros(s.In), "went": store.Micros(s.Out), "forgot": forgot, "cancelled": store.Micros(s.Cancelled),
		"source": s.Source, "ref": store.Null(s.Ref), "planned": store.Null(s.Planned), "reason": s.Reason, "rev": s.Rev,
	})
}

// data is what the ledger keeps of a shift: nothing that a rota made up.
func (s *Shift) data() json.RawMessage {
	data, err := json.Marshal(struct {
		From   time.Time       `json:"from"`
		Until  time.Time       `json:"until"`
		Role   sashlock.RoleID `json:"role,omitempty"`
		Source string          `json:"source,omitempty"`
		Rev    int64           `json:"rev"`
	}{s.From, s.Until, s.Role, s.Source, s.Rev})
	if err != nil {
		return nil // times and strings always marshal
	}
	return data
}

// Cancel calls a shift off: it counts for nothing from now on.
func Cancel(tx *store.Tx, id sashlock.ShiftID, rev int64) (Shift, flow.Edit, error) {
	s, err := found(tx, id, rev)
	if err != nil {
		return s, flow.Edit{}, err
	}
	if !s.In.IsZero() {
		return s, flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "cancelling shift", Subject: string(id), Hint: lang.Mark("they have clocked in: clock them out instead")}
	}
	edit, err := s.cancel(tx)
	return s, edit, err
}

func (s *Shift) cancel(tx *store.Tx) (flow.Edit, error) {
	s.Cancelled = tx.Now()
	s.Rev++
	return flow.Edit{
		Events:     []sashlock.Event{{Kind: sashlock.ShiftRemoved, Person: s.Person, Site: s.Site, Subject: string(s.ID)}},
		ShiftsGone: []sashlock.Shift{s.Shift},
	}, s.write(tx)
}

// join puts edits one behind another.
func join(to *flow.Edit, more flow.Edit) {
	to.Events = append(to.Events, more.Events...)
	to.Shifts = append(to.Shifts, more.Shifts...)
	to.ShiftsGone = append(to.ShiftsGone, more.ShiftsGone...)
}
