// SPDX-License-Identifier: Apache-2.0

// Package sashlock is the vocabulary of the project: the nouns that more than
// two packages share, their validation and how they are written.
//
// # What
//
// A [Site] has [Area]s, an area lies behind [Opening]s, an opening is held shut
// by a lock, which is a [Device]. A [Person] asks to open it; a [Grant] says
// that this person or [Role] may, following a [Schedule]. Asking gives a
// [Decision]; a granted one becomes a [Command] to the device; what the device
// says back, and everything else that happened, is an [Event] in the ledger.
//
// # How it fits
//
// Every other package imports this one and it imports none of them. It holds
// no interface but error and fmt.Stringer, does no input or output, reads no
// clock and keeps no state. Verbs live in the packages under internal, brands
// under driver and integration.
//
// # Promises
//
// The JSON form of [Event] is what the ledger commits to: fields may be added,
// none is ever renamed, removed or given another meaning.
package sashlock
