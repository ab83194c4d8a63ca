// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Role is what an operator is here to do. It sets the scopes.
type Role string

// The roles, from the one that may do most.
const (
	Owner      Role = "owner"      // everything, and who else may sign in
	Manager    Role = "manager"    // runs a store: access, releases, alarms, who works there
	Protection Role = "protection" // loss prevention: alarms, incidents, evidence
	Engineer   Role = "engineer"   // sites, devices, tokens
	Auditor    Role = "auditor"    // sees and proves, changes nothing
	Associate  Role = "associate"  // serves customers with a phone
)

// Roles lists every role.
func Roles() []Role { return []Role{Owner, Manager, Protection, Engineer, Auditor, Associate} }

// Words is what a role is called.
func (r Role) Words() string {
	switch r {
	case Owner:
		return lang.Mark("Owner")
	case Manager:
		return lang.Mark("Store manager")
	case Protection:
		return lang.Mark("Loss prevention")
	case Engineer:
		return lang.Mark("Engineer")
	case Auditor:
		return lang.Mark("Auditor")
	case Associate:
		return lang.Mark("Associate")
	}
	return string(r)
}

// Scopes is what a role may do.
func (r Role) Scopes() []Scope {
	switch r {
	case Owner:
		return Scopes()
	case Manager:
		return []Scope{Read, Release, Access, Alarms, Serve, Admit}
	case Protection:
		return []Scope{Read, Release, Alarms, Serve}
	case Engineer:
		return []Scope{Read, Release, Setup, Tokens}
	case Auditor:
		return []Scope{Read}
	case Associate:
		return []Scope{Serve}
	}
	return nil
}

// Operator is somebody who signs in to the console.
type Operator struct {
	ID        sashlock.OperatorID `json:"-"`
	Name      string              `json:"-"` // what colleagues call them; personal data
	Person    sashlock.PersonID   `json:"-"` // who it is among the people of the store; empty: nobody
	Role      Role                `json:"role"`
	Sites     []sashlock.SiteID   `json:"sites,omitempty"` // empty: all
	Areas     []sashlock.AreaID   `json:"areas,omitempty"` // empty: all of these sites
	Language  lang.Language       `json:"language,omitempty"`
	Created   time.Time           `json:"created"`
	Suspended bool                `json:"suspended,omitempty"`
	Rev       int64               `json:"-"`

	// Grant is that of a guest, who signs in as long as it stands; empty: not a
	// guest.
	Grant sashlock.GrantID `json:"grant,omitempty"`

	// Lent says that the role is lent for a while: then it lets nobody in and
	// issues no tokens, so that nothing of it outlives it. See [Elevation].
	Lent bool `json:"-"`
}

// May reports whether the operator has a scope anywhere.
func (o Operator) May(s Scope) bool {
	if o.Suspended || o.Lent && (s == Admit || s == Tokens) {
		return false
	}
	return slices.Contains(o.Role.Scopes(), s)
}

// At reports whether a site is among those of the operator.
func (o Operator) At(site sashlock.SiteID) bool {
	return len(o.Sites) == 0 || slices.Contains(o.Sites, site)
}

// Sees reports whether something at a site and in an area of it concerns the
// operator. What belongs to no area concerns only those of the whole site.
func (o Operator) Sees(site sashlock.SiteID, area sashlock.AreaID) bool {
	return o.At(site) && (len(o.Areas) == 0 || slices.Contains(o.Areas, area))
}

// Covers reports, as an error of kind denied, what somebody else may do, or
// where, that the operator may not: nobody can give what they do not have.
func (o Operator) Covers(other Operator) error {
	denied := func(hint string) error {
		return &sashlock.Error{Kind: sashlock.Denied, Op: "admitting operator", Hint: hint}
	}
	if !o.May(Admit) {
		return denied("you may not decide who signs in")
	}
	for _, s := range other.Role.Scopes() {
		if !o.May(s) {
			return denied("this role may do what you may not: ask an owner")
		}
	}
	if !within(o.Sites, other.Sites) {
		return denied("you may let people in at your own sites only")
	}
	if !within(o.Areas, other.Areas) {
		return denied("you may let people in at your own areas only")
	}
	return nil
}

