// SPDX-License-Identifier: Apache-2.0

package schedule_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // so that the tests need nothing of the machine

	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/schedule"
)

// zones are varied: both hemispheres, half and quarter hours, half-hour summer
// time, changes at midnight, at 23:00, at 24:00 of a Thursday, negative summer
// time, none at all, gone by and to come.
var zones = []string{
	"UTC", "Europe/Lisbon", "Europe/London", "Europe/Dublin", "Europe/Berlin", "Europe/Paris", "Europe/Athens",
	"Europe/Kyiv", "Europe/Chisinau", "Europe/Moscow", "Europe/Volgograd", "Europe/Istanbul", "Europe/Samara",
	"Atlantic/Azores", "Atlantic/Reykjavik", "Africa/Casablanca", "Africa/El_Aaiun", "Africa/Cairo", "Africa/Lagos",
	"Africa/Johannesburg", "Africa/Windhoek", "Africa/Khartoum", "Africa/Juba", "Africa/Sao_Tome", "Africa/Tripoli",
	"America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
	"America/Anchorage", "America/Adak", "America/St_Johns", "America/Halifax", "America/Havana", "America/Nuuk",
	"America/Scoresbysund", "America/Sao_Paulo", "America/Argentina/Buenos_Aires", "America/Santiago",
	"America/Punta_Arenas", "America/Asuncion", "America/Montevideo", "America/Caracas", "America/Mexico_City",
	"America/Tijuana", "America/Port-au-Prince", "America/Metlakatla", "Asia/Beirut", "Asia/Jerusalem", "Asia/Gaza",
	"Asia/Amman", "Asia/Damascus", "Asia/Tehran", "Asia/Kabul", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka",
	"Asia/Yangon", "Asia/Shanghai", "Asia/Pyongyang", "Asia/Ulaanbaatar", "Asia/Tokyo", "Asia/Magadan",
	"Australia/Perth", "Australia/Eucla", "Australia/Adelaide", "Australia/Darwin", "Australia/Sydney",
	"Australia/Lord_Howe", "Antarctica/Troll", "Antarctica/Casey", "Antarctica/Macquarie", "Pacific/Auckland",
	"Pacific/Chatham", "Pacific/Apia", "Pacific/Fakaofo", "Pacific/Tongatapu", "Pacific/Fiji", "Pacific/Easter",
	"Pacific/Norfolk", "Pacific/Marquesas", "Pacific/Kiritimati",
}

// TestRandomSchedulesAgreeWithTheWalk takes each zone to all its clock changes
// of 2007 to 2037 in turn, each with another random schedule.
func TestRandomSchedulesAgreeWithTheWalk(t *testing.T) {
	if len(zones) < 60 {
		t.Fatalf("only %d zones", len(zones))
	}
	for _, name := range zones {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone := load(t, name)
			changes := changesOf(zone, day(2007, 1, 1), day(2038, 1, 1))
			changes = append(changes, day(2028, 2, 29).Unix()) // and a leap day without any
			walks := map[int64]*walk{}
			turn := 0
			rapid.Check(t, func(t *rapid.T) {
				middle := changes[turn%len(changes)]
				turn++
				if walks[middle] == nil {
					walks[middle] = newWalk(zone, middle, 60)
				}
				s := drawSchedule(t, sashlock.DateOf(time.Unix(middle, 0).In(zone)))
				c, err := schedule.Compile(s, zone)
				if err != nil {
					t.Fatalf("%v: %+v", err, s)
				}
				compare(t, c, s, walks[middle])
			})
		})
	}
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// edges are times at which clocks change somewhere, and their neighbours.
var edges = []sashlock.TimeOfDay{0, 1, 30, 60, 90, 120, 135, 150, 165, 180, 181, 240, 345, 360, 1320, 1379, 1380, 1410, 1425, 1439}

func drawTime(t *rapid.T, label string) sashlock.TimeOfDay {
	if rapid.Bool().Draw(t, label+" at an edge") {
		return rapid.SampledFrom(edges).Draw(t, label)
	}
	return sashlock.TimeOfDay(rapid.IntRange(0, 1439).Draw(t, label))
}

func drawSpan(t *rapid.T) sashlock.Span {
	p := sashlock.Span{From: drawTime(t, "from"), Until: drawTime(t, "until")}
	if p.Until == 0 && rapid.Bool().Draw(t, "24:00") {
		p.Until = 1440
	}
	return p
}

