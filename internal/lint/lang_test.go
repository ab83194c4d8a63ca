// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/leonelquinteros/gotext"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/catalogue"
	"github.com/sashlock/sashlock/internal/lang"
)

// wording is a text of the code that people read, with where it stands. Many is
// the text for any other number than one.
type wording struct{ many, at string }

// texts collects what the code says in the language of its reader: the literal
// arguments of lang.T, lang.N, lang.Say and lang.Mark, of the methods named say
// that make phrases, and of driver.BadConfig. Nobody sets up the simulator.
func texts(t *tree) map[string]wording {
	all := map[string]wording{}
	for _, r := range sashlock.Reasons() {
		all[r.Words()] = wording{at: "reason.go"}
	}
	for _, p := range t.pkgs {
		if p.dir == "internal/lang" || p.dir == "internal/lint" || p.dir == "driver/sim" || p.dir == "driver/example" || isSuite(p.dir) {
			continue
		}
		for _, s := range p.files {
			if s.test {
				continue
			}
			ast.Inspect(s.syntax, func(n ast.Node) bool {
				if call, is := n.(*ast.CallExpr); is {
					collect(all, call, t.at(call))
				}
				return true
			})
		}
	}
	return all
}

func collect(all map[string]wording, call *ast.CallExpr, at string) {
	f := new(ast.SelectorExpr)
	switch called := call.Fun.(type) {
	case *ast.SelectorExpr:
		f = called
	case *ast.Ident:
		f.Sel = called
	default:
		return
	}
	pkg, _ := f.X.(*ast.Ident)
	ours := pkg != nil && pkg.Name == "lang"
	first := -1
	switch {
	case f.Sel.Name == "BadConfig":
		first = 1 // what Check says of a setting stands next to its field in the console
	case ours && (f.Sel.Name == "Mark" || f.Sel.Name == "Say"):
		first = 0
	case ours && f.Sel.Name == "T", f.X != nil && f.Sel.Name == "say":
		first = 1
	case ours && f.Sel.Name == "N":
		first = 2
	}
	if first < 0 || len(call.Args) <= first {
		return
	}
	text, is := literal(call.Args[first])
	if !is {
		return
	}
	one := wording{at: at}
	if f.Sel.Name == "N" && len(call.Args) > 3 {
		one.many, _ = literal(call.Args[3])
	}
	if old, known := all[text]; !known || old.many == "" {
		all[text] = one
	}
}

func literal(e ast.Expr) (string, bool) {
	l, is := e.(*ast.BasicLit)
	if !is || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil && text != ""
}

// checkCatalogue reports what a language lacks, and what nobody says.
func checkCatalogue(l lang.Language, want map[string]wording, have map[string]*gotext.Translation) []string {
	var bad []string
	for _, text := range slices.Sorted(maps.Keys(want)) {
		w, t := want[text], have[text]
		switch {
		case t == nil || t.Trs[0] == "":
			bad = append(bad, fmt.Sprintf("%s: %s has nothing for %q", w.at, l, text))
		case w.many != "" && (t.PluralID != w.many || t.Trs[1] == ""):
			bad = append(bad, fmt.Sprintf("%s: %s has no plural for %q, %q", w.at, l, text, w.many))
		}
	}
	for _, text := range slices.Sorted(maps.Keys(have)) {
		if _, known := want[text]; !known {
			bad = append(bad, fmt.Sprintf("%s has %q, which nothing says", l, text))
		}
	}
	return bad
}

func TestEveryTextHasItsTranslation(t *testing.T) {
	tree, err := project()
	if err != nil {
		t.Fatal(err)
	}
	want := texts(tree)
	known, err := catalogue.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range known.Texts() {
		want[text] = wording{at: "models"}
	}
	for _, m := range tree.manifests() {
		for _, text := range m.Texts() {
			want[text] = wording{at: "driver/" + m.Name + "/manifest.yaml"}
		}
	}
	if len(want) < 100 {
		t.Fatalf("only %d texts were found", len(want))
	}
	for _, l := range lang.All()[1:] {
		bad := checkCatalogue(l, want, lang.Catalogue(l))
		for i, b := range bad {
			if i == 60 {
				t.Errorf("and %d more", len(bad)-i)
				break
			}
			t.Error(b)
		}
	}
}

