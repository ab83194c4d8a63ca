// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sashlock/sashlock"
)

// diary is a sink that writes down what it is told and gives the answers it was
// set.
type diary struct {
	answers []error // of the next calls; then nil
	told    []string
}

func (d *diary) next(word string) error {
	if len(d.answers) > 0 {
		err := d.answers[0]
		d.answers = d.answers[1:]
		return err
	}
	d.told = append(d.told, word)
	return nil
}

func (d *diary) Found(_ context.Context, f Discovery) error { return d.next("found " + f.Address) }
func (d *diary) Heard(_ context.Context, r Report) error    { return d.next("heard " + r.Address) }
func (d *diary) Gateway(_ context.Context, _ bool, why string) {
	d.told = append(d.told, "gateway "+why)
}

func TestTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		later := errors.New("the disk is full")
		d := &diary{answers: []error{later, later, &sashlock.Error{Kind: sashlock.Invalid}}}
		acknowledged := false
		Tell(t.Context(), d, []News{
			{Report: &Report{Address: "refused for good"}}, {Device: &Discovery{Address: "1"}}, {Report: &Report{Address: "2"}},
			{Gateway: &Gateway{Why: "gone"}}, {Done: func() { acknowledged = len(d.told) == 3 }},
		})
		if got := strings.Join(d.told, ", "); got != "found 1, heard 2, gateway gone" || !acknowledged {
			t.Errorf("told %q, acknowledged %t", got, acknowledged)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		d = &diary{}
		for range 1000 {
			d.answers = append(d.answers, later)
		}
		Tell(ctx, d, []News{{Report: &Report{}}})
		if tried := 1000 - len(d.answers); tried < 10 || tried > 30 {
			t.Errorf("tried %d times in a minute", tried)
		}
	})
}

func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		began := time.Now()
		var at []time.Duration
		lost := 0
		Keep(ctx, Patience{Min: time.Second, Max: 4 * time.Second, Steady: time.Minute}, func() (bool, error) {
			at = append(at, time.Since(began))
			switch len(at) {
			case 6: // it holds for some time
				<-time.After(time.Hour)
				return true, errors.New("gone")
			case 8:
				stop()
			}
			return false, errors.New("away")
		}, func(error) { lost++ })
		if lost != 2 {
			t.Errorf("lost %d times, want once at the start and once after it was up", lost)
		}
		for i, most := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second, 4 * time.Second, time.Hour + time.Second, 2 * time.Second} {
			least := most / 2
			if i == 5 {
				least = time.Hour + time.Second/2
			}
			if pause := at[i+1] - at[i]; pause < least || pause > most {
				t.Errorf("pause %d was %v, want %v to %v", i, pause, least, most)
			}
		}
	})
}

func TestErrands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		errands, d := make(Errands), &diary{}
		link, cut := context.WithCancel(t.Context())
		go func() {
			e := <-errands
			e.Run(&mu, func(told []News) {
				cut() // once it was taken, the end of the link changes nothing
				Tell(t.Context(), d, told)
			})
		}()
		work := func() []News {
			if mu.TryLock() {
				t.Error("the work was done without the lock")
			}
			return []News{{Report: &Report{Address: "1"}}}
		}
		if err := errands.Send(t.Context(), link, work); err != nil || len(d.told) != 1 {
			t.Errorf("%v, told %q", err, d.told)
		}
		if err := errands.Send(t.Context(), link, work); !sashlock.IsKind(err, sashlock.Unavailable) {
			t.Errorf("%v, want kind unavailable for a link that has ended", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := errands.Send(ctx, t.Context(), work); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want the deadline", err)
		}
	})
}
