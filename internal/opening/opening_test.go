// SPDX-License-Identifier: Apache-2.0

package opening

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sashlock/sashlock"
)

const (
	lockDevice    sashlock.DeviceID = "dev_lock"
	contactDevice sashlock.DeviceID = "dev_contact"
)

var (
	case3 = sashlock.Opening{ID: "opn_3", Site: "site_1", OpenTime: 2 * time.Minute}
	start = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
)

// after returns the moment that many seconds after ten o'clock.
func after(seconds float64) time.Time {
	return start.Add(time.Duration(seconds * float64(time.Second)))
}

// heardReport is a report and when it is heard.
type heardReport struct {
	sashlock.Report
	heard time.Time
}

// says is an unnumbered report heard some seconds after ten, from a device
// without a clock.
func says(k sashlock.EventKind, seconds float64) heardReport {
	return heardReport{sashlock.Report{Device: lockDevice, Opening: case3.ID, Kind: k}, after(seconds)}
}

// claims is a report of something some seconds after ten, heard later.
func claims(k sashlock.EventKind, at, heard float64) heardReport {
	h := says(k, heard)
	h.At = after(at)
	return h
}

func (h heardReport) numbered(n uint64) heardReport { h.Boot, h.Number = 1, n; return h }
func (h heardReport) level(n int) heardReport       { h.Level = n; return h }
func (h heardReport) boot(b uint64) heardReport     { h.Boot = b; return h }
func (h heardReport) state() heardReport            { h.State = true; return h }

// locked is an opening locked and closed since nine o'clock.
func locked() sashlock.OpeningState {
	nine := start.Add(-time.Hour)
	return sashlock.OpeningState{
		Opening: case3.ID, Lock: sashlock.Locked, LockAt: nine,
		Position: sashlock.Closed, PositionAt: nine, Heard: nine,
	}
}

// released is locked with a release until twenty seconds after ten.
func released() sashlock.OpeningState {
	s := locked()
	s.Release = &sashlock.Release{Decision: "dec_1", Command: "act_1", Person: "prs_1", Until: after(20)}
	return s
}

// apply applies reports one after another and gathers what they gave.
func apply(s sashlock.OpeningState, reports ...heardReport) (sashlock.OpeningState, []sashlock.Event) {
	var events []sashlock.Event
	for _, r := range reports {
		out := Apply(case3, s, r.Report, r.heard)
		s = out.State
		events = append(events, out.Events...)
	}
	return s, events
}

// kinds writes events as "kind" or "kind:reason", separated by spaces.
func kinds(events []sashlock.Event) string {
	var all []string
	for _, e := range events {
		k := string(e.Kind)
		if e.Reason != "" {
			k += ":" + string(e.Reason)
		}
		all = append(all, k)
	}
	return strings.Join(all, " ")
}

