// SPDX-License-Identifier: Apache-2.0

// Package proof checks what a Sashlock ledger claims, and trusts nobody for it.
//
// An auditor, an insurer or a court needs to know that an entry was recorded,
// when it was sealed, and that nobody changed it since. This package answers
// that from files alone: it needs no server, no database and none of the rest
// of Sashlock. It only verifies; the packages ledger and store write.
//
//   - [DecodeBundle] and [Verify] check an evidence bundle: a few entries, their
//     inclusion proofs and one signed checkpoint in one JSON file.
//   - [OpenCheckpoint] checks a signed checkpoint (C2SP tlog-checkpoint inside a
//     C2SP signed note).
//   - [VerifyInclusion] and [VerifyConsistency] check single Merkle proofs
//     (RFC 6962, sections 2.1.1 and 2.1.2).
//   - [VerifyLedger] recomputes a whole ledger, entry by entry, on all cores.
//
// # The commitment
//
// An entry has a body: the exact bytes of one event as canonical JSON. The body
// itself is not in the Merkle tree. The tree holds a commitment to it:
//
//	commitment = SHA-256("sashlock commitment v1\n" || salt || body)
//	leaf       = SHA-256(0x00 || commitment)
//
// The salt is 32 random bytes, drawn anew for every entry, so that nobody can
// find the body of a commitment by trying likely bodies.
//
// # What is public and what is not
//
// Public, and harmless to publish: commitments, all hashes of the tree, and
// checkpoints. They tell how many entries there are and nothing of what is in
// them. Not public: bodies and salts. Whoever is given a body together with its
// salt can prove that body; whoever has only the tree learns nothing.
//
// # Why erasure does not break proofs
//
// To erase personal data the store deletes the body and the salt of an entry
// and keeps the commitment. The tree was built over commitments only, so no
// hash changes: every proof and every checkpoint ever handed out stays valid,
// and the entry can still be proved to have existed at its place. Without the
// salt the commitment is 32 bytes of noise. A bundle shows such an entry as
// erased. Whether an erasure was lawful is not a question of hashes: the store
// records each erasure as an entry of its own.
//
// # How it fits
//
// It sits on the lowest floor, beside the root vocabulary, and imports the
// standard library and golang.org/x/mod (note, tlog) only, so that an auditor
// can read all there is to trust. The command sashlock-verify is its shell.
//
// # Promises
//
//   - No false acceptance: whatever [Verify] accepts was sealed by the holder
//     of the key that the caller trusts. Decoding is strict: unknown, repeated
//     or misspelt fields, loose base64 and oversized input are refused.
//   - Every problem names its sequence number (or the range of them) and says
//     in plain words what is wrong.
//   - No function of this package panics on any input, reads a clock, or does
//     input or output; [VerifyLedger] runs goroutines and ends them all before
//     it returns.
package proof
