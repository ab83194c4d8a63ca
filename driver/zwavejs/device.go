// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// lockMode is how a lock stands or is to stand, with the numbers of the Door
// Lock command class.
type lockMode int

// The modes that are ordered. Modes 16 and 17 free the inside handle only, 32
// and 33 the outside handle only, 254 is a bolt that does not know.
const (
	modeUnsecured lockMode = 0
	modeTimed     lockMode = 1 // unsecured, and secured again by the lock itself
	modeSecured   lockMode = 255
)

// kind returns what a mode means to somebody outside, or "" for nothing known.
func (m lockMode) kind() sashlock.EventKind {
	switch m {
	case modeUnsecured, modeTimed, 32, 33:
		return sashlock.LockUnlocked
	case modeSecured, 16, 17:
		return sashlock.LockLocked
	}
	return ""
}

// Types and events of the Notification command class, and the properties that
// Z-Wave JS makes of those that last.
const (
	typeAccess   = 6
	typeSecurity = 7

	propertyAccess   = "Access Control"
	propertySecurity = "Home Security"
	keyLock          = "Lock state"
	keyKeypad        = "Keypad state"
	keyDoor          = "Door state"
	keyCover         = "Cover status"

	lockJammed      = 11
	keypadDisabled  = 16
	doorOpen        = 22
	doorOpenRegular = 0x1600
	doorOpenTilted  = 0x1601
	doorClosed      = 23
	coverRemoved    = 3
)

// operation is what a notification says about the bolt.
type operation struct {
	kind   sashlock.EventKind
	method sashlock.Method
}

// operationOf returns what a notification of type access control says was done
// to the lock; ok is false when it says nothing of the kind.
func operationOf(event int) (op operation, ok bool) {
	switch event {
	case 1:
		return operation{sashlock.LockLocked, sashlock.ByHand}, true
	case 2:
		return operation{sashlock.LockUnlocked, sashlock.ByHand}, true
	case 3:
		return operation{sashlock.LockLocked, sashlock.ByRemote}, true
	case 4:
		return operation{sashlock.LockUnlocked, sashlock.ByRemote}, true
	case 5, 0x21:
		return operation{sashlock.LockLocked, sashlock.ByKeypad}, true
	case 6, 0x22:
		return operation{sashlock.LockUnlocked, sashlock.ByKeypad}, true
	case 0x23: // by a credential: code, card or finger, not said which
		return operation{sashlock.LockLocked, sashlock.ByUnknown}, true
	case 0x24:
		return operation{sashlock.LockUnlocked, sashlock.ByUnknown}, true
	case 7:
		return operation{sashlock.LockWasJammed, sashlock.ByHand}, true
	case 8:
		return operation{sashlock.LockWasJammed, sashlock.ByRemote}, true
	case 9:
		return operation{sashlock.LockLocked, sashlock.BySelf}, true
	case 10:
		return operation{sashlock.LockWasJammed, sashlock.BySelf}, true
	}
	return operation{}, false
}

// refusesCode reports whether a notification says that a wrong code was tried.
func refusesCode(n notification) bool {
	switch n.Type {
	case typeAccess:
		// 0x14, 0x15: a wrong code came by radio; 0x2f to 0x32: a credential
		// that is known but not allowed now, or not known.
		return n.Event == 0x14 || n.Event == 0x15 || n.Event >= 0x2f && n.Event <= 0x32
	case typeSecurity:
		return n.Event == 4
	}
	return false
}

// lockEndpoint returns the endpoint of a node that has the lock.
func lockEndpoint(n nodeState) (endpoint int, ok bool) {
	for _, c := range n.Classes {
		if c.ID == classDoorLock && (!ok || c.Endpoint < endpoint) {
			endpoint, ok = c.Endpoint, true
		}
	}
	return endpoint, ok
}

// class returns what the node says of a command class, at the lock's endpoint
// or at the node itself.
func (n nodeState) class(endpoint, id int) (class, bool) {
	var found class
	ok := false
	for _, c := range n.Classes {
		if c.ID == id && (c.Endpoint == endpoint || c.Endpoint == 0 && !ok) {
			found, ok = c, true
		}
	}
	return found, ok
}

