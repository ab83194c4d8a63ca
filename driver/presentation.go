// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"context"

	"github.com/sashlock/sashlock"
)

// Presenter is a [Sink] that also decides about what people present at a
// reader. A driver of readers asks its sink for it; other drivers need not know
// of it.
type Presenter interface {
	// Presented hands in what somebody presented and returns what was decided,
	// once that is durable. Whatever is to be released is released by an order
	// of its own, which may come to this session or to another one; the verdict
	// is only what the reader shows. The context ends when nobody waits at the
	// reader any more: nothing is decided after that.
	//
	// A refusal is a verdict and no error. After an error the reader shows a
	// refusal, and what was presented is forgotten: it is never handed in again.
	Presented(ctx context.Context, p Presentation) (Verdict, error)
}

// Presentation is what somebody presented at a reader.
type Presentation struct {
	Address string        // the reader
	Side    sashlock.Side // where it is; empty: outside
	Shown   []Shown       // one thing, or two of different kinds for a higher level
}

// Shown is one thing that was presented.
type Shown struct {
	Kind sashlock.CredentialKind // PIN, Card or QR
	// Secret is a PIN's digits, a card's bits as zeroes and ones in the order in
	// which the reader sent them, or the text of a QR code.
	Secret Hidden
}

// Verdict is what a reader may know of a decision: no more than whether, and
// what to do next.
type Verdict struct {
	Granted bool
	// More says that something else is still to be presented: a second thing for
	// a higher level, or a second person's.
	More bool
	// Rests says that the keypad takes no PIN for now.
	Rests bool
}
