// SPDX-License-Identifier: Apache-2.0

package planner_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/plans"
	"github.com/sashlock/sashlock/internal/signin"
)

// two are two people who opened the editor of one plan at the same time.
type two struct {
	*consoletest.Counter
	t            *testing.T
	mine, theirs url.Values
}

// drawn is a plan that both of them look at: two outlines, two cameras.
func drawn(t *testing.T) *two {
	t.Helper()
	s := &two{Counter: consoletest.New(t).As(signin.Engineer), t: t}
	form := editor(t, s.Counter)
	form.Set("a.watches", "1,1 9,1 9,9")
	form.Set("a.back", "20,20 90,20 90,90")
	add(form, "Entrance", "100", "100")
	add(form, "Till", "200", "200")
	s.sends(form, http.StatusSeeOther)
	s.mine, s.theirs = editor(t, s.Counter), editor(t, s.Counter)
	return s
}

// add fills the first empty row of a form.
func add(form url.Values, name, x, y string) {
	i := slices.Index(form["p.name"], "")
	if i < 0 {
		for _, field := range []string{"p.id", "p.name", "p.x", "p.y", "p.direction"} {
			form.Add(field, "")
		}
		i = len(form["p.name"]) - 1
	}
	form["p.name"][i], form["p.x"][i], form["p.y"][i] = name, x, y
}

// set changes a field of the camera of a name; an empty name removes it.
func set(form url.Values, name, field, to string) {
	form[field][slices.Index(form["p.name"], name)] = to
}

func (s *two) sends(form url.Values, want int) string {
	s.t.Helper()
	status, _, page := s.Post("/plan?site=lisbon", form)
	if status != want {
		s.t.Fatalf("%d, not %d: %.3000s", status, want, consoletest.Words(page))
	}
	return page
}

// stand are the cameras by name, with where they are, and the outlines.
func (s *two) stand() (cameras map[string]int, outlines map[string]int) {
	cameras, outlines = map[string]int{}, map[string]int{}
	p := planOf(s.Counter, s.t)
	for _, at := range p.Places {
		cameras[at.Name] = at.X
	}
	for _, o := range p.Outlines {
		outlines[s.Hall.Book().Areas[o.Area].Slug] = o.Points[len(o.Points)-1].X
	}
	return cameras, outlines
}

func (s *two) stands(cameras, outlines map[string]int) {
	s.t.Helper()
	hasCameras, hasOutlines := s.stand()
	if diff := cmp.Diff(cameras, hasCameras); diff != "" {
		s.t.Errorf("cameras:\n%s", diff)
	}
	if diff := cmp.Diff(outlines, hasOutlines); diff != "" {
		s.t.Errorf("outlines:\n%s", diff)
	}
}

func TestWhatOnlyOneChangedIsJoined(t *testing.T) {
	s := drawn(t)
	set(s.theirs, "Entrance", "p.x", "111")
	add(s.theirs, "Theirs", "300", "300")
	s.theirs.Set("a.watches", "1,1 9,1 11,11")
	s.theirs.Set("o.case-1.x", "333")
	s.sends(s.theirs, http.StatusSeeOther)

	set(s.mine, "Till", "p.name", "") // taken away
	add(s.mine, "Mine", "400", "400")
	s.mine.Set("a.back", "20,20 90,20 95,95")
	s.mine.Set("o.case-2.x", "444")
	s.sends(s.mine, http.StatusSeeOther)

	s.stands(map[string]int{"Entrance": 111, "Theirs": 300, "Mine": 400}, map[string]int{"watches": 11, "back": 95})
	book := s.Hall.Book()
	if one, two := book.Openings[s.Opening("case-1")].Plan.X, book.Openings[s.Opening("case-2")].Plan.X; one != 333 || two != 444 {
		t.Errorf("the cases are at %d and %d", one, two)
	}
	saved := count(s.Counter, t, sashlock.PlanSaved)
	s.sends(s.mine, http.StatusSeeOther) // the button was pressed twice
	s.stands(map[string]int{"Entrance": 111, "Theirs": 300, "Mine": 400}, map[string]int{"watches": 11, "back": 95})
	if n := count(s.Counter, t, sashlock.PlanSaved); n != saved {
		t.Error("pressing twice saved twice")
	}
}

