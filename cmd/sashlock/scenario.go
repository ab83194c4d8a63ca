// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/scenario"
)

type scenarioCommand struct {
	List   scenarioList   `cmd:"" default:"withargs" help:"List scenarios, those that run first."`
	Show   scenarioShow   `cmd:"" help:"Write one as text."`
	Save   scenarioSave   `cmd:"" help:"Save one from a file, as its next version."`
	Start  scenarioStart  `cmd:"" help:"Begin one by hand."`
	Drill  scenarioDrill  `cmd:"" help:"Begin one as a drill: nothing moves."`
	Stop   scenarioStop   `cmd:"" help:"End one, and take back what it did."`
	Test   scenarioTest   `cmd:"" help:"Tell when one would have run in the past."`
	Remove scenarioRemove `cmd:"" help:"End scenarios and remove them."`
}

// Help explains the command.
func (c *scenarioCommand) Help() string {
	return `A scenario is what a store does by itself: a peak hour, opening and closing, a special event, a lockdown.

Examples:

    sashlock scenario
    sashlock scenario start lockdown
    sashlock scenario save peak.yaml --why "more cases before Christmas"`
}

type scenarioList struct {
	Site string `help:"Only those of this site."`
}

// Help explains the command.
func (c *scenarioList) Help() string {
	return `Examples:

    sashlock scenario list --site lisbon`
}

// Run carries out the command.
func (c *scenarioList) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	q := params()
	if c.Site != "" {
		q.Set("site", c.Site)
	}
	all, err := get[struct {
		Data []api.ScenarioNow `json:"data"`
	}](d.ctx, client, "/v1/scenarios", q)
	if err != nil {
		return err
	}
	return d.showScenarios(all.Data)
}

func (d *desk) showScenarios(all []api.ScenarioNow) error {
	s := sheet{head: []string{"SCENARIO", "SITE", "KIND", "STANDS", "SINCE", "HOLDS", "LOCKS", "WHY"}, data: all, empty: "no scenarios"}
	for _, one := range all {
		stands, since, why := "prepared", "", one.Over
		switch {
		case one.Running && one.Drill:
			stands, since, why = "drill", d.clock(one.Since), one.Why
		case one.Running:
			stands, since, why = "running", d.clock(one.Since), one.Why
		case one.Off:
			stands = "off"
		}
		s.row(one.Slug, one.Site, string(one.Kind), stands, orDash(since), strconv.Itoa(len(one.Held)), strconv.Itoa(len(one.Locked)), orDash(why))
		s.names = append(s.names, one.Slug)
	}
	return d.show(s)
}

type scenarioShow struct {
	Scenario string `arg:"" help:"Its short name."`
}

// Help explains the command.
func (c *scenarioShow) Help() string {
	return `What it writes can be saved again.

Examples:

    sashlock scenario show peak-hour > peak.yaml`
}

// Run carries out the command.
func (c *scenarioShow) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	one, err := get[api.ScenarioNow](d.ctx, client, pathOf("/v1/scenarios/{}", c.Scenario), nil)
	if err != nil {
		return err
	}
	text, err := scenario.Marshal(one.Scenario)
	if err == nil {
		_, err = d.out.Write(text)
	}
	return err
}

type scenarioSave struct {
	File   string `arg:"" placeholder:"FILE" help:"YAML file; - reads standard input."`
	Why    string `help:"Why it is changed; kept with the version."`
	DryRun bool   `help:"Only say whether it could be saved."`
}

// Help explains the command.
func (c *scenarioSave) Help() string {
	return `A scenario that could open a guarded opening is refused, and so is one that never goes back. What is wrong is named with its line.

Examples:

    sashlock scenario save peak.yaml --dry-run
    sashlock scenario save peak.yaml --why "more cases before Christmas"`
}

