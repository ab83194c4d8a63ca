// SPDX-License-Identifier: Apache-2.0

package rota

import (
	"bytes"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// The limits of a calendar.
const (
	maxDepth = 6        // of components within components
	maxLine  = 16 << 10 // bytes of one property
	maxProps = 500      // properties of one event
)

// property is one line of a calendar (RFC 5545, section 3.1).
type property struct {
	row    int
	name   string
	params map[string]string
	value  string
}

// component is an event with its properties.
type component struct {
	row   int
	props []property
}

func isCalendar(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\n")
	return len(text) >= 15 && strings.EqualFold(string(text[:15]), "BEGIN:VCALENDAR")
}

// events calls each for every event of a calendar. What is nested deeper, as
// reminders are, and what is no event is left out.
func (r *reader) events(text []byte, each func(component)) {
	var stack []string
	var event *component
	ok := r.unfolded(text, func(row int, line string) bool {
		p, ok := parseProperty(row, line)
		if !ok {
			r.problem(row, "", lang.Say("this line is no property of a calendar"), lang.Say("export the calendar again"))
			return r.list.Wrong < maxProblems
		}
		switch p.name {
		case "BEGIN":
			if stack = append(stack, strings.ToUpper(p.value)); len(stack) > maxDepth {
				r.problem(row, "", lang.Say("components are nested too deeply"), lang.Say("export the calendar again"))
				return false
			}
			if len(stack) == 2 && stack[1] == "VEVENT" {
				event = &component{row: row}
			}
		case "END":
			if len(stack) == 0 || stack[len(stack)-1] != strings.ToUpper(p.value) {
				r.problem(row, "", lang.Say("END:%s has no beginning", sashlock.Clip(p.value)), lang.Say("export the calendar again"))
				return false
			}
			if len(stack) == 2 && event != nil {
				each(*event)
				event = nil
			}
			stack = stack[:len(stack)-1]
		default:
			if len(stack) == 2 && event != nil {
				event.props = append(event.props, p)
				if len(event.props) > maxProps {
					r.problem(row, "", lang.Say("the event has too many properties"), lang.Say("export the calendar again"))
					return false
				}
			}
		}
		return !r.full
	})
	if ok && len(stack) > 0 {
		r.problem(0, "", lang.Say("the calendar ends in the middle"), lang.Say("export the calendar again"))
	}
}

// unfolded calls each for every line, with those that go on joined, until it
// returns false. It reports whether it came to the end.
func (r *reader) unfolded(text []byte, each func(row int, line string) bool) bool {
	var line []byte
	row, at := 0, 0
	give := func() bool { return len(bytes.TrimSpace(line)) == 0 || each(at, string(line)) }
	for len(text) > 0 {
		var next []byte
		next, text, _ = bytes.Cut(text, []byte{'\n'})
		row++
		if len(next) > 0 && (next[0] == ' ' || next[0] == '\t') && at > 0 {
			line = append(line, next[1:]...)
		} else {
			if !give() {
				return false
			}
			line, at = append(line[:0], next...), row
		}
		if len(line) > maxLine {
			r.problem(at, "", lang.Say("the line is too long"), lang.Say("export the calendar again, without pictures and attachments"))
			return false
		}
	}
	return give()
}

// parseProperty takes a line apart: name, parameters, value.
func parseProperty(row int, line string) (p property, ok bool) {
	p.row = row
	quoted, from := false, 0
	var pieces []string
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ';':
			pieces, from = append(pieces, line[from:i]), i+1
		case c == ':':
			pieces = append(pieces, line[from:i])
			p.value = strings.TrimSpace(line[i+1:])
			p.name = strings.ToUpper(strings.TrimSpace(pieces[0]))
			for _, piece := range pieces[1:] {
				key, value, _ := strings.Cut(piece, "=")
				if p.params == nil {
					p.params = map[string]string{}
				}
				p.params[strings.ToUpper(key)] = strings.ReplaceAll(value, `"`, "")
			}
			return p, isName(p.name)
		}
	}
	return p, false
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return s != ""
}

// unescaped is the text of a value.
func unescaped(s string) string {
	return strings.TrimSpace(strings.NewReplacer(`\\`, `\`, `\n`, " ", `\N`, " ", `\,`, ",", `\;`, ";").Replace(s))
}
