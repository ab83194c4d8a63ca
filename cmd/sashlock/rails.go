// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/guard"
)

type railsCommand struct {
	List  railsList  `cmd:"" default:"withargs" help:"List the guard rails of a store."`
	Check railsCheck `cmd:"" help:"Tell whether texts of guard rails are right, without a store."`
}

// Help explains the command.
func (c *railsCommand) Help() string {
	return `A guard rail forbids, whatever is granted. It is written in Cedar.

Examples:

    sashlock rails
    sashlock rails check cage.cedar night.cedar`
}

type railsList struct{}

// Help explains the command.
func (c *railsList) Help() string {
	return `Examples:

    sashlock rails list
    sashlock rails list -o json`
}

// Run carries out the command.
func (c *railsList) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	all, err := list[api.Rail](d.ctx, client, "/v1/rails", nil, 0)
	if err != nil {
		return err
	}
	s := sheet{head: []string{"RAIL", "STATE", "SITE", "FROM"}, data: all, empty: "no guard rail"}
	for _, r := range all {
		state, site, from := "enforced", "everywhere", "here"
		if r.Shadow {
			state = "watching"
		}
		if r.Site != "" {
			site = r.Site
		}
		if r.Shipped {
			from = "shipped"
		}
		s.row(r.Slug, state, site, from)
		s.names = append(s.names, r.Slug)
	}
	return d.show(s)
}

type railsCheck struct {
	Files []string `arg:"" placeholder:"FILE" help:"Files of Cedar, a guard rail each; - reads standard input."`
}

// Help explains the command.
func (c *railsCheck) Help() string {
	return `Says what is wrong, a mistake a line, with line and column. It needs no store and no token, so that it can run wherever the texts are kept.

Exit status: 0 all are right, 1 something is wrong, 2 a file cannot be read.

Examples:

    sashlock rails check policies/*.cedar
    sashlock rails check - < cage.cedar`
}

// railMistake is something wrong with a file, as -o json has it.
type railMistake struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	What   string `json:"what"`
	Fix    string `json:"fix,omitempty"`
}

// Run carries out the command.
func (c *railsCheck) Run(d *desk) error {
	s := sheet{data: []railMistake{}, empty: "all right"}
	var all []railMistake
	for _, file := range c.Files {
		text, err := readRail(d, file)
		if err != nil {
			return err
		}
		_, err = guard.Compile([]guard.Rail{{Name: railName(file), Text: text}})
		var found guard.Problems
		if err != nil && !errors.As(err, &found) {
			return err
		}
		for _, p := range found {
			all = append(all, railMistake{file, p.Line, p.Column, p.What, p.Fix})
			said := fmt.Sprintf("%s:%d:%d: %s", file, p.Line, p.Column, p.What)
			if p.Fix != "" {
				said += "; " + p.Fix
			}
			s.row(said)
			s.names = append(s.names, file)
		}
	}
	if all != nil {
		s.data = all
	}
	if err := d.show(s); err != nil {
		return err
	}
	if len(all) > 0 {
		return status(exitNo)
	}
	return nil
}

// railName is what a rail is called after its file.
func railName(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if !sashlock.ValidSlug(name) {
		return "rail"
	}
	return name
}

// readRail reads a file, but no more than a rail may be long.
func readRail(d *desk, file string) (string, error) {
	from := d.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", &sashlock.Error{Kind: sashlock.Invalid, Op: "reading guard rail", Subject: file, Hint: "name a file that is there and can be read", Err: err}
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, guard.MaxText+1))
	if err != nil {
		return "", &sashlock.Error{Kind: sashlock.Invalid, Op: "reading guard rail", Subject: file, Err: err}
	}
	return string(text), nil
}
