// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of single sign-on are (OpenID Connect Core 1.0, RFC 9700):
//
//   - Authorization code with PKCE (S256), a state and a nonce, all of which
//     belong to one browser, to one purpose, and are used once.
//   - The token has to be signed by a key of the issuer, with an algorithm of
//     two keys; for us, not expired, issued within minutes, in answer to what
//     we asked. Clocks may differ by two minutes.
//   - Who somebody is, is issuer and subject: never an address or a name, which
//     others may get later.
//   - What cannot be reached within ten seconds is said to be away. Passkeys
//     need nobody.

const (
	askLife      = 10 * time.Minute // from the button to the answer
	clockSkew    = 2 * time.Minute
	oldestToken  = 10 * time.Minute
	providerLife = time.Hour // how long what a provider says of itself is kept
	mostOfAnswer = 1 << 20   // bytes of one answer
	callWithin   = 10 * time.Second
	mostLogouts  = 4096
)

// algorithms are those that a token may be signed with.
func algorithms() []string {
	return []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}
}

// provider is what a provider of OpenID Connect says of itself.
type provider struct {
	*oidc.Provider
	asked time.Time
	said  discovered
}

// discovered are the fields that go-oidc leaves to us (OpenID Connect
// Discovery 1.0, section 3).
type discovered struct {
	Auth       string   `json:"authorization_endpoint"`
	Token      string   `json:"token_endpoint"`
	Keys       string   `json:"jwks_uri"`
	UserInfo   string   `json:"userinfo_endpoint"`
	EndSession string   `json:"end_session_endpoint"`
	PKCE       []string `json:"code_challenge_methods_supported"`
	Signed     []string `json:"id_token_signing_alg_values_supported"`
	Secrets    []string `json:"token_endpoint_auth_methods_supported"`
	SaysIssuer bool     `json:"authorization_response_iss_parameter_supported"`
}

// providers keeps what a provider said of itself, and which of its logout
// tokens were seen.
type providers struct {
	mu   sync.Mutex
	last provider             // guarded by mu
	of   string               // its issuer; guarded by mu
	outs map[string]time.Time // logout tokens used, until they expire; guarded by mu
}

// caller is how providers are called.
func caller() *http.Client {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: callWithin, ResponseHeaderTimeout: callWithin, MaxIdleConns: 4, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true}
	return &http.Client{Timeout: callWithin, Transport: bounded{t}, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // an issuer is where it says it is
	}}
}

// bounded reads no more of an answer than it has to.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, mostOfAnswer), answer.Body}
	}
	return answer, err
}

// away is the error for a provider that does not answer as one does.
func away(err error) error {
	return &sashlock.Error{Kind: sashlock.Unavailable, Op: "asking the provider of single sign-on", Hint: lang.Mark("the provider of single sign-on does not answer; passkeys work all the same"), Err: err}
}

// provider asks an issuer what it says of itself, unless it was asked lately.
func (r *Room) provider(ctx context.Context, issuer string) (provider, error) {
	r.sso.mu.Lock()
	last, of := r.sso.last, r.sso.of
	r.sso.mu.Unlock()
	if of == issuer && r.now().Sub(last.asked) < providerLife {
		return last, nil
	}
	p, err := r.discover(ctx, issuer)
	if err != nil {
		return p, err
	}
	r.sso.mu.Lock()
	r.sso.last, r.sso.of = p, issuer
	r.sso.mu.Unlock()
	return p, nil
}

