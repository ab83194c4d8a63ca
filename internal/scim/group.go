// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"encoding/json"
	"hash/fnv"
	"maps"
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

// groupBody is what is read of a group.
type groupBody struct {
	ExternalID  *string         `json:"externalId"`
	DisplayName string          `json:"displayName"`
	Members     json.RawMessage `json:"members"`
}

// group is a role with who has it.
type group struct {
	people.Group
	members []people.Entry // in order of identifier, without those the directory deleted
}

// tag changes with the role and with who has it.
func (g group) tag() string {
	h := fnv.New64a()
	for _, m := range g.members {
		_, _ = h.Write([]byte(m.ID)) // it never fails
	}
	return `W/"` + strconv.FormatInt(g.Rev, 10) + "-" + strconv.FormatUint(h.Sum64(), 36) + `"`
}

// wishes are how a group shall be.
type wishes struct {
	name     string
	external string
	members  map[sashlock.PersonID]bool
}

func (g group) wishes() *wishes {
	w := &wishes{name: g.Name, external: g.External, members: map[sashlock.PersonID]bool{}}
	for _, m := range g.members {
		w.members[m.ID] = true
	}
	return w
}

// memberIDs reads who is meant by a list of members, or by one.
func memberIDs(v any) ([]sashlock.PersonID, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return []sashlock.PersonID{sashlock.PersonID(v)}, nil
	case resource:
		if kind, is := v["type"].(string); is && !strings.EqualFold(kind, "User") {
			return nil, invalid("invalidValue", "members of a group are users; groups in groups are not offered")
		}
		if id, is := v["value"].(string); is && id != "" {
			return []sashlock.PersonID{sashlock.PersonID(id)}, nil
		}
	case []any:
		var all []sashlock.PersonID
		for _, one := range v {
			ids, err := memberIDs(one)
			if err != nil {
				return nil, err
			}
			all = append(all, ids...)
		}
		return all, nil
	}
	return nil, invalid("invalidValue", `a member is written {"value": "prs_…"}`)
}

// to applies a change to the wishes.
func (w *wishes) to(c change) (err error) {
	switch c.to.name {
	case "displayname":
		if c.op == "remove" {
			return invalid("invalidValue", "displayName is missing")
		}
		w.name, err = text("displayName", c.value)
	case "externalid":
		value := c.value
		if c.op == "remove" {
			value = nil
		}
		w.external, err = text("externalId", value)
	case "members":
		return w.toMembers(c)
	case "id", "meta", "schemas":
		return c.readOnly()
	}
	return err
}

func (w *wishes) toMembers(c change) error {
	ids, err := memberIDs(c.value)
	if err != nil {
		return err
	}
	if c.to.filter != nil {
		var meant []sashlock.PersonID
		for id := range w.members {
			if c.to.filter.match(resource{"value": string(id), "type": "User"}) {
				meant = append(meant, id)
			}
		}
		if len(meant) == 0 && c.op == "replace" {
			return invalid("noTarget", "no member is like that")
		}
		if c.op != "add" {
			w.drop(meant)
		}
		if c.op == "remove" {
			return nil
		}
	}
	switch {
	case c.op == "remove" && c.value == nil:
		clear(w.members)
	case c.op == "remove":
		w.drop(ids)
	case c.op == "replace" && c.to.filter == nil:
		clear(w.members)
	}
	if c.op != "remove" {
		for _, id := range ids {
			w.members[id] = true
		}
	}
	return nil
}

func (w *wishes) drop(ids []sashlock.PersonID) {
	for _, id := range ids {
		delete(w.members, id)
	}
}

func (b groupBody) onto(w *wishes, anew bool) error {
	w.name = strings.TrimSpace(b.DisplayName)
	w.external = ""
	if b.ExternalID != nil {
		w.external = strings.TrimSpace(*b.ExternalID)
	}
	if len(b.Members) == 0 && !anew {
		return nil // nothing is said of them
	}
	var v any
	if len(b.Members) > 0 {
		if err := json.Unmarshal(b.Members, &v); err != nil {
			return invalid("invalidSyntax", "members cannot be read")
		}
	}
	clear(w.members)
	return w.toMembers(change{op: "add", to: target{name: "members"}, value: lowered(v)})
}

func (s *server) showGroup(r *http.Request, g group) map[string]any {
	members := make([]map[string]any, 0, len(g.members))
	for _, m := range g.members {
		members = append(members, map[string]any{"value": m.ID, "$ref": s.base(r) + "/Users/" + string(m.ID), "display": m.Name, "type": "User"})
	}
	one := map[string]any{
		"schemas": []string{groupSchema}, "id": g.ID, "displayName": g.Name, "members": members,
		"meta": meta("Group", s.base(r)+"/Groups/"+string(g.ID), string(g.ID), g.tag()),
	}
	if g.External != "" {
		one["externalId"] = g.External
	}
	return one
}

