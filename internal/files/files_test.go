// SPDX-License-Identifier: Apache-2.0

package files_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/files"
)

// TestDrift: what was changed, added and removed beside a file, seen from it.
func TestDrift(t *testing.T) {
	file := files.File{Name: "store.yaml", Body: estate.File{
		Roles: []estate.Role{{Slug: "sales", Name: "Sales"}, {Slug: "temp", Name: "Temporary"}, {Slug: "head", Name: "Head"}},
	}}
	have := estate.File{Roles: []estate.Role{
		{Kept: estate.Kept{ID: "role_1", Rev: 7}, Slug: "sales", Name: "Sales floor"}, // renamed since
		{Slug: "head", Name: "Head"},     // as it says
		{Slug: "other", Name: "Another"}, // of no file
	}}
	got := files.Drift(have, []files.File{file})
	if len(got) != 1 || got[0].Objects != 3 {
		t.Fatalf("%+v", got)
	}
	var lines []string
	for _, s := range got[0].Steps {
		lines = append(lines, s.String())
	}
	want := []string{"~ role sales  name: Sales floor → Sales", "+ role temp"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("drift (-want +got):\n%s", diff)
	}
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{"store.yaml": true, "": false, "a b": false, "a\nb": false, "Läden/1.yaml": true, string(make([]byte, 101)): false, "\xff": false} {
		if got := files.ValidName(name); got != want {
			t.Errorf("%q: %t, want %t", name, got, want)
		}
	}
}
