// SPDX-License-Identifier: Apache-2.0

package now

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/plans"
)

// ground is what the openings stand on: the plan that somebody drew, or rooms
// drawn around the openings.
type ground struct {
	Ratio   int    // height in thousandths of the width
	Picture string // its address; empty: none
	Rooms   []console.Room
	Shapes  []shape
	Places  []plans.Place
}

// shape is the outline of an area, in units of the drawing.
type shape struct {
	Name, Points string
	X, Y         int // where its name goes, in thousandths
}

// margin is the space below the plan for the names of what stands at its edge.
const margin = 14

// lay puts the ground together.
func (b *board) lay(book *flow.Book, p plans.Plan, spots []console.Spot) {
	p = p.Shown(book.Areas)
	b.Ground = ground{Ratio: p.Ratio, Picture: p.Picture, Places: p.Places}
	if len(p.Outlines) == 0 && p.Picture == "" {
		b.Ground.Rooms = console.Rooms(spots)
		return
	}
	for _, o := range p.Outlines {
		at := o.Center()
		b.Ground.Shapes = append(b.Ground.Shapes, shape{Name: book.Areas[o.Area].Name, Points: b.Ground.points(o.Points), X: at.X, Y: at.Y})
	}
}

// y turns thousandths of the plan's height into units of the drawing, which is
// 1000 wide.
func (g ground) y(thousandths int) string {
	return fmt.Sprintf("%.1f", float64(thousandths)*float64(g.Ratio)/plans.Side)
}

func (g ground) points(all []sashlock.Place) string {
	var text strings.Builder
	for _, p := range all {
		fmt.Fprintf(&text, "%d,%s ", p.X, g.y(p.Y))
	}
	return strings.TrimSpace(text.String())
}

func (g ground) box() string { return fmt.Sprintf("0 0 %d %d", plans.Side, g.Ratio+margin) }

// at moves a drawing to a place.
func (g ground) at(x, y int) string { return fmt.Sprintf("translate(%d %s)", x, g.y(y)) }

// turn moves a camera to its place and turns it.
func (g ground) turn(p plans.Place) string {
	return fmt.Sprintf("%s rotate(%d)", g.at(p.X, p.Y), p.Direction)
}

// below is where the name of a room goes: under its upper edge.
func (g ground) below(top int) string {
	return fmt.Sprintf("%.1f", float64(top)*float64(g.Ratio)/plans.Side+22)
}

// placed reports whether somebody has said where an opening is on the plan.
func (p pin) placed() bool { return p.X != 0 || p.Y != 0 }

// unplaced reports whether any opening that is shown has no place.
func (b *board) unplaced() bool {
	return slices.ContainsFunc(b.Pins, func(p pin) bool { return !p.placed() })
}

// drains reports whether a release runs out.
func (p pin) drains() bool { return p.Shown.Word == opening.Unlocked && !p.Shown.Until.IsZero() }

// pathOf is where an event leads: to its decision, or to its opening.
func pathOf(l console.Line) string {
	switch {
	case l.Decision != "":
		return "/decisions/" + url.PathEscape(string(l.Decision))
	case l.Slug != "":
		return "/openings/" + l.Slug
	}
	return ""
}
