// SPDX-License-Identifier: Apache-2.0

package granting

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
)

// The views of the editor.
const (
	asForm     = "form"
	asSentence = "sentence"
	asYAML     = "yaml"
)

// draft is a grant while it is being edited: what was typed, and what it means
// if it means something.
type draft struct {
	Slug        string // short name; of a grant that is there, it stays
	Who, What   string // "person:ana", "area:lisbon/watches"
	Schedule    string
	From, Until string // as typed, by the clocks of the site
	terms
	Text     string // YAML as typed
	View     string
	Standing *sashlock.Grant // what it was; nil: it is new
	Rev      int64           // the revision that was seen

	Wrong  map[string]string // what is wrong, by field
	Notes  []string          // what its times mean, where that is not obvious
	Grant  sashlock.Grant    // what it means, if nothing is wrong
	Zone   *time.Location
	Clocks string // which clocks the times are read by
}

func (d *draft) bad(field, text string) {
	if _, already := d.Wrong[field]; !already {
		d.Wrong[field] = text
	}
}

// OK reports whether it can be saved.
func (d *draft) OK() bool { return len(d.Wrong) == 0 }

// draftOf is the draft that changes a grant.
func draftOf(f reach.Facts, g sashlock.Grant) *draft {
	d := &draft{Standing: &g, Rev: g.Rev, View: asForm, Wrong: map[string]string{}}
	d.take(f, g)
	return d
}

// take fills the fields and the text from a grant.
func (d *draft) take(f reach.Facts, g sashlock.Grant) {
	e := estate.FromGrant(g, f.Ref)
	d.Grant, d.Slug, d.Schedule = g, g.Slug, e.Schedule
	d.Who, d.What = kindRef("person", e.Person, "role", e.Role), kindRef("opening", e.Opening, "area", e.Area, "site", e.Site)
	d.terms = termsOf(e)
	d.Zone = zoneOf(f, g)
	d.From, d.Until = local(g.From, d.Zone), local(g.Until, d.Zone)
	d.Text = yamlOf(estate.File{Grants: []estate.Grant{e}})
	d.Clocks = d.Zone.String()
}

// kindRef joins the kind and the name of the first of some references.
func kindRef(pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			return pairs[i] + ":" + pairs[i+1]
		}
	}
	return ""
}

// local writes an instant as fields for times have it.
func local(at time.Time, zone *time.Location) string {
	switch at = at.In(zone); {
	case at.IsZero():
		return ""
	case at.Second() != 0:
		return at.Format("2006-01-02T15:04:05")
	}
	return at.Format("2006-01-02T15:04")
}

// yamlOf writes objects as people write them in files.
func yamlOf(f estate.File) string {
	text, err := estate.Marshal(f)
	if err != nil {
		return ""
	}
	return string(text)
}

// read takes what the editor sent.
func (p pages) read(r *http.Request, f reach.Facts) (*draft, error) {
	ctx := r.Context()
	d := &draft{Wrong: map[string]string{}, View: r.PostFormValue("as"), Zone: time.UTC}
	d.Rev, _ = strconv.ParseInt(r.PostFormValue("rev"), 10, 64)
	if was := r.PostFormValue("was"); was != "" {
		for i, g := range f.Grants {
			if g.Slug == was {
				d.Standing = &f.Grants[i]
			}
		}
		if d.Standing != nil && !sees(ctx, f, *d.Standing) {
			return nil, p.Refuse(ctx, "grant "+string(d.Standing.ID))
		}
		d.Slug = was
	}
	if d.View == asYAML {
		d.readText(ctx, f, r.PostFormValue("text"))
	} else {
		d.View = asForm
		d.readForm(ctx, f, r)
	}
	if d.OK() && !within(ctx, f, d.Grant) {
		return nil, p.Refuse(ctx, "grant for what or to whom is elsewhere")
	}
	if d.OK() {
		d.checkLength(ctx, f, p.Now())
	}
	if d.OK() { // the other views say what this one said
		from, until := d.From, d.Until
		view, notes := d.View, d.Notes
		text := d.Text
		d.take(f, d.Grant)
		d.View, d.Notes = view, notes
		if view == asForm {
			d.From, d.Until = from, until
		} else {
			d.Text = text
		}
	}
	return d, nil
}

// complete resolves what an address filled in.
func (d *draft) complete(ctx context.Context, f reach.Facts) {
	e := estate.Grant{Slug: d.Slug, Schedule: d.Schedule}
	d.name(&e)
	d.resolve(ctx, f, e)
	if !d.OK() || !within(ctx, f, d.Grant) {
		d.Wrong, d.Grant = map[string]string{}, sashlock.Grant{}
		return
	}
	d.Zone = zoneOf(f, d.Grant)
	d.Clocks = d.Zone.String()
}

// name says who it is for, and what.
func (d *draft) name(e *estate.Grant) {
	switch kind, ref, _ := strings.Cut(d.Who, ":"); kind {
	case "person":
		e.Person = ref
	case "role":
		e.Role = ref
	}
	switch kind, ref, _ := strings.Cut(d.What, ":"); kind {
	case "opening":
		e.Opening = ref
	case "area":
		e.Area = ref
	case "site":
		e.Site = ref
	}
}

