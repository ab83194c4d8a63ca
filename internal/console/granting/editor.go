// SPDX-License-Identifier: Apache-2.0

package granting

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
)

// choice is one entry of a list to choose from.
type choice struct{ Value, Name string }

// choices is a part of such a list.
type choices struct {
	Name string
	List []choice
}

// editor is the page of one grant.
type editor struct {
	*draft
	Whos, Whats []choices
	Schedules   []choice
	Lengths     []choice
	Holds       []choice
	Levels      []choice
	Change      bool // whoever looks may change it
	Look        *look
	Conflict    *conflict
	Prove       bool // saving asks for a proof of presence first
	High        bool
	Held        bool   // saving it makes a change that waits for a second operator
	Reason      string // why, for that operator
	BadReason   string // what is wrong with it
	Saved       bool
	Running     bool // it counts for a while that has not ended
	Status      int  // why it is shown again, as HTTP says it
}

// conflict is what somebody else made of it meanwhile.
type conflict struct {
	Theirs []reach.Piece // empty: they revoked it
}

// look is what a draft means and does.
type look struct {
	Pieces           []reach.Piece
	Allowed, Refused []reach.Stretch
	Openings         []sashlock.Opening
	People           []sashlock.Person
	MoreOpenings     int
	MorePeople       int
	Effect           []string
	Overlaps         []row
	Warn             []string
	Conditions       []string // what it asks for at the moment of a request
	Progress         string   // what has been made of it so far
	Longest          time.Duration
	Keypads          int // locks among them that hold codes of their own
	Now              time.Time
}

const (
	shownAhead  = 3
	shownNames  = 12
	shownOthers = 5
)

func (p pages) fresh(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	f, err := p.facts(ctx)
	if err != nil {
		return err
	}
	d := &draft{View: asForm, Wrong: map[string]string{}, Slug: "grant-" + random(), Zone: time.UTC}
	for field, into := range map[string]*string{"person": &d.Who, "role": &d.Who, "opening": &d.What, "schedule": &d.Schedule} {
		if v := clip(q.Get(field)); v != "" {
			*into = field + ":" + v
			if field == "schedule" {
				*into = v
			}
		}
	}
	if site, err := p.Site(r); err == nil && site.ID != "" {
		d.Zone = console.Zone(site)
		d.fillLongest(site, p.Now())
	}
	d.Clocks = d.Zone.String()
	if d.Who != "" && d.What != "" {
		d.complete(ctx, f)
	}
	return p.edit(w, r, f, &editor{draft: d})
}

func (p pages) show(w http.ResponseWriter, r *http.Request) error {
	f, g, err := p.grant(r)
	if err != nil {
		return err
	}
	d := draftOf(f, g)
	if v := r.URL.Query().Get("view"); v == asYAML || v == asSentence {
		d.View = v
	}
	return p.edit(w, r, f, &editor{draft: d, Saved: r.URL.Query().Has("saved")})
}

// grant finds the grant of an address, if it concerns whoever is signed in.
func (p pages) grant(r *http.Request) (reach.Facts, sashlock.Grant, error) {
	f, err := p.facts(r.Context())
	if err != nil {
		return f, sashlock.Grant{}, err
	}
	slug := r.PathValue("slug")
	for _, g := range f.Grants {
		if g.Slug != slug {
			continue
		}
		if !sees(r.Context(), f, g) {
			return f, g, p.Refuse(r.Context(), "grant "+string(g.ID))
		}
		return f, g, nil
	}
	return f, sashlock.Grant{}, &sashlock.Error{Kind: sashlock.NotFound, Op: "showing grant", Subject: "slug", Hint: "there is no such grant"}
}