// discover asks an issuer what it says of itself.
func (r *Room) discover(ctx context.Context, issuer string) (p provider, err error) {
	p.asked = r.now()
	if p.Provider, err = oidc.NewProvider(oidc.ClientContext(ctx, r.caller), issuer); err != nil {
		return p, away(err)
	}
	if err := p.Claims(&p.said); err != nil {
		return p, away(err)
	}
	for _, address := range []string{p.said.Auth, p.said.Token, p.said.Keys, p.said.UserInfo, p.said.EndSession} {
		u, err := url.Parse(address)
		if err != nil || address != "" && u.Scheme != "https" && !loopback(u.Hostname()) {
			return p, away(fmt.Errorf("%.200q is not encrypted", address))
		}
	}
	if p.said.Auth == "" || p.said.Token == "" || p.said.Keys == "" {
		return p, away(errors.New("it does not say where to sign in"))
	}
	return p, nil
}

// Ask is what is asked of a provider for one browser. It is kept on our side
// and used once.
type Ask struct {
	Address  string // where the browser goes
	Started  time.Time
	issuer   string
	state    string
	nonce    string
	verifier string
	redirect string
	now      bool // somebody has to show anew that they are there
}

// AskSSO prepares a sign-in at the provider, which sends the browser back to an
// address of ours. With anew they have to show themselves again, although they
// are signed in there. The error is of kind unavailable when the provider does
// not answer.
func (r *Room) AskSSO(ctx context.Context, redirect string, anew bool) (Ask, error) {
	s, secret, err := r.ssoSettings(ctx)
	if err != nil {
		return Ask{}, err
	}
	p, err := r.provider(ctx, s.Issuer)
	if err != nil {
		return Ask{}, err
	}
	a := Ask{Started: r.now(), issuer: s.Issuer, redirect: redirect, verifier: oauth2.GenerateVerifier(), now: anew}
	for _, field := range []*string{&a.state, &a.nonce} {
		if *field, err = newSecret(); err != nil {
			return Ask{}, err
		}
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(a.nonce), oauth2.S256ChallengeOption(a.verifier)}
	if anew {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	a.Address = s.client(p, secret, redirect).AuthCodeURL(a.state, options...)
	return a, nil
}

func (r *Room) ssoSettings(ctx context.Context) (s SSO, secret string, err error) {
	err = r.store.View(ctx, func(q store.Query) (err error) {
		if s, err = FindSSO(q); err != nil {
			return err
		}
		if !s.On {
			return turnedAway(lang.Mark("single sign-on is switched off here"))
		}
		secret, err = r.clientSecret(q, s)
		return err
	})
	return s, secret, err
}

func (s SSO) client(p provider, secret, redirect string) *oauth2.Config {
	there := p.Endpoint()
	// Said outright, so that a code is not sent twice to find out.
	there.AuthStyle = oauth2.AuthStyleInHeader
	if secret == "" || len(p.said.Secrets) > 0 && !slices.Contains(p.said.Secrets, "client_secret_basic") {
		there.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{ClientID: s.Client, ClientSecret: secret, Endpoint: there, RedirectURL: redirect, Scopes: []string{oidc.ScopeOpenID, "profile"}}
}

// proven is the refusal of an answer that proves nothing. What was wrong stays
// with us.
func unproven(why string, err error) error {
	return &sashlock.Error{Kind: sashlock.Denied, Op: "signing in at the provider", Subject: why, Hint: lang.Mark("the answer of the provider was not accepted; the attempt was recorded"), Err: err}
}

var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// Answered verifies what the browser brought back from the provider and returns
// whose account it is. The error is of kind denied when it proves nothing, and
// says in Subject what was wrong; of kind unavailable when the provider is away.
func (r *Room) Answered(ctx context.Context, a Ask, query url.Values) (Account, error) {
	if r.now().Sub(a.Started) > askLife {
		return Account{}, unproven("too late", nil)
	}
	if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(a.state)) != 1 {
		return Account{}, unproven("another state", nil)
	}
	s, secret, err := r.ssoSettings(ctx)
	if err != nil {
		return Account{}, err
	}
	if s.Issuer != a.issuer || query.Has("iss") && query.Get("iss") != a.issuer {
		return Account{}, unproven("another issuer", nil)
	}
	if code := query.Get("error"); code != "" {
		if !errorCode.MatchString(code) {
			code = "error"
		}
		return Account{}, &sashlock.Error{Kind: sashlock.Denied, Op: "signing in at the provider", Subject: code, Hint: lang.Mark("the provider did not let you in")}
	}
	p, err := r.provider(ctx, s.Issuer)
	if err != nil {
		return Account{}, err
	}
	if p.said.SaysIssuer && !query.Has("iss") {
		return Account{}, unproven("no issuer", nil)
	}
	ctx = oidc.ClientContext(ctx, r.caller)
	token, err := s.client(p, secret, a.redirect).Exchange(ctx, query.Get("code"), oauth2.VerifierOption(a.verifier))
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.Response.StatusCode < 500:
		return Account{}, unproven("the code was not taken", err)
	case err != nil:
		return Account{}, away(err)
	}
	return r.read(ctx, s, p, a, token)
}

