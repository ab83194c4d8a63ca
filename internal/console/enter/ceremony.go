// SPDX-License-Identifier: Apache-2.0

package enter

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
)

// The rules of a ceremony, which is what Web Authentication calls the exchange
// between browser, passkey and us, are:
//
//   - It belongs to one browser, by a cookie that no script reads, and to one
//     purpose: what was begun to sign in does not add a passkey.
//   - It is answered once. An answer that is sent again finds nothing.
//   - It is over after five minutes, and when we are started again.
//   - The address it was begun at is the only one it can be answered from.

const (
	ceremonyCookie = "sashlock_ceremony"
	ceremonyLife   = 5 * time.Minute
	setUpCookie    = "sashlock_setup"
	setUpLife      = 15 * time.Minute // to install an app, for instance
	awayCookie     = "sashlock_away"
	awayLife       = 10 * time.Minute // to sign in elsewhere
	mostCeremonies = 2048
)

// ceremony is one that is under way.
type ceremony struct {
	purpose string
	origin  string
	started time.Time
	data    webauthn.SessionData
	who     signin.Operator // who enrols; empty: whoever signs in
	codeKey string          // of the one-time codes that are being set up
	ask     signin.Ask      // what a provider of single sign-on was asked
	then    string          // where to go afterwards
}

// ceremonies are those under way. They differ in the cookie that tells whose
// they are: one that comes back from another site is sent along from there.
type ceremonies struct {
	cookie string
	from   http.SameSite
	life   time.Duration

	mu  sync.Mutex
	all map[string]ceremony // guarded by mu
}

func (c *ceremonies) begin(w http.ResponseWriter, r *http.Request, one ceremony) {
	id := rand.Text()
	c.mu.Lock()
	if c.all == nil {
		c.all = map[string]ceremony{}
	}
	for old, was := range c.all {
		if one.started.Sub(was.started) > c.life || len(c.all) >= mostCeremonies {
			delete(c.all, old)
		}
	}
	c.all[id] = one
	c.mu.Unlock()
	http.SetCookie(w, &http.Cookie{
		Name: c.cookie, Value: id, Path: "/", MaxAge: int(c.life.Seconds()),
		HttpOnly: true, SameSite: c.from, Secure: r.TLS != nil,
	})
}

// take returns the ceremony of a browser, once.
func (c *ceremonies) take(r *http.Request, purpose string, now time.Time) (ceremony, error) {
	over := &sashlock.Error{Kind: sashlock.Denied, Op: "answering", Hint: lang.T(r.Context(), "this took too long or was sent twice: go back and try again")}
	cookie, err := r.Cookie(c.cookie)
	if err != nil {
		return ceremony{}, over
	}
	c.mu.Lock()
	one, known := c.all[cookie.Value]
	delete(c.all, cookie.Value)
	c.mu.Unlock()
	if !known || one.purpose != purpose || now.Sub(one.started) > c.life {
		return ceremony{}, over
	}
	return one, nil
}

// party is us, as passkeys know us: by the name in the address.
func (p *pages) party(r *http.Request) (*webauthn.WebAuthn, string, error) {
	origin := p.Address(r)
	u, err := url.Parse(origin)
	if err != nil || u.Hostname() == "" || net.ParseIP(u.Hostname()) != nil {
		return nil, "", &sashlock.Error{Kind: sashlock.Unavailable, Op: "asking for a passkey", Hint: lang.T(r.Context(), "passkeys work at a name only, not at a number like %s: open the console by its name", u.Hostname())}
	}
	party, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: "Sashlock", RPOrigins: []string{origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
	})
	return party, origin, err
}

// holder is an operator as package webauthn knows one.
type holder struct {
	signin.Operator
	keys []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return []byte(h.ID) }
func (h holder) WebAuthnName() string                       { return h.Name }
func (h holder) WebAuthnDisplayName() string                { return h.Name }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

// holderOf joins an operator with those of their passkeys that work at a name.
func holderOf(o signin.Operator, keys []signin.Passkey, at string) (holder, error) {
	h := holder{Operator: o}
	for _, k := range keys {
		var c webauthn.Credential
		if k.At != at {
			continue
		}
		if err := json.Unmarshal(k.Public, &c); err != nil {
			return h, err
		}
		h.keys = append(h.keys, c)
	}
	return h, nil
}

