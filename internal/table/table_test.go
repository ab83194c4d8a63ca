// SPDX-License-Identifier: Apache-2.0

package table

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	for text, want := range map[string][][]string{
		"a,b\n1, 2 \n\n":                    {{"a", "b"}, {"1", "2"}},
		"sep=;\na;b\r1;\"x;y\"\r":           {{"a", "b"}, {"1", "x;y"}},
		"\xff\xfea\x00\t\x00\xe9\x00\n\x00": {{"a", "é"}},
		"n\xfamero,2":                       {{"número", "2"}},
	} {
		var got [][]string
		var f Findings
		Read([]byte(text), &f, func(r Record) bool { got = append(got, r.Cells); return true })
		if diff := cmp.Diff(want, got); diff != "" || f.Wrong > 0 {
			t.Errorf("%q: %v\n%s", text, f.Problems, diff)
		}
	}
}

func TestPlainWordsAndTame(t *testing.T) {
	if got := PlainWords(" Größe, N.º de CÓDIGO ", ' '); got != "grosse n o de codigo" {
		t.Errorf("%q", got)
	}
	for cell, want := range map[string]string{"=1+1": "'=1+1", "-": "'-", "a=1": "a=1", "": ""} {
		if got := Tame(cell); got != want {
			t.Errorf("%q became %q", cell, got)
		}
	}
	if !Formula("@x") || Formula("-") || !Few([]byte("a\nb\n"), 1) || Few([]byte(strings.Repeat("\r", 9)), 4) {
		t.Error("a formula or a length is misjudged")
	}
}

// What is said of a file has a bound, and every row has a line of its own.
func FuzzRead(f *testing.F) {
	f.Add([]byte("a;b\n1;\"2\n3\"\n"))
	f.Add([]byte("\xfe\xff\x00a\x00,\x00b"))
	f.Add([]byte("sep=,\r\n\"\r\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		var found Findings
		line := 0
		Read(content, &found, func(r Record) bool {
			if r.Line <= line || len(r.Cells) == 0 {
				t.Fatalf("line %d after %d", r.Line, line)
			}
			line = r.Line
			return true
		})
		if len(found.Problems) > maxProblems || found.Wrong < len(found.Problems) {
			t.Fatal("too much is said")
		}
	})
}
