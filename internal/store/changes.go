// SPDX-License-Identifier: Apache-2.0

package store

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
)

// The rules of the changes are:
//   - each batch writes the states and wake-ups it changed as one row; if that
//     and the seal fit into one page, they are one row
//   - after so many rows, or so many bytes, the batch carries all of them over
//     into the tables and removes them, in its own transaction
//   - memory always has the latest of everything, so carrying over reads nothing

const (
	maxChangeRows  = 256
	maxChangeBytes = 2 << 20
	// maxBeside is how large a change and the hashes of a seal are together at
	// most, to stand in one row. More would spill over into pages of its own,
	// and be copied for nothing when the seals are carried over.
	maxBeside = 3 << 10
)

// changeLog is what the writer knows of the table changes.
type changeLog struct {
	rows, bytes int
	pending     touched // what rows in the table changed
	batch       int     // bytes of the running batch's row
	beside      string  // that row, if it is written together with the seal
	carried     bool    // the running batch carries everything over
}

// touched is which rows of the present are newer than their tables.
type touched struct {
	states  map[sashlock.OpeningID]struct{}
	devices map[sashlock.DeviceID]struct{}
	wakes   map[string]struct{}

	standings map[string]struct{}
}

func newTouched() touched {
	return touched{
		states:  make(map[sashlock.OpeningID]struct{}),
		devices: make(map[sashlock.DeviceID]struct{}),
		wakes:   make(map[string]struct{}),

		standings: make(map[string]struct{}),
	}
}

// present is the three tables in memory.
type present struct {
	states  map[sashlock.OpeningID]sashlock.OpeningState
	devices map[sashlock.DeviceID]sashlock.DeviceState
	wakes   map[string]time.Time

	standings map[string]standing
}

// changeRow is one row of the table.
type changeRow struct {
	States  []sashlock.OpeningState `json:"states,omitempty"`
	Devices []sashlock.DeviceState  `json:"devices,omitempty"`
	Wakes   map[string]int64        `json:"wakes,omitempty"` // µs; 0: removed

	Standings map[string]standing `json:"standings,omitempty"` // an empty one: removed
}

// load puts the rows of the table on top of what the other tables hold.
func (l *changeLog) load(q Query, p *present) error {
	*l = changeLog{pending: newTouched()}
	rows, err := q.Query("SELECT change FROM changes ORDER BY number")
	return each(rows, err, func(scan func(...any) error) error {
		var text []byte
		if err := scan(&text); err != nil {
			return err
		}
		var row changeRow
		if err := json.Unmarshal(text, &row); err != nil {
			return err
		}
		l.rows++
		l.bytes += len(text)
		for _, s := range row.States {
			p.states[s.Opening] = s
			l.pending.states[s.Opening] = struct{}{}
		}
		for _, d := range row.Devices {
			p.devices[d.Device] = d
			l.pending.devices[d.Device] = struct{}{}
		}
		for subject, due := range row.Wakes {
			p.wakes[subject] = time.UnixMicro(due).UTC()
			if due == 0 {
				delete(p.wakes, subject)
			}
			l.pending.wakes[subject] = struct{}{}
		}
		for subject, st := range row.Standings {
			p.standings[subject] = st
			if st == (standing{}) {
				delete(p.standings, subject)
			}
			l.pending.standings[subject] = struct{}{}
		}
		return nil
	})
}

// committed notes that the running batch is on disk. It comes before the batch
// is forgotten.
func (l *changeLog) committed() {
	if l.carried {
		*l = changeLog{pending: l.pending}
		clear(l.pending.states)
		clear(l.pending.devices)
		clear(l.pending.wakes)
		clear(l.pending.standings)
		return
	}
	if l.batch > 0 {
		l.rows++
		l.bytes += l.batch
		l.batch = 0
	}
}

