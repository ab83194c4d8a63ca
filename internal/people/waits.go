// SPDX-License-Identifier: Apache-2.0

package people

import (
	"context"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of roles that wait for a second operator are:
//
//   - What a list says of somebody is done, but for a role that opens what is
//     worth most: nobody gets that by a list alone where such changes wait.
//   - All of them together are one change to confirm, however long the list.
//   - The list says so before it is applied. Whoever applies it lets them wait;
//     a list that comes again the next night finds them waiting.

// Joining is somebody who is to have roles that wait for a second operator.
type Joining struct {
	Slug  string   `json:"slug"`
	Roles []string `json:"roles"`
}

// RolesThatWait asks which roles nobody gets on the word of one operator: it is
// for [Options].
func RolesThatWait(ctx context.Context, hall *flow.Hall, by sashlock.OperatorID) (map[sashlock.RoleID]bool, error) {
	var wait map[sashlock.RoleID]bool
	_, err := hall.Act(ctx, func(tx *store.Tx, b *flow.Book) error {
		wait = make(map[sashlock.RoleID]bool) // it may be called again
		for r := range b.Roles {
			anybody := sashlock.Person{ID: "new", Roles: []sashlock.RoleID{r}}
			_, err := hall.Foresee(tx, by, flow.Edit{Access: access.Change{Put: access.Facts{People: []sashlock.Person{anybody}}}})
			if sashlock.IsKind(err, sashlock.Denied) {
				wait[r] = true
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	return wait, err
}

// Joinings are the roles that an edit would give people who do not have them.
func Joinings(b *flow.Book, e flow.Edit) (all []Joining) {
	for _, p := range e.Access.Put.People {
		j := Joining{Slug: p.Slug}
		for _, r := range p.Roles {
			if !slices.Contains(b.People[p.ID].Roles, r) {
				j.Roles = append(j.Roles, b.Roles[r].Slug)
			}
		}
		if len(j.Roles) > 0 {
			all = append(all, j)
		}
	}
	return all
}

// setAside takes the roles out of what a list gives somebody that wait, and
// returns them.
func (p *planner) setAside(had []sashlock.RoleID, e *Entry) (aside []sashlock.RoleID) {
	e.Roles = slices.DeleteFunc(e.Roles, func(r sashlock.RoleID) bool {
		waits := p.waits[r] && !slices.Contains(had, r)
		if waits {
			aside = append(aside, r)
		}
		return waits
	})
	return aside
}

// await notes that somebody is to have roles later.
func (p *planner) await(slug string, aside []sashlock.RoleID) {
	if len(aside) == 0 {
		return
	}
	j := Joining{Slug: slug}
	for _, r := range aside {
		j.Roles = append(j.Roles, p.roles[r])
		p.joining[r]++
	}
	slices.Sort(j.Roles)
	p.plan.Waiting = append(p.plan.Waiting, j)
}

// tellWaiting says in the notes of a plan what waits.
func (p *planner) tellWaiting() {
	for _, r := range p.staff.Roles {
		if n := p.joining[r.ID]; n > 0 {
			p.list.Note(0, p.list.head[rolesColumn],
				lang.Say("%d people are to have the role %q, which opens what is of high value", n, r.Slug),
				lang.Say("they get it when a second operator has confirmed it: once for all of them, under waiting changes"))
		}
	}
}
