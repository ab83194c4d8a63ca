// SPDX-License-Identifier: Apache-2.0

package cutover

import (
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/table"
)

// The limits of a log.
const (
	MaxLog  = 32 << 20 // bytes
	MaxRows = 100_000  // rows below the headings
)

// Line is one line of the other system's log: somebody asked, and it opened or
// did not.
type Line struct {
	Row      int // of the file, from 1
	At       time.Time
	Facility string // of the card, where it stands alone
	Card     string
	Person   string
	Door     string
	Granted  bool
}

// Log is a log as it was understood.
type Log struct {
	table.Findings
	Lines   []Line
	LeftOut int // rows that say neither that it opened nor that it did not
}

// column is what a column of a log is about.
type column int

const (
	unknown column = iota
	momentColumn
	dateColumn
	clockColumn
	facilityColumn
	cardColumn
	personColumn
	doorColumn
	resultColumn
	columns // how many there are
)

// headings are what other systems write above their columns, in plain letters.
func headings(c column) []string {
	switch c {
	case momentColumn:
		return []string{"time", "timestamp", "date time", "datetime", "date and time", "event time", "event date", "occurred", "when", "at", "field time", "message time", "panel time", "fecha y hora", "zeitpunkt", "date heure", "data hora"}
	case dateColumn:
		return []string{"date", "day", "fecha", "dia", "datum", "jour", "data"}
	case clockColumn:
		return []string{"clock", "time of day", "hora", "uhrzeit", "zeit", "heure"}
	case facilityColumn:
		return []string{"facility", "facility code", "site code", "fc", "codigo de instalacion", "anlagencode"}
	case cardColumn:
		return []string{"card", "card number", "card no", "card id", "card facility and number", "cardnumber", "badge", "badge number", "badge id", "credential", "credential number", "token", "tag", "encoded number", "tarjeta", "numero de tarjeta", "n tarjeta", "karte", "kartennummer", "ausweisnummer", "carte", "numero de carte", "badgenummer", "cartao"}
	case personColumn:
		return []string{"person", "name", "cardholder", "card holder", "cardholder name", "user", "user name", "username", "holder", "employee", "slug", "persona", "nombre", "titular", "usuario", "benutzer", "inhaber", "mitarbeiter", "personne", "nom", "titulaire", "utilisateur", "pessoa"}
	case doorColumn:
		return []string{"door", "door name", "opening", "reader", "reader name", "access point", "portal", "point", "location", "device", "area reader", "puerta", "lector", "tur", "leser", "zutrittspunkt", "porte", "lecteur", "porta"}
	case resultColumn:
		return []string{"result", "granted", "access", "access result", "access granted", "decision", "outcome", "event", "event type", "event name", "event description", "message", "status", "state", "type", "action", "resultado", "acceso", "estado", "evento", "ergebnis", "zutritt", "ereignis", "resultat", "acces", "evenement"}
	}
	return nil
}

func columnOf(heading string) column {
	plain := table.PlainWords(heading, ' ')
	for c := momentColumn; c < columns; c++ {
		if slices.Contains(headings(c), plain) {
			return c
		}
	}
	return unknown
}

// logReader turns rows into lines.
type logReader struct {
	Log
	zone    *time.Location
	place   [columns]int // where each column is, from 1; 0: there is none
	head    [columns]string
	heads   []string
	moments []moment
}

// Read understands a log, the times in it by the clocks of a zone. With problems
// there are no lines.
func Read(content []byte, zone *time.Location) Log {
	r := &logReader{zone: zone}
	switch {
	case len(content) > MaxLog:
		r.Problem(0, "", lang.Say("the file has more than %d MB", MaxLog>>20), lang.Say("part it into several files"))
	case !table.Few(content, MaxRows):
		r.Problem(0, "", lang.Say("the file has more than %d rows", MaxRows), lang.Say("part it into several files"))
	default:
		table.Read(content, &r.Findings, r.row)
		if len(r.heads) == 0 && r.Wrong == 0 {
			r.Problem(0, "", lang.Say("the file is empty"), lang.Say("give it a row of headings and a row for each time that somebody asked"))
		}
		r.setMoments()
	}
	if r.Wrong > 0 {
		r.Lines = nil
	}
	return r.Log
}

func (r *logReader) row(rec table.Record) bool {
	if len(r.heads) == 0 {
		return r.readHeadings(rec)
	}
	if len(r.Lines) == MaxRows {
		r.Problem(rec.Line, "", lang.Say("the file has more than %d rows", MaxRows), lang.Say("part it into several files"))
		return false
	}
	if n := len(rec.Cells); n < len(r.heads) || n > len(r.heads) && !table.Blank(rec.Cells[len(r.heads):]) {
		r.Problem(rec.Line, "", lang.Say("it has %d cells and the headings have %d", n, len(r.heads)), lang.Say("look for a missing quotation mark, or a separator within a cell"))
		return true
	}
	r.readLine(rec)
	return true
}

