// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
)

// One check of a signature takes about a tenth of a millisecond, so the million
// flips that docs/testing.md claims take a minute: -flips 1000000, as .ci/run
// does.
var flips = flag.Int("flips", 20_000, "how many single-bit flips of signed commands to try")

// aKey returns a key that is the same in every run.
func aKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func publicKey(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func aCommand() sashlock.Command {
	return sashlock.Command{
		ID: "act_1", Site: "site_1", Opening: "opn_1", Device: "dev_1", Decision: "dec_1",
		Verb: sashlock.DoRelease, For: 5 * time.Second, Epoch: 3,
		Issued: noon, Expires: noon.Add(10 * time.Second),
	}
}

// drawCommand draws any command a node may sign.
func drawCommand(t *rapid.T) sashlock.Command {
	verb := rapid.SampledFrom([]sashlock.Verb{sashlock.DoRelease, sashlock.DoUnlock, sashlock.DoLock}).Draw(t, "verb")
	c := sashlock.Command{
		ID:       sashlock.CommandID(rapid.StringN(1, 40, 60).Draw(t, "id")),
		Site:     sashlock.SiteID(rapid.StringN(1, 20, 60).Draw(t, "site")),
		Opening:  sashlock.OpeningID(rapid.StringN(1, 20, 60).Draw(t, "opening")),
		Device:   sashlock.DeviceID(rapid.StringN(1, 20, 60).Draw(t, "device")),
		Decision: sashlock.DecisionID(rapid.StringN(0, 20, 60).Draw(t, "decision")),
		Verb:     verb,
		Epoch:    rapid.Int64().Draw(t, "epoch"),
		Issued:   time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "issued"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC(),
	}
	c.Expires = c.Issued.Add(time.Duration(rapid.Int64Range(1, int64(sashlock.MaxCommandLife)).Draw(t, "life")))
	if verb == sashlock.DoRelease {
		c.For = time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "for"))
	}
	return c
}

func TestSignedCommandRoundTrip(t *testing.T) {
	key := aKey(1)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCommand(t)
		msg := SignCommand(key, c)
		if msg == nil {
			t.Skip("longer than a command may be")
		}
		got, err := OpenCommand(publicKey(key), msg)
		if err != nil {
			t.Fatalf("opening %s: %v", msg[payloadAt:], err)
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("opened another command than was signed:\n%s", diff)
		}
	})
}

func TestSignCommandWritesUTC(t *testing.T) {
	c := aCommand()
	c.Issued = c.Issued.In(time.FixedZone("", 3600))
	got, err := OpenCommand(publicKey(aKey(1)), SignCommand(aKey(1), c))
	if err != nil {
		t.Fatal(err)
	}
	if !got.Issued.Equal(c.Issued) || got.Issued.Location() != time.UTC {
		t.Errorf("issued %v, want %v in UTC", got.Issued, c.Issued)
	}
}

