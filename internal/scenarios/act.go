// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of carrying out are:
//
//   - All scenarios of a site are looked at together, lockdowns first, and again
//     while one of them begins or ends, four times at most.
//   - What each one gave is kept with it. What it no longer wants is taken back,
//     what it wants anew is ordered; an order also ends by itself when the run
//     has to be over.
//   - A scenario that can no longer be carried out, because something it names
//     is gone, ends.

// wish is somebody's hand on the button.
type wish struct {
	slug  string
	press scenario.Press
	by    sashlock.OperatorID
	anew  bool // it was changed: what it gave is given again as it is now
}

// passes is how often the scenarios of a site are looked at together.
const passes = 4

// advance carries the scenarios of a site on to the moment of a transaction.
func (r *Room) advance(tx *store.Tx, b *flow.Book, site sashlock.SiteID, w wish, events []sashlock.Event) error {
	all, err := List(tx)
	if err != nil {
		return err
	}
	m := &meeting{room: r, tx: tx, b: b, site: site, wish: w, events: events}
	for _, k := range all {
		if k.At == site {
			m.all = append(m.all, m.invite(k, all))
		}
	}
	slices.SortStableFunc(m.all, func(a, b *member) int {
		return cmp.Or(cmp.Compare(b.order(), a.order()), cmp.Compare(a.Slug, b.Slug))
	})
	for range passes {
		again, err := m.pass()
		if err != nil {
			return err
		}
		if !again {
			break
		}
		m.wish, m.events = wish{}, nil
	}
	if err := m.threaten(); err != nil {
		return err
	}
	for _, k := range m.all { // guard rails go by how the store stands
		if err := m.settle(k); err != nil {
			return err
		}
	}
	return m.close()
}

// meeting is the scenarios of a site, looked at together.
type meeting struct {
	room   *Room
	tx     *store.Tx
	b      *flow.Book
	site   sashlock.SiteID
	wish   wish
	events []sashlock.Event
	all    []*member
	alarms map[sashlock.OpeningID]int // that stand
	staff  map[string]int             // on shift, by role
}

// member is one of them.
type member struct {
	Kept
	plan  *scenario.Plan // nil: it cannot be carried out
	was   string         // its state as it was read
	again time.Time
}

func (m *meeting) invite(k Kept, all []Kept) *member {
	plan, _ := scenario.Compile(k.Scenario, world(m.b, all, k.Slug))
	was, err := json.Marshal(k.State)
	if err != nil {
		was = nil // then it is written again
	}
	return &member{Kept: k, plan: plan, was: string(was)}
}

// order is in which order they have their way.
func (k *member) order() int {
	if k.Kind == scenario.Lockdown {
		return flow.RankLockdown + k.Rank
	}
	return flow.RankScenario + k.Rank
}

// pass looks at each one once; true when one of them began or ended.
func (m *meeting) pass() (moved bool, err error) {
	for _, k := range m.all {
		one, err := m.step(k)
		if err != nil {
			return moved, err
		}
		moved = moved || one
		if err := m.settle(k); err != nil {
			return moved, err
		}
	}
	return moved, nil
}

// step moves one scenario on.
func (m *meeting) step(k *member) (moved bool, err error) {
	if k.plan == nil {
		if k.State.Running {
			k.State.Running, k.State.Ended, k.State.Over = false, m.tx.Now(), lang.Mark("something that it names is gone")
			m.tell(k, sashlock.ScenarioEnded, k.State.Over, m.facts(k))
			return true, m.alarmOver(k)
		}
		return false, nil
	}
	f := m.facts(k)
	var heard []*sashlock.Event
	for i := range m.events {
		if e := &m.events[i]; k.plan.Hears(e) && !e.Heard.Before(k.Saved) {
			heard = append(heard, e)
		}
	}
	if len(heard) == 0 {
		heard = []*sashlock.Event{nil}
	}
	for _, e := range heard {
		f.Event = e
		next, out := k.plan.Step(k.State, f)
		k.State, k.again = next, out.LookAgain
		moved = moved || out.Began || out.Ended
		if err := m.happened(k, f, out); err != nil {
			return moved, err
		}
		f.Press = scenario.NoPress
	}
	return moved, nil
}

