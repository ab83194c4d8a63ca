// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock/internal/ledger/proof"
)

const rootText = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

// signNote signs any text, well formed or not.
func signNote(t testing.TB, text string, signers ...note.Signer) string {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

func TestOpenCheckpointForms(t *testing.T) {
	signer, key := fixedKey(t, origin, 7)
	for _, c := range []struct{ name, text, want string }{
		{"plain", origin + "\n5\n" + rootText + "\n", ""},
		{"with extensions", origin + "\n5\n" + rootText + "\nfirst\nsecond\n", ""},
		{"of an empty ledger", origin + "\n0\n" + rootText + "\n", ""},
		{"with a leading zero", origin + "\n05\n" + rootText + "\n", "canonical form"},
		{"with a plus sign", origin + "\n+5\n" + rootText + "\n", "canonical form"},
		{"with a negative size", origin + "\n-5\n" + rootText + "\n", "is not a number from 0"},
		{"with a size beyond the limit", origin + "\n1099511627777\n" + rootText + "\n", "is not a number from 0"},
		{"with a size beyond 64 bits", origin + "\n99999999999999999999\n" + rootText + "\n", "is not a number from 0"},
		{"with a hexadecimal size", origin + "\n0x5\n" + rootText + "\n", "is not a number from 0"},
		{"with a space", origin + "\n5 \n" + rootText + "\n", "is not a number from 0"},
		{"with a short root", origin + "\n5\nAQID\n", "not a base64 hash of 32 bytes"},
		{"with loose base64", origin + "\n5\n" + loosen(rootText) + "\n", "not a base64 hash of 32 bytes"},
		{"without a root", origin + "\n5\n", "fewer than three lines"},
		{"with an empty extension line", origin + "\n5\n" + rootText + "\n\nmore\n", "empty extension line"},
		{"with an empty last line", origin + "\n5\n" + rootText + "\n\n", "empty extension line"},
		{"without an origin", "\n5\n" + rootText + "\n", "names no origin"},
		{"of another origin", "sashlock.example/store-13\n5\n" + rootText + "\n", "none of the trusted keys belongs to"},
	} {
		got, err := proof.OpenCheckpoint(signNote(t, c.text, signer), key)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want == "" && got.Text() != c.text:
			t.Errorf("%s: read as %q", c.name, got.Text())
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
}

func TestOpenCheckpointSignatures(t *testing.T) {
	signer, key := fixedKey(t, origin, 7)
	witness, witnessKey := fixedKey(t, "witness.example/w1", 9)
	text := origin + "\n5\n" + rootText + "\n"
	good := signNote(t, text, signer)
	both := signNote(t, text, signer, witness)
	line := strings.SplitAfter(good, "\n\n")[1]
	for _, c := range []struct {
		name, signed string
		keys         []note.Verifier
		want         string
	}{
		{"signed", good, []note.Verifier{key}, ""},
		{"with an unknown witness", both, []note.Verifier{key}, ""},
		{"with a known witness", both, []note.Verifier{key, witnessKey}, ""},
		{"by a witness only", signNote(t, text, witness), []note.Verifier{key, witnessKey}, "none of the trusted keys belongs to"},
		{"with a wrong known witness", flipSignature(both), []note.Verifier{key, witnessKey}, "the signature of witness.example/w1"},
		{"by an unknown key", good, []note.Verifier{witnessKey}, "not signed by this key (witness.example/w1+"},
		{"without keys", good, nil, "not signed by this key"},
		{"with the zero key", good, []note.Verifier{proof.Key{}}, "not signed by this key"},
		{"unsigned", text, []note.Verifier{key}, "carries no signature"},
		{"twice by one key", good + line, []note.Verifier{key}, "two signatures by the same key"},
		{"with junk after", good + "junk\n", []note.Verifier{key}, "malformed signature line"},
		{"without a last line break", strings.TrimSuffix(good, "\n"), []note.Verifier{key}, "not a well-formed signed note"},
		{"in loose base64", good[:len(good)-3] + "B=\n", []note.Verifier{key}, "base64"},
		{"too long", strings.Repeat("x", proof.MaxCheckpointBytes+1), []note.Verifier{key}, "longer than"},
	} {
		_, err := proof.OpenCheckpoint(c.signed, c.keys...)
		if c.want == "" && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
}

// TestCheckpointEveryBit flips every bit of a signed checkpoint.
func TestCheckpointEveryBit(t *testing.T) {
	signer, key := fixedKey(t, origin, 7)
	signed := []byte(signNote(t, origin+"\n5\n"+rootText+"\nextension\n", signer))
	for i := range signed {
		for bit := range 8 {
			signed[i] ^= 1 << bit
			if c, err := proof.OpenCheckpoint(string(signed), key); err == nil {
				t.Errorf("bit %d of byte %d: accepted as %+v", bit, i, c)
			}
			signed[i] ^= 1 << bit
		}
	}
}

func TestParseKey(t *testing.T) {
	_, key := fixedKey(t, origin, 7)
	text := key.String()
	hash := text[len(origin)+1 : len(origin)+9]
	if key.Name() != origin || !strings.HasPrefix(key.Fingerprint(), hash+" ") || len(key.Fingerprint()) != 8*8+7 {
		t.Errorf("name %q, fingerprint %q, hash %s", key.Name(), key.Fingerprint(), hash)
	}
	upper := strings.Replace(text, hash, strings.ToUpper(hash), 1)
	if upper == text {
		t.Fatal("the test key's hash has no letter")
	}
	for _, bad := range []string{"", "x", upper, text + "\n", text[:60] + "\n" + text[60:], text + "A", " " + text, "PRIVATE+KEY+" + text} {
		if k, err := proof.ParseKey(bad); err == nil || !k.IsZero() {
			t.Errorf("%q was accepted", bad)
		}
	}
	if (proof.Key{}).Verify(nil, nil) || (proof.Key{}).Fingerprint() != "" {
		t.Error("the zero key verifies or has a fingerprint")
	}
}

func TestCommitment(t *testing.T) {
	salt := [proof.SaltSize]byte{1, 2, 3}
	for _, size := range []int{0, 1, 275, 5000} {
		body := []byte(strings.Repeat("b", size))
		want := sha256.Sum256([]byte("sashlock commitment v1\n" + string(salt[:]) + string(body)))
		c := proof.Commit(salt, body)
		if c != want {
			t.Errorf("%d bytes: got %v", size, c)
		}
		if c.Leaf() != tlog.RecordHash(c[:]) {
			t.Errorf("%d bytes: the leaf hash is not that of RFC 6962", size)
		}
	}
	body := make([]byte, 300)
	if n := testing.AllocsPerRun(10, func() { _ = proof.Commit(salt, body).Leaf() }); n != 0 {
		t.Errorf("a commitment of 300 bytes allocates %v times", n)
	}
}

// TestHugeSizes tries sizes near the end of 64-bit arithmetic, where the tree
// algorithms of package tlog do not return.
func TestHugeSizes(t *testing.T) {
	for _, size := range []int64{-1, proof.MaxTreeSize + 1, 1<<62 + 1, 1<<63 - 1} {
		c := proof.Checkpoint{Origin: origin, Size: size}
		if proof.VerifyInclusion(c, size-1, proof.Commitment{}, nil) == nil {
			t.Errorf("size %d: an inclusion proof was accepted", size)
		}
		if proof.VerifyConsistency(c, c, nil) == nil || proof.VerifyConsistency(proof.Checkpoint{Origin: origin, Size: 1}, c, nil) == nil {
			t.Errorf("size %d: a consistency proof was accepted", size)
		}
	}
}

// FuzzOpenCheckpoint looks for a text other than the signed one that is accepted.
func FuzzOpenCheckpoint(f *testing.F) {
	signer, key := fixedKey(f, origin, 7)
	text := origin + "\n5\n" + rootText + "\n"
	f.Add(signNote(f, text, signer))
	f.Add(text + "\n— " + origin + " AAAAAAA=\n")
	f.Add("\n\n— \n")
	f.Fuzz(func(t *testing.T, signed string) {
		c, err := proof.OpenCheckpoint(signed, key)
		if err == nil && (c.Size != 5 || c.Text() != text) {
			t.Errorf("accepted: %q as %+v", signed, c)
		}
	})
}
