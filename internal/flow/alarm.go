// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"maps"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
	"github.com/sashlock/sashlock/internal/store"
)

// alarm raises an alarm when a rule finds something new at an opening, and
// clears it when the rule no longer does. While the condition stands there is
// one alarm, however often it is looked at.
func (h *Hall) alarm(tx *store.Tx, o sashlock.Opening, s sashlock.OpeningState, rule detect.Rule, found detect.Finding) (sashlock.OpeningState, error) {
	standing, raised := s.Alarms[rule.Name()]
	switch {
	case found.Found && !raised:
		return h.raise(tx, o, s, rule, found), nil
	case !found.Found && raised:
		return h.clear(tx, o, s, rule, standing)
	}
	return s, nil
}

func (h *Hall) raise(tx *store.Tx, o sashlock.Opening, s sashlock.OpeningState, rule detect.Rule, found detect.Finding) sashlock.OpeningState {
	a := sashlock.Alarm{
		ID: sashlock.NewID[sashlock.AlarmID](tx.Now()), Rule: rule.Name(), Level: rule.Level(),
		Site: o.Site, Opening: o.ID, Why: found.Why, Raised: tx.Now(), Rev: 1,
	}
	tx.SaveAlarm(a)
	tx.Append(sashlock.Event{Kind: sashlock.AlarmRaised, Site: o.Site, Opening: o.ID, Alarm: a.ID, Rule: a.Rule, Why: a.Why})
	s.Alarms = maps.Clone(s.Alarms)
	if s.Alarms == nil {
		s.Alarms = make(map[string]sashlock.AlarmID, 1)
	}
	s.Alarms[a.Rule] = a.ID
	return s
}

func (h *Hall) clear(tx *store.Tx, o sashlock.Opening, s sashlock.OpeningState, rule detect.Rule, id sashlock.AlarmID) (sashlock.OpeningState, error) {
	a, err := tx.Alarm(id)
	if err != nil {
		return s, err
	}
	a.Cleared = tx.Now()
	a.Rev++
	tx.SaveAlarm(a)
	tx.Append(sashlock.Event{Kind: sashlock.AlarmCleared, Site: o.Site, Opening: o.ID, Alarm: id, Rule: rule.Name()})
	s.Alarms = maps.Clone(s.Alarms)
	delete(s.Alarms, rule.Name())
	if len(s.Alarms) == 0 {
		s.Alarms = nil
	}
	return s, nil
}
