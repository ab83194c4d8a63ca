// SPDX-License-Identifier: Apache-2.0

// Package policies holds the guard rails that come with Sashlock: rules in
// Cedar that forbid, whatever is granted.
//
// # What
//
// Each rail is a file here, and its stories are in testdata: what somebody
// wants, and what the rails say about it. [Default] returns all of them.
//
// # How it fits
//
// A new store starts with these rails; package internal/guard compiles them. A
// new rail needs its file and its stories, and nothing else.
//
// # Promises
//
// Every rail compiles, gives a reason and a remedy, and has at least one story
// that it forbids and one that it lets pass. An ordinary store can keep all of
// them: what needs records that a store may not have yet starts as a shadow.
package policies

import (
	"embed"
	"strings"
)

//go:embed *.cedar testdata/*.txt
var files embed.FS

// Policy is a guard rail as it is shipped.
type Policy struct {
	Name   string // that of its file
	Text   string
	Shadow bool // starts as a shadow: recorded, not enforced

	Stories string // what somebody wants, and what the rails say about it; a paragraph each
}

// shadowMark is the note of a rail that starts as a shadow.
const shadowMark = `@note("shadow`

// Default returns the shipped rails in order of name.
func Default() []Policy {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("policies: the embedded files cannot be listed: " + err.Error())
	}
	var all []Policy
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		text, err := files.ReadFile(e.Name())
		if err != nil {
			panic("policies: an embedded file cannot be read: " + err.Error())
		}
		name := strings.TrimSuffix(e.Name(), ".cedar")
		stories, _ := files.ReadFile("testdata/" + name + ".txt") // a test tells each
		all = append(all, Policy{
			Name: name, Text: string(text), Stories: string(stories),
			Shadow: strings.Contains(string(text), shadowMark),
		})
	}
	return all
}
