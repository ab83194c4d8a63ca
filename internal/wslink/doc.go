// SPDX-License-Identifier: Apache-2.0

// Package wslink is the client side of JSON over WebSocket that drivers share.
//
// # What
//
// [Dial] makes one connection to a server in the store that greets, answers
// numbered requests and tells events on its own, which is how Z-Wave JS and
// Matter servers speak. [Link] asks, hands out events in the order in which
// they came, and looks for signs of life. When it ends it says why; who wants
// it back dials again.
//
// # How it fits
//
// It is the only package that knows the WebSocket library. What messages mean
// is the driver's: it gives a [Protocol], which decodes one message.
//
// # Promises
//
// An answer goes to whoever asked, once. When the connection ends, everyone who
// waits is told. A reader that falls behind holds the server up, and no event
// is lost without the connection ending. Nothing is followed elsewhere: no
// proxy and no redirect.
package wslink
