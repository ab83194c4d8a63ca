// SPDX-License-Identifier: Apache-2.0

package codes

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/slots"
	"github.com/sashlock/sashlock/internal/store"
)

// want is a code that has to be in a lock, and until when.
type want struct {
	slots.Want
	person sashlock.PersonID
	until  time.Time
}

// wantsOf lists whose codes have to be in a lock now: those whose owner may open
// it now with nothing but a PIN. What the store node would ask for besides (a
// second person, a better credential, somebody to be there, a shift, a number of
// uses) a lock does not ask for, so such a code is not put into it.
func wantsOf(book *flow.Book, d sashlock.Device, holdings []Holding, now time.Time) (all []want) {
	if d.Opening == "" {
		return nil
	}
	for _, h := range holdings {
		if !h.Good || h.Device != "" && h.Device != d.ID || h.Device == "" && !slices.Contains(h.Places, d.Opening) {
			continue
		}
		until, may := mayNow(book, h, d.Opening, now)
		if !may {
			continue
		}
		w := want{slots.Want{Code: h.ID, Slot: h.Slot}, h.Person, until}
		if h.Device == "" {
			w.Mark = "1 " + strconv.FormatInt(until.Unix(), 10)
		}
		all = append(all, w)
	}
	return all
}

// mayNow reports whether somebody may open an opening now with a PIN alone, and
// until when at most: the end of the grant or of the credential.
func mayNow(book *flow.Book, h Holding, o sashlock.OpeningID, now time.Time) (until time.Time, may bool) {
	q := sashlock.Request{Person: h.Person, Opening: o, At: now, Method: sashlock.ByKeypad, Credential: h.ID, Level: sashlock.AssuranceCode}
	d := book.Decide(q, sashlock.OpeningState{Opening: o}, nil)
	if !d.Granted || d.Grant == "" {
		return time.Time{}, false
	}
	terms := book.Index.TermsOf(d.Grant)
	if terms.Uses > 0 || terms.Lasts > 0 {
		return time.Time{}, false
	}
	until = book.Index.EndOf(d.Grant)
	if until.IsZero() || !h.Until.IsZero() && h.Until.Before(until) {
		until = h.Until
	}
	return until, true
}

// keyOf is what the wants of a lock are, to know when they change.
func keyOf(d sashlock.Device, want []want) string {
	var key strings.Builder
	key.WriteString(string(d.Opening) + " " + d.Gateway + " " + d.Address)
	for _, w := range want {
		key.WriteString("\n" + string(w.Code) + " " + w.Mark + " " + strconv.Itoa(w.Slot))
	}
	return key.String()
}

// leftBehind lists devices that were taken from their opening and still hold
// codes of ours.
func (r *Room) leftBehind(ctx context.Context, book *flow.Book) (all []sashlock.Device, err error) {
	err = r.Store.View(ctx, func(q store.Query) error {
		all, err = store.Rows(q, func(read store.Scan) (d sashlock.Device, err error) {
			return d, read(&d.ID, &d.Gateway, &d.Address)
		}, `SELECT id, gateway, address FROM devices WHERE opening IS NULL AND id IN (SELECT device FROM code_slots WHERE ours = 1)`)
		return err
	})
	for i := range all {
		all[i].Capabilities = []sashlock.Capability{sashlock.HasCodes}
	}
	return slices.DeleteFunc(all, func(d sashlock.Device) bool {
		_, adopted := book.Devices[d.ID]
		return adopted || !r.Locks.WritesCodes(d)
	}), err
}
