// SPDX-License-Identifier: Apache-2.0

package rota

import (
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/sashlock/sashlock/internal/lang"
)

// decode reads a file as UTF-8 with plain line ends, whatever it is written in:
// a mark at its beginning says so, or zeros at every second place (UTF-16), or
// else what is no UTF-8 is taken for Windows-1252, the other thing that
// spreadsheets write.
func (r *reader) decode(content []byte) (text []byte, ok bool) {
	var from encoding.Encoding
	switch {
	case bytes.HasPrefix(content, []byte("\xef\xbb\xbf")):
		if content = content[3:]; !utf8.Valid(content) {
			from = charmap.Windows1252
		}
	case bytes.HasPrefix(content, []byte("\xff\xfe")), zeros(content, 1):
		from = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case bytes.HasPrefix(content, []byte("\xfe\xff")), zeros(content, 0):
		from = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case !utf8.Valid(content):
		from = charmap.Windows1252
	}
	text = content
	if from != nil {
		var err error
		if text, err = io.ReadAll(from.NewDecoder().Reader(bytes.NewReader(content))); err != nil {
			r.problem(0, "", lang.Say("the file cannot be read as text"), lang.Say("save it again as CSV in UTF-8"))
			return nil, false
		}
	}
	if i := bytes.IndexByte(text, 0); i >= 0 {
		r.problem(1+bytes.Count(text[:i], []byte{'\n'}), "", lang.Say("this is no text"), lang.Say("save the sheet as CSV; a workbook (.xlsx, .ods) cannot be read"))
		return nil, false
	}
	if bytes.IndexByte(text, '\r') >= 0 {
		text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), []byte{'\n'}), []byte{'\r'}, []byte{'\n'})
	}
	return text, true
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
