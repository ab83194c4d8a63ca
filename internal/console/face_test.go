// SPDX-License-Identifier: Apache-2.0

package console

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock/internal/opening"
)

// words reads every word there is from the package that has them.
func words(t *testing.T) []opening.Word {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../opening/shown.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []opening.Word
	for n := range ast.Preorder(file) {
		spec, is := n.(*ast.ValueSpec)
		if !is || len(spec.Values) != 1 {
			continue
		}
		if kind, is := spec.Type.(*ast.Ident); is && kind.Name == "Word" {
			word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, opening.Word(word))
		}
	}
	if len(all) < 10 {
		t.Fatalf("only %d words were found", len(all))
	}
	return all
}

func TestEveryWordHasDrawingTextAndTone(t *testing.T) {
	page, err := render(t.Context(), sprite())
	if err != nil {
		t.Fatal(err)
	}
	shapes, texts := map[string]opening.Word{}, map[string]opening.Word{}
	for _, w := range words(t) {
		f := FaceOf(w)
		if f.Word != w {
			t.Errorf("%s has no face of its own", w)
			continue
		}
		if other, taken := shapes[f.Shape]; taken {
			t.Errorf("%s and %s are drawn alike", w, other)
		}
		if other, taken := texts[f.Text]; taken {
			t.Errorf("%s and %s are called alike", w, other)
		}
		shapes[f.Shape], texts[f.Text] = w, w
		said := opening.Shown{Word: w, Since: time.Unix(0, 0), Now: time.Unix(90, 0)}.String()
		if f.Text == "" || !strings.HasPrefix(said, f.Text) {
			t.Errorf("%s is called %q here and %q elsewhere", w, f.Text, said)
		}
		if f.Tone == "" || !strings.Contains(string(page), `<symbol id="i-`+f.Shape+`"`) {
			t.Errorf("%s has tone %q and drawing %q, which is not drawn", w, f.Tone, f.Shape)
		}
	}
	if len(Faces()) != len(shapes) {
		t.Errorf("%d faces for %d words", len(Faces()), len(shapes))
	}
}

func TestWhatIsNotKnownIsNeverCalm(t *testing.T) {
	for _, w := range []opening.Word{opening.LastSeen, opening.Unknown, "a word of a later version"} {
		if f := FaceOf(w); f.Tone != Doubt {
			t.Errorf("%s has tone %s", w, f.Tone)
		}
	}
}
