// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// Lookup finds the identifier of the object of a kind that ref names; "" when
// there is none.
type Lookup func(k Kind, ref string) string

// Naming finds how an object of a kind is referred to.
type Naming func(k Kind, id string) string

// DefaultReleaseTime is how long a release lasts where nobody said.
const DefaultReleaseTime = 10 * time.Second

// The limits of the lengths of time of an opening.
const (
	MinReleaseTime = 3 * time.Second // EN 60839-11-1
	MaxReleaseTime = time.Hour
	MaxOpenTime    = 24 * time.Hour
)

// reader collects what is wrong with one object while turning it into another.
type reader struct {
	find     Lookup
	problems []Problem
}

func (r *reader) wrong(field string, detail, fix lang.Phrase) {
	r.problems = append(r.problems, Problem{Field: field, Detail: detail, Fix: fix})
}

func (r *reader) slug(s string) string {
	if !sashlock.ValidSlug(s) {
		r.wrong("slug", lang.Say("%q cannot be a short name", s), lang.Say("use 1 to 40 of a-z, 0-9 and hyphens, starting with a letter or digit"))
	}
	return s
}

func (r *reader) name(s string) string {
	if fix := sashlock.CheckName(s); fix != "" {
		r.wrong("name", lang.Say("this cannot be a display name"), nameFix(fix))
	}
	return s
}

// nameFix says what [sashlock.CheckName] says; the package of words knows no
// languages.
func nameFix(fix string) lang.Phrase {
	for _, known := range [...]string{
		lang.Mark("give it a name"), lang.Mark("shorten it to 80 characters"), lang.Mark("write it in UTF-8"),
		lang.Mark("remove control characters and marks that change the direction of writing"),
	} {
		if fix == known {
			return lang.Say(known)
		}
	}
	return lang.Say(fix)
}

func (r *reader) ref(field string, k Kind, ref string, required bool) string {
	if ref == "" {
		if required {
			r.wrong(field, lang.Say("it is missing"), lang.Say("name the %s", k.word()))
		}
		return ""
	}
	id := r.find(k, ref)
	if id == "" {
		r.wrong(field, lang.Say("there is no %s %q", k.word(), sashlock.Clip(ref)), lang.Say("declare the %s first, or correct the name", k.word()))
	}
	return id
}

