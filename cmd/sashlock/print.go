// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

	"github.com/sashlock/sashlock"
)

// sheet is what a command shows: a table for people, names for scripts, and the
// same as data.
type sheet struct {
	head  []string
	rows  [][]string
	names []string // for -o name
	data  any      // for -o json and -o yaml
	empty string   // what to say at a terminal when there are no rows
}

func (s *sheet) row(cells ...string) { s.rows = append(s.rows, cells) }

// show prints a sheet in the format the user chose.
func (d *desk) show(s sheet) error {
	switch d.globals.Output {
	case formatJSON:
		return d.showJSON(s.data)
	case formatYAML:
		return d.showYAML(s.data)
	case formatName:
		for _, n := range s.names {
			fmt.Fprintln(d.out, plain(n))
		}
		return nil
	}
	if len(s.rows) == 0 && s.empty != "" {
		d.note("%s", s.empty)
	}
	if d.outTTY || d.globals.Output == formatTable {
		return d.showTable(s)
	}
	for _, cells := range s.rows { // for cut and awk
		fmt.Fprintln(d.out, plain(strings.Join(cells, "\t")))
	}
	return nil
}

func (d *desk) showJSON(data any) error {
	e := json.NewEncoder(d.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(data)
}

func (d *desk) showYAML(data any) error {
	text, err := json.Marshal(data)
	if err == nil {
		text, err = yaml.JSONToYAML(text)
	}
	if err != nil {
		return &sashlock.Error{Kind: sashlock.Internal, Op: "writing YAML", Err: err}
	}
	_, err = d.out.Write(text)
	return err
}

// showTable prints columns that line up.
func (d *desk) showTable(s sheet) error {
	if len(s.rows) == 0 {
		return nil
	}
	rows := s.rows
	if len(s.head) > 0 {
		rows = append([][]string{s.head}, rows...)
	}
	widths := map[int]int{}
	for _, cells := range rows {
		for i, c := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(plain(c)))
		}
	}
	for n, cells := range rows {
		var line strings.Builder
		for i, c := range cells {
			c = plain(c)
			pad := ""
			if i < len(cells)-1 {
				pad = strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)+2)
			}
			if n == 0 && len(s.head) > 0 {
				c = d.paint(c, "2")
			}
			line.WriteString(d.coloured(c) + pad)
		}
		fmt.Fprintln(d.out, strings.TrimRight(line.String(), " "))
	}
	return nil
}

// The marks of a check; the word beside them says the same.
const (
	markYes = "✓"
	markNo  = "✗"
)

// coloured paints the cells whose meaning is a colour too.
func (d *desk) coloured(cell string) string {
	switch cell {
	case markYes, "granted", "secured", "succeeded":
		return d.paint(cell, "32")
	case markNo, "refused", "forced", "jammed", "failed", "act":
		return d.paint(cell, "31")
	case "expired", "held_open", "last_seen", "check":
		return d.paint(cell, "33")
	}
	return cell
}

// paint colours text at a terminal, unless NO_COLOR is set (no-color.org).
func (d *desk) paint(text, colour string) string {
	if !d.outTTY || d.getenv("NO_COLOR") != "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// plain keeps text from moving the cursor or turning the line around: what
// cannot be printed is shown as a dot. Tabs stay, they separate columns.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return '·'
	}, s)
}

// clock shows an instant in this machine's zone, for people; piped, as RFC 3339.
func (d *desk) clock(t time.Time) string {
	switch {
	case t.IsZero():
		return "-"
	case d.outTTY:
		return t.Local().Format("2006-01-02 15:04:05")
	default:
		return t.UTC().Format(time.RFC3339)
	}
}

// orDash shows an absent value.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// count writes a number of things: "1 gateway", "2 entries".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func mark(ok bool) string {
	if ok {
		return markYes
	}
	return markNo
}
