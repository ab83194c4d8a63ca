// SPDX-License-Identifier: Apache-2.0

package incidents

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of an incident's life are:
//
//   - One operator has it at a time. Who takes it says from whom: if that is
//     not so any more, somebody was faster.
//   - Who resolves it says which revision they saw. Resolving what nobody has
//     taken takes it; what somebody else has must be taken over first.
//   - A cause belongs to every resolution, and a note to "something else".
//   - Notes and opinions never conflict.
//   - Doing the same thing again changes nothing.

// MaxNote is the most characters a note may have, and MaxNotes how many notes
// an incident may have.
const (
	MaxNote  = 4000
	MaxNotes = 500
)

// ErrTaken is in the chain of the error that somebody else has an incident.
var ErrTaken = errors.New("somebody else has it")

// ErrResolved is in the chain of the error that an incident is resolved, or
// that it is not.
var ErrResolved = errors.New("it was resolved or reopened meanwhile")

// act changes an incident and returns what the ledger is told; nil when there
// was nothing to do.
type act func(tx *store.Tx, i *Incident) (*sashlock.Event, error)

func change(ctx context.Context, h *flow.Hall, by sashlock.OperatorID, id string, do act) (Incident, error) {
	var i Incident
	_, err := h.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		was, err := Find(tx, id)
		if err != nil {
			return flow.Edit{}, err
		}
		i = was.clone()
		e, err := do(tx, &i)
		if err != nil {
			i = was
			return flow.Edit{}, err
		}
		if e == nil {
			return flow.Edit{}, nil
		}
		e.Site, e.Subject, e.Rule = i.Site, i.ID, i.Silent
		return flow.Edit{Events: []sashlock.Event{*e}}, i.put(tx)
	}})
	return i, err
}

// Take makes an operator the owner of an incident. From is who has it as far
// as the operator knows; empty: nobody.
//
// The error wraps [ErrTaken] when somebody else has it, [ErrResolved] when it
// is resolved.
func Take(ctx context.Context, h *flow.Hall, by sashlock.OperatorID, id string, from sashlock.OperatorID) (Incident, error) {
	return change(ctx, h, by, id, func(tx *store.Tx, i *Incident) (*sashlock.Event, error) {
		switch {
		case i.State() == Resolved:
			return nil, conflict("taking incident", id, ErrResolved)
		case i.Owner == by:
			return nil, nil
		case i.Owner != from:
			return nil, conflict("taking incident", id, ErrTaken)
		}
		i.Owner, i.Taken = by, tx.Now()
		return &sashlock.Event{Kind: sashlock.IncidentTaken}, nil
	})
}

// Write adds a note to an incident, whatever its state.
func Write(ctx context.Context, h *flow.Hall, by sashlock.OperatorID, id, text string) (Incident, error) {
	text, err := checkNote("writing note", "note", text)
	if err == nil && text == "" {
		err = invalid("writing note", "note", lang.Mark("write something first"))
	}
	if err != nil {
		return Incident{}, err
	}
	return change(ctx, h, by, id, func(tx *store.Tx, i *Incident) (*sashlock.Event, error) {
		if n := len(i.Notes); n > 0 && i.Notes[n-1].By == by && i.Notes[n-1].Text == text {
			return nil, nil // sent twice
		}
		if len(i.Notes) >= MaxNotes {
			return nil, &sashlock.Error{Kind: sashlock.Limit, Op: "writing note", Subject: "note", Hint: lang.Mark("this incident has as many notes as it can hold")}
		}
		i.Notes = append(i.Notes, Note{Text: text, By: by, At: tx.Now()})
		data, err := json.Marshal(map[string]string{"note": text})
		return &sashlock.Event{Kind: sashlock.IncidentNoted, Data: data}, err
	})
}

// Judge records whether an operator finds that it was good to be told of an
// incident. The last word counts.
func Judge(ctx context.Context, h *flow.Hall, by sashlock.OperatorID, id string, o Opinion) (Incident, error) {
	if o != Useful && o != Noise {
		return Incident{}, invalid("judging incident", "opinion", lang.Mark("choose useful or noise"))
	}
	return change(ctx, h, by, id, func(_ *store.Tx, i *Incident) (*sashlock.Event, error) {
		if i.Opinions[by] == o {
			return nil, nil
		}
		if i.Opinions == nil {
			i.Opinions = map[sashlock.OperatorID]Opinion{}
		}
		i.Opinions[by] = o
		data, err := json.Marshal(map[string]string{"opinion": string(o)})
		return &sashlock.Event{Kind: sashlock.IncidentNoted, Why: string(o), Data: data}, err
	})
}

