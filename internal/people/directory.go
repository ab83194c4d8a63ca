// SPDX-License-Identifier: Apache-2.0

package people

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The reasons that the ledger gives for what a directory or a list changed.
var (
	whyLeft     = lang.Mark("Left the company")
	whyReturned = lang.Mark("Came back")
)

// Entry is a person with what the personnel system says about them.
type Entry struct {
	sashlock.Person
	External string    // how the personnel system calls them; empty: it has not said
	UserName string    // the name they sign in with there; empty: it has not said
	Left     time.Time // when they left; zero: they have not, or are no longer suspended
	Told     bool      // they are suspended on the word of the personnel system, which may take it back
	Gone     bool      // the directory deleted them: it is shown nothing of them any more
}

// Called is the user name, or the short name of somebody who has none.
func (e Entry) Called() string { return cmp.Or(e.UserName, e.Slug) }

// Staff is everybody, with how the roles are called: what a list is compared
// with and a directory looks into.
type Staff struct {
	Entries []Entry // in order of identifier, which is that of creation
	Roles   []Group // likewise

	print fingerprint
}

// fingerprint differs between any two moments between which people or roles
// were changed: every change makes a revision grow, or the number of rows.
type fingerprint struct{ people, peopleRevs, roles, roleRevs int64 }

func takePrint(q store.Query) (f fingerprint, err error) {
	if err = q.QueryRow(`SELECT COUNT(*), COALESCE(SUM(rev), 0) FROM people WHERE `+noGuest).Scan(&f.people, &f.peopleRevs); err == nil {
		err = q.QueryRow(`SELECT COUNT(*), COALESCE(SUM(rev), 0) FROM roles`).Scan(&f.roles, &f.roleRevs)
	}
	if err != nil {
		return f, fmt.Errorf("counting people: %w", err)
	}
	return f, nil
}

// Group is a role with what the directory says about it.
type Group struct {
	sashlock.Role
	External string
	Gone     bool // the directory deleted it: it is shown nothing of it any more
}

const (
	entryColumns = `p.id, p.slug, p.name, p.suspended, p.valid_from, p.valid_until, p.rev, d.external_id, d.user_name, d.left_at, d.told, d.gone`
	entryTables  = ` FROM people p LEFT JOIN directory_people d ON d.person = p.id`
	groupQuery   = `SELECT r.id, r.slug, r.name, r.rev, d.external_id, d.gone FROM roles r LEFT JOIN directory_roles d ON d.role = r.id`
)

func scanEntry(scan store.Scan) (e Entry, err error) {
	var from, until, left, told, gone sql.NullInt64
	var external, user sql.NullString
	err = scan(&e.ID, &e.Slug, &e.Name, &e.Suspended, &from, &until, &e.Rev, &external, &user, &left, &told, &gone)
	e.From, e.Until = store.TimeOf(from), store.TimeOf(until)
	e.External, e.UserName = external.String, user.String
	if e.Suspended {
		e.Left, e.Told, e.Gone = store.TimeOf(left), told.Int64 != 0, gone.Int64 != 0
	}
	return e, err
}

func scanGroup(scan store.Scan) (g Group, err error) {
	var external sql.NullString
	var gone sql.NullInt64
	err = scan(&g.ID, &g.Slug, &g.Name, &g.Rev, &external, &gone)
	g.External, g.Gone = external.String, gone.Int64 != 0
	return g, err
}

// membership is one role of one person.
type membership struct {
	person sashlock.PersonID
	role   sashlock.RoleID
}

func scanMembership(scan store.Scan) (m membership, err error) {
	err = scan(&m.person, &m.role)
	return m, err
}

// noGuest leaves out the people who stand for customers.
const noGuest = `slug NOT LIKE '` + sashlock.GuestSlug + `%'`

// ReadStaff reads everybody but guests, who are no staff.
func ReadStaff(q store.Query) (s Staff, err error) {
	if s.print, err = takePrint(q); err != nil {
		return s, err
	}
	if s.Roles, err = Groups(q); err != nil {
		return s, err
	}
	if s.Entries, err = store.Rows(q, scanEntry, `SELECT `+entryColumns+entryTables+` ORDER BY p.id`); err != nil {
		return s, err
	}
	s.Entries = slices.DeleteFunc(s.Entries, func(e Entry) bool { return e.IsGuest() })
	members, err := store.Rows(q, scanMembership, `SELECT person, role FROM person_roles ORDER BY person, role`)
	join(s.Entries, members)
	return s, err
}

// join gives the people their roles; both are in order of person.
func join(entries []Entry, members []membership) {
	slices.SortFunc(members, func(a, b membership) int { return cmp.Or(cmp.Compare(a.person, b.person), cmp.Compare(a.role, b.role)) })
	at := 0
	for i := range entries {
		for at < len(members) && members[at].person < entries[i].ID {
			at++
		}
		for at < len(members) && members[at].person == entries[i].ID {
			entries[i].Roles = append(entries[i].Roles, members[at].role)
			at++
		}
	}
}