// drawSchedule draws periods, special days and a range around a date.
func drawSchedule(t *rapid.T, about sashlock.Date) sashlock.Schedule {
	var s sashlock.Schedule
	days := rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 1, 7, rapid.ID)
	for range rapid.IntRange(0, 4).Draw(t, "periods") {
		p := sashlock.Period{}
		for _, d := range days.Draw(t, "days") {
			p.Days = append(p.Days, time.Weekday(d))
		}
		span := drawSpan(t)
		p.From, p.Until = span.From, span.Until
		s.Weekly = append(s.Weekly, p)
	}
	first := about.AddDays(rapid.IntRange(-4, 2).Draw(t, "special days from"))
	count := rapid.IntRange(0, 3).Draw(t, "special days")
	for i := range count {
		d := sashlock.SpecialDay{First: first, Last: first.AddDays(rapid.IntRange(0, 2).Draw(t, "length"))}
		first = d.Last.AddDays(rapid.IntRange(1, 3).Draw(t, "pause"))
		for range rapid.IntRange(0, 2).Draw(t, "spans") {
			d.Spans = append(d.Spans, drawSpan(t))
		}
		if i == 0 && rapid.IntRange(0, 3).Draw(t, "long before") == 0 {
			d.First = d.First.AddDays(-40)
		}
		if i == count-1 && rapid.IntRange(0, 3).Draw(t, "long after") == 0 {
			d.Last = d.Last.AddDays(400)
		}
		s.Special = append(s.Special, d)
	}
	if rapid.IntRange(0, 3).Draw(t, "begins") == 0 {
		s.First = about.AddDays(rapid.IntRange(-4, 1).Draw(t, "first"))
	}
	if rapid.IntRange(0, 3).Draw(t, "ends") == 0 {
		s.Last = about.AddDays(rapid.IntRange(1, 4).Draw(t, "last"))
	}
	return s
}

var everyDay = []time.Weekday{0, 1, 2, 3, 4, 5, 6}

// fixed schedules for the zones of the whole world: they have edges at, in and
// around the hours at which clocks change.
var fixed = []sashlock.Schedule{
	{Weekly: []sashlock.Period{{Days: everyDay, From: 90, Until: 150}, {Days: everyDay, From: 1410, Until: 15}}},
	{Weekly: []sashlock.Period{{Days: everyDay, From: 1320, Until: 120}, {Days: everyDay, From: 180, Until: 185}}},
	{Weekly: []sashlock.Period{{Days: everyDay, From: 0, Until: 60}, {Days: everyDay, From: 165, Until: 1380}}},
	{Weekly: []sashlock.Period{{Days: []time.Weekday{0, 2, 4, 6}, From: 0, Until: 1440}}},
}

// TestEveryZoneAgreesWithTheWalk goes to every clock change of 2020 to 2030 in
// every zone that the machine knows.
func TestEveryZoneAgreesWithTheWalk(t *testing.T) {
	seen := map[string]bool{}
	var visited int
	for _, name := range machineZones(t) {
		zone, err := schedule.LoadZone(name)
		if err != nil {
			t.Errorf("LoadZone(%q): %v", name, err)
			continue
		}
		changes := changesOf(zone, day(2020, 1, 1), day(2031, 1, 1))
		_, offset := day(2020, 1, 1).In(zone).Zone()
		same := fmt.Sprint(offset, changes)
		if seen[same] {
			continue
		}
		seen[same] = true
		if len(changes) == 0 {
			changes = []int64{day(2025, 6, 1).Unix()}
		}
		var calendars []*schedule.Calendar
		for _, s := range fixed {
			calendars = append(calendars, compile(t, s, zone))
		}
		for _, at := range changes {
			w := newWalk(zone, at, 60)
			for i, s := range fixed {
				compare(t, calendars[i], s, w)
			}
			visited++
		}
	}
	if len(seen) < 60 || visited < 500 {
		t.Errorf("only %d kinds of zone and %d changes visited", len(seen), visited)
	}
}

