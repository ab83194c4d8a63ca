// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock/internal/api"
)

type simulateCommand struct {
	File  string `arg:"" help:"YAML file; - reads standard input."`
	Since string `default:"30d" placeholder:"LENGTH" help:"How far back to replay decisions: 30d, 36h; or an instant."`
	Prune bool   `help:"As apply --prune: also without what the file does not name."`
}

// Help explains the command.
func (c *simulateCommand) Help() string {
	return `Shows what apply would change for people, without changing anything: who could open what they cannot open now, who no longer could, and which of the decisions already made would have come out otherwise. It needs a token with the scope read only.

Exit status: 0 nobody gains or loses anything, 1 somebody does, above 1 an error.

Examples:

    sashlock simulate store.yaml
    sashlock simulate store.yaml --since 90d -o json`
}

// Run carries out the command.
func (c *simulateCommand) Run(d *desk) error {
	since, err := d.ago("--since", c.Since)
	if err != nil {
		return err
	}
	file, err := d.readEstate(c.File)
	if err != nil {
		return err
	}
	client, err := d.connect()
	if err != nil {
		return err
	}
	q := params("since", rfc3339(since))
	if c.Prune {
		q.Set("prune", "true")
	}
	all, err := do[api.Simulation](d.ctx, client, call{method: http.MethodPost, path: "/v1/simulate", query: q, body: file})
	if err != nil {
		return err
	}
	start := time.Now()
	for part := all.Replay; !part.Done; {
		if time.Since(start) > time.Second/5 {
			d.progress("replaying: entry %d of %d", part.Next, part.Size)
		}
		q.Set("from", strconv.FormatInt(part.Next, 10))
		next, err := do[api.Simulation](d.ctx, client, call{method: http.MethodPost, path: "/v1/simulate", query: q, body: file})
		if err != nil {
			return err
		}
		part = next.Replay
		all.Replay = joinReplays(all.Replay, part)
	}
	d.progress("")
	if err := d.showSimulation(all); err != nil {
		return err
	}
	if all.Gained+all.Lost+len(all.Replay.Flips) > 0 {
		return status(exitNo)
	}
	return nil
}

// joinReplays adds a further part of a replay.
func joinReplays(a, b api.SimulatedReplay) api.SimulatedReplay {
	a.Decisions, a.Unknown, a.Next, a.Size, a.Done = a.Decisions+b.Decisions, a.Unknown+b.Unknown, b.Next, b.Size, b.Done
	for _, f := range b.Flips {
		i := slices.IndexFunc(a.Flips, func(old api.SimulatedFlip) bool { return old.SimulatedPair == f.SimulatedPair })
		if i < 0 {
			a.Flips = append(a.Flips, f)
			continue
		}
		f.Opened, f.Refused = f.Opened+a.Flips[i].Opened, f.Refused+a.Flips[i].Refused
		a.Flips[i] = f // the later part has the later request
	}
	slices.SortFunc(a.Flips, func(x, y api.SimulatedFlip) int {
		return cmp.Or(cmp.Compare(y.Opened+y.Refused, x.Opened+x.Refused), cmp.Compare(x.Person, y.Person), cmp.Compare(x.Opening, y.Opening))
	})
	return a
}

// showSimulation prints who gains, who loses, and what would have come out
// otherwise.
func (d *desk) showSimulation(all api.Simulation) error {
	s := sheet{head: []string{"", "PERSON", "OPENING", "WHAT"}, data: all, empty: "nobody gains or loses anything"}
	add := func(sign string, list []api.SimulatedPair, total int, what string) {
		for _, p := range list {
			s.row(sign, p.Person, p.Opening, what)
			s.names = append(s.names, sign+p.Person+"/"+p.Opening)
		}
		if more := total - len(list); more > 0 {
			d.note("%s %d more are not listed", sign, more)
		}
	}
	add("+", all.Gain, all.Gained, "could open it")
	add("-", all.Loss, all.Lost, "could no longer open it")
	for _, f := range all.Replay.Flips {
		var what []string
		if f.Opened > 0 {
			what = append(what, count(f.Opened, "request granted instead", "requests granted instead"))
		}
		if f.Refused > 0 {
			what = append(what, count(f.Refused, "request refused instead", "requests refused instead"))
		}
		s.row("~", f.Person, f.Opening, fmt.Sprintf("%s, last on %s: %s", strings.Join(what, ", "), d.clock(f.Last), cmp.Or(f.Rail, string(f.Reason))))
		s.names = append(s.names, "~"+f.Person+"/"+f.Opening)
	}
	if err := d.show(s); err != nil {
		return err
	}
	d.note("%d differences; %d instants of the next week compared; %d past decisions replayed, %d left out because they were erased",
		len(all.Steps), all.Instants, all.Replay.Decisions, all.Replay.Unknown)
	return nil
}

// ago reads a length of time back from now, in which d stands for days, or an
// instant.
func (d *desk) ago(flag, text string) (time.Time, error) {
	if days, found := strings.CutSuffix(text, "d"); found {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 36_500 {
			return d.now().AddDate(0, 0, -n), nil
		}
	}
	if length, err := time.ParseDuration(text); err == nil && length >= 0 {
		return d.now().Add(-length), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, badFlag(flag, `write a length of time like 30d or 36h, or an instant like "2026-11-01T00:00:00Z"`)
	}
	return at, nil
}
