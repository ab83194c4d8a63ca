// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock/internal/estate"
)

type grantCommand struct {
	List   grantList   `cmd:"" default:"withargs" help:"List grants."`
	Add    grantAdd    `cmd:"" aliases:"create" help:"Let somebody open something."`
	Revoke grantRevoke `cmd:"" aliases:"remove" help:"End grants now."`
}

// Help explains the command.
func (c *grantCommand) Help() string {
	return `A grant says who may open what, when and until when.

Examples:

    sashlock grant
    sashlock grant add ana-watches --person ana --area lisbon/watches --schedule weekday-shift
    sashlock grant revoke ana-watches`
}

type grantList struct {
	Person  string `help:"Only those of this person."`
	Role    string `help:"Only those of this role."`
	Opening string `help:"Only those that name this opening."`
}

// Help explains the command.
func (c *grantList) Help() string {
	return `Examples:

    sashlock grant list
    sashlock grant list --person ana -o json`
}

// Run carries out the command.
func (c *grantList) Run(d *desk) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	all, err := list[estate.Grant](d.ctx, client, "/v1/grants", nil, 0)
	if err != nil {
		return err
	}
	kept := []estate.Grant{}
	for _, g := range all {
		if fits(c.Person, g.Person) && fits(c.Role, g.Role) && fits(c.Opening, g.Opening) {
			kept = append(kept, g)
		}
	}
	return d.showGrants(kept)
}

// fits reports whether a value is the wanted one, or none is wanted.
func fits(wanted, value string) bool { return wanted == "" || wanted == value }

func (d *desk) showGrants(all []estate.Grant) error {
	s := sheet{head: []string{"GRANT", "WHO", "WHAT", "SCHEDULE", "FROM", "UNTIL", "ONLY"}, data: all, empty: "no grants"}
	for _, g := range all {
		s.row(g.Slug, who(g), what(g), orDash(g.Schedule), orDash(g.From), orDash(g.Until), orDash(only(g)))
		s.names = append(s.names, g.Slug)
	}
	return d.show(s)
}

func who(g estate.Grant) string {
	if g.Person != "" {
		return "person " + g.Person
	}
	return "role " + g.Role
}

func what(g estate.Grant) string {
	switch {
	case g.Opening != "":
		return "opening " + g.Opening
	case g.Area != "":
		return "area " + g.Area
	}
	return "site " + g.Site
}

// only says what else a grant asks for.
func only(g estate.Grant) string {
	var all []string
	add := func(is bool, words string) {
		if is {
			all = append(all, words)
		}
	}
	add(g.Uses == 1, "once")
	add(g.Uses > 1, strconv.Itoa(g.Uses)+" times")
	add(g.Lasts != "", g.Lasts+" from the first use")
	add(g.OnShift, "on shift")
	add(g.With != "", "with "+g.With)
	add(g.Escort != "", "host "+g.Escort)
	add(g.Two, "two persons")
	add(g.Level > 0, "level "+strconv.Itoa(g.Level))
	add(g.Hold != "", "held "+g.Hold)
	return strings.Join(all, ", ")
}

type grantAdd struct {
	Slug     string        `arg:"" help:"Short name: a-z, 0-9 and hyphens."`
	Person   string        `xor:"who" help:"Who: one person, or"`
	Role     string        `xor:"who" help:"everyone with this role."`
	Opening  string        `xor:"what" help:"What: one opening, or"`
	Area     string        `xor:"what" help:"every opening of an area, written site/area, or"`
	Site     string        `xor:"what" help:"every opening of a site."`
	Schedule string        `help:"When; at any time when not given."`
	From     string        `placeholder:"WHEN" help:"First instant at which it counts."`
	Until    string        `placeholder:"WHEN" xor:"end" help:"First instant at which it no longer counts."`
	For      time.Duration `placeholder:"LENGTH" xor:"end" help:"How long it counts, from --from or from now."`

	Uses       int           `placeholder:"N" help:"How often it may be used in all."`
	Lasts      time.Duration `placeholder:"LENGTH" help:"How long it counts from its first use."`
	OnShift    bool          `help:"Only during a shift of the person at the site."`
	With       string        `placeholder:"ROLE" help:"Only while somebody else with this role is at the site."`
	Escort     string        `placeholder:"PERSON" help:"Only while this person, the host, is at the site."`
	TwoPersons bool          `help:"Only together with a second person who may open it as well."`
	Level      int           `placeholder:"1-4" help:"Least level of credential: 1 PIN, 2 card, 3 passkey, 4 card and finger."`
	Hold       time.Duration `placeholder:"LENGTH" help:"Who asks twice in a row holds it unlocked for so long."`
}