// machineZones lists the zones of the machine's tz database, or those above on
// a machine that has only the one built into the tests.
func machineZones(t *testing.T) []string {
	names := append([]string(nil), zones...)
	for _, root := range []string{"/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return nil
			}
			name, head := strings.TrimPrefix(path, root+"/"), make([]byte, 4)
			if name[0] < 'A' || name[0] > 'Z' {
				return nil // posix/, right/, tables
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			if _, err := f.Read(head); err == nil && string(head) == "TZif" {
				names = append(names, name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// TestOtherTimesAgreeWithTheWalk visits odd moments of the past and the far
// future, where the fast path does not reach or offsets have seconds.
func TestOtherTimesAgreeWithTheWalk(t *testing.T) {
	for _, place := range []struct {
		zone string
		at   time.Time
		step int64
	}{
		{"America/New_York", time.Date(1950, 4, 30, 7, 0, 0, 0, time.UTC), 60},
		{"America/New_York", time.Date(1950, 9, 24, 6, 0, 0, 0, time.UTC), 60},
		{"Pacific/Kwajalein", time.Date(1969, 9, 30, 13, 0, 0, 0, time.UTC), 60}, // 23 hours twice
		{"Pacific/Kwajalein", time.Date(1993, 8, 21, 12, 0, 0, 0, time.UTC), 60}, // a day skipped
		{"Pacific/Apia", time.Date(2011, 12, 30, 10, 0, 0, 0, time.UTC), 60},
		{"Pacific/Apia", time.Date(1892, 7, 5, 11, 26, 56, 0, time.UTC), 4},        // a day twice
		{"Asia/Manila", time.Date(1844, 12, 31, 15, 56, 8, 0, time.UTC), 4},        // a day skipped
		{"America/Juneau", time.Date(1867, 10, 19, 8, 57, 41, 0, time.UTC), 1},     // 24 hours twice
		{"Africa/Monrovia", time.Date(1972, 1, 7, 0, 44, 30, 0, time.UTC), 30},     // 44:30 skipped
		{"Europe/Berlin", time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), 60},         // the fast path begins
		{"America/Adak", time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), 60},          // and ends
		{"Pacific/Kiritimati", time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), 60},    // further east
		{"Europe/Berlin", time.Date(2150, 3, 29, 1, 0, 0, 0, time.UTC), 60},        // gap
		{"Europe/Berlin", time.Date(2150, 10, 25, 1, 0, 0, 0, time.UTC), 60},       // repeated hour
		{"Australia/Lord_Howe", time.Date(2300, 4, 1, 15, 0, 0, 0, time.UTC), 60},  // half an hour
		{"Europe/London", time.Date(1947, 4, 13, 1, 0, 0, 0, time.UTC), 60},        // double summer time
		{"America/Sao_Paulo", time.Date(2018, 11, 4, 3, 0, 0, 0, time.UTC), 60},    // midnight skipped
		{"America/Sao_Paulo", time.Date(2018, 2, 18, 2, 0, 0, 0, time.UTC), 60},    // 23:00 twice
		{"Asia/Beirut", time.Date(2027, 3, 27, 22, 0, 0, 0, time.UTC), 60},         // midnight skipped
		{"Africa/Cairo", time.Date(2027, 10, 28, 21, 0, 0, 0, time.UTC), 60},       // 23:00 of a Thursday twice
		{"America/Havana", time.Date(2027, 11, 7, 5, 0, 0, 0, time.UTC), 60},       // midnight twice
		{"Antarctica/Troll", time.Date(2027, 3, 28, 1, 0, 0, 0, time.UTC), 60},     // two hours
		{"Atlantic/Azores", time.Date(1992, 9, 27, 2, 0, 0, 0, time.UTC), 60},      // zone and summer time at once
		{"America/Anchorage", time.Date(1983, 10, 30, 12, 0, 0, 0, time.UTC), 60},  // two hours
		{"Africa/Casablanca", time.Date(2060, 9, 26, 2, 0, 0, 0, time.UTC), 60},    // after a month of Ramadan
		{"America/St_Johns", time.Date(2010, 11, 7, 2, 31, 0, 0, time.UTC), 60},    // at 00:01
		{"America/St_Johns", time.Date(1988, 4, 3, 3, 31, 0, 0, time.UTC), 60},     // two hours at 00:01
		{"America/St_Johns", time.Date(1988, 10, 30, 1, 31, 0, 0, time.UTC), 60},   // and back
		{"Antarctica/Casey", time.Date(2010, 3, 4, 15, 0, 0, 0, time.UTC), 60},     // three hours
		{"Asia/Pyongyang", time.Date(2015, 8, 14, 15, 0, 0, 0, time.UTC), 60},      // 23:30 twice
		{"Pacific/Kanton", time.Date(1995, 1, 1, 11, 0, 0, 0, time.UTC), 60},       // a day skipped
		{"Pacific/Kiritimati", time.Date(1979, 10, 1, 10, 40, 0, 0, time.UTC), 60}, // 40 minutes
	} {
		t.Run(fmt.Sprintf("%s %d", place.zone, place.at.Year()), func(t *testing.T) {
			zone := load(t, place.zone)
			w := newWalk(zone, place.at.Unix(), place.step)
			about := sashlock.DateOf(place.at.In(zone))
			for i, s := range fixed {
				for shift := -2; shift < 2; shift++ {
					if place.step == 1 && (i+shift)%4 != 0 {
						continue // 86,400 ticks a day: a few are enough
					}
					compare(t, compile(t, s, zone), s, w)
					first := about.AddDays(shift)
					s.Special = []sashlock.SpecialDay{{First: first, Last: first, Spans: []sashlock.Span{{From: 600, Until: 0}}}, {First: first.AddDays(1), Last: first.AddDays(1)}}
					compare(t, compile(t, s, zone), s, w)
				}
			}
		})
	}
}

// TestCoversAgreesWithWindow compares the two ways at random seconds of nine
// centuries.
func TestCoversAgreesWithWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, err := schedule.LoadZone(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		about := time.Unix(rapid.Int64Range(day(1700, 1, 1).Unix(), day(2600, 1, 1).Unix()).Draw(t, "at"), 0)
		c, err := schedule.Compile(drawSchedule(t, sashlock.DateOf(about.In(zone))), zone)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			at := about.Add(time.Duration(rapid.Int64Range(-20*86400, 20*86400).Draw(t, "seconds")) * time.Second)
			start, end, ok := c.Window(at)
			if covers := c.Covers(at.Unix()); covers != ok {
				t.Fatalf("Covers(%v) = %v, Window = %v, %v, %v", at, covers, start, end, ok)
			}
			if ok && (at.Before(start) || !at.Before(end)) {
				t.Fatalf("Window(%v) = %v, %v is elsewhere", at, start, end)
			}
		}
	})
}
