// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/schedule"
)

// Compile makes a plan of a scenario, or says everything that is wrong with it.
// With problems the plan is nil.
func Compile(s Scenario, w World) (*Plan, []estate.Problem) {
	c := compiler{w: w, p: &Plan{Form: s, never: map[sashlock.OpeningID]string{}, openings: map[sashlock.OpeningID]place{}}}
	c.head()
	if c.p.Site.ID != "" {
		c.trigger()
		c.condition()
		c.actions()
		c.guard()
	}
	c.revert()
	c.check()
	if len(c.problems) == 0 {
		c.circles()
	}
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return c.p, nil
}

// compiler collects what is wrong on the way.
type compiler struct {
	w        World
	p        *Plan
	problems []estate.Problem
}

func (c *compiler) wrong(field string, detail, fix lang.Phrase) {
	c.problems = append(c.problems, estate.Problem{Field: field, Detail: detail, Fix: fix})
}

func (c *compiler) head() {
	s := c.p.Form
	if !sashlock.ValidSlug(s.Slug) {
		c.wrong("slug", lang.Say("%q cannot be a short name", short(s.Slug)), lang.Say("use 1 to 40 of a-z, 0-9 and hyphens, starting with a letter or digit"))
	}
	if fix := sashlock.CheckName(s.Name); fix != "" {
		c.wrong("name", lang.Say("this cannot be a display name"), lang.Say(fix))
	}
	if !slices.Contains(Kinds(), s.Kind) {
		c.wrong("kind", lang.Say("there is no kind %q", short(string(s.Kind))), lang.Say("choose one of %s", list(Kinds())))
	}
	if s.Rank < 0 || s.Rank > 99 {
		c.wrong("rank", lang.Say("this is no rank"), lang.Say("choose a number from 0 to 99"))
	}
	if len(s.Note) > 2000 {
		c.wrong("note", lang.Say("this is too long"), lang.Say("use 2,000 characters at most"))
	}
	for _, site := range c.w.Sites {
		if site.Slug == s.Site {
			c.p.Site = site
		}
	}
	if c.p.Site.ID == "" {
		c.wrong("site", lang.Say("there is no site %q", short(s.Site)), lang.Say("name the store it is for"))
		return
	}
	zone, err := schedule.LoadZone(c.p.Site.Zone)
	if err != nil {
		c.wrong("site", lang.Say("its time zone is not known"), lang.Say("mend the site first"))
		zone = time.UTC
	}
	c.p.zone = zone
	for id, o := range c.w.Openings {
		if o.Site == c.p.Site.ID {
			c.p.openings[id] = place{o, c.w.Areas[o.Area].Slug}
		}
	}
}

func (c *compiler) trigger() {
	t := c.p.Form.Trigger
	n := 0
	if t.Schedule != "" {
		n++
		c.p.begins = c.calendar("trigger.schedule", t.Schedule)
	}
	if t.Dates != nil {
		n++
		c.dates(*t.Dates)
	}
	if t.Rate != nil {
		n++
		c.rate(*t.Rate)
	}
	if t.Event != nil {
		n++
		c.event(*t.Event)
	}
	switch {
	case n > 1:
		c.wrong("trigger", lang.Say("it has more than one trigger"), lang.Say("keep one of schedule, dates, rate and event; make a second scenario for the other"))
	case n == 0 && !t.Button:
		c.wrong("trigger", lang.Say("nothing begins it"), lang.Say("choose a schedule, dates, a rate or an event, or let somebody press a button"))
	}
}

func (c *compiler) calendar(field, slug string) *schedule.Calendar {
	for _, s := range c.w.Schedules {
		if s.Slug != slug {
			continue
		}
		calendar, err := schedule.Compile(s, c.p.zone)
		if err != nil {
			c.wrong(field, lang.Say("the schedule cannot be read"), lang.Say("mend the schedule first"))
		}
		return calendar
	}
	c.wrong(field, lang.Say("there is no schedule %q", short(slug)), lang.Say("name one that there is, or make it first"))
	return nil
}

// LocalTime is how scenarios have a time by the clocks of the store. A T between
// day and time is taken as well.
const LocalTime = "2006-01-02 15:04"

