// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The limits of a session's life.
const (
	SessionLife = 12 * time.Hour  // a long shift
	IdleLife    = time.Hour       // without any page being asked for or kept up to date
	FreshFor    = 5 * time.Minute // how long a proof of presence counts for a dangerous act
)

// seenEvery is how exactly it is kept when a session was last used: a page
// that is read must not cost a write.
const seenEvery = time.Minute

// Session is an operator signed in on one device.
type Session struct {
	ID       string    `json:"-"`
	Operator Operator  `json:"-"`
	Started  time.Time `json:"started"`
	Proved   time.Time `json:"proved"` // when the operator last proved to be there
	By       string    `json:"by"`     // and how
	Means    string    `json:"means"`  // how they signed in: see the constants, or demo
	Device   string    `json:"device"` // what the browser calls itself
	Seen     time.Time `json:"-"`      // when it was last used, to the minute
	Expires  time.Time `json:"-"`
	Ended    time.Time `json:"-"`

	Network   string    `json:"-"`                   // where it came from; kept no longer than it stands
	Elsewhere string    `json:"elsewhere,omitempty"` // what the provider of single sign-on calls it
	Elevation Elevation `json:"-"`                   // the higher role it has for a while; without an ID: none
}

// Arrival is how and from where somebody signs in.
type Arrival struct {
	Means     string
	Device    string // what the browser calls itself
	Network   string // its address, or the network of it
	Elsewhere string // what the provider of single sign-on calls the session
}

// Fresh reports whether the operator proved recently enough to be there.
func (s Session) Fresh(now time.Time) bool { return now.Sub(s.Proved) < FreshFor }

// newSecret returns a secret that cannot be guessed, for a cookie or a link.
func newSecret() (string, error) {
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return "", &sashlock.Error{Kind: sashlock.Internal, Op: "making a secret", Err: err}
	}
	return base64.RawURLEncoding.EncodeToString(secret[:]), nil
}

// Begin signs an operator in and returns the secret that the browser keeps.
func (r *Room) Begin(ctx context.Context, id sashlock.OperatorID, means, device string) (Session, string, error) {
	return r.Arrive(ctx, id, Arrival{Means: means, Device: device})
}

// Arrive is [Room.Begin] for somebody of whom more is known. Signing in ends
// the operator's higher role, which belongs to another session. The error is of
// kind denied when the operator is suspended or their role needs better means.
func (r *Room) Arrive(ctx context.Context, id sashlock.OperatorID, a Arrival) (Session, string, error) {
	secret, err := newSecret()
	if err != nil {
		return Session{}, "", err
	}
	if err := r.endElevations(ctx, id, "signed in elsewhere", func(e Elevation) bool { return e.Operator == id }); err != nil {
		return Session{}, "", err
	}
	var s Session
	_, err = r.hall.Change(ctx, flow.Change{Operator: id, Make: func(tx *store.Tx) (flow.Edit, error) {
		o, err := FindOperator(tx, id)
		if err != nil {
			return flow.Edit{}, err
		}
		if o.Suspended {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Denied, Op: "signing in", Hint: "this operator is suspended"}
		}
		if r.left(o) {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Denied, Op: "signing in", Hint: lang.Mark("what this guest was let in for is over")}
		}
		if err := tooWeak(a.Means, o.Role); err != nil {
			return flow.Edit{}, err
		}
		now := tx.Now()
		s = Session{
			ID: string(sashlock.NewID[sashlock.OperatorID](now)), Operator: o, Started: now, Seen: now, Proved: now, By: a.Means,
			Means: a.Means, Device: clip(a.Device, 200), Expires: now.Add(SessionLife), Network: a.Network, Elsewhere: a.Elsewhere,
		}
		s.ID = "ses" + s.ID[3:]
		edit := flow.Edit{Events: []sashlock.Event{{Kind: sashlock.OperatorSignedIn, Subject: s.ID, Why: a.Means}}}
		return edit, firstOf(forgetNetworks(tx), func() error { return s.put(tx, hash(secret)) })
	}})
	return s, secret, err
}

