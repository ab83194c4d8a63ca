// SPDX-License-Identifier: Apache-2.0

// Sashlock-verify checks an evidence bundle offline. It needs no server, no
// account and nothing of Sashlock but the bundle and the store's public key.
//
// Usage:
//
//	sashlock-verify --key VKEY|@FILE [-o table|json] bundle.json
//
// The key must come from the store by another way than the bundle: from its
// website, its contract, a letter. Without --key the bundle is checked against
// the key that it names itself, which proves only that it agrees with itself;
// the command says so and shows the fingerprint to compare.
//
// Exit status: 0 everything is proved, 1 something is wrong (it is named by
// sequence number), 2 the call was wrong or the bundle cannot be read, 3
// everything agrees, but with a key that nobody vouched for.
//
// # How it fits
//
// It is the shell around package internal/ledger/proof, and of Sashlock links
// nothing else, so that an auditor can read all of it in an hour.
//
// # Promises
//
//   - It writes nothing but its report and opens nothing but the files named.
//   - Text from a bundle cannot move the cursor or reorder the line: unprintable
//     characters are shown as a dot.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// The exit statuses, as documented above.
const (
	exitProved     = 0
	exitWrong      = 1
	exitUsage      = 2
	exitUnvouched  = 3
	maxKeyBytes    = 4096
	usageText      = "usage: sashlock-verify --key VKEY|@FILE [-o table|json] bundle.json"
	keyHint        = "the store publishes its key; it looks like sashlock.example/store-12+0123abcd+A…"
	formatTable    = "table"
	formatJSON     = "json"
	standardInput  = "-"
	standardInName = "standard input"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// options is the command line after parsing.
type options struct {
	key    string // as given; empty if not
	format string
	bundle string // path, or "-"
}

// run is main with its surroundings as arguments.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	opts, err := parseOptions(args, errOut)
	if errors.Is(err, flag.ErrHelp) {
		return exitProved
	}
	if err == nil {
		var c check
		if c, err = verify(opts, in); err == nil {
			err = c.print(out, opts.format)
		}
		if err == nil {
			return c.exit()
		}
	}
	fmt.Fprintln(errOut, "sashlock-verify:", plain(err.Error(), 0))
	return exitUsage
}

func parseOptions(args []string, errOut io.Writer) (options, error) {
	var opts options
	flags := flag.NewFlagSet("sashlock-verify", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // one message, ours, instead of two
	flags.StringVar(&opts.key, "key", "", "")
	flags.StringVar(&opts.format, "o", formatTable, "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(errOut, help)
		return opts, flag.ErrHelp
	case err != nil:
		return opts, fmt.Errorf("%w\n%s", err, usageText)
	case opts.format != formatTable && opts.format != formatJSON:
		return opts, fmt.Errorf("-o is %q; it can be table or json", opts.format)
	case flags.NArg() == 0:
		return opts, fmt.Errorf("no bundle was named\n%s", usageText)
	case flags.NArg() > 1:
		return opts, fmt.Errorf("one bundle at a time, and options before it; got %s\n%s", strings.Join(flags.Args(), " "), usageText)
	}
	opts.bundle = flags.Arg(0)
	return opts, nil
}

const help = usageText + `

Checks an evidence bundle of a Sashlock ledger, offline.

  --key VKEY    the store's public key, from another source than the bundle
  --key @FILE   the same, read from a file
  -o table      a table for people (the default)
  -o json       the same for programs
  bundle.json   the bundle; - reads it from standard input

Exit status: 0 everything is proved; 1 something is wrong, named by sequence
number; 2 wrong call or unreadable bundle; 3 everything agrees, but no --key was
given: compare the fingerprint shown with the one that the store published.
`

// check is a verified bundle and how much its key is worth.
type check struct {
	bundle  *proof.Bundle
	report  proof.Report
	key     proof.Key
	vouched bool // the key came from the caller and not from the bundle
}

// exit returns the exit status that the check deserves.
func (c check) exit() int {
	switch {
	case len(c.report.Problems) > 0:
		return exitWrong
	case !c.vouched:
		return exitUnvouched
	}
	return exitProved
}

// verify reads the bundle and the key and checks one against the other. An
// error means that nothing could be checked.
func verify(opts options, in io.Reader) (check, error) {
	data, name, err := readBundle(opts.bundle, in)
	if err != nil {
		return check{}, err
	}
	c := check{vouched: opts.key != ""}
	if c.bundle, err = proof.DecodeBundle(data); err != nil {
		return check{}, fmt.Errorf("%s: %w", name, err)
	}
	text := c.bundle.VerifierKey
	if c.vouched {
		if text, err = readKey(opts.key); err != nil {
			return check{}, err
		}
	} else if text == "" {
		return check{}, fmt.Errorf("%s names no key, so --key is needed; %s", name, keyHint)
	}
	if c.key, err = proof.ParseKey(text); err != nil {
		return check{}, fmt.Errorf("%w; %s", err, keyHint)
	}
	c.report, _ = proof.Verify(c.bundle, c.key) // the report holds the problems
	return c, nil
}

func readBundle(path string, in io.Reader) (data []byte, name string, err error) {
	if path == standardInput {
		data, err = readAtMost(in, proof.MaxBundleBytes)
		return data, standardInName, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, path, fmt.Errorf("reading the bundle: %w", err)
	}
	defer f.Close()
	if data, err = readAtMost(f, proof.MaxBundleBytes); err != nil {
		return nil, path, fmt.Errorf("reading the bundle %s: %w", path, err)
	}
	return data, path, nil
}

// readKey returns the key given on the command line, or the contents of the
// file it names with "@".
func readKey(key string) (string, error) {
	path, isFile := strings.CutPrefix(key, "@")
	if !isFile {
		return strings.TrimSpace(key), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading the key: %w", err)
	}
	defer f.Close()
	data, err := readAtMost(f, maxKeyBytes)
	if err != nil {
		return "", fmt.Errorf("reading the key %s: %w", path, err)
	}
	return strings.TrimSpace(string(data)), nil
}

// readAtMost reads everything, up to limit bytes.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("it is longer than %d bytes", limit)
	}
	return data, nil
}