func asGroup(g group) resource {
	members := make([]any, len(g.members))
	for i, m := range g.members {
		members[i] = resource{"value": string(m.ID), "display": m.Name, "type": "User"}
	}
	return resource{
		"id": string(g.ID), "externalid": g.External, "displayname": g.Name, "members": members, "schemas": []any{groupSchema},
		"meta": resource{"resourcetype": "Group", "created": created(string(g.ID)).Format(time.RFC3339Nano), "version": g.tag()},
	}
}

func knownOfGroups(path []string) bool {
	switch strings.Join(path, ".") {
	case "id", "externalid", "displayname", "members", "members.value", "members.display", "members.type", "meta.resourcetype", "meta.created", "meta.version", "schemas":
		return true
	}
	return false
}

// groupsWith reads all groups that the directory has not deleted, with who has
// them.
func groupsWith(q store.Query) ([]group, error) {
	staff, err := people.ReadStaff(q)
	if err != nil {
		return nil, err
	}
	members := map[sashlock.RoleID][]people.Entry{}
	for _, e := range staff.Entries {
		for _, id := range e.Roles {
			if !e.Gone {
				members[id] = append(members[id], e)
			}
		}
	}
	var all []group
	for _, g := range staff.Roles {
		if !g.Gone {
			all = append(all, group{g, members[g.ID]})
		}
	}
	return all, nil
}

func findGroup(q store.Query, id string) (group, error) {
	g, err := people.FindGroup(q, sashlock.RoleID(id))
	if err == nil && g.Gone {
		err = &sashlock.Error{Kind: sashlock.NotFound, Op: "finding group"}
	}
	if err != nil {
		return group{}, err
	}
	members, err := people.Members(q, g.ID)
	members = slices.DeleteFunc(members, func(e people.Entry) bool { return e.Gone })
	return group{g, members}, err
}

