// SPDX-License-Identifier: Apache-2.0

// Sashlock is the whole of Sashlock in one program: it runs a store node, and
// it is the command line of one that is running.
//
// # What
//
// Every subcommand is a file of this folder and a line of [commands]. Most of
// them speak to a store node over its API, through client.go; demo, init, serve,
// verify, doctor and bench work on a data folder or on nothing.
//
// # How it fits
//
// It stands on the top floor. What a subcommand does is done below: by package
// app, by the API, by the proofs. Only this folder reads the environment and
// ends the process.
//
// # Promises
//
//   - Nothing but "conformance --by-hand" asks questions: what is missing is an
//     error that says how to give
//     it. Secrets are printed by "token create" and, as links that work once, by
//     "serve" and "signin link"; by nothing else.
//   - A table is for people at a terminal. Piped, there are no headings, no
//     colours and no progress, and -o json is stable.
//   - Exit status: 0 yes, 1 no, 2 wrong call or input, 3 not reachable or not
//     possible now; "sashlock help exit-codes" lists the few exceptions.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // zones must be known on machines that have no table of them

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, newDesk(os.Stdin, os.Stdout, os.Stderr, os.Getenv), os.Args[1:])
	stop()
	os.Exit(code)
}

// commands is the table of subcommands: name, shape and one-line help.
type commands struct {
	globals

	Demo        demoCommand        `cmd:"" group:"store" help:"Run a simulated store and open its page"`
	Init        initCommand        `cmd:"" group:"store" help:"Set up a data folder with keys of its own"`
	Serve       serveCommand       `cmd:"" group:"store" help:"Run the store node of a data folder"`
	Doctor      doctorCommand      `cmd:"" group:"store" help:"Check a store node and say how to mend it"`
	Openings    openingsCommand    `cmd:"" group:"daily" help:"Show openings and how they stand"`
	Release     releaseCommand     `cmd:"" group:"daily" help:"Release an opening for a person"`
	Explain     explainCommand     `cmd:"" aliases:"can" group:"daily" help:"Tell why somebody can or cannot open something"`
	Events      eventsCommand      `cmd:"" group:"daily" help:"Show what happened, or follow it with -f"`
	Alarms      alarmsCommand      `cmd:"" group:"daily" help:"List alarms and acknowledge them"`
	Grant       grantCommand       `cmd:"" group:"setup" help:"Add, list and revoke grants"`
	People      peopleCommand      `cmd:"" group:"setup" help:"Import a list of people"`
	Scenario    scenarioCommand    `cmd:"" aliases:"scenarios" group:"daily" help:"List scenarios and lockdowns, begin and end them"`
	Devices     devicesCommand     `cmd:"" group:"setup" help:"List devices, fit them to openings"`
	Cutover     cutoverCommand     `cmd:"" group:"setup" help:"Compare an older system with this one"`
	Rota        rotaCommand        `cmd:"" group:"setup" help:"Import a rota and list shifts"`
	Gateways    gatewaysCommand    `cmd:"" aliases:"gateway" group:"setup" help:"Connect radios, brokers, buses and clouds with locks behind them"`
	Rails       railsCommand       `cmd:"" group:"setup" help:"List guard rails, and check their texts"`
	Apply       applyCommand       `cmd:"" group:"setup" help:"Make it so: carry out a YAML file, all or nothing"`
	Diff        diffCommand        `cmd:"" group:"setup" help:"Tell a YAML file from what is declared"`
	Drift       driftCommand       `cmd:"" group:"setup" help:"Tell what was changed by other ways than its file"`
	Simulate    simulateCommand    `cmd:"" group:"setup" help:"Tell whom a YAML file would let in or shut out"`
	Test        testCommand        `cmd:"" group:"setup" help:"Decide what the tests of a YAML file assert"`
	Export      exportCommand      `cmd:"" group:"setup" help:"Write everything that is declared as YAML"`
	Token       tokenCommand       `cmd:"" group:"setup" help:"Create, list and revoke tokens"`
	Signin      signinCommand      `cmd:"" group:"setup" help:"Make the link to own a store, or a way back in"`
	Verify      verifyCommand      `cmd:"" group:"proof" help:"Verify the whole ledger of a data folder"`
	Prove       proveCommand       `cmd:"" group:"proof" help:"Write an evidence bundle about entries"`
	Sim         simCommand         `cmd:"" group:"other" help:"Be a device, to try a store with"`
	Conformance conformanceCommand `cmd:"" group:"other" help:"Hold a driver and a real lock to what Sashlock relies on"`
	Bench       benchCommand       `cmd:"" group:"other" help:"Measure this machine"`
	Completion  completionCommand  `cmd:"" group:"other" help:"Print completion for a shell"`
	Version     versionCommand     `cmd:"" group:"other" help:"Print the version"`
	Help        helpCommand        `cmd:"" group:"other" help:"Explain a command or a topic"`
}

// globals are the flags that every command knows.
type globals struct {
	Data   string `placeholder:"DIR" help:"Data folder; SASHLOCK_DATA when not given."`
	URL    string `name:"url" placeholder:"URL" help:"Address of a store node; SASHLOCK_URL when not given."`
	Token  string `placeholder:"TOKEN" help:"Token for it, or @FILE; SASHLOCK_TOKEN when not given."`
	Output string `short:"o" placeholder:"FORMAT" help:"Output: table, json, yaml or name. For prove: the file to write."`
}

const description = `Opens the right door, case, cage, locker or vending machine for the right person at the right time, and proves afterwards what happened.

Start with "sashlock demo". A command that speaks to a store node finds it by --data DIR on this machine, or by --url and --token.`

// groups are the headings of the list of commands.
var groups = kong.Groups{
	"store": "Run a store:", "daily": "Every day:", "setup": "Set up:", "proof": "Prove:", "other": "Other:",
}

// newParser builds the grammar of all commands. Asking for help sets helped.
func newParser(d *desk, cli *commands, helped *bool) (*kong.Kong, error) {
	return kong.New(cli,
		kong.Name("sashlock"), kong.Description(description), groups, kong.Vars{"scopes": scopes()},
		kong.Writers(d.out, d.err), kong.Exit(func(int) { *helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
	)
}

// run is main with its surroundings as arguments.
func run(ctx context.Context, d *desk, args []string) int {
	if len(args) == 0 {
		args = []string{"--help"}
	}
	var cli commands
	helped := false
	parser, err := newParser(d, &cli, &helped)
	if err != nil {
		return d.fail(err)
	}
	parsed, err := parser.Parse(args)
	if helped {
		return exitYes
	}
	if err != nil {
		return d.fail(wrongCall(err))
	}
	d.ctx, d.globals = ctx, cli.globals
	if err := d.checkOutput(parsed.Command()); err != nil {
		return d.fail(err)
	}
	err = parsed.Run(d)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return exitYes // the user stopped it
	}
	return d.fail(err)
}
