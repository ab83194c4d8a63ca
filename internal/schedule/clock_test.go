// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"testing"
	"time"

	"github.com/sashlock/sashlock"
)

// TestClockReadsWhatTheZoneShows asks at both sides of every change of the
// clock, and at many other instants, which minute of the week it is.
func TestClockReadsWhatTheZoneShows(t *testing.T) {
	for _, name := range []string{"Europe/Lisbon", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "America/Havana", "Asia/Kathmandu", "UTC"} {
		place, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		k, err := NewClock(place)
		if err != nil {
			t.Fatal(err)
		}
		var instants []int64
		for _, c := range k.changes {
			instants = append(instants, c.from-1, c.from, c.from+1)
		}
		for at := int64(0); at < fastUntil; at += 1_000_003 {
			instants = append(instants, at)
		}
		for _, at := range append(instants, 0, fastUntil-1) {
			if at < 0 || at >= fastUntil {
				continue
			}
			local := time.Unix(at, 0).In(place)
			want := uint32(int(local.Weekday())*dayMinutes + local.Hour()*60 + local.Minute())
			date := int32(time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC).Unix() / daySeconds)
			if got := k.Read(at); got.minute != want || got.day != date || got.unix != at {
				t.Fatalf("%s at %v reads minute %d of day %d, want %d of %d", name, local, got.minute, got.day, want, date)
			}
		}
	}
}

func TestNewClockRefusesWhatIsNoPropertyOfASite(t *testing.T) {
	for _, zone := range []*time.Location{nil, time.Local} {
		if k, err := NewClock(zone); k != nil || err == nil {
			t.Errorf("NewClock(%v) = %v, %v, want a refusal", zone, k, err)
		}
	}
}

// TestFastAndSlowAgree compares the ways a calendar takes from 1970 to 2099 with
// the definition, around a special day, a season's edges and the changes of the
// clock: every minute of two years.
func TestFastAndSlowAgree(t *testing.T) {
	day := func(m time.Month, d int) sashlock.Date { return sashlock.Date{Year: 2026, Month: m, Day: d} }
	nights := sashlock.Schedule{
		ID: "sch_1", Name: "Nights",
		Weekly:  []sashlock.Period{{Days: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, From: 22 * 60, Until: 6 * 60}},
		Special: []sashlock.SpecialDay{{Name: "Holiday", First: day(7, 4), Last: day(7, 5)}},
	}
	season := nights
	season.First, season.Last = day(2, 1), sashlock.Date{Year: 2027, Month: 11, Day: 30}
	for _, name := range []string{"America/New_York", "America/Havana", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"} {
		place, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []sashlock.Schedule{nights, season} {
			c, err := Compile(s, place)
			if err != nil {
				t.Fatal(err)
			}
			by := [3]int{} // minutes by the week, by the date, by the definition
			begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
			for at := begin; at < begin+2*365*daySeconds; at += 60 {
				if c.Covers(at) != c.coversByDefinition(at) {
					t.Fatalf("%s: at %v the ways disagree", name, time.Unix(at, 0).In(place))
				}
				switch r := c.zone.Read(at); {
				case !r.plain:
					by[2]++
				case c.uneven.has(r.day):
					by[1]++
				default:
					by[0]++
				}
			}
			if whole := s.First.IsZero(); (by[0] > 700*dayMinutes) != whole || by[1] < 3*dayMinutes || by[2] > 5*dayMinutes {
				t.Errorf("%s: %d minutes by the week, %d by the date, %d by the definition", name, by[0], by[1], by[2])
			}
		}
	}
}

// TestDatesShareBits marks dates so far apart that they have the same bit, and
// rows of them that are longer than the map.
func TestDatesShareBits(t *testing.T) {
	var m dayMap
	m.set(20_000, 20_003)
	for day, want := range map[int32]bool{19_999: false, 20_000: true, 20_002: true, 20_003: false, 20_001 + dayMapSize: true, 20_001 - 9*dayMapSize: true, 20_003 + dayMapSize: false} {
		if m.has(day) != want {
			t.Errorf("day %d is marked: %v", day, !want)
		}
	}
	m.set(-5, 1<<40)
	for day := range int32(dayMapSize) {
		if !m.has(day) {
			t.Fatalf("day %d is not marked", day)
		}
	}
}
