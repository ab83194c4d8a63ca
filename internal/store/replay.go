// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sashlock/sashlock"
)

// frame is what a batch leaves in the emergency journal: the buffered half of
// its jobs. Everything but the entries is the latest value, so that replaying
// it twice does no harm.
type frame struct {
	First    int64                    `json:"first"` // sequence number of the first entry
	Clock    int64                    `json:"clock"` // latest time given to a job, µs
	Entries  []json.RawMessage        `json:"entries,omitempty"`
	States   []sashlock.OpeningState  `json:"states,omitempty"`
	Devices  []sashlock.DeviceState   `json:"devices,omitempty"`
	Wakes    map[string]time.Time     `json:"wakes,omitempty"`    // the zero time removes
	Standing map[string]standing      `json:"standing,omitempty"` // an empty one removes
	Commands []sashlock.CommandRecord `json:"commands,omitempty"`
	Alarms   []sashlock.Alarm         `json:"alarms,omitempty"`
}

// decodeFrame reads the payload of a frame.
func decodeFrame(payload []byte) (frame, error) {
	var f frame
	if err := json.Unmarshal(payload, &f); err != nil {
		return frame{}, fmt.Errorf("reading a frame of the emergency journal: %w", err)
	}
	if f.First < 0 {
		return frame{}, fmt.Errorf("reading a frame of the emergency journal: it begins at entry %d", f.First)
	}
	return f, nil
}

// note runs jobs into the emergency journal. If it cannot be written they are
// undone and nobody was told anything.
func (w *writer) note(line []*request) error {
	w.start(true)
	for _, r := range line {
		if err := w.runJob(r); err != nil {
			w.undo()
			return err
		}
	}
	if w.dirty() {
		payload, err := json.Marshal(w.frame())
		if err == nil {
			err = w.failpoint("journal")
		}
		if err == nil {
			err = w.journal.append(payload)
		}
		if err != nil {
			w.undo()
			return err
		}
		w.s.health.journal(w.journal.used, w.journal.size)
	}
	w.keep("")
	return nil
}

// frame makes a frame of the batch.
func (w *writer) frame() frame {
	f := frame{First: w.before.next, Clock: w.clock}
	for _, e := range w.b.entries {
		f.Entries = append(f.Entries, w.b.arena[e.start:e.end])
	}
	for _, ch := range w.s.states.batch {
		f.States = append(f.States, ch.value)
	}
	for _, ch := range w.s.devices.batch {
		f.Devices = append(f.Devices, ch.value)
	}
	for subject, ch := range w.s.wakes.batch {
		if f.Wakes == nil {
			f.Wakes = make(map[string]time.Time)
		}
		f.Wakes[subject] = ch.value
	}
	for subject, ch := range w.s.standings.batch {
		if f.Standing == nil {
			f.Standing = make(map[string]standing)
		}
		f.Standing[subject] = ch.value
	}
	for _, ch := range w.s.commands.batch {
		f.Commands = append(f.Commands, ch.value)
	}
	for _, ch := range w.s.alarms.batch {
		f.Alarms = append(f.Alarms, ch.value)
	}
	return f
}

// openJournal opens the emergency journal and replays what is in it. If the
// database cannot be written yet, the store starts on the journal.
func (s *Store) openJournal() error {
	if s.opts.Journal == "" {
		return nil
	}
	j, frames, err := openJournalFile(s.opts.Journal, s.opts.JournalSize)
	if err != nil {
		s.log.Warn("emergency journal not available", slog.Any("error", err))
		return nil
	}
	w := &s.w
	w.journal = j
	s.health.journal(j.used, j.size)
	if len(frames) == 0 {
		return nil
	}
	w.trouble.known = true
	err = w.replay()
	if err == nil {
		w.trouble = trouble{}
		return nil
	}
	if !s.engine.unwritable(err) {
		return fmt.Errorf("replaying the emergency journal: %w", err)
	}
	w.trouble = trouble{cause: err, known: true, unsettled: s.engine.doubtful(err)}
	s.health.set(err, s.opts.Now())
	return w.rejoin()
}

// rejoin puts what is in the journal on top of what was read from the database.
func (w *writer) rejoin() error {
	payloads, err := w.journal.read()
	if err != nil || len(payloads) == 0 {
		return err
	}
	w.start(true)
	if _, err := w.recall(payloads); err != nil {
		w.undo()
		return err
	}
	w.keep("")
	return nil
}

