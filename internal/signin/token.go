// SPDX-License-Identifier: Apache-2.0

// Package signin knows who is asking: the tokens that programs and the command
// line present to the API, and the operators of the console with their
// passkeys, recovery codes, one-time links and sessions.
//
// # How it fits
//
// Package api asks [Room.Check] for every call, the console [Room.Session] for
// every page. Whether a passkey is genuine is verified where the browser
// answers, in package console/enter; what is kept of it is kept here. All
// changes stand in the ledger, without the names of people and passkeys.
//
// # Promises
//
// There is no default password, no token without an end and no session that
// outlives a shift. Only hashes of tokens, links, codes and session secrets are
// kept. A revoked token, an ended session and a suspended operator are refused
// from the next call on. Nobody can give somebody else more than they may do
// themselves. What can be phished reaches nothing that a privileged role may
// do. Wrong tries keep nobody else out. A higher role ends by itself.
package signin

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// Scope is one thing a token may do.
type Scope string

// The scopes.
const (
	Read    Scope = "read"    // see everything but secrets
	Release Scope = "release" // ask for an opening to be released
	Access  Scope = "access"  // change people, roles, schedules and grants
	Setup   Scope = "setup"   // change sites, areas, openings and devices
	Alarms  Scope = "alarms"  // acknowledge alarms
	Tokens  Scope = "tokens"  // issue and revoke tokens
	Serve   Scope = "serve"   // ask for openings for oneself, and answer customers who wait
	Admit   Scope = "admit"   // invite operators, change what they may do, end their sessions

	Directory Scope = "directory" // keep people and roles as a personnel system says: SCIM and lists of people
)

// Scopes lists every scope.
func Scopes() []Scope {
	return []Scope{Read, Release, Access, Setup, Alarms, Tokens, Serve, Admit, Directory}
}

// The limits of a token's life.
const (
	MinLife = time.Minute
	MaxLife = 366 * 24 * time.Hour
)

// Token is what is kept of a token: everything but the token.
type Token struct {
	ID      sashlock.OperatorID `json:"id"`
	Name    string              `json:"name"`
	Scopes  []Scope             `json:"scopes"`
	Created time.Time           `json:"created"`
	Expires time.Time           `json:"expires"`
	Revoked time.Time           `json:"revoked,omitzero"`
}

// May reports whether the token has a scope.
func (t Token) May(s Scope) bool { return slices.Contains(t.Scopes, s) }

// Room keeps the tokens.
type Room struct {
	store *store.Store
	hall  *flow.Hall
	now   func() time.Time
	wrong wrongTries

	seal    cipher.AEAD   // for what has to be known in clear; nil: there is no key
	secrets string        // folder with files that hold secrets; empty: none
	turns   chan struct{} // who looks at a password
	queue   chan struct{} // who looks at one or waits to
	sso     providers
	caller  *http.Client // how providers are called
}

// New returns a room over the tokens and operators in the store.
func New(s *store.Store, h *flow.Hall, now func() time.Time) *Room {
	return &Room{
		store: s, hall: h, now: now, caller: caller(),
		turns: make(chan struct{}, atOnce), queue: make(chan struct{}, 16*atOnce),
	}
}

// Issue makes a token and returns it in clear, for the only time.
func (r *Room) Issue(ctx context.Context, by sashlock.OperatorID, name string, scopes []Scope, life time.Duration) (Token, string, error) {
	scopes = slices.Compact(slices.Sorted(slices.Values(scopes)))
	if err := check(name, scopes, life); err != nil {
		return Token{}, "", err
	}
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return Token{}, "", &sashlock.Error{Kind: sashlock.Internal, Op: "issuing token", Err: err}
	}
	clear := "sash_" + base64.RawURLEncoding.EncodeToString(secret[:])
	var t Token
	_, err := r.hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		t = Token{ID: sashlock.NewID[sashlock.OperatorID](tx.Now()), Name: name, Scopes: scopes, Created: tx.Now(), Expires: tx.Now().Add(life)}
		list, err := json.Marshal(scopes)
		if err != nil {
			return flow.Edit{}, err
		}
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.TokenIssued, Subject: string(t.ID), Data: list}}},
			tx.Put("tokens", "id", store.Fields{
				"id": t.ID, "name": name, "hash": hash(clear), "scopes": string(list),
				"created": store.Micros(t.Created), "expires": store.Micros(t.Expires), "last_used": nil, "revoked": nil,
			})
	}})
	return t, clear, err
}

