// SPDX-License-Identifier: Apache-2.0

// Command ledgers compares Sashlock's sealed ledger with ledgers of others:
// how many entries a second are on disk, by how many writers, on one disk and
// in one run.
//
// # What
//
// Every peer gets its turn in every round, alone and in a fresh folder: it is
// opened, warmed, measured, asked how many entries it holds, and closed. The
// figures are medians over the rounds; the ratios are taken within a round, so
// that what else the machine does hits both sides alike.
//
// # How it fits
//
// It is a module of its own beside the product, for people who want to check
// our figures. Nothing imports it, and the product imports none of the peers.
//
// # Promises
//
//   - Every call that is counted returned without an error after the entry was
//     durable, by the peer's own word (see README.md), and the peer held as many
//     entries at the end as were appended.
//   - Every peer gets the same bytes from the same number of goroutines.
//   - It removes what it wrote.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are what the flags say.
type settings struct {
	dir     string        // where the folders of the peers go
	length  time.Duration // of one measurement
	rounds  int
	writers []int
	peers   []peer
	json    bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	log.SetFlags(0)
	log.SetPrefix("ledgers: ")
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Fatal(err)
	}
}

// run carries out the command: the result goes to out, progress to talk.
func run(ctx context.Context, args []string, out, talk io.Writer) (err error) {
	s, err := parse(args, talk)
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp(s.dir, "ledgers-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	r, err := compare(ctx, s, talk)
	if err != nil {
		return err
	}
	r.Command = strings.Join(append([]string{"ledgers"}, args...), " ")
	if !s.json {
		return r.print(out)
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// parse reads the flags.
func parse(args []string, talk io.Writer) (settings, error) {
	flags := flag.NewFlagSet("ledgers", flag.ContinueOnError)
	flags.SetOutput(talk)
	dir := flags.String("dir", "", "folder on the disk to measure, which must be a real one (default: the temporary folder)")
	length := flags.Duration("for", 3*time.Second, "length of each measurement")
	rounds := flags.Int("rounds", 3, "rounds; the figures are medians over them")
	writers := flags.String("writers", "1,64,512", "how many append at once")
	only := flags.String("only", "", "only these peers, separated by commas; known are "+names(peers))
	format := flags.String("o", "table", "table or json")
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	s := settings{dir: *dir, length: *length, rounds: *rounds, json: *format == "json", peers: peers}
	for _, text := range strings.Split(*writers, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 4096 {
			return settings{}, fmt.Errorf("--writers: %q is not a number from 1 to 4096", text)
		}
		s.writers = append(s.writers, n)
	}
	if *only != "" {
		s.peers = nil
		for _, name := range strings.Split(*only, ",") {
			i := slices.IndexFunc(peers, func(p peer) bool { return p.name == name })
			if i < 0 {
				return settings{}, fmt.Errorf("--only: there is no peer %q; known are %s", name, names(peers))
			}
			s.peers = append(s.peers, peers[i])
		}
	}
	switch {
	case flags.NArg() > 0:
		return settings{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case s.length <= 0 || s.rounds < 1:
		return settings{}, errors.New("--for and --rounds must be greater than zero")
	case *format != "json" && *format != "table":
		return settings{}, fmt.Errorf("-o: %q is neither table nor json", *format)
	}
	return s, nil
}

func names(all []peer) string {
	var list []string
	for _, p := range all {
		list = append(list, p.name)
	}
	return strings.Join(list, ", ")
}
