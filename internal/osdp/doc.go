// SPDX-License-Identifier: Apache-2.0

// Package osdp reads and writes what goes over the wire between a control panel
// and its readers: the Open Supervised Device Protocol of SIA, version 2.2,
// which is IEC 60839-11-5.
//
// # What
//
// A [Frame] is one message of the bus; [Scanner] finds frames in a stream of
// bytes. [Handshake] (the panel's side) and [Answering] (the reader's) agree on
// a [Channel], which seals and opens frames: AES-128, with a code of
// authentication that chains each message to all before it. The functions named
// after messages make and read what is in them.
//
// # How it fits
//
// The driver of readers (driver/osdp) and its simulated reader use it. It knows
// no port, no clock and no key file.
//
// # Promises
//
// Nothing here allocates more than a frame may hold, whatever arrives. A channel
// whose frame did not fit is broken for good: it opens nothing more. A
// template of a finger or a face is never taken over.
package osdp
