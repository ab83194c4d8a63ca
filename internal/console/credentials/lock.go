// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// waitForLock is how long a lock is waited for that is asked what it holds.
const waitForLock = 5 * time.Second

// held is where a lock holds a credential by itself.
type held struct {
	Device  sashlock.DeviceID
	Name    string // of the opening; empty: it no longer exists
	Slot    int
	Pending bool // although it ended, or its owner may no longer come in
}

// heldAt says which lock holds a credential.
func (p pages) heldAt(c credentials.Credential, one sashlock.Person) *held {
	if c.Device == "" {
		return nil
	}
	book := p.Hall.Book()
	return &held{
		Device: c.Device, Name: book.Openings[book.Devices[c.Device].Opening].Name, Slot: c.Slot,
		Pending: one.Suspended || c.Standing(p.Now()) == sashlock.CredentialLost || c.Standing(p.Now()) == sashlock.CredentialExpired,
	}
}

// What a lock answered, as the address of the page has it.
const (
	lockForgot = "forgot"  // it no longer holds it
	lockSeenTo = "seen-to" // somebody deleted it there
	lockHolds  = "holds"
	lockSilent = "silent" // it did not answer
	lockMute   = "mute"   // it cannot say what it holds
)

// answerWords is what somebody reads of the answer of a lock.
func answerWords(answer string) (words, tone string) {
	switch answer {
	case lockForgot:
		return lang.Mark("Confirmed: the lock no longer holds it."), "calm"
	case lockSeenTo:
		return lang.Mark("Noted: it was deleted at the lock."), "calm"
	case lockHolds:
		return lang.Mark("Still pending: the lock says that it still holds it. Delete it there, then ask again."), "act"
	case lockSilent:
		return lang.Mark("Still pending: the lock does not answer. Ask again when it can be reached, or delete it at the lock."), "watch"
	case lockMute:
		return lang.Mark("Still pending: this lock cannot say what it holds. Delete it there, then say so here."), "watch"
	}
	return "", ""
}

// own finds a credential of the person of an address. An identifier of somebody
// else's is as good as none.
func (p pages) own(r *http.Request) (one sashlock.Person, c credentials.Credential, err error) {
	if one, err = p.person(r, true); err != nil {
		return one, c, err
	}
	err = p.Store.View(r.Context(), func(q store.Query) (err error) {
		c, err = credentials.Find(q, sashlock.CredentialID(r.PathValue("id")))
		return err
	})
	if err == nil && c.Person != one.ID {
		err = &sashlock.Error{Kind: sashlock.NotFound, Op: "finding credential", Hint: "this person has no such credential"}
	}
	return one, c, err
}

// askLock asks a lock whether it still holds a credential.
func (p pages) askLock(w http.ResponseWriter, r *http.Request) error {
	one, c, err := p.own(r)
	if err != nil {
		return err
	}
	answer := lockForgot
	if c.Device != "" {
		answer = p.listens(r.Context(), c)
	}
	if answer == lockForgot {
		if err := p.room.Forgotten(r.Context(), console.Who(r.Context()).Operator.ID, c.ID, credentials.SaidByLock); err != nil {
			return err
		}
	}
	return console.Back(w, r, "/people/"+one.Slug+"/credentials?lock="+answer)
}

// listens returns what the lock answers that holds a credential.
func (p pages) listens(ctx context.Context, c credentials.Credential) string {
	d, known := p.Hall.Book().Devices[c.Device]
	if !known {
		return lockMute
	}
	ctx, stop := context.WithTimeout(ctx, waitForLock)
	defer stop()
	codes, err := p.Devices.Codes(ctx, d)
	switch {
	case sashlock.IsKind(err, sashlock.Invalid):
		return lockMute
	case err != nil:
		return lockSilent
	case slices.ContainsFunc(codes, func(k driver.Code) bool { return k.Slot == c.Slot && k.InUse }):
		return lockHolds
	}
	return lockForgot
}

// forgotten takes an operator's word that a lock no longer holds a credential.
func (p pages) forgotten(w http.ResponseWriter, r *http.Request) error {
	one, c, err := p.own(r)
	if err != nil {
		return err
	}
	if err := p.room.Forgotten(r.Context(), console.Who(r.Context()).Operator.ID, c.ID, credentials.SeenTo); err != nil {
		return err
	}
	return console.Back(w, r, "/people/"+one.Slug+"/credentials?lock="+lockSeenTo)
}
