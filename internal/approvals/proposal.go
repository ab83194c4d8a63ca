// SPDX-License-Identifier: Apache-2.0

package approvals

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of four eyes are:
//
//   - Which kinds of change wait for a second operator is data. At first none
//     does.
//   - The second operator is signed in, is somebody else, has the right to make
//     the change alone, and says which revision of the proposal they saw. What a
//     program proposes is not confirmed by whoever issued its token.
//   - Where nobody else could confirm it, one operator alone can, and the ledger
//     says so.
//   - A proposal lapses after a day. One whose object was changed meanwhile is
//     not carried out.
//   - Once changes wait, letting them no longer wait is such a change itself.

// ProposalLife is for how long a proposal waits.
const ProposalLife = 24 * time.Hour

// The kinds of change that can be held back.
const (
	GrantKind    = flow.GrantWidened // a grant for what is worth most
	RailKind     = flow.RailWeakened // weakening or removing a guard rail
	OwnerKind    = flow.OwnerMade    // making an operator an owner
	SettingsKind = "four-eyes"       // holding back less

	// These two wait where grants do: they are other ways to the same.
	AccessKind = flow.AccessWidened // a person or a schedule by which more of what is worth most is given
	PlaceKind  = flow.PlaceWeakened // an opening, area or site by which what is worth most is guarded less
)

// mostForm is how long the declared form of a proposal may be, in bytes.
const mostForm = 1 << 20

// mostProposals is how many proposals of one operator may wait at once.
const mostProposals = 20

// Waiting is the state of a proposal that nobody answered.
const Waiting State = "waiting"

// Confirmed is the state of a proposal that was carried out.
const Confirmed State = "confirmed"

// Proposal is a change that waits for a second operator.
type Proposal struct {
	ID       string              `json:"-"`
	State    State               `json:"-"`
	Kind     string              `json:"kind"`
	Form     json.RawMessage     `json:"form"`             // the change in its declared form
	Object   int64               `json:"object,omitempty"` // revision of the object that the proposer saw; 0: any
	Site     sashlock.SiteID     `json:"site,omitempty"`   // where; empty: everywhere
	Area     sashlock.AreaID     `json:"area,omitempty"`
	By       sashlock.OperatorID `json:"by"`
	Behind   sashlock.OperatorID `json:"behind,omitempty"` // of a program: who issued its token
	Words    string              `json:"words"`            // why
	Filed    time.Time           `json:"-"`
	Answerer sashlock.OperatorID `json:"answerer,omitempty"`
	Answered time.Time           `json:"answered,omitzero"`
	Answer   string              `json:"answer,omitempty"` // why it was turned down
	Rev      int64               `json:"-"`
}

// Ends is when a proposal lapses.
func (p Proposal) Ends() time.Time { return p.Filed.Add(ProposalLife) }

// Settings say which kinds of change wait for a second operator.
type Settings struct {
	Kinds []string `json:"kinds,omitempty"` // empty: none
	Rev   int64    `json:"-"`
}

// Holds reports whether changes of a kind wait for a second operator.
func (s Settings) Holds(kind string) bool {
	if kind == AccessKind || kind == PlaceKind {
		kind = GrantKind
	}
	return slices.Contains(s.Kinds, kind)
}

// ReadSettings returns which changes wait.
func ReadSettings(q store.Query) (s Settings, err error) {
	all, err := store.Rows(q, func(scan store.Scan) (s Settings, err error) {
		var body string
		if err := scan(&body, &s.Rev); err != nil {
			return s, err
		}
		return s, json.Unmarshal([]byte(body), &s)
	}, `SELECT body, rev FROM approval_settings WHERE id = 'four-eyes'`)
	if err != nil || len(all) == 0 {
		return s, err
	}
	return all[0], nil
}

// settingsExecutor changes which changes wait.
func (r *Room) settingsExecutor() Executor {
	return Executor{
		Scopes: []string{"admit"},
		Place:  func(json.RawMessage) (sashlock.SiteID, sashlock.AreaID, error) { return "", "", nil },
		Run: func(tx *store.Tx, form json.RawMessage, rev int64) (flow.Edit, error) {
			var s Settings
			if err := json.Unmarshal(form, &s); err != nil {
				return flow.Edit{}, invalid("saving settings", "kinds", lang.Mark("choose from what is offered"))
			}
			return r.put(tx, s, rev)
		},
	}
}

