// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sashlock/sashlock"
)

// maxConfig is the most bytes a driver's configuration may have.
const maxConfig = 1 << 20

// DecodeConfig reads a driver's configuration into the driver's own type, the
// same way for every driver: unknown keys, repeated keys, values of the wrong
// type, anything after the object and more than 1 MiB are refused. The error
// is a sashlock.Error of kind invalid whose subject is the field.
func DecodeConfig(config json.RawMessage, into any) error {
	if len(config) > maxConfig {
		return BadConfig("", "it is longer than 1 MiB")
	}
	if key, err := repeatedKey(config); err != nil {
		return wrongConfig("", "write it as one JSON object", err)
	} else if key != "" {
		return BadConfig(key, "it is there twice: keep one")
	}
	if trimmed := bytes.TrimSpace(config); len(trimmed) == 0 || trimmed[0] != '{' {
		return BadConfig("", "write it as one JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(config))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongType):
		given, _, _ := strings.Cut(wrongType.Value, " ") // the rest is the value itself, which may be secret
		return BadConfig(wrongType.Field, fmt.Sprintf("it takes a %s, not a %s", wrongType.Type, given))
	}
	// The package has no type for this error, only its words.
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return BadConfig(strings.Trim(field, `"`), "there is no such setting")
	}
	return wrongConfig("", "write it as one JSON object", err)
}

// BadConfig returns the error of [Driver.Check] for one field: of kind
// invalid, with the field as its subject.
func BadConfig(field, hint string) error { return wrongConfig(field, hint, nil) }

func wrongConfig(field, hint string, cause error) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading driver configuration", Subject: field, Hint: hint, Err: cause}
}

// repeatedKey returns the first key that stands twice in one object. The error
// is that of text that is not a single JSON value.
func repeatedKey(text []byte) (string, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var open []map[string]bool // one for each open object, nil for an array
	key := false               // whether the next token is a key
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		if name, ok := token.(string); ok && key {
			// Keys are matched without regard to case when decoding.
			if seen := open[len(open)-1]; seen[strings.ToLower(name)] {
				return name, nil
			} else {
				seen[strings.ToLower(name)] = true
			}
			key = false
			continue
		}
		switch token {
		case json.Delim('{'):
			open = append(open, make(map[string]bool))
		case json.Delim('['):
			open = append(open, nil)
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if len(open) == 0 {
			if _, err := d.Token(); !errors.Is(err, io.EOF) {
				return "", errors.New("something follows the object")
			}
			return "", nil
		}
		key = open[len(open)-1] != nil
	}
}
