// SPDX-License-Identifier: Apache-2.0

package signin_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// office is a store with a clock that only the test moves.
type office struct {
	*app.House
	t   *testing.T
	now time.Time
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
	data := t.TempDir()
	_, err := app.Init(data)
	o.must(err)
	o.House, err = app.NewWithClock(t.Context(), app.Config{Data: data, JournalSize: 1 << 20}, slog.New(slog.DiscardHandler), func() time.Time { return o.now })
	o.must(err)
	t.Cleanup(func() { o.must(o.Stop()) })
	return o
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) refused(err error, kind sashlock.Kind, what string) {
	o.t.Helper()
	if !sashlock.IsKind(err, kind) {
		o.t.Errorf("%s: %v, want kind %v", what, err, kind)
	}
}

// count counts the entries of a kind.
func (o *office) count(kind sashlock.EventKind) int {
	o.t.Helper()
	events, err := o.Store.Events(o.t.Context(), store.EventQuery{Kind: string(kind), Limit: 10_000})
	o.must(err)
	return len(events)
}

func (o *office) key(id string) signin.Passkey {
	return signin.Passkey{ID: id, Name: "Olga's telephone", At: "localhost", Public: json.RawMessage("{}")}
}

// claim makes somebody the owner of the store.
func (o *office) claim(name string) (signin.Operator, []string) {
	o.t.Helper()
	_, secret, err := o.Signin.NewClaim(o.t.Context())
	o.must(err)
	who, codes, err := o.Signin.Accept(o.t.Context(), secret, signin.Operator{ID: o.Signin.NewOperatorID(), Name: name}, o.key("key-of-"+strings.Fields(name)[0]))
	o.must(err)
	return who, codes
}

func TestAClaimWorksOnceAndInTime(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	_, first, err := o.Signin.NewClaim(ctx)
	o.must(err)
	_, second, err := o.Signin.NewClaim(ctx)
	o.must(err)
	if first == second || len(second) != 43 {
		t.Errorf("links %q and %q", first, second)
	}
	_, _, err = o.Signin.FindLink(ctx, first)
	o.refused(err, sashlock.Denied, "a link that was replaced")
	o.now = o.now.Add(signin.ClaimLife)
	_, _, err = o.Signin.FindLink(ctx, second)
	o.refused(err, sashlock.Denied, "a link too late")
	_, _, err = o.Signin.Accept(ctx, second, signin.Operator{ID: o.Signin.NewOperatorID(), Name: "Late"}, o.key("late"))
	o.refused(err, sashlock.Denied, "accepting too late")

	_, third, err := o.Signin.NewClaim(ctx)
	o.must(err)
	owner, codes, err := o.Signin.Accept(ctx, third, signin.Operator{ID: o.Signin.NewOperatorID(), Name: "Olga Owner"}, o.key("olga"))
	o.must(err)
	if owner.Role != signin.Owner || len(codes) != signin.Codes {
		t.Errorf("%+v with %d codes", owner, len(codes))
	}
	_, _, err = o.Signin.Accept(ctx, third, signin.Operator{ID: o.Signin.NewOperatorID(), Name: "Second"}, o.key("second"))
	o.refused(err, sashlock.Denied, "accepting twice")
	_, _, err = o.Signin.NewClaim(ctx)
	o.refused(err, sashlock.Conflict, "claiming a store that has an owner")
	if n := o.count(sashlock.OperatorSignedUp); n != 1 {
		t.Errorf("%d entries tell of somebody coming in", n)
	}
}

// Names of people and of their devices are personal data: the ledger, which
// forgets nothing, has none of them.
func TestTheLedgerHasNoNames(t *testing.T) {
	o := newOffice(t)
	o.claim("Olga Owner")
	events, err := o.Store.Events(t.Context(), store.EventQuery{Limit: 1000})
	o.must(err)
	text, err := json.Marshal(events)
	o.must(err)
	for _, name := range []string{"Olga Owner", "telephone"} {
		if strings.Contains(string(text), name) {
			t.Errorf("the ledger says %q:\n%s", name, text)
		}
	}
	if !strings.Contains(string(text), string(sashlock.PasskeyAdded)) {
		t.Errorf("it does not tell of the passkey:\n%s", text)
	}
}

func TestRecoveryCodes(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	owner, codes := o.claim("Olga Owner")
	sloppy := " " + strings.ToUpper(strings.ReplaceAll(codes[0], "-", " ")) + " "
	if id, err := o.Signin.UseCode(ctx, sloppy, "here"); err != nil || id != owner.ID {
		t.Errorf("a code as people write it: %v, %v", id, err)
	}
	_, err := o.Signin.UseCode(ctx, codes[0], "here")
	o.refused(err, sashlock.Denied, "a code twice")
	again, err := o.Signin.NewCodes(ctx, owner.ID)
	o.must(err)
	_, err = o.Signin.UseCode(ctx, codes[1], "here")
	o.refused(err, sashlock.Denied, "a code of the slip before")
	if id, err := o.Signin.UseCode(ctx, again[9], "here"); err != nil || id != owner.ID {
		t.Errorf("a new code: %v, %v", id, err)
	}
}

