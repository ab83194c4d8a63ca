// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pure reports whether a package must be a function of its arguments: the same
// facts give the same answer on a live store, in a story and in a replay.
func pure(dir string) bool {
	for _, p := range []string{"internal/opening", "internal/access", "internal/schedule", "internal/detect", "internal/guard", "internal/scenario", "internal/rota"} {
		if dir == p || strings.HasPrefix(dir, p+"/") {
			return !isSuite(dir)
		}
	}
	return dir == "."
}

// worldly reports whether an import reaches out of the process.
func worldly(name string) bool {
	for _, p := range []string{"context", "database/sql", "net", "os", "syscall", "log", "log/slog", "testing"} {
		if name == p || strings.HasPrefix(name, p+"/") {
			return name != "net/netip" && name != "net/url"
		}
	}
	return false
}

// clocks are the functions of package time that read or wait for the clock.
var clocks = []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer", "Sleep"}

// checkPure reports what a pure package may not do.
func checkPure(t *tree) []string {
	var bad []string
	for _, p := range t.pkgs {
		if !pure(p.dir) {
			continue
		}
		for _, s := range p.files {
			if s.test {
				continue
			}
			for _, name := range s.imports() {
				if worldly(name) {
					bad = append(bad, fmt.Sprintf("%s imports %s: %s is pure", s.path, name, p.dir))
				}
			}
			for n := range ast.Preorder(s.syntax) {
				if name, is := s.calls(n, "time"); is && slices.Contains(clocks, name) {
					bad = append(bad, fmt.Sprintf("%s uses time.%s: %s is pure and is told the time", t.at(n), name, p.dir))
				}
				if _, is := n.(*ast.GoStmt); is {
					bad = append(bad, fmt.Sprintf("%s starts a goroutine: %s is pure", t.at(n), p.dir))
				}
			}
		}
	}
	return bad
}

// calls returns the name when n is a use of an exported name of the standard
// package pkg, under whatever name the file imports it.
func (s *source) calls(n ast.Node, pkg string) (string, bool) {
	sel, is := n.(*ast.SelectorExpr)
	if !is {
		return "", false
	}
	x, is := sel.X.(*ast.Ident)
	if !is {
		return "", false
	}
	for _, spec := range s.syntax.Imports {
		if full, err := strconv.Unquote(spec.Path.Value); err != nil || full != pkg {
			continue
		}
		local := pkg[strings.LastIndex(pkg, "/")+1:]
		if spec.Name != nil {
			local = spec.Name.Name
		}
		return sel.Sel.Name, x.Name == local
	}
	return "", false
}

// checkHabits reports what no package may do: register itself, sleep, end the
// process or carry test code to production.
func checkHabits(t *tree) []string {
	var bad []string
	for _, p := range t.pkgs {
		for _, s := range p.files {
			bad = append(bad, t.habits(p, s)...)
		}
	}
	return bad
}

func (t *tree) habits(p *pkg, s *source) []string {
	var bad []string
	if !s.test && !isSuite(p.dir) && slices.Contains(s.imports(), "testing") {
		bad = append(bad, s.path+" imports testing: only tests and the *test suites may")
	}
	for n := range ast.Preorder(s.syntax) {
		if f, is := n.(*ast.FuncDecl); is && f.Recv == nil && f.Name.Name == "init" {
			bad = append(bad, t.at(n)+" declares init(): what is there is listed in internal/app")
		}
		if name, is := s.calls(n, "time"); is && name == "Sleep" {
			bad = append(bad, t.at(n)+" calls time.Sleep: wait for the condition, or use testing/synctest")
		}
		if name, is := s.calls(n, "os"); is && name == "Exit" && !s.test && !strings.HasPrefix(p.dir, "cmd/") {
			bad = append(bad, t.at(n)+" calls os.Exit: only commands end the process")
		}
	}
	return bad
}

// requireEnv is the variable that turns skipped tests into failed ones.
const requireEnv = "SASHLOCK_REQUIRE"

// checkSkips reports tests that skip without looking at requireEnv: on the
// machine that decides whether a change is good, a test that did not run must
// not pass for one that did. Being asked for a short run is a reason too, and a
// suite for plug-ins may pass over what a plug-in does not offer.
func checkSkips(t *tree) []string {
	var bad []string
	for _, p := range t.pkgs {
		if p.dir == "internal/lint" || p.dir == "internal/conformance" || isSuite(p.dir) {
			continue
		}
		for _, s := range p.files {
			for _, d := range s.syntax.Decls {
				f, is := d.(*ast.FuncDecl)
				if is && skips(f) && !excused(f) {
					bad = append(bad, fmt.Sprintf("%s: %s skips without looking at %s", t.at(f), f.Name.Name, requireEnv))
				}
			}
		}
	}
	return bad
}

// skips reports whether a test skips. Dropping one generated input among many,
// in a property or a fuzz target, is not skipping.
func skips(f *ast.FuncDecl) bool {
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			x, name := method(n)
			if name == "Fuzz" {
				return false
			}
			found = found || slices.Contains([]string{"t", "b", "f", "tb"}, x) && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, name)
		case *ast.FuncLit:
			return !takesRapid(n)
		}
		return true
	})
	return found
}

// method returns the parts of a call x.name(…).
func method(call *ast.CallExpr) (x, name string) {
	sel, is := call.Fun.(*ast.SelectorExpr)
	if !is {
		return "", ""
	}
	if id, is := sel.X.(*ast.Ident); is {
		x = id.Name
	}
	return x, sel.Sel.Name
}

// takesRapid reports whether a function literal has a *rapid.T.
func takesRapid(f *ast.FuncLit) bool {
	for n := range ast.Preorder(f.Type) {
		if id, is := n.(*ast.Ident); is && id.Name == "rapid" {
			return true
		}
	}
	return false
}

// excused reports whether a function looks at requireEnv or asks for a short
// run.
func excused(f *ast.FuncDecl) bool {
	for n := range ast.Preorder(f) {
		switch n := n.(type) {
		case *ast.BasicLit:
			if strings.Contains(n.Value, requireEnv) {
				return true
			}
		case *ast.CallExpr:
			if x, name := method(n); x == "testing" && name == "Short" {
				return true
			}
		}
	}
	return false
}

func TestPure(t *testing.T)   { check(t, checkPure) }
func TestHabits(t *testing.T) { check(t, checkHabits) }
func TestSkips(t *testing.T)  { check(t, checkSkips) }
