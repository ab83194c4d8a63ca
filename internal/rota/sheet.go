// SPDX-License-Identifier: Apache-2.0

package rota

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/table"
)

// column is what a column of a list is about.
type column int

const (
	unknown column = iota
	personColumn
	siteColumn
	fromColumn
	untilColumn
	dateColumn
	startColumn
	endColumn
	roleColumn
	refColumn
	columns // how many there are
)

// headings are what planning programs write above their columns, in plain
// letters. The first is our own.
func headings(c column) []string {
	switch c {
	case personColumn:
		return []string{"person", "name", "full name", "employee", "employee id", "employee name", "employee number", "staff", "staff id", "worker", "user", "username", "email", "e mail", "external id", "persona", "empleado", "nombre", "correo", "mitarbeiter", "salarie", "collaborateur", "colaborador"}
	case siteColumn:
		return []string{"site", "store", "location", "branch", "shop", "tienda", "centro", "filiale", "magasin", "loja"}
	case fromColumn:
		return []string{"from", "begins", "start date time", "start datetime", "shift start", "starts at", "desde", "von", "debut", "inicio turno"}
	case untilColumn:
		return []string{"until", "to", "ends", "end date time", "end datetime", "shift end", "ends at", "hasta", "bis", "fin turno"}
	case dateColumn:
		return []string{"date", "day", "shift date", "work date", "fecha", "dia", "datum", "tag", "jour", "data"}
	case startColumn:
		return []string{"start", "start time", "time in", "hora inicio", "hora de inicio", "entrada", "inicio", "beginn", "heure de debut"}
	case endColumn:
		return []string{"end", "end time", "time out", "finish", "hora fin", "hora de fin", "salida", "fin", "ende", "heure de fin"}
	case roleColumn:
		return []string{"role", "position", "job", "funcion", "puesto", "rolle", "poste", "cargo"}
	case refColumn:
		return []string{"ref", "reference", "shift id", "id", "uid", "referencia"}
	}
	return nil
}

func columnOf(heading string) column {
	plain := plainWords(heading)
	for c := personColumn; c < columns; c++ {
		if slices.Contains(headings(c), plain) {
			return c
		}
	}
	return unknown
}

// sheet is a list of shifts while it is read.
type sheet struct {
	*reader
	head  [columns]string
	at    [columns]int
	has   [columns]bool
	days  []row // rows whose date waits until it is known what 3/4/2026 means
	first bool  // 3/4 has been seen to be the third of April
	month bool  // 3/4 has been seen to be the fourth of March
}

// row is one line.
type row struct {
	line       int
	cells      []string
	site       sashlock.SiteID
	known      bool // the site, the person and the role are
	person     sashlock.PersonID
	role       sashlock.RoleID
	zone       *time.Location
	start, end int    // seconds from midnight
	date       string // as written
}

// readSheet reads a list: the first row has the headings.
func (r *reader) readSheet(text []byte) {
	if !r.isModest(text) {
		return
	}
	s := &sheet{reader: r}
	rows, wrong := 0, table.Findings{}
	table.Rows(text, &wrong, func(one table.Record) bool {
		switch rows++; {
		case rows == 1:
			return s.heads(one.Line, one.Cells)
		case rows > MaxShifts+1:
			r.problem(one.Line, "", lang.Say("there are more than %d shifts", MaxShifts), lang.Say("import fewer weeks at a time"))
			return false
		}
		s.row(row{line: one.Line, cells: one.Cells})
		return !r.full
	})
	r.take(wrong)
	if rows == 1 && r.list.Wrong > 0 {
		return
	}
	s.explainSlashes()
	if rows < 2 && r.list.Wrong == 0 {
		r.problem(0, "", lang.Say("there are headings and no shifts"), lang.Say("add a row for each shift"))
	}
	s.speaksFor()
}

// maxCells is how many cells a row may have.
const maxCells = 500

