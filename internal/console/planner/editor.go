// SPDX-License-Identifier: Apache-2.0

package planner

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/plans"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// editor is what the page shows: the plan as it is stored, or as somebody sent
// it and it could not be kept.
type editor struct {
	Site     sashlock.Site
	Rev      int64 // of the plan
	Picture  string
	Ratio    int
	Areas    []areaRow
	Openings []openingRow
	Places   []placeRow
	Was      string         // the cameras and sensors that the form began with, as JSON
	Rooms    []console.Room // how areas without an outline are drawn
	YAML     string
	Saved    bool
	Left     string            // what was left out of the drawing just uploaded
	Wrong    map[string]string // what is wrong, by field
	Both     []both            // what somebody else changed meanwhile
}

// areaRow is an area with its outline as numbers.
type areaRow struct {
	ID, Slug, Name, Points string
	Was                    string // the outline that the form began with
}

// openingRow is an opening with its place as numbers; empty: it has none.
type openingRow struct {
	Slug, Name, Kind, Area, X, Y string
	Was                          string // the place that the form began with
	Photo                        int64  // revision; 0: none
}

// placeRow is a camera or a sensor; one without a name is an empty row.
type placeRow struct {
	ID, Kind, Name, X, Y, Direction string
}

// both is something that two people changed.
type both struct {
	Key                string // its field: "o.case-1", "a.watches", "p.camera-1"
	What, Theirs, Mine string
}

// read puts the editor together from what is stored.
func (p pages) read(q store.Query, site sashlock.Site) (*editor, error) {
	e := &editor{Site: site, Wrong: map[string]string{}}
	plan, err := plans.Find(q, site.ID)
	if err != nil {
		return nil, err
	}
	photos, err := plans.Photos(q)
	if err != nil {
		return nil, err
	}
	areas, err := sites.ListAreas(q)
	if err != nil {
		return nil, err
	}
	openings, err := sites.ListOpenings(q)
	if err != nil {
		return nil, err
	}
	e.Rev, e.Picture, e.Ratio = plan.Rev, plan.Picture, plan.Ratio
	names := map[sashlock.AreaID]sashlock.Area{}
	for _, a := range areas {
		names[a.ID] = a
		if a.Site == site.ID {
			e.Areas = append(e.Areas, areaRow{ID: string(a.ID), Slug: a.Slug, Name: a.Name})
		}
	}
	slices.SortFunc(e.Areas, func(a, b areaRow) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug)) })
	e.Openings = openingRows(site.ID, openings, names, photos)
	plan = plan.Shown(names)
	for _, o := range plan.Outlines {
		i := slices.IndexFunc(e.Areas, func(a areaRow) bool { return a.ID == string(o.Area) })
		e.Areas[i].Points = pointsText(o.Points)
		e.Areas[i].Was = e.Areas[i].Points
	}
	for _, at := range plan.Places {
		e.Places = append(e.Places, placeRow{at.ID, string(at.Kind), at.Name, strconv.Itoa(at.X), strconv.Itoa(at.Y), strconv.Itoa(at.Direction)})
	}
	if e.Was, err = placesText(e.Places); err != nil {
		return nil, err
	}
	e.draw()
	e.YAML, err = yamlOf(site, openings, names)
	return e, err
}

func openingRows(site sashlock.SiteID, all []sashlock.Opening, names map[sashlock.AreaID]sashlock.Area, photos map[sashlock.OpeningID]int64) []openingRow {
	var rows []openingRow
	for _, o := range all {
		if o.Site != site {
			continue
		}
		row := openingRow{Slug: o.Slug, Name: o.Name, Kind: string(o.Kind), Area: names[o.Area].Name, Was: placeText(o.Plan), Photo: photos[o.ID]}
		if o.Plan != (sashlock.Place{}) {
			row.X, row.Y = strconv.Itoa(o.Plan.X), strconv.Itoa(o.Plan.Y)
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b openingRow) int {
		return cmp.Or(cmp.Compare(a.Area, b.Area), console.CompareNames(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug))
	})
	return rows
}

// draw works out the shapes of the areas that nobody outlined.
func (e *editor) draw() {
	outlined := map[string]bool{}
	for _, a := range e.Areas {
		outlined[a.Name] = a.Points != ""
	}
	var spots []console.Spot
	for _, o := range e.Openings {
		x, y, ok := numbers(o.X, o.Y)
		if ok && o.Area != "" && (x != 0 || y != 0) {
			spots = append(spots, console.Spot{Area: o.Area, Name: o.Area, X: x, Y: y, Door: o.Kind == string(sashlock.Door)})
		}
	}
	e.Rooms = slices.DeleteFunc(console.Rooms(spots), func(r console.Room) bool { return outlined[r.Name] })
}

