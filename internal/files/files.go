// SPDX-License-Identifier: Apache-2.0

// Package files keeps which file declares what, and finds what has drifted from
// it.
//
// # What
//
// A file that is applied under a name owns the objects it declares, until it is
// applied without them or forgotten. [Drift] says what has been changed since by
// other ways: in the console, by the API, by an import.
//
// # How it fits
//
// [Keep] runs in the transaction that applies the file. Pages and programs read
// [List] and compare with what is declared now.
//
// # Promises
//
//   - An object belongs to one file at most: a second file that declares it is
//     refused, naming the first.
//   - Nobody is kept from changing what a file declares. What differs is shown,
//     and applying the file again puts it back.
package files

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Most is how many files there can be.
const Most = 100

// File is one that was applied under a name.
type File struct {
	Name    string
	Body    estate.File
	By      sashlock.OperatorID // who applied it last
	Applied time.Time           // and when
}

const columns = `name, body, operator, applied`

func scan(read store.Scan) (f File, err error) {
	var body string
	var applied int64
	if err = read(&f.Name, &body, &f.By, &applied); err != nil {
		return f, err
	}
	f.Applied = time.UnixMicro(applied).UTC()
	return f, json.Unmarshal([]byte(body), &f.Body)
}

// List returns every file in order of name.
func List(q store.Query) ([]File, error) {
	return store.Rows(q, scan, `SELECT `+columns+` FROM files ORDER BY name`)
}

// ValidName reports whether a file can be called so: 1 to 100 characters without
// spaces and controls.
func ValidName(name string) bool {
	return name != "" && len(name) <= 100 && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xfffd })
}

// Check says whether a file can be applied under a name. The error is of kind
// conflict when another file declares something of it, and of kind invalid for a
// name that cannot be.
func Check(q store.Query, name string, body estate.File) error {
	_, err := check(q, name, body)
	return err
}

// check returns the file as it was applied before; nil: never.
func check(q store.Query, name string, body estate.File) (old *File, err error) {
	const op = "applying file"
	if !ValidName(name) {
		return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: op, Subject: "file", Hint: lang.Mark("use 1 to 100 characters without spaces")}
	}
	all, err := List(q)
	if err != nil {
		return nil, err
	}
	mine := map[string]bool{}
	for _, one := range names(body) {
		mine[one] = true
	}
	for i, f := range all {
		if f.Name == name {
			old = &all[i]
			continue
		}
		for _, theirs := range names(f.Body) {
			if mine[theirs] {
				return nil, &sashlock.Error{
					Kind: sashlock.Conflict, Op: op, Subject: theirs,
					Hint: fmt.Sprintf("it belongs to the file %s: apply this under that name, or have that file forgotten first", f.Name),
				}
			}
		}
	}
	if old == nil && len(all) >= Most {
		return nil, &sashlock.Error{Kind: sashlock.Limit, Op: op, Subject: "file", Hint: lang.Mark("there are as many files as there can be: have one forgotten first")}
	}
	return old, nil
}

// Keep notes that a file was applied, with what it declares. The error is that of
// [Check]. Applied again without a difference it records nothing.
func Keep(tx *store.Tx, name string, by sashlock.OperatorID, body estate.File) ([]sashlock.Event, error) {
	old, err := check(tx, name, body)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	if err := tx.Put("files", "name", store.Fields{"name": name, "body": string(text), "operator": string(by), "applied": tx.Now().UnixMicro()}); err != nil {
		return nil, err
	}
	if old != nil && len(estate.Diff(old.Body, body, true)) == 0 {
		return nil, nil
	}
	data, err := json.Marshal(map[string]int{"objects": len(names(body))})
	return []sashlock.Event{{Kind: sashlock.FileApplied, Subject: name, Data: data}}, err
}

// Forget lets go of what a file declares; the objects stay as they are.
func Forget(tx *store.Tx, name string) (sashlock.Event, error) {
	if _, err := store.One(tx, scan, "file", name, `SELECT `+columns+` FROM files WHERE name = ?`, name); err != nil {
		return sashlock.Event{}, err
	}
	_, err := tx.Exec(`DELETE FROM files WHERE name = ?`, name)
	return sashlock.Event{Kind: sashlock.FileForgotten, Subject: name}, err
}

// names lists what a file declares, as kind and reference.
func names(body estate.File) (all []string) {
	for _, s := range estate.Diff(estate.File{}, body, false) {
		all = append(all, string(s.Kind)+" "+s.Ref)
	}
	return all
}

// Drifted is a file and what is otherwise than it says.
type Drifted struct {
	File
	Objects int // how many it declares
	// Steps are what applying the file again would do; in a change, From is how
	// the object stands.
	Steps []estate.Step
}

// Drift compares files with what is declared now.
func Drift(have estate.File, all []File) []Drifted {
	out := make([]Drifted, len(all))
	for i, f := range all {
		out[i] = Drifted{File: f, Objects: len(names(f.Body)), Steps: estate.Diff(have, f.Body, false)}
	}
	return out
}
