// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// recordEvery is how often refusals of one device are recorded: often enough to
// be noticed, too seldom to fill the ledger.
const recordEvery = time.Minute

// refusals are what one device was refused and is not recorded yet.
type refusals struct {
	count map[sashlock.Reason]int
	last  time.Time // when something was recorded
}

// count notes a refusal. Those of nobody in particular cannot be recorded: there
// is no device to record them of.
func (s *session) count(name string, reason sashlock.Reason) {
	if name == "" || strings.HasPrefix(name, enrolling) {
		return
	}
	s.mu.Lock()
	r := s.refused[name]
	if r == nil {
		r = &refusals{count: map[sashlock.Reason]int{}}
		s.refused[name] = r
	}
	r.count[reason]++
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// record records what was refused, each device's at once and then once a
// minute, calls those devices offline that did not come back after the start,
// and turns out those that are enrolled no more.
func (s *session) record() {
	again := time.NewTicker(recordEvery / 4)
	defer again.Stop()
	patience := time.NewTimer(grace)
	defer patience.Stop()
	for {
		select {
		case <-s.news:
		case <-again.C:
			s.expel()
		case <-patience.C:
			s.missing()
		case <-s.ctx.Done():
			return
		}
		for _, r := range s.due(time.Now()) {
			if s.hear(s.ctx, r) != nil {
				return
			}
		}
	}
}

// due takes out what is to be recorded now.
func (s *session) due(now time.Time) []driver.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []driver.Report
	for name, r := range s.refused {
		if now.Sub(r.last) < recordEvery || len(r.count) == 0 {
			if len(r.count) == 0 && now.Sub(r.last) > recordEvery {
				delete(s.refused, name)
			}
			continue
		}
		for reason, n := range r.count {
			all = append(all, driver.Report{Address: name, Kind: sashlock.ReportRefused, Reason: reason, Level: n})
		}
		clear(r.count)
		r.last = now
	}
	return all
}

// expel ends the connections of devices that are not enrolled any more.
func (s *session) expel() {
	if s.keys == nil {
		return
	}
	s.mu.Lock()
	endpoint := s.served
	var here []string
	for address, d := range s.devices {
		if d.link != nil {
			here = append(here, address)
		}
	}
	s.mu.Unlock()
	for _, address := range here {
		if !s.keys.Known(address) {
			endpoint.Drop(address)
		}
	}
}

// missing calls devices offline that are enrolled and not here.
func (s *session) missing() {
	if s.keys == nil {
		return
	}
	addresses, err := s.keys.Addresses()
	if err != nil {
		return // the next start tries again
	}
	for _, address := range addresses {
		s.mu.Lock()
		d := s.at(address, false)
		away := d == nil || d.link == nil && !d.before
		s.mu.Unlock()
		if away && s.hear(s.ctx, driver.Report{Address: address, Kind: sashlock.DeviceOffline, State: true}) != nil {
			return
		}
	}
}
