// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sashlock/sashlock/driver"
)

// manifests returns what the drivers say of themselves, by name. A manifest
// that cannot be read is left out: checkDriverFolders says so.
func (t *tree) manifests() []driver.Manifest {
	var all []driver.Manifest
	for _, p := range t.pkgs {
		if path.Dir(p.dir) != "driver" || isSuite(p.dir) || p.dir == "driver/example" { // the example is for no store
			continue
		}
		if m, err := driver.ReadManifest([]byte(t.text(p.dir + "/manifest.yaml"))); err == nil {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b driver.Manifest) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// gatewayPage explains the configuration of every driver.
func (t *tree) gatewayPage() string {
	var b strings.Builder
	fmt.Fprintf(&b, origin, "driver/*/manifest.yaml")
	b.WriteString("# Gateways\n\nA gateway is one connection of a driver: to a radio, a broker, a bus or a cloud. It is set up on the console, at `/gateways`, or in [config.yaml](config.md). Secrets are never part of it, only the file or the environment variable that holds them: any in config.yaml; on the console a file in the folder `secrets` of the data folder, by its name, or a variable that begins with `SASHLOCK_GATEWAY_`.\n")
	for _, m := range t.manifests() {
		if len(m.Config) == 0 {
			continue // not for a store: the simulated one is the demo's
		}
		fmt.Fprintf(&b, "\n## %s: `%s`\n\n%s. [How it works, and its limits](../../driver/%s/README.md).\n\n", m.Title, m.Name, strings.TrimSuffix(m.Reaches, "."), m.Name)
		settingTable(&b, m.Config)
		for _, s := range m.Config {
			if s.Kind == driver.SettingRows {
				fmt.Fprintf(&b, "\nEach of `%s`:\n\n", s.Key)
				settingTable(&b, s.Fields)
			}
		}
		b.WriteString("\n```yaml\ngateways:\n  - name: " + m.Name + "-1\n    driver: " + m.Name + "\n    config:\n")
		for _, s := range m.Config {
			if s.Required {
				writeSample(&b, s, "      ")
			}
		}
		b.WriteString("```\n")
	}
	return b.String()
}

// writeSample writes what a required setting looks like in YAML. The samples
// are ours: none needs quotes that it does not have.
func writeSample(b *strings.Builder, s driver.Setting, indent string) {
	switch s.Kind {
	case driver.SettingRows:
		fmt.Fprintf(b, "%s%s:\n", indent, s.Key)
		dash := "- "
		for i, f := range s.Fields {
			if f.Required || i == 0 {
				fmt.Fprintf(b, "%s  %s%s: %s\n", indent, dash, f.Key, f.Sample())
				dash = "  "
			}
		}
	case driver.SettingList:
		fmt.Fprintf(b, "%s%s: [%s]\n", indent, s.Key, strings.ReplaceAll(s.Sample(), "\n", ", "))
	default:
		fmt.Fprintf(b, "%s%s: %s\n", indent, s.Key, s.Sample())
	}
}

var kindWords = map[driver.SettingKind]string{
	driver.SettingText: "text", driver.SettingURL: "address", driver.SettingNumber: "number", driver.SettingDuration: "length of time",
	driver.SettingFile: "file", driver.SettingSecretFile: "file with a secret", driver.SettingSecretEnv: "environment variable with a secret",
	driver.SettingKeptFile: "file that it keeps", driver.SettingKeptFolder: "folder that it keeps", driver.SettingSerial: "serial port",
	driver.SettingYesNo: "yes or no", driver.SettingList: "list", driver.SettingRows: "rows",
}

// beside lists the settings that one needs and that are not there anyway.
func beside(s driver.Setting, all []driver.Setting) []string {
	var keys []string
	for _, other := range all {
		if _, needs := s.With[other.Key]; needs && !other.Required {
			keys = append(keys, other.Key)
		}
	}
	return keys
}

func settingTable(b *strings.Builder, all []driver.Setting) {
	b.WriteString("| Key | What it is | Kind | If left out | Example |\n|---|---|---|---|---|\n")
	for _, s := range all {
		about := s.Title
		if s.Help != "" {
			about += ". " + s.Help
		}
		if only := beside(s, all); len(only) > 0 {
			about += " Only with `" + strings.Join(only, "`, `") + "`."
		}
		kind := kindWords[s.Kind]
		if s.Kind == driver.SettingChoice {
			var values []string
			for _, c := range s.Choices {
				values = append(values, "`"+c.Value+"`: "+c.Title)
			}
			kind = strings.Join(values, "; ")
		}
		without := ""
		switch {
		case s.Unless != "":
			without = "required, or `" + s.Unless + "`"
		case s.Required:
			without = "required"
		case s.Default != "":
			without = "`" + s.Default + "`"
		case s.Kind == driver.SettingYesNo:
			without = "no"
		}
		example := ""
		if s.Example != "" {
			example = "`" + strings.ReplaceAll(s.Example, "\n", ", ") + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", s.Key, cell(about), cell(kind), without, example)
	}
}
