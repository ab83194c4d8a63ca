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
			if got := k.Read(at); got.minute != want || got.unix != at {
				t.Fatalf("%s at %v reads %+v, want minute %d", name, local, got, want)
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

// TestFastAndSlowAgree compares the two ways a calendar takes from 1970 to
// 2099, around a special day, a season's edges and both changes of the clock:
// every minute of two years.
func TestFastAndSlowAgree(t *testing.T) {
	place, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	day := func(m time.Month, d int) sashlock.Date { return sashlock.Date{Year: 2026, Month: m, Day: d} }
	c, err := Compile(sashlock.Schedule{
		ID: "sch_1", Name: "Nights",
		Weekly:  []sashlock.Period{{Days: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, From: 22 * 60, Until: 6 * 60}},
		Special: []sashlock.SpecialDay{{Name: "Holiday", First: day(7, 4), Last: day(7, 5)}},
		First:   day(2, 1), Last: sashlock.Date{Year: 2027, Month: 11, Day: 30},
	}, place)
	if err != nil {
		t.Fatal(err)
	}
	fast, covered := 0, 0
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	for at := begin; at < begin+2*365*daySeconds; at += 60 {
		want := c.coversByStretch(at)
		if c.Covers(at) != want {
			t.Fatalf("at %v the two ways disagree", time.Unix(at, 0).In(place))
		}
		bit := at >> evenBits
		if c.uneven[bit>>6]>>(bit&63)&1 == 0 {
			fast++
			if want {
				covered++
			}
		}
	}
	if covered == 0 || fast < 400*dayMinutes {
		t.Errorf("%d of the minutes took the fast way, %d of them covered: too few to mean anything", fast, covered)
	}
}
