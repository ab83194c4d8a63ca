// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"fmt"
	"time"

	"github.com/sashlock/sashlock/internal/lang"
)

// AgoWords writes an age with one unit, as "4 min".
func AgoWords(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d/time.Second))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d/time.Hour))
	}
	return fmt.Sprintf("%d d", int(d/(24*time.Hour)))
}

// ClockWords writes a length of time as minutes and seconds, as "1:32".
func ClockWords(d time.Duration) string {
	sec := int(max(d, 0) / time.Second)
	if sec < 3600 {
		return fmt.Sprintf("%d:%02d", sec/60, sec%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", sec/3600, sec/60%60, sec%60)
}

// The names of days and months, in short.
var (
	dayNames = [7]string{lang.Mark("Sun"), lang.Mark("Mon"), lang.Mark("Tue"), lang.Mark("Wed"), lang.Mark("Thu"), lang.Mark("Fri"), lang.Mark("Sat")}

	monthNames = [12]string{
		lang.Mark("Jan"), lang.Mark("Feb"), lang.Mark("Mar"), lang.Mark("Apr"), lang.Mark("May"), lang.Mark("Jun"),
		lang.Mark("Jul"), lang.Mark("Aug"), lang.Mark("Sep"), lang.Mark("Oct"), lang.Mark("Nov"), lang.Mark("Dec"),
	}
)

// Day writes a day with its weekday, as "Sun 22 Nov".
func Day(ctx context.Context, at time.Time) string {
	return fmt.Sprintf("%s %d %s", lang.T(ctx, dayNames[at.Weekday()]), at.Day(), lang.T(ctx, monthNames[at.Month()-1]))
}

// DateTime writes an instant with its day and its time of day, in the zone
// that it has: "Sun 22 Nov 2026, 14:05:30".
func DateTime(ctx context.Context, at time.Time) string {
	return Day(ctx, at) + at.Format(" 2006, 15:04:05")
}
