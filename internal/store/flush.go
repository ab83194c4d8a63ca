// SPDX-License-Identifier: Apache-2.0

package store

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// chunks are the numbers of rows that one INSERT carries, largest first. Each
// is a prepared statement of its own.
var chunks = []int{32, 8, 1}

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
	insertEntries = newInsertion("entries (seq, kind, opening, person, device, decision, heard, body, salt, commitment)", 10, "")
	insertPages   = newInsertion("entry_pages (page, subject, places)", 3, "")
	upsertStates  = newInsertion("opening_states (opening, state)", 2, " ON CONFLICT (opening) DO UPDATE SET state = excluded.state")
	upsertDevices = newInsertion("device_states (device, state)", 2, " ON CONFLICT (device) DO UPDATE SET state = excluded.state")
	upsertWakes   = newInsertion("wakeups (subject, due)", 2, " ON CONFLICT (subject) DO UPDATE SET due = excluded.due")
	upsertCommand = newInsertion("commands (id, opening, device, state, issued, record)", 6, " ON CONFLICT (id) DO UPDATE SET state = excluded.state, record = excluded.record")
	upsertAlarms  = newInsertion("alarms (id, rule, level, site, opening, why, raised, cleared, acknowledged, acknowledged_by, rev)", 11,
		" ON CONFLICT (id) DO UPDATE SET rule = excluded.rule, level = excluded.level, why = excluded.why, cleared = excluded.cleared,"+
			" acknowledged = excluded.acknowledged, acknowledged_by = excluded.acknowledged_by, rev = excluded.rev")
)

const (
	insertSeal = "INSERT INTO seals (first_hash, size, hashes, checkpoint, at) VALUES (?, ?, ?, ?, ?)"
	upsertMeta = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
	deleteWake = "DELETE FROM wakeups WHERE subject = ?"
)

// insert writes rows in chunks; args holds all their columns.
func (w *writer) insert(in insertion, args []any) error {
	for _, n := range chunks {
		for width := n * in.columns; len(args) >= width; args = args[width:] {
			if err := w.prepared(in.texts[n], args[:width]); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes what the jobs left in memory, and the seal over it.
func (w *writer) flush() error {
	if err := w.failpoint("flush"); err != nil {
		return err
	}
	if err := w.flushEntries(); err != nil {
		return err
	}
	for _, step := range []func() error{w.flushStates, w.flushDevices, w.flushWakes, w.flushCommands, w.flushAlarms, w.flushPages} {
		if err := step(); err != nil {
			return err
		}
	}
	return w.flushSeal()
}

// flushEntries writes the entries and puts their commitments into the tree.
func (w *writer) flushEntries() error {
	entries := w.b.entries
	if len(entries) == 0 {
		return nil
	}
	salts := make([]byte, len(entries)*proof.SaltSize)
	rand.Read(salts) //nolint:errcheck // never returns an error: it stops the program instead
	commitments := make([]proof.Commitment, len(entries))
	args := make([]any, 0, len(entries)*insertEntries.columns)
	for i := range entries {
		e := &entries[i]
		body := w.b.arena[e.start:e.end]
		salt := salts[i*proof.SaltSize : (i+1)*proof.SaltSize]
		commitments[i] = proof.Commit([proof.SaltSize]byte(salt), body)
		args = append(args, e.seq, e.kind, orNull(e.opening), orNull(e.person), orNull(e.device), orNull(e.decision),
			e.heard, body, salt, commitments[i][:])
	}
	if err := w.insert(insertEntries, args); err != nil {
		return err
	}
	w.tree.Append(commitments...)
	return nil
}

// orNull makes no text of an empty one.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (w *writer) flushStates() error {
	batch := w.s.states.batch
	args := make([]any, 0, 2*len(batch))
	var text []byte
	for id, ch := range batch {
		var err error
		if text, err = AppendState(text[:0], &ch.value); err != nil {
			return err
		}
		args = append(args, string(id), string(text))
	}
	return w.insert(upsertStates, args)
}

func (w *writer) flushDevices() error {
	batch := w.s.devices.batch
	args := make([]any, 0, 2*len(batch))
	for id, ch := range batch {
		text, err := json.Marshal(ch.value)
		if err != nil {
			return err
		}
		args = append(args, string(id), string(text))
	}
	return w.insert(upsertDevices, args)
}

func (w *writer) flushWakes() error {
	batch := w.s.wakes.batch
	args := make([]any, 0, 2*len(batch))
	for subject, ch := range batch {
		if !ch.gone {
			args = append(args, subject, ch.value.UnixMicro())
		} else if err := w.prepared(deleteWake, []any{subject}); err != nil {
			return err
		}
	}
	return w.insert(upsertWakes, args)
}

func (w *writer) flushCommands() error {
	batch := w.s.commands.batch
	args := make([]any, 0, upsertCommand.columns*len(batch))
	for id, ch := range batch {
		c := &ch.value
		text, err := json.Marshal(c)
		if err != nil {
			return err
		}
		args = append(args, string(id), string(c.Opening), string(c.Device), string(c.State), c.Issued.UnixMicro(), string(text))
	}
	return w.insert(upsertCommand, args)
}

func (w *writer) flushAlarms() error {
	batch := w.s.alarms.batch
	args := make([]any, 0, upsertAlarms.columns*len(batch))
	for id, ch := range batch {
		a := &ch.value
		args = append(args, string(id), a.Rule, string(a.Level), string(a.Site), string(a.Opening), a.Why,
			a.Raised.UnixMicro(), Micros(a.Cleared), Micros(a.Acknowledged), orNull(string(a.By)), a.Rev)
	}
	return w.insert(upsertAlarms, args)
}

// flushPages writes the finished pages of the index.
func (w *writer) flushPages() error {
	return w.insert(insertPages, w.s.recent.finished())
}

// flushSeal signs the tree and writes the seal. A batch without entries only
// notes how late it is.
func (w *writer) flushSeal() error {
	if len(w.b.entries) == 0 {
		if s := w.s.seal.Load(); s != nil {
			w.b.checkpoint = s.checkpoint
		}
		if !w.dirty() {
			return nil
		}
		return w.prepared(upsertMeta, []any{"clock", formatInt(w.clock)})
	}
	seal, err := w.tree.Seal(w.s.opts.Signer, time.UnixMicro(w.clock).UTC())
	if err != nil {
		return err
	}
	if err := w.prepared(insertSeal, []any{seal.FirstHash, seal.Size, seal.Hashes, seal.Checkpoint, w.clock}); err != nil {
		return err
	}
	w.b.checkpoint = seal.Checkpoint
	return nil
}

// dirty reports whether the batch changed anything.
func (w *writer) dirty() bool {
	return w.b.touched || len(w.b.entries)+len(w.s.states.batch)+len(w.s.devices.batch)+len(w.s.wakes.batch)+
		len(w.s.commands.batch)+len(w.s.alarms.batch) > 0
}
