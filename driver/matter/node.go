// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"fmt"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// Clusters of Matter, by their registered numbers.
const (
	clusterDescriptor  = 0x001d
	clusterBasic       = 0x0028
	clusterPower       = 0x002f
	clusterDiagnostics = 0x0033
	clusterBridged     = 0x0039
	clusterCredentials = 0x003e
	clusterBoolean     = 0x0045
	clusterDoorLock    = 0x0101
	clusterOccupancy   = 0x0406
)

// Attributes of the clusters.
const (
	attrDeviceTypes = 0 // of the descriptor

	attrMaker    = 1 // of the basic information, and of that of a bridged device
	attrProduct  = 3
	attrLabel    = 5
	attrFirmware = 10
	attrReaches  = 17 // of a bridged device

	attrBattery = 12 // in half percents
	attrPowers  = 31 // the endpoints it powers

	attrReboots = 1 // of the diagnostics
	attrFabric  = 5 // of the credentials: our number on this node

	attrState = 0 // of the sensors

	attrLockState   = 0
	attrDoorState   = 3
	attrUsers       = 17
	attrPINs        = 18
	attrRelock      = 35
	attrRequiresPIN = 51

	attrCommands = 0xfff9
	attrFeatures = 0xfffc
)

// Device types whose sensors are of use: others have the same clusters.
const (
	kindContact = 0x0015
	kindMotion  = 0x0107
)

// Features of a lock.
const (
	featurePIN     = 1 << 0
	featureContact = 1 << 5
	featureUsers   = 1 << 8
)

// commandUnlockWithTimeout is the number of the command that unlocks for a while.
const commandUnlockWithTimeout = 3

// Numbers of the lock's users and their credentials.
const (
	userFree      = 0
	userEnabled   = 1
	userDisabled  = 3
	credentialPIN = 1
)

// wanted reports whether an attribute is of use to this driver.
func wanted(p path) bool {
	switch p.Cluster {
	case clusterDescriptor:
		return p.Attribute == attrDeviceTypes
	case clusterBasic, clusterBridged:
		return slices.Contains([]int{attrMaker, attrProduct, attrLabel, attrFirmware, attrReaches}, p.Attribute)
	case clusterPower:
		return p.Attribute == attrBattery || p.Attribute == attrPowers
	case clusterDiagnostics:
		return p.Attribute == attrReboots
	case clusterCredentials:
		return p.Attribute == attrFabric
	case clusterBoolean, clusterOccupancy:
		return p.Attribute == attrState
	case clusterDoorLock:
		return slices.Contains([]int{attrLockState, attrDoorState, attrUsers, attrPINs, attrRelock, attrRequiresPIN, attrCommands, attrFeatures}, p.Attribute)
	}
	return false
}

// number, word, flag and has look up an attribute.
func (n nodeState) number(endpoint, cluster, attribute int) (int, bool) {
	return n.Attributes[path{endpoint, cluster, attribute}].number()
}

func (n nodeState) word(endpoint, cluster, attribute int) string {
	return n.Attributes[path{endpoint, cluster, attribute}].word()
}

func (n nodeState) flag(endpoint, cluster, attribute int) bool {
	yes, _ := n.Attributes[path{endpoint, cluster, attribute}].flag()
	return yes
}

func (n nodeState) has(endpoint, cluster, attribute int) bool {
	_, ok := n.Attributes[path{endpoint, cluster, attribute}]
	return ok
}

// endpoints returns those of a node that are devices to us, in order.
func (n nodeState) endpoints() []int {
	var found []int
	for p := range n.Attributes {
		if !slices.Contains(found, p.Endpoint) && n.sortOf(p.Endpoint) != 0 {
			found = append(found, p.Endpoint)
		}
	}
	slices.Sort(found)
	return found
}

// sort is what an endpoint is to us: any of these together.
type sort int

const (
	isLock sort = 1 << iota
	isContact
	isMotion
)

func (n nodeState) sortOf(endpoint int) sort {
	var s sort
	if n.has(endpoint, clusterDoorLock, attrLockState) {
		s |= isLock
	}
	kinds := n.Attributes[path{endpoint, clusterDescriptor, attrDeviceTypes}].kinds()
	if n.has(endpoint, clusterBoolean, attrState) && slices.Contains(kinds, kindContact) {
		s |= isContact
	}
	if n.has(endpoint, clusterOccupancy, attrState) && slices.Contains(kinds, kindMotion) {
		s |= isMotion
	}
	return s
}

// lockHasContact reports whether a lock tells open from closed.
func (n nodeState) lockHasContact(endpoint int) bool {
	features, _ := n.number(endpoint, clusterDoorLock, attrFeatures)
	return features&featureContact != 0 && n.has(endpoint, clusterDoorLock, attrDoorState)
}

// battery returns the endpoint whose battery powers a device: its own, one
// that names it, or else one of the node itself, which powers all that is not
// named.
func (n nodeState) battery(endpoint int) (source int, ok bool) {
	if n.has(endpoint, clusterPower, attrBattery) {
		return endpoint, true
	}
	source = -1
	for p, v := range n.Attributes {
		if p.Cluster != clusterPower || p.Attribute != attrPowers || !n.has(p.Endpoint, clusterPower, attrBattery) {
			continue
		}
		if slices.Contains(v.numbers(), endpoint) {
			return p.Endpoint, true
		}
		if p.Endpoint == 0 && len(v.numbers()) == 0 {
			source = 0
		}
	}
	return max(source, 0), source >= 0
}

// reachable reports whether a device behind a bridge is reached by it. A device
// that is not behind one always is.
func (n nodeState) reachable(endpoint int) bool {
	return !n.has(endpoint, clusterBridged, attrReaches) || n.flag(endpoint, clusterBridged, attrReaches)
}

