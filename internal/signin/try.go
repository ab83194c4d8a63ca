// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Finding is one thing that a test of the connection found out.
type Finding struct {
	Good bool
	Text string // in words, to be said in every language
}

// Try asks a provider what it says of itself, for its keys, and whether it
// knows this client, before anything is saved. An empty secret is the one that
// is kept, if it is for the same issuer and client.
func (r *Room) Try(ctx context.Context, by Operator, s SSO, secret, redirect string) ([]Finding, error) {
	if err := firstOf(by.ownsAll(), s.Check); err != nil {
		return nil, err
	}
	if secret == "" || s.SecretFile != "" {
		err := r.store.View(ctx, func(q store.Query) error {
			kept, err := FindSSO(q)
			if err != nil || s.SecretFile == "" && (kept.Issuer != s.Issuer || kept.Client != s.Client) {
				return err
			}
			kept.SecretFile = s.SecretFile
			secret, err = r.clientSecret(q, kept)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	p, err := r.discover(ctx, s.Issuer)
	if err != nil {
		return []Finding{{false, lang.Mark("The provider does not answer at this address, or calls itself something else.")}}, nil //nolint:nilerr // that is the finding
	}
	all := []Finding{{true, lang.Mark("The provider answers and calls itself by this address.")}}
	add := func(good bool, yes, no string) {
		text := yes
		if !good {
			text = no
		}
		all = append(all, Finding{good, text})
	}
	add(slices.Contains(p.said.PKCE, "S256"), lang.Mark("It binds each sign-in to its browser (PKCE)."), lang.Mark("It does not say that it binds a sign-in to its browser (PKCE S256)."))
	add(slices.ContainsFunc(p.said.Signed, func(a string) bool { return slices.Contains(algorithms(), a) }),
		lang.Mark("It signs its answers in a way that is accepted here."), lang.Mark("It does not say that it signs its answers in a way that is accepted here."))
	add(r.hasKeys(ctx, p.said.Keys), lang.Mark("Its keys can be fetched."), lang.Mark("Its keys cannot be fetched."))
	add(r.knows(ctx, s, p, secret, redirect), lang.Mark("It knows this client and takes the secret."), lang.Mark("It does not know this client, or does not take the secret."))
	return all, nil
}

// hasKeys reports whether a key set has keys.
func (r *Room) hasKeys(ctx context.Context, address string) bool {
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	answer, err := r.caller.Do(ask)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	var set struct{ Keys []json.RawMessage }
	return answer.StatusCode == http.StatusOK && json.NewDecoder(answer.Body).Decode(&set) == nil && len(set.Keys) > 0
}

// knows reports whether a provider knows this client. It is asked to take a
// code that nobody gave out: what it complains about tells (RFC 6749, section
// 5.2).
func (r *Room) knows(ctx context.Context, s SSO, p provider, secret, redirect string) bool {
	_, err := s.client(p, secret, redirect).Exchange(oidc.ClientContext(ctx, r.caller), "a-code-that-nobody-gave-out", oauth2.VerifierOption(oauth2.GenerateVerifier()))
	var refused *oauth2.RetrieveError
	return errors.As(err, &refused) && refused.ErrorCode == "invalid_grant"
}
