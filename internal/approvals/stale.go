// SPDX-License-Identifier: Apache-2.0

package approvals

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Finding is why a grant is likely not needed any more, or not right.
type Finding string

// The findings.
const (
	Over      Finding = "over"      // its end has come
	Away      Finding = "away"      // the person is suspended, or gone by their dates
	Nowhere   Finding = "nowhere"   // there is no opening there
	Unused    Finding = "unused"    // nobody used it for long
	Duplicate Finding = "duplicate" // another grant gives the same
	Conflict  Finding = "conflict"  // the person decides who has access, and has it to what is worth most
	Endless   Finding = "endless"   // it has no end
	Long      Finding = "long"      // its end is far away
)

// Findings lists every finding, the plainest first.
func Findings() []Finding {
	return []Finding{Over, Away, Nowhere, Duplicate, Conflict, Unused, Endless, Long}
}

// StaleGrant is a grant with what was found of it.
type StaleGrant struct {
	sashlock.Grant
	Findings []Finding
	Covered  sashlock.GrantID // the grant that gives the same
	Use      Use
}

// Look is what stale grants are looked for with.
type Look struct {
	Now      time.Time
	Idle     time.Duration // unused for this long
	Long     time.Duration // an end further away than this
	Deciders map[sashlock.PersonID]bool
	Uses     map[sashlock.GrantID]Use
	Keeps    map[sashlock.GrantID]Kept
}

// The usual measures of [Look], and of what is done about it.
const (
	IdleAfter = 90 * 24 * time.Hour
	LongAhead = 366 * 24 * time.Hour
	KeepFor   = 90 * 24 * time.Hour // a kept grant is not shown again for the same
	ShortenTo = 30 * 24 * time.Hour
)

// Stale finds, among all grants, those that are likely not needed any more.
func Stale(b *flow.Book, all []sashlock.Grant, l Look) []StaleGrant {
	to := map[string][]sashlock.Grant{}
	filled := map[sashlock.AreaID]bool{}
	used := map[sashlock.SiteID]bool{}
	dear := map[string]bool{} // areas and sites that have something of what is worth most
	for _, o := range b.Openings {
		filled[o.Area], used[o.Site] = true, true
		if o.Class == sashlock.High {
			dear[string(o.Area)], dear[string(o.Site)] = true, true
		}
	}
	high := func(g sashlock.Grant) bool { // looked up: there may be ten thousand grants
		return b.Openings[g.Opening].Class == sashlock.High || g.Area != "" && dear[string(g.Area)] || g.Site != "" && dear[string(g.Site)]
	}
	for _, g := range all {
		to[holder(g)] = append(to[holder(g)], g)
	}
	some := make([]StaleGrant, 0, len(all)/2)
	for _, g := range all {
		s := StaleGrant{Grant: g, Use: useOf(l.Uses, g.ID)}
		add := func(is bool, f Finding) {
			if is {
				s.Findings = append(s.Findings, f)
			}
		}
		over := !g.Until.IsZero() && !g.Until.After(l.Now)
		_, _, there := Place(b, g)
		person := b.People[g.Person]
		add(over, Over)
		add(g.Person != "" && (person.ID == "" || person.Suspended || !person.Until.IsZero() && !person.Until.After(l.Now)), Away)
		add(!there || g.Area != "" && !filled[g.Area] || g.Site != "" && !used[g.Site], Nowhere)
		s.Covered = covered(b, to, g, l.Now)
		add(s.Covered != "" && !over, Duplicate)
		add(l.Deciders[g.Person] && high(g), Conflict)
		add(!over && s.Use.Idle(l.Now, l.Idle), Unused)
		add(g.Until.IsZero() && (g.Person != "" || high(g)), Endless)
		add(g.Until.After(l.Now.Add(l.Long)), Long)
		if k := l.Keeps[g.ID]; l.Now.Before(k.Until) {
			s.Findings = slices.DeleteFunc(s.Findings, func(f Finding) bool { return slices.Contains(k.Findings, f) })
		}
		if len(s.Findings) > 0 {
			some = append(some, s)
		}
	}
	return some
}

// holder is whom a grant is given to.
func holder(g sashlock.Grant) string {
	if g.Person != "" {
		return string(g.Person)
	}
	return string(g.Role)
}

// covered finds another grant that gives all that a grant does.
func covered(b *flow.Book, to map[string][]sashlock.Grant, g sashlock.Grant, now time.Time) sashlock.GrantID {
	among := func(others []sashlock.Grant) sashlock.GrantID {
		for i := range others {
			o := &others[i]
			if o.ID != g.ID && gives(b, *o, g, now) && !(gives(b, g, *o, now) && holder(*o) == holder(g) && o.ID > g.ID) {
				return o.ID
			}
		}
		return ""
	}
	found := among(to[holder(g)])
	for _, role := range b.People[g.Person].Roles {
		if found != "" {
			break
		}
		found = among(to[string(role)])
	}
	return found
}

