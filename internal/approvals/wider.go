// SPDX-License-Identifier: Apache-2.0

package approvals

import (
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
)

// Change is the declared form of a change that gives more of what is worth most
// by another way than a grant: objects as they are to be, and who is to join
// which roles.
type Change struct {
	estate.File
	Joins []Join `json:"joins,omitempty"`
}

// Join is somebody who is to have more roles, and keeps those they have.
type Join struct {
	Person string   `json:"person"` // slug
	Roles  []string `json:"roles"`  // slugs
}

// unheard begins what stands for the identifier of something new.
const unheard = "new_"

// Edit is the change as it would be carried out, for comparing it with what is
// declared. What is wrong with it is not looked at: saving it does.
func (c Change) Edit(b *flow.Book) flow.Edit {
	known := find(b)
	named := func(k estate.Kind, ref string) string {
		if id := known(k, ref); id != "" {
			return id
		}
		return unheard + ref
	}
	var e flow.Edit
	put := &e.Access.Put
	for _, d := range c.Sites {
		s, _ := d.Resolve(named)
		s.ID = sashlock.SiteID(named(estate.Sites, d.Slug))
		put.Sites = append(put.Sites, s)
	}
	for _, d := range c.Areas {
		a, _ := d.Resolve(named)
		a.ID = sashlock.AreaID(named(estate.Areas, d.Ref()))
		put.Areas = append(put.Areas, a)
	}
	for _, d := range c.Openings {
		o, _ := d.Resolve(named)
		o.ID = sashlock.OpeningID(named(estate.Openings, d.Slug))
		put.Openings = append(put.Openings, o)
	}
	for _, d := range c.Schedules {
		s, _ := d.Resolve(named)
		s.ID = sashlock.ScheduleID(named(estate.Schedules, d.Slug))
		put.Schedules = append(put.Schedules, s)
	}
	for _, d := range c.People {
		p, _ := d.Resolve(named)
		p.ID = sashlock.PersonID(named(estate.People, d.Slug))
		put.People = append(put.People, p)
	}
	for _, j := range c.Joins {
		p := sashlock.Person{ID: sashlock.PersonID(unheard + j.Person)} // nobody, so that every role is joined
		for _, r := range j.Roles {
			p.Roles = append(p.Roles, sashlock.RoleID(named(estate.Roles, r)))
		}
		put.People = append(put.People, p)
	}
	return e
}
