// SPDX-License-Identifier: Apache-2.0

package granting

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/store"
)

// errTaken says that a short name is in use, errDone that a form was sent twice.
var (
	errTaken = errors.New("the short name is taken")
	errDone  = errors.New("it is there already")
)

// proved reports whether whoever is signed in proved recently enough to be
// there for what is worth most.
func (p pages) proved(ctx context.Context, f reach.Facts, g sashlock.Grant) bool {
	return !f.High(g) || console.Who(ctx).Fresh(p.Now())
}

// change carries out a change on behalf of whoever is signed in.
func (p pages) change(ctx context.Context, edit func(tx *store.Tx) (flow.Edit, error)) error {
	_, err := p.Hall.Change(ctx, flow.Change{Operator: console.Who(ctx).Operator.ID, Make: edit})
	return err
}

func (p pages) save(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	f, err := p.facts(ctx)
	if err != nil {
		return err
	}
	d, err := p.read(r, f)
	if err != nil {
		return err
	}
	e := &editor{draft: d, Reason: r.PostFormValue("reason")}
	if !d.OK() {
		e.Status = console.Refused
		return p.edit(w, r, f, e)
	}
	if !p.proved(ctx, f, d.Grant) || d.Standing != nil && !p.proved(ctx, f, *d.Standing) {
		e.Prove, e.Status = true, http.StatusForbidden
		return p.edit(w, r, f, e)
	}
	switch err = p.put(ctx, f, d); {
	case err == nil || errors.Is(err, errDone):
		return console.Back(w, r, "/access/grants/"+d.Slug+"?saved")
	case errors.Is(err, errTaken):
		d.bad("slug", lang.T(ctx, "Another grant has this short name."))
		d.View, e.Status = asForm, console.Refused
		return p.edit(w, r, f, e)
	case errors.Is(err, store.ErrChanged):
		return p.disagree(w, r, d)
	case errors.Is(err, approvals.ErrHeld):
		return p.propose(w, r, f, e)
	}
	return err
}

// propose lets a draft wait for a second operator.
func (p pages) propose(w http.ResponseWriter, r *http.Request, f reach.Facts, e *editor) error {
	ctx := r.Context()
	path, err := p.Propose(ctx, approvals.GrantKind, e.declared(f), e.Rev, e.Reason)
	if sashlock.IsKind(err, sashlock.Invalid) || sashlock.IsKind(err, sashlock.Limit) {
		e.BadReason, e.Status = lang.T(ctx, hint(err)), console.Refused
		return p.edit(w, r, f, e)
	}
	if err != nil {
		return err
	}
	return console.Back(w, r, path)
}

// put saves a draft.
func (p pages) put(ctx context.Context, f reach.Facts, d *draft) error {
	return p.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
		if d.Rev == 0 {
			switch there, err := grants.Find(tx, d.Slug); {
			case err == nil && same(there, d.Grant):
				return flow.Edit{}, errDone
			case err == nil:
				return flow.Edit{}, errTaken
			case !sashlock.IsKind(err, sashlock.NotFound):
				return flow.Edit{}, err
			}
		}
		return grants.Save(tx, d.declared(f), f.Find, d.Rev)
	})
}

// disagree shows what somebody else made of the grant beside what was typed.
// Saving once more takes what was typed.
func (p pages) disagree(w http.ResponseWriter, r *http.Request, d *draft) error {
	f, err := p.facts(r.Context())
	if err != nil {
		return err
	}
	e := &editor{draft: d, Conflict: &conflict{}, Status: console.Outrun}
	d.Standing, d.Rev = nil, 0
	for i, g := range f.Grants {
		if g.Slug == d.Slug {
			if !sees(r.Context(), f, g) {
				return p.Refuse(r.Context(), "grant "+string(g.ID))
			}
			d.Standing, d.Rev, d.Grant.ID = &f.Grants[i], g.Rev, g.ID
			e.Conflict.Theirs = f.Sentence(g).Pieces(lang.Of(r.Context()))
		}
	}
	if d.Standing == nil {
		d.Grant.ID, d.Grant.Rev = "", 0
	}
	return p.edit(w, r, f, e)
}