func TestWhatBothChangedIsChosen(t *testing.T) {
	for name, test := range map[string]struct {
		theirs []string // that the second one takes over
		want   int
	}{
		"mine":   {nil, 555},
		"theirs": {[]string{"p.camera-1", "p.camera-2", "a.watches", "o.case-1"}, 111},
	} {
		t.Run(name, func(t *testing.T) {
			s := drawn(t)
			set(s.theirs, "Entrance", "p.x", "111")
			set(s.theirs, "Till", "p.x", "111")
			s.theirs.Set("a.watches", "1,1 9,1 111,111")
			s.theirs.Set("o.case-1.x", "111")
			s.sends(s.theirs, http.StatusSeeOther)

			set(s.mine, "Entrance", "p.x", "555")
			set(s.mine, "Till", "p.name", "")
			s.mine.Set("a.watches", "1,1 9,1 555,555")
			s.mine.Set("o.case-1.x", "555")
			s.mine.Set("a.back", "20,20 90,20 95,95")
			page := s.sends(s.mine, http.StatusConflict)
			s.Sees(page, "You both changed", "Entrance · 111,100", "Entrance · 555,100", "Till · 111,200", "not on the plan", "111,111", "555,555")
			s.stands(map[string]int{"Entrance": 111, "Till": 111}, map[string]int{"watches": 111, "back": 90})

			again := formOf(t, page)
			again["theirs"] = test.theirs
			s.sends(again, http.StatusSeeOther)
			cameras := map[string]int{"Entrance": test.want}
			if name == "theirs" {
				cameras["Till"] = 111
			}
			s.stands(cameras, map[string]int{"watches": test.want, "back": 95})
			if x := s.Hall.Book().Openings[s.Opening("case-1")].Plan.X; x != test.want {
				t.Errorf("case 1 is at %d", x)
			}
		})
	}
}

// A third one saves between the conflict and the choice: what was chosen was
// something else.
func TestAThirdOneIsAskedAboutToo(t *testing.T) {
	s := drawn(t)
	third := editor(t, s.Counter)
	set(s.theirs, "Entrance", "p.x", "111")
	s.sends(s.theirs, http.StatusSeeOther)
	set(s.mine, "Entrance", "p.x", "555")
	page := s.sends(s.mine, http.StatusConflict)
	set(third, "Entrance", "p.x", "777")
	third["theirs"] = nil
	s.sends(formOf(t, s.sends(third, http.StatusConflict)), http.StatusSeeOther)
	again := formOf(t, page)
	again["theirs"] = []string{"p.camera-1"}
	s.Sees(s.sends(again, http.StatusConflict), "Entrance · 777,100", "Entrance · 555,100")
}

func TestFormsWithoutWhatTheyBeganWith(t *testing.T) {
	s := drawn(t)
	set(s.theirs, "Entrance", "p.x", "111")
	s.theirs.Set("a.watches", "1,1 9,1 111,111")
	s.sends(s.theirs, http.StatusSeeOther)
	for _, bad := range []string{"", "{", `[{"ID":5}]`, "[" + strings.Repeat(`{"ID":"x"},`, plans.MaxPlaces) + `{"ID":"x"}]`} {
		s.mine.Set("places.was", bad)
		s.mine.Del("a.watches.was")
		page := s.sends(s.mine, http.StatusConflict)
		s.Sees(page, "Entrance · 111,100", "Entrance · 100,100", "111,111")
	}
	s.stands(map[string]int{"Entrance": 111, "Till": 200}, map[string]int{"watches": 111, "back": 90})
}
