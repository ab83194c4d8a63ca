// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/yamlfile"
)

type testCommand struct {
	Files []string `arg:"" name:"file" help:"YAML files: what is declared, and the tests in it or beside it; - reads standard input."`
}

// Help explains the command.
func (c *testCommand) Help() string {
	return `Decides what the tests of a file assert and says which come out otherwise, and why. The tests stand under the key tests, in the file that declares the estate or in one beside it. Where the files declare nothing, the estate of the store node is tested; otherwise none is needed. Guard rails and locks are not looked at: they are declared elsewhere.

    tests:
      - person: ana
        opening: jewellery-4
        at: 2026-11-24T10:00     # on the clocks of the opening's site
        expect: granted          # or refused, or the reason of the refusal
      - name: the card alone does not do for the cage
        person: ana
        opening: cage-1
        at: 2026-11-24T10:00
        level: 2                 # the highest when not given
        expect: needs_step_up

A test may also suppose: on_shift: true, here: [rui] for who else is at the site, second: rui for who asked first of two, uses: 3 for how often every grant was used, mode: locked_down, leaving: true.

Exit status: 0 all come out as asserted, 1 some do not, above 1 an error.

Examples:

    sashlock test store.yaml
    sashlock test store.yaml store-tests.yaml
    sashlock test tests.yaml --data /var/lib/sashlock`
}

// testedFile is an estate file with tests in it.
type testedFile struct {
	estate.File `yaml:",inline"`
	Tests       []reach.Assertion `yaml:"tests,omitempty"`
}

// Run carries out the command.
func (c *testCommand) Run(d *desk) error {
	var all testedFile
	for _, path := range c.Files {
		f, err := d.readTested(path)
		if err != nil {
			return err
		}
		all = mergeTested(all, f)
	}
	if len(all.Tests) == 0 {
		return &sashlock.Error{Kind: sashlock.Invalid, Subject: c.Files[0], Hint: "there is no test in it: write some under the key tests, see sashlock test --help"}
	}
	if declaresNothing(all.File) {
		client, err := d.connect()
		if err != nil {
			return err
		}
		if all.File, err = get[estate.File](d.ctx, client, "/v1/estate", nil); err != nil {
			return err
		}
	}
	facts, err := reach.FromFile(all.File)
	if err != nil {
		return err
	}
	return d.showOutcomes(facts.Assert(all.Tests))
}

// showOutcomes prints which tests failed, and why.
func (d *desk) showOutcomes(outcomes []reach.Outcome) error {
	s := sheet{head: []string{"", "TEST", "EXPECTED", "CAME OUT AS", "WHY"}, data: outcomes}
	failed := 0
	for i, o := range outcomes {
		if o.OK {
			continue
		}
		failed++
		t := o.Assertion
		name := cmp.Or(t.Name, fmt.Sprintf("%s at %s, %s", t.Person, t.Opening, t.At))
		s.row(mark(false), fmt.Sprintf("tests[%d] %s", i, name), t.Expect, orDash(o.Got), cmp.Or(o.Problem, whyOf(o.Decision)))
		s.names = append(s.names, fmt.Sprintf("tests[%d]", i))
	}
	if err := d.show(s); err != nil {
		return err
	}
	d.note("%d of %s came out as asserted", len(outcomes)-failed, count(len(outcomes), "test", "tests"))
	if failed > 0 {
		return status(exitNo)
	}
	return nil
}

// whyOf is the first condition that was not met, with what would meet it; of a
// request that was granted, the grant.
func whyOf(v sashlock.Decision) string {
	if v.Granted {
		return "by the grant " + orDash(string(v.Grant))
	}
	for _, c := range v.Checks {
		if c.OK {
			continue
		}
		why := fmt.Sprintf("%s: needed %s, was %s", c.What, c.Needed, c.Actual)
		if c.Fix != "" {
			why += "; " + c.Fix
		}
		return why
	}
	return v.Reason.Words()
}

func (d *desk) readTested(path string) (testedFile, error) {
	text, err := d.readFile(path, path, estate.MaxFile)
	if err != nil {
		return testedFile{}, err
	}
	var f testedFile
	if err := yamlfile.Decode(text, &f); err != nil {
		return f, &sashlock.Error{Kind: sashlock.Invalid, Subject: path, Hint: err.Error()}
	}
	return f, nil
}

func mergeTested(a, b testedFile) testedFile {
	a.Sites, a.Areas, a.Openings = append(a.Sites, b.Sites...), append(a.Areas, b.Areas...), append(a.Openings, b.Openings...)
	a.Roles, a.People = append(a.Roles, b.Roles...), append(a.People, b.People...)
	a.Schedules, a.Grants = append(a.Schedules, b.Schedules...), append(a.Grants, b.Grants...)
	a.Tests = append(a.Tests, b.Tests...)
	return a
}

func declaresNothing(f estate.File) bool {
	return len(f.Sites)+len(f.Areas)+len(f.Openings)+len(f.Roles)+len(f.People)+len(f.Schedules)+len(f.Grants) == 0
}
