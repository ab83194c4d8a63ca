// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// isLock reports whether a device can move a bolt.
func isLock(d sashlock.Device) bool { return d.Has(sashlock.CanRelease) || d.Has(sashlock.CanUnlock) }

// sortOf says what sort of thing a device is.
func sortOf(d sashlock.Device) string {
	switch {
	case isLock(d) && d.Has(sashlock.TellsPosition):
		return lang.Mark("Lock with contact")
	case isLock(d):
		return lang.Mark("Lock")
	case d.Has(sashlock.TellsPosition):
		return lang.Mark("Contact")
	case d.Has(sashlock.TellsPresence):
		return lang.Mark("Motion sensor")
	}
	return lang.Mark("Device")
}

// ability is what a device can do, in a few words and in a sentence.
type ability struct{ Chip, Means string }

// abilities lists what a device can do, what matters most first.
func abilities(d sashlock.Device) []ability {
	all := []struct {
		c sashlock.Capability
		ability
	}{
		{sashlock.CanRelease, ability{lang.Mark("Unlocks for a while"), lang.Mark("It unlocks for the release time and locks again by itself, even when the network is gone.")}},
		{sashlock.CanUnlock, ability{lang.Mark("Unlocks"), lang.Mark("It unlocks until it is told to lock.")}},
		{sashlock.CanLock, ability{lang.Mark("Locks"), lang.Mark("It can be told to lock.")}},
		{sashlock.TellsLock, ability{lang.Mark("Tells locked from unlocked"), lang.Mark("It says whether its bolt is out.")}},
		{sashlock.TellsPosition, ability{lang.Mark("Tells open from closed"), lang.Mark("Its contact says whether the opening is open: needed for held open, unattended and forced.")}},
		{sashlock.TellsJam, ability{lang.Mark("Notices a jam"), lang.Mark("It says when its bolt did not move.")}},
		{sashlock.TellsWho, ability{lang.Mark("Tells who"), lang.Mark("It says by which method and code slot it was operated.")}},
		{sashlock.TellsTamper, ability{lang.Mark("Notices tampering"), lang.Mark("It says when its cover is opened.")}},
		{sashlock.TellsPresence, ability{lang.Mark("Sees somebody near"), lang.Mark("It says whether somebody is there: needed for unattended.")}},
		{sashlock.HasCodes, ability{lang.Mark("PINs without network"), lang.Mark("It keeps PIN codes of its own, which work while it is out of reach.")}},
		{sashlock.Supervised, ability{lang.Mark("Confirms commands"), lang.Mark("It confirms each command from end to end.")}},
		{sashlock.SecureLink, ability{lang.Mark("Encrypted link"), lang.Mark("What is said on its link is encrypted and authenticated.")}},
		{sashlock.TellsBattery, ability{lang.Mark("Tells its battery"), lang.Mark("It says how full its battery is.")}},
	}
	var can []ability
	for _, a := range all {
		if d.Has(a.c) {
			can = append(can, a.ability)
		}
	}
	return can
}

