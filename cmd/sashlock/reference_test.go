// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock/internal/app"
)

var update = flag.Bool("update", false, "write docs/reference/cli.md and config.md anew")

// model returns the grammar of all commands.
func model(t *testing.T) *kong.Application {
	t.Helper()
	var cli commands
	var helped bool
	grammar, err := newParser(&desk{out: io.Discard, err: io.Discard}, &cli, &helped)
	if err != nil {
		t.Fatal(err)
	}
	return grammar.Model
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

// TestReference compares docs/reference with the commands and the configuration;
// with -update it writes it.
func TestReference(t *testing.T) {
	for name, want := range map[string]string{"cli.md": reference(model(t)), "config.md": configReference(t)} {
		path := filepath.Join("..", "..", "docs", "reference", name)
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
}

// configReference writes down the keys of config.yaml from the comments of the
// type that it is read into.
func configReference(t *testing.T) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "internal", "app", "config.go"), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("<!-- Written by `go test ./cmd/sashlock -run Reference -update` from internal/app/config.go. Do not edit. -->\n\n# config.yaml\n\n" +
		"A store node reads config.yaml in its data folder when it starts. Unknown keys are errors. `sashlock init` writes a first one, `sashlock doctor` checks it.\n")
	for _, kind := range []struct{ name, title string }{{"Config", "Keys"}, {"Gateway", "Keys of a gateway"}} {
		fmt.Fprintf(&b, "\n## %s\n\n| Key | Meaning |\n|---|---|\n", kind.title)
		rows := 0
		for _, f := range structFields(file, kind.name) {
			key, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("yaml"), ",")
			if key != "-" {
				fmt.Fprintf(&b, "| `%s` | %s |\n", key, strings.ReplaceAll(strings.Join(strings.Fields(f.Doc.Text()), " "), "|", `\|`))
				rows++
			}
		}
		if rows == 0 {
			t.Fatalf("internal/app/config.go has no %s", kind.name)
		}
	}
	b.WriteString("\nThe configuration of a gateway is its driver's own: see [Gateways](gateways.md).\n\n## Example\n\n```yaml\n" + configExample + "```\n")
	return b.String()
}

const configExample = `listen: 127.0.0.1:7117
gateways:
  - name: radio-1
    driver: zwavejs
    config:
      url: ws://127.0.0.1:3000
`

// TestConfigExample reads the example as a store node would.
func TestConfigExample(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, app.ConfigFile), []byte(configExample), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := app.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Gateways) != 1 || c.Listen != app.DefaultListen {
		t.Errorf("the example reads as %+v", c)
	}
}

// structFields returns the fields of a struct type in a file.
func structFields(file *ast.File, name string) []*ast.Field {
	for n := range ast.Preorder(file) {
		spec, is := n.(*ast.TypeSpec)
		if !is || spec.Name.Name != name {
			continue
		}
		if body, is := spec.Type.(*ast.StructType); is {
			return body.Fields.List
		}
	}
	return nil
}

func reference(all *kong.Application) string {
	var b strings.Builder
	b.WriteString("<!-- Written by `go test ./cmd/sashlock -run Reference -update` from the commands. Do not edit. -->\n\n# Command line\n\n")
	b.WriteString(all.Help + "\n\n## Flags of every command\n\n")
	flagTable(&b, all.Flags)
	leaves(all.Node, func(n *kong.Node) {
		fmt.Fprintf(&b, "\n%s %s\n\n%s.\n\n```\n%s\n```\n", strings.Repeat("#", min(n.Depth()+2, 4)), strings.TrimPrefix(n.FullPath(), "sashlock "), n.Help, n.Summary())
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
