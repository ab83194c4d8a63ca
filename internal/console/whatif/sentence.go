// SPDX-License-Identifier: Apache-2.0

package whatif

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// sentence is a grant in words.
type sentence struct {
	Slug string // to go there; empty: it no longer exists
	Text lang.Phrase
}

// sentences says several grants in words. One that has been revoked says so.
func (p pages) sentences(ctx context.Context, ids []sashlock.GrantID) (map[sashlock.GrantID]sentence, error) {
	out := map[sashlock.GrantID]sentence{}
	err := p.Store.View(ctx, func(q store.Query) error {
		for _, id := range ids {
			if _, done := out[id]; done || id == "" {
				continue
			}
			g, err := grants.Find(q, string(id))
			switch {
			case sashlock.IsKind(err, sashlock.NotFound):
				out[id] = sentence{Text: lang.Say("a grant that has been revoked since")}
			case err != nil:
				return err
			default:
				out[id] = sentence{Slug: g.Slug, Text: grantWords(p.Hall.Book(), g)}
			}
		}
		return nil
	})
	return out, err
}

// grantWords says who may open what, and when.
func grantWords(b *flow.Book, g sashlock.Grant) lang.Phrase {
	who, what, when := any(b.People[g.Person].Name), any(nil), lang.Say("at any time")
	if g.Role != "" {
		who = lang.Say("Everyone with the role %s", b.Roles[g.Role].Name)
	}
	site := g.Site
	switch {
	case g.Opening != "":
		what, site = b.Openings[g.Opening].Name, b.Openings[g.Opening].Site
	case g.Area != "":
		what, site = lang.Say("every opening of the area %s", b.Areas[g.Area].Name), b.Areas[g.Area].Site
	default:
		what = lang.Say("every opening of %s", b.Sites[g.Site].Name)
	}
	if g.Schedule != "" {
		when = lang.Say("when “%s” says so", b.Schedules[g.Schedule].Name)
	}
	text, zone := lang.Say("%s may open %s, %s", who, what, when), console.Zone(b.Sites[site])
	shown := func(at time.Time) string { return at.In(zone).Format("2006-01-02 15:04") }
	if !g.From.IsZero() {
		text = lang.Say("%s, from %s", text, shown(g.From))
	}
	if !g.Until.IsZero() {
		text = lang.Say("%s, until %s", text, shown(g.Until))
	}
	return text
}

// mayMend lists the roles whose operators can change what a condition is about.
func mayMend(c sashlock.Check) []signin.Role {
	need := signin.Access
	switch c.What {
	case "opening", "lock":
		need = signin.Setup
	case "mode":
		need = signin.Release
	}
	return slices.DeleteFunc(signin.Roles(), func(r signin.Role) bool { return !slices.Contains(r.Scopes(), need) })
}

// mayWords says who that is: "Owner or Store manager".
func mayWords(ctx context.Context, roles []signin.Role) string {
	var names []string
	for _, r := range roles {
		names = append(names, lang.T(ctx, r.Words()))
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return lang.T(ctx, "%s or %s", strings.Join(names[:last], ", "), names[last])
}

// Conditions are written into the ledger in English, where they stay as they
// were written. To show them in another language they are recognised.

// plainConditions are those that hold no names.
func plainConditions() []string {
	return []string{
		lang.Mark("an opening that is known here"), lang.Mark("a person who is known here"), lang.Mark("access that is not suspended"),
		lang.Mark("neither blocked nor locked down"), lang.Mark("a grant to this person or one of their roles, for this opening, its area or its site"),
		lang.Mark("a lock that can be released and reached"), lang.Mark("a grant that covers this time"),
		lang.Mark("no such opening"), lang.Mark("nobody by that name"), lang.Mark("known"), lang.Mark("suspended"), lang.Mark("not suspended"),
		lang.Mark("normal"), lang.Mark("held unlocked"), lang.Mark("locked down"), lang.Mark("blocked"), lang.Mark("none"),
		lang.Mark("none is fitted"), lang.Mark("it cannot be reached"), lang.Mark("the schedule does not exist"),
		lang.Mark("Check the name, or add the opening."), lang.Mark("Check the name, or add the person."), lang.Mark("Lift the suspension."),
		lang.Mark("Let this person's access begin earlier."), lang.Mark("Extend this person's access."), lang.Mark("End the lockdown."),
		lang.Mark("Put the opening back into normal mode."), lang.Mark("Wait until then, or let the grant begin earlier."),
		lang.Mark("Extend the grant."), lang.Mark("Give the grant a schedule that exists."),
		lang.Mark("adopt a lock for this opening"), lang.Mark("bring the lock or its gateway back"),
		lang.Mark("The schedule allows no later time: change it."), lang.Mark("Ask again once the grant has begun, at a time the schedule allows."),
	}
}

// form is a condition that holds names or times.
type form struct {
	pattern *regexp.Regexp
	text    string
}

var forms = sync.OnceValue(func() []form {
	var all []form
	for _, f := range []struct{ pattern, text string }{
		{`^known: (.+)$`, lang.Mark("known: %s")},
		{`^fitted: (.+)$`, lang.Mark("fitted: %s")},
		{`^a time within (.+)$`, lang.Mark("a time within %s")},
		{`^from (.+), before (.+)$`, lang.Mark("from %s, before %s")},
		{`^from (.+)$`, lang.Mark("from %s")},
		{`^before (.+)$`, lang.Mark("before %s")},
		{`^to this person, for the opening (.+)$`, lang.Mark("to this person, for the opening %s")},
		{`^to this person, for the area (.+)$`, lang.Mark("to this person, for the area %s")},
		{`^to this person, for the site (.+)$`, lang.Mark("to this person, for the site %s")},
		{`^to the role (.+), for the opening (.+)$`, lang.Mark("to the role %s, for the opening %s")},
		{`^to the role (.+), for the area (.+)$`, lang.Mark("to the role %s, for the area %s")},
		{`^to the role (.+), for the site (.+)$`, lang.Mark("to the role %s, for the site %s")},
		{`^(\d+) more grants reach this opening and do not cover it now either$`, lang.Mark("%s more grants reach this opening and do not cover it now either")},
		{`^Give this person or one of their roles a grant for (.+)\.$`, lang.Mark("Give this person or one of their roles a grant for %s.")},
		{`^Ask again from (.+) until (.+), or change the schedule\.$`, lang.Mark("Ask again from %s until %s, or change the schedule.")},
		{`^The grant ends before the schedule next allows, (.+): extend the grant or change the schedule\.$`, lang.Mark("The grant ends before the schedule next allows, %s: extend the grant or change the schedule.")},
	} {
		all = append(all, form{regexp.MustCompile(f.pattern), f.text})
	}
	return all
})

// condition says a text of a condition in the reader's language, or as it was
// recorded when it is none that this version knows.
func condition(ctx context.Context, text string) string {
	if lang.Of(ctx) == lang.English || text == "" {
		return text
	}
	if slices.Contains(plainConditions(), text) {
		return lang.T(ctx, text)
	}
	for _, f := range forms() {
		found := f.pattern.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		args := make([]any, len(found)-1)
		for j, s := range found[1:] {
			args[j] = s
		}
		return lang.T(ctx, f.text, args...)
	}
	return text
}
