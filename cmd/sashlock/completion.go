// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help explains the command.
func (c *completionCommand) Help() string {
	return `Completes commands and flags.

Examples:

    source <(sashlock completion bash)
    sashlock completion zsh > "${fpath[1]}/_sashlock"
    sashlock completion fish > ~/.config/fish/completions/sashlock.fish`
}

// Run carries out the command.
func (c *completionCommand) Run(d *desk) error {
	var cli commands
	var helped bool
	parser, err := newParser(d, &cli, &helped)
	if err != nil {
		return err
	}
	var text string
	all := completions(parser.Model.Node)
	switch c.Shell {
	case "fish":
		text = fishCompletion(all)
	case "zsh":
		text = "#compdef sashlock\nautoload -U +X bashcompinit && bashcompinit\n" + bashCompletion(all)
	default:
		text = bashCompletion(all)
	}
	_, err = fmt.Fprint(d.out, text)
	return err
}

// completionsOf is what may follow a chain of commands.
type completionsOf struct {
	path  string // "grant add"; empty at the beginning
	words []completionWord
}

type completionWord struct{ text, help string }

// completions lists what may follow each chain of commands, by path.
func completions(root *kong.Node) []completionsOf {
	var all []completionsOf
	var walk func(n *kong.Node, path string)
	walk = func(n *kong.Node, path string) {
		at := completionsOf{path: path}
		for _, child := range n.Children {
			if child.Type == kong.CommandNode && !child.Hidden {
				at.words = append(at.words, completionWord{child.Name, child.Help})
			}
		}
		for _, group := range n.AllFlags(true) {
			for _, f := range group {
				at.words = append(at.words, completionWord{"--" + f.Name, f.Help})
			}
		}
		all = append(all, at)
		for _, child := range n.Children {
			if child.Type == kong.CommandNode && !child.Hidden {
				for _, name := range append([]string{child.Name}, child.Aliases...) {
					walk(child, strings.TrimSpace(path+" "+name))
				}
			}
		}
	}
	walk(root, "")
	slices.SortFunc(all, func(a, b completionsOf) int { return strings.Compare(a.path, b.path) })
	return all
}

func bashCompletion(all []completionsOf) string {
	var b strings.Builder
	b.WriteString(`_sashlock() {
  local path="" word words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${COMP_WORDS[i]}"
    case "$word" in -*) continue ;; esac
    case "${path:+$path }$word" in
`)
	for _, c := range all {
		if c.path != "" {
			fmt.Fprintf(&b, "      %q) path=%q ;;\n", c.path, c.path)
		}
	}
	b.WriteString("    esac\n  done\n  case \"$path\" in\n")
	for _, c := range all {
		texts := make([]string, len(c.words))
		for i, w := range c.words {
			texts[i] = w.text
		}
		fmt.Fprintf(&b, "    %q) words=%q ;;\n", c.path, strings.Join(texts, " "))
	}
	b.WriteString(`  esac
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _sashlock sashlock
`)
	return b.String()
}

func fishCompletion(all []completionsOf) string {
	var b strings.Builder
	for _, c := range all {
		condition := "__fish_use_subcommand"
		if c.path != "" {
			steps := strings.Fields(c.path)
			for i, s := range steps {
				steps[i] = "__fish_seen_subcommand_from " + s
			}
			condition = strings.Join(steps, "; and ")
		}
		for _, w := range c.words {
			flag := "-a " + w.text
			if name, is := strings.CutPrefix(w.text, "--"); is {
				flag = "-l " + name
			}
			fmt.Fprintf(&b, "complete -c sashlock -n '%s' %s -d '%s'\n", condition, flag, strings.ReplaceAll(w.help, "'", `\'`))
		}
	}
	return b.String()
}