// Help explains the command.
func (c *grantAdd) Help() string {
	return `The next request is decided by it. An instant is written like 2026-11-28T18:30:00+01:00, or from now on like +30m.

Examples:

    sashlock grant add ana-watches --person ana --area lisbon/watches --schedule weekday-shift
    sashlock grant add courier-tue --person courier --opening back-door --for 30m --uses 1
    sashlock grant add fitter --person rui --opening cash-office --lasts 20m --escort helena
    sashlock grant add xmas-crew --role temp --site lisbon --from 2026-12-01T00:00:00Z --until 2027-01-01T00:00:00Z`
}

// Run carries out the command.
func (c *grantAdd) Run(d *desk) error {
	if c.Person == "" && c.Role == "" {
		return badFlag("--person", "say who, with --person or --role; see sashlock grant add --help")
	}
	if c.Opening == "" && c.Area == "" && c.Site == "" {
		return badFlag("--opening", "say what, with --opening, --area or --site; see sashlock grant add --help")
	}
	from, err := d.instant("--from", c.From)
	if err != nil {
		return err
	}
	until, err := d.instant("--until", c.Until)
	if err != nil {
		return err
	}
	switch {
	case c.For < 0:
		return badFlag("--for", "choose a length of time like 30m")
	case c.For > 0 && from.IsZero():
		until = d.now().Add(c.For)
	case c.For > 0:
		until = from.Add(c.For)
	}
	client, err := d.connect()
	if err != nil {
		return err
	}
	g := estate.Grant{
		Slug: c.Slug, Person: c.Person, Role: c.Role, Opening: c.Opening, Area: c.Area, Site: c.Site,
		Schedule: c.Schedule, From: seconds(from), Until: seconds(until),
		Uses: c.Uses, Lasts: estate.Length(c.Lasts), OnShift: c.OnShift, With: c.With, Escort: c.Escort,
		Two: c.TwoPersons, Level: c.Level, Hold: estate.Length(c.Hold),
	}
	made, err := do[estate.Grant](d.ctx, client, call{
		method: http.MethodPost, path: "/v1/grants", body: g, header: map[string]string{"Idempotency-Key": randomKey()},
	})
	if err != nil {
		return err
	}
	return d.showGrants([]estate.Grant{made})
}

// seconds writes an instant as declared objects have it.
func seconds(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

type grantRevoke struct {
	Grant []string `arg:"" help:"Grants: slugs or identifiers."`
}

// Help explains the command.
func (c *grantRevoke) Help() string {
	return `The next request is decided without them.

Examples:

    sashlock grant revoke ana-watches
    sashlock grant list --person ana -o name | xargs sashlock grant revoke`
}

// Run carries out the command.
func (c *grantRevoke) Run(d *desk) error { return d.removeEach("/v1/grants/{}", "revoked", c.Grant) }

// removeEach deletes things one by one and says so.
func (d *desk) removeEach(route, word string, refs []string) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	s := sheet{data: refs}
	for _, ref := range refs {
		if _, err := client.raw(d.ctx, call{method: http.MethodDelete, path: pathOf(route, ref)}); err != nil {
			return err
		}
		s.row(word, ref)
		s.names = append(s.names, ref)
	}
	return d.show(s)
}
