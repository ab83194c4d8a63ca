// SPDX-License-Identifier: Apache-2.0

package cutover

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/table"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// The rules of comparing are:
//
//   - What was asked here at the same moment, by the same person at the same
//     opening, counts as it was decided then. The clocks of two systems differ:
//     as far apart as Apart is the same moment, and each decision counts once.
//   - Otherwise it is decided now, for that instant, by the grants, schedules and
//     guard rails as they are. What depends on who else was there counts as met,
//     the opening as reachable and in its normal mode.
//   - A card that nobody has here is refused here. That is a difference where the
//     other system let it in: somebody is still to be brought over.
//   - A door that is no opening here is not compared, and named.

// Apart is how far the clocks of the two systems may be apart.
const Apart = 30 * time.Second

// How much of a comparison is listed.
const (
	mostDiffering = 500
	mostDoors     = 50
	mostDecisions = 100_000 // of ours that are read
)

// Options say how a log is compared.
type Options struct {
	Doors map[string]string                                                             // what the other system calls an opening, and its slug here
	Whose func(ctx context.Context, card wiegand.Bits) (sashlock.PersonID, bool, error) // whose a card is now
	Sees  func(sashlock.SiteID, sashlock.AreaID) bool                                   // of which openings whoever asks may know; nil: of all
}

// Differing is a line of the log that came out otherwise here.
type Differing struct {
	Row      int
	At       time.Time
	Opening  sashlock.OpeningID
	Person   sashlock.PersonID // empty: nobody here
	Granted  bool              // by the other system
	Reason   sashlock.Reason   // why it came out otherwise here
	Rail     string            // the guard rail that forbade it
	Checks   []sashlock.Check
	Decision sashlock.DecisionID // if it was decided then
}

// Tally is how often the two agree.
type Tally struct {
	Lines    int
	Recorded int // of which were asked here as well, at the same moment
	Agree    int
	Stricter int // granted there, and not here
	Looser   int // refused there, and granted here
}

func (t *Tally) count(recorded, there, here bool) {
	t.Lines++
	if recorded {
		t.Recorded++
	}
	switch {
	case there == here:
		t.Agree++
	case there:
		t.Stricter++
	default:
		t.Looser++
	}
}

// AtOpening is the tally of one opening.
type AtOpening struct {
	Tally
	Opening sashlock.OpeningID
}

// Door is what no opening is called, and how many lines name it.
type Door struct {
	Name  string
	Lines int
}

// Result is what came of comparing.
type Result struct {
	Tally
	From, Until time.Time   // of the lines
	Openings    []AtOpening // those that differ most first
	Differ      []Differing // in the order of the log, the first of them
	Differing   int         // in all
	Doors       []Door      // that are not known here, the first of them
	NotCompared int         // lines at such doors
}

// comparer goes through a log.
type comparer struct {
	book    *flow.Book
	opts    Options
	result  Result
	doors   map[string]sashlock.OpeningID
	people  map[string][]sashlock.PersonID // by name in plain words, and by slug
	cards   map[wiegand.Written]sashlock.PersonID
	there   map[sashlock.OpeningID]*Tally
	strange map[string]int
	ours    map[asked][]*decided
}

// asked is who asked where.
type asked struct {
	opening sashlock.OpeningID
	person  sashlock.PersonID
}

// decided is a decision of ours, and whether a line was set against it.
type decided struct {
	sashlock.Event
	used bool
}

// Entries is where past decisions are read.
type Entries interface {
	Events(ctx context.Context, q store.EventQuery) ([]sashlock.Event, error)
}

