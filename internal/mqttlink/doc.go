// SPDX-License-Identifier: Apache-2.0

// Package mqttlink is the client side of MQTT that drivers share.
//
// # What
//
// [Dial] makes one connection to a broker that people already run, over TCP,
// TLS or WebSocket, as MQTT 3.1.1. [Link] hands out messages in the order in
// which they came, subscribes and publishes. When it ends it says why; who
// wants it back dials again.
//
// # How it fits
//
// It is a thin cover of the Eclipse Paho client, the only package that knows
// it. The driver decides what topics mean, and when to try again.
//
// # Promises
//
// A message is acknowledged only when its reader calls [Message.Done]: what was
// read but not yet durable comes again after a crash, because the broker keeps
// the session. A reader that falls too far behind loses the connection, never
// single messages without a word. Passwords are read when they are needed,
// and are in no error.
package mqttlink
