// SPDX-License-Identifier: Apache-2.0

package people

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

	"github.com/sashlock/sashlock/internal/lang"
)

// The limits of a list.
const (
	MaxList = 32 << 20 // bytes
	MaxRows = 200_000  // rows below the headings
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

// String returns the problem in one line.
func (p Problem) String() string {
	where := "the file"
	if p.Row > 0 {
		where = fmt.Sprintf("row %d", p.Row)
	}
	if p.Column != "" {
		where += ", column " + p.Column
	}
	return where + ": " + p.Detail + "; " + p.Fix
}

// findings gathers what is to be said about a list, up to a bound.
type findings struct {
	problems []Problem
	notes    []Problem
	wrong    int // problems in all
	noted    int // notes in all
}

func (f *findings) problem(row int, column string, what, do lang.Phrase) {
	if f.wrong++; f.wrong <= maxProblems {
		f.problems = append(f.problems, found(row, column, what, do))
	}
}

func (f *findings) note(row int, column string, what, do lang.Phrase) {
	if f.noted++; f.noted <= maxProblems {
		f.notes = append(f.notes, found(row, column, what, do))
	}
}

func found(row int, column string, what, do lang.Phrase) Problem {
	return Problem{row, clip(column), what.In(lang.English), do.In(lang.English), what, do}
}

func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// record is one row of a table.
type record struct {
	line  int
	cells []string
}

// readTable calls each for every row of a file of values parted by commas,
// semicolons or tabs, the first of which are the headings, until it returns
// false. Blank rows are left out.
func readTable(content []byte, f *findings, each func(record) bool) {
	text, err := io.ReadAll(decoded(content))
	if err != nil {
		f.problem(0, "", lang.Say("the file cannot be read as text"), lang.Say("save it again as CSV in UTF-8"))
		return
	}
	if i := bytes.IndexByte(text, 0); i >= 0 {
		f.problem(1+bytes.Count(text[:i], []byte{'\n'}), "", lang.Say("this is no text"), lang.Say("save the sheet as CSV; a workbook (.xlsx, .ods) cannot be read"))
		return
	}
	text = withPlainLineEnds(text)
	skipped := 0
	if rest, is := bytes.CutPrefix(text, []byte("sep=")); is { // a hint for spreadsheets
		_, text, _ = bytes.Cut(rest, []byte{'\n'})
		skipped = 1
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord = delimiter(text), -1
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			f.problem(skipped+bad.StartLine, "", lang.Say("a quotation mark is missing or in the wrong place"), lang.Say(`write a cell with quotation marks as "one ""quoted"" word"`))
			return
		}
		line, _ := r.FieldPos(0)
		if blank(cells) {
			continue
		}
		if !each(record{skipped + line, cells}) {
			return
		}
	}
}

func blank(cells []string) bool {
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

// delimiter finds what parts the cells of the first row.
func delimiter(text []byte) rune {
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
