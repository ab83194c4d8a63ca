// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

func TestSameKeyIsDoneOnce(t *testing.T) { onEachEngine(t, sameKeyIsDoneOnce) }

func sameKeyIsDoneOnce(t *testing.T, h *house) {
	h.furnish()
	first := h.want(h.release("case-1", "ana", "Idempotency-Key", "k-1"), 202)
	again := h.want(h.release("case-1", "ana", "Idempotency-Key", "k-1"), 202)
	if !bytes.Equal(first.body, again.body) || again.header.Get("Idempotent-Replayed") != "true" || first.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("replayed %s %v, first %s", again.body, again.header, first.body)
	}
	for _, name := range []string{"Location", "Content-Type"} {
		if first.header.Get(name) == "" || first.header.Get(name) != again.header.Get(name) {
			t.Errorf("%s: %q, then %q", name, first.header.Get(name), again.header.Get(name))
		}
	}
	if n := h.count(sashlock.CommandQueued); n != 1 {
		t.Errorf("%d commands", n)
	}
	h.wantProblem(h.release("case-1", "bob", "Idempotency-Key", "k-1"), 422, "invalid")
	h.wantProblem(h.release("case-2", "ana", "Idempotency-Key", "k-1"), 422, "invalid")
	h.want(h.release("case-1", "ana", "Idempotency-Key", "k-2"), 202)
	other := h.tokenFor(signin.Release, signin.Read)
	h.want(h.send("POST", "/v1/openings/case-1/actions", map[string]string{"type": "release", "person": "ana"}, "Authorization", "Bearer "+other, "Idempotency-Key", "k-1"), 202)
	if n := h.count(sashlock.CommandQueued); n != 3 {
		t.Errorf("%d commands", n)
	}
}

func TestRefusalIsReplayedToo(t *testing.T) {
	h := newHouse(t).furnish()
	first := h.release("case-1", "bob", "Idempotency-Key", "k")
	again := h.release("case-1", "bob", "Idempotency-Key", "k")
	h.wantProblem(again, 403, string(sashlock.Unauthorized))
	if !bytes.Equal(first.body, again.body) || h.count(sashlock.AccessDenied) != 1 {
		t.Errorf("first %s, again %s", first.body, again.body)
	}
}

func TestConcurrentRepeatsAreDoneOnce(t *testing.T) { onEachEngine(t, concurrentRepeatsAreDoneOnce) }

func concurrentRepeatsAreDoneOnce(t *testing.T, h *house) {
	h.furnish()
	const n = 24
	answers := make([]answer, n)
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			answers[i], errs[i] = h.try("POST", "/v1/openings/case-1/actions", `{"type": "release", "person": "ana"}`,
				"Authorization", "Bearer "+h.token, "Idempotency-Key", "same", "Prefer", "wait=1")
		})
	}
	group.Wait()
	did := 0
	for i, a := range answers {
		switch {
		case errs[i] != nil:
			t.Error(errs[i])
		case a.status == 409:
			h.wantProblem(a, 409, "conflict")
		case a.status == 200 || a.status == 202:
			if a.header.Get("Idempotent-Replayed") == "" {
				did++
			}
		default:
			t.Errorf("status %d: %s", a.status, a.body)
		}
	}
	if did != 1 || h.count(sashlock.CommandQueued) != 1 {
		t.Errorf("done %d times, %d commands", did, h.count(sashlock.CommandQueued))
	}
}