func (r *reader) instant(field, s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1970 || t.Year() > 2200 {
		r.wrong(field, lang.Say("%q is not an instant", sashlock.Clip(s)), lang.Say(`write it with its offset, like "2026-11-30T18:00:00+01:00"`))
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

func (r *reader) validity(from, until string) (f, u time.Time) {
	f, u = r.instant("from", from), r.instant("until", until)
	if !f.IsZero() && !u.IsZero() && !f.Before(u) {
		r.wrong("until", lang.Say("it ends before it starts"), lang.Say("set until to a later instant than from"))
	}
	return f, u
}

func (r *reader) date(field, s string, required bool) sashlock.Date {
	if s == "" {
		if required {
			r.wrong(field, lang.Say("it is missing"), lang.Say(`write a date like "2026-12-25"`))
		}
		return sashlock.Date{}
	}
	d, err := sashlock.ParseDate(s)
	if err != nil {
		r.wrong(field, lang.Say("%q is not a date", sashlock.Clip(s)), lang.Say(`write a day of the calendar like "2026-12-25"`))
	}
	return d
}

func (r *reader) timeOfDay(field, s string) sashlock.TimeOfDay {
	t, err := sashlock.ParseTimeOfDay(s)
	if err != nil {
		r.wrong(field, lang.Say("%q is not a time of day", sashlock.Clip(s)), lang.Say(`write hours and minutes like "09:30", in quotes`))
	}
	return t
}

func (r *reader) length(field, s string, fallback, least, most time.Duration) time.Duration {
	if s == "" {
		return fallback
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		r.wrong(field, lang.Say("%q is not a length of time", sashlock.Clip(s)), lang.Say(`write it with its unit, like "25s" or "2m"`))
		return fallback
	}
	if d < least || d > most || d%time.Millisecond != 0 {
		r.wrong(field, lang.Say("%s is out of range", sashlock.Clip(s)), lang.Say("choose between %s and %s", Length(least), Length(most)))
	}
	return d
}

func (r *reader) oneOf(field, s, fallback string, allowed ...string) string {
	if s == "" {
		s = fallback
	}
	if !slices.Contains(allowed, s) {
		r.wrong(field, lang.Say("%q is not known", sashlock.Clip(s)), lang.Say("choose one of %s", strings.Join(allowed, ", ")))
	}
	return s
}

// Resolve returns the site as the deciders use it, without identifier.
func (s Site) Resolve(find Lookup) (sashlock.Site, []Problem) {
	r := &reader{find: find}
	out := sashlock.Site{Slug: r.slug(s.Slug), Name: r.name(s.Name), Zone: s.Zone}
	if s.Zone == "" || s.Zone == "Local" {
		r.wrong("zone", lang.Say("the site's time zone is missing"), lang.Say(`name an IANA time zone like "Europe/Lisbon"`))
	} else if _, err := time.LoadLocation(s.Zone); err != nil {
		r.wrong("zone", lang.Say("there is no time zone %q", sashlock.Clip(s.Zone)), lang.Say(`name an IANA time zone like "Europe/Lisbon"`))
	}
	out.Hours = sashlock.ScheduleID(r.ref("hours", Schedules, s.Hours, false))
	out.Jurisdiction = r.word("jurisdiction", s.Jurisdiction, 10)
	out.ShiftGrace = r.length("shift_grace", s.ShiftGrace, 0, time.Minute, 12*time.Hour)
	out.ClockIn = s.ClockIn
	out.LongestGrant = r.length("longest_grant", s.LongestGrant, 0, time.Hour, 10*365*24*time.Hour)
	out.OpenBy = sashlock.ScheduleID(r.ref("open_by", Schedules, s.OpenBy, false))
	out.OpenTolerance = r.length("open_tolerance", s.OpenTolerance, 0, time.Minute, 12*time.Hour)
	out.RevokeWithin = r.length("revoke_within", s.RevokeWithin, 0, time.Minute, 7*24*time.Hour)
	if s.OpenBy == "" && s.OpenTolerance != "" {
		r.wrong("open_tolerance", lang.Say("nobody is waited for"), lang.Say("say by which schedule in open_by, or leave the tolerance out"))
	}
	return out, r.problems
}

// Resolve returns the area as the deciders use it, without identifier.
func (a Area) Resolve(find Lookup) (sashlock.Area, []Problem) {
	r := &reader{find: find}
	out := sashlock.Area{
		Slug: r.slug(a.Slug), Name: r.name(a.Name), Site: sashlock.SiteID(r.ref("site", Sites, a.Site, true)),
		Needs: r.needs(a.Level, a.Two, a.FirstIn), Occupancy: r.count("occupancy", a.Occupancy, 100_000),
	}
	if a.Passback != "" {
		out.Passback = sashlock.Passback(r.oneOf("passback", a.Passback, "", "soft", "hard", "timed"))
	}
	out.PassbackFor = r.length("passback_for", a.PassbackFor, 0, time.Minute, 24*time.Hour)
	if (out.Passback == sashlock.PassbackTimed) != (out.PassbackFor > 0) {
		r.wrong("passback_for", lang.Say("timed anti-passback, and only that, needs to know how long"), lang.Say(`write passback: timed together with passback_for: 10m`))
	}
	return out, r.problems
}

// needs reads what an opening or an area asks of everybody.
func (r *reader) needs(level int, two bool, firstIn string) sashlock.Needs {
	return sashlock.Needs{
		Level: r.level(level), Two: two, FirstIn: sashlock.RoleID(r.ref("first_in", Roles, firstIn, false)),
	}
}

func (r *reader) level(n int) sashlock.Assurance {
	if n < 0 || n > int(sashlock.AssuranceBoth) {
		r.wrong("level", lang.Say("there is no level %d", n), lang.Say("write 1 for a PIN, 2 for a card, 3 for a passkey, 4 for card and finger"))
		return 0
	}
	return sashlock.Assurance(n)
}

func (r *reader) count(field string, n, most int) int {
	if n < 0 || n > most {
		r.wrong(field, lang.Say("%d is no such number", n), lang.Say("write a number from 1 to %d, or leave it out", most))
		return 0
	}
	return n
}

// word reads a short word of letters, digits and hyphens.
func (r *reader) word(field, s string, most int) string {
	if len(s) > most || strings.ContainsFunc(s, func(c rune) bool {
		return c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}) {
		r.wrong(field, lang.Say("this is not a word"), lang.Say("use up to %d letters, digits and hyphens", most))
		return ""
	}
	return s
}

// Resolve returns the opening as the deciders use it, without identifier.
func (o Opening) Resolve(find Lookup) (sashlock.Opening, []Problem) {
	r := &reader{find: find}
	out := sashlock.Opening{
		Slug: r.slug(o.Slug), Name: r.name(o.Name),
		Kind:        sashlock.OpeningKind(r.oneOf("kind", o.Kind, "", "door", "case", "cage", "locker", "hatch", "vending", "kiosk")),
		Class:       sashlock.Class(r.oneOf("class", o.Class, "standard", "standard", "valuable", "high")),
		OnFault:     sashlock.OnFault(r.oneOf("on_fault", o.OnFault, "hold", "hold", "release")),
		Site:        sashlock.SiteID(r.ref("site", Sites, o.Site, true)),
		ReleaseTime: r.length("release_time", o.ReleaseTime, DefaultReleaseTime, MinReleaseTime, MaxReleaseTime),
		OpenTime:    r.length("open_time", o.OpenTime, 0, time.Second, MaxOpenTime),
		Unattended:  r.length("unattended", o.Unattended, 0, time.Second, MaxOpenTime),
		Needs:       r.needs(o.Level, o.Two, o.FirstIn),
		Trial:       o.Trial,
		Interlock:   r.word("interlock", o.Interlock, 40),
	}
	if o.Kind == string(sashlock.Door) && o.Egress == "" {
		r.wrong("egress", lang.Say("a door must say whether people leave through it"), lang.Say(`write "hardware" if they do (it opens from the inside by itself), or "none"`))
	} else {
		out.Egress = sashlock.Egress(r.oneOf("egress", o.Egress, "none", "none", "hardware"))
	}
	if o.Area != "" {
		out.Area = sashlock.AreaID(r.ref("area", Areas, o.Site+"/"+o.Area, false))
	}
	switch {
	case len(o.Plan) == 0:
	case len(o.Plan) == 2 && min(o.Plan[0], o.Plan[1]) >= 0 && max(o.Plan[0], o.Plan[1]) <= 1000:
		out.Plan = sashlock.Place{X: o.Plan[0], Y: o.Plan[1]}
	default:
		r.wrong("plan", lang.Say("this is not a place on the plan"), lang.Say("write two numbers between 0 and 1000, like [120, 400]"))
	}
	return out, r.problems
}

// Resolve returns the role as the deciders use it, without identifier.
func (o Role) Resolve(find Lookup) (sashlock.Role, []Problem) {
	r := &reader{find: find}
	return sashlock.Role{Slug: r.slug(o.Slug), Name: r.name(o.Name)}, r.problems
}

// Resolve returns the person as the deciders use it, without identifier.
func (p Person) Resolve(find Lookup) (sashlock.Person, []Problem) {
	r := &reader{find: find}
	out := sashlock.Person{Slug: r.slug(p.Slug), Name: r.name(p.Name), Suspended: p.Suspended}
	if out.IsGuest() && !p.Guest {
		r.wrong("slug", lang.Say("names that begin with %s stand for customers", sashlock.GuestSlug), lang.Say("choose another"))
	}
	out.From, out.Until = r.validity(p.From, p.Until)
	seen := map[string]bool{}
	for i, role := range p.Roles {
		field := fmt.Sprintf("roles[%d]", i)
		if seen[role] {
			r.wrong(field, lang.Say("role %q is there twice", sashlock.Clip(role)), lang.Say("remove one"))
			continue
		}
		seen[role] = true
		if id := r.ref(field, Roles, role, true); id != "" {
			out.Roles = append(out.Roles, sashlock.RoleID(id))
		}
	}
	slices.Sort(out.Roles)
	return out, r.problems
}

// Resolve returns the grant as the deciders use it, without identifier.
func (g Grant) Resolve(find Lookup) (sashlock.Grant, []Problem) {
	r := &reader{find: find}
	out := sashlock.Grant{Slug: r.slug(g.Slug)}
	out.From, out.Until = r.validity(g.From, g.Until)
	if (g.Person == "") == (g.Role == "") {
		r.wrong("person", lang.Say("a grant is for one person or for one role"), lang.Say("give either person or role"))
	}
	if count(g.Opening, g.Area, g.Site) != 1 {
		r.wrong("opening", lang.Say("a grant is for one opening, one area or one site"), lang.Say("give exactly one of opening, area and site"))
	}
	out.Person = sashlock.PersonID(r.ref("person", People, g.Person, false))
	out.Role = sashlock.RoleID(r.ref("role", Roles, g.Role, false))
	out.Opening = sashlock.OpeningID(r.ref("opening", Openings, g.Opening, false))
	out.Area = sashlock.AreaID(r.ref("area", Areas, g.Area, false))
	out.Site = sashlock.SiteID(r.ref("site", Sites, g.Site, false))
	out.Schedule = sashlock.ScheduleID(r.ref("schedule", Schedules, g.Schedule, false))
	out.Terms = sashlock.Terms{
		Uses: r.count("uses", g.Uses, 1_000_000), Lasts: r.length("lasts", g.Lasts, 0, time.Minute, 366*24*time.Hour), OnShift: g.OnShift,
		With: sashlock.RoleID(r.ref("with", Roles, g.With, false)), Escort: sashlock.PersonID(r.ref("escort", People, g.Escort, false)),
		Two: g.Two, Level: r.level(g.Level), Hold: r.length("hold", g.Hold, 0, time.Minute, 12*time.Hour),
	}
	if g.Escort != "" && g.Escort == g.Person {
		r.wrong("escort", lang.Say("nobody is their own host"), lang.Say("name somebody else"))
	}
	return out, r.problems
}

func count(refs ...string) int {
	n := 0
	for _, s := range refs {
		if s != "" {
			n++
		}
	}
	return n
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Resolve returns the schedule as the deciders use it, without identifier.
// Overlapping special days and the like are for schedule.Validate to find.
func (s Schedule) Resolve(Lookup) (sashlock.Schedule, []Problem) {
	r := &reader{}
	out := sashlock.Schedule{
		Slug: r.slug(s.Slug), Name: r.name(s.Name),
		First: r.date("first", s.First, false), Last: r.date("last", s.Last, false),
	}
	for i, p := range s.Weekly {
		at := fmt.Sprintf("weekly[%d].", i)
		period := sashlock.Period{From: r.timeOfDay(at+"from", p.From), Until: r.timeOfDay(at+"until", p.Until)}
		if len(p.Days) == 0 {
			r.wrong(at+"days", lang.Say("no day is given"), lang.Say("name at least one of mon tue wed thu fri sat sun"))
		}
		for j, day := range p.Days {
			n := slices.Index(weekdays, day)
			if n < 0 {
				r.wrong(fmt.Sprintf("%sdays[%d]", at, j), lang.Say("%q is not a day", sashlock.Clip(day)), lang.Say("use mon tue wed thu fri sat sun"))
			}
			period.Days = append(period.Days, time.Weekday(n))
		}
		out.Weekly = append(out.Weekly, period)
	}
	for i, d := range s.Special {
		out.Special = append(out.Special, r.special(fmt.Sprintf("special[%d].", i), d))
	}
	return out, r.problems
}

func (r *reader) special(at string, d SpecialDay) sashlock.SpecialDay {
	out := sashlock.SpecialDay{Name: d.Name, First: r.date(at+"first", d.First, true), Last: r.date(at+"last", d.Last, false)}
	if fix := sashlock.CheckName(d.Name); fix != "" {
		r.wrong(at+"name", lang.Say("this cannot be a display name"), nameFix(fix))
	}
	if d.Last == "" {
		out.Last = out.First
	}
	for i, span := range d.Spans {
		field := fmt.Sprintf("%sspans[%d].", at, i)
		out.Spans = append(out.Spans, sashlock.Span{From: r.timeOfDay(field+"from", span.From), Until: r.timeOfDay(field+"until", span.Until)})
	}
	return out
}
