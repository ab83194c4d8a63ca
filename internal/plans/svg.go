// SPDX-License-Identifier: Apache-2.0

package plans

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// The rules for drawings are:
//
//   - A drawing is never passed on. It is read, and what is known to be harmless
//     is written anew: shapes, text, colours and gradients.
//   - What can run, load, link, repeat or contain something else is left out
//     with all that is in it, and the operator is told.
//   - A value may point to nothing but a name within the drawing. Only gradients
//     can be pointed to, so nothing multiplies.

// The limits of a drawing.
const (
	MaxDrawing  = 2 << 20 // bytes
	maxElements = 20_000
	maxDepth    = 64
	maxLength   = 100_000 // of its sides
)

const svgSpace = "http://www.w3.org/2000/svg"

// elements are those that may stand in a drawing.
func elements() map[string]bool {
	return set("svg g defs title desc path rect circle ellipse line polyline polygon text tspan linearGradient radialGradient stop")
}

// attributes are those that may stand at an element. The second set can also be
// written in a style.
func attributes() (plain, styled map[string]bool) {
	styled = set(`fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linecap stroke-linejoin stroke-miterlimit
		stroke-dasharray stroke-dashoffset opacity color display visibility font-family font-size font-weight font-style
		text-anchor dominant-baseline letter-spacing stop-color stop-opacity paint-order vector-effect`)
	plain = set(`id d x y width height cx cy r rx ry x1 y1 x2 y2 dx dy points transform rotate pathLength textLength lengthAdjust
		offset gradientUnits gradientTransform spreadMethod fx fy fr`)
	maps.Copy(plain, styled)
	return plain, styled
}

func set(words string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(words) {
		all[w] = true
	}
	return all
}

func unfit(fix string, err error) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading picture", Subject: "picture", Hint: fix, Err: err}
}

func tooMuch(fix string) error {
	return &sashlock.Error{Kind: sashlock.Limit, Op: "reading picture", Subject: "picture", Hint: fix}
}

// cleaner writes a drawing anew.
type cleaner struct {
	out           bytes.Buffer
	elements      map[string]bool
	plain, styled map[string]bool
	open          []string // elements that were written and not closed
	count         int
	left          map[string]bool
	width, height float64
}

// CleanSVG writes a drawing anew with nothing in it but shapes, text, colours
// and gradients. Cleaning it again changes nothing.
//
// The error is of kind limit for a drawing that is too large, and of kind
// invalid for what is no drawing.
func CleanSVG(drawing []byte) (Picture, error) {
	if len(drawing) > MaxDrawing {
		return Picture{}, tooMuch(lang.Mark("a drawing may have 2 MB at most: simplify it, or export it as PNG"))
	}
	c := cleaner{elements: elements(), left: map[string]bool{}}
	c.plain, c.styled = attributes()
	d := xml.NewDecoder(bytes.NewReader(drawing))
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("not in UTF-8") }
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Picture{}, unfit(lang.Mark("this is not a drawing that can be read: export it again as plain SVG in UTF-8"), err)
		}
		if err := c.take(d, token); err != nil {
			return Picture{}, err
		}
	}
	if c.width == 0 {
		return Picture{}, unfit(lang.Mark("this is not an SVG drawing"), nil)
	}
	if c.out.Len() > 2*MaxDrawing {
		return Picture{}, tooMuch(lang.Mark("a drawing may have 2 MB at most: simplify it, or export it as PNG"))
	}
	return Picture{
		Kind: SVG, Width: int(math.Ceil(c.width)), Height: int(math.Ceil(c.height)), Content: c.out.Bytes(), Left: slices.Sorted(maps.Keys(c.left)),
	}, nil
}

func (c *cleaner) take(d *xml.Decoder, token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return c.start(d, t)
	case xml.EndElement: // of one that was written: the others are skipped whole
		c.out.WriteString("</" + t.Name.Local + ">")
		c.open = c.open[:len(c.open)-1]
	case xml.CharData:
		if n := len(c.open); n > 0 && slices.Contains([]string{"text", "tspan", "title", "desc"}, c.open[n-1]) {
			return c.escape(string(t))
		}
	case xml.Directive:
		if bytes.ContainsAny(t, "[<") {
			return unfit(lang.Mark("the drawing declares things of its own (a DOCTYPE with entities): export it as plain SVG"), nil)
		}
	}
	return nil
}

func (c *cleaner) start(d *xml.Decoder, t xml.StartElement) error {
	if c.count++; c.count > maxElements {
		return tooMuch(lang.Mark("a drawing may have 20,000 shapes at most: simplify it, or export it as PNG"))
	}
	name, root := t.Name.Local, len(c.open) == 0
	known := c.elements[name] && (t.Name.Space == svgSpace || t.Name.Space == "")
	switch {
	case root && (!known || name != "svg" || c.width != 0):
		return unfit(lang.Mark("this is not an SVG drawing"), nil)
	case !known || !root && name == "svg":
		c.leave(name)
		return c.skip(d)
	case len(c.open) == maxDepth:
		return tooMuch(lang.Mark("the drawing nests its groups too deeply: ungroup it, or export it as PNG"))
	}
	c.out.WriteString("<" + name)
	if root {
		if err := c.frame(t.Attr); err != nil {
			return err
		}
	}
	err := c.attributes(name, t.Attr)
	c.out.WriteString(">")
	c.open = append(c.open, name)
	return err
}

