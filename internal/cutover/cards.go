// SPDX-License-Identifier: Apache-2.0

package cutover

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/table"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// The limits of a list of cards: it is carried out in one transaction, for which
// nobody at a door is to wait.
const (
	MaxCards    = 4 << 20 // bytes
	MaxCardRows = 5_000
)

// CardOptions say how a list of cards is meant.
type CardOptions struct {
	Zone   *time.Location    // whose midnight the days begin at
	Format string            // of cards where the list does not say: "26"
	As     wiegand.Notation  // of numbers without a facility code
	Doors  map[string]string // columns that are doors, and the short names of the openings
}

// carried is what one row of a list of cards says.
type carried struct {
	row      int
	slug     string
	name     string
	external string
	card     wiegand.Bits
	from     time.Time
	until    time.Time
	doors    []int // columns of the doors that the card opens
}

// The columns of a list of cards.
const (
	slugCard column = iota + 1
	nameCard
	givenCard
	familyCard
	externalCard
	facilityCard
	numberCard
	formatCard
	fromCard
	untilCard
	secretCard
	cardColumns
)

func cardHeadings(c column) []string {
	switch c {
	case slugCard:
		return []string{"slug", "short name", "user name", "username", "login"}
	case nameCard:
		return []string{"name", "full name", "cardholder", "card holder", "cardholder name", "person", "employee", "holder", "nombre completo", "titular", "persona", "inhaber", "nom complet", "titulaire"}
	case givenCard:
		return []string{"given name", "first name", "forename", "nombre", "vorname", "prenom"}
	case familyCard:
		return []string{"family name", "last name", "surname", "apellidos", "apellido", "nachname", "nom"}
	case externalCard:
		return []string{"external id", "employee id", "employee number", "employee no", "staff id", "staff number", "worker id", "person id", "personnel number", "payroll number", "numero de empleado", "personalnummer", "matricule"}
	case facilityCard:
		return []string{"facility", "facility code", "site code", "fc", "codigo de instalacion", "anlagencode"}
	case numberCard:
		return append([]string{"number", "id"}, headings(cardColumn)...)
	case formatCard:
		return []string{"format", "card format", "bits", "bit format", "card type", "formato", "kartenformat"}
	case fromCard:
		return []string{"from", "from date", "start", "start date", "valid from", "activation date", "active from", "issue date", "desde", "gultig ab", "von"}
	case untilCard:
		return []string{"until", "to", "to date", "end", "end date", "valid until", "valid to", "expires", "expiry", "expiry date", "expiration", "expiration date", "deactivation date", "hasta", "gultig bis", "bis"}
	case secretCard:
		return []string{"pin", "pin code", "pincode", "password", "passcode", "code", "clave", "contrasena", "passwort", "kennwort", "mot de passe"}
	}
	return nil
}

// cardReader turns rows into cards.
type cardReader struct {
	table.Findings
	opts   CardOptions
	heads  []string
	place  [cardColumns]int // from 1; 0: there is none
	doors  map[int]string   // columns, from 0, and the short names of their openings
	rows   []carried
	froms  []moment
	untils []moment
}

// readCards understands a list of cards. With problems there are no rows.
func readCards(content []byte, opts CardOptions) *cardReader {
	if opts.Zone == nil {
		opts.Zone = time.UTC
	}
	r := &cardReader{opts: opts, doors: map[int]string{}}
	tooMany := func() {
		r.Problem(0, "", lang.Say("the file has more than %d rows", MaxCardRows), lang.Say("part it into several files"))
	}
	switch {
	case len(content) > MaxCards:
		r.Problem(0, "", lang.Say("the file has more than %d MB", MaxCards>>20), lang.Say("part it into several files"))
		return r
	case !table.Few(content, MaxCardRows):
		tooMany()
		return r
	}
	table.Read(content, &r.Findings, func(rec table.Record) bool {
		switch {
		case len(r.heads) == 0:
			return r.readHeadings(rec)
		case len(r.rows) == MaxCardRows:
			tooMany()
			return false
		}
		r.readRow(rec)
		return true
	})
	if len(r.heads) == 0 && r.Wrong == 0 {
		r.Problem(0, "", lang.Say("the file is empty"), lang.Say("give it a row of headings and a row for each card"))
	}
	r.setDays()
	r.twice()
	return r
}