// replay writes the journal into the database, in one transaction, and empties
// it. With an empty journal it writes a mark, to see whether that works.
func (w *writer) replay() (err error) {
	payloads, err := w.journal.read()
	if err != nil {
		return err
	}
	w.start(false)
	w.next = w.sealedSize() // the journal's entries are put after those of the database
	defer func() {
		if err != nil {
			w.undo()
		}
	}()
	if err := w.begin(); err != nil {
		return err
	}
	entries, err := w.recall(payloads)
	if err != nil {
		return err
	}
	if entries > 0 {
		w.tx = Tx{w: w, now: time.UnixMicro(max(w.s.opts.Now().UnixMicro(), w.clock)).UTC()}
		data, _ := json.Marshal(map[string]int64{"entries": entries}) // plain numbers always encode
		w.tx.Append(sashlock.Event{Kind: sashlock.JournalReplayed, Data: data})
	}
	w.b.touched = true
	if err := w.flush(); err != nil {
		return err
	}
	w.b.committing = true
	if err := w.exec("COMMIT"); err != nil {
		return err
	}
	w.tree.Committed()
	w.changes.committed()
	if len(w.b.entries) > 0 {
		w.s.seal.Store(&sealed{size: w.tree.Size(), checkpoint: w.b.checkpoint})
		w.s.recent.add(w.b.entries)
	}
	w.keep(w.b.checkpoint)
	if err := w.journal.reset(); err != nil {
		w.journal.bad = err
		w.s.log.Error("emergency journal not emptied", slog.Any("error", err))
	}
	w.s.health.journal(w.journal.used, w.journal.size)
	return nil
}

var errDamagedFrame = errors.New("a frame of the emergency journal cannot be read")

// recall puts the contents of frames into the batch and returns how many
// entries that made. Entries that are in the database already are left out:
// the process ended between replaying and emptying the journal.
func (w *writer) recall(payloads [][]byte) (entries int64, err error) {
	for _, payload := range payloads {
		f, err := decodeFrame(payload)
		if err != nil {
			return 0, errors.Join(errDamagedFrame, err)
		}
		w.clock = max(w.clock, f.Clock)
		for i, body := range f.Entries {
			done, err := w.isRecorded(f.First+int64(i), body)
			if err != nil {
				return 0, err
			}
			if !done {
				if err := w.recallEntry(body); err != nil {
					return 0, err
				}
				entries++
			}
		}
		w.recallRest(f)
	}
	return entries, nil
}

// isRecorded reports whether the database has this very entry.
func (w *writer) isRecorded(seq int64, body []byte) (bool, error) {
	if seq >= w.sealedSize() {
		return false, nil
	}
	var there []byte
	err := w.conn.QueryRowContext(context.Background(), w.s.engine.rebind("SELECT body FROM entries WHERE seq = ?"), seq).Scan(&there)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return bytes.Equal(there, body), err
}

// recallEntry appends an event from the journal as it is, with its own time.
func (w *writer) recallEntry(body []byte) error {
	var e sashlock.Event
	if err := json.Unmarshal(body, &e); err != nil {
		return errors.Join(errDamagedFrame, err)
	}
	if e.Seq != w.next {
		// Only if a commit that failed did leave its entries after all.
		w.s.log.Warn("journal entry renumbered", slog.Int64("was", e.Seq), slog.Int64("is", w.next))
	}
	w.tx = Tx{w: w, now: e.Heard}
	w.tx.Append(e)
	return w.tx.invalid
}

// recallRest puts everything but the entries of a frame into the batch.
func (w *writer) recallRest(f frame) {
	tx := &w.tx
	tx.w = w
	for _, st := range f.States {
		tx.SaveState(st)
	}
	for _, d := range f.Devices {
		tx.SaveDeviceState(d)
	}
	for subject, due := range f.Wakes {
		w.s.wakes.set(subject, change[time.Time]{value: due, gone: due.IsZero()})
	}
	for subject, st := range f.Standing {
		w.s.standings.set(subject, change[standing]{value: st, gone: st == (standing{})})
	}
	for _, c := range f.Commands {
		tx.SaveCommand(c)
	}
	for _, a := range f.Alarms {
		tx.SaveAlarm(a)
	}
	w.s.states.keepJob()
	w.s.devices.keepJob()
	w.s.wakes.keepJob()
	w.s.standings.keepJob()
	w.s.commands.keepJob()
	w.s.alarms.keepJob()
}

// sealedSize is the size of the last committed seal.
func (w *writer) sealedSize() int64 {
	if s := w.s.seal.Load(); s != nil {
		return s.size
	}
	return 0
}
