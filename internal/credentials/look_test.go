// SPDX-License-Identifier: Apache-2.0

package credentials_test

import (
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

// TestAWrongPINIsLikeAnUnknownOne: neither the answer nor the work that it takes
// tells whether a PIN is nobody's, somebody's at another opening, or somebody's
// who may not open here. Time is not measured: what is done is counted.
func TestAWrongPINIsLikeAnUnknownOne(t *testing.T) {
	h := newHouse(t)
	h.pin("ana", "case-1")
	elsewhere := h.pin("duarte", "case-2").Secret
	foreign := h.pin("bob", "porto-case").Secret
	nobodys := "0000"
	looks := h.CountLooks()
	type effort struct {
		refused sashlock.Reason
		why     string
		looks   int
		entries int64
		kinds   sashlock.EventKind
	}
	tries := map[string]effort{}
	for name, pin := range map[string]string{"nobody's": nobodys, "another opening's": elsewhere, "another store's": foreign} {
		before, size := *looks, h.Store.Size()
		out := h.present("case-1", code(pin))
		events, err := h.Store.Events(t.Context(), store.EventQuery{From: size, Limit: 10})
		h.Must(err)
		if len(events) != 1 {
			t.Fatalf("%s: %d entries", name, len(events))
		}
		tries[name] = effort{out.Refused, out.Why, *looks - before, h.Store.Size() - size, events[0].Kind}
	}
	for name, one := range tries {
		if one != tries["nobody's"] || one.looks != 1 || one.refused != sashlock.UnknownCredential {
			t.Errorf("%s: %+v, and %+v for one that is nobody's", name, one, tries["nobody's"])
		}
	}
}
