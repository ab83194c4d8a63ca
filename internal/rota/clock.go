// SPDX-License-Identifier: Apache-2.0

package rota

import (
	"strconv"
	"strings"
	"time"
)

// daySeconds is a day of the calendar, which is not always one of the clock.
const daySeconds = 24 * 3600

// wall is a time as clocks show it: the Unix seconds it would be in UTC.
type wall int64

func wallOf(t time.Time) wall {
	_, offset := t.Zone()
	return wall(t.Unix() + int64(offset))
}

// day is the number of its date, from 1970.
func (w wall) day() int {
	d := int64(w) / daySeconds
	if int64(w)%daySeconds < 0 {
		d--
	}
	return int(d)
}

func (w wall) second() int { return int(int64(w) - int64(w.day())*daySeconds) }

func on(day, second int) wall { return wall(int64(day)*daySeconds + int64(second)) }

// begin is the instant at which something begins that begins at a wall time:
// the first at which the clocks show it, or that of the jump that left it out.
func begin(w wall, zone *time.Location) time.Time { return resolve(w, zone, false) }

// end is the instant at which something ends that ends at a wall time: the last
// at which the clocks show it, or that of the jump that left it out.
func end(w wall, zone *time.Location) time.Time { return resolve(w, zone, true) }

func resolve(w wall, zone *time.Location, last bool) time.Time {
	var found []int64
	var widest int64
	for i, hours := range []int64{-26, 26} {
		_, offset := time.Unix(int64(w)+hours*3600, 0).In(zone).Zone()
		if i == 0 || int64(offset) > widest {
			widest = int64(offset)
		}
		at := int64(w) - int64(offset)
		if _, there := time.Unix(at, 0).In(zone).Zone(); there == offset {
			found = append(found, at)
		}
	}
	switch {
	case len(found) == 0: // the clocks jumped over it
		_, jump := time.Unix(int64(w)-widest, 0).In(zone).ZoneBounds()
		if jump.IsZero() {
			return time.Unix(int64(w)-widest, 0).UTC()
		}
		return jump.UTC()
	case last:
		return time.Unix(max(found[0], found[len(found)-1]), 0).UTC()
	}
	return time.Unix(min(found[0], found[len(found)-1]), 0).UTC()
}

// changes reports whether the clocks leave a wall time out or show it twice.
func changes(w wall, zone *time.Location) bool {
	t := begin(w, zone)
	return wallOf(t.In(zone)) != w || !t.Equal(end(w, zone))
}

// parseDay understands a day that can be read in one way only.
func parseDay(text string) (day int, ok bool) {
	for _, layout := range []string{"2006-01-02", "2006-1-2", "2.1.2006", "20060102", "2006/1/2", "2 Jan 2006", "2 January 2006", "2-Jan-2006"} {
		if t, err := time.Parse(layout, text); err == nil {
			return wallOf(t).day(), inRange(t)
		}
	}
	return 0, false
}

// slashed takes a date like 3/4/2026 apart.
func slashed(text string) (first, second, year int, is bool) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 || len(parts[0]) > 2 || len(parts[1]) > 2 || len(parts[2]) != 4 {
		return 0, 0, 0, false
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || v < 1 {
			return 0, 0, 0, false
		}
		n[i] = v
	}
	return n[0], n[1], n[2], true
}

// parseClock understands a time of day, in seconds from midnight.
func parseClock(text string) (second int, ok bool) {
	text = strings.ToUpper(strings.ReplaceAll(strings.ReplaceAll(text, ".", ":"), " ", ""))
	if text == "24:00" || text == "24:00:00" {
		return daySeconds, true
	}
	for _, layout := range []string{"15:04", "15:04:05", "1504", "3:04PM", "3PM", "15H04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Hour()*3600 + t.Minute()*60 + t.Second(), true
		}
	}
	return 0, false
}

// parseInstant understands a day and a time. It is a wall time unless it says
// how far from UTC it is.
func parseInstant(text string) (at time.Time, w wall, ok bool) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC(), 0, inRange(t)
	}
	for _, sign := range []string{"T", ", ", " "} {
		date, clock, is := strings.Cut(text, sign)
		if !is {
			continue
		}
		day, isDay := parseDay(strings.TrimSpace(date))
		second, isClock := parseClock(strings.TrimSpace(clock))
		if isDay && isClock {
			return time.Time{}, on(day, second), true
		}
	}
	return time.Time{}, 0, false
}

func inRange(t time.Time) bool { return t.Year() >= 1970 && t.Year() <= 2200 }
