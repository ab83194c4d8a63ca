// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/internal/api"
)

func TestReadClaims(t *testing.T) {
	claims, rows, err := readClaims([]byte("Person;Slot;remark\nana; 4;day\n\nbo;17;\n"))
	if err != nil || !slices.Equal(claims, []api.CodeClaim{{Slot: 4, Person: "ana"}, {Slot: 17, Person: "bo"}}) || !slices.Equal(rows, []int{2, 4}) {
		t.Errorf("read %+v of rows %v, %v", claims, rows, err)
	}
	for text, want := range map[string]string{
		"":                               "the file: no row says whose a code is",
		"slot,person\n":                  "the file: no row says whose a code is",
		"slot,name\n4,ana\n":             "row 1: the columns slot and person are not both there",
		"slot,person\n0,ana\n":           "row 2, column slot: this is no number of a slot",
		"slot,person\n4,\n":              "row 2, column person: it is empty",
		"slot,person\n4,ana\n5\n":        "row 3: it has fewer cells than the headings",
		"person,slot\nana,four\nbo,5\n":  "row 2, column slot: this is no number of a slot",
		"slot,person\n70000,ana\nx,bo\n": "2 things are wrong with the list, and nothing was done",
	} {
		if claims, _, err := readClaims([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || claims != nil {
			t.Errorf("%q: %v, %v, want %q", text, claims, err, want)
		}
	}
}

func TestProblemsNameRows(t *testing.T) {
	p := &api.Problem{Errors: []api.FieldProblem{{Pointer: "claims[1].person"}, {Pointer: "claims[7].person"}, {Pointer: "claims"}, {Pointer: "body"}}}
	var told *api.Problem
	if err := inRows(p, []int{2, 5}); !errors.As(err, &told) {
		t.Fatal(err)
	}
	for i, want := range []string{"row 5, column person", "claims[7].person", "claims", "body"} {
		if told.Errors[i].Pointer != want {
			t.Errorf("%q, want %q", told.Errors[i].Pointer, want)
		}
	}
}
