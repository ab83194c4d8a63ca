// SPDX-License-Identifier: Apache-2.0

// Package onvif reaches doors behind ONVIF access controllers.
//
// # What
//
// [New] returns the driver. A session signs in at one controller and finds its
// doors (Door Control service, profiles A and C). It releases doors
// (AccessDoor), unlocks and locks them, reads how they stand, and hears their
// events through a pull point: bolt, door, tampering, and credentials that were
// granted or denied at their access points.
//
// # How it fits
//
// auth.go proves who we are, soap.go is one call, wire.go are the messages.
// door.go says what a door is and what is told of it, controller.go is a
// signed-in controller with its services, session.go connects again and again
// and makes every call of the sink, order.go carries out orders and reads. The
// package imports the vocabulary and the contract only.
//
// # Promises
//
// What is told of a bolt is the controller's word on the bolt's own monitor. A
// door's mode, which says what was ordered, is never taken for it; a door
// without a monitor has no state of its lock.
//
// The password is never sent, only digests made with it. The controller cannot
// lead us elsewhere: its services are called at the host that was configured
// and never by a weaker protocol.
//
// When an order's time is over its connection is torn down with all that was
// not sent yet.
package onvif
