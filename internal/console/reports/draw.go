// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"context"
	"time"

	"github.com/sashlock/sashlock/internal/console"
)

// degree is how strongly a number is shown, from 0 to 5.
func degree(n, most int) int {
	if n == 0 || most == 0 {
		return 0
	}
	return 1 + 4*n/most
}

// weekday is the name of a day of the week, from Monday.
func weekday(ctx context.Context, i int) string {
	monday := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	name := console.Day(ctx, monday.AddDate(0, 0, i))
	for j, r := range name {
		if r == ' ' {
			return name[:j]
		}
	}
	return name
}

// most is the largest number of requests in a day, at least one.
func (s *summary) most() int {
	n := 1
	for _, d := range s.Days {
		n = max(n, d.Granted+d.Refused)
	}
	return n
}
