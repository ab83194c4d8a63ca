// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/access/reference"
	"github.com/sashlock/sashlock/internal/detect"
	"github.com/sashlock/sashlock/internal/detect/afterhours"
	"github.com/sashlock/sashlock/internal/detect/forced"
	"github.com/sashlock/sashlock/internal/detect/heldopen"
	"github.com/sashlock/sashlock/internal/detect/unattended"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/store"
)

var (
	simSeed = flag.Uint64("seed", 0, "run the simulation with this seed only")
	simRuns = flag.Int("runs", 6, "how many seeds the simulation runs with")
)

// TestSimulatedDays lives through random store-days: requests, reports that
// come twice, late and from wrong clocks, grants that come and go, a store node
// that stops and starts, a clock that jumps. What must hold is checked all the
// while and at the end of each day. A seed that fails is printed.
func TestSimulatedDays(t *testing.T) {
	seeds := make([]uint64, *simRuns)
	for i := range seeds {
		seeds[i] = rand.Uint64()
	}
	if *simSeed != 0 {
		seeds = []uint64{*simSeed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			newSim(t, seed).run(300)
		})
	}
}

// sim is a small store that anything may happen to.
type sim struct {
	*house
	rand    *rand.Rand
	facts   access.Facts
	devices []sashlock.Device
	number  map[sashlock.DeviceID]uint64
	boot    uint64
	heard   map[heardAs]int // reports acknowledged, and how often they were sent
	past    []sashlock.Report
	asked   int
	granted int
}

type heardAs struct {
	device sashlock.DeviceID
	boot   uint64
	number uint64
}

func newSim(t *testing.T, seed uint64) *sim {
	s := &sim{
		house:  newHouse(t, []detect.Rule{forced.Rule{}, unattended.Rule{}, heldopen.Rule{}, afterhours.Rule{}}),
		rand:   rand.New(rand.NewPCG(seed, 1)),
		number: map[sashlock.DeviceID]uint64{}, heard: map[heardAs]int{}, boot: 1,
	}
	s.now = day.Add(8 * time.Hour)
	s.declare()
	s.start(s.facts, s.devices)
	for range 12 {
		s.change()
	}
	return s
}

func (s *sim) declare() {
	s.facts.Sites = []sashlock.Site{{ID: "site_1", Slug: "store", Name: "Store", Zone: "Europe/Lisbon", Hours: "sch_shift"}}
	s.facts.Schedules = []sashlock.Schedule{daily("sch_shift", "09:00", "18:00"), daily("sch_night", "20:00", "04:00")}
	for i := range 4 {
		id := sashlock.OpeningID(fmt.Sprintf("opn_%d", i))
		o := sashlock.Opening{
			ID: id, Slug: fmt.Sprint("case-", i), Name: "Case", Site: "site_1", Kind: sashlock.Case, Egress: sashlock.EgressNone,
			ReleaseTime: 20 * time.Second, OpenTime: 2 * time.Minute, Unattended: 45 * time.Second,
		}
		can := []sashlock.Capability{sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock}
		if i%2 == 0 {
			can = append(can, sashlock.CanRelease)
		}
		if i == 3 {
			o.Kind, o.Egress = sashlock.Door, sashlock.EgressHardware
		}
		s.facts.Openings = append(s.facts.Openings, o)
		for what, can := range map[string][]sashlock.Capability{"lock": can, "opening": {sashlock.TellsPosition}, "presence": {sashlock.TellsPresence}} {
			s.devices = append(s.devices, sashlock.Device{ID: deviceAt(id, what), Opening: id, Driver: "sim", Gateway: "sim", Address: string(id) + what, Capabilities: can})
		}
	}
	for i := range 4 {
		s.facts.People = append(s.facts.People, sashlock.Person{ID: sashlock.PersonID(fmt.Sprintf("prs_%d", i)), Slug: fmt.Sprint("p", i), Name: "P", Suspended: i == 3})
	}
}

func (s *sim) run(steps int) {
	for range steps {
		s.until(s.now.Add(time.Duration(s.rand.IntN(90_000)) * time.Millisecond))
		s.step()
	}
	s.until(s.now.Add(10 * time.Minute))
	s.check()
}

