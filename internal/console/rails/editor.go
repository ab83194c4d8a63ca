// SPDX-License-Identifier: Apache-2.0

package rails

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/rails"
	"github.com/sashlock/sashlock/internal/store"
)

// errTaken says that a short name is in use, errDone that a form was sent twice.
var (
	errTaken = errors.New("the short name is taken")
	errDone  = errors.New("it is there already")
)

// draft is a rail while it is being edited.
type draft struct {
	New    bool
	Slug   string
	Text   string
	Site   string // slug; empty: everywhere
	Shadow bool
	Rev    int64
	Kept   rails.Rail // as it is now

	Wrong    map[string]string // by field
	Problems guard.Problems
	Theirs   string // what somebody else made of it meanwhile
	Checked  bool   // it was looked at and can be saved
	Past     *past
	Prove    bool
	Saved    bool
	Status   int

	Held      bool   // saving it waits for a second operator
	HeldAway  bool   // removing it does
	Reason    string // why, for that operator
	BadReason string
}

// past is what the rail would have forbidden, in words.
type past struct {
	rails.Past
	Rows []crossing
}

// crossing is one request that it would have forbidden.
type crossing struct {
	rails.Crossing
	Person, Opening string
	When            string
}

// line is a line of the text with what is wrong in it.
type line struct {
	N     int
	Text  string
	Wrong []guard.Problem
}

// lines are the lines of the text, with what is wrong at each.
func (d *draft) lines() []line {
	var all []line
	for i, text := range strings.Split(strings.TrimRight(d.Text, "\n"), "\n") {
		one := line{N: i + 1, Text: strings.TrimRight(text, "\r")}
		for _, p := range d.Problems {
			if p.Line == one.N {
				one.Wrong = append(one.Wrong, p)
			}
		}
		all = append(all, one)
	}
	return all
}

// caret puts a mark under a column.
func caret(p guard.Problem) string { return strings.Repeat(" ", max(0, min(p.Column, 200)-1)) + "^" }

// choices are the sites where it can hold.
type choice struct{ Slug, Name string }

func (p pages) choices(ctx context.Context) []choice {
	var all []choice
	if mayChange(ctx, "") {
		all = append(all, choice{"", lang.T(ctx, "Everywhere")})
	}
	for _, s := range p.Sites(ctx) {
		all = append(all, choice{s.Slug, s.Name})
	}
	return all
}

// siteOf is the site of a slug; false where there is none.
func (p pages) siteOf(slug string) (sashlock.SiteID, bool) {
	for id, s := range p.Hall.Book().Sites {
		if s.Slug == slug {
			return id, true
		}
	}
	return "", slug == ""
}

// read takes what the editor sent. What must not be changed is refused.
func (p pages) read(w http.ResponseWriter, r *http.Request) (*draft, error) {
	if err := p.Form(w, r); err != nil {
		return nil, err
	}
	ctx := r.Context()
	d := &draft{
		Slug: console.Clip(r.PostFormValue("slug"), 60), Text: strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n"),
		Site: console.Clip(r.PostFormValue("site"), 60), Shadow: r.PostFormValue("shadow") == "yes", Wrong: map[string]string{},
	}
	d.Rev, _ = strconv.ParseInt(r.PostFormValue("rev"), 10, 64)
	d.Reason = r.PostFormValue("reason")
	was := r.PostFormValue("was")
	d.New = was == ""
	if !d.New {
		one, err := p.find(r, was)
		if err != nil {
			return nil, err
		}
		if !mayChange(ctx, one.Site) {
			return nil, p.Refuse(ctx, "changing guard rail "+was)
		}
		d.Slug, d.Kept = was, one
	}
	site, known := p.siteOf(d.Site)
	switch {
	case !known:
		d.Wrong["site"] = lang.T(ctx, "There is no such site.")
	case !mayChange(ctx, site) && site == "":
		d.Wrong["site"] = lang.T(ctx, "Choose one of your stores: who is for all of them changes what holds everywhere.")
	case !mayChange(ctx, site):
		return nil, p.Refuse(ctx, "guard rail at another site")
	}
	if !sashlock.ValidSlug(d.Slug) {
		d.Wrong["slug"] = lang.T(ctx, "Use 1 to 40 of a–z, 0–9 and hyphens, a letter or digit first.")
	}
	return d, nil
}

