// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock/internal/ledger/proof"
)

var update = flag.Bool("update", false, "rewrite the files in testdata")

// golden is a bundle of format 1 that every later version must accept too.
const golden = "testdata/evidence-1.json"

// goldenLedger is the ledger that the golden bundle is from.
func goldenLedger(t testing.TB) *testLedger {
	t.Helper()
	l := newLedger(t, 3, 12)
	l.erase(5)
	return l
}

func encode(t testing.TB, b *proof.Bundle) []byte {
	t.Helper()
	data, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestBundleGolden(t *testing.T) {
	l := goldenLedger(t)
	want := l.bundle(t, 2, 5, 11)
	data := encode(t, want)
	if *update {
		if err := os.WriteFile(golden, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("testdata/store-12.key", []byte(l.key.String()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(kept), string(data)); diff != "" {
		t.Errorf("the bundle is written differently (-kept +now):\n%s", diff)
	}
	got, err := proof.DecodeBundle(kept)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the bundle is read differently (-want +got):\n%s", diff)
	}
	report, err := proof.Verify(got, l.key)
	if err != nil {
		t.Fatal(err)
	}
	if report.Checkpoint.Size != 12 || report.Older == nil || report.Older.Size != 3 || len(report.Entries) != 3 {
		t.Errorf("report: %+v", report)
	}
	for _, f := range report.Entries {
		if !f.Proved {
			t.Errorf("entry %d is not proved", f.Statement.Seq)
		}
	}
}

// TestBundleEveryBit flips every bit of a bundle, one at a time. None of the
// results may be accepted: there is no byte in it that could mean the same.
func TestBundleEveryBit(t *testing.T) {
	l := goldenLedger(t)
	data := encode(t, l.bundle(t, 2, 5))
	if b, err := proof.DecodeBundle(data); err != nil {
		t.Fatal(err)
	} else if _, err := proof.Verify(b, l.key); err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			if b, err := proof.DecodeBundle(data); err == nil {
				if _, err := proof.Verify(b, l.key); err == nil {
					t.Errorf("bit %d of byte %d (%q) can be flipped unnoticed", bit, i, data[max(0, i-10):i+1])
				}
			}
			data[i] ^= 1 << bit
		}
	}
}

// bundleFault is one way to alter a bundle, and what Verify must say with a key.
type bundleFault struct {
	name  string
	key   proof.Key
	alter func(b *proof.Bundle)
	want  []string // the problems in full, or their beginnings
}

// checkBundles alters a bundle of l in one way at a time.
func checkBundles(t *testing.T, l *testLedger, faults []bundleFault) {
	t.Helper()
	for _, c := range faults {
		t.Run(c.name, func(t *testing.T) {
			b := l.copy().bundle(t, 2, 5, 11)
			c.alter(b)
			report, err := proof.Verify(b, c.key)
			var problems proof.Problems
			if !errors.As(err, &problems) || len(problems) != len(report.Problems) || len(report.Entries) != len(b.Entries) {
				t.Fatalf("error %v, report %+v", err, report)
			}
			checkProblems(t, problems, c.want)
		})
	}
}

func TestVerifyNamesWrongEntries(t *testing.T) {
	l := goldenLedger(t)
	checkBundles(t, l, []bundleFault{
		{"a body bit", l.key, func(b *proof.Bundle) { b.Entries[0].Body[3] ^= 4 },
			[]string{"entry 2: the body or its salt was altered"}},
		{"a salt bit", l.key, func(b *proof.Bundle) { b.Entries[2].Salt[3] ^= 4 },
			[]string{"entry 11: the body or its salt was altered"}},
		{"a cut salt", l.key, func(b *proof.Bundle) { b.Entries[2].Salt = b.Entries[2].Salt[:9] },
			[]string{"entry 11: its salt is 9 bytes long instead of 32"}},
		{"a body bit, without a commitment", l.key, func(b *proof.Bundle) { b.Entries[0].Body[3] ^= 4; b.Entries[0].Commitment = proof.Commitment{} },
			[]string{"entry 2: the proof does not lead to the root of the checkpoint: body, salt, sequence number or proof"}},
		{"the stated commitment", l.key, func(b *proof.Bundle) { b.Entries[0].Commitment[0] ^= 1 },
			[]string{"entry 2: the commitment stated beside it was altered"}},
		{"the commitment of an erased entry", l.key, func(b *proof.Bundle) { b.Entries[1].Commitment[0] ^= 1 },
			[]string{"entry 5: the proof does not lead to the root of the checkpoint: the commitment, the sequence number or the proof"}},
		{"a proof bit", l.key, func(b *proof.Bundle) { b.Entries[2].Proof[1][0] ^= 1 },
			[]string{"entry 11: the proof does not lead to the root of the checkpoint: the sequence number or the proof"}},
		{"a longer proof", l.key, func(b *proof.Bundle) { b.Entries[2].Proof = append(b.Entries[2].Proof, b.Entries[2].Proof[0]) },
			[]string{"entry 11: the proof does not lead to the root"}},
		{"another sequence number", l.key, func(b *proof.Bundle) { b.Entries[0].Seq = 3 },
			[]string{"entry 3: the proof does not lead to the root"}},
		{"a sequence number beyond", l.key, func(b *proof.Bundle) { b.Entries[0].Seq = 12 },
			[]string{"entry 12: the checkpoint covers 12 entries and this sequence number is not among them"}},
		{"two entries wrong", l.key, func(b *proof.Bundle) { b.Entries[0].Body[0] ^= 1; b.Entries[2].Body[0] ^= 1 },
			[]string{"entry 2: the body", "entry 11: the body"}},
		{"a checkpoint of another tree", l.key, func(b *proof.Bundle) { b.Checkpoint, b.Consistency = l.seals[0].Checkpoint, nil },
			[]string{"entry 2: ", "entry 5: the checkpoint covers 3 entries", "entry 11: the checkpoint covers 3"}},
	})
}

func TestVerifyNamesWrongCheckpoints(t *testing.T) {
	l := goldenLedger(t)
	otherSigner, other := fixedKey(t, origin, 8)
	_, elsewhere := fixedKey(t, "sashlock.example/store-13", 7)
	forged := newLedger(t, 3, 12)
	forged.signer = otherSigner
	forged.replace(2)
	forged.rebuild(t)
	forgedSeal := forged.sign(t, 12, mustRoot(t, forged, 12))
	checkBundles(t, l, []bundleFault{
		{"a signature bit", l.key, func(b *proof.Bundle) { b.Checkpoint = flipSignature(b.Checkpoint) },
			[]string{"the signature of " + origin + " on the checkpoint is wrong", "entry 2: it is not proved", "entry 5: it is not", "entry 11: it is not"}},
		{"another key", other, func(*proof.Bundle) {},
			[]string{"the checkpoint is not signed by this key (" + origin + "+", "entry 2:", "entry 5:", "entry 11:"}},
		{"the key of another store", elsewhere, func(*proof.Bundle) {},
			[]string{`the bundle is said to be of "` + origin + `", but the trusted key is of "sashlock.example/store-13"`, "entry 2:", "entry 5:", "entry 11:"}},
		{"a forger's own key and checkpoint", l.key, func(b *proof.Bundle) { b.Checkpoint, b.VerifierKey = forgedSeal, other.String() },
			[]string{"the checkpoint is not signed by this key", "entry 2:", "entry 5:", "entry 11:"}},
		{"another origin", l.key, func(b *proof.Bundle) { b.Origin = "sashlock.example/store-13" },
			[]string{`the bundle is said to be of "sashlock.example/store-13"`, "entry 2:", "entry 5:", "entry 11:"}},
		{"an older checkpoint that is not continued", l.key, func(b *proof.Bundle) { b.Consistency.Proof[0][0] ^= 1 },
			[]string{"older checkpoint: the newer checkpoint does not continue the older one"}},
		{"an older checkpoint that is newer", l.key, func(b *proof.Bundle) {
			b.Checkpoint, b.Consistency.Checkpoint = b.Consistency.Checkpoint, b.Checkpoint
			b.Entries = nil
		}, []string{"older checkpoint: the older checkpoint covers 12 entries, the newer only 3"}},
		{"an older checkpoint with a wrong signature", l.key, func(b *proof.Bundle) { b.Consistency.Checkpoint = flipSignature(b.Consistency.Checkpoint) },
			[]string{"older checkpoint: the signature of"}},
		{"no key", proof.Key{}, func(*proof.Bundle) {},
			[]string{"no key to trust was given", "entry 2:", "entry 5:", "entry 11:"}},
	})
}

func TestVerifyEmptyOlderLedger(t *testing.T) {
	l := newLedger(t, 0, 12)
	b := &proof.Bundle{Origin: origin, Checkpoint: l.seals[1].Checkpoint, Consistency: &proof.Consistency{Checkpoint: l.seals[0].Checkpoint}}
	if _, err := proof.Verify(b, l.key); err != nil {
		t.Errorf("a ledger continues the empty one: %v", err)
	}
	b.Consistency.Checkpoint = l.sign(t, 0, mustRoot(t, l, 12))
	if _, err := proof.Verify(b, l.key); err == nil {
		t.Error("an empty ledger with a root that is not empty was accepted")
	}
}

// TestDecodeBundleRefuses tries what a lenient decoder would let pass.
func TestDecodeBundleRefuses(t *testing.T) {
	l := goldenLedger(t)
	whole := string(encode(t, l.bundle(t, 2, 5, 11)))
	salt := base64.StdEncoding.EncodeToString(l.rows[2].Salt)
	body := base64.StdEncoding.EncodeToString(l.rows[11].Body)
	cut := func(old, replacement string) string { return strings.Replace(whole, old, replacement, 1) }
	again := cut(`"entries": [`, `"entries": [`+entryJSON(t, whole)+`,`)
	for _, c := range []struct{ name, json, want string }{
		{"nothing", "", "not one well-formed JSON value"},
		{"a list", "[]", "must be an object"},
		{"an empty object", "{}", `the field "format" is missing`},
		{"more after the end", whole + "{}", "not one well-formed JSON value"},
		{"bytes that are no text", whole[:50] + "\xff" + whole[51:], "not valid UTF-8"},
		{"another format", cut("evidence/1", "evidence/2"), `the bundle's format is "sashlock-evidence/2"`},
		{"an unknown field", cut(`"origin"`, `"note": "hello", "origin"`), `unknown field "note"`},
		{"a field in capitals", cut(`"origin"`, `"Origin"`), `unknown field "Origin"`},
		{"a repeated field", cut(`"origin"`, `"origin": "x", "origin"`), `the field "origin" appears twice`},
		{"no entries field", cut(`"entries"`, `"consistency": null, "entries_"`), "consistency: must be an object"},
		{"a number as text", cut(`"seq": 2`, `"seq": "2"`), "seq: must be a number"},
		{"a fraction", cut(`"seq": 2`, `"seq": 2.0`), "plain digits"},
		{"an exponent", cut(`"seq": 2`, `"seq": 2e0`), "plain digits"},
		{"minus zero", cut(`"seq": 2`, `"seq": -0`), "plain digits"},
		{"a negative number", cut(`"seq": 2`, `"seq": -2`), "plain digits"},
		{"a huge number", cut(`"seq": 2`, `"seq": 99999999999999999999`), "plain digits"},
		{"a sequence number twice", again, "entry 2 appears twice, at places 1 and 2 of the list"},
		{"a short salt", cut(salt, base64.StdEncoding.EncodeToString(l.rows[2].Salt[:31])), "entry 2: its salt is 31 bytes long"},
		{"a long salt", cut(salt, base64.StdEncoding.EncodeToString(append(bytes.Clone(l.rows[2].Salt), 0))), "entry 2: salt: is longer than 32 bytes"},
		{"a line break in base64", cut(salt, salt[:10]+`\n`+salt[11:]), "entry 2: salt: base64 contains a line break"},
		{"base64 with spare bits", cut(salt, loosen(salt)), "entry 2: salt: base64 is not well formed"},
		{"base64 without padding", cut(salt, strings.TrimRight(salt, "=")), "entry 2: salt: base64 is not well formed"},
		{"no body", cut(body, ""), "entry 11: body: must not be empty"},
		{"no proof", cut(`"proof"`, `"commitment"`), `entry 2: the field "commitment" appears twice`},
		{"erased false", cut(`"erased": true`, `"erased": false`), "entry 5: erased: must be true, or be left out"},
		{"erased with a body", cut(`"erased": true`, `"erased": true, "body": "e30="`), "entry 5: it is said to be erased, yet has a body"},
		{"a verifier key with a bad hash", cut(l.key.String()[:len(origin)+9], origin+"+00000000"), "reading the verifier key"},
	} {
		if c.json == whole {
			t.Errorf("%s: the test changed nothing", c.name)
		}
		_, err := proof.DecodeBundle([]byte(c.json))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
}

// entryJSON returns the JSON of a bundle's first entry.
func entryJSON(t *testing.T, bundle string) string {
	t.Helper()
	_, rest, ok := strings.Cut(bundle, `"entries": [`)
	entry, _, closed := strings.Cut(rest, "}")
	if !ok || !closed {
		t.Fatal("the bundle has no entry")
	}
	return entry + "}"
}

// loosen sets the spare bits of padded base64, which lenient decoders ignore.
func loosen(s string) string {
	at := strings.IndexByte(s, '=') - 1
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	return s[:at] + string(digits[strings.IndexByte(digits, s[at])+1]) + s[at+1:]
}

func TestDecodeBundleLimits(t *testing.T) {
	l := goldenLedger(t)
	if _, err := proof.DecodeBundle(make([]byte, proof.MaxBundleBytes+1)); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("too long a file: %v", err)
	}
	b := l.bundle(t, 2)
	b.Entries[0].Body = make([]byte, proof.MaxBodyBytes+1)
	if _, err := b.Encode(); err == nil || !strings.Contains(err.Error(), "entry 2: body: is longer than") {
		t.Errorf("too long a body: %v", err)
	}
	b = l.bundle(t, 2)
	for range 70 {
		b.Entries[0].Proof = append(b.Entries[0].Proof, b.Entries[0].Proof[0])
	}
	if _, err := b.Encode(); err == nil || !strings.Contains(err.Error(), "entry 2: proof: more than 64 values") {
		t.Errorf("too long a proof: %v", err)
	}
	if _, err := (&proof.Bundle{Origin: origin, Checkpoint: "x"}).Encode(); err == nil || !strings.Contains(err.Error(), "states nothing") {
		t.Errorf("an empty bundle: %v", err)
	}
}

// FuzzDecodeBundle looks for a file that is accepted as proof of something
// that is not in the ledger, and for one that cannot be written again.
func FuzzDecodeBundle(f *testing.F) {
	l := goldenLedger(f)
	f.Add(encode(f, l.bundle(f, 2, 5, 11)))
	f.Add([]byte(`{"format":"sashlock-evidence/1","origin":"a","checkpoint":"b","entries":[{"seq":1,"erased":true,"commitment":"","proof":[]}]}`))
	f.Add([]byte(`{"format":"sashlock-evidence/1","entries":[[]],"consistency":{"proof":[1]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := proof.DecodeBundle(data)
		if err != nil {
			return
		}
		again, err := b.Encode()
		if err != nil {
			t.Fatalf("a bundle that was read cannot be written: %v", err)
		}
		c, err := proof.DecodeBundle(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, c); diff != "" {
			t.Fatalf("the bundle changed:\n%s", diff)
		}
		if _, err := proof.Verify(b, l.key); err != nil {
			return
		}
		for _, s := range b.Entries {
			r := l.rows[s.Seq]
			if s.Erased != (s.Body == nil) || !s.Erased && (!bytes.Equal(r.Body, s.Body) || !bytes.Equal(r.Salt, s.Salt)) {
				t.Errorf("accepted as entry %d: %q", s.Seq, s.Body)
			}
		}
	})
}

func BenchmarkVerifyBundle(b *testing.B) {
	l := newLedger(b, 100, 5000)
	seqs := make([]int64, 1000)
	for i := range seqs {
		seqs[i] = int64(i * 5)
	}
	data := encode(b, l.bundle(b, seqs...))
	for b.Loop() {
		bundle, err := proof.DecodeBundle(data)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := proof.Verify(bundle, l.key); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(seqs))/b.Elapsed().Seconds(), "entries/s")
}
