// SPDX-License-Identifier: Apache-2.0

// Package rota reads who works when: lists of shifts as spreadsheets write
// them, and calendars.
//
// # What
//
// [Read] takes a file and returns its shifts as instants, with the person, the
// site and the role of each. A list (CSV) has a row for each shift; a calendar
// (iCalendar, RFC 5545) may repeat its events for ever and is spelt out for the
// weeks that matter only. What is wrong with a file comes back as [Problem]s,
// each with its row and what to do about it.
//
// # How it fits
//
// Reading is a pure function of the file and of who there is. Package shifts
// compares the result with the shifts that are there.
//
// # Promises
//
// No file takes long or much memory: every repetition is looked at by days,
// within the window, and the days of a whole file are counted. Nothing is
// guessed: a name that two people have, a date that can be read in two ways and
// a zone that nobody knows are problems. Times are those of the clocks: what
// begins in an hour that the clocks show twice begins the first time and ends
// the last, and an hour that they leave out is the moment at which they jump.
package rota

import (
	"bytes"
	"fmt"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/table"
)

// The limits of a file.
const (
	MaxFile   = 8 << 20        // bytes
	MaxShifts = 20_000         // shifts, spelt out
	MaxShift  = 36 * time.Hour // length of one shift
)

// DefaultWindow is for how long a calendar is spelt out.
const DefaultWindow = 8 * 7 * 24 * time.Hour

// maxProblems is how many problems and notes are listed; the rest is counted.
const maxProblems = 100

// Options say how a file is meant.
type Options struct {
	Directory Directory
	Site      sashlock.SiteID // whose shifts they are where the file does not say
	Zone      *time.Location  // of the clocks by which the times are meant that name no zone
	Now       time.Time
	Window    time.Duration // for how long from now a calendar is spelt out; 0: [DefaultWindow]
}

// Entry is one shift of a file.
type Entry struct {
	Row    int    // line of the file, from 1
	Ref    string // what the file calls it; never empty, the same each time
	Person sashlock.PersonID
	Site   sashlock.SiteID
	Role   sashlock.RoleID // empty: as ever
	From   time.Time
	Until  time.Time
}

// List is what a file says, or what is wrong with it. With a problem there are
// no entries.
type List struct {
	Entries []Entry
	// From and Until are what the file speaks for: a shift in between that is
	// not in it is no more.
	From, Until time.Time

	Problems []Problem
	Notes    []Problem
	Wrong    int // problems in all; the list of them is cut
	Noted    int // notes in all
}

// Problem is one thing that is to be said about a file.
type Problem struct {
	Row    int         // line of the file, from 1; 0: the file as a whole
	Column string      // heading or property, as the file has it
	Detail lang.Phrase // what is wrong
	Fix    lang.Phrase // what to do
}

// Where says in English where in the file it is: "row 7, column until".
func (p Problem) Where() string {
	where := "the file"
	if p.Row > 0 {
		where = fmt.Sprintf("row %d", p.Row)
	}
	if p.Column != "" {
		where += ", column " + p.Column
	}
	return where
}

// String returns the problem in one line of English.
func (p Problem) String() string {
	return p.Where() + ": " + p.Detail.In(lang.English) + "; " + p.Fix.In(lang.English)
}

// Read reads a rota, whichever of the two kinds of file it is.
func Read(content []byte, opts Options) List {
	if opts.Zone == nil {
		opts.Zone = time.UTC
	}
	if opts.Window <= 0 {
		opts.Window = DefaultWindow
	}
	r := &reader{Options: opts, names: index(opts.Directory), refs: map[string]int{}, zones: map[string]*time.Location{}}
	switch {
	case len(content) > MaxFile:
		r.problem(0, "", lang.Say("the file is too large: %d MB at most", MaxFile>>20), lang.Say("import fewer weeks at a time"))
	case len(bytes.TrimSpace(content)) == 0:
		r.problem(0, "", lang.Say("the file is empty"), lang.Say("choose a CSV list or a calendar (.ics)"))
	default:
		var wrong table.Findings
		text, ok := table.Text(content, &wrong)
		r.take(wrong)
		if ok && isCalendar(text) {
			r.readCalendar(text)
		} else if ok {
			r.readSheet(text)
		}
	}
	if r.list.Wrong > 0 {
		r.list.Entries = nil
	} else {
		r.noteOverlaps()
	}
	return r.list
}

// reader is a file while it is read.
type reader struct {
	Options
	names names
	list  List
	refs  map[string]int // row by which a reference was used
	zones map[string]*time.Location
	full  bool // there are too many shifts: nothing more is read
}

func (r *reader) problem(row int, column string, detail, fix lang.Phrase) {
	if r.list.Wrong++; r.list.Wrong <= maxProblems {
		r.list.Problems = append(r.list.Problems, Problem{row, sashlock.Clip(column), detail, fix})
	}
}

// take notes what is wrong with the table that a list is.
func (r *reader) take(wrong table.Findings) {
	for _, p := range wrong.Problems {
		r.problem(p.Row, p.Column, p.What, p.Do)
	}
}

func (r *reader) note(row int, column string, detail, fix lang.Phrase) {
	if r.list.Noted++; r.list.Noted <= maxProblems {
		r.list.Notes = append(r.list.Notes, Problem{row, sashlock.Clip(column), detail, fix})
	}
}

// add takes a shift that was read whole.
func (r *reader) add(e Entry, column string) {
	switch {
	case !e.From.Before(e.Until):
		r.problem(e.Row, column, lang.Say("it ends before it begins"), lang.Say("correct the times"))
		return
	case e.Until.Sub(e.From) > MaxShift:
		r.problem(e.Row, column, lang.Say("the shift is longer than %d hours", int(MaxShift/time.Hour)), lang.Say("correct the day or the times; leave out holidays and the like"))
		return
	}
	if first, twice := r.refs[e.Ref]; twice {
		r.problem(e.Row, column, lang.Say("it is the same shift as in row %d", first), lang.Say("keep one row for each shift, each with a reference of its own"))
		return
	}
	r.refs[e.Ref] = e.Row
	if len(r.list.Entries) >= MaxShifts {
		if !r.full {
			r.problem(e.Row, "", lang.Say("there are more than %d shifts", MaxShifts), lang.Say("import fewer weeks at a time"))
		}
		r.full = true
		return
	}
	r.list.Entries = append(r.list.Entries, e)
}

// noteOverlaps tells of people who would work twice at once.
func (r *reader) noteOverlaps() {
	last := map[sashlock.PersonID]Entry{}
	for _, e := range sorted(r.list.Entries) {
		was, known := last[e.Person]
		if known && e.From.Before(was.Until) {
			r.note(e.Row, "", lang.Say("the same person works in row %d at that time", was.Row), lang.Say("nothing, if that is meant"))
		}
		if !known || was.Until.Before(e.Until) {
			last[e.Person] = e
		}
	}
}
