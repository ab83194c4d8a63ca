// SPDX-License-Identifier: Apache-2.0

package app

import (
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/cutover"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// newCards joins the rooms into which cards of an older system are brought.
func (h *House) newCards() cutover.Records {
	return cutover.Records{
		Store: h.Store, Hall: h.Hall, Find: func(book *flow.Book) estate.Lookup { return reach.New(book, nil).Find },
		Staff: func(q store.Query) (map[string]sashlock.PersonID, error) {
			staff, err := people.ReadStaff(q)
			by := map[string]sashlock.PersonID{}
			for _, e := range staff.Entries {
				if e.External != "" {
					by[e.External] = e.ID
				}
			}
			return by, err
		},
		Card: func(q store.Query, card wiegand.Bits) (cutover.Held, bool, error) {
			c, known, err := h.Credentials.CardOf(q, card)
			return cutover.Held{Person: c.Person, Lost: !c.Lost.IsZero()}, known, err
		},
		Grant: grants.Find, Join: people.Save, Allow: grants.Save, Give: h.Credentials.GiveCard, Together: h.Credentials.Together,
	}
}
