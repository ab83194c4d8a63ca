// SPDX-License-Identifier: Apache-2.0

// Package osdp is the control panel of readers that speak OSDP: card readers,
// keypads and the relays in them.
//
// # What
//
// A session owns one bus, a serial port or a serial server on the network, with
// up to 126 readers. It asks each reader in turn, many times a second, tells
// what they say, switches their relays, and hands what people present to the
// sink as a driver.Presentation. Its lights and tones show what was decided.
//
// # How it fits
//
// One goroutine owns the bus (bus.go, session.go) and speaks with one reader at
// a time (reader.go). Another one makes every call of the sink about devices, in
// order; and for each reader one waits for what is decided about cards and PINs
// (present.go), so that a slow decision holds up neither the bus nor another
// door. Frames and the secure channel are in internal/osdp.
//
// # Promises
//
// A reader is spoken with through the secure channel, with a key of its own,
// or, where the configuration says so in as many words, in clear text; never
// with the key it left the factory with, but for the one order that gives it a
// new one. What a reader with a key says in clear is not believed, and is
// recorded. A PIN lives from its first key to the answer and is kept, told or
// logged nowhere.
package osdp