func (s *sim) step() {
	switch n := s.rand.IntN(100); {
	case n < 20:
		s.request()
	case n < 30:
		s.change()
	case n < 33:
		s.restart(s.facts, s.devices)
	case n < 35:
		s.now = s.now.Add(time.Duration(s.rand.IntN(7200)-3600) * time.Second) // somebody sets the clock
	case n < 45 && len(s.past) > 0:
		s.send(s.past[s.rand.IntN(len(s.past))]) // heard again
	default:
		s.send(s.anything())
	}
}

// anything is a report that a device at some opening could make.
func (s *sim) anything() sashlock.Report {
	o := s.facts.Openings[s.rand.IntN(len(s.facts.Openings))]
	kinds := []sashlock.EventKind{
		sashlock.LockUnlocked, sashlock.LockLocked, sashlock.LockWasJammed, sashlock.LockHalfway, sashlock.OpeningOpened, sashlock.OpeningClosed,
		sashlock.PresenceSeen, sashlock.PresenceLost,
	}
	kind := kinds[s.rand.IntN(len(kinds))]
	what := string(kind[:slices.Index([]byte(kind), '.')])
	d := deviceAt(o.ID, what)
	s.number[d]++
	r := sashlock.Report{Device: d, Opening: o.ID, Kind: kind, Boot: s.boot, Number: s.number[d], At: s.now, State: s.rand.IntN(5) == 0}
	switch s.rand.IntN(8) {
	case 0:
		r.At = time.Time{}
	case 1:
		r.At = s.now.Add(-time.Duration(s.rand.IntN(600)) * time.Second)
	case 2:
		r.At = s.now.AddDate(s.rand.IntN(20)-10, 0, 0)
	}
	return r
}

func (s *sim) send(r sashlock.Report) {
	_, err := s.hall.Report(s.t.Context(), r)
	s.must(err)
	s.heard[heardAs{r.Device, r.Boot, r.Number}]++
	s.past = append(s.past, r)
}

// request asks, and holds the answer against the second decider.
func (s *sim) request() {
	p := s.facts.People[s.rand.IntN(len(s.facts.People))].ID
	o := s.facts.Openings[s.rand.IntN(len(s.facts.Openings))]
	state, err := s.store.State(s.t.Context(), o.ID)
	s.must(err)
	a, err := s.hall.Request(s.t.Context(), sashlock.Request{Person: p, Opening: o.ID})
	s.must(err)
	facts := reference.Facts{
		Sites: s.facts.Sites, Areas: s.facts.Areas, Openings: s.facts.Openings, People: s.facts.People,
		Roles: s.facts.Roles, Schedules: s.facts.Schedules, Grants: s.facts.Grants,
		Zones: map[string]*time.Location{"Europe/Lisbon": s.hall.Book().Clock("site_1", s.now).Location()},
	}
	want, reason, _ := reference.Decide(&facts, sashlock.Request{Person: p, Opening: o.ID, At: a.Decision.At}, state.Mode)
	if want && state.Offline {
		want, reason = false, sashlock.LockOffline
	}
	if a.Decision.Granted != want || a.Decision.Reason != reason {
		s.t.Errorf("%s at %s, %s: granted %v (%s), the reference says %v (%s)", p, o.Slug, a.Decision.At, a.Decision.Granted, a.Decision.Reason, want, reason)
	}
	s.asked++
	if want {
		s.granted++
	}
}

// change gives or takes a grant.
func (s *sim) change() {
	var edit flow.Edit
	if n := len(s.facts.Grants); n > 0 && s.rand.IntN(3) == 0 {
		i := s.rand.IntN(n)
		edit.Access.Remove.Grants = []sashlock.GrantID{s.facts.Grants[i].ID}
		edit.Events = []sashlock.Event{{Kind: sashlock.GrantRevoked, Grant: s.facts.Grants[i].ID}}
		s.facts.Grants = slices.Delete(slices.Clone(s.facts.Grants), i, i+1)
	} else {
		g := sashlock.Grant{
			ID:      sashlock.NewID[sashlock.GrantID](s.now),
			Person:  s.facts.People[s.rand.IntN(4)].ID,
			Opening: s.facts.Openings[s.rand.IntN(4)].ID,
		}
		if s.rand.IntN(2) == 0 {
			g.Schedule = s.facts.Schedules[s.rand.IntN(2)].ID
		}
		if s.rand.IntN(3) == 0 {
			g.Until = s.now.Add(time.Duration(s.rand.IntN(3600)) * time.Second)
		}
		edit.Access.Put.Grants = []sashlock.Grant{g}
		edit.Events = []sashlock.Event{{Kind: sashlock.GrantSaved, Grant: g.ID}}
		s.facts.Grants = append(slices.Clone(s.facts.Grants), g)
	}
	_, err := s.hall.Change(s.t.Context(), flow.Change{Make: func(*store.Tx) (flow.Edit, error) { return edit, nil }})
	s.must(err)
}

