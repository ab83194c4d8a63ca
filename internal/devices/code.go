// SPDX-License-Identifier: Apache-2.0

package devices

import (
	"context"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/lang"
)

// Codes lists which PIN slots of a lock are in use, never the PINs.
func (r *Room) Codes(ctx context.Context, d sashlock.Device) ([]driver.Code, error) {
	session := r.session(d.Gateway)
	if session == nil {
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "listing codes", Subject: string(d.ID), Hint: "its gateway is not connected"}
	}
	lister, can := session.(driver.CodeLister)
	if !can || !d.Has(sashlock.HasCodes) {
		return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "listing codes", Subject: string(d.ID), Hint: "this device keeps no codes that can be listed"}
	}
	codes, err := lister.Codes(ctx, d.Address)
	if err != nil && sashlock.KindOf(err) == sashlock.Internal {
		err = &sashlock.Error{Kind: sashlock.Unavailable, Op: "listing codes", Subject: string(d.ID), Hint: "the device did not answer", Err: err}
	}
	return codes, err
}

// WritesCodes reports whether PIN slots of a device can be written.
func (r *Room) WritesCodes(d sashlock.Device) bool {
	_, can := r.session(d.Gateway).(driver.CodeWriter)
	return can && d.Has(sashlock.HasCodes)
}

// SetCode puts a PIN into a slot of a lock: see [driver.CodeWriter].
func (r *Room) SetCode(ctx context.Context, d sashlock.Device, c driver.CodeSetting) (driver.CodeSet, error) {
	w, err := r.codeWriter(d, "writing code")
	if err != nil {
		return driver.CodeSet{}, err
	}
	return w.SetCode(ctx, d.Address, c)
}

// ClearCode empties a slot of a lock: see [driver.CodeWriter].
func (r *Room) ClearCode(ctx context.Context, d sashlock.Device, slot int) error {
	w, err := r.codeWriter(d, "clearing code")
	if err != nil {
		return err
	}
	return w.ClearCode(ctx, d.Address, slot)
}

func (r *Room) codeWriter(d sashlock.Device, op string) (driver.CodeWriter, error) {
	session := r.session(d.Gateway)
	if session == nil {
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: string(d.ID), Hint: lang.Mark("its gateway is not connected")}
	}
	if r.onTrial(d.Opening) {
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: string(d.ID), Hint: lang.Mark("its opening is on trial: nothing is written into the lock")}
	}
	w, can := session.(driver.CodeWriter)
	if !can || !d.Has(sashlock.HasCodes) {
		return nil, &sashlock.Error{Kind: sashlock.Denied, Op: op, Subject: string(d.ID), Hint: lang.Mark("its PIN slots cannot be written from here")}
	}
	return w, nil
}
