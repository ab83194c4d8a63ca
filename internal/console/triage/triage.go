// SPDX-License-Identifier: Apache-2.0

// Package triage is the part of the console about alarms and the incidents that
// gather them: who takes them, what they were, how they went.
//
// # What
//
// The inbox lists what wants somebody, the worst first, and what was resolved.
// The page of an incident says in words what happened, plays it back in lanes
// on one axis of time, and takes what operators make of it.
//
// # How it fits
//
// [Mount] adds the pages to the frame of package console. Package incidents
// gathers and keeps, package alarms acknowledges and shelves; what is put
// together here comes from their tables and from the ledger.
//
// # Promises
//
// An operator sees and changes only incidents of their own sites and areas;
// other attempts are refused and recorded. When two do the same at once, the
// second is told what the first did, and keeps what they typed. The replay
// shows what the ledger says, by the time it was heard, and can be read
// without a script.
package triage

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/alarms"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// late is how long an incident may wait for somebody before the page says that
// it is late.
const late = 2 * time.Minute

// pages answers for the paths of this package.
type pages struct{ *console.Frame }

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f}
	f.Handle("GET /alarms", signin.Read, p.inbox)
	f.Handle("GET /alarms/live", signin.Read, p.inboxStream)
	f.Handle("GET /alarms/{id}", signin.Read, p.alarm)
	f.Handle("POST /alarms/{id}/shelve", signin.Alarms, p.shelveOne)
	f.Handle("GET /incidents", signin.Read, func(w http.ResponseWriter, r *http.Request) error { return console.Back(w, r, "/alarms") })
	f.Handle("GET /incidents/{id}", signin.Read, p.incident)
	f.Handle("GET /incidents/{id}/live", signin.Read, p.incidentStream)
	f.Handle("POST /incidents/{id}/acknowledge", signin.Alarms, p.acknowledge)
	f.Handle("POST /incidents/{id}/take", signin.Alarms, p.take)
	f.Handle("POST /incidents/{id}/note", signin.Alarms, p.note)
	f.Handle("POST /incidents/{id}/opinion", signin.Alarms, p.opinion)
	f.Handle("POST /incidents/{id}/shelve", signin.Alarms, p.shelve)
	f.Handle("POST /incidents/{id}/resolve", signin.Alarms, p.resolve)
	f.Handle("POST /incidents/{id}/reopen", signin.Alarms, p.reopen)
	f.Handle("POST /incidents/{id}/evidence", signin.Read, p.evidence)
}

// find returns the incident of an address, if it concerns whoever is signed in.
func (p pages) find(ctx context.Context, id string) (incidents.Incident, error) {
	var i incidents.Incident
	err := p.Store.View(ctx, func(q store.Query) (err error) { i, err = incidents.Find(q, id); return err })
	if err == nil && !console.Who(ctx).Operator.Hears(i.Silent) {
		return incidents.Incident{}, hidden("incident", id)
	}
	if err == nil && !console.Who(ctx).Operator.Sees(i.Site, i.Area) {
		return incidents.Incident{}, p.Refuse(ctx, "incident "+i.ID)
	}
	return i, err
}

// hidden answers for what is silent: to whoever may not learn of it, it is not
// there.
func hidden(what, id string) error {
	return &sashlock.Error{Kind: sashlock.NotFound, Op: "finding " + what, Subject: id}
}

// mine finds one alarm, if it concerns whoever is signed in.
func (p pages) mine(ctx context.Context, id string) (sashlock.Alarm, error) {
	var a sashlock.Alarm
	err := p.Store.View(ctx, func(q store.Query) (err error) { a, err = alarms.Find(q, id); return err })
	if err == nil && !console.Who(ctx).Operator.Hears(a.Rule) {
		return sashlock.Alarm{}, hidden("alarm", id)
	}
	if err == nil && !p.sees(ctx, a) {
		return sashlock.Alarm{}, p.Refuse(ctx, "alarm "+string(a.ID))
	}
	return a, err
}

