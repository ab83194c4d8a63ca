// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"context"
	"maps"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/store"
)

// A map of very many people takes long to copy, and whoever copies it in a
// transaction keeps everybody waiting at their doors. So what belongs to a long
// list, carried out in parts, is laid on top of the map part by part.
// [Hall.Gather] makes the map anew when the list is done, beside the writer; the
// next edit of a person does so otherwise.

// declarePeople applies puts and removals of people; more: an edit of the same
// kind follows.
func (b *Book) declarePeople(c access.Change, more bool) {
	put, gone := c.Put.People, c.Remove.People
	if len(put)+len(gone) == 0 {
		b.People = edited(b.People, nil, nil, personKey)
		return
	}
	if more && len(gone) == 0 {
		b.newer = append(slices.Clip(b.newer), edited(nil, put, nil, personKey))
		return
	}
	b.People = edited(b.People, slices.Concat(b.laid(), put), gone, personKey)
	b.newer = nil
	b.gathered++
}

// laid lists the people that are laid on top of the map, later ones last.
func (b *Book) laid() (all []sashlock.Person) {
	for _, part := range b.newer {
		all = slices.AppendSeq(all, maps.Values(part))
	}
	return all
}

// Gather ends a long list: it makes [Book.People] what the edits with More have
// made of it.
func (h *Hall) Gather(ctx context.Context) error {
	for {
		b := h.Book()
		if len(b.newer) == 0 {
			return nil
		}
		people := edited(b.People, b.laid(), nil, personKey) // what takes long
		_, err := h.store.Do(ctx, func(tx *store.Tx) error {
			if now := h.working; now.gathered == b.gathered {
				next := *now
				next.People, next.newer, next.gathered = people, now.newer[len(b.newer):], now.gathered+1
				h.adopt(tx, &next)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

func personKey(p sashlock.Person) sashlock.PersonID { return p.ID }

// person returns somebody as they are now, also while a long list is carried
// out; for a stranger, nobody.
func (b *Book) person(id sashlock.PersonID) sashlock.Person {
	for _, part := range slices.Backward(b.newer) {
		if p, known := part[id]; known {
			return p
		}
	}
	return b.People[id]
}
