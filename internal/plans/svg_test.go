// SPDX-License-Identifier: Apache-2.0

package plans

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
)

// mustBePlain fails the test for anything in a drawing that is no shape, text,
// colour or gradient. It reads the drawing by itself.
func mustBePlain(t *testing.T, drawing []byte) {
	t.Helper()
	allowed := " svg g defs title desc path rect circle ellipse line polyline polygon text tspan linearGradient radialGradient stop "
	d := xml.NewDecoder(bytes.NewReader(drawing))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, drawing)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if !strings.Contains(allowed, " "+token.Name.Local+" ") || token.Name.Space != svgSpace {
				t.Errorf("element %v was kept", token.Name)
			}
			for _, a := range token.Attr {
				v := strings.ToLower(a.Value)
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Space != "" || a.Name.Local == "style" || a.Name.Local == "class" ||
					strings.Contains(v, "script:") || a.Name.Local != "xmlns" && strings.Contains(v, "//") ||
					a.Name.Local == "href" && !strings.HasPrefix(v, "#") || strings.Contains(strings.ReplaceAll(strings.ReplaceAll(v, " ", ""), "url(#", ""), "url(h") {
					t.Errorf("attribute %v=%q was kept", a.Name, a.Value)
				}
			}
		case xml.ProcInst, xml.Directive, xml.Comment:
			t.Errorf("%T was kept", token)
		}
	}
}

func TestHostileDrawings(t *testing.T) {
	files, err := filepath.Glob("testdata/hostile/*.svg")
	if err != nil || len(files) < 10 {
		t.Fatal(len(files), "drawings:", err)
	}
	refused := map[string]bool{"entities.svg": true, "html.svg": true}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			drawing, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, err := CleanSVG(drawing)
			if refused[filepath.Base(file)] {
				if !sashlock.IsKind(err, sashlock.Invalid) {
					t.Fatalf("it became %s, %v", p.Content, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			mustBePlain(t, p.Content)
			if s := string(p.Content); strings.Contains(s, "evil") || strings.Contains(s, "<script") || strings.Contains(s, "secret") {
				t.Errorf("it became %s", s)
			}
			again, err := CleanSVG(p.Content)
			if err != nil || !bytes.Equal(again.Content, p.Content) {
				t.Errorf("cleaned again it is %s, %v", again.Content, err)
			}
		})
	}
}

func TestADrawingKeepsItsLooks(t *testing.T) {
	p, err := CleanSVG([]byte(`<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg width="297mm" height="210mm" viewBox="0 0 297 210" xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape">
<defs><linearGradient id="g"><stop offset="0" style="stop-color:#fff"/></linearGradient></defs>
<g inkscape:label="Walls" style="fill:none; stroke:#333;stroke-width:2"><path d="M 1,1 H 296"/></g>
<rect x="1" y="2" width="3" height="4" fill="red" style="fill:url(#g)"/><text x="1" y="2">Küche &amp; Bar</text>
<use href="#x"/></svg>`))
	if err != nil {
		t.Fatal(err)
	}
	want := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 297 210" width="297" height="210" preserveAspectRatio="none">` +
		`<defs><linearGradient id="g"><stop offset="0" stop-color="#fff"></stop></linearGradient></defs>` +
		`<g fill="none" stroke="#333" stroke-width="2"><path d="M 1,1 H 296"></path></g>` +
		`<rect fill="url(#g)" height="4" width="3" x="1" y="2"></rect><text x="1" y="2">Küche &amp; Bar</text></svg>`
	if got := string(p.Content); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(p.Left) != 1 || p.Left[0] != "use" || p.Width != 297 || p.Height != 210 {
		t.Errorf("left out %v, %d × %d", p.Left, p.Width, p.Height)
	}
}

func TestDrawingsThatAreTooMuch(t *testing.T) {
	const head, tail = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">`, `</svg>`
	for name, drawing := range map[string]string{
		"bytes":       head + strings.Repeat(" ", MaxDrawing) + tail,
		"elements":    head + strings.Repeat("<g/>", maxElements) + tail,
		"depth":       head + strings.Repeat("<g>", maxDepth) + strings.Repeat("</g>", maxDepth) + tail,
		"left out":    head + strings.Repeat("<use/>", maxElements) + tail,
		"within left": head + "<a>" + strings.Repeat("<g/>", maxElements) + "</a>" + tail,
		"depth left":  head + strings.Repeat("<a>", maxDepth+2) + strings.Repeat("</a>", maxDepth+2) + tail,
		"written":     head + "<text>" + strings.Repeat("'", MaxDrawing-200) + "</text>" + tail,
	} {
		if p, err := CleanSVG([]byte(drawing)); !sashlock.IsKind(err, sashlock.Limit) {
			t.Errorf("%s: %d bytes, %v", name, len(p.Content), err)
		}
	}
	for name, drawing := range map[string]string{
		"nothing": "", "text": "hello", "no size": `<svg xmlns="http://www.w3.org/2000/svg"/>`, "two": head + tail + head + tail,
		"open": head, "crossed": head + "<g></svg></g>", "no number": `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 NaN 1"/>`,
		"infinite": `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 Inf 1"/>`, "UTF-16": `<?xml version="1.0" encoding="UTF-16"?>` + head + tail,
	} {
		if p, err := CleanSVG([]byte(drawing)); !sashlock.IsKind(err, sashlock.Invalid) {
			t.Errorf("%s: %s, %v", name, p.Content, err)
		}
	}
}

func FuzzCleanSVG(f *testing.F) {
	files, err := filepath.Glob("testdata/hostile/*.svg")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		drawing, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(drawing)
	}
	f.Add([]byte(`<svg viewBox="0,0,1 1" width="5px" height="2e1"><g style="fill:url( '#a' );;x:y;fill-rule:evenodd"/></svg>`))
	f.Fuzz(func(t *testing.T, drawing []byte) {
		p, err := CleanSVG(drawing)
		if err != nil {
			return
		}
		mustBePlain(t, p.Content)
		again, err := CleanSVG(p.Content)
		if err != nil && !sashlock.IsKind(err, sashlock.Limit) || err == nil && !bytes.Equal(again.Content, p.Content) {
			t.Errorf("cleaned again it is %s, not %s: %v", again.Content, p.Content, err)
		}
	})
}
