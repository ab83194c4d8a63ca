// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	maxFileLines     = 500
	maxFunctionLines = 70
	minExportedDocs  = 0.90
	maxRootFiles     = 16
	maxRootLines     = 1500
)

// longFiles may be longer than maxFileLines, each for the reason given.
var longFiles = map[string]string{}

// checkHeaders reports Go files without the licence line.
func checkHeaders(t *tree) []string {
	var bad []string
	for _, p := range t.pkgs {
		for _, s := range p.files {
			if !s.generated && s.lines[0] != "// SPDX-License-Identifier: Apache-2.0" {
				bad = append(bad, s.path+": the first line is not the SPDX licence line")
			}
		}
	}
	return bad
}

// checkPackageDocs reports packages that do not say what they are.
func checkPackageDocs(t *tree) []string {
	var bad []string
	for _, p := range t.pkgs {
		if !slices.ContainsFunc(p.files, func(s *source) bool { return s.syntax.Doc != nil }) {
			bad = append(bad, p.dir+": no file has a package comment")
		}
	}
	return bad
}

// checkExportedDocs reports packages in which too few exported names are
// explained.
func checkExportedDocs(t *tree) []string {
	var bad []string
	for _, p := range t.pkgs {
		var have int
		var bare []string
		for _, s := range p.files {
			if s.test || s.generated {
				continue
			}
			for _, d := range s.syntax.Decls {
				documented, undocumented := exported(d)
				have += documented
				for _, n := range undocumented {
					bare = append(bare, t.at(n)+" "+n.Name)
				}
			}
		}
		if all := have + len(bare); all > 0 && float64(have) < minExportedDocs*float64(all) {
			bad = append(bad, fmt.Sprintf("%s: %d of %d exported names have a comment; without: %s", p.dir, have, all, strings.Join(bare, ", ")))
		}
	}
	return bad
}

// exported counts the exported names of a declaration that are documented and
// returns those that are not. A comment on a group, or at the end of the line,
// counts for its names.
func exported(d ast.Decl) (documented int, undocumented []*ast.Ident) {
	count := func(id *ast.Ident, comments ...*ast.CommentGroup) {
		switch {
		case !id.IsExported():
		case slices.ContainsFunc(comments, func(c *ast.CommentGroup) bool { return c != nil }):
			documented++
		default:
			undocumented = append(undocumented, id)
		}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || receiverExported(d) {
			count(d.Name, d.Doc)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				count(spec.Name, d.Doc, spec.Doc, spec.Comment)
			case *ast.ValueSpec:
				for _, id := range spec.Names {
					count(id, d.Doc, spec.Doc, spec.Comment)
				}
			}
		}
	}
	return documented, undocumented
}

func receiverExported(d *ast.FuncDecl) bool {
	kind := d.Recv.List[0].Type
	for {
		switch k := kind.(type) {
		case *ast.StarExpr:
			kind = k.X
		case *ast.IndexExpr:
			kind = k.X
		case *ast.Ident:
			return k.IsExported()
		default:
			return false
		}
	}
}

// vague are package names that say nothing: anything would fit in.
var vague = []string{"util", "utils", "common", "helper", "helpers", "manager", "service", "services", "model", "models", "types", "base", "misc", "shared"}

// unfinished is a note to oneself without the number under which others can
// find it.
var unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b(\(#\d+\))?`)

// checkNames reports packages with a vague name and notes about unfinished
// work that lead nowhere.
func checkNames(t *tree) []string {
	var bad []string
	for _, p := range t.pkgs {
		if slices.Contains(vague, path.Base(p.dir)) {
			bad = append(bad, p.dir+": the name says nothing; call it by what it does")
		}
		for _, s := range p.files {
			if s.generated || p.dir == "internal/lint" {
				continue
			}
			for _, group := range s.syntax.Comments {
				for _, c := range group.List {
					if m := unfinished.FindStringSubmatch(c.Text); m != nil && m[2] == "" {
						bad = append(bad, fmt.Sprintf("%s has a %s without a number, like TODO(#12)", t.at(c), m[1]))
					}
				}
			}
		}
	}
	return bad
}

// checkSizes reports files that have outgrown a reader, and a vocabulary that
// has become a dictionary.
func checkSizes(t *tree) []string {
	var bad []string
	for _, p := range t.pkgs {
		var files, lines int
		for _, s := range p.files {
			n := len(s.lines) - 1
			if _, excused := longFiles[s.path]; n > maxFileLines && !s.generated && !excused {
				bad = append(bad, fmt.Sprintf("%s has %d lines, more than %d: split it, or give a reason in longFiles", s.path, n, maxFileLines))
			}
			if !s.test {
				files++
				lines += n
			}
		}
		if p.dir == "." && (files > maxRootFiles || lines > maxRootLines) {
			bad = append(bad, fmt.Sprintf("the root package has %d files and %d lines, more than %d or %d: only nouns that three packages share belong there", files, lines, maxRootFiles, maxRootLines))
		}
	}
	for name, why := range longFiles {
		if !t.has(name) || why == "" {
			bad = append(bad, fmt.Sprintf("longFiles lists %s, which is gone or has no reason", name))
		}
	}
	return bad
}

// longFunctions lists functions to look at; it is a guide and fails nothing.
func longFunctions(t *tree) []string {
	var found []string
	for _, p := range t.pkgs {
		for _, s := range p.files {
			if s.generated {
				continue
			}
			for _, d := range s.syntax.Decls {
				if f, is := d.(*ast.FuncDecl); is {
					if n := t.line(f.End()) - t.line(f.Pos()) + 1; n > maxFunctionLines {
						found = append(found, fmt.Sprintf("%s: %s has %d lines", t.at(f), f.Name.Name, n))
					}
				}
			}
		}
	}
	return found
}

func (t *tree) line(p token.Pos) int { return t.fset.Position(p).Line }

func TestHeaders(t *testing.T)      { check(t, checkHeaders) }
func TestPackageDocs(t *testing.T)  { check(t, checkPackageDocs) }
func TestExportedDocs(t *testing.T) { check(t, checkExportedDocs) }
func TestNames(t *testing.T)        { check(t, checkNames) }
func TestSizes(t *testing.T) {
	check(t, checkSizes)
	tree, err := project()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range longFunctions(tree) {
		t.Logf("guide, %d lines: %s", maxFunctionLines, f)
	}
}