// gives reports whether a grant gives all that another one to the same people
// does, at least.
func gives(b *flow.Book, all, some sashlock.Grant, now time.Time) bool {
	site, area, there := Place(b, some)
	within := there && (all.Site != "" && all.Site == site || all.Area != "" && all.Area == area || all.Opening != "" && all.Opening == some.Opening)
	begun := all.From.IsZero() || !all.From.After(now) || !some.From.IsZero() && !all.From.After(some.From)
	outlasts := all.Until.IsZero() || !some.Until.IsZero() && !all.Until.Before(some.Until)
	terms := all.Terms == (sashlock.Terms{}) || all.Terms == some.Terms && all.Terms.Uses == 0 && all.Terms.Lasts == 0
	return within && begun && outlasts && terms && (all.Schedule == "" || all.Schedule == some.Schedule)
}

// Kept says that somebody keeps a grant although it looks stale.
type Kept struct {
	Findings []Finding           `json:"findings"`
	Until    time.Time           `json:"until"`
	Words    string              `json:"words"`
	By       sashlock.OperatorID `json:"by"`
}

// Keeps returns what is kept.
func Keeps(q store.Query) (map[sashlock.GrantID]Kept, error) {
	all := map[sashlock.GrantID]Kept{}
	_, err := store.Rows(q, func(scan store.Scan) (k Kept, err error) {
		var id sashlock.GrantID
		var body string
		if err := scan(&id, &body); err != nil {
			return k, err
		}
		err = json.Unmarshal([]byte(body), &k)
		all[id] = k
		return k, err
	}, `SELECT grant_id, body FROM grant_keeps`)
	return all, err
}

// touch finds a grant that somebody may change.
func (r *Room) touch(tx *store.Tx, by By, slug string, rev int64) (sashlock.Grant, error) {
	g, err := r.Granting.Find(tx, slug)
	if err != nil {
		return g, err
	}
	if !by.may(scopeAccess) || !by.seesGrant(r.Hall.Book(), g) {
		return g, denied("changing grant", lang.Mark("you may not change access there"))
	}
	return g, store.CheckRev("grant", string(g.ID), g.Rev, rev)
}

// Keep remembers that a grant is needed although it looks stale. It is not
// shown again for the same findings until [KeepFor] is over.
func (r *Room) Keep(ctx context.Context, by By, slug string, rev int64, found []Finding, why string) error {
	text, err := words("keeping grant", "reason", why)
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(slices.Clone(found), func(f Finding) bool { return !slices.Contains(Findings(), f) })
	return r.change(ctx, by.ID, func(tx *store.Tx) (flow.Edit, error) {
		g, err := r.touch(tx, by, slug, rev)
		if err != nil {
			return flow.Edit{}, err
		}
		if by.Person != "" && by.Person == g.Person {
			return flow.Edit{}, denied("keeping grant", lang.Mark("somebody else has to say that you need this"))
		}
		body, err := encode(Kept{Findings: found, Until: tx.Now().Add(KeepFor), Words: text, By: by.ID})
		if err != nil {
			return flow.Edit{}, err
		}
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.ReviewAnswered, Grant: g.ID, Subject: "stale", Why: "kept"}}},
			tx.Put("grant_keeps", "grant_id", store.Fields{"grant_id": g.ID, "body": body})
	})
}

// End revokes a grant of which somebody saw a revision.
func (r *Room) End(ctx context.Context, by By, slug string, rev int64) error {
	return r.change(ctx, by.ID, func(tx *store.Tx) (flow.Edit, error) {
		g, err := r.touch(tx, by, slug, rev)
		if err != nil {
			return flow.Edit{}, err
		}
		return r.Granting.Revoke(tx, string(g.ID), g.Rev)
	})
}

// Shorten lets a grant end in [ShortenTo], unless it ends before that anyway.
func (r *Room) Shorten(ctx context.Context, by By, slug string, rev int64) error {
	return r.change(ctx, by.ID, func(tx *store.Tx) (flow.Edit, error) {
		g, err := r.touch(tx, by, slug, rev)
		end := tx.Now().Add(ShortenTo)
		if err != nil || !g.Until.IsZero() && g.Until.Before(end) {
			return flow.Edit{}, err
		}
		if !g.From.IsZero() && !g.From.Before(end) {
			return flow.Edit{}, conflict("shortening", lang.Mark("it has not begun by then: end it instead"))
		}
		g.Until = end
		book := r.Hall.Book()
		return r.Granting.Save(tx, estate.FromGrant(g, ref(book)), find(book), g.Rev)
	})
}
