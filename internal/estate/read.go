// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/yamlfile"
)

// MaxFile is the largest file that is read, in bytes.
const MaxFile = yamlfile.MaxSize

// Parse reads a YAML file. Unknown keys, wrong types and a second document are
// errors of kind invalid that give the line and the field.
func Parse(data []byte) (File, error) {
	var f File
	if err := yamlfile.Decode(data, &f); err != nil {
		return File{}, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading estate file", Hint: err.Error()}
	}
	return f, nil
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
