// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"context"
	"encoding/json"
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

// The rules of a higher role for a while are:
//
//   - One operator asks, another one agrees, both with a passkey. Nobody agrees
//     to what they asked for themselves.
//   - Who agrees could have given the role for good. A role that is lent lets
//     nobody in and issues no tokens: nothing of it outlives it. It counts where
//     its holder may act anyway.
//   - Breaking the glass is for when nobody is there who could: any other
//     operator with a privileged role agrees, and it makes somebody an owner,
//     for an hour at most.
//   - It belongs to the session that asked. The others of its holder end when it
//     begins, and it ends when they sign in anywhere. So whatever they do
//     meanwhile was done under it, and its last entry in the ledger lists it.
//   - It ends by the clock, whether or not anybody notices.

// The limits of a higher role.
const (
	MinElevation   = 5 * time.Minute
	MaxElevation   = 4 * time.Hour
	MaxBrokenGlass = time.Hour
	AskLife        = 30 * time.Minute // how long an answer may take
	mostReason     = 300
	mostActs       = 5000
	mostRead       = 500_000 // entries looked at for what was done
)

// How a higher role stands.
const (
	Asked      = "asked"
	Standing   = "standing"
	Over       = "ended"
	TurnedDown = "turned down"
)

// Elevation is a higher role for a while.
type Elevation struct {
	ID       string              `json:"-"`
	State    string              `json:"-"`
	Operator sashlock.OperatorID `json:"operator"`
	Session  string              `json:"session"`
	Role     Role                `json:"role"`
	Glass    bool                `json:"glass,omitempty"` // the glass was broken
	Length   time.Duration       `json:"length"`
	Words    string              `json:"reason"`
	At       time.Time           `json:"asked"`
	By       sashlock.OperatorID `json:"by,omitempty"` // who agreed or turned it down
	Began    time.Time           `json:"began,omitzero"`
	Ends     time.Time           `json:"ends,omitzero"`
	Ended    time.Time           `json:"ended,omitzero"`
	Why      string              `json:"why,omitempty"`  // why it ended
	From     int64               `json:"from,omitempty"` // the first entry of the ledger that may have been made under it
	Acts     int                 `json:"acts,omitempty"` // how many were
}

// elevatedRev sets the revision of an operator with a higher role apart: what
// is up to date for one is not for the other.
const elevatedRev = 1 << 40

// elevate gives a session the higher role that it has at an instant.
func (s *Session) elevate(now time.Time) {
	e := s.Elevation
	if e.ID == "" || !now.Before(e.Ends) || Weak(s.Means) {
		s.Elevation = Elevation{}
		return
	}
	s.Operator.Role, s.Operator.Lent = e.Role, !e.Glass
	s.Operator.Rev += elevatedRev
	if e.Glass {
		s.Operator.Sites, s.Operator.Areas = nil, nil
	}
}

func scanElevation(scan store.Scan) (e Elevation, err error) {
	var body string
	if err := scan(&e.ID, &e.State, &body); err != nil {
		return e, err
	}
	return e, json.Unmarshal([]byte(body), &e)
}

func (e Elevation) put(tx *store.Tx) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return tx.Put("elevations", "id", store.Fields{
		"id": e.ID, "operator": e.Operator, "session": e.Session, "state": e.State, "asked": store.Micros(e.At), "body": string(body),
	})
}

// Elevations returns the newest higher roles that were asked for.
func Elevations(q store.Query, limit int) ([]Elevation, error) {
	return store.Rows(q, scanElevation, `SELECT id, state, body FROM elevations ORDER BY asked DESC, id DESC LIMIT ?`, limit)
}

func inState(q store.Query, state string) ([]Elevation, error) {
	return store.Rows(q, scanElevation, `SELECT id, state, body FROM elevations WHERE state = ? ORDER BY asked, id`, state)
}

// FindElevation returns one.
func FindElevation(q store.Query, id string) (Elevation, error) {
	return store.One(q, scanElevation, "elevation", id, `SELECT id, state, body FROM elevations WHERE id = ?`, id)
}

