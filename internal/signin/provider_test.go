// SPDX-License-Identifier: Apache-2.0

package signin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// lender is a provider of OpenID Connect that says what its test wants.
type lender struct {
	*httptest.Server
	o     *office
	key   *ecdsa.PrivateKey
	codes map[string]string // the challenge of each code it gave out

	claims map[string]any // what a token says beside the usual
	forge  func(claims map[string]any) string
	plain  map[string]any // what it says of itself beside the usual
}

const client = "store-7"

func newLender(o *office) *lender {
	o.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	o.must(err)
	l := &lender{o: o, key: key, codes: map[string]string{}, claims: map[string]any{"sub": "u-1", "name": "Ana Silva", "groups": []string{"lisbon-sales"}}}
	mux := http.NewServeMux()
	l.Server = httptest.NewServer(mux)
	o.t.Cleanup(l.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		said := map[string]any{
			"issuer": l.URL, "authorization_endpoint": l.URL + "/auth", "token_endpoint": l.URL + "/token", "jwks_uri": l.URL + "/keys", "end_session_endpoint": l.URL + "/out",
			"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"}, "code_challenge_methods_supported": []string{"S256"},
		}
		maps.Copy(said, l.plain)
		o.must(json.NewEncoder(w).Encode(said))
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		public, err := key.PublicKey.Bytes()
		o.must(err)
		o.must(json.NewEncoder(w).Encode(map[string]any{"keys": []map[string]string{{
			"kty": "EC", "crv": "P-256", "kid": "k1", "alg": "ES256", "use": "sig",
			"x": base64.RawURLEncoding.EncodeToString(public[1:33]), "y": base64.RawURLEncoding.EncodeToString(public[33:]),
		}}}))
	})
	mux.HandleFunc("POST /token", l.token)
	return l
}