// within reports whether a choice lies within another; an empty one is of all.
func within[T comparable](all, some []T) bool {
	if len(all) == 0 {
		return true
	}
	return len(some) > 0 && !slices.ContainsFunc(some, func(one T) bool { return !slices.Contains(all, one) })
}

// Change changes what somebody may do, and where, on behalf of another
// operator. Suspending them, or taking their role, ends their sessions: what
// they see is never older than what they may.
func (r *Room) Change(ctx context.Context, by Operator, o Operator) (Operator, error) {
	if err := o.check(); err != nil {
		return o, err
	}
	var saved Operator
	_, err := r.hall.Change(ctx, flow.Change{Operator: by.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		old, err := FindOperator(tx, o.ID)
		if err != nil {
			return flow.Edit{}, err
		}
		if err := firstOf(by.Covers(old), func() error { return by.Covers(o) }); err != nil {
			return flow.Edit{}, err
		}
		saved = o
		if err := firstOf(saved.replaces(tx), func() error { return nameIsFree(tx, saved) }); err != nil {
			return flow.Edit{}, err
		}
		if err := keepsAnOwner(tx, old, saved); err != nil {
			return flow.Edit{}, err
		}
		// What somebody decides is not undone by the next sign-in elsewhere.
		if _, err := tx.Exec(`UPDATE sso_accounts SET made = 0 WHERE operator = ?`, saved.ID); err != nil {
			return flow.Edit{}, err
		}
		edit, err := saved.replace(tx)
		if saved.Role == Owner && old.Role != Owner {
			edit.Danger = []string{flow.OwnerMade}
		}
		return edit, err
	}})
	return saved, err
}

// MakeOwner makes an operator an owner. A rev other than 0 is the revision that
// was seen.
func MakeOwner(tx *store.Tx, id sashlock.OperatorID, rev int64) (flow.Edit, error) {
	o, err := FindOperator(tx, id)
	if err == nil {
		err = store.CheckRev("operator", string(id), o.Rev, rev)
	}
	if err != nil {
		return flow.Edit{}, err
	}
	o.Role, o.Sites, o.Areas = Owner, nil, nil
	edit, err := o.replace(tx)
	edit.Danger = []string{flow.OwnerMade}
	return edit, err
}

// replace writes an operator who is there already, and takes away what they may
// not have any more: their sessions when they are suspended, password and what
// was begun by weak means when their role needs a passkey.
func (o *Operator) replace(tx *store.Tx) (flow.Edit, error) {
	o.Rev++
	edit, err := o.put(tx)
	if err != nil {
		return edit, err
	}
	if o.Suspended {
		_, err = tx.Exec(`UPDATE sessions SET ended = ?, network = NULL WHERE operator = ? AND ended IS NULL`, store.Micros(tx.Now()), o.ID)
		return edit, err
	}
	if !o.Role.Privileged() {
		return edit, nil
	}
	_, err = findFactors(tx, o.ID)
	if sashlock.IsKind(err, sashlock.NotFound) {
		return edit, endWeak(tx, o.ID, "", BySSO)
	}
	edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.TOTPRemoved, Subject: string(o.ID)})
	return edit, firstOf(err, func() error {
		return firstOf(dropPassword(tx, o.ID), func() error { return endWeak(tx, o.ID, "", ByPassword, BySSO) })
	})
}