// AskElevation asks for a higher role, for the session of whoever asks. The
// error is of kind invalid and names the field that is wrong, or denied where a
// passkey is missing.
func (r *Room) AskElevation(ctx context.Context, s Session, role Role, length time.Duration, reason string, glass bool) (Elevation, error) {
	e := Elevation{Operator: s.Operator.ID, Session: s.ID, Role: role, Glass: glass, Length: length, Words: strings.TrimSpace(reason), State: Asked}
	if glass {
		e.Role = Owner
	}
	if err := firstOf(r.byPasskey(s), func() error { return e.check(s) }); err != nil {
		return e, err
	}
	_, err := r.hall.Change(ctx, flow.Change{Operator: s.Operator.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		asked, err := inState(tx, Asked)
		if err != nil {
			return flow.Edit{}, err
		}
		for _, old := range asked {
			if old.Operator != e.Operator {
				continue
			}
			old.State, old.Why = TurnedDown, "asked again"
			if err := old.put(tx); err != nil {
				return flow.Edit{}, err
			}
		}
		e.At = tx.Now()
		e.ID = "elv" + string(sashlock.NewID[sashlock.OperatorID](tx.Now()))[3:]
		data, err := json.Marshal(map[string]any{"role": e.Role, "minutes": int(e.Length.Minutes()), "glass": e.Glass, "session": e.Session})
		if err != nil {
			return flow.Edit{}, err
		}
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.ElevationAsked, Subject: e.ID, Why: e.Words, Data: data}}}, e.put(tx)
	}})
	return e, err
}

// byPasskey refuses whoever did not just show to be there with a passkey.
func (r *Room) byPasskey(s Session) error {
	shown := s.By == ByPasskey || s.By == ByLink || s.By == ByDemo // in the demo nobody has a passkey, and nothing opens a real lock
	if s.ID == "" || !shown || !s.Fresh(r.now()) || Weak(s.Means) {
		return &sashlock.Error{Kind: sashlock.Denied, Op: "elevating", Hint: lang.Mark("show with your passkey that it is you: nothing else counts here")}
	}
	return nil
}

func (e Elevation) check(s Session) error {
	bad := func(field, hint string) error {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "asking for a role", Subject: field, Hint: hint}
	}
	more := slices.ContainsFunc(e.Role.Scopes(), func(one Scope) bool { return !slices.Contains(s.Operator.Role.Scopes(), one) })
	switch n := utf8.RuneCountInString(e.Words); {
	case s.Elevation.ID != "":
		return bad("role", lang.Mark("you have a higher role already: end it first"))
	case !slices.Contains(Roles(), e.Role) || !more:
		return bad("role", lang.Mark("choose a role that may do more than yours"))
	case e.Glass && e.Length > MaxBrokenGlass || e.Length < MinElevation || e.Length > MaxElevation:
		return bad("minutes", lang.Mark("choose one of the times offered"))
	case n < 5 || n > mostReason || strings.ContainsFunc(e.Words, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) }):
		return bad("reason", lang.Mark("say in 5 to 300 characters what it is for: it is recorded"))
	}
	return nil
}

// MayAnswer reports, as an error of kind denied, that an operator cannot agree
// to what another one asks for.
func (e Elevation) MayAnswer(by, asker Operator) error {
	denied := func(hint string) error {
		return &sashlock.Error{Kind: sashlock.Denied, Op: "agreeing", Hint: hint}
	}
	switch {
	case by.ID == e.Operator:
		return denied(lang.Mark("somebody else has to agree"))
	case by.Suspended || by.Lent || !by.Role.Privileged():
		return denied(lang.Mark("your role cannot agree to this"))
	case e.Glass:
		return nil
	}
	asker.Role = e.Role
	if e.Role == Owner { // which is for all sites when it is for good
		asker.Sites, asker.Areas = nil, nil
	}
	if by.Covers(asker) != nil {
		return denied(lang.Mark("your role cannot agree to this"))
	}
	return nil
}

