// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

func TestWhatHappenedCanBeProvedOffline(t *testing.T) {
	h := newHouse(t).furnish()
	older := string(h.want(h.send("GET", "/v1/ledger/checkpoint", nil), 200).body)
	action := read[api.Action](h, h.want(h.release("case-1", "ana", "Prefer", "wait=10"), 200))
	refused := h.wantProblem(h.release("case-1", "bob"), 403, "unauthorized")
	granted, denied := get[api.Decision](h, "/v1/decisions/"+action.Decision), get[api.Decision](h, "/v1/decisions/"+refused.Decision)

	key := read[struct{ Key, Fingerprint string }](h, h.want(h.send("GET", "/v1/ledger/key", nil), 200))
	trusted, err := proof.ParseKey(key.Key)
	if err != nil {
		t.Fatal(err)
	}
	q := url.Values{"seq": {itoa(*granted.Seq) + "," + itoa(*denied.Seq) + "," + itoa(*granted.Seq)}, "since": {older}}
	text := h.want(h.call("GET", "/v1/ledger/proof?"+q.Encode(), nil), 200).body
	bundle, err := proof.DecodeBundle(text)
	if err != nil {
		t.Fatal(err)
	}
	report, err := proof.Verify(bundle, trusted)
	if err != nil || len(report.Problems) > 0 {
		t.Fatalf("report %+v, %v", report, err)
	}
	if len(bundle.Entries) != 2 || bundle.Consistency == nil {
		t.Fatalf("bundle %s", text)
	}
	body := string(bundle.Entries[0].Body)
	if !strings.Contains(body, string(sashlock.AccessGranted)) || !strings.Contains(body, action.Decision) {
		t.Errorf("proved %s", body)
	}
	bundle.Entries[0].Body = []byte(strings.Replace(body, string(sashlock.AccessGranted), "access.denied", 1))
	if _, err := proof.Verify(bundle, trusted); err == nil {
		t.Error("a forged statement was accepted")
	}
}

func itoa(n int64) string { return strings.TrimSpace(string(mustJSON(n))) }

func TestProofsOfNothing(t *testing.T) {
	h := newHouse(t)
	h.wantProblem(h.call("GET", "/v1/ledger/proof?seq=999999", nil), 404, "not_found")
	h.wantProblem(h.call("GET", "/v1/ledger/proof?seq=-1", nil), 404, "not_found")
	h.rejected("no entries", h.call("GET", "/v1/ledger/proof", nil), 422)
	h.rejected("too many", h.call("GET", "/v1/ledger/proof?seq="+strings.Repeat("0,", 1001)+"0", nil), 422)
	for _, since := range []string{"x", "origin\n1\nAAAA\n", strings.Repeat("y", 1999)} {
		h.wantProblem(h.call("GET", "/v1/ledger/proof?seq=0&since="+url.QueryEscape(since), nil), 422, "invalid")
	}
}

func TestTilesAreForEverybodyAndHoldNothingPrivate(t *testing.T) {
	h := newHouse(t).furnish()
	h.want(h.send("GET", "/v1/ledger/checkpoint", nil), 200)
	size := h.Store.Size()
	tile := h.want(h.send("GET", "/v1/ledger/tile/0/000.p/"+itoa(size), nil), 200)
	if int64(len(tile.body)) != 32*size {
		t.Errorf("the tile has %d bytes, want %d", len(tile.body), 32*size)
	}
	for _, path := range []string{"tile/0/001", "tile/9/000", "tile/x", "tile/0/000.p/300", "tile/", "tile/entries/000", "tile/0/%2e%2e"} {
		if a := h.send("GET", "/v1/ledger/"+path, nil); a.status < 400 || a.status > 499 {
			t.Errorf("%s: status %d", path, a.status)
		}
	}
	if a := h.send("POST", "/v1/ledger/checkpoint", nil); a.status != 405 {
		t.Errorf("POST: status %d", a.status)
	}
	health := read[api.Health](h, h.want(h.send("GET", "/healthz", nil), 200))
	if !health.OK || !health.Ledger.Writable || len(health.Gateways) != 1 || !health.Gateways[0].Up {
		t.Errorf("health %+v", health)
	}
}

