// SPDX-License-Identifier: Apache-2.0

package asks

import (
	"context"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
)

// widening says what a change is about that gives more of what is worth most by
// another way than a grant: the one object, or how many.
func (row *held) widening(ctx context.Context, f reach.Facts, c approvals.Change) {
	objects := c.Objects() + len(c.Gone) + len(c.Fits)
	switch {
	case len(c.Joins) > 0:
		row.About = lang.N(ctx, len(c.Joins), "%d person joins a role that opens it", "%d people join roles that open it")
	case len(c.Fits) > 0 && len(c.Fits) == objects:
		row.refit(ctx, f, c.Fits)
	case objects != 1:
		row.About = lang.N(ctx, objects, "%d object is changed", "%d objects are changed")
	default:
		row.one(ctx, c)
	}
	if row.State == approvals.Waiting && c.Objects() > 0 {
		row.Differs = console.Difference(yamlOf(declared(f, c.File)), yamlOf(c.File))
	}
}

// one names the object of a change that has only one.
func (row *held) one(ctx context.Context, c approvals.Change) {
	for _, d := range c.People {
		row.About, row.Path = lang.T(ctx, "a person: %s", d.Name), "/people/"+d.Slug
	}
	for _, d := range c.Schedules {
		row.About, row.Path = lang.T(ctx, "a schedule: %s", d.Name), "/access/schedules/"+d.Slug
	}
	for _, d := range c.Openings {
		row.About, row.Path = lang.T(ctx, "an opening: %s", d.Name), "/openings/"+d.Slug
	}
	for _, slug := range c.Gone {
		row.Title, row.About, row.Path = lang.T(ctx, "Removing an opening of high value"), slug, "/openings/"+slug
	}
	for _, d := range c.Areas {
		row.About, row.Path = lang.T(ctx, "an area: %s", d.Name), "/settings/areas/"+d.Ref()
	}
	for _, d := range c.Sites {
		row.About, row.Path = lang.T(ctx, "a site: %s", d.Name), "/settings/sites/"+d.Slug
	}
}

// refit says which devices are to be fitted or taken away: of a replacement, the
// opening where both are.
func (row *held) refit(ctx context.Context, f reach.Facts, fits []approvals.Fit) {
	out := slices.IndexFunc(fits, func(f approvals.Fit) bool { return f.From != "" })
	in := slices.IndexFunc(fits, func(f approvals.Fit) bool { return f.To != "" })
	called := func(slug string) string {
		row.Path = "/openings/" + slug
		return f.Openings[sashlock.OpeningID(f.Find(estate.Openings, slug))].Name
	}
	switch {
	case out >= 0 && in >= 0:
		row.About = lang.T(ctx, "another device takes the place of the one at %s", called(fits[in].To))
	case in >= 0:
		row.About = lang.T(ctx, "another device is fitted at %s", called(fits[in].To))
	case out >= 0:
		row.About = lang.T(ctx, "a device is taken away from %s", called(fits[out].From))
	}
}

// declared are the objects of a change as they are now.
func declared(f reach.Facts, c estate.File) (now estate.File) {
	for _, d := range c.Sites {
		if one, known := f.Sites[sashlock.SiteID(f.Find(estate.Sites, d.Slug))]; known {
			now.Sites = append(now.Sites, estate.FromSite(one, f.Ref))
		}
	}
	for _, d := range c.Areas {
		if one, known := f.Areas[sashlock.AreaID(f.Find(estate.Areas, d.Ref()))]; known {
			now.Areas = append(now.Areas, estate.FromArea(one, f.Ref))
		}
	}
	for _, d := range c.Openings {
		if one, known := f.Openings[sashlock.OpeningID(f.Find(estate.Openings, d.Slug))]; known {
			now.Openings = append(now.Openings, estate.FromOpening(one, f.Ref))
		}
	}
	for _, d := range c.Schedules {
		if one, known := f.Schedules[sashlock.ScheduleID(f.Find(estate.Schedules, d.Slug))]; known {
			now.Schedules = append(now.Schedules, estate.FromSchedule(one))
		}
	}
	for _, d := range c.People {
		if one, known := f.People[sashlock.PersonID(f.Find(estate.People, d.Slug))]; known {
			now.People = append(now.People, estate.FromPerson(one, f.Ref))
		}
	}
	return now
}

func yamlOf(c estate.File) string {
	text, err := estate.Marshal(c)
	if err != nil {
		return ""
	}
	return string(text)
}