func (s *server) listGroups(r *http.Request) (reply, error) {
	q := r.URL.Query()
	var f filter
	if text := q.Get("filter"); text != "" {
		var err error
		if f, err = parseFilter(text, knownOfGroups); err != nil {
			return reply{}, err
		}
	}
	var found []group
	err := s.view(r, func(q store.Query) (err error) {
		found, err = groupsWith(q)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	found = slices.DeleteFunc(found, func(g group) bool { return f != nil && !f.match(asGroup(g)) })
	bare := leavesOut(q, "members")
	return listed(q, found, func(g group) map[string]any {
		one := s.showGroup(r, g)
		if bare {
			delete(one, "members")
		}
		return one
	})
}

func (s *server) getGroup(r *http.Request) (reply, error) {
	var g group
	err := s.view(r, func(q store.Query) (err error) {
		g, err = findGroup(q, r.PathValue("id"))
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return unless(r, s.answerGroup(r, g, http.StatusOK)), nil
}

func (s *server) answerGroup(r *http.Request, g group, status int) reply {
	out := reply{status: status, etag: g.tag(), body: chosen(r.URL.Query(), s.showGroup(r, g))}
	if status == http.StatusCreated {
		out.location = s.base(r) + "/Groups/" + string(g.ID)
	}
	return out
}

func (s *server) createGroup(r *http.Request) (reply, error) {
	var body groupBody
	if err := read(r, &body); err != nil {
		return reply{}, err
	}
	return s.settle(r, http.StatusCreated, func(tx *store.Tx) (group, *wishes, error) {
		g, w := group{}, &wishes{members: map[sashlock.PersonID]bool{}}
		if err := body.onto(w, true); err != nil {
			return g, w, err
		}
		// A role of that name that the directory deleted, and grants still
		// refer to, is that group again.
		all, err := people.Groups(tx)
		for _, old := range all {
			if old.Gone && strings.EqualFold(old.Name, w.name) {
				return group{Group: old}, w, err
			}
		}
		if err != nil {
			return g, w, err
		}
		g.Slug, err = free(tx, "roles", w.name, "group")
		return g, w, err
	})
}

func (s *server) replaceGroup(r *http.Request) (reply, error) {
	var body groupBody
	if err := read(r, &body); err != nil {
		return reply{}, err
	}
	return s.settle(r, http.StatusOK, s.wishing(r, func(w *wishes) error { return body.onto(w, false) }))
}

// patchGroup answers without the group: it may be large, and neither Okta nor
// Entra ID look at it.
func (s *server) patchGroup(r *http.Request) (reply, error) {
	list, err := changes(r)
	if err != nil {
		return reply{}, err
	}
	return s.settle(r, http.StatusNoContent, s.wishing(r, func(w *wishes) error {
		for _, c := range list {
			if err := w.to(c); err != nil {
				return err
			}
		}
		return nil
	}))
}

// wishing finds the group of a request and lets its wishes be changed.
func (s *server) wishing(r *http.Request, how func(w *wishes) error) func(tx *store.Tx) (group, *wishes, error) {
	return func(tx *store.Tx) (group, *wishes, error) {
		g, err := findGroup(tx, r.PathValue("id"))
		if err != nil {
			return g, nil, err
		}
		if err := checkMatch(r, g.tag()); err != nil {
			return g, nil, err
		}
		w := g.wishes()
		return g, w, how(w)
	}
}

// settle makes a group what it shall be.
func (s *server) settle(r *http.Request, status int, wish func(tx *store.Tx) (group, *wishes, error)) (reply, error) {
	var g group
	err := s.change(r.Context(), func(tx *store.Tx) (flow.Edit, error) {
		was, w, err := wish(tx)
		if err != nil {
			return flow.Edit{}, err
		}
		g, w.name = was, strings.TrimSpace(w.name)
		if err := w.check(tx, was); err != nil {
			return flow.Edit{}, err
		}
		var edit flow.Edit
		if was.ID == "" || was.Gone || was.Name != w.name || was.External != w.external {
			g.Name, g.External, g.Gone = w.name, w.external, false
			if g.Group, edit, err = people.SaveGroup(tx, g.Group); err != nil {
				return edit, err
			}
		}
		moved, err := move(tx, g, w.members)
		if err == nil {
			g.members, err = people.Members(tx, g.ID)
		}
		return together(edit, moved), err
	})
	if err != nil {
		return reply{}, err
	}
	if status == http.StatusNoContent {
		return reply{status: status, etag: g.tag()}, nil
	}
	return s.answerGroup(r, g, status), nil
}

// check says what is wrong with how a group shall be.
func (w *wishes) check(tx *store.Tx, was group) error {
	problems := people.Check(people.Entry{Person: sashlock.Person{Slug: "x", Name: w.name}, External: w.external})
	if err := estate.Problems("saving group", problems); err != nil {
		return err
	}
	all, err := people.Groups(tx)
	for _, other := range all {
		if other.ID == was.ID || other.Gone {
			continue
		}
		if strings.EqualFold(other.Name, w.name) {
			return &fault{http.StatusConflict, "uniqueness", "there is another group with this displayName"}
		}
		if other.External == w.external && w.external != "" {
			return &fault{http.StatusConflict, "uniqueness", "there is another group with this externalId"}
		}
	}
	return err
}

// move gives a role to those who shall have it and takes it from the others.
func move(tx *store.Tx, g group, members map[sashlock.PersonID]bool) (flow.Edit, error) {
	saving := people.Saving{Was: map[sashlock.PersonID]people.Entry{}}
	has := map[sashlock.PersonID]bool{}
	for _, m := range g.members {
		has[m.ID] = true
	}
	for _, id := range slices.Sorted(maps.Keys(members)) {
		if has[id] {
			continue
		}
		e, err := findUser(tx, string(id))
		if sashlock.IsKind(err, sashlock.NotFound) {
			return flow.Edit{}, invalid("invalidValue", "there is no user "+strconv.Quote(sashlock.Clip(string(id))))
		}
		if err != nil {
			return flow.Edit{}, err
		}
		saving.Was[e.ID] = e
		e.Roles = append(slices.Clone(e.Roles), g.ID)
		saving.Entries = append(saving.Entries, e)
	}
	for _, m := range g.members {
		if members[m.ID] {
			continue
		}
		e, err := people.FindEntry(tx, people.ByID, string(m.ID))
		if err != nil {
			return flow.Edit{}, err
		}
		saving.Was[e.ID] = e
		e.Roles = slices.DeleteFunc(slices.Clone(e.Roles), func(id sashlock.RoleID) bool { return id == g.ID })
		saving.Entries = append(saving.Entries, e)
	}
	if len(saving.Entries) == 0 {
		return flow.Edit{}, nil
	}
	var err error
	if saving.Roles, err = people.Groups(tx); err != nil {
		return flow.Edit{}, err
	}
	return people.SaveEntries(tx, saving)
}

// deleteGroup takes a role from everybody, and away.
func (s *server) deleteGroup(r *http.Request) (reply, error) {
	err := s.change(r.Context(), func(tx *store.Tx) (flow.Edit, error) {
		g, err := findGroup(tx, r.PathValue("id"))
		if err != nil {
			return flow.Edit{}, err
		}
		if err := checkMatch(r, g.tag()); err != nil {
			return flow.Edit{}, err
		}
		moved, err := move(tx, g, nil)
		if err != nil {
			return flow.Edit{}, err
		}
		dropped, err := people.DropGroup(tx, g.Group)
		return together(moved, dropped), err
	})
	return reply{status: http.StatusNoContent}, err
}