// relocksByTimeout reports whether a lock can be unlocked for a time that is
// given with the order, relocksAlways whether it is set to lock again by itself.
func (n nodeState) relocksByTimeout(endpoint int) bool {
	return slices.Contains(n.Attributes[path{endpoint, clusterDoorLock, attrCommands}].numbers(), commandUnlockWithTimeout)
}

func (n nodeState) relocksAlways(endpoint int) bool {
	seconds, ok := n.number(endpoint, clusterDoorLock, attrRelock)
	return ok && seconds > 0
}

// address returns the address of an endpoint: that of its node alone would
// not tell two locks of a bridge apart.
func address(node, endpoint int) string { return fmt.Sprintf("%d-%d", node, endpoint) }

// discover describes an endpoint that is a device to us.
func (n nodeState) discover(endpoint int, clear bool) driver.Discovery {
	from := func(attribute int) string {
		if n.has(endpoint, clusterBridged, attribute) {
			return n.word(endpoint, clusterBridged, attribute)
		}
		return n.word(0, clusterBasic, attribute)
	}
	d := driver.Discovery{
		Address: address(n.Node, endpoint), Name: from(attrLabel), Maker: from(attrMaker), Model: from(attrProduct), Firmware: from(attrFirmware),
		Security: "Matter, with certificates", Capabilities: n.capabilities(endpoint, clear),
	}
	if d.Maker == "" {
		d.Maker = "unknown maker"
	}
	if d.Model == "" {
		d.Model = "unknown model"
	}
	if clear {
		d.Weak = "The way to the Matter server is clear text, and the server asks for no password: let it listen on this machine only, or use wss."
	}
	return d
}

func (n nodeState) capabilities(endpoint int, clear bool) []sashlock.Capability {
	var can []sashlock.Capability
	add := func(c sashlock.Capability, yes bool) {
		if yes {
			can = append(can, c)
		}
	}
	s := n.sortOf(endpoint)
	lock := s&isLock != 0
	features, _ := n.number(endpoint, clusterDoorLock, attrFeatures)
	// A lock that wants a PIN for each order of ours cannot be moved: a PIN has
	// no place in an order.
	moves := lock && !n.flag(endpoint, clusterDoorLock, attrRequiresPIN)
	_, battery := n.battery(endpoint)
	add(sashlock.CanRelease, moves && (n.relocksByTimeout(endpoint) || n.relocksAlways(endpoint)))
	add(sashlock.CanUnlock, moves)
	add(sashlock.CanLock, moves)
	add(sashlock.TellsLock, lock)
	add(sashlock.TellsJam, lock)
	add(sashlock.TellsPosition, s&isContact != 0 || lock && n.lockHasContact(endpoint))
	add(sashlock.TellsWho, lock)
	add(sashlock.TellsTamper, lock)
	add(sashlock.TellsPresence, s&isMotion != 0)
	add(sashlock.TellsBattery, battery)
	add(sashlock.HasCodes, lock && features&featurePIN != 0 && features&featureUsers != 0)
	add(sashlock.Supervised, moves)
	add(sashlock.SecureLink, !clear)
	return can
}

// boltOf returns what a lock's state means, or "" for nothing known.
func boltOf(v value) sashlock.EventKind {
	state, ok := v.number()
	if !ok {
		return ""
	}
	switch state {
	case 0: // not fully locked
		return sashlock.LockHalfway
	case 1:
		return sashlock.LockLocked
	case 2:
		return sashlock.LockUnlocked
	case 3:
		return sashlock.LockUnlatched
	}
	return ""
}

// doorOf returns what a lock says of its door, or "" for nothing known.
func doorOf(v value) sashlock.EventKind {
	state, ok := v.number()
	if !ok {
		return ""
	}
	switch state {
	case 0, 3, 5: // open, forced open, ajar
		return sashlock.OpeningOpened
	case 1:
		return sashlock.OpeningClosed
	}
	return ""
}

// contactOf returns what a contact says: true is closed.
func contactOf(v value) sashlock.EventKind {
	closed, ok := v.flag()
	switch {
	case !ok:
		return ""
	case closed:
		return sashlock.OpeningClosed
	}
	return sashlock.OpeningOpened
}

// presenceOf returns what a motion sensor says: bit 0 is somebody.
func presenceOf(v value) sashlock.EventKind {
	bits, ok := v.number()
	switch {
	case !ok:
		return ""
	case bits&1 != 0:
		return sashlock.PresenceSeen
	}
	return sashlock.PresenceLost
}

// methodOf returns how a lock was operated.
func methodOf(source int) sashlock.Method {
	switch source {
	case 1, 5: // by hand, by its button
		return sashlock.ByHand
	case 2, 7: // by the maker's app, by an order
		return sashlock.ByRemote
	case 3:
		return sashlock.ByKeypad
	case 4, 6: // by itself, by its schedule
		return sashlock.BySelf
	case 8:
		return sashlock.ByCard
	case 9:
		return sashlock.ByFinger
	case 10: // by a phone or a watch
		return sashlock.ByUnknown
	}
	return ""
}

// Events of a lock.
const (
	noteAlarm     = 0
	noteOperation = 2
	noteRefused   = 3
)

// Alarms of a lock.
const (
	alarmJam        = 0
	alarmWrongCodes = 4
	alarmCover      = 5
)

// operatedTo returns what an operation did to the bolt, or "" for nothing.
func operatedTo(operation int) sashlock.EventKind {
	switch operation {
	case 0:
		return sashlock.LockLocked
	case 1:
		return sashlock.LockUnlocked
	case 4:
		return sashlock.LockUnlatched
	}
	return ""
}