func TestApply(t *testing.T) {
	const (
		lk, un     = sashlock.LockLocked, sashlock.LockUnlocked
		opn, cls   = sashlock.OpeningOpened, sashlock.OpeningClosed
		seen, lost = sashlock.PresenceSeen, sashlock.PresenceLost
	)
	old := time.Date(1970, 1, 1, 0, 3, 0, 0, time.UTC)
	wrong := says(un, 5)
	wrong.At = old
	ahead := claims(un, 5+121, 5)
	slightlyAhead := claims(un, 5+60, 5)
	beyondJSON := says(un, 5)
	beyondJSON.At = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)

	heldUnlocked := locked()
	heldUnlocked.Mode = sashlock.HeldUnlocked

	for name, c := range map[string]struct {
		from   sashlock.OpeningState
		given  []heardReport
		events string
		state  string // lock@seconds position@seconds, then what else is so
	}{
		"a change":                               {locked(), []heardReport{says(un, 5)}, "lock.unlocked", "unlocked@5 closed@-3600"},
		"first word ever":                        {sashlock.OpeningState{}, []heardReport{says(lk, 5)}, "lock.locked", "locked@5 -"},
		"unlatched":                              {locked(), []heardReport{says(sashlock.LockUnlatched, 5)}, "lock.unlatched", "unlatched@5 closed@-3600"},
		"jammed":                                 {locked(), []heardReport{says(sashlock.LockWasJammed, 5)}, "lock.jammed", "jammed@5 closed@-3600"},
		"not fully locked":                       {locked(), []heardReport{says(sashlock.LockHalfway, 5)}, "lock.not_fully_locked", "not_fully_locked@5 closed@-3600"},
		"code refused leaves no trace":           {locked(), []heardReport{says(sashlock.CodeRefused, 5)}, "lock.code_refused", "locked@-3600 closed@-3600"},
		"battery leaves no trace":                {locked(), []heardReport{says(sashlock.BatteryReported, 5).level(80)}, "device.battery_reported", "locked@-3600 closed@-3600"},
		"battery statement is no news":           {locked(), []heardReport{says(sashlock.BatteryReported, 5).level(80).state()}, "", "locked@-3600 closed@-3600"},
		"a change to the same":                   {locked(), []heardReport{says(lk, 5)}, "lock.locked", "locked@5 closed@-3600"},
		"a statement of what is known":           {locked(), []heardReport{says(lk, 5).state(), says(cls, 5).state()}, "", "locked@-3600 closed@-3600"},
		"a statement of something else":          {locked(), []heardReport{says(un, 5).state()}, "lock.unlocked", "unlocked@5 closed@-3600"},
		"late":                                   {locked(), []heardReport{claims(lk, 4, 5), claims(un, 3, 6)}, "lock.locked lock.unlocked:late", "locked@4 closed@-3600"},
		"late statement":                         {locked(), []heardReport{claims(lk, 4, 5), claims(un, 3, 6).state()}, "lock.locked", "locked@4 closed@-3600"},
		"weeks late":                             {locked(), []heardReport{claims(un, -80*86400, 6)}, "lock.unlocked:late", "locked@-3600 closed@-3600"},
		"clock years behind":                     {locked(), []heardReport{claims(un, -5*365*86400, 6)}, "lock.unlocked:clock_wrong", "unlocked@6 closed@-3600"},
		"late for one aspect only":               {locked(), []heardReport{claims(lk, 4, 5), claims(cls, 3, 6)}, "lock.locked opening.closed", "locked@4 closed@3"},
		"clock in 1970":                          {locked(), []heardReport{wrong}, "lock.unlocked:clock_wrong", "unlocked@5 closed@-3600"},
		"clock far ahead":                        {locked(), []heardReport{ahead}, "lock.unlocked:clock_wrong", "unlocked@5 closed@-3600"},
		"clock slightly ahead":                   {locked(), []heardReport{slightlyAhead}, "lock.unlocked", "unlocked@5 closed@-3600"},
		"clock beyond JSON":                      {locked(), []heardReport{beyondJSON}, "lock.unlocked:clock_wrong", "unlocked@5 closed@-3600"},
		"our clock went back":                    {locked(), []heardReport{says(un, 900), says(lk, 5)}, "lock.unlocked lock.locked", "locked@5 closed@-3600"},
		"our clock went back, claimed":           {locked(), []heardReport{says(un, 900), claims(lk, 4, 5)}, "lock.unlocked lock.locked", "locked@4 closed@-3600"},
		"locked again at once":                   {locked(), []heardReport{says(opn, 5), says(lk, 6)}, "opening.opened opening.forced lock.locked", "locked@6 open@5 forced"},
		"held unlocked":                          {heldUnlocked, []heardReport{says(opn, 5)}, "opening.opened", "locked@-3600 open@5"},
		"repeat":                                 {locked(), []heardReport{says(un, 5).numbered(7), says(un, 6).numbered(7)}, "lock.unlocked", "unlocked@5 closed@-3600"},
		"same instant, number decides":           {locked(), []heardReport{claims(lk, 4, 5).numbered(8), claims(un, 4, 6).numbered(7)}, "lock.locked lock.unlocked:late", "locked@4 closed@-3600"},
		"overtaken, no clock, safe side":         {locked(), []heardReport{says(un, 5).numbered(8), says(lk, 6).numbered(7)}, "lock.unlocked lock.locked:late", "unlocked@5 closed@-3600"},
		"overtaken, no clock, worrying":          {locked(), []heardReport{says(lk, 5).numbered(8), says(un, 6).numbered(7)}, "lock.locked lock.unlocked", "unlocked@6 closed@-3600"},
		"overtaken, but another aspect":          {locked(), []heardReport{claims(cls, 4, 5).numbered(8), claims(un, 3, 6).numbered(7)}, "opening.closed lock.unlocked", "unlocked@3 closed@4"},
		"restarted":                              {locked(), []heardReport{says(un, 5).numbered(900), says(lk, 6).numbered(1).boot(2)}, "lock.unlocked lock.locked", "locked@6 closed@-3600"},
		"from before the restart":                {locked(), []heardReport{says(un, 5).numbered(1).boot(2), says(lk, 6).numbered(900)}, "lock.unlocked lock.locked:late", "unlocked@5 closed@-3600"},
		"below the window":                       {locked(), []heardReport{says(un, 5).numbered(300), says(lk, 6).numbered(43)}, "lock.unlocked lock.locked:late", "unlocked@5 closed@-3600"},
		"presence":                               {locked(), []heardReport{says(seen, 5)}, "presence.seen", "locked@-3600 closed@-3600 present@5"},
		"presence lost":                          {locked(), []heardReport{says(seen, 5), says(lost, 9)}, "presence.seen presence.lost", "locked@-3600 closed@-3600 gone@9"},
		"presence seen late":                     {locked(), []heardReport{claims(lost, 9, 9), claims(seen, 5, 10)}, "presence.lost presence.seen:late", "locked@-3600 closed@-3600 gone@9"},
		"presence confirmed":                     {locked(), []heardReport{says(seen, 5), says(seen, 30).state()}, "presence.seen", "locked@-3600 closed@-3600 present@30"},
		"absence confirmed":                      {locked(), []heardReport{says(lost, 5), says(lost, 30).state()}, "presence.lost", "locked@-3600 closed@-3600 gone@5"},
		"tampered":                               {locked(), []heardReport{says(sashlock.DeviceTampered, 5)}, "device.tampered", "locked@-3600 closed@-3600 tampered"},
		"tamper cleared":                         {locked(), []heardReport{says(sashlock.DeviceTampered, 5), says(sashlock.TamperCleared, 6)}, "device.tampered device.tamper_cleared", "locked@-3600 closed@-3600"},
		"tamper overtaken still counts":          {locked(), []heardReport{says(sashlock.BatteryReported, 5).numbered(8), says(sashlock.DeviceTampered, 6).numbered(7)}, "device.battery_reported device.tampered", "locked@-3600 closed@-3600 tampered"},
		"clearing overtaken does not":            {locked(), []heardReport{says(sashlock.DeviceTampered, 5).numbered(8), says(sashlock.TamperCleared, 6).numbered(7)}, "device.tampered device.tamper_cleared:late", "locked@-3600 closed@-3600 tampered"},
		"offline":                                {locked(), []heardReport{says(sashlock.DeviceOffline, 5)}, "device.went_offline", "locked@-3600 closed@-3600 offline"},
		"back online":                            {locked(), []heardReport{says(sashlock.DeviceOffline, 5), says(sashlock.DeviceOnline, 6)}, "device.went_offline device.came_online", "locked@-3600 closed@-3600"},
		"offline said again":                     {locked(), []heardReport{says(sashlock.DeviceOffline, 5), says(sashlock.DeviceOffline, 6).state()}, "device.went_offline", "locked@-3600 closed@-3600 offline"},
		"what no device knows":                   {locked(), []heardReport{says(sashlock.AccessGranted, 5)}, "report.refused", "locked@-3600 closed@-3600"},
		"forced":                                 {locked(), []heardReport{says(opn, 5)}, "opening.opened opening.forced", "locked@-3600 open@5 forced"},
		"forced once":                            {locked(), []heardReport{says(opn, 5), says(opn, 9)}, "opening.opened opening.forced opening.opened", "locked@-3600 open@9 forced"},
		"forced until closed":                    {locked(), []heardReport{says(opn, 5), says(lk, 8), says(cls, 9)}, "opening.opened opening.forced lock.locked opening.closed", "locked@8 closed@9"},
		"unlocked first":                         {locked(), []heardReport{says(un, 4), says(opn, 5)}, "lock.unlocked opening.opened", "unlocked@4 open@5"},
		"open overtakes unlock":                  {locked(), []heardReport{claims(opn, 5, 5), claims(un, 4, 6)}, "opening.opened opening.forced lock.unlocked", "unlocked@4 open@5"},
		"open overtakes unlock, no clocks":       {locked(), []heardReport{says(opn, 5), says(un, 7)}, "opening.opened opening.forced lock.unlocked", "unlocked@7 open@5"},
		"unlocked long after":                    {locked(), []heardReport{says(opn, 5), says(un, 9)}, "opening.opened opening.forced lock.unlocked", "unlocked@9 open@5 forced"},
		"locked only after it opened":            {locked(), []heardReport{claims(lk, 6, 6), claims(opn, 5, 7)}, "lock.locked opening.opened", "locked@6 open@5"},
		"lock out of reach":                      {locked(), []heardReport{says(sashlock.DeviceOffline, 4), says(opn, 5)}, "device.went_offline opening.opened", "locked@-3600 open@5 offline"},
		"lock never heard":                       {sashlock.OpeningState{}, []heardReport{says(opn, 5)}, "opening.opened", "- open@5"},
		"found open at first":                    {sashlock.OpeningState{Lock: sashlock.Locked, LockAt: start}, []heardReport{says(opn, 5).state()}, "opening.opened", "locked@0 open@5"},
		"found open after an outage":             {locked(), []heardReport{says(opn, 5).state()}, "opening.opened opening.forced", "locked@-3600 open@5 forced"},
		"late open forces nothing":               {locked(), []heardReport{claims(cls, 6, 6), claims(opn, 5, 7)}, "opening.closed opening.opened:late", "locked@-3600 closed@6"},
		"taken":                                  {released(), []heardReport{says(un, 1), says(opn, 2)}, "lock.unlocked opening.opened access.taken", "unlocked@1 open@2 taken@2"},
		"taken before the lock said so":          {released(), []heardReport{says(opn, 2)}, "opening.opened access.taken", "locked@-3600 open@2 taken@2"},
		"taken once":                             {released(), []heardReport{says(opn, 2), says(opn, 3)}, "opening.opened access.taken opening.opened", "locked@-3600 open@3 taken@2"},
		"taken within the grace":                 {released(), []heardReport{says(opn, 30)}, "opening.opened access.taken", "locked@-3600 open@30 taken@30"},
		"opened after the grace":                 {released(), []heardReport{says(opn, 30.1)}, "opening.opened opening.forced", "locked@-3600 open@30.1 forced released"},
		"closing ends the visit":                 {released(), []heardReport{says(opn, 2), says(cls, 9)}, "opening.opened access.taken opening.closed", "locked@-3600 closed@9"},
		"forced after the visit":                 {released(), []heardReport{says(opn, 2), says(cls, 9), says(opn, 12)}, "opening.opened access.taken opening.closed opening.opened opening.forced", "locked@-3600 open@12 forced"},
		"closing does not end what is not taken": {released(), []heardReport{says(cls, 2)}, "opening.closed", "locked@-3600 closed@2 released"},
		"closing after it is over does":          {released(), []heardReport{says(cls, 31)}, "opening.closed", "locked@-3600 closed@31"},
	} {
		t.Run(name, func(t *testing.T) {
			s, events := apply(c.from, c.given...)
			if got := kinds(events); got != c.events {
				t.Errorf("events %q, want %q", got, c.events)
			}
			if got := describe(s); got != c.state {
				t.Errorf("state %q, want %q", got, c.state)
			}
		})
	}
}

