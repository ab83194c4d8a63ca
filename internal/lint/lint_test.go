// SPDX-License-Identifier: Apache-2.0

// Package lint reads the tree and says where it breaks its own rules. It holds
// only tests: nothing links it.
//
// # What
//
// Each check is a function from a [tree] to complaints, a line each that names
// the file. The floors come from the block in docs/architecture.md, the banned
// words from the table in docs/glossary.md, the reasons for dependencies from
// docs/decisions/deps.md: the documents are the configuration, so they cannot
// rot unnoticed.
//
// # How it fits
//
// The tests run over the real tree and, to show that each check can fail, over
// small trees with one fault planted.
//
// # Promises
//
// The checks parse and never build: they work on a tree that does not compile,
// and take a second or two.
package lint

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// module is the path that imports of our own packages start with.
const module = "github.com/sashlock/sashlock"

// tree is a source tree, read.
type tree struct {
	fsys  fs.FS
	paths []string // every file of the project, slash-separated, in order
	fset  *token.FileSet
	pkgs  []*pkg
}

// pkg is the Go files of one folder, tests included.
type pkg struct {
	dir   string // "." for the root
	files []*source
}

// source is one Go file.
type source struct {
	path      string
	syntax    *ast.File
	lines     []string
	test      bool // its name ends in _test.go
	generated bool
}

// skipped are the folders that hold nothing of ours.
var skipped = []string{".git", "node_modules", "bin", "dist"}

// read loads a tree. A Go file that does not parse is an error: everything
// else would be guesswork.
func read(fsys fs.FS) (*tree, error) {
	t := &tree{fsys: fsys, fset: token.NewFileSet()}
	folders := map[string]*pkg{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // it went away while we walked
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(skipped, d.Name()):
			return fs.SkipDir
		case d.IsDir() || !d.Type().IsRegular():
			return nil
		}
		t.paths = append(t.paths, name)
		if path.Ext(name) != ".go" || strings.Contains(name, "testdata/") {
			return nil
		}
		return t.readGo(name, folders)
	})
	if err != nil {
		return nil, err
	}
	for _, p := range folders {
		t.pkgs = append(t.pkgs, p)
	}
	slices.SortFunc(t.pkgs, func(a, b *pkg) int { return strings.Compare(a.dir, b.dir) })
	return t, nil
}

func (t *tree) readGo(name string, folders map[string]*pkg) error {
	text, err := fs.ReadFile(t.fsys, name)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(t.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	dir := path.Dir(name)
	if folders[dir] == nil {
		folders[dir] = &pkg{dir: dir}
	}
	folders[dir].files = append(folders[dir].files, &source{
		path: name, syntax: syntax, lines: strings.Split(string(text), "\n"),
		test:      strings.HasSuffix(name, "_test.go"),
		generated: ast.IsGenerated(syntax),
	})
	return nil
}

// text returns a file, or "" when there is none.
func (t *tree) text(name string) string {
	b, err := fs.ReadFile(t.fsys, name)
	if err != nil {
		return ""
	}
	return string(b)
}

// has reports whether a file or folder is there.
func (t *tree) has(name string) bool {
	_, err := fs.Stat(t.fsys, name)
	return err == nil
}

// find returns the package in a folder, or nil.
func (t *tree) find(dir string) *pkg {
	for _, p := range t.pkgs {
		if p.dir == dir {
			return p
		}
	}
	return nil
}

// at is where a complaint is about: "store/sql.go:17".
func (t *tree) at(n ast.Node) string {
	p := t.fset.Position(n.Pos())
	return p.Filename + ":" + strconv.Itoa(p.Line)
}

// imports returns what a file imports, unquoted.
func (s *source) imports() []string {
	var all []string
	for _, spec := range s.syntax.Imports {
		if name, err := strconv.Unquote(spec.Path.Value); err == nil {
			all = append(all, name)
		}
	}
	return all
}

// ours returns the folder of an import of this module, and whether it is one.
func ours(name string) (dir string, is bool) {
	if name == module {
		return ".", true
	}
	return strings.CutPrefix(name, module+"/")
}

// isSuite reports whether a folder holds a test suite for others to call, like
// driver/drivertest: ordinary Go files that may import testing.
func isSuite(dir string) bool { return strings.HasSuffix(path.Base(dir), "test") }

// project is the real tree, read once.
var project = sync.OnceValues(func() (*tree, error) { return read(os.DirFS("../..")) })

// check runs one check over the real tree.
func check(t *testing.T, look func(*tree) []string) {
	t.Helper()
	tree, err := project()
	if err != nil {
		t.Fatalf("reading the tree: %v", err)
	}
	for _, complaint := range look(tree) {
		t.Error(complaint)
	}
}