func TestWrongCodesPauseOnePlaceOnly(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	owner, codes := o.claim("Olga Owner")
	wrong, longest := 0, time.Duration(0)
	for wrong < 20 {
		_, err := o.Signin.UseCode(ctx, "0000-0000-0000-0000", "there")
		if sashlock.IsKind(err, sashlock.Denied) {
			wrong++
			continue
		}
		o.refused(err, sashlock.Limit, "during a pause")
		var waited time.Duration
		for sashlock.IsKind(err, sashlock.Limit) {
			waited += time.Second
			o.now = o.now.Add(time.Second)
			_, err = o.Signin.UseCode(ctx, "not even a code", "there")
		}
		o.refused(err, sashlock.Denied, "after a pause")
		wrong++
		if waited < longest {
			t.Fatalf("pauses shrink: %v after %v", waited, longest)
		}
		longest = waited
	}
	if longest < 20*time.Minute {
		t.Errorf("after 20 wrong codes the pause is %v only", longest)
	}
	if n := o.count(sashlock.OperatorRefused); n != 20 {
		t.Errorf("%d refusals were recorded, not 20", n)
	}
	_, err := o.Signin.UseCode(ctx, codes[0], "there")
	o.refused(err, sashlock.Limit, "the right code during a pause")
	if id, err := o.Signin.UseCode(ctx, codes[0], "elsewhere"); err != nil || id != owner.ID {
		t.Errorf("from elsewhere: %v, %v", id, err)
	}
}

func TestSessionsEnd(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	owner, _ := o.claim("Olga Owner")
	begin := func() (signin.Session, string) {
		s, secret, err := o.Signin.Begin(ctx, owner.ID, "passkey", "browser")
		o.must(err)
		return s, secret
	}
	stands := func(secret string) bool {
		_, err := o.Signin.Session(ctx, secret)
		if err != nil {
			o.refused(err, sashlock.Denied, "an ended session")
		}
		return err == nil
	}
	_, idle := begin()
	_, used := begin()
	start := o.now
	for o.now.Sub(start) < signin.SessionLife {
		if !stands(used) {
			t.Fatalf("the session in use ended after %v", o.now.Sub(start))
		}
		if idles := o.now.Sub(start) < signin.IdleLife; o.now.Sub(start)%signin.IdleLife == 0 && o.now != start && stands(idle) != idles {
			t.Fatalf("the idle session stands after %v: %v", o.now.Sub(start), !idles)
		}
		o.now = o.now.Add(20 * time.Minute)
	}
	if stands(used) {
		t.Error("a session outlives a shift")
	}

	s, mine := begin()
	o.now = o.now.Add(signin.FreshFor)
	if s.Fresh(o.now) {
		t.Error("a proof counts for too long")
	}
	o.must(o.Signin.Prove(ctx, s, "passkey"))
	if s, err := o.Signin.Session(ctx, mine); err != nil || !s.Fresh(o.now) {
		t.Errorf("after a new proof: %+v, %v", s, err)
	}
	_, other := begin()
	o.must(o.Signin.EndAll(ctx, owner.ID, owner.ID, s.ID))
	if !stands(mine) || stands(other) {
		t.Error("ending all others ended the wrong ones")
	}
	o.must(o.Signin.End(ctx, owner.ID, s.ID))
	if stands(mine) {
		t.Error("an ended session stands")
	}
}

