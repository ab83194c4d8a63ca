// SPDX-License-Identifier: Apache-2.0

package signin_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

const goodPassword = "heron ladder quince"

// The test vectors of RFC 6238, appendix B, cut to six digits.
func TestCodesAreThoseOfTheStandard(t *testing.T) {
	const key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // "12345678901234567890"
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got, err := signin.CodeAt(key, time.Unix(at, 0)); err != nil || got != want {
			t.Errorf("at %d: %s, %v, want %s", at, got, err, want)
		}
	}
}

func TestPasswordsThatEverybodyTries(t *testing.T) {
	for _, bad := range []string{
		"short", "elevenchars", "password1234", "P@ssw0rd2026!", "qwertyuiop123", "123456789012345", "aaaaaaaaaaaaaaaa", "abcdefghijklmnop", "sashlocksashlock",
		"Summer2026!!", "letmeinletmein", "ana.silva.2026", "iloveyouiloveyou", "correcthorsebatterystaple", "1q2w3e4r5t6y7u", "\u0000aaaaabbbbbccccc", strings.Repeat("xyzzy-", 60), "            ",
	} {
		if err := signin.CheckPassword(bad, "Ana Silva"); !sashlock.IsKind(err, sashlock.Invalid) {
			t.Errorf("%q is taken: %v", bad, err)
		}
	}
	for _, good := range []string{goodPassword, "ñandú corre por el páramo", "gT7#kPq92mZw", "drei graue Reiher im Nebel", "茶碗蒸し美味しいよね今日は寒い"} {
		if err := signin.CheckPassword(good, "Ana Silva"); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

// associate is somebody with a password and an app, and the key of that app.
func (o *office) associate(name string) (signin.Operator, string) {
	o.t.Helper()
	who, err := o.Signin.SaveOperator(o.t.Context(), "", signin.Operator{Name: name, Role: signin.Associate})
	o.must(err)
	key, err := signin.NewCodeKey()
	o.must(err)
	o.must(o.Signin.SetPassword(o.t.Context(), who.ID, goodPassword, key, o.code(key)))
	o.now = o.now.Add(time.Minute) // the first code is used up
	return who, key
}

func (o *office) code(key string) string {
	o.t.Helper()
	code, err := signin.CodeAt(key, o.now)
	o.must(err)
	return code
}

func TestAPasswordNeedsACode(t *testing.T) {
	o := newOffice(t)
	o.must(o.Signin.SealWith([]byte(strings.Repeat("k", 32))))
	ctx := t.Context()
	ana, key := o.associate("Ana Silva")
	if id, err := o.Signin.UsePassword(ctx, " ana silva", goodPassword, o.code(key), "here"); err != nil || id != ana.ID {
		t.Fatalf("all three right: %v, %v", id, err)
	}
	_, err := o.Signin.UsePassword(ctx, "Ana Silva", goodPassword, o.code(key), "here")
	o.refused(err, sashlock.Denied, "the same code again")
	before := o.code(key)
	o.now = o.now.Add(30 * time.Second)
	if _, err := o.Signin.UsePassword(ctx, "Ana Silva", goodPassword, o.code(key), "here"); err != nil {
		t.Fatalf("the next code: %v", err)
	}
	_, err = o.Signin.UsePassword(ctx, "Ana Silva", goodPassword, before, "here")
	o.refused(err, sashlock.Denied, "an earlier code after a later one")
	o.now = o.now.Add(2 * time.Minute)
	late := o.code(key)
	o.now = o.now.Add(30 * time.Second)
	if _, err := o.Signin.UsePassword(ctx, "Ana Silva", goodPassword, late, "here"); err != nil {
		t.Errorf("a code of the step before: %v", err)
	}
	o.now = o.now.Add(2 * time.Minute)
	old := o.code(key)
	o.now = o.now.Add(61 * time.Second)
	words := map[string]bool{}
	for what, try := range map[string][3]string{
		"an old code": {"Ana Silva", goodPassword, old}, "no code": {"Ana Silva", goodPassword, ""}, "another password": {"Ana Silva", "heron ladder quinces", o.code(key)},
		"nobody": {"Nobody Known", goodPassword, o.code(key)}, "the code alone": {"Ana Silva", "", o.code(key)},
	} {
		_, err := o.Signin.UsePassword(ctx, try[0], try[1], try[2], "from "+what)
		o.refused(err, sashlock.Denied, what)
		words[err.Error()] = true
	}
	if len(words) != 1 {
		t.Errorf("the answers differ: %v", words)
	}
	// Nothing that opens anything is in the database in clear, nor a name in the ledger.
	o.must(o.Store.View(ctx, func(q store.Query) error {
		text, err := store.One(q, func(scan store.Scan) (s string, err error) {
			var box []byte
			err = scan(&s, &box)
			return s + string(box), err
		}, "password", "", `SELECT verifier, code_key FROM passwords`)
		if strings.Contains(text, key) || strings.Contains(text, goodPassword) || !strings.Contains(text, "argon2id") {
			t.Errorf("kept: %q", text)
		}
		return err
	}))
	events, err := o.Store.Events(ctx, store.EventQuery{Kind: string(sashlock.OperatorRefused), Limit: 100})
	o.must(err)
	for _, e := range events {
		if strings.Contains(e.Why+string(e.Data), "Silva") {
			t.Errorf("a name in the ledger: %+v", e)
		}
	}
}

// A code counts once: for two browsers at the same time, and after a restart.
func TestACodeCountsOnce(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	_, key := o.associate("Ana Silva")
	code := o.code(key)
	var mu sync.Mutex
	var all sync.WaitGroup
	in := 0
	for n := range 6 {
		all.Go(func() {
			_, err := o.Signin.UsePassword(ctx, "Ana Silva", goodPassword, code, "place "+string(rune('a'+n)))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				in++
			} else {
				o.refused(err, sashlock.Denied, "the same code elsewhere")
			}
		})
	}
	all.Wait()
	if in != 1 {
		t.Errorf("%d got in with one code", in)
	}
	later := signin.New(o.Store, o.Hall, func() time.Time { return o.now })
	later.SameKey(o.Signin)
	_, err := later.UsePassword(ctx, "Ana Silva", goodPassword, code, "after a restart")
	o.refused(err, sashlock.Denied, "the same code after a restart")
}

// Twenty wrong attempts in somebody's name, from one place, keep them out
// neither elsewhere nor, by another way, there.
func TestNobodyIsLockedOutByOthers(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	ana, key := o.associate("Ana Silva")
	waits := 0
	for range 20 {
		_, err := o.Signin.UsePassword(ctx, "Ana Silva", "not the password", "000000", "10.0.0.9")
		if sashlock.IsKind(err, sashlock.Limit) {
			waits++
		}
	}
	if waits != 15 {
		t.Errorf("%d of 20 had to wait", waits)
	}
	_, err := o.Signin.UsePassword(ctx, "Ana Silva", goodPassword, o.code(key), "10.0.0.9")
	o.refused(err, sashlock.Limit, "the right one from there")
	if id, err := o.Signin.UsePassword(ctx, "Ana Silva", goodPassword, o.code(key), "10.0.0.10"); err != nil || id != ana.ID {
		t.Errorf("from elsewhere: %v, %v", id, err)
	}
	// Somebody else at the same place is not kept out either, until the place itself has to wait.
	_, other := o.associate("Bea Costa")
	if _, err := o.Signin.UsePassword(ctx, "Bea Costa", goodPassword, o.code(other), "10.0.0.9"); err != nil {
		t.Errorf("a colleague there: %v", err)
	}
	for n := range 36 {
		_, err = o.Signin.UsePassword(ctx, "Made up "+strings.Repeat("x", n), "not the password", "000000", "10.0.0.9")
	}
	o.refused(err, sashlock.Limit, "a place that tries many names")
	if n := o.count(sashlock.OperatorRefused); n > 40 {
		t.Errorf("%d refusals fill the ledger", n)
	}
	o.now = o.now.Add(31 * time.Minute)
	if _, err := o.Signin.UsePassword(ctx, "Ana Silva", goodPassword, o.code(key), "10.0.0.9"); err != nil {
		t.Errorf("after half an hour: %v", err)
	}
}

func TestManyAtOnceAreNoWayAroundThePause(t *testing.T) {
	o := newOffice(t)
	o.associate("Ana Silva")
	var all sync.WaitGroup
	var mu sync.Mutex
	looked := 0
	for range 40 {
		all.Go(func() {
			_, err := o.Signin.UsePassword(t.Context(), "Ana Silva", "not the password", "000000", "10.0.0.9")
			mu.Lock()
			defer mu.Unlock()
			if sashlock.IsKind(err, sashlock.Denied) {
				looked++
			}
		})
	}
	all.Wait()
	if looked > 5 {
		t.Errorf("%d of 40 at once were looked at", looked)
	}
}

func TestPrivilegedRolesHaveNoPassword(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	owner, _ := o.claim("Olga Owner")
	key, err := signin.NewCodeKey()
	o.must(err)
	for _, role := range []signin.Role{signin.Owner, signin.Manager, signin.Protection, signin.Engineer} {
		who, err := o.Signin.SaveOperator(ctx, "", signin.Operator{Name: "P " + string(role), Role: role})
		o.must(err)
		o.refused(o.Signin.SetPassword(ctx, who.ID, goodPassword, key, o.code(key)), sashlock.Denied, string(role)+" with a password")
		for _, means := range []string{signin.ByPassword, signin.BySSO} {
			_, _, err = o.Signin.Begin(ctx, who.ID, means, "browser")
			o.refused(err, sashlock.Denied, string(role)+" by "+means)
		}
	}
	// Who is promoted loses what can be phished in the same moment.
	ana, key := o.associate("Ana Silva")
	_, secret, err := o.Signin.Begin(ctx, ana.ID, signin.ByPassword, "browser")
	o.must(err)
	_, strong, err := o.Signin.Begin(ctx, ana.ID, signin.ByPasskey, "browser")
	o.must(err)
	ana.Role = signin.Manager
	_, err = o.Signin.Change(ctx, owner, ana)
	o.must(err)
	_, err = o.Signin.Session(ctx, secret)
	o.refused(err, sashlock.Denied, "a password's session of a manager")
	if s, err := o.Signin.Session(ctx, strong); err != nil || s.Operator.Role != signin.Manager {
		t.Errorf("their passkey's session: %+v, %v", s, err)
	}
	_, err = o.Signin.UsePassword(ctx, "Ana Silva", goodPassword, o.code(key), "here")
	o.refused(err, sashlock.Denied, "a manager's password")
	if n := o.count(sashlock.TOTPRemoved); n != 1 {
		t.Errorf("%d removals were recorded", n)
	}
	// Were a row changed behind our back, the session would be refused all the same.
	_, weak, err := o.Signin.Begin(ctx, o.promoteBehind("Bea Costa"), signin.ByPassword, "browser")
	o.must(err)
	_, err = o.Store.Do(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE operators SET body = ? WHERE name = ?`, `{"role":"owner"}`, "Bea Costa")
		return err
	})
	o.must(err)
	_, err = o.Signin.Session(ctx, weak)
	o.refused(err, sashlock.Denied, "a weak session of a role changed behind our back")
}

func (o *office) promoteBehind(name string) sashlock.OperatorID {
	who, _ := o.associate(name)
	return who.ID
}

func TestAPolicyEndsPasswords(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	owner, _ := o.claim("Olga Owner")
	ana, key := o.associate("Ana Silva")
	_, secret, err := o.Signin.Begin(ctx, ana.ID, signin.ByPassword, "browser")
	o.must(err)
	o.refused(o.Signin.SavePolicy(ctx, ana, signin.Policy{NoPasswords: true}), sashlock.Denied, "an associate's policy")
	o.must(o.Signin.SavePolicy(ctx, owner, signin.Policy{NoPasswords: true}))
	_, err = o.Signin.Session(ctx, secret)
	o.refused(err, sashlock.Denied, "a session of a kind that is over")
	_, err = o.Signin.UsePassword(ctx, "Ana Silva", goodPassword, o.code(key), "here")
	o.refused(err, sashlock.Denied, "a password that is forbidden")
}

func TestNetworksAreForgotten(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	owner, _ := o.claim("Olga Owner")
	networks := func() (n int) {
		o.must(o.Store.View(ctx, func(q store.Query) (err error) {
			n, err = store.One(q, func(scan store.Scan) (n int, err error) { return n, scan(&n) }, "session", "", `SELECT COUNT(*) FROM sessions WHERE network IS NOT NULL`)
			return err
		}))
		return n
	}
	arrive := func() signin.Session {
		s, _, err := o.Signin.Arrive(ctx, owner.ID, signin.Arrival{Means: signin.ByPasskey, Device: "d", Network: "10.1.2.3"})
		o.must(err)
		return s
	}
	ended := arrive()
	arrive()
	if n := networks(); n != 2 {
		t.Fatalf("%d networks are kept", n)
	}
	o.must(o.Signin.End(ctx, owner.ID, ended.ID))
	if n := networks(); n != 1 {
		t.Errorf("%d networks are kept after one ended", n)
	}
	o.now = o.now.Add(signin.SessionLife)
	arrive() // which notices that the other is over by itself
	if n := networks(); n != 1 {
		t.Errorf("%d networks are kept after one was over", n)
	}
	o.must(o.Signin.EndAll(ctx, owner.ID, owner.ID, ""))
	if n := networks(); n != 0 {
		t.Errorf("%d networks are kept after all ended", n)
	}
}
