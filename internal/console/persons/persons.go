// SPDX-License-Identifier: Apache-2.0

// Package persons is the part of the console about the people of the stores:
// what they may open, what they did, and what an operator does about them.
//
// # How it fits
//
// Grants as sentences come from package reach, what somebody did from the
// ledger, by the person and with a limit. Changes go through the rooms of
// people and of grants, on behalf of whoever is signed in.
//
// # Promises
//
// Names go into no ledger entry and no log. An operator of some stores sees the
// people who have something there, and those who have nothing anywhere; whoever
// has something elsewhere too can be suspended by them, and not changed.
package persons

import (
	"context"
	"net/http"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// pages answers for the paths of this package.
type pages struct{ *console.Frame }

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f}
	f.Handle("GET /people", signin.Read, p.list)
	f.Handle("GET /people/new", signin.Access, p.fresh)
	f.Handle("POST /people", signin.Access, p.save)
	mountImport(p)
	f.Handle("GET /people/{slug}", signin.Read, p.show)
	f.Handle("GET /people/{slug}/edit", signin.Access, p.edit)
	f.Handle("POST /people/{slug}/suspend", signin.Access, p.suspend)
	f.Handle("POST /people/{slug}/lift", signin.Access, p.lift)
	f.Handle("GET /people/{slug}/revoke", signin.Access, p.askRevokeAll)
	f.Dangerous("POST /people/{slug}/revoke", signin.Access, p.revokeAll)
}

// facts are what is declared now, with all grants.
func (p pages) facts(ctx context.Context) (reach.Facts, error) {
	var all []sashlock.Grant
	book := p.Hall.Book()
	err := p.Store.View(ctx, func(q store.Query) (err error) {
		all, err = grants.List(q)
		return err
	})
	return reach.New(book, all), err
}

// change carries out a change on behalf of whoever is signed in.
func (p pages) change(ctx context.Context, edit func(tx *store.Tx) (flow.Edit, error)) error {
	_, err := p.Hall.Change(ctx, flow.Change{Operator: console.Who(ctx).Operator.ID, Make: edit})
	return err
}

// limited reports whether whoever is signed in is for a part of the stores only.
func limited(ctx context.Context) bool {
	o := console.Who(ctx).Operator
	return len(o.Sites)+len(o.Areas) > 0
}

// sees reports whether a grant is for something that concerns whoever is signed
// in.
func sees(ctx context.Context, f reach.Facts, g sashlock.Grant) bool {
	site, area, known := f.Place(g)
	if !known {
		return !limited(ctx)
	}
	return console.Who(ctx).Operator.Sees(site.ID, area)
}

// seen are those of some grants that concern whoever is signed in.
func seen(ctx context.Context, f reach.Facts, list []sashlock.Grant) []sashlock.Grant {
	return slices.DeleteFunc(slices.Clone(list), func(g sashlock.Grant) bool { return !sees(ctx, f, g) })
}

// ours tells whether a person concerns whoever is signed in, and whether nothing
// elsewhere changes with them.
func ours(ctx context.Context, f reach.Facts, one sashlock.Person) (concerns, alone bool) {
	if !limited(ctx) {
		return true, true
	}
	byName, byRole := f.Of(one)
	has := len(byName) + len(byRole)
	here := len(seen(ctx, f, byName)) + len(seen(ctx, f, byRole))
	return has == 0 || here > 0, has == here
}

// rolesOurs are the roles that whoever is signed in may give: those that give
// nothing elsewhere.
func rolesOurs(ctx context.Context, f reach.Facts) []sashlock.Role {
	foreign := map[sashlock.RoleID]bool{}
	for _, g := range f.Grants {
		if g.Role != "" && !sees(ctx, f, g) {
			foreign[g.Role] = true
		}
	}
	var some []sashlock.Role
	for _, r := range f.Roles {
		if !foreign[r.ID] {
			some = append(some, r)
		}
	}
	slices.SortFunc(some, func(a, b sashlock.Role) int { return console.CompareNames(a.Name, b.Name) })
	return some
}

// person finds the person of an address, if they concern whoever is signed in.
func (p pages) person(r *http.Request) (reach.Facts, sashlock.Person, error) {
	ctx := r.Context()
	f, err := p.facts(ctx)
	if err != nil {
		return f, sashlock.Person{}, err
	}
	id := sashlock.PersonID(f.Find(estate.People, r.PathValue("slug")))
	one, known := f.People[id]
	if !known {
		return f, one, &sashlock.Error{Kind: sashlock.NotFound, Op: "showing person", Hint: "there is no such person"}
	}
	if concerns, _ := ours(ctx, f, one); !concerns {
		return f, one, p.Refuse(ctx, "person "+string(one.ID))
	}
	return f, one, nil
}

// head is that of a page of this part.
func head(ctx context.Context, title string) console.Head {
	return console.Head{
		Title: title, Section: console.InPeople, Styles: []string{"persons.css"},
		About: lang.T(ctx, "The people who may open something: staff, couriers, guests, technicians. Who signs in to this console is an operator; one can be both."),
	}
}
