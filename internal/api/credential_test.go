// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/signin"
)

type fields = map[string]any

func (h *house) present(opening string, shown ...fields) answer {
	h.t.Helper()
	return h.call("POST", "/v1/openings/"+opening+"/present", fields{"shown": shown}, "Idempotency-Key", "the same every time")
}

func TestCredentials(t *testing.T) {
	h := newHouse(t).furnish()
	pin := fields{"person": "ana", "kind": "pin", "label": "Locker", "openings": []string{"case-1"}, "duress": true}
	made := read[api.MadeCredential](h, h.want(h.call("POST", "/v1/credentials", pin, "Idempotency-Key", "k"), 201))
	if len(made.Secret) != 4 || len(made.DuressCode) != 4 || made.Level != 1 || made.Standing != "permitted" {
		t.Fatalf("made %+v", made.Credential)
	}
	another := read[api.MadeCredential](h, h.want(h.call("POST", "/v1/credentials", pin, "Idempotency-Key", "k"), 201))
	if another.ID == made.ID {
		t.Error("an answer with a secret was stored")
	}
	list := h.want(h.call("GET", "/v1/credentials?person=ana", nil), 200)
	if got := read[api.Page[api.Credential]](h, list).Data; len(got) != 2 || got[0].Person != "ana" || got[0].Openings[0] != "case-1" || strings.Contains(string(list.body), made.Secret) {
		t.Errorf("listed %s", list.body)
	}
	h.want(h.present("case-1", fields{"kind": "pin", "pin": made.Secret}), 202)
	h.wantProblem(h.present("case-1", fields{"kind": "pin", "pin": "00000"}), 403, "unknown_credential") // the same key, and yet not the same answer
	h.wantProblem(h.present("case-2", fields{"kind": "pin", "pin": made.Secret}), 403, "unknown_credential")
	lost := read[api.Loss](h, h.want(h.call("POST", "/v1/people/ana/lost", fields{"cause": "lost", "credentials": []string{made.ID}, "since": time.Now().Add(-time.Minute)}), 200))
	if len(lost.Ended) != 1 || len(lost.Uses) == 0 || lost.Uses[0].Opening != "case-1" || len(lost.Pending) != 0 {
		t.Errorf("lost %+v", lost)
	}
	h.wantProblem(h.present("case-1", fields{"kind": "pin", "pin": made.Secret}), 403, "credential_lost")
	h.want(h.call("DELETE", "/v1/credentials/"+made.ID, nil), 204)
	h.wantProblem(h.call("DELETE", "/v1/credentials/"+made.ID, nil), 404, "not_found")
	for range 4 {
		h.present("case-1", fields{"kind": "pin", "pin": "00000"})
	}
	h.wantProblem(h.present("case-1", fields{"kind": "pin", "pin": another.Secret}), 429, "too_many_tries")
}

func TestCredentialsNameTheField(t *testing.T) {
	h := newHouse(t).furnish()
	for field, body := range map[string]fields{
		"person":   {"person": "nobody", "kind": "pin", "label": "x", "openings": []string{"case-1"}},
		"openings": {"person": "ana", "kind": "pin", "label": "x", "openings": []string{"none"}},
		"digits":   {"person": "ana", "kind": "pin", "label": "x", "openings": []string{"case-1"}, "digits": 3},
		"bits":     {"person": "ana", "kind": "card", "label": "x", "bits": "01x"},
		"format":   {"person": "ana", "kind": "card", "label": "x", "format": "H99"},
		"device":   {"person": "ana", "kind": "finger", "label": "x", "device": "dev_none", "slot": 1},
		"kind":     {"person": "ana", "kind": "key", "label": "x"},
		"label":    {"person": "ana", "kind": "qr", "label": " "},
	} {
		p := h.wantProblem(h.call("POST", "/v1/credentials", body), 422, "invalid")
		if len(p.Errors) != 1 || p.Errors[0].Pointer != field || p.Errors[0].Suggestion == "" {
			t.Errorf("%s: %+v", field, p)
		}
	}
	h.wantProblem(h.present("case-1"), 422, "invalid")
	h.wantProblem(h.present("none", fields{"kind": "pin", "pin": "1"}), 404, "not_found")
	only := []string{"Authorization", "Bearer " + h.tokenFor(signin.Read, signin.Access)}
	h.wantProblem(h.send("POST", "/v1/openings/case-1/present", fields{"shown": []fields{{"kind": "pin", "pin": "1"}}}, only...), 403, "denied")
}

func TestKeyRegister(t *testing.T) {
	h := newHouse(t).furnish()
	h.want(h.call("POST", "/v1/keys", fields{"slug": "k-1", "name": "Cellar", "copies": 1, "rekey_cost": 48000, "openings": []string{"case-1"}}), 200)
	due := time.Now().Add(time.Hour)
	loan := read[api.KeyLoan](h, h.want(h.call("POST", "/v1/keys/k-1/loans", fields{"person": "ana", "due": due}), 201))
	h.wantProblem(h.call("POST", "/v1/keys/k-1/loans", fields{"person": "bob", "due": due}), 409, "conflict")
	p := h.wantProblem(h.call("POST", "/v1/keys/k-1/loans", fields{"person": "nobody", "due": due}), 422, "invalid")
	if len(p.Errors) != 1 || p.Errors[0].Pointer != "person" {
		t.Errorf("nobody: %+v", p)
	}
	if all := page[api.Key](h, "/v1/keys").Data; len(all) != 1 || len(all[0].Out) != 1 || all[0].Out[0].Person != "ana" {
		t.Errorf("listed %+v", all)
	}
	lost := read[api.LostKey](h, h.want(h.call("POST", "/v1/keyloans/"+loan.ID+"/end", fields{"type": "lost"}), 200))
	if lost.Cost != 48000 || len(lost.Openings) != 1 || lost.Loan.Lost.IsZero() {
		t.Errorf("lost %+v", lost)
	}
	back := read[api.LostKey](h, h.want(h.call("POST", "/v1/keyloans/"+loan.ID+"/end", fields{"type": "back"}), 200))
	if back.Loan.Back.IsZero() {
		t.Errorf("found again %+v", back)
	}
	h.want(h.call("DELETE", "/v1/keys/k-1", nil), 204)
}

// A token that handles no alarms learns nothing of duress: whoever forces
// somebody may hold what it is used with.
func TestDuressIsToldToThoseWhoHandleAlarms(t *testing.T) {
	h := newHouse(t).furnish()
	made := read[api.MadeCredential](h, h.want(h.call("POST", "/v1/credentials",
		fields{"person": "ana", "kind": "pin", "label": "Locker", "openings": []string{"case-1"}, "duress": true}), 201))
	h.want(h.present("case-1", fields{"kind": "pin", "pin": made.DuressCode}), 202)
	h.eventually("the alarm stands", func() bool { return len(page[api.Alarm](h, "/v1/alarms").Data) == 1 })
	alarm := page[api.Alarm](h, "/v1/alarms").Data[0]
	if alarm.Rule != "duress" || h.count(sashlock.DuressSignalled) != 1 {
		t.Fatalf("the alarm is %+v", alarm)
	}
	only := []string{"Authorization", "Bearer " + h.tokenFor(signin.Read)}
	for _, path := range []string{"/v1/alarms", "/v1/alarms?all=true", "/v1/events?limit=200"} {
		if a := h.want(h.send("GET", path, nil, only...), 200); strings.Contains(string(a.body), "duress") {
			t.Errorf("%s tells of it: %s", path, a.body)
		}
	}
	h.wantProblem(h.send("GET", "/v1/alarms/"+alarm.ID, nil, only...), 404, "not_found")
}
