// SPDX-License-Identifier: Apache-2.0

// Command deciders compares how long Sashlock takes to decide whether somebody
// may open something with Cedar, Casbin and OPA, on one estate and in one run.
//
// # What
//
// Every decider gets the same people, roles, openings, schedules, grants and
// guard rails. First its answers are compared with a plain program that goes
// through everything; a wrong one ends the run. Then each has its turn in every
// round. The figures are medians over the rounds; the ratios are taken within a
// round, so that what else the machine does hits both sides alike.
//
// # How it fits
//
// It is a module of its own beside the product, for people who want to check
// our figures. Nothing imports it, and the product imports none of the peers
// but cedar-go.
//
// # Promises
//
//   - No decider is measured that gave a wrong answer.
//   - Every decider gets the same requests, as names, and answers all of the
//     question: grants, schedules on the site's clock, guard rails.
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
	"strings"
	"time"
)

// decider answers requests.
type decider interface {
	decide(a *ask) (bool, error)
}

// peer is a decider and how to make it.
type peer struct {
	name    string
	module  string // whose version is shown; empty: this tree
	setting string
	open    func(*workload) (decider, error)
}

// ours is the peer that the others are compared with.
const ours = "sashlock"

// all lists the peers in the order of the table.
func all() []peer {
	return []peer{
		{ours, "", "index of grants, then for what they grant the set of guard rails", newSashlock},
		{"cedar", "github.com/cedar-policy/cedar-go", "a policy for each grant and rail; only those about the request are evaluated, which we look up by keys", newCedar},
		{"opa", "github.com/open-policy-agent/opa", "grants, schedules and rails as data by key; prepared query, parsed input, AST values in the store", newOPA},
		{"casbin", "github.com/casbin/casbin/v2", "a line for each grant and rail, roles for people and openings, conditions in a Go function", newCasbin},
	}
}

// settings are what the flags say.
type settings struct {
	grants   int
	requests int
	length   time.Duration // of one measurement
	check    time.Duration // how long answers are compared, for each peer and kind of request
	rounds   int
	peers    []peer
	json     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	log.SetFlags(0)
	log.SetPrefix("deciders: ")
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Fatal(err)
	}
}

// run carries out the command: the result goes to out, progress to talk.
func run(ctx context.Context, args []string, out, talk io.Writer) error {
	s, err := parse(args, talk)
	if err != nil {
		return err
	}
	r, err := compare(ctx, s, talk)
	if err != nil {
		return err
	}
	r.Command = strings.Join(append([]string{"deciders"}, args...), " ")
	if !s.json {
		return r.print(out)
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// parse reads the flags.
func parse(args []string, talk io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("deciders", flag.ContinueOnError)
	flags.SetOutput(talk)
	flags.IntVar(&s.grants, "grants", 10_000, "grants in the estate; Casbin takes time in proportion to it")
	flags.IntVar(&s.requests, "requests", 1<<14, "different requests of each kind")
	flags.DurationVar(&s.length, "for", time.Second, "length of each measurement")
	flags.DurationVar(&s.check, "check", 2*time.Second, "how long the answers of each peer are compared, for each kind of request")
	flags.IntVar(&s.rounds, "rounds", 3, "rounds; the figures are medians over them")
	only := flags.String("only", "", "only these peers, separated by commas")
	format := flags.String("o", "table", "table or json")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.peers, s.json = all(), *format == "json"
	if *only != "" {
		names := strings.Split(*only, ",")
		s.peers = slices.DeleteFunc(s.peers, func(p peer) bool { return !slices.Contains(names, p.name) })
		if len(s.peers) != len(names) {
			return s, fmt.Errorf("-only: %s: a peer of these is not known", *only)
		}
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case s.grants < 1 || s.requests < 1 || s.rounds < 1 || s.length <= 0 || s.check <= 0:
		return s, errors.New("every number must be greater than zero")
	case *format != "json" && *format != "table":
		return s, fmt.Errorf("-o: %q is neither table nor json", *format)
	}
	return s, nil
}
