// SPDX-License-Identifier: Apache-2.0

// Package partner reaches locks through an adapter that speaks our own small
// contract.
//
// # What
//
// Some makers let nobody into their locks but partners they have agreed with.
// What such a maker's interface looks like is between the two; CONTRACT.md says
// what an adapter in front of it has to offer over HTTP, so that its locks are
// locks like all others here: a list, how each stands, orders with an end, events,
// and PIN slots where there are some. A session is a client of one adapter.
//
// # How it fits
//
// wire.go reads what an adapter says, client.go asks it. device.go decides what is
// told of a lock and when; session.go keeps the list and listens, order.go carries
// out orders, code.go writes PIN slots.
//
// # Promises
//
// What is told of a bolt is what the adapter says that the lock itself said. That
// an order was taken moves nothing here. An order is never sent twice, and says
// itself until when it may be carried out.
//
// A PIN goes only into a slot, and the words with which an adapter refuses one are
// not shown.
package partner