// Agree lends the role that somebody asked for. The asker's other sessions end.
func (r *Room) Agree(ctx context.Context, by Session, id string) (Elevation, error) {
	var e Elevation
	if err := r.byPasskey(by); err != nil {
		return e, err
	}
	from := r.store.Size()
	_, err := r.hall.Change(ctx, flow.Change{Operator: by.Operator.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		var err error
		if e, err = r.answerable(tx, by.Operator, id); err != nil {
			return flow.Edit{}, err
		}
		stands, err := store.One(tx, scanSession, "session", e.Session, sessionQuery+`WHERE s.id = ? AND s.ended IS NULL`, e.Session)
		if err != nil || !stands.stands(tx.Now()) {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "agreeing", Hint: lang.Mark("whoever asked is signed out by now"), Err: err}
		}
		e.State, e.By, e.Began, e.Ends, e.From = Standing, by.Operator.ID, tx.Now(), tx.Now().Add(e.Length), from
		edit := flow.Edit{}
		others, err := r.Sessions(tx, e.Operator)
		if err != nil {
			return flow.Edit{}, err
		}
		for _, s := range others {
			if s.ID != e.Session {
				edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.OperatorLeft, Subject: s.ID})
			}
		}
		if _, err := tx.Exec(`UPDATE sessions SET ended = ?, network = NULL WHERE operator = ? AND ended IS NULL AND id <> ?`, store.Micros(tx.Now()), e.Operator, e.Session); err != nil {
			return flow.Edit{}, err
		}
		data, err := json.Marshal(map[string]any{"operator": e.Operator, "role": e.Role, "glass": e.Glass, "session": e.Session, "until": e.Ends})
		if err != nil {
			return flow.Edit{}, err
		}
		edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.ElevationBegan, Subject: e.ID, Why: e.Words, Data: data})
		return edit, e.put(tx)
	}})
	return e, err
}

// answerable finds what was asked for, if an operator may answer it and it is
// not too late.
func (r *Room) answerable(tx *store.Tx, by Operator, id string) (Elevation, error) {
	e, err := FindElevation(tx, id)
	if err != nil {
		return e, err
	}
	asker, err := FindOperator(tx, e.Operator)
	if err != nil {
		return e, err
	}
	if err := e.MayAnswer(by, asker); err != nil {
		return e, err
	}
	if e.State != Asked || tx.Now().Sub(e.At) > AskLife || asker.Suspended {
		return e, &sashlock.Error{Kind: sashlock.Conflict, Op: "answering", Hint: lang.Mark("this was answered already, or it is too late")}
	}
	return e, nil
}

// TurnDown answers no. Whoever asked may take it back this way.
func (r *Room) TurnDown(ctx context.Context, by Operator, id string) error {
	_, err := r.hall.Change(ctx, flow.Change{Operator: by.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		e, err := FindElevation(tx, id)
		if err != nil {
			return flow.Edit{}, err
		}
		why := "taken back"
		if e.Operator != by.ID {
			if e, err = r.answerable(tx, by, id); err != nil {
				return flow.Edit{}, err
			}
			why = TurnedDown
		}
		if e.State != Asked {
			return flow.Edit{}, nil
		}
		e.State, e.By, e.Why = TurnedDown, by.ID, why
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.ElevationEnded, Subject: e.ID, Why: why}}}, e.put(tx)
	}})
	return err
}

// EndElevation ends a higher role early: its holder's own, or one to which the
// operator could have agreed.
func (r *Room) EndElevation(ctx context.Context, by Operator, id string) error {
	var e Elevation
	var holder Operator
	err := r.store.View(ctx, func(q store.Query) (err error) {
		if e, err = FindElevation(q, id); err != nil {
			return err
		}
		holder, err = FindOperator(q, e.Operator)
		return err
	})
	if err != nil {
		return err
	}
	if by.ID != e.Operator {
		if err := e.MayAnswer(by, holder); err != nil {
			return err
		}
	}
	return r.endElevations(ctx, by.ID, "ended by an operator", func(one Elevation) bool { return one.ID == id })
}

