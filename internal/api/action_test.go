// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
)

func TestReleaseEndsInWhatTheLockSays(t *testing.T) { onEachEngine(t, releaseEndsInWhatTheLockSays) }

func releaseEndsInWhatTheLockSays(t *testing.T, h *house) {
	h.furnish()
	a := h.want(h.release("case-1", "ana"), 202)
	action := read[api.Action](h, a)
	if action.State.Final() || action.Receipt == nil || action.Receipt.Checkpoint == "" || action.Type != "release" || action.Person != "ana" || action.Opening != "case-1" {
		t.Errorf("answered %s", a.body)
	}
	where := a.header.Get("Location")
	if where != "/v1/actions/"+action.ID {
		t.Errorf("Location is %q", where)
	}
	h.eventually("the lock confirmed", func() bool { return get[api.Action](h, where).State == sashlock.CommandSucceeded })
	if s, err := h.world.State("1"); err != nil || !s.Unlocked {
		t.Errorf("the lock is really %+v, %v", s, err)
	}
	d := get[api.Decision](h, "/v1/decisions/"+action.Decision)
	if !d.Granted || d.Reason != sashlock.Permitted || d.Seq == nil || len(d.Checks) == 0 || d.Person != "ana" {
		t.Errorf("decision %+v", d)
	}
}

func TestPreferWaitAnswersWhenTheLockHas(t *testing.T) {
	h := newHouse(t).furnish()
	for _, prefer := range []string{"wait=10", "respond-async, wait=10", "return=minimal, WAIT=10"} {
		action := read[api.Action](h, h.want(h.release("case-1", "ana", "Prefer", prefer), 200))
		if action.State != sashlock.CommandSucceeded || action.Ended.IsZero() {
			t.Errorf("%s: %+v", prefer, action)
		}
	}
	h.want(h.release("case-2", "ana", "Prefer", "return=minimal"), 202)
	for _, prefer := range []string{"wait=soon", "wait=-1", "wait", "wait=99999999999999999999"} {
		h.wantProblem(h.release("case-1", "ana", "Prefer", prefer), 422, "invalid")
	}
}

func TestRefusalSaysWhyAndCanBeExplained(t *testing.T) {
	h := newHouse(t).furnish()
	p := h.wantProblem(h.release("case-1", "bob"), 403, string(sashlock.Unauthorized))
	if p.Decision == "" || p.Detail != sashlock.Unauthorized.Words() || len(p.Errors) == 0 {
		t.Errorf("problem %+v", p)
	}
	d := get[api.Decision](h, "/v1/decisions/"+p.Decision)
	if d.Granted || d.Reason != sashlock.Unauthorized || d.Person != "bob" || d.Opening != "case-1" || len(d.Checks) == 0 {
		t.Errorf("decision %+v", d)
	}
	if s, err := h.world.State("1"); err != nil || s.Unlocked {
		t.Errorf("the lock moved: %+v, %v", s, err)
	}
	if n := h.count(sashlock.CommandQueued); n != 0 {
		t.Errorf("%d commands were queued", n)
	}
}

func TestStrangerIsRefusedAndRecorded(t *testing.T) { onEachEngine(t, strangerIsRefusedAndRecorded) }

func strangerIsRefusedAndRecorded(t *testing.T, h *house) {
	h.furnish()
	for _, who := range []string{"nobody", "prs_01aryz6s41tsv4rrffq69g5fav", "Ünïcode \u202e", "a\x00b", strings.Repeat("x", 100)} {
		before := h.count(sashlock.AccessDenied)
		p := h.wantProblem(h.release("case-1", who), 403, string(sashlock.UnknownPerson))
		if d := get[api.Decision](h, "/v1/decisions/"+p.Decision); d.Granted || d.Reason != sashlock.UnknownPerson {
			t.Errorf("%q: %+v", who, d)
		}
		if h.count(sashlock.AccessDenied) != before+1 {
			t.Errorf("%q: not recorded", who)
		}
	}
	h.wantProblem(h.release("no-such-case", "ana"), 404, "not_found")
}

