// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/logkey"
)

type serveCommand struct {
	Port     int    `default:"-1" placeholder:"N" help:"Port to answer on instead of the one in config.yaml; 0 takes a free one."`
	LogLevel string `default:"warn" enum:"debug,info,warn,error" help:"What to log on standard error: debug, info, warn or error."`
}

// Help explains the command.
func (c *serveCommand) Help() string {
	return `Opens the store of a data folder, connects its gateways and answers until it is stopped with Ctrl-C or SIGTERM.

A store that nobody owns yet prints a link that makes whoever opens it its owner: it works once, for 30 minutes. "sashlock signin link" makes another.

At each start it writes a new token with every scope to DIR/connect.json, readable by its owner only; that is how the other commands find it with --data.

Examples:

    sashlock serve --data /var/lib/sashlock
    sashlock serve --data store-12 --port 7200 --log-level info`
}

// Run carries out the command.
func (c *serveCommand) Run(d *desk) error {
	data, err := d.dataFolder()
	if err != nil {
		return err
	}
	config, err := app.ReadConfig(data)
	if err != nil {
		return err
	}
	if c.Port >= 0 {
		host, _, err := net.SplitHostPort(config.Listen)
		if err != nil {
			return badFlag("listen", err.Error())
		}
		config.Listen = net.JoinHostPort(host, strconv.Itoa(c.Port))
	}
	if _, err := app.ReadKeys(data); err != nil {
		return err
	}
	l, err := listen(d.ctx, config.Listen)
	if err != nil {
		if ours := servedAlready(d.ctx, data, config.Listen); ours != nil {
			return ours
		}
		return err
	}
	defer l.Close() //nolint:errcheck // closed by the server in any case
	d.note("opening the store of %s", data)
	house, err := app.New(d.ctx, config, c.logger(d))
	if err != nil {
		return err
	}
	return errors.Join(c.serve(d, house, l), stop(d, house))
}

func (c *serveCommand) logger(d *desk) *slog.Logger {
	var level slog.Level
	if level.UnmarshalText([]byte(c.LogLevel)) != nil {
		level = slog.LevelWarn // not reached: the grammar allows the four names only
	}
	return slog.New(slog.NewTextHandler(d.err, &slog.HandlerOptions{Level: level}))
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, &sashlock.Error{
			Kind: sashlock.Unavailable, Op: "listening", Subject: address,
			Hint: "choose another port with --port, or stop the program that has it", Err: cause(err),
		}
	}
	return l, nil
}

// serve sets a house to work and answers until the user stops it.
func (c *serveCommand) serve(d *desk, house *app.House, l net.Listener) error {
	if err := house.Start(d.ctx); err != nil {
		return err
	}
	for _, g := range house.Config.Gateways {
		d.note("gateway %s (%s)", g.Name, g.Driver)
	}
	front, err := house.Front(l.Addr())
	if err != nil {
		return err
	}
	answers, url, err := c.answers(d, house, front, l)
	if err != nil {
		return err
	}
	claim, err := claimOf(d, house, front.URL)
	if err != nil {
		return err
	}
	finished, err := c.connect(d.ctx, house, url)
	if err != nil {
		return err
	}
	defer finished()
	house.LogStart(l.Addr().String())
	fmt.Fprintf(d.out, "%s\n", front.URL)
	d.note("%d entries in the ledger; token in %s; stop with Ctrl-C", house.Store.Size(), filepath.Join(house.Config.Data, app.ConnectionFile))
	if front.Trust != "" {
		d.note("phones that are to trust this store find the certificate at %s/trust; its fingerprint is %s", front.URL, front.Trust)
	}
	fmt.Fprint(d.err, claim)
	return app.ServeAll(d.ctx, answers...)
}

// answers is what the store node listens on, and the address by which programs
// on this machine reach it: without encryption, and by no other machine.
func (c *serveCommand) answers(d *desk, house *app.House, front app.Front, l net.Listener) (all []app.Answer, url string, err error) {
	if front.TLS == nil {
		return []app.Answer{{Listener: l, Handler: front.Net}}, "http://" + l.Addr().String(), nil
	}
	local, err := listen(d.ctx, "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	all = []app.Answer{{Listener: tls.NewListener(l, front.TLS), Handler: front.Net}, {Listener: local, Handler: front.Local}}
	if front.Plain != nil {
		plain, err := listen(d.ctx, house.Config.TLS.Plain)
		if err != nil {
			return nil, "", errors.Join(err, local.Close())
		}
		all = append(all, app.Answer{Listener: plain, Handler: front.Plain})
	}
	return all, "http://" + local.Addr().String(), nil
}

// connectEvery is how often a connection file is tried again.
const connectEvery = 2 * time.Second

// connect writes the connection file. While nothing can be recorded no token
// can be issued; the store node works all the same, for it has to hear its
// locks, and the file is written as soon as that is possible. Whoever calls
// finished waits until nothing more is tried.
func (c *serveCommand) connect(ctx context.Context, house *app.House, url string) (finished func(), err error) {
	return untilWritten(ctx, house.Log, func() error {
		_, err := house.Connect(ctx, url, app.ConnectionFile)
		return err
	})
}

// untilWritten calls write, and again and again for as long as it is not
// possible at the moment.
func untilWritten(ctx context.Context, log *slog.Logger, write func() error) (finished func(), err error) {
	err = write()
	if !sashlock.IsKind(err, sashlock.Unavailable) {
		return func() {}, err
	}
	log.Warn("connection file not written", logkey.Err(err))
	ctx, cancel := context.WithCancel(ctx)
	var trying sync.WaitGroup
	trying.Go(func() {
		again := time.NewTicker(connectEvery)
		defer again.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-again.C:
			}
			if write() == nil {
				log.Info("connection file written")
				return
			}
		}
	})
	return func() { cancel(); trying.Wait() }, nil
}

// servedAlready is the error for a data folder whose store node is running at
// the address that is wanted; nil when that is somebody else.
func servedAlready(ctx context.Context, data, address string) error {
	c, _, err := readConnection(data)
	if err != nil || c.URL != "http://"+address {
		return nil //nolint:nilerr // then it is not known to be ours
	}
	client, err := newClient(c.URL, "")
	if err != nil {
		return nil //nolint:nilerr // likewise
	}
	if _, err := health(ctx, client); err != nil {
		return nil //nolint:nilerr // likewise
	}
	return &sashlock.Error{
		Kind: sashlock.Unavailable, Op: "starting", Subject: data,
		Hint: "this folder is being served already, at " + c.URL + ": stop that one first",
	}
}

func stop(d *desk, house *app.House) error {
	d.note("stopping")
	err := house.Stop()
	if err == nil {
		d.note("stopped; nothing that was acknowledged is lost")
	}
	return err
}