// describe writes a state as the table above does.
func describe(s sashlock.OpeningState) string {
	sec := func(at time.Time) string {
		return strings.TrimSuffix(strings.TrimRight(decimals(at.Sub(start).Seconds()), "0"), ".")
	}
	var b strings.Builder
	if s.Lock == "" {
		b.WriteString("-")
	} else {
		b.WriteString(string(s.Lock) + "@" + sec(s.LockAt))
	}
	if s.Position == "" {
		b.WriteString(" -")
	} else {
		b.WriteString(" " + string(s.Position) + "@" + sec(s.PositionAt))
	}
	for _, f := range []struct {
		is   bool
		text string
	}{
		{s.Present, " present@" + sec(s.Presence)},
		{!s.Present && !s.Presence.IsZero(), " gone@" + sec(s.Presence)},
		{s.Tampered, " tampered"}, {s.Offline, " offline"}, {s.Forced, " forced"},
	} {
		if f.is {
			b.WriteString(f.text)
		}
	}
	switch {
	case s.Release != nil && s.Release.Taken.IsZero():
		b.WriteString(" released")
	case s.Release != nil:
		b.WriteString(" taken@" + sec(s.Release.Taken))
	}
	return b.String()
}

func TestReportBecomesEvent(t *testing.T) {
	r := sashlock.Report{
		Device: lockDevice, Opening: case3.ID, Kind: sashlock.LockUnlocked, Boot: 3, Number: 9,
		At: after(1).In(time.FixedZone("odd", 26*3600)), Method: sashlock.ByKeypad, Slot: 4, Command: "act_9",
	}
	out := Apply(case3, locked(), r, after(2))
	want := []sashlock.Event{{
		Kind: sashlock.LockUnlocked, Heard: after(2), At: after(1), Site: case3.Site, Opening: case3.ID,
		Device: lockDevice, Command: "act_9", Method: sashlock.ByKeypad, Slot: 4, Boot: 3, Number: 9,
	}}
	if diff := cmp.Diff(want, out.Events); diff != "" {
		t.Error(diff)
	}
	if !out.News || out.Late || out.Repeated {
		t.Errorf("News, Late, Repeated = %v, %v, %v", out.News, out.Late, out.Repeated)
	}
	again := Apply(case3, out.State, r, after(3))
	if !again.Repeated || again.News || cmp.Diff(out.State, again.State) != "" {
		t.Errorf("a repeat gave %+v", again)
	}
	if _, err := out.Events[0].At.MarshalJSON(); err != nil {
		t.Errorf("the claim cannot be written: %v", err)
	}
}

