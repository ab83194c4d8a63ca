// SPDX-License-Identifier: Apache-2.0

// Package zigbee2mqtt reaches Zigbee locks and sensors through Zigbee2MQTT and
// any MQTT broker.
//
// # What
//
// [New] returns the driver. A session is a client of one broker and follows one
// Zigbee2MQTT there, which is one radio. What a device can do is taken from what
// Zigbee2MQTT says it exposes; locks, contacts and motion sensors are devices,
// all else is passed over. It can unlock and lock and, where the lock is set to
// lock again by itself, release; it tells of bolts, contacts, presence,
// tampering, batteries, wrong codes, and of who operated a lock and how.
//
// # How it fits
//
// wire.go reads what Zigbee2MQTT publishes, describe.go makes discoveries of
// it. device.go decides what is told of a device and when. session.go keeps the
// connection and makes every call of the sink; order.go carries out orders,
// reads locks and lists PIN slots. internal/mqttlink is the client.
//
// # Promises
//
// A bolt is said to have moved only when the lock itself has said so. What the
// broker has kept, and what is older than what was heard before, is never told
// as a change.
//
// A PIN is never taken over: the decoders have no place for one, and the topics
// on which others set PINs are not subscribed to.
//
// No order is left waiting here. One that Zigbee2MQTT could not deliver ends in
// an error.
package zigbee2mqtt
