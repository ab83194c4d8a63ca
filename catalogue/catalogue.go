// SPDX-License-Identifier: Apache-2.0

// Package catalogue is what is known of locks that are sold: by which ways each
// can be reached, what works by each way, and how far that was tried.
//
// # What
//
// One file for each brand in models, and ways.yaml for the ways themselves. A
// model is listed because an ecosystem's own definitions name it, or because
// its maker says what it can do; [Brand.Sources] says which.
//
// # How it fits
//
// The compatibility page of the console, the reference in docs/reference and
// the page of a device are made from it. To add a lock, edit its brand's file;
// to add a brand, add a file. Drivers do not read it: what a single lock can do
// they ask the lock.
//
// # Promises
//
// Nothing stronger is claimed than was seen: a test compares what is said to be
// tested with the manifests of the drivers.
package catalogue

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/yamlfile"
)

//go:embed ways.yaml models/*.yaml
var files embed.FS

// Ability is something a lock does by one way of reaching it.
type Ability string

// The abilities, in the order in which they are shown.
const (
	State     Ability = "state"     // tells whether it is locked
	Unlock    Ability = "unlock"    // unlocks on command
	Lock      Ability = "lock"      // locks on command
	Release   Ability = "release"   // unlocks for a moment and locks by itself
	Codes     Ability = "codes"     // keeps PINs that we write
	Schedules Ability = "schedules" // keeps times for them
	Who       Ability = "who"       // tells which slot or which way opened it
	Position  Ability = "position"  // tells whether the door is open
	Battery   Ability = "battery"   // tells its charge
	Tamper    Ability = "tamper"    // tells that somebody is at it
)

// Abilities lists all of them, in the order in which they are shown.
func Abilities() []Ability {
	return []Ability{State, Unlock, Lock, Release, Codes, Schedules, Who, Position, Battery, Tamper}
}

// Way is a way of reaching locks.
type Way struct {
	Name    string `yaml:"name"`    // key: "zwavejs"
	Title   string `yaml:"title"`   // what people call it: "Z-Wave"
	Through string `yaml:"through"` // what stands between: "a Z-Wave JS server"
	Offline string `yaml:"offline"` // what goes on with the network gone, in a sentence
	Driver  string `yaml:"driver"`  // its folder below driver; empty: none yet
	Note    string `yaml:"note"`    // what to know before buying; may be empty
	Agreed  bool   `yaml:"agreed"`  // its maker has to agree first, so that it cannot be counted on

	Verdict Verdict  `yaml:"verdict"` // what a lock reached by it is: native or adapter
	Gateway string   `yaml:"gateway"` // what each store needs one of; may be empty
	Steps   []string `yaml:"steps"`   // how a lock comes over, in order
}

// Ready reports whether a lock can be reached this way today, by who has what it
// takes.
func (w Way) Ready() bool { return w.Driver != "" && !w.Agreed }

// Brand is a maker, or a name under which locks are sold.
type Brand struct {
	Name    string   `yaml:"brand"`
	Says    string   `yaml:"says"`    // the honest path to it, in a sentence or two
	Sources []string `yaml:"sources"` // where the facts are from
	Models  []Model  `yaml:"models"`
}

// Model is one sort of lock.
type Model struct {
	Name  string  `yaml:"name"`
	About string  `yaml:"about"` // what it is; may be empty
	Ways  []Reach `yaml:"ways"`
}

// Reach is one way to one model.
type Reach struct {
	Via    string        `yaml:"via"`   // name of the way
	Known  string        `yaml:"known"` // what the ecosystem calls it; may be empty
	Does   []Ability     `yaml:"does"`  // what its ecosystem says works
	Tested driver.Tested `yaml:"tested"`
	Note   string        `yaml:"note"` // may be empty
}

// Catalogue is all that is known.
type Catalogue struct {
	Ways   []Way
	Brands []Brand // by name
}

// All reads the catalogue. An error names the file and the field; the files are
// part of the program, so only a test ever sees one.
var All = sync.OnceValues(func() (Catalogue, error) { return read(files) })

// wayFile is ways.yaml.
type wayFile struct {
	Ways []Way `yaml:"ways"`
}

