// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/store"
)

// userBody is what is read of a user.
type userBody struct {
	ExternalID  *string         `json:"externalId"`
	UserName    string          `json:"userName"`
	DisplayName string          `json:"displayName"`
	Name        nameBody        `json:"name"`
	Active      json.RawMessage `json:"active"`
}

type nameBody struct {
	Formatted  string `json:"formatted"`
	GivenName  string `json:"givenName"`
	FamilyName string `json:"familyName"`
}

func (n nameBody) whole() string {
	return cmp.Or(strings.TrimSpace(n.Formatted), strings.TrimSpace(n.GivenName+" "+n.FamilyName))
}

// onto writes a user over a person.
func (b userBody) onto(e *people.Entry, now time.Time) error {
	e.UserName = strings.TrimSpace(b.UserName)
	if e.UserName == "" {
		return invalid("invalidValue", "userName is missing")
	}
	e.External = ""
	if b.ExternalID != nil {
		e.External = strings.TrimSpace(*b.ExternalID)
	}
	e.Name = cmp.Or(strings.TrimSpace(b.DisplayName), b.Name.whole(), e.UserName)
	if len(b.Active) == 0 || string(b.Active) == "null" {
		return nil
	}
	var v any
	if err := json.Unmarshal(b.Active, &v); err != nil {
		return invalid("invalidValue", "active has to be true or false")
	}
	active, err := truth("active", v)
	if err == nil {
		setActive(e, active, now)
	}
	return err
}

// setActive suspends who is no longer active. It lifts only what the directory
// itself began.
func setActive(e *people.Entry, active bool, now time.Time) {
	switch {
	case !active && !e.Told:
		e.Suspended, e.Told = true, true
		if e.Left.IsZero() {
			e.Left = now
		}
	case active && e.Told:
		e.Suspended, e.Told, e.Left = false, false, time.Time{}
	}
}

func userTag(e people.Entry) string { return `W/"` + strconv.FormatInt(e.Rev, 10) + `"` }

// showUser is a user as a directory sees it.
func (s *server) showUser(r *http.Request, e people.Entry, groups []people.Group) map[string]any {
	location := s.base(r) + "/Users/" + string(e.ID)
	memberOf := []map[string]any{}
	for _, g := range groups {
		if slices.Contains(e.Roles, g.ID) && !g.Gone {
			memberOf = append(memberOf, map[string]any{"value": g.ID, "$ref": s.base(r) + "/Groups/" + string(g.ID), "display": g.Name, "type": "direct"})
		}
	}
	one := map[string]any{
		"schemas": []string{userSchema, accessSchema}, "id": e.ID, "userName": e.Called(), "displayName": e.Name,
		"name": map[string]any{"formatted": e.Name}, "active": !e.Told, "groups": memberOf,
		"meta": meta("User", location, string(e.ID), userTag(e)),
	}
	if e.External != "" {
		one["externalId"] = e.External
	}
	standing := map[string]any{"suspended": e.Suspended}
	if e.Suspended {
		// Every decision is taken here: no lock holds a code of this person.
		standing["pending"] = []string{}
	}
	if !e.Left.IsZero() {
		standing["left"] = e.Left.UTC().Format(time.RFC3339)
	}
	one[accessSchema] = standing
	return one
}

// asUser is what filters look at.
func asUser(e people.Entry, groups map[sashlock.RoleID]string) resource {
	memberOf := make([]any, 0, len(e.Roles))
	for _, id := range e.Roles {
		if name, shown := groups[id]; shown {
			memberOf = append(memberOf, resource{"value": string(id), "display": name, "type": "direct"})
		}
	}
	return resource{
		"id": string(e.ID), "externalid": e.External, "username": e.Called(), "displayname": e.Name,
		"name": resource{"formatted": e.Name}, "active": !e.Told, "groups": memberOf,
		"meta":    resource{"resourcetype": "User", "created": created(string(e.ID)).Format(time.RFC3339Nano), "version": userTag(e)},
		"schemas": []any{userSchema},
	}
}

func knownOfUsers(path []string) bool {
	switch strings.Join(path, ".") {
	case "id", "externalid", "username", "displayname", "name", "name.formatted", "active", "groups", "groups.value", "groups.display", "groups.type",
		"meta.resourcetype", "meta.created", "meta.version", "schemas":
		return true
	}
	return false
}