func clip(s string, most int) string { return strings.ToValidUTF8(s[:min(len(s), most)], "") }

func (s Session) put(tx *store.Tx, hash []byte) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return tx.Put("sessions", "id", store.Fields{
		"id": s.ID, "hash": hash, "operator": s.Operator.ID, "body": string(body),
		"started": store.Micros(s.Started), "seen": store.Micros(s.Seen), "expires": store.Micros(s.Expires), "ended": store.Micros(s.Ended),
		"network": store.Null(s.Network),
	})
}

// forgetNetworks forgets where sessions came from that are over by themselves.
func forgetNetworks(tx *store.Tx) error {
	_, err := tx.Exec(`UPDATE sessions SET network = NULL WHERE network IS NOT NULL AND (expires <= ? OR seen <= ?)`,
		store.Micros(tx.Now()), store.Micros(tx.Now().Add(-IdleLife)))
	return err
}

const sessionQuery = `SELECT s.id, s.body, s.seen, s.expires, s.network, e.id, e.body, o.id, o.name, o.person, o.body, o.rev
	FROM sessions s JOIN operators o ON o.id = s.operator
	LEFT JOIN elevations e ON e.session = s.id AND e.state = 'standing' `

// Session returns the session whose secret a browser presents. The error is of
// kind denied and does not say what is wrong with it.
func (r *Room) Session(ctx context.Context, secret string) (Session, error) {
	var s Session
	err := r.store.View(ctx, func(q store.Query) (err error) {
		s, err = store.One(q, scanSession, "session", "", sessionQuery+`WHERE s.hash = ? AND s.ended IS NULL`, hash(secret))
		return err
	})
	if sashlock.IsKind(err, sashlock.NotFound) || err == nil && (!s.stands(r.now()) || s.Operator.Suspended || r.left(s.Operator) || tooWeak(s.Means, s.Operator.Role) != nil) {
		return Session{}, &sashlock.Error{Kind: sashlock.Denied, Op: "reading session", Hint: "sign in again"}
	}
	s.elevate(r.now())
	if err == nil && r.now().Sub(s.Seen) >= seenEvery {
		r.touch(ctx, s)
	}
	return s, err
}

// left reports whether somebody was a guest and what they were let in for has
// ended, or was taken back.
func (r *Room) left(o Operator) bool {
	return o.Grant != "" && !r.hall.Book().Index.Stands(o.Grant, r.now())
}

// stands reports whether a session is within the limits of its life.
func (s Session) stands(now time.Time) bool {
	return now.Before(s.Expires) && now.Sub(s.Seen) < IdleLife
}

// touch keeps that a session is in use. While nothing can be written it goes
// on all the same, up to the idle limit: the page shows what is wrong.
func (r *Room) touch(ctx context.Context, s Session) {
	_, _ = r.store.Do(ctx, func(tx *store.Tx) error { // see above
		_, err := tx.Exec(`UPDATE sessions SET seen = ? WHERE id = ?`, store.Micros(tx.Now()), s.ID)
		return err
	})
}

// Prove keeps that the operator of a session has just shown to be there.
func (r *Room) Prove(ctx context.Context, s Session, means string) error {
	_, err := r.hall.Change(ctx, flow.Change{Operator: s.Operator.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		again := s
		again.Proved, again.By = tx.Now(), means
		body, err := json.Marshal(again)
		if err != nil {
			return flow.Edit{}, err
		}
		_, err = tx.Exec(`UPDATE sessions SET body = ? WHERE id = ? AND ended IS NULL`, string(body), s.ID)
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.OperatorSignedIn, Subject: s.ID, Why: means + ", again"}}}, err
	}})
	return err
}

