// SPDX-License-Identifier: Apache-2.0

// Package proving is the part of the console about the ledger: its checkpoint,
// its verification, the proof of one entry, and evidence to take away.
//
// # What
//
// The page shows the ledger as it is sealed and verifies all of it on the
// server when somebody asks; everybody who looks at the page sees how far it
// is, and what came out. The proof of one entry, and of an evidence bundle that
// somebody was handed, is checked in the browser of whoever wants to know, with
// the arithmetic that browsers have built in. A picture shows why one changed
// bit cannot hide.
//
// # How it fits
//
// [Mount] adds the pages to the frame of package console. The ledger is read
// from the store; what is verified here on the server is verified by package
// proof, as the commands sashlock verify and sashlock-verify do it.
//
// # Promises
//
// A bundle that is checked in the browser is not sent anywhere. Nothing here
// changes an entry; that evidence was taken away is recorded. An operator is
// shown the content of an entry only if it concerns their sites and areas;
// hashes, which tell nothing, are for everybody.
package proving

import (
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/signin"
)

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	run *verification
}

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f, &verification{}}
	f.Handle("GET /proof", signin.Read, p.proof)
	f.Handle("GET /proof/live", signin.Read, p.stream)
	f.Handle("POST /proof/verify", signin.Read, p.verify)
	f.Handle("POST /proof/check", signin.Read, p.check)
	f.Handle("GET /proof/entries", signin.Read, p.goTo)
	f.Handle("GET /proof/entries/{seq}", signin.Read, p.entry)
	f.Handle("POST /proof/entries/{seq}/evidence", signin.Read, p.evidence)
}