// Run carries out the command.
func (c *scenarioSave) Run(d *desk) error {
	text, err := d.readFile("FILE", c.File, scenario.MaxText)
	if err != nil {
		return err
	}
	form, err := scenario.Parse(text)
	if err != nil {
		return err
	}
	client, err := d.connect()
	if err != nil {
		return err
	}
	q := params()
	if c.Why != "" {
		q.Set("why", c.Why)
	}
	if c.DryRun {
		q.Set("dry_run", "true")
	}
	saved, err := do[api.ScenarioNow](d.ctx, client, call{method: http.MethodPut, path: pathOf("/v1/scenarios/{}", form.Slug), query: q, body: form})
	if err != nil {
		return named(err, text)
	}
	if c.DryRun {
		d.note("it could be saved; nothing was changed")
		return nil
	}
	return d.showScenarios([]api.ScenarioNow{saved})
}

// named adds the line of a text to what is wrong with it.
func named(err error, text []byte) error {
	var e *sashlock.Error
	if !errors.As(err, &e) || e.Subject == "" {
		return err
	}
	if line := scenario.Line(text, e.Subject); line > 0 {
		return &sashlock.Error{Kind: e.Kind, Op: e.Op, Subject: fmt.Sprintf("line %d, %s", line, e.Subject), Hint: e.Hint, Err: e.Err}
	}
	return err
}

type scenarioStart struct {
	Scenario string `arg:"" help:"Its short name."`
}

// Help explains the command.
func (c *scenarioStart) Help() string {
	return `Examples:

    sashlock scenario start lockdown`
}

// Run carries out the command.
func (c *scenarioStart) Run(d *desk) error { return d.press(c.Scenario, scenario.StartPress) }

type scenarioDrill struct {
	Scenario string `arg:"" help:"Its short name."`
}

// Help explains the command.
func (c *scenarioDrill) Help() string {
	return `The drill is recorded like the real thing. Ending it is recorded too.

Examples:

    sashlock scenario drill lockdown`
}

// Run carries out the command.
func (c *scenarioDrill) Run(d *desk) error { return d.press(c.Scenario, scenario.DrillPress) }

type scenarioStop struct {
	Scenario string `arg:"" help:"Its short name."`
}

// Help explains the command.
func (c *scenarioStop) Help() string {
	return `Every opening then stands as it would without it.

Examples:

    sashlock scenario stop lockdown`
}

// Run carries out the command.
func (c *scenarioStop) Run(d *desk) error { return d.press(c.Scenario, scenario.StopPress) }

func (d *desk) press(slug string, press scenario.Press) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	one, err := do[api.ScenarioNow](d.ctx, client, call{method: http.MethodPost, path: pathOf("/v1/scenarios/{}/actions", slug), body: map[string]string{"type": string(press)}})
	if err != nil {
		return err
	}
	return d.showScenarios([]api.ScenarioNow{one})
}

type scenarioTest struct {
	Scenario string `arg:"" help:"Its short name."`
	Days     int    `default:"30" help:"How far back, 90 days at most."`
}

// Help explains the command.
func (c *scenarioTest) Help() string {
	return `It goes by the ledger and the counts of the store. Who was on shift then counts as fitting.

Examples:

    sashlock scenario test peak-hour --days 14`
}

// Run carries out the command.
func (c *scenarioTest) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	t, err := get[api.ScenarioTest](d.ctx, client, pathOf("/v1/scenarios/{}/test", c.Scenario), params("days", strconv.Itoa(c.Days)))
	if err != nil {
		return err
	}
	s := sheet{head: []string{"BEGAN", "FOR", "WHY", "ENDED BECAUSE"}, data: t, empty: "it would not have begun"}
	for _, r := range t.Runs {
		length := "on"
		if !r.Ended.IsZero() {
			length = r.Ended.Sub(r.Began).Truncate(time.Second).String()
		}
		s.row(rfc3339(r.Began), length, r.Why, orDash(r.Over))
	}
	if err := d.show(s); err != nil {
		return err
	}
	d.note("it would have begun %s in %d days", count(len(t.Runs), "time", "times"), c.Days)
	return nil
}

type scenarioRemove struct {
	Scenario []string `arg:"" help:"Their short names."`
}

// Help explains the command.
func (c *scenarioRemove) Help() string {
	return `Their versions stay.

Examples:

    sashlock scenario remove peak-hour`
}

// Run carries out the command.
func (c *scenarioRemove) Run(d *desk) error {
	return d.removeEach("/v1/scenarios/{}", "removed", c.Scenario)
}