// look shows what was typed, in the view that was asked for, and what it does.
// It saves nothing.
func (p pages) look(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	f, err := p.facts(r.Context())
	if err != nil {
		return err
	}
	d, err := p.read(r, f)
	if err != nil {
		return err
	}
	switch view := r.PostFormValue("do"); {
	case d.OK() && (view == asForm || view == asYAML || view == asSentence):
		d.View = view
	case !d.OK() && d.View == asForm && view == asYAML:
		d.bad("text", lang.T(r.Context(), "Mend the form first."))
	}
	return p.edit(w, r, f, &editor{draft: d, Reason: r.PostFormValue("reason")})
}

// held reports whether a draft, once saved, waits for a second operator.
func (p pages) held(ctx context.Context, d *draft) (bool, error) {
	var old sashlock.Grant
	if d.Standing != nil {
		old = *d.Standing
	}
	return p.Approvals.GrantWaits(ctx, console.Behalf(ctx), d.Grant, old)
}

// edit shows the editor.
func (p pages) edit(w http.ResponseWriter, r *http.Request, f reach.Facts, e *editor) error {
	ctx := r.Context()
	e.Change = console.May(ctx, signin.Access)
	e.offer(ctx, p, f)
	if e.OK() && e.Grant.Slug != "" {
		e.High = f.High(e.Grant)
		look, err := p.means(ctx, f, e.draft)
		if err != nil {
			return err
		}
		e.Look = look
		if e.Held, err = p.held(ctx, e.draft); err != nil {
			return err
		}
	}
	title := lang.T(ctx, "New grant")
	if e.Standing != nil {
		e.Running = e.Change && running(*e.Standing, p.Now())
		title = f.Sentence(*e.Standing).In(lang.Of(ctx))
	}
	head := head(ctx, title)
	head.Status = e.Status
	return p.Show(w, r, head, editorPage(e))
}

// offer lists what can be chosen: what concerns whoever is signed in.
func (e *editor) offer(ctx context.Context, p pages, f reach.Facts) {
	o := console.Who(ctx).Operator
	roles, people := choices{Name: lang.T(ctx, "Everyone with a role")}, choices{Name: lang.T(ctx, "One person")}
	for _, r := range f.Roles {
		if roleSeen(ctx, f, r.ID) {
			roles.List = append(roles.List, choice{"role:" + r.Slug, r.Name})
		}
	}
	for _, one := range f.People {
		if personSeen(ctx, f, one) && !one.IsGuest() {
			people.List = append(people.List, choice{"person:" + one.Slug, one.Name})
		}
	}
	e.Whos = []choices{sorted(roles), sorted(people)}
	sites, areas, openings := choices{Name: lang.T(ctx, "Everything at a site")}, choices{Name: lang.T(ctx, "Everything in an area")}, choices{Name: lang.T(ctx, "One opening")}
	for _, s := range p.Sites(ctx) {
		if len(o.Areas) == 0 {
			sites.List = append(sites.List, choice{"site:" + s.Slug, s.Name})
		}
	}
	several := len(p.Sites(ctx)) > 1
	at := func(name string, site sashlock.SiteID) string {
		if several {
			return name + " · " + f.Sites[site].Name
		}
		return name
	}
	for _, a := range f.Areas {
		if o.Sees(a.Site, a.ID) {
			areas.List = append(areas.List, choice{"area:" + f.Sites[a.Site].Slug + "/" + a.Slug, at(a.Name, a.Site)})
		}
	}
	for _, one := range f.Openings {
		if o.Sees(one.Site, one.Area) {
			openings.List = append(openings.List, choice{"opening:" + one.Slug, at(one.Name, one.Site)})
		}
	}
	e.Whats = []choices{sorted(openings), sorted(areas), sorted(sites)}
	var times choices
	for _, s := range f.Book.Schedules {
		if scheduleSeen(ctx, f, s.ID) {
			times.List = append(times.List, choice{s.Slug, s.Name})
		}
	}
	e.Schedules = sorted(times).List
	e.Lengths, e.Holds, e.Levels = lengths(ctx, e.Lasts), holds(ctx, e.Hold), levels(ctx)
}

