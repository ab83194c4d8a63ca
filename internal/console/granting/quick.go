// SPDX-License-Identifier: Apache-2.0

package granting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rsc.io/qr"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// A quick grant is for one opening and some minutes, from now on. Who gets it
// is chosen, or stands there without being known: then a guest is made who
// counts no longer than the grant, with a link that works once, by which their
// phone becomes their way in.

// whoHere stands for the person standing there.
const whoHere = "here"

// quickForm is the page that gives one.
type quickForm struct {
	Opening  sashlock.Opening // empty: to be chosen
	Openings []choices
	People   []choice
	Closing  string // when the store closes; empty: not known, or closed
	Longest  time.Duration
	Guests   bool // whoever looks may let somebody in who is not known
	Key      string
}

// quickPass is what a guest's phone opens.
type quickPass struct {
	Name    string
	Opening sashlock.Opening
	Until   string
	Address string
	Size    int
	Path    string
	Grant   string
}

func (p pages) quickPage(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, err := p.facts(ctx)
	if err != nil {
		return err
	}
	v := &quickForm{Key: random(), Guests: console.May(ctx, signin.Admit)}
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	if slug := r.URL.Query().Get("opening"); slug != "" {
		if v.Opening, err = p.Opening(ctx, slug); err != nil {
			return err
		}
		site = f.Sites[v.Opening.Site]
	}
	e := &editor{draft: &draft{}}
	e.offer(ctx, p, f)
	v.Openings, v.People, v.Longest = e.Whats[:1], bare(e.Whos, 1), site.LongestGrant
	if until, open := closing(f, site, p.Now()); open {
		v.Closing = until.Format("15:04")
	}
	h := head(ctx, lang.T(ctx, "Quick grant"))
	h.Site = site
	return p.Show(w, r, h, quickPage(v))
}

// longestDay is how far off closing may be for a grant until then: a store that
// never closes has none.
const longestDay = 24 * time.Hour

// closing is when a site that is open now closes today.
func closing(f reach.Facts, site sashlock.Site, now time.Time) (time.Time, bool) {
	if site.Hours == "" {
		return time.Time{}, false
	}
	open, _ := f.Ahead(sashlock.Grant{Site: site.ID, Schedule: site.Hours}, now, 1)
	if len(open) == 0 || open[0].Start.After(now) || open[0].End.IsZero() || open[0].End.Sub(now) > longestDay {
		return time.Time{}, false
	}
	return open[0].End, true
}

// lasting is when a quick grant that was asked for ends.
func (p pages) lasting(f reach.Facts, o sashlock.Opening, asked string) time.Time {
	now := p.Now().UTC().Truncate(time.Second)
	if until, open := closing(f, f.Sites[o.Site], now); asked == "closing" && open {
		return until.UTC()
	}
	minutes, err := strconv.Atoi(asked)
	if err != nil || minutes < 1 || minutes > mostQuick {
		minutes = usualQuick
	}
	return now.Add(time.Duration(minutes) * time.Minute)
}

// guest lets somebody in who is not known: they get a name, a grant and a link,
// all of which end together.
func (p pages) guest(w http.ResponseWriter, r *http.Request, f reach.Facts, o sashlock.Opening, g sashlock.Grant, key string) error {
	ctx, who := r.Context(), console.Who(r.Context())
	if !who.Fresh(p.Now()) {
		return console.Again(w, r, "/access/quick?opening="+url.QueryEscape(o.Slug))
	}
	name := cmp.Or(console.Clip(r.PostFormValue("name"), 80), lang.T(ctx, "Guest")) + " " + strings.ToUpper(key[:min(len(key), 4)])
	as := signin.Operator{Name: name, Role: signin.Associate, Sites: []sashlock.SiteID{o.Site}}
	if o.Area != "" {
		as.Areas = []sashlock.AreaID{o.Area}
	}
	if who.Operator.Covers(as) != nil {
		return p.Refuse(ctx, "letting in a guest")
	}
	d := estate.Person{Slug: "guest-" + key, Name: name, Until: text(g.Until)}
	err := p.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
		if _, err := people.Find(tx, d.Slug); err == nil {
			return flow.Edit{}, errDone // pressed twice: the link was shown once
		}
		edit, err := people.Save(tx, d, f.Find, 0)
		if err != nil || len(edit.Access.Put.People) == 0 {
			return edit, err
		}
		as.Person = edit.Access.Put.People[0].ID
		given := estate.Grant{Slug: g.Slug, Person: d.Slug, Opening: o.Slug, From: text(g.From), Until: text(g.Until)}
		more, err := grants.Save(tx, given, func(k estate.Kind, ref string) string {
			if k == estate.People && ref == d.Slug {
				return string(as.Person)
			}
			return f.Find(k, ref)
		}, 0)
		edit.Events = append(edit.Events, more.Events...)
		edit.Access.Put = access.Facts{People: edit.Access.Put.People, Grants: more.Access.Put.Grants}
		edit.Danger = more.Danger
		for _, one := range more.Access.Put.Grants {
			as.Grant = one.ID // their sign-in ends with it
		}
		return edit, err
	})
	if errors.Is(err, errDone) {
		return console.Back(w, r, "/access/grants/"+g.Slug)
	}
	if errors.Is(err, approvals.ErrHeld) {
		return &sashlock.Error{Kind: sashlock.Conflict, Op: "letting in a guest", Hint: lang.T(ctx, "this protects what is worth most: somebody who is not known gets no access to it with one operator alone. Choose a person from the list, and a second operator confirms it"), Err: err}
	}
	if err != nil {
		return err
	}
	_, secret, err := p.Signin.Invite(ctx, who.Operator, as)
	if err != nil {
		return err
	}
	pass := &quickPass{Name: name, Opening: o, Grant: g.Slug, Until: g.Until.In(zoneOf(f, g)).Format("15:04"), Address: p.Address(r) + "/invite/" + secret}
	if pass.Size, pass.Path, err = drawn(pass.Address); err != nil {
		return &sashlock.Error{Kind: sashlock.Internal, Op: "drawing link", Err: err}
	}
	return p.Show(w, r, head(ctx, lang.T(ctx, "For %s", name)), passPage(pass))
}

