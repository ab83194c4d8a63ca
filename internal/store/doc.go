// SPDX-License-Identifier: Apache-2.0

// Package store keeps what Sashlock knows: the present in tables, the past in
// the ledger, both written in the same transaction.
//
// # What
//
// All writing goes through [Store.Do]: a job reads and changes what it needs
// through its [Tx], and returns once everything is on disk. Jobs of many
// callers run one after another in one goroutine and share one commit (group
// commit), so that the price of an fsync is split between them. Each commit
// extends the Merkle tree and carries a freshly signed checkpoint; that is the
// [Receipt].
//
// A Tx has two halves. The buffered half (events, states of openings and
// devices, commands, alarms, wake-ups) works in memory and reaches the database
// when the batch is flushed. The SQL half is for the rooms, which own their
// queries; it runs at once, behind a savepoint, so that a failing job takes
// nothing down with it.
//
// # Engines
//
// SQLite (WAL, synchronous=FULL) is the embedded default, PostgreSQL the
// second engine. Queries are written once, with "?" for arguments; the store
// rewrites them for PostgreSQL. Truth values and times are stored as integers:
// see [Micros] and [TimeOf].
//
// # When the disk is full
//
// If the database cannot be written, vital jobs ([Store.DoVital]) are kept in
// the emergency journal, a file whose space was taken beforehand; everything
// else is refused and told why. Once a second the store tries again, and copies
// the journal into the database when it can.
//
// # How it fits
//
// It imports the vocabulary and package ledger, and knows nothing of what the
// jobs decide. Package flow is its main caller, the rooms come second, and the
// followers read the ledger by sequence number.
//
// # Promises
//
//   - What was acknowledged is on disk, in order, exactly once, and covered by
//     a signed checkpoint (or, without one, by the emergency journal).
//   - No job sees or loses the work of a failed job, and a failed batch leaves
//     nothing behind, neither on disk nor in memory.
//   - A failed fsync is never taken for success, nor repeated: the database is
//     closed, opened and checked against its last checkpoint before anything is
//     acknowledged again.
//   - Times never run backwards from one job to the next, whatever the machine's
//     clock does.
//   - One process at a time writes a database; others may read it.
package store
