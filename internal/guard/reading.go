// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"strings"
	"time"
)

// reading is what conditions work out about the facts of one request. The clock
// is read when the first condition asks for it. The facts themselves are passed
// beside it, so that they can stay where the caller has them.
type reading struct {
	action  uint8
	terms   *terms // the facts for cedar-go, once it was needed
	doubt   string // what the last condition in doubt said
	clocked bool
	hour    int64
	minute  int64
	weekday int   // as in package time
	day     int64 // midnight of the local date, in milliseconds as if it were UTC
}

func (r *reading) clock(f *Facts) {
	if r.clocked {
		return
	}
	r.clocked = true
	at := f.At
	_, offset := at.Zone()
	seconds := at.Unix() + int64(offset) // as if the local clock showed UTC
	days := seconds / secondsADay
	seconds -= days * secondsADay
	if seconds < 0 { // before 1970
		seconds += secondsADay
		days--
	}
	r.hour, r.minute = seconds/3600, seconds/60%60
	r.weekday = int(((days+int64(time.Thursday))%7 + 7) % 7) // 1 January 1970 was a Thursday
	r.day = days * secondsADay * 1000
}

const secondsADay = 24 * 60 * 60

func (f *Facts) flag(which field) bool {
	switch which {
	case onShift:
		return f.OnShift
	case suspended:
		return f.Suspended
	case automatic:
		return f.Automatic
	case drill:
		return f.Drill
	case withManager:
		return f.WithManager
	}
	return false
}

func (r *reading) number(f *Facts, which field) int64 {
	switch which {
	case level:
		return int64(f.Level)
	case hour:
		r.clock(f)
		return r.hour
	case minute:
		r.clock(f)
		return r.minute
	case date:
		r.clock(f)
		return r.day
	}
	return 0
}

func (r *reading) word(f *Facts, which field) string {
	switch which {
	case method:
		return f.Method
	case mode:
		return orNormal(f.Mode)
	case threat:
		return orNormal(f.Threat)
	case jurisdiction:
		return f.Jurisdiction
	case weekday:
		r.clock(f)
		return weekdays[r.weekday]
	case second:
		return string(f.Second)
	case openingKind:
		return f.Kind
	case openingClass:
		return f.Class
	}
	return ""
}

func orNormal(s string) string {
	if s == "" {
		return "normal"
	}
	return s
}

// areaName returns the slugs under which the area can be named.
func areaName(f *Facts) (site, area string) {
	if i := strings.IndexByte(f.AreaSlug, '/'); i >= 0 {
		return f.AreaSlug[:i], f.AreaSlug[i+1:]
	}
	return f.SiteSlug, f.AreaSlug
}