func (c *compiler) dates(d Dates) {
	read := func(field, text string) time.Time {
		at, err := time.ParseInLocation(LocalTime, strings.Replace(text, "T", " ", 1), c.p.zone)
		if err != nil {
			c.wrong("trigger.dates."+field, lang.Say("%q is no instant", short(text)), lang.Say(`write a day and a time on the clocks of the store, like "2026-11-27 18:00"`))
		}
		return at
	}
	c.p.from, c.p.until = read("from", d.From), read("until", d.Until)
	switch length := c.p.until.Sub(c.p.from); {
	case c.p.from.IsZero() || c.p.until.IsZero():
	case length <= 0:
		c.wrong("trigger.dates.until", lang.Say("it ends before it begins"), lang.Say("choose a later end"))
	case length > MaxLength:
		c.wrong("trigger.dates.until", lang.Say("that is too long"), lang.Say("choose 31 days at most"))
	}
}

func (c *compiler) rate(r Rate) {
	if !slices.Contains([]Counted{Sales, Footfall, Calls}, r.Of) {
		c.wrong("trigger.rate.of", lang.Say("%q is not counted", short(string(r.Of))), lang.Say("choose one of sales, footfall and calls"))
	}
	if r.Rise <= 0 || r.Rise > 1_000_000 {
		c.wrong("trigger.rate.rise", lang.Say("this is no number to reach"), lang.Say("choose how many have to be counted before it begins"))
	}
	if r.Fall < 0 || r.Fall >= r.Rise {
		c.wrong("trigger.rate.fall", lang.Say("it has to be less than rise"), lang.Say("leave some room between the two, or it begins and ends all the time"))
	}
	c.p.rate = &rate{
		of: r.Of, rise: float64(r.Rise), fall: float64(r.Fall),
		over:    c.length("trigger.rate.over", r.Over, UsualOver),
		riseFor: c.length("trigger.rate.rise_hold", r.RiseHold, 0), falls: c.length("trigger.rate.fall_hold", r.FallHold, 0),
	}
	if o := c.p.rate.over; o < time.Minute || o > 24*time.Hour {
		c.wrong("trigger.rate.over", lang.Say("this is too short or too long"), lang.Say("choose one minute to one day"))
	}
}