func TestTakenNamesWhoAndWhy(t *testing.T) {
	_, events := apply(released(), says(sashlock.OpeningOpened, 2))
	want := sashlock.Event{
		Kind: sashlock.AccessTaken, Heard: after(2), Site: case3.Site, Opening: case3.ID, Device: lockDevice,
		Decision: "dec_1", Command: "act_1", Person: "prs_1",
	}
	if len(events) != 2 {
		t.Fatalf("got %d events, want 2", len(events))
	}
	if diff := cmp.Diff(want, events[1]); diff != "" {
		t.Error(diff)
	}
}

func TestEventsCanBeWritten(t *testing.T) {
	for _, year := range []int{-4, 0, 1, 1969, 9999, 10000, 292277026596} {
		r := says(sashlock.OpeningOpened, 5).Report
		r.At = time.Date(year, 12, 31, 23, 0, 0, 0, time.FixedZone("west", -12*3600))
		for _, e := range Apply(case3, locked(), r, after(5)).Events {
			if _, err := json.Marshal(e); err != nil {
				t.Errorf("year %d: %v", year, err)
			}
			if e.Reason != sashlock.ClockWrong {
				t.Errorf("year %d: reason %q, want %q", year, e.Reason, sashlock.ClockWrong)
			}
		}
	}
}

