// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
)

// small is a file with one of everything.
const small = `
sites:
  - slug: lisbon
    name: Lisbon flagship
    zone: Europe/Lisbon
    hours: open-hours
areas:
  - {slug: watches, site: lisbon, name: Watches}
openings:
  - slug: case-3
    name: Watch case 3
    kind: case
    site: lisbon
    area: watches
    release_time: 25s
    plan: [120, 400]
roles:
  - {slug: associate, name: Associate}
people:
  - slug: ana
    name: Ana Costa
    roles: [associate]
schedules:
  - slug: open-hours
    name: Open hours
    weekly:
      - {days: [mon, tue], from: "09:00", until: "18:00"}
    special:
      - {name: Christmas, first: "2026-12-25"}
grants:
  - {slug: ana-case, person: ana, opening: case-3, schedule: open-hours, until: "2027-01-01T00:00:00Z"}
`

func parsed(t testing.TB, text string) File {
	t.Helper()
	f, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return f
}

func TestParseReadsEveryKind(t *testing.T) {
	f := parsed(t, small)
	if len(f.Sites)+len(f.Areas)+len(f.Openings)+len(f.Roles)+len(f.People)+len(f.Schedules)+len(f.Grants) != 7 {
		t.Fatalf("read %+v, want one of each kind", f)
	}
	if diff := cmp.Diff([]int{120, 400}, f.Openings[0].Plan); diff != "" {
		t.Error(diff)
	}
	if got := f.Schedules[0].Weekly[0].From; got != "09:00" {
		t.Errorf("from is %q", got)
	}
	if problems := Check(f, nobody); len(problems) > 0 {
		t.Errorf("Check found %v", problems)
	}
}

func nobody(Kind, string) string { return "" }

func TestParseTellsWhereItIsWrong(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "roles:\n  - slug: a\n    nmae: b\n", "line 3"},
		{"unknown top key", "sites: []\ndoors: []\n", "line 2"},
		{"wrong type", "people:\n  - slug: a\n    name: b\n    suspended: maybe\n", "line 4"},
		{"list for a map", "- a\n", "line 1"},
		{"text for a list", "sites:\n  here\n", "line 2"},
		{"text alone", "hello", "line 1"},
		{"key twice", "roles: []\nroles: []\n", "line 2"},
		{"tab", "roles:\n\t- slug: a\n", "line 2"},
		{"second document", "roles: []\n---\nroles: []\n", "one YAML document"},
		{"unclosed", "roles: [\n", "line 1"},
		{"alias", "roles: &a []\npeople: *a\n", "line 1"},
		{"merge", "roles:\n  - {slug: a, name: b}\n  - {<<: {slug: c}, name: b}\n", "line 3"},
		{"octal", "roles:\n  - slug: 0123\n    name: x\n", `line 2, column 11, roles[0].slug: put "0123" in quotes`},
		{"hexadecimal", "roles:\n  - {slug: 0x10, name: x}\n", "in quotes"},
		{"infinity", "roles:\n  - {slug: a, name: .inf}\n", "in quotes"},
		{"decimals", "roles:\n  - {slug: a, name: 1.50}\n", "in quotes"},
		{"tag", "roles: !!binary aGk=\n", ""},
		{"tag on text", "roles:\n  - {slug: !!str a, name: b}\n", "line 2"},
		{"bytes", "\x00\x01\xff", ""},
		{"UTF-16", "\xff\xfer\x00", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Parse([]byte(c.text))
			if !sashlock.IsKind(err, sashlock.Invalid) {
				t.Fatalf("Parse gave %+v, %v; want an error of kind invalid", f, err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q does not contain %q", err, c.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q has more than one line", err)
			}
		})
	}
}

func TestParseAcceptsWhatIsNotWrong(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a comment": "# nothing yet\n", "an empty document": "---\n", "a closed document": "roles: []\n...\n",
		"Windows lines": "roles:\r\n  - slug: a\r\n    name: b\r\n", "a byte order mark": "\ufeffroles: []\n",
		"brackets in names": "roles:\n" + strings.Repeat("  - {slug: a, name: \"[[[[[[[[[[[[[[[[[[[[[[\"}\n", 3),
		"brackets in text":  "roles:\n" + strings.Repeat("  - slug: a\n    name: b [ c\n", 40),
		"quotes in quotes":  "roles:\n  - {slug: a, name: 'it''s [[[[[[[[[[[[[[[[[[[[[[['}\n",
		"a plain number":    "roles:\n  - {slug: 7, name: 12}\n",
	} {
		if _, err := Parse([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseRefusesWhatIsTooLarge(t *testing.T) {
	if _, err := Parse(bytes.Repeat([]byte("#"), MaxFile+1)); !sashlock.IsKind(err, sashlock.Invalid) {
		t.Errorf("a file over the limit: %v", err)
	}
}

func TestMarshalIsStableAndSorted(t *testing.T) {
	f := parsed(t, small)
	f.Roles = append(f.Roles, Role{Slug: "a-first", Name: "First"})
	once, err := Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	f.Roles[0], f.Roles[1] = f.Roles[1], f.Roles[0]
	twice, err := Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(once), string(twice)); diff != "" {
		t.Errorf("two writings differ:\n%s", diff)
	}
	if a, b := bytes.Index(once, []byte("a-first")), bytes.Index(once, []byte("slug: associate")); a < 0 || a > b {
		t.Errorf("not in order of slug:\n%s", once)
	}
	if steps := Diff(f, parsed(t, string(once)), true); len(steps) > 0 {
		t.Errorf("a written file differs: %v", steps)
	}
}

func TestMarshalLeavesOutWhatTheStoreAdds(t *testing.T) {
	out, err := Marshal(File{Roles: []Role{{Kept: Kept{ID: "role_1", Rev: 7}, Slug: "a", Name: "A"}}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "roles:\n  - slug: a\n    name: A\n"; string(out) != want {
		t.Errorf("wrote %q, want %q", out, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	for _, text := range []string{"", "a", "roles: !!binary\n", "roles: &a []\npeople: *a\n", "- - -", "{[}]", "? : ?", "roles: [{slug: 0x1}]", "a: |\n  b\n c", "\x00", "%YAML 1.2\n---\n", "'", "roles:\n - <<: *a"} {
		f.Add([]byte(text))
	}
	if text, err := os.ReadFile("testdata/estate.yaml"); err == nil {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data)
		if err != nil {
			if !sashlock.IsKind(err, sashlock.Invalid) {
				t.Fatalf("kind %s: %v", sashlock.KindOf(err), err)
			}
			return
		}
		if len(Check(file, nobody)) > 0 {
			return
		}
		// What can be declared can be written, read again and is the same.
		out, err := Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out)
		if err != nil {
			t.Fatalf("not read again: %v\n%s", err, out)
		}
		if steps := Diff(file, again, true); len(steps) > 0 {
			t.Fatalf("differs after writing: %v\n%s", steps, out)
		}
	})
}
