// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/store"
)

// The schemas.
const (
	userSchema   = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema  = "urn:ietf:params:scim:schemas:core:2.0:Group"
	accessSchema = "urn:sashlock:params:scim:schemas:extension:access:2.0:User"
	listSchema   = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
)

// The pages of a list.
const (
	usualPage = 100
	maxPage   = 1000
)

// base is the address that resources stand under.
func (s *server) base(r *http.Request) string {
	origin := strings.TrimSuffix(s.Origin, "/")
	if origin == "" {
		origin = "http://" + r.Host
		if r.TLS != nil {
			origin = "https://" + r.Host
		}
	}
	return origin + strings.TrimSuffix(Path, "/")
}

// meta is what is said about a resource. When it was created stands in its
// identifier.
func meta(kind, location, id, version string) map[string]any {
	m := map[string]any{"resourceType": kind, "location": location, "version": version}
	if at := created(id); !at.IsZero() {
		m["created"] = at.Format(time.RFC3339Nano)
	}
	return m
}

func created(id string) time.Time {
	_, text, _ := strings.Cut(id, "_")
	made, err := ulid.ParseStrict(strings.ToUpper(text))
	if err != nil {
		return time.Time{}
	}
	return ulid.Time(made.Time()).UTC()
}

// paging is which part of a list is wanted: from 1.
func paging(q url.Values) (start, count int, err error) {
	number := func(name string, usual int) int {
		text := q.Get(name)
		if text == "" {
			return usual
		}
		n, bad := strconv.Atoi(text)
		if bad != nil {
			err = invalid("invalidValue", name+" has to be a number")
		}
		return n
	}
	start, count = max(1, number("startIndex", 1)), number("count", usualPage)
	return start, min(max(0, count), maxPage), err
}

// listed answers with a page of what was found.
func listed[T any](q url.Values, found []T, show func(T) map[string]any) (reply, error) {
	start, count, err := paging(q)
	if err != nil {
		return reply{}, err
	}
	first := min(start-1, len(found))
	page := found[first:min(first+count, len(found))]
	resources := make([]map[string]any, 0, len(page))
	for _, one := range page {
		resources = append(resources, chosen(q, show(one)))
	}
	return reply{body: map[string]any{
		"schemas": []string{listSchema}, "totalResults": len(found), "startIndex": start,
		"itemsPerPage": len(resources), "Resources": resources,
	}}, nil
}

// chosen leaves of a resource what is asked for. What identifies it stays.
func chosen(q url.Values, one map[string]any) map[string]any {
	wanted, unwanted := names(q.Get("attributes")), names(q.Get("excludedAttributes"))
	for name := range one {
		lower := strings.ToLower(name)
		switch {
		case lower == "id" || lower == "schemas":
		case len(wanted) > 0 && !slices.Contains(wanted, lower), slices.Contains(unwanted, lower):
			delete(one, name)
		}
	}
	return one
}

// names are the attributes of a list like "userName,name.formatted".
func names(list string) []string {
	var all []string
	for one := range strings.FieldsFuncSeq(list, func(c rune) bool { return c == ',' || c == ' ' }) {
		all = append(all, pathOf(one)[0])
	}
	return all
}

// leavesOut reports whether an attribute is not asked for.
func leavesOut(q url.Values, name string) bool {
	wanted := names(q.Get("attributes"))
	return len(wanted) > 0 && !slices.Contains(wanted, name) || slices.Contains(names(q.Get("excludedAttributes")), name)
}

// unless answers that nothing has changed since the asker looked.
func unless(r *http.Request, out reply) reply {
	if seen := r.Header.Get("If-None-Match"); seen != "" && (seen == "*" || strings.Contains(seen, out.etag)) {
		out.status = http.StatusNotModified
	}
	return out
}

// checkMatch refuses a change to another revision than the one asked for.
func checkMatch(r *http.Request, etag string) error {
	want := r.Header.Get("If-Match")
	if want == "" || want == "*" {
		return nil
	}
	for one := range strings.SplitSeq(want, ",") {
		if strings.TrimPrefix(strings.TrimSpace(one), "W/") == strings.TrimPrefix(etag, "W/") {
			return nil
		}
	}
	return &fault{http.StatusPreconditionFailed, "", "it was changed meanwhile: read it again"}
}

// view reads within one transaction.
func (s *server) view(r *http.Request, read func(q store.Query) error) error {
	return s.Store.View(r.Context(), read)
}

// change writes on behalf of whoever calls.
func (s *server) change(ctx context.Context, edit func(tx *store.Tx) (flow.Edit, error)) error {
	var made flow.Edit
	_, err := s.Hall.Change(ctx, flow.Change{Operator: caller(ctx), Make: func(tx *store.Tx) (_ flow.Edit, err error) {
		made, err = edit(tx)
		return made, err
	}})
	if !sashlock.IsKind(err, sashlock.Denied) {
		return err
	}
	if failed := s.propose(ctx, people.Joinings(s.Hall.Book(), made)); failed != nil {
		return failed
	}
	return err
}

// propose lets roles wait for a second operator.
func (s *server) propose(ctx context.Context, joins []people.Joining) error {
	if len(joins) == 0 || s.Propose == nil {
		return nil
	}
	return s.Propose(ctx, caller(ctx), joins)
}

// together is one edit made of two.
func together(a, b flow.Edit) flow.Edit {
	a.Events = append(a.Events, b.Events...)
	a.Access.Put.People = append(a.Access.Put.People, b.Access.Put.People...)
	a.Access.Put.Roles = append(a.Access.Put.Roles, b.Access.Put.Roles...)
	a.Access.Remove.Roles = append(a.Access.Remove.Roles, b.Access.Remove.Roles...)
	return a
}

// free makes a short name that none of a kind has.
func free(tx *store.Tx, table, called, instead string) (string, error) {
	var failed error
	slug := people.Free(people.SlugOf(called), instead, func(slug string) bool {
		var n int
		err := tx.QueryRow(`SELECT COUNT(*) FROM `+table+` WHERE slug = ?`, slug).Scan(&n)
		if err != nil {
			failed = err
		}
		return n > 0 && failed == nil
	})
	return slug, failed
}
