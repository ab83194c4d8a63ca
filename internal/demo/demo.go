// SPDX-License-Identifier: Apache-2.0

// Package demo is a chain of stores that live: people are served, refused and
// careless while one looks on.
//
// # What
//
// [Run] sets up a data folder, declares a flagship of 42 openings and 31 people
// and two smaller stores, fits them with simulated devices, tells what happened
// there in the last two weeks, and then plays a story: customers at display
// cases, couriers at lockers, and now and then something that wants an operator.
// The console needs no sign-in here, and says so on every page. In its corner one
// becomes somebody else, breaks things and changes the pace.
//
// # How it fits
//
// It is an ordinary house of package app with one more driver, driver/sim,
// which nothing else can open. The story acts on the simulated world with its
// hands only: everything that is decided, recorded or raised is the work of
// the same code as in a real store.
//
// # Promises
//
// Nothing here opens a real lock: a folder that was not made by a demo is
// refused, and no gateway but simulated ones is ever opened. The history and the
// choices of the story follow from the seed. What is broken from the page is
// really broken, and can be mended.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/app"
)

// Options are what a demo is told.
type Options struct {
	Port    int       // on 127.0.0.1; 0: a free one
	Data    string    // data folder; empty: a temporary one, removed at the end
	Seed    uint64    // decides the story
	Browser bool      // open the page in a browser, if there is one
	Speed   float64   // how much faster than real time the story runs; 0 means 1
	LAN     bool      // answer to the local network too, to whoever has the link
	Out     io.Writer // where to say how to look at it; nil: nowhere
}

// DefaultPort is where the demo answers when nothing else is said.
const DefaultPort = 7117

// ConnectionFile is the name of the file in the data folder that says how to
// reach a running demo.
const ConnectionFile = "demo.json"

// marker is a file that only folders made by a demo have.
const marker = "DEMO"

const markerText = "This folder was made by sashlock demo. Nothing in it opens a real lock.\n"

// journalSize is enough for a demo, and quick to set aside.
const journalSize = 1 << 20

// Run plays the demo until the context ends, which is no error.
func Run(ctx context.Context, opts Options) (err error) {
	if opts.Out == nil {
		opts.Out = io.Discard
	}
	if opts.Speed == 0 {
		opts.Speed = 1
	}
	if opts.Speed < 0 || opts.Port < 0 || opts.Port > 65535 {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "starting demo", Subject: "options", Hint: "the speed is positive and the port is 0 to 65535"}
	}
	if opts.Data == "" {
		if opts.Data, err = os.MkdirTemp("", "sashlock-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(opts.Data)) }()
	}
	isNew, err := prepare(opts.Data)
	if err != nil {
		return err
	}
	listener, err := listen(opts.Port)
	if err != nil {
		return err
	}
	defer listener.Close() //nolint:errcheck // serving closes it; this is for an early end
	var shown clock
	start := shown.now()
	if isNew {
		shown.set(start.AddDate(0, 0, -setUpDays))
	}
	config := app.Config{Data: opts.Data, Listen: listener.Addr().String(), JournalSize: journalSize}
	house, err := app.NewWithClock(ctx, config, slog.New(slog.DiscardHandler), shown.now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, house.Stop()) }()
	d := &demo{house: house, opts: opts, clock: &shown, start: start, isNew: isNew}
	return d.play(ctx, listener)
}

// demo is one that runs.
type demo struct {
	house *app.House
	opts  Options
	clock *clock
	start time.Time
	isNew bool // its past has not been told yet
}

// play furnishes the house, opens its page and tells the story.
func (d *demo) play(ctx context.Context, listener net.Listener) error {
	house, opts := d.house, d.opts
	shop, err := d.open(ctx)
	if err != nil {
		return stopped(ctx, err)
	}
	url := "http://" + listener.Addr().String()
	if _, err := house.Connect(ctx, url, ConnectionFile); err != nil {
		return stopped(ctx, err)
	}
	pace := newPace(opts.Speed)
	running, end := context.WithCancel(ctx)
	defer end()
	story := newStory(shop, opts.Seed, pace)
	forger := &forger{data: opts.Data, store: house.Store, keys: house.Keys.Verifier}
	mountCorner(shop, pace, forger, func(slug string) { story.walkIn(running, slug) })
	go shop.serveThemselves(running, func(slug string) { story.walkIn(running, slug) })
	handler := house.Handler()
	served := make(chan error, 1)
	go func() {
		served <- app.Serve(running, handler, listener)
		end()
	}()
	welcome(opts.Out, url, opts.Data)
	if opts.LAN {
		links, err := invite(running, handler, listener.Addr().String(), func(error) {})
		if err != nil {
			return err
		}
		invitation(opts.Out, links)
	}
	if opts.Browser {
		browse(url)
	}
	defer shop.trade(running)()
	story.run(running)
	return <-served
}

// open furnishes the house, tells the past of a new one and sets it to work.
// A new one works only once its past is told, or its clock would stand still.
func (d *demo) open(ctx context.Context) (*shop, error) {
	if !d.isNew {
		if err := d.house.Start(ctx); err != nil {
			return nil, err
		}
		return furnish(ctx, d.house, d.opts, nil, d.start)
	}
	s, err := furnish(ctx, d.house, d.opts, d.clock, d.start)
	if err != nil {
		return nil, err
	}
	if err := s.playHistory(ctx, d.opts.Seed, d.clock, d.start); err != nil {
		return nil, err
	}
	d.clock.run()
	if err := s.hurry(ctx); err != nil {
		return nil, err
	}
	return s, d.house.Start(ctx)
}

// stopped makes an end that was asked for no error.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// prepare sets up a new folder, unless it is one of an earlier demo, and refuses one that holds a real store.
func prepare(data string) (isNew bool, err error) {
	path := filepath.Join(data, marker)
	if _, err := os.Stat(path); err == nil {
		if _, err := app.ReadKeys(data); !sashlock.IsKind(err, sashlock.NotFound) {
			return false, err
		}
		_, err := app.Init(data)
		return true, err
	}
	if entries, err := os.ReadDir(data); err == nil && len(entries) > 0 {
		return false, &sashlock.Error{Kind: sashlock.Conflict, Op: "starting demo", Subject: data, Hint: "this folder holds something that is no demo: name a new one with --data"}
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return false, err
	}
	if err := os.WriteFile(path, []byte(markerText), 0o600); err != nil {
		return false, err
	}
	_, err = app.Init(data)
	return true, err
}

func listen(port int) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "starting demo", Subject: "port " + strconv.Itoa(port), Hint: "something else answers there: choose another port with --port, or --port 0 for a free one", Err: err}
	}
	return l, nil
}

// welcome says what can be done with the demo.
func welcome(out io.Writer, url, data string) {
	token := fmt.Sprintf(`$(sed -n 's/.*"token": "\(.*\)".*/\1/p' %s)`, filepath.Join(data, ConnectionFile))
	fmt.Fprintf(out, `
  Sashlock demo: three stores, 63 openings, 39 people, two weeks of history

  Look at it    %s
  Data folder   %s

  Try
    curl -s %s/v1/openings/fragrance-2/actions -H 'Content-Type: application/json' \
      -H "Authorization: Bearer %s" \
      -d '{"type":"release","person":"helena"}'
    sashlock events -f --data %s
    sashlock explain marta phones-1 --data %s
    sashlock verify --data %s

  DEMO: nothing here opens a real lock. Stop it with Ctrl+C.

`, url, data, url, token, data, data, data)
}