func sorted(c choices) choices {
	slices.SortFunc(c.List, func(a, b choice) int {
		return cmp.Or(console.CompareNames(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	return c
}

// means works out what a draft says and does.
func (p pages) means(ctx context.Context, f reach.Facts, d *draft) (*look, error) {
	now := p.Now()
	l := &look{Pieces: f.Sentence(d.Grant).Pieces(lang.Of(ctx)), Warn: warnings(ctx, f, d.Grant, now), Now: now.In(d.Zone)}
	l.Conditions, l.Longest = f.Conditions(d.Grant.Terms, lang.Of(ctx)), longest(f, d.Grant)
	if d.Standing != nil {
		l.Progress = p.progress(ctx, f, *d.Standing)
	}
	l.Allowed, l.Refused = f.Ahead(d.Grant, now, shownAhead)
	if d.Grant.Until.IsZero() && !f.High(d.Grant) {
		l.Warn = append(l.Warn, lang.T(ctx, "It has no end: somebody has to remember to take it back"))
	}
	l.Openings, l.People = f.Targets(d.Grant), f.Holders(d.Grant)
	l.Keypads = keypads(f, l.Openings)
	l.MoreOpenings, l.MorePeople = max(0, len(l.Openings)-shownNames), max(0, len(l.People)-shownNames)
	l.Openings, l.People = l.Openings[:min(len(l.Openings), shownNames)], l.People[:min(len(l.People), shownNames)]
	l.People = slices.DeleteFunc(slices.Clone(l.People), func(one sashlock.Person) bool { return !personSeen(ctx, f, one) })
	for _, g := range seen(ctx, f, f.Overlaps(d.Grant)) {
		if len(l.Overlaps) < shownOthers {
			l.Overlaps = append(l.Overlaps, describe(ctx, f, g, now))
		}
	}
	if d.Standing != nil && same(*d.Standing, d.Grant) {
		return l, nil
	}
	draft := d.Grant
	draft.ID = cmp.Or(draft.ID, "grt_draft")
	e, err := f.Effect([]sashlock.Grant{draft}, nil, now)
	if err != nil {
		return nil, err
	}
	l.Effect = effectWords(ctx, f, e)
	return l, nil
}

// effectWords says what a change does.
func effectWords(ctx context.Context, f reach.Facts, e reach.Effect) []string {
	var all []string
	count := func(pairs []reach.Pair) (string, string) {
		return lang.N(ctx, reach.People(pairs), "%d person", "%d people"), lang.N(ctx, reach.Openings(pairs), "%d opening", "%d openings")
	}
	if n, m := count(e.Gain); len(e.Gain) > 0 {
		all = append(all, lang.T(ctx, "Adds %s to %s.", n, m))
		if e.Fresh > 0 {
			all = append(all, lang.N(ctx, e.Fresh, "%d of them could open none before.", "%d of them could open none before."))
		}
	}
	if n, m := count(e.Loss); len(e.Loss) > 0 {
		all = append(all, lang.T(ctx, "Takes %s from %s.", m, n))
	}
	if e.Nothing() {
		by := ""
		for _, g := range f.Grants {
			if slices.Contains(e.Covered, g.ID) && by == "" && sees(ctx, f, g) {
				by = f.Sentence(g).In(lang.Of(ctx))
			}
		}
		if by != "" {
			all = append(all, lang.T(ctx, "Nothing changes: already covered by “%s”.", by))
		} else {
			all = append(all, lang.T(ctx, "Nothing changes: it lets nobody in who could not open it already."))
		}
	}
	if e.Part {
		all = append(all, lang.T(ctx, "It is for so much that only a part was looked at: more may change."))
	}
	return all
}

// keypads counts the locks of openings that hold codes of their own.
func keypads(f reach.Facts, at []sashlock.Opening) (n int) {
	for _, d := range f.Devices {
		if d.Has(sashlock.HasCodes) && slices.ContainsFunc(at, func(o sashlock.Opening) bool { return o.ID == d.Opening }) {
			n++
		}
	}
	return n
}