// rail is the draft as it would be kept.
func (d *draft) rail(site sashlock.SiteID) rails.Rail {
	return rails.Rail{Slug: d.Slug, Text: d.Text, Site: site, Shadow: d.Shadow}
}

// compile makes a set of the draft alone; what is wrong stays in it.
func (d *draft) compile(ctx context.Context, site sashlock.SiteID) *guard.Set {
	one := d.rail(site)
	if !sashlock.ValidSlug(one.Slug) {
		one.Slug = "new"
	}
	one.Shadow = false
	set, err := rails.Compile([]rails.Rail{one})
	if err != nil {
		d.wrong(ctx, err)
		return nil
	}
	return set
}

// wrong keeps what is wrong with the text.
func (d *draft) wrong(ctx context.Context, err error) {
	if errors.As(err, &d.Problems); len(d.Problems) == 0 {
		d.Wrong["text"] = console.Sentence(err)
		return
	}
	d.Wrong["text"] = lang.N(ctx, len(d.Problems), "%d mistake: it is marked below.", "%d mistakes: they are marked below.")
}

// look checks what was typed and, if asked to, holds it against the past.
func (p pages) look(w http.ResponseWriter, r *http.Request) error {
	d, err := p.read(w, r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	site, _ := p.siteOf(d.Site)
	set := d.compile(ctx, site)
	d.Checked = set != nil && len(d.Wrong) == 0
	if set != nil && r.PostFormValue("do") == "past" {
		if d.Past, err = p.past(ctx, set); err != nil {
			return err
		}
	}
	return p.edit(w, r, d)
}

// past holds a rail against what was granted lately.
func (p pages) past(ctx context.Context, set *guard.Set) (*past, error) {
	book := p.Hall.Book()
	found, err := rails.Replay(ctx, p.Store, book, set, p.Now().Add(-lately), p.concerns(ctx))
	if err != nil {
		return nil, err
	}
	out := &past{Past: found}
	for _, c := range found.Newest {
		o := book.Openings[c.Opening]
		out.Rows = append(out.Rows, crossing{c, book.People[c.Person].Name, o.Name, console.DateTime(ctx, console.LocalTime(book.Sites[o.Site], c.At))})
	}
	return out, nil
}

// edit shows the editor.
func (p pages) edit(w http.ResponseWriter, r *http.Request, d *draft) error {
	ctx := r.Context()
	title := lang.T(ctx, "New guard rail")
	if !d.New {
		title = d.Slug
	}
	h := head(ctx, title)
	h.Status = d.Status
	if err := p.held(ctx, d); err != nil {
		return err
	}
	may := mayChange(ctx, d.Kept.Site) || d.New && len(p.choices(ctx)) > 0 && len(console.Who(ctx).Operator.Areas) == 0
	return p.Show(w, r, h, editorPage(d, may, p.choices(ctx)))
}

// held finds out whether what the page offers waits for a second operator.
func (p pages) held(ctx context.Context, d *draft) error {
	if d.New || d.Kept.Shadow {
		return nil
	}
	waits, err := p.Approvals.Waits(ctx, console.Behalf(ctx), approvals.RailKind, d.Kept.Site, "")
	d.Held, d.HeldAway = waits, waits
	return err
}

// propose lets a change of a rail wait for a second operator.
func (p pages) propose(w http.ResponseWriter, r *http.Request, d *draft, form rails.Proposed) error {
	ctx := r.Context()
	path, err := p.Propose(ctx, approvals.RailKind, form, d.Rev, d.Reason)
	if sashlock.IsKind(err, sashlock.Invalid) || sashlock.IsKind(err, sashlock.Limit) {
		d.BadReason, d.Status = lang.T(ctx, console.HintOf(err)), console.Refused
		return p.edit(w, r, d)
	}
	if err != nil {
		return err
	}
	return console.Back(w, r, path)
}

func (p pages) save(w http.ResponseWriter, r *http.Request) error {
	d, err := p.read(w, r)
	if err != nil {
		return err
	}
	ctx, who := r.Context(), console.Who(r.Context())
	if !who.Fresh(p.Now()) {
		d.Prove, d.Status = true, http.StatusForbidden
		return p.edit(w, r, d)
	}
	site, _ := p.siteOf(d.Site)
	if d.compile(ctx, site) == nil || len(d.Wrong) > 0 {
		d.Status = console.Refused
		return p.edit(w, r, d)
	}
	_, err = p.Hall.Change(ctx, flow.Change{Operator: who.Operator.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		there, err := rails.Find(tx, d.Slug)
		switch {
		case err == nil && d.New && there.Text == d.Text && there.Shadow == d.Shadow && there.Site == site:
			return flow.Edit{}, errDone
		case err == nil && d.New:
			return flow.Edit{}, errTaken
		}
		return rails.Save(tx, d.rail(site), d.Rev)
	}})
	switch {
	case err == nil || errors.Is(err, errDone):
		return console.Back(w, r, "/access/rails/"+d.Slug+"?saved")
	case errors.Is(err, errTaken):
		d.Wrong["slug"] = lang.T(ctx, "Another guard rail has this short name.")
		d.Status = console.Refused
	case errors.Is(err, store.ErrChanged):
		return p.disagree(w, r, d)
	case errors.Is(err, approvals.ErrHeld):
		return p.propose(w, r, d, rails.Proposed{Rail: d.rail(site)})
	case sashlock.IsKind(err, sashlock.Invalid):
		for _, one := range estate.ListOf(err) {
			d.Wrong[one.Field] = one.In(lang.Of(ctx))
		}
		if len(estate.ListOf(err)) == 0 {
			d.wrong(ctx, err)
		}
		d.Status = console.Refused
	default:
		return err
	}
	return p.edit(w, r, d)
}

