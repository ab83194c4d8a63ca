// SPDX-License-Identifier: Apache-2.0

package phone

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/shopper"
)

// The rules of a customer's passkey are:
//
//   - It is made without a name and for one store's address. It shows that a
//     phone was unlocked by whoever holds it, and who comes back; not who it is.
//   - It is not kept among the passkeys of the phone where the phone lets us say
//     so, and never needed a second time: whoever lost it makes another.
//   - An exchange belongs to one browser, is answered once, and is over after
//     five minutes.

const (
	ceremonyCookie = "sashlock_guest_key"
	ceremonyLife   = 5 * time.Minute
	mostCeremonies = 1024
)

// ceremony is an exchange that is under way.
type ceremony struct {
	started time.Time
	origin  string
	data    webauthn.SessionData
	holder  bearer
	was     sashlock.PersonID // the guest whose passkey is asked for; empty: one is made
}

// ceremonies are those under way.
type ceremonies struct {
	mu  sync.Mutex
	all map[string]ceremony // guarded by mu
}

func (c *ceremonies) begin(w http.ResponseWriter, r *http.Request, one ceremony) {
	id := rand.Text()
	c.mu.Lock()
	for old, was := range c.all {
		if one.started.Sub(was.started) > ceremonyLife || len(c.all) >= mostCeremonies {
			delete(c.all, old)
		}
	}
	c.all[id] = one
	c.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: ceremonyCookie, Value: id, Path: "/help/", MaxAge: int(ceremonyLife.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil})
}

// take returns the exchange of a browser, once.
func (c *ceremonies) take(r *http.Request, now time.Time) (ceremony, bool) {
	cookie, err := r.Cookie(ceremonyCookie)
	if err != nil {
		return ceremony{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	one, known := c.all[cookie.Value]
	delete(c.all, cookie.Value)
	return one, known && now.Sub(one.started) <= ceremonyLife
}

// bearer is a customer as package webauthn knows one: nobody in particular.
type bearer struct {
	handle []byte
	name   string
	keys   []webauthn.Credential
}

func (b bearer) WebAuthnID() []byte                         { return b.handle }
func (b bearer) WebAuthnName() string                       { return b.name }
func (b bearer) WebAuthnDisplayName() string                { return b.name }
func (b bearer) WebAuthnCredentials() []webauthn.Credential { return b.keys }

func hostOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// party is us, as passkeys know us. Where we have no name there are none.
func (p pages) party(r *http.Request) (*webauthn.WebAuthn, string, error) {
	origin := p.Address(r)
	host := hostOf(origin)
	if host == "" || net.ParseIP(host) != nil {
		return nil, "", &sashlock.Error{Kind: sashlock.Unavailable, Op: "asking for a passkey", Hint: lang.Mark("passkeys work at a name only")}
	}
	party, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: "Sashlock", RPOrigins: []string{origin}, AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementDiscouraged, UserVerification: protocol.VerificationRequired},
	})
	return party, origin, err
}

// beginKey asks the browser of a customer to make a passkey or, where it has
// one of ours, to show it.
func (p pages) beginKey(w http.ResponseWriter, r *http.Request) error {
	o, offer, yes, err := p.offered(w, r)
	if err != nil || !yes {
		return err
	}
	if !offer.Passkeys || !p.keys.take(p.Now(), string(o.ID), addressOf(r)) {
		return &sashlock.Error{Kind: sashlock.Limit, Op: "asking for a passkey", Hint: lang.T(r.Context(), "not now: please speak to anybody of the staff")}
	}
	party, origin, err := p.party(r)
	if err != nil {
		return err
	}
	g, err := p.guest(r)
	if err != nil {
		return err
	}
	one := ceremony{started: p.Now(), origin: origin, holder: bearer{name: lang.T(r.Context(), "Customer")}}
	var options any
	var data *webauthn.SessionData
	if g.Key != nil && g.Site == o.Site && g.Key.At == party.Config.RPID {
		one.was = g.ID
		if one.holder, err = holderOf(one.holder, *g.Key); err != nil {
			return err
		}
		options, data, err = party.BeginLogin(one.holder, webauthn.WithUserVerification(protocol.VerificationRequired))
	} else {
		one.holder.handle = []byte(rand.Text())
		options, data, err = party.BeginRegistration(one.holder)
	}
	if err != nil {
		return err
	}
	one.data = *data
	p.under.begin(w, r, one)
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(options)
}

// holderOf joins a customer with the passkey that is kept of them.
func holderOf(b bearer, k shopper.Key) (bearer, error) {
	var c webauthn.Credential
	if err := json.Unmarshal(k.Public, &c); err != nil {
		return b, err
	}
	b.handle, b.keys = []byte(k.Handle), []webauthn.Credential{c}
	return b, nil
}

// showKey admits a customer by a passkey, and asks for the case at once.
func (p pages) showKey(w http.ResponseWriter, r *http.Request) error {
	o, offer, yes, err := p.offered(w, r)
	if err != nil || !yes {
		return err
	}
	if err := p.Form(w, r); err != nil {
		return err
	}
	key, was, err := p.verified(r)
	if err != nil {
		return p.showSelf(w, r, o, offer, "", err)
	}
	g, token, err := p.shopper.AdmitKey(r.Context(), o, key, was)
	if turnedAway(err) {
		return p.showSelf(w, r, o, offer, "", err)
	}
	if err == nil {
		known(w, r, token, time.Duration(offer.Keep)*time.Hour)
	}
	return p.ask(w, r, o, offer, g, err)
}

// verified checks what the browser answers to [pages.beginKey]. Whatever is
// wrong with it, the customer is told the same.
func (p pages) verified(r *http.Request) (key shopper.Key, was sashlock.PersonID, err error) {
	wrong := &sashlock.Error{Kind: sashlock.Denied, Op: "verifying passkey", Hint: lang.Mark("that did not work: try again, or call somebody")}
	one, standing := p.under.take(r, p.Now())
	party, origin, err := p.party(r)
	if err != nil || !standing || origin != one.origin {
		return key, "", wrong
	}
	text := []byte(r.PostFormValue("credential"))
	var c *webauthn.Credential
	if one.was == "" {
		var made *protocol.ParsedCredentialCreationData
		if made, err = protocol.ParseCredentialCreationResponseBytes(text); err == nil {
			c, err = party.CreateCredential(one.holder, one.data, made)
		}
	} else {
		var shown *protocol.ParsedCredentialAssertionData
		if shown, err = protocol.ParseCredentialRequestResponseBytes(text); err == nil {
			c, err = party.ValidateLogin(one.holder, one.data, shown)
		}
	}
	if err != nil || c.Authenticator.CloneWarning {
		wrong.Err = err
		return key, "", wrong
	}
	public, err := json.Marshal(c)
	return shopper.Key{ID: base64.RawURLEncoding.EncodeToString(c.ID), At: party.Config.RPID, Handle: string(one.holder.handle), Public: public}, one.was, err
}
