// SPDX-License-Identifier: Apache-2.0

package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shelf is a file with one of every type.
type shelf struct {
	Name  string            `yaml:"name"`
	Size  int               `yaml:"size"`
	Share float64           `yaml:"share"`
	Open  bool              `yaml:"open"`
	Boxes []box             `yaml:"boxes"`
	Free  map[string]any    `yaml:"free"`
	Words map[string]string `yaml:"words"`
}

type box struct {
	Label string `yaml:"label"`
	Slots []int8 `yaml:"slots"`
}

func TestDecodeReadsEveryType(t *testing.T) {
	var got shelf
	err := Decode([]byte("\ufeffname: A\nsize: -3\nshare: 1.5\nopen: true\nboxes:\n  - {label: '007', slots: [1, 2]}\nfree: {a: [x]}\nwords: {b: c}\n"), &got)
	want := shelf{Name: "A", Size: -3, Share: 1.5, Open: true, Boxes: []box{{"007", []int8{1, 2}}}, Free: map[string]any{"a": []any{"x"}}, Words: map[string]string{"b": "c"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestNothingLeavesTheValueAlone(t *testing.T) {
	for _, text := range []string{"", " \n", "# nothing yet\n", "---\n", "\ufeff"} {
		got := shelf{Name: "default"}
		if err := Decode([]byte(text), &got); err != nil || got.Name != "default" {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestErrorsSayWhereAndWhat(t *testing.T) {
	for text, want := range map[string]string{
		"name: a\nsise: 3\n":             "line 2, column 1, sise: there is no key of this name",
		"boxes:\n  - {lable: a}\n":       "line 2, column 6, boxes[0].lable: there is no key of this name",
		"name: a\nname: b\n":             "line 2, column 1, name: this key is given twice: keep one of them",
		"free:\n  - {a: 1, 'a': 2}\n":    "line 2, column 12, free[0].a: this key is given twice",
		"size: large\n":                  "line 1, column 7, size: this has to be a whole number",
		"open: maybe\n":                  "line 1, column 7, open: this has to be true or false",
		"boxes:\n  - slots: [1, x]\n":    "line 2, column 16, boxes[0].slots[1]: this has to be a whole number",
		"boxes:\n  - slots: [1, 999]\n":  "line 2, column 16, boxes[0].slots[1]: 999 is too large or too small",
		"boxes: here\n":                  "line 1, column 8, boxes: this has to be a list, it is a string",
		"words: [a]\n":                   "line 1, column 8, words: this has to be a list of keys with values, it is a list",
		"- a\n":                          "line 1, column 1: this has to be a list of keys with values, it is a list",
		"name: 0123\n":                   `line 1, column 7, name: put "0123" in quotes, or write 83: that is how it is read`,
		"name: 1.50\n":                   `line 1, column 7, name: put "1.50" in quotes, or write 1.5: that is how it is read`,
		"name: .inf\n":                   "line 1, column 7, name: put it in quotes: it is not read as you write it",
		"words: &a {b: c}\nfree: *a\n":   "line 1, column 8, words: write it out: anchors, aliases and merges are not read",
		"words:\n  <<: {b: c}\n":         "line 2, column 3",
		"name: !!str a\n":                "line 1, column 7, name: leave out the tag: every key has one type",
		"name: a\n---\nname: b\n":        "keep one YAML document in a file: remove everything from the second --- on",
		"boxes:\n\t- label: a\n":         "line 2, column 1: ",
		strings.Repeat("#", MaxSize+1):   "split the file",
		strings.Repeat("k", 200) + ": 1": strings.Repeat("k", 80) + "…: there is no key of this name",
	} {
		var got shelf
		err := Decode([]byte(text), &got)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Error(), want) || strings.Contains(e.Error(), "\n") {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

// bomb stands for whatever the decoder may stumble over.
type bomb struct{}

// UnmarshalYAML panics.
func (*bomb) UnmarshalYAML([]byte) error { panic("boom\nat some place") }

func TestPanicsAreAnswered(t *testing.T) {
	var e *Error
	if err := Decode([]byte("a: 1\n"), &bomb{}); !errors.As(err, &e) || e.Problem != "this is not YAML: boom" {
		t.Errorf("%v", err)
	}
}

func TestMalformedTextIsAnswered(t *testing.T) {
	for _, text := range []string{"boxes: !!binary\n", "boxes: !00", "free: !!binary aGk=\n", "? ", "\x00\x01\xff", "\xff\xfer\x00"} {
		var e *Error
		var got shelf
		if err := Decode([]byte(text), &got); !errors.As(err, &e) || e.Problem == "" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Without a limit the parser needs memory by the square of the depth and ends
// the process; these must be refused before it sees them.
func TestDecodeRefusesWhatIsTooDeep(t *testing.T) {
	const n = 100_000
	for _, unit := range []string{"[", "{a: ", "- ", "? ", "[\n", "- [", "a: [", "-\t"} {
		var before, after runtime.MemStats
		var got any
		runtime.ReadMemStats(&before)
		err := Decode([]byte(strings.Repeat(unit, n)), &got)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%q × %d was taken", unit, n)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
			t.Errorf("%q × %d took %d MiB", unit, n, used>>20)
		}
	}
	var deep bytes.Buffer
	for i := range 2000 {
		fmt.Fprintf(&deep, "%*sa:\n", i, "")
	}
	var got any
	var e *Error
	if err := Decode(deep.Bytes(), &got); !errors.As(err, &e) || e.Line != maxIndent+2 {
		t.Errorf("2000 levels of indentation: %v, want line %d", err, maxIndent+2)
	}
}

func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		"name: a\nsize: 3\nboxes: [{label: x, slots: [1]}]\n", "", "a", "boxes: !!binary\n", "boxes: !00", "words: &a {}\nfree: *a\n",
		"- - -", "{[}]", "? : ?", "? ", "name: 0x1", "name: |\n  b\n c", "\x00", "%YAML 1.2\n---\n", "'", "boxes:\n - <<: *a", "a: b\n---\nc",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got shelf
		err := Decode(data, &got)
		if err == nil {
			return
		}
		var e *Error
		if !errors.As(err, &e) || e.Problem == "" || strings.Contains(e.Problem, "\n") {
			t.Fatalf("%q: %#v", data, err)
		}
		if lines := bytes.Count(data, []byte("\n")) + 1; e.Line > lines+bytes.Count(data, []byte("\r")) {
			t.Errorf("line %d of %d", e.Line, lines)
		}
	})
}
