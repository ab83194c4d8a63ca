// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/edge/lock"
)

type simCommand struct {
	Lock simLock `cmd:"" help:"Be a lock that speaks MQTT to a store."`
}

// Help explains the command.
func (c *simCommand) Help() string {
	return `Examples:

    sashlock sim lock --endpoint 127.0.0.1:8883 --code CODE --keep till-3.json`
}

type simLock struct {
	Endpoint string        `required:"" placeholder:"ADDRESS" help:"Where the store's gateway with the driver edge listens: store.example:8883."`
	Code     string        `placeholder:"CODE" help:"Code of sashlock devices enrol; once."`
	Keep     string        `placeholder:"FILE" help:"Where the lock keeps its key and certificate, readable by its owner only. Without it they are gone when the lock ends."`
	Latency  time.Duration `default:"30ms" help:"How long the bolt takes."`
}

// Help explains the command.
func (c *simLock) Help() string {
	return `A lock with a bolt, a contact and a keypad that exist in this process only. It enrols with a code, or takes up again with what it kept. It moves its bolt only for commands that the store signed, for this lock, that have not expired and were never used. It has its certificate renewed when a quarter of its life is left.

What people do to it is typed, a line each: open, close, unlock, lock, jam, free, code 3, wrong, near, gone, battery 40, off, on.

Examples:

    sashlock sim lock --endpoint 127.0.0.1:8883 --code CODE --keep till-3.json
    sashlock sim lock --endpoint 127.0.0.1:8883 --keep till-3.json`
}

// Run carries out the command.
func (c *simLock) Run(d *desk) error {
	who, err := c.identity(d)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	say := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(d.out, "%s %s\n", who.Address, what)
	}
	keeper := lock.Keeper{Endpoint: c.Endpoint, Now: time.Now, Keep: c.keep, Say: say, Again: lock.RenewAgain}
	how, err := keeper.TLS(who)
	if err != nil {
		return err
	}
	l := lock.New(lock.Options{
		Endpoint: c.Endpoint, Site: who.Site, Address: who.Address, TLS: how, CommandKey: who.CommandKey,
		Boot: uint64(time.Now().Unix()), Latency: c.Latency, Name: who.Address, //nolint:gosec // after 1970
		Say: say,
	})
	ctx, end := context.WithCancel(d.ctx)
	defer end()
	go c.obey(d, l)
	go keeper.Run(ctx, who)
	l.Run(ctx)
	return nil
}

// identity reads what the lock kept, or enrols it.
func (c *simLock) identity(d *desk) (lock.Identity, error) {
	var who lock.Identity
	if c.Keep != "" && c.Code == "" {
		text, err := os.ReadFile(c.Keep)
		if err == nil {
			err = json.Unmarshal(text, &who)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return who, badFlag("--keep", "this file is not there yet: enrol with --code first")
		}
		return who, err
	}
	if c.Code == "" {
		return who, badFlag("--code", `give a code of "sashlock devices enrol", or the file of a lock that has enrolled with --keep`)
	}
	who, err := lock.Enrol(d.ctx, c.Endpoint, c.Code)
	if err != nil {
		return who, err
	}
	return who, c.keep(who)
}

// keep writes down who the lock is, if it is to be kept: whole or not at all,
// because without it the lock has to be enrolled again.
func (c *simLock) keep(who lock.Identity) error {
	if c.Keep == "" {
		return nil
	}
	text, err := json.Marshal(who)
	if err != nil {
		return err
	}
	fresh := c.Keep + ".new"
	if err := os.WriteFile(fresh, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, c.Keep)
}

// obey does to the lock what people type.
func (c *simLock) obey(d *desk, l *lock.Lock) {
	lines := bufio.NewScanner(d.in)
	for lines.Scan() {
		if err := act(l, strings.Fields(lines.Text())); err != nil {
			d.note("%v", err)
		}
	}
}

func act(l *lock.Lock, words []string) error {
	if len(words) == 0 {
		return nil
	}
	n := 0
	if len(words) > 1 {
		var err error
		if n, err = strconv.Atoi(words[1]); err != nil {
			return badFlag(words[0], "give a number")
		}
	}
	simple := map[string]func(){
		"open": l.OpenDoor, "close": l.CloseDoor, "off": l.SwitchOff, "on": l.SwitchOn,
		"unlock": func() { l.Turn(true) }, "lock": func() { l.Turn(false) },
		"jam": func() { l.Jam(true) }, "free": func() { l.Jam(false) },
		"wrong": func() { l.Type(0) }, "code": func() { l.Type(n) },
		"near": func() { l.Pass(true) }, "gone": func() { l.Pass(false) },
		"battery": func() { l.Drain(min(max(n, 0), 100)) },
	}
	do, known := simple[words[0]]
	if !known {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "doing to the lock", Subject: words[0], Hint: "see sashlock sim lock --help for the words"}
	}
	do()
	return nil
}
