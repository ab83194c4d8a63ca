// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/sashlock/sashlock"
)

// MaxFile is the largest file that is read, in bytes.
const MaxFile = 8 << 20

// Parse reads a YAML file. Unknown keys, wrong types and a second document are
// errors of kind invalid that give the line.
func Parse(data []byte) (File, error) {
	var f File
	bad := func(hint string) (File, error) {
		return File{}, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading estate file", Hint: hint}
	}
	if len(data) > MaxFile {
		return bad(fmt.Sprintf("split the file: it has %d bytes, the most is %d", len(data), MaxFile))
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // some editors put it there
	if len(bytes.TrimSpace(data)) == 0 {
		return f, nil
	}
	if line := tooDeep(data); line > 0 {
		return bad(fmt.Sprintf("line %d: an estate file is never nested as deep as this", line))
	}
	f, err := decode(data)
	if err != nil {
		return bad(positioned(err))
	}
	return f, nil
}

// errSecondDocument is what a file with two documents gets.
var errSecondDocument = errors.New("keep one YAML document in a file: remove everything from the second --- on")

// decode reads YAML strictly. The parser panics on some malformed text (a tag
// without a value, for one), which is answered as an error.
func decode(data []byte) (f File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("this is not YAML: %v", p)
		}
	}()
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return File{}, err
	}
	var only ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case only != nil:
			return File{}, errSecondDocument
		default:
			only = doc.Body
		}
	}
	if only == nil {
		return File{}, nil
	}
	var m misread
	ast.Walk(&m, only)
	if m.found != nil {
		return File{}, m.found
	}
	if err := yaml.NewDecoder(bytes.NewReader(nil), yaml.Strict()).DecodeFromNode(only, &f); err != nil {
		return File{}, err
	}
	return f, nil
}

// positioned returns the decoder's complaint as "line 12, column 5: …".
func positioned(err error) string {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil || at.GetToken().Position == nil {
		return firstLine(err.Error())
	}
	p := at.GetToken().Position
	return fmt.Sprintf("line %d, column %d: %s", p.Line, p.Column, firstLine(at.GetMessage()))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// Marshal writes a file, objects ordered by kind and slug, so that two writings
// of the same estate are the same bytes.
func Marshal(f File) ([]byte, error) {
	out, err := yaml.MarshalWithOptions(f.sorted(), yaml.IndentSequence(true), yaml.CustomMarshaler(scalar))
	if err != nil {
		return nil, &sashlock.Error{Kind: sashlock.Internal, Op: "writing estate file", Err: err}
	}
	return out, nil
}

// plain is text that YAML reads as itself without quotes: words and lengths of
// time.
var plain = regexp.MustCompile(`^(\pL[\pL\pM\pN /.'_-]*[\pL\pM\pN.'_-]|\pL|([0-9]+(ms|h|m|s))+)$`)

// scalar writes text so that it is read again as the same text, in every YAML
// parser: what could be taken for something else is put in quotes.
func scalar(s string) ([]byte, error) {
	switch strings.ToLower(s) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
	default:
		if plain.MatchString(s) {
			return []byte(s), nil
		}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(s)
	return bytes.TrimSpace(out.Bytes()), err
}

// sorted returns a copy of f with its objects in order of slug.
func (f File) sorted() File {
	f.Sites = bySlug(f.Sites)
	f.Areas = bySlug(f.Areas)
	f.Openings = bySlug(f.Openings)
	f.Roles = bySlug(f.Roles)
	f.People = bySlug(f.People)
	f.Schedules = bySlug(f.Schedules)
	f.Grants = bySlug(f.Grants)
	return f
}

// object is what all declared objects have in common.
type object interface {
	// Ref is how other objects and people refer to it.
	Ref() string
}

// Ref returns the slug.
func (s Site) Ref() string { return s.Slug }

// Ref returns "site/area".
func (a Area) Ref() string { return a.Site + "/" + a.Slug }

// Ref returns the slug.
func (o Opening) Ref() string { return o.Slug }

// Ref returns the slug.
func (r Role) Ref() string { return r.Slug }

// Ref returns the slug.
func (p Person) Ref() string { return p.Slug }

// Ref returns the slug.
func (s Schedule) Ref() string { return s.Slug }

// Ref returns the slug.
func (g Grant) Ref() string { return g.Slug }

func bySlug[T object](list []T) []T {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b T) int { return strings.Compare(a.Ref(), b.Ref()) })
	return list
}
