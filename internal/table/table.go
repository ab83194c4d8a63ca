// SPDX-License-Identifier: Apache-2.0

// Package table reads the tables that people bring from other programs: values
// parted by commas, semicolons or tabs, with headings in any language.
//
// # What
//
// [Read] goes through the rows of a file, whatever it is written in. [Findings]
// gathers what is wrong with it, each with its row and what to do. [PlainWords]
// brings headings and names into one spelling.
//
// # How it fits
//
// Lists of people, of cards and of locks are read with it.
//
// # Promises
//
// No file makes it panic, and what is said of a file has a bound. A cell that a
// spreadsheet would calculate is text here; [Tame] keeps it so in a file of ours.
package table

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// maxProblems is how many problems and notes an answer lists; the rest is only
// counted.
const maxProblems = 100

// Problem is one thing that is wrong with a list.
type Problem struct {
	Row    int    `json:"row"`              // line of the file, from 1; 0: the file as a whole
	Column string `json:"column,omitempty"` // heading, as the file has it
	Detail string `json:"detail"`           // what is wrong, in English
	Fix    string `json:"fix"`              // what to do, in English

	What lang.Phrase `json:"-"` // Detail, to be said in any language
	Do   lang.Phrase `json:"-"` // Fix, likewise
}

// Where says what the problem is about: "row 3, column name", or "the file".
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

// String returns the problem in one line.
func (p Problem) String() string { return p.Where() + ": " + p.Detail + "; " + p.Fix }

// Findings gathers what is to be said about a list, up to a bound. The zero
// value has nothing to say.
type Findings struct {
	Problems []Problem // what is wrong, the first of it
	Notes    []Problem // what to know, the first of it
	Wrong    int       // problems in all
	Noted    int       // notes in all
}

// Problem notes that something is wrong: in a row, or with 0 in the whole file.
func (f *Findings) Problem(row int, column string, what, do lang.Phrase) {
	if f.Wrong++; f.Wrong <= maxProblems {
		f.Problems = append(f.Problems, found(row, column, what, do))
	}
}

// Note notes something to know.
func (f *Findings) Note(row int, column string, what, do lang.Phrase) {
	if f.Noted++; f.Noted <= maxProblems {
		f.Notes = append(f.Notes, found(row, column, what, do))
	}
}

func found(row int, column string, what, do lang.Phrase) Problem {
	return Problem{row, sashlock.Clip(column), what.In(lang.English), do.In(lang.English), what, do}
}

// Record is one row of a table.
type Record struct {
	Line  int      // of the file, from 1
	Cells []string // without the blanks around them
}

// Read calls each for every row of a file of values parted by commas,
// semicolons or tabs, the first of which are the headings, until it returns
// false. Blank rows are left out.
func Read(content []byte, f *Findings, each func(Record) bool) {
	if text, is := Text(content, f); is {
		Rows(text, f, each)
	}
}

// Text is a file as UTF-8 with plain line ends, whatever it is written in; false
// when it is no text, which is then noted as a problem.
func Text(content []byte, f *Findings) (text []byte, is bool) {
	text, err := io.ReadAll(decoded(content))
	if err != nil {
		f.Problem(0, "", lang.Say("the file cannot be read as text"), lang.Say("save it again as CSV in UTF-8"))
		return nil, false
	}
	if i := bytes.IndexByte(text, 0); i >= 0 {
		f.Problem(1+bytes.Count(text[:i], []byte{'\n'}), "", lang.Say("this is no text"), lang.Say("save the sheet as CSV; a workbook (.xlsx, .ods) cannot be read"))
		return nil, false
	}
	return withPlainLineEnds(text), true
}

// Rows is [Read] for what [Text] made of a file.
func Rows(text []byte, f *Findings, each func(Record) bool) {
	skipped := 0
	if rest, is := bytes.CutPrefix(text, []byte("sep=")); is { // a hint for spreadsheets
		_, text, _ = bytes.Cut(rest, []byte{'\n'})
		skipped = 1
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord = Delimiter(text), -1
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			f.Problem(skipped+bad.StartLine, "", lang.Say("a quotation mark is missing or in the wrong place"), lang.Say(`write a cell with quotation marks as "one ""quoted"" word"`))
			return
		}
		line, _ := r.FieldPos(0)
		if Blank(cells) {
			continue
		}
		if !each(Record{skipped + line, cells}) {
			return
		}
	}
}

// Blank takes the blanks away around every cell, and reports whether nothing is
// left of any.
func Blank(cells []string) bool {
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	for _, c := range cells {
		if c != "" {
			return false
		}
	}
	return true
}

// decoded reads a file as UTF-8, whatever it is written in: a mark at its
// beginning says so, or zeros at every second place (UTF-16), or else what is
// no UTF-8 is taken for Windows-1252, the other thing that spreadsheets write.
func decoded(content []byte) io.Reader {
	var from encoding.Encoding
	switch {
	case bytes.HasPrefix(content, []byte("\xef\xbb\xbf")):
		content = content[3:]
		from = charmap.Windows1252
		if utf8.Valid(content) {
			from = nil
		}
	case bytes.HasPrefix(content, []byte("\xff\xfe")), zeros(content, 1):
		from = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case bytes.HasPrefix(content, []byte("\xfe\xff")), zeros(content, 0):
		from = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case !utf8.Valid(content):
		from = charmap.Windows1252
	}
	if from == nil {
		return bytes.NewReader(content)
	}
	return from.NewDecoder().Reader(bytes.NewReader(content))
}

// zeros reports whether most of the first letters are zero at every second
// place and nowhere else, as Latin letters in UTF-16 are.
func zeros(content []byte, at int) bool {
	content = content[:min(len(content), 200)&^1]
	there, elsewhere := 0, 0
	for i, c := range content {
		switch {
		case c == 0 && i%2 == at:
			there++
		case c == 0:
			elsewhere++
		}
	}
	return there > len(content)/4 && elsewhere == 0
}

// withPlainLineEnds makes the line ends of Windows and of old Macs plain ones.
func withPlainLineEnds(text []byte) []byte {
	if bytes.IndexByte(text, '\r') < 0 {
		return text
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte{'\n'})
	return bytes.ReplaceAll(text, []byte{'\r'}, []byte{'\n'})
}

// Delimiter finds what parts the cells of the first row of a text.
func Delimiter(text []byte) rune {
	counts := map[byte]int{}
	quoted := false
	for _, c := range text {
		if c == '"' {
			quoted = !quoted
		}
		if c == '\n' && !quoted && len(counts) > 0 {
			break
		}
		if !quoted && (c == ',' || c == ';' || c == '\t') {
			counts[c]++
		}
	}
	best := ','
	for _, c := range []byte{',', ';', '\t'} {
		if counts[c] > counts[byte(best)] {
			best = rune(c)
		}
	}
	return best
}

// Few reports whether a file has at most so many rows below its headings, as far
// as its line ends tell before it is read: a cell may have lines of its own, so
// that twice as many lines are let through.
func Few(content []byte, rows int) bool {
	return max(bytes.Count(content, []byte{'\n'}), bytes.Count(content, []byte{'\r'})) <= 2*rows
}

// Formula reports whether a spreadsheet would calculate a cell.
func Formula(cell string) bool {
	return len(cell) > 1 && strings.ContainsRune("=+-@", rune(cell[0]))
}

// Tame writes a cell so that a spreadsheet takes it as the text that it is.
func Tame(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