// happened records what a step did.
func (m *meeting) happened(k *member, f scenario.Facts, out scenario.Outcome) error {
	if out.Ended {
		why := out.Why
		if out.Began {
			why = lang.Mark("it began in earnest")
		}
		m.tell(k, sashlock.ScenarioEnded, why, f)
		if err := m.alarmOver(k); err != nil {
			return err
		}
	}
	if out.Began {
		m.tell(k, sashlock.ScenarioBegan, out.Why, f)
		m.raise(k, f)
	}
	if out.Cut {
		m.tx.Append(sashlock.Event{Kind: sashlock.ScenarioHeldBack, Site: k.At, Subject: k.Source(), Rule: "loop", Why: out.Why})
	}
	return nil
}

// Told is what the ledger is told of a run beside its reason: what was known
// when it began or ended.
type Told struct {
	Rev     int64               `json:"rev"`
	Drill   bool                `json:"drill,omitempty"`
	Counted *float64            `json:"counted,omitempty"`
	Threat  string              `json:"threat,omitempty"`
	Staff   int                 `json:"staff"`
	Entry   int64               `json:"entry,omitempty"` // of the event that began it
	Lasted  string              `json:"lasted,omitempty"`
	Unmet   map[string][]string `json:"unmet,omitempty"` // openings that are not as they should be, by item
	Looks   []sashlock.PersonID `json:"looks,omitempty"` // who is to look at them
	Acts    map[string]int      `json:"acts,omitempty"`  // on how many openings
	Notify  string              `json:"notify,omitempty"`
}

func (m *meeting) tell(k *member, kind sashlock.EventKind, why string, f scenario.Facts) {
	told := Told{Rev: k.Rev, Drill: k.State.Drill, Threat: f.Threat, Staff: m.onShift("")}
	if f.Counted {
		told.Counted = &f.Count
	}
	if f.Event != nil && kind == sashlock.ScenarioBegan {
		told.Entry = f.Event.Seq
	}
	if kind == sashlock.ScenarioBegan {
		told.Notify = k.Actions.Notify
	} else if !k.State.Since.IsZero() {
		told.Lasted = m.tx.Now().Sub(k.State.Since).Truncate(time.Second).String()
	}
	if k.plan != nil && len(k.Check.Items) > 0 {
		told.Unmet, told.Looks = m.unmet(k), Looks(m.b, k.At, k.Check.Role, m.tx.Now())
	}
	by := m.wish.by
	if m.wish.slug != k.Slug {
		by = ""
	}
	data, err := json.Marshal(told)
	if err != nil {
		data = nil // it has no value that cannot be written
	}
	m.tx.Append(sashlock.Event{Kind: kind, Site: k.At, Operator: by, Subject: k.Slug, Why: why, Data: data})
}

func (m *meeting) unmet(k *member) map[string][]string {
	unmet := map[string][]string{}
	for _, one := range k.plan.Checked(m.stand) {
		for _, id := range one.Failed {
			unmet[string(one.Item)] = append(unmet[string(one.Item)], string(id))
		}
	}
	return unmet
}

// raise raises the alarm of a scenario that began.
func (m *meeting) raise(k *member, f scenario.Facts) {
	a := k.Actions.Alarm
	at := k.plan.AlarmAt()
	if a == nil || k.State.Drill {
		return
	}
	if at == "" && f.Event != nil {
		at = f.Event.Opening
	}
	o, known := m.b.Openings[at]
	if !known {
		return
	}
	alarm := sashlock.Alarm{
		ID: sashlock.NewID[sashlock.AlarmID](m.tx.Now()), Rule: scenario.AlarmRule, Level: cmp.Or(sashlock.Level(a.Level), sashlock.Look),
		Site: o.Site, Opening: o.ID, Why: a.Text, Raised: m.tx.Now(), Rev: 1,
	}
	m.tx.SaveAlarm(alarm)
	m.tx.Append(sashlock.Event{Kind: sashlock.AlarmRaised, Site: o.Site, Opening: o.ID, Alarm: alarm.ID, Rule: alarm.Rule, Why: alarm.Why})
	k.State.Alarm = alarm.ID
}

