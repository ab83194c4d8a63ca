// SPDX-License-Identifier: Apache-2.0

// Package seam reaches locks that only their makers' clouds reach, through
// Seam's.
//
// # What
//
// [New] returns the driver. A session is a client of one workspace at Seam; every
// lock of the accounts connected there is a device: August, Yale, Kwikset,
// Schlage and others. It can unlock and lock; it tells of bolts, batteries,
// refused codes, of who operated a lock and how, and of locks that cannot be
// reached; it lists access codes.
//
// # How it fits
//
// wire.go reads what Seam says, client.go asks it within the limits of
// budget.go, webhook.go is told by it. device.go decides what is told of a lock
// and when. session.go looks for news, record.go keeps what was told already,
// order.go carries out orders.
//
// # Promises
//
// That Seam took an order, or says that it succeeded, moves no bolt here: how
// the device itself stands is read afterwards, and only that is told. An order
// is never sent twice.
//
// A webhook may be lost, doubled, forged or late: each event is told once, since
// those are asked for as well. A PIN is never taken over: the decoders have no
// place for one.
package seam
