// SPDX-License-Identifier: Apache-2.0

package search

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

var errWhen = errors.New(`write a time as 24h, 7d, today, yesterday, "fri 18:00", 2026-11-22 or 2026-11-22T18:00`)

// When reads a time as people type it, in the zone of now: an age, a day, a
// weekday (the last one there was), or a date.
func When(text string, now time.Time) (time.Time, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	day, clock, timed := strings.Cut(text, " ")
	midnight := func(daysAgo int) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()-daysAgo, 0, 0, 0, 0, now.Location())
	}
	if at, err := date(text, now.Location()); err == nil {
		return at, nil
	}
	if age, err := age(text); err == nil {
		return now.Add(-age), nil
	}
	hour, minute := 0, 0
	if timed {
		at, err := time.Parse("15:04", clock)
		if err != nil {
			return time.Time{}, errWhen
		}
		hour, minute = at.Hour(), at.Minute()
	}
	back := -1
	switch day {
	case "today":
		back = 0
	case "yesterday":
		back = 1
	}
	for i, name := range []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} {
		if strings.HasPrefix(day, name) && len(day) <= 9 {
			back = (int(now.Weekday()) - i + 7) % 7
		}
	}
	if back < 0 {
		return time.Time{}, errWhen
	}
	at := midnight(back)
	at = time.Date(at.Year(), at.Month(), at.Day(), hour, minute, 0, 0, at.Location())
	if at.After(now) && day != "today" {
		at = at.AddDate(0, 0, -7)
	}
	return at, nil
}

func date(text string, zone *time.Location) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, strings.ToUpper(text)); err == nil {
		return at, nil
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02t15:04", "2006-01-02 15:04"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, errWhen
}

// age reads "90s", "15m", "24h", "7d" or "2w".
func age(text string) (time.Duration, error) {
	if len(text) < 2 {
		return 0, errWhen
	}
	n, err := strconv.Atoi(text[:len(text)-1])
	if err != nil || n < 0 || n > 100_000 {
		return 0, errWhen
	}
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[text[len(text)-1]]
	if unit == 0 {
		return 0, errWhen
	}
	return time.Duration(n) * unit, nil
}