// Groups returns every role, in order of identifier.
func Groups(q store.Query) ([]Group, error) {
	return store.Rows(q, scanGroup, groupQuery+` ORDER BY r.id`)
}

// FindGroup returns the role with an identifier.
func FindGroup(q store.Query, id sashlock.RoleID) (Group, error) {
	return store.One(q, scanGroup, "role", string(id), groupQuery+` WHERE r.id = ?`, id)
}

// By is by what one person is looked up.
type By string

// What is looked up by. User names know no difference of case; somebody without
// one is found by their short name instead.
const (
	ByID       By = "p.id = ?"
	ByExternal By = "d.external_id = ?"
	ByUserName By = "(d.user_key = ? OR d.user_key IS NULL AND p.slug = ? AND (d.gone IS NULL OR d.gone = 0 OR p.suspended = 0))"
)

// FindEntry returns the person that is looked up, with their roles.
func FindEntry(q store.Query, by By, value string) (Entry, error) {
	args := []any{value}
	if by == ByUserName {
		value = strings.ToLower(value)
		args = []any{value, value}
	}
	e, err := store.One(q, scanEntry, "person", "", `SELECT `+entryColumns+entryTables+` WHERE `+string(by)+` ORDER BY d.user_key IS NULL`, args...)
	if err != nil {
		return e, err
	}
	members, err := store.Rows(q, scanMembership, `SELECT person, role FROM person_roles WHERE person = ?`, e.ID)
	one := []Entry{e}
	join(one, members)
	return one[0], err
}

// Members returns who has a role, in order of identifier.
func Members(q store.Query, role sashlock.RoleID) ([]Entry, error) {
	return store.Rows(q, scanEntry, `SELECT `+entryColumns+entryTables+` JOIN person_roles m ON m.person = p.id WHERE m.role = ? ORDER BY p.id`, role)
}

// Departures tells of everybody who left and is suspended when that was.
func Departures(q store.Query) (map[sashlock.PersonID]time.Time, error) {
	type departure struct {
		who  sashlock.PersonID
		when sql.NullInt64
	}
	all, err := store.Rows(q, func(scan store.Scan) (d departure, err error) {
		err = scan(&d.who, &d.when)
		return d, err
	}, `SELECT d.person, d.left_at FROM directory_people d JOIN people p ON p.id = d.person WHERE p.suspended = 1 AND d.left_at IS NOT NULL`)
	left := make(map[sashlock.PersonID]time.Time, len(all))
	for _, d := range all {
		left[d.who] = store.TimeOf(d.when)
	}
	return left, err
}

// Depart notes that somebody who is being suspended left. It belongs to the
// transaction that suspends them.
func Depart(tx *store.Tx, id sashlock.PersonID) error {
	return tx.Put("directory_people", "person", store.Fields{"person": id, "left_at": store.Micros(tx.Now())})
}

// Saving is what to write of some people at once.
type Saving struct {
	Entries []Entry // as they shall be; one without an identifier is new
	Was     map[sashlock.PersonID]Entry
	Roles   []Group // all there are, to name them in the ledger
}

// SaveEntries writes people in one go: their rows, what the personnel system
// says of them, their roles, and one event each. Revisions grow by one. Who
// becomes suspended with Left set left; whose suspension ends came back. What
// it is given must be right: [Check] has looked at it, or a file's reader has.
func SaveEntries(tx *store.Tx, s Saving) (flow.Edit, error) {
	naming := namingRoles(s.Roles)
	var edit flow.Edit
	for i := range s.Entries {
		e := &s.Entries[i]
		was := s.Was[e.ID]
		if e.ID == "" {
			e.ID = sashlock.NewID[sashlock.PersonID](tx.Now())
		}
		e.Rev = was.Rev + 1
		slices.Sort(e.Roles)
		event := sashlock.Event{Kind: sashlock.PersonSaved, Person: e.ID, Subject: string(e.ID), Data: estate.Data(estate.FromPerson(e.Person, naming))}
		switch {
		case !e.Left.IsZero() && was.Left.IsZero():
			event.Why = whyLeft
		case was.Suspended && !e.Suspended:
			event.Why = whyReturned
		}
		edit.Events = append(edit.Events, event)
		edit.Access.Put.People = append(edit.Access.Put.People, e.Person)
	}
	return edit, writeEntries(tx, s.Entries)
}

func namingRoles(roles []Group) estate.Naming {
	slugs := make(map[string]string, len(roles))
	for _, r := range roles {
		slugs[string(r.ID)] = r.Slug
	}
	return func(_ estate.Kind, id string) string { return slugs[id] }
}

// batch is how many rows one statement writes: far below what either engine
// allows, and enough that its cost is that of the rows.
const batch = 256

func writeEntries(tx *store.Tx, entries []Entry) error {
	for some := range slices.Chunk(entries, batch) {
		ids := make([]any, len(some))
		for i, e := range some {
			ids[i] = e.ID
		}
		// A set of people may exchange what must be unique among all.
		for _, table := range []string{"person_roles", "directory_people"} {
			if _, err := tx.Exec(`DELETE FROM `+table+` WHERE person IN (`+marks(len(ids))+`)`, ids...); err != nil {
				return notSaved(err)
			}
		}
	}
	for some := range slices.Chunk(entries, batch) {
		if err := writeSome(tx, some); err != nil {
			return notSaved(err)
		}
	}
	return nil
}