// verifier checks tokens of a provider. A clock of ours that is fast must not
// make one expire.
func (r *Room) verifier(s SSO, p provider) *oidc.IDTokenVerifier {
	return p.Verifier(&oidc.Config{ClientID: s.Client, SupportedSigningAlgs: algorithms(), Now: func() time.Time { return r.now().Add(-clockSkew) }})
}

// spoken are the claims that we look at.
type spoken struct {
	Party     string   `json:"azp"`
	Name      string   `json:"name"`
	Preferred string   `json:"preferred_username"`
	Email     string   `json:"email"`
	Methods   []string `json:"amr"`
	Class     string   `json:"acr"`
	Session   string   `json:"sid"`
	AuthTime  float64  `json:"auth_time"`
}

// read verifies an identity token and reads the account from it.
func (r *Room) read(ctx context.Context, s SSO, p provider, a Ask, token *oauth2.Token) (Account, error) {
	raw, _ := token.Extra("id_token").(string)
	id, err := r.verifier(s, p).Verify(ctx, raw)
	if err != nil {
		return Account{}, r.wrongToken(err)
	}
	var c spoken
	if err := id.Claims(&c); err != nil {
		return Account{}, unproven("claims", err)
	}
	now := r.now()
	shown := time.Unix(int64(c.AuthTime), 0)
	switch {
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.nonce)) != 1:
		return Account{}, unproven("another nonce", nil)
	case c.Party != "" && c.Party != s.Client || len(id.Audience) > 1 && c.Party == "":
		return Account{}, unproven("for another client", nil)
	case id.IssuedAt.After(now.Add(clockSkew)) || id.IssuedAt.Before(now.Add(-oldestToken-clockSkew)):
		return Account{}, unproven("issued at another time", nil)
	case id.AccessTokenHash != "" && id.VerifyAccessToken(token.AccessToken) != nil:
		return Account{}, unproven("another access token", nil)
	case id.Subject == "" || len(id.Subject) > 255:
		return Account{}, unproven("no subject", nil)
	case a.now && (c.AuthTime == 0 || shown.Before(a.Started.Add(-clockSkew)) || shown.After(now.Add(clockSkew))):
		return Account{}, unproven("not shown anew", nil)
	}
	all := map[string]any{}
	if err := id.Claims(&all); err != nil {
		return Account{}, unproven("claims", err)
	}
	found := Account{
		Issuer: id.Issuer, Subject: id.Subject, Session: clip(c.Session, 255), Shown: now,
		Name:   cmp.Or(c.Name, c.Preferred, c.Email),
		Strong: slices.ContainsFunc(append(c.Methods, c.Class), func(m string) bool { return m != "" && slices.Contains(s.Proofs, m) }),
	}
	var there bool
	if found.Values, there = valuesOf(all, s.ClaimName()); !there || found.Name == "" {
		return r.askMore(ctx, s, p, token, found)
	}
	return found, nil
}

