// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// turn is one measurement of one peer.
type turn struct {
	Rate    float64       `json:"rate"` // entries a second
	P50     time.Duration `json:"p50_ns"`
	P99     time.Duration `json:"p99_ns"`
	Entries int64         `json:"entries"`
	Bytes   float64       `json:"bytes"`    // on disk for each entry, after closing
	Close   time.Duration `json:"close_ns"` // what closing took: work that was put off
	Sync    time.Duration `json:"sync_ns"`  // median of a bare 512-byte write and fsync just before
}

// compare lets every peer take its turn with every number of writers in every
// round. Each round begins with another peer.
func compare(ctx context.Context, s settings, talk io.Writer) (*result, error) {
	text, err := newBodies()
	if err != nil {
		return nil, err
	}
	r := newResult(s, len(text.text))
	for round := range s.rounds {
		for _, writers := range s.writers {
			for i := range s.peers {
				p := s.peers[(i+round)%len(s.peers)]
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				fmt.Fprintf(talk, "round %d of %d, %d writers: %s\n", round+1, s.rounds, writers, p.name)
				t, err := takeTurn(filepath.Join(s.dir, "turn"), p, writers, s.length, text)
				if err != nil {
					return nil, fmt.Errorf("measuring %s with %d writers: %w", p.name, writers, err)
				}
				r.add(p.name, writers, t)
			}
		}
	}
	return r, nil
}

// takeTurn measures one peer in a folder that it creates and removes.
func takeTurn(dir string, p peer, writers int, length time.Duration, text bodies) (t turn, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir), settle(filepath.Dir(dir))) }()
	if t.Sync, err = bareSync(dir); err != nil {
		return t, err
	}
	l, err := p.open(dir, writers)
	if err != nil {
		return t, err
	}
	var number atomic.Int64
	one := func() error {
		n := number.Add(1)
		return l.append(n, text.body(n))
	}
	_, _, err = appendFor(length/5, writers, one) // warm
	var latencies []time.Duration
	var took time.Duration
	if err == nil {
		latencies, took, err = appendFor(length, writers, one)
	}
	if err == nil {
		err = complete(l, number.Load())
	}
	began := time.Now()
	if err = errors.Join(err, l.close()); err != nil {
		return t, err
	}
	t.Close = time.Since(began)
	slices.Sort(latencies)
	t.Entries = int64(len(latencies))
	t.Rate = float64(len(latencies)) / took.Seconds()
	t.P50, t.P99 = percentile(latencies, 0.50), percentile(latencies, 0.99)
	size, err := onDisk(dir)
	t.Bytes = float64(size) / float64(number.Load())
	return t, err
}

// complete reports a ledger that does not hold what was appended.
func complete(l ledger, want int64) error {
	have, err := l.size()
	if err == nil && have != want {
		err = fmt.Errorf("%d entries were appended, %d are there", want, have)
	}
	return err
}

// appendFor appends from a number of goroutines until the time is up, and
// returns how long each call took and how long all of it took, until the last
// call returned.
func appendFor(length time.Duration, writers int, one func() error) ([]time.Duration, time.Duration, error) {
	each := make([][]time.Duration, writers)
	errs := make([]error, writers)
	var wg sync.WaitGroup
	began := time.Now()
	for w := range writers {
		wg.Go(func() {
			for now := began; now.Sub(began) < length; {
				if errs[w] = one(); errs[w] != nil {
					return
				}
				ended := time.Now()
				each[w] = append(each[w], ended.Sub(now))
				now = ended
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	return slices.Concat(each...), took, errors.Join(errs...)
}

// bareSync returns the median time of writing 512 bytes over others and syncing
// them: the least that anything durable can take.
func bareSync(dir string) (time.Duration, error) {
	const times, size = 50, 512
	f, err := os.Create(filepath.Join(dir, "bare"))
	if err != nil {
		return 0, err
	}
	block := make([]byte, size)
	if _, err := f.Write(make([]byte, times*size)); err != nil {
		return 0, errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return 0, errors.Join(err, f.Close())
	}
	var all []time.Duration
	for i := range times {
		began := time.Now()
		_, err := f.WriteAt(block, int64(i)*size)
		if err = errors.Join(err, f.Sync()); err != nil {
			return 0, errors.Join(err, f.Close())
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return percentile(all, 0.5), errors.Join(f.Close(), os.Remove(f.Name()))
}

// settle syncs a folder, so that what was removed from it does not keep the
// disk busy during the next turn.
func settle(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// onDisk adds up the sizes of the files in a folder.
func onDisk(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}

// percentile returns the value below which a share of the sorted times lies.
func percentile(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}