// disagree shows what somebody else made of the rail beside what was typed.
// Saving once more takes what was typed.
func (p pages) disagree(w http.ResponseWriter, r *http.Request, d *draft) error {
	one, err := p.find(r, d.Slug)
	switch {
	case sashlock.IsKind(err, sashlock.NotFound):
		d.New, d.Rev, d.Theirs = true, 0, lang.T(r.Context(), "(removed)")
	case err != nil:
		return err
	default:
		d.Kept, d.Rev, d.Theirs = one, one.Rev, one.Text
	}
	d.Status = console.Outrun
	return p.edit(w, r, d)
}

func (p pages) remove(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	one, err := p.find(r, r.PathValue("slug"))
	if sashlock.IsKind(err, sashlock.NotFound) {
		return console.Back(w, r, "/access/rails") // pressed twice
	}
	if err != nil {
		return err
	}
	if !mayChange(ctx, one.Site) {
		return p.Refuse(ctx, "removing guard rail "+one.Slug)
	}
	rev, _ := strconv.ParseInt(r.PostFormValue("rev"), 10, 64)
	_, err = p.Hall.Change(ctx, flow.Change{Operator: console.Who(ctx).Operator.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		return rails.Remove(tx, one.Slug, rev)
	}})
	if errors.Is(err, approvals.ErrHeld) {
		d := p.draftOf(one)
		d.Rev, d.Reason = rev, r.PostFormValue("reason")
		return p.propose(w, r, d, rails.Proposed{Rail: rails.Rail{Slug: one.Slug, Site: one.Site}, Remove: true})
	}
	if errors.Is(err, store.ErrChanged) {
		return &sashlock.Error{Kind: sashlock.Conflict, Op: "removing guard rail", Hint: lang.T(ctx, "somebody changed this guard rail meanwhile: look at it again before you remove it"), Err: err}
	}
	if err != nil {
		return err
	}
	return console.Back(w, r, "/access/rails")
}
