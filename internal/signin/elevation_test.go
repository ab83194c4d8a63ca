// SPDX-License-Identifier: Apache-2.0

package signin_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// arrive signs somebody in with a passkey.
func (o *office) arrive(id sashlock.OperatorID) (signin.Session, string) {
	o.t.Helper()
	_, secret, err := o.Signin.Begin(o.t.Context(), id, signin.ByPasskey, "browser")
	o.must(err)
	return o.session(secret), secret
}

func (o *office) session(secret string) signin.Session {
	o.t.Helper()
	s, err := o.Signin.Session(o.t.Context(), secret)
	o.must(err)
	return s
}

func (o *office) operator(name string, role signin.Role) signin.Operator {
	o.t.Helper()
	who, err := o.Signin.SaveOperator(o.t.Context(), "", signin.Operator{Name: name, Role: role})
	o.must(err)
	return who
}

func TestAHigherRoleEndsByItself(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	owner, _ := o.claim("Olga Owner")
	mia := o.operator("Mia", signin.Manager)
	pat := o.operator("Pat", signin.Protection)
	_, other := o.arrive(pat.ID)
	asking, secret := o.arrive(pat.ID)
	e, err := o.Signin.AskElevation(ctx, asking, signin.Engineer, 30*time.Minute, "replace the hub tonight", false)
	o.must(err)
	_, err = o.Signin.Agree(ctx, asking, e.ID)
	o.refused(err, sashlock.Denied, "agreeing with oneself")
	manager, _ := o.arrive(mia.ID)
	_, err = o.Signin.Agree(ctx, manager, e.ID)
	o.refused(err, sashlock.Denied, "a manager lending what they do not have")
	second, _ := o.arrive(owner.ID)
	if o.session(secret).Operator.Role != signin.Protection {
		t.Error("the role counts before anybody agreed")
	}
	_, err = o.Signin.Agree(ctx, second, e.ID)
	o.must(err)
	_, err = o.Signin.Agree(ctx, second, e.ID)
	o.refused(err, sashlock.Conflict, "agreeing twice")
	s := o.session(secret)
	if s.Operator.Role != signin.Engineer || !s.Operator.May(signin.Setup) || s.Operator.May(signin.Tokens) || s.Operator.May(signin.Admit) || s.Operator.Rev == asking.Operator.Rev {
		t.Errorf("with the role: %+v", s.Operator)
	}
	_, err = o.Signin.Session(ctx, other)
	o.refused(err, sashlock.Denied, "the other session")
	o.must(o.Signin.SetLanguage(ctx, pat.ID, "es"))
	o.must(o.Signin.SetLanguage(ctx, owner.ID, "es")) // somebody else's act

	o.now = o.now.Add(30 * time.Minute)
	s = o.session(secret)
	if s.Operator.Role != signin.Protection || s.Elevation.ID != "" {
		t.Errorf("the role outlives its time: %+v", s.Operator)
	}
	_, err = o.Signin.Settle(ctx)
	o.must(err)
	events, err := o.Store.Events(ctx, store.EventQuery{Kind: string(sashlock.ElevationEnded)})
	o.must(err)
	var said struct {
		Acts []struct {
			Kind sashlock.EventKind `json:"kind"`
		} `json:"acts"`
	}
	if len(events) != 1 || json.Unmarshal(events[0].Data, &said) != nil || len(said.Acts) != 1 || said.Acts[0].Kind != sashlock.OperatorSaved {
		t.Errorf("the end says: %+v", events)
	}
	if o.count(sashlock.ElevationAsked) != 1 || o.count(sashlock.ElevationBegan) != 1 {
		t.Error("asking and agreeing are not in the ledger")
	}
}