// flushChanges writes what the batch changed in the present.
func (w *writer) flushChanges() error {
	l := &w.changes
	l.batch, l.beside, l.carried = 0, "", false
	states, devices, wakes, standings := w.s.states.batch, w.s.devices.batch, w.s.wakes.batch, w.s.standings.batch
	if len(states)+len(devices)+len(wakes)+len(standings) == 0 {
		return nil
	}
	// If the batch fails, the rows named here are only carried over needlessly.
	for id := range states {
		l.pending.states[id] = struct{}{}
	}
	for id := range devices {
		l.pending.devices[id] = struct{}{}
	}
	for subject := range wakes {
		l.pending.wakes[subject] = struct{}{}
	}
	for subject := range standings {
		l.pending.standings[subject] = struct{}{}
	}
	if l.rows >= maxChangeRows || l.bytes >= maxChangeBytes {
		return w.carryOver()
	}
	text, err := w.changeText()
	if err != nil {
		return err
	}
	l.batch = len(text)
	if _, hashes := w.tree.Fresh(); len(hashes) > 0 && len(hashes)+len(text) <= maxBeside {
		l.beside = text
		return nil
	}
	return w.prepared(insertChange, args(int64(l.rows), text))
}

// changeText writes the batch's row as JSON.
func (w *writer) changeText() (string, error) {
	f := fields{b: append(w.text[:0], '{')}
	if states := w.s.states.batch; len(states) > 0 {
		f.name("states")
		f.b = append(f.b, '[')
		for _, ch := range states {
			var err error
			if f.b, err = AppendState(f.b, &ch.value); err != nil {
				return "", err
			}
			f.b = append(f.b, ',')
		}
		f.b[len(f.b)-1] = ']'
	}
	if devices := w.s.devices.batch; len(devices) > 0 {
		f.name("devices")
		f.b = append(f.b, '[')
		for _, ch := range devices {
			f.value(ch.value)
			f.b = append(f.b, ',')
		}
		f.b[len(f.b)-1] = ']'
	}
	if wakes := w.s.wakes.batch; len(wakes) > 0 {
		f.name("wakes")
		f.b = append(f.b, '{')
		for subject, ch := range wakes {
			f.quote(subject)
			f.b = append(f.b, ':')
			due := int64(0)
			if !ch.gone {
				due = ch.value.UnixMicro()
			}
			f.b = append(f.b, formatInt(due)...)
			f.b = append(f.b, ',')
		}
		f.b[len(f.b)-1] = '}'
	}
	if standings := w.s.standings.batch; len(standings) > 0 {
		f.name("standings")
		f.b = append(f.b, '{')
		for subject, ch := range standings {
			f.quote(subject)
			f.b = append(f.b, ':')
			f.value(ch.value) // a removed one is empty
			f.b = append(f.b, ',')
		}
		f.b[len(f.b)-1] = '}'
	}
	text, err := f.end("changes")
	w.text = text
	return string(text), err
}

// carryOver writes everything that is newer than its table into the tables and
// empties the table changes.
func (w *writer) carryOver() error {
	w.changes.carried = true
	for _, query := range []string{carrySeals, "DELETE FROM changes"} {
		if err := w.prepared(query, nil); err != nil {
			return err
		}
	}
	if err := w.carryStates(); err != nil {
		return err
	}
	if err := w.carryDevices(); err != nil {
		return err
	}
	if err := w.carryStandings(); err != nil {
		return err
	}
	return w.carryWakes()
}

func (w *writer) carryStates() error {
	var rows arguments
	for _, id := range slices.Sorted(maps.Keys(w.changes.pending.states)) { // in the order of the index
		state, ok := w.s.states.get(id)
		if !ok {
			continue
		}
		text, err := AppendState(nil, &state)
		if err != nil {
			return err
		}
		rows.add(string(id), string(text))
	}
	return w.insert(upsertStates, rows)
}

func (w *writer) carryDevices() error {
	var rows arguments
	for _, id := range slices.Sorted(maps.Keys(w.changes.pending.devices)) {
		device, ok := w.s.devices.get(id)
		if !ok {
			continue
		}
		text, err := json.Marshal(device)
		if err != nil {
			return err
		}
		rows.add(string(id), string(text))
	}
	return w.insert(upsertDevices, rows)
}

func (w *writer) carryWakes() error {
	var rows arguments
	for _, subject := range slices.Sorted(maps.Keys(w.changes.pending.wakes)) {
		if due, ok := w.s.wakes.get(subject); ok {
			rows.add(subject, due.UnixMicro())
		} else if err := w.prepared("DELETE FROM wakeups WHERE subject = ?", args(subject)); err != nil {
			return err
		}
	}
	return w.insert(upsertWakes, rows)
}