func TestJammedLockFailsTheAction(t *testing.T) {
	h := newHouse(t).furnish()
	if err := h.world.Jam("1"); err != nil {
		t.Fatal(err)
	}
	action := read[api.Action](h, h.want(h.release("case-1", "ana", "Prefer", "wait=15"), 200))
	if action.State != sashlock.CommandFailed || action.Reason != sashlock.LockJammed || action.Detail == "" {
		t.Errorf("action %+v", action)
	}
}

func TestDeadLockNeverSucceeds(t *testing.T) {
	h := newHouse(t).furnish()
	if err := h.world.Kill("1"); err != nil {
		t.Fatal(err)
	}
	a := h.release("case-1", "ana", "Prefer", "wait=5")
	if a.status == 403 { // it was noticed before the request
		h.wantProblem(a, 403, string(sashlock.LockOffline))
		return
	}
	if action := read[api.Action](h, a); action.State == sashlock.CommandSucceeded {
		t.Errorf("action %+v", action)
	}
}

func TestSilentLockExpires(t *testing.T) {
	h := newHouse(t).furnish()
	if err := h.world.LoseNext("1", 100); err != nil {
		t.Fatal(err)
	}
	action := read[api.Action](h, h.want(h.release("case-1", "ana"), 202))
	h.eventually("the driver took it", func() bool {
		return get[api.Action](h, "/v1/actions/"+action.ID).State == sashlock.CommandSent
	})
	h.ahead.Store(int64(sashlock.MaxCommandLife + time.Second))
	h.eventually("the command expired", func() bool {
		return get[api.Action](h, "/v1/actions/"+action.ID).State == sashlock.CommandExpired
	})
	if got := get[api.Action](h, "/v1/actions/"+action.ID); got.Reason != sashlock.NotConfirmed {
		t.Errorf("action %+v", got)
	}
}

func TestRevokedGrantIsGoneForTheVeryNextRequest(t *testing.T) {
	h := newHouse(t).furnish()
	h.want(h.call("POST", "/v1/grants", map[string]string{"slug": "bob-1", "person": "bob", "opening": "case-2"}), 201)
	for range 20 {
		h.want(h.release("case-2", "bob"), 202)
		h.want(h.call("DELETE", "/v1/grants/bob-1", nil), 204)
		h.wantProblem(h.release("case-2", "bob"), 403, string(sashlock.Unauthorized))
		h.want(h.call("PUT", "/v1/grants/bob-1", map[string]string{"slug": "bob-1", "person": "bob", "opening": "case-2"}), 200)
	}
}

func TestExplainRecordsNothing(t *testing.T) {
	h := newHouse(t).furnish()
	size := h.acts()
	d := get[api.Decision](h, "/v1/explain?person=bob&opening=case-1")
	if d.Granted || d.ID != "" || d.Reason != sashlock.Unauthorized || d.Seq != nil {
		t.Errorf("explained %+v", d)
	}
	if d := get[api.Decision](h, "/v1/explain?person=ana&opening=case-1&at=2030-01-01T00:00:00Z"); !d.Granted {
		t.Errorf("explained %+v", d)
	}
	if got := h.acts(); got != size {
		t.Errorf("the ledger grew from %d to %d", size, got)
	}
	who := page[api.Holder](h, "/v1/openings/case-1/who").Data
	if len(who) != 1 || who[0].Person != "ana" {
		t.Errorf("who: %+v", who)
	}
	if what := page[api.Holder](h, "/v1/people/ana/openings").Data; len(what) != 3 {
		t.Errorf("what: %+v", what)
	}
}

func TestHowQuickLocksAre(t *testing.T) {
	h := newHouse(t).furnish()
	if none := get[api.Page[api.Latency]](h, "/v1/devices/latency"); len(none.Data) != 0 {
		t.Errorf("before any order: %+v", none)
	}
	h.want(h.release("case-1", "ana", "Prefer", "wait=10"), 200)
	all := get[api.Page[api.Latency]](h, "/v1/devices/latency").Data
	if len(all) != 1 || all[0].Driver != "sim" || all[0].Orders != 1 || all[0].Failed != 0 {
		t.Fatalf("%+v", all)
	}
	for what, got := range map[string]api.Times{"sent": all[0].Sent, "sensed": all[0].Sensed, "confirmed": all[0].Confirmed} {
		if got.Count != 1 || got.P50 <= 0 || got.P99 != got.P50 {
			t.Errorf("%s: %+v", what, got)
		}
	}
}
