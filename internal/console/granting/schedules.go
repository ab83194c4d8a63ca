// SPDX-License-Identifier: Apache-2.0

package granting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/schedule"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// scheduleRow is a schedule in the list.
type scheduleRow struct {
	sashlock.Schedule
	Next string // what it does next
	Bars []bar
	Used int
}

// scheduleList is all schedules.
type scheduleList struct {
	Rows    []scheduleRow
	Search  string
	Change  bool
	Limited bool
}

// scheduleDraft is a schedule while it is being edited.
type scheduleDraft struct {
	estate.Schedule // as typed
	New             bool
	View            string
	Text            string
	Rev             int64
	Weeks           []weekRow
	Days            []dayRow
	Wrong           map[string]string
	Change, Ours    bool
	Conflict        string // what somebody else made of it, as YAML
	Prove           bool   // saving asks for a proof of presence first
	Status          int    // why it is shown again, as HTTP says it

	Bars   []bar
	Next   []string
	Zone   string
	Grants []row
	Hours  []sashlock.Site
	Else   bool // some uses are left out
}

// weekRow is one period of the week as the form has it.
type weekRow struct {
	N           int
	Days        [7]bool // from Monday
	From, Until string
}

// dayRow is one special day as the form has it.
type dayRow struct {
	N                        int
	Name, First, Last, Spans string
}

// OK reports whether it can be saved.
func (d *scheduleDraft) OK() bool { return len(d.Wrong) == 0 }

func (d *scheduleDraft) bad(field, text string) {
	if _, already := d.Wrong[field]; !already {
		d.Wrong[field] = text
	}
}

var weekdays = [7]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

func (p pages) schedules(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, err := p.facts(ctx)
	if err != nil {
		return err
	}
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	l := &scheduleList{Search: clip(r.URL.Query().Get("q")), Change: console.May(ctx, signin.Access), Limited: limited(ctx)}
	for _, s := range f.Book.Schedules {
		if !scheduleSeen(ctx, f, s.ID) || !strings.Contains(strings.ToLower(s.Name+" "+s.Slug), strings.ToLower(l.Search)) {
			continue
		}
		given, _ := grantsBy(f, s.ID)
		one := scheduleRow{Schedule: s, Bars: bars(s), Used: len(seen(ctx, f, given))}
		if next := nextWords(ctx, s, console.Zone(site), p.Now(), 1); len(next) > 0 {
			one.Next = next[0]
		}
		l.Rows = append(l.Rows, one)
	}
	slices.SortFunc(l.Rows, func(a, b scheduleRow) int {
		return cmp.Or(console.CompareNames(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug))
	})
	return p.Show(w, r, head(ctx, lang.T(ctx, "Schedules")), schedulesPage(l))
}

// scheduleOf finds the schedule of a slug, if it concerns whoever is signed in.
func (p pages) scheduleOf(ctx context.Context, slug string) (reach.Facts, sashlock.Schedule, error) {
	f, err := p.facts(ctx)
	if err != nil {
		return f, sashlock.Schedule{}, err
	}
	for _, s := range f.Book.Schedules {
		if s.Slug != slug {
			continue
		}
		if !scheduleSeen(ctx, f, s.ID) {
			return f, s, p.Refuse(ctx, "schedule "+string(s.ID))
		}
		return f, s, nil
	}
	return f, sashlock.Schedule{}, &sashlock.Error{Kind: sashlock.NotFound, Op: "showing schedule", Subject: "slug", Hint: "there is no such schedule"}
}

func (p pages) freshSchedule(w http.ResponseWriter, r *http.Request) error {
	d := &scheduleDraft{New: true, View: asForm, Wrong: map[string]string{}}
	d.Weekly = []estate.Period{{Days: []string{"mon", "tue", "wed", "thu", "fri"}, From: "09:00", Until: "17:00"}}
	d.Schedule.Slug = "schedule-" + random()
	return p.editSchedule(w, r, d)
}