func (r *cardReader) readHeadings(rec table.Record) bool {
	r.heads = rec.Cells
	named := map[string]string{} // what is still to be found, as it was said
	for theirs := range r.opts.Doors {
		named[table.PlainWords(theirs, ' ')] = theirs
	}
	for i, heading := range rec.Cells {
		plain := table.PlainWords(heading, ' ')
		if theirs, is := named[plain]; is && plain != "" {
			r.doors[i] = r.opts.Doors[theirs]
			delete(named, plain)
			continue
		}
		c := slugCard
		for c < cardColumns && !slices.Contains(cardHeadings(c), plain) {
			c++
		}
		switch {
		case heading == "":
		case c == secretCard:
			r.Problem(rec.Line, heading, lang.Say("a list with PINs is not read"), lang.Say("take the column out of the file, and make PINs anew here"))
		case c == cardColumns:
			r.Note(rec.Line, heading, lang.Say("this column is not known and is left out"), lang.Say("if it is a door, say which opening it is"))
		case r.place[c] > 0:
			r.Problem(rec.Line, heading, lang.Say("it says the same as column %q", sashlock.Clip(r.heads[r.place[c]-1])), lang.Say("take one of the two out of the file"))
		default:
			r.place[c] = i + 1
		}
	}
	for _, theirs := range slices.Sorted(maps.Values(named)) {
		r.Problem(rec.Line, theirs, lang.Say("the list has no such column"), lang.Say("write the heading of the door as the file has it"))
	}
	if r.place[numberCard] == 0 {
		r.Problem(rec.Line, "", lang.Say("no column has the numbers of cards"), lang.Say(`call one "card"`))
	}
	return r.Wrong == 0
}

func (r *cardReader) cell(rec table.Record, c column) string {
	if r.place[c] == 0 || r.place[c] > len(rec.Cells) {
		return ""
	}
	return strings.TrimPrefix(rec.Cells[r.place[c]-1], "'")
}

// head is the heading of a column, as the file has it.
func (r *cardReader) head(c column) string {
	if r.place[c] == 0 {
		return ""
	}
	return r.heads[r.place[c]-1]
}

func (r *cardReader) readRow(rec table.Record) {
	if n := len(rec.Cells); n < len(r.heads) || n > len(r.heads) && !table.Blank(rec.Cells[len(r.heads):]) {
		r.Problem(rec.Line, "", lang.Say("it has %d cells and the headings have %d", n, len(r.heads)), lang.Say("look for a missing quotation mark, or a separator within a cell"))
		return
	}
	for i, c := range rec.Cells[:len(r.heads)] {
		if table.Formula(c) {
			r.Note(rec.Line, r.heads[i], lang.Say("it begins like a formula"), lang.Say("it is taken as text and calculated nowhere"))
		}
	}
	p := carried{row: rec.Line, slug: strings.ToLower(r.cell(rec, slugCard)), external: r.cell(rec, externalCard)}
	p.name = cmp.Or(r.cell(rec, nameCard), strings.TrimSpace(r.cell(rec, givenCard)+" "+r.cell(rec, familyCard)))
	if p.name != "" {
		if fix := sashlock.CheckName(p.name); fix != "" {
			r.Problem(rec.Line, cmp.Or(r.head(nameCard), r.head(familyCard), r.head(givenCard)), lang.Say("this cannot be a name"), lang.Say(fix))
		}
	}
	if p.slug != "" && !sashlock.ValidSlug(p.slug) {
		r.Problem(rec.Line, r.head(slugCard), lang.Say("%q cannot be a short name", sashlock.Clip(p.slug)), lang.Say("use 1 to 40 of a-z, 0-9 and hyphens, starting with a letter or digit"))
	}
	r.readCard(rec, &p)
	r.froms = append(r.froms, r.readDay(rec, fromCard))
	r.untils = append(r.untils, r.readDay(rec, untilCard))
	for _, i := range slices.Sorted(maps.Keys(r.doors)) {
		switch table.PlainWords(rec.Cells[i], ' ') {
		case "y", "yes", "true", "1", "x", "si", "ja", "oui", "sim":
			p.doors = append(p.doors, i)
		case "", "n", "no", "false", "0", "nein", "non", "nao":
		default:
			r.Problem(rec.Line, r.heads[i], lang.Say("%q is neither yes nor no", sashlock.Clip(rec.Cells[i])), lang.Say("write Y or N: the time profiles of a controller are not in its list of cards, give schedules here"))
		}
	}
	r.rows = append(r.rows, p)
}

