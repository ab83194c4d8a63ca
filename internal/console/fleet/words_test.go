// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestWordsOfDriversAreKnown reads in the drivers what they say about the link of
// a device: all of it can be said in the reader's language. The example is for
// whoever writes a driver, and is never seen in a store.
func TestWordsOfDriversAreKnown(t *testing.T) {
	files, err := filepath.Glob("../../../driver/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.Contains(file, "/example/") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, said := range saidIn(tree) {
			found++
			if !slices.Contains(saidByDrivers(), said) {
				t.Errorf("%s: %q is not among the words of drivers", file, said)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d texts were found", found)
	}
}

// saidIn are the texts that a file gives the fields Security and Weak.
func saidIn(tree *ast.File) (all []string) {
	take := func(field string, value ast.Expr) {
		if literal, is := value.(*ast.BasicLit); is && slices.Contains([]string{"Security", "Weak", "clearText"}, field) {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				all = append(all, text)
			}
		}
	}
	for n := range ast.Preorder(tree) {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if key, is := n.Key.(*ast.Ident); is {
				take(key.Name, n.Value)
			}
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if field, is := to.(*ast.SelectorExpr); is && len(n.Rhs) == len(n.Lhs) {
					take(field.Sel.Name, n.Rhs[i])
				}
			}
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if i < len(n.Values) {
					take(name.Name, n.Values[i])
				}
			}
		}
	}
	return all
}