// Compare sets the lines of a log against what was decided here, or would have
// been.
func Compare(ctx context.Context, from Entries, book *flow.Book, lines []Line, opts Options) (Result, error) {
	c := &comparer{
		book: book, opts: opts, cards: map[wiegand.Written]sashlock.PersonID{}, there: map[sashlock.OpeningID]*Tally{},
		strange: map[string]int{}, ours: map[asked][]*decided{},
	}
	c.index()
	at := make([]sashlock.OpeningID, len(lines))
	for i, l := range lines {
		if at[i] = c.opening(l.Door); at[i] == "" {
			c.strange[l.Door]++
			c.result.NotCompared++
			continue
		}
		if c.result.From.IsZero() || l.At.Before(c.result.From) {
			c.result.From = l.At
		}
		if l.At.After(c.result.Until) {
			c.result.Until = l.At
		}
	}
	if err := c.read(ctx, from, at); err != nil {
		return Result{}, err
	}
	for i, l := range lines {
		if at[i] != "" {
			if err := c.line(ctx, l, at[i]); err != nil {
				return Result{}, err
			}
		}
		if i%1000 == 0 && ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
	}
	c.finish()
	return c.result, nil
}

func (c *comparer) index() {
	c.doors = make(map[string]sashlock.OpeningID, 2*len(c.book.Openings))
	see := func(o sashlock.Opening) bool { return c.opts.Sees == nil || c.opts.Sees(o.Site, o.Area) }
	name := map[string]int{}
	for _, o := range c.book.Openings {
		name[table.PlainWords(o.Name, ' ')]++
	}
	for id, o := range c.book.Openings {
		if plain := table.PlainWords(o.Name, ' '); see(o) && name[plain] == 1 && plain != "" {
			c.doors[plain] = id
		}
	}
	for id, o := range c.book.Openings { // short names win
		if see(o) {
			c.doors[table.PlainWords(o.Slug, ' ')] = id
		}
	}
	for theirs, slug := range c.opts.Doors { // and what was said wins over all
		if id, known := c.doors[table.PlainWords(slug, ' ')]; known {
			c.doors[table.PlainWords(theirs, ' ')] = id
		}
	}
	c.people = make(map[string][]sashlock.PersonID, 2*len(c.book.People))
	for id, p := range c.book.People {
		if p.IsGuest() {
			continue
		}
		plain := table.PlainWords(p.Name, ' ')
		c.people[plain] = append(c.people[plain], id)
		if slug := table.PlainWords(p.Slug, ' '); slug != plain {
			c.people[slug] = append(c.people[slug], id)
		}
	}
}

func (c *comparer) opening(door string) sashlock.OpeningID {
	return c.doors[table.PlainWords(door, ' ')]
}

// read reads what was decided here in the time of the log.
func (c *comparer) read(ctx context.Context, from Entries, at []sashlock.OpeningID) error {
	left := mostDecisions
	for _, id := range slices.Compact(slices.Sorted(slices.Values(at))) {
		for next := int64(0); id != "" && left > 0; {
			page, err := from.Events(ctx, store.EventQuery{
				Opening: id, Kind: "access.", From: next, Limit: min(left, 5_000), Since: c.result.From.Add(-Apart), Until: c.result.Until.Add(Apart),
			})
			if err != nil {
				return err
			}
			for _, e := range page {
				next = e.Seq + 1
				if e.Kind == sashlock.AccessGranted || e.Kind == sashlock.AccessDenied || e.Kind == sashlock.AccessDeferred {
					key := asked{e.Opening, e.Person}
					c.ours[key] = append(c.ours[key], &decided{Event: e})
				}
			}
			if left -= len(page); len(page) == 0 {
				break
			}
		}
	}
	return nil
}

