// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/store"
)

// revokeRounds is how often the grant is given and taken back.
const revokeRounds = 5

// revocations measures how long it takes until somebody who could open every
// opening can open none: the grant is taken back while they ask everywhere, over
// and over, until they have been refused.
func (b *bench) revocations() error {
	h, err := openSimulatedHouse(b.desk.ctx, filepath.Join(b.dir, "revoke"), simulated())
	if err != nil {
		return err
	}
	return errors.Join(b.revoke(h), h.house.Stop())
}

func (b *bench) revoke(h *simulatedHouse) error {
	var all, answered []time.Duration
	before := 0
	for round := range revokeRounds {
		if round > 0 {
			if err := h.giveBack(b.desk.ctx); err != nil {
				return err
			}
		}
		r := revocation{house: h, first: make([]time.Duration, len(h.openings))}
		took, err := r.run(b.desk.ctx)
		if err != nil {
			return err
		}
		all, answered = append(all, r.first...), append(answered, took)
		before += r.granted
	}
	slices.Sort(all)
	slices.Sort(answered)
	b.note("openings at which a grant was revoked", float64(len(all)), fmt.Sprintf("in %d rounds", revokeRounds))
	b.note("requests granted before the revocation counted", float64(before), "")
	b.note("revocation acknowledged, worst", milliseconds(answered[len(answered)-1]), "ms")
	b.note("revocation to the first refusal at an opening, median", milliseconds(percentile(all, 0.5)), "ms")
	b.below("revocation to the first refusal at an opening, p99", milliseconds(percentile(all, 0.99)), "ms", 1000)
	return nil
}

// giveBack gives the grant for everything again.
func (h *simulatedHouse) giveBack(ctx context.Context) error {
	file := estate.File{Grants: []estate.Grant{{Slug: "all", Person: "ana", Site: "bench"}}}
	_, err := h.house.Hall.Change(ctx, api.Apply("", estate.Diff(estate.File{}, file, false)))
	return err
}

// revocation is one round.
type revocation struct {
	house   *simulatedHouse
	running chan struct{} // one for each of the first answers, so that requests are under way when it comes

	mu      sync.Mutex
	began   time.Time       // when the grant was taken back
	first   []time.Duration // for each opening: from then to the answer that refuses
	granted int             // answers before that
	failed  error
}

func (r *revocation) run(ctx context.Context) (took time.Duration, err error) {
	r.running = make(chan struct{}, len(r.house.openings))
	var asking sync.WaitGroup
	for n := range r.house.openings {
		asking.Go(func() { r.ask(ctx, n) })
	}
	for range len(r.house.openings) / 2 {
		<-r.running
	}
	r.mu.Lock()
	r.began = time.Now()
	r.mu.Unlock()
	_, err = r.house.house.Hall.Change(ctx, flow.Change{Make: func(tx *store.Tx) (flow.Edit, error) { return grants.Revoke(tx, "all", 0) }})
	took = time.Since(r.began)
	asking.Wait()
	return took, errors.Join(err, r.failed)
}

// ask asks at one opening until the answer is no.
func (r *revocation) ask(ctx context.Context, n int) {
	for granted := 0; ; {
		answer, err := r.house.house.Hall.Request(ctx, sashlock.Request{Person: r.house.person, Opening: r.house.openings[n], Method: sashlock.ByRemote})
		select {
		case r.running <- struct{}{}:
		default: // enough have answered
		}
		if err == nil && answer.Decision.Granted {
			granted++
			continue
		}
		if err == nil && answer.Decision.Reason != sashlock.Unauthorized {
			err = fmt.Errorf("a request was refused for another reason: %s", answer.Decision.Reason.Words())
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.failed = errors.Join(r.failed, err)
		r.first[n], r.granted = time.Since(r.began), r.granted+granted
		return
	}
}
