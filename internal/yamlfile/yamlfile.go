// SPDX-License-Identifier: Apache-2.0

// Package yamlfile reads the YAML files that people write: estates,
// configurations and manifests.
//
// # What
//
// [Decode] reads one document strictly into a Go value. Whatever is wrong is
// one [Error] of one line, with the line, the column and the field.
//
// # How it fits
//
// It knows nothing of ours, so that every package that reads YAML can use it;
// each wraps the error in its own words.
//
// # Promises
//
//   - Whatever the bytes are, Decode returns, and uses memory in proportion to
//     their number. Panics of the parser are answered as errors.
//   - An unknown key, a key given twice, a wrong type and a second document are
//     errors. Nothing stands for anything that the reader of the file does not
//     see: no anchors, aliases, merges and tags.
package yamlfile

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// MaxSize is the largest file that is read, in bytes.
const MaxSize = 8 << 20

// Decode reads data into the value that into points at. A file with nothing in
// it leaves the value as it is. Errors are of type *[Error].
func Decode(data []byte, into any) (err error) {
	if len(data) > MaxSize {
		return &Error{Problem: fmt.Sprintf("split the file: it has %d bytes, the most is %d", len(data), MaxSize)}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // some editors put it there
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	if line := tooDeep(data); line > 0 {
		return &Error{Line: line, Problem: "no file of ours is nested as deep as this"}
	}
	defer func() { // the decoder panics on some malformed text, a tag with nothing behind it for one
		if p := recover(); p != nil {
			err = &Error{Problem: firstLine(fmt.Sprintf("this is not YAML: %v", p))}
		}
	}()
	data = slices.Concat(data, []byte("\n"))                               // without it the parser overlooks a tag at the end
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey()) // misread looks for them, and knows the field
	if err != nil {
		return told(err)
	}
	root, err := only(file)
	if err != nil || root == nil {
		return err
	}
	var m misread
	ast.Walk(&m, root)
	if m.found != nil {
		return inField(root, m.found)
	}
	if err := yaml.NewDecoder(bytes.NewReader(nil), yaml.Strict()).DecodeFromNode(root, into); err != nil {
		return inField(root, told(err))
	}
	return nil
}

// only returns what the only document of a file holds, nil when it is nothing.
func only(file *ast.File) (root ast.Node, err error) {
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case root != nil:
			return nil, &Error{Problem: "keep one YAML document in a file: remove everything from the second --- on"}
		default:
			root = doc.Body
		}
	}
	return root, nil
}