func TestHeard(t *testing.T) {
	late := claims(sashlock.LockUnlocked, -7200, 5)
	for name, c := range map[string]struct {
		given heardReport
		want  time.Time
	}{
		"a report":              {says(sashlock.LockUnlocked, 5), after(5)},
		"a statement":           {says(sashlock.LockLocked, 5).state(), after(5)},
		"a late report":         {late, after(5)},
		"word that it went":     {says(sashlock.DeviceOffline, 5), locked().Heard},
		"what no device knows":  {says(sashlock.AlarmCleared, 5), locked().Heard},
		"our clock having gone": {says(sashlock.LockLocked, -9000), after(-9000)},
	} {
		if s, _ := apply(locked(), c.given); !s.Heard.Equal(c.want) {
			t.Errorf("%s: heard %v, want %v", name, s.Heard, c.want)
		}
	}
}

func TestApplyLeavesItsInputAlone(t *testing.T) {
	s := released()
	s.Numbers = map[sashlock.DeviceID]sashlock.Numbers{lockDevice: {Boot: 1, High: 5}}
	want := released()
	want.Numbers = map[sashlock.DeviceID]sashlock.Numbers{lockDevice: {Boot: 1, High: 5}}
	apply(s, says(sashlock.OpeningOpened, 2).numbered(6), says(sashlock.LockUnlocked, 3).numbered(4),
		says(sashlock.OpeningClosed, 4).numbered(7))
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
}

// decimals writes a number of seconds with three decimals.
func decimals(f float64) string { return strconv.FormatFloat(f, 'f', 3, 64) }