// quietZone is the empty margin that readers need, in squares (ISO/IEC 18004).
const quietZone = 4

// drawn is an address as a QR code: how wide, and the outline of its squares.
func drawn(address string) (int, string, error) {
	squares, err := qr.Encode(address, qr.M)
	if err != nil {
		return 0, "", err
	}
	var b strings.Builder
	for y := range squares.Size {
		for x := range squares.Size {
			if squares.Black(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quietZone, y+quietZone)
			}
		}
	}
	return squares.Size + 2*quietZone, b.String(), nil
}

// running reports whether a grant to one person counts for a while that has
// not ended: one that is made longer, or ended, with one press.
func running(g sashlock.Grant, now time.Time) bool {
	return g.Person != "" && !g.Until.IsZero() && g.Until.After(now)
}

// extend lets a running grant count longer.
func (p pages) extend(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	f, g, err := p.grant(r)
	if err != nil {
		return err
	}
	ctx, back := r.Context(), "/access/grants/"+g.Slug
	if !p.proved(ctx, f, g) {
		return console.Again(w, r, back)
	}
	minutes, err := strconv.Atoi(r.PostFormValue("minutes"))
	if err != nil || minutes < 1 || minutes > mostQuick {
		minutes = usualQuick
	}
	rev, _ := strconv.ParseInt(r.PostFormValue("rev"), 10, 64)
	if !running(g, p.Now()) || rev != g.Rev {
		return console.Back(w, r, back) // it ended meanwhile, or was pressed twice: the page says how it stands
	}
	g.Until = g.Until.Add(time.Duration(minutes) * time.Minute)
	err = p.lengthen(ctx, f, g, rev)
	if errors.Is(err, approvals.ErrHeld) {
		return p.proposeQuick(w, r, f, g, rev)
	}
	if err != nil && !errors.Is(err, store.ErrChanged) {
		return err
	}
	return console.Back(w, r, back+"?saved")
}

// proposeQuick lets a quick grant wait for a second operator.
func (p pages) proposeQuick(w http.ResponseWriter, r *http.Request, f reach.Facts, g sashlock.Grant, rev int64) error {
	path, err := p.Propose(r.Context(), approvals.GrantKind, estate.FromGrant(g, f.Ref), rev, lang.T(r.Context(), "Quick grant"))
	if err != nil {
		return err
	}
	return console.Back(w, r, path)
}

// lengthen saves a longer grant; a guest counts as long as their grant does.
func (p pages) lengthen(ctx context.Context, f reach.Facts, g sashlock.Grant, rev int64) error {
	one := f.People[g.Person]
	return p.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
		edit, err := grants.Save(tx, estate.FromGrant(g, f.Ref), f.Find, rev)
		if err != nil || !strings.HasPrefix(one.Slug, "guest-") || one.Until.IsZero() || !one.Until.Before(g.Until) {
			return edit, err
		}
		one.Until = g.Until
		more, err := people.Save(tx, estate.FromPerson(one, f.Ref), f.Find, 0)
		edit.Events = append(edit.Events, more.Events...)
		edit.Access.Put.People = more.Access.Put.People
		return edit, err
	})
}

// end takes a running grant back with one press.
func (p pages) end(w http.ResponseWriter, r *http.Request) error {
	_, g, err := p.grant(r)
	if sashlock.IsKind(err, sashlock.NotFound) {
		return console.Back(w, r, "/access") // pressed twice
	}
	if err != nil {
		return err
	}
	if !running(g, p.Now()) {
		return console.Back(w, r, "/access/grants/"+g.Slug)
	}
	if err := p.change(r.Context(), func(tx *store.Tx) (flow.Edit, error) { return grants.Revoke(tx, g.Slug, 0) }); err != nil {
		return err
	}
	return console.Back(w, r, "/access")
}
