// SPDX-License-Identifier: Apache-2.0

package gateways

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/lang"
)

// The rules about secrets are:
//
//  1. Whoever may set up gateways on the console need not be whoever owns the
//     machine. If they could name any file, they could have the keys of the
//     ledger sent to a broker of theirs as its password.
//  2. So a file is a name in one folder, which the owner of the machine fills,
//     and a variable has one prefix, which they give.
//  3. What a driver keeps goes into a folder of its own, by a name; what it
//     opens as a serial port is one.
//  4. config.yaml belongs to the owner of the machine and may name anything.

// EnvPrefix is how the variables begin that a gateway of the console may name.
const EnvPrefix = "SASHLOCK_GATEWAY_"

var (
	fileName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	serialPort = regexp.MustCompile(`^/dev/(tty[A-Za-z0-9]{1,20}|cu\.[A-Za-z0-9._-]{1,60}|serial/by-(id|path)/[A-Za-z0-9][A-Za-z0-9._:+-]{0,150})$`)
)

// Check says what is wrong with a gateway's settings: first of its files and
// variables, then what its driver says. It returns the configuration as the
// driver takes it.
func (r *Room) Check(g Gateway) (json.RawMessage, error) {
	m, err := r.Describe(g.Driver)
	if err != nil {
		return nil, err
	}
	config, err := r.resolve(m.Config, g.Config, "")
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	return text, r.Drivers[g.Driver].Check(text)
}

// resolve puts the paths of files in place of their names.
func (r *Room) resolve(settings []driver.Setting, config map[string]any, path string) (map[string]any, error) {
	out := make(map[string]any, len(config))
	for key, value := range config {
		i := slices.IndexFunc(settings, func(s driver.Setting) bool { return s.Key == key })
		if i < 0 {
			return nil, driver.BadConfig(path+key, lang.Mark("there is no such setting"))
		}
		var err error
		if out[key], err = r.resolved(settings[i], value, path+key); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *Room) resolved(s driver.Setting, value any, path string) (any, error) {
	switch s.Kind {
	case driver.SettingFile, driver.SettingSecretFile:
		name, is := value.(string)
		if !is || !fileName.MatchString(name) {
			return nil, driver.BadConfig(path, lang.Mark("give the name of a file in the folder of secrets, without its path"))
		}
		file := filepath.Join(r.Secrets, name)
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
			return nil, driver.BadConfig(path, lang.Mark("there is no such file in the folder of secrets: put it there first"))
		}
		return file, nil
	case driver.SettingKeptFile, driver.SettingKeptFolder:
		name, is := value.(string)
		if !is || !fileName.MatchString(name) {
			return nil, driver.BadConfig(path, lang.Mark("give a name, without a path: it is kept in the data folder"))
		}
		return filepath.Join(r.Kept, name), nil
	case driver.SettingSerial:
		name, is := value.(string)
		if !is || !serialPort.MatchString(name) {
			return nil, driver.BadConfig(path, lang.Mark("name a serial port, like /dev/ttyUSB0"))
		}
	case driver.SettingSecretEnv:
		name, is := value.(string)
		if !is || !strings.HasPrefix(name, EnvPrefix) {
			return nil, driver.BadConfig(path, lang.Mark("variables for gateways begin with SASHLOCK_GATEWAY_"))
		}
	case driver.SettingRows:
		rows, is := value.([]any)
		if !is {
			return nil, driver.BadConfig(path, lang.Mark("it takes rows"))
		}
		out := make([]any, len(rows))
		for i, row := range rows {
			one, is := row.(map[string]any)
			if !is {
				return nil, driver.BadConfig(path, lang.Mark("it takes rows"))
			}
			var err error
			if out[i], err = r.resolve(s.Fields, one, fmt.Sprintf("%s[%d].", path, i)); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return value, nil
}

// prepare makes the folders that a gateway's driver keeps things in.
func (r *Room) prepare(g Gateway) error {
	m, err := r.Describe(g.Driver)
	if err != nil {
		return err
	}
	for _, s := range m.Config {
		name, is := g.Config[s.Key].(string)
		switch {
		case is && s.Kind == driver.SettingKeptFile:
			err = os.MkdirAll(r.Kept, 0o700)
		case is && s.Kind == driver.SettingKeptFolder:
			err = os.MkdirAll(filepath.Join(r.Kept, name), 0o700)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Files lists the names in the folder of secrets that a setting can have.
func (r *Room) Files() []string {
	entries, err := os.ReadDir(r.Secrets)
	if err != nil {
		return nil // it is made when the first secret is put there
	}
	var names []string
	for _, e := range entries {
		if fileName.MatchString(e.Name()) && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// YAML is a gateway as config.yaml has it; empty when its settings are not
// right.
func (r *Room) YAML(g Gateway) string {
	m, err := r.Describe(g.Driver)
	if err != nil {
		return ""
	}
	config, err := r.resolve(m.Config, g.Config, "")
	if err != nil {
		return ""
	}
	text, err := yaml.MarshalWithOptions(map[string]any{"gateways": []any{yaml.MapSlice{
		{Key: "name", Value: g.Name}, {Key: "driver", Value: g.Driver}, {Key: "config", Value: ordered(m.Config, config)},
	}}}, yaml.IndentSequence(true))
	if err != nil {
		return ""
	}
	return string(text)
}

// ordered is a configuration in the order of the manifest.
func ordered(settings []driver.Setting, config map[string]any) yaml.MapSlice {
	var out yaml.MapSlice
	for _, s := range settings {
		value, has := config[s.Key]
		if !has {
			continue
		}
		if rows, is := value.([]any); is && s.Kind == driver.SettingRows {
			all := make([]any, 0, len(rows))
			for _, row := range rows {
				if one, is := row.(map[string]any); is {
					all = append(all, ordered(s.Fields, one))
				}
			}
			value = all
		}
		out = append(out, yaml.MapItem{Key: s.Key, Value: value})
	}
	return out
}
