// SPDX-License-Identifier: Apache-2.0

// Package zwavejs reaches Z-Wave locks through a Z-Wave JS server.
//
// # What
//
// [New] returns the driver. A session keeps one WebSocket connection to one
// server, which is one radio; every node with the Door Lock command class is a
// device. It can unlock, lock and, where the lock can do so by itself, release
// for a while; it reads bolt, door and battery, and lists PIN slots. It tells
// of bolts, doors, jams, tampering, batteries and wrong codes, of who operated
// a lock and how, and of locks that go off the air and come back.
//
// # How it fits
//
// wire.go, scalar.go and request.go are the messages, client.go one connection
// with them. device.go says what a node is and what the numbers of Z-Wave mean,
// lock.go what is told of a lock and when. session.go connects, again and
// again, and makes every call of the sink; order.go carries out orders and
// reads locks. The package imports the vocabulary and the contract only.
//
// # Promises
//
// Z-Wave JS says that a lock has moved as soon as the lock has taken the order,
// jammed or not. The session tells only what the lock itself has said: in a
// notification or when it was read.
//
// A PIN, which Z-Wave JS sends in clear, is dropped while decoding: there is no
// field, error or log for it to land in.
//
// An order is never left with the server for a lock that sleeps: it would be
// carried out when that wakes up. It is confirmed by its name, once, or not at
// all.
package zwavejs