// yamlOf is the openings of a site as a file of the estate has them.
func yamlOf(site sashlock.Site, all []sashlock.Opening, names map[sashlock.AreaID]sashlock.Area) (string, error) {
	var f estate.File
	for _, o := range all {
		if o.Site == site.ID {
			f.Openings = append(f.Openings, estate.FromOpening(o, naming(site, names)))
		}
	}
	if len(f.Openings) == 0 {
		return "", nil
	}
	text, err := estate.Marshal(f)
	return string(text), err
}

// naming says how the objects of a site are referred to.
func naming(site sashlock.Site, names map[sashlock.AreaID]sashlock.Area) estate.Naming {
	return func(k estate.Kind, id string) string {
		switch k {
		case estate.Sites:
			return site.Slug
		case estate.Areas:
			return site.Slug + "/" + names[sashlock.AreaID(id)].Slug
		}
		return id
	}
}

// placeText is a place as the form has it; empty: it is not on the plan.
func placeText(at sashlock.Place) string {
	if at == (sashlock.Place{}) {
		return ""
	}
	return fmt.Sprintf("%d,%d", at.X, at.Y)
}

func pointsText(points []sashlock.Place) string {
	text := make([]string, len(points))
	for i, at := range points {
		text[i] = fmt.Sprintf("%d,%d", at.X, at.Y)
	}
	return strings.Join(text, " ")
}

// parsePoints reads the outline of an area: "40,40 300,40 300,200".
func parsePoints(text string) (points []sashlock.Place, ok bool) {
	for _, one := range strings.Fields(text) {
		a, b, found := strings.Cut(one, ",")
		x, y, fine := numbers(a, b)
		if !found || !fine || len(points) == plans.MaxPoints {
			return nil, false
		}
		points = append(points, sashlock.Place{X: x, Y: y})
	}
	return points, len(points) == 0 || len(points) >= 3
}

// numbers reads a place in thousandths.
func numbers(a, b string) (x, y int, ok bool) {
	x, errX := strconv.Atoi(strings.TrimSpace(a))
	y, errY := strconv.Atoi(strings.TrimSpace(b))
	return x, y, errX == nil && errY == nil && x >= 0 && x <= plans.Side && y >= 0 && y <= plans.Side
}

// height is that of the drawing, whose width is 1000.
func (e *editor) height() int { return e.Ratio }

// down turns thousandths of the height into units of the drawing.
func (e *editor) down(y int) string {
	return strconv.FormatFloat(float64(y)*float64(e.Ratio)/1000, 'f', 1, 64)
}

// shape is the outline of an area in units of the drawing.
func (e *editor) shape(a areaRow) string {
	points, _ := parsePoints(a.Points)
	text := make([]string, len(points))
	for i, at := range points {
		text[i] = strconv.Itoa(at.X) + "," + e.down(at.Y)
	}
	return strings.Join(text, " ")
}

// corner is where the name of an area stands.
func (e *editor) corner(a areaRow) sashlock.Place {
	points, _ := parsePoints(a.Points)
	return plans.Outline{Points: points}.Corner()
}

// at reads a place; not ok: it has none, or nothing that can be drawn.
func at(x, y string) (place sashlock.Place, ok bool) {
	px, py, ok := numbers(x, y)
	return sashlock.Place{X: px, Y: py}, ok && (px != 0 || py != 0)
}

// move is the transform of a pin.
func (e *editor) move(place sashlock.Place) string {
	return fmt.Sprintf("translate(%d %s)", place.X, e.down(place.Y))
}

// rows of the form that are for new cameras and sensors without the script.
func (e *editor) spare() []placeRow { return []placeRow{{Kind: "camera"}, {Kind: "sensor"}} }

// first returns a field of a form.
func first(form url.Values, name string) string { return strings.TrimSpace(form.Get(name)) }

// words say how one of the two has it.
func (b both) words(ctx context.Context, text string) string {
	kind, rest, is := strings.Cut(text, " · ")
	switch {
	case text == "":
		return lang.T(ctx, "not on the plan")
	case !is || !strings.HasPrefix(b.Key, "p."):
		return text
	case plans.PlaceKind(kind) == plans.Camera:
		return lang.T(ctx, "Camera") + " · " + rest
	}
	return lang.T(ctx, "Sensor") + " · " + rest
}

// turn is where a camera looks, in degrees; 0 for what is no number.
func (row placeRow) turn() string {
	degrees, err := strconv.Atoi(row.Direction)
	if err != nil {
		degrees = 0
	}
	return strconv.Itoa(degrees)
}