// check holds the whole ledger against what must be true of it.
func (s *sim) check() {
	s.t.Helper()
	events, err := s.store.Events(s.t.Context(), store.EventQuery{Limit: 10_000})
	s.must(err)
	granted := map[sashlock.DecisionID]bool{}
	queued := map[sashlock.CommandID]bool{}
	recorded := map[heardAs]int{}
	for i, e := range events {
		if e.Seq != int64(i) {
			s.t.Fatalf("entry %d says it is number %d", i, e.Seq)
		}
		if i > 0 && e.Heard.Before(events[i-1].Heard) {
			s.t.Errorf("entry %d was heard before the one before it", i)
		}
		switch e.Kind {
		case sashlock.AccessGranted:
			granted[e.Decision] = true
		case sashlock.CommandQueued:
			s.checkCommand(e, granted, queued)
		}
		if e.Number > 0 && e.Kind != sashlock.OpeningForced && e.Kind != sashlock.AccessTaken {
			recorded[heardAs{e.Device, e.Boot, e.Number}]++
		}
	}
	for h, n := range recorded {
		if n > 1 || s.heard[h] == 0 {
			s.t.Errorf("report %d of %s is in the ledger %d times, it was sent %d times", h.number, h.device, n, s.heard[h])
		}
	}
	s.checkStates(events)
	s.checkEnds()
	s.t.Logf("%d entries, %d reports, %d requests (%d granted), %d commands", len(events), len(s.past), s.asked, s.granted, len(queued))
}

// checkCommand: no unlock without a granted decision before it, none twice, and
// no lock command to an opening that people leave through.
func (s *sim) checkCommand(e sashlock.Event, granted map[sashlock.DecisionID]bool, queued map[sashlock.CommandID]bool) {
	if queued[e.Command] {
		s.t.Errorf("command %s was queued twice", e.Command)
	}
	queued[e.Command] = true
	lock := e.Why == string(sashlock.DoLock)
	if !lock && !granted[e.Decision] {
		s.t.Errorf("command %s opens without a granted decision", e.Command)
	}
	if lock && s.hall.Book().Openings[e.Opening].Egress != sashlock.EgressNone {
		s.t.Errorf("command %s locks an opening that people leave through", e.Command)
	}
}

// checkStates: what the tables say is what the ledger tells.
func (s *sim) checkStates(events []sashlock.Event) {
	for _, o := range s.facts.Openings {
		have, err := s.store.State(s.t.Context(), o.ID)
		s.must(err)
		told := opening.Replay(o.ID, slices.Collect(only(events, o.ID)))
		if have.Lock != told.Lock || have.Position != told.Position || have.Forced != told.Forced || have.Tampered != told.Tampered {
			s.t.Errorf("%s: the table says %s/%s forced=%v, the ledger tells %s/%s forced=%v", o.Slug, have.Lock, have.Position, have.Forced, told.Lock, told.Position, told.Forced)
		}
		for rule, id := range have.Alarms {
			s.do(func(tx *store.Tx) error {
				a, err := tx.Alarm(id)
				if err == nil && (!a.Cleared.IsZero() || a.Rule != rule) {
					s.t.Errorf("%s: alarm %s stands in the state and not in its table", o.Slug, id)
				}
				return err
			})
		}
	}
}

func only(events []sashlock.Event, id sashlock.OpeningID) iter.Seq[sashlock.Event] {
	return func(yield func(sashlock.Event) bool) {
		for _, e := range events {
			if e.Opening == id && !yield(e) {
				return
			}
		}
	}
}

// checkEnds: ten minutes after the last of it, every command has ended.
func (s *sim) checkEnds() {
	open, err := s.store.Commands(s.t.Context(), store.CommandQuery{Open: true})
	s.must(err)
	for _, c := range open {
		if s.now.Sub(c.Issued) > sashlock.MaxCommandLife {
			s.t.Errorf("command %s of %s has not ended", c.ID, c.Issued)
		}
	}
}
