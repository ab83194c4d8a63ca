// SPDX-License-Identifier: Apache-2.0

package granting

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// roleRow is a role in the list.
type roleRow struct {
	sashlock.Role
	Members, Grants int
}

// roleList is all roles.
type roleList struct {
	Rows    []roleRow
	Search  string
	Change  bool
	Limited bool
}

// rolePage is one role, or one that is being made.
type rolePage struct {
	Role     sashlock.Role
	New      bool
	Members  []sashlock.Person
	Elsewhat bool // somebody or something of it is left out
	Grants   []row
	YAML     string
	Change   bool
	Ours     bool // nothing elsewhere changes with it
	Wrong    map[string]string
	Theirs   string // how somebody else named it meanwhile
}

func (p pages) roles(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, err := p.facts(ctx)
	if err != nil {
		return err
	}
	l := &roleList{Search: clip(r.URL.Query().Get("q")), Change: console.May(ctx, signin.Access), Limited: limited(ctx)}
	for _, role := range f.Roles {
		if !roleSeen(ctx, f, role.ID) || !strings.Contains(strings.ToLower(role.Name+" "+role.Slug), strings.ToLower(l.Search)) {
			continue
		}
		members := slices.DeleteFunc(f.Members(role.ID), func(one sashlock.Person) bool { return !personSeen(ctx, f, one) })
		l.Rows = append(l.Rows, roleRow{role, len(members), len(seen(ctx, f, grantsTo(f, role.ID)))})
	}
	slices.SortFunc(l.Rows, func(a, b roleRow) int {
		return cmp.Or(console.CompareNames(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug))
	})
	return p.Show(w, r, head(ctx, lang.T(ctx, "Roles")), rolesPage(l))
}

func (p pages) freshRole(w http.ResponseWriter, r *http.Request) error {
	return p.showRole(w, r, &rolePage{New: true, Change: true, Ours: true})
}

func (p pages) showRole(w http.ResponseWriter, r *http.Request, one *rolePage) error {
	title := lang.T(r.Context(), "New role")
	if !one.New {
		title = one.Role.Name
	}
	head := head(r.Context(), title)
	switch {
	case one.Theirs != "":
		head.Status = console.Outrun
	case len(one.Wrong) > 0:
		head.Status = console.Refused
	}
	return p.Show(w, r, head, roleBody(one))
}

// roleOf finds the role of a slug, if it concerns whoever is signed in.
func (p pages) roleOf(ctx context.Context, slug string) (reach.Facts, sashlock.Role, error) {
	f, err := p.facts(ctx)
	if err != nil {
		return f, sashlock.Role{}, err
	}
	for _, role := range f.Roles {
		if role.Slug != slug {
			continue
		}
		if !roleSeen(ctx, f, role.ID) {
			return f, role, p.Refuse(ctx, "role "+string(role.ID))
		}
		return f, role, nil
	}
	return f, sashlock.Role{}, &sashlock.Error{Kind: sashlock.NotFound, Op: "showing role", Subject: "slug", Hint: "there is no such role"}
}

func (p pages) role(w http.ResponseWriter, r *http.Request) error {
	f, role, err := p.roleOf(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	return p.showRole(w, r, p.describeRole(r.Context(), f, role))
}

func (p pages) describeRole(ctx context.Context, f reach.Facts, role sashlock.Role) *rolePage {
	given := grantsTo(f, role.ID)
	one := &rolePage{
		Role: role, Change: console.May(ctx, signin.Access), Ours: all(ctx, f, given),
		YAML: yamlOf(estate.File{Roles: []estate.Role{estate.FromRole(role)}}),
	}
	for _, person := range f.Members(role.ID) {
		if personSeen(ctx, f, person) {
			one.Members = append(one.Members, person)
		}
	}
	for _, g := range seen(ctx, f, given) {
		one.Grants = append(one.Grants, describe(ctx, f, g, p.Now()))
	}
	one.Elsewhat = len(one.Grants) < len(given)
	return one
}

func (p pages) saveRole(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	was := r.PostFormValue("was")
	one := &rolePage{New: true, Change: true, Ours: true}
	if was != "" {
		f, role, err := p.roleOf(ctx, was)
		if err != nil {
			return err
		}
		one = p.describeRole(ctx, f, role)
		if !one.Ours {
			return p.Refuse(ctx, "role "+string(role.ID))
		}
	}
	one.Role.Name, one.Role.Slug = strings.TrimSpace(r.PostFormValue("name")), cmp.Or(was, strings.TrimSpace(r.PostFormValue("slug")))
	rev, _ := strconv.ParseInt(r.PostFormValue("rev"), 10, 64)
	d := estate.Role{Slug: one.Role.Slug, Name: one.Role.Name}
	err := p.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
		if there, err := people.FindRole(tx, d.Slug); was == "" && err == nil {
			if there.Name == d.Name {
				return flow.Edit{}, errDone
			}
			return flow.Edit{}, errTaken
		}
		return people.SaveRole(tx, d, nil, rev)
	})
	switch {
	case err == nil || errors.Is(err, errDone):
		return console.Back(w, r, "/access/roles/"+d.Slug)
	case errors.Is(err, errTaken):
		one.Wrong = map[string]string{"slug": lang.T(ctx, "Another role has this short name.")}
	case errors.Is(err, store.ErrChanged):
		now := p.Hall.Book()
		for _, role := range now.Roles {
			if role.Slug == was {
				one.Theirs, one.Role.Rev = role.Name, role.Rev
			}
		}
	case len(estate.ListOf(err)) > 0:
		one.Wrong = wrongNames(ctx, estate.ListOf(err))
	default:
		return err
	}
	return p.showRole(w, r, one)
}

// wrongNames says what is wrong with a name and a short name, by field.
func wrongNames(ctx context.Context, problems []estate.Problem) map[string]string {
	wrong := map[string]string{}
	for _, one := range problems {
		switch one.Field {
		case "name":
			wrong["name"] = lang.T(ctx, "Give it a name of 1 to 80 characters, without marks that change the direction of writing.")
		case "slug":
			wrong["slug"] = lang.T(ctx, "Use 1 to 40 of a–z, 0–9 and hyphens, a letter or digit first.")
		default:
			wrong[one.Field] = one.Detail.In(lang.Of(ctx))
		}
	}
	return wrong
}

func (p pages) removeRole(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, role, err := p.roleOf(ctx, r.PathValue("slug"))
	if err != nil {
		return err
	}
	if !all(ctx, f, grantsTo(f, role.ID)) {
		return p.Refuse(ctx, "role "+string(role.ID))
	}
	if err := p.change(ctx, func(tx *store.Tx) (flow.Edit, error) { return people.RemoveRole(tx, role.Slug, 0) }); err != nil {
		return err
	}
	return console.Back(w, r, "/access/roles")
}