// isModest refuses files that are no list of shifts by their very size, before
// any cell is read.
func (r *reader) isModest(text []byte) bool {
	parts, line, cells := byte(table.Delimiter(text)), 1, 0
	for _, c := range text {
		switch c {
		case '\n':
			line, cells = line+1, 0
		case parts:
			cells++
		}
		if line > 2*MaxShifts {
			r.problem(0, "", lang.Say("there are more than %d shifts", MaxShifts), lang.Say("import fewer weeks at a time"))
			return false
		}
		if cells > maxCells {
			r.problem(line, "", lang.Say("the row has more than %d cells", maxCells), lang.Say("keep the columns that tell of shifts, and save it again as CSV"))
			return false
		}
	}
	return true
}

// heads understands the headings.
func (s *sheet) heads(line int, cells []string) bool {
	for i, text := range cells {
		c := columnOf(text)
		if c == unknown {
			continue
		}
		if s.has[c] {
			s.problem(line, text, lang.Say("two columns are about the same: %s and %s", strconv.Quote(sashlock.Clip(s.head[c])), strconv.Quote(sashlock.Clip(text))), lang.Say("rename or remove one of them"))
			continue
		}
		s.has[c], s.at[c], s.head[c] = true, i, text
	}
	if !s.has[personColumn] {
		s.problem(line, "", lang.Say("no column says who works"), lang.Say("add a column called person"))
	}
	if !(s.has[fromColumn] && s.has[untilColumn]) && !(s.has[dateColumn] && s.has[startColumn] && s.has[endColumn]) {
		s.problem(line, "", lang.Say("the columns do not say when a shift begins and ends"), lang.Say("add the columns from and until, or date, start and end"))
	}
	return s.list.Wrong == 0
}

func (s *sheet) cell(one row, c column) string {
	if !s.has[c] || s.at[c] >= len(one.cells) {
		return ""
	}
	return one.cells[s.at[c]]
}

// row reads one shift.
func (s *sheet) row(one row) {
	for _, c := range []column{personColumn, refColumn} {
		if text := s.cell(one, c); text != "" && strings.ContainsRune("=+-@", rune(text[0])) {
			s.note(one.line, s.head[c], lang.Say("%s looks like a formula and was taken as text", strconv.Quote(sashlock.Clip(text))), lang.Say("nothing, if that is meant"))
		}
	}
	one.site, one.known = s.site(one.line, s.head[siteColumn], s.cell(one, siteColumn))
	one.zone = s.clocks(one.site)
	s.who(&one)
	if s.has[fromColumn] && s.has[untilColumn] && (s.cell(one, fromColumn) != "" || !s.has[dateColumn]) {
		from, fromOK := s.instant(one, fromColumn)
		until, untilOK := s.instant(one, untilColumn)
		if fromOK && untilOK {
			s.shift(one, from, until)
		}
		return
	}
	var ok, other bool
	one.start, ok = s.clock(one, startColumn)
	one.end, other = s.clock(one, endColumn)
	if !ok || !other {
		return
	}
	one.date = s.cell(one, dateColumn)
	if first, second, _, is := slashed(one.date); is {
		s.first, s.month = s.first || first > 12, s.month || second > 12
		s.days = append(s.days, one)
		return
	}
	day, ok := parseDay(one.date)
	if !ok {
		s.noDay(one)
		return
	}
	s.onDay(one, day)
}

func (s *sheet) noDay(one row) {
	s.problem(one.line, s.head[dateColumn], lang.Say("%s is not a day", strconv.Quote(sashlock.Clip(one.date))), lang.Say("write a day like 2026-11-30"))
}

// onDay is a shift of a day. One that ends no later than it begins ends on the
// next day.
func (s *sheet) onDay(one row, day int) {
	last := day
	if one.end <= one.start {
		last++
	}
	from, until := on(day, one.start), on(last, one.end)
	s.noteChange(one, startColumn, from)
	s.noteChange(one, endColumn, until)
	s.shift(one, begin(from, one.zone), end(until, one.zone))
}