func scanSession(scan store.Scan) (s Session, err error) {
	var body string
	var seen, expires int64
	var network, elevation, elevated sql.NullString
	s.Operator, err = scanOperator(func(dest ...any) error {
		return scan(append([]any{&s.ID, &body, &seen, &expires, &network, &elevation, &elevated}, dest...)...)
	})
	if err != nil {
		return s, err
	}
	s.Seen, s.Expires, s.Network = time.UnixMicro(seen).UTC(), time.UnixMicro(expires).UTC(), network.String
	if elevation.Valid {
		if err := json.Unmarshal([]byte(elevated.String), &s.Elevation); err != nil {
			return s, err
		}
		s.Elevation.ID, s.Elevation.State = elevation.String, Standing
	}
	return s, json.Unmarshal([]byte(body), &s)
}

// Sessions returns the sessions of an operator that have not ended, newest
// first.
func (r *Room) Sessions(q store.Query, id sashlock.OperatorID) ([]Session, error) {
	return store.Rows(q, scanSession, sessionQuery+`WHERE s.operator = ? AND s.ended IS NULL AND s.expires > ? AND s.seen > ? ORDER BY s.started DESC, s.id DESC`,
		id, store.Micros(r.now()), store.Micros(r.now().Add(-IdleLife)))
}

// LastSignIns returns when each operator last signed in.
func LastSignIns(q store.Query) (map[sashlock.OperatorID]time.Time, error) {
	type last struct {
		id sashlock.OperatorID
		at int64
	}
	rows, err := store.Rows(q, func(scan store.Scan) (l last, err error) { return l, scan(&l.id, &l.at) },
		`SELECT operator, MAX(started) FROM sessions GROUP BY operator`)
	all := make(map[sashlock.OperatorID]time.Time, len(rows))
	for _, l := range rows {
		all[l.id] = time.UnixMicro(l.at).UTC()
	}
	return all, err
}

// End signs a session out. Doing it again changes nothing.
func (r *Room) End(ctx context.Context, by sashlock.OperatorID, id string) error {
	_, err := r.hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		done, err := tx.Exec(`UPDATE sessions SET ended = ?, network = NULL WHERE id = ? AND ended IS NULL`, store.Micros(tx.Now()), id)
		if err != nil {
			return flow.Edit{}, err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return flow.Edit{}, err
		}
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.OperatorLeft, Subject: id}}}, nil
	}})
	return err
}

// EndAll signs an operator out everywhere but in one session; everywhere with
// an empty one.
func (r *Room) EndAll(ctx context.Context, by, id sashlock.OperatorID, but string) error {
	_, err := r.hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		all, err := r.Sessions(tx, id)
		if err != nil {
			return flow.Edit{}, err
		}
		var edit flow.Edit
		for _, s := range all {
			if s.ID != but {
				edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.OperatorLeft, Subject: s.ID})
			}
		}
		_, err = tx.Exec(`UPDATE sessions SET ended = ?, network = NULL WHERE operator = ? AND ended IS NULL AND id <> ?`, store.Micros(tx.Now()), id, but)
		return edit, err
	}})
	return err
}

// Refuse records that somebody was turned away.
func (r *Room) Refuse(ctx context.Context, who sashlock.OperatorID, why string) error {
	_, err := r.hall.Change(ctx, flow.Change{Operator: who, Make: func(*store.Tx) (flow.Edit, error) {
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.OperatorRefused, Why: why}}}, nil
	}})
	return err
}

// Stand returns a session for an operator that is in no table, for a store in
// which nothing opens a real lock.
func (r *Room) Stand(ctx context.Context, id sashlock.OperatorID) (Session, error) {
	var o Operator
	err := r.store.View(ctx, func(q store.Query) (err error) {
		o, err = FindOperator(q, id)
		return err
	})
	now := r.now()
	return Session{Operator: o, Started: now, Seen: now, Proved: now, By: ByDemo, Means: ByDemo, Expires: now.Add(SessionLife)}, err
}
