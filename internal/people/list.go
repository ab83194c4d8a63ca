// SPDX-License-Identifier: Apache-2.0

package people

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/table"
)

func formatted(n int) string { return strconv.Itoa(n) }

// The limits of a list.
const (
	MaxList = 32 << 20 // bytes
	MaxRows = 200_000  // rows below the headings
)

// Problem is one thing that is wrong with a list.
type Problem = table.Problem

// listed is what one row of a list says of a person. What the list has no
// column for it says nothing of.
type listed struct {
	row       int
	slug      string
	name      string
	external  string
	roles     []sashlock.RoleID
	from      time.Time
	until     time.Time
	suspended bool
	left      bool // and suspended for that
}

// list is a file of people as it was understood.
type list struct {
	table.Findings
	rows []listed
	has  [columns]bool
	head [columns]string // headings, as the file has them
}

// listReader turns rows into what they say.
type listReader struct {
	list
	place [columns]int               // where each column is, from 0
	heads []string                   // of all columns
	roles map[string]sashlock.RoleID // by short name, by name in plain words
	zone  *time.Location
	slash slashOrder
	late  []lateDate
}

// lateDate is a date with slashes, which only the whole column explains.
type lateDate struct {
	at   int // in rows
	col  column
	text string
}

// readList understands a file of people: whose roles are the given ones, and
// whose days are those of a time zone.
func readList(content []byte, roles []Group, zone *time.Location) list {
	r := &listReader{roles: rolesByName(roles), zone: zone}
	if len(content) > MaxList {
		r.Problem(0, "", lang.Say("the file has more than %d MB", MaxList>>20), lang.Say("part it into several files"))
		return r.list
	}
	if !table.Few(content, MaxRows) {
		r.Problem(0, "", lang.Say("the file has more than %d rows", MaxRows), lang.Say("part it into several files"))
		return r.list
	}
	headed := false
	table.Read(content, &r.Findings, func(rec table.Record) bool {
		if !headed {
			headed = true
			return r.readHeadings(rec)
		}
		if len(r.rows) == MaxRows {
			r.Problem(rec.Line, "", lang.Say("the file has more than %d rows", MaxRows), lang.Say("part it into several files"))
			return false
		}
		r.readRow(rec)
		return true
	})
	if !headed && r.Wrong == 0 {
		r.Problem(0, "", lang.Say("the file is empty"), lang.Say("give it a row of headings and a row for each person"))
	}
	r.explainSlashes()
	r.twice()
	return r.list
}

func rolesByName(roles []Group) map[string]sashlock.RoleID {
	by := make(map[string]sashlock.RoleID, 2*len(roles))
	for _, g := range roles {
		by[table.PlainWords(g.Name, ' ')] = g.ID
	}
	for _, g := range roles { // short names win
		by[g.Slug] = g.ID
	}
	return by
}

func (r *listReader) readHeadings(rec table.Record) bool {
	r.heads = rec.Cells
	for i, heading := range rec.Cells {
		c := columnOf(heading)
		switch {
		case c == unknown && heading != "":
			r.Note(rec.Line, heading, lang.Say("this column is not known and is left out"), lang.Say("it is kept nowhere"))
		case c == unknown:
		case r.has[c]:
			r.Problem(rec.Line, heading, lang.Say("it says the same as column %q", sashlock.Clip(r.head[c])), lang.Say("take one of the two out of the file"))
		default:
			r.has[c], r.place[c], r.head[c] = true, i, heading
		}
	}
	if !r.has[nameColumn] && !(r.has[givenColumn] && r.has[familyColumn]) {
		r.Problem(rec.Line, "", lang.Say("no column has names"), lang.Say(`call one "name", or two "given name" and "family name"`))
	}
	if !r.has[slugColumn] && !r.has[externalColumn] {
		r.Problem(rec.Line, "", lang.Say("no column tells people apart"), lang.Say(`call one "slug" (short names) or "external_id" (the numbers of your personnel system)`))
	}
	if r.has[suspendedColumn] && r.has[activeColumn] {
		r.Problem(rec.Line, r.head[activeColumn], lang.Say("it says the same as column %q", sashlock.Clip(r.head[suspendedColumn])), lang.Say("take one of the two out of the file"))
	}
	return r.Wrong == 0
}

func (r *listReader) cell(rec table.Record, c column) string {
	if !r.has[c] || r.place[c] >= len(rec.Cells) {
		return ""
	}
	return rec.Cells[r.place[c]]
}