func (r *Room) put(tx *store.Tx, s Settings, rev int64) (flow.Edit, error) {
	old, err := ReadSettings(tx)
	if err == nil {
		err = store.CheckRev("settings", "four-eyes", old.Rev, rev)
	}
	if err != nil {
		return flow.Edit{}, err
	}
	s.Kinds = slices.Compact(slices.Sorted(slices.Values(s.Kinds)))
	body, err := encode(s)
	if err != nil {
		return flow.Edit{}, err
	}
	return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.ApprovalsSaved, Subject: "four-eyes", Data: json.RawMessage(body)}}},
		tx.Put("approval_settings", "id", store.Fields{"id": "four-eyes", "body": body, "rev": old.Rev + 1})
}

// SaveSettings changes which changes wait. Where less would wait than before it
// becomes a proposal itself, which is returned.
func (r *Room) SaveSettings(ctx context.Context, by By, s Settings, why string) (Proposal, error) {
	if !by.may("admit") || !by.sees("", "") {
		return Proposal{}, denied("saving settings", lang.Mark("only an operator of all stores who lets others in may change this"))
	}
	for _, kind := range s.Kinds {
		if _, known := r.Executors[kind]; !known {
			return Proposal{}, invalid("saving settings", "kinds", lang.Mark("choose from what is offered"))
		}
	}
	var old Settings
	if err := r.Store.View(ctx, func(q store.Query) (err error) { old, err = ReadSettings(q); return err }); err != nil {
		return Proposal{}, err
	}
	if slices.ContainsFunc(old.Kinds, func(k string) bool { return !s.Holds(k) }) {
		form, err := encode(s)
		if err != nil {
			return Proposal{}, err
		}
		return r.Propose(ctx, by, SettingsKind, json.RawMessage(form), old.Rev, why)
	}
	return Proposal{}, r.change(ctx, by.ID, func(tx *store.Tx) (flow.Edit, error) { return r.put(tx, s, s.Rev) })
}

func scanProposal(scan store.Scan) (p Proposal, err error) {
	var filed int64
	var body string
	if err := scan(&p.ID, &p.State, &filed, &body, &p.Rev); err != nil {
		return p, err
	}
	p.Filed = time.UnixMicro(filed).UTC()
	return p, json.Unmarshal([]byte(body), &p)
}

const proposalColumns = `id, state, filed, body, rev`

// Proposals returns the newest proposals.
func Proposals(q store.Query, limit int) ([]Proposal, error) {
	return store.Rows(q, scanProposal, `SELECT `+proposalColumns+` FROM proposals ORDER BY filed DESC, id DESC LIMIT ?`, limit)
}

// WaitingProposals returns those that wait for a second operator.
func WaitingProposals(q store.Query) ([]Proposal, error) {
	return store.Rows(q, scanProposal, `SELECT `+proposalColumns+` FROM proposals WHERE state = ? ORDER BY filed, id`, Waiting)
}

// FindProposal returns one proposal.
func FindProposal(q store.Query, id string) (Proposal, error) {
	return store.One(q, scanProposal, "proposal", id, `SELECT `+proposalColumns+` FROM proposals WHERE id = ?`, id)
}

func (p *Proposal) put(tx *store.Tx) error {
	body, err := encode(p)
	if err != nil {
		return err
	}
	p.Rev++
	return tx.Put("proposals", "id", store.Fields{"id": p.ID, "state": string(p.State), "filed": store.Micros(p.Filed), "body": body, "rev": p.Rev})
}

// Propose holds a change back until a second operator confirms it. Rev is the
// revision of the object that was seen, 0 for a new one. What would be refused
// at once is refused now; what waits already is returned as it is.
func (r *Room) Propose(ctx context.Context, by By, kind string, form json.RawMessage, rev int64, why string) (Proposal, error) {
	const op = "proposing"
	text, err := words(op, "reason", why)
	if err != nil {
		return Proposal{}, err
	}
	e, known := r.Executors[kind]
	if !known || len(form) > mostForm || !json.Valid(form) {
		return Proposal{}, invalid(op, "change", lang.Mark("this change cannot be held back"))
	}
	site, area, err := e.Place(form)
	if err != nil {
		return Proposal{}, err
	}
	if !by.may(e.Scopes...) || !by.sees(site, area) {
		return Proposal{}, denied(op, lang.Mark("you may not make this change"))
	}
	if by.Program && r.Behind != nil {
		if by.Behind, err = r.Behind(ctx, by.ID); err != nil {
			return Proposal{}, err
		}
	}
	var p Proposal
	err = r.change(ctx, by.ID, func(tx *store.Tx) (flow.Edit, error) {
		p = Proposal{
			ID: newID("prp", tx.Now()), State: Waiting, Kind: kind, Form: form, Object: rev, Site: site, Area: area, By: by.ID, Behind: by.Behind, Words: text, Filed: tx.Now(),
		}
		waiting, err := WaitingProposals(tx)
		if err != nil {
			return flow.Edit{}, err
		}
		mine := 0
		for _, w := range waiting {
			if w.By == by.ID && w.Kind == kind && w.Object == rev && bytes.Equal(w.Form, form) && tx.Now().Before(w.Ends()) {
				p = w // a list that comes every night does not file it every night
				return flow.Edit{}, nil
			}
			if w.By == by.ID {
				mine++
			}
		}
		if mine >= mostProposals {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Limit, Op: op, Hint: lang.Mark("too many of your changes wait already")}
		}
		return flow.Edit{Events: []sashlock.Event{{
			Kind: sashlock.ChangeProposed, Site: site, Subject: p.ID, Data: data(map[string]any{"kind": kind}),
		}}}, p.put(tx)
	})
	return p, err
}

