// SPDX-License-Identifier: Apache-2.0

// Package plans keeps the floor plans of sites, and photos of openings.
//
// # What
//
// A [Plan] is a picture of the floor, which need not be there, the outlines of
// areas on it, and where cameras and sensors are. All places are in thousandths
// of the plan's width and height. Where the openings are belongs to them
// (sashlock.Opening.Plan) and is not kept twice. [Clean] and [CleanPhoto] turn
// a picture that somebody uploaded into one that is safe to show.
//
// # How it fits
//
// The console draws the plan and edits it; [Save] and [SavePicture] run inside
// a flow.Change and return what the ledger records. A site that nobody drew a
// plan for has an empty one, on which the console draws the areas by itself.
//
// # Promises
//
// No picture is kept as it came: drawings are written anew from an allow-list
// of elements, photos are decoded and encoded again, so that nothing hidden in
// them survives. What is too large is refused before it is decoded. A revision
// other than the one the caller saw is a conflict and changes nothing.
package plans

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The limits of a plan.
const (
	Side         = 1000 // both sides of a plan, in the units of its places
	MaxOutlines  = 200
	MaxPoints    = 64 // of one outline
	MaxPlaces    = 500
	DefaultRatio = 620 // height of a plan without a picture, in thousandths of its width
)

// Plan is the floor plan of a site.
type Plan struct {
	Site     sashlock.SiteID
	Picture  string // where the picture is served, "/pictures/site_…?v=3"; empty: there is none
	Ratio    int    // height in thousandths of the width
	Outlines []Outline
	Places   []Place
	Rev      int64 // 0: nobody has drawn one
}

// Outline is the shape of an area: a closed line through its points.
type Outline struct {
	Area   sashlock.AreaID  `json:"area"`
	Points []sashlock.Place `json:"points"`
}

// Center is the middle of the box around its points.
func (o Outline) Center() sashlock.Place {
	low, high := sashlock.Place{X: Side, Y: Side}, sashlock.Place{}
	for _, p := range o.Points {
		low.X, low.Y = min(low.X, p.X), min(low.Y, p.Y)
		high.X, high.Y = max(high.X, p.X), max(high.Y, p.Y)
	}
	return sashlock.Place{X: (low.X + high.X) / 2, Y: (low.Y + high.Y) / 2}
}

// Corner is the point that its name is written beside: of the highest ones the
// one on the left.
func (o Outline) Corner() sashlock.Place {
	corner := sashlock.Place{X: Side, Y: Side}
	for _, p := range o.Points {
		if p.Y < corner.Y || p.Y == corner.Y && p.X < corner.X {
			corner = p
		}
	}
	return corner
}

// PlaceKind is what stands at a place that is no opening.
type PlaceKind string

// The kinds of place.
const (
	Camera PlaceKind = "camera"
	Sensor PlaceKind = "sensor"
)

// Place is where a camera or a sensor is.
type Place struct {
	ID        string    `json:"id"` // unique within the plan: a slug
	Kind      PlaceKind `json:"kind"`
	Name      string    `json:"name"`
	X         int       `json:"x"`
	Y         int       `json:"y"`
	Direction int       `json:"direction"` // where a camera looks: degrees clockwise from the top of the plan
}

// body is what the table holds of a plan.
type body struct {
	Outlines []Outline `json:"outlines"`
	Places   []Place   `json:"places"`
}

// Find returns the plan of a site; for a site that has none, an empty one of
// the usual shape.
func Find(q store.Query, site sashlock.SiteID) (Plan, error) {
	p := Plan{Site: site, Ratio: DefaultRatio}
	read := func(scan store.Scan) (p Plan, err error) {
		var text string
		if err := scan(&text, &p.Rev); err != nil {
			return p, err
		}
		var b body
		err = json.Unmarshal([]byte(text), &b)
		p.Outlines, p.Places = b.Outlines, b.Places
		return p, err
	}
	found, err := store.Rows(q, read, `SELECT body, rev FROM plans WHERE site = ?`, site)
	if err != nil {
		return p, err
	}
	if len(found) > 0 {
		p.Outlines, p.Places, p.Rev = found[0].Outlines, found[0].Places, found[0].Rev
	}
	picture, known, err := look(q, string(site))
	if known {
		p.Picture, p.Ratio = picture.Address(), picture.ratio()
	}
	return p, err
}

