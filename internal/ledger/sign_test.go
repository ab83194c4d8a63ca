// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"strings"
	"testing"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock/internal/ledger"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// TestCheckpointReadByOthers lets an independent implementation read ours.
func TestCheckpointReadByOthers(t *testing.T) {
	signer, key := newKey(t)
	for _, size := range []int64{0, 1, 255, 256, 1 << 33} {
		root := tlog.Hash(commitment(size))
		signed, err := ledger.SignCheckpoint(signer, origin, size, root)
		if err != nil {
			t.Fatal(err)
		}
		theirs, rest, _, err := log.ParseCheckpoint([]byte(signed), origin, key)
		if err != nil {
			t.Fatalf("size %d: formats/log: %v", size, err)
		}
		if theirs.Origin != origin || theirs.Size != uint64(size) || tlog.Hash(theirs.Hash) != root || len(rest) != 0 {
			t.Errorf("size %d: formats/log read %+v", size, theirs)
		}
		ours, err := ledger.OpenCheckpoint(signed, key)
		if err != nil {
			t.Fatal(err)
		}
		if ours.Origin != origin || ours.Size != size || ours.Root != root || ours.Extensions != nil {
			t.Errorf("size %d: we read %+v", size, ours)
		}
	}
}

func TestSignCheckpointRefuses(t *testing.T) {
	signer, _ := newKey(t)
	for _, c := range []struct {
		name, origin string
		size         int64
		want         string
	}{
		{"another origin", "sashlock.example/store-13", 1, "the key is of"},
		{"no origin", "", 1, "the key is of"},
		{"a negative size", origin, -1, "out of range"},
		{"a size beyond the limit", origin, proof.MaxTreeSize + 1, "out of range"},
	} {
		_, err := ledger.SignCheckpoint(signer, c.origin, c.size, tlog.Hash{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
	if _, err := ledger.SignCheckpoint(nil, origin, 1, tlog.Hash{}); err == nil {
		t.Error("signing without a key was accepted")
	}
}
