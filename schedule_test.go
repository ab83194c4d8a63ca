// SPDX-License-Identifier: Apache-2.0

package sashlock_test

import (
	"math"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
)

func TestTimeOfDay(t *testing.T) {
	for minutes := sashlock.TimeOfDay(0); minutes <= 1440; minutes++ {
		if got, err := sashlock.ParseTimeOfDay(minutes.String()); err != nil || got != minutes {
			t.Errorf("ParseTimeOfDay(%q) = %v, %v", minutes.String(), got, err)
		}
	}
	for _, s := range []string{"", "9:30", "09:60", "24:01", "25:00", "-1:00", "09.30", "09:3 ", "0930 ", "09:30:00", "０９:３０"} {
		if got, err := sashlock.ParseTimeOfDay(s); !sashlock.IsKind(err, sashlock.Invalid) {
			t.Errorf("ParseTimeOfDay(%q) = %v, %v", s, got, err)
		}
	}
}

func TestDate(t *testing.T) {
	dates := []sashlock.Date{{Year: 1, Month: 1, Day: 1}, {Year: 1969, Month: 12, Day: 31}, {Year: 1970, Month: 1, Day: 1}, {Year: 2027, Month: 3, Day: 14}, {Year: 2028, Month: 2, Day: 29}, {Year: 9999, Month: 12, Day: 31}}
	for i, a := range dates {
		if got, err := sashlock.ParseDate(a.String()); err != nil || got != a {
			t.Errorf("ParseDate(%q) = %v, %v", a.String(), got, err)
		}
		for j, b := range dates {
			want := map[bool]int{i < j: -1, i == j: 0, i > j: +1}[true]
			if got := a.Compare(b); got != want {
				t.Errorf("%v.Compare(%v) = %d, want %d", a, b, got, want)
			}
		}
	}
	if got := (sashlock.Date{Year: 2028, Month: 2, Day: 28}).AddDays(2); got.String() != "2028-03-01" || got.Weekday() != time.Wednesday {
		t.Errorf("two days after 2028-02-28 is %v, a %v", got, got.Weekday())
	}
	if (sashlock.Date{}).AddDays(0).IsZero() || !(sashlock.Date{}).IsZero() {
		t.Error("only the date that is not set is zero")
	}
	late := time.Unix(math.MaxInt32, 0).In(time.FixedZone("east", 14*3600))
	if got := sashlock.DateOf(late).String(); got != "2038-01-19" {
		t.Errorf("DateOf(%v) = %s", late, got)
	}
	for _, s := range []string{"", "2027-02-29", "2027-13-01", "2027-1-1", "27-01-01", "2027-01-01T00:00:00Z"} {
		if got, err := sashlock.ParseDate(s); !sashlock.IsKind(err, sashlock.Invalid) {
			t.Errorf("ParseDate(%q) = %v, %v", s, got, err)
		}
	}
}