// length reads a length of time.
func (c *compiler) length(field, text string, usual time.Duration) time.Duration {
	if text == "" {
		return usual
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > MaxLength {
		c.wrong(field, lang.Say("%q is no length of time", short(text)), lang.Say(`write it like "90m" or "2h", 31 days at most`))
		return usual
	}
	return d
}

func (c *compiler) event(e Occasion) {
	f := &filter{kind: e.Kind, rule: e.Rule, subject: e.Subject, site: c.p.Site.ID}
	if !slices.Contains(Heard(), sashlock.EventKind(e.Kind)) {
		c.wrong("trigger.event.kind", lang.Say("%q begins no scenario", short(e.Kind)), lang.Say("choose one of %s", list(Heard())))
	}
	if e.Opening != "" || e.Area != "" || e.Class != "" {
		f.openings = map[sashlock.OpeningID]bool{}
		for id, o := range c.p.openings {
			if (e.Opening == "" || e.Opening == o.Slug) && (e.Area == "" || e.Area == c.p.Site.Slug+"/"+o.area) && (e.Class == "" || e.Class == string(o.Class)) {
				f.openings[id] = true
			}
		}
		if len(f.openings) == 0 {
			c.wrong("trigger.event", lang.Say("no opening of this site is like that"), lang.Say("name an opening, an area or a class that there is"))
		}
	}
	c.p.event = f
}

func (c *compiler) condition() {
	d := c.p.Form.Condition
	if d.During != "" {
		c.p.during = c.calendar("condition.during", d.During)
	}
	for i, threat := range d.Threat {
		if !slices.Contains(Threats(), threat) {
			c.wrong(fmt.Sprintf("condition.threat[%d]", i), lang.Say("a store never stands at %q", short(threat)), lang.Say("choose among %s", list(Threats())))
		}
	}
	if d.Staff < 0 || d.Staff > 1000 {
		c.wrong("condition.staff", lang.Say("this is no number of people"), lang.Say("choose 0 to 1,000"))
	}
	c.role("condition.role", d.Role)
	if !slices.Contains([]string{"", string(sashlock.Normal), string(sashlock.HeldUnlocked), string(sashlock.LockedDown)}, d.Mode) {
		c.wrong("condition.mode", lang.Say("there is no mode %q", short(d.Mode)), lang.Say("choose one of normal, held_unlocked and locked_down"))
	}
	for i, slug := range d.Unless {
		if slug == c.p.Form.Slug || !slices.ContainsFunc(c.w.Others, func(o Scenario) bool { return o.Slug == slug }) {
			c.wrong(fmt.Sprintf("condition.unless[%d]", i), lang.Say("there is no other scenario %q", short(slug)), lang.Say("name one that there is"))
		}
	}
}

func (c *compiler) role(field, slug string) {
	if slug == "" {
		return
	}
	for _, r := range c.w.Roles {
		if r.Slug == slug {
			return
		}
	}
	c.wrong(field, lang.Say("there is no role %q", short(slug)), lang.Say("name one that there is"))
}

// where finds the openings that are named, in the order of names.
func (c *compiler) where(field string, w Where) []sashlock.OpeningID {
	if !w.All && len(w.Areas)+len(w.Openings) == 0 {
		c.wrong(field, lang.Say("it names no opening"), lang.Say("name areas or openings, or write all: true"))
		return nil
	}
	for i, kind := range w.Kinds {
		if !slices.Contains(openingKinds(), kind) {
			c.wrong(fmt.Sprintf("%s.kinds[%d]", field, i), lang.Say("there is no kind of opening %q", short(kind)), lang.Say("choose among %s", list(openingKinds())))
		}
	}
	of := func(o place) bool { return len(w.Kinds) == 0 || slices.Contains(w.Kinds, string(o.Kind)) }
	var named []sashlock.OpeningID
	for i, slug := range w.Openings {
		id := c.opening(fmt.Sprintf("%s.openings[%d]", field, i), slug)
		if id != "" && of(c.p.openings[id]) {
			named = append(named, id)
		}
	}
	for i, ref := range w.Areas {
		named = append(named, c.among(c.area(fmt.Sprintf("%s.areas[%d]", field, i), ref), of)...)
	}
	if w.All {
		named = append(named, c.among(func(place) bool { return true }, of)...)
	}
	return unique(named)
}

// among lists the openings that are both, by slug.
func (c *compiler) among(in, of func(place) bool) []sashlock.OpeningID {
	if in == nil {
		return nil
	}
	var some []place
	for _, o := range c.p.openings {
		if in(o) && of(o) {
			some = append(some, o)
		}
	}
	slices.SortFunc(some, func(a, b place) int { return cmp.Compare(a.Slug, b.Slug) })
	ids := make([]sashlock.OpeningID, len(some))
	for i, o := range some {
		ids[i] = o.ID
	}
	return ids
}

func (c *compiler) opening(field, slug string) sashlock.OpeningID {
	for id, o := range c.p.openings {
		if o.Slug == slug {
			return id
		}
	}
	c.wrong(field, lang.Say("there is no opening %q at this site", short(slug)), lang.Say("name one that there is"))
	return ""
}

// area finds what is in an area of the site.
func (c *compiler) area(field, ref string) func(place) bool {
	site, slug, _ := strings.Cut(ref, "/")
	for id, a := range c.w.Areas {
		if a.Site == c.p.Site.ID && site == c.p.Site.Slug && a.Slug == slug {
			return func(o place) bool { return o.Area == id }
		}
	}
	c.wrong(field, lang.Say("there is no area %q at this site", short(ref)), lang.Say("name one that there is, written site/area"))
	return nil
}

func openingKinds() []string {
	kinds := []sashlock.OpeningKind{sashlock.Door, sashlock.Case, sashlock.Cage, sashlock.Locker, sashlock.Hatch, sashlock.Vending, sashlock.Kiosk}
	all := make([]string, len(kinds))
	for i, k := range kinds {
		all[i] = string(k)
	}
	return all
}

// list puts words in a row.
func list[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, w := range all {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}

// short keeps what a message quotes short.
func short(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return strings.ToValidUTF8(s, "")
}