// saidByDrivers are words of our drivers about the links of their devices,
// which are recorded in English. Others are shown as the driver says them.
func saidByDrivers() []string {
	return []string{
		lang.Mark("in process"), lang.Mark("none"), lang.Mark("unknown"), lang.Mark("S2 access control"), lang.Mark("S2 authenticated"), lang.Mark("S2 unauthenticated"),
		lang.Mark("Anybody in reach of the radio can forge commands to this lock: include it again with S2."),
		lang.Mark("Nobody checked that it was this lock that was included: include it again with its PIN."),
		lang.Mark("Its key was sent under a key that everybody knows when it was included: prefer a lock with S2."),
		lang.Mark("The lock also takes commands that are not encrypted: include it again with S2."),
		lang.Mark("TLS 1.3 with a certificate of the house"),
		lang.Mark("TLS to Seam's cloud, then as its maker has it"),
		lang.Mark("none, on this machine"),
		lang.Mark("protected to the broker, unknown behind it"),
		lang.Mark("none to the broker, unknown behind it"),
		lang.Mark("Matter, with certificates"),
		lang.Mark("OSDP secure channel (AES-128)"),
		lang.Mark("Zigbee network key"),
		lang.Mark("none to the broker, Zigbee network key behind it"),
		lang.Mark("the adapter's own"),
		lang.Mark("HTTPS and digest"),
		lang.Mark("digest over clear text"),
		lang.Mark("Its protocol has no protection: whoever is in the network of the controllers can open the doors and read the cards."),
		lang.Mark("Anybody on this machine can read what it says and speak in its name: this is for trying out only."),
		lang.Mark("Its certificate ends within two months: have the device renew it, or enrol it again."),
		lang.Mark("Modbus has no protection: whoever reaches its line or its network can switch the relays."),
		lang.Mark("The way to the broker is clear text: whoever is in that network can read it, and open this lock; use tls."),
		lang.Mark("It does not tell how it stands: it can be ordered about, and is never said to be locked."),
		lang.Mark("It does not say whether it can be reached: what it said last may be old."),
		lang.Mark("The way to the Matter server is clear text, and the server asks for no password: let it listen on this machine only, or use wss."),
		lang.Mark("It speaks in clear text: whoever reaches its cable can copy cards, read PINs and open its relay."),
		lang.Mark("It has no key of this store and is not listened to: give it one (see install_until in the guide of the driver)."),
		lang.Mark("Anybody in the network between can change orders and what the controller says: use https."),
	}
}

// linkWords are a driver's words about a link in the reader's language, where
// they are known.
func linkWords(ctx context.Context, said string) string {
	if slices.Contains(saidByDrivers(), said) {
		return lang.T(ctx, said)
	}
	return said
}

// warnings says what is to be known before a device is relied on. What its
// driver says about its link comes first.
func warnings(ctx context.Context, d sashlock.Device) []string {
	var all []string
	if d.Weak != "" {
		all = append(all, linkWords(ctx, d.Weak))
	} else if !d.Has(sashlock.SecureLink) {
		all = append(all, lang.T(ctx, "Its link is not encrypted: somebody near could listen or speak in its name."))
	}
	if isLock(d) {
		if !d.Has(sashlock.CanRelease) {
			all = append(all, lang.T(ctx, "It does not lock again by itself: Sashlock has to tell it to, and cannot while it is out of reach."))
		}
		if !d.Has(sashlock.TellsPosition) {
			all = append(all, lang.T(ctx, "It has no contact: without one at the same opening, nobody learns that it stands open."))
		}
		if !d.Has(sashlock.TellsLock) {
			all = append(all, lang.T(ctx, "It never says how it stands: the opening is shown as unknown."))
		}
	}
	return all
}

// reportWords is what a device said, in words.
func reportWords(k sashlock.EventKind) string {
	switch k {
	case sashlock.LockLocked:
		return lang.Mark("It is locked.")
	case sashlock.LockUnlocked, sashlock.LockUnlatched:
		return lang.Mark("It is unlocked.")
	case sashlock.LockWasJammed:
		return lang.Mark("Its bolt is jammed.")
	case sashlock.LockHalfway:
		return lang.Mark("Its bolt stands between locked and unlocked.")
	case sashlock.CodeRefused:
		return lang.Mark("Somebody entered a code that it does not know.")
	case sashlock.OpeningOpened:
		return lang.Mark("Its contact says open.")
	case sashlock.OpeningClosed:
		return lang.Mark("Its contact says closed.")
	case sashlock.DeviceOnline:
		return lang.Mark("It can be reached.")
	case sashlock.DeviceOffline:
		return lang.Mark("It cannot be reached.")
	case sashlock.DeviceTampered:
		return lang.Mark("Its cover is open.")
	case sashlock.TamperCleared:
		return lang.Mark("Its cover is shut.")
	case sashlock.PresenceSeen:
		return lang.Mark("Somebody is there.")
	case sashlock.PresenceLost:
		return lang.Mark("Nobody is there.")
	}
	return ""
}