// leave notes what was left out, if it is a word that can be shown.
func (c *cleaner) leave(name string) {
	if len(c.left) < 20 && len(name) < 30 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		c.left[name] = true
	}
}

// skip reads to the end of the element that has just begun. Unlike the
// decoder's own Skip it counts what it skips.
func (c *cleaner) skip(d *xml.Decoder) error {
	for depth := 1; depth > 0; {
		token, err := d.Token()
		if err != nil {
			return unfit(lang.Mark("this is not a drawing that can be read: export it again as plain SVG in UTF-8"), err)
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
			c.count++
		case xml.EndElement:
			depth--
		}
		if depth > maxDepth || c.count > maxElements {
			return tooMuch(lang.Mark("the drawing has too much in it that cannot be shown: export it as plain SVG, or as PNG"))
		}
	}
	return nil
}

// frame writes the size of the drawing, which it must have.
func (c *cleaner) frame(all []xml.Attr) error {
	var box [4]float64
	var width, height float64
	boxed := false
	for _, a := range all {
		switch a.Name.Local {
		case "viewBox":
			parts := strings.FieldsFunc(a.Value, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
			boxed = len(parts) == 4
			for i := range min(len(parts), 4) {
				n, err := strconv.ParseFloat(parts[i], 64)
				boxed = boxed && err == nil && math.Abs(n) <= maxLength
				box[i] = n
			}
		case "width":
			width = side(a.Value)
		case "height":
			height = side(a.Value)
		}
	}
	if !boxed {
		box = [4]float64{0, 0, width, height}
	}
	if !(box[2] >= 1 && box[3] >= 1 && box[2] <= maxLength && box[3] <= maxLength) {
		return unfit(lang.Mark("the drawing does not say how large it is: export it with a viewBox"), nil)
	}
	c.width, c.height = box[2], box[3]
	write := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	fmt.Fprintf(&c.out, ` xmlns="%s" viewBox="%s %s %s %s" width="%s" height="%s" preserveAspectRatio="none"`,
		svgSpace, write(box[0]), write(box[1]), write(box[2]), write(box[3]), write(box[2]), write(box[3]))
	return nil
}

// side reads a length and takes its unit for points: only the ratio counts.
func side(s string) float64 {
	n, err := strconv.ParseFloat(strings.TrimRight(strings.TrimSpace(s), "abcdefghijklmnopqrstuvwxyz"), 64)
	if err != nil || !(n >= 0 && n <= maxLength) {
		return 0
	}
	return n
}

// attributes writes those that may be there, one of each name. A style counts
// for more than the attributes beside it.
func (c *cleaner) attributes(element string, all []xml.Attr) error {
	values := map[string]string{}
	for _, a := range all {
		if a.Name.Space == "" && c.plain[a.Name.Local] && harmless(a.Value) {
			values[a.Name.Local] = a.Value
		}
		if a.Name.Local == "href" && strings.HasPrefix(a.Value, "#") && harmless(a.Value) && strings.HasSuffix(element, "Gradient") {
			values["href"] = a.Value
		}
	}
	for _, a := range all {
		if a.Name.Space == "" && a.Name.Local == "style" {
			c.style(a.Value, values)
		}
	}
	if element == "svg" {
		for _, given := range []string{"width", "height", "x", "y"} {
			delete(values, given)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		c.out.WriteString(" " + name + `="`)
		if err := c.escape(values[name]); err != nil {
			return err
		}
		c.out.WriteString(`"`)
	}
	return nil
}

// style takes the declarations of a style attribute that could as well be
// attributes. There is no other way for a style to say anything.
func (c *cleaner) style(text string, values map[string]string) {
	for one := range strings.SplitSeq(text, ";") {
		name, value, found := strings.Cut(one, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if found && c.styled[name] && harmless(value) && !strings.Contains(value, "!") {
			values[name] = value
		}
	}
}

// harmless reports whether a value can neither load nor run anything. It may
// point to a name within the drawing.
func harmless(value string) bool {
	v := strings.ToLower(value)
	for _, bad := range []string{"javascript:", "vbscript:", "data:", "http:", "https:", "//", "expression", "import", "var(", "image(", "src(", "attr(", "\\", "<", ">"} {
		if strings.Contains(v, bad) {
			return false
		}
	}
	rest, points := v, false
	for {
		i := strings.Index(rest, "url")
		if i < 0 {
			return !points || len(v) < 200
		}
		points = true
		inner, after, closed := strings.Cut(rest[i+3:], ")")
		if !closed || !local(inner) {
			return false
		}
		rest = after
	}
}

// local reports whether the inside of url(…) is a name within the drawing.
func local(inner string) bool {
	name, opened := strings.CutPrefix(strings.TrimSpace(inner), "(")
	name = strings.Trim(strings.TrimSpace(name), `"'`)
	name, named := strings.CutPrefix(name, "#")
	return opened && named && name != "" && !strings.ContainsAny(name, "#:/?&%() \t\r\n\"'")
}

// escape writes text so that it is nothing but text.
func (c *cleaner) escape(s string) error {
	if err := xml.EscapeText(&c.out, []byte(s)); err != nil {
		return unfit(lang.Mark("this is not a drawing that can be read"), err)
	}
	return nil
}
