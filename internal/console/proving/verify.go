// SPDX-License-Identifier: Apache-2.0

package proving

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/ledger/proof"
	"github.com/sashlock/sashlock/internal/logkey"
)

// The rules of a verification are:
//
//   - One is under way at a time; who asks for another sees that one.
//   - It goes on when the browser that asked for it goes away, and its result
//     is kept until the next one.
//   - Problems that were found by sampling signatures are looked for again with
//     every signature, which tells where they begin.

// longest is how long a verification may take before it is given up.
const longest = 2 * time.Hour

// verification is the one that is under way, or the last one.
type verification struct {
	mu  sync.Mutex
	now checked // guarded by mu
}

// checked is how far a verification is, or what came out.
type checked struct {
	Running  bool
	Began    time.Time // zero: nobody asked yet
	Done     int64     // entries looked at so far
	Total    int64
	Speed    float64 // entries a second
	Took     time.Duration
	Report   proof.LedgerReport
	Problems proof.Problems
	Failed   bool // the ledger could not be read to its end
}

// OK says that the ledger was looked at and that nothing is wrong.
func (c checked) OK() bool {
	return !c.Running && !c.Began.IsZero() && !c.Failed && c.Report.Found == 0
}

// Wrong says that something is.
func (c checked) Wrong() bool { return !c.Running && c.Report.Found > 0 }

// local says that what is wrong is wrong in single entries and nowhere else.
func (c checked) local() bool {
	for _, p := range c.Problems {
		if p.Kind != proof.BodyAltered && p.Kind != proof.SaltAltered && p.Kind != proof.CommitmentAltered && p.Kind != proof.EntryAltered {
			return false
		}
	}
	return c.Report.Found == int64(len(c.Problems))
}

// Percent is how far it is, for a bar.
func (c checked) Percent() int {
	if c.Total <= 0 {
		return 0
	}
	return int(min(c.Done, c.Total) * 100 / c.Total)
}

// First is the problem to name in big: the first that concerns an entry.
func (c checked) First() proof.Problem {
	for _, p := range c.Problems {
		if p.Seq >= 0 {
			return p
		}
	}
	if len(c.Problems) > 0 {
		return c.Problems[0]
	}
	return proof.Problem{Seq: proof.Whole, Last: proof.Whole}
}

func (v *verification) look() checked {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// begin reports whether nothing was under way, and that now something is.
func (v *verification) begin(at time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.now.Running {
		return false
	}
	v.now = checked{Running: true, Began: at}
	return true
}

func (v *verification) change(with func(*checked)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	with(&v.now)
}

// verify begins to verify the whole ledger.
func (p pages) verify(w http.ResponseWriter, r *http.Request) error {
	if p.run.begin(p.Now()) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), longest)
		go func() {
			defer cancel()
			p.verifyAll(ctx)
		}()
	}
	return console.Back(w, r, "/proof#verdict")
}

func (p pages) verifyAll(ctx context.Context) {
	began := p.Now()
	report, err := p.verifyOnce(ctx, false)
	if len(report.Problems) > 0 {
		report, err = p.verifyOnce(ctx, true)
	}
	var wrong proof.Problems
	failed := err != nil && !errors.As(err, &wrong)
	if failed {
		p.Log.Error("ledger not verified", logkey.Err(err))
	}
	p.run.change(func(c *checked) {
		c.Running, c.Failed, c.Report, c.Problems = false, failed, report, report.Problems
		c.Took, c.Done = p.Now().Sub(began), report.Entries
		if s := c.Took.Seconds(); s > 0 {
			c.Speed = float64(report.Entries) / s
		}
	})
}

func (p pages) verifyOnce(ctx context.Context, every bool) (proof.LedgerReport, error) {
	key, err := proof.ParseKey(p.Verifier)
	if err != nil {
		return proof.LedgerReport{}, err
	}
	_, size, err := p.Store.Checkpoint(ctx)
	if err != nil {
		return proof.LedgerReport{}, err
	}
	p.run.change(func(c *checked) { c.Total, c.Done = size, 0 })
	return proof.VerifyLedger(p.Store.RowsUpTo(ctx, size), p.Store.SealsUpTo(ctx, size), proof.LedgerCheck{
		Keys: []proof.Key{key}, AllSignatures: every, Total: size, Now: p.Now,
		Progress: func(so proof.Progress) {
			p.run.change(func(c *checked) { c.Done, c.Speed = so.Done, so.PerSecond })
		},
	})
}