// alarmOver clears it.
func (m *meeting) alarmOver(k *member) error {
	if k.State.Alarm == "" {
		return nil
	}
	a, err := m.tx.Alarm(k.State.Alarm)
	k.State.Alarm = ""
	if err != nil || !a.Cleared.IsZero() {
		return err
	}
	a.Cleared = m.tx.Now()
	a.Rev++
	m.tx.SaveAlarm(a)
	m.tx.Append(sashlock.Event{Kind: sashlock.AlarmCleared, Site: a.Site, Opening: a.Opening, Alarm: a.ID, Rule: a.Rule})
	return nil
}

// settle brings orders and grants in line with what a scenario wants.
func (m *meeting) settle(k *member) error {
	var w scenario.Wants
	if k.plan != nil {
		w = k.plan.Wants(k.State, m.facts(k), m.b.Rails())
	}
	if err := m.lock(k, w.Lock); err != nil {
		return err
	}
	if err := m.hold(k, w); err != nil {
		return err
	}
	return m.grant(k)
}

func (m *meeting) lock(k *member, want []sashlock.OpeningID) error {
	anew, gone := m.differ(k, k.State.Locked, want)
	if len(anew) > 0 {
		if _, err := m.room.Hall.DirectIn(m.tx, m.directive(k, sashlock.LockedDown, anew)); err != nil {
			return err
		}
	}
	k.State.Locked = slices.Clone(want)
	return m.withdraw(k, gone)
}

func (m *meeting) hold(k *member, w scenario.Wants) error {
	want := slices.DeleteFunc(slices.Clone(w.Hold), func(id sashlock.OpeningID) bool { return slices.Contains(k.State.Locked, id) })
	back := map[sashlock.OpeningID]string{}
	for id, why := range k.State.Back { // what no lock can do stays as it is in this run
		if why == noLock && slices.Contains(want, id) {
			back[id] = why
		}
	}
	for _, b := range w.Back {
		back[b.Opening] = b.Rail
		if old, said := k.State.Back[b.Opening]; !said || old != b.Rail {
			m.tx.Append(sashlock.Event{Kind: sashlock.ScenarioHeldBack, Site: k.At, Opening: b.Opening, Subject: k.Source(), Rule: b.Rail, Why: b.Why})
		}
	}
	want = slices.DeleteFunc(want, func(id sashlock.OpeningID) bool { return back[id] != "" })
	anew, gone := m.differ(k, k.State.Held, want)
	if err := m.withdraw(k, gone); err != nil {
		return err
	}
	if len(anew) > 0 {
		done, err := m.room.Hall.DirectIn(m.tx, m.directive(k, sashlock.HeldUnlocked, anew))
		if err != nil {
			return err
		}
		for _, one := range done.HeldBack {
			back[one.Opening] = cmp.Or(one.Rail, noLock)
			want = slices.DeleteFunc(want, func(id sashlock.OpeningID) bool { return id == one.Opening })
		}
	}
	k.State.Held, k.State.Back = want, back
	if !k.State.Running || len(back) == 0 {
		k.State.Back = nil
	}
	return nil
}

// noLock stands for openings without a lock that can be held unlocked.
const noLock = "no lock"

func (m *meeting) directive(k *member, mode sashlock.Mode, openings []sashlock.OpeningID) flow.Directive {
	order := sashlock.Order{Source: k.Source(), Rank: k.order(), Mode: mode}
	if longest := k.plan.Longest(); longest > 0 {
		order.Until = k.State.Since.Add(longest)
	}
	return flow.Directive{Order: order, Openings: openings, Operator: k.State.By, Automatic: true, Why: k.State.Why}
}

func (m *meeting) withdraw(k *member, gone []sashlock.OpeningID) error {
	if len(gone) == 0 {
		return nil
	}
	by := m.wish.by
	if m.wish.slug != k.Slug {
		by = ""
	}
	return m.room.Hall.WithdrawIn(m.tx, k.Source(), gone, by)
}

// changed reports whether a scenario is another one than when it began.
func (m *meeting) changed(k *member) bool { return m.wish.anew && m.wish.slug == k.Slug }

// differ tells what is wanted anew and what no longer. An order that is given
// again takes the place of the one before without moving a bolt.
func (m *meeting) differ(k *member, have, want []sashlock.OpeningID) (anew, gone []sashlock.OpeningID) {
	for _, id := range want {
		if !slices.Contains(have, id) || m.changed(k) {
			anew = append(anew, id)
		}
	}
	for _, id := range have {
		if !slices.Contains(want, id) {
			gone = append(gone, id)
		}
	}
	return anew, gone
}