func (s *sheet) noteChange(one row, c column, w wall) {
	if changes(w, one.zone) {
		s.note(one.line, s.head[c], lang.Say("the clocks change at that time"), lang.Say("nothing: it begins as early and ends as late as can be meant"))
	}
}

func (s *sheet) clock(one row, c column) (int, bool) {
	text := s.cell(one, c)
	second, ok := parseClock(text)
	if !ok {
		s.problem(one.line, s.head[c], lang.Say("%s is not a time of day", strconv.Quote(sashlock.Clip(text))), lang.Say("write a time like 14:30"))
	}
	return second, ok
}

func (s *sheet) instant(one row, c column) (time.Time, bool) {
	text := s.cell(one, c)
	at, w, ok := parseInstant(text)
	switch {
	case !ok:
		s.problem(one.line, s.head[c], lang.Say("%s is not a day and a time", strconv.Quote(sashlock.Clip(text))), lang.Say("write it like 2026-11-30 14:30"))
		return at, false
	case !at.IsZero():
		return at, true
	}
	s.noteChange(one, c, w)
	if c == untilColumn {
		return end(w, one.zone), true
	}
	return begin(w, one.zone), true
}

// who finds who works in a row, and as what.
func (s *sheet) who(one *row) {
	var found, role bool
	if ref := s.cell(*one, personColumn); ref == "" {
		s.problem(one.line, s.head[personColumn], lang.Say("it does not say who works"), lang.Say("write a short name, a personnel number or a name that is in the list of people"))
	} else {
		one.person, found = s.person(one.line, s.head[personColumn], ref)
	}
	one.role, role = s.role(one.line, s.head[roleColumn], s.cell(*one, roleColumn))
	one.known = one.known && found && role
}

// shift adds what a row says.
func (s *sheet) shift(one row, from, until time.Time) {
	if !one.known {
		return
	}
	e := Entry{Row: one.line, Ref: short(s.cell(one, refColumn)), Person: one.person, Site: one.site, Role: one.role, From: from, Until: until}
	if e.Ref == "" {
		e.Ref = string(e.Person) + "@" + strconv.FormatInt(from.Unix(), 10)
	}
	s.add(e, s.head[refColumn])
}

// short keeps references within what a table likes to hold.
func short(ref string) string {
	if len(ref) <= 120 {
		return ref
	}
	sum := sha256.Sum256([]byte(ref))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// explainSlashes reads the dates with slashes, once it is known what they mean.
func (s *sheet) explainSlashes() {
	for _, one := range s.days {
		first, second, year, _ := slashed(one.date)
		if s.first == s.month {
			s.problem(one.line, s.head[dateColumn], lang.Say("%s can be read in two ways", strconv.Quote(one.date)), lang.Say("write a day like 2026-11-30"))
			continue
		}
		if s.month {
			first, second = second, first
		}
		t := time.Date(year, time.Month(second), first, 0, 0, 0, 0, time.UTC)
		if t.Day() != first || int(t.Month()) != second || !inRange(t) {
			s.noDay(one)
			continue
		}
		s.onDay(one, wallOf(t).day())
	}
}

// speaksFor finds for which days a list speaks: from its first to its last.
func (s *sheet) speaksFor() {
	if len(s.list.Entries) == 0 {
		return
	}
	low, high := s.list.Entries[0].From, s.list.Entries[0].From
	for _, e := range s.list.Entries {
		if e.From.Before(low) {
			low = e.From
		}
		if e.From.After(high) {
			high = e.From
		}
	}
	s.list.From = begin(on(wallOf(low.In(s.Zone)).day(), 0), s.Zone)
	s.list.Until = begin(on(wallOf(high.In(s.Zone)).day()+1, 0), s.Zone)
}
