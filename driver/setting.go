// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
)

// The rules are:
//
//  1. A manifest names every key of the driver's configuration, once, and none
//     besides. drivertest.Settings holds it to that.
//  2. Check of the driver decides what is right. What stands here is for people:
//     what a form asks, and what the reference says.
//  3. A secret is never a setting, only where it is kept: a file, or a variable
//     of the environment.

// Setting is one key of a driver's configuration as people are asked for it.
type Setting struct {
	// Key is the name in the configuration: "password_file".
	Key string `yaml:"key" json:"key"`
	// Title is what people call it, in a few words: "File with the password".
	Title string `yaml:"title" json:"title"`
	// Kind says what is typed.
	Kind SettingKind `yaml:"kind" json:"kind"`
	// Required says that Check refuses a configuration without it.
	Required bool `yaml:"required" json:"required,omitempty"`
	// Unless names another setting that can be there instead of this required
	// one.
	Unless string `yaml:"unless" json:"unless,omitempty"`
	// Default is what holds when it is left out, as it would be typed; empty:
	// nothing, no, or what Help says.
	Default string `yaml:"default" json:"default,omitempty"`
	// Example is a value that Check takes, as it would be typed.
	Example string `yaml:"example" json:"example,omitempty"`
	// Choices are what can be chosen, for kind choice.
	Choices []Choice `yaml:"choices" json:"choices,omitempty"`
	// Fields are the settings of one row, for kind rows.
	Fields []Setting `yaml:"fields" json:"fields,omitempty"`
	// With are other settings this one cannot do without, each with an example
	// beside which this one's is taken.
	With map[string]string `yaml:"with" json:"with,omitempty"`
	// SessionOnly says that it names the session to the other side, which ends
	// an older one of the same name: it is left out when a configuration is only
	// tried, lest the try take the place of the session at work.
	SessionOnly bool `yaml:"session_only" json:"session_only,omitempty"`
	// Help says in a sentence or two what it is for and what to watch out for.
	Help string `yaml:"help" json:"help,omitempty"`
}

// Choice is one value of a setting of kind choice.
type Choice struct {
	Value string `yaml:"value" json:"value"` // as the configuration has it
	Title string `yaml:"title" json:"title"` // as people read it
}

// SettingKind says what is typed for a setting, and how the configuration has
// it.
type SettingKind string

// The kinds of setting.
const (
	SettingText       SettingKind = "text"        // a line of text
	SettingURL        SettingKind = "url"         // the address of something, with a scheme
	SettingNumber     SettingKind = "number"      // a whole number
	SettingDuration   SettingKind = "duration"    // a length of time as Go writes it: "10s", "1m30s"
	SettingFile       SettingKind = "file"        // the path of a file
	SettingSecretFile SettingKind = "secret_file" // the path of a file that holds a secret
	SettingSecretEnv  SettingKind = "secret_env"  // the name of an environment variable that holds a secret
	SettingKeptFile   SettingKind = "kept_file"   // the path of a file that the driver makes and keeps
	SettingKeptFolder SettingKind = "kept_folder" // the path of a folder of such files
	SettingSerial     SettingKind = "serial_port" // the path of a serial port
	SettingChoice     SettingKind = "choice"      // one of several values
	SettingYesNo      SettingKind = "yes_no"      // yes or no
	SettingList       SettingKind = "list"        // several texts, one a line
	SettingRows       SettingKind = "rows"        // several things of the same settings
)

var settingKinds = []SettingKind{
	SettingText, SettingURL, SettingNumber, SettingDuration, SettingFile, SettingSecretFile, SettingSecretEnv,
	SettingKeptFile, SettingKeptFolder, SettingSerial, SettingChoice, SettingYesNo, SettingList, SettingRows,
}

// Value reads what was typed for a setting as the configuration has it: a
// string, an int64, a bool or a []string. Nothing typed, and for a box that
// is not ticked, gives nil: the key is left out. The error is of kind invalid
// with the key as its subject. Rows have no value: their fields do.
func (s Setting) Value(typed string) (any, error) {
	typed = strings.TrimSpace(typed)
	if typed == "" || s.Kind == SettingRows {
		return nil, nil
	}
	switch s.Kind {
	case SettingNumber:
		n, err := strconv.ParseInt(typed, 10, 64)
		if err != nil {
			return nil, BadConfig(s.Key, "write a whole number")
		}
		return n, nil
	case SettingDuration:
		if _, err := time.ParseDuration(typed); err != nil {
			return nil, BadConfig(s.Key, `write a length of time, like "10s" or "1m30s"`)
		}
	case SettingYesNo:
		if typed != "yes" && typed != "no" {
			return nil, BadConfig(s.Key, "say yes or no")
		}
		if typed == "no" && s.Default != "yes" {
			return nil, nil
		}
		return typed == "yes", nil
	case SettingChoice:
		if !slices.ContainsFunc(s.Choices, func(c Choice) bool { return c.Value == typed }) {
			return nil, BadConfig(s.Key, "choose one of those listed")
		}
	case SettingList:
		var all []string
		for line := range strings.Lines(typed) {
			if line = strings.TrimSpace(line); line != "" {
				all = append(all, line)
			}
		}
		return all, nil
	}
	return typed, nil
}

