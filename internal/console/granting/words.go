// SPDX-License-Identifier: Apache-2.0

package granting

import (
	"context"

	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
)

// viewPosted is what the fields of a view are read as.
func viewPosted(view string) string {
	if view == asYAML {
		return asYAML
	}
	return asForm
}

// stretchWords says a stretch of time, with the day of its end where that is
// another one.
func stretchWords(ctx context.Context, s reach.Stretch) string {
	from := console.Day(ctx, s.Start) + s.Start.Format(", 15:04")
	if s.End.IsZero() {
		return lang.T(ctx, "%s, with no end", from)
	}
	until := s.End.Format("15:04")
	if s.End.YearDay() != s.Start.YearDay() || s.End.Year() != s.Start.Year() {
		until = console.Day(ctx, s.End) + ", " + until
	}
	return lang.T(ctx, "%s to %s", from, until)
}

// dayNames are the days of the week, from Monday.
func dayNames() [7]string {
	return [7]string{lang.Mark("Mon"), lang.Mark("Tue"), lang.Mark("Wed"), lang.Mark("Thu"), lang.Mark("Fri"), lang.Mark("Sat"), lang.Mark("Sun")}
}

// anchor keeps the hours within the picture.
func anchor(hour int) string {
	if hour == 24 {
		return "end"
	}
	return "middle"
}
