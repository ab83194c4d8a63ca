// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"errors"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/catalogue"
	"github.com/sashlock/sashlock/internal/table"
)

type devicesAssess struct {
	File    string `arg:"" help:"CSV file, or a line for each sort of lock; - reads standard input."`
	Gateway string `placeholder:"AMOUNT" help:"What one gateway costs."`
	Adapter string `placeholder:"AMOUNT" help:"What an adapter for one lock costs."`
	Lock    string `placeholder:"AMOUNT" help:"What one new lock costs."`
	Hour    string `placeholder:"AMOUNT" help:"What an hour of work costs."`

	MinutesNative  string `placeholder:"MINUTES" help:"Work for a lock that stays."`
	MinutesAdapter string `placeholder:"MINUTES" help:"Work for a lock with an adapter."`
	MinutesReplace string `placeholder:"MINUTES" help:"Work to replace a lock."`
	CSV            bool   `name:"csv" help:"Write a table for a spreadsheet, with the steps."`
}

// Help explains the command.
func (c *devicesAssess) Help() string {
	return `Says of each lock of a list whether it stays (native), needs something beside it (adapter) or has to be replaced, by which way it is reached, what works then and how far that was tried. A name that is only like one in the catalogue is a guess and marked with a question mark. It needs no store node.

The list has the headings maker, model, count, site and opening, or is typed like "4 x Schlage BE469". It costs what the figures say; those that are missing are named. The steps are in --csv, -o json and -o yaml.

Exit status: 0 every lock can stay; 1 some cannot, or are not known; above 1 an error.

Examples:

    sashlock devices assess locks.csv
    sashlock devices assess locks.csv --lock 220 --hour 60 --minutes-replace 90 --csv > plan.csv`
}

// Run carries out the command.
func (c *devicesAssess) Run(d *desk) error {
	content, err := d.readFile("FILE", c.File, catalogue.MaxInventory)
	if err != nil {
		return err
	}
	figures, err := c.figures()
	if err != nil {
		return err
	}
	stock, findings := catalogue.ReadInventory(content)
	if findings.Wrong > 0 {
		return wrongStock(findings)
	}
	known, err := catalogue.All()
	if err != nil {
		return err
	}
	a := known.Assess(stock, figures)
	if c.CSV {
		err = csv.NewWriter(d.out).WriteAll(a.Table())
	} else {
		err = d.show(assessmentSheet(a))
	}
	if err != nil {
		return err
	}
	for _, n := range findings.Notes {
		d.note("note: %s", n)
	}
	for _, g := range a.Gateways {
		d.note("needs: %s%s, for %s", siteBefore(g.Site), g.Needs, count(g.Locks, "lock", "locks"))
	}
	d.note("%d stay, %d need an adapter, %d to replace, %d not known", a.Locks[catalogue.Native], a.Locks[catalogue.Adapter], a.Locks[catalogue.Replace], a.Locks[catalogue.Unknown])
	d.note("cost: %s%s", a.Cost, without(a.Missing))
	if a.Locks[catalogue.Replace]+a.Locks[catalogue.Unknown] > 0 {
		return status(exitNo)
	}
	return nil
}

func siteBefore(site string) string {
	if site == "" {
		return ""
	}
	return site + ": "
}

func without(missing []catalogue.Figure) string {
	if len(missing) == 0 {
		return ""
	}
	flags := make([]string, len(missing))
	for i, f := range missing {
		flags[i] = "--" + string(f)
	}
	return ", without what " + strings.Join(flags, ", ") + " would add"
}

func (c *devicesAssess) figures() (catalogue.Figures, error) {
	f := catalogue.Figures{}
	for _, one := range []struct {
		name catalogue.Figure
		text string
	}{
		{catalogue.PerGateway, c.Gateway}, {catalogue.PerAdapter, c.Adapter}, {catalogue.PerLock, c.Lock}, {catalogue.PerHour, c.Hour},
		{catalogue.WorkNative, c.MinutesNative}, {catalogue.WorkAdapter, c.MinutesAdapter}, {catalogue.WorkReplace, c.MinutesReplace},
	} {
		var wrong *sashlock.Error
		if err := f.Read(one.name, one.text); errors.As(err, &wrong) {
			return nil, badFlag("--"+string(one.name), wrong.Hint)
		}
	}
	return f, nil
}

// wrongStock is the error for an inventory with problems.
func wrongStock(f table.Findings) error {
	lines := []string{count(f.Wrong, "thing is wrong", "things are wrong") + " with the list"}
	for _, one := range f.Problems {
		lines = append(lines, one.String())
	}
	return badFlag("", strings.Join(lines, "\n"))
}

// assessmentSheet is an assessment, a line for each sort of lock.
func assessmentSheet(a catalogue.Assessment) sheet {
	s := sheet{head: []string{"LOCK", "COUNT", "VERDICT", "RECOGNISED AS", "BY", "TRIED", "COST"}, data: a}
	for _, l := range a.Lines {
		lock := strings.TrimSpace(l.Maker + " " + l.Model)
		as, cost := strings.TrimSpace(l.Brand+" "+l.Known), "-"
		if l.Guess {
			as += " ?"
		}
		if l.Cost != nil {
			cost = l.Cost.String()
		}
		s.row(lock, strconv.Itoa(l.Count), string(l.Verdict), orDash(as), orDash(l.Way), orDash(string(l.Tested)), cost)
		s.names = append(s.names, lock)
	}
	return s
}