func (p pages) schedule(w http.ResponseWriter, r *http.Request) error {
	_, s, err := p.scheduleOf(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	d := &scheduleDraft{View: asForm, Wrong: map[string]string{}, Schedule: estate.FromSchedule(s), Rev: s.Rev}
	if r.URL.Query().Get("view") == asYAML {
		d.View = asYAML
	}
	return p.editSchedule(w, r, d)
}

// editSchedule shows the editor of a schedule.
func (p pages) editSchedule(w http.ResponseWriter, r *http.Request, d *scheduleDraft) error {
	ctx := r.Context()
	d.Change, d.Ours = console.May(ctx, signin.Access), true
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	d.Zone = console.Zone(site).String()
	if !d.New {
		f, s, err := p.scheduleOf(ctx, d.Slug)
		if err != nil {
			return err
		}
		given, hours := grantsBy(f, s.ID)
		d.Ours = scheduleOurs(ctx, f, s.ID)
		for _, g := range seen(ctx, f, given) {
			d.Grants = append(d.Grants, describe(ctx, f, g, p.Now()))
		}
		for _, h := range hours {
			if console.Who(ctx).Operator.At(h.ID) {
				d.Hours = append(d.Hours, h)
			}
		}
		d.Else = len(d.Grants) < len(given) || len(d.Hours) < len(hours)
	}
	if resolved, problems := d.Schedule.Resolve(nil); len(problems) == 0 && schedule.Validate(resolved) == nil {
		d.Bars, d.Next = bars(resolved), nextWords(ctx, resolved, console.Zone(site), p.Now(), 4)
	}
	if d.View == asForm {
		d.rows()
	}
	if d.OK() {
		d.Text = yamlOf(estate.File{Schedules: []estate.Schedule{d.Schedule}})
	}
	title := d.Schedule.Name
	if d.New {
		title = lang.T(ctx, "New schedule")
	}
	head := head(ctx, cmp.Or(title, d.Slug))
	head.Status = d.Status
	return p.Show(w, r, head, schedulePage(d))
}

// spare is how many empty rows a form offers.
const spare = 2

// rows makes the rows of the form, with some to spare.
func (d *scheduleDraft) rows() {
	for _, one := range d.Weekly {
		row := weekRow{N: len(d.Weeks), From: one.From, Until: strings.Replace(one.Until, "24:00", "00:00", 1)}
		for i, day := range weekdays {
			row.Days[i] = slices.Contains(one.Days, day)
		}
		d.Weeks = append(d.Weeks, row)
	}
	for _, one := range d.Special {
		var spans []string
		for _, s := range one.Spans {
			spans = append(spans, s.From+"-"+s.Until)
		}
		d.Days = append(d.Days, dayRow{len(d.Days), one.Name, one.First, one.Last, strings.Join(spans, ", ")})
	}
	for range spare {
		d.Weeks = append(d.Weeks, weekRow{N: len(d.Weeks)})
		d.Days = append(d.Days, dayRow{N: len(d.Days)})
	}
}

// readSchedule takes what the editor sent.
func (p pages) readSchedule(r *http.Request) (*scheduleDraft, error) {
	ctx := r.Context()
	d := &scheduleDraft{Wrong: map[string]string{}, View: asForm}
	d.Rev, _ = strconv.ParseInt(r.PostFormValue("rev"), 10, 64)
	was := r.PostFormValue("was")
	d.New = was == ""
	if !d.New {
		f, s, err := p.scheduleOf(ctx, was)
		if err != nil {
			return nil, err
		}
		if !scheduleOurs(ctx, f, s.ID) {
			return nil, p.Refuse(ctx, "schedule "+string(s.ID))
		}
	}
	if r.PostFormValue("as") == asYAML {
		d.View, d.Text = asYAML, r.PostFormValue("text")
		d.Slug = was
		d.readText(ctx, was)
	} else {
		d.readForm(r)
		d.Slug = cmp.Or(was, d.Slug)
	}
	if d.OK() || d.View == asForm {
		d.check(ctx)
	}
	return d, nil
}

func (d *scheduleDraft) readText(ctx context.Context, was string) {
	file, err := estate.Parse([]byte(d.Text))
	switch {
	case err != nil:
		d.bad("text", hint(err))
	case len(file.Schedules) != 1 || len(file.Sites)+len(file.Areas)+len(file.Openings)+len(file.Roles)+len(file.People)+len(file.Grants) > 0:
		d.bad("text", lang.T(ctx, "Write one schedule and nothing else: the other objects have pages of their own."))
	case was != "" && file.Schedules[0].Slug != was:
		d.bad("text", lang.T(ctx, "The short name of a schedule stays as it is: %s.", was))
	default:
		d.Schedule = file.Schedules[0]
	}
}

// maxRows is how many rows of a form are read.
const maxRows = 100

func (d *scheduleDraft) readForm(r *http.Request) {
	get := func(format string, n int) string { return strings.TrimSpace(r.PostFormValue(fmt.Sprintf(format, n))) }
	d.Schedule = estate.Schedule{
		Slug: strings.TrimSpace(r.PostFormValue("slug")), Name: strings.TrimSpace(r.PostFormValue("name")),
		First: r.PostFormValue("first"), Last: r.PostFormValue("last"),
	}
	for n := range maxRows {
		one := estate.Period{From: get("from.%d", n), Until: get("until.%d", n)}
		for _, day := range r.PostForm[fmt.Sprintf("days.%d", n)] {
			one.Days = append(one.Days, clip(day))
		}
		if len(one.Days) > 0 || one.From != "" || one.Until != "" {
			d.Weekly = append(d.Weekly, one)
		}
		special := estate.SpecialDay{Name: get("dayname.%d", n), First: get("dayfirst.%d", n), Last: get("daylast.%d", n)}
		for span := range strings.SplitSeq(get("dayspans.%d", n), ",") {
			if span = strings.TrimSpace(span); span != "" {
				from, until, _ := strings.Cut(strings.ReplaceAll(span, "–", "-"), "-")
				special.Spans = append(special.Spans, estate.Span{From: strings.TrimSpace(from), Until: strings.TrimSpace(until)})
			}
		}
		if special.Name != "" || special.First != "" {
			d.Special = append(d.Special, special)
		}
	}
}

// check finds what is wrong with it.
func (d *scheduleDraft) check(ctx context.Context) {
	resolved, problems := d.Schedule.Resolve(nil)
	field := func(of string) string {
		if d.View == asYAML {
			return "text"
		}
		group, _, _ := strings.Cut(of, "[")
		return group
	}
	for f, words := range wrongNames(ctx, problems) {
		if field(f) == "text" {
			words = f + ": " + words
		} else if field(f) != f {
			words = place(ctx, f) + words
		}
		d.bad(field(f), words)
	}
	var e *sashlock.Error
	if err := schedule.Validate(resolved); len(problems) == 0 && errors.As(err, &e) {
		d.bad(field(e.Subject), place(ctx, e.Subject)+e.Hint)
	}
}

// place says which row a field belongs to: "Row 2: ".
func place(ctx context.Context, field string) string {
	_, after, _ := strings.Cut(field, "[")
	digits, _, is := strings.Cut(after, "]")
	n, err := strconv.Atoi(digits)
	if !is || err != nil {
		return ""
	}
	return lang.T(ctx, "Row %d: ", n+1)
}

func (p pages) lookSchedule(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	d, err := p.readSchedule(r)
	if err != nil {
		return err
	}
	if view := r.PostFormValue("do"); d.OK() && (view == asForm || view == asYAML) {
		d.View = view
	}
	return p.editSchedule(w, r, d)
}

func (p pages) saveSchedule(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	d, err := p.readSchedule(r)
	if err != nil {
		return err
	}
	if !d.OK() {
		d.Status = console.Refused
		return p.editSchedule(w, r, d)
	}
	if worth, err := p.worthMost(ctx, d.Slug); err != nil {
		return err
	} else if worth && !console.Who(ctx).Fresh(p.Now()) {
		d.Prove, d.Status = true, http.StatusForbidden
		return p.editSchedule(w, r, d)
	}
	err = p.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
		if there, err := grants.FindSchedule(tx, d.Slug); d.New && err == nil {
			want, have := d.Schedule, estate.FromSchedule(there)
			want.Kept, have.Kept = estate.Kept{}, estate.Kept{}
			if yamlOf(estate.File{Schedules: []estate.Schedule{want}}) == yamlOf(estate.File{Schedules: []estate.Schedule{have}}) {
				return flow.Edit{}, errDone
			}
			return flow.Edit{}, errTaken
		}
		return grants.SaveSchedule(tx, d.Schedule, nil, d.Rev)
	})
	switch {
	case err == nil || errors.Is(err, errDone):
		return console.Back(w, r, "/access/schedules/"+d.Slug)
	case errors.Is(err, approvals.ErrHeld):
		return p.ProposeChange(w, r, approvals.AccessKind, approvals.Change{File: estate.File{Schedules: []estate.Schedule{d.Schedule}}}, d.Rev)
	case errors.Is(err, errTaken):
		d.bad("slug", lang.T(ctx, "Another schedule has this short name."))
		d.Status = console.Refused
	case errors.Is(err, store.ErrChanged):
		d.Conflict = lang.T(ctx, "It is no longer there.")
		d.Rev, d.Status = 0, console.Outrun
		for _, s := range p.Hall.Book().Schedules {
			if s.Slug == d.Slug {
				d.Rev, d.Conflict = s.Rev, yamlOf(estate.File{Schedules: []estate.Schedule{estate.FromSchedule(s)}})
			}
		}
	default:
		return err
	}
	return p.editSchedule(w, r, d)
}

