// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"encoding/json"
	"errors"
	"strings"
)

// plainly writes the value of a declared field without the marks of JSON: lists
// with commas, what is made of several fields with their names, and several of
// those one after the other. Text that is no list and has no fields stays as it
// is.
func plainly(value string) string {
	if !strings.HasPrefix(value, "[") && !strings.HasPrefix(value, "{") {
		return value
	}
	d := json.NewDecoder(strings.NewReader(value))
	d.UseNumber()
	text, err := plain(d)
	if err != nil || d.More() {
		return value
	}
	return text
}

func plain(d *json.Decoder) (string, error) {
	token, err := d.Token()
	if err != nil {
		return "", err
	}
	switch t := token.(type) {
	case json.Delim:
		return plainAll(d, t == '{')
	case string:
		return t, nil
	case json.Number:
		return t.String(), nil
	case bool:
		if t {
			return "true", nil
		}
		return "false", nil
	default:
		return "–", nil
	}
}

var errUnnamed = errors.New("a field without a name")

// plainAll writes what follows an opening bracket, up to the closing one.
func plainAll(d *json.Decoder, named bool) (string, error) {
	var parts []string
	between := ", "
	for d.More() {
		name := ""
		if named {
			token, err := d.Token()
			word, ok := token.(string)
			if err != nil || !ok {
				return "", errors.Join(err, errUnnamed)
			}
			name = word + " "
		}
		text, err := plain(d)
		if err != nil {
			return "", err
		}
		if strings.Contains(text, ", ") {
			between = "; "
		}
		parts = append(parts, name+text)
	}
	_, err := d.Token()
	return strings.Join(parts, between), err
}
