// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// An opening that somebody set up beside the demo's, with a real lock perhaps, is
// no part of its story: nothing simulated is there to be opened.
func TestTheStoryKeepsToItsOwnOpenings(t *testing.T) {
	s := furnished(t, 1)
	before := len(newStory(s, 1, newPace(1)).cast)
	theirs := sashlock.Opening{ID: "opn_theirs", Slug: "a-real-case", Name: "A real case", Kind: sashlock.Case, Egress: sashlock.EgressNone, ReleaseTime: 5e9}
	for _, o := range s.house.Hall.Book().Openings {
		theirs.Site = o.Site
	}
	_, err := s.house.Hall.Change(t.Context(), flow.Change{Make: func(*store.Tx) (flow.Edit, error) {
		return flow.Edit{Access: access.Change{Put: access.Facts{Openings: []sashlock.Opening{theirs}}}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	cast := newStory(s, 1, newPace(1)).cast
	if len(cast) != before || before < 42 {
		t.Errorf("%d openings were in the story, and are %d", before, len(cast))
	}
	for _, o := range cast {
		if s.world(o.Slug) == nil {
			t.Errorf("%s is in the story, and in no simulated world", o.Slug)
		}
	}
}