// line compares one line.
func (c *comparer) line(ctx context.Context, l Line, at sashlock.OpeningID) error {
	person, why, err := c.who(ctx, l)
	if err != nil {
		return err
	}
	d := Differing{Row: l.Row, At: l.At, Opening: at, Person: person, Granted: l.Granted, Reason: why}
	here := false
	e := c.nearest(asked{at, person}, l.At)
	switch {
	case e != nil && person != "":
		e.used = true
		here, d.Reason, d.Rail, d.Checks, d.Decision = e.Kind == sashlock.AccessGranted, e.Reason, e.Rule, e.Checks, e.Decision
	case person != "":
		decision := c.book.Decide(sashlock.Request{Person: person, Opening: at, At: l.At, Method: sashlock.ByCard, Level: sashlock.AssuranceCard}, sashlock.OpeningState{Opening: at}, nil)
		if decision.Reason == sashlock.NoLock { // its lock may still be the other system's
			decision.Granted, decision.Reason = true, sashlock.Permitted
		}
		here = decision.Granted
		d.Reason, d.Rail, d.Checks = decision.Reason, decision.Rail, decision.Checks
	}
	if c.there[at] == nil {
		c.there[at] = &Tally{}
	}
	for _, t := range []*Tally{&c.result.Tally, c.there[at]} {
		t.count(d.Decision != "", l.Granted, here)
	}
	if here == l.Granted {
		return nil
	}
	if c.result.Differing++; len(c.result.Differ) < mostDiffering {
		c.result.Differ = append(c.result.Differ, d)
	}
	return nil
}

// who finds the person of a line; or why there is none. The card says it more
// surely than a name.
func (c *comparer) who(ctx context.Context, l Line) (sashlock.PersonID, sashlock.Reason, error) {
	id, err := c.owner(ctx, wiegand.Written{Facility: l.Facility, Number: l.Card})
	if err != nil || id != "" {
		return id, "", err
	}
	if all := c.people[table.PlainWords(l.Person, ' ')]; l.Person != "" && len(all) == 1 {
		return all[0], "", nil
	}
	if l.Card != "" {
		return "", sashlock.UnknownCredential, nil
	}
	return "", sashlock.UnknownPerson, nil
}

// owner finds whose a card is; empty: nobody's.
func (c *comparer) owner(ctx context.Context, card wiegand.Written) (id sashlock.PersonID, err error) {
	if card.Number == "" || c.opts.Whose == nil {
		return "", nil
	}
	id, looked := c.cards[card]
	if looked {
		return id, nil
	}
	for _, row := range card.Rows() {
		owner, known, err := c.opts.Whose(ctx, row)
		if err != nil {
			return "", err
		}
		if known {
			id = owner
			break
		}
	}
	c.cards[card] = id
	return id, nil
}

// nearest is the decision nearest to a moment that no line was set against yet.
func (c *comparer) nearest(who asked, at time.Time) (best *decided) {
	all := c.ours[who]
	i, _ := slices.BinarySearchFunc(all, at.Add(-Apart), func(d *decided, t time.Time) int { return d.Heard.Compare(t) })
	off := func(d *decided) time.Duration { return d.Heard.Sub(at).Abs() }
	for ; i < len(all) && !all[i].Heard.After(at.Add(Apart)); i++ {
		if !all[i].used && (best == nil || off(all[i]) < off(best)) {
			best = all[i]
		}
	}
	return best
}

func (c *comparer) finish() {
	for id, t := range c.there {
		c.result.Openings = append(c.result.Openings, AtOpening{*t, id})
	}
	slices.SortFunc(c.result.Openings, func(a, b AtOpening) int {
		return cmp.Or(cmp.Compare(b.Lines-b.Agree, a.Lines-a.Agree), strings.Compare(string(a.Opening), string(b.Opening)))
	})
	for _, name := range slices.Sorted(maps.Keys(c.strange)) {
		c.result.Doors = append(c.result.Doors, Door{name, c.strange[name]})
	}
	slices.SortStableFunc(c.result.Doors, func(a, b Door) int { return b.Lines - a.Lines })
	c.result.Doors = c.result.Doors[:min(len(c.result.Doors), mostDoors)]
}

// ReadDoors understands what doors are called: a line for each, as the other
// system has it, an equals sign, and the short name of the opening. Lines that
// say nothing are returned.
func ReadDoors(text string) (doors map[string]string, wrong []string) {
	doors = map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		theirs, ours, parted := strings.Cut(line, "=")
		switch {
		case line == "":
		case !parted || strings.TrimSpace(theirs) == "" || strings.TrimSpace(ours) == "":
			wrong = append(wrong, sashlock.Clip(line))
		default:
			doors[strings.TrimSpace(theirs)] = strings.TrimSpace(ours)
		}
	}
	return doors, wrong
}