func read(from fs.FS) (c Catalogue, err error) {
	var w wayFile
	if err := decode(from, "ways.yaml", &w); err != nil {
		return c, err
	}
	for _, one := range w.Ways {
		if one.Verdict != Native && one.Verdict != Adapter || len(one.Steps) == 0 {
			return c, fmt.Errorf("ways.yaml: %s: say whether a lock reached by it is native or needs an adapter, and in which steps it comes over", one.Name)
		}
	}
	c.Ways = w.Ways
	names, err := fs.Glob(from, "models/*.yaml")
	if err != nil {
		return c, err
	}
	for _, name := range names {
		var b Brand
		if err := decode(from, name, &b); err != nil {
			return c, err
		}
		if err := c.check(b); err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
		c.Brands = append(c.Brands, b)
	}
	slices.SortFunc(c.Brands, func(a, b Brand) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return c, nil
}

func decode(from fs.FS, name string, into any) error {
	text, err := fs.ReadFile(from, name)
	if err == nil {
		err = yamlfile.Decode(text, into)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path.Base(name), err)
	}
	return nil
}

// check says what is wrong with a brand.
func (c Catalogue) check(b Brand) error {
	if b.Name == "" || b.Says == "" || len(b.Sources) == 0 || len(b.Models) == 0 {
		return fmt.Errorf("a brand has a name, says how it is reached, names its sources and has models")
	}
	seen := map[string]bool{}
	for _, m := range b.Models {
		if m.Name == "" || len(m.Ways) == 0 || seen[m.Name] {
			return fmt.Errorf("model %q: it needs a name of its own and a way", m.Name)
		}
		seen[m.Name] = true
		for _, r := range m.Ways {
			if err := c.checkReach(r); err != nil {
				return fmt.Errorf("model %q: %w", m.Name, err)
			}
		}
	}
	return nil
}

func (c Catalogue) checkReach(r Reach) error {
	way, known := c.Way(r.Via)
	if !known {
		return fmt.Errorf("via %q is no way of ways.yaml", r.Via)
	}
	switch r.Tested {
	case driver.TestedRealStack, driver.TestedMakersFake, driver.TestedSimulated, driver.TestedTranscript, driver.NotTested:
	default:
		return fmt.Errorf("tested %q: say real stack, maker's fake, simulated, transcript or not yet", r.Tested)
	}
	if way.Driver == "" && r.Tested != driver.NotTested {
		return fmt.Errorf("via %s: nothing can be tested without a driver", r.Via)
	}
	for _, a := range r.Does {
		if !slices.Contains(Abilities(), a) {
			return fmt.Errorf("there is no ability %q", a)
		}
	}
	return nil
}

// Way returns a way by its name.
func (c Catalogue) Way(name string) (Way, bool) {
	i := slices.IndexFunc(c.Ways, func(w Way) bool { return w.Name == name })
	if i < 0 {
		return Way{}, false
	}
	return c.Ways[i], true
}

// Brand returns a brand by its name, whatever its case.
func (c Catalogue) Brand(name string) (Brand, bool) {
	i := slices.IndexFunc(c.Brands, func(b Brand) bool { return strings.EqualFold(b.Name, name) })
	if i < 0 {
		return Brand{}, false
	}
	return c.Brands[i], true
}

// Find returns what is known of a device as its ecosystem names it, by the way
// it is reached; false when that model is not listed.
func (c Catalogue) Find(maker, model, via string) (Model, Reach, bool) {
	for _, b := range c.Brands {
		if !strings.EqualFold(b.Name, maker) && !strings.Contains(strings.ToLower(maker), strings.ToLower(b.Name)) {
			continue
		}
		for _, m := range b.Models {
			for _, r := range m.Ways {
				if r.Via == via && (m.named(model) || listed(r.Known, model)) {
					return m, r, true
				}
			}
		}
	}
	return Model{}, Reach{}, false
}

// named reports whether a model goes by a name; several are written "A / B".
func (m Model) named(name string) bool {
	return strings.EqualFold(m.Name, name) || slices.ContainsFunc(strings.Split(m.Name, " / "), func(one string) bool { return strings.EqualFold(one, name) })
}

func listed(known, name string) bool {
	return slices.Contains(strings.Split(known, ", "), name)
}

// Best is the farthest that any way to a model was tried.
func (m Model) Best() driver.Tested {
	order := []driver.Tested{driver.TestedRealStack, driver.TestedMakersFake, driver.TestedSimulated, driver.TestedTranscript}
	for _, t := range order {
		if slices.ContainsFunc(m.Ways, func(r Reach) bool { return r.Tested == t }) {
			return t
		}
	}
	return driver.NotTested
}