// readCard understands the card of a row: exactly one, or it is a problem. What
// the card is stands in no problem.
func (r *cardReader) readCard(rec table.Record, p *carried) {
	w := wiegand.Written{Facility: r.cell(rec, facilityCard), Number: r.cell(rec, numberCard), Format: cmp.Or(r.cell(rec, formatCard), r.opts.Format), As: r.opts.As}
	if !wiegand.KnownFormat(w.Format) {
		r.Problem(rec.Line, cmp.Or(r.head(formatCard), r.head(numberCard)), lang.Say("%q is no card format", sashlock.Clip(w.Format)), lang.Say("write 26, 34, 35, 37 or 48, or a name like H10304"))
		return
	}
	switch all := w.Rows(); {
	case w.Number == "":
		r.Problem(rec.Line, r.head(numberCard), lang.Say("it is empty"), lang.Say("write the number of the card"))
	case len(all) == 0:
		r.Problem(rec.Line, r.head(numberCard), lang.Say("this is no card of that format"), lang.Say("write facility code and number like 12:34567, or the whole card in hexadecimal like 0x2F6A1C, and say the format"))
	case len(all) > 1:
		r.Problem(rec.Line, r.head(numberCard), lang.Say("this can be read in several ways"), lang.Say("say the format, and how the numbers are written"))
	default:
		p.card = all[0]
	}
}

func (r *cardReader) readDay(rec table.Record, c column) moment {
	text := r.cell(rec, c)
	if text == "" {
		return moment{}
	}
	m := readDay(text, r.opts.Zone, c == untilCard)
	if !m.known() {
		r.Problem(rec.Line, r.head(c), lang.Say("%q is not a date", sashlock.Clip(text)), lang.Say(`write a day like "2026-11-30"`))
	}
	return m
}

// setDays gives every row its dates, once it is known what slashes mean.
func (r *cardReader) setDays() {
	if r.Wrong > 0 {
		r.rows = nil
		return
	}
	known := slices.DeleteFunc(slices.Concat(r.froms, r.untils), func(m moment) bool { return !m.known() })
	sure, ok := settle(known)
	if !ok {
		r.Problem(0, "", lang.Say("the dates of this file can be read in two ways"), lang.Say(`write a day like "2026-11-30"`))
		return
	}
	next := func(m moment) (at time.Time) {
		if m.known() {
			at, sure = sure[0], sure[1:]
		}
		return at
	}
	for i := range r.rows {
		r.rows[i].from = next(r.froms[i])
	}
	for i := range r.rows {
		p := &r.rows[i]
		if p.until = next(r.untils[i]); !p.until.IsZero() && !p.from.Before(p.until) {
			r.Problem(p.row, r.head(untilCard), lang.Say("it ends before it starts"), lang.Say("write a later day"))
		}
	}
}

// twice finds cards that are in the list twice.
func (r *cardReader) twice() {
	seen := map[wiegand.Bits]int{}
	for _, p := range r.rows {
		if first, is := seen[p.card]; is {
			r.Problem(p.row, r.head(numberCard), lang.Say("it is the card of row %d", first), lang.Say("keep one row for each card"))
			continue
		}
		seen[p.card] = p.row
	}
}

// label is what the cards of a list are called: how many bits they have.
func label(card wiegand.Bits) string { return strconv.Itoa(card.Len()) + " bit" }
