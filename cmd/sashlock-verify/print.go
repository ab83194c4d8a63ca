// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// maxCell is the widest a table cell gets, in characters.
const maxCell = 48

// print writes the report in the given format.
func (c check) print(out io.Writer, format string) error {
	if format == formatJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(c.result())
	}
	_, err := io.WriteString(out, c.text())
	return err
}

// result is the report as JSON. Field names are part of the command's interface.
type result struct {
	Verdict        string        `json:"verdict"` // proved, wrong, or unvouched: the key needs comparing
	Origin         string        `json:"origin"`
	Size           int64         `json:"size"`           // entries covered by the checkpoint, 0 if it is not trusted
	Root           string        `json:"root,omitempty"` // base64
	ContinuesSize  *int64        `json:"continues_size,omitempty"`
	Key            string        `json:"key"`
	KeyFingerprint string        `json:"key_fingerprint"`
	KeyVouched     bool          `json:"key_vouched"` // the key was given with --key
	Entries        []entryResult `json:"entries"`
	Problems       []problem     `json:"problems"`
}

type entryResult struct {
	Seq     int64  `json:"seq"`
	Proved  bool   `json:"proved"`
	Erased  bool   `json:"erased"`
	Heard   string `json:"heard,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Opening string `json:"opening,omitempty"`
	Problem string `json:"problem,omitempty"`
}

type problem struct {
	Seq  *int64 `json:"seq"` // null if it concerns the whole bundle
	Kind string `json:"kind"`
	Text string `json:"text"`
}

func (c check) result() result {
	r := result{
		Verdict: [...]string{exitProved: "proved", exitWrong: "wrong", exitUnvouched: "unvouched"}[c.exit()],
		Origin:  c.bundle.Origin,
		Size:    c.report.Checkpoint.Size,
		Key:     c.key.String(), KeyFingerprint: c.key.Fingerprint(), KeyVouched: c.vouched,
		Entries: []entryResult{}, Problems: []problem{},
	}
	if c.report.Checkpoint.Origin != "" {
		r.Root = c.report.Checkpoint.Root.String()
	}
	if c.report.Older != nil {
		r.ContinuesSize = &c.report.Older.Size
	}
	for _, f := range c.report.Entries {
		e := factsOf(f.Statement.Body)
		r.Entries = append(r.Entries, entryResult{
			Seq: f.Statement.Seq, Proved: f.Proved, Erased: f.Statement.Erased,
			Heard: e.heard, Kind: e.kind, Opening: e.opening, Problem: f.Problem.Text,
		})
	}
	for _, p := range c.report.Problems {
		v := problem{Kind: string(p.Kind), Text: p.Text}
		if p.Seq >= 0 {
			v.Seq = &p.Seq
		}
		r.Problems = append(r.Problems, v)
	}
	return r
}

// text returns the report for people.
func (c check) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Evidence from the ledger %s\n", plain(c.bundle.Origin, 0))
	if cp := c.report.Checkpoint; cp.Origin != "" {
		fmt.Fprintf(&b, "Checkpoint: %d entries, root %s\n", cp.Size, cp.Root)
	} else {
		fmt.Fprintln(&b, "Checkpoint: NOT TRUSTED")
	}
	if c.report.Older != nil {
		fmt.Fprintf(&b, "It continues the older checkpoint of %d entries: none of those was changed.\n", c.report.Older.Size)
	}
	fmt.Fprintf(&b, "Key: %s\n", c.key.Fingerprint())
	c.table(&b)
	c.conclusion(&b)
	return b.String()
}

func (c check) table(b *strings.Builder) {
	if len(c.report.Entries) == 0 {
		return
	}
	b.WriteByte('\n')
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ENTRY\tHEARD\tKIND\tOPENING\tVERDICT")
	for _, f := range c.report.Entries {
		e := factsOf(f.Statement.Body)
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\n", f.Statement.Seq, cell(e.heard), cell(e.kind), cell(e.opening), c.verdict(f))
	}
	_ = t.Flush() // a strings.Builder takes everything
}

// verdict says in a word or two how one entry fared.
func (c check) verdict(f proof.Finding) string {
	good := "proved"
	if !c.vouched {
		good = "agrees with the bundle's own key"
	}
	switch {
	case !f.Proved && f.Problem.Kind == proof.BodyAltered:
		return "ALTERED"
	case !f.Proved:
		return "NOT PROVED"
	case f.Statement.Erased:
		return good + "; content erased"
	}
	return good
}

// conclusion says what it comes to, and what to do about it.
func (c check) conclusion(b *strings.Builder) {
	b.WriteByte('\n')
	switch c.exit() {
	case exitWrong:
		fmt.Fprintf(b, "WRONG. %s:\n", count(len(c.report.Problems), "problem", "problems"))
		for _, p := range c.report.Problems {
			fmt.Fprintf(b, "  %s\n", plain(p.String(), 0))
		}
	case exitProved:
		fmt.Fprintf(b, "PROVED. %s as recorded and sealed, and unchanged since.\n", count(len(c.report.Entries), "entry is", "entries are"))
	case exitUnvouched:
		fmt.Fprintf(b, `*** NOT PROVED YET: COMPARE THE KEY ***
No --key was given, so the bundle was checked against the key inside it, which
whoever made the bundle could choose. Compare this fingerprint with the one that
the store published, or run again with --key:

  %s
  %s
`, plain(c.key.String(), 0), c.key.Fingerprint())
	}
}

// count returns a number with the noun that fits it.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// facts are the fields of an event that the report shows.
type facts struct{ heard, kind, opening string }

// factsOf reads them from a body. What is absent or not text stays empty: the
// bytes are what is proved, and the report only helps to recognise them.
func factsOf(body []byte) facts {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return facts{}
	}
	get := func(name string) string {
		var s string
		if json.Unmarshal(fields[name], &s) != nil {
			return ""
		}
		return s
	}
	return facts{heard: get("heard"), kind: get("kind"), opening: get("opening")}
}

// cell returns text for a table cell.
func cell(s string) string {
	if s == "" {
		return "–"
	}
	return plain(s, maxCell)
}

// plain returns text that is safe to print: unprintable characters, among them
// escape sequences and marks that turn the writing direction, become dots. It is
// cut to limit characters unless limit is 0. Line breaks of our own messages
// stay when there is no limit.
func plain(s string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; limit > 0 && n > limit {
			b.WriteRune('…')
			break
		}
		if unicode.IsPrint(r) || r == '\n' && limit == 0 {
			b.WriteRune(r)
		} else {
			b.WriteRune('·')
		}
	}
	return b.String()
}
