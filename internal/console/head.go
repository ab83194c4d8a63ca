// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/alarms"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// Head is what a page tells the frame about itself. Its texts are in the
// reader's language already.
type Head struct {
	Title   string
	Section Section       // which part of the console it belongs to
	About   string        // what the page is for, in a sentence; empty: it says so itself
	Site    sashlock.Site // what it is about; empty: no site in particular
	Live    string        // address of its stream; empty: it has none
	At      string        // what it shows: where its stream goes on
	Styles  []string      // files of static/ beside console.css
	Scripts []string      // modules of static/ beside console.js
	Bare    bool          // without the way around: sign-in, a case on a phone
	Status  int           // what HTTP is told; 0: all is well. See [Refused] and [Outrun]
}

// What HTTP is told of a form that came to nothing and is shown again.
const (
	Refused = http.StatusUnprocessableEntity // its fields are wrong
	Outrun  = http.StatusConflict            // somebody else changed the same meanwhile
)

// Section is a part of the console.
type Section string

// The sections. The first seven are always at hand, the rest behind "More".
const (
	InNow        Section = "now"
	InAlarms     Section = "alarms"
	InActivity   Section = "activity"
	InAccess     Section = "access"
	InPeople     Section = "people"
	InDevices    Section = "devices"
	InProof      Section = "proof"
	InWhatIf     Section = "whatif"
	InServe      Section = "serve"
	InScenarios  Section = "scenarios"
	InReports    Section = "reports"
	InDevelopers Section = "developers"
	InSettings   Section = "settings"
	InMe         Section = "me"
)

// way is one step on the way around.
type way struct {
	Section Section
	Text    string
	Path    string
	Icon    string
	Key     string // after "g", on a keyboard
	need    signin.Scope
	first   bool // always at hand, not behind "More"
	thumb   bool // at the bottom of a phone
}

func ways() []way {
	return []way{
		{InNow, lang.Mark("Now"), "/", "nav-now", "n", signin.Read, true, true},
		{InAlarms, lang.Mark("Alarms"), "/alarms", "nav-alarms", "l", signin.Read, true, true},
		{InActivity, lang.Mark("Activity"), "/activity", "nav-activity", "a", signin.Read, true, true},
		{InAccess, lang.Mark("Access"), "/access", "nav-access", "c", signin.Read, true, false},
		{InPeople, lang.Mark("People"), "/people", "nav-people", "p", signin.Read, true, false},
		{InDevices, lang.Mark("Devices"), "/devices", "nav-devices", "d", signin.Read, true, false},
		{InProof, lang.Mark("Proof"), "/proof", "nav-proof", "f", signin.Read, true, false},
		{InServe, lang.Mark("Serve"), "/serve", "nav-serve", "s", signin.Serve, false, true},
		{InScenarios, lang.Mark("Scenarios"), "/scenarios", "nav-scenarios", "o", signin.Read, false, false},
		{InWhatIf, lang.Mark("What if"), "/what-if", "nav-whatif", "w", signin.Read, false, false},
		{InReports, lang.Mark("Reports"), "/reports", "nav-reports", "r", signin.Read, false, false},
		{InDevelopers, lang.Mark("Developers"), "/developers", "nav-developers", "v", signin.Read, false, false},
		{InSettings, lang.Mark("Settings"), "/settings", "nav-settings", "t", signin.Read, false, false},
		{InMe, lang.Mark("Me"), "/me", "nav-me", "m", signin.Serve, false, true},
	}
}

// layout is all that the frame around a page shows.
type layout struct {
	Head
	Now      time.Time // as the clocks of the site show it; zero: of no site
	Version  string
	Demo     bool
	Signed   signin.Session
	Sites    []sashlock.Site
	First    []way // always at hand
	More     []way
	Thumb    []way  // at the bottom of a phone
	Alarms   int    // that nobody has seen
	Here     string // the address of this page, to come back to
	Language lang.Language
	Extra    []templ.Component
}

func (f *Frame) layout(r *http.Request, head Head) layout {
	ctx := r.Context()
	l := layout{
		Head: head, Version: f.Version, Demo: f.Demo != "", Signed: Who(ctx),
		Here: r.URL.RequestURI(), Language: lang.Of(ctx),
	}
	if r.Method != http.MethodGet {
		l.Here = "/"
	}
	if head.Site.ID != "" {
		l.Now = LocalTime(head.Site, f.Now())
	}
	if l.Signed.Operator.ID != "" && !head.Bare {
		l.Sites = f.Sites(ctx)
		l.ways()
		l.Alarms = f.unseen(ctx, l.Signed.Operator)
	}
	for _, part := range f.extra {
		l.Extra = append(l.Extra, part(r))
	}
	return l
}

// ways finds where whoever is signed in may go.
func (l *layout) ways() {
	for _, w := range ways() {
		if w.Section != InMe && !l.Signed.Operator.May(w.need) {
			continue
		}
		if w.thumb && len(l.Thumb) < 4 || w.Section == InMe {
			l.Thumb = append(l.Thumb, w)
		}
		if w.first {
			l.First = append(l.First, w)
		} else {
			l.More = append(l.More, w)
		}
	}
}

// unseen counts the alarms of an operator's sites that nobody has seen and that
// are not put aside.
func (f *Frame) unseen(ctx context.Context, o signin.Operator) (n int) {
	standing, err := f.Store.Alarms(ctx, true, 200)
	if err != nil {
		return 0 // the page about alarms says what is wrong
	}
	var aside map[sashlock.AlarmID]alarms.Shelf
	if err := f.Store.View(ctx, func(q store.Query) (err error) {
		aside, err = alarms.Shelves(q, f.Now())
		return err
	}); err != nil {
		return 0
	}
	book := f.Hall.Book()
	for _, a := range standing {
		if _, shelved := aside[a.ID]; !shelved && a.Acknowledged.IsZero() && o.Hears(a.Rule) && o.Sees(a.Site, book.Openings[a.Opening].Area) {
			n++
		}
	}
	return n
}
