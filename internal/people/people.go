// SPDX-License-Identifier: Apache-2.0

// Package people keeps who may pass: people and the roles they have.
//
// # How it fits
//
// As in package sites: listing and finding read from any store.Query, saving
// and removing run inside a flow.Change and return a flow.Edit.
//
// # Promises
//
// Names and slugs of people go into this package's tables and nowhere else:
// ledger entries carry the identifier.
package people

import (
	"database/sql"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	personColumns = `id, slug, name, suspended, valid_from, valid_until, rev`
	roleColumns   = `id, slug, name, rev`
)

// List returns every person in order of slug, with their roles.
func List(q store.Query) ([]sashlock.Person, error) {
	people, err := store.Rows(q, scanPerson, `SELECT `+personColumns+` FROM people ORDER BY slug`)
	if err != nil {
		return nil, err
	}
	type membership struct {
		person sashlock.PersonID
		role   sashlock.RoleID
	}
	members, err := store.Rows(q, func(scan store.Scan) (m membership, err error) {
		err = scan(&m.person, &m.role)
		return m, err
	}, `SELECT person, role FROM person_roles ORDER BY person, role`)
	if err != nil {
		return nil, err
	}
	roles := make(map[sashlock.PersonID][]sashlock.RoleID, len(people))
	for _, m := range members {
		roles[m.person] = append(roles[m.person], m.role)
	}
	for i := range people {
		people[i].Roles = roles[people[i].ID]
	}
	return people, nil
}

// Find returns the person that ref names by slug or identifier.
func Find(q store.Query, ref string) (sashlock.Person, error) {
	p, err := store.One(q, scanPerson, "person", ref, `SELECT `+personColumns+` FROM people WHERE slug = ? OR id = ?`, ref, ref)
	if err != nil {
		return p, err
	}
	p.Roles, err = store.Rows(q, func(scan store.Scan) (r sashlock.RoleID, err error) {
		err = scan(&r)
		return r, err
	}, `SELECT role FROM person_roles WHERE person = ? ORDER BY role`, p.ID)
	return p, err
}

// ListRoles returns every role in order of slug.
func ListRoles(q store.Query) ([]sashlock.Role, error) {
	return store.Rows(q, scanRole, `SELECT `+roleColumns+` FROM roles ORDER BY slug`)
}

// FindRole returns the role that ref names by slug or identifier.
func FindRole(q store.Query, ref string) (sashlock.Role, error) {
	return store.One(q, scanRole, "role", ref, `SELECT `+roleColumns+` FROM roles WHERE slug = ? OR id = ?`, ref, ref)
}

func scanPerson(scan store.Scan) (p sashlock.Person, err error) {
	var from, until sql.NullInt64
	err = scan(&p.ID, &p.Slug, &p.Name, &p.Suspended, &from, &until, &p.Rev)
	p.From, p.Until = store.TimeOf(from), store.TimeOf(until)
	return p, err
}

func scanRole(scan store.Scan) (r sashlock.Role, err error) {
	err = scan(&r.ID, &r.Slug, &r.Name, &r.Rev)
	return r, err
}

func keeping() flow.Keeping[sashlock.Person, sashlock.PersonID] {
	return flow.Keeping[sashlock.Person, sashlock.PersonID]{
		Kind: "person", Table: "people", Find: Find, New: sashlock.NewID[sashlock.PersonID], Pseudonymous: true,
		Identity: func(p *sashlock.Person) (*sashlock.PersonID, *int64) { return &p.ID, &p.Rev },
	}
}

func keepingRoles() flow.Keeping[sashlock.Role, sashlock.RoleID] {
	return flow.Keeping[sashlock.Role, sashlock.RoleID]{
		Kind: "role", Table: "roles", Find: FindRole, New: sashlock.NewID[sashlock.RoleID],
		Identity: func(r *sashlock.Role) (*sashlock.RoleID, *int64) { return &r.ID, &r.Rev },
	}
}

// Save creates a person or changes the one with the same slug. A rev other than
// 0 is the revision the caller saw.
func Save(tx *store.Tx, d estate.Person, find estate.Lookup, rev int64) (flow.Edit, error) {
	p, problems := d.Resolve(find)
	kept, err := keeping().Renew(tx, &p, d.Slug, problems, rev)
	if err != nil {
		return flow.Edit{}, err
	}
	if err := write(tx, p); err != nil {
		return flow.Edit{}, err
	}
	d.Kept = kept
	return flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.PersonSaved, Person: p.ID, Subject: string(p.ID), Data: estate.Data(d)}},
		Access: access.Change{Put: access.Facts{People: []sashlock.Person{p}}},
	}, nil
}

func write(tx *store.Tx, p sashlock.Person) error {
	suspended := 0
	if p.Suspended {
		suspended = 1
	}
	err := tx.Put("people", "id", store.Fields{
		"id": p.ID, "slug": p.Slug, "name": p.Name, "suspended": suspended,
		"valid_from": store.Micros(p.From), "valid_until": store.Micros(p.Until), "rev": p.Rev,
	})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM person_roles WHERE person = ?`, p.ID); err != nil {
		return err
	}
	for _, r := range p.Roles {
		if _, err := tx.Exec(`INSERT INTO person_roles (person, role) VALUES (?, ?)`, p.ID, r); err != nil {
			return err
		}
	}
	if !p.Suspended { // who passes again has not left
		_, err = tx.Exec(`UPDATE directory_people SET left_at = NULL, told = 0, gone = 0 WHERE person = ?`, p.ID)
	}
	return err
}

// Remove removes a person to whom no grant refers any more.
func Remove(tx *store.Tx, ref string, rev int64) (flow.Edit, error) {
	p, err := keeping().Remove(tx, ref, rev)
	return flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.PersonRemoved, Person: p.ID, Subject: string(p.ID)}},
		Access: access.Change{Remove: access.Removal{People: []sashlock.PersonID{p.ID}}},
	}, err
}

// SaveRole creates a role or changes the one with the same slug.
func SaveRole(tx *store.Tx, d estate.Role, find estate.Lookup, rev int64) (flow.Edit, error) {
	r, problems := d.Resolve(find)
	kept, err := keepingRoles().Renew(tx, &r, d.Slug, problems, rev)
	if err != nil {
		return flow.Edit{}, err
	}
	err = tx.Put("roles", "id", store.Fields{"id": r.ID, "slug": r.Slug, "name": r.Name, "rev": r.Rev})
	d.Kept = kept
	return flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.RoleSaved, Subject: string(r.ID), Data: estate.Data(d)}},
		Access: access.Change{Put: access.Facts{Roles: []sashlock.Role{r}}},
	}, err
}

// RemoveRole removes a role that nobody has and no grant refers to.
func RemoveRole(tx *store.Tx, ref string, rev int64) (flow.Edit, error) {
	r, err := keepingRoles().Remove(tx, ref, rev)
	return flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.RoleRemoved, Subject: string(r.ID)}},
		Access: access.Change{Remove: access.Removal{Roles: []sashlock.RoleID{r.ID}}},
	}, err
}
