// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/cutover"
)

type cutoverCommand struct {
	Compare cutoverCompare `cmd:"" help:"Compare the log of an older system with what is decided here."`
}

// Help explains the command.
func (c *cutoverCommand) Help() string {
	return `Examples:

    sashlock cutover compare log.csv --site lisbon`
}

type cutoverCompare struct {
	File string   `arg:"" help:"CSV file; - reads standard input."`
	Site string   `placeholder:"SITE" help:"By whose clocks the times are read."`
	Door []string `placeholder:"THERE=HERE" help:"A door that has another name there; may be given several times." sep:"none"`
}

// Help explains the command.
func (c *cutoverCompare) Help() string {
	return `The log has a row of headings: time, card or person, door, result; the headings of the usual systems are understood. A line counts as it was decided here at the same moment, if somebody asked at an opening on trial, or else as it would have been decided, by the grants as they are now. Nothing is stored.

Openings are put on trial with "trial: true" in a file (sashlock apply), or on the page /devices/cutover.

Exit status: 0 the two agree; 1 they differ somewhere, or a door is not known here; above 1 an error.

Examples:

    sashlock cutover compare log.csv --site lisbon
    sashlock cutover compare log.csv --door "Front door=entrance" -o json`
}

// Run carries out the command.
func (c *cutoverCompare) Run(d *desk) error {
	content, err := d.readFile("FILE", c.File, cutover.MaxLog)
	if err != nil {
		return err
	}
	client, err := d.connect()
	if err != nil {
		return err
	}
	q := params("site", c.Site)
	q["door"] = c.Door
	got, err := sendTable[api.Compared](d.ctx, client, "/v1/cutover/compare", q, content)
	if err != nil {
		return err
	}
	if got.Wrong > 0 {
		return wrongTable("log", got.Wrong, got.Problems)
	}
	s := sheet{head: []string{"ROW", "TIME", "PERSON", "OPENING", "THERE", "HERE"}, data: got, empty: "no difference"}
	for _, one := range got.Differ {
		there := "refused"
		if one.Granted {
			there = "let in"
		}
		s.row(strconv.Itoa(one.Row), d.clock(one.At), orDash(one.Person), one.Opening, there, one.Words)
		s.names = append(s.names, strconv.Itoa(one.Row))
	}
	if err := d.show(s); err != nil {
		return err
	}
	for _, one := range got.Doors {
		d.note("no opening here is called %q: %s; say --door %q", one.Name, count(one.Lines, "line", "lines"), one.Name+"=SLUG")
	}
	d.note("%d compared, %d agree, %d let in only there, %d let in only here; %d were asked here at the same moment", got.Lines, got.Agree, got.Stricter, got.Looser, got.Recorded)
	if got.Differing+got.NotCompared > 0 {
		return status(exitNo)
	}
	return nil
}

// wrongTable is the error for a table with problems.
func wrongTable(what string, wrong int, problems []api.FieldProblem) error {
	text := count(wrong, "thing is wrong", "things are wrong") + " with the " + what + ", and nothing was done"
	for _, p := range problems {
		text += "\n" + p.Pointer + ": " + p.Detail + "; " + p.Suggestion
	}
	if more := wrong - len(problems); more > 0 {
		text += "\nand " + strconv.Itoa(more) + " more"
	}
	return badFlag("", text)
}

// sendTable sends a table and reads the answer.
func sendTable[T any](ctx context.Context, to *client, path string, q url.Values, content []byte) (answer T, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.base+path+"?"+q.Encode(), bytes.NewReader(content))
	if err != nil {
		return answer, badFlag("--url", err.Error())
	}
	r.Header.Set("Content-Type", "text/csv")
	r.Header.Set("Authorization", "Bearer "+to.token)
	got, err := to.http.Do(r)
	if err != nil {
		return answer, to.unreachable(ctx, err)
	}
	defer got.Body.Close() //nolint:errcheck // it was only read
	if got.StatusCode >= 300 {
		return answer, to.problem(got)
	}
	text, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer))
	if err != nil {
		return answer, to.unreachable(ctx, err)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return answer, to.strange(err)
	}
	return answer, nil
}
