// SPDX-License-Identifier: Apache-2.0

package store

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// The rules of signing are:
//   - a signature takes about as long as everything else that a small commit
//     computes, so it is made beside the writing of the rows, on another core
//   - whoever comes first makes it: if the other core was busy all the while,
//     the writer does, and has lost nothing
//   - Go's scheduler keeps the newest goroutine for its own core and lets others
//     have it only after some 50 µs, which would be too late; so one that does
//     nothing is started after the one that signs
//   - on a busy machine no other core comes in time and waking one only costs;
//     after each such commit the writer signs more of the next ones by itself
//   - the tree stays as it is until the signature is there: only the writer
//     changes it, and it waits before it does

// signing is one signature on its way.
type signing struct {
	aside    bool        // another core was asked
	taken    atomic.Bool // somebody makes it
	finished atomic.Bool // set before done is closed
	done     chan struct{}

	// Written by whoever took it, read once it is finished.
	seal proof.Seal
	err  error
}

// spinFor is how long the writer looks again and again before it sleeps until
// the signature is there. Falling asleep and being woken takes about as long.
const spinFor = 20 * time.Microsecond

// maxAlone is how many commits at most the writer signs by itself before it
// gives another core a try again.
const maxAlone = 256

// helper is what the writer knows of the other core.
type helper struct {
	exists bool // there is one
	alone  int  // so many commits more the writer signs by itself
	late   int  // and so many the next time it is let down
}

// note learns whether the other core was any help.
func (h *helper) note(inTime bool) {
	if inTime {
		h.late = 0
		return
	}
	h.late = min(2*h.late+1, maxAlone)
	h.alone = h.late
}

// sign has the tree signed as it stands.
func (w *writer) sign() {
	g := &signing{done: make(chan struct{})}
	w.signing = g
	switch {
	case !w.helper.exists:
	case w.helper.alone > 0:
		w.helper.alone--
	default:
		g.aside = true
		go g.make(w)
		go func() {}() // see the rules
	}
}

// make makes the signature unless somebody else does, and reports whether it
// did.
func (g *signing) make(w *writer) bool {
	if !g.taken.CompareAndSwap(false, true) {
		return false
	}
	g.seal, g.err = w.tree.Seal(w.s.opts.Signer, time.UnixMicro(w.clock).UTC())
	g.finished.Store(true)
	close(g.done)
	return true
}

// signed returns the seal once it is signed.
func (w *writer) signed() (proof.Seal, error) {
	g := w.signing
	w.signing = nil
	mine := g.make(w)
	inTime := !mine && g.soon()
	if g.aside {
		w.helper.note(inTime)
	}
	<-g.done
	return g.seal, g.err
}

// soon reports whether the signature is there after a moment at most.
func (g *signing) soon() bool {
	if g.finished.Load() {
		return true
	}
	for began := time.Now(); time.Since(began) < spinFor; {
		if g.finished.Load() {
			return true
		}
	}
	return false
}

// dropSigning sees to it that nobody reads the tree for a signature any more.
func (w *writer) dropSigning() {
	g := w.signing
	w.signing = nil
	if g != nil && !g.taken.CompareAndSwap(false, true) {
		<-g.done
	}
}

// newHelper looks whether there is another core.
func newHelper() helper { return helper{exists: runtime.GOMAXPROCS(0) > 1} }
