// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/app"
)

// desk is what a command works with: where to read and write, what the user
// chose, and the environment.
type desk struct {
	ctx     context.Context //nolint:containedctx // one desk is one call of the program
	globals globals
	in      io.Reader
	out     io.Writer
	err     io.Writer
	getenv  func(string) string
	now     func() time.Time
	outTTY  bool // standard output is a terminal
	errTTY  bool // standard error is one
}

func newDesk(in io.Reader, out, errOut *os.File, getenv func(string) string) *desk {
	return &desk{in: in, out: out, err: errOut, getenv: getenv, now: time.Now, outTTY: isTerminal(out), errTTY: isTerminal(errOut)}
}

// isTerminal reports whether somebody looks at what is written to f.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// The formats of -o.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatYAML  = "yaml"
	formatName  = "name"
)

// checkOutput refuses formats that there are not. For prove, -o names a file.
func (d *desk) checkOutput(command string) error {
	if strings.HasPrefix(command, "prove") {
		return nil
	}
	if d.globals.Output == "" || slices.Contains([]string{formatTable, formatJSON, formatYAML, formatName}, d.globals.Output) {
		return nil
	}
	return badFlag("-o", fmt.Sprintf("there is no format %q: choose table, json, yaml or name", d.globals.Output))
}

// isTable reports whether the output is for people to read.
func (d *desk) isTable() bool { return d.globals.Output == "" || d.globals.Output == formatTable }

// note tells people at a terminal how it goes; piped, it says nothing.
func (d *desk) note(format string, args ...any) {
	if d.errTTY {
		fmt.Fprintln(d.err, plain(fmt.Sprintf(format, args...)))
	}
}

// progress overwrites one line on a terminal; an empty text wipes it.
func (d *desk) progress(format string, args ...any) {
	if d.errTTY {
		fmt.Fprintf(d.err, "\r\x1b[K%s", plain(fmt.Sprintf(format, args...)))
	}
}

// dataFolder returns the data folder the user named.
func (d *desk) dataFolder() (string, error) {
	for _, dir := range []string{d.globals.Data, d.getenv("SASHLOCK_DATA")} {
		if dir != "" {
			return dir, nil
		}
	}
	return "", badFlag("--data", "name the data folder: --data DIR, or SASHLOCK_DATA")
}

// connect finds the store node to speak to: flags before the environment, an
// address before a data folder.
func (d *desk) connect() (*client, error) {
	token, err := d.token()
	if err != nil {
		return nil, err
	}
	url, data := d.globals.URL, d.globals.Data
	if url == "" && data == "" {
		url, data = d.getenv("SASHLOCK_URL"), d.getenv("SASHLOCK_DATA")
	}
	if url != "" {
		if token == "" {
			return nil, badFlag("--token", "present a token for "+url+": --token @FILE or SASHLOCK_TOKEN; one is made with sashlock token create")
		}
		return newClient(url, token)
	}
	if data == "" {
		return nil, &sashlock.Error{
			Kind: sashlock.Invalid, Op: "finding the store node",
			Hint: "say which one: --data DIR for one on this machine, or --url and --token; SASHLOCK_DATA, SASHLOCK_URL and SASHLOCK_TOKEN do the same",
		}
	}
	c, _, err := readConnection(data)
	if err != nil {
		return nil, err
	}
	if token == "" {
		token = c.Token
	}
	return newClient(c.URL, token)
}

// readConnection reads how to reach the store node of a data folder, and from
// which file it knows.
func readConnection(data string) (c app.Connection, path string, err error) {
	for _, name := range []string{app.ConnectionFile, "demo.json"} {
		path = filepath.Join(data, name)
		c, err = app.ReadConnection(path)
		if !os.IsNotExist(err) {
			return c, path, err
		}
	}
	return c, "", &sashlock.Error{
		Kind: sashlock.Unavailable, Op: "finding the store node", Subject: data,
		Hint: "no store node was started here: run sashlock serve --data " + data,
	}
}

// token returns the token the user named, which may stand in a file.
func (d *desk) token() (string, error) {
	token := d.globals.Token
	if token == "" {
		token = d.getenv("SASHLOCK_TOKEN")
	}
	path, isFile := strings.CutPrefix(token, "@")
	if !isFile {
		return token, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", badFlag("--token", "the file cannot be read: "+err.Error())
	}
	return strings.TrimSpace(string(text)), nil
}

// instant reads a point in time: RFC 3339, "now", or a length of time before
// or after now, like -2h or +30m. An empty text is the zero time.
func (d *desk) instant(flag, text string) (time.Time, error) {
	switch {
	case text == "":
		return time.Time{}, nil
	case text == "now":
		return d.now(), nil
	case text[0] == '-' || text[0] == '+':
		if length, err := time.ParseDuration(text); err == nil {
			return d.now().Add(length), nil
		}
	default:
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, badFlag(flag, `write an instant like "2026-11-28T18:30:00+01:00", or a length of time from now like +30m; one before now is written --flag=-2h`)
}

// randomKey makes an Idempotency-Key.
func randomKey() string { return rand.Text() }

// readFile reads a file that the user named by a flag or an argument, or
// standard input for "-". Of a file larger than most bytes it hands on one byte
// more than that, and whoever reads it says that it is too large.
func (d *desk) readFile(flag, path string, most int64) ([]byte, error) {
	in := d.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, badFlag(flag, "the file cannot be read: "+err.Error())
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	content, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, badFlag(flag, "the file cannot be read: "+err.Error())
	}
	return content, nil
}
