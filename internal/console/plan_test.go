// SPDX-License-Identifier: Apache-2.0

package console

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestRoomsHoldTheirOpenings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spots := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Spot {
			return Spot{
				Area: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "area"), Door: rapid.Bool().Draw(t, "door"),
				X: rapid.IntRange(0, 1000).Draw(t, "x"), Y: rapid.IntRange(0, 1000).Draw(t, "y"),
			}
		}), 1, 20).Draw(t, "spots")
		rooms := Rooms(spots)
		for _, s := range spots {
			n := slices.IndexFunc(rooms, func(r Room) bool { return r.Area == s.Area })
			if n < 0 {
				t.Fatalf("area %s is not drawn", s.Area)
			}
			if r := rooms[n]; s.X < r.Left || s.X > r.Right || s.Y < r.Top || s.Y > r.Bottom {
				t.Fatalf("%+v is outside of %+v", s, r)
			}
		}
		if diff := cmp.Diff(rooms, Rooms(spots)); diff != "" {
			t.Fatalf("drawn twice, the plan differs:\n%s", diff)
		}
	})
}

func TestRoomsMeetHalfWayAndDoorsStandInWalls(t *testing.T) {
	got := Rooms([]Spot{
		{Area: "shop", Name: "Shop", X: 200, Y: 400}, {Area: "shop", X: 200, Y: 600}, {Area: "shop", X: 250, Y: 960, Door: true},
		{Area: "stock", Name: "Stock", X: 800, Y: 500},
	})
	want := []Room{
		{Area: "shop", Name: "Shop", Left: 18, Top: 18, Right: 504, Bottom: 960},
		{Area: "stock", Name: "Stock", Left: 504, Top: 18, Right: 982, Bottom: 982},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCompareNames(t *testing.T) {
	names := []string{"Case 10", "Case 2", "Case", "Case 002", "Áurea", "Case 2b"}
	slices.SortStableFunc(names, CompareNames)
	want := []string{"Áurea", "Case", "Case 2", "Case 002", "Case 2b", "Case 10"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestTimesInWords(t *testing.T) {
	for _, c := range []struct {
		seconds    int
		ago, clock string
	}{
		{-3, "0 s", "0:00"}, {59, "59 s", "0:59"}, {92, "1 min", "1:32"}, {7262, "2 h", "2:01:02"}, {200_000, "2 d", "55:33:20"},
	} {
		d := secondsOf(c.seconds)
		if a, k := AgoWords(d), ClockWords(d); a != c.ago || k != c.clock {
			t.Errorf("%d s: %q and %q, want %q and %q", c.seconds, a, k, c.ago, c.clock)
		}
	}
}

func TestNamesWithMarksAreAmongTheOthers(t *testing.T) {
	names := []string{"Filipe", "Zoë", "Fátima", "Álvaro", "Case 10", "Case 2", "Ana", "Ñuño", "Nuria", "Oscar"}
	slices.SortFunc(names, CompareNames)
	if got := strings.Join(names, " "); got != "Álvaro Ana Case 2 Case 10 Fátima Filipe Ñuño Nuria Oscar Zoë" {
		t.Errorf("in the order %s", got)
	}
}