func notSaved(err error) error {
	return &sashlock.Error{Kind: sashlock.Conflict, Op: "saving people", Hint: "somebody else has that short name, user name or external identifier", Err: err}
}

func writeSome(tx *store.Tx, some []Entry) error {
	var rows, known, roles []any
	for _, e := range some {
		rows = append(rows, e.ID, e.Slug, e.Name, number(e.Suspended), store.Micros(e.From), store.Micros(e.Until), e.Rev)
		if e.External != "" || e.UserName != "" || !e.Left.IsZero() || e.Told || e.Gone {
			known = append(known, e.ID, store.Null(e.External), store.Null(e.UserName), store.Null(strings.ToLower(e.UserName)), store.Micros(e.Left), number(e.Told), number(e.Gone))
		}
		for _, r := range e.Roles {
			roles = append(roles, e.ID, r)
		}
	}
	const change = ` ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, name = excluded.name, suspended = excluded.suspended,
		valid_from = excluded.valid_from, valid_until = excluded.valid_until, rev = excluded.rev`
	if err := insert(tx, `people (id, slug, name, suspended, valid_from, valid_until, rev)`, 7, rows, change); err != nil {
		return err
	}
	if err := insert(tx, `directory_people (person, external_id, user_name, user_key, left_at, told, gone)`, 7, known, ""); err != nil {
		return err
	}
	return insert(tx, `person_roles (person, role)`, 2, roles, "")
}

// insert writes rows of some width in statements of a bounded length.
func insert(tx *store.Tx, into string, width int, values []any, then string) error {
	for part := range slices.Chunk(values, width*batch) {
		row := "(" + marks(width) + ")"
		rows := strings.Repeat(", "+row, len(part)/width)[2:]
		if _, err := tx.Exec(`INSERT INTO `+into+` VALUES `+rows+then, part...); err != nil {
			return fmt.Errorf("writing rows: %w", err)
		}
	}
	return nil
}

func marks(n int) string { return strings.Repeat(", ?", n)[2:] }

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Check says what is wrong with a person that somebody wants to save, by field.
func Check(e Entry) []estate.Problem {
	_, problems := estate.Person{Slug: e.Slug, Name: e.Name}.Resolve(nil)
	for _, one := range [...]struct{ field, value string }{{"external_id", e.External}, {"user_name", e.UserName}} {
		if fix := checkForeign(one.value); fix != "" {
			problems = append(problems, estate.Problem{Field: one.field, Detail: lang.Say("this cannot be kept"), Fix: lang.Say(fix)})
		}
	}
	return problems
}

// maxForeign is how long the identifiers of another system may be, in bytes.
const maxForeign = 255

// checkForeign says what is wrong with an identifier or a user name of another
// system, or nothing.
func checkForeign(s string) string {
	switch {
	case s == "":
		return ""
	case len(s) > maxForeign:
		return "shorten it to 255 characters"
	}
	for part := range slices.Chunk([]rune(s), sashlock.MaxNameLength) {
		if fix := sashlock.CheckName(string(part)); fix != "" {
			return fix
		}
	}
	return ""
}

// SaveGroup writes a role of the directory: a new one when it has no identifier.
func SaveGroup(tx *store.Tx, g Group) (Group, flow.Edit, error) {
	if g.ID == "" {
		g.ID = sashlock.NewID[sashlock.RoleID](tx.Now())
	}
	g.Rev++
	err := tx.Put("roles", "id", store.Fields{"id": g.ID, "slug": g.Slug, "name": g.Name, "rev": g.Rev})
	if err == nil {
		err = tx.Put("directory_roles", "role", store.Fields{"role": g.ID, "external_id": store.Null(g.External), "gone": number(g.Gone)})
	}
	return g, flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.RoleSaved, Subject: string(g.ID), Data: estate.Data(estate.FromRole(g.Role))}},
		Access: access.Change{Put: access.Facts{Roles: []sashlock.Role{g.Role}}},
	}, err
}

// DropGroup takes a role that nobody has any more from the directory. The role
// itself goes too, unless grants still refer to it: then it stays, and gives
// nobody anything.
func DropGroup(tx *store.Tx, g Group) (flow.Edit, error) {
	if _, err := tx.Exec(`SAVEPOINT dropping`); err != nil {
		return flow.Edit{}, err
	}
	edit, err := RemoveRole(tx, string(g.ID), 0)
	if !sashlock.IsKind(err, sashlock.Conflict) {
		return edit, err
	}
	if _, err := tx.Exec(`ROLLBACK TO SAVEPOINT dropping`); err != nil {
		return flow.Edit{}, err
	}
	g.Gone, g.External = true, ""
	_, edit, err = SaveGroup(tx, g)
	return edit, err
}
