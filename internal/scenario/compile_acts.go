// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
)

func (c *compiler) actions() {
	a := c.p.Form.Actions
	for i, h := range a.Hold {
		field := fmt.Sprintf("actions.hold_unlocked[%d]", i)
		if h.Most < 0 || h.PerAssociate < 0 || h.Most > 1000 || h.PerAssociate > 100 {
			c.wrong(field, lang.Say("this is no number of openings"), lang.Say("choose 0 to 1,000 in all, 0 to 100 for each person"))
		}
		if h.Role != "" && h.PerAssociate == 0 {
			c.wrong(field+".role", lang.Say("a role without per_associate says nothing"), lang.Say("say how many for each person with this role"))
		}
		c.role(field+".role", h.Role)
		c.p.holds = append(c.p.holds, hold{c.where(field, h.Where), h.Most, h.PerAssociate, h.Role})
	}
	for i, w := range a.Lock {
		c.p.locks = append(c.p.locks, c.where(fmt.Sprintf("actions.lock_down[%d]", i), w)...)
	}
	c.p.locks = unique(c.p.locks)
	if a.Threat == "normal" || a.Threat != "" && !slices.Contains(Threats(), a.Threat) {
		c.wrong("actions.threat", lang.Say("a scenario does not set %q", short(a.Threat)), lang.Say("choose one of peak, event, heightened and lockdown"))
	}
	if len(a.Notify) > 500 {
		c.wrong("actions.notify", lang.Say("this is too long"), lang.Say("use 500 characters at most"))
	}
	c.alarm(a.Alarm)
	for i, g := range a.Grants {
		field := fmt.Sprintf("actions.grants[%d]", i)
		switch {
		case !sashlock.ValidSlug(g.Slug):
			c.wrong(field+".slug", lang.Say("this cannot be a short name"), lang.Say("use 1 to 40 of a-z, 0-9 and hyphens, starting with a letter or digit"))
		case slices.ContainsFunc(a.Grants[:i], func(other estate.Grant) bool { return other.Slug == g.Slug }):
			c.wrong(field+".slug", lang.Say("two grants have this short name"), lang.Say("give each one its own"))
		}
		c.ofThisSite(field, g)
	}
	if c.p.Form.Kind == Lockdown {
		if len(c.p.holds) > 0 {
			c.wrong("actions.hold_unlocked", lang.Say("a lockdown holds nothing unlocked"), lang.Say("make a scenario of another kind for that"))
		}
		if len(c.p.locks) == 0 && len(a.Lock) == 0 {
			c.wrong("actions.lock_down", lang.Say("a lockdown has to lock something down"), lang.Say("name areas or openings, or write all: true"))
		}
	}
	if len(a.Hold)+len(a.Lock)+len(a.Grants) == 0 && a.Threat == "" && a.Alarm == nil && a.Notify == "" && len(c.p.Form.Check.Items) == 0 {
		c.wrong("actions", lang.Say("it does nothing"), lang.Say("choose what it does"))
	}
}

func (c *compiler) alarm(a *Warning) {
	if a == nil {
		return
	}
	if strings.TrimSpace(a.Text) == "" || len(a.Text) > 500 {
		c.wrong("actions.alarm.text", lang.Say("it says nothing, or too much"), lang.Say("write what people read, in 500 characters at most"))
	}
	if !slices.Contains([]string{"", string(sashlock.Act), string(sashlock.Look), string(sashlock.Note)}, a.Level) {
		c.wrong("actions.alarm.level", lang.Say("there is no level %q", short(a.Level)), lang.Say("choose one of act, check and note"))
	}
	switch {
	case a.Opening != "":
		c.p.alarmAt = c.opening("actions.alarm.opening", a.Opening)
	case c.p.event == nil:
		c.wrong("actions.alarm.opening", lang.Say("an alarm is about an opening"), lang.Say("name it; only where an event begins the scenario it can be that of the event"))
	}
}

