// SPDX-License-Identifier: Apache-2.0

package store

import (
	"crypto/rand"
	"database/sql/driver"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// chunks are the numbers of rows that one INSERT carries, largest first. Each
// is a prepared statement of its own.
var chunks = []int{128, 64, 32, 16, 8, 4, 2, 1}

// insertion is an INSERT or upsert of many rows.
type insertion struct {
	columns int
	texts   map[int]string // by rows
}

// newInsertion builds the statements of an insertion. After is what follows
// the values.
func newInsertion(into string, columns int, after string) insertion {
	in := insertion{columns, make(map[int]string)}
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", columns), ", ") + ")"
	for _, n := range chunks {
		in.texts[n] = "INSERT INTO " + into + " VALUES " + strings.TrimSuffix(strings.Repeat(row+", ", n), ", ") + after
	}
	return in
}

var (
	insertEntries   = newInsertion("entries (seq, body, binding)", 3, "")
	insertDecided   = newInsertion("decision_entries (decision, seq)", 2, "")
	insertPages     = newInsertion("entry_pages (page, subject, places)", 3, "")
	upsertStates    = newInsertion("opening_states (opening, state)", 2, " ON CONFLICT (opening) DO UPDATE SET state = excluded.state")
	upsertStandings = newInsertion("standings (subject, body)", 2, " ON CONFLICT (subject) DO UPDATE SET body = excluded.body")
	upsertDevices   = newInsertion("device_states (device, state)", 2, " ON CONFLICT (device) DO UPDATE SET state = excluded.state")
	upsertWakes     = newInsertion("wakeups (subject, due)", 2, " ON CONFLICT (subject) DO UPDATE SET due = excluded.due")
	upsertCommand   = newInsertion("commands (id, opening, device, state, issued, record)", 6, " ON CONFLICT (id) DO UPDATE SET state = excluded.state, record = excluded.record")
	upsertAlarms    = newInsertion("alarms (id, rule, level, site, opening, why, raised, cleared, acknowledged, acknowledged_by, rev)", 11,
		" ON CONFLICT (id) DO UPDATE SET rule = excluded.rule, level = excluded.level, why = excluded.why, cleared = excluded.cleared,"+
			" acknowledged = excluded.acknowledged, acknowledged_by = excluded.acknowledged_by, rev = excluded.rev")
)

const (
	insertSeal   = "INSERT INTO seals (" + sealColumns + ") VALUES (?, ?, ?, ?, ?)"
	insertChange = "INSERT INTO changes (number, change) VALUES (?, ?)"
	insertBoth   = "INSERT INTO changes (number, change, " + sealColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?)"
	carrySeals   = "INSERT INTO seals (" + sealColumns + ") SELECT " + sealColumns + " FROM changes WHERE first_hash IS NOT NULL ORDER BY first_hash"
	upsertMeta   = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)

// arguments are those of a statement.
type arguments []driver.NamedValue

func (a *arguments) add(values ...any) {
	for _, v := range values {
		*a = append(*a, driver.NamedValue{Ordinal: len(*a) + 1, Value: v})
	}
}

// args makes the arguments of a statement.
func args(values ...any) arguments {
	var a arguments
	a.add(values...)
	return a
}