// worthMost reports whether a grant for something of high value follows a
// schedule: changing it is then like changing the grant.
func (p pages) worthMost(ctx context.Context, slug string) (bool, error) {
	f, err := p.facts(ctx)
	if err != nil {
		return false, err
	}
	given, _ := grantsBy(f, sashlock.ScheduleID(f.Find(estate.Schedules, slug)))
	return slices.ContainsFunc(given, f.High), nil
}

func (p pages) removeSchedule(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, s, err := p.scheduleOf(ctx, r.PathValue("slug"))
	if err != nil {
		return err
	}
	if !scheduleOurs(ctx, f, s.ID) {
		return p.Refuse(ctx, "schedule "+string(s.ID))
	}
	if err := p.change(ctx, func(tx *store.Tx) (flow.Edit, error) { return grants.RemoveSchedule(tx, s.Slug, 0) }); err != nil {
		return err
	}
	return console.Back(w, r, "/access/schedules")
}

// bar is a stretch of a day in the picture of a week.
type bar struct{ Day, From, Until int } // Monday is 0; minutes of the day

const wholeDay = 24 * 60

// bars draws the periods of a week. What reaches past midnight goes on in the
// next day.
func bars(s sashlock.Schedule) []bar {
	var all []bar
	for _, one := range s.Weekly {
		for _, weekday := range one.Days {
			day, from, until := (int(weekday)+6)%7, int(one.From), int(one.Until)
			if until > from {
				all = append(all, bar{day, from, until})
				continue
			}
			all = append(all, bar{day, from, wholeDay})
			if until > 0 {
				all = append(all, bar{(day + 1) % 7, 0, until})
			}
		}
	}
	return all
}

// nextWords says what a schedule does next: "opens Mon 09:00".
func nextWords(ctx context.Context, s sashlock.Schedule, zone *time.Location, now time.Time, n int) []string {
	c, err := schedule.Compile(s, zone)
	if err != nil {
		return nil
	}
	var all []string
	at := func(t time.Time) string { return console.Day(ctx, t) + t.Format(", 15:04") }
	_, end, covered := c.Window(now)
	if covered {
		if end.Sub(now) > schedule.Horizon/2 {
			return []string{lang.T(ctx, "Open, with no end in sight")}
		}
		all = append(all, lang.T(ctx, "Open now, until %s", at(end)))
	} else {
		end = now
	}
	for len(all) < n {
		start, next, ok := c.Next(end)
		if !ok {
			break
		}
		all = append(all, lang.T(ctx, "Opens %s, until %s", at(start), at(next)))
		end = next.Add(-time.Second)
	}
	if len(all) == 0 {
		return []string{lang.T(ctx, "Closed, with no opening in sight")}
	}
	return all
}