func (p pages) sees(ctx context.Context, a sashlock.Alarm) bool {
	who := console.Who(ctx).Operator
	return who.Hears(a.Rule) && who.Sees(a.Site, p.Hall.Book().Openings[a.Opening].Area)
}

// alarm leads to where an alarm is shown: its incident, or the inbox in the
// moment before it has one.
func (p pages) alarm(w http.ResponseWriter, r *http.Request) error {
	a, err := p.mine(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	var in map[sashlock.AlarmID]incidents.Place
	if err := p.Store.View(r.Context(), func(q store.Query) (err error) {
		in, err = incidents.Of(q, []sashlock.AlarmID{a.ID})
		return err
	}); err != nil {
		return err
	}
	if id := in[a.ID].Incident; id != "" {
		return console.Back(w, r, "/incidents/"+id+"#"+string(a.ID))
	}
	return console.Back(w, r, "/alarms#"+string(a.ID))
}

// names are what operators are called.
type names map[sashlock.OperatorID]string

func namesOf(all []signin.Operator) names {
	n := make(names, len(all))
	for _, o := range all {
		n[o.ID] = o.Name
	}
	return n
}

// of is what an operator is called.
func (n names) of(ctx context.Context, id sashlock.OperatorID) string {
	if name := n[id]; name != "" {
		return name
	}
	return lang.T(ctx, "somebody who is no longer an operator")
}

// levels lists the levels, the most urgent first.
func levels() []sashlock.Level { return []sashlock.Level{sashlock.Act, sashlock.Look, sashlock.Note} }

// levelWords is what a level is called.
func levelWords(l sashlock.Level) string {
	switch l {
	case sashlock.Act:
		return lang.Mark("Act")
	case sashlock.Look:
		return lang.Mark("Check")
	case sashlock.Note:
		return lang.Mark("Note")
	}
	return string(l)
}

// levelFace is how a level looks: a tone and the shape that goes with it.
func levelFace(l sashlock.Level) (console.Tone, string) {
	switch l {
	case sashlock.Act:
		return console.Alert, "octagon"
	case sashlock.Look:
		return console.Watch, "triangle"
	}
	return console.Doubt, "dotted-circle"
}

func toneOf(l sashlock.Level) string { tone, _ := levelFace(l); return "tone-" + string(tone) }

func shapeOf(l sashlock.Level) string { _, shape := levelFace(l); return shape }

// areaName is what people call where an incident is.
func areaName(ctx context.Context, a sashlock.Area) string {
	if a.Name == "" {
		return lang.T(ctx, "without an area")
	}
	return a.Name
}

// gist is what a set of alarms is about: which openings, and what was found.
type gist struct {
	Openings []string // names, each once
	Rules    []string // in words, each once
	Gone     bool     // an opening no longer exists
}

func (g *gist) add(opening sashlock.Opening, rule string) {
	if opening.ID == "" {
		g.Gone = true
	} else if !slices.Contains(g.Openings, opening.Name) {
		g.Openings = append(g.Openings, opening.Name)
	}
	if words := console.RuleWords(rule); !slices.Contains(g.Rules, words) {
		g.Rules = append(g.Rules, words)
	}
}

// in is the gist in the language of the context.
func (g gist) in(ctx context.Context) string {
	var where string
	switch n := len(g.Openings); {
	case n == 0:
		where = lang.T(ctx, "An opening that no longer exists")
	case n <= 2:
		where = strings.Join(g.Openings, ", ")
	default:
		where = lang.T(ctx, "%s, %s and %d more", g.Openings[0], g.Openings[1], n-2)
	}
	said := make([]string, len(g.Rules))
	for i, rule := range g.Rules {
		said[i] = lang.T(ctx, rule)
	}
	return where + ": " + cmp.Or(strings.Join(said, ", "), "?")
}

// in is an instant in a zone; one that is not known stays so.
func in(t time.Time, zone *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(zone)
}
