// SPDX-License-Identifier: Apache-2.0

package triage

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/alarms"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// begin finds the incident that an act is about, and reads its form.
func (p pages) begin(w http.ResponseWriter, r *http.Request) (incidents.Incident, error) {
	i, err := p.find(r.Context(), r.PathValue("id"))
	if err != nil {
		return i, err
	}
	return i, p.Form(w, r)
}

// done ends an act: it leads back, or says why it came to nothing.
func (p pages) done(w http.ResponseWriter, r *http.Request, id string, err error, kept typed) error {
	switch kind := sashlock.KindOf(err); kind {
	case "":
		if r.Form.Get("back") == "inbox" {
			return console.Back(w, r, "/alarms")
		}
		return console.Back(w, r, "/incidents/"+id)
	case sashlock.Conflict, sashlock.Invalid, sashlock.Limit:
		now, failed := p.find(r.Context(), id)
		if failed != nil {
			return failed
		}
		why, failed := p.why(r.Context(), now, err)
		if failed != nil {
			return failed
		}
		return p.showIncident(w, r, now, why, kept)
	}
	return err
}

// why says to the operator why an act came to nothing, and what the other one
// did.
func (p pages) why(ctx context.Context, now incidents.Incident, err error) (*problem, error) {
	who, failed := p.names(ctx)
	if failed != nil {
		return nil, failed
	}
	at := func(t time.Time) string {
		return console.LocalTime(p.Hall.Book().Sites[now.Site], t).Format("15:04:05")
	}
	faster := &problem{Status: console.Outrun, Title: lang.T(ctx, "Somebody was faster")}
	switch {
	case errors.Is(err, incidents.ErrResolved) && now.State() == incidents.Resolved:
		faster.Text = lang.T(ctx, "%s resolved it at %s: %s. What you typed is still here; you can add it as a note, or reopen the incident.",
			who.of(ctx, now.Outcome.By), at(now.Resolved), lang.T(ctx, now.Outcome.Cause.Words()))
	case errors.Is(err, incidents.ErrResolved):
		faster.Text = lang.T(ctx, "It was reopened meanwhile. Look at it again.")
	case errors.Is(err, incidents.ErrTaken) && now.Owner != "":
		faster.Text = lang.T(ctx, "%s took it at %s. Take it over if you have agreed on that. What you typed is still here.", who.of(ctx, now.Owner), at(now.Taken))
	case errors.Is(err, store.ErrChanged), errors.Is(err, incidents.ErrTaken):
		faster.Text = lang.T(ctx, "It has changed since you looked: another alarm joined it, or somebody wrote something. Look at it again; what you typed is still here.")
	default:
		return refusal(ctx, err), nil
	}
	return faster, nil
}

// refusal is a problem with what was typed.
func refusal(ctx context.Context, err error) *problem {
	p := &problem{Status: console.Refused, Title: lang.T(ctx, "That cannot be done"), Text: err.Error()}
	var e *sashlock.Error
	if errors.As(err, &e) {
		p.Field, p.Text = e.Subject, lang.T(ctx, e.Hint)
		if e.Kind == sashlock.Conflict {
			p.Status = console.Outrun
		}
	}
	return p
}

func (p pages) names(ctx context.Context) (names, error) {
	var all []signin.Operator
	err := p.Store.View(ctx, func(q store.Query) (err error) { all, err = signin.Operators(q); return err })
	return namesOf(all), err
}

func me(r *http.Request) sashlock.OperatorID { return console.Who(r.Context()).Operator.ID }

func (p pages) take(w http.ResponseWriter, r *http.Request) error {
	i, err := p.begin(w, r)
	if err != nil {
		return err
	}
	_, err = incidents.Take(r.Context(), p.Hall, me(r), i.ID, sashlock.OperatorID(r.Form.Get("from")))
	return p.done(w, r, i.ID, err, typed{})
}

func (p pages) note(w http.ResponseWriter, r *http.Request) error {
	i, err := p.begin(w, r)
	if err != nil {
		return err
	}
	text := r.Form.Get("note")
	_, err = incidents.Write(r.Context(), p.Hall, me(r), i.ID, text)
	return p.done(w, r, i.ID, err, typed{Note: text})
}

func (p pages) opinion(w http.ResponseWriter, r *http.Request) error {
	i, err := p.begin(w, r)
	if err != nil {
		return err
	}
	_, err = incidents.Judge(r.Context(), p.Hall, me(r), i.ID, incidents.Opinion(r.Form.Get("opinion")))
	return p.done(w, r, i.ID, err, typed{})
}