// Typed is the inverse of [Setting.Value]: how a value of a configuration, as
// encoding/json or a YAML decoder reads it, would be typed. What is not of the
// setting's kind gives "".
func (s Setting) Typed(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int, int64, uint64:
		return fmt.Sprint(v)
	case []string:
		return strings.Join(v, "\n")
	case []any:
		lines := make([]string, 0, len(v))
		for _, one := range v {
			lines = append(lines, s.Typed(one))
		}
		return strings.Join(lines, "\n")
	}
	return ""
}

var settingKey = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// checkSettings says what is wrong with the settings of a manifest. Below is
// true for those of a row.
func checkSettings(all []Setting, path string, below bool) error {
	seen := map[string]bool{}
	for i, s := range all {
		at := fmt.Sprintf("%s[%d].", path, i)
		if field, hint := s.wrong(below); field != "" {
			return badManifest(at+field, hint)
		}
		if seen[s.Key] {
			return badManifest(at+"key", "another setting has this key")
		}
		seen[s.Key] = true
		if err := checkSettings(s.Fields, at+"fields", true); err != nil {
			return err
		}
	}
	for i, s := range all {
		if s.Unless != "" && (!seen[s.Unless] || s.Unless == s.Key || !s.Required) {
			return badManifest(fmt.Sprintf("%s[%d].unless", path, i), "name another setting, which is there instead of this required one")
		}
		for other := range s.With {
			if !seen[other] || other == s.Key {
				return badManifest(fmt.Sprintf("%s[%d].with", path, i), fmt.Sprintf("there is no other setting %q", other))
			}
		}
	}
	return nil
}

// wrong names the first field of a setting that is not right.
func (s Setting) wrong(below bool) (field, hint string) {
	switch {
	case !settingKey.MatchString(s.Key):
		return "key", "use 1 to 40 of a-z, 0-9 and _"
	case s.Title == "":
		return "title", "say what people call it"
	case !slices.Contains(settingKinds, s.Kind):
		return "kind", fmt.Sprintf("there is no kind %q", s.Kind)
	case (s.Kind == SettingChoice) != (len(s.Choices) > 0):
		return "choices", "a choice has them, and nothing else"
	case (s.Kind == SettingRows) != (len(s.Fields) > 0):
		return "fields", "rows have them, and nothing else"
	case s.Kind == SettingRows && below:
		return "kind", "a row holds no rows"
	case s.Required && s.SessionOnly:
		return "session_only", "what is required cannot be left out"
	case s.Required && s.Default != "":
		return "default", "what is required has none"
	case s.Example == "" && s.Default == "" && s.Kind != SettingYesNo && s.Kind != SettingChoice && s.Kind != SettingRows:
		return "example", "give a value that is taken"
	}
	for _, c := range s.Choices {
		if c.Value == "" || c.Title == "" {
			return "choices", "give each a value and a title"
		}
	}
	for name, text := range map[string]string{"default": s.Default, "example": s.Example} {
		if _, err := s.Value(text); err != nil {
			return name, "it could not be typed: " + hintOf(err)
		}
	}
	return "", ""
}

func hintOf(err error) string {
	if e, is := err.(*sashlock.Error); is { //nolint:errorlint // Value has just made it
		return e.Hint
	}
	return err.Error()
}

// Sample is a value that [Setting.Value] takes: the example, the default, or
// the first of the choices. For rows it is "".
func (s Setting) Sample() string {
	switch {
	case s.Example != "":
		return s.Example
	case s.Default != "":
		return s.Default
	case s.Kind == SettingChoice:
		return s.Choices[0].Value
	case s.Kind == SettingYesNo:
		return "yes"
	}
	return ""
}

// Texts lists the sentences of a manifest that people read in their own
// language.
func (m Manifest) Texts() []string {
	var all []string
	add := func(texts ...string) {
		for _, t := range texts {
			if t != "" && !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	add(m.Title, m.Reaches)
	var settings func([]Setting)
	settings = func(list []Setting) {
		for _, s := range list {
			add(s.Title, s.Help)
			for _, c := range s.Choices {
				add(c.Title)
			}
			settings(s.Fields)
		}
	}
	settings(m.Config)
	return all
}