func (r *logReader) readHeadings(rec table.Record) bool {
	r.heads = rec.Cells
	for i, heading := range rec.Cells {
		c := columnOf(heading)
		switch {
		case c == unknown: // logs have many more columns than are compared
		case r.place[c] > 0:
			r.Note(rec.Line, heading, lang.Say("it says the same as column %q", sashlock.Clip(r.head[c])), lang.Say("the first of the two is read"))
		default:
			r.place[c], r.head[c] = i+1, heading
		}
	}
	if r.place[momentColumn] > 0 && r.place[dateColumn] > 0 && r.place[clockColumn] == 0 { // "date" and "time"
		r.place[clockColumn], r.head[clockColumn] = r.place[momentColumn], r.head[momentColumn]
		r.place[momentColumn] = 0
	}
	missing := func(what, do lang.Phrase) { r.Problem(rec.Line, "", what, do) }
	if r.place[momentColumn] == 0 && r.place[dateColumn] == 0 {
		missing(lang.Say("no column says when it was"), lang.Say(`call one "time"`))
	}
	if r.place[cardColumn] == 0 && r.place[personColumn] == 0 {
		missing(lang.Say("no column says who it was"), lang.Say(`call one "card" or "person"`))
	}
	if r.place[doorColumn] == 0 {
		missing(lang.Say("no column says where it was"), lang.Say(`call one "door"`))
	}
	if r.place[resultColumn] == 0 {
		missing(lang.Say("no column says whether it opened"), lang.Say(`call one "result", with "granted" and "refused"`))
	}
	return r.Wrong == 0
}

func (r *logReader) cell(rec table.Record, c column) string {
	if r.place[c] == 0 || r.place[c] > len(rec.Cells) {
		return ""
	}
	return strings.TrimPrefix(rec.Cells[r.place[c]-1], "'") // how spreadsheets mark a number as text
}

func (r *logReader) readLine(rec table.Record) {
	granted, says := verdict(r.cell(rec, resultColumn))
	if !says {
		r.LeftOut++
		return
	}
	l := Line{Row: rec.Line, Facility: r.cell(rec, facilityColumn), Card: r.cell(rec, cardColumn), Person: r.cell(rec, personColumn), Door: r.cell(rec, doorColumn), Granted: granted}
	text, head := r.cell(rec, momentColumn), r.head[momentColumn]
	if r.place[momentColumn] == 0 {
		text, head = r.cell(rec, dateColumn)+" "+r.cell(rec, clockColumn), r.head[dateColumn]
	}
	m := readMoment(text, r.zone)
	switch {
	case !m.known():
		r.Problem(rec.Line, head, lang.Say("%q is not a time", sashlock.Clip(strings.TrimSpace(text))), lang.Say(`write it like "2026-11-30 18:04:05"`))
	case l.Card == "" && l.Person == "":
		r.LeftOut++ // a button, or somebody who forced it
		return
	case l.Door == "":
		r.Problem(rec.Line, r.head[doorColumn], lang.Say("it is empty"), lang.Say("say where it was"))
	}
	r.Lines, r.moments = append(r.Lines, l), append(r.moments, m)
}

// setMoments gives every line its moment, once it is known what dates with
// slashes mean.
func (r *logReader) setMoments() {
	if r.Wrong > 0 {
		return
	}
	sure, ok := settle(r.moments)
	if !ok {
		r.Problem(r.Lines[0].Row, r.head[max(momentColumn, 0)], lang.Say("the dates of this file can be read in two ways"), lang.Say(`write them like "2026-11-30 18:04:05"`))
		return
	}
	for i := range r.Lines {
		r.Lines[i].At = sure[i]
	}
}

// The words by which logs say that it opened, or that it did not. The second are
// looked for first: "access not granted".
var (
	refusedWords = []string{"refus", "den", "reject", "invalid", "not", "no", "fail", "unauthori", "false", "0", "abgelehnt", "verweigert", "nein", "rechaz", "neg", "unknown", "expired", "n", "violation", "ungultig", "gesperrt"}
	grantedWords = []string{"grant", "allow", "permit", "valid", "accept", "authori", "ok", "yes", "true", "1", "success", "admitted", "open", "gewahrt", "ja", "erteilt", "conced", "permitid", "aceptad", "si", "accord", "autoris", "oui", "sim", "y", "entry", "exit"}
)

// verdict understands whether it opened; says is false for what is about
// something else, such as a door that stands open.
func verdict(text string) (granted, says bool) {
	words := strings.Fields(table.PlainWords(text, ' '))
	has := func(list []string) bool {
		return slices.ContainsFunc(words, func(w string) bool {
			return slices.ContainsFunc(list, func(l string) bool { return w == l || len(l) > 2 && strings.HasPrefix(w, l) })
		})
	}
	if has([]string{"held", "forced", "closed", "opened", "tamper", "relocked"}) {
		return false, false
	}
	if has(refusedWords) {
		return false, true
	}
	return has(grantedWords), has(grantedWords)
}
