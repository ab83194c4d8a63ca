// SPDX-License-Identifier: Apache-2.0

// Package modbus reaches relay boards and contact inputs over Modbus: the way to
// an electric strike beside a lock that lets in nobody but its maker.
//
// # What
//
// A session owns one line, a serial port (RTU) or a connection (TCP), with the
// boards on it. An opening is a relay that releases it, a door contact, a bolt
// switch, or any of these. The session looks at them several times a second,
// tells what has changed, and switches relays.
//
// # How it fits
//
// wire.go is the bytes, line.go a question and its answer, session.go the
// goroutine that looks and makes every call of the sink, order.go what callers
// want.
//
// # Promises
//
// A release is offered only where the board itself switches the relay off again.
// An order that switches is sent once; what became of it is seen. The protocol
// has no protection, which every device says of itself.
package modbus
