// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// Options are what a room is built from.
type Options struct {
	Store *store.Store
	Hall  *flow.Hall
	Now   func() time.Time
	// Key makes the marks. Whoever has it and the tables can find out every PIN;
	// with another one nothing that was made before is known.
	Key []byte
	// EndSessions signs somebody out of every phone and browser, and returns how
	// many there were. Nil: nobody signs in.
	EndSessions func(ctx context.Context, by sashlock.OperatorID, person sashlock.PersonID) (int, error)
	Formats     []wiegand.Format // card formats of this installation beyond the usual ones
	// SealKey seals the PINs that locks hold as well; 32 bytes. Nil: none are
	// written into locks.
	SealKey []byte
	// Stands tells which locks hold a PIN. Nil: none does.
	Stands func(q store.Query, id sashlock.CredentialID) ([]Pending, error)
}

// Room is where credentials are made, presented and lost. Its methods may be
// called from any goroutine.
type Room struct {
	store   *store.Store
	hall    *flow.Hall
	now     func() time.Time
	key     []byte
	signOut func(ctx context.Context, by sashlock.OperatorID, person sashlock.PersonID) (int, error)
	formats []wiegand.Format
	seal    cipher.AEAD // nil: no PIN is kept
	stands  func(q store.Query, id sashlock.CredentialID) ([]Pending, error)
	looked  func(mark []byte) // told of each look into the index of marks; tests count them

	// gate is held for reading while something is presented, and for writing
	// while credentials change: who presents one after its loss was acknowledged
	// does so after the change.
	gate sync.RWMutex

	mu        sync.Mutex // over what follows
	paces     map[reader]*pace
	strangers map[reader]stranger
	last      map[sashlock.CredentialID]use
}

// reader is one side of an opening: where its keypad or card reader is.
type reader struct {
	opening sashlock.OpeningID
	side    sashlock.Side
}

// readerAt is the reader on a side of an opening; on the outside, where none is
// said.
func readerAt(o sashlock.OpeningID, side sashlock.Side) reader {
	if side == "" {
		side = sashlock.Entering
	}
	return reader{o, side}
}

// New returns a room over the credentials in the store.
func New(o Options) *Room {
	r := &Room{
		store: o.Store, hall: o.Hall, now: o.Now, key: o.Key, signOut: o.EndSessions, formats: o.Formats, looked: func([]byte) {},
		paces: map[reader]*pace{}, strangers: map[reader]stranger{}, last: map[sashlock.CredentialID]use{},
	}
	if block, err := aes.NewCipher(o.SealKey); err == nil {
		r.seal, _ = cipher.NewGCM(block) // a block of 16 bytes always has one
	}
	if r.stands = o.Stands; r.stands == nil {
		r.stands = func(store.Query, sashlock.CredentialID) ([]Pending, error) { return nil, nil }
	}
	if r.signOut == nil {
		r.signOut = func(context.Context, sashlock.OperatorID, sashlock.PersonID) (int, error) { return 0, nil }
	}
	return r
}

// change carries out a change while nobody presents anything.
func (r *Room) change(ctx context.Context, by sashlock.OperatorID, edit func(tx *store.Tx) (flow.Edit, error)) error {
	r.gate.Lock()
	defer r.gate.Unlock()
	_, err := r.hall.Change(ctx, flow.Change{Operator: by, Make: edit})
	return err
}

// strangerFor is how long an unknown card can be enrolled after it was
// presented.
const strangerFor = 2 * time.Minute

// stranger is an unknown card that was presented.
type stranger struct {
	card wiegand.Bits
	at   time.Time
}

// Stranger is an unknown card that somebody presented a moment ago.
type Stranger struct {
	Opening sashlock.OpeningID
	Side    sashlock.Side
	Format  string // the first format it fits; empty: none that is known
	At      time.Time
}

// Strangers lists the unknown cards that can be enrolled now.
func (r *Room) Strangers() (all []Stranger) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for at, s := range r.strangers {
		if r.now().Sub(s.at) >= strangerFor {
			delete(r.strangers, at)
			continue
		}
		one := Stranger{Opening: at.opening, Side: at.side, At: s.at}
		if cards := wiegand.Decode(s.card, r.formats...); len(cards) > 0 {
			one.Format = cards[0].Format
		}
		all = append(all, one)
	}
	return all
}

// stranger returns the unknown card that was presented at a reader a moment ago.
func (r *Room) stranger(at reader) (wiegand.Bits, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, seen := r.strangers[at]
	return s.card, seen && r.now().Sub(s.at) < strangerFor
}

func (r *Room) meet(at reader, card wiegand.Bits) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.strangers[at] = stranger{card, r.now()}
}

func (r *Room) forget(at reader) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.strangers, at)
}