// Save keeps the outlines and places of a site's plan. The revision is the one
// that the caller saw: 0 for a plan that nobody had drawn. Its picture and its
// ratio are not changed: see [SavePicture].
//
// The error for a revision that is no longer the stored one wraps
// store.ErrChanged.
func Save(tx *store.Tx, p Plan, rev int64) (flow.Edit, error) {
	old, err := Find(tx, p.Site)
	if err != nil {
		return flow.Edit{}, err
	}
	if old.Rev != rev {
		return flow.Edit{}, &sashlock.Error{
			Kind: sashlock.Conflict, Op: "saving plan", Subject: string(p.Site), Hint: lang.Mark("somebody changed the plan meanwhile: look at it again"), Err: store.ErrChanged,
		}
	}
	if err := p.check(tx); err != nil {
		return flow.Edit{}, err
	}
	text, err := json.Marshal(body{p.Outlines, p.Places})
	if err != nil {
		return flow.Edit{}, err
	}
	if old.Rev > 0 && p.same(old) {
		return flow.Edit{}, nil
	}
	err = tx.Put("plans", "site", store.Fields{"site": p.Site, "body": string(text), "rev": rev + 1})
	return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.PlanSaved, Site: p.Site, Subject: string(p.Site), Data: text}}}, err
}

// same reports whether two plans have the same outlines and places.
func (p Plan) same(other Plan) bool {
	return slices.Equal(p.Places, other.Places) && slices.EqualFunc(p.Outlines, other.Outlines, func(a, b Outline) bool {
		return a.Area == b.Area && slices.Equal(a.Points, b.Points)
	})
}

func wrong(field, fix string) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "saving plan", Subject: field, Hint: fix}
}

// check says what is wrong with a plan.
func (p Plan) check(q store.Query) error {
	areas, err := store.Rows(q, func(scan store.Scan) (id sashlock.AreaID, err error) { return id, scan(&id) }, `SELECT id FROM areas WHERE site = ?`, p.Site)
	if err != nil {
		return err
	}
	if len(p.Outlines) > MaxOutlines || len(p.Places) > MaxPlaces {
		return wrong("plan", lang.Mark("draw at most 200 areas, 500 cameras and sensors"))
	}
	drawn := map[sashlock.AreaID]bool{}
	for _, o := range p.Outlines {
		switch {
		case !slices.Contains(areas, o.Area):
			return wrong("area", lang.Mark("this area is not, or no longer, one of the site"))
		case drawn[o.Area]:
			return wrong("area", lang.Mark("an area has one outline"))
		case len(o.Points) < 3 || len(o.Points) > MaxPoints:
			return wrong("outline", lang.Mark("an outline has 3 to 64 points"))
		case slices.ContainsFunc(o.Points, func(at sashlock.Place) bool { return !onPlan(at.X, at.Y) }):
			return wrong("outline", lang.Mark("a point is beyond the plan: 0 to 1000 lie on it"))
		}
		drawn[o.Area] = true
	}
	return p.checkPlaces()
}

func (p Plan) checkPlaces() error {
	named := map[string]bool{}
	for _, at := range p.Places {
		fix := sashlock.CheckName(at.Name)
		switch {
		case !sashlock.ValidSlug(at.ID) || named[at.ID]:
			return wrong("id", lang.Mark("give each camera and sensor a short name of its own, of a-z, 0-9 and hyphens"))
		case at.Kind != Camera && at.Kind != Sensor:
			return wrong("kind", lang.Mark("it is a camera or a sensor"))
		case fix != "":
			return wrong("name", fix)
		case !onPlan(at.X, at.Y):
			return wrong("place", lang.Mark("this is beyond the plan: 0 to 1000 lie on it"))
		case at.Direction < 0 || at.Direction > 359:
			return wrong("direction", lang.Mark("give degrees, 0 to 359"))
		}
		named[at.ID] = true
	}
	return nil
}

func onPlan(x, y int) bool { return x >= 0 && x <= Side && y >= 0 && y <= Side }

// Shown is the plan as it can be drawn: without the outlines of areas that are
// no longer there, in a fixed order.
func (p Plan) Shown(areas map[sashlock.AreaID]sashlock.Area) Plan {
	p.Outlines = slices.DeleteFunc(slices.Clone(p.Outlines), func(o Outline) bool { return areas[o.Area].Site != p.Site })
	p.Places = slices.Clone(p.Places)
	slices.SortFunc(p.Outlines, func(a, b Outline) int { return cmp.Compare(a.Area, b.Area) })
	slices.SortFunc(p.Places, func(a, b Place) int { return cmp.Compare(a.ID, b.ID) })
	return p
}