// readForm understands the fields of the form.
func (d *draft) readForm(ctx context.Context, f reach.Facts, r *http.Request) {
	d.Who, d.What = r.PostFormValue("who"), r.PostFormValue("what")
	d.Schedule, d.From, d.Until = r.PostFormValue("schedule"), r.PostFormValue("from"), r.PostFormValue("until")
	if d.Standing == nil && d.Slug == "" {
		d.Slug = strings.TrimSpace(r.PostFormValue("slug"))
	}
	e := estate.Grant{Slug: d.Slug, Schedule: d.Schedule}
	d.name(&e)
	d.readTerms(ctx, r, &e)
	place, _ := e.Resolve(f.Find)
	d.Zone = zoneOf(f, place)
	d.Clocks = d.Zone.String()
	var was sashlock.Grant
	if d.Standing != nil {
		was = *d.Standing
	}
	from := d.instant(ctx, "from", d.From, was.From)
	until := d.instant(ctx, "until", d.Until, was.Until)
	e.From, e.Until = text(from), text(until)
	d.resolve(ctx, f, e)
}

// text is an instant as files have it.
func text(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// instant understands a time by the clocks of the site. One that still says
// what it said stays exactly as it was.
func (d *draft) instant(ctx context.Context, field, typed string, was time.Time) time.Time {
	if typed == "" {
		return time.Time{}
	}
	if !was.IsZero() && typed == local(was, d.Zone) {
		return was
	}
	at, gap, again, err := reach.Read(typed, d.Zone)
	switch {
	case err != nil:
		d.bad(field, lang.T(ctx, "This is not a day and a time."))
	case gap:
		d.Notes = append(d.Notes, lang.T(ctx, "Clocks are put forward and never show %s that day; %s is meant.", typed[len(typed)-5:], at.Format("15:04")))
	case again:
		d.Notes = append(d.Notes, lang.T(ctx, "Clocks are put back and show %s twice that day; the first time is meant.", typed[len(typed)-5:]))
	}
	return at
}

// readText understands the YAML: one grant and nothing else.
func (d *draft) readText(ctx context.Context, f reach.Facts, typed string) {
	d.Text = typed
	file, err := estate.Parse([]byte(typed))
	if err != nil {
		d.bad("text", hint(err))
		return
	}
	if len(file.Grants) != 1 || len(file.Sites)+len(file.Areas)+len(file.Openings)+len(file.Roles)+len(file.People)+len(file.Schedules) > 0 {
		d.bad("text", lang.T(ctx, "Write one grant and nothing else: the other objects have pages of their own."))
		return
	}
	e := file.Grants[0]
	if d.Slug != "" && e.Slug != d.Slug {
		d.bad("text", lang.T(ctx, "The short name of a grant stays as it is: %s.", d.Slug))
		return
	}
	d.Slug = e.Slug
	if problems := estate.Check(file, f.Find); len(problems) > 0 {
		d.bad("text", problems[0].String())
		return
	}
	d.resolve(ctx, f, e)
}

// hint is what an error says about a text: line, column and what to do.
func hint(err error) string {
	if e, is := err.(*sashlock.Error); is && e.Hint != "" {
		return e.Hint
	}
	return err.Error()
}

// resolve turns the declared form into what would be compiled.
func (d *draft) resolve(ctx context.Context, f reach.Facts, e estate.Grant) {
	g, problems := e.Resolve(f.Find)
	for _, p := range problems {
		switch p.Field {
		case "person", "role":
			d.bad("who", lang.T(ctx, "Choose a person or a role."))
		case "opening", "area", "site":
			d.bad("what", lang.T(ctx, "Choose an opening, an area or a site."))
		case "schedule":
			d.bad("schedule", lang.T(ctx, "There is no such schedule."))
		case "until":
			d.bad("until", lang.T(ctx, "It would end before it starts."))
		case "with":
			d.bad("with", lang.T(ctx, "There is no such role."))
		case "escort":
			d.bad("escort", lang.T(ctx, "Choose another person as the host: nobody is their own."))
		case "lasts":
			d.bad("lasts", lang.T(ctx, "Choose a length from the list."))
		case "hold":
			d.bad("hold", lang.T(ctx, "Choose a length from the list."))
		case "slug":
			d.bad("slug", lang.T(ctx, "Use 1 to 40 of a–z, 0–9 and hyphens, a letter or digit first."))
		default:
			d.bad(p.Field, p.In(lang.Of(ctx)))
		}
	}
	d.Grant = g
	if d.Standing != nil {
		d.Grant.ID, d.Grant.Rev = d.Standing.ID, d.Standing.Rev
	}
}

// declared is the draft as files and rooms have it.
func (d *draft) declared(f reach.Facts) estate.Grant { return estate.FromGrant(d.Grant, f.Ref) }

// same reports whether two grants say the same.
func same(a, b sashlock.Grant) bool {
	a.ID, a.Rev, b.ID, b.Rev = "", 0, "", 0
	equal := a.From.Equal(b.From) && a.Until.Equal(b.Until)
	a.From, a.Until, b.From, b.Until = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return equal && a == b
}
