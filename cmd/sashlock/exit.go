// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
)

// The exit statuses.
const (
	exitYes         = 0 // done, granted, same, right
	exitNo          = 1 // refused, differs, wrong
	exitInput       = 2 // the call or the input is wrong
	exitUnavailable = 3 // not reachable, or not possible now
	exitUnconfirmed = 4 // release only: granted, but the lock did not confirm
)

const exitCodesText = `Exit codes

  0  yes: done, granted, nothing differs, nothing is wrong
  1  no: the request was refused, the file differs, the ledger or a check is wrong
  2  the call or the input is wrong, or the token may not do it; nothing was done
  3  the store node cannot be reached, or cannot do it now: try again later
  4  release only: granted, but the lock did not do it, or did not say so in time

Of each command:

  explain   0 granted, 1 refused
  diff      0 the same, 1 differs
  simulate  0 nobody gains or loses anything, 1 somebody does
  test      0 all as asserted, 1 some are not
  verify    0 right, 1 something is wrong
  doctor    0 all is well, 1 something needs mending
  conformance 0 no check failed, 1 one did, 3 the gateway or its lock was not found
  release   0 the lock confirmed, 1 refused, 4 not confirmed
  events -f 0 when stopped with Ctrl-C
`

// status ends the program with an exit status and says nothing more: what there
// is to say was printed.
type status int

// Error returns the status in words.
func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// wrongCall makes an error about the command line one of kind invalid.
func wrongCall(err error) error {
	hint := "see sashlock --help"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if n := parse.Context.Selected(); n != nil {
			hint = "see " + n.FullPath() + " --help"
		}
	}
	return &sashlock.Error{Kind: sashlock.Invalid, Hint: err.Error() + "; " + hint}
}

// badFlag is the error for a value that is not right.
func badFlag(flag, hint string) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Subject: flag, Hint: hint}
}

// fail says what went wrong on standard error and returns the exit status.
func (d *desk) fail(err error) int {
	var s status
	if err == nil {
		return exitYes
	}
	if errors.As(err, &s) {
		return int(s)
	}
	for i, line := range complaint(err) {
		if i == 0 {
			line = "sashlock: " + line
		} else {
			line = "  " + line
		}
		fmt.Fprintln(d.err, plain(line))
	}
	return statusOf(err)
}

func statusOf(err error) int {
	var p *api.Problem
	if errors.As(err, &p) {
		return statusOfProblem(p)
	}
	return statusOfKind(sashlock.KindOf(err))
}

func statusOfKind(k sashlock.Kind) int {
	switch k {
	case sashlock.Unavailable, sashlock.Limit, sashlock.Internal:
		return exitUnavailable
	default:
		return exitInput
	}
}

// complaint returns what to tell a person about an error, line by line.
func complaint(err error) []string {
	var p *api.Problem
	if errors.As(err, &p) {
		return complaintOf(p)
	}
	if list := estate.ListOf(err); len(list) > 0 {
		lines := []string{"the input is wrong"}
		for _, f := range list {
			lines = append(lines, f.Field+": "+f.Detail.In(lang.English), "  fix: "+f.Fix.In(lang.English))
		}
		return lines
	}
	return strings.Split(err.Error(), "\n")
}

func complaintOf(p *api.Problem) []string {
	lines := []string{p.Title + ": " + p.Detail}
	for _, f := range p.Errors {
		lines = append(lines, f.Pointer+": "+f.Detail)
		if f.Suggestion != "" {
			lines = append(lines, "  fix: "+f.Suggestion)
		}
	}
	if p.Status == 401 {
		lines = append(lines, "hint: name a valid one with --token or SASHLOCK_TOKEN, or the data folder of the store node with --data")
	}
	if p.Status == 403 && p.Decision == "" {
		lines = append(lines, "hint: use a token that has this scope; who has the scope tokens can make one with sashlock token create")
	}
	if p.Status == 503 && p.Decision == "" {
		lines = append(lines, "hint: sashlock doctor --data DIR says what is wrong and how to mend it")
	}
	if p.Decision != "" {
		lines = append(lines, "explain it: sashlock explain "+p.Decision)
	}
	return lines
}

// statusOfProblem goes by the HTTP status: the code of a refusal is its reason.
func statusOfProblem(p *api.Problem) int {
	if p.Status >= 500 || p.Status == 429 {
		return exitUnavailable
	}
	return exitInput
}