// Settle ends higher roles whose time is up or whose session is over, and asks
// that nobody answered. It returns when to look again.
func (r *Room) Settle(ctx context.Context) (next time.Time, err error) {
	now := r.now()
	next = now.Add(time.Minute)
	var gone []string
	err = r.store.View(ctx, func(q store.Query) error {
		all, err := inState(q, Standing)
		if err != nil {
			return err
		}
		for _, e := range all {
			s, err := store.One(q, scanSession, "session", e.Session, sessionQuery+`WHERE s.id = ? AND s.ended IS NULL`, e.Session)
			if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
				return err
			}
			if err != nil || !s.stands(now) || s.Operator.Suspended {
				gone = append(gone, e.ID)
			}
			if e.Ends.Before(next) {
				next = e.Ends
			}
		}
		return nil
	})
	if err != nil {
		return next, err
	}
	if err := r.endElevations(ctx, "", "its time was up", func(e Elevation) bool { return !now.Before(e.Ends) }); err != nil {
		return next, err
	}
	return next, r.endElevations(ctx, "", "its session ended", func(e Elevation) bool { return slices.Contains(gone, e.ID) })
}

// RunElevations settles higher roles until the context ends. They end without
// it too, but then nothing says so.
func (r *Room) RunElevations(ctx context.Context, trouble func(error)) {
	for {
		next, err := r.Settle(ctx)
		if err != nil && ctx.Err() == nil {
			trouble(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(next.Sub(r.now()), time.Second)):
		}
	}
}

// endElevations ends those standing higher roles that are meant, and records
// what was done under each.
func (r *Room) endElevations(ctx context.Context, by sashlock.OperatorID, why string, meant func(Elevation) bool) error {
	var all []Elevation
	if err := r.store.View(ctx, func(q store.Query) (err error) { all, err = inState(q, Standing); return err }); err != nil {
		return err
	}
	for _, e := range all {
		if !meant(e) {
			continue
		}
		acts, err := r.Acts(ctx, e)
		if err != nil {
			return err
		}
		if err := r.endElevation(ctx, by, e, why, acts); err != nil {
			return err
		}
	}
	return nil
}

func (r *Room) endElevation(ctx context.Context, by sashlock.OperatorID, e Elevation, why string, acts []sashlock.Event) error {
	type act struct {
		Seq  int64              `json:"seq"`
		Kind sashlock.EventKind `json:"kind"`
	}
	list := make([]act, 0, len(acts))
	for _, one := range acts {
		list = append(list, act{one.Seq, one.Kind})
	}
	_, err := r.hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		now, err := FindElevation(tx, e.ID)
		if err != nil || now.State != Standing {
			return flow.Edit{}, err
		}
		now.State, now.Why, now.Ended, now.Acts = Over, why, tx.Now(), len(acts)
		if now.Ended.After(now.Ends) {
			now.Ended = now.Ends
		}
		data, err := json.Marshal(map[string]any{"operator": e.Operator, "role": e.Role, "glass": e.Glass, "acts": list})
		if err != nil {
			return flow.Edit{}, err
		}
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.ElevationEnded, Subject: e.ID, Why: why, Data: data}}}, now.put(tx)
	}})
	return err
}

// Acts lists the entries of what the holder of a higher role did while they had
// it, in the order of the ledger.
func (r *Room) Acts(ctx context.Context, e Elevation) (acts []sashlock.Event, err error) {
	if e.Began.IsZero() {
		return nil, nil
	}
	until := e.Ends
	if !e.Ended.IsZero() {
		until = e.Ended.Add(time.Microsecond) // Until leaves out what was heard then
	}
	for from, read := e.From, 0; read < mostRead && len(acts) < mostActs; {
		page, err := r.store.Events(ctx, store.EventQuery{From: from, Until: until, Limit: 10_000})
		if err != nil || len(page) == 0 {
			return acts, err
		}
		for _, one := range page {
			if one.Operator == e.Operator && !one.Heard.Before(e.Began.Truncate(time.Microsecond)) {
				acts = append(acts, one)
			}
		}
		from, read = page[len(page)-1].Seq+1, read+len(page)
	}
	return acts, nil
}
