// SPDX-License-Identifier: Apache-2.0

package rota

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// Somebody is a person as rotas may call them.
type Somebody struct {
	ID       sashlock.PersonID
	Slug     string
	Name     string
	External string // the number of the personnel system; empty: none
	User     string // the name they sign in with there; empty: none
}

// Directory is who and what a rota may speak of.
type Directory struct {
	People []Somebody
	Sites  []sashlock.Site
	Roles  []sashlock.Role
}

// names finds what a rota calls people, sites and roles.
type names struct {
	people map[string][]sashlock.PersonID // by identifier, short name, number and user name
	called map[string][]sashlock.PersonID // by name, in plain letters
	sites  map[string][]sashlock.SiteID
	roles  map[string][]sashlock.RoleID
	zones  map[sashlock.SiteID]*time.Location
}

func index(d Directory) names {
	n := names{
		people: make(map[string][]sashlock.PersonID, 2*len(d.People)), called: make(map[string][]sashlock.PersonID, len(d.People)),
		sites: map[string][]sashlock.SiteID{}, roles: map[string][]sashlock.RoleID{}, zones: map[sashlock.SiteID]*time.Location{},
	}
	for _, p := range d.People {
		for _, key := range []string{string(p.ID), p.Slug, p.External, p.User} {
			put(n.people, strings.ToLower(key), p.ID)
		}
		put(n.called, plainWords(p.Name), p.ID)
		put(n.called, turned(p.Name), p.ID)
	}
	for _, s := range d.Sites {
		for _, key := range []string{strings.ToLower(string(s.ID)), s.Slug, plainWords(s.Name)} {
			put(n.sites, key, s.ID)
		}
		if zone, err := time.LoadLocation(s.Zone); err == nil && s.Zone != "" {
			n.zones[s.ID] = zone
		}
	}
	for _, role := range d.Roles {
		for _, key := range []string{strings.ToLower(string(role.ID)), role.Slug, plainWords(role.Name)} {
			put(n.roles, key, role.ID)
		}
	}
	return n
}

// turned is a name with its last word first, as "Costa Ana" for "Ana Costa".
func turned(name string) string {
	words := strings.Fields(plainWords(name))
	if len(words) < 2 {
		return ""
	}
	return strings.Join(append(words[len(words)-1:], words[:len(words)-1]...), " ")
}

func put[T cmp.Ordered](m map[string][]T, key string, v T) {
	if key != "" && !slices.Contains(m[key], v) {
		m[key] = append(m[key], v)
	}
}

// person finds whom a rota means: by identifier, short name, number or user
// name, by an address whose part before the @ is one of these, or by name.
func (n names) person(ref string) []sashlock.PersonID {
	ref = strings.TrimSpace(ref)
	key := strings.ToLower(ref)
	if found := n.people[key]; len(found) > 0 {
		return found
	}
	if before, _, is := strings.Cut(key, "@"); is {
		for _, key := range []string{before, strings.ReplaceAll(plainWords(before), " ", "-")} {
			if found := n.people[key]; len(found) > 0 {
				return found
			}
		}
		return n.called[plainWords(before)]
	}
	return n.called[plainWords(ref)]
}

// one reports the one that a reference means, or what is wrong with it. What
// names the problem: nobody, or several.
func one[T ~string](found []T, ref string, nobody lang.Phrase, fix lang.Phrase) (T, bool, lang.Phrase, lang.Phrase) {
	switch len(found) {
	case 0:
		return "", false, nobody, fix
	case 1:
		return found[0], true, lang.Phrase{}, lang.Phrase{}
	}
	return "", false, lang.Say("%s means several", strconv.Quote(sashlock.Clip(ref))), lang.Say("write the short name instead")
}

func (r *reader) person(row int, column, ref string) (sashlock.PersonID, bool) {
	id, ok, what, fix := one(r.names.person(ref), ref,
		lang.Say("nobody here is called %s", strconv.Quote(sashlock.Clip(ref))), lang.Say("write a short name, a personnel number or a name that is in the list of people"))
	if !ok {
		r.problem(row, column, what, fix)
	}
	return id, ok
}

func (r *reader) site(row int, column, ref string) (sashlock.SiteID, bool) {
	if ref == "" {
		if r.Site == "" {
			r.problem(row, column, lang.Say("it does not say for which store"), lang.Say("choose the store, or add a column called site"))
		}
		return r.Site, r.Site != ""
	}
	id, ok, what, fix := one(cmpOr(r.names.sites[strings.ToLower(ref)], r.names.sites[plainWords(ref)]), ref,
		lang.Say("no store of yours is called %s", strconv.Quote(sashlock.Clip(ref))), lang.Say("write the short name of a store"))
	if !ok {
		r.problem(row, column, what, fix)
	}
	return id, ok
}

// clocks are those by which the times of a site are meant.
func (r *reader) clocks(site sashlock.SiteID) *time.Location {
	if zone := r.names.zones[site]; zone != nil {
		return zone
	}
	return r.Zone
}

func (r *reader) role(row int, column, ref string) (sashlock.RoleID, bool) {
	if ref == "" {
		return "", true
	}
	id, ok, what, fix := one(cmpOr(r.names.roles[strings.ToLower(ref)], r.names.roles[plainWords(ref)]), ref,
		lang.Say("there is no role %s", strconv.Quote(sashlock.Clip(ref))), lang.Say("write the short name of a role, or leave it empty"))
	if !ok {
		r.problem(row, column, what, fix)
	}
	return id, ok
}

func cmpOr[T any](a, b []T) []T {
	if len(a) > 0 {
		return a
	}
	return b
}

// plainWords writes a text in small Latin letters without accents, in digits
// and in whatever other letters there are, with one blank between its words.
func plainWords(s string) string {
	var b strings.Builder
	gap := false
	for _, c := range norm.NFKD.String(strings.ToLower(s)) {
		switch {
		case c >= 0x300 && c < 0x370: // accents, parted from their letters
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c >= 0x80:
			if gap && b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteRune(c)
			gap = false
		default:
			gap = true
		}
	}
	return b.String()
}

// sorted returns entries in order of their beginning.
func sorted(all []Entry) []Entry {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Row, b.Row)) })
	return all
}