func TestWhatEndsAHigherRole(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	owner, _ := o.claim("Olga Owner")
	pat := o.operator("Pat", signin.Protection)
	lend := func() (signin.Elevation, string) {
		asking, secret := o.arrive(pat.ID)
		e, err := o.Signin.AskElevation(ctx, asking, signin.Manager, time.Hour, "the manager is ill", false)
		o.must(err)
		second, _ := o.arrive(owner.ID)
		_, err = o.Signin.Agree(ctx, second, e.ID)
		o.must(err)
		if o.session(secret).Operator.Role != signin.Manager {
			t.Fatal("it does not count")
		}
		return e, secret
	}
	e, secret := lend()
	_, again := o.arrive(pat.ID) // signing in anywhere
	if o.session(again).Operator.Role != signin.Protection || o.session(secret).Operator.Role != signin.Protection {
		t.Error("it outlives signing in elsewhere")
	}
	e, secret = lend()
	o.must(o.Signin.EndElevation(ctx, pat, e.ID))
	if o.session(secret).Operator.Role != signin.Protection {
		t.Error("it outlives its end")
	}
	_, secret = lend()
	pat.Suspended = true
	pat.Rev = 0
	_, err := o.Signin.Change(ctx, owner, pat)
	o.must(err)
	_, err = o.Signin.Session(ctx, secret)
	o.refused(err, sashlock.Denied, "somebody suspended with a higher role")
	_, err = o.Signin.Settle(ctx)
	o.must(err)
	if n := o.count(sashlock.ElevationEnded); n != 3 {
		t.Errorf("%d ends in the ledger", n)
	}
}

func TestWhoMayAskAndAnswer(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	owner, _ := o.claim("Olga Owner")
	pat, eva := o.operator("Pat", signin.Protection), o.operator("Eva", signin.Engineer)
	ana := o.operator("Ana", signin.Associate)
	asking, secret := o.arrive(pat.ID)
	ask := func(s signin.Session, role signin.Role, length time.Duration, reason string, glass bool) (signin.Elevation, error) {
		return o.Signin.AskElevation(ctx, s, role, length, reason, glass)
	}
	for what, try := range map[string]func() (signin.Elevation, error){
		"a lower role": func() (signin.Elevation, error) {
			return ask(asking, signin.Auditor, time.Hour, "no reason at all", false)
		},
		"too long":     func() (signin.Elevation, error) { return ask(asking, signin.Owner, 5*time.Hour, "some reason", false) },
		"no reason":    func() (signin.Elevation, error) { return ask(asking, signin.Owner, time.Hour, " ", false) },
		"a long glass": func() (signin.Elevation, error) { return ask(asking, signin.Owner, 2*time.Hour, "some reason", true) },
		"a reason backward": func() (signin.Elevation, error) {
			return ask(asking, signin.Owner, time.Hour, "some \u202ereason", false)
		},
	} {
		_, err := try()
		o.refused(err, sashlock.Invalid, what)
	}
	for _, means := range []string{signin.ByCode, signin.ByPassword, signin.BySSO} {
		weak := asking
		weak.By = means
		_, err := ask(weak, signin.Owner, time.Hour, "some reason", false)
		o.refused(err, sashlock.Denied, "asking by "+means)
	}
	stale := asking
	stale.Proved = o.now.Add(-time.Hour)
	_, err := ask(stale, signin.Owner, time.Hour, "some reason", false)
	o.refused(err, sashlock.Denied, "asking without a fresh proof")

	// Nobody who could is there: an engineer agrees, an associate cannot.
	glass, err := ask(asking, "", time.Hour, "fire alarm in the cage", true)
	o.must(err)
	low, _ := o.arrive(ana.ID)
	_, err = o.Signin.Agree(ctx, low, glass.ID)
	o.refused(err, sashlock.Denied, "an associate breaking the glass")
	engineer, _ := o.arrive(eva.ID)
	bySlip := engineer
	bySlip.By = signin.ByCode
	_, err = o.Signin.Agree(ctx, bySlip, glass.ID)
	o.refused(err, sashlock.Denied, "agreeing by a recovery code")
	_, err = o.Signin.Agree(ctx, engineer, glass.ID)
	o.must(err)
	if s := o.session(secret); s.Operator.Role != signin.Owner || !s.Operator.May(signin.Admit) {
		t.Errorf("the glass is broken and %+v", s.Operator)
	}

	late, _ := o.arrive(eva.ID)
	e, err := ask(late, signin.Manager, time.Hour, "some reason", false)
	o.must(err)
	o.now = o.now.Add(signin.AskLife + time.Second)
	second, _ := o.arrive(owner.ID)
	_, err = o.Signin.Agree(ctx, second, e.ID)
	o.refused(err, sashlock.Conflict, "agreeing too late")
	late, _ = o.arrive(eva.ID)
	e, err = ask(late, signin.Manager, time.Hour, "some reason", false)
	o.must(err)
	o.must(o.Signin.TurnDown(ctx, owner, e.ID))
	_, err = o.Signin.Agree(ctx, second, e.ID)
	o.refused(err, sashlock.Conflict, "agreeing after a no")
}
