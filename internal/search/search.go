// SPDX-License-Identifier: Apache-2.0

package search

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	batch        = 500
	mostRead     = 4000 // events that one page reads at most; the next goes on from there
	mostIndexed  = 64   // openings that are read one by one, by their index
	mostFromEach = 200
)

// Search is a search that is ready to be carried out.
type Search struct {
	Terms []Term

	query store.EventQuery
	among []sashlock.OpeningID // openings to read one by one; nil: read the ledger
	match []func(*sashlock.Event) bool
}

// Compile resolves a search at an instant; its local times are in zone.
func Compile(text string, b *flow.Book, now time.Time, zone *time.Location) (*Search, error) {
	terms, err := Parse(text)
	if err != nil {
		return nil, err
	}
	s := &Search{Terms: terms}
	for _, t := range terms {
		if err := s.add(t, b, now.In(zone)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Search) add(t Term, b *flow.Book, now time.Time) error {
	switch t.Key {
	case "since", "until":
		return s.limit(t, now)
	case "opening", "area", "site":
		s.openings(t, b)
	case "person":
		s.person(t, b)
	default:
		s.text(t, b)
	}
	return nil
}

// limit sets the times between which events were heard.
func (s *Search) limit(t Term, now time.Time) error {
	if t.Not || len(t.Values) != 1 {
		return bad(t.Key, "give one time")
	}
	at, err := When(t.Values[0], now)
	if err != nil {
		return bad(t.Key, err.Error())
	}
	if t.Key == "since" {
		s.query.Since = at
	} else {
		s.query.Until = at
	}
	return nil
}

// openings restricts the search to openings, by themselves or by where they
// are. Events about the site or the area alone count for those keys too.
func (s *Search) openings(t Term, b *flow.Book) {
	ids := map[sashlock.OpeningID]bool{}
	sites := map[sashlock.SiteID]bool{}
	for id, o := range b.Openings {
		site, area := b.Sites[o.Site], b.Areas[o.Area]
		slug, name := o.Slug, o.Name
		switch t.Key {
		case "area":
			slug, name = area.Slug, area.Name
		case "site":
			slug, name = site.Slug, site.Name
		}
		if t.any(slug, name, string(id)) {
			ids[id] = true
		}
	}
	if t.Key == "site" {
		for id, site := range b.Sites {
			sites[id] = t.any(site.Slug, site.Name, string(id))
		}
	}
	s.match = append(s.match, func(e *sashlock.Event) bool { return (ids[e.Opening] || e.Opening == "" && sites[e.Site]) != t.Not })
	if t.Not || t.Key == "site" {
		return
	}
	some := slices.Sorted(func(yield func(sashlock.OpeningID) bool) {
		for id := range ids {
			if (s.among == nil || slices.Contains(s.among, id)) && !yield(id) {
				return
			}
		}
	})
	if s.among = some; some == nil {
		s.among = []sashlock.OpeningID{}
	}
}

func (s *Search) person(t Term, b *flow.Book) {
	ids := map[sashlock.PersonID]bool{}
	var last sashlock.PersonID
	for id, p := range b.People {
		if t.any(p.Slug, p.Name, string(id)) {
			ids[id], last = true, id
		}
	}
	s.match = append(s.match, func(e *sashlock.Event) bool { return ids[e.Person] != t.Not })
	if !t.Not && len(ids) == 1 {
		s.query.Person = last
	}
}

// text adds a condition on what an event says itself.
func (s *Search) text(t Term, b *flow.Book) {
	of := map[string]func(*sashlock.Event) []string{
		"kind":     func(e *sashlock.Event) []string { return []string{string(e.Kind)} },
		"reason":   func(e *sashlock.Event) []string { return []string{string(e.Reason)} },
		"rule":     func(e *sashlock.Event) []string { return []string{e.Rule} },
		"method":   func(e *sashlock.Event) []string { return []string{string(e.Method)} },
		"device":   func(e *sashlock.Event) []string { return []string{string(e.Device)} },
		"operator": func(e *sashlock.Event) []string { return []string{string(e.Operator)} },
		"result": func(e *sashlock.Event) []string {
			switch e.Kind {
			case sashlock.AccessGranted:
				return []string{"granted"}
			case sashlock.AccessDenied:
				return []string{"denied", "refused"}
			}
			return nil
		},
	}[t.Key]
	if of == nil {
		s.words(t, b)
		return
	}
	s.match = append(s.match, func(e *sashlock.Event) bool { return t.any(of(e)...) != t.Not })
	if t.Not || len(t.Values) != 1 || s.query.Kind != "" {
		return
	}
	switch kind := strings.TrimSuffix(t.Values[0], "*"); {
	case t.Key == "kind" && !strings.ContainsAny(kind, "*?[\\"):
		s.query.Kind = kind
	case t.Key == "result" && kind == "granted":
		s.query.Kind = string(sashlock.AccessGranted)
	case t.Key == "result" && (kind == "denied" || kind == "refused"):
		s.query.Kind = string(sashlock.AccessDenied)
	}
}

// words looks for words in names, reasons and kinds.
func (s *Search) words(t Term, b *flow.Book) {
	want := strings.ToLower(t.Values[0])
	s.match = append(s.match, func(e *sashlock.Event) bool {
		all := strings.ToLower(strings.Join([]string{
			b.Openings[e.Opening].Name, b.People[e.Person].Name, strings.NewReplacer(".", " ", "_", " ").Replace(string(e.Kind)),
			e.Reason.Words(), e.Rule, e.Why, e.Subject,
		}, "\n"))
		return strings.Contains(all, want) != t.Not
	})
}

// any reports whether one of the values fits one of some names.
func (t Term) any(names ...string) bool {
	for _, v := range t.Values {
		for _, n := range names {
			if n != "" && fits(v, n) {
				return true
			}
		}
	}
	return false
}

func fits(pattern, name string) bool {
	pattern, name = strings.ToLower(pattern), strings.ToLower(name)
	if !strings.ContainsAny(pattern, "*?") {
		return pattern == name
	}
	ok, err := path.Match(strings.NewReplacer("[", `\[`, `\`, `\\`, "/", " ").Replace(pattern), strings.ReplaceAll(name, "/", " "))
	return ok && err == nil
}

// Match reports whether an event is found, but for the times.
func (s *Search) Match(e *sashlock.Event) bool {
	for _, m := range s.match {
		if !m(e) {
			return false
		}
	}
	return (s.query.Since.IsZero() || !e.Heard.Before(s.query.Since)) && (s.query.Until.IsZero() || e.Heard.Before(s.query.Until))
}

// Page returns up to limit events before a place in the ledger, newest first,
// of those that sees lets through; 0 is the end of the ledger. Next is where
// the next page begins, 0 when there is none. A page can have fewer events, and
// none, and still be followed by another: one page reads only so much.
func (s *Search) Page(ctx context.Context, from *store.Store, before int64, limit int, sees func(*sashlock.Event) bool) (found []sashlock.Event, next int64, err error) {
	q := s.query
	q.Newest, q.Before = true, before
	if s.among != nil && len(s.among) <= mostIndexed && q.Person == "" {
		return s.each(ctx, from, q, limit, sees)
	}
	for read := 0; read < mostRead; {
		q.Limit = min(max(2*limit, read), batch) // mostly the first are enough
		events, err := from.Events(ctx, q)
		if err != nil {
			return nil, 0, err
		}
		for i := range events {
			e := &events[i]
			if !s.Match(e) || !sees(e) {
				continue
			}
			if found = append(found, *e); len(found) == limit {
				return found, e.Seq, nil
			}
		}
		if len(events) < q.Limit || events[len(events)-1].Seq == 0 {
			return found, 0, nil
		}
		read, q.Before = read+len(events), events[len(events)-1].Seq
	}
	return found, q.Before, nil
}

// each reads openings one by one and puts what it finds in order.
func (s *Search) each(ctx context.Context, from *store.Store, q store.EventQuery, limit int, sees func(*sashlock.Event) bool) (found []sashlock.Event, next int64, err error) {
	q.Limit = min(limit+1, mostFromEach)
	behind := int64(0) // nothing before this has been read of every opening
	for _, id := range s.among {
		q.Opening = id
		events, err := from.Events(ctx, q)
		if err != nil {
			return nil, 0, err
		}
		if len(events) == q.Limit {
			behind = max(behind, events[len(events)-1].Seq)
		}
		for i := range events {
			if s.Match(&events[i]) && sees(&events[i]) {
				found = append(found, events[i])
			}
		}
	}
	slices.SortFunc(found, func(a, b sashlock.Event) int { return cmp.Compare(b.Seq, a.Seq) })
	if i := slices.IndexFunc(found, func(e sashlock.Event) bool { return e.Seq < behind }); i >= 0 {
		found = found[:i]
	}
	next = behind
	if len(found) > limit {
		found = found[:limit]
	}
	if len(found) == limit {
		next = found[limit-1].Seq
	}
	return found, next, nil
}
