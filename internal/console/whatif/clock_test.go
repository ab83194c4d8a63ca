// SPDX-License-Identifier: Apache-2.0

package whatif

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func lisbon(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestTimesOnDaysWhenTheClocksAreChanged(t *testing.T) {
	zone := lisbon(t)
	for _, c := range []struct {
		typed     string
		second    bool
		want      string
		gap, fold bool
	}{
		{"2026-11-22T14:00", false, "2026-11-22T14:00:00Z", false, false},
		{"2026-07-22T14:00", false, "2026-07-22T14:00:00+01:00", false, false},
		{"2026-07-22T14:00:00", false, "2026-07-22T14:00:00+01:00", false, false},
		{"2026-03-29T00:59", false, "2026-03-29T00:59:00Z", false, false},
		{"2026-03-29T01:30", false, "2026-03-29T02:30:00+01:00", true, false},
		{"2026-03-29T02:00", false, "2026-03-29T02:00:00+01:00", false, false},
		{"2026-10-25T01:30", false, "2026-10-25T01:30:00+01:00", false, true},
		{"2026-10-25T01:30", true, "2026-10-25T01:30:00Z", false, true},
		{"2026-10-25T02:00", true, "2026-10-25T02:00:00Z", false, false},
	} {
		i, err := resolve(zone, c.typed, c.second)
		if err != nil || i.At.Format(time.RFC3339) != c.want || i.Gap != c.gap || i.Fold != c.fold {
			t.Errorf("%s (second %v): %s, gap %v, fold %v, %v; want %+v", c.typed, c.second, i.At.Format(time.RFC3339), i.Gap, i.Fold, err, c)
		}
	}
}

func TestTimesThatAreNone(t *testing.T) {
	for _, typed := range []string{"", "now", "2026-02-30T10:00", "1812-01-01T00:00", "9999-01-01T00:00", "2026-11-22", strings.Repeat("9", 10_000), "2026-11-22T14:00Z", "<script>"} {
		if i, err := resolve(lisbon(t), typed, false); err == nil {
			t.Errorf("%.40q was read as %v", typed, i.At)
		}
	}
}

func TestEveryInstantIsFoundAgain(t *testing.T) {
	zone := lisbon(t)
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 4_000_000_000).Draw(t, "at")/60*60, 0).In(zone)
		typed := at.Format(written)
		first, err := resolve(zone, typed, false)
		if err != nil || first.Gap {
			t.Fatalf("%s: %+v, %v", at, first, err)
		}
		second, err := resolve(zone, typed, true)
		if err != nil || !first.At.Equal(at) && !second.At.Equal(at) {
			t.Fatalf("%s is %s or %s, %v", at, first.At, second.At, err)
		}
	})
}