// keepsAnOwner refuses to take its last owner from a store.
func keepsAnOwner(tx *store.Tx, old, o Operator) error {
	if old.Role != Owner || old.Suspended || o.Role == Owner && !o.Suspended {
		return nil
	}
	all, err := Operators(tx)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.ID == o.ID || other.Role != Owner || other.Suspended {
			continue
		}
		if comes, err := CanSignIn(tx, other.ID); err != nil || comes {
			return err
		}
	}
	return &sashlock.Error{Kind: sashlock.Conflict, Op: "changing operator", Hint: lang.Mark("this is the only owner who can sign in: invite another one first")}
}

// SetLanguage keeps in which language an operator reads.
func (r *Room) SetLanguage(ctx context.Context, id sashlock.OperatorID, l lang.Language) error {
	_, err := r.hall.Change(ctx, flow.Change{Operator: id, Make: func(tx *store.Tx) (flow.Edit, error) {
		o, err := FindOperator(tx, id)
		if err != nil || o.Language == l {
			return flow.Edit{}, err
		}
		o.Language = l
		o.Rev++
		return o.put(tx)
	}})
	return err
}

const operatorColumns = `id, name, person, body, rev`

func scanOperator(scan store.Scan) (o Operator, err error) {
	var person sql.NullString
	var body string
	if err := scan(&o.ID, &o.Name, &person, &body, &o.Rev); err != nil {
		return o, err
	}
	o.Person = store.ID[sashlock.PersonID](person)
	return o, json.Unmarshal([]byte(body), &o)
}

// Operators returns all operators, by name.
func Operators(q store.Query) ([]Operator, error) {
	return store.Rows(q, scanOperator, `SELECT `+operatorColumns+` FROM operators ORDER BY name`)
}

// FindOperator returns one operator.
func FindOperator(q store.Query, id sashlock.OperatorID) (Operator, error) {
	return store.One(q, scanOperator, "operator", string(id), `SELECT `+operatorColumns+` FROM operators WHERE id = ?`, id)
}

// SaveOperator adds an operator, when it has no identifier, or changes one. A
// revision other than zero must be the current one.
func (r *Room) SaveOperator(ctx context.Context, by sashlock.OperatorID, o Operator) (Operator, error) {
	if err := o.check(); err != nil {
		return o, err
	}
	var saved Operator
	_, err := r.hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		saved = o
		if saved.ID == "" {
			saved.ID, saved.Created = sashlock.NewID[sashlock.OperatorID](tx.Now()), tx.Now()
		} else if err := saved.replaces(tx); err != nil {
			return flow.Edit{}, err
		}
		saved.Rev++
		return saved.put(tx)
	}})
	return saved, err
}

// replaces checks that an operator is a change of the one that is there.
func (o *Operator) replaces(tx *store.Tx) error {
	old, err := FindOperator(tx, o.ID)
	if err != nil {
		return err
	}
	if o.Rev != 0 {
		if err := store.CheckRev("operator", string(o.ID), old.Rev, o.Rev); err != nil {
			return err
		}
	}
	o.Created, o.Rev = old.Created, old.Rev
	return nil
}

// put writes an operator. The ledger gets everything but the name.
func (o *Operator) put(tx *store.Tx) (flow.Edit, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return flow.Edit{}, err
	}
	return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.OperatorSaved, Subject: string(o.ID), Person: o.Person, Data: body}}},
		tx.Put("operators", "id", store.Fields{"id": o.ID, "name": o.Name, "person": store.Null(o.Person), "body": string(body), "rev": o.Rev})
}

func (o Operator) check() error {
	bad := func(field, hint string) error {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "saving operator", Subject: field, Hint: hint}
	}
	if fix := sashlock.CheckName(o.Name); fix != "" {
		return bad("name", fix)
	}
	if !slices.Contains(Roles(), o.Role) {
		return bad("role", lang.Mark("choose one of owner, manager, protection, engineer, auditor and associate"))
	}
	if o.Role == Owner && (len(o.Sites) > 0 || len(o.Areas) > 0) {
		return bad("sites", lang.Mark("an owner is for all sites; choose another role to limit somebody to some"))
	}
	return nil
}