func TestNobodyGivesMoreThanTheyHave(t *testing.T) {
	lisbon, porto := sashlock.SiteID("sit_l"), sashlock.SiteID("sit_p")
	watches := sashlock.AreaID("are_w")
	manager := signin.Operator{Role: signin.Manager, Sites: []sashlock.SiteID{lisbon}, Areas: []sashlock.AreaID{watches}}
	at := func(role signin.Role, site sashlock.SiteID, areas ...sashlock.AreaID) signin.Operator {
		o := signin.Operator{Role: role, Areas: areas}
		if site != "" {
			o.Sites = []sashlock.SiteID{site}
		}
		return o
	}
	for _, c := range []struct {
		name string
		by   signin.Operator
		o    signin.Operator
		may  bool
	}{
		{"an owner anybody", signin.Operator{Role: signin.Owner}, at(signin.Owner, ""), true},
		{"a suspended owner nobody", signin.Operator{Role: signin.Owner, Suspended: true}, at(signin.Associate, lisbon, watches), false},
		{"a manager an associate of theirs", manager, at(signin.Associate, lisbon, watches), true},
		{"a manager an owner", manager, at(signin.Owner, ""), false},
		{"a manager an engineer", manager, at(signin.Engineer, lisbon, watches), false},
		{"a manager somebody elsewhere", manager, at(signin.Associate, porto, watches), false},
		{"a manager somebody everywhere", manager, at(signin.Associate, "", watches), false},
		{"a manager somebody of all areas", manager, at(signin.Associate, lisbon), false},
		{"an associate nobody", at(signin.Associate, lisbon), at(signin.Associate, lisbon), false},
		{"an engineer nobody", signin.Operator{Role: signin.Engineer}, at(signin.Associate, lisbon), false},
	} {
		if err := c.by.Covers(c.o); (err == nil) != c.may {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestChangesOfOperators(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	owner, _ := o.claim("Olga Owner")
	_, _, err := o.Signin.Invite(ctx, owner, signin.Operator{Name: "Olga Owner", Role: signin.Auditor})
	o.refused(err, sashlock.Invalid, "a name twice")
	mia, link, err := o.Signin.Invite(ctx, owner, signin.Operator{Name: "Mia", Role: signin.Manager})
	o.must(err)
	_, _, err = o.Signin.Accept(ctx, link, owner, o.key("mia"))
	o.refused(err, sashlock.Denied, "a link for somebody else")
	_, _, err = o.Signin.Accept(ctx, link, mia, o.key("mia"))
	o.must(err)
	_, secret, err := o.Signin.Begin(ctx, mia.ID, "passkey", "browser")
	o.must(err)

	changed := mia
	changed.Suspended = true
	stale, err := o.Signin.Change(ctx, owner, changed)
	o.must(err)
	_, err = o.Signin.Session(ctx, secret)
	o.refused(err, sashlock.Denied, "a session of somebody suspended")
	_, _, err = o.Signin.Begin(ctx, mia.ID, "passkey", "browser")
	o.refused(err, sashlock.Denied, "signing in suspended")
	stale.Suspended = false
	back, err := o.Signin.Change(ctx, owner, stale)
	o.must(err)
	_, err = o.Signin.Session(ctx, secret)
	o.refused(err, sashlock.Denied, "a session from before")
	_, err = o.Signin.Change(ctx, owner, stale)
	o.refused(err, sashlock.Conflict, "a stale form")
	_, err = o.Signin.Change(ctx, mia, owner)
	o.refused(err, sashlock.Denied, "a manager changing an owner")

	low := owner
	low.Role = signin.Auditor
	_, err = o.Signin.Change(ctx, owner, low)
	o.refused(err, sashlock.Conflict, "the last owner stepping down")
	o.must(o.Signin.SetLanguage(ctx, mia.ID, lang.Spanish))

	// Who lost everything starts over; what they had ends.
	_, err = o.Signin.Return(ctx, back, owner.ID)
	o.refused(err, sashlock.Denied, "a manager letting an owner back in")
	way, err := o.Signin.Return(ctx, owner, mia.ID)
	o.must(err)
	_, old, err := o.Signin.Begin(ctx, mia.ID, "passkey", "thief")
	o.must(err)
	_, _, err = o.Signin.Accept(ctx, way, mia, o.key("mia-new"))
	o.must(err)
	_, err = o.Signin.Session(ctx, old)
	o.refused(err, sashlock.Denied, "a session from before the loss")
	o.must(o.Store.View(ctx, func(q store.Query) error {
		keys, err := signin.Passkeys(q, mia.ID)
		if len(keys) != 1 || keys[0].ID != "mia-new" {
			t.Errorf("passkeys after the way back: %+v", keys)
		}
		return err
	}))
}

func TestTheLastWayInStays(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	owner, codes := o.claim("Olga Owner")
	key := "key-of-Olga"
	o.refused(o.Signin.RemovePasskey(ctx, owner.ID, "nobody's"), sashlock.NotFound, "a passkey that is not there")
	o.refused(o.Signin.RenamePasskey(ctx, "opr_other", key, "Mine"), sashlock.NotFound, "somebody else's passkey")
	o.refused(o.Signin.RenamePasskey(ctx, owner.ID, key, "\u202egnp"), sashlock.Invalid, "a name that reads backwards")
	for _, c := range codes {
		_, err := o.Signin.UseCode(ctx, c, "here")
		o.must(err)
	}
	o.refused(o.Signin.RemovePasskey(ctx, owner.ID, key), sashlock.Conflict, "the last passkey without codes")
	taken := o.key(key)
	taken.Operator = owner.ID
	o.refused(o.Signin.AddPasskey(ctx, taken), sashlock.Conflict, "a passkey twice")
	second := o.key("second")
	second.Operator = owner.ID
	o.must(o.Signin.AddPasskey(ctx, second))
	o.must(o.Signin.RemovePasskey(ctx, owner.ID, key))
	if n := o.count(sashlock.PasskeyRemoved); n != 1 {
		t.Errorf("%d removals were recorded", n)
	}
}
