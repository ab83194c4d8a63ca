// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/sashlock/sashlock/internal/access"
)

// bytesPerGrant measures what an index with grants keeps beyond one without,
// after the facts are gone.
func bytesPerGrant(t testing.TB, grants int) (each float64, built time.Duration) {
	f := estate(grants)
	bare := f
	bare.Grants = nil
	empty, err := access.New(bare)
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	begin := time.Now()
	full, err := access.New(f)
	if err != nil {
		t.Fatal(err)
	}
	built = time.Since(begin)
	if full.GrantCount() != grants || empty.GrantCount() != 0 {
		t.Fatalf("indexes hold %d and %d grants, want %d and 0", full.GrantCount(), empty.GrantCount(), grants)
	}
	withFull := heap()
	runtime.KeepAlive(full)
	full = nil
	again, err := access.New(bare) // what the objects other than grants take
	if err != nil {
		t.Fatal(err)
	}
	bareSize := int64(heap()) - int64(before)
	runtime.KeepAlive(again)
	runtime.KeepAlive(empty)
	runtime.KeepAlive(f)
	return float64(int64(withFull)-int64(before)-bareSize) / float64(grants), built
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkMemory(b *testing.B) {
	var each float64
	var built time.Duration
	for range b.N {
		each, built = bytesPerGrant(b, 1_000_000)
	}
	b.ReportMetric(each, "B/grant")
	b.ReportMetric(built.Seconds(), "s/New")
}

// BenchmarkSchedules compiles 10,000 schedules for sites in eight zones.
func BenchmarkSchedules(b *testing.B) {
	f := estateWith(1_000, 10_000)
	var grown uint64
	for b.Loop() {
		before := heap()
		ix, err := access.New(f)
		if err != nil {
			b.Fatal(err)
		}
		grown = heap() - before
		runtime.KeepAlive(ix)
	}
	b.ReportMetric(float64(grown)/(1<<20), "MiB")
}

// TestMemoryPerGrant holds the size of an index below 110 bytes a grant, the
// text of its identifier included.
func TestMemoryPerGrant(t *testing.T) {
	each, _ := bytesPerGrant(t, 100_000)
	t.Logf("%.1f bytes a grant at 100,000 grants", each)
	if each > 110 || each < 30 {
		t.Errorf("an index takes %.1f bytes a grant, want at most 110 and at least the 30 of its identifier", each)
	}
}
