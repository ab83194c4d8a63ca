// SPDX-License-Identifier: Apache-2.0

package approvals

import (
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
)

// Change is the declared form of a change that gives more of what is worth most
// by another way than a grant, or guards it less: objects as they are to be, who
// is to join which roles, which openings are to go and which devices are to be
// fitted elsewhere.
type Change struct {
	estate.File
	Joins []Join   `json:"joins,omitempty"`
	Gone  []string `json:"gone,omitempty"` // openings, by slug
	Fits  []Fit    `json:"fits,omitempty"`
}

// Empty reports whether the change changes nothing.
func (c Change) Empty() bool {
	return c.Objects() == 0 && len(c.Joins)+len(c.Gone)+len(c.Fits) == 0
}

// Objects counts the objects that are to be otherwise.
func (c Change) Objects() int {
	return len(c.Sites) + len(c.Areas) + len(c.Openings) + len(c.Schedules) + len(c.People)
}

// Fit is a device that is to come from one opening to another; empty: from or
// into the inbox.
type Fit struct {
	Device sashlock.DeviceID `json:"device"`
	From   string            `json:"from,omitempty"` // slug
	To     string            `json:"to,omitempty"`   // slug
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
	for _, slug := range c.Gone {
		e.Access.Remove.Openings = append(e.Access.Remove.Openings, sashlock.OpeningID(named(estate.Openings, slug)))
	}
	for _, f := range c.Fits {
		d, known := b.Devices[f.Device]
		if d.ID = f.Device; !known { // what is not fitted anywhere could be of any sort
			d.Capabilities = []sashlock.Capability{sashlock.CanUnlock, sashlock.TellsLock, sashlock.TellsPosition, sashlock.TellsPresence}
		}
		if d.Opening = ""; f.To != "" {
			d.Opening = sashlock.OpeningID(named(estate.Openings, f.To))
		}
		e.Fitted = append(e.Fitted, d)
	}
	return e
}
