// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const glossary = "docs/glossary.md"

// banned is a synonym that our texts never use, and the word they use instead.
type banned struct {
	synonym *regexp.Regexp
	word    string
}

// parseGlossary reads the rows "| word | meaning | not |". Only synonyms set as
// code in the last column are checked: the others are wrong for this meaning
// but right for another, which takes a reader to tell.
func parseGlossary(text string) []banned {
	var all []banned
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 5 || cells[0] != "" {
			continue
		}
		word := strings.Trim(strings.TrimSpace(cells[1]), "*")
		for _, m := range code.FindAllString(cells[len(cells)-2], -1) {
			expr := `(?i)\b` + regexp.QuoteMeta(strings.Trim(m, "`")) + `s?\b`
			all = append(all, banned{regexp.MustCompile(expr), word})
		}
	}
	return all
}

// passage is a text that people read, and where it stands.
type passage struct{ at, text string }

// checkWords reports banned synonyms in documents and in the words of the
// command line, API and pages.
func checkWords(t *tree) []string {
	list := parseGlossary(t.text(glossary))
	if len(list) == 0 {
		return []string{glossary + " bans no word"}
	}
	var bad []string
	for _, p := range slices.Concat(t.prose(), t.spoken(), t.pages()) {
		for _, b := range list {
			if found := b.synonym.FindString(p.text); found != "" {
				bad = append(bad, fmt.Sprintf("%s says %q: our word is %q", p.at, found, b.word))
			}
		}
	}
	return bad
}

// prose returns the lines of the documents, without code and quotations, which
// may cite a standard's word.
func (t *tree) prose() []passage {
	var all []passage
	for _, doc := range t.documents() {
		if doc == glossary {
			continue
		}
		fenced := false
		for n, line := range strings.Split(t.text(doc), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				fenced = !fenced
				continue
			}
			if !fenced && !strings.HasPrefix(line, ">") {
				line = quoted.ReplaceAllString(code.ReplaceAllString(line, ""), "")
				all = append(all, passage{doc + ":" + strconv.Itoa(n+1), link.ReplaceAllString(line, "]")})
			}
		}
	}
	return all
}

var quoted = regexp.MustCompile(`"[^"]*"|“[^”]*”`)

// tags are the struct tags whose text people read.
var tags = []string{"doc", "help", "description", "summary"}

// fields are the struct fields whose text people read.
var fields = []string{"Hint", "Why", "Fix", "Summary", "Description", "Help", "Needed", "Actual"}

// spoken returns what the program says: hints, help and descriptions.
func (t *tree) spoken() []passage {
	var all []passage
	for _, p := range t.pkgs {
		for _, s := range p.files {
			if s.test {
				continue
			}
			for n := range ast.Preorder(s.syntax) {
				for _, text := range said(n) {
					all = append(all, passage{t.at(n), text})
				}
			}
		}
	}
	return all
}

func said(n ast.Node) []string {
	var texts []string
	switch n := n.(type) {
	case *ast.Field:
		if n.Tag == nil {
			return nil
		}
		raw, err := strconv.Unquote(n.Tag.Value)
		if err != nil {
			return nil
		}
		for _, key := range tags {
			if v := reflect.StructTag(raw).Get(key); v != "" {
				texts = append(texts, v)
			}
		}
	case *ast.KeyValueExpr:
		key, is := n.Key.(*ast.Ident)
		if !is || !slices.Contains(fields, key.Name) {
			return nil
		}
		for v := range ast.Preorder(n.Value) {
			if lit, is := v.(*ast.BasicLit); is && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					texts = append(texts, text)
				}
			}
		}
	}
	return texts
}

var markup = regexp.MustCompile(`(?s)<!--.*?-->|<[^>]*>|\{[^{}]*\}`)

// pages returns the text of the templates without their markup.
func (t *tree) pages() []passage {
	var all []passage
	for _, name := range t.paths {
		if path.Ext(name) != ".templ" {
			continue
		}
		for n, line := range strings.Split(markup.ReplaceAllString(t.text(name), " "), "\n") {
			if !strings.Contains(line, "//") {
				all = append(all, passage{name + ":" + strconv.Itoa(n+1), line})
			}
		}
	}
	return all
}

func TestWords(t *testing.T) { check(t, checkWords) }
