// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
)

// FromSite returns the declared form of a site.
func FromSite(s sashlock.Site, name Naming) Site {
	return Site{
		Kept: Kept{string(s.ID), s.Rev}, Slug: s.Slug, Name: s.Name, Zone: s.Zone, Hours: ref(name, Schedules, s.Hours),
		Jurisdiction: s.Jurisdiction, ShiftGrace: Length(s.ShiftGrace), ClockIn: s.ClockIn, LongestGrant: Length(s.LongestGrant),
		OpenBy: ref(name, Schedules, s.OpenBy), OpenTolerance: Length(s.OpenTolerance), RevokeWithin: Length(s.RevokeWithin),
	}
}

// FromArea returns the declared form of an area.
func FromArea(a sashlock.Area, name Naming) Area {
	return Area{
		Kept: Kept{string(a.ID), a.Rev}, Slug: a.Slug, Site: ref(name, Sites, a.Site), Name: a.Name,
		Level: int(a.Needs.Level), Two: a.Needs.Two, FirstIn: ref(name, Roles, a.Needs.FirstIn),
		Passback: string(a.Passback), PassbackFor: Length(a.PassbackFor), Occupancy: a.Occupancy,
	}
}

// FromOpening returns the declared form of an opening.
func FromOpening(o sashlock.Opening, name Naming) Opening {
	out := Opening{
		Kept: Kept{string(o.ID), o.Rev},
		Slug: o.Slug, Name: o.Name, Kind: string(o.Kind), Class: string(o.Class), Site: ref(name, Sites, o.Site),
		Egress: string(o.Egress), OnFault: string(o.OnFault), ReleaseTime: Length(o.ReleaseTime),
		OpenTime: Length(o.OpenTime), Unattended: Length(o.Unattended),
		Level: int(o.Needs.Level), Two: o.Needs.Two, FirstIn: ref(name, Roles, o.Needs.FirstIn), Interlock: o.Interlock, Trial: o.Trial,
	}
	if o.Area != "" {
		out.Area = areaSlug(ref(name, Areas, o.Area))
	}
	if o.Plan != (sashlock.Place{}) {
		out.Plan = []int{o.Plan.X, o.Plan.Y}
	}
	return out
}

// areaSlug returns the area of "site/area".
func areaSlug(r string) string {
	for i := range len(r) {
		if r[i] == '/' {
			return r[i+1:]
		}
	}
	return r
}

// FromRole returns the declared form of a role.
func FromRole(r sashlock.Role) Role {
	return Role{Kept: Kept{string(r.ID), r.Rev}, Slug: r.Slug, Name: r.Name}
}

// FromPerson returns the declared form of a person.
func FromPerson(p sashlock.Person, name Naming) Person {
	out := Person{Kept: Kept{string(p.ID), p.Rev}, Slug: p.Slug, Name: p.Name, Suspended: p.Suspended, From: instant(p.From), Until: instant(p.Until), Guest: p.IsGuest()}
	for _, r := range p.Roles {
		out.Roles = append(out.Roles, ref(name, Roles, r))
	}
	slices.Sort(out.Roles)
	return out
}

// FromSchedule returns the declared form of a schedule.
func FromSchedule(s sashlock.Schedule) Schedule {
	out := Schedule{Kept: Kept{string(s.ID), s.Rev}, Slug: s.Slug, Name: s.Name, First: date(s.First), Last: date(s.Last)}
	for _, p := range s.Weekly {
		period := Period{From: p.From.String(), Until: p.Until.String()}
		for _, d := range p.Days {
			period.Days = append(period.Days, weekdays[d])
		}
		out.Weekly = append(out.Weekly, period)
	}
	for _, d := range s.Special {
		day := SpecialDay{Name: d.Name, First: date(d.First)}
		if d.Last != d.First {
			day.Last = date(d.Last)
		}
		for _, span := range d.Spans {
			day.Spans = append(day.Spans, Span{From: span.From.String(), Until: span.Until.String()})
		}
		out.Special = append(out.Special, day)
	}
	return out
}

// FromGrant returns the declared form of a grant.
func FromGrant(g sashlock.Grant, name Naming) Grant {
	return Grant{
		Kept: Kept{string(g.ID), g.Rev},
		Slug: g.Slug, Person: ref(name, People, g.Person), Role: ref(name, Roles, g.Role),
		Opening: ref(name, Openings, g.Opening), Area: ref(name, Areas, g.Area), Site: ref(name, Sites, g.Site),
		Schedule: ref(name, Schedules, g.Schedule), From: instant(g.From), Until: instant(g.Until),
		Uses: g.Terms.Uses, Lasts: Length(g.Terms.Lasts), OnShift: g.Terms.OnShift, With: ref(name, Roles, g.Terms.With),
		Escort: ref(name, People, g.Terms.Escort), Two: g.Terms.Two, Level: int(g.Terms.Level), Hold: Length(g.Terms.Hold),
	}
}

func ref[T ~string](name Naming, k Kind, id T) string {
	if id == "" {
		return ""
	}
	return name(k, string(id))
}

// Length writes a length of time as files have it: "20m", "1h30m", "" for none.
func Length(d time.Duration) string {
	if d == 0 {
		return ""
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.999999Z07:00") // RFC 3339 to the microsecond, as the store keeps it
}

func date(d sashlock.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

// Data returns a declared object as a ledger entry carries it. People's names
// are left out: entries speak of identifiers.
func Data(object any) json.RawMessage {
	if p, ok := object.(Person); ok {
		p.Name, p.Slug = "", ""
		object = p
	}
	data, err := json.Marshal(object)
	if err != nil {
		return nil
	}
	return data
}
