// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/reference/cli.md anew")

// model returns the grammar of all commands.
func model(t *testing.T) *kong.Application {
	t.Helper()
	var cli commands
	var helped bool
	parser, err := newParser(&desk{out: io.Discard, err: io.Discard}, &cli, &helped)
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

// leaves calls f for every command that can be run, and for those that hold
// others.
func leaves(n *kong.Node, f func(*kong.Node)) {
	for _, child := range n.Children {
		if child.Type == kong.CommandNode {
			f(child)
			leaves(child, f)
		}
	}
}

// TestEveryCommandHasAnExample keeps the help useful.
func TestEveryCommandHasAnExample(t *testing.T) {
	count := 0
	leaves(model(t).Node, func(n *kong.Node) {
		count++
		_, examples, found := strings.Cut(n.Detail, "Examples:\n")
		if !found || !strings.Contains(examples, "sashlock") || n.Help == "" {
			t.Errorf("%s has no help with an example", n.Path())
		}
	})
	if count < 20 {
		t.Errorf("only %d commands were seen", count)
	}
}

// TestReference compares docs/reference/cli.md with the commands; with -update
// it writes it.
func TestReference(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "reference", "cli.md")
	want := reference(model(t))
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(have)); diff != "" {
		t.Errorf("%s is not fresh, run go test ./cmd/sashlock -run Reference -update (-want +have):\n%s", path, diff)
	}
}

func reference(app *kong.Application) string {
	var b strings.Builder
	b.WriteString("<!-- Written by `go test ./cmd/sashlock -run Reference -update` from the commands. Do not edit. -->\n\n# Command line\n\n")
	b.WriteString(app.Help + "\n\n## Flags of every command\n\n")
	flagTable(&b, app.Flags)
	leaves(app.Node, func(n *kong.Node) {
		fmt.Fprintf(&b, "\n%s %s\n\n%s.\n\n```\n%s\n```\n", strings.Repeat("#", min(n.Depth()+1, 4)), strings.TrimPrefix(n.FullPath(), "sashlock "), n.Help, n.Summary())
		text, examples, _ := strings.Cut(n.Detail, "Examples:\n")
		if text = strings.TrimSpace(text); text != "" {
			b.WriteString("\n" + text + "\n")
		}
		fmt.Fprintf(&b, "\nExamples:\n%s\n", strings.TrimRight(examples, "\n"))
		if len(n.Positional)+len(n.Flags) > 0 {
			b.WriteString("\n")
			arguments(&b, n)
		}
	})
	for _, name := range []string{"connecting", "output", "exit-codes"} {
		title, text, _ := strings.Cut(topics[name], "\n")
		fmt.Fprintf(&b, "\n## %s\n\n```\n%s\n```\n", title, strings.Trim(text, "\n"))
	}
	return b.String()
}

func arguments(b *strings.Builder, n *kong.Node) {
	b.WriteString("| | |\n|---|---|\n")
	for _, p := range n.Positional {
		fmt.Fprintf(b, "| `%s` | %s |\n", p.Summary(), p.Help)
	}
	flagRows(b, n.Flags)
}

func flagTable(b *strings.Builder, flags []*kong.Flag) {
	b.WriteString("| | |\n|---|---|\n")
	flagRows(b, flags)
}

func flagRows(b *strings.Builder, flags []*kong.Flag) {
	for _, f := range flags {
		name := f.String()
		fmt.Fprintf(b, "| `%s` | %s |\n", strings.ReplaceAll(name, "|", `\|`), f.Help)
	}
}