// bareWords are what pages may say without asking the catalogue: names, and
// what is the same in every language.
var bareWords = map[string]bool{"Sashlock": true, "DEMO": true, "YAML": true, "CSV": true, "JSON": true, "PNG": true, "SVG": true, "QR": true, "PDF": true, "API": true, "OpenAPI": true, "min": true, "ID": true, "UTC": true, "sash": true}

var (
	codeElement = regexp.MustCompile(`(?s)<(code|pre|kbd|style|script)\b.*?</(code|pre|kbd|style|script)>`)
	anElement   = regexp.MustCompile(`(?s)<[^>]*>|&[a-z]+;`)
	readAloud   = regexp.MustCompile(`(?:aria-label|aria-description|placeholder|title|alt)="([^"\x00]*)`)
	aWord       = regexp.MustCompile(`\p{L}{2,}`)
)

// checkBareText reports texts that a page says in one language only.
func checkBareText(t *tree) []string {
	var bad []string
	for _, p := range t.pkgs {
		for _, s := range p.files {
			if !strings.HasSuffix(s.path, "_templ.go") {
				continue
			}
			page := written(s)
			spoken := anElement.ReplaceAllString(codeElement.ReplaceAllString(page, ""), " ")
			for _, m := range readAloud.FindAllStringSubmatch(page, -1) {
				spoken += " " + m[1]
			}
			for _, word := range aWord.FindAllString(spoken, -1) {
				if !bareWords[word] {
					bad = append(bad, fmt.Sprintf("%s: %q is said without lang.T", s.path, word))
				}
			}
		}
	}
	return bad
}

// written joins the markup that a generated file writes, with a zero byte
// where something else comes between.
func written(s *source) string {
	var page strings.Builder
	for n := range ast.Preorder(s.syntax) {
		call, is := n.(*ast.CallExpr)
		if !is || len(call.Args) != 3 {
			continue
		}
		if f, is := call.Fun.(*ast.SelectorExpr); is && f.Sel.Name == "WriteString" {
			if text, is := literal(call.Args[2]); is {
				page.WriteString(text + "\x00")
			}
		}
	}
	return page.String()
}

func TestPagesSayNothingInOneLanguageOnly(t *testing.T) { check(t, checkBareText) }

// TestOneTranslationForOneText reports texts that several catalogues of a
// language say differently.
func TestOneTranslationForOneText(t *testing.T) {
	files, err := filepath.Glob("../lang/*/*.po")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: %v", files, err)
	}
	first := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		po := gotext.NewPo()
		po.Parse(text)
		for id, tr := range po.GetDomain().GetTranslations() {
			key := filepath.Dir(file) + " " + id
			if id == "" {
				continue
			}
			if old, known := first[key]; known && old != tr.Trs[0] {
				t.Errorf("%s: %q is %q here and %q elsewhere", file, id, tr.Trs[0], old)
			}
			first[key] = tr.Trs[0]
		}
	}
}

// TestCatalogueCheckFinds plants what the check is for.
func TestCatalogueCheckFinds(t *testing.T) {
	want := map[string]wording{"a": {}, "b": {many: "bs"}, "c": {}}
	have := map[string]*gotext.Translation{
		"b": {ID: "b", Trs: map[int]string{0: "be"}}, "c": {ID: "c", Trs: map[int]string{0: "ce"}}, "d": {ID: "d", Trs: map[int]string{0: "de"}},
	}
	bad := strings.Join(checkCatalogue(lang.Spanish, want, have), "\n")
	for _, about := range []string{`nothing for "a"`, `no plural for "b"`, `has "d"`} {
		if !strings.Contains(bad, about) {
			t.Errorf("did not find %s:\n%s", about, bad)
		}
	}
	if strings.Contains(bad, `"c"`) {
		t.Error(bad)
	}
}
