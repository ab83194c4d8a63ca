// SPDX-License-Identifier: Apache-2.0

package lock

import (
	"crypto/ed25519"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

func newPair(t *testing.T) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

// order is a good command for a device, now.
func order(id, address string) sashlock.Command {
	now := time.Now()
	return sashlock.Command{
		ID: sashlock.CommandID(id), Site: "site_1", Opening: "opn_1", Device: "dev_1", Address: address, Verb: sashlock.DoUnlock,
		Epoch: 5, Issued: now, Expires: now.Add(sashlock.MaxCommandLife),
	}
}

// TestTenThousandLies: of ten thousand commands that are injected, replayed and
// edited, none moves the bolt; of the one good one among them, one does.
func TestTenThousandLies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		public, key := newPair(t)
		_, other := newPair(t)
		refused := map[string]int{}
		l := New(Options{Address: "case-3", Site: "store", CommandKey: public, Say: func(what string) { refused[what]++ }})
		good := driver.SignCommand(key, order("act_1", "case-3"))
		lies := 0
		lie := func(signed []byte) {
			if signed == nil {
				t.Fatal("a lie was not written")
			}
			lies++
			l.command(signed)
		}
		for bit := range 8 * len(good) {
			edited := append([]byte(nil), good...)
			edited[bit/8] ^= 1 << (bit % 8)
			lie(edited)
		}
		l.command(good)
		for n := 0; lies < 10_000; n++ {
			c := order(fmt.Sprintf("act_x%d", n), "case-3")
			switch n % 8 {
			case 0:
				lie(good)
			case 1:
				lie(driver.SignCommand(other, c))
			case 2:
				c.Address = "case-4"
				lie(driver.SignCommand(key, c))
			case 3:
				c.Address = ""
				lie(driver.SignCommand(key, c))
			case 4:
				c.Issued, c.Expires = c.Issued.Add(-time.Minute), c.Expires.Add(-time.Minute)
				lie(driver.SignCommand(key, c))
			case 5:
				c.Expires = c.Expires.Add(time.Hour)
				lie(driver.SignCommand(key, c))
			case 6:
				c.Epoch = 4
				lie(driver.SignCommand(key, c))
			case 7:
				c.Issued, c.Expires = c.Issued.Add(5*time.Second), c.Expires.Add(5*time.Second)
				lie(driver.SignCommand(key, c))
			}
		}
		<-time.After(time.Minute)
		synctest.Wait()
		if n := l.Opened(); n != 1 {
			t.Errorf("the bolt was drawn %d times, want once", n)
		}
		for _, r := range []sashlock.Reason{
			sashlock.BadSignature, sashlock.CommandReplayed, sashlock.WrongAudience, sashlock.CommandLate, sashlock.WrongEpoch, sashlock.Restarted,
		} {
			if refused["refused a command: "+r.Words()] == 0 {
				t.Errorf("nothing was refused as %s: %v", r, refused)
			}
		}
	})
}

// TestExpiresOnTheWay: a command that is good when it comes moves nothing when
// its time is over before the bolt's.
func TestExpiresOnTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		public, key := newPair(t)
		l := New(Options{Address: "case-3", CommandKey: public, Latency: 11 * time.Second})
		l.command(driver.SignCommand(key, order("act_1", "case-3")))
		<-time.After(time.Minute)
		synctest.Wait()
		if l.Opened() != 0 {
			t.Error("the bolt was drawn after the command had expired")
		}
	})
}

// TestClockPutBack: a clock that is put back does not revive a used command.
func TestClockPutBack(t *testing.T) {
	public, key := newPair(t)
	began := time.Now()
	now := began
	k := newChecker(public, "case-3", func() time.Time { return now })
	good := driver.SignCommand(key, order("act_1", "case-3"))
	if _, reason := k.take(good); reason != "" {
		t.Fatalf("refused as %s", reason)
	}
	now = began.Add(5 * time.Minute)
	if _, reason := k.take(driver.SignCommand(key, order("act_2", "case-3"))); reason != sashlock.CommandLate {
		t.Errorf("a late one: %q", reason)
	}
	now = began
	if _, reason := k.take(good); reason != sashlock.CommandLate {
		t.Errorf("after the clock was put back: %q", reason)
	}
}

// TestRelease: the bolt goes back by itself, or when the door is closed.
func TestRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		public, key := newPair(t)
		l := New(Options{Address: "case-3", CommandKey: public})
		for i, open := range []bool{false, true} {
			c := order(fmt.Sprintf("act_%d", i), "case-3")
			c.Verb, c.For = sashlock.DoRelease, 3*time.Second
			l.command(driver.SignCommand(key, c))
			<-time.After(time.Second)
			if !l.Unlocked() {
				t.Fatal("not unlocked")
			}
			if open {
				l.OpenDoor()
			}
			<-time.After(5 * time.Second)
			if l.Unlocked() != open {
				t.Errorf("open=%t: unlocked=%t after its time", open, l.Unlocked())
			}
			l.CloseDoor()
			if l.Unlocked() {
				t.Error("unlocked after closing")
			}
		}
	})
}