func TestSignCommandRefusesWhatNoGateTakes(t *testing.T) {
	for name, spoil := range map[string]func(*sashlock.Command){
		"no id":           func(c *sashlock.Command) { c.ID = "" },
		"no site":         func(c *sashlock.Command) { c.Site = "" },
		"no opening":      func(c *sashlock.Command) { c.Opening = "" },
		"no device":       func(c *sashlock.Command) { c.Device = "" },
		"unknown verb":    func(c *sashlock.Command) { c.Verb = "explode" },
		"endless release": func(c *sashlock.Command) { c.For = 0 },
		"negative":        func(c *sashlock.Command) { c.For = -1 },
		"no issue":        func(c *sashlock.Command) { c.Issued = time.Time{} },
		"no expiry":       func(c *sashlock.Command) { c.Expires = time.Time{} },
		"year 10000":      func(c *sashlock.Command) { c.Expires = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"long":            func(c *sashlock.Command) { c.Decision = sashlock.DecisionID(strings.Repeat("x", 1024)) },
		"not UTF-8":       func(c *sashlock.Command) { c.Device = "dev_\xff" },
	} {
		t.Run(name, func(t *testing.T) {
			c := aCommand()
			spoil(&c)
			if msg := SignCommand(aKey(1), c); msg != nil {
				t.Errorf("signed %q", msg[payloadAt:])
			}
		})
	}
}

// signRaw signs any payload the way SignCommand would.
func signRaw(key ed25519.PrivateKey, payload string) []byte {
	msg := append([]byte{commandVersion}, ed25519.Sign(key, []byte(commandDomain+payload))...)
	return append(msg, payload...)
}

func TestOpenCommandRefusesOtherForms(t *testing.T) {
	key := aKey(1)
	good := SignCommand(key, aCommand())
	text := string(good[payloadAt:])
	if _, err := OpenCommand(publicKey(key), signRaw(key, text)); err != nil {
		t.Fatalf("the untouched payload was refused: %v", err)
	}
	undomained := append([]byte{commandVersion}, ed25519.Sign(key, []byte(text))...)
	undomained = append(undomained, text...)
	version := bytes.Clone(good)
	version[0] = 2
	for _, test := range []struct {
		name string
		msg  []byte
		kind sashlock.Kind
	}{
		{"nothing", nil, sashlock.Invalid},
		{"only a version", []byte{1}, sashlock.Invalid},
		{"no payload", good[:payloadAt], sashlock.Invalid},
		{"cut short", good[:len(good)-1], sashlock.Denied},
		{"bytes after it", append(bytes.Clone(good), ' '), sashlock.Denied},
		{"other version", version, sashlock.Invalid},
		{"signed outside the domain", undomained, sashlock.Denied},
		{"other key", SignCommand(aKey(2), aCommand()), sashlock.Denied},
		{"signed, but longer than 1 KiB", signRaw(key, text+strings.Repeat(" ", 1024)), sashlock.Invalid},
		{"longer than can be signed", append(bytes.Clone(good), make([]byte, 1024)...), sashlock.Invalid},
		{"signed, trailing space", signRaw(key, text+" "), sashlock.Invalid},
		{"signed, two objects", signRaw(key, text+text), sashlock.Invalid},
		{"signed, unknown field", signRaw(key, strings.Replace(text, "{", `{"x":1,`, 1)), sashlock.Invalid},
		{"signed, repeated key", signRaw(key, strings.Replace(text, "{", `{"id":"act_0",`, 1)), sashlock.Invalid},
		{"signed, key in capitals", signRaw(key, strings.Replace(text, `"id"`, `"ID"`, 1)), sashlock.Invalid},
		{"signed, escaped letter", signRaw(key, strings.Replace(text, "act_1", `\u0061ct_1`, 1)), sashlock.Invalid},
		{"signed, other order", signRaw(key, reorderKeys(t, text)), sashlock.Invalid},
		{"signed, other zone", signRaw(key, strings.Replace(text, "12:00:00Z", "13:00:00+01:00", 1)), sashlock.Invalid},
		{"signed, not an object", signRaw(key, "null"), sashlock.Invalid},
		{"signed, no verb", signRaw(key, strings.Replace(text, `"release"`, `""`, 1)), sashlock.Invalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := OpenCommand(publicKey(key), test.msg)
			if got := sashlock.KindOf(err); got != test.kind {
				t.Errorf("OpenCommand: %v (kind %q), want kind %q", err, got, test.kind)
			}
		})
	}
}

// reorderKeys writes the same object with its keys in alphabetical order.
func reorderKeys(t *testing.T, text string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestOpenCommandWithoutKey(t *testing.T) {
	if _, err := OpenCommand(nil, SignCommand(aKey(1), aCommand())); !sashlock.IsKind(err, sashlock.Internal) {
		t.Errorf("OpenCommand without a key: %v, want kind internal", err)
	}
}

// TestNoFlippedBitPasses flips one bit at a time of many different commands.
func TestNoFlippedBitPasses(t *testing.T) {
	const workers = 2
	key := aKey(1)
	var tried, passed atomic.Int64
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 7))
			var msg []byte
			for i := range *flips / workers {
				if i%50 == 0 {
					msg = SignCommand(key, randomCommand(random, i))
				}
				bit := random.IntN(len(msg) * 8)
				msg[bit/8] ^= 1 << (bit % 8)
				if _, err := OpenCommand(publicKey(key), msg); err == nil {
					passed.Add(1)
				}
				msg[bit/8] ^= 1 << (bit % 8)
				tried.Add(1)
			}
			if _, err := OpenCommand(publicKey(key), msg); err != nil {
				t.Errorf("the command with no bit flipped was refused: %v", err)
			}
		})
	}
	group.Wait()
	if passed.Load() != 0 {
		t.Errorf("%d of %d flipped messages passed", passed.Load(), tried.Load())
	}
	t.Logf("%d single-bit flips, %d passed", tried.Load(), passed.Load())
}

func randomCommand(r *rand.Rand, i int) sashlock.Command {
	c := aCommand()
	c.ID = sashlock.CommandID(fmt.Sprintf("act_%016x%016x", r.Uint64(), i))
	c.Opening = sashlock.OpeningID(fmt.Sprintf("opn_%016x", r.Uint64()))
	c.Issued = noon.Add(time.Duration(r.Int64N(int64(1000 * time.Hour))))
	c.Expires = c.Issued.Add(1 + time.Duration(r.Int64N(int64(sashlock.MaxCommandLife))))
	return c
}

func FuzzOpenCommand(f *testing.F) {
	key := aKey(1)
	good := SignCommand(key, aCommand())
	f.Add(good, false)
	f.Add(good[payloadAt:], true)
	f.Add([]byte(`{"id":"a","id":"b"}`), true)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, data []byte, sign bool) {
		msg := data
		if sign { // past the signature, so that the decoder is reached
			msg = signRaw(key, string(data))
		}
		c, err := OpenCommand(publicKey(key), msg)
		if err != nil {
			return
		}
		if again := SignCommand(key, c); !bytes.Equal(again, msg) {
			t.Errorf("accepted %q, which is not what signing its command gives: %q", msg, again)
		}
	})
}
