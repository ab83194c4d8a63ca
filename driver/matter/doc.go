// SPDX-License-Identifier: Apache-2.0

// Package matter reaches Matter locks and sensors through a Matter server.
//
// # What
//
// [New] returns the driver. A session keeps one WebSocket connection to one
// server, which is one fabric: the open Matter server that Home Assistant uses,
// or our own small one on matter.js. Every endpoint with the Door Lock cluster
// is a device, and so is every contact and motion sensor. A session unlocks,
// locks and, where the lock locks again by itself, releases; it reads how
// things stand, and lists PIN slots. It tells of bolts, doors, jams, tampering,
// batteries and refused codes, of who operated a lock and how, and of devices
// that go off the air and come back.
//
// # How it fits
//
// wire.go and request.go are the messages, client.go one connection with them.
// node.go says what a node is and what its numbers mean, device.go what is told
// of a device and when. session.go connects, again and again, and makes every
// call of the sink; order.go carries out orders, read.go asks. The package
// imports the vocabulary and the contract only.
//
// # Promises
//
// What is told of a bolt comes from the lock: an event, a report of its
// subscription, or its answer to a reading. That an order was taken is never
// taken for a bolt that moved, nor what a server remembers for how things stand.
//
// An order is sent only to a lock that has just answered, or to a server that
// ends orders with their time, so that none is carried out when a lock comes
// back on the air.
//
// A PIN cannot be read from a Matter lock, and none is asked for. The names of
// users are dropped while decoding.
package matter
