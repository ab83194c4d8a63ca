// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// Together carries out a change that [Room.GiveCard] is a part of, while nobody
// presents anything.
func (r *Room) Together(ctx context.Context, by sashlock.OperatorID, edit func(tx *store.Tx) (flow.Edit, error)) error {
	return r.change(ctx, by, edit)
}

// GiveCard gives somebody a card within a change that does more, and returns what
// is to be recorded. The person may be as new as the change.
func (r *Room) GiveCard(tx *store.Tx, person sashlock.PersonID, label string, card wiegand.Bits, from, until time.Time) ([]sashlock.Event, error) {
	label = strings.TrimSpace(label)
	if err := checkLabel("label", label); err != nil {
		return nil, err
	}
	from, until = from.Truncate(time.Microsecond).UTC(), until.Truncate(time.Microsecond).UTC()
	if err := checkSpan(from, until); err != nil {
		return nil, err
	}
	if wiegand.Known(card.Len(), r.formats...) && len(wiegand.Decode(card, r.formats...)) == 0 {
		return nil, invalid("bits", lang.Mark("the card was misread: present it again"))
	}
	c := Credential{
		Credential: sashlock.Credential{
			ID: sashlock.NewID[sashlock.CredentialID](tx.Now()), Person: person, Kind: sashlock.Card, Label: label, From: from, Until: until, Rev: 1,
		},
		Made: tx.Now(),
	}
	if err := c.write(tx); err != nil {
		return nil, err
	}
	if err := c.known(tx, [][]byte{r.cardMark(card)}); err != nil {
		return nil, err
	}
	return []sashlock.Event{c.saved()}, nil
}