// property returns a property of the node and whether it is known at all.
func (n nodeState) property(class int, property, key string) (value, bool) {
	for _, v := range n.Values {
		if v.Class == class && v.Property == property && (key == "" || v.Key == key) {
			return v, true
		}
	}
	return value{}, false
}

// hasContact reports whether the lock tells open from closed.
func hasContact(n nodeState, endpoint int) bool {
	_, ok := n.property(classNotification, propertyAccess, keyDoor)
	return ok || readsContact(n, endpoint)
}

// readsContact reports whether the lock's answer to a reading tells open from
// closed. Before version 4 of the Door Lock class every lock had to say
// something about its door there, fitted with a contact or not.
func readsContact(n nodeState, endpoint int) bool {
	lock, _ := n.class(endpoint, classDoorLock)
	_, ok := n.property(classDoorLock, "doorStatus", "")
	return ok && lock.Version >= 4
}

// releasesItself reports whether the lock has a mode in which it locks again by
// itself after a time that can be set. Only version 4 tells for certain.
func releasesItself(n nodeState, endpoint int) bool {
	lock, _ := n.class(endpoint, classDoorLock)
	mode, _ := n.property(classDoorLock, "targetMode", "")
	operation, _ := n.property(classDoorLock, "operationType", "")
	return lock.Version >= 4 && slices.Contains(mode.States, int(modeTimed)) &&
		slices.Contains(operation.States, operationTimed)
}

// discover describes a node that has a lock at the endpoint.
func discover(n nodeState, endpoint int) driver.Discovery {
	d := driver.Discovery{
		Address: strconv.Itoa(n.Node), Name: n.Name, Maker: n.Maker, Model: n.Label, Firmware: n.Firmware,
		Capabilities: capabilities(n, endpoint), Asleep: !n.Listening && !n.Frequent,
	}
	if d.Maker == "" {
		d.Maker = fmt.Sprintf("maker 0x%04x", n.Product[0])
	}
	if d.Model == "" {
		d.Model = fmt.Sprintf("product 0x%04x:0x%04x", n.Product[1], n.Product[2])
	}
	d.Security, d.Weak = security(n, endpoint)
	return d
}

func capabilities(n nodeState, endpoint int) []sashlock.Capability {
	var can []sashlock.Capability
	add := func(c sashlock.Capability, yes bool) {
		if yes {
			can = append(can, c)
		}
	}
	has := func(class int) bool { _, ok := n.class(endpoint, class); return ok }
	tells := func(property, key string) bool {
		_, ok := n.property(classNotification, property, key)
		return ok
	}
	_, weak := security(n, endpoint)
	add(sashlock.CanRelease, releasesItself(n, endpoint))
	add(sashlock.CanUnlock, true)
	add(sashlock.CanLock, true)
	add(sashlock.TellsLock, true)
	add(sashlock.TellsJam, tells(propertyAccess, keyLock))
	add(sashlock.TellsPosition, hasContact(n, endpoint))
	add(sashlock.TellsWho, tells(propertyAccess, ""))
	add(sashlock.TellsTamper, tells(propertySecurity, keyCover))
	add(sashlock.TellsBattery, has(classBattery))
	add(sashlock.HasCodes, has(classUserCode))
	add(sashlock.Supervised, has(classSupervision))
	add(sashlock.SecureLink, weak == "")
	return can
}

// security says how the link to the lock is protected and, in a sentence, why
// that is weak.
func security(n nodeState, endpoint int) (name, weak string) {
	const forged = "Anybody in reach of the radio can forge commands to this lock: include it again with S2."
	lock, _ := n.class(endpoint, classDoorLock)
	switch n.Security {
	case s2AccessControl:
		name = "S2 access control"
	case s2Authenticated:
		name = "S2 authenticated"
	case s2Open:
		return "S2 unauthenticated", "Nobody checked that it was this lock that was included: include it again with its PIN."
	case s0Legacy:
		return "S0", "Its key was sent under a key that everybody knows when it was included: prefer a lock with S2."
	case securityNone:
		return "none", forged
	default:
		return "unknown", forged
	}
	if !lock.Secure {
		return name, "The lock also takes commands that are not encrypted: include it again with S2."
	}
	return name, ""
}
