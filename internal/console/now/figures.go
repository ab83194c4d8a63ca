// SPDX-License-Identifier: Apache-2.0

package now

import (
	"cmp"
	"context"

	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// figure is one number at the top of the page, and where it leads.
type figure struct {
	Name  string
	Count int
	Note  string // what it consists of
	Tone  console.Tone
	Shape string
	Path  string // the page that shows what it counts
}

// work is what waits for people, as the rooms have it.
type work struct {
	Refused           int  // requests, today
	Waiting, Taken    int  // customers who wait, and to how many of them somebody goes
	Calls             bool // a customer has ever called
	Incidents, Nobody int  // open ones, and those that nobody has taken
}

// waiting reads the customers of a site who wait.
func (w *work) waiting(q store.Query, b *board) error {
	type call struct{ opening, taken string }
	calls, err := store.Rows(q, func(scan store.Scan) (c call, err error) {
		err = scan(&c.opening, &c.taken)
		return c, err
	}, `SELECT opening, CASE WHEN taken IS NULL THEN '' ELSE 'yes' END FROM calls WHERE ended IS NULL AND site = ?`, b.Site.ID)
	if err != nil {
		return err
	}
	for _, c := range calls {
		if !b.seen[c.opening] {
			continue
		}
		w.Waiting++
		if c.taken != "" {
			w.Taken++
		}
	}
	ever, err := store.Rows(q, func(scan store.Scan) (n int, err error) { return n, scan(&n) }, `SELECT 1 FROM calls LIMIT 1`)
	w.Calls = len(ever) > 0
	return err
}

// open reads the incidents of a site that are not resolved.
func (w *work) open(q store.Query, b *board, o signin.Operator) error {
	f := incidents.Filter{Scope: incidents.Scope{Sites: o.Sites, Areas: o.Areas, Loud: !b.handles(o)}, Site: b.Site.ID}
	all, err := incidents.Counts(q, f, o.ID)
	f.State = incidents.New
	free, err2 := incidents.Counts(q, f, o.ID)
	for _, c := range all {
		w.Incidents += c.All
	}
	for _, c := range free {
		w.Nobody += c.All
	}
	return cmp.Or(err, err2)
}

// handles reports whether silent alarms are shown to an operator here.
func (b *board) handles(o signin.Operator) bool { return !b.View.Bare && o.May(signin.Alarms) }

// tally is how many openings stand how.
type tally struct{ open, unlocked, held, nobody, either, stale, unknown int }

func (b *board) tally() (n tally) {
	for _, p := range b.All {
		switch {
		case p.Shown.Word == opening.LastSeen:
			n.stale++
		case p.Shown.Word == opening.Unknown:
			n.unknown++
		case p.Open:
			n.open++
		case p.is(onlyOpen):
			n.unlocked++
		}
		if p.Shown.Word == opening.HeldOpen {
			n.held++
		}
		if p.Nobody {
			n.nobody++
		}
		if p.is(onlyHeld) {
			n.either++
		}
	}
	return n
}

// is reports whether an opening is among those that somebody wants to see
// alone; all are with "".
func (p pin) is(which string) bool {
	switch away := p.Shown.Word == opening.LastSeen || p.Shown.Word == opening.Unknown; which {
	case onlyOpen:
		return !away && (p.Open || p.Shown.Word == opening.Unlocked || p.Shown.Word == opening.HeldUnlocked)
	case onlyHeld:
		return p.Shown.Word == opening.HeldOpen || p.Nobody
	case onlyAway:
		return away
	}
	return true
}

// count makes the figures at the top.
func (b *board) count(ctx context.Context, w work) {
	n, unseen := b.tally(), 0
	for _, a := range b.Alarms {
		if a.Seen.IsZero() {
			unseen++
		}
	}
	add := func(name string, count int, note string, t console.Tone, shape, path string) {
		b.Figures = append(b.Figures, figure{name, count, note, t, shape, path})
	}
	list := func(which string) string { return "/" + b.View.only(which).query() }
	add(lang.T(ctx, "Open now"), n.open, lang.T(ctx, "%d unlocked", n.unlocked)+" · "+lang.T(ctx, "%d in all", len(b.All)), tone(n.open, console.Watch), "square", list(onlyOpen))
	add(lang.T(ctx, "Held open or unattended"), n.either, lang.T(ctx, "%d held open", n.held)+" · "+lang.T(ctx, "%d unattended", n.nobody), tone(n.either, console.Alert), "triangle", list(onlyHeld))
	add(lang.T(ctx, "Out of reach"), n.stale+n.unknown, lang.T(ctx, "%d last seen", n.stale)+" · "+lang.T(ctx, "%d unknown", n.unknown), tone(n.stale+n.unknown, console.Doubt), "dashed-circle", list(onlyAway))
	if w.Calls {
		add(lang.T(ctx, "Customers waiting"), w.Waiting, lang.T(ctx, "somebody goes to %d", w.Taken), tone(w.Waiting-w.Taken, console.Watch), "nav-serve", "/serve")
	}
	add(lang.T(ctx, "Alarms unseen"), unseen, lang.N(ctx, len(b.Alarms), "%d stands", "%d stand"), tone(unseen, console.Alert), "octagon", "/alarms")
	add(lang.T(ctx, "Open incidents"), w.Incidents, lang.T(ctx, "%d without an owner", w.Nobody), tone(w.Nobody, console.Watch), "nav-alarms", "/alarms")
	add(lang.T(ctx, "Refused today"), w.Refused, lang.T(ctx, "requests, with the reason"), console.Calm, "barred-circle", "/activity?q=result%3Adenied+since%3A24h")
}

func tone(n int, t console.Tone) console.Tone {
	if n <= 0 {
		return console.Calm
	}
	return t
}
