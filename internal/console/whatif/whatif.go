// SPDX-License-Identifier: Apache-2.0

// Package whatif is the part of the console about why a decision came out as
// it did, and about what would be decided: who can open what, and when.
//
// # What
//
// A decision has a page of its own: the answer, every condition that was
// looked at, the grant that decided, the nearest change that would allow it,
// and what came of it. "What if" answers three questions for any instant,
// whether it is over or yet to come, and shows what everybody can open on one
// day. A draft of what is declared is compared with what is in force: who gains,
// who loses, and which of the decisions of the last days would have come out
// otherwise.
//
// # How it fits
//
// [Mount] adds the pages to the frame of package console. Past decisions are
// read from the ledger; questions are answered by the book of package flow,
// which is what decides at the openings as well.
//
// # Promises
//
// Asking records nothing and opens nothing. What is said here about an instant
// is what the store would decide at it, if nobody changes anything until then.
// Every question and its answer is an address that can be handed on; whoever
// follows it sees what is theirs to see.
package whatif

import (
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/signin"
)

// pages answers for the paths of this package.
type pages struct{ *console.Frame }

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f}
	f.Handle("GET /decisions", signin.Read, p.find)
	f.Handle("GET /decisions/{id}", signin.Read, p.decision)
	f.Handle("GET /what-if", signin.Read, p.ask)
	f.Handle("GET /what-if/draft", signin.Read, p.draftForm)
	f.Handle("POST /what-if/draft", signin.Read, p.draft)
}