// wrongToken tells a token that is wrong from keys that cannot be had.
func (r *Room) wrongToken(err error) error {
	if strings.Contains(err.Error(), "fetching keys") {
		return away(err)
	}
	return unproven("token not accepted", err)
}

// askMore asks the provider for what the token did not say.
func (r *Room) askMore(ctx context.Context, s SSO, p provider, token *oauth2.Token, found Account) (Account, error) {
	if p.UserInfoEndpoint() == "" {
		return found, nil
	}
	more, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return found, away(err)
	}
	all := map[string]any{}
	if err := more.Claims(&all); err != nil || more.Subject != found.Subject {
		return found, unproven("about somebody else", err)
	}
	if len(found.Values) == 0 {
		found.Values, _ = valuesOf(all, s.ClaimName())
	}
	for _, key := range []string{"name", "preferred_username", "email"} {
		if text, is := all[key].(string); is && found.Name == "" {
			found.Name = text
		}
	}
	return found, nil
}

// valuesOf reads a claim that has one value or several. A name with dots is a
// way into objects, unless there is a claim of that very name.
func valuesOf(all map[string]any, claim string) (values []string, there bool) {
	v, there := all[claim]
	if first, rest, deeper := strings.Cut(claim, "."); !there && deeper {
		inner, _ := all[first].(map[string]any)
		return valuesOf(inner, rest)
	}
	switch v := v.(type) {
	case string:
		return []string{v}, true
	case []any:
		for _, one := range v[:min(len(v), 10_000)] {
			if text, is := one.(string); is {
				values = append(values, text)
			}
		}
	}
	return values, there
}

// Logout ends the sessions that a provider says are over (OpenID Connect
// Back-Channel Logout 1.0). A token counts once. From is where it came from: a
// place that sends wrong ones has to wait.
func (r *Room) Logout(ctx context.Context, token, from string) error {
	place := counted{key: "logout " + from, free: freeFromAPlace, most: time.Minute}
	if wait := r.wrong.begin(r.now(), place); wait > 0 {
		return &sashlock.Error{Kind: sashlock.Limit, Op: "signing out", Hint: wait.Round(time.Second).String()}
	}
	err := r.logout(ctx, token)
	if !sashlock.IsKind(err, sashlock.Denied) {
		r.wrong.right(place)
	}
	return err
}

func (r *Room) logout(ctx context.Context, token string) error {
	s, _, err := r.ssoSettings(ctx)
	if err != nil {
		return err
	}
	p, err := r.provider(ctx, s.Issuer)
	if err != nil {
		return err
	}
	out, err := r.verifier(s, p).VerifyLogout(oidc.ClientContext(ctx, r.caller), token)
	if err != nil {
		return r.wrongToken(err)
	}
	if !r.sso.first(out.TokenID, out.Expiry.Add(clockSkew), r.now()) {
		return unproven("used before", nil)
	}
	return r.EndAt(ctx, Account{Issuer: out.Issuer, Subject: out.Subject, Session: out.SessionID})
}

// first reports whether a token is seen for the first time.
func (p *providers) first(token string, until, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.outs == nil {
		p.outs = map[string]time.Time{}
	}
	for old, end := range p.outs {
		if !now.Before(end) {
			delete(p.outs, old)
		}
	}
	if _, seen := p.outs[token]; seen || len(p.outs) >= mostLogouts {
		return false
	}
	p.outs[token] = until
	return true
}

// Elsewhere is where somebody who signed in at the provider can sign out there
// too; empty: the provider has no such page, or is away.
func (r *Room) Elsewhere(ctx context.Context, back string) string {
	s, _, err := r.ssoSettings(ctx)
	if err != nil {
		return ""
	}
	p, err := r.provider(ctx, s.Issuer)
	if err != nil || p.said.EndSession == "" {
		return ""
	}
	u, err := url.Parse(p.said.EndSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", s.Client)
	q.Set("post_logout_redirect_uri", back)
	u.RawQuery = q.Encode()
	return u.String()
}
