// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"flag"
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/reference anew")

// constant is one named string of the vocabulary.
type constant struct {
	name, value, comment string
}

// group is a block of constants under one comment.
type group struct {
	title     string
	constants []constant
}

// groups returns the constants of a type, block by block, as their file has
// them.
func (t *tree) groups(file, kind string) []group {
	s := t.rootFile(file)
	if s == nil {
		return nil
	}
	var all []group
	for _, d := range s.syntax.Decls {
		block, is := d.(*ast.GenDecl)
		if !is {
			continue
		}
		g := group{title: oneLine(block.Doc.Text())}
		for _, spec := range block.Specs {
			if c, is := stringConstant(spec, kind); is {
				g.constants = append(g.constants, c)
			}
		}
		if len(g.constants) > 0 {
			all = append(all, g)
		}
	}
	return all
}

func (t *tree) rootFile(name string) *source {
	if p := t.find("."); p != nil {
		for _, s := range p.files {
			if s.path == name {
				return s
			}
		}
	}
	return nil
}

func stringConstant(spec ast.Spec, kind string) (constant, bool) {
	v, is := spec.(*ast.ValueSpec)
	if !is || len(v.Names) != 1 || len(v.Values) != 1 {
		return constant{}, false
	}
	lit, is := v.Values[0].(*ast.BasicLit)
	named, typed := v.Type.(*ast.Ident)
	if !is || !typed || named.Name != kind {
		return constant{}, false
	}
	value, err := strconv.Unquote(lit.Value)
	return constant{v.Names[0].Name, value, oneLine(v.Doc.Text() + v.Comment.Text())}, err == nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// words returns the string literals of a map from constants to sentences.
func (t *tree) words(file, name string) map[string]string {
	found := map[string]string{}
	s := t.rootFile(file)
	if s == nil {
		return found
	}
	for n := range ast.Preorder(s.syntax) {
		v, is := n.(*ast.ValueSpec)
		if !is || len(v.Names) != 1 || v.Names[0].Name != name || len(v.Values) != 1 {
			continue
		}
		for e := range ast.Preorder(v.Values[0]) {
			kv, is := e.(*ast.KeyValueExpr)
			if !is {
				continue
			}
			key, isName := kv.Key.(*ast.Ident)
			lit, isText := kv.Value.(*ast.BasicLit)
			if isName && isText {
				found[key.Name], _ = strconv.Unquote(lit.Value)
			}
		}
	}
	return found
}

// members returns the fields of a struct: JSON name, type, comment.
func (t *tree) members(file, name string) []constant {
	var all []constant
	s := t.rootFile(file)
	if s == nil {
		return nil
	}
	for n := range ast.Preorder(s.syntax) {
		spec, is := n.(*ast.TypeSpec)
		if !is || spec.Name.Name != name {
			continue
		}
		body, is := spec.Type.(*ast.StructType)
		if !is {
			continue
		}
		for _, f := range body.Fields.List {
			key := ""
			if f.Tag != nil {
				_, after, _ := strings.Cut(f.Tag.Value, `json:"`)
				key, _, _ = strings.Cut(after, `"`)
				key, _, _ = strings.Cut(key, ",")
			}
			all = append(all, constant{f.Names[0].Name, key, oneLine(f.Doc.Text() + f.Comment.Text())})
		}
	}
	return all
}

const origin = "<!-- Written by `make docs` from %s. Do not edit. -->\n\n"

// references returns the generated pages by name.
func (t *tree) references() map[string]string {
	return map[string]string{
		"docs/reference/events.md":  t.eventPage(),
		"docs/reference/reasons.md": t.reasonPage(),
		"docs/reference/errors.md":  t.errorPage(),

		"docs/reference/gateways.md": t.gatewayPage(),
	}
}

func (t *tree) eventPage() string {
	var b strings.Builder
	fmt.Fprintf(&b, origin, "event.go")
	b.WriteString("# Events\n\nAn event is something that happened. The ledger numbers it and never changes it. A kind is a noun and a verb in the past tense.\n")
	for _, g := range t.groups("event.go", "EventKind") {
		fmt.Fprintf(&b, "\n## %s\n\n| Kind | What happened | In Go |\n|---|---|---|\n", strings.TrimSuffix(sentence(g.title), "."))
		for _, c := range g.constants {
			fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", c.value, cell(c.comment), c.name)
		}
	}
	b.WriteString("\n## Fields\n\nA field that does not apply to a kind is left out of the JSON.\n\n| Field | Meaning |\n|---|---|\n")
	for _, f := range t.members("event.go", "Event") {
		meaning := f.comment
		if meaning == "" {
			meaning = "the " + strings.ToLower(f.name)
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.value, cell(meaning))
	}
	return b.String()
}

// sentence shortens a block comment to its first sentence.
func sentence(s string) string {
	if i := strings.Index(s, ". "); i >= 0 {
		return s[:i+1]
	}
	return s
}

// cell escapes what would end a table cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func (t *tree) reasonPage() string {
	var b strings.Builder
	fmt.Fprintf(&b, origin, "reason.go")
	b.WriteString("# Reasons\n\nA reason says why a decision, command, report or alarm came out as it did. Programs read the code; people read the sentence.\n")
	sentences := t.words("reason.go", "reasonWords")
	for _, g := range t.groups("reason.go", "Reason") {
		fmt.Fprintf(&b, "\n## %s\n\n| Code | What people read | Note |\n|---|---|---|\n", strings.TrimSuffix(g.title, "."))
		for _, c := range g.constants {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.value, cell(sentences[c.name]), cell(c.comment))
		}
	}
	return b.String()
}

func (t *tree) errorPage() string {
	var b strings.Builder
	fmt.Fprintf(&b, origin, "error.go")
	b.WriteString("# Errors\n\nAn error is a failure that a caller can act on. A refused request to open something is not an error: it is a decision with a [reason](reasons.md).\n\n| Kind | Meaning |\n|---|---|\n")
	for _, g := range t.groups("error.go", "Kind") {
		for _, c := range g.constants {
			fmt.Fprintf(&b, "| `%s` | %s |\n", c.value, cell(c.comment))
		}
	}
	return b.String()
}

// checkReasons reports reasons that people could not read.
func checkReasons(t *tree) []string {
	var bad []string
	sentences := t.words("reason.go", "reasonWords")
	for _, g := range t.groups("reason.go", "Reason") {
		for _, c := range g.constants {
			if sentences[c.name] == "" {
				bad = append(bad, "reason.go: "+c.name+" has no sentence in reasonWords")
			}
		}
	}
	return bad
}

func TestReasons(t *testing.T) { check(t, checkReasons) }

// TestReferences compares docs/reference with the sources; with -update it
// writes it.
func TestReferences(t *testing.T) {
	tree, err := project()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range tree.references() {
		if *update {
			file := filepath.Join("../..", filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(want, tree.text(name)); diff != "" {
			t.Errorf("%s is not fresh, run make docs (-want +have):\n%s", name, diff)
		}
	}
}
