// SPDX-License-Identifier: Apache-2.0

package battery_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sashlock/sashlock/internal/battery"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// daily are readings of the last days, the newest at noon.
func daily(levels ...int) []battery.Reading {
	var all []battery.Reading
	for i, l := range levels {
		all = append(all, battery.Reading{At: noon.AddDate(0, 0, i-len(levels)+1), Level: l})
	}
	return all
}

func TestPredict(t *testing.T) {
	line := daily(70, 69, 68, 67, 66, 65, 64, 63, 62, 61)
	for _, c := range []struct {
		name  string
		all   []battery.Reading
		now   time.Time
		days  int
		doubt battery.Doubt
	}{
		{"nothing was ever said", nil, noon, -1, battery.Few},
		{"a percent a day", line, noon, 41, battery.None},
		{"a percent a day, ten days later", line, noon.AddDate(0, 0, 10), 31, battery.None},
		{"due now", daily(80, 20), noon, 0, battery.None},
		{"due now, after a long silence", daily(80, 20), noon.AddDate(1, 0, 0), 0, battery.None},
		{"by the line it is due already", line, noon.AddDate(0, 0, 29), 12, battery.None},
		{"silent for more than a month", line, noon.AddDate(0, 0, 31), -1, battery.Silent},
		{"three readings", daily(70, 60, 50), noon, -1, battery.Few},
		{"five days", daily(70, 69, 68, 67, 66), noon, -1, battery.Few},
		{"no loss", daily(70, 70, 70, 70, 70, 70, 70, 70, 70), noon, -1, battery.Steady},
		{"one percent is no loss", daily(70, 70, 70, 70, 69, 69, 69, 69, 69), noon, -1, battery.Steady},
		{"a new battery yesterday", daily(40, 39, 38, 37, 36, 35, 34, 100, 100), noon, -1, battery.Few},
		{"a new battery, and then a line", daily(30, 29, 28, 100, 98, 96, 94, 92, 90, 88, 86), noon, 33, battery.None},
		{"one reading far too high", daily(70, 69, 68, 99, 66, 65, 64, 63, 62, 61), noon, 41, battery.None},
		{"one reading far too low", daily(70, 69, 68, 1, 66, 65, 64, 63, 62, 61), noon, 41, battery.None},
	} {
		f := battery.Predict(c.all, c.now)
		if f.Days != c.days || f.Doubt != c.doubt {
			t.Errorf("%s: %d days, doubt %q, want %d, %q (%+v)", c.name, f.Days, f.Doubt, c.days, c.doubt, f)
		}
	}
}

// Many devices tell every fifth percent only.
func TestStairsAreALine(t *testing.T) {
	var all []battery.Reading
	for i := range 40 {
		all = append(all, battery.Reading{At: noon.AddDate(0, 0, i-39), Level: 95 - 5*(i/5)})
	}
	// A percent a day, and at noon four days below the last step: 36 days are left.
	if f := battery.Predict(all, noon); f.Doubt != battery.None || f.Days < 33 || f.Days > 41 {
		t.Errorf("%+v", f)
	}
}

func TestNothingIsForetoldFarAhead(t *testing.T) {
	var all []battery.Reading
	for i := range 100 {
		all = append(all, battery.Reading{At: noon.AddDate(0, 0, 2*(i-99)), Level: 99 - i/33})
	}
	if f := battery.Predict(all, noon); f.Days != -1 || f.Doubt != battery.Distant || f.PerDay <= 0 {
		t.Errorf("%+v", f)
	}
}

// Whatever is read, up to three wrong readings in ten move the day by little.
func TestWrongReadingsChangeLittle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(20, 200).Draw(t, "readings")
		loss := rapid.Float64Range(.15, 1).Draw(t, "percent a day")
		days := float64(n)
		start := min(100, 22+loss*days+rapid.Float64Range(0, 60).Draw(t, "left"))
		all := make([]battery.Reading, n)
		for i := range all {
			all[i] = battery.Reading{At: noon.AddDate(0, 0, i-n+1), Level: int(math.Round(start - loss*float64(i)))}
		}
		if all[n-1].Level <= battery.Due {
			t.Skip("due")
		}
		right := battery.Predict(all, noon)
		for range rapid.IntRange(1, n/10).Draw(t, "wrong") {
			i := rapid.IntRange(1, n-3).Draw(t, "which")
			all[i].Level = rapid.IntRange(0, all[i].Level).Draw(t, "level") // never higher: that may be a new battery
		}
		wrong := battery.Predict(all, noon)
		if wrong.Used < n && n <= 120 {
			t.Skip("taken for a new battery")
		}
		if right.Doubt == battery.None && wrong.Doubt == battery.None && math.Abs(float64(right.Days-wrong.Days)) > 4+.35*float64(right.Days) {
			t.Fatalf("%d days, with wrong readings %d", right.Days, wrong.Days)
		}
	})
}

func TestPredictAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []battery.Reading
		at := noon.AddDate(-1, 0, 0)
		for range rapid.IntRange(0, 300).Draw(t, "readings") {
			at = at.Add(time.Duration(rapid.Int64Range(0, int64(72*time.Hour)).Draw(t, "pause")))
			all = append(all, battery.Reading{At: at, Level: rapid.IntRange(-5, 300).Draw(t, "level")})
		}
		f := battery.Predict(all, at.Add(time.Hour))
		if (f.Days < 0) != (f.Doubt != battery.None) || f.Days > battery.Far || math.IsNaN(f.PerDay) || f.PerDay < 0 {
			t.Fatalf("%+v", f)
		}
	})
}
