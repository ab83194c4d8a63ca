// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"time"

	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/gateways"
	"github.com/sashlock/sashlock/internal/mqttlink"
	"github.com/sashlock/sashlock/internal/store"
)

// brokerPatience is how long one broker may take to be measured.
const brokerPatience = 10 * time.Second

// broker is what a gateway that goes through one says of it, whatever its
// driver is.
type broker struct {
	Broker       string `json:"broker"`
	User         string `json:"user"`
	PasswordFile string `json:"password_file"`
	PasswordEnv  string `json:"password_env"`
	CAFile       string `json:"ca_file"`
}

// brokers measures the brokers of all gateways: those of config.yaml, and those
// that were set up on the console. Each broker is measured once.
func (x *examination) brokers(s *store.Store) {
	config, err := app.ReadConfig(x.data)
	if err != nil {
		return // said already
	}
	measured := map[string]bool{}
	for _, g := range config.Gateways {
		x.broker(g.Name, g.Config, "", measured)
	}
	if s == nil {
		return
	}
	var kept []gateways.Gateway
	if err := s.View(x.desk.ctx, func(q store.Query) (err error) { kept, err = gateways.List(q); return err }); err != nil {
		return // a database of an older version has no such table: the store node makes it
	}
	for _, g := range kept {
		x.broker(g.Name, g.Config, filepath.Join(x.data, "secrets"), measured)
	}
}

// broker measures the broker of one gateway, if it has one. Files are named in
// a folder, or by their paths where that is empty.
func (x *examination) broker(gateway string, settings map[string]any, folder string, measured map[string]bool) {
	text, err := json.Marshal(settings)
	if err != nil {
		return
	}
	var b broker
	if json.Unmarshal(text, &b) != nil || b.Broker == "" || measured[b.Broker] {
		return
	}
	measured[b.Broker] = true
	within := func(file string) string {
		if file == "" || folder == "" {
			return file
		}
		return filepath.Join(folder, filepath.Base(file))
	}
	ctx, cancel := context.WithTimeout(x.desk.ctx, brokerPatience)
	defer cancel()
	const check = "broker"
	pace, err := mqttlink.Measure(ctx, mqttlink.Config{
		Broker: b.Broker, User: b.User, PasswordFile: within(b.PasswordFile), PasswordEnv: b.PasswordEnv, CAFile: within(b.CAFile),
	}, 9)
	switch {
	case err != nil:
		x.bad(check, "start the broker of "+gateway+", or let "+orDash(b.User)+" publish under sashlock/pace/ to have it measured", "%s: %v", gateway, wordOf(err))
	case pace.Held():
		x.bad(check, "make it send at once: Mosquitto does with set_tcp_nodelay true in mosquitto.conf",
			"%s: a message takes %v to come back where the network takes %v: the broker holds small packets back (no TCP_NODELAY)", gateway, rounded(pace.Trip), rounded(pace.Network))
	default:
		x.good(check, "%s: a message comes back in %v", gateway, rounded(pace.Trip))
	}
}

func rounded(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