func check(name string, scopes []Scope, life time.Duration) error {
	bad := func(field, hint string) error {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "issuing token", Subject: field, Hint: hint}
	}
	if fix := sashlock.CheckName(name); fix != "" {
		return bad("name", fix)
	}
	if life < MinLife || life > MaxLife {
		return bad("life", "choose a life between one minute and 366 days")
	}
	if len(scopes) == 0 {
		return bad("scopes", "give it at least one scope: "+list(Scopes()))
	}
	for _, s := range scopes {
		if !slices.Contains(Scopes(), s) {
			return bad("scopes", fmt.Sprintf("there is no scope %.40q: choose from %s", s, list(Scopes())))
		}
	}
	return nil
}

func list(scopes []Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

func hash(clear string) []byte {
	sum := sha256.Sum256([]byte(clear))
	return sum[:]
}

const columns = `id, name, scopes, created, expires, revoked`

// Check returns the token presented as clear. The error is of kind denied and
// does not say whether the token is unknown, expired or revoked.
func (r *Room) Check(ctx context.Context, clear string) (Token, error) {
	refused := &sashlock.Error{Kind: sashlock.Denied, Op: "checking token", Hint: "present a token that is valid now: sashlock token create"}
	if !strings.HasPrefix(clear, "sash_") || len(clear) != len("sash_")+43 {
		return Token{}, refused
	}
	want := hash(clear)
	var t Token
	var stored []byte
	err := r.store.View(ctx, func(q store.Query) error {
		var err error
		t, err = store.One(q, func(scan store.Scan) (Token, error) {
			return scanToken(func(dest ...any) error { return scan(append(dest, &stored)...) })
		}, "token", "", `SELECT `+columns+`, hash FROM tokens WHERE hash = ?`, want)
		return err
	})
	switch {
	case sashlock.IsKind(err, sashlock.NotFound):
		return Token{}, refused
	case err != nil:
		return Token{}, err
	case subtle.ConstantTimeCompare(stored, want) != 1 || !t.Revoked.IsZero() || !r.now().Before(t.Expires):
		return Token{}, refused
	}
	return t, nil
}

// Valid reports whether a token that was accepted earlier still would be. Who
// holds a connection open for long asks it from time to time.
func (r *Room) Valid(ctx context.Context, id sashlock.OperatorID) (bool, error) {
	var t Token
	err := r.store.View(ctx, func(q store.Query) (err error) {
		t, err = store.One(q, scanToken, "token", "", `SELECT `+columns+` FROM tokens WHERE id = ?`, id)
		return err
	})
	if sashlock.IsKind(err, sashlock.NotFound) {
		return false, nil
	}
	return err == nil && t.Revoked.IsZero() && r.now().Before(t.Expires), err
}

// List returns every token, newest first.
func (r *Room) List(q store.Query) ([]Token, error) {
	return store.Rows(q, scanToken, `SELECT `+columns+` FROM tokens ORDER BY id DESC`)
}

func scanToken(scan store.Scan) (t Token, err error) {
	var scopes string
	var created, expires, revoked sql.NullInt64
	if err := scan(&t.ID, &t.Name, &scopes, &created, &expires, &revoked); err != nil {
		return t, err
	}
	t.Created, t.Expires, t.Revoked = store.TimeOf(created), store.TimeOf(expires), store.TimeOf(revoked)
	return t, json.Unmarshal([]byte(scopes), &t.Scopes)
}

// Revoke ends a token now. Doing it again changes nothing.
func (r *Room) Revoke(ctx context.Context, by, id sashlock.OperatorID) error {
	_, err := r.hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		t, err := store.One(tx, scanToken, "token", string(id), `SELECT `+columns+` FROM tokens WHERE id = ?`, id)
		if err != nil || !t.Revoked.IsZero() {
			return flow.Edit{}, err
		}
		_, err = tx.Exec(`UPDATE tokens SET revoked = ? WHERE id = ?`, store.Micros(tx.Now()), id)
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.TokenRevoked, Subject: string(id)}}}, err
	}})
	return err
}
