// SPDX-License-Identifier: Apache-2.0

package triage

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/signin"
)

// row is an incident, or an alarm that is in none that is open.
type row struct {
	ID, Link   string
	Alone      bool // an alarm
	Level      sashlock.Level
	Gist       gist
	Site, Area string
	Opened     time.Time
	Count      int
	Standing   int // alarms whose condition is not over
	Unseen     int // alarms that nobody has acknowledged
	Shelved    time.Time
	Owner      string
	Taken      bool
	Mine       bool
	Reviewed   bool
	Late       bool
	Resolved   time.Time
	Cause      incidents.Cause
}

// add shows a row, unless it is put aside and not asked for.
func (b *inbox) add(r row) {
	shelved := !r.Shelved.IsZero()
	if shelved {
		b.Shelved++
	}
	if b.Ask.History || shelved == (b.Ask.State == "shelved") {
		b.Rows = append(b.Rows, r)
	}
}

// row is an incident as the inbox shows it.
func (m *material) row(book *flow.Book, who signin.Operator, i incidents.Incident, now time.Time) row {
	site := book.Sites[i.Site]
	zone := console.Zone(site)
	r := row{
		ID: i.ID, Link: "/incidents/" + i.ID, Level: i.Level, Site: site.Name, Area: book.Areas[i.Area].Name,
		Opened: in(i.Opened, zone), Count: i.Alarms, Taken: i.Owner != "", Mine: i.Owner == who.ID, Owner: m.names[i.Owner],
		Resolved: in(i.Resolved, zone), Cause: i.Outcome.Cause,
	}
	seen, has := m.seen[i.ID]
	r.Reviewed = has && !seen.Before(i.Latest)
	r.Late = !r.Taken && r.Resolved.IsZero() && now.Sub(i.Opened) >= late
	aside := true
	for _, id := range m.gathers[i.ID] {
		a, known := m.alarms[id]
		if !known {
			continue
		}
		r.Gist.add(book.Openings[a.Opening], a.Rule)
		if a.Cleared.IsZero() {
			r.Standing++
		}
		if a.Acknowledged.IsZero() {
			r.Unseen++
		}
		if shelf, is := m.shelves[id]; !is {
			aside = aside && !a.Standing()
		} else if r.Shelved.IsZero() || shelf.Until.Before(r.Shelved) {
			r.Shelved = in(shelf.Until, zone)
		}
	}
	if !aside {
		r.Shelved = time.Time{}
	}
	return r
}

// alone adds the standing alarms that no open incident shows: those of this
// moment, and those that go on although their incident was resolved.
func (b *inbox) alone(book *flow.Book, m *material, standing []sashlock.Alarm) {
	var extra []row
	for _, a := range standing {
		at := m.in[a.ID]
		if at.Incident != "" && (!at.Resolved || !a.Cleared.IsZero()) || !b.wants(a) {
			continue
		}
		extra = append(extra, m.aloneRow(book, a, at.Incident))
	}
	rows := b.Rows
	b.Rows = nil
	for _, r := range extra {
		b.add(r)
	}
	b.Rows = append(b.Rows, rows...)
}

// wants reports whether an alarm by itself is among what was asked for.
func (b *inbox) wants(a sashlock.Alarm) bool {
	return !b.Ask.Mine && b.Ask.State != string(incidents.Taken) && (b.Ask.Level == "" || b.Ask.Level == a.Level)
}

// aloneRow is an alarm that no open incident shows.
func (m *material) aloneRow(book *flow.Book, a sashlock.Alarm, incident string) row {
	o, site := book.Openings[a.Opening], book.Sites[a.Site]
	zone := console.Zone(site)
	r := row{
		ID: string(a.ID), Link: "/openings/" + o.Slug, Alone: true, Level: a.Level, Site: site.Name, Area: book.Areas[o.Area].Name,
		Opened: in(a.Raised, zone), Count: 1, Shelved: in(m.shelves[a.ID].Until, zone),
	}
	if incident != "" {
		r.Link, r.Reviewed = "/incidents/"+incident, true
	}
	if a.Cleared.IsZero() {
		r.Standing = 1
	}
	if a.Acknowledged.IsZero() {
		r.Unseen = 1
	}
	r.Gist.add(o, a.Rule)
	return r
}

// page cuts the history into pages.
func (b *inbox) page() {
	if len(b.Rows) > historyPage {
		b.Rows = b.Rows[:historyPage]
		b.Older = "/alarms" + b.Ask.query("before", b.Rows[historyPage-1].ID)
	}
}
