// SPDX-License-Identifier: Apache-2.0

package drivertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// Settings holds a driver's manifest to its Check and to the type that its
// configuration is read into, given as the zero value of that type: every key
// of the type is in the manifest and no other; what is required is missed by
// name; what is not required can be left out; the examples, defaults and
// choices are taken; a key that does not exist is refused by name.
func Settings(t *testing.T, d driver.Driver, config any) {
	t.Helper()
	described, is := d.(driver.Described)
	if !is {
		t.Fatalf("%s has no manifest", d.Name())
	}
	m, err := described.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != d.Name() {
		t.Errorf("the manifest is called %q, the driver %q", m.Name, d.Name())
	}
	for _, flaw := range keyFlaws(m.Config, reflect.TypeOf(config), "") {
		t.Error(flaw)
	}
	for _, flaw := range checkFlaws(d, m.Config) {
		t.Error(flaw)
	}
}

// keyFlaws compares the settings with the fields of a type.
func keyFlaws(settings []driver.Setting, kind reflect.Type, path string) []string {
	if kind.Kind() != reflect.Struct {
		return []string{fmt.Sprintf("%s%v is no struct", path, kind)}
	}
	var flaws []string
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(kind) {
		if f.Anonymous {
			continue // its fields are there themselves
		}
		if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key != "" && key != "-" {
			fields[key] = f.Type
		} else if f.IsExported() && key != "-" {
			flaws = append(flaws, fmt.Sprintf("%s%s has no json key", path, f.Name))
		}
	}
	for _, s := range settings {
		have, known := fields[s.Key]
		delete(fields, s.Key)
		switch {
		case !known:
			flaws = append(flaws, fmt.Sprintf("%s%s is in the manifest and not in the configuration", path, s.Key))
		case !fits(s.Kind, have):
			flaws = append(flaws, fmt.Sprintf("%s%s is a %s in the manifest and a %v in the configuration", path, s.Key, s.Kind, have))
		case s.Kind == driver.SettingRows:
			flaws = append(flaws, keyFlaws(s.Fields, plain(have.Elem()), path+s.Key+"[].")...)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		flaws = append(flaws, fmt.Sprintf("%s%s is in the configuration and not in the manifest", path, key))
	}
	return flaws
}

// plain looks through a pointer, which tells what was left out from nothing.
func plain(kind reflect.Type) reflect.Type {
	if kind.Kind() == reflect.Pointer {
		return kind.Elem()
	}
	return kind
}

// fits reports whether a field of a configuration takes what a setting gives.
func fits(s driver.SettingKind, field reflect.Type) bool {
	field = plain(field)
	if reflect.PointerTo(field).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return true // Check says
	}
	switch s {
	case driver.SettingNumber:
		return field.Kind() >= reflect.Int && field.Kind() <= reflect.Float64
	case driver.SettingYesNo:
		return field.Kind() == reflect.Bool
	case driver.SettingList:
		return field.Kind() == reflect.Slice && field.Elem().Kind() == reflect.String
	case driver.SettingRows:
		return field.Kind() == reflect.Slice && plain(field.Elem()).Kind() == reflect.Struct
	default:
		return field.Kind() == reflect.String
	}
}

// checkFlaws tries what a manifest promises on the driver's Check.
func checkFlaws(d driver.Driver, settings []driver.Setting) []string {
	try := try{d: d, base: required(settings)}
	try.taken("with nothing but what is required", nil)
	for _, s := range settings {
		try.one(s, settings)
	}
	try.names("a key that does not exist", map[string]any{"xyzzy": 1}, "xyzzy", nil)
	return try.flaws
}

// required is a configuration with samples of all that is required.
func required(settings []driver.Setting) map[string]any {
	all := map[string]any{}
	for _, s := range settings {
		if s.Required {
			all[s.Key] = sample(s)
		}
	}
	return all
}

// sample is a value of a setting: for rows, one row of samples.
func sample(s driver.Setting) any {
	if s.Kind == driver.SettingRows {
		return []any{required(s.Fields)}
	}
	value, err := s.Value(s.Sample())
	if err != nil {
		return err.Error() // ReadManifest has refused it already
	}
	return value
}

// leftOut stands for a required setting that another one is there instead of.
const leftOut = "\x00"

// try tries configurations and remembers what was wrong.
type try struct {
	d     driver.Driver
	base  map[string]any
	flaws []string
}

// one tries all that a setting says of itself.
func (t *try) one(s driver.Setting, all []driver.Setting) {
	with := map[string]any{}
	for _, other := range all {
		if value, err := other.Value(s.With[other.Key]); err == nil && value != nil {
			with[other.Key] = value
		}
		if other.Unless == s.Key {
			with[other.Key] = leftOut
		}
	}
	if s.Required {
		t.names("without "+s.Key, nil, s.Key, []string{s.Key})
	}
	for what, typed := range map[string]string{"example": s.Example, "default": s.Default} {
		if value, err := s.Value(typed); err == nil && value != nil {
			with[s.Key] = value
			t.taken("with the "+what+" of "+s.Key, with)
		}
	}
	if s.Kind == driver.SettingRows {
		with[s.Key] = sample(s)
		t.taken("with one row of "+s.Key, with)
		t.row(s, with)
	}
	for _, c := range s.Choices {
		with[s.Key] = c.Value
		t.taken("with "+s.Key+" "+c.Value, with)
	}
	if s.Kind == driver.SettingYesNo {
		with[s.Key] = true
		t.taken("with "+s.Key, with)
	}
}

// row tries the fields of a row.
func (t *try) row(s driver.Setting, with map[string]any) {
	for _, f := range s.Fields {
		row := required(s.Fields)
		for _, other := range s.Fields {
			if value, err := other.Value(f.With[other.Key]); err == nil && value != nil {
				row[other.Key] = value
			}
		}
		with[s.Key] = []any{row}
		if f.Required {
			delete(row, f.Key)
			t.names("with a row without "+f.Key, with, s.Key+"[0]."+f.Key, nil)
			continue
		}
		row[f.Key] = sample(f)
		t.taken("with "+f.Key+" in a row", with)
	}
}

// taken tries a configuration that must be taken.
func (t *try) taken(what string, more map[string]any) {
	config := maps.Clone(t.base)
	maps.Copy(config, more)
	maps.DeleteFunc(config, func(_ string, value any) bool { return value == leftOut })
	if err := t.d.Check(written(config)); err != nil {
		t.flaws = append(t.flaws, fmt.Sprintf("%s it is refused: %v", what, err))
	}
}

// names tries a configuration that must be refused by the name of a field.
func (t *try) names(what string, more map[string]any, field string, less []string) {
	config := maps.Clone(t.base)
	maps.Copy(config, more)
	for _, key := range less {
		delete(config, key)
	}
	err := t.d.Check(written(config))
	if e, is := errors.AsType[*sashlock.Error](err); !is || e.Kind != sashlock.Invalid || e.Subject != field || e.Hint == "" {
		t.flaws = append(t.flaws, fmt.Sprintf("%s the answer is %v, want one of kind invalid about %q with a hint", what, err, field))
	}
}

func written(config map[string]any) json.RawMessage {
	text, _ := json.Marshal(config) //nolint:errcheck // strings, numbers, lists and maps of them
	return text
}