// farewell is the page that asks before a grant is revoked.
type farewell struct {
	Grant  row
	Effect []string
	Loses  []loser
	More   int
}

// loser is somebody and what they can no longer open.
type loser struct{ Name, Slug, Opening string }

func (p pages) askRevoke(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, g, err := p.grant(r)
	if err != nil {
		return err
	}
	e, err := f.Effect(nil, []sashlock.Grant{g}, p.Now())
	if err != nil {
		return err
	}
	bye := &farewell{Grant: describe(ctx, f, g, p.Now()), Effect: effectWords(ctx, f, e)}
	for _, pair := range e.Loss {
		one := f.People[pair.Person]
		if len(bye.Loses) == 20 || !personSeen(ctx, f, one) {
			bye.More++
			continue
		}
		bye.Loses = append(bye.Loses, loser{one.Name, one.Slug, f.Openings[pair.Opening].Name})
	}
	return p.Show(w, r, head(ctx, lang.T(ctx, "Revoke a grant")), revokePage(bye))
}

func (p pages) revoke(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	f, g, err := p.grant(r)
	if sashlock.IsKind(err, sashlock.NotFound) {
		return console.Back(w, r, "/access") // revoked already: pressed twice
	}
	if err != nil {
		return err
	}
	ctx := r.Context()
	if !p.proved(ctx, f, g) {
		return console.Again(w, r, "/access/grants/"+g.Slug+"/revoke")
	}
	rev, _ := strconv.ParseInt(r.PostFormValue("rev"), 10, 64)
	err = p.change(ctx, func(tx *store.Tx) (flow.Edit, error) { return grants.Revoke(tx, g.Slug, rev) })
	if errors.Is(err, store.ErrChanged) {
		return &sashlock.Error{Kind: sashlock.Conflict, Op: "revoking grant", Hint: lang.T(ctx, "somebody changed this grant meanwhile: look at it again before you revoke it"), Err: err}
	}
	if err != nil {
		return err
	}
	return console.Back(w, r, "/access")
}

// The lengths of a quick grant, in minutes.
const (
	usualQuick = 30
	mostQuick  = 12 * 60
)

// quick gives one person one opening for some minutes from now on.
func (p pages) quick(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	o, err := p.Opening(ctx, r.PostFormValue("opening"))
	if err != nil {
		return err
	}
	f, err := p.facts(ctx)
	if err != nil {
		return err
	}
	key := r.PostFormValue("key")
	if !sashlock.ValidSlug(key) || len(key) > 20 {
		key = random()
	}
	then := console.Local(r.PostFormValue("then"))
	g := sashlock.Grant{Slug: "quick-" + key, Opening: o.ID, From: p.Now().UTC().Truncate(time.Second), Until: p.lasting(f, o, r.PostFormValue("minutes"))}
	if r.PostFormValue("person") == whoHere {
		return p.guest(w, r, f, o, g, key)
	}
	g.Person = sashlock.PersonID(f.Find(estate.People, r.PostFormValue("person")))
	if one, known := f.People[g.Person]; !known || !personSeen(ctx, f, one) {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "giving quick grant", Subject: "person", Hint: lang.T(ctx, "choose somebody from the list")}
	}
	if !p.proved(ctx, f, g) {
		return console.Again(w, r, then)
	}
	err = p.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
		if there, err := grants.Find(tx, g.Slug); err == nil {
			if there.Person == g.Person && there.Opening == g.Opening {
				return flow.Edit{}, errDone // pressed twice
			}
			return flow.Edit{}, errTaken
		}
		return grants.Save(tx, estate.FromGrant(g, f.Ref), f.Find, 0)
	})
	if errors.Is(err, approvals.ErrHeld) {
		return p.proposeQuick(w, r, f, g, 0)
	}
	if err != nil && !errors.Is(err, errDone) {
		return err
	}
	if then == "/" {
		then = "/access/grants/" + g.Slug + "?saved"
	}
	return console.Back(w, r, then)
}
