// SPDX-License-Identifier: Apache-2.0

// Package announce shows the store's openings to Home Assistant, and to whatever
// else reads MQTT discovery.
//
// # What
//
// [Room] keeps three sensors for each opening at a broker that people already
// run: whether its lock is unlocked, whether it stands open, whether an alarm
// stands. Nothing can be ordered through them.
//
// # How it fits
//
// message.go says which retained messages a store's openings come to; it is a
// function of the book and the states. room.go compares that with what the
// broker has, after every commit, and publishes the difference. internal/mqttlink
// is the client.
//
// # Promises
//
// What is shown was reported by a device: a lock that never said how it stands
// is shown as unknown. No name of a person, no code and no duress alarm leaves
// the store. There is no topic on which the room listens for orders.
package announce
