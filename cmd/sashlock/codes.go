// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/table"
)

// maxClaims is the most bytes a list of whose codes are may have.
const maxClaims = 1 << 20

type devicesAdoptCodes struct {
	Device string `arg:"" help:"Device: identifier or gateway/address."`
	File   string `arg:"" help:"CSV file with the columns slot and person; - reads standard input."`
	DryRun bool   `help:"Only tell whether it could be done."`
}

// Help explains the command.
func (c *devicesAdoptCodes) Help() string {
	return `Says whose the codes are that somebody else put into a lock: those that "sashlock devices codes" calls found. The PINs themselves are not needed and never read. Each is kept as long as its owner may open the opening of the lock, and removed when that ends. All of the list is done, or nothing.

The list has the columns slot and person; a person is a slug or an identifier.

Examples:

    sashlock devices adopt-codes radio-1/2 codes.csv --dry-run
    printf 'slot,person\n4,ana\n7,bo\n' | sashlock devices adopt-codes radio-1/2 -`
}

// Run carries out the command.
func (c *devicesAdoptCodes) Run(d *desk) error {
	content, err := d.readFile("FILE", c.File, maxClaims)
	if err != nil {
		return err
	}
	claims, rows, err := readClaims(content)
	if err != nil {
		return err
	}
	client, err := d.connect()
	if err != nil {
		return err
	}
	answer, err := do[struct {
		Claims []api.CodeClaim `json:"claims"`
		Done   bool            `json:"done"`
	}](d.ctx, client, call{
		method: http.MethodPut, path: pathOf("/v1/devices/{}/codes/people", c.Device),
		body: map[string]any{"claims": claims, "dry_run": c.DryRun},
	})
	if err != nil {
		return inRows(err, rows)
	}
	s := sheet{head: []string{"SLOT", "PERSON"}, data: answer}
	for _, one := range answer.Claims {
		s.row(strconv.Itoa(one.Slot), one.Person)
		s.names = append(s.names, strconv.Itoa(one.Slot))
	}
	if err := d.show(s); err != nil {
		return err
	}
	if !answer.Done {
		d.note("nothing was done yet: leave --dry-run out to do it")
	}
	return nil
}

// readClaims reads whose codes are, and the rows of the file they stand in.
func readClaims(content []byte) (claims []api.CodeClaim, rows []int, err error) {
	var f table.Findings
	slot, person := -1, -1
	table.Read(content, &f, func(rec table.Record) bool {
		if slot < 0 {
			slot, person = slices.IndexFunc(rec.Cells, called("slot")), slices.IndexFunc(rec.Cells, called("person"))
			if slot < 0 || person < 0 {
				f.Problem(rec.Line, "", lang.Say("the columns slot and person are not both there"), lang.Say("write a row of headings: slot,person"))
			}
			return f.Wrong == 0
		}
		if len(rec.Cells) <= max(slot, person) {
			f.Problem(rec.Line, "", lang.Say("it has fewer cells than the headings"), lang.Say("write a slot and a person in each row"))
			return true
		}
		number, err := strconv.Atoi(rec.Cells[slot])
		switch {
		case err != nil || number < 1 || number > 65535:
			f.Problem(rec.Line, "slot", lang.Say("this is no number of a slot"), lang.Say("write it as \"sashlock devices codes\" shows it"))
		case rec.Cells[person] == "":
			f.Problem(rec.Line, "person", lang.Say("it is empty"), lang.Say("write whose code it is, or leave the row out"))
		default:
			claims, rows = append(claims, api.CodeClaim{Slot: number, Person: rec.Cells[person]}), append(rows, rec.Line)
		}
		return true
	})
	if f.Wrong == 0 && len(claims) == 0 {
		f.Problem(0, "", lang.Say("no row says whose a code is"), lang.Say("write a row of headings, slot,person, and a row for each code"))
	}
	if f.Wrong > 0 {
		var problems []api.FieldProblem
		for _, p := range f.Problems {
			problems = append(problems, api.FieldProblem{Pointer: p.Where(), Detail: p.Detail, Suggestion: p.Fix})
		}
		return nil, nil, wrongTable("list", f.Wrong, problems)
	}
	return claims, rows, nil
}

func called(name string) func(string) bool {
	return func(heading string) bool { return strings.EqualFold(heading, name) }
}

// inRows names the rows of the file where the store node names places in what it
// was sent.
func inRows(err error, rows []int) error {
	var p *api.Problem
	if !errors.As(err, &p) {
		return err
	}
	for i := range p.Errors {
		rest, is := strings.CutPrefix(p.Errors[i].Pointer, "claims[")
		place, field, whole := strings.Cut(rest, "].")
		if n, wrong := strconv.Atoi(place); is && whole && wrong == nil && n < len(rows) {
			p.Errors[i].Pointer = "row " + strconv.Itoa(rows[n]) + ", column " + field
		}
	}
	return err
}