func TestKeyOutlivesTheProcess(t *testing.T) {
	h := newHouse(t).furnish()
	first := h.want(h.release("case-1", "ana", "Idempotency-Key", "k"), 202)
	token, data := h.token, h.Config.Data
	// As if the process had died between taking the key and answering.
	if _, err := h.Store.Do(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO idempotency (operator, key, request_hash, status, body, created) SELECT operator, 'cut', request_hash, 0, ?, created FROM idempotency WHERE key = 'k'`, []byte("{}"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	h.close()
	h = openHouse(t, data, "")
	h.token = token
	again := h.want(h.release("case-1", "ana", "Idempotency-Key", "k"), 202)
	if !bytes.Equal(first.body, again.body) {
		t.Errorf("first %s, after the restart %s", first.body, again.body)
	}
	h.wantProblem(h.release("case-1", "ana", "Idempotency-Key", "cut"), 409, "conflict")
	if n := h.count(sashlock.CommandQueued); n != 1 {
		t.Errorf("%d commands", n)
	}
}

func TestKeyIsForgottenAfterADay(t *testing.T) {
	h := newHouse(t)
	role := map[string]string{"slug": "guard", "name": "Guard"}
	h.want(h.call("POST", "/v1/roles", role, "Idempotency-Key", "k"), 201)
	h.want(h.call("POST", "/v1/roles", role, "Idempotency-Key", "k"), 201)
	_, long, err := h.Signin.Issue(t.Context(), "", "long", signin.Scopes(), 72*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	h.ahead.Store(int64(25 * time.Hour))
	h.token = long
	h.want(h.call("POST", "/v1/roles", map[string]string{"slug": "x", "name": "x"}, "Idempotency-Key", "other"), 201)
	if n := h.rows(`SELECT COUNT(*) FROM idempotency`); n != 1 {
		t.Errorf("%d keys are kept", n)
	}
}

// rows reads a number from the database.
func (h *house) rows(query string, args ...any) (n int) {
	h.t.Helper()
	if err := h.Store.View(context.Background(), func(q store.Query) error { return q.QueryRow(query, args...).Scan(&n) }); err != nil {
		h.t.Fatal(err)
	}
	return n
}

func TestKeysThatCannotBeKept(t *testing.T) { onEachEngine(t, keysThatCannotBeKept) }

func keysThatCannotBeKept(t *testing.T, h *house) {
	role := map[string]string{"slug": "guard", "name": "Guard"}
	h.rejected("long key", h.call("POST", "/v1/roles", role, "Idempotency-Key", strings.Repeat("k", 256)), 422)
	h.rejected("bytes", h.call("POST", "/v1/roles", role, "Idempotency-Key", "\xff\xfe"), 422)
	h.rejected("huge body", h.call("POST", "/v1/roles", strings.Repeat(" ", 2<<20), "Idempotency-Key", "k"), 413)
	if n := h.rows(`SELECT COUNT(*) FROM idempotency`); n != 0 {
		t.Errorf("%d keys are kept", n)
	}
}

// A caller that goes away while it waits has been answered as far as the ledger
// is concerned: sending the same again must not open a second time.
func TestCallerThatGoesAwayOpensOnce(t *testing.T) {
	h := newHouse(t).furnish()
	if err := h.world.LoseNext("1", 100); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "POST", h.server.URL+"/v1/openings/case-1/actions", strings.NewReader(`{"type": "release", "person": "ana"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Authorization": "Bearer " + h.token, "Idempotency-Key": "gone", "Prefer": "wait=15", "Content-Type": "application/json"} {
		r.Header.Set(name, value)
	}
	gone := make(chan error, 1)
	go func() {
		resp, err := h.server.Client().Do(r)
		if err == nil {
			resp.Body.Close()
		}
		gone <- err
	}()
	h.eventually("the command is under way", func() bool { return h.count(sashlock.CommandQueued) == 1 })
	cancel()
	if err := <-gone; err == nil {
		t.Fatal("the call was answered before it was cut")
	}
	h.eventually("the answer is kept", func() bool {
		return h.rows(`SELECT COUNT(*) FROM idempotency WHERE key = 'gone' AND status <> 0`) == 1
	})
	a := h.want(h.call("POST", "/v1/openings/case-1/actions", `{"type": "release", "person": "ana"}`, "Idempotency-Key", "gone"), 202)
	if a.header.Get("Idempotent-Replayed") != "true" || h.count(sashlock.CommandQueued) != 1 {
		t.Errorf("answered %s %v; %d commands", a.body, a.header, h.count(sashlock.CommandQueued))
	}
	if action := read[api.Action](h, a); action.ID == "" {
		t.Errorf("replayed %s", a.body)
	}
}

func TestSecretsAreShownOnce(t *testing.T) { onEachEngine(t, secretsAreShownOnce) }

func secretsAreShownOnce(t *testing.T, h *house) {
	ask := map[string]any{"name": "till", "scopes": []string{"read", "read"}, "life": "1h"}
	a := h.want(h.call("POST", "/v1/tokens", ask, "Idempotency-Key", "k"), 201)
	issued := read[api.IssuedToken](h, a)
	if len(issued.Secret) < 40 || len(issued.Scopes) != 1 {
		t.Fatalf("issued %s", a.body)
	}
	h.want(h.send("GET", "/v1/sites", nil, "Authorization", "Bearer "+issued.Secret), 200)
	h.want(h.send("GET", "/v1/sites", nil, "Authorization", "bearer  "+issued.Secret), 200)
	again := read[api.IssuedToken](h, h.want(h.call("POST", "/v1/tokens", ask, "Idempotency-Key", "k"), 201))
	if again.Secret == issued.Secret {
		t.Error("the same secret came twice")
	}
	if n := h.rows(`SELECT COUNT(*) FROM idempotency`); n != 0 {
		t.Errorf("%d answers are kept", n)
	}
	for _, path := range []string{"/v1/tokens", "/v1/events?limit=200", "/v1/estate"} {
		if body := h.want(h.call("GET", path, nil), 200).body; bytes.Contains(body, []byte(issued.Secret)) || bytes.Contains(body, []byte("sash_")) {
			t.Errorf("%s shows a secret", path)
		}
	}
	h.want(h.call("DELETE", "/v1/tokens/"+string(issued.ID), nil), 204)
	h.want(h.call("DELETE", "/v1/tokens/"+string(issued.ID), nil), 204)
	h.wantProblem(h.send("GET", "/v1/sites", nil, "Authorization", "Bearer "+issued.Secret), 401, "denied")
	h.wantProblem(h.call("DELETE", "/v1/tokens/opr_none", nil), 404, "not_found")
}

func TestTokensGiveNoMoreThanTheyHave(t *testing.T) {
	h := newHouse(t)
	small := h.tokenFor(signin.Tokens, signin.Read)
	for _, scopes := range [][]string{{"setup"}, {"read", "access"}, {"release"}, {"everything"}, {"public"}, {""}} {
		a := h.send("POST", "/v1/tokens", map[string]any{"name": "x", "scopes": scopes, "life": "1h"}, "Authorization", "Bearer "+small)
		h.rejected("too much", a, 403, 422)
	}
	h.want(h.send("POST", "/v1/tokens", map[string]any{"name": "x", "scopes": []string{"read"}, "life": "1h"}, "Authorization", "Bearer "+small), 201)
	for _, life := range []string{"", "59s", "-1h", "8785h", "soon", "9999999999h", "1"} {
		h.rejected("life "+life, h.call("POST", "/v1/tokens", map[string]any{"name": "x", "scopes": []string{"read"}, "life": life}), 422)
	}
}

func TestEndedTokensAreRefusedAllAlike(t *testing.T) {
	h := newHouse(t)
	_, expired, err := h.Signin.Issue(t.Context(), "", "short", []signin.Scope{signin.Read}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	token, revoked, err := h.Signin.Issue(t.Context(), "", "gone", []signin.Scope{signin.Read}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	h.want(h.send("GET", "/v1/sites", nil, "Authorization", "Bearer "+expired), 200)
	h.ahead.Store(int64(time.Minute))
	if err := h.Signin.Revoke(t.Context(), "", token.ID); err != nil {
		t.Fatal(err)
	}
	unknown := "sash_" + strings.Repeat("A", 43)
	var bodies []string
	for _, secret := range []string{expired, revoked, unknown, "sash_short", ""} {
		a := h.send("GET", "/v1/sites", nil, "Authorization", "Bearer "+secret)
		h.wantProblem(a, 401, "denied")
		bodies = append(bodies, string(a.body))
	}
	for _, b := range bodies {
		if b != bodies[0] {
			t.Errorf("refusals differ: %s and %s", b, bodies[0])
		}
	}
}

func TestTokensComeInPages(t *testing.T) { onEachEngine(t, tokensComeInPages) }

func tokensComeInPages(t *testing.T, h *house) {
	for range 7 {
		h.tokenFor(signin.Read)
	}
	got := walk(h, "/v1/tokens?limit=3", func(t signin.Token) string { return string(t.ID) })
	if len(got) != 8 || !slices.IsSortedFunc(got, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("walked over %v, want the newest first", got)
	}
}
