// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net"
	"path/filepath"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/edge"
	"github.com/sashlock/sashlock/driver/edge/lock"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/mqttlink"
)

// ownLocks are so many that each is locked again before its next turn.
const ownLocks = 1000

// ownDevices measures releases at the example locks, which check what they are
// told as any device has to, and whose bolts move at once.
func (b *bench) ownDevices() error {
	ctx, cancel := context.WithCancel(b.desk.ctx)
	defer cancel()
	h, err := openSimulatedHouse(ctx, filepath.Join(b.dir, "devices"), fleet{ownLocks, openEndpoint})
	if err != nil {
		return err
	}
	laps, err := b.pace(h)
	cancel() // the locks leave before the house does
	if err = errors.Join(err, h.house.Stop()); err != nil {
		return err
	}
	b.note("our own devices connected", ownLocks, "")
	b.note("request to the bolt of our own device, median", milliseconds(percentile(laps.moved, 0.5)), "ms")
	b.note("request to the bolt of our own device, p99", milliseconds(percentile(laps.moved, 0.99)), "ms")
	b.note("request to its durable word, median", milliseconds(percentile(laps.confirmed, 0.5)), "ms")
	b.below("request to its durable word, p99", milliseconds(percentile(laps.confirmed, 0.99)), "ms", 15)
	return b.plainBroker()
}

// plainBroker measures what a message takes through a broker and back when
// nothing is decided, signed or recorded on its way.
func (b *bench) plainBroker() error {
	if b.command.Broker == "" {
		return nil
	}
	pace, err := mqttlink.Measure(b.desk.ctx, mqttlink.Config{Broker: b.command.Broker}, 1000)
	if err != nil {
		return badFlag("--broker", "the broker cannot be measured: "+wordOf(err).Error())
	}
	b.note("a message through the plain broker and back, median", milliseconds(pace.Trip), "ms")
	b.note("a message through the plain broker and back, p99", milliseconds(pace.Slow), "ms")
	return nil
}

// openEndpoint opens our endpoint on this machine and connects the locks to it
// until the context ends.
func openEndpoint(ctx context.Context, house *app.House, count int) (func(int) (bool, error), error) {
	where, err := freePort()
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(edge.Config{Listen: where, Site: "bench", Clear: true})
	if err != nil {
		return nil, err
	}
	key := house.Keys.Command.Public().(ed25519.PublicKey)
	driver := edge.New(edge.House{Folder: app.DeviceKeys(house.Config.Data), CommandKey: key, Now: time.Now})
	if err := house.Devices.Open(ctx, "bench", driver, config); err != nil {
		return nil, err
	}
	locks := make([]*lock.Lock, count)
	for n := range locks {
		locks[n] = lock.New(lock.Options{
			Endpoint: where, Site: "bench", Address: address(n), CommandKey: key, Latency: time.Nanosecond,
			Senses: []sashlock.Capability{sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsJam},
		})
		go locks[n].Run(ctx)
	}
	return func(n int) (bool, error) { return locks[n].Unlocked(), nil }, nil
}

// freePort finds an address on this machine on which nothing listens.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
