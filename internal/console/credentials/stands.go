// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/codes"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// stands tells in which locks a PIN stands, of those that an operator sees.
func (p pages) stands(q store.Query, who signin.Operator, id sashlock.CredentialID, zone *time.Location) (all []stand, err error) {
	book := p.Hall.Book()
	places, err := codes.Places(q, id)
	for _, one := range places {
		o := book.Openings[book.Devices[one.Device].Opening]
		if !who.Sees(o.Site, o.Area) {
			continue
		}
		s := stand{Device: one.Device, Name: o.Name, Slot: one.Slot.Number, Since: one.Slot.Since.In(zone), Tone: "calm", Words: lang.Mark("in force since")}
		switch {
		case s.Slot == 0 && one.Wait.Refused():
			s.Since, s.Why, s.Tone, s.Words = one.Wait.Since.In(zone), one.Wait.Why, "act", lang.Mark("refused since")
		case s.Slot == 0:
			s.Since, s.Why, s.Tone, s.Words = one.Wait.Since.In(zone), one.Wait.Why, "order", lang.Mark("pending since")
		case !one.Slot.Going.IsZero():
			s.Since, s.Tone, s.Words = one.Slot.Going.In(zone), "act", lang.Mark("has to go, since")
		case !one.Slot.Sure:
			continue // it is among what is waited for
		}
		all = append(all, s)
	}
	return all, err
}