// ofThisSite makes sure that a grant is for something of the site.
func (c *compiler) ofThisSite(field string, g estate.Grant) {
	switch {
	case g.Opening != "":
		c.opening(field+".opening", g.Opening)
	case g.Area != "":
		c.area(field+".area", g.Area)
	case g.Site != c.p.Site.Slug:
		c.wrong(field+".site", lang.Say("it is for another site, or for nothing"), lang.Say("name something of this site"))
	}
	if (g.Person == "") == (g.Role == "") {
		c.wrong(field, lang.Say("it is for nobody, or for two"), lang.Say("name a person or a role"))
	}
	if g.From != "" || g.Until != "" {
		c.wrong(field, lang.Say("it has dates of its own"), lang.Say("leave them out: it counts while the scenario runs"))
	}
	if g.Schedule != "" {
		c.calendar(field+".schedule", g.Schedule)
	}
	c.role(field+".role", g.Role)
	c.role(field+".with", g.With)
}

func (c *compiler) guard() {
	g := c.p.Form.Guard
	c.p.longest = c.length("guard.longest", g.Longest, UsualLongest)
	if c.p.Form.Kind == Lockdown && g.Longest == "" {
		c.p.longest = 0
	}
	for i, ref := range g.Never {
		field := fmt.Sprintf("guard.never[%d]", i)
		if !strings.Contains(ref, "/") {
			if id := c.opening(field, ref); id != "" {
				c.p.never[id] = "the scenario says so"
			}
			continue
		}
		for _, id := range c.among(c.area(field, ref), func(place) bool { return true }) {
			c.p.never[id] = "the scenario says so"
		}
	}
	for i, class := range g.Classes {
		if !slices.Contains([]string{string(sashlock.Standard), string(sashlock.Valuable), string(sashlock.High)}, class) {
			c.wrong(fmt.Sprintf("guard.never_classes[%d]", i), lang.Say("there is no class %q", short(class)), lang.Say("choose among standard, valuable and high"))
		}
		for id, o := range c.p.openings {
			if string(o.Class) == class {
				c.p.never[id] = "the scenario leaves out class " + class
			}
		}
	}
}

func (c *compiler) revert() {
	r, t := c.p.Form.Revert, c.p.Form.Trigger
	c.p.after = c.length("revert.after", r.After, 0)
	scheduled := t.Schedule != "" || t.Dates != nil || c.p.Form.Condition.During != ""
	if r.WithSchedule && !scheduled {
		c.wrong("revert.with_schedule", lang.Say("it has no schedule that could end"), lang.Say("choose a time after which it ends"))
	}
	if r.WithTrigger && t.Schedule == "" && t.Dates == nil && t.Rate == nil {
		c.wrong("revert.with_trigger", lang.Say("an event or a button does not fall"), lang.Say("choose a time after which it ends"))
	}
	ends := r.After != "" || r.WithSchedule || r.WithTrigger
	if !ends && c.p.Form.Kind != Lockdown && len(c.p.Form.Check.Items) == 0 {
		c.wrong("revert", lang.Say("it never goes back"), lang.Say("say when it ends: after a time, with its schedule or with its trigger; only a lockdown may wait for somebody to end it"))
	}
	if t.Button && !ends && c.p.longest == 0 && c.p.Form.Kind != Lockdown {
		c.wrong("revert", lang.Say("begun by hand it never goes back"), lang.Say("say after which time it ends"))
	}
}

func (c *compiler) check() {
	k := c.p.Form.Check
	if len(k.Items) > 0 && c.p.Form.Kind != Opening && c.p.Form.Kind != Closing {
		c.wrong("check", lang.Say("only opening and closing are checked"), lang.Say("make it a scenario of kind opening or closing"))
	}
	for i, item := range k.Items {
		if !slices.Contains(Items(), item) {
			c.wrong(fmt.Sprintf("check.items[%d]", i), lang.Say("%q is not checked", short(string(item))), lang.Say("choose among %s", list(Items())))
		}
	}
	c.role("check.role", k.Role)
}
