// SPDX-License-Identifier: Apache-2.0

// Package ledger builds the tamper-evident part of the record: the Merkle tree
// over all entries, the signed checkpoints, the proofs, and the public view of
// them over HTTP.
//
// An [Appender] holds the right edge of the tree in memory and turns the
// commitments of one commit into one [Seal]: all new stored hashes packed
// together, and a checkpoint signed with the store's Ed25519 key. The store
// writes the seal in the same transaction as the entries. [InclusionProof],
// [ConsistencyProof] and [Evidence] make what an auditor takes home.
// [TileHandler] serves the tree to anyone (C2SP tlog-tiles).
//
// # Commitments
//
// The tree is built over commitments, never over bodies:
//
//	commitment = SHA-256("sashlock commitment v1\n" || salt || body)
//	leaf       = SHA-256(0x00 || commitment)
//
// with 32 fresh random bytes of salt for each entry (proof.Commit). The entry of
// the log, in the sense of C2SP tlog-tiles, is therefore the 32-byte commitment.
//
// # What is public
//
// Commitments, stored hashes and checkpoints tell how many entries there are
// and when the ledger was sealed, and nothing of their content: without the
// salt nobody can test a guess against a commitment. So TileHandler may serve
// strangers. Bodies and salts are not public; this package never serves them,
// and they leave the store only in an evidence bundle made for somebody.
//
// # Erasure
//
// The store erases personal data by deleting an entry's body and salt and
// keeping its commitment. No hash of the tree depends on anything else, so all
// proofs and checkpoints, past and future, stay valid.
//
// # How it fits
//
// It is pure: no SQL, no clock, no files, no goroutines. The package store
// brings rows and transactions; all checking is in the package proof below, so
// that an auditor needs to trust and read that one only.
//
// # Promises
//
//   - The tree is that of RFC 6962, stored hashes are in the order of
//     golang.org/x/mod/sumdb/tlog, and both are held equal by tests to that
//     package and to an independent implementation reading our tiles.
//   - A failed commit leaves no trace: an Appender can be put back to any
//     [Mark] taken since the last commit.
//   - TileHandler answers no request, however malformed, with a server error;
//     only a failing source does that.
package ledger
