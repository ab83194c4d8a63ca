// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// markLength is the length of the key of credentials, in bytes.
const markLength = 32

// newCredentials builds the room of credentials. Its key is derived from the
// command key, so that a backup of the keys is a backup of it.
func (h *House) newCredentials() (*credentials.Room, error) {
	key, err := hkdf.Key(sha256.New, h.Keys.Command.Seed(), nil, "sashlock/credentials/1", markLength)
	if err != nil {
		return nil, err
	}
	seal, err := h.pinKey()
	if err != nil {
		return nil, err
	}
	return credentials.New(credentials.Options{
		Store: h.Store, Hall: h.Hall, Now: h.Now, Key: key, EndSessions: h.signOut, SealKey: seal, Stands: standing,
	}), nil
}

// present takes what somebody presents at a reader that a driver reaches the way
// that the API does for readers that reach us by themselves. What no card can be
// is refused like a card that nobody knows.
func (h *House) present(ctx context.Context, at sashlock.Device, p driver.Presentation) (driver.Verdict, error) {
	shown := make([]credentials.Shown, len(p.Shown))
	for i, s := range p.Shown {
		shown[i].Kind = s.Kind
		switch s.Kind {
		case sashlock.PIN:
			shown[i].PIN = s.Secret.Reveal()
		case sashlock.QR:
			shown[i].QR = s.Secret.Reveal()
		case sashlock.Card:
			card, err := wiegand.Parse(s.Secret.Reveal())
			if err != nil {
				return driver.Verdict{}, nil //nolint:nilerr // too short or too long for a card: a misread
			}
			shown[i].Card = card
		}
	}
	out, err := h.Credentials.Present(ctx, credentials.Presented{Opening: at.Opening, Reader: at.ID, Side: p.Side, Shown: shown})
	if err != nil {
		return driver.Verdict{}, err
	}
	taken := out.Refused == ""
	return driver.Verdict{
		Granted: taken && out.Decision.Granted && !out.Decision.Trial, // on trial nothing opens: the reader must not say so
		More:    taken && out.Decision.Deferred(), Rests: out.Rest > 0,
	}, nil
}

// signOut ends every session of whoever a person is among the operators, and
// returns how many there were.
func (h *House) signOut(ctx context.Context, by sashlock.OperatorID, person sashlock.PersonID) (n int, err error) {
	var who []sashlock.OperatorID
	err = h.Store.View(ctx, func(q store.Query) error {
		all, err := signin.Operators(q)
		for _, o := range all {
			if o.Person != person || person == "" {
				continue
			}
			who = append(who, o.ID)
			sessions, err := h.Signin.Sessions(q, o.ID)
			if err != nil {
				return err
			}
			n += len(sessions)
		}
		return err
	})
	for _, id := range who {
		if err == nil {
			err = h.Signin.EndAll(ctx, by, id, "")
		}
	}
	return n, err
}