func (s *server) listUsers(r *http.Request) (reply, error) {
	q := r.URL.Query()
	var f filter
	if text := q.Get("filter"); text != "" {
		var err error
		if f, err = parseFilter(text, knownOfUsers); err != nil {
			return reply{}, err
		}
	}
	var found []people.Entry
	var groups []people.Group
	err := s.view(r, func(q store.Query) (err error) {
		found, groups, err = candidates(q, f)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	shown := map[sashlock.RoleID]string{}
	for _, g := range groups {
		if !g.Gone {
			shown[g.ID] = g.Name
		}
	}
	found = slices.DeleteFunc(found, func(e people.Entry) bool { return e.Gone || e.IsGuest() || f != nil && !f.match(asUser(e, shown)) })
	return listed(q, found, func(e people.Entry) map[string]any { return s.showUser(r, e, groups) })
}

// candidates are the people that a filter may hold for: everybody, or the one
// that can be looked up.
func candidates(q store.Query, f filter) (found []people.Entry, groups []people.Group, err error) {
	for by, name := range map[people.By]string{people.ByUserName: "username", people.ByExternal: "externalid", people.ByID: "id"} {
		value, is := exact(f, name)
		if !is {
			continue
		}
		e, err := people.FindEntry(q, by, value)
		if sashlock.IsKind(err, sashlock.NotFound) {
			return nil, nil, nil
		}
		if err != nil {
			return nil, nil, err
		}
		groups, err = people.Groups(q)
		return []people.Entry{e}, groups, err
	}
	staff, err := people.ReadStaff(q)
	return staff.Entries, staff.Roles, err
}

// findUser finds a user that the directory has not deleted.
func findUser(q store.Query, id string) (people.Entry, error) {
	e, err := people.FindEntry(q, people.ByID, id)
	if err == nil && (e.Gone || e.IsGuest()) {
		err = &sashlock.Error{Kind: sashlock.NotFound, Op: "finding user"}
	}
	return e, err
}

func (s *server) getUser(r *http.Request) (reply, error) {
	var e people.Entry
	var groups []people.Group
	err := s.view(r, func(q store.Query) (err error) {
		if e, err = findUser(q, r.PathValue("id")); err == nil {
			groups, err = people.Groups(q)
		}
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return unless(r, s.answerUser(r, e, groups, http.StatusOK)), nil
}

func (s *server) answerUser(r *http.Request, e people.Entry, groups []people.Group, status int) reply {
	out := reply{status: status, etag: userTag(e), body: chosen(r.URL.Query(), s.showUser(r, e, groups))}
	if status == http.StatusCreated {
		out.location = s.base(r) + "/Users/" + string(e.ID)
	}
	return out
}

func (s *server) createUser(r *http.Request) (reply, error) {
	var body userBody
	if err := read(r, &body); err != nil {
		return reply{}, err
	}
	var e people.Entry
	var groups []people.Group
	err := s.change(r.Context(), func(tx *store.Tx) (edit flow.Edit, err error) {
		e = people.Entry{}
		if err := body.onto(&e, tx.Now()); err != nil {
			return edit, err
		}
		if e.Slug, err = free(tx, "people", e.UserName, "person"); err != nil {
			return edit, err
		}
		if groups, err = people.Groups(tx); err != nil {
			return edit, err
		}
		e, edit, err = saveUser(tx, e, people.Entry{}, groups)
		return edit, err
	})
	if err != nil {
		return reply{}, err
	}
	return s.answerUser(r, e, groups, http.StatusCreated), nil
}

// saveUser checks and writes one user.
func saveUser(tx *store.Tx, e, was people.Entry, groups []people.Group) (people.Entry, flow.Edit, error) {
	if err := estate.Problems("saving user", people.Check(e)); err != nil {
		return e, flow.Edit{}, err
	}
	for by, value := range map[people.By]string{people.ByUserName: e.UserName, people.ByExternal: e.External} {
		if value == "" {
			continue
		}
		other, err := people.FindEntry(tx, by, value)
		switch {
		case err == nil && other.ID != e.ID:
			what := "userName"
			if by == people.ByExternal {
				what = "externalId"
			}
			return e, flow.Edit{}, &fault{http.StatusConflict, "uniqueness", "there is another user with this " + what}
		case err != nil && !sashlock.IsKind(err, sashlock.NotFound):
			return e, flow.Edit{}, err
		}
	}
	saving := people.Saving{Entries: []people.Entry{e}, Was: map[sashlock.PersonID]people.Entry{was.ID: was}, Roles: groups}
	edit, err := people.SaveEntries(tx, saving)
	return saving.Entries[0], edit, err
}

// alter changes one user. An alteration that changes nothing writes nothing.
func (s *server) alter(r *http.Request, how func(e *people.Entry, now time.Time) error) (reply, error) {
	var e people.Entry
	var groups []people.Group
	err := s.change(r.Context(), func(tx *store.Tx) (edit flow.Edit, err error) {
		was, err := findUser(tx, r.PathValue("id"))
		if err != nil {
			return edit, err
		}
		if err := checkMatch(r, userTag(was)); err != nil {
			return edit, err
		}
		if groups, err = people.Groups(tx); err != nil {
			return edit, err
		}
		e = was
		if err := how(&e, tx.Now()); err != nil || same(e, was) {
			return edit, err
		}
		e, edit, err = saveUser(tx, e, was, groups)
		return edit, err
	})
	if err != nil {
		return reply{}, err
	}
	return s.answerUser(r, e, groups, http.StatusOK), nil
}

func same(a, b people.Entry) bool {
	return a.Name == b.Name && a.UserName == b.UserName && a.External == b.External && a.Suspended == b.Suspended && a.Told == b.Told && a.Gone == b.Gone
}

func (s *server) replaceUser(r *http.Request) (reply, error) {
	var body userBody
	if err := read(r, &body); err != nil {
		return reply{}, err
	}
	return s.alter(r, body.onto)
}

func (s *server) patchUser(r *http.Request) (reply, error) {
	list, err := changes(r)
	if err != nil {
		return reply{}, err
	}
	return s.alter(r, func(e *people.Entry, now time.Time) error {
		for _, c := range list {
			if err := c.toUser(e, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// toUser applies a change to a user.
func (c change) toUser(e *people.Entry, now time.Time) (err error) {
	value := c.value
	if c.op == "remove" {
		value = nil
	}
	switch c.to.name {
	case "username":
		e.UserName, err = text("userName", value)
		if err == nil && e.UserName == "" {
			err = invalid("invalidValue", "userName is missing")
		}
	case "externalid":
		e.External, err = text("externalId", value)
	case "displayname", "name.formatted":
		var name string
		name, err = text(c.to.name, value)
		e.Name = cmp.Or(name, e.Called())
	case "name":
		parts, _ := value.(resource)
		part := func(of string) string { s, _ := parts[of].(string); return s }
		e.Name = cmp.Or(nameBody{part("formatted"), part("givenname"), part("familyname")}.whole(), e.Name)
	case "active":
		var active bool
		if active, err = truth("active", value); err == nil {
			setActive(e, active, now)
		}
	case "id", "meta", "groups", "schemas":
		return c.readOnly()
	}
	return err
}

// deleteUser suspends somebody for good and takes all roles from them. What the
// ledger says about them keeps its sense: the person stays, and the directory
// sees nothing of them any more.
func (s *server) deleteUser(r *http.Request) (reply, error) {
	err := s.change(r.Context(), func(tx *store.Tx) (flow.Edit, error) {
		was, err := findUser(tx, r.PathValue("id"))
		if err != nil {
			return flow.Edit{}, err
		}
		if err := checkMatch(r, userTag(was)); err != nil {
			return flow.Edit{}, err
		}
		groups, err := people.Groups(tx)
		if err != nil {
			return flow.Edit{}, err
		}
		e := was
		setActive(&e, false, tx.Now())
		e.Gone, e.External, e.UserName, e.Roles = true, "", "", nil
		edit, err := people.SaveEntries(tx, people.Saving{Entries: []people.Entry{e}, Was: map[sashlock.PersonID]people.Entry{was.ID: was}, Roles: groups})
		if err != nil {
			return edit, fmt.Errorf("deleting user: %w", err)
		}
		return edit, nil
	})
	return reply{status: http.StatusNoContent}, err
}
