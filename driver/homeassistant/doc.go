// SPDX-License-Identifier: Apache-2.0

// Package homeassistant reaches whatever announces itself for Home Assistant by
// MQTT discovery: locks, contacts, motion sensors and buttons.
//
// # What
//
// [New] returns the driver. A session is a client of one broker and reads what
// is announced there, as Home Assistant does; Home Assistant itself need not be
// there. Each lock, contact, motion sensor and button is a device; a battery
// and a tamper sensor announced beside it belong to it. It can unlock and lock;
// it tells of bolts, jams, contacts, presence, tampering and batteries.
//
// # How it fits
//
// wire.go reads announcements, template.go the few forms of value_template that
// are understood. device.go decides what is told of a device and when.
// session.go keeps the connection and makes every call of the sink; order.go
// carries out orders. internal/mqttlink is the client.
//
// # Promises
//
// A lock that does not tell how it stands is never said to be locked: what Home
// Assistant assumes of it is not assumed here. What is announced but not
// understood is said in words. No order is left with the broker.
package homeassistant
