// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/schedule"
)

// The rules of the story are:
//
//   - Something happens every 2 to 6 seconds of the story's time.
//   - Between that come the beats, at their second of a loop of five minutes.
//   - An opening is in one scene at a time. Those of the beats are in no other
//     scene, so that a beat always finds its opening free.
//   - Who asks is chosen from those who may at that moment, or, for a refusal,
//     from those who may not: the story works at any hour.
//   - Alarms that are over and that nobody on the page acknowledged are
//     acknowledged by the control room after a while, and their incidents
//     resolved, so that the list stays a list. Those from before the demo began
//     wait for whoever looks at it, and so does what somebody has taken.
//   - A customer who calls from a page of the demo and to whom nobody goes is
//     served by an associate in the end.

// loop is how long the beats take to come round, in the story's time.
const loop = 5 * time.Minute

// beat is something that is certain to happen.
type beat struct {
	at      time.Duration // in the loop
	opening string
	play    func(*scene)
}

// beats are in order of time.
var beats = []beat{
	{5 * time.Second, "fragrance-2", (*scene).serve},
	{8 * time.Second, "phones-3", (*scene).waits},
	{12 * time.Second, "cash-office", (*scene).refused},
	{20 * time.Second, "watches-6", (*scene).leftOpen},
	{70 * time.Second, "fragrance-5", (*scene).refused},
	{105 * time.Second, "phones-5", (*scene).jammed},
	{120 * time.Second, "spirits-2", (*scene).cutOff},
	{150 * time.Second, "kiosk-2", (*scene).outOfReach},
	{180 * time.Second, "stock-door", (*scene).heldOpen},
	{210 * time.Second, "loading-dock", (*scene).forced},
	{250 * time.Second, "cash-office", (*scene).wrongCode},
	{270 * time.Second, "phones-2", (*scene).refused},
}

// daily is what may happen at any time, with how often it does.
var daily = []struct {
	weight int
	kinds  []sashlock.OpeningKind
	play   func(*scene)
}{
	{38, []sashlock.OpeningKind{sashlock.Case}, (*scene).serve},
	{8, []sashlock.OpeningKind{sashlock.Case}, (*scene).called},
	{10, []sashlock.OpeningKind{sashlock.Cage}, (*scene).fetch},
	{16, []sashlock.OpeningKind{sashlock.Locker}, (*scene).fetch},
	{5, []sashlock.OpeningKind{sashlock.Vending}, (*scene).fetch},
	{9, []sashlock.OpeningKind{sashlock.Door}, (*scene).keypad},
	{14, []sashlock.OpeningKind{sashlock.Door}, (*scene).walkThrough},
}

// story plays scenes on a shop until it ends.
type story struct {
	*shop
	random *rand.Rand
	pace   *pace
	hours  map[sashlock.SiteID]*schedule.Calendar
	cast   []sashlock.Opening // in order of slug
	people []sashlock.Person  // in order of slug
	group  sync.WaitGroup

	mu   sync.Mutex
	busy map[string]bool // guarded by mu: openings that are in a scene
	over bool            // guarded by mu: no scene begins any more
}

func newStory(s *shop, seed uint64, p *pace) *story {
	book := s.house.Hall.Book()
	t := &story{shop: s, random: rand.New(rand.NewPCG(seed, 7117)), pace: p, hours: storeHours(book), busy: map[string]bool{}}
	for _, o := range book.Openings {
		if s.world(o.Slug) != nil { // what somebody set up beside it is theirs
			t.cast = append(t.cast, o)
		}
	}
	for _, p := range book.People {
		t.people = append(t.people, p)
	}
	slices.SortFunc(t.cast, func(a, b sashlock.Opening) int { return cmp.Compare(a.Slug, b.Slug) })
	slices.SortFunc(t.people, func(a, b sashlock.Person) int { return cmp.Compare(a.Slug, b.Slug) })
	return t
}

// run plays until the context ends, and returns when every scene has.
func (t *story) run(ctx context.Context) {
	defer t.group.Wait()
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.over = true
	}()
	var clock time.Duration // of the story
	next, turn := time.Duration(0), 0
	event := t.between(2, 6)
	for {
		next = loop*time.Duration(turn/len(beats)) + beats[turn%len(beats)].at
		to := min(event, next)
		if !t.wait(ctx, to-clock) {
			return
		}
		clock = to
		if next <= event {
			b := beats[turn%len(beats)]
			turn++
			t.begin(ctx, b.opening, b.play)
			t.clearUp(ctx)
			continue
		}
		event += t.between(2, 6)
		t.something(ctx)
	}
}

// wait lets time of the story pass; false when the story is over.
func (t *story) wait(ctx context.Context, d time.Duration) bool { return t.pace.wait(ctx, d) }

// between chooses a length of the story's time.
func (t *story) between(from, until float64) time.Duration {
	return time.Duration((from + t.random.Float64()*(until-from)) * float64(time.Second))
}

// something begins an ordinary scene at an opening that is free. Whatever is
// free, the same number of choices is made.
func (t *story) something(ctx context.Context) {
	all := 0
	for _, d := range daily {
		all += d.weight
	}
	at, which := t.random.IntN(all), t.random.Uint64()
	for _, d := range daily {
		if at -= d.weight; at >= 0 {
			continue
		}
		var free []string
		for _, o := range t.cast {
			if slices.Contains(d.kinds, o.Kind) && !inBeat(o.Slug) && t.isOpen(o.Site) && !t.isBusy(o.Slug) {
				free = append(free, o.Slug)
			}
		}
		if len(free) > 0 {
			t.begin(ctx, free[which%uint64(len(free))], d.play)
		}
		return
	}
}

// isOpen reports whether a store is open: nothing happens in one that is not.
func (t *story) isOpen(site sashlock.SiteID) bool {
	hours, known := t.hours[site]
	return !known || hours.Covers(t.house.Now().Unix())
}

func inBeat(slug string) bool {
	return slices.ContainsFunc(beats, func(b beat) bool { return b.opening == slug })
}

func (t *story) isBusy(slug string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.busy[slug]
}

// begin plays a scene at an opening unless it is in one.
func (t *story) begin(ctx context.Context, slug string, play func(*scene)) {
	seed := t.random.Uint64()
	n := slices.IndexFunc(t.cast, func(o sashlock.Opening) bool { return o.Slug == slug })
	t.mu.Lock()
	defer t.mu.Unlock()
	if n < 0 || t.busy[slug] {
		return
	}
	t.busy[slug] = true
	s := &scene{story: t, ctx: ctx, opening: t.cast[n], world: t.world(slug), random: rand.New(rand.NewPCG(seed, 1))}
	t.group.Go(func() {
		play(s)
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.busy, slug)
	})
}
