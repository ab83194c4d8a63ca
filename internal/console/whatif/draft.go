// SPDX-License-Identifier: Apache-2.0

package whatif

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/lang"
	effect "github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/store"
)

// A draft is pasted as YAML. Its effect comes with the first answer; the past is
// replayed in parts, one for each answer, and what the parts before have found is
// sent along. So nothing is kept of a draft, and nobody waits without seeing how
// far it is. The script of the page presses the button for the next part.

const (
	draftDays  = 30     // that are replayed
	draftPart  = 10_000 // decisions in one answer
	draftPairs = 200    // that are listed of each kind
	draftSteps = 50
	draftFlips = 500 // pairs that are carried from part to part
)

// everywhere reports whether whoever is signed in is for all stores, to the last
// opening: only they may see what a draft of all of them does.
func everywhere(ctx context.Context) bool {
	who := console.Who(ctx).Operator
	return len(who.Sites)+len(who.Areas) == 0
}

// draftView is the page about a draft.
type draftView struct {
	Text     string
	Prune    bool
	Problems []estate.Problem
	Wrong    string // what is wrong with the text as a whole
	Done     bool   // it could be compared
	Steps    []string
	More     int // steps that are not listed
	Gained   int
	Lost     int
	Gain     []draftPair
	Loss     []draftPair
	Instants int
	Replay   draftReplay
}

// draftPair is somebody and an opening, as they are shown. Without a slug they
// are in the draft only.
type draftPair struct{ PersonSlug, Person, OpeningSlug, Opening string }

// draftReplay is how far the replay is.
type draftReplay struct {
	Since     time.Time
	Next      int64
	First     int64 // entry
	Size      int64
	Decisions int
	Unknown   int
	Done      bool
	Flips     []draftFlip
	flips     []effect.Flip
}

// draftFlip is one line of the replay.
type draftFlip struct {
	draftPair
	Opened, Refused int
	Last            time.Time
	Entry           int64
	Reason          string
	Rail            string
}

func (p pages) draftForm(w http.ResponseWriter, r *http.Request) error {
	if !everywhere(r.Context()) {
		return p.Refuse(r.Context(), "draft")
	}
	return p.showDraft(w, r, &draftView{})
}

func (p pages) showDraft(w http.ResponseWriter, r *http.Request, v *draftView) error {
	ctx := r.Context()
	return p.Show(w, r, console.Head{
		Title: lang.T(ctx, "What a draft would change"), Section: console.InWhatIf, Styles: []string{"whatif.css"}, Scripts: []string{"whatif.js"},
		About: lang.T(ctx, "Compares a draft of sites, openings, people, schedules and grants with what is in force, without changing or recording anything. Who gains and who loses is looked at for the next seven days. Past decisions are decided again by both: what depends on the moment, such as a shift or company, counts as met."),
	}, draftPage(v))
}

// draft compares what was pasted.
func (p pages) draft(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if !everywhere(ctx) {
		return p.Refuse(ctx, "draft")
	}
	if err := p.Form(w, r); err != nil {
		return err
	}
	v := &draftView{Text: r.PostForm.Get("text"), Prune: r.PostForm.Get("prune") != ""}
	if strings.TrimSpace(v.Text) == "" {
		v.Wrong = lang.T(ctx, "Paste a draft first.")
		return p.showDraft(w, r, v)
	}
	file, err := estate.Parse([]byte(v.Text))
	if err != nil {
		v.Wrong = hintOf(err)
		return p.showDraft(w, r, v)
	}
	book := p.Hall.Book()
	d, err := p.draftOf(ctx, book, file, v.Prune)
	if list := estate.ListOf(err); len(list) > 0 {
		v.Problems = list[:min(len(list), draftSteps)]
		return p.showDraft(w, r, v)
	}
	if err != nil {
		return err
	}
	v.Done = true
	v.compare(book, d, p.Now())
	if err := p.replay(ctx, r, v, book, d); err != nil {
		return err
	}
	return p.showDraft(w, r, v)
}

func hintOf(err error) string {
	if e, ok := err.(*sashlock.Error); ok && e.Hint != "" {
		return e.Hint
	}
	return err.Error()
}

func (p pages) draftOf(ctx context.Context, book *flow.Book, file estate.File, prune bool) (*effect.Draft, error) {
	var every []sashlock.Grant
	err := p.Store.View(ctx, func(q store.Query) (err error) { every, err = grants.List(q); return err })
	if err != nil {
		return nil, err
	}
	return effect.New(book, every).Draft(file, prune)
}

// compare fills in who gains and who loses.
func (v *draftView) compare(book *flow.Book, d *effect.Draft, now time.Time) {
	for _, s := range d.Steps[:min(len(d.Steps), draftSteps)] {
		v.Steps = append(v.Steps, s.String())
	}
	v.More = len(d.Steps) - len(v.Steps)
	c := effect.Compare(book, d.Book, effect.Instants(book, d.Book, d.Moments, now), nil, draftPairs)
	v.Gained, v.Lost, v.Instants = c.Gained, c.Lost, c.Instants
	for _, one := range c.Gain {
		v.Gain = append(v.Gain, pairOf(book, d.Book, one))
	}
	for _, one := range c.Loss {
		v.Loss = append(v.Loss, pairOf(book, d.Book, one))
	}
}