// Resolve ends the work on an incident. Rev is the revision that the operator
// saw.
//
// The error wraps [store.ErrChanged] when it has changed since, [ErrTaken]
// when somebody else has it, [ErrResolved] when it is resolved otherwise.
func Resolve(ctx context.Context, h *flow.Hall, by sashlock.OperatorID, id string, rev int64, cause Cause, note string) (Incident, error) {
	const op = "resolving incident"
	note, err := checkNote(op, "note", note)
	switch {
	case err != nil:
		return Incident{}, err
	case !slices.Contains(Causes(), cause):
		return Incident{}, invalid(op, "cause", lang.Mark("choose a cause from the list"))
	case cause == Other && note == "":
		return Incident{}, invalid(op, "note", lang.Mark("say in the note what it was"))
	case rev <= 0:
		return Incident{}, invalid(op, "rev", lang.Mark("say which revision you saw"))
	}
	return change(ctx, h, by, id, func(tx *store.Tx, i *Incident) (*sashlock.Event, error) {
		if i.State() == Resolved {
			if o := i.Outcome; o.By == by && o.Cause == cause && o.Note == note {
				return nil, nil // sent twice
			}
			return nil, conflict(op, id, ErrResolved)
		}
		if i.Owner != "" && i.Owner != by {
			return nil, conflict(op, id, ErrTaken)
		}
		if err := store.CheckRev("incident", id, i.Rev, rev); err != nil {
			return nil, err
		}
		if i.Owner == "" {
			i.Owner, i.Taken = by, tx.Now()
		}
		i.Resolved, i.Outcome = tx.Now(), Outcome{Cause: cause, Note: note, By: by, At: tx.Now()}
		data, err := json.Marshal(i.Outcome)
		return &sashlock.Event{Kind: sashlock.IncidentResolved, Why: string(cause), Data: data}, err
	})
}

// Reopen takes up an incident again that is resolved. It becomes the
// operator's. Rev is the revision that the operator saw.
//
// The error wraps [ErrResolved] when it is not resolved, [store.ErrChanged]
// when it has changed since.
func Reopen(ctx context.Context, h *flow.Hall, by sashlock.OperatorID, id string, rev int64) (Incident, error) {
	const op = "reopening incident"
	if rev <= 0 {
		return Incident{}, invalid(op, "rev", lang.Mark("say which revision you saw"))
	}
	return change(ctx, h, by, id, func(tx *store.Tx, i *Incident) (*sashlock.Event, error) {
		if i.State() != Resolved {
			return nil, conflict(op, id, ErrResolved)
		}
		if err := store.CheckRev("incident", id, i.Rev, rev); err != nil {
			return nil, err
		}
		i.Past = append(i.Past, i.Outcome)
		i.Resolved, i.Outcome, i.Owner, i.Taken = time.Time{}, Outcome{}, by, tx.Now()
		return &sashlock.Event{Kind: sashlock.IncidentReopened}, nil
	})
}

// checkNote returns a text as it is kept, or says what is wrong with it.
func checkNote(op, field, text string) (string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	switch {
	case !utf8.ValidString(text):
		return "", invalid(op, field, lang.Mark("write it in UTF-8"))
	case utf8.RuneCountInString(text) > MaxNote:
		return "", invalid(op, field, lang.Mark("shorten it to 4,000 characters"))
	case strings.ContainsFunc(text, forbidden):
		return "", invalid(op, field, lang.Mark("remove control characters and marks that change the direction of writing"))
	}
	return text, nil
}

func forbidden(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
}

func invalid(op, field, hint string) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Op: op, Subject: field, Hint: hint}
}

func conflict(op, id string, cause error) error {
	hint := lang.Mark("it was resolved or reopened meanwhile: look at it again")
	if errors.Is(cause, ErrTaken) {
		hint = lang.Mark("somebody else has it: take it over first")
	}
	return &sashlock.Error{Kind: sashlock.Conflict, Op: op, Subject: id, Hint: hint, Err: cause}
}