// acknowledge says that somebody has seen the alarms of an incident, or one of
// them.
func (p pages) acknowledge(w http.ResponseWriter, r *http.Request) error {
	i, err := p.begin(w, r)
	if err != nil {
		return err
	}
	ids, err := p.alarmsOf(r.Context(), i.ID)
	if err != nil {
		return err
	}
	if err := p.acknowledgeAll(r.Context(), ids); err != nil {
		return err
	}
	if err := incidents.See(r.Context(), p.Store, me(r), i.ID); err != nil {
		return err
	}
	return p.done(w, r, i.ID, nil, typed{})
}

func (p pages) alarmsOf(ctx context.Context, incident string) ([]sashlock.AlarmID, error) {
	var in map[string][]sashlock.AlarmID
	err := p.Store.View(ctx, func(q store.Query) (err error) {
		in, err = incidents.AlarmsOf(q, []string{incident})
		return err
	})
	return in[incident], err
}

func (p pages) acknowledgeAll(ctx context.Context, ids []sashlock.AlarmID) error {
	for _, id := range ids {
		_, err := alarms.Acknowledge(ctx, p.Hall, console.Who(ctx).Operator.ID, id)
		if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
			return err
		}
	}
	return nil
}

// resolve says what the incident was. Its alarms have then been seen.
func (p pages) resolve(w http.ResponseWriter, r *http.Request) error {
	i, err := p.begin(w, r)
	if err != nil {
		return err
	}
	kept := typed{Cause: incidents.Cause(r.Form.Get("cause")), Ending: r.Form.Get("note")}
	rev, _ := strconv.ParseInt(r.Form.Get("rev"), 10, 64) // 0 is refused
	_, err = incidents.Resolve(r.Context(), p.Hall, me(r), i.ID, rev, kept.Cause, kept.Ending)
	if err == nil {
		var ids []sashlock.AlarmID
		if ids, err = p.alarmsOf(r.Context(), i.ID); err == nil {
			err = p.acknowledgeAll(r.Context(), ids)
		}
	}
	return p.done(w, r, i.ID, err, kept)
}

func (p pages) reopen(w http.ResponseWriter, r *http.Request) error {
	i, err := p.begin(w, r)
	if err != nil {
		return err
	}
	rev, _ := strconv.ParseInt(r.Form.Get("rev"), 10, 64) // 0 is refused
	_, err = incidents.Reopen(r.Context(), p.Hall, me(r), i.ID, rev)
	return p.done(w, r, i.ID, err, typed{})
}

// shelve puts all alarms of an incident aside that can be.
func (p pages) shelve(w http.ResponseWriter, r *http.Request) error {
	i, err := p.begin(w, r)
	if err != nil {
		return err
	}
	d, err := p.inspect(r.Context(), i)
	if err != nil {
		return err
	}
	kept := typed{Reason: r.Form.Get("reason"), For: r.Form.Get("for")}
	length, wrong := time.ParseDuration(kept.For)
	if wrong != nil {
		length = 0 // which is refused
	}
	some := d.standing()
	if len(some) == 0 {
		err = &sashlock.Error{Kind: sashlock.Conflict, Op: "shelving incident", Subject: "for", Hint: lang.Mark("nothing of it stands any more: there is nothing to shelve")}
	}
	slices.SortStableFunc(some, func(a, b alarm) int { // the strictest first: it decides for all
		return cmp.Compare(alarms.Longest(a.Alarm), alarms.Longest(b.Alarm))
	})
	for _, a := range some {
		if err == nil {
			_, err = alarms.Shelve(r.Context(), p.Hall, me(r), a.ID, length, kept.Reason)
		}
	}
	return p.done(w, r, i.ID, err, kept)
}

// shelveOne puts one alarm aside.
func (p pages) shelveOne(w http.ResponseWriter, r *http.Request) error {
	a, err := p.mine(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := p.Form(w, r); err != nil {
		return err
	}
	length, wrong := time.ParseDuration(r.FormValue("for"))
	if wrong != nil {
		length = 0 // which is refused
	}
	if _, err := alarms.Shelve(r.Context(), p.Hall, me(r), a.ID, length, r.FormValue("reason")); err != nil {
		return err
	}
	return console.Back(w, r, "/alarms/"+string(a.ID))
}