// MayConfirm reports, as an error of kind denied, that somebody cannot answer a
// proposal. Alone says that they may answer their own, because nobody else
// could.
func (r *Room) MayConfirm(q store.Query, by By, p Proposal) (alone bool, err error) {
	e, known := r.Executors[p.Kind]
	switch {
	case by.Program:
		return false, denied("confirming", lang.Mark("somebody has to confirm this in the console"))
	case !known || !by.may(e.Scopes...) || !by.sees(p.Site, p.Area):
		return false, denied("confirming", lang.Mark("you may not make this change"))
	case by.ID != p.By && by.ID != p.Behind:
		return false, nil
	}
	others, err := r.others(q, By{ID: p.By, Behind: p.Behind}, p.Kind, where{p.Site, p.Area})
	if err == nil && others {
		err = denied("confirming", lang.Mark("a second person has to confirm what you proposed"))
	}
	return err == nil, err
}

// Confirm carries out a proposal of which somebody saw a revision. Where its
// object was changed meanwhile nothing happens, and the error is a conflict.
func (r *Room) Confirm(ctx context.Context, by By, id string, rev int64) (Proposal, error) {
	return r.decide(ctx, by, id, rev, false, func(tx *store.Tx, p *Proposal, alone bool) (flow.Edit, error) {
		edit, err := r.Executors[p.Kind].Run(tx, p.Form, p.Object)
		if err != nil {
			return edit, err
		}
		p.State, edit.Seconded = Confirmed, by.ID
		if alone {
			edit.Events = append(edit.Events, madeAlone(p.Kind, where{p.Site, p.Area}))
			return edit, nil
		}
		edit.Events = append(edit.Events, sashlock.Event{
			Kind: sashlock.ChangeConfirmed, Site: p.Site, Subject: p.ID, Data: data(map[string]any{"kind": p.Kind, "proposed_by": p.By}),
		})
		return edit, nil
	})
}

// Decline turns a proposal down. Whoever proposed it takes it back with the
// same.
func (r *Room) Decline(ctx context.Context, by By, id, why string, rev int64) (Proposal, error) {
	text, err := words("turning down", "word", why)
	if err != nil {
		return Proposal{}, err
	}
	return r.decide(ctx, by, id, rev, true, func(_ *store.Tx, p *Proposal, _ bool) (flow.Edit, error) {
		p.State, p.Answer = Denied, text
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.ChangeTurnedDown, Site: p.Site, Subject: p.ID, Why: "turned down"}}}, nil
	})
}

// decide answers a proposal. Back: whoever proposed it may.
func (r *Room) decide(ctx context.Context, by By, id string, rev int64, back bool, act func(tx *store.Tx, p *Proposal, alone bool) (flow.Edit, error)) (Proposal, error) {
	var p Proposal
	err := r.change(ctx, by.ID, func(tx *store.Tx) (_ flow.Edit, err error) {
		if p, err = FindProposal(tx, id); err != nil {
			return flow.Edit{}, err
		}
		if p.State != Waiting || !tx.Now().Before(p.Ends()) {
			return flow.Edit{}, conflict("confirming", lang.Mark("it is answered already, or has lapsed"))
		}
		if err := store.CheckRev("proposal", p.ID, p.Rev, rev); err != nil {
			return flow.Edit{}, err
		}
		alone, err := r.MayConfirm(tx, by, p)
		if err != nil && (!back || by.ID != p.By) {
			return flow.Edit{}, err
		}
		p.Answerer, p.Answered = by.ID, tx.Now()
		edit, err := act(tx, &p, alone)
		if err != nil {
			return edit, err
		}
		return edit, p.put(tx)
	})
	return p, err
}
