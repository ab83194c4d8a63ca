// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"math"
	"sort"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
)

// regions are the first halves of IANA zone names, tried when somebody gives a
// city alone.
var regions = [...]string{"Europe/", "America/", "Asia/", "Africa/", "Australia/", "Pacific/", "Atlantic/", "Indian/", "America/Argentina/", "America/Indiana/"}

// LoadZone returns the IANA time zone of that name, "Europe/Lisbon". It refuses
// the empty name and "Local", which mean the machine's zone and not the site's,
// and names the tz database does not have; the error is a [sashlock.Error] of
// kind invalid whose hint says which name was probably meant.
func LoadZone(name string) (*time.Location, error) {
	if zone := findZone(name); zone != nil {
		return zone, nil
	}
	hint := `name the site's IANA time zone like "Europe/Lisbon"`
	if meant := probableZone(name); meant != "" {
		hint = `did you mean "` + meant + `"?`
	}
	return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading time zone", Subject: "zone", Hint: hint}
}

// findZone asks the tz database. Names in lower case are not zones but other
// files that lie in the same folder: "right/…" counts leap seconds,
// "localtime" is the machine's own.
func findZone(name string) *time.Location {
	if name == "" || len(name) > 64 || name == "Local" || name[0] < 'A' || name[0] > 'Z' {
		return nil
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("/_+-", rune(c)) {
			return nil
		}
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return zone
}

// probableZone repairs capital letters and spaces, and finds the region of a
// city given alone.
func probableZone(name string) string {
	if len(name) > 64 || strings.EqualFold(name, "local") {
		return ""
	}
	tidy := capitals(strings.ReplaceAll(strings.TrimSpace(name), " ", "_"))
	for _, meant := range []string{tidy, strings.ToUpper(tidy)} {
		if meant != name && findZone(meant) != nil {
			return meant
		}
	}
	city := tidy[strings.LastIndexByte(tidy, '/')+1:]
	for _, region := range regions {
		if meant := region + city; findZone(meant) != nil {
			return meant
		}
	}
	return ""
}

// capitals writes "port_of_spain" as "Port_of_Spain", the way zones are named.
func capitals(name string) string {
	letters := []byte(strings.ToLower(name))
	up := true
	for i, c := range letters {
		little := i > 0 && (strings.HasPrefix(string(letters[i:]), "of_") || strings.HasPrefix(string(letters[i:]), "es_"))
		if up && !little && c >= 'a' && c <= 'z' {
			letters[i] = c - 'a' + 'A'
		}
		up = c == '/' || c == '_' || c == '-'
	}
	return string(letters)
}

// Clock turns the local times of one zone into instants and back. A local time
// is written as the Unix seconds it would be in UTC. It is immutable.
type Clock struct {
	place   *time.Location
	changes []change // table of the years of the fast path, with a margin
	until   int64    // where the table ends

	// The same for reading the clock, see Read.
	pieces  []piece
	buckets [bucketCount]uint16 // the piece that each bucket begins in
}

// A change is an instant from which an offset holds.
type change struct {
	from   int64
	offset int64 // seconds east of UTC
}

const (
	widest      = 16 * 3600       // no zone ever was further from UTC (Manila and Alaska: over 15 h)
	tableMargin = 60 * daySeconds // the builder looks a few days beyond the fast path
)

func newClock(zone *time.Location) *Clock {
	k := &Clock{place: zone}
	at := int64(-tableMargin)
	for at < fastUntil+tableMargin {
		_, until, offset := k.ask(at)
		if n := len(k.changes); n == 0 || k.changes[n-1].offset != offset {
			k.changes = append(k.changes, change{from: at, offset: offset})
		}
		at = until
	}
	k.until = at
	k.cutPieces()
	return k
}

// ask finds the offset at an instant in the zone's own rules, and from when
// until when it surely holds.
func (k *Clock) ask(unix int64) (from, until, offset int64) {
	t := time.Unix(unix, 0).In(k.place)
	_, seconds := t.Zone()
	from, until = math.MinInt64, math.MaxInt64
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		from = start.Unix()
	}
	if !end.IsZero() {
		until = end.Unix()
	}
	if until <= unix {
		// Package time counts 365 days to every year when it extrapolates, so on
		// the last day of a leap year it says that the offset held until this
		// morning. It holds for the rest of the day.
		until = (floorDiv(unix, daySeconds) + 1) * daySeconds
	}
	return from, until, int64(seconds)
}

// at finds the offset at an instant, and from when until when it surely holds.
func (k *Clock) at(unix int64) (from, until, offset int64) {
	if unix < k.changes[0].from || unix >= k.until {
		return k.ask(unix)
	}
	i := sort.Search(len(k.changes), func(i int) bool { return k.changes[i].from > unix }) - 1
	until = k.until
	if i+1 < len(k.changes) {
		until = k.changes[i+1].from
	}
	return k.changes[i].from, until, k.changes[i].offset
}

// start is the instant at which a local time begins: its first occurrence, or
// the end of the gap that swallowed it.
func (k *Clock) start(local int64) int64 {
	for look := local - widest; ; {
		from, until, offset := k.at(look)
		switch unix := local - offset; {
		case unix < from:
			return from // the clock jumped over it here
		case unix < until:
			return unix
		}
		look = until
	}
}

// end is the instant at which a local time ends something: its last
// occurrence, or the beginning of the gap that swallowed it.
func (k *Clock) end(local int64) int64 {
	for look := local + widest; ; {
		from, until, offset := k.at(look)
		switch unix := local - offset; {
		case unix >= until:
			return until // the clock jumped over it here
		case unix >= from:
			return unix
		}
		look = from - 1
	}
}

// day is the number of the local date at an instant.
func (k *Clock) day(unix int64) int64 {
	_, _, offset := k.at(unix)
	return floorDiv(unix+offset, daySeconds)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
