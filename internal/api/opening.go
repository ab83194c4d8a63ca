// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// Opening is an opening as declared and as it stands.
type Opening struct {
	estate.Opening
	State OpeningState `json:"state" readOnly:"true"`
}

// OpeningState is how an opening stands, for people and programs.
type OpeningState struct {
	Word          opening.Word                `json:"word" doc:"How it stands: secured, unlocked, open, held_open, forced, jammed, last_seen, …"`
	Text          string                      `json:"text" doc:"The same for people, with its age or its end"`
	Lock          sashlock.LockState          `json:"lock,omitempty" doc:"What the lock last said"`
	LockAt        time.Time                   `json:"lock_at,omitzero"`
	Position      sashlock.Position           `json:"position,omitempty" doc:"What the contact last said"`
	PositionAt    time.Time                   `json:"position_at,omitzero"`
	Mode          sashlock.Mode               `json:"mode,omitempty"`
	Heard         time.Time                   `json:"heard,omitzero" doc:"When any of its devices was last heard"`
	AgeSeconds    float64                     `json:"age_seconds" doc:"How long ago that was; -1: never"`
	Stale         bool                        `json:"stale" doc:"Too old to be relied on"`
	Alarms        map[string]sashlock.AlarmID `json:"alarms,omitempty" doc:"Standing alarms by rule"`
	ReleasedUntil time.Time                   `json:"released_until,omitzero"`
	ReleasedTo    string                      `json:"released_to,omitempty" doc:"Person it was released to"`
	Devices       []string                    `json:"devices,omitempty" doc:"Devices fitted to it"`
}

func (a *API) openingRoutes() {
	tags := []string{"openings"}
	declareOpenings(a)
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/openings/{ref}/who", OperationID: "who-can-open", Tags: tags,
		Summary: "Who can open this, at any instant",
	}, a.whoCanOpen)
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/people/{ref}/openings", OperationID: "what-can-open", Tags: []string{"people"},
		Summary: "What this person can open, at any instant",
	}, a.whatCanOpen)
}

func declareOpenings(a *API) {
	declare(a, declared[Opening]{
		kind: estate.Openings, path: "/v1/openings", scope: signin.Setup, remove: sites.RemoveOpening,
		save: func(tx *store.Tx, d Opening, find estate.Lookup, rev int64) (flow.Edit, error) {
			return sites.SaveOpening(tx, d.Opening, find, rev)
		},
		list: a.listOpenings, find: a.findOpening,
		kept: func(o Opening) estate.Kept { return o.Kept }, held: approvals.PlaceKind,
		gone: func(ref string) any { return approvals.Change{Gone: []string{ref}} },
		form: func(o Opening) any { return approvals.Change{File: estate.File{Openings: []estate.Opening{o.Opening}}} },
	})
}

func (a *API) listOpenings(q store.Query, name estate.Naming) ([]Opening, error) {
	all, err := sites.ListOpenings(q)
	if err != nil {
		return nil, err
	}
	states, err := a.Store.States(context.Background())
	if err != nil {
		return nil, err
	}
	stands := make(map[sashlock.OpeningID]sashlock.OpeningState, len(states))
	for _, s := range states {
		stands[s.Opening] = s
	}
	out := make([]Opening, len(all))
	for i, o := range all {
		out[i] = a.openingView(o, stands[o.ID], name)
	}
	return out, nil
}

func (a *API) findOpening(q store.Query, ref string, name estate.Naming) (Opening, error) {
	o, err := sites.FindOpening(q, ref)
	if err != nil {
		return Opening{}, err
	}
	s, err := a.Store.State(context.Background(), o.ID)
	return a.openingView(o, s, name), err
}

// openingView joins what is declared with how it stands.
func (a *API) openingView(o sashlock.Opening, s sashlock.OpeningState, name estate.Naming) Opening {
	now := a.Now()
	shown := opening.Show(o, s, now)
	v := OpeningState{
		Word: shown.Word, Text: shown.String(), Lock: s.Lock, LockAt: s.LockAt, Position: s.Position, PositionAt: s.PositionAt,
		Mode: s.Mode, Heard: s.Heard, AgeSeconds: -1, Stale: shown.Word == opening.LastSeen, Alarms: s.Alarms,
	}
	if !s.Heard.IsZero() {
		v.AgeSeconds = now.Sub(s.Heard).Seconds()
	}
	if s.Release != nil && now.Before(s.Release.Until) {
		v.ReleasedUntil, v.ReleasedTo = s.Release.Until, name(estate.People, string(s.Release.Person))
	}
	for _, d := range a.Hall.Book().Fitted(o.ID) {
		v.Devices = append(v.Devices, string(d.ID))
	}
	return Opening{Opening: estate.FromOpening(o, name), State: v}
}

type whoInput struct {
	Ref string    `path:"ref" maxLength:"100" doc:"Slug or identifier"`
	At  time.Time `query:"at" doc:"Instant in question (RFC 3339); now when not given"`
	Paging
}

// Holder is somebody who can open something, and by which grant.
type Holder struct {
	Person  string          `json:"person"`
	Opening string          `json:"opening"`
	Grant   string          `json:"grant"`
	Reason  sashlock.Reason `json:"reason"`
}

func (a *API) whoCanOpen(ctx context.Context, in *whoInput) (*pageAnswer[Holder], error) {
	var o sashlock.Opening
	if err := a.view(ctx, func(q store.Query) (err error) { o, err = sites.FindOpening(q, in.Ref); return err }); err != nil {
		return nil, err
	}
	book := a.Hall.Book()
	name := naming(book)
	var out []Holder
	for _, h := range book.Index.WhoCanOpen(o.ID, a.at(in.At)) {
		out = append(out, Holder{Person: name(estate.People, string(h.Person)), Opening: o.Slug, Grant: string(h.Grant), Reason: h.Reason})
	}
	return holders(in.Paging, out, func(h Holder) string { return h.Person })
}

func (a *API) whatCanOpen(ctx context.Context, in *whoInput) (*pageAnswer[Holder], error) {
	id, err := a.personID(ctx, in.Ref)
	if err != nil {
		return nil, err
	}
	book := a.Hall.Book()
	name := naming(book)
	var out []Holder
	for _, h := range book.Index.WhatCanOpen(id, a.at(in.At)) {
		out = append(out, Holder{Person: name(estate.People, string(id)), Opening: name(estate.Openings, string(h.Opening)), Grant: string(h.Grant), Reason: h.Reason})
	}
	return holders(in.Paging, out, func(h Holder) string { return h.Opening })
}

// holders pages by who or what, and by the grant where there are several.
func holders(p Paging, all []Holder, key func(Holder) string) (*pageAnswer[Holder], error) {
	return paged(p, ascending, all, func(h Holder) string { return key(h) + " " + h.Grant })
}

// at is the instant a question is about.
func (a *API) at(t time.Time) time.Time {
	if t.IsZero() {
		return a.Now()
	}
	return t
}
