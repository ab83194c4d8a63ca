// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/detect"
	"github.com/sashlock/sashlock/internal/detect/afterhours"
	"github.com/sashlock/sashlock/internal/detect/forced"
	"github.com/sashlock/sashlock/internal/detect/heldopen"
	"github.com/sashlock/sashlock/internal/detect/unattended"
)

// BenchmarkReport measures reports from devices to the disk: decoded report,
// state machine, four rules, ledger entry, Merkle hashes, signed checkpoint,
// one durable transaction. Compare with BenchmarkPlain of package store in the
// same run.
func BenchmarkReport(b *testing.B) {
	for _, writers := range []int{1, 64, 512} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) { benchmarkReport(b, writers) })
	}
}

func benchmarkReport(b *testing.B, writers int) {
	h := newHouse(b, []detect.Rule{forced.Rule{}, unattended.Rule{}, heldopen.Rule{}, afterhours.Rule{}})
	facts := access.Facts{Sites: []sashlock.Site{{ID: "site_1", Slug: "store", Name: "Store", Zone: "UTC"}}}
	var devices []sashlock.Device
	for i := range writers {
		o := sashlock.OpeningID(fmt.Sprintf("opn_01k0000000000000000000%04d", i))
		facts.Openings = append(facts.Openings, sashlock.Opening{
			ID: o, Slug: fmt.Sprintf("case-%d", i), Name: "Case", Site: "site_1", Kind: sashlock.Case, Egress: sashlock.EgressNone,
			OpenTime: time.Hour, Unattended: time.Hour, ReleaseTime: 10 * time.Second,
		})
		devices = append(devices, sashlock.Device{
			ID: sashlock.DeviceID(fmt.Sprintf("dev_01k0000000000000000000%04d", i)), Opening: o, Driver: "sim", Gateway: "sim", Address: fmt.Sprint(i),
			Capabilities: []sashlock.Capability{sashlock.CanRelease, sashlock.TellsLock, sashlock.TellsPosition},
		})
	}
	h.now = time.Now()
	start := h.now
	h.start(facts, devices)
	kinds := []sashlock.EventKind{sashlock.LockUnlocked, sashlock.OpeningOpened, sashlock.OpeningClosed, sashlock.LockLocked}
	b.ResetTimer()
	var next atomic.Int64
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			d := devices[w]
			for n := uint64(1); next.Add(1) <= int64(b.N); n++ {
				_, err := h.hall.Report(b.Context(), sashlock.Report{
					Device: d.ID, Opening: d.Opening, Kind: kinds[n%4], Boot: 1, Number: n, Method: sashlock.ByKeypad, Slot: 3,
					At: start.Add(time.Duration(n) * time.Millisecond),
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reports/s")
}
