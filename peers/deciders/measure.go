// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

// kinds are the kinds of request.
func (w *workload) kinds() []kind {
	return []kind{{"no guard rail in scope", w.free}, {"three guard rails in scope", w.bound}}
}

type kind struct {
	name string
	asks []ask
}

// turn is one measurement.
type turn struct {
	Nanoseconds float64 `json:"ns"` // a decision, on average
	Allocations float64 `json:"allocations"`
	P99         float64 `json:"p99_ns"` // of batches that take at least some microseconds
}

// compare runs everything.
func compare(ctx context.Context, s settings, talk io.Writer) (*result, error) {
	w, err := newWorkload(s.grants, s.requests)
	if err != nil {
		return nil, err
	}
	r := newResult(s, w)
	made := make([]decider, len(s.peers))
	for i, p := range s.peers {
		fmt.Fprintf(talk, "loading %s\n", p.name)
		began := time.Now()
		if made[i], err = p.open(w); err != nil {
			return nil, fmt.Errorf("loading %s: %w", p.name, err)
		}
		r.Peers[i].Load = time.Since(began).Seconds()
	}
	for _, k := range w.kinds() {
		for i, p := range s.peers {
			row := r.row(k.name, p.name)
			if row.Checked, row.Allowed, err = w.check(made[i], k.asks, s.check); err != nil {
				return nil, fmt.Errorf("checking %s with %s: %w", p.name, k.name, err)
			}
			fmt.Fprintf(talk, "%s, %s: %d answers right\n", p.name, k.name, row.Checked)
		}
	}
	for round := range s.rounds {
		for _, k := range w.kinds() {
			for i := range s.peers {
				i = (i + round) % len(s.peers)
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				fmt.Fprintf(talk, "round %d of %d, %s: %s\n", round+1, s.rounds, k.name, s.peers[i].name)
				t, err := measure(made[i], k.asks, s.length)
				if err != nil {
					return nil, fmt.Errorf("measuring %s: %w", s.peers[i].name, err)
				}
				row := r.row(k.name, s.peers[i].name)
				row.Turns = append(row.Turns, t)
			}
		}
	}
	return r, nil
}

// checkedAtLeast is how many answers are compared however long it takes.
const checkedAtLeast = 50

// check compares answers with the plain program's until the time is up or there
// are no more.
func (w *workload) check(d decider, asks []ask, length time.Duration) (checked, allowed int, err error) {
	began := time.Now()
	for i := range asks {
		if checked >= checkedAtLeast && time.Since(began) > length {
			break
		}
		got, err := d.decide(&asks[i])
		if err != nil {
			return checked, allowed, err
		}
		if want := w.plainly(&asks[i]); got != want {
			return checked, allowed, fmt.Errorf("request %d: it says %v, right is %v: %+v", i, got, want, asks[i])
		}
		if checked++; got {
			allowed++
		}
	}
	return checked, allowed, nil
}

// measure asks until the time is up, in batches so long that reading the clock
// between them does not count.
func measure(d decider, asks []ask, length time.Duration) (turn, error) {
	const least = 20 * time.Microsecond
	batch := 1
	var times []float64
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	asked, next := 0, 0
	began := time.Now()
	for now := began; now.Sub(began) < length; {
		for range batch {
			if _, err := d.decide(&asks[next]); err != nil {
				return turn{}, err
			}
			if next++; next == len(asks) {
				next = 0
			}
		}
		asked += batch
		ended := time.Now()
		took := ended.Sub(now)
		now = ended
		if took < least && batch < 1<<12 {
			batch *= 2
			continue
		}
		times = append(times, float64(took)/float64(batch))
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	slices.Sort(times)
	t := turn{Nanoseconds: float64(took) / float64(asked), Allocations: float64(after.Mallocs-before.Mallocs) / float64(asked)}
	if len(times) > 0 {
		t.P99 = times[len(times)*99/100]
		t.Nanoseconds = times[len(times)/2]
	}
	return t, nil
}
