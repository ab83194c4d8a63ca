// SPDX-License-Identifier: Apache-2.0

package access

import (
	"fmt"
	"math"
	"time"

	"github.com/sashlock/sashlock"
)

// farthest is the last second, from 1970, that fits into 64 bits of
// nanoseconds: in the year 2262.
const farthest = math.MaxInt64/int64(time.Second) - 1

// limitsOf turns two instants into limits; a zero time is no limit.
func limitsOf(from, until time.Time) limits {
	l := forever
	if !from.IsZero() {
		l.from = nanoseconds(from)
	}
	if !until.IsZero() {
		l.until = nanoseconds(until)
	}
	return l
}

// limitsFor returns the limits of a grant, its terms included.
func (d *draft) limitsFor(g *sashlock.Grant) limits {
	l := limitsOf(g.From, g.Until)
	l.terms = d.termsNumber(g.Terms)
	return l
}

// nanoseconds counts from 1970. What lies too far away to be counted comes out
// as the very first or last instant; see [momentOf] for requests.
func nanoseconds(t time.Time) int64 {
	switch s := t.Unix(); {
	case s > farthest:
		return math.MaxInt64
	case s < -farthest:
		return math.MinInt64
	default:
		return t.UnixNano()
	}
}

// momentOf is nanoseconds for the instant of a request. It stays below the
// last instant, so that a request after the year 2262 is still before the end
// of what never ends.
func momentOf(t time.Time) int64 { return min(nanoseconds(t), math.MaxInt64-1) }

func invalid(subject, hint string) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "compiling access", Subject: subject, Hint: hint}
}

// check refuses facts that an index has no place for.
func check(f Facts) error {
	for _, empty := range []struct {
		what  string
		found bool
	}{
		{"site", hasEmpty(f.Sites, siteID)},
		{"area", hasEmpty(f.Areas, areaID)},
		{"opening", hasEmpty(f.Openings, openingID)},
		{"person", hasEmpty(f.People, personID)},
		{"role", hasEmpty(f.Roles, roleID)},
		{"schedule", hasEmpty(f.Schedules, scheduleID)},
	} {
		if empty.found {
			return invalid(empty.what, "give it an identifier")
		}
	}
	for i := range f.Grants {
		if err := checkGrant(&f.Grants[i]); err != nil {
			return err
		}
	}
	return nil
}

func checkGrant(g *sashlock.Grant) error {
	switch {
	case g.ID == "":
		return invalid("grant", "give it an identifier")
	case len(g.ID) > maxID:
		return invalid("grant", fmt.Sprintf("shorten its identifier to %d bytes", maxID))
	case (g.Person == "") == (g.Role == ""):
		return invalid(string(g.ID), "give the grant either to one person or to one role")
	}
	targets := 0
	for _, named := range [...]bool{g.Opening != "", g.Area != "", g.Site != ""} {
		if named {
			targets++
		}
	}
	if targets != 1 {
		return invalid(string(g.ID), "let the grant name exactly one opening, area or site")
	}
	return nil
}

// checkUnique refuses identifiers that stand for two objects. Grants are
// checked while they are compiled.
func checkUnique(f Facts) error {
	for _, twice := range []string{
		firstTwice(f.Sites, siteID),
		firstTwice(f.Areas, areaID),
		firstTwice(f.Openings, openingID),
		firstTwice(f.People, personID),
		firstTwice(f.Roles, roleID),
		firstTwice(f.Schedules, scheduleID),
	} {
		if twice != "" {
			return invalid(twice, "give every object an identifier of its own")
		}
	}
	return nil
}

func hasEmpty[T any](all []T, id func(*T) string) bool {
	for i := range all {
		if id(&all[i]) == "" {
			return true
		}
	}
	return false
}

func firstTwice[T any](all []T, id func(*T) string) string {
	seen := make(map[string]bool, len(all))
	for i := range all {
		name := id(&all[i])
		if seen[name] {
			return name
		}
		seen[name] = true
	}
	return ""
}

func siteID(s *sashlock.Site) string         { return string(s.ID) }
func areaID(a *sashlock.Area) string         { return string(a.ID) }
func openingID(o *sashlock.Opening) string   { return string(o.ID) }
func personID(p *sashlock.Person) string     { return string(p.ID) }
func roleID(r *sashlock.Role) string         { return string(r.ID) }
func scheduleID(s *sashlock.Schedule) string { return string(s.ID) }