func (r *listReader) readRow(rec table.Record) {
	if n := len(rec.Cells); n < len(r.heads) || n > len(r.heads) && !table.Blank(rec.Cells[len(r.heads):]) {
		r.Problem(rec.Line, "", lang.Say("it has %d cells and the headings have %d", n, len(r.heads)), lang.Say("look for a missing quotation mark, or a separator within a cell"))
		return
	}
	for i, c := range rec.Cells[:len(r.heads)] {
		if table.Formula(c) {
			r.Note(rec.Line, r.heads[i], lang.Say("it begins like a formula (%s)", sashlock.Clip(c)), lang.Say("it is taken as text and calculated nowhere"))
		}
	}
	p := listed{row: rec.Line, slug: strings.ToLower(r.cell(rec, slugColumn)), external: r.cell(rec, externalColumn)}
	p.name = cmp.Or(r.cell(rec, nameColumn), strings.TrimSpace(r.cell(rec, givenColumn)+" "+r.cell(rec, familyColumn)))
	if before, _, is := strings.Cut(p.slug, "@"); is {
		p.slug = SlugOf(before)
	}
	if fix := sashlock.CheckName(p.name); fix != "" {
		r.Problem(rec.Line, cmp.Or(r.head[nameColumn], r.head[familyColumn]), lang.Say("this cannot be a name"), lang.Say(fix))
	}
	if p.slug != "" && !sashlock.ValidSlug(p.slug) {
		r.Problem(rec.Line, r.head[slugColumn], lang.Say("%q cannot be a short name", sashlock.Clip(p.slug)), lang.Say("use 1 to 40 of a-z, 0-9 and hyphens, starting with a letter or digit"))
	}
	if fix := checkForeign(p.external); fix != "" {
		r.Problem(rec.Line, r.head[externalColumn], lang.Say("this cannot be an identifier"), lang.Say(fix))
	}
	if p.slug == "" && p.external == "" {
		r.Problem(rec.Line, cmp.Or(r.head[externalColumn], r.head[slugColumn]), lang.Say("it is empty"), lang.Say("say who is meant: fill in the cell that tells people apart"))
	}
	p.roles = r.readRoles(rec)
	p.suspended, p.left = r.readSuspended(rec)
	at := len(r.rows)
	p.from = r.readDate(rec, fromColumn, at)
	p.until = r.readDate(rec, untilColumn, at)
	r.rows = append(r.rows, p)
	r.inOrder(at)
}

func (r *listReader) inOrder(at int) {
	if p := r.rows[at]; !p.from.IsZero() && !p.until.IsZero() && !p.from.Before(p.until) {
		r.Problem(p.row, r.head[untilColumn], lang.Say("it ends before it starts"), lang.Say("write a later day"))
	}
}

func (r *listReader) readRoles(rec table.Record) []sashlock.RoleID {
	text := r.cell(rec, rolesColumn)
	if text == "" {
		return nil
	}
	if id, known := r.role(text); known { // a name may hold a comma
		return []sashlock.RoleID{id}
	}
	var ids []sashlock.RoleID
	for part := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == ';' || c == ',' || c == '|' }) {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		id, known := r.role(part)
		if !known {
			r.Problem(rec.Line, r.head[rolesColumn], lang.Say("there is no role %q", sashlock.Clip(part)), lang.Say("add the role first, or correct the name"))
			continue
		}
		if !contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func contains(ids []sashlock.RoleID, id sashlock.RoleID) bool {
	for _, one := range ids {
		if one == id {
			return true
		}
	}
	return false
}

func (r *listReader) role(text string) (sashlock.RoleID, bool) {
	id, known := r.roles[text]
	if !known {
		id, known = r.roles[table.PlainWords(text, ' ')]
	}
	return id, known && table.PlainWords(text, ' ') != ""
}

// readSuspended understands whether somebody is suspended, or active, and
// whether that is because they left.
func (r *listReader) readSuspended(rec table.Record) (suspended, left bool) {
	c := suspendedColumn
	if r.has[activeColumn] {
		c = activeColumn
	}
	text := r.cell(rec, c)
	if text == "" {
		return false, false
	}
	switch table.PlainWords(text, ' ') {
	case "yes", "true", "1", "y", "x", "si", "sim", "oui", "ja", "wahr", "verdadero", "vrai":
		return c == suspendedColumn, false
	case "no", "false", "0", "n", "nao", "non", "nein", "falsch", "falso", "faux":
		return c == activeColumn, false
	case "active", "enabled", "employed", "current", "activo", "activa", "aktiv", "actif", "ativo":
		return false, false
	case "inactive", "disabled", "suspended", "on leave", "leave", "deactivated", "inactivo", "inactiva", "inaktiv", "gesperrt", "inactif", "inativo":
		return true, false
	case "terminated", "left", "leaver", "former", "resigned", "retired", "dismissed", "baja", "ausgetreten", "parti":
		return true, true
	}
	r.Problem(rec.Line, r.head[c], lang.Say("%q is neither yes nor no", sashlock.Clip(text)), lang.Say(`write "yes" or "no"`))
	return false, false
}

// twice finds people that are in the list twice.
func (r *listReader) twice() {
	slugs, externals := map[string]int{}, map[string]int{}
	for _, p := range r.rows {
		for _, one := range []struct {
			of   map[string]int
			id   string
			head string
		}{{slugs, p.slug, r.head[slugColumn]}, {externals, p.external, r.head[externalColumn]}} {
			if one.id == "" {
				continue
			}
			if first, is := one.of[one.id]; is {
				r.Problem(p.row, one.head, lang.Say("%q is in row %d already", sashlock.Clip(one.id), first), lang.Say("keep one row for each person"))
				continue
			}
			one.of[one.id] = p.row
		}
	}
}