func (l *lender) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	id, secret, _ := r.BasicAuth()
	if id != client || secret != "s3cret" {
		w.WriteHeader(http.StatusUnauthorized)
		l.o.must(json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client"}))
		return
	}
	nonce, known := l.codes[r.PostFormValue("code")]
	delete(l.codes, r.PostFormValue("code"))
	if !known || r.PostFormValue("code_verifier") == "" {
		w.WriteHeader(http.StatusBadRequest)
		l.o.must(json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant"}))
		return
	}
	claims := map[string]any{"iss": l.URL, "aud": client, "nonce": nonce, "iat": l.o.now.Unix(), "exp": l.o.now.Add(5 * time.Minute).Unix()}
	maps.Copy(claims, l.claims)
	text := l.sign(claims)
	if l.forge != nil {
		text = l.forge(claims)
	}
	l.o.must(json.NewEncoder(w).Encode(map[string]any{"access_token": "at", "token_type": "Bearer", "id_token": text}))
}

func (l *lender) sign(claims map[string]any) string { return l.signBy(l.key, claims) }

func (l *lender) signBy(key *ecdsa.PrivateKey, claims map[string]any) string {
	text, err := json.Marshal(claims)
	l.o.must(err)
	return oidctest.SignIDToken(key, "k1", oidc.ES256, string(text))
}

// visit signs somebody in there and returns what their browser brings back.
func (l *lender) visit(a signin.Ask) url.Values {
	l.o.t.Helper()
	u, err := url.Parse(a.Address)
	l.o.must(err)
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("response_type") != "code" || !strings.HasPrefix(q.Get("scope"), "openid") {
		l.o.t.Errorf("asked for %v", q)
	}
	code := rand.Text()
	l.codes[code] = q.Get("nonce")
	return url.Values{"code": {code}, "state": {q.Get("state")}}
}

// joined is an office whose operators may sign in at a provider.
func joined(t *testing.T) (*office, *lender, signin.Operator) {
	t.Helper()
	o := newOffice(t)
	owner, _ := o.claim("Olga Owner")
	l := newLender(o)
	o.must(o.Signin.SaveSSO(t.Context(), owner, signin.SSO{
		On: true, Issuer: l.URL, Client: client, Proofs: []string{"phr"},
		Rules: []signin.SSORule{{Value: "lisbon-sales", Role: signin.Associate, Sites: []sashlock.SiteID{"sit_l"}}, {Value: "porto-sales", Role: signin.Associate, Sites: []sashlock.SiteID{"sit_p"}}, {Value: "managers", Role: signin.Manager}},
	}, "s3cret"))
	return o, l, owner
}

func (o *office) ask() signin.Ask {
	o.t.Helper()
	a, err := o.Signin.AskSSO(o.t.Context(), "http://localhost/signin/sso/back", false)
	o.must(err)
	return a
}

func TestSingleSignOn(t *testing.T) {
	o, l, owner := joined(t)
	ctx := t.Context()
	come := func() (signin.Operator, error) {
		t.Helper()
		a := o.ask()
		account, err := o.Signin.Answered(ctx, a, l.visit(a))
		o.must(err)
		return o.Signin.Welcome(ctx, account)
	}
	ana, err := come()
	o.must(err)
	if ana.Role != signin.Associate || ana.Name != "Ana Silva" || len(ana.Sites) != 1 {
		t.Errorf("%+v", ana)
	}
	l.claims["groups"], l.claims["name"] = []string{"porto-sales", "lisbon-sales"}, "Renamed Elsewhere"
	again, err := come()
	o.must(err)
	if again.ID != ana.ID || len(again.Sites) != 2 || again.Name != "Ana Silva" {
		t.Errorf("the rules changed and %+v", again)
	}
	// Somebody else of the same name is somebody else.
	l.claims = map[string]any{"sub": "u-2", "name": "Ana Silva", "groups": "lisbon-sales"}
	other, err := come()
	o.must(err)
	if other.ID == ana.ID || other.Name == ana.Name {
		t.Errorf("%+v", other)
	}
	// A role that needs a passkey needs one there too.
	l.claims = map[string]any{"sub": "u-3", "name": "Mia", "groups": []string{"managers"}, "amr": []string{"pwd", "otp"}}
	_, err = come()
	o.refused(err, sashlock.Denied, "a manager by password elsewhere")
	l.claims["amr"] = []string{"phr"}
	mia, err := come()
	o.must(err)
	if _, _, err := o.Signin.Begin(ctx, mia.ID, signin.BySSOStrong, "browser"); err != nil || mia.Role != signin.Manager {
		t.Errorf("a manager by passkey elsewhere: %+v, %v", mia, err)
	}
	// Who fits no rule any more is suspended, with every session.
	_, secret, err := o.Signin.Begin(ctx, mia.ID, signin.BySSOStrong, "browser")
	o.must(err)
	l.claims["groups"] = []string{"elsewhere"}
	_, err = come()
	o.refused(err, sashlock.Denied, "somebody whom no rule fits any more")
	_, err = o.Signin.Session(ctx, secret)
	o.refused(err, sashlock.Denied, "their session")
	l.claims = map[string]any{"sub": "u-4", "name": "Nobody", "groups": []string{}}
	_, err = come()
	o.refused(err, sashlock.Denied, "a newcomer whom no rule fits")
	// Nobody is made an owner, whatever is in the database.
	o.refused(o.Signin.SaveSSO(ctx, owner, signin.SSO{On: true, Issuer: l.URL, Client: client, Rules: []signin.SSORule{{Value: "x", Role: signin.Owner}}}, ""), sashlock.Invalid, "a rule that makes owners")
	o.refused(o.Signin.SaveSSO(ctx, ana, signin.SSO{Issuer: l.URL, Client: client}, ""), sashlock.Denied, "an associate's settings")
	events, err := o.Store.Events(ctx, store.EventQuery{Kind: string(sashlock.SSOSaved)})
	o.must(err)
	if len(events) != 1 || strings.Contains(string(events[0].Data), "s3cret") {
		t.Errorf("the ledger says %+v", events)
	}
}

func TestAnswersOfAProviderThatProveNothing(t *testing.T) {
	o, l, _ := joined(t)
	ctx := t.Context()
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	o.must(err)
	say := func(field string, value any) func(map[string]any) string {
		return func(c map[string]any) string {
			c[field] = value
			if value == nil {
				delete(c, field)
			}
			return l.sign(c)
		}
	}
	for what, forge := range map[string]func(map[string]any) string{
		"another nonce":       say("nonce", "made-up"),
		"no nonce":            say("nonce", nil),
		"another issuer":      say("iss", "https://evil.example"),
		"another audience":    say("aud", "another-client"),
		"two audiences":       say("aud", []string{client, "another-client"}),
		"another party":       say("azp", "another-client"),
		"expired":             say("exp", o.now.Add(-5*time.Minute).Unix()),
		"issued long ago":     say("iat", o.now.Add(-time.Hour).Unix()),
		"issued in future":    say("iat", o.now.Add(time.Hour).Unix()),
		"not valid yet":       say("nbf", o.now.Add(time.Hour).Unix()),
		"no subject":          say("sub", ""),
		"another access":      say("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
		"another key":         func(c map[string]any) string { return l.signBy(other, c) },
		"no token":            func(map[string]any) string { return "" },
		"no signature":        func(c map[string]any) string { return unsigned(o, c) },
		"a signature cut off": func(c map[string]any) string { s := l.sign(c); return s[:strings.LastIndexByte(s, '.')+1] },
		"a key for another use": func(c map[string]any) string {
			return strings.Replace(l.sign(c), ".", "."+base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"evil"}`))+".", 1)
		},
	} {
		l.forge = forge
		a := o.ask()
		_, err := o.Signin.Answered(ctx, a, l.visit(a))
		o.refused(err, sashlock.Denied, what)
	}
	l.forge = nil

	a := o.ask()
	back := l.visit(a)
	wrong := maps.Clone(back)
	wrong["state"] = []string{"made-up"}
	_, err = o.Signin.Answered(ctx, a, wrong)
	o.refused(err, sashlock.Denied, "another state")
	_, err = o.Signin.Answered(ctx, o.ask(), back)
	o.refused(err, sashlock.Denied, "another browser's answer")
	mixed := maps.Clone(back)
	mixed["iss"] = []string{"https://evil.example"}
	_, err = o.Signin.Answered(ctx, a, mixed)
	o.refused(err, sashlock.Denied, "an answer of another provider")
	if _, err = o.Signin.Answered(ctx, a, back); err != nil {
		t.Errorf("the right answer: %v", err)
	}
	_, err = o.Signin.Answered(ctx, a, back)
	o.refused(err, sashlock.Denied, "the same code again")
	a = o.ask()
	back = l.visit(a)
	o.now = o.now.Add(11 * time.Minute)
	_, err = o.Signin.Answered(ctx, a, back)
	o.refused(err, sashlock.Denied, "an answer too late")
	anew, err := o.Signin.AskSSO(ctx, "http://localhost/signin/sso/back", true)
	o.must(err)
	l.claims["auth_time"] = o.now.Add(-time.Hour).Unix()
	_, err = o.Signin.Answered(ctx, anew, l.visit(anew))
	o.refused(err, sashlock.Denied, "somebody who did not show themselves anew")
	_, err = o.Signin.Answered(ctx, o.ask(), url.Values{"state": {"x"}, "error": {"access_denied"}})
	o.refused(err, sashlock.Denied, "an error of another browser")
}

// unsigned is a token that says it needs no signature.
func unsigned(o *office, claims map[string]any) string {
	text, err := json.Marshal(claims)
	o.must(err)
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(text) + "."
}

func TestClocksMayDiffer(t *testing.T) {
	o, l, _ := joined(t)
	for _, skew := range []time.Duration{-90 * time.Second, 90 * time.Second} {
		l.forge = func(c map[string]any) string {
			c["iat"], c["exp"] = o.now.Add(skew).Unix(), o.now.Add(skew+time.Minute).Unix()
			return l.sign(c)
		}
		a := o.ask()
		if _, err := o.Signin.Answered(t.Context(), a, l.visit(a)); err != nil {
			t.Errorf("a provider %v ahead: %v", skew, err)
		}
	}
}

func TestAProviderThatIsAway(t *testing.T) {
	o, l, owner := joined(t)
	ctx := t.Context()
	a := o.ask()
	back := l.visit(a)
	l.Close()
	_, err := o.Signin.Answered(ctx, a, back)
	o.refused(err, sashlock.Unavailable, "a code while it is away")
	o.now = o.now.Add(2 * time.Hour)
	_, err = o.Signin.AskSSO(ctx, "http://localhost/signin/sso/back", false)
	o.refused(err, sashlock.Unavailable, "asking while it is away")
	if _, _, err := o.Signin.Begin(ctx, owner.ID, signin.ByPasskey, "browser"); err != nil {
		t.Errorf("a passkey meanwhile: %v", err)
	}
}

func TestTheProviderEndsSessions(t *testing.T) {
	o, l, _ := joined(t)
	ctx := t.Context()
	a := o.ask()
	account, err := o.Signin.Answered(ctx, a, l.visit(a))
	o.must(err)
	ana, err := o.Signin.Welcome(ctx, account)
	o.must(err)
	arrive := func(means, elsewhere string) string {
		_, secret, err := o.Signin.Arrive(ctx, ana.ID, signin.Arrival{Means: means, Elsewhere: elsewhere})
		o.must(err)
		return secret
	}
	one, two, own := arrive(signin.BySSO, "sid-1"), arrive(signin.BySSO, "sid-2"), arrive(signin.ByPasskey, "")
	stands := func(secret string) bool { _, err := o.Signin.Session(ctx, secret); return err == nil }
	out := func(sid string) map[string]any {
		return map[string]any{"iss": l.URL, "aud": client, "iat": o.now.Unix(), "exp": o.now.Add(time.Minute).Unix(), "jti": rand.Text(), "sid": sid, "sub": "u-1",
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
	}
	forged := out("sid-1")
	forged["aud"] = "another-client"
	o.refused(o.Signin.Logout(ctx, l.sign(forged), "p"), sashlock.Denied, "a logout for another client")
	o.refused(o.Signin.Logout(ctx, unsigned(o, out("sid-1")), "p"), sashlock.Denied, "an unsigned logout")
	if !stands(one) {
		t.Fatal("a forged logout ended a session")
	}
	token := l.sign(out("sid-1"))
	o.must(o.Signin.Logout(ctx, token, "p"))
	if stands(one) || !stands(two) || !stands(own) {
		t.Error("the logout ended the wrong ones")
	}
	o.refused(o.Signin.Logout(ctx, token, "p"), sashlock.Denied, "the same logout again")
	o.must(o.Signin.Logout(ctx, l.sign(out("")), "p"))
	if stands(two) || !stands(own) {
		t.Error("the logout of all ended the wrong ones")
	}
}

func TestTryingAConnection(t *testing.T) {
	o, l, owner := joined(t)
	good := func(s signin.SSO, secret string) (n, bad int) {
		found, err := o.Signin.Try(t.Context(), owner, s, secret, "http://localhost/back")
		o.must(err)
		for _, f := range found {
			if !f.Good {
				bad++
			}
		}
		return len(found), bad
	}
	s := signin.SSO{Issuer: l.URL, Client: client}
	if n, bad := good(s, ""); n != 5 || bad != 0 {
		t.Errorf("with the secret that is kept: %d findings, %d bad", n, bad)
	}
	if _, bad := good(s, "wrong"); bad != 1 {
		t.Errorf("with a wrong secret: %d bad", bad)
	}
	s.Client = "another"
	if _, bad := good(s, ""); bad != 1 {
		t.Errorf("another client got the secret that is kept: %d bad", bad)
	}
	s.Issuer = l.URL + "/elsewhere"
	if n, bad := good(s, ""); n != 1 || bad != 1 {
		t.Errorf("another address: %d findings, %d bad", n, bad)
	}
	for _, issuer := range []string{"", "http://login.example.com", "ftp://x", "https://user@login.example.com", "file:///etc/passwd", "https://x/?q"} {
		_, err := o.Signin.Try(t.Context(), owner, signin.SSO{Issuer: issuer, Client: client}, "", "")
		o.refused(err, sashlock.Invalid, issuer)
	}
}

func FuzzValuesOfAClaim(f *testing.F) {
	f.Add(`{"groups":["a","b"]}`, "groups")
	f.Add(`{"realm_access":{"roles":["a"]}}`, "realm_access.roles")
	f.Add(`{"a.b":"x"}`, "a.b")
	f.Fuzz(func(t *testing.T, text, claim string) {
		all := map[string]any{}
		if json.Unmarshal([]byte(text), &all) != nil {
			return
		}
		if values := signin.ValuesOf(all, claim); len(values) > len(text) {
			t.Errorf("%d values of %q", len(values), text)
		}
	})
}
