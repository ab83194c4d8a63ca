// SPDX-License-Identifier: Apache-2.0

// Package logkey has the keys of log lines, so that each thing is logged under
// one name and nothing is logged that should not be: there is no key for a
// name, a PIN or a secret.
package logkey

import (
	"log/slog"
	"time"

	"github.com/sashlock/sashlock"
)

// Opening is the opening a line is about.
func Opening(id sashlock.OpeningID) slog.Attr { return slog.String("opening", string(id)) }

// Device is the device a line is about.
func Device(id sashlock.DeviceID) slog.Attr { return slog.String("device", string(id)) }

// Command is the command a line is about.
func Command(id sashlock.CommandID) slog.Attr { return slog.String("command", string(id)) }

// Gateway is the gateway a line is about.
func Gateway(name string) slog.Attr { return slog.String("gateway", name) }

// Driver is the driver a line is about.
func Driver(name string) slog.Attr { return slog.String("driver", name) }

// Up says whether something can be reached.
func Up(up bool) slog.Attr { return slog.Bool("up", up) }

// Why is a reason in words.
func Why(why string) slog.Attr { return slog.String("why", why) }

// Err is what went wrong.
func Err(err error) slog.Attr { return slog.Any("err", err) }

// Addr is a network address we listen on.
func Addr(addr string) slog.Attr { return slog.String("addr", addr) }

// Took is how long something took.
func Took(d time.Duration) slog.Attr { return slog.Duration("took", d) }

// Trace is the number of a request to the API, as its answer names it.
func Trace(id string) slog.Attr { return slog.String("trace", id) }

// Route is the route of a request, without its parameters.
func Route(pattern string) slog.Attr { return slog.String("route", pattern) }