// enrol asks the browser to make a passkey.
func (p *pages) enrol(w http.ResponseWriter, r *http.Request, purpose string, o signin.Operator, have []signin.Passkey) error {
	party, origin, err := p.party(r)
	if err != nil {
		return err
	}
	h, err := holderOf(o, have, party.Config.RPID)
	if err != nil {
		return err
	}
	options, data, err := party.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.keys).CredentialDescriptors()))
	if err != nil {
		return err
	}
	p.under.begin(w, r, ceremony{purpose: purpose, origin: origin, started: p.Now(), data: *data, who: o})
	return sendJSON(w, options)
}

// enrolled verifies what the browser answers to enrol.
func (p *pages) enrolled(r *http.Request, purpose string) (signin.Operator, signin.Passkey, error) {
	var key signin.Passkey
	one, err := p.under.take(r, purpose, p.Now())
	if err != nil {
		return one.who, key, err
	}
	party, origin, err := p.party(r)
	if err != nil {
		return one.who, key, err
	}
	answer, err := protocol.ParseCredentialCreationResponseBytes([]byte(r.PostFormValue("credential")))
	if err != nil || origin != one.origin {
		return one.who, key, p.unproven(r, err)
	}
	made, err := party.CreateCredential(holder{Operator: one.who}, one.data, answer)
	if err != nil {
		return one.who, key, p.unproven(r, err)
	}
	public, err := json.Marshal(made)
	if err != nil {
		return one.who, key, err
	}
	return one.who, signin.Passkey{
		ID: base64.RawURLEncoding.EncodeToString(made.ID), Operator: one.who.ID, At: party.Config.RPID, Public: public,
		Name: cmp.Or(strings.TrimSpace(r.PostFormValue("key")), deviceWords(r.Context(), r.UserAgent())),
	}, nil
}

// unproven is the error for an answer that proves nothing. It is recorded: no
// browser sends one by itself.
func (p *pages) unproven(r *http.Request, cause error) error {
	var detail *protocol.Error
	if errors.As(cause, &detail) {
		cause = errors.New(detail.Details + ": " + detail.DevInfo)
	}
	if err := p.Signin.Refuse(r.Context(), "", "passkey not accepted"); err != nil {
		return err
	}
	return &sashlock.Error{Kind: sashlock.Denied, Op: "verifying passkey", Hint: lang.T(r.Context(), "this passkey was not accepted; the attempt was recorded"), Err: cause}
}

// ask asks the browser to use a passkey: one of an operator's, or any.
func (p *pages) ask(w http.ResponseWriter, r *http.Request, purpose string) error {
	party, origin, err := p.party(r)
	if err != nil {
		return err
	}
	options, data, err := party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return err
	}
	p.under.begin(w, r, ceremony{purpose: purpose, origin: origin, started: p.Now(), data: *data})
	return sendJSON(w, options)
}

// answered verifies what the browser answers to ask, and returns whose passkey
// it was.
func (p *pages) answered(r *http.Request, purpose string) (signin.Operator, error) {
	one, err := p.under.take(r, purpose, p.Now())
	if err != nil {
		return signin.Operator{}, err
	}
	party, origin, err := p.party(r)
	if err != nil {
		return signin.Operator{}, err
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes([]byte(r.PostFormValue("credential")))
	if err != nil || origin != one.origin {
		return signin.Operator{}, p.unproven(r, err)
	}
	var whose holder
	_, used, err := party.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		var err error
		whose, err = p.holder(r.Context(), sashlock.OperatorID(handle), party.Config.RPID)
		return whose, err
	}, one.data, answer)
	if err != nil || used.Authenticator.CloneWarning {
		return signin.Operator{}, p.unproven(r, err)
	}
	public, err := json.Marshal(used)
	if err != nil {
		return signin.Operator{}, err
	}
	return whose.Operator, p.Signin.UsedPasskey(r.Context(), whose.ID, base64.RawURLEncoding.EncodeToString(used.ID), public)
}
