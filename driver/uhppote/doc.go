// SPDX-License-Identifier: Apache-2.0

// Package uhppote reaches UHPPOTE controllers (UT0311-L0x and their many
// namesakes), and with them the Wiegand readers, strikes and door contacts of
// installations that are there already.
//
// # What
//
// A session speaks with each controller over UDP, in datagrams of 64 bytes. It
// opens doors, keeps an eye on relays and contacts, and takes over the
// controller's own record of events, by their numbers, so that what happened
// while the store node was away is told afterwards. A card that the controller
// does not know is handed to the sink as a driver.Presentation where the
// configuration says so: then the store node decides.
//
// # How it fits
//
// link.go is the socket, controller.go one controller and its goroutine, which
// makes every call of the sink about it, and wire.go the bytes. A device is a
// door: "423187757/1".
//
// # Promises
//
// What a datagram from the network says of itself moves nothing: it only makes
// us ask the controller, at the address where it was found. Neither cards nor
// the PINs that a controller keeps are told or logged. The protocol itself has
// no protection, which every device says of itself.
package uhppote