func pairOf(book, draft *flow.Book, one effect.Pair) draftPair {
	person, opening := book.People[one.Person], book.Openings[one.Opening]
	return draftPair{
		PersonSlug: person.Slug, Person: cmp.Or(person.Name, draft.People[one.Person].Name, string(one.Person)),
		OpeningSlug: opening.Slug, Opening: cmp.Or(opening.Name, draft.Openings[one.Opening].Name, string(one.Opening)),
	}
}

// replay goes on where the form says the part before has ended.
func (p pages) replay(ctx context.Context, r *http.Request, v *draftView, book *flow.Book, d *effect.Draft) error {
	f := &v.Replay
	f.Since = p.Now().AddDate(0, 0, -draftDays).Truncate(time.Second)
	if since, err := time.Parse(time.RFC3339, r.PostForm.Get("since")); err == nil && since.After(f.Since.AddDate(0, 0, -1)) {
		f.Since = since
		f.Next, f.Decisions, f.Unknown = sent(r, "from"), int(sent(r, "decisions")), int(sent(r, "unknown"))
		f.flips = readFlips(r.PostForm.Get("found"))
	}
	first, err := p.Store.Events(ctx, store.EventQuery{Since: f.Since, Limit: 1})
	if err != nil {
		return err
	}
	if len(first) > 0 {
		f.First = first[0].Seq
	}
	got, err := effect.Replay(ctx, effect.Entries(p.Store), book, d.Book, effect.Span{From: f.Next, Since: f.Since, Most: draftPart})
	if err != nil {
		return err
	}
	f.Next, f.Done, f.Size = got.Next, got.Done, p.Store.Size()
	f.Decisions, f.Unknown = f.Decisions+got.Decisions, f.Unknown+got.Unknown
	f.flips = joinFlips(f.flips, got.Flips)
	for _, one := range f.flips {
		f.Flips = append(f.Flips, draftFlip{
			pairOf(book, d.Book, one.Pair), one.Opened, one.Refused,
			console.LocalTime(book.Sites[book.Openings[one.Opening].Site], one.Last), one.Entry, one.Reason.Words(), one.Rail,
		})
	}
	return nil
}

func sent(r *http.Request, field string) int64 {
	n, err := strconv.ParseInt(r.PostForm.Get(field), 10, 64)
	if err != nil {
		return 0
	}
	return max(0, n)
}

// joinFlips adds what a further part found, most first.
func joinFlips(a, b []effect.Flip) []effect.Flip {
	place := map[effect.Pair]int{}
	for i, f := range a {
		place[f.Pair] = i
	}
	for _, f := range b {
		if i, known := place[f.Pair]; known {
			f.Opened, f.Refused = f.Opened+a[i].Opened, f.Refused+a[i].Refused
			a[i] = f // the later part has the later request
		} else {
			a = append(a, f)
		}
	}
	slices.SortStableFunc(a, func(x, y effect.Flip) int { return cmp.Compare(y.Opened+y.Refused, x.Opened+x.Refused) })
	return a[:min(len(a), draftFlips)]
}

// Found writes what was found so far for the form of the next part: it is the
// reader's own, and only shown to them again.
func (f *draftReplay) Found() string {
	var out strings.Builder
	for _, one := range f.flips {
		out.WriteString(strings.Join([]string{
			string(one.Person), string(one.Opening), strconv.Itoa(one.Opened), strconv.Itoa(one.Refused),
			one.Last.UTC().Format(time.RFC3339), strconv.FormatInt(one.Entry, 10), string(one.Reason), one.Rail,
		}, " ") + "\n")
	}
	return out.String()
}

func readFlips(text string) (list []effect.Flip) {
	for line := range strings.Lines(text) {
		part := strings.SplitN(strings.TrimRight(line, "\r\n"), " ", 8)
		if len(part) != 8 || len(list) == draftFlips {
			continue
		}
		f := effect.Flip{Pair: effect.Pair{Person: sashlock.PersonID(part[0]), Opening: sashlock.OpeningID(part[1])}, Reason: sashlock.Reason(part[6]), Rail: part[7]}
		f.Opened, _ = strconv.Atoi(part[2]) // what is no number counts as none
		f.Refused, _ = strconv.Atoi(part[3])
		f.Last, _ = time.Parse(time.RFC3339, part[4])
		f.Entry, _ = strconv.ParseInt(part[5], 10, 64)
		list = append(list, f)
	}
	return list
}

// Progress is how far the replay is, in thousandths.
func (f *draftReplay) Progress() string {
	if f.Done || f.Size <= f.First {
		return "1000"
	}
	return strconv.FormatInt(max(0, f.Next-f.First)*1000/(f.Size-f.First), 10)
}