// close writes what changed, and notes when to look again.
func (m *meeting) close() error {
	for _, k := range m.all {
		state, err := json.Marshal(k.State)
		if err != nil {
			return err
		}
		if string(state) == k.was {
			continue
		}
		if _, err := m.tx.Exec(`UPDATE scenarios SET state = ? WHERE slug = ?`, string(state), k.Slug); err != nil {
			return err
		}
	}
	return nil
}

// threaten makes the store stand as a lockdown says, else as somebody set it,
// else as the strongest running scenario says.
func (m *meeting) threaten() error {
	rows, err := store.Rows(m.tx, func(scan store.Scan) (v [2]string, err error) { return v, scan(&v[0], &v[1]) },
		`SELECT base, ours FROM site_standings WHERE site = ?`, m.site)
	if err != nil {
		return err
	}
	var base, ours string
	if len(rows) > 0 {
		base, ours = rows[0][0], rows[0][1]
	}
	if now := m.tx.SiteState(m.site).Threat; now != ours {
		base = now // somebody set it
	}
	want, source := base, "scenarios"
	for _, k := range m.all { // the strongest first
		if !k.State.Running || k.State.Drill || k.Actions.Threat == "" {
			continue
		}
		if base == "" || k.Kind == scenario.Lockdown {
			want, source = k.Actions.Threat, k.Source()
		}
		break
	}
	m.room.Hall.Threaten(m.tx, m.site, want, source, "")
	if len(rows) > 0 && rows[0] == [2]string{base, want} || len(rows) == 0 && base == "" && want == "" {
		return nil
	}
	return m.tx.Put("site_standings", "site", store.Fields{"site": m.site, "base": base, "ours": want})
}

// stand is how an opening stands, for a checklist.
func (m *meeting) stand(id sashlock.OpeningID) scenario.Stand {
	if m.alarms == nil {
		m.alarms = standing(m.room.Store, m.tx)
	}
	state, err := m.tx.State(id)
	if err != nil {
		state.Offline = true // what is not known is not as it should be
	}
	return Standing(m.b, state, m.alarms[id])
}

// Standing is how an opening stands, for a checklist.
func Standing(b *flow.Book, s sashlock.OpeningState, alarms int) scenario.Stand {
	stand := scenario.Stand{State: s, Alarms: alarms}
	for _, d := range b.Fitted(s.Opening) {
		stand.Lock = stand.Lock || d.Has(sashlock.CanRelease) || d.Has(sashlock.CanUnlock)
		stand.Tells = stand.Tells || d.Has(sashlock.TellsPosition)
	}
	return stand
}

// onShift counts who is on shift at the site, with a role or at all: by the
// rota, or clocked in.
func (m *meeting) onShift(role string) int {
	if n, known := m.staff[role]; known {
		return n
	}
	n := len(OnShift(m.b, m.site, role, m.tx.Now()))
	if m.staff == nil {
		m.staff = map[string]int{}
	}
	m.staff[role] = n
	return n
}

// OnShift lists who is on shift at a site, with a role when one is named.
func OnShift(b *flow.Book, site sashlock.SiteID, role string, at time.Time) []sashlock.PersonID {
	var all []sashlock.PersonID
	for _, id := range slices.Sorted(maps.Keys(b.Shifts)) {
		p, known := b.People[id]
		if !known || p.Suspended || !b.OnShift(id, site, at) {
			continue
		}
		has := role == "" || slices.ContainsFunc(p.Roles, func(r sashlock.RoleID) bool { return b.Roles[r].Slug == role })
		if has {
			all = append(all, id)
		}
	}
	return all
}

// Looks lists who is to look at what a checklist found: whoever has the role
// and is on shift or, when nobody is, whoever has it.
func Looks(b *flow.Book, site sashlock.SiteID, role string, at time.Time) []sashlock.PersonID {
	all := OnShift(b, site, role, at)
	if len(all) > 0 || role == "" {
		return all
	}
	for id, p := range b.People {
		if !p.Suspended && slices.ContainsFunc(p.Roles, func(r sashlock.RoleID) bool { return b.Roles[r].Slug == role }) {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}
