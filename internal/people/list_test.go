// SPDX-License-Identifier: Apache-2.0

package people_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/people"
)

func someStaff() people.Staff {
	return people.Staff{
		Roles:   []people.Group{{Role: sashlock.Role{ID: "role_1", Slug: "sales", Name: "Sales, evenings"}}, {Role: sashlock.Role{ID: "role_2", Slug: "keys", Name: "Schlüssel"}}},
		Entries: []people.Entry{{Person: sashlock.Person{ID: "prs_1", Slug: "ana", Name: "Ana", Rev: 1}, External: "7"}},
	}
}

func compare(content string) people.Plan {
	return people.Compare([]byte(content), someStaff(), people.Options{})
}

// The same list in every shape that spreadsheets and personnel systems give it.
func TestListsInEveryShape(t *testing.T) {
	const list = "Nombre completo,User name,Roles\nJosé Núñez,jose,Sales\nAna,ana,keys\n"
	want := verbs(compare(list))
	if !strings.Contains(want, "new jose name:>José Núñez") {
		t.Fatal(want)
	}
	latin, err := charmap.Windows1252.NewEncoder().String(list)
	if err != nil {
		t.Fatal(err)
	}
	shapes := map[string]string{
		"mark": "\ufeff" + list, "latin": latin, "semicolons": strings.ReplaceAll(list, ",", ";"), "tabs": strings.ReplaceAll(list, ",", "\t"),
		"windows": strings.ReplaceAll(list, "\n", "\r\n"), "old mac": strings.ReplaceAll(list, "\n", "\r"), "no end": strings.TrimSuffix(list, "\n"),
		"quoted": "\"" + strings.ReplaceAll(strings.ReplaceAll(strings.TrimSuffix(list, "\n"), ",", "\",\""), "\n", "\"\n\"") + "\"\n", "blank rows": strings.ReplaceAll(list, "\n", "\n\n,,\n"),
		"hint": "sep=;\n" + strings.ReplaceAll(list, ",", ";"),
	}
	for name, e := range map[string]unicode.Endianness{"little": unicode.LittleEndian, "big": unicode.BigEndian} {
		for mark, policy := range map[string]unicode.BOMPolicy{"with mark": unicode.UseBOM, "without": unicode.IgnoreBOM} {
			if shapes["UTF-16 "+name+" "+mark], err = unicode.UTF16(e, policy).NewEncoder().String(list); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, text := range shapes {
		if plan := compare(text); plan.Wrong > 0 || verbs(plan) != want {
			t.Errorf("%s: %v %s", name, plan.Problems, verbs(plan))
		}
	}
}

func TestProblemsSayWhere(t *testing.T) {
	for list, want := range map[string]string{
		"":                               "the file: the file is empty",
		"colour,age\nx,y\n":              "row 1: no column has names",
		"name\nAna\n":                    "row 1: no column tells people apart",
		"name,slug,Name\nA,a,B\n":        `row 1, column Name: it says the same as column "name"`,
		"name,slug\nA,a\nB,a\n":          `row 3, column slug: "a" is in row 2 already`,
		"name,slug\n,a\n":                "row 2, column name: this cannot be a name",
		"name,slug\nA,Ü\n":               `row 2, column slug: "ü" cannot be a short name`,
		"name,slug\nA,\n":                "row 2, column slug: it is empty",
		"name,slug,roles\nA,a,none\n":    `row 2, column roles: there is no role "none"`,
		"name,slug,from\nA,a,30.2.26\n":  `row 2, column from: "30.2.26" is not a date`,
		"name,slug,from\nA,a,3/4/2026\n": `row 2, column from: "3/4/2026" can be read in two ways`,
		"name,slug,from,until\nA,a,2026-02-02,2026-01-01\n": "row 2, column until: it ends before it starts",
		"name,slug,active\nA,a,perhaps\n":                   `row 2, column active: "perhaps" is neither yes nor no`,
		"name,slug\nA,a,b\n":                                "row 2: it has 3 cells and the headings have 2",
		"name,slug\n\"A,a\nB,b\n":                           "row 2: a quotation mark is missing",
		"PK\x03\x04\x00\x00name,slug":                       "row 1: this is no text",
		"name,slug,id\nA,b,7\n":                             `row 2, column slug: "7" is known here as "ana", not "b"`,
		"name,slug,id\nA,ana,8\n":                           `row 2, column id: "ana" has the number "7" here, not "8"`,
		"name,slug\nAna\u202eX,a\n":                         "row 2, column name: this cannot be a name",
	} {
		plan := compare(list)
		if plan.Wrong == 0 || len(plan.Steps) > 0 || !strings.HasPrefix(plan.Problems[0].String(), want) || plan.Problems[0].Fix == "" {
			t.Errorf("%q: %v", list, plan.Problems)
		}
	}
}

func TestDatesAndRoles(t *testing.T) {
	plan := compare("name,slug,Job title,start,end\nA,a,\"Sales, evenings\",13/04/2026,30/04/2026\nB,b,keys; sales,2026-04-13,\n")
	want := "new a name:>A roles:>sales from:>2026-04-13T00:00:00Z until:>2026-05-01T00:00:00Z\nnew b name:>B roles:>keys, sales from:>2026-04-13T00:00:00Z"
	if verbs(plan) != want {
		t.Errorf("%v %s", plan.Problems, verbs(plan))
	}
}

func FuzzList(f *testing.F) {
	for _, seed := range []string{"name,slug\nA,a\n", "\xff\xfen\x00a\x00", "sep=;\nname;id\n=1+1;2\n", "name,id,from\nA,1,3/4/2026\nB,2,13/4/2026", "\"", "a\x00b", "name\tslug\r\"x\"\"y\"\tz"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		plan := people.Compare(content, someStaff(), people.Options{Everyone: true})
		if plan.Wrong > 0 && len(plan.Steps) > 0 {
			t.Error("a list with problems does something")
		}
		for _, s := range plan.Steps {
			if !sashlock.ValidSlug(s.Slug) || sashlock.CheckName(s.Name) != "" {
				t.Errorf("%+v cannot be kept", s)
			}
		}
		for _, p := range plan.Problems {
			if !utf8.ValidString(p.String()) || p.Fix == "" {
				t.Errorf("%q", p)
			}
		}
		if again := people.Compare(content, someStaff(), people.Options{Everyone: true}); again.Hash != plan.Hash {
			t.Error("the same list has two plans")
		}
	})
}