func TestCodesAreListedWithoutPINs(t *testing.T) {
	h := newHouse(t).furnish()
	a := h.want(h.call("GET", "/v1/devices/sim-1%2F2/codes", nil), 200)
	if !strings.Contains(string(a.body), `"slot":1`) || strings.Contains(string(a.body), "1234") {
		t.Errorf("codes %s", a.body)
	}
	h.wantProblem(h.call("GET", "/v1/devices/sim-1%2F9/codes", nil), 422, "invalid")
	if err := h.world.Kill("2"); err != nil {
		t.Fatal(err)
	}
	h.wantProblem(h.call("GET", "/v1/devices/sim-1%2F2/codes", nil), 503, "unavailable")
}

func TestClaimsOfCodesThatCannotBe(t *testing.T) {
	h := newHouse(t).furnish()
	const path = "/v1/devices/sim-1%2F1/codes/people"
	n := h.count(sashlock.CredentialSaved)
	claim := func(slot int, person string) map[string]any { return map[string]any{"slot": slot, "person": person} }
	p := h.wantProblem(h.call("PUT", path, map[string]any{"claims": []any{claim(1, "ana"), claim(2, "nobody"), claim(1, "bob")}}), 422, "invalid")
	var places []string
	for _, e := range p.Errors {
		places = append(places, e.Pointer)
	}
	if got := strings.Join(places, " "); got != "claims[0].slot claims[1].person claims[2].slot" {
		t.Errorf("problems at %s: %+v", got, p.Errors)
	}
	h.wantProblem(h.call("PUT", path, map[string]any{"claims": []any{}}), 422, "invalid")
	h.wantProblem(h.call("PUT", path, map[string]any{"claims": []any{claim(0, "ana")}}), 422, "invalid")
	h.wantProblem(h.call("PUT", "/v1/devices/none/codes/people", map[string]any{"claims": []any{claim(1, "ana")}}), 404, "not_found")
	if got := h.count(sashlock.CredentialSaved); got != n {
		t.Errorf("%d credentials were saved, want %d", got, n)
	}
}

func TestDevicesAreAdoptedOnce(t *testing.T) {
	h := newHouse(t).furnish()
	n := h.count(sashlock.DeviceAdopted)
	h.want(h.call("PUT", "/v1/devices/sim-1%2F1/adoption", map[string]string{"opening": "case-1"}), 200)
	h.wantProblem(h.call("PUT", "/v1/devices/sim-1%2F1/adoption", map[string]string{"opening": "case-2"}), 409, "conflict")
	h.wantProblem(h.call("PUT", "/v1/devices/sim-1%2F1/adoption", map[string]string{"opening": "none"}), 404, "not_found")
	h.wantProblem(h.call("PUT", "/v1/devices/none/adoption", map[string]string{"opening": "case-1"}), 404, "not_found")
	h.want(h.call("DELETE", "/v1/devices/sim-1%2F9/adoption", nil), 200)
	if got := h.count(sashlock.DeviceAdopted); got != n || h.count(sashlock.DeviceReleased) != 0 {
		t.Errorf("%d adoptions, want %d", got, n)
	}
	h.want(h.call("DELETE", "/v1/devices/sim-1%2F1/adoption", nil), 200)
	p := h.wantProblem(h.release("case-1", "ana"), 403, string(sashlock.NoLock))
	if p.Detail == "" {
		t.Errorf("problem %+v", p)
	}
	got := walk(h, "/v1/devices?limit=1", func(d api.Device) string { return d.Address })
	if strings.Join(got, " ") != "1 2 3 9" {
		t.Errorf("devices %v", got)
	}
}
