// SPDX-License-Identifier: Apache-2.0

package gateways

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/lang"
)

// mostShown is how many devices that a test found are named.
const mostShown = 20

// called is what a device that was found is called.
func called(d driver.Discovery) string {
	name := cmp.Or(d.Name, strings.TrimSpace(d.Maker+" "+d.Model), d.Address)
	if what := strings.TrimSpace(d.Maker + " " + d.Model); what != "" && what != name {
		name += " · " + what
	}
	return name
}

// aside is what to know of a setting besides its help.
func aside(ctx context.Context, s driver.Setting) string {
	var all []string
	if s.Default != "" && s.Kind != driver.SettingYesNo && s.Kind != driver.SettingChoice {
		all = append(all, lang.T(ctx, "Usually %s.", s.Default))
	}
	if s.Kind == driver.SettingList {
		all = append(all, lang.T(ctx, "One a line."))
	}
	return strings.Join(all, " ")
}

// instead is what another setting is called that can be there in place of this
// one.
func instead(d *draft, s driver.Setting) string {
	for _, other := range d.Manifest.Config {
		if s.Unless != "" && other.Key == s.Unless {
			return other.Title
		}
	}
	return ""
}

// placeholder shows what is meant where nothing is typed yet.
func placeholder(s driver.Setting) string {
	switch s.Kind {
	case driver.SettingFile, driver.SettingSecretFile, driver.SettingKeptFile, driver.SettingKeptFolder:
		return s.Example[strings.LastIndexByte(s.Example, '/')+1:]
	case driver.SettingSecretEnv:
		return "SASHLOCK_GATEWAY_" + s.Example
	}
	return cmp.Or(s.Example, s.Default)
}

// inputMode is the keyboard that a phone shows.
func inputMode(s driver.Setting) string {
	switch s.Kind {
	case driver.SettingNumber:
		return "numeric"
	case driver.SettingURL:
		return "url"
	}
	return "text"
}

// suggestions is the list that a field offers.
func suggestions(s driver.Setting) string {
	if s.Kind == driver.SettingFile || s.Kind == driver.SettingSecretFile {
		return "files"
	}
	return ""
}

func ticked(d *draft, s driver.Setting, path string) bool {
	return cmp.Or(d.Typed[path], s.Default) == "yes"
}

func chosen(d *draft, s driver.Setting, path string) string {
	return cmp.Or(d.Typed[path], s.Default)
}

// offered is how many rows a setting shows.
func offered(d *draft, s driver.Setting) int { return min(d.Rows[s.Key]+freeRows, mostRows) }

// asksForFiles reports whether any setting names a file or a variable.
func asksForFiles(all []driver.Setting) bool {
	return slices.ContainsFunc(all, func(s driver.Setting) bool {
		return s.Kind == driver.SettingFile || s.Kind == driver.SettingSecretFile || s.Kind == driver.SettingSecretEnv || asksForFiles(s.Fields)
	})
}