// insert writes rows in chunks; args holds all their columns.
func (w *writer) insert(in insertion, args arguments) error {
	for _, n := range chunks {
		for width := n * in.columns; len(args) >= width; args = args[width:] {
			for i := range width {
				args[i].Ordinal = i + 1
			}
			if err := w.prepared(in.texts[n], args[:width]); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes what the jobs left in memory, and the seal over it. A batch
// that changed nothing and looked nothing up needs no transaction at all.
func (w *writer) flush() error {
	if err := w.failpoint("flush"); err != nil {
		return err
	}
	if !w.b.begun && !w.dirty() {
		w.lastCheckpoint()
		return nil
	}
	w.commitEntries()
	if err := w.begin(); err != nil {
		return err
	}
	for _, step := range []func() error{w.flushEntries, w.flushChanges, w.flushCommands, w.flushAlarms, w.flushPages} {
		if err := step(); err != nil {
			return err
		}
	}
	return w.flushSeal()
}

// commitEntries puts the entries' commitments into the tree and has it signed.
// That comes before anything is written, because the signature takes longest.
func (w *writer) commitEntries() {
	entries := w.b.entries
	if len(entries) == 0 {
		return
	}
	const width = 32 + proof.SaltSize
	w.bindings = slices.Grow(w.bindings[:0], len(entries)*width)[:len(entries)*width]
	bindings, rows := w.bindings, w.rows[:0]
	rand.Read(bindings) //nolint:errcheck // never returns an error: it stops the program instead
	for i := range entries {
		e := &entries[i]
		body := w.b.arena[e.start:e.end]
		binding := bindings[i*width : (i+1)*width]
		commitment := proof.Commit([proof.SaltSize]byte(binding[32:]), body)
		copy(binding, commitment[:])
		w.tree.Append(commitment)
		rows.add(e.seq, body, binding)
	}
	w.rows = rows
	w.sign()
}

// flushEntries writes the entries and what decisions led to them.
func (w *writer) flushEntries() error {
	if len(w.b.entries) == 0 {
		return nil
	}
	if err := w.insert(insertEntries, w.rows); err != nil {
		return err
	}
	var decided arguments
	for i := range w.b.entries {
		if e := &w.b.entries[i]; e.decision != "" {
			decided.add(e.decision, e.seq)
		}
	}
	return w.insert(insertDecided, decided)
}

// orNull makes no text of an empty one.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (w *writer) flushCommands() error {
	batch := w.s.commands.batch
	var rows arguments
	for id, ch := range batch {
		c := &ch.value
		text, err := json.Marshal(c)
		if err != nil {
			return err
		}
		rows.add(string(id), string(c.Opening), string(c.Device), string(c.State), c.Issued.UnixMicro(), string(text))
	}
	return w.insert(upsertCommand, rows)
}

func (w *writer) flushAlarms() error {
	batch := w.s.alarms.batch
	var rows arguments
	for id, ch := range batch {
		a := &ch.value
		rows.add(string(id), a.Rule, string(a.Level), string(a.Site), string(a.Opening), a.Why,
			a.Raised.UnixMicro(), Micros(a.Cleared), Micros(a.Acknowledged), orNull(string(a.By)), a.Rev)
	}
	return w.insert(upsertAlarms, rows)
}

// flushPages writes the finished pages of the index.
func (w *writer) flushPages() error {
	return w.insert(insertPages, w.s.recent.finished())
}

// flushSeal writes the seal. A batch without entries only notes how late it is.
func (w *writer) flushSeal() error {
	if len(w.b.entries) == 0 {
		w.lastCheckpoint()
		if !w.dirty() {
			return nil
		}
		return w.prepared(upsertMeta, args("clock", formatInt(w.clock)))
	}
	seal, err := w.signed()
	if err != nil {
		return err
	}
	w.b.checkpoint = seal.Checkpoint
	row, query := arguments(nil), insertSeal
	if l := &w.changes; l.beside != "" {
		query = insertBoth
		row.add(int64(l.rows), l.beside)
	}
	row.add(seal.FirstHash, seal.Size, seal.Hashes, seal.Checkpoint, w.clock)
	return w.prepared(query, row)
}

// lastCheckpoint gives a batch without entries the checkpoint of those before.
func (w *writer) lastCheckpoint() {
	if s := w.s.seal.Load(); s != nil {
		w.b.checkpoint = s.checkpoint
	}
}

// dirty reports whether the batch changed anything.
func (w *writer) dirty() bool {
	return w.b.touched || len(w.b.entries)+len(w.s.states.batch)+len(w.s.devices.batch)+len(w.s.wakes.batch)+len(w.s.standings.batch)+
		len(w.s.commands.batch)+len(w.s.alarms.batch) > 0
}
